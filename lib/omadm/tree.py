# The management tree as the standard sees it: addresses, rights, properties.
# OMA TND 1.2.1 sections 5-7.
#
# Contract: read-only view of a Store (with what the open transaction staged).
# Walks climb by parent numbers, so nothing here recurses and nothing grows with
# the size of the tree. Who may do what is decided here (`grants`); what a
# command does with it is the executor's business.

from micropython import const

from . import acl

_INTERIOR = const(1)
_HAS_ACL = const(2)
_PERMANENT = const(4)
_DMACC = const(8)

class Tree:
    """Nodes by address, with the rights on them."""

    def __init__(self, store):
        self.store = store
        self.in_dmacc = False  # the way the last resolve went leads into a DMAcc
        self._folder = None  # where the last address was found but for its last segment
        self._folder_nid = 0
        self._folder_in = False
        self._right = None  # the last right looked up
        self._granted = False
        self._parent = None  # the parent whose inherited ACL was last looked for
        self._parent_owner = 0
        self._epoch = -1

    def _fresh(self):
        # Forget what was found when the tree has changed since in a way that counts.
        if self._epoch != self.store.epoch:
            self._epoch = self.store.epoch
            self._folder = self._right = self._parent = None

    def resolve(self, segments) -> tuple:
        """The deepest node that exists on the way, and how many segments led to it.

        in_dmacc then tells whether that is a DMAcc or lies in one (R45).
        """
        store = self.store
        nid = depth = 0
        inside = False
        last = len(segments) - 1
        self._fresh()
        if last > 0 and segments[:last] == self._folder:
            nid = self._folder_nid
            inside = self._folder_in
            depth = last
        while depth <= last:
            if depth == last:
                self._folder = segments[:last]
                self._folder_nid = nid
                self._folder_in = inside
            below = store.child(nid, segments[depth])
            if below < 0:
                break
            nid = below
            depth += 1
            if store.flags[nid] & _DMACC:
                inside = True
        self.in_dmacc = inside
        return nid, depth

    def find(self, segments) -> int:
        """The node at the address, or -1."""
        nid, depth = self.resolve(segments)
        return nid if depth == len(segments) else -1

    def is_interior(self, nid: int) -> bool:
        """True for a node that may have children."""
        return bool(self.store.flags[nid] & _INTERIOR)

    def is_permanent(self, nid: int) -> bool:
        """True for a node no server may delete or rename."""
        return bool(self.store.flags[nid] & _PERMANENT)

    def access(self, nid: int) -> int:
        """AccessType bits of a node."""
        return self.store.fixed(nid)[5]

    def format(self, nid: int) -> int:
        """Format of a node, an index into FORMATS."""
        return self.store.fixed(nid)[4] & 15

    def _owner(self, nid):
        # The node whose ACL counts for this one: itself or the nearest that has one (TND 7.7.1).
        # Remembered for the parent of the last one asked for: siblings come in a row.
        flags = self.store.flags
        if not nid or flags[nid] & _HAS_ACL:
            return nid
        nid = parent = self.store.parent(nid)
        if parent != self._parent:
            while nid and not flags[nid] & _HAS_ACL:
                nid = self.store.parent(nid)
            self._parent = parent
            self._parent_owner = nid
        return self._parent_owner

    def effective_acl(self, nid: int) -> bytes:
        """The ACL that counts for the node, its own or an inherited one."""
        self._fresh()
        return self.store.field(self._owner(nid), 3)

    def grants(self, nid: int, command: bytes, server_id: bytes) -> bool:
        """True when the server may use the command on the node."""
        self._fresh()
        right = self._owner(nid), command, server_id
        if right != self._right:
            self._granted = acl.grants(self.effective_acl(nid), command, server_id)
            self._right = right
        return self._granted

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

    def is_fixed(self, top: int) -> bool:
        """True when the sub-tree holds a permanent node or a DMAcc."""
        flags = self.store.flags
        for nid in self.subtree(top):
            if flags[nid] & (_PERMANENT | _DMACC):
                return True
        return False

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
