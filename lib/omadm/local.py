# What the application on the device and its tools may do with the tree: read
# it, declare nodes, set values. No ACL counts here, and no message gets here.
#
# Contract: each call is one commit of the store (declare: one for a whole table),
# or raises StorageFailed, or CommandFailed with the status a command would have
# got (404, 414, 420). A node that exists keeps its value through `declare`.

from micropython import const

from . import uri, values
from .dmacc import load
from .errors import CommandFailed
from .store import row_flags
from .transaction import Transaction
from .tree import Tree

_ROOT_ACL = b"Add=*&Get=*"  # TND 7.7.1: what a root should start with
_PERMANENT = const(0x10)
_ADD_GET = const(9)
_BLANK = bytes(16)


class Local:
    """The tree of a device for its own application."""

    def __init__(self, store, clock=None):
        self.store = store
        self.tree = Tree(store)
        self.txn = Transaction(store)
        self.clock = clock or _no_clock
        self.accounts = []
        self.device_id = b""

    def mount(self):
        """Read the store; make the root where the store is new. Call once, before all else."""
        self.store.mount()
        if not self.store.exists(0):
            self.txn.begin(b"")
            self._put(self.store.new_nid(), 0, b"", (b".", b"node", _ADD_GET, b"", b"", _ROOT_ACL), True)
            self.txn.commit()
        self.reload()

    def reload(self):
        """Read the accounts and the device's own name from the tree again."""
        self.accounts = load(self.tree)
        self.device_id = self.get(b"./DevInfo/DevId") or b""

    def get(self, where: bytes):
        """Value of the leaf, at most 1024 octets; None when there is no such node."""
        nid = self.tree.find(uri.split(where)[0])
        return None if nid < 0 else self.tree.value(nid)

    def declare(self, rows, permanent=True):
        """Create the nodes that do not exist yet, all in one commit.

        A row is (uri, format, AccessType bits, value, Type, ACL), the last three optional;
        parents that miss are made as interior nodes.
        """
        self.txn.begin(b"")
        try:
            for row in rows:
                segments = uri.split(row[0])[0]
                nid, depth = self.tree.resolve(segments)
                while depth < len(segments):
                    last = depth == len(segments) - 1
                    below = self.store.new_nid()
                    if below < 0:
                        raise CommandFailed(420)
                    self._put(below, nid, segments[depth],
                              row if last else (b"", b"node", _ADD_GET), permanent)
                    nid = below
                    depth += 1
            if self.store.undo_len:
                self.txn.commit()
        except BaseException:
            self.txn.abort()
            raise
        self.reload()

    def _put(self, nid, parent, name, row, permanent):
        row = row + (b"", b"", b"")[len(row) - 3 :]
        fmt = values.number_of(row[1])
        head = bytearray(_BLANK)
        head[4] = fmt | (_PERMANENT if permanent else 0)
        head[15] = len(row[5])
        pieces = [self.txn.keep(row[3]), len(row[3])] if row[3] else []
        self.txn.put(nid, parent, head[4] | row[2] << 8, 0, self.clock(), name, row[4], b"", row[5],
                     pieces, row_flags(head, row[4]))

    def set(self, where: bytes, value: bytes):
        """Give a leaf another value."""
        nid = self._find(where)
        if self.tree.is_interior(nid):
            raise CommandFailed(405)
        self.txn.begin(b"")
        self._again(nid, self.store.field(nid, 3), [self.txn.keep(value), len(value)] if value else [])

    def set_acl(self, where: bytes, value: bytes):
        """Give a node another ACL, in the canonical form that acl.check makes."""
        nid = self._find(where)
        self.txn.begin(b"")
        self._again(nid, value, self.txn.value_pieces(nid))

    def _again(self, nid, acl_value, pieces):
        store = self.store
        head = bytes(memoryview(store.octets(nid, 0, 16))[:16])
        mime = store.field(nid, 1)
        head = bytearray(head)
        head[15] = len(acl_value)
        verno = (head[6] | head[7] << 8) + 1 & 0xFFFF
        try:
            self.txn.put(nid, store.parent(nid), head[4] | head[5] << 8, verno, self.clock(),
                         store.field(nid, 0), mime, store.field(nid, 2), acl_value, pieces,
                         row_flags(head, mime))
            self.txn.commit()
        except BaseException:
            self.txn.abort()
            raise
        self.reload()

    def remove(self, where: bytes):
        """Take away a node with all below it, permanent or not."""
        nid = self._find(where)
        if not nid:
            raise CommandFailed(405)
        self.txn.begin(b"")
        for below in list(self.tree.subtree(nid)):
            self.txn.delete(below)
        self.txn.commit()
        self.reload()

    def _find(self, where):
        nid = self.tree.find(uri.split(where)[0])
        if nid < 0:
            raise CommandFailed(404)
        return nid


def _no_clock():
    return 0
