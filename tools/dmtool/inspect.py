"""A message for people: token by token as a table, or as XML; with what it says about itself.

What is read: WBXML, a WSP push around it, or SMS PDUs around that, of which a text has one a line in
hexadecimal (what a modem gives and takes; other lines of a transcript are passed over). TNDS objects
inside are shown node by node behind the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rich.markup import escape
from rich.table import Table

from . import signing, sms_decode, tnds, tnds_rules, wbxml_decode, wsp_decode
from . import tokens as t
from .element import Element
from .errors import ToolError
from .wbxml_decode import Document, Token

_OCTETS = 12  # octets of a token shown in hexadecimal
_HEX_LINE = re.compile(rb"(?:[0-9A-Fa-f]{2}){4,}")
_WBXML_START = (b"\x01\xa4\x01", b"\x02\xa4\x01", b"\x03\xa4\x01")
_WAP_PUSH = 2948
_STYLES = {"start": "bold", "empty": "bold", "end": "dim", "page": "dim", "rest": "red"}


@dataclass(slots=True)
class Section:
    """One SMS or push: a title, and what it says, name by name."""

    title: str
    rows: list[tuple[str, str]]


@dataclass(slots=True)
class Findings:
    """All that was found, from the outside in."""

    sections: list[Section] = field(default_factory=list)
    documents: list[tuple[bytes, Document]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def examine(data: bytes) -> Findings:
    """Read a file of one of the kinds above."""
    found = Findings()
    blobs = _hexadecimal(data)
    if not blobs:
        _one(found, data)
        return found
    if len(blobs) > 1 and _kind(b"".join(blobs)) and not _kind(blobs[1]):
        blobs = [b"".join(blobs)]  # one message over several lines
    pdus: list[sms_decode.Pdu] = []
    for number, blob in enumerate(blobs, 1):
        if _kind(blob):
            _one(found, blob)
            continue
        try:
            pdu = sms_decode.read(blob)
        except sms_decode.PduError as error:
            found.problems.append(f"PDU {number}: {error}")
            continue
        pdus.append(pdu)
        found.sections.append(Section(f"{number}: {pdu.kind}, {len(blob)} octets", pdu.fields))
    whole, remarks = sms_decode.together(pdus)
    found.problems += remarks
    for pdu, payload in whole:
        if _kind(payload) or (pdu.ports is not None and pdu.ports[0] == _WAP_PUSH):
            _one(found, payload)
    return found


def _hexadecimal(data: bytes) -> list[bytes]:
    if not data.isascii() or b"\0" in data:
        return []
    lines = [line.strip(b"\x1a> \t\r") for line in data.split(b"\n")]
    return [bytes.fromhex(line.decode("ascii")) for line in lines if _HEX_LINE.fullmatch(line)]


def _kind(data: bytes) -> str:
    # "wbxml", "wsp", or "" for what can only be a PDU, or nothing.
    if data[:3] in _WBXML_START:
        return "wbxml"
    if data[1:2] == b"\x06":
        try:
            push = wsp_decode.read(data)
        except wsp_decode.WspError:
            return ""
        return "wsp" if "/" in push.content_type or push.content_type.startswith("(") else ""
    if data[:1] in (b"\1", b"\2", b"\3"):
        document = wbxml_decode.decode(data)
        return "wbxml" if document.root is not None and document.error is None else ""
    return ""


def _one(found: Findings, data: bytes) -> None:
    # A push or a message; what is neither is shown as far as it goes as a message.
    if data[1:2] != b"\x06":
        document = wbxml_decode.decode(data)
        found.documents.append((data, document))
        if document.error is not None:
            found.problems.append(document.error)
        return
    try:
        push = wsp_decode.read(data)
    except wsp_decode.WspError as error:
        found.problems.append(f"WSP push: {error}")
        return
    title = f"WSP push, {len(data)} octets, {len(push.body)} of them body"
    found.sections.append(Section(title, [("transaction", str(push.transaction)), *push.headers]))
    found.problems += push.remarks
    if push.content_type.endswith("+wbxml") or _kind(push.body) == "wbxml":
        _one(found, push.body)


def objects(document: Document) -> list[tuple[str, list[tnds.Row]]]:
    """Return the TNDS objects in a message: where each goes, and its nodes; a broken one is a title."""
    found: list[tuple[str, list[tnds.Row]]] = []
    if document.root is not None and document.error is None:
        if document.root.page == t.DDF:
            _object(found, "TNDS object", document.root)
        else:
            _objects(found, document.root)
    return found


def _objects(found: list[tuple[str, list[tnds.Row]]], element: Element) -> None:
    for part in element.elements():
        data = part.find("Data") if part.name == "Item" else None
        if data is None:
            _objects(found, part)
            continue
        root = tnds_rules.found_in(data)
        if root is not None and root.name == "MgmtTree":
            uris = [part.path(name, "LocURI") for name in ("TargetParent", "Target")]
            address = " ".join(uri.text() for uri in uris if uri is not None)
            _object(found, f"TNDS object of {element.name} {address}", root)


def _object(found: list[tuple[str, list[tnds.Row]]], title: str, root: Element) -> None:
    try:
        rows = tnds.rows(root)
    except ToolError as refusal:
        found.append((f"{title}: {refusal}", []))
    else:
        found.append((f"{title}: {len(rows)} nodes", rows))


def section_table(section: Section) -> Table:
    """Return a section for a terminal."""
    out = Table(title=section.title, title_justify="left", show_header=False, box=None, pad_edge=False)
    out.add_column(style="bold")
    out.add_column(overflow="fold")
    for name, text in section.rows:
        out.add_row(escape(name), escape(text))
    return out


def section_lines(section: Section) -> list[str]:
    """Return the same as plain lines, for a pipe."""
    width = max((len(name) for name, _ in section.rows), default=0)
    return [section.title, *(f"  {name:<{width}}  {text}" for name, text in section.rows)]


def table(document: Document) -> Table:
    """Return one row per token: offset, octets, meaning indented by depth."""
    out = Table(header_style="bold", expand=False)
    out.add_column("Offset", justify="right")
    out.add_column("Octets", overflow="fold", max_width=3 * _OCTETS + 4)
    out.add_column("Token")
    out.add_column("Content", overflow="fold")
    for token in document.tokens:
        out.add_row(
            f"{token.offset:04x}",
            _octets(token),
            token.kind,
            "  " * token.depth + escape(token.text),
            style=_STYLES.get(token.kind, ""),
        )
    return out


def lines(document: Document) -> list[str]:
    """Return the same as plain lines, for a pipe."""
    return [
        f"{t.offset:04x}  {_octets(t):<{3 * _OCTETS + 3}}  {t.kind:<12}  {'  ' * t.depth}{t.text}".rstrip()
        for t in document.tokens
    ]


def summary(document: Document, size: int) -> str:
    """Return in one line what the message says about itself."""
    root = document.root
    parts = [f"{size} octets", f"WBXML {document.version}"]
    if root is not None and root.name == "SyncML":
        parts += [
            f"session {_text(root, 'SyncHdr', 'SessionID')}",
            f"message {_text(root, 'SyncHdr', 'MsgID')}",
            f"from {_text(root, 'SyncHdr', 'Source', 'LocURI')}",
            f"to {_text(root, 'SyncHdr', 'Target', 'LocURI')}",
            signing.told(root),
        ]
        body = root.find("SyncBody")
        if body is not None:
            names = [e.name for e in body.elements() if e.name != "Final"]
            parts.append(f"{len(names)} command{'s' * (len(names) != 1)}: {', '.join(dict.fromkeys(names))}")
    return ", ".join(parts)


def _text(root: Element, *names: str) -> str:
    element = root.path(*names)
    return element.text() if element is not None else "-"


def _octets(token: Token) -> str:
    more = " ..." if len(token.octets) > _OCTETS else ""
    return token.octets[:_OCTETS].hex(" ") + more
