"""Elements as XML: for `inspect --xml`, and read from the operator's files for `compose --xml`.

Written: default namespaces, two spaces a level, text never touched by the indentation. Opaque
octets that are no text stand as base64 with a comment that says so; an opaque WBXML document
(TNDS) stands as the elements it holds. Read with lxml: no DTD, no entities, no network.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from pathlib import Path
from xml.sax.saxutils import escape

from lxml import etree

from . import tokens as t
from .element import Element, meta_of
from .errors import ToolError, os_error
from .wbxml_decode import decode

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_MAX_FILE = 1 << 20


def write(element: Element) -> str:
    """Return an element as indented XML, without a prolog."""
    lines: list[str] = []
    _write(element, lines, 0, -1)
    return "\n".join(lines) + "\n"


def _write(element: Element, lines: list[str], level: int, page: int) -> None:
    pad = "  " * level
    name = element.name
    if not _NAME.fullmatch(name):  # a literal tag can hold anything
        name = "_" + re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    head = name
    if element.page >= 0 and element.page != page:
        head += f' xmlns="{t.NAMESPACES[element.page]}"'
        page = element.page
    content = _joined(element)
    if not content:
        lines.append(f"{pad}<{head}/>")
    elif not any(isinstance(part, Element) for part in content):
        text = "".join(escaped(part) for part in content if not isinstance(part, Element))
        lines.append(f"{pad}<{head}>{text}</{name}>")
    elif isinstance(content[0], Element) and len(content) == 1 and not any(content[0].elements()):
        inner: list[str] = []  # one line, for it holds no element
        _write(content[0], inner, 0, page)
        lines.append(f"{pad}<{head}>{inner[0]}</{name}>")
    else:
        lines.append(f"{pad}<{head}>")
        for part in content:
            if isinstance(part, Element):
                _write(part, lines, level + 1, page)
            elif part.strip():
                lines.append(f"{pad}  {escaped(part)}")
        lines.append(f"{pad}</{name}>")


def _joined(element: Element) -> list[Element | str | bytes]:
    # Pieces of text that touch become one; an opaque TNDS document becomes its elements.
    out: list[Element | str | bytes] = []
    for part in element.content:
        last = out[-1] if out else None
        if isinstance(part, Element) or last is None or isinstance(last, Element):
            out.append(part)
        elif isinstance(last, str) and isinstance(part, str):
            out[-1] = last + part
        else:
            out[-1] = _octets(last) + _octets(part)
    if element.page == t.SYNCML:
        for i, part in enumerate(out):
            if isinstance(part, bytes) and part[:1] in (b"\1", b"\2", b"\3"):
                inner = decode(part)
                if inner.error is None and inner.root is not None and inner.root.page == t.DDF:
                    out[i] = inner.root
    return [part for part in out if part not in ("", b"")]


def _octets(part: str | bytes) -> bytes:
    return part.encode() if isinstance(part, str) else part


def can_stand(text: str) -> bool:
    """Tell whether XML 1.0 can hold the text."""
    return not _ILLEGAL.search(text)


def escaped(part: str | bytes) -> str:
    """Return text as it stands in XML; what can't stand there as base64 with a comment."""
    if isinstance(part, bytes):
        try:
            text = part.decode()
        except UnicodeDecodeError:
            text = "\0"
    else:
        text = part
    if _ILLEGAL.search(text):
        octets = _octets(part)
        return f"{b64encode(octets).decode()}<!-- {len(octets)} octets in base64 -->"
    return escape(text, {"\r": "&#13;"})


# -- reading


def load(path: Path) -> bytes:
    """Return the octets of an XML file of a size that a device could take."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise ToolError(f"{path}: is larger than 1 MiB; no device takes such a message")
        return path.read_bytes()
    except OSError as error:
        raise os_error(path, error) from None


def parse_object(name: str, data: bytes) -> Element:
    """Return the root of an XML document of one of our kinds; without a namespace it is DM DDF."""
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        told = str(error).replace("\n", " ")
        raise ToolError(f"{name}: is no XML: {told}") from None
    if etree.QName(root).namespace is None:
        for node in root.iter(etree.Element):
            node.tag = f"{{{t.NAMESPACES[t.DDF]}}}{etree.QName(node).localname}"
    return _element(Path(name), root)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True, huge_tree=False,
    )  # fmt: skip


def read_body(path: Path) -> list[Element]:
    """Return the children of SyncBody that the file holds.

    The file is a SyncBody, a whole SyncML (its SyncHdr is left out), or the bare children.
    """
    root = _parse(path, load(path))
    local = etree.QName(root).localname
    if local == "SyncML":
        bodies = [child for child in root if _is(child, "SyncBody")]
        if len(bodies) != 1:
            raise ToolError(f"{path}: SyncML: has no single SyncBody; give it one")
        root = bodies[0]
    commands = [_element(path, child) for child in root if isinstance(child.tag, str)]
    for command in commands:
        _to_octets(path, command)
    return commands


def _to_octets(path: Path, command: Element) -> None:
    # Octets can't stand in XML: Data of Format bin is base64 there and opaque on the wire.
    for child in command.elements():
        if child.name != "Item":
            _to_octets(path, child)
            continue
        data = child.find("Data")
        if data is None or (meta_of(command, child, "Format") or "").lower() != "bin":
            continue
        if all(isinstance(part, str) for part in data.content):
            try:
                data.content = [b64decode("".join(data.text().split()), validate=True)]
            except (binascii.Error, ValueError):
                uri = child.path("Target", "LocURI")
                where = uri.text() if uri else "an Item"
                raise ToolError(f"{path}: {where}: Data of Format bin is no base64; encode it so") from None


def _is(node: etree._Element, name: str) -> bool:
    return isinstance(node.tag, str) and etree.QName(node).localname == name


def _parse(path: Path, data: bytes) -> etree._Element:
    if b"<!ENTITY" in data:
        raise ToolError(f"{path}: defines entities; write the text itself")
    parser = _parser()
    try:
        root = etree.fromstring(data, parser)
        if _is(root, "SyncML") or _is(root, "SyncBody"):
            return root
    except (etree.XMLSyntaxError, ValueError):
        pass
    # Bare children: they have no common root yet.
    bare = re.sub(rb"^\s*(\xef\xbb\xbf)?\s*<\?xml[^>]*\?>", b"", data)
    wrapped = b'<SyncBody xmlns="' + t.NAMESPACES[t.SYNCML].encode() + b'">' + bare + b"</SyncBody>"
    try:
        return etree.fromstring(wrapped, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        told = str(error).replace("\n", " ")
        raise ToolError(f"{path}: is no XML ({told}); give the children of SyncBody, or a SyncBody") from None


def _element(path: Path, node: etree._Element, in_meta: bool = False) -> Element:
    name = etree.QName(node)
    page = _page(path, node, name, in_meta)
    if name.localname not in t.TOKENS[page]:
        raise ToolError(
            f"{path}: line {node.sourceline}: {name.localname} is no element of "
            f"{t.NAMESPACES[page]}; check its spelling"
        )
    if node.attrib:
        raise ToolError(
            f"{path}: line {node.sourceline}: {name.localname} has attributes; a device "
            "management message knows none"
        )
    element = Element(page, name.localname)
    children = [child for child in node if isinstance(child.tag, str)]
    if any(not isinstance(child.tag, str) for child in node):
        raise ToolError(
            f"{path}: line {node.sourceline}: {name.localname} holds an entity reference; "
            "write the text itself"
        )
    _add_text(element, node.text, bool(children))
    meta = in_meta or (page == t.SYNCML and name.localname == "Meta")
    for child in children:
        element.content.append(_element(path, child, meta))
        _add_text(element, child.tail, True)
    return element


def _add_text(element: Element, text: str | None, mixed: bool) -> None:
    if not text:
        return
    if element.name == "Data" or element.page == t.DDF:
        if not (mixed and not text.strip()):
            element.content.append(text)
    elif text.strip():
        element.content.append(text.strip())


def _page(path: Path, node: etree._Element, name: etree.QName, in_meta: bool) -> int:
    space = name.namespace
    if in_meta and space in (None, t.NAMESPACES[t.SYNCML]):
        return t.METINF  # Meta's children without their own xmlns: everybody writes that
    if space is None or space.upper().startswith("SYNCML:SYNCML1."):
        return t.SYNCML
    if space in t.NAMESPACES:
        return t.NAMESPACES.index(space)
    raise ToolError(
        f"{path}: line {node.sourceline}: {name.localname} is in the unknown namespace {space}; "
        f"use one of {', '.join(t.NAMESPACES)}"
    )
