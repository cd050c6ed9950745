"""TNDS objects: read from XML, looked through node by node, checked before they leave.

OMA TNDS 1.2.1 on DM DDF DTD 1.2; Sessionless 5.4, 6.1; docs/profile.md P8.

    MgmtTree     = VerDTD Man? Mod? Node+
    Node         = NodeName? Path? RTProperties? DFProperties? (Node* | Value?)
    RTProperties = ACL? Format? Name? Size? Title? TStamp? Type? VerNo?

An object is held as the elements of its XML, where the value of a `bin` leaf is base64 text. How it
travels is tnds_encode.py.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import tokens as t
from . import xml_text
from .element import Element
from .errors import ToolError

FORMATS = ("node", "chr", "bin", "bool", "int", "float", "date", "time", "xml", "b64", "null")
TYPE = "application/vnd.syncml.dmtnds"
_NODE = ("NodeName", "Path", "RTProperties", "DFProperties", "Node", "Value")
_PROPERTIES = ("ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo")
_INT = re.compile(r"[+-]?[0-9]{1,10}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,10})?")


def ddf(name: str, *content: Element | str | bytes) -> Element:
    """Make an element of DM DDF."""
    return Element(t.DDF, name, list(content))


@dataclass(frozen=True, slots=True)
class Row:
    """One node of an object; uri is relative to the Target of the command, "" for the Target."""

    uri: str
    format: str
    type: str
    acl: str
    title: str
    value: bytes | None  # None: interior, or not said
    top: bool  # a child of MgmtTree that no Path puts below another node

    @property
    def interior(self) -> bool:
        """True for a node that holds others."""
        return self.format == "node"


def read(path: Path) -> Element:
    """Read a TNDS object from an XML file: lxml, no DTD, no entities, no network."""
    return parse(str(path), xml_text.load(path))


def parse(name: str, data: bytes) -> Element:
    """Read a TNDS object from the octets of an XML document."""
    root = xml_text.parse_object(name, data)
    if root.page != t.DDF or root.name != "MgmtTree":
        raise ToolError(
            f'{name}: is no TNDS object: its root is {root.name}, not MgmtTree xmlns="syncml:dmddf1.2"'
        )
    return _tidy(root)


def _tidy(element: Element) -> Element:
    # White space is text in a Value alone.
    if element.name == "Value":
        return element
    content: list[Element | str | bytes] = []
    for part in element.content:
        if isinstance(part, Element):
            content.append(_tidy(part))
        elif isinstance(part, bytes) or part.strip():
            content.append(part.strip())
    return Element(element.page, element.name, content)


def from_wbxml(root: Element) -> Element:
    """Bring elements out of WBXML into the form of XML: opaque values of `bin` leaves as base64."""
    return _tidy(_opened(root))


def _opened(element: Element) -> Element:
    out = Element(element.page, element.name, [])
    binary = _format(element) == "bin"
    for part in element.content:
        if isinstance(part, Element):
            part = _opened(part)
            if part.name == "Value":
                if binary and any(isinstance(piece, bytes) for piece in part.content):
                    octets = b"".join(p for p in part.content if isinstance(p, bytes))
                    part.content = [binascii.b2a_base64(octets, newline=False).decode()]
                elif not binary:
                    part.content = [part.text()] if part.content else []
        out.content.append(part)
    return out


def _format(node: Element) -> str:
    found = node.path("RTProperties", "Format")
    inner = next(found.elements(), None) if found is not None else None
    if inner is not None:
        return inner.name
    return "node" if node.find("Node") is not None else "chr"


# -- node by node


def rows(root: Element) -> list[Row]:
    """Return every node in document order; ToolError for what is no TNDS object."""
    names = [part.name for part in root.elements()]
    version = root.find("VerDTD")
    if names[:1] != ["VerDTD"] or version is None or version.text() != "1.2":
        raise ToolError("TNDS: MgmtTree starts with VerDTD 1.2; put <VerDTD>1.2</VerDTD> there")
    if "Node" not in names:
        raise ToolError("TNDS: MgmtTree holds no Node; give it one")
    strange = [name for name in names if name not in ("VerDTD", "Man", "Mod", "Node")]
    if strange:
        raise ToolError(f"TNDS: {strange[0]} has no place in MgmtTree; take it out")
    return [row for part in root.elements() if part.name == "Node" for row in _rows(part, "", True)]


def _rows(node: Element, above: str, top: bool) -> Iterator[Row]:
    name, path = node.find("NodeName"), node.find("Path")
    label = name.text() if name is not None else ""
    if path is not None and above:
        raise ToolError(f"TNDS node {above}/{label}: Path stands on children of MgmtTree only; move it there")
    if path is not None and path.text():
        # Path is the address up to the node and without it, from the Target on.
        above, top = path.text().removeprefix("./").strip("/"), False
    uri = f"{above}/{label}" if above and label else above or label
    where = f"TNDS node {uri or '(the Target)'}"
    if not label and not top:
        raise ToolError(f"{where}: a NodeName is missing below it; name every node but the first")
    _check_children(node, where)
    row = _row(node, uri, where, top)
    yield row
    for part in node.elements():
        if part.name == "Node":
            yield from _rows(part, uri, False)


def _check_children(node: Element, where: str) -> None:
    for holder, known in ((node, _NODE), (node.find("RTProperties"), _PROPERTIES)):
        taken = set()
        for part in holder.elements() if holder is not None else ():
            if part.page != t.DDF or part.name not in known:
                raise ToolError(f"{where}: {part.name} has no place in {holder.name if holder else ''}")
            if part.name in taken and part.name != "Node":
                raise ToolError(f"{where}: {part.name} occurs twice; leave one of them")
            taken.add(part.name)
    if node.find("Value") is not None and node.find("Node") is not None:
        raise ToolError(f"{where}: has a Value and nodes below it; a leaf has no nodes below it")


def _row(node: Element, uri: str, where: str, top: bool) -> Row:
    fmt = _format(node)
    if fmt not in FORMATS:
        raise ToolError(f"{where}: Format {fmt}: is none; use one of {', '.join(FORMATS)}")
    value, inner = node.find("Value"), node.find("Node")
    if fmt == "node" and value is not None:
        raise ToolError(f"{where}: Format node has no Value; take it out, or give another Format")
    if fmt != "node" and inner is not None:
        raise ToolError(f"{where}: Format {fmt} has no nodes below it; its Format is node")
    kind = node.path("RTProperties", "Type")
    type_of = next(kind.elements(), None) if kind is not None else None
    wanted = "DDFName" if fmt == "node" else "MIME"
    if type_of is not None and type_of.name != wanted:
        raise ToolError(f"{where}: its Type holds a {type_of.name}; a node of Format {fmt} has a {wanted}")
    if value is not None and any(isinstance(part, Element) for part in value.content):
        raise ToolError(f"{where}: its Value holds elements; write them as text, in <![CDATA[...]]>")
    return Row(
        uri=uri,
        format=fmt,
        type=type_of.text() if type_of is not None else "" if fmt == "node" else "text/plain",
        acl=_property(node, "ACL"),
        title=_property(node, "Title"),
        value=None if value is None else _octets(value.text(), fmt, where),
        top=top,
    )


def _property(node: Element, name: str) -> str:
    found = node.path("RTProperties", name)
    return found.text() if found is not None else ""


def _octets(text: str, fmt: str, where: str) -> bytes:
    # What a device keeps of a Value.
    if fmt in ("bin", "b64"):
        try:
            return b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            raise ToolError(f"{where}: Format {fmt}: its Value is no base64; encode it so") from None
    good = {
        "bool": text in ("true", "false"),
        "int": _INT.fullmatch(text) is not None,
        "float": _FLOAT.fullmatch(text) is not None and len(text) <= 32,
        "null": not text,
    }
    if not good.get(fmt, True):
        raise ToolError(f"{where}: Format {fmt}: {text!r} is no such value")
    return text.encode()
