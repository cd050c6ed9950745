"""What a message must be before the tool lets it out: the server's side of the standard.

OMA Sessionless 5.2, 6 and docs/profile.md. Works on the elements of SyncBody, so that messages
from the command language and from XML pass the same gate. The first breach is a ToolError.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from .element import Element
from .errors import ToolError
from .tokens import SYNCML

# Limits of a device: ./DevDetail/URI; characters, not octets.
MAX_DEPTH = 16
MAX_TOT_LEN = 127
MAX_SEG_LEN = 32
PROPERTIES = ("ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo")
CHANGEABLE = ("ACL", "Name", "Title")
COMMANDS = ("Add", "Replace", "Delete", "Exec")
BLOCKS = ("Atomic", "Sequence")
_TNDS = "application/vnd.syncml.dmtnds"
_DMACC = ("urn:oma:mo:oma-dm-dmacc:", "org.openmobilealliance/1.0/w7")
_NEVER = {
    "Get": "a sessionless message has no answer; read the tree on the device",
    "MoreData": "a value in chunks needs answers; send it whole",
    "Alert": "a device ignores it; leave it out",
    "Copy": "a device does not support it; use Add",
}


def check_uri(uri: str) -> list[str]:
    """Return the segments of a node address (without property); ToolError if it is none."""
    what = f"{uri!r}: is no address of a node"
    path, mark, query = uri.partition("?")
    if mark:
        if not query.startswith("prop="):
            raise ToolError(f"{what}: behind '?' only prop=NAME can follow")
        if query[5:] not in PROPERTIES:
            raise ToolError(f"{uri!r}: {query[5:]!r} is no property; use one of {', '.join(PROPERTIES)}")
    if not uri.isprintable():
        raise ToolError(f"{what}: it holds a control character; remove it")
    if path.startswith("/"):
        raise ToolError(f"{what}: it starts with '/'; start it with './'")
    if path.endswith("/"):
        raise ToolError(f"{what}: it ends with '/'; take that off")
    relative = uri.removeprefix("./")
    if len(relative) > MAX_TOT_LEN:
        raise ToolError(f"{uri!r}: is longer than {MAX_TOT_LEN} characters; shorten it")
    if path == ".":
        return []
    segments = path.removeprefix("./").split("/")
    for name in segments:
        if name in ("", ".", ".."):
            raise ToolError(f"{what}: {name!r} is no name of a node; write the full address")
        if len(name) > MAX_SEG_LEN:
            raise ToolError(f"{name!r}: is longer than {MAX_SEG_LEN} characters; shorten it")
    if len(segments) > MAX_DEPTH:
        raise ToolError(f"{uri!r}: is deeper than {MAX_DEPTH} levels; shorten it")
    return segments


def check_body(commands: list[Element], numbers: Iterable[str] | None = None) -> None:
    """Check the commands of a SyncBody and give those without CmdID one of `numbers` (R11)."""
    if not commands:
        raise ToolError("the message holds no command; give at least one")
    _check_ids(commands, map(str, itertools.count(1)) if numbers is None else numbers)
    for command in commands:
        _check_command(command, ())


def _each(commands: list[Element]) -> list[Element]:
    # Every command in document order, blocks before what they hold.
    out: list[Element] = []
    stack = list(reversed(commands))
    while stack:
        command = stack.pop()
        out.append(command)
        if command.name in BLOCKS:
            inner = [e for e in command.elements() if e.name not in ("CmdID", "Meta", "NoResp")]
            stack += reversed(inner)
    return out


def _check_ids(commands: list[Element], numbers: Iterable[str]) -> None:
    each = _each(commands)
    taken: set[str] = set()
    for command in each:
        given = command.find("CmdID")
        if given is not None:
            text = given.text()
            if not text or text == "0":
                raise ToolError(f"{command.name}: CmdID: must not be empty or 0; leave it out")
            if text in taken:
                raise ToolError(f"{command.name}: CmdID: {text} occurs twice; number it anew")
            taken.add(text)
    free = (number for number in numbers if number not in taken)
    for command in each:
        if command.find("CmdID") is None:
            command.content.insert(0, Element(SYNCML, "CmdID", [next(free)]))


def _check_command(command: Element, inside: tuple[str, ...]) -> None:
    name = command.name
    if name in _NEVER:
        raise ToolError(f"{name}: must not be sent: {_NEVER[name]}")
    if name in BLOCKS:
        if name == "Atomic" and "Atomic" in inside:
            raise ToolError("Atomic: stands inside an Atomic; devices refuse that (500)")
        inner = [e for e in command.elements() if e.name not in ("CmdID", "Meta", "NoResp")]
        if not inner:
            raise ToolError(f"{name}: holds no command; give at least one")
        for below in inner:
            _check_command(below, (*inside, name))
        return
    if name not in COMMANDS:
        raise ToolError(f"{name}: is no command for a device; use {', '.join(COMMANDS)}")
    if name == "Exec" and "Atomic" in inside:
        raise ToolError("Exec: must not stand inside an Atomic; use Sequence, or send it alone")
    items = [e for e in command.elements() if e.name == "Item"]
    if not items:
        raise ToolError(f"{name}: has no Item; give it one with Target and LocURI")
    if name == "Exec" and len(items) > 1:
        raise ToolError("Exec: has several Items; give each an Exec of its own")
    for item in items:
        _check_item(command, item)


def meta_of(command: Element, item: Element, name: str) -> str | None:
    """Return an element of Meta: the Item's own, else the command's."""
    for holder in (item, command):
        meta = holder.find("Meta")
        for at in (meta, meta.find("MetInf") if meta else None):
            found = at.find(name) if at else None
            if found is not None:
                return found.text()
    return None


def _check_item(command: Element, item: Element) -> None:
    name = command.name
    if item.find("MoreData") is not None:
        raise ToolError(f"MoreData: must not be sent: {_NEVER['MoreData']}")
    uri = _address(name, item)
    segments = check_uri(uri)
    prop = uri.partition("?prop=")[2]
    if prop and (name != "Replace" or prop not in CHANGEABLE):
        raise ToolError(f"{name} {uri}: only Replace of {', '.join(CHANGEABLE)} can address a property")
    mime = meta_of(command, item, "Type") or ""
    if "DMAcc" in segments or mime.lower().startswith(_DMACC):
        raise ToolError(f"{name} {uri}: a message never changes an account; use dmtool provision")
    if segments[:1] == ["Inbox"]:
        if name != "Add" or len(segments) > 1 or prop:
            raise ToolError(f"{name} {uri}: only an Add may address ./Inbox, and nothing below it")
        if not mime.startswith(_TNDS):
            raise ToolError(f"{name} {uri}: ./Inbox takes TNDS objects only")
    fmt = (meta_of(command, item, "Format") or "").lower()
    data = item.find("Data")
    if name == "Delete" and data is not None:
        raise ToolError(f"Delete {uri}: has Data; leave it out")
    if name == "Delete" and not segments:
        raise ToolError("Delete .: the root can't be deleted")
    if fmt in ("node", "null") and data is not None and data.content:
        raise ToolError(f"{name} {uri}: Format {fmt} takes no Data; leave one of them out")


def _address(name: str, item: Element) -> str:
    target = item.path("Target", "LocURI")
    parent = item.path("TargetParent", "LocURI")
    uri = target.text() if target is not None else ""
    if parent is not None:
        return f"{parent.text()}/{uri}" if uri else parent.text()
    if not uri:
        raise ToolError(f"{name}: Item: has no Target/LocURI; name the node")
    return uri
