"""The command language of `dmtool compose`: one command, one operand.

    replace URI[:FORMAT[,MIME]]=VALUE      give a node another value
    acl     URI=ACL                        ... who may do what: Add=*&Replace=com.example.dms
    rename  URI=NAME                       ... another name
    title   URI=TEXT                       ... a title for people
    add     URI[:FORMAT[,MIME]]=VALUE      make a leaf
    add     URI:node[,TYPE]                make an interior node
    delete  URI                            take a node away with all below it
    exec    URI[=ARGUMENT]                 run what the node stands for

acl, rename and title are a Replace of URI?prop=ACL, Name and Title, which can be written as well;
an empty ACL means that the one above counts again.

VALUE is text up to the end; @FILE takes the content of a file, @@ at the start is a plain @.
The format is one of FORMATS, chr when left out. A name that itself holds ':' in the last
segment needs its format written out; a name that holds '=' needs --xml.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from pathlib import Path

from .addresses import check_relative, check_uri, is_virtual
from .element import Element, met, sync
from .errors import ToolError, UsageError, os_error

FORMATS = ("b64", "bin", "bool", "chr", "int", "node", "null", "xml", "date", "time", "float")
VERBS = {"add": "Add", "replace": "Replace", "delete": "Delete", "exec": "Exec"}
_PROPERTIES = {"acl": "ACL", "rename": "Name", "title": "Title"}
_TYPED = re.compile(rf"(?P<uri>.*?):(?P<fmt>{'|'.join(FORMATS)})(?:,(?P<mime>.+))?")
_INT = re.compile(r"[+-]?[0-9]{1,10}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


def parse(words: list[str]) -> list[Element]:
    """Turn the words of the command line into commands, without CmdID.

    Verb and operand are two words or one with a space between: `add ./A=1` or "add ./A=1".
    """
    commands = []
    rest = list(words)
    for word in rest:
        if any("\ud800" <= c < "\ue000" for c in word):
            raise ToolError(f"{word!r}: is no text in UTF-8; use format bin and =@FILE")
    while rest:
        word = rest.pop(0)
        verb, space, operand = word.strip().partition(" ")
        if verb.lower() == "get":
            raise ToolError("get: must not be sent: a sessionless message has no answer")
        known = (*VERBS, *_PROPERTIES)
        if verb.lower() not in known:
            raise UsageError(f"{word!r}: is no command; use {', '.join(known)}")
        if not space:
            if not rest:
                raise UsageError(f"{verb}: names no node; write: {verb} ./Path/To/Node")
            operand = rest.pop(0)
        operand = operand.strip()
        if verb.lower() in VERBS:
            commands.append(_command(VERBS[verb.lower()], operand))
        else:
            commands.append(_property(verb.lower(), operand))
    return commands


def below(commands: list[Element], parent: str) -> list[Element]:
    """Address what the commands name relatively to `parent`: an address, or part A of a virtual one.

    `.` stands for the node at `parent` itself.
    """
    for command in commands:
        for item in command.elements():
            uri = item.path("Target", "LocURI")
            if uri is not None:
                item.content[:1] = address(uri.text(), parent)
    return commands


def address(uri: str, parent: str | None) -> list[Element]:
    """Return Target, and TargetParent if there is one, of an Item."""
    if parent is None:
        return [sync("Target", sync("LocURI", uri))]
    if uri == ".":
        return [sync("Target", sync("LocURI", parent))]
    if uri.startswith(".?"):
        if not is_virtual(parent):
            return [sync("Target", sync("LocURI", parent + uri[1:]))]
        uri = uri[1:]  # a property of the object itself
    else:
        check_relative(uri)
    return [sync("Target", sync("LocURI", uri)), sync("TargetParent", sync("LocURI", parent))]


def block(name: str, commands: list[Element]) -> list[Element]:
    """Put commands into one Atomic or Sequence."""
    return [sync(name, *commands)]


def _command(name: str, operand: str) -> Element:
    if name == "Delete":
        if "=" in operand.partition("?prop=")[0]:
            raise UsageError(f"delete {operand}: takes no value; write only the address")
        check_uri(operand)
        return sync(name, _item(operand))
    address, has_value, value = _split(operand)
    if name == "Exec":
        check_uri(address)
        content = _content(operand, value, "chr") if has_value else None
        return sync(name, _item(address, None, content))
    address, fmt, mime = _typed(name, address)
    check_uri(address)
    if name == "Replace" and fmt == "node":
        raise ToolError(f"replace {address}: an interior node has no value; use add or delete")
    if fmt in ("node", "null"):
        if has_value:
            raise ToolError(f"{name.lower()} {address}: format {fmt} takes no value; leave it out")
        return sync(name, _item(address, _meta(fmt, mime)))
    if not has_value:
        raise UsageError(
            f"{name.lower()} {operand}: has no value; write {address}=VALUE"
            + (f", or {address}:node for an interior node" if name == "Add" else "")
        )
    if fmt == "bin" and mime is None:
        mime = "application/octet-stream"
    content = _content(operand, value, fmt or "chr")
    return sync(name, _item(address, _meta(fmt, mime), content))


def _property(verb: str, operand: str) -> Element:
    uri, has_value, value = operand.partition("=")
    if not has_value:
        raise UsageError(f"{verb} {operand}: has no value; write {verb} {operand}=VALUE")
    if "?" in uri:
        raise UsageError(f"{verb} {operand}: write the address of the node, without '?'")
    return _command("Replace", f"{uri}?prop={_PROPERTIES[verb]}={value}")


def _split(operand: str) -> tuple[str, bool, str]:
    # The first '=' that is not that of ?prop= separates the value.
    start = operand.find("?prop=")
    start = start + len("?prop=") if start >= 0 else 0
    at = operand.find("=", start)
    return (operand, False, "") if at < 0 else (operand[:at], True, operand[at + 1 :])


def _typed(name: str, address: str) -> tuple[str, str | None, str | None]:
    # URI:FORMAT or URI:FORMAT,TYPE; a type may hold '/' and ':' (urn:oma:mo:...).
    if "?" in address:
        return address, None, None
    found = _TYPED.fullmatch(address)
    if found:
        return found["uri"], found["fmt"], found["mime"]
    last = address.rpartition("/")[2]
    if ":" in last:
        raise ToolError(
            f"{name.lower()} {address}: {last.rpartition(':')[2]!r} is no format; use "
            f"{', '.join(FORMATS)} (a name with ':' needs its format behind it)"
        )
    return address, None, None


def _meta(fmt: str | None, mime: str | None) -> Element | None:
    # R14: what is not the default. A Replace that names no format keeps that of the node.
    parts = []
    if fmt is not None:
        parts.append(met("Format", fmt))
    if mime is not None:
        parts.append(met("Type", mime))
    return sync("Meta", *parts) if parts else None


def _item(uri: str, meta: Element | None = None, content: str | bytes | None = None) -> Element:
    item = sync("Item", sync("Target", sync("LocURI", uri)))
    if meta is not None:
        item.content.append(meta)
    if content is not None:
        item.content.append(sync("Data", content))
    return item


def _content(operand: str, value: str, fmt: str) -> str | bytes:
    octets: bytes | None = None
    if value.startswith("@@"):
        value = value[1:]
    elif value.startswith("@"):
        path = Path(value[1:])
        try:
            octets = path.read_bytes()
        except OSError as error:
            raise os_error(path, error) from None
        if fmt == "bin":
            return octets
        try:
            value = octets.decode()
        except UnicodeDecodeError:
            raise ToolError(f"{path}: is no text in UTF-8; use format bin") from None
        if fmt in ("int", "bool", "float", "b64", "date", "time"):
            value = value.strip()
    elif fmt == "bin":
        raise ToolError(f"{operand}: format bin takes its octets from a file; write =@FILE")
    _check_value(operand, value, fmt)
    return value


def _check_value(operand: str, value: str, fmt: str) -> None:
    if fmt == "int" and not _INT.fullmatch(value):
        raise ToolError(f"{operand}: {value!r} is no whole number of at most ten digits")
    if fmt == "bool" and value not in ("true", "false"):
        raise ToolError(f"{operand}: {value!r} is no bool; write true or false")
    if fmt == "float" and not _FLOAT.fullmatch(value):
        raise ToolError(f"{operand}: {value!r} is no float")
    if fmt == "b64":
        try:
            b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise ToolError(f"{operand}: the value is no base64; use bin=@FILE") from None
