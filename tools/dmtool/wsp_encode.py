"""A message as a WSP connectionless push: what goes into SMS (WAP-230-WSP 8.2.4.1, 8.4).

    TID(1)  06  HeadersLen(uintvar)  Content-Type  fields...  body

The shortest form that the standard has: codes instead of text where there are codes. The device
compares Content-Length with what came; the MAC covers the body in any case, so it is left out
unless asked for.
"""

from __future__ import annotations

from .errors import ToolError

PUSH = 0x06
DM_WBXML = 0x42
DM_WBXML_TEXT = "application/vnd.syncml.dm+wbxml"
SYNCML_DM = 7
MAX_HEADERS = 2048  # more than that no device takes
_CONTENT_LENGTH = 0x8D
_APPLICATION_ID = 0xAF


def uintvar(value: int) -> bytes:
    """A number, 7 bits an octet, the highest first."""
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


def integer(value: int) -> bytes:
    """A number as short-integer, or as long-integer with its length."""
    if value < 0x80:
        return bytes((value | 0x80,))
    octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((len(octets),)) + octets


def text(value: str) -> bytes:
    """A text-string; Quote stands before one that begins like something else."""
    octets = value.encode("utf-8")
    if b"\0" in octets or b"\r" in octets or b"\n" in octets:
        raise ToolError("a header value holds a line break or NUL; take it out")
    quote = b"\x7f" if octets and octets[0] >= 0x7F else b""
    return quote + octets + b"\0"


def headers(
    hmac: str | None = None,
    app_id: int | str | None = SYNCML_DM,
    content_length: int | None = None,
    content_type: int | str = DM_WBXML,
) -> bytes:
    """The headers of a push, Content-Type first."""
    parts = [text(content_type) if isinstance(content_type, str) else integer(content_type)]
    if app_id is not None:
        value = text(app_id) if isinstance(app_id, str) else integer(app_id)
        parts.append(bytes((_APPLICATION_ID,)) + value)
    if content_length is not None:
        parts.append(bytes((_CONTENT_LENGTH,)) + integer(content_length))
    if hmac is not None:
        parts.append(text("x-syncml-hmac") + text(hmac))
    return b"".join(parts)


def push(
    body: bytes,
    hmac: str | None = None,
    app_id: int | str | None = SYNCML_DM,
    with_length: bool = False,
    content_type: int | str = DM_WBXML,
    transaction: int = 0,
) -> bytes:
    """A whole push; `hmac` is the value of x-syncml-hmac."""
    head = headers(hmac, app_id, len(body) if with_length else None, content_type)
    if len(head) > MAX_HEADERS:
        raise ToolError(f"the push headers have {len(head)} octets, a device takes {MAX_HEADERS}")
    return bytes((transaction & 0xFF, PUSH)) + uintvar(len(head)) + head + body
