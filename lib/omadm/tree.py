# The management tree as the standard sees it: addresses, rights, what lies below.
# OMA TND 1.2.1 sections 5-7.
#
# Contract: read-only view of a Store (with what the open transaction staged).
# Walks climb by parent numbers, so nothing here recurses and nothing grows with
# the size of the tree. What a command may do with it is the executor's business.

from micropython import const

from . import acl
from .errors import CommandFailed

_HAS_ACL = const(2)
_DMACC = const(8)
_PERMANENT = const(0x10)

# Formats of nodes (TND 7.7.2; DDF 1.2 lists the names); a node record holds the index.
FORMATS = (b"node", b"chr", b"bin", b"bool", b"int", b"float", b"date", b"time", b"xml", b"b64", b"null")


class Tree:
    """Nodes by address."""

    def __init__(self, store):
        self.store = store

    def resolve(self, segments) -> tuple:
        """The deepest node that exists on the way, how many segments led to it, and whether it
        is a DMAcc or in one: out of reach for every message (R45)."""
        store = self.store
        nid = depth = guarded = 0
        last = len(segments) - 1
        folder = segments[:-1]
        if folder and store.folder and store.folder[0] == folder:  # commands come by folder
            _, nid, guarded = store.folder
            depth = last
        while depth <= last:
            if depth == last:
                store.folder = folder, nid, guarded
            below = store.child(nid, segments[depth])
            if below < 0:
                break
            nid = below
            depth += 1
            guarded |= store.flags[nid] & _DMACC
        return nid, depth, guarded

    def find(self, segments) -> int:
        """The node at the address, or -1."""
        nid, depth, _ = self.resolve(segments)
        return nid if depth == len(segments) else -1

    def fields(self, nid: int) -> int:
        """Format | 0x10 if permanent | AccessType << 8."""
        fixed = self.store.fixed(nid)
        return fixed[4] | fixed[5] << 8

    def effective_acl(self, nid: int) -> bytes:
        """Own ACL of the node, else of the nearest ancestor that has one (TND 7.7.1)."""
        store = self.store
        while nid and not store.flags[nid] & _HAS_ACL:
            nid = store.parent(nid)
        return store.field(nid, 3)

    def grants(self, nid: int, command: bytes, server_id: bytes) -> bool:
        """True when the server may use the command on the node."""
        store = self.store
        if nid and not store.flags[nid] & _HAS_ACL:
            nid = store.parent(nid)  # what counts there counts here, and for the next sibling
        right = nid, command, server_id
        if not store.right or store.right[0] != right:
            store.right = right, acl.grants(self.effective_acl(nid), command, server_id)
        return store.right[1]

    def subtree(self, top: int):
        """Yield top and every node below it, parents before children."""
        store = self.store
        nid = top
        yield nid
        after = -1
        while True:
            below = store.next_child(nid, after)
            if below >= 0:
                nid = below
                after = -1
                yield nid
            elif nid == top:
                return
            else:
                after = nid
                nid = store.parent(nid)

    def loose(self, top: int) -> list:
        """Every node of the sub-tree, parents first; 405 when it holds a permanent node or a DMAcc."""
        every = []
        flags = self.store.flags
        for nid in self.subtree(top):
            if flags[nid] & (_PERMANENT | _DMACC):
                raise CommandFailed(405)
            every.append(nid)
        return every

    def path(self, nid: int) -> bytes:
        """Address of a node, `.` or `./A/B`."""
        where = b""
        while nid:
            where = b"/" + self.store.field(nid, 0) + where
            nid = self.store.parent(nid)
        return b"." + where

    def value(self, nid: int, most: int = 1024) -> bytes:
        """The value, or its first `most` octets."""
        buf = bytearray(min(self.store.value_len(nid), most))
        self.store.read_value(nid, 0, buf, len(buf))
        return bytes(buf)


def is_legal(fmt: int, text: bytes) -> bool:
    """True when the octets (at most 32) are a bool (3), an int (4) or a float (5)."""
    if fmt == 3:
        return text == b"true" or text == b"false"
    parts = [text]
    room = 10  # digits of an int and of an exponent
    if fmt == 5:
        parts = text.lower().split(b"e", 1)
        parts[0] = parts[0].replace(b".", b"", 1)
        room = 32
    for part in parts:
        if part[:1] in (b"+", b"-"):
            part = part[1:]
        if not part.isdigit() or len(part) > room:
            return False
        room = 10
    return True
