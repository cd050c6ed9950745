# What the application on the device and its tools may do with the tree: read
# it, declare nodes, set values. No ACL counts here, and no message gets here.
#
# Contract: each call is one commit of the store (declare: one for a whole table),
# or raises StorageFailed, or CommandFailed with the status a command would have
# got (404, 414, 420). A node that exists keeps its value through `declare`.

from struct import pack

from micropython import const

from . import acl, uri
from .auth import load
from .errors import CommandFailed, StorageFailed
from .transaction import Transaction
from .tree import FORMATS, Tree

_REPLAY = const(3)
_PERMANENT = const(0x10)
_ADD_GET = const(9)
_ROOT_PARENT = const(0xFFFE)
_ACL = const(3)


class Local:
    """The tree of a device for its own application."""

    def __init__(self, store, clock=None):
        self.store = store
        self.tree = Tree(store)
        self.txn = Transaction(store)
        self.clock = clock or int  # int() is 0
        self.accounts = []
        self.device_id = b""
        self.stale = False  # what is in RAM may be behind flash
        self.work = None  # a push under way: the generator of client.steps
        self.proof = None  # the hash it was proved by, while it may go on

    def mount(self):
        """Read the store; make the root where the store is new. Call once, before all else."""
        self.stale = True
        self.store.mount()
        if self.store.is_free(0):
            self.txn.begin(b"", self.clock())
            # The ACL that a root should start with (TND 7.7.1).
            self._create(_ROOT_PARENT, b"", (b".", b"node", _ADD_GET, b"", b"", b"Add=*&Get=*"), _PERMANENT)
            self._commit()
        self.reload()

    def remount(self):
        """Read the store again where the heap ran out in the middle of a commit."""
        if self.stale:
            self.proof = None  # the push under way has lost what it had staged
            self.txn.begin()
            self.mount()

    def reload(self):
        """Read the accounts and the device's own name from the tree again."""
        self.stale = True
        self.accounts = load(self.tree)
        nid = self.tree.find([b"DevInfo", b"DevId"])
        self.device_id = b"" if nid < 0 else self.tree.value(nid)
        self.stale = False

    def get(self, where: bytes):
        """Value of the leaf, at most 1024 octets; None when there is no such node.

        Of the committed tree, also while a push is under way.
        """
        self.remount()
        segments = uri.split(where)[0]
        staged = self.store.undo_len
        if staged:
            self.stale = True  # where the heap runs out half-way
            self.txn.flip(False)
        nid = self.tree.find(segments)
        value = None if nid < 0 else self.tree.value(nid)
        if staged:
            self.txn.flip(True)
            self.stale = False
        return value

    def finish(self):
        """Bring a push that is under way to its end, as every call that changes the tree does."""
        while self.work:  # a hook may begin another one
            work = self.work
            for _ in work:
                pass
            if self.work is work:
                self.work = None

    def declare(self, rows, permanent=True):
        """Create the nodes that do not exist yet, all in one commit.

        A row is (uri, format, AccessType bits, value, Type, ACL), the last three optional;
        parents that miss are made as interior nodes. A node that a server made where a
        permanent one belongs, or above it, goes with all it holds: its maker would have
        rights on what is declared here.
        """
        self._begin()
        permanent = _PERMANENT if permanent else 0
        try:
            for row in rows:
                segments = uri.split(row[0])[0]
                above = depth = 0
                for name in segments:
                    depth += 1
                    nid = self.store.child(above, name)
                    if nid > 0 and permanent and not self.tree.fields(nid) & _PERMANENT:
                        self._delete(nid)
                        nid = -1
                    if nid < 0:
                        nid = self._create(
                            above,
                            name,
                            row if depth == len(segments) else (b"", b"node", _ADD_GET),
                            permanent,
                        )
                    above = nid
        except CommandFailed:
            self.txn.begin()
            raise
        if self.store.undo_len:
            self._commit()
            self.reload()

    def _create(self, nid, name, row, permanent):
        _, fmt, access, value, mime, rights = row + (b"", b"", b"")[len(row) - 3 :]
        fields = FORMATS.index(fmt) | access << 8 | permanent
        where = self.txn.keep(value)
        return self.txn.create(nid, name, fields, mime, acl.check(rights), where, len(value))

    def set(self, where: bytes, value: bytes):
        """Give a leaf another value."""
        nid = self._find(where)
        fmt = self.tree.fields(nid) & 15
        if not fmt:
            raise CommandFailed(405)
        self.txn.again(nid, 0, None, fmt, self.txn.keep(value), len(value))
        self._commit()
        self.reload()

    def set_acl(self, where: bytes, value: bytes):
        """Give a node another ACL."""
        self.txn.again(self._find(where), _ACL, acl.check(value))
        self._commit()
        self.reload()

    def remove(self, where: bytes):
        """Take away a node with all below it, permanent or not.

        A server that loses its last account by that goes from every ACL, in the same commit.
        """
        nid = self._find(where)
        if not nid:
            raise CommandFailed(405)
        self._delete(nid)
        gone = [account.server_id for account in self.accounts if self.store.is_free(account.nid)]
        if gone:
            from .revoke import revoke

            left = [account.server_id for account in self.accounts if not self.store.is_free(account.nid)]
            try:
                revoke(self, [server_id for server_id in gone if server_id not in left])
            except CommandFailed:
                self.txn.begin()
                raise
        self._commit()
        self.reload()

    def _delete(self, nid):
        for below in list(self.tree.subtree(nid)):
            self.txn.delete(below)
            for row in self.store.pairs:
                if row[0] == below:  # who gets this number next starts anew
                    self.txn.add_record(_REPLAY, pack("<IHII", below, 0, 0, 0))

    def _begin(self):
        self.finish()
        self.remount()
        self.txn.begin(b"", self.clock())

    def _find(self, where):
        self._begin()
        nid = self.tree.find(uri.split(where)[0])
        if nid < 0:
            raise CommandFailed(404)
        return nid

    def _commit(self):
        for _ in self._commit_steps():
            pass

    def _commit_steps(self):
        # When the heap runs out in here, the commit mark may be in flash already, or records
        # may have moved: what flash says is true.
        try:
            yield from self.txn.steps()
        except StorageFailed:
            raise
        except BaseException:
            self.stale = True
            raise
