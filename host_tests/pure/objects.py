"""Builds TNDS objects for tests that run under both interpreters, in every form that exists.

    node(b"Valve", node(b"Period", value=b"60", fmt=b"int"), mo=b"org.example/1.0/Valve")

makes a node; document(*nodes), tokens(*nodes), text(*nodes) and coded(*nodes) an object of nodes.
The operator's encoder is in tools/dmtool and shares nothing with this.
"""

import messages as m

TNDS = b"application/vnd.syncml.dmtnds+wbxml"
HEAD = b"\x02\x00\x00\x6a\x1b-//OMA//DTD-DM-DDF 1.2//EN\x00"
VALVE = b"org.example/1.0/Valve"
FORMATS = b"node chr bin bool int float date time xml b64 null".split()
FORMAT_TAGS = b"\x25\x0b\x09\x0a\x1e\x1b\x10\x32\x39\x08\x27"
TAGS = {
    b"NodeName": 0x26, b"Path": 0x2C, b"RTProperties": 0x2F, b"ACL": 0x06, b"Format": 0x1C, b"Title": 0x33,
    b"Type": 0x35, b"MIME": 0x21, b"DDFName": 0x11, b"Value": 0x36, b"Node": 0x24, b"MgmtTree": 0x20,
    b"VerDTD": 0x37,
}  # fmt: skip


def node(name, *below, **properties):
    """A node: name may be None (no NodeName); path, acl, fmt, title, mime, mo, value, raw."""
    return name, below, properties


def _element(name, content, attributes=b""):
    """(tokens, text) of an element; content: (tokens, text), or octets of a text."""
    if isinstance(content, bytes):
        escaped = content.replace(b"&", b"&amp;").replace(b"<", b"&lt;")
        content = (m.text(content) if content else b"", escaped)
    inside = (m.element(TAGS[name], content[0]) if content[0] else m.element(TAGS[name]),)
    return inside[0], b"<" + name + attributes + b">" + content[1] + b"</" + name + b">"


def _join(parts):
    return b"".join([part[0] for part in parts]), b"".join([part[1] for part in parts])


def _node(one):
    name, below, has = one
    parts = []
    if name is not None:
        parts.append(_element(b"NodeName", name))
    if "path" in has:
        parts.append(_element(b"Path", has["path"]))
    inner = []
    if "acl" in has:
        inner.append(_element(b"ACL", has["acl"]))
    if "fmt" in has:
        fmt = has["fmt"]
        tag = FORMAT_TAGS[FORMATS.index(fmt) : FORMATS.index(fmt) + 1]
        inner.append(_element(b"Format", (tag, b"<" + fmt + b"/>")))
    if "title" in has:
        inner.append(_element(b"Title", has["title"]))
    if "mime" in has:
        inner.append(_element(b"Type", _element(b"MIME", has["mime"])))
    if "mo" in has:
        inner.append(_element(b"Type", _element(b"DDFName", has["mo"])))
    if inner:
        parts.append(_element(b"RTProperties", _join(inner)))
    for child in below:
        parts.append(_node(child))
    if "value" in has:
        value = has["value"]
        if has.get("raw"):
            parts.append((m.element(TAGS[b"Value"], m.opaque(value)), _element(b"Value", m.b64(value))[1]))
        else:
            parts.append(_element(b"Value", value))
    return _element(b"Node", _join(parts))


def _tree(nodes):
    parts = [_element(b"VerDTD", b"1.2")] + [_node(one) for one in nodes]
    return _element(b"MgmtTree", _join(parts), b' xmlns="syncml:dmddf1.2"')


def tokens(*nodes):
    """DDF tokens for inside of Data, with the page switches."""
    return b"\x00\x02" + _tree(nodes)[0] + b"\x00\x00"


def document(*nodes):
    """A whole WBXML document."""
    return HEAD + b"\x00\x02" + _tree(nodes)[0]


def text(*nodes):
    """XML text."""
    return _tree(nodes)[1]


def coded(*nodes):
    """Base64 of the document."""
    return m.b64(document(*nodes))


def send(tag, cmd_id, uri, data, mime=TNDS, fmt=b"bin", parent=None):
    """An Add (5) or Replace (0x20) whose Data is octets in an OPAQUE."""
    return m.command(tag, cmd_id, m.item(uri, data, fmt, mime, True, parent))


def inline(tag, cmd_id, uri, *nodes):
    """The same with tokens in Data."""
    address = m.element(0x2E, m.element(0x17, m.text(uri)))
    return m.command(tag, cmd_id, m.element(0x14, address, m.element(0x0F, tokens(*nodes))))


def add(cmd_id, uri, *nodes):
    return send(0x05, cmd_id, uri, document(*nodes))


def replace(cmd_id, uri, *nodes):
    return send(0x20, cmd_id, uri, document(*nodes))
