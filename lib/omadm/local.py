# What the application on the device and its tools may do with the tree: read
# it, declare nodes, set values. No ACL counts here, and no message gets here.
#
# Contract: each call is one commit of the store (declare: one for a whole table),
# or raises StorageFailed, or CommandFailed with the status a command would have
# got (404, 414, 420). A node that exists keeps its value through `declare`.

from struct import pack

from micropython import const

from . import acl, uri, values
from .dmacc import load
from .errors import CommandFailed
from .transaction import Transaction
from .tree import Tree

_ROOT_ACL = b"Add=*&Get=*"  # TND 7.7.1: what a root should start with
_REPLAY = const(3)
_PERMANENT = const(0x10)
_ADD_GET = const(9)
_PARENT = (b"", b"node", _ADD_GET)


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
        if self.store.is_free(0):
            self.txn.begin(b"")
            self._create(0, b"", (b".", b"node", _ADD_GET, b"", b"", _ROOT_ACL), True)
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
                    nid = self._create(nid, segments[depth], row if last else _PARENT, permanent)
                    depth += 1
        except CommandFailed:
            self.txn.abort()
            raise
        if self.store.undo_len:
            self._commit_local()

    def _create(self, nid, name, row, permanent):
        row = row + (b"", b"", b"")[len(row) - 3 :]
        fields = values.number_of(row[1]) | row[2] << 8 | (_PERMANENT if permanent else 0)
        return self.txn.create(nid, name, fields, self.clock(), row[4], acl.check(row[5]), self.txn.keep(row[3]),
                               len(row[3]))

    def set(self, where: bytes, value: bytes):
        """Give a leaf another value."""
        nid = self._find(where)
        if self.tree.is_interior(nid):
            raise CommandFailed(405)
        self.txn.again(nid, self.clock(), where=self.txn.keep(value), n=len(value))
        self._commit_local()

    def set_acl(self, where: bytes, value: bytes):
        """Give a node another ACL."""
        self.txn.again(self._find(where), self.clock(), acl=acl.check(value))
        self._commit_local()

    def remove(self, where: bytes):
        """Take away a node with all below it, permanent or not."""
        nid = self._find(where)
        if not nid:
            raise CommandFailed(405)
        for below in list(self.tree.subtree(nid)):
            self.txn.delete(below)
            if any(row[0] == below for row in self.store.pairs):  # who gets this number next starts anew
                self.txn.add_record(_REPLAY, pack("<IHII", below, 0, 0, 0))
        self._commit_local()

    def _find(self, where):
        self.txn.begin(b"")
        nid = self.tree.find(uri.split(where)[0])
        if nid < 0:
            raise CommandFailed(404)
        return nid

    def _commit_local(self):
        self.txn.commit()
        self.reload()


def _no_clock():
    return 0
