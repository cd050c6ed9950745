"""A TNDS object for people: one line a node."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from .tnds import Row

_SHOWN = 60  # characters of a value


def table(rows: list[Row], title: str = "") -> Table:
    """Return the nodes as a table for a terminal."""
    out = Table(title=title or None, title_justify="left", header_style="bold", expand=False)
    for column in ("Node", "Format", "Value", "ACL", "Type"):
        out.add_column(column, no_wrap=column == "Node", overflow="fold")
    for row in rows:
        cells = (name(row), row.format, shown(row), row.acl.replace("&", " "), kind(row))
        out.add_row(*map(escape, cells), style="bold" if row.interior else "")
    return out


def lines(rows: list[Row]) -> list[str]:
    """Return the same as plain lines, for a pipe."""
    out = []
    for row in rows:
        acl = f"  ACL {row.acl}" if row.acl else ""
        more = f"  {kind(row)}" if kind(row) else ""
        value = f"  {shown(row)}" if row.value is not None else ""
        out.append(f"  {name(row)}  {row.format}{more}{acl}{value}")
    return out


def name(row: Row) -> str:
    """Return the address in the object, `(Target)` for a node that the command names."""
    return (row.uri or "(Target)") + ("/" if row.interior else "")


def kind(row: Row) -> str:
    """Return the Type where it is not the default."""
    return "" if row.type == "text/plain" else row.type


def shown(row: Row) -> str:
    """Return the value as one short line."""
    if row.value is None:
        return ""
    try:
        text = row.value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if row.format in ("bin", "b64") or not text.isprintable():
        return f"{len(row.value)} octets {row.value[:8].hex(' ')}"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
