"""A message in as few octets as the standard allows, for carriers where every octet counts.

What goes: `./` in front of an address (the same node without it); in an Add the Format and Type that
are the defaults, chr and text/plain; CmdIDs of two octets (after 9 come letters); Source/LocName,
because x-syncml-hmac names the user already. The string table is there when it pays. What stays is
what a device must have: VerDTD, VerProto, both numbers, Target, Source and Cred whole.

A Replace keeps its Meta: there a missing Format does not mean chr, but the one the node has.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterator

from .element import Element
from .rules import BLOCKS

_DEFAULTS = {"Format": "chr", "Type": "text/plain"}
_DIGITS = string.digits[1:] + string.ascii_letters


def shortened(commands: list[Element]) -> list[Element]:
    """Return the commands with all left out that means the same when it is absent."""
    return [_command(command) for command in commands]


def numbers() -> Iterator[str]:
    """Yield CmdIDs, the short ones first."""
    yield from _DIGITS
    for number in itertools.count(10):
        yield str(number)


def _command(command: Element) -> Element:
    if command.name in BLOCKS:
        inner = [_command(part) if isinstance(part, Element) else part for part in command.content]
        return Element(command.page, command.name, inner)
    whole = command.find("Meta")
    content = [
        _item(part, command.name == "Add" and whole is None)
        if isinstance(part, Element) and part.name == "Item"
        else part
        for part in command.content
    ]
    return Element(command.page, command.name, content)


def _item(item: Element, defaults: bool) -> Element:
    content: list[Element | str | bytes] = []
    for part in item.content:
        if isinstance(part, Element) and part.name == "Target":
            part = _target(part)
        elif isinstance(part, Element) and part.name == "Meta" and defaults:
            part = _meta(part)
            if not part.content:
                continue
        content.append(part)
    return Element(item.page, item.name, content)


def _target(target: Element) -> Element:
    uri = target.find("LocURI")
    text = "" if uri is None else uri.text()
    if len(target.content) != 1 or uri is None or len(text) < 3 or not text.startswith("./"):
        return target
    return Element(target.page, target.name, [Element(uri.page, uri.name, [text[2:]])])


def _meta(meta: Element) -> Element:
    # A node has no default Type, and text/plain would be one of its own there.
    fmt = meta.find("Format")
    node = fmt is not None and fmt.text() == "node"
    kept = [
        part
        for part in meta.content
        if not isinstance(part, Element) or node or part.text() != _DEFAULTS.get(part.name)
    ]
    return Element(meta.page, meta.name, kept)
