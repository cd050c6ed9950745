"""Elements to WBXML 1.1, 1.2 or 1.3. WAP-192 sections 5-7.

    version  public id A4 01  charset 6A  string table  element
    version  public id 00 00  charset 6A  string table  00 02  element     a TNDS object by itself
    element = [00 page] token [content 01]        token | 0x40 when content follows

Shares no code with lib/: each side checks the other. Octets are minimal: a page is switched only
where the next tag needs it, numbers have no padding. Text is STR_I, or STR_T with `string_table`
for what repeats and gets shorter by it. Text with a NUL inside goes as OPAQUE, as bytes do.
Not done: attributes, LITERAL tags (the document types here have neither).
"""

from __future__ import annotations

from collections import Counter

from .element import Element
from .tokens import (
    DDF,
    END,
    HAS_CONTENT,
    OPAQUE,
    PUBLIC_ID,
    PUBLIC_TEXTS,
    STR_I,
    STR_T,
    SWITCH_PAGE,
    SYNCML,
    TOKENS,
)

VERSIONS = {"1.1": 1, "1.2": 2, "1.3": 3}
MAX_DEPTH = 32  # what a device takes: docs/profile.md
MAX_TABLE = 1024  # octets of string table a device takes
_UTF_8 = 106  # IANA MIBenum


class EncodeError(ValueError):
    """The document can't be written as WBXML."""


def encode(root: Element, *, version: str = "1.2", string_table: bool = False) -> bytes:
    """Return the whole document."""
    if root.page != SYNCML or root.name != "SyncML":
        raise EncodeError(f"the root is {root.name}, not SyncML")
    table, offsets = _string_table(root) if string_table else (b"", {})
    head = bytes([VERSIONS[version]]) + mb_u_int32(PUBLIC_ID) + mb_u_int32(_UTF_8)
    writer = _Writer(offsets)
    writer.element(root, 1)
    return head + mb_u_int32(len(table)) + table + bytes(writer.out)


def encode_object(root: Element, *, version: str = "1.2", string_table: bool = False) -> bytes:
    """Return a TNDS object as a document of its own.

    DM DDF has no number of its own, so its public identifier is the first text of the table.
    """
    public = next(text for text, page in PUBLIC_TEXTS.items() if page == DDF).encode() + b"\0"
    table, offsets = _string_table(root, public) if string_table else (public, {})
    writer = _Writer(offsets)
    writer.element(root, 1)
    head = bytes([VERSIONS[version], 0, 0]) + mb_u_int32(_UTF_8)
    return head + mb_u_int32(len(table)) + table + bytes(writer.out)


def mb_u_int32(value: int) -> bytes:
    """Return a number in groups of seven bits, most significant first."""
    octets = [value & 0x7F]
    while value := value >> 7:
        octets.append(value & 0x7F | 0x80)
    return bytes(reversed(octets))


class _Writer:
    def __init__(self, offsets: dict[str, int]) -> None:
        self.out = bytearray()
        self.page = 0
        self.offsets = offsets

    def element(self, element: Element, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise EncodeError(f"elements are nested deeper than {MAX_DEPTH}")
        token = TOKENS[element.page].get(element.name) if element.page >= 0 else None
        if token is None:
            raise EncodeError(f"{element.name} is no element of this document type")
        if element.page != self.page:
            self.out += bytes([SWITCH_PAGE, element.page])
            self.page = element.page
        content = [part for part in element.content if part not in ("", b"")]
        if not content:
            self.out.append(token)
            return
        self.out.append(token | HAS_CONTENT)
        for part in content:
            if isinstance(part, Element):
                self.element(part, depth + 1)
            elif isinstance(part, str) and "\0" not in part:
                self.text(part)
            else:
                octets = part.encode() if isinstance(part, str) else part
                self.out.append(OPAQUE)
                self.out += mb_u_int32(len(octets)) + octets
        self.out.append(END)

    def text(self, text: str) -> None:
        if text in self.offsets:
            self.out.append(STR_T)
            self.out += mb_u_int32(self.offsets[text])
        else:
            self.out.append(STR_I)
            self.out += text.encode() + b"\0"


def _string_table(root: Element, start: bytes = b"") -> tuple[bytes, dict[str, int]]:
    # Strings that occur so often that one entry and a reference each are shorter.
    counts: Counter[str] = Counter()
    stack = [root]
    while stack:
        for part in reversed(stack.pop().content):
            if isinstance(part, Element):
                stack.append(part)
            elif isinstance(part, str) and "\0" not in part:
                counts[part] += 1
    table = bytearray(start)
    offsets: dict[str, int] = {}
    for text, uses in counts.items():
        size = len(text.encode())
        reference = 1 + len(mb_u_int32(len(table)))
        if size + 1 + uses * reference < uses * (size + 2) and len(table) + size < MAX_TABLE:
            offsets[text] = len(table)
            table += text.encode() + b"\0"
    return bytes(table), offsets
