# The node store: what the records of the page log mean, and a packed index of
# them in RAM. Record layouts: docs/store-format.md.
#
# Contract: a node has a number (nid) for its whole life; the index holds nine
# octets for it, all else stays in flash and is read when asked for:
#
#   keys   4 octets  u16 parent nid, u16 hash of the name; free rows are all ones
#   locs   u32       where its record is in flash; while STAGED, where its image
#                    is in the arena of the open transaction
#   flags  u8        see below
#
# Looking up a child is one `find` over keys (C speed), then one read in flash
# to compare the name itself: a clash of hashes costs a read, never a mistake.
# Changes of the index go through `change`, which keeps an undo log, so that a
# transaction can go back to any savepoint octet by octet (transaction.py).
# Mounting reads only; nothing is ever repaired by writing.

from array import array
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

# Kinds of records.
_NODE = const(1)
_DELETE = const(2)
_REPLAY = const(3)
_JOURNAL = const(4)
_EXEC = const(5)

# Flags of a row.
_INTERIOR = const(1)
_HAS_ACL = const(2)
_PERMANENT = const(4)
_DMACC = const(8)  # root of a DMAcc: no message gets below it (R45)
_DIRTY = const(0x10)  # touched by the open transaction
_STAGED = const(0x20)  # its image is in the arena, not yet in flash

_HEAD = const(16)  # fixed octets of a node record; name, type, title, ACL follow
_GROW = const(32)  # rows added to the index at a time
_FREE = b"\xff\xff\xff\xff"
_ROOT_KEY = b"\xfe\xff\x00\x00"  # parent 0xFFFE: the root has none
_MAX_NODES = const(0xFF00)
_DONE = const(2)  # state of an Exec that ended
_JOURNALS = const(16)  # journal entries kept; older ones fall to compaction
_DMACC_MOI = b"urn:oma:mo:oma-dm-dmacc:"
_DMACC_OLD = b"org.openmobilealliance/1.0/w7"  # the identifier before 1.2


def is_dmacc(mime: bytes) -> bool:
    """True when a Type names a DMAcc MO, in its new or its old spelling."""
    low = mime.lower()
    return low.startswith(_DMACC_MOI) or low == _DMACC_OLD


class Store:
    """Nodes, replay pairs, journal entries and pending Execs on a PageLog."""

    def __init__(self, log):
        self.log = log
        log.owner = self
        self.stage = None  # arena of the open transaction
        self._reset()

    def _reset(self):
        self.keys = bytearray()
        self.locs = array("I")
        self.flags = bytearray()
        self.undo = bytearray(11 * 8)
        self.undo_len = 0
        self.pairs = []  # [nid of the DMAcc, address, octets]
        self.journal = []  # [sequence number, address, octets], oldest first
        self.execs = []  # [exec number, address, octets], oldest first
        self.used = 0  # octets of live records
        self.epoch = 0  # rises when what was found by address or right may no longer hold
        self._key = bytearray(4)
        self._small = bytearray(16)

    # -- mounting: called by the log, oldest record first

    def mount(self):
        """Read the log once and build the index. Writes nothing."""
        self._reset()
        self.log.mount()
        for nid in range(len(self.flags)):
            if not self.is_free(nid):
                self.used += (self.log.kind_len(self.locs[nid]) & 0xFFFF) + 7

    def record(self, kind: int, addr: int, length: int):
        """Take a committed record into the index; a later one wins."""
        small = self._small
        if kind == _NODE:
            self.log.read(addr, 0, small, _HEAD)
            nid, parent = unpack_from("<HH", small)
            n = small[12]
            text = bytearray(n + small[13])
            self.log.read(addr, _HEAD, text, len(text))
            while nid >= len(self.flags):
                self._grow()
            self._set_key(nid, parent, text[:n])
            self.locs[nid] = addr
            self.flags[nid] = self.row_flags(small[4], text[n:], small[15])
        elif kind == _DELETE:
            for i in range(0, length, 2):
                self.log.read(addr, i, small, 2)
                nid = unpack_from("<H", small)[0]
                if nid < len(self.flags):
                    self.keys[4 * nid : 4 * nid + 4] = _FREE
                    self.flags[nid] = 0
        else:
            self.log.read(addr, 0, small, 6)
            self.note(kind, addr, small, length)

    def commit(self):
        """The log: that was one transaction. Nothing to do, records come from true ones only."""

    def note(self, kind: int, addr: int, body, length: int):
        """Take a committed REPLAY, JOURNAL or EXEC record into the index."""
        group = self._group(kind)
        number = unpack_from("<I", body)[0]
        for i in range(len(group)):
            if group[i][0] == number:
                self._drop(group, i)
                break
        if kind == _EXEC and body[4] == _DONE:
            return  # the record is there to end the one before it
        group.append([number, addr, length + 7])
        self.used += length + 7
        group.sort()
        if kind == _JOURNAL and len(group) > _JOURNALS:
            self._drop(group, 0)

    def _drop(self, group, i):
        self.used -= group[i][2]
        del group[i]

    # -- compaction: called by the log

    def live(self, kind: int, addr: int) -> bool:
        """True when the record at addr must survive the erasure of its sector."""
        if kind == _NODE:
            self.log.read(addr, 0, self._small, 2)
            nid = unpack_from("<H", self._small)[0]
            return self.committed(nid) == addr
        if kind == _DELETE:
            return False
        for row in self._group(kind):
            if row[1] == addr:
                return True
        return False

    def moved(self, kind: int, old: int, new: int):
        """A live record now lies at new: follow it, also where a transaction is open."""
        if kind == _NODE:
            self.log.read(new, 0, self._small, 2)
            nid = unpack_from("<H", self._small)[0]
            if self.flags[nid] & _DIRTY:
                pack_into("<I", self.undo, self._first_touch(nid) + 2, new)
            else:
                self.locs[nid] = new
        else:
            for row in self._group(kind):
                if row[1] == old:
                    row[1] = new

    def _group(self, kind):
        if kind == _REPLAY:
            return self.pairs
        if kind == _JOURNAL:
            return self.journal
        return self.execs

    def committed(self, nid: int) -> int:
        """Address of the committed record of a node, 0 when it has none."""
        if self.undo_len:
            at = self._first_touch(nid)
            if at >= 0:
                if self.undo[at + 7 : at + 11] == _FREE:
                    return 0
                return unpack_from("<I", self.undo, at + 2)[0]
        return 0 if self.is_free(nid) else self.locs[nid]

    def _first_touch(self, nid):
        for at in range(0, self.undo_len, 11):
            if unpack_from("<H", self.undo, at)[0] == nid:
                return at
        return -1

    # -- rows

    def _grow(self):
        self.keys.extend(b"\xff" * (4 * _GROW))
        self.flags.extend(bytes(_GROW))
        self.locs.extend(array("I", bytes(4 * _GROW)))

    def is_free(self, nid: int) -> bool:
        """True when no node has this number."""
        return nid >= len(self.flags) or self.keys[4 * nid : 4 * nid + 4] == _FREE

    def new_nid(self) -> int:
        """A number no node has; grows the index where it is full."""
        keys = self.keys
        at = keys.find(_FREE)
        while at >= 0 and at & 3:
            at = keys.find(_FREE, at + 1)
        if at >= 0:
            return at >> 2
        nid = len(self.flags)
        if nid >= _MAX_NODES:
            return -1
        self._grow()
        return nid

    def _set_key(self, nid, parent, name):
        if nid == 0:
            self.keys[0:4] = _ROOT_KEY
        else:
            pack_into("<HH", self.keys, 4 * nid, parent, crc32(name) & 0xFFFF)

    def change(self, nid: int, parent: int, name, loc: int, flags: int):
        """Set a row; what stood there goes to the undo log.

        name None leaves the node where it is in the tree; parent < 0 frees the row.
        """
        at = self.undo_len
        undo = self.undo
        if at + 11 > len(undo):
            undo.extend(bytes(11 * _GROW))
        was = self.flags[nid]
        pack_into("<HIB", undo, at, nid, self.locs[nid], was)
        key = self.keys[4 * nid : 4 * nid + 4]
        undo[at + 7 : at + 11] = key
        self.undo_len = at + 11
        self.locs[nid] = loc
        self.flags[nid] = flags | _DIRTY  # of a free row too: a new node in it is no first touch
        if parent < 0:
            self.keys[4 * nid : 4 * nid + 4] = _FREE
        elif name is not None:
            self._set_key(nid, parent, name)
        if (was | flags) & _HAS_ACL or name is not None and key != _FREE:
            self.epoch += 1

    def undo_to(self, mark: int):
        """Put back every row changed since undo_len was mark."""
        at = self.undo_len
        undo = self.undo
        while at > mark:
            at -= 11
            nid, loc, flags = unpack_from("<HIB", undo, at)
            self.locs[nid] = loc
            self.flags[nid] = flags
            self.keys[4 * nid : 4 * nid + 4] = undo[at + 7 : at + 11]
            self.epoch += 1
        self.undo_len = mark

    # -- reading nodes

    def parent(self, nid: int) -> int:
        """The parent of a node; 0xFFFE for the root."""
        return self.keys[4 * nid] | self.keys[4 * nid + 1] << 8

    def child(self, parent: int, name: bytes) -> int:
        """The child of that name (exact octets), or -1."""
        key = self._key
        pack_into("<HH", key, 0, parent, crc32(name) & 0xFFFF)
        keys = self.keys
        n = len(name)
        at = keys.find(key)
        while at >= 0:
            if not at & 3:
                nid = at >> 2
                if self.fixed(nid)[12] == n and self.octets(nid, _HEAD, n) == name:
                    return nid
            at = keys.find(key, at + 1)
        return -1

    def next_child(self, parent: int, after: int) -> int:
        """The next child with a number above `after` (-1 to start), or -1."""
        want = self._key
        pack_into("<H", want, 0, parent)
        pattern = bytes(want[0:2])
        at = self.keys.find(pattern, 4 * (after + 1))
        while at >= 0 and at & 3:
            at = self.keys.find(pattern, at + 1)
        return at >> 2 if at >= 0 else -1

    def fixed(self, nid: int):
        """The fixed 16 octets of a node's record, in a buffer that the next call reuses."""
        # A buffer of just this length: a read in flash then allocates nothing.
        if self.flags[nid] & _STAGED:
            self.stage.head(self.locs[nid], 0, self._small, _HEAD)
        else:
            self.log.read(self.locs[nid], 0, self._small, _HEAD)
        return self._small

    def octets(self, nid: int, off: int, n: int):
        """n octets of a node's record from offset off, none of them of its value."""
        buf = bytearray(n)
        if self.flags[nid] & _STAGED:
            self.stage.head(self.locs[nid], off, buf, n)
        else:
            self.log.read(self.locs[nid], off, buf, n)
        return buf

    def field(self, nid: int, which: int) -> bytes:
        """Name (0), Type (1), Title (2) or ACL (3) as it is stored."""
        fixed = self.fixed(nid)
        n = fixed[12 + which]
        return bytes(self.octets(nid, _HEAD + sum(fixed[12 : 12 + which]), n)) if n else b""

    def value_len(self, nid: int) -> int:
        """Octets of the node's value."""
        at = self.locs[nid]
        if self.flags[nid] & _STAGED:
            return self.stage.value_len(at)
        return (self.log.kind_len(at) & 0xFFFF) - self.value_off(at)

    def value_off(self, addr: int) -> int:
        """Octets before the value in the node record at addr."""
        small = self._small
        self.log.read(addr, 0, small, _HEAD)
        return _HEAD + small[12] + small[13] + small[14] + small[15]

    def read_value(self, nid: int, off: int, buf, n: int):
        """Copy n octets of the value from offset off into buf; no allocation."""
        at = self.locs[nid]
        if self.flags[nid] & _STAGED:
            self.stage.read_value(nid, off, buf, n)
        else:
            self.log.read(at, self.value_off(at) + off, buf, n)

    def row_flags(self, fields: int, mime: bytes, acl) -> int:
        """Flags of the row of a node with this format, Type and ACL."""
        flags = _HAS_ACL if acl else 0
        if fields & 15 == 0:
            flags |= _INTERIOR
            if is_dmacc(mime):
                flags |= _DMACC
        if fields & 0x10:
            flags |= _PERMANENT
        return flags
