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


def is_id(server_id: bytes) -> bool:
    """Tell whether the octets can stand in an ACL as the identifier of one server."""
    for c in b" =&*+":
        if c in server_id:
            return False
    return characters(server_id) > 0


def check(acl: bytes) -> bytes:
    """Return the canonical form; CommandFailed 413 over ACL_LEN octets, 400 for bad syntax."""
    if len(acl) > ACL_LEN:
        raise CommandFailed(413)
    rows = [[], [], [], [], []]  # ids of each command
    try:
        for entry in acl.split(b"&") if acl else ():
            command, ids = entry.split(b"=", 1)
            row = rows[_COMMANDS.index(command)]
            for server_id in ids.split(b"+") if ids else ():
                if server_id != b"*" and not is_id(server_id):
                    raise ValueError
                if server_id not in row:
                    row.append(server_id)
    except ValueError:
        raise CommandFailed(400)
    acl = b""
    for command, row in zip(_COMMANDS, rows):
        if row:
            acl += b"&" + command + b"=" + (b"*" if b"*" in row else b"+".join(row))
    return acl[1:]


def grants(acl: bytes, command: bytes, server_id: bytes) -> bool:
    """Tell whether the canonical ACL lets that server use the command."""
    for entry in acl.split(b"&"):
        row = entry.replace(b"=", b"+").split(b"+")
        if row.pop(0) == command:
            return server_id in row or b"*" in row
    return False


def auto(acl: bytes, server_id: bytes) -> bytes:
    """Return the ACL of an interior node added by a server without Replace on its parent.

    Add, Delete and Replace for that server (TND 7.7.1), and the Exec and Get entries of `acl`,
    the parent's effective one, because they would be lost otherwise.
    CommandFailed 413 when that is over ACL_LEN octets, 500 when the id can't stand in an ACL.
    """
    if not is_id(server_id):
        raise CommandFailed(500)
    own = b"Add=%s&Delete=%s&Replace=%s" % (server_id, server_id, server_id)
    for entry in acl.split(b"&"):
        if entry[:4] in (b"Exec", b"Get="):
            own += b"&" + entry
    return check(own)
