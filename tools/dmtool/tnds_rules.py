"""What a TNDS object must keep to before the tool lets it out, wherever in a message it stands.

Sessionless 5.4, 5.5, 6.1 (R40, R45, R46, R47); limits of a device; TND 1.2.1 7.7.1.
"""

from __future__ import annotations

import binascii
from base64 import b64decode

from . import tokens as t
from .addresses import MAX_DEPTH, MAX_TEXT, MAX_TOT_LEN, check_acl, check_relative, is_account
from .element import Element
from .errors import ToolError
from .tnds import Row, ddf, from_wbxml, parse, rows
from .wbxml_decode import decode

INBOX = "./Inbox"
MAX_NODES, MAX_TOPS, MAX_REFERENCES = 512, 16, 32  # what a device takes in one object
_REFERENCES = ("ConRef", "PrefConRef")  # connectivity references, as devices know them


def check(root: Element, target: str | None) -> list[Row]:
    """Check an object for its Target (None: a virtual address) and return its nodes."""
    found = rows(root)
    if len(found) > MAX_NODES:
        raise ToolError(f"TNDS: has {len(found)} nodes, and a device takes {MAX_NODES}; split it")
    inbox = target == INBOX
    base = "" if target is None or inbox or target == "." else target.removeprefix("./")
    taken: dict[str, Row] = {}
    for row in found:
        where = f"TNDS node {row.uri or '(the Target)'}"
        segments = check_relative(row.uri) if row.uri else []
        whole = "/".join(filter(None, (base, row.uri)))
        if whole.count("/") >= MAX_DEPTH:
            raise ToolError(f"{where}: is deeper than {MAX_DEPTH} levels; shorten it")
        if len(whole) > MAX_TOT_LEN:
            raise ToolError(f"{where}: its address is longer than {MAX_TOT_LEN} characters; shorten it")
        if "DMAcc" in segments or is_account(row.type):
            raise ToolError(f"{where}: a message never makes or changes an account; use dmtool provision")
        if base == "" and not inbox and target is not None and segments[:1] == ["Inbox"]:
            raise ToolError(f"{where}: nothing can be put below ./Inbox; send the object to ./Inbox")
        if row.uri in taken:
            raise ToolError(f"{where}: occurs twice; name it once")
        if len(row.type.encode()) > MAX_TEXT or len(row.title.encode()) > MAX_TEXT:
            raise ToolError(f"{where}: its Type or Title is longer than {MAX_TEXT} octets; shorten it")
        try:
            check_acl(row.acl)
        except ToolError as refusal:
            raise ToolError(f"{where}: {refusal}") from None
        above = taken.get(row.uri.rpartition("/")[0]) if row.uri else None
        if above is not None and not above.interior:
            raise ToolError(f"{where}: lies below {above.uri}, which is a leaf; take it out")
        taken[row.uri] = row
    if inbox:
        _check_inbox(found)
    _check_references(found)
    return found


def _check_inbox(found: list[Row]) -> None:
    if sum(row.top for row in found) > MAX_TOPS:
        raise ToolError(f"TNDS: has more than {MAX_TOPS} top nodes, all that ./Inbox takes at once; split it")
    for row in found:
        if row.top and not (row.interior and row.type):
            raise ToolError(
                f"TNDS node {row.uri or '(unnamed)'}: goes to ./Inbox without a DDFName, by which a device "
                "finds its place; add <Type><DDFName>IDENTIFIER</DDFName></Type>, or use --target URI"
            )


def _check_references(found: list[Row]) -> None:
    # ./Inbox/... in a reference is the address of an object inside the same TNDS object.
    known = {row.uri for row in found}
    count = 0
    for row in found:
        value = row.value.decode("utf-8", "replace") if row.value is not None else ""
        refers = row.format == "chr" and row.uri.rpartition("/")[2] in _REFERENCES
        refers = refers and value.startswith(INBOX + "/")
        count += refers
        if count > MAX_REFERENCES:
            raise ToolError(f"TNDS: has more than {MAX_REFERENCES} references to ./Inbox/...; split it")
        if refers and value[len(INBOX) + 1 :] not in known:
            raise ToolError(
                f"TNDS node {row.uri}: {value!r} refers to no node of this object; write ./Inbox/ and "
                "its address in here"
            )


def found_in(data: Element) -> Element | None:
    """Return the TNDS object that stands in Data in whatever form, as elements of XML; or None."""
    inner = next(data.elements(), None)
    if inner is not None:
        return from_wbxml(inner) if inner.page == t.DDF else None
    octets = b"".join(part if isinstance(part, bytes) else part.encode() for part in data.content
                      if not isinstance(part, Element))  # fmt: skip
    if octets.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        try:
            return parse("TNDS", octets.strip())
        except ToolError:
            return None
    if octets[:1] not in (b"\1", b"\2", b"\3"):
        try:
            octets = b64decode(b"".join(octets.split()), validate=True)
        except (binascii.Error, ValueError):
            return None
    if octets[:1] not in (b"\1", b"\2", b"\3"):
        return None
    document = decode(octets)
    root = document.root
    if document.error or document.rest or root is None or root.page != t.DDF or root.name != "MgmtTree":
        return None
    return from_wbxml(root)


def wrapped(nodes: list[Element]) -> Element:
    """Return an object of these nodes."""
    return ddf("MgmtTree", ddf("VerDTD", "1.2"), *nodes)
