# Virtual addresses: a management object named by what it is, not by where it is.
# OMA Sessionless 6.2.2 (R52); TND 1.3 7.2 was not available, docs/profile.md P4 is our reading.
#
#   part A = [uri "?"] "MOID=" value *("&" leaf "=" value)     in TargetParent, or alone in Target
#   part B = the path below the object, with ?prop= or not     in Target beside a part A
#
# `value` is the Type of an interior node at or below uri, all of it; `leaf` an address below that node.
# %hh stands for an octet, so that values can hold & and =. One match is needed.
#
# Contract: resolve() looks at the tree as the command finds it, with what earlier ones of the
# message staged, and gives an ordinary address, on which all checks are then made. CommandFailed:
# 404 no such object, or no such form; 412 several; 413 too many to look at. A leaf that the server may
# not Get (ACL and AccessType) matches nothing: else values could be guessed one after the other.
# Bounds: TEXT_LEN octets of address, _CONDITIONS, VIRTUAL_NAMES; every node is looked at once.

from struct import unpack_from

from micropython import const

from . import uri
from .errors import CommandFailed
from .limits import VIRTUAL_NAMES

_DMACC = const(8)
_STAGED = const(0x20)
_FLASH = const(0x2000000)  # as in transaction.py
_GET = const(0x800)
_CONDITIONS = const(8)


def resolve(run, address: bytes, below: bytes) -> bytes:
    """The address of what is at part B `below` of the object that part A names."""
    tree = run.tree
    top = 0
    at = address.find(b"?MOID=") + 1
    if at:
        top = tree.find(uri.split(address[: at - 1])[0])
    moid, *rest = address[at + 5 :].split(b"&")
    moid = _plain(moid)
    if top < 0 or not moid or len(rest) > _CONDITIONS:
        raise CommandFailed(404)
    conditions = []
    for text in rest:
        at = text.find(b"=")
        if at < 1:
            raise CommandFailed(404)
        conditions.append((uri.split(_plain(text[:at]))[0], _plain(text[at + 1 :])))
    store = tree.store
    names = sum([len(path) for path, _ in conditions])
    looked = 0
    found = -1
    for nid in range(len(store.flags)):
        if store.is_free(nid) or tree.fields(nid) & 15 or store.field(nid, 1) != moid:
            continue
        if not _is_below(store, nid, top):
            continue
        looked += names
        if looked > VIRTUAL_NAMES:
            raise CommandFailed(413)
        if _holds(run, nid, conditions):
            if found >= 0:
                raise CommandFailed(412)
            found = nid
    if found < 0 or below[:1] == b"/" or below[:2] == b"./":
        raise CommandFailed(404)
    where = tree.path(found)
    if not below or below == b".":
        return where
    return where + (b"" if below[:1] == b"?" else b"/") + below


def _plain(text):
    # With every %hh as the octet it stands for.
    first, *rest = text.split(b"%")
    for part in rest:
        digits = part[:2]
        if len(digits) < 2 or digits.strip(b"0123456789ABCDEFabcdef"):
            raise CommandFailed(404)
        first += bytes((int(digits, 16),)) + part[2:]
    return first


def _is_below(store, nid, top):
    while nid != top and nid:
        nid = store.parent(nid)
    return nid == top


def _holds(run, nid, conditions):
    # True when every condition is true of the object at nid.
    tree = run.tree
    store = tree.store
    for path, value in conditions:
        leaf = nid
        for name in path:
            leaf = store.child(leaf, name)
            if leaf < 0 or store.flags[leaf] & _DMACC:
                return False
        if not tree.fields(leaf) & 15 or not tree.fields(leaf) & _GET or not run.may(leaf, b"Get"):
            return False
        if _value(run.txn, leaf, len(value)) != value:
            return False
    return True


def _value(txn, nid, n):
    # The value of a node as it is now, if it has n octets; else None.
    store = txn.store
    if store.value_len(nid) != n:
        return None
    buf = bytearray(n)
    if store.flags[nid] & _STAGED:
        where = unpack_from("<I", txn.arena, store.locs[nid])[0]
        if not where & _FLASH:
            return txn.octets(where, n)
        store.log.read(store.committed(nid), where & 0xFFFFFF, buf, n)
    else:
        store.read_value(nid, 0, buf, n)
    return bytes(buf)
