"""How a TNDS object travels in an Item: four forms, all of which a device takes (docs/profile.md P8).

opaque   a whole WBXML document of DM DDF as OPAQUE; Format bin. The default, and the shortest.
base64   the same document as base64 text; Format b64
xml      XML as text; Format xml
inline   its tokens inside the message's own, on code page 2; Format xml
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from . import tokens as t
from . import xml_text
from .element import Element, met, sync
from .errors import UsageError
from .tnds import TYPE, ddf
from .wbxml_encode import encode_object

FORMS = ("opaque", "base64", "xml", "inline")


def form_of(text: str) -> str:
    """Return the form a name or a number from 1 to 4 stands for."""
    numbers = dict(zip("1234", FORMS, strict=True))
    form = numbers.get(text, text.lower())
    if form not in FORMS:
        raise UsageError(f"--form {text}: use {', '.join(FORMS)}, or 1 to 4")
    return form


def command(name: str, address: list[Element], root: Element, form: str, **options: str | bool) -> Element:
    """Return the Add or Replace that carries the object; `address`: Target, TargetParent.

    Options are those of wbxml_encode.encode_object.
    """
    wbxml = form != "xml"
    if form == "inline":
        # Octets as base64, as in XML: a signature does not tell them from text.
        fmt, data = "xml", sync("Data", root)
    elif form == "xml":
        fmt, data = "xml", sync("Data", as_xml(root, indent=False))
    else:
        octets = document(root, **options)
        fmt = "bin" if form == "opaque" else "b64"
        data = sync("Data", octets if form == "opaque" else b64encode(octets).decode())
    meta = sync("Meta", met("Format", fmt), met("Type", TYPE + ("+wbxml" if wbxml else "+xml")))
    return sync(name, sync("Item", *address, meta, data))


def document(root: Element, **options: str | bool) -> bytes:
    """Return the object as a WBXML document."""
    version, table = str(options.get("version", "1.2")), bool(options.get("string_table", False))
    return encode_object(for_wbxml(root), version=version, string_table=table)


def for_wbxml(root: Element) -> Element:
    """Return the elements as they stand in WBXML: values of `bin` leaves as octets."""
    fmt = root.path("RTProperties", "Format", "bin")
    content: list[Element | str | bytes] = []
    for part in root.content:
        if isinstance(part, Element) and part.name == "Value" and fmt is not None:
            content.append(ddf("Value", b64decode("".join(part.text().split()))))
        else:
            content.append(for_wbxml(part) if isinstance(part, Element) else part)
    return Element(root.page, root.name, content)


def as_xml(root: Element, indent: bool = True) -> str:
    """Return the object as an XML document, for people or for the air."""
    if indent:
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + xml_text.write(root)
    return (
        f'<MgmtTree xmlns="{t.NAMESPACES[t.DDF]}">'
        + "".join(_short(part) for part in root.content)
        + ("</MgmtTree>")
    )


def _short(part: Element | str | bytes) -> str:
    if not isinstance(part, Element):
        return xml_text.escaped(part)
    inner = "".join(_short(below) for below in part.content)
    return f"<{part.name}>{inner}</{part.name}>" if inner else f"<{part.name}/>"


def grant(node: Element, acl: str) -> None:
    """Give a top node this ACL if it has none (R31)."""
    path = node.find("Path")
    if path is not None and path.text():
        return
    properties = node.find("RTProperties")
    if properties is None:
        # RTProperties stand behind NodeName and Path. What was not said stays so but for the ACL.
        interior = node.find("Node") is not None
        properties = ddf(
            "RTProperties",
            ddf("Format", ddf("node" if interior else "chr")),
            ddf("Type", ddf("DDFName") if interior else ddf("MIME", "text/plain")),
        )
        node.content.insert(sum(part.name in ("NodeName", "Path") for part in node.elements()), properties)
    if properties.find("ACL") is None:
        properties.content.insert(0, ddf("ACL", acl))
