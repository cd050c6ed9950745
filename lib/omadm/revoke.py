# Takes servers that lost their accounts out of every ACL. OMA TND 1.2.1 section 7.7.1.
#
# Contract: stages the changes in the open transaction; the caller commits them together with the
# end of the accounts, so that nobody who gets the name later gets the rights with it.
# Bounds: one image per ACL that names them; CommandFailed 413 where the transaction has no room.
# Imported when an account is removed, and not before: it is no part of any message.

from micropython import const

_ACL = const(3)  # of the texts of a node
_HAS_ACL = const(2)


def revoke(local, servers) -> None:
    """Stage the ACL of every node that names one of the servers, without them."""
    store = local.store
    for nid in range(len(store.flags)):
        if not store.is_free(nid) and store.flags[nid] & _HAS_ACL:
            old = store.field(nid, _ACL)
            new = without(old, servers, not nid)
            if new != old:
                local.txn.again(nid, _ACL, new)


def without(acl: bytes, servers, root: bool) -> bytes:
    """Return the canonical ACL without these servers; a command left without a name goes.

    At the root an Add or Get left without a name becomes `*`, as the standard starts it; the other
    commands go there too, because `*` would give a right over the root to everybody.
    """
    out = b""
    for entry in acl.split(b"&") if acl else ():
        command, ids = entry.split(b"=", 1)
        left = b"+".join([one for one in ids.split(b"+") if one not in servers])
        if not left and root and command in (b"Add", b"Get"):
            left = b"*"
        if left:
            out += b"&" + command + b"=" + left
    return out[1:]
