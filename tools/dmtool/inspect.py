"""A message for people: token by token as a table, or as XML; with what it says about itself."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from .element import Element
from .wbxml_decode import Document, Token

_OCTETS = 12  # octets of a token shown in hexadecimal
_STYLES = {"start": "bold", "empty": "bold", "end": "dim", "page": "dim", "rest": "red"}


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
        ]
        body = root.find("SyncBody")
        if body is not None:
            names = [e.name for e in body.elements() if e.name != "Final"]
            parts.append(f"{len(names)} command(s): {', '.join(dict.fromkeys(names))}")
    return ", ".join(parts)


def _text(root: Element, *names: str) -> str:
    element = root.path(*names)
    return element.text() if element is not None else "-"


def _octets(token: Token) -> str:
    more = " ..." if len(token.octets) > _OCTETS else ""
    return token.octets[:_OCTETS].hex(" ") + more
