"""What a message must be before the tool lets it out: the server's side of the standard.

OMA Sessionless 5.2, 6 and docs/profile.md. Works on the elements of SyncBody, so that messages
from the command language and from XML pass the same gate. The first breach is a ToolError.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from . import tnds_rules
from .addresses import check_acl, check_part_a, check_relative, check_uri, is_account, is_virtual
from .element import Element, meta_of
from .errors import ToolError
from .tnds import TYPE as TNDS_TYPE
from .tokens import SYNCML

CHANGEABLE = ("ACL", "Name", "Title")
COMMANDS = ("Add", "Replace", "Delete", "Exec")
BLOCKS = ("Atomic", "Sequence")
_NEVER = {
    "Get": "a sessionless message has no answer; read the tree on the device",
    "MoreData": "a value in chunks needs answers; send it whole",
    "Alert": "a device ignores it; leave it out",
    "Copy": "a device does not support it; use Add",
}


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


def _check_item(command: Element, item: Element) -> None:
    name = command.name
    if item.find("MoreData") is not None:
        raise ToolError(f"MoreData: must not be sent: {_NEVER['MoreData']}")
    uri, virtual = _address(name, item)
    if virtual and (not uri or uri.startswith("?")):
        segments = check_uri("A" + uri)[1:]  # the object itself, or a property of it
    else:
        segments = check_relative(uri) if virtual else check_uri(uri)
    prop = uri.partition("?prop=")[2]
    if prop and (name != "Replace" or prop not in CHANGEABLE):
        raise ToolError(f"{name} {uri}: only Replace of {', '.join(CHANGEABLE)} can address a property")
    mime = meta_of(command, item, "Type") or ""
    if "DMAcc" in segments or is_account(mime):
        raise ToolError(f"{name} {uri}: a message never changes an account; use dmtool provision")
    inbox = segments[:1] == ["Inbox"] and not virtual
    if inbox:
        if name != "Add" or len(segments) > 1 or prop:
            raise ToolError(f"{name} {uri}: only an Add may address ./Inbox, and nothing below it")
        if not mime.startswith(TNDS_TYPE):
            raise ToolError(f"{name} {uri}: ./Inbox takes TNDS objects only")
    if prop:
        _check_property(uri, prop, item)
    elif inbox or mime.startswith(TNDS_TYPE) or _holds_elements(item):
        _check_object(name, uri, None if virtual else tnds_rules.INBOX if inbox else uri, item)
    fmt = (meta_of(command, item, "Format") or "").lower()
    data = item.find("Data")
    if name == "Delete" and data is not None:
        raise ToolError(f"Delete {uri}: has Data; leave it out")
    if name == "Delete" and not segments and not virtual:
        raise ToolError("Delete .: the root can't be deleted")
    if fmt in ("node", "null") and data is not None and data.content:
        raise ToolError(f"{name} {uri}: Format {fmt} takes no Data; leave one of them out")


def _holds_elements(item: Element) -> bool:
    data = item.find("Data")
    return data is not None and any(True for _ in data.elements())


def _check_object(name: str, uri: str, target: str | None, item: Element) -> None:
    data = item.find("Data")
    root = tnds_rules.found_in(data) if data is not None else None
    if root is None:
        raise ToolError(f"{name} {uri}: its Data is no TNDS object; make one with --tnds FILE")
    if name not in ("Add", "Replace"):
        raise ToolError(f"{name} {uri}: takes no TNDS object; use add or replace")
    tnds_rules.check(root, target)


def _check_property(uri: str, prop: str, item: Element) -> None:
    data = item.find("Data")
    text = data.text() if data is not None else ""
    if prop == "ACL":
        check_acl(text)
    elif prop == "Name":
        if len(check_relative(text)) != 1 or "?" in text:
            raise ToolError(f"{uri}: {text!r} is no name of a node; write one name without '/'")
        if text == "DMAcc":
            raise ToolError(f"{uri}: a message never changes an account; use dmtool provision")


def _address(name: str, item: Element) -> tuple[str, bool]:
    # The whole address; or, of a virtual one, the path below the object, and True.
    target = item.path("Target", "LocURI")
    parent = item.path("TargetParent", "LocURI")
    uri = target.text() if target is not None else ""
    above = parent.text() if parent is not None else ""
    if is_virtual(above):
        check_part_a(above)
        return uri, True
    if is_virtual(uri) and not above:
        check_part_a(uri)
        return "", True
    if above:
        if uri:
            check_relative(uri)
        return (f"{above}/{uri}" if uri else above), False
    if not uri:
        raise ToolError(f"{name}: Item: has no Target/LocURI; name the node")
    return uri, False
