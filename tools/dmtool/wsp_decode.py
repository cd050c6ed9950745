"""A WSP connectionless push for people: its headers one by one, and where the body starts.

WAP-230-WSP 8.2.4.1, 8.4. Shares no code with lib/; it shows also what a device refuses. `read` raises
WspError where nothing more can be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_TYPES = {
    0x2E: "application/vnd.wap.sic", 0x34: "text/vnd.wap.sia", 0x35: "text/vnd.wap.connectivity-xml",
    0x36: "application/vnd.wap.connectivity-wbxml", 0x3E: "application/vnd.wap.mms-message",
    0x42: "application/vnd.syncml.dm+wbxml", 0x43: "application/vnd.syncml.dm+xml",
    0x44: "application/vnd.syncml.notification",
}  # fmt: skip
_APPLICATIONS = {
    0: "*",
    2: "wml.ua",
    4: "mms.ua",
    5: "push.syncml",
    7: "syncml.dm",
    9: "emn.ua",
    0x10: "ulp.ua",
}
_HEADERS = {
    0x07: "Authorization", 0x0D: "Content-Length", 0x2F: "X-Wap-Application-Id", 0x30: "X-Wap-Content-URI",
    0x31: "X-Wap-Initiator-URI", 0x34: "Push-Flag", 0x43: "Encoding-Version",
}  # fmt: skip
_PARAMETERS = {0x01: "charset", 0x11: "SEC", 0x12: "MAC"}
_AUTHORIZATION, _LENGTH, _APPLICATION, _VERSION = 0x07, 0x0D, 0x2F, 0x43


class WspError(ValueError):
    """Octets that are no push; the text says where and why."""


@dataclass(slots=True)
class Push:
    """What a push says, and its body."""

    transaction: int
    kind: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    remarks: list[str] = field(default_factory=list)

    @property
    def content_type(self) -> str:
        """The media type without parameters."""
        return self.headers[0][1].partition(";")[0].strip().lower()


@dataclass(slots=True)
class _Value:
    first: int
    octets: bytes  # without length or end

    @property
    def number(self) -> int | None:
        if self.first >= 0x80:
            return self.first & 0x7F
        if 0 < self.first < 0x1F:
            return int.from_bytes(self.octets, "big")
        return None

    def __str__(self) -> str:
        if 0x20 <= self.first < 0x80:
            return self.octets.decode("utf-8", "backslashreplace")
        if self.first >= 0x80:
            return str(self.first & 0x7F)
        return self.octets.hex(" ") or "empty"


class _Reader:
    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def u8(self) -> int:
        if self.at >= self.end:
            raise WspError(f"octet {self.at}: it ends in the middle")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        value = 0
        for _ in range(5):
            octet = self.u8()
            value = value << 7 | octet & 0x7F
            if octet < 0x80:
                return value
        raise WspError(f"octet {self.at}: a number of more than five octets")

    def value(self) -> _Value:
        first = self.u8()
        if first >= 0x80:
            return _Value(first, b"")
        if first < 0x20:
            size = self.number() if first == 0x1F else first
            if size > self.end - self.at:
                raise WspError(f"octet {self.at}: a value of {size} octets, {self.end - self.at} are left")
            self.at += size
            return _Value(first, self.data[self.at - size : self.at])
        start = self.at - (first != 0x7F)
        stop = self.data.find(0, start, self.end)
        if stop < 0:
            raise WspError(f"octet {start}: a text without an end")
        self.at = stop + 1
        return _Value(first, self.data[start:stop])


def read(data: bytes) -> Push:
    """Read a whole push."""
    reader = _Reader(data, 0, len(data))
    push = Push(reader.u8(), reader.u8())
    if push.kind != 6:
        raise WspError(f"octet 1: type {push.kind:02X} is no push")
    size = reader.number()
    start = reader.at
    if not size:
        raise WspError(f"octet {start}: it has no headers")
    if size > len(data) - start:
        raise WspError(f"octet {start}: headers of {size} octets, {len(data) - start} are left")
    push.body = data[start + size :]
    fields = _Reader(data, start, start + size)
    push.headers.append(("Content-Type", _content_type(fields)))
    page = 1
    while fields.at < fields.end:
        name = fields.data[fields.at]
        if name < 0x20 or name == 0x7F:
            fields.u8()
            page = fields.u8() if name == 0x7F else name
            push.headers.append(("(header code page)", str(page)))
        elif name < 0x80:
            push.headers.append((str(fields.value()), str(fields.value())))
        else:
            fields.u8()
            _known(push, name & 0x7F if page == 1 else -1, name, fields.value())
    return push


def _content_type(fields: _Reader) -> str:
    value = fields.value()
    if value.first >= 0x20:
        return _media(value)
    inner = _Reader(value.octets, 0, len(value.octets))
    text = _media(inner.value())
    while inner.at < inner.end:
        name = inner.value()
        known = _PARAMETERS.get(name.number if name.number is not None else -1, str(name))
        text += f"; {known}={inner.value()}"
    return text


def _media(value: _Value) -> str:
    if value.number is None:
        return str(value)
    return _TYPES.get(value.number, f"(code 0x{value.number:X})")


def _known(push: Push, name: int, octet: int, value: _Value) -> None:
    shown = str(value.number) if value.number is not None else str(value)
    if name == _APPLICATION and value.number is not None:
        shown = f"{value.number} (x-wap-application:{_APPLICATIONS.get(value.number, '?')})"
    elif name == _VERSION and value.first >= 0x80:
        shown = f"{value.first >> 4 & 7}.{value.first & 15}"
    elif name == _LENGTH and value.number != len(push.body):
        push.remarks.append(
            f"Content-Length is {shown}, the body has {len(push.body)} octets: it was cut or changed"
        )
    elif name == _AUTHORIZATION:
        shown = "(not shown)"
        push.remarks.append("it carries an Authorization, readable on the air")
    push.headers.append((_HEADERS.get(name, f"(header {octet:02X})"), shown))
