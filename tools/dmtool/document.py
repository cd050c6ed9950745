"""A message as the XML document that its signature covers (docs/profile.md P1).

The document is made of the elements as they are on the wire: no prolog, no DOCTYPE, no white space of
ours, default namespaces. Text and opaque octets are both text; what is no text of XML 1.0 can't be signed,
because two messages that mean different things could then give one document. Such a value travels
in base64 (Format b64). lxml canonicalises it; lib/ has a canonicaliser of its own, and each checks the other.
"""

from __future__ import annotations

from base64 import b64encode

from lxml import etree

from . import tokens as t
from .element import Element, met, sync
from .errors import ToolError

DSIG = "http://www.w3.org/2000/09/xmldsig#"
_S = "{" + t.NAMESPACES[t.SYNCML] + "}"
CRED_DATA = f"{_S}SyncHdr/{_S}Cred/{_S}Data"


class NotSignable(ToolError):
    """The message has no document that a signature could cover."""


def tree(root: Element) -> etree._Element:
    """Return the document of a message; NotSignable when there is none."""
    return _node(None, root)


def canonical(node: etree._Element) -> bytes:
    """Return exclusive canonical XML without comments."""
    octets: bytes = etree.tostring(node, method="c14n", exclusive=True, with_comments=False)
    return octets


def parse(octets: bytes) -> etree._Element:
    """Read XML that came from outside: no DTD, no entities, no network."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False
    )
    try:
        node = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        told = str(error).replace("\n", " ")
        raise NotSignable(f"is no XML: {told}") from None
    if node.getroottree().docinfo.doctype:
        raise NotSignable("has a DOCTYPE, which a signature may not have")
    return node


def with_signature(root: Element) -> etree._Element:
    """Return the document with the Signature, which travels as text, put back as an element."""
    node = tree(root)
    places = node.findall(CRED_DATA)
    if len(places) != 1 or len(places[0]):
        raise NotSignable("has no single SyncHdr/Cred/Data with text in it")
    place = places[0]
    text = place.text or ""
    place.text = None
    place.append(parse(text.encode()))
    return node


def signable(commands: list[Element]) -> list[Element]:
    """Return the commands with octets that are no text of XML as base64 (Format b64)."""
    return [_in_base64(command, "chr") for command in commands]


def _in_base64(element: Element, fmt: str) -> Element:
    # A command or an Item, with the Format that holds for it (RepPro: Meta of the command, then of the Item).
    meta = element.path("Meta", "Format")
    fmt = meta.text().lower() if meta is not None else fmt
    data = element.find("Data")
    if element.name == "Item" and data is not None and fmt == "bin":
        octets = b"".join(part for part in data.content if isinstance(part, bytes))
        if not _is_text(octets) and all(isinstance(part, bytes) for part in data.content):
            whole = element.find("Meta")
            rest = [part for part in whole.elements() if part.name != "Format"] if whole is not None else []
            content: list[Element | str | bytes] = []
            for part in element.content:
                if part is data:
                    content.append(sync("Meta", met("Format", "b64"), *rest))
                    content.append(sync("Data", b64encode(octets).decode()))
                elif part is not whole:
                    content.append(part)
            return Element(element.page, element.name, content)
    if element.name == "Data":
        return element
    inner = [_in_base64(part, fmt) if isinstance(part, Element) else part for part in element.content]
    return Element(element.page, element.name, inner)


def _is_text(octets: bytes) -> bool:
    try:
        etree.Element("x").text = octets.decode()
    except (UnicodeDecodeError, ValueError):
        return False
    return True


def _node(parent: etree._Element | None, element: Element) -> etree._Element:
    if element.page < 0:
        raise NotSignable(f"{element.name} is no element of SyncML, MetInf or DDF: it can't be signed")
    space = t.NAMESPACES[element.page]
    tag = f"{{{space}}}{element.name}"
    if parent is None:
        node = etree.Element(tag, nsmap={None: space})
    else:
        node = etree.SubElement(parent, tag, nsmap={None: space})
    last: etree._Element | None = None
    for part in element.content:
        if isinstance(part, Element):
            last = _node(node, part)
            continue
        try:
            text = part.decode() if isinstance(part, bytes) else part
            if last is None:
                node.text = (node.text or "") + text
            else:
                last.tail = (last.tail or "") + text
        except (UnicodeDecodeError, ValueError):
            raise NotSignable(
                f"{element.name} holds octets that are no text of XML, and can't be signed: use bin=@FILE or "
                "another --form, which go in base64, or compose with --no-sign"
            ) from None
    return node
