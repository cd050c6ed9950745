"""Push over HTTP: WAP push OTA-HTTP with the device as the server (docs/profile.md).

    direct    POST /wappush     Content-Type: application/vnd.syncml.dm+wbxml, body = message
    nested    POST /wappush     Content-Type: application/http, body = a whole HTTP response
                                whose headers are the push headers and whose body is the message

The answer of a device tells that it took the push, never what became of it: 204 with
X-Wap-Push-Status 400 ("accepted") comes for good and bad messages alike.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import httpx

from .errors import ToolError

CONTENT_TYPE = "application/vnd.syncml.dm+wbxml"
APP_ID = "x-wap-application:syncml.dm"
PATH = "/wappush"
TIMEOUT = 15.0
ACCEPTED = "400"

# HTTP statuses and push statuses of a device: what they mean and what to do.
_HTTP = {
    400: "the device found no HTTP request in it; is this the port of a device?",
    404: f"the path is not that of a push; use http://HOST:PORT{PATH}",
    405: f"the path takes no POST; use http://HOST:PORT{PATH}",
    408: "the device waited too long for the message; try again",
    411: "the device wants a Content-Length; send without --chunked",
    413: "the message is larger than the device's spool; split it into several messages",
    429: "the device is busy with another push; try again",
    431: "the headers are longer than the device takes (2 KiB); use a shorter auth_name",
    503: "the device is busy with another push; try again",
}
_PUSH = {
    "235": "the device refuses it and wants no retry",
    "236": "the device can't take it now; try again",
    "237": "the device discarded it",
    "238": "the device can't process this content type",
    "256": "the device's capabilities changed (CPI tag); register again",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the device said on the transport."""

    http_status: int
    push_status: str

    @property
    def accepted(self) -> bool:
        """True for 204 with push status 400: taken, not necessarily applied."""
        return self.http_status == 204 and self.push_status == ACCEPTED

    @property
    def reason(self) -> str:
        """What the answer means, in one line."""
        if self.accepted:
            return "accepted"
        if self.http_status == 204:
            told = _PUSH.get(self.push_status, "the device did not accept it")
            return f"push status {self.push_status or 'missing'}: {told}"
        told = _HTTP.get(self.http_status, "this is no answer of a push receiver")
        return f"HTTP {self.http_status}: {told}"


def url_of(text: str) -> httpx.URL:
    """Check the URL and give it the path of a push when it has none."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ToolError(f"{text}: is no URL ({error}); use http://HOST:PORT{PATH}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ToolError(f"{text}: is no URL of a push; use http://HOST:PORT{PATH}")
    if not 0 < (url.port or 80) < 65536:
        raise ToolError(f"{text}: no port has the number {url.port}; use http://HOST:PORT{PATH}")
    return url.copy_with(path=PATH) if url.path in ("", "/") else url


def request_of(message: bytes, hmac: str | None, nested: bool = False) -> tuple[dict[str, str], bytes]:
    """Return headers and body of the request; no header x-syncml-hmac when hmac is None."""
    push = {"Content-Type": CONTENT_TYPE, "X-Wap-Application-Id": APP_ID}
    if hmac is not None:
        push["x-syncml-hmac"] = hmac
    version = {"X-Wap-Push-OTA-Version": "1.0"}
    if not nested:
        return push | version, message
    push["Content-Length"] = str(len(message))
    inner = "HTTP/1.1 200 OK\r\n" + "".join(f"{k}: {v}\r\n" for k, v in push.items()) + "\r\n"
    return {"Content-Type": "application/http"} | version, inner.encode("latin-1") + message


def push(
    url: str,
    message: bytes,
    hmac: str | None,
    *,
    nested: bool = False,
    chunked: bool = False,
    timeout: float = TIMEOUT,
) -> Answer:
    """POST one message and return the answer; ToolError when there is none."""
    target = url_of(url)
    headers, body = request_of(message, hmac, nested)
    content = _blocks(body) if chunked else body
    try:
        with httpx.Client(timeout=timeout, trust_env=False) as client:
            response = client.post(target, headers=headers, content=content)
    except httpx.ConnectError as error:
        raise ToolError(f"{target}: {_why_not(target, error)}") from None
    except httpx.TimeoutException:
        raise ToolError(
            f"{target}: no answer in {timeout:g} s; the message may or may not have been taken"
        ) from None
    except httpx.HTTPError as error:
        told = str(error) or type(error).__name__
        raise ToolError(f"{target}: {told}; the message may or may not have been taken") from None
    return Answer(response.status_code, response.headers.get("X-Wap-Push-Status", "").strip())


def _why_not(target: httpx.URL, error: BaseException) -> str:
    # Why there is no connection, and what helps.
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return f"no host has the name {target.host!r}; give its address, or correct the name"
        cause = cause.__cause__ or cause.__context__
    told = "nobody listens there; is the device running and the port right?"
    return f"{told} (devices take http, not https)" if target.scheme == "https" else told


def _blocks(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 256):
        yield body[at : at + 256]
