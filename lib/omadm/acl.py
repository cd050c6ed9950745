# Access control lists: the text of one, and whom it lets do what.
# OMA TND 1.2.1 section 7.7.1.
#
#   acl     = "" | entry *("&" entry)         Add=*&Get=com.example.dms+com.example.lab
#   entry   = command "=" id *("+" id)
#   command = "Add" | "Delete" | "Exec" | "Get" | "Replace"
#   id      = "*" | characters except = & * + and white space
#
# Contract: an ACL is bytes in canonical form, made by check(): every command at most once, in
# the order above, no id twice, "*" alone where it occurs, no command without an id.
# An id is compared as a whole, octet by octet: "com.example" is not "com.example.dms".
# Bounds: ACL_LEN octets, checked before anything is taken apart.
# Non-goals: which ACL counts for a node (the nearest non-empty one upwards) is the tree's duty.
from .errors import CommandFailed
from .limits import ACL_LEN
from .uri import characters

_COMMANDS = (b"Add", b"Delete", b"Exec", b"Get", b"Replace")
_ANYBODY = [b"*"]


def is_id(server_id: bytes) -> bool:
    """Tell whether the octets can stand in an ACL as the identifier of one server."""
    for c in b" =&*+":
        if c in server_id:
            return False
    return characters(server_id) > 0


def _ids(acl: bytes, command: bytes) -> list:
    found = []
    for entry in acl.split(b"&"):
        at = entry.find(b"=") + 1
        if entry[:at] == command + b"=" and at < len(entry):
            found += entry[at:].split(b"+")
    return found


def _text(acl: bytes, change) -> bytes:
    # Canonical text of what change(command, ids) makes of each command's ids.
    text = b""
    for command in _COMMANDS:
        once = []
        for server_id in change(command, _ids(acl, command)):
            if server_id not in once:
                once.append(server_id)
        if once:
            if b"*" in once:
                once = _ANYBODY
            text += b"&" + command + b"=" + b"+".join(once)
    if len(text) > ACL_LEN + 1:
        raise CommandFailed(413)
    return text[1:]


def check(acl: bytes) -> bytes:
    """Return the canonical form; CommandFailed 413 over ACL_LEN octets, 400 for bad syntax."""
    if len(acl) > ACL_LEN:
        raise CommandFailed(413)
    if acl:
        for entry in acl.split(b"&"):
            at = entry.find(b"=")
            if at < 0 or entry[:at] not in _COMMANDS:
                raise CommandFailed(400)
            if at + 1 < len(entry):
                for server_id in entry[at + 1 :].split(b"+"):
                    if server_id != b"*" and not is_id(server_id):
                        raise CommandFailed(400)
    return _text(acl, lambda command, ids: ids)


def grants(acl: bytes, command: bytes, server_id: bytes) -> bool:
    """Tell whether the canonical ACL lets that server use the command."""
    ids = _ids(acl, command)
    return server_id in ids or b"*" in ids


def auto(parent_acl: bytes, server_id: bytes) -> bytes:
    """Return the ACL of an interior node added by a server without Replace on its parent.

    Add, Delete and Replace for that server (TND 7.7.1), and the Exec and Get entries of the
    parent's effective ACL, because they would be lost otherwise.
    CommandFailed 413 when that is over ACL_LEN octets, 500 when the id can't stand in an ACL.
    """
    if not is_id(server_id):
        raise CommandFailed(500)
    return _text(
        parent_acl,
        lambda command, ids: ids if command in (b"Exec", b"Get") else [server_id],
    )


def add(acl: bytes, command: bytes, server_id: bytes) -> bytes:
    """Return the ACL with the command also granted to that server; errors as auto()."""
    if not is_id(server_id):
        raise CommandFailed(500)
    return _text(acl, lambda name, ids: ids + [server_id] if name == command else ids)


def remove(acl: bytes, server_id: bytes, root: bool = False) -> bytes:
    """Return the ACL without that server; a command left without an id goes.

    At the root Add and Get become "*" instead, as in the factory default `Add=*&Get=*`, and
    nothing else does: taking a server away gives nobody else a right to change the root.
    """

    def change(command, ids):
        left = [i for i in ids if i != server_id]
        if root and ids and not left and command in (b"Add", b"Get"):
            return _ANYBODY
        return left

    return _text(acl, change)
