"""Addresses as a message may hold them: absolute, relative, virtual; and texts that go with them.

TND 1.2.1 5 and 6, its ACL 7.7.1; docs/profile.md P4, P10. A virtual address names an object by its
identifier, wherever the device has put it: part A is `[URI?]MOID=value[&leaf=value...]`, in
TargetParent/LocURI; part B, the path below, in Target/LocURI.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from .errors import ToolError

# Limits of a device: ./DevDetail/URI; characters, not octets.
MAX_DEPTH = 16
MAX_TOT_LEN = 127
MAX_SEG_LEN = 32
MAX_TEXT = 255  # octets of an ACL, a Title, a Type
MAX_PART_A = 512  # octets of a virtual address
MAX_CONDITIONS = 8  # in it
PROPERTIES = ("ACL", "Format", "Name", "Size", "Title", "TStamp", "Type", "VerNo")
RIGHTS = ("Add", "Delete", "Exec", "Get", "Replace")
_DMACC = ("urn:oma:mo:oma-dm-dmacc:", "org.openmobilealliance/1.0/w7")
_MOID = re.compile(r"(?:^|\?)MOID=")


def is_account(identifier: str) -> bool:
    """Tell whether a Type or an object identifier is that of a DMAcc (R45)."""
    return identifier.strip().lower().startswith(_DMACC)


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


def is_virtual(address: str) -> bool:
    """Tell whether an address names an object by its identifier."""
    return _MOID.search(address) is not None


def check_part_a(text: str) -> None:
    """Check the part of a virtual address that names the object; ToolError if it is none."""
    what = f"{text!r}: is no virtual address"
    if not is_virtual(text):
        raise ToolError(f"{what}: write [URI?]MOID=IDENTIFIER[&LEAF=VALUE]")
    if not text.isprintable():
        raise ToolError(f"{what}: it holds a control character; write it as %XX")
    if len(text.encode()) > MAX_PART_A:
        raise ToolError(f"{what}: it is longer than {MAX_PART_A} octets; shorten it")
    where, mark, query = ("", "", text) if text.startswith("MOID=") else text.partition("?")
    below = check_uri(where) if mark else []
    if below[:1] == ["Inbox"]:
        raise ToolError(f"{what}: there is never anything in ./Inbox; name another place, or none")
    name, *conditions = [piece.partition("=") for piece in query.split("&")]
    if "?" in query or name[0] != "MOID" or not name[2]:
        raise ToolError(f"{what}: behind MOID= stands the object's identifier; ? & = % are written %XX")
    if "DMAcc" in below or is_account(unquote(name[2])):
        raise ToolError(f"{text}: a message never changes an account; use dmtool provision")
    if len(conditions) > MAX_CONDITIONS:
        raise ToolError(f"{what}: it has more than {MAX_CONDITIONS} conditions; leave some out")
    for leaf, mark, value in conditions:
        if not mark or not leaf or "=" in value:
            raise ToolError(f"{what}: {leaf!r}: write a condition as LEAF=VALUE")
        check_relative(unquote(leaf))


def check_relative(path: str) -> list[str]:
    """Return the segments of an address that is joined to another one."""
    if path.startswith("./") or path in (".", ""):
        raise ToolError(f"{path!r}: is no relative address; write it without './' in front")
    return check_uri(path)


def check_acl(text: str) -> None:
    """Check the value of an ACL; ToolError if a device could not take it."""
    if len(text.encode()) > MAX_TEXT:
        raise ToolError(f"ACL {text[:40]!r}...: is longer than {MAX_TEXT} octets; name fewer servers")
    for entry in text.split("&") if text else ():
        right, mark, servers = entry.partition("=")
        if right not in RIGHTS or not mark:
            raise ToolError(f"ACL {text!r}: {entry!r} is no entry; write {'|'.join(RIGHTS)}=SERVER+SERVER")
        for server in servers.split("+") if servers else ():
            bad = not server.isprintable() or any(c in "=*" or c.isspace() for c in server)
            if server != "*" and (bad or not server):
                raise ToolError(f"ACL {text!r}: {server!r} is no identifier of a server")
