"""SMS through a Kannel gateway: smsbox `sendsms`, or its push proxy gateway by PAP.

sendsms  one POST for each SMS, cut by us with its whole user data header; nothing is left that smsbox
         could cut or truncate, whatever its `concatenation` and `max-messages` say
PAP      one POST of multipart/related (WAP-247-PAP 8): the gateway makes WSP and SMS of it

What the gateway does with a PAP push (Kannel 1.4.5), and what is done about it here:

    it copies the request's HTTP headers into the push    so none is sent but x-syncml-hmac, which
                                                          gets to the device only this way
    ... a Basic Authorization too, readable on the air    so name and password go into the URL's query
    it keeps strange headers of the content as body       so the content has Content-Type and
                                                          X-Wap-Application-Id alone
    it truncates at `max-messages` and says accepted      so the parts are counted and refused here
    its SMS are given up after 25 minutes                 told to the operator
"""

from __future__ import annotations

import ipaddress
import secrets
from xml.sax.saxutils import quoteattr

import httpx
from lxml import etree

from . import wsp_encode
from .errors import ToolError
from .push_http import APP_ID, CONTENT_TYPE
from .sms_push import Plan, Sent

TIMEOUT = 30.0
MAX_MESSAGES = 10  # Kannel's default
PAP_MINUTES = 25  # validity of what its push proxy gateway sends
PATHS = {"sendsms": "/cgi-bin/sendsms", "pap": "/wappush"}
_ACCEPTED = (0, 3)  # sendsms: accepted, queued
_ROOM_ALONE, _ROOM = 133, 128
_CODES = {
    "1000": "done",
    "1001": "accepted",
    "2000": "the gateway finds the request bad",
    "2001": "the gateway forbids it; are user and password right, and may this user send to the number?",
    "2002": "the gateway does not take the address",
    "2005": "the device's capabilities don't fit",
    "2007": "a push with this id was there before",
    "3000": "the gateway failed",
    "3006": "the gateway can't transform the message",
    "3010": "the gateway has no way to the number by SMS",
    "4000": "the gateway's service failed",
    "5000": "the device aborted it",
}


def url_of(text: str, kind: str) -> httpx.URL:
    """Check a gateway's URL and give it Kannel's path when it has none."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ToolError(f"{text}: is no URL ({error}); use http://HOST:PORT{PATHS[kind]}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ToolError(f"{text}: is no URL of a gateway; use http://HOST:PORT{PATHS[kind]}")
    if url.userinfo or url.query:
        raise ToolError(
            f"{url.copy_with(userinfo=b'', query=None)}: give name and password by --user and "
            "--password-file, not in the URL, where others can read them"
        )
    return url.copy_with(path=PATHS[kind]) if url.path in ("", "/") else url


def in_clear(url: httpx.URL) -> bool:
    """Return whether a password would cross a network readable."""
    try:
        near = ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        near = url.host == "localhost"
    return url.scheme == "http" and not near


def _post(url: httpx.URL, shown: httpx.URL, headers: dict[str, str], body: bytes) -> httpx.Response:
    # With these headers and no other: what a client adds by itself would go on the air.
    request = httpx.Request("POST", url, content=body)
    request.headers = httpx.Headers(
        {"Host": url.netloc.decode("ascii"), "Content-Length": str(len(body)), **headers}
    )
    try:
        with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
            return client.send(request)
    except httpx.ConnectError:
        raise ToolError(f"{shown}: nobody listens there; is the gateway running?") from None
    except httpx.TimeoutException:
        raise ToolError(f"{shown}: no answer in {TIMEOUT:g} s; it may or may not have been taken") from None
    except httpx.RemoteProtocolError as error:
        # Kannel's push proxy gateway says no by sending the request's own headers back.
        raise ToolError(
            f"{shown}: refused, in no proper HTTP ({error}); are --user, --password-file and the path right?"
        ) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        told = str(error) or type(error).__name__
        raise ToolError(f"{shown}: {told}; it may or may not have been taken") from None


def _text(response: httpx.Response) -> str:
    text = " ".join(response.text.split())[:120]
    return "".join(c for c in text if c.isprintable())


# -- sendsms


def sendsms(plan: Plan, text: str, sent: Sent, user: str, password: str) -> None:
    """Send all parts by smsbox."""
    url = url_of(text, "sendsms")
    for i, part in enumerate(plan.parts):
        headers = {
            "Content-Type": "application/octet-stream",
            "X-Kannel-Username": user,
            "X-Kannel-Password": password,
            "X-Kannel-To": plan.to,
            "X-Kannel-UDH": part.header.hex(),
            "X-Kannel-Coding": "1",
            "X-Kannel-Validity": str(plan.minutes),
        }
        response = _post(url, url, headers, part.payload)
        told = _text(response)
        code = told.partition(":")[0]
        if not response.is_success or not code.isdigit() or int(code) not in _ACCEPTED:
            raise ToolError(f"{url}: {_why(response, told)}; {i} of {len(plan.parts)} are sent")
        sent(i + 1)


def _why(response: httpx.Response, told: str) -> str:
    if response.status_code == 403:
        return f"refused ({told}); are --user and --password-file right, and is the number allowed?"
    if response.status_code == 404:
        return f"HTTP 404; is this the port of smsbox? Its path is {PATHS['sendsms']}"
    return f"HTTP {response.status_code}: {told or 'no reason given'}"


# -- PAP


def pap_push(plan: Plan) -> bytes:
    """Return the push as Kannel's gateway makes it: its size decides how many SMS it takes."""
    headers = wsp_encode.text(CONTENT_TYPE)
    if plan.hmac is not None:
        headers += wsp_encode.text("x-syncml-hmac") + wsp_encode.text(plan.hmac)
    headers += bytes((0xAF, 0x87, 0x8D)) + wsp_encode.integer(len(plan.message)) + bytes((0xC3, 0x93))
    return b"\0\x06" + wsp_encode.uintvar(len(headers)) + headers + plan.message


def pap_parts(plan: Plan) -> int:
    """Return how many SMS Kannel's gateway makes of the push."""
    size = len(pap_push(plan))
    return 1 if size <= _ROOM_ALONE else -(-size // _ROOM)


def pap_request(plan: Plan, url: httpx.URL, push_id: str) -> tuple[dict[str, str], bytes]:
    """Return headers and body of the POST."""
    boundary = "dmtool-" + secrets.token_hex(12)
    address = f"WAPPUSH={plan.to}/TYPE=PLMN@{url.host}"
    control = (
        '<?xml version="1.0"?>\r\n'
        '<!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN" "http://www.wapforum.org/DTD/pap_1.0.dtd">\r\n'
        f"<pap><push-message push-id={quoteattr(push_id)}><address address-value={quoteattr(address)}/>"
        '<quality-of-service priority="high" delivery-method="unconfirmed" network="GSM" '
        'network-required="true" bearer="SMS" bearer-required="true"/></push-message></pap>'
    )
    body = (
        f"--{boundary}\r\nContent-Type: application/xml\r\n\r\n{control}\r\n"
        f"--{boundary}\r\nContent-Type: {CONTENT_TYPE}\r\nX-Wap-Application-Id: {APP_ID}\r\n\r\n"
    ).encode()
    body += plan.message + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f'multipart/related; boundary={boundary}; type="application/xml"'}
    if plan.hmac is not None:
        headers["x-syncml-hmac"] = plan.hmac
    return headers, body


def check_parts(plan: Plan, most: int) -> int:
    """Return how many SMS the gateway will make; ToolError when it would truncate the push."""
    parts = pap_parts(plan)
    if parts > most:
        raise ToolError(
            f"the gateway would make {parts} SMS of it, and cuts off what is beyond {most} without a word; "
            f"set `max-messages = {parts}` in its group wapbox and give --max-messages {parts}, "
            "or use kannel-sendsms"
        )
    return parts


def pap(plan: Plan, text: str, sent: Sent, user: str, password: str, most: int = MAX_MESSAGES) -> str:
    """Push through the gateway; return the id of the push there."""
    url = url_of(text, "pap")
    parts = check_parts(plan, most)
    push_id = f"{secrets.token_hex(8)}@dmtool"
    headers, body = pap_request(plan, url, push_id)
    query = {"username": user, "password": password} if user else {}
    response = _post(url.copy_merge_params(query) if query else url, url, headers, body)
    code, told = _result(response)
    if response.status_code == 401:
        raise ToolError(f"{url}: refused; are --user and --password-file right?")
    if response.status_code == 404:
        raise ToolError(f"{url}: HTTP 404; is this the port of the gateway (ppg-port) and its ppg-url?")
    if code not in ("1000", "1001"):
        reason = _CODES.get(code, told or "no answer of a push proxy gateway")
        raise ToolError(f"{url}: HTTP {response.status_code}, code {code or 'missing'}: {reason}")
    sent(parts)
    return push_id


def _result(response: httpx.Response) -> tuple[str, str]:
    # push-response/response-result, or badmessage-response; no entity is read, nothing fetched.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(response.content, parser)
    except (etree.XMLSyntaxError, ValueError):
        return "", _text(response)
    for name in ("response-result", "badmessage-response"):
        for found in root.iter(name):
            return found.get("code", ""), found.get("desc", "")
    return "", _text(response)
