"""WBXML 1.1, 1.2, 1.3 to tokens and elements, for people who look into a message.

Shares no code with lib/, and is no judge: it reads what has a meaning at all, also what a device
refuses (attributes, literal tags, unknown pages, octets behind the end), and shows it. Where
nothing more can be read the tokens up to there stay in the document and `error` says why.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import tokens as t
from .element import Element

_CHARSETS = {0: "utf-8", 3: "ascii", 4: "latin-1", 106: "utf-8"}
_CHARSET_NAMES = {0: "unknown, so UTF-8", 3: "US-ASCII", 4: "ISO-8859-1", 106: "UTF-8"}
_MAX_DEPTH = 128  # of elements: far above any device


@dataclass(frozen=True, slots=True)
class Token:
    """One token: where it lies, how deep, what it is and what it says."""

    offset: int
    octets: bytes
    depth: int
    kind: str
    text: str


@dataclass(slots=True)
class Document:
    """What could be read of a document."""

    version: str = ""
    public_id: str = ""
    charset: str = ""
    table: bytes = b""
    tokens: list[Token] = field(default_factory=list)
    root: Element | None = None
    error: str | None = None  # why reading stopped, with the offset
    rest: int = 0  # octets behind the end of the root


class _ReadError(Exception):
    pass


def decode(data: bytes) -> Document:
    """Read a document as far as it goes."""
    reader = _Reader(data)
    try:
        reader.head()
        reader.body()
    except _ReadError as stop:
        reader.document.error = str(stop)
    return reader.document


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.document = Document()
        self.encoding = "utf-8"
        self.page = 0
        self.attribute_page = 0
        self.open: list[Element] = []

    # -- octets

    def u8(self) -> int:
        if self.at >= len(self.data):
            raise _ReadError(f"offset {self.at}: the document ends in the middle")
        self.at += 1
        return self.data[self.at - 1]

    def number(self) -> int:
        start, value = self.at, 0
        for _ in range(5):
            octet = self.u8()
            value = value << 7 | octet & 0x7F
            if not octet & 0x80:
                if value > 0xFFFFFFFF:
                    raise _ReadError(f"offset {start}: a number above 32 bits")
                return value
        raise _ReadError(f"offset {start}: a number of more than five octets")

    def block(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise _ReadError(f"offset {self.at}: {size} octets announced, {left} left")
        self.at += size
        return self.data[self.at - size : self.at]

    def string(self) -> bytes:
        end = self.data.find(0, self.at)
        if end < 0:
            raise _ReadError(f"offset {self.at}: a string without an end")
        octets = self.data[self.at : end]
        self.at = end + 1
        return octets

    def from_table(self, index: int) -> bytes:
        table = self.document.table
        if index >= len(table):
            raise _ReadError(f"offset {self.at}: index {index} behind the string table")
        end = table.find(0, index)
        return table[index:] if end < 0 else table[index:end]

    def text(self, octets: bytes) -> str:
        return octets.decode(self.encoding, "replace")

    def note(self, start: int, kind: str, text: str = "", depth: int | None = None) -> None:
        level = len(self.open) if depth is None else depth
        octets = self.data[start : self.at]
        self.document.tokens.append(Token(start, octets, level, kind, text))

    # -- start = version publicid charset strtbl body

    def head(self) -> None:
        document = self.document
        octet = self.u8()
        document.version = f"{(octet >> 4) + 1}.{octet & 15}"
        self.note(0, "version", document.version)
        if not 1 <= octet <= 3:
            raise _ReadError(f"offset 0: WBXML {document.version}, not 1.1, 1.2 or 1.3")
        start = self.at
        public_id = self.number()
        index = self.number() if public_id == 0 else -1
        id_end = self.at
        charset = self.number()
        charset_end = self.at
        self.encoding = _CHARSETS.get(charset, "utf-8")
        document.charset = _CHARSET_NAMES.get(charset, f"MIBenum {charset}")
        size = self.number()
        size_end = self.at
        document.table = self.block(size)
        table_end = self.at
        if index >= 0:
            document.public_id = self.text(self.from_table(index))
        elif public_id == t.PUBLIC_ID:
            document.public_id = "-//SYNCML//DTD SyncML 1.2//EN"
        elif public_id == 1:
            document.public_id = "unknown or missing"
        else:
            document.public_id = f"number 0x{public_id:X}"
        for begin, end, kind, text in (
            (start, id_end, "public id", document.public_id),
            (id_end, charset_end, "charset", document.charset),
            (charset_end, size_end, "table", f"{size} octets"),
        ):
            self.at = end
            self.note(begin, kind, text)
        self.at = table_end
        if size:
            self.note(size_end, "strings", repr(self.text(document.table)))

    # -- body

    def body(self) -> None:
        while self.document.root is None or self.open:
            self.step()
        self.document.rest = len(self.data) - self.at
        if self.document.rest:
            start, self.at = self.at, len(self.data)
            self.note(start, "rest", "octets behind the end of the document")

    def step(self) -> None:
        start = self.at
        octet = self.u8()
        if octet == t.SWITCH_PAGE:
            self.page = self.u8()
            self.note(start, "page", f"{self.page} {_page_name(self.page)}")
        elif octet == t.END:
            if not self.open:
                raise _ReadError(f"offset {start}: END where nothing is open")
            element = self.open.pop()
            self.note(start, "end", element.name)
        elif octet == t.ENTITY:
            value = self.number()
            self.piece(start, "entity", _character(value), f"&#x{value:X};")
        elif octet == t.STR_I:
            text = self.text(self.string())
            self.piece(start, "text", text, repr(text))
        elif octet == t.STR_T:
            index = self.number()
            text = self.text(self.from_table(index))
            self.piece(start, "table text", text, f"{text!r} from {index}")
        elif octet == t.OPAQUE:
            octets = self.block(self.number())
            self.piece(start, "opaque", octets, _shown(octets))
        elif octet == t.PI:
            self.attributes()
            self.note(start, "instruction")
        elif octet & 0x3F <= 2 and octet & 0xC0:
            self.extension(start, octet)
        else:
            self.tag(start, octet)

    def piece(self, start: int, kind: str, content: str | bytes, shown: str) -> None:
        if not self.open:
            raise _ReadError(f"offset {start}: content outside of an element")
        self.open[-1].content.append(content)
        self.note(start, kind, shown)

    def extension(self, start: int, octet: int) -> None:
        shown = ""
        if octet < 0x80:
            shown = repr(self.text(self.string()))
        elif octet < 0xC0:
            shown = str(self.number())
        self.note(start, "extension", shown)

    def tag(self, start: int, octet: int) -> None:
        if octet & 0x3F == t.LITERAL:
            name = self.text(self.from_table(self.number()))
            element = Element(-1, name)
            shown = f"{name} (literal)"
        else:
            names = t.NAMES[self.page] if self.page < len(t.NAMES) else {}
            token = octet & 0x3F
            known = names.get(token)
            element = Element(self.page if known else -1, known or f"unknown-{token:02X}")
            shown = known or f"unknown 0x{token:02X} on page {self.page}"
        if self.open:
            self.open[-1].content.append(element)
        else:
            self.document.root = element
        self.note(start, "start" if octet & t.HAS_CONTENT else "empty", shown)
        if octet & t.HAS_ATTRIBUTES:
            begin = self.at
            self.attributes()
            self.note(begin, "attributes")
        if octet & t.HAS_CONTENT:
            if len(self.open) >= _MAX_DEPTH:
                raise _ReadError(f"offset {start}: nested deeper than {_MAX_DEPTH}")
            self.open.append(element)

    def attributes(self) -> None:
        # No document type here has attributes: skipped by their length alone.
        while (octet := self.u8()) != t.END:
            if octet == t.SWITCH_PAGE:
                self.attribute_page = self.u8()
            elif octet in (t.ENTITY, t.LITERAL, t.STR_T, 0x80, 0x81, 0x82):
                self.number()
            elif octet in (t.STR_I, 0x40, 0x41, 0x42):
                self.string()
            elif octet == t.OPAQUE:
                self.block(self.number())


def _page_name(page: int) -> str:
    return ("SyncML", "MetInf", "DM DDF")[page] if page < 3 else "unknown"


def _character(value: int) -> str:
    return chr(value) if value < 0x110000 and not 0xD800 <= value < 0xE000 else "\ufffd"


def _shown(octets: bytes) -> str:
    try:
        text = octets.decode()
        if all(c.isprintable() or c in "\r\n\t" for c in text):
            return f"{len(octets)} octets {text!r}"
    except UnicodeDecodeError:
        pass
    return f"{len(octets)} octets {octets[:24].hex(' ')}{' ...' if len(octets) > 24 else ''}"
