"""The tree of an image for people (a table) and for programs (JSON). Secrets are masked."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from .errors import ToolError
from .image import Node, open_image

MASK = "••••••••"
_SHOWN = 60  # characters of a value in the table


def read(path: Path) -> list[Node]:
    """Return every node of the image, parents first."""
    with open_image(path) as image:
        if image.is_new:
            raise ToolError(f"{path}: holds no tree yet; set the device up with: dmtool provision")
        return list(image.nodes())


def as_json(nodes: list[Node]) -> list[dict[str, Any]]:
    """Return the nodes as plain values."""
    out = []
    for node in nodes:
        row: dict[str, Any] = {
            "uri": node.uri,
            "format": node.format,
            "type": node.type,
            "access": list(node.access),
            "permanent": node.permanent,
            "acl": node.acl,
            "title": node.title,
            "verno": node.verno,
            "tstamp": node.tstamp,
        }
        if node.masked:
            row["masked"] = True
        elif not node.interior:
            row["size"] = node.size
            row |= _plain(node.value or b"", node.format)
        out.append(row)
    return out


def _plain(value: bytes, fmt: str) -> dict[str, str]:
    if fmt != "bin":
        try:
            return {"value": value.decode()}
        except UnicodeDecodeError:
            pass
    return {"value_base64": b64encode(value).decode()}


def table(nodes: list[Node], wide: bool = True) -> Table:
    """Return the nodes as a table for the terminal; wide with all properties."""
    out = Table(header_style="bold", expand=False)
    out.add_column("Node", no_wrap=True)
    out.add_column("Format")
    out.add_column("Value", overflow="fold")
    out.add_column("ACL", overflow="fold")
    if wide:
        out.add_column("Access")
        out.add_column("Type", overflow="fold")
        out.add_column("Title", overflow="fold")
        out.add_column("VerNo", justify="right")
        out.add_column("TStamp")
    for node in nodes:
        depth = node.uri.count("/")
        name = node.uri.rpartition("/")[2]
        row = [
            "  " * depth + escape(name) + ("/" if node.interior and depth else ""),
            node.format,
            shown(node),
            escape(node.acl.replace("&", " ")),
        ]
        if wide:
            access = "".join(word[0] for word in node.access) or "-"
            row += [
                access + (" permanent" if node.permanent else ""),
                "" if node.type == "text/plain" else escape(node.type),
                escape(node.title),
                str(node.verno),
                node.tstamp,
            ]
        out.add_row(*row, style="bold" if node.interior else "")
    return out


def shown(node: Node) -> str:
    """Return the value as one short line."""
    if node.interior:
        return ""
    if node.masked:
        return f"[dim]{MASK}[/dim]"
    value = node.value or b""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if node.format == "bin" or not text.isprintable() or (value and not text):
        return f"[dim]{node.size} octets[/dim] {value[:8].hex(' ')}"
    return escape(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
