"""A part of a device's tree as a TNDS object: what an operator keeps, edits and sends again.

Every node with ACL (its own), Format, Title, Type and value; siblings by name, so that the same tree
is always the same text. A value that no server may read, and so every secret of an account, stays out:
its node has no Value.
"""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from . import tnds_encode
from .addresses import check_uri
from .element import Element
from .errors import ToolError
from .image import Node, open_image
from .tnds import ddf
from .tnds_rules import wrapped
from .xml_text import can_stand


def export(path: Path, uri: str) -> tuple[Element, list[str]]:
    """Return the node at uri with all below it as an object, and the nodes without their values."""
    segments = check_uri(uri)
    if "?" in uri:
        raise ToolError(f"{uri}: name a node, not a property")
    with open_image(path) as image:
        if image.is_new:
            raise ToolError(f"{path}: holds no tree yet; set the device up with: dmtool provision")
        nodes = list(image.nodes())
    top = "/".join([".", *segments])
    chosen = [node for node in nodes if node.uri == top or node.uri.startswith(top + "/")]
    if not chosen:
        raise ToolError(f"{path}: has no node {top}; dmtool tree shows what is there")
    if not segments:
        chosen = chosen[1:]  # the root has no name; what is below it has
    made: dict[str, Element] = {}
    tops: list[Element] = []
    for node in chosen:
        above = made.get(node.uri.rpartition("/")[0])
        made[node.uri] = _node(path, node)
        if above is None:
            tops.append(made[node.uri])
        else:
            above.content.append(made[node.uri])
    return wrapped(tops), [node.uri for node in chosen if node.masked]


def text(root: Element) -> str:
    """Return the object as the XML of a file."""
    return tnds_encode.as_xml(root)


def _node(path: Path, node: Node) -> Element:
    properties = ddf("RTProperties")
    if node.acl:
        properties.content.append(ddf("ACL", node.acl))
    properties.content.append(ddf("Format", ddf(node.format)))
    if node.title:
        properties.content.append(ddf("Title", node.title))
    kind = "DDFName" if node.interior else "MIME"
    properties.content.append(ddf("Type", ddf(kind, node.type) if node.type else ddf(kind)))
    out = ddf("Node", ddf("NodeName", node.uri.rpartition("/")[2]), properties)
    if node.value:
        out.content.append(ddf("Value", _value(path, node, node.value)))
    return out


def _value(path: Path, node: Node, value: bytes) -> str:
    if node.format in ("bin", "b64"):
        return b64encode(value).decode()
    try:
        plain = value.decode()
    except UnicodeDecodeError:
        plain = "\0"
    if not can_stand(plain):
        raise ToolError(
            f"{path}: {node.uri}: its value of Format {node.format} holds octets that can't stand in XML; "
            "export the nodes beside it one by one"
        )
    return plain
