# The node store: what the records of the page log mean, and a packed index of them in RAM.
# Record layouts: docs/store-format.md. Contract: a node has a number (nid) for its whole life; the
# index holds nine octets for it, all else stays in flash and is read when asked for:
#
#   keys   4 octets  u16 parent nid, u16 hash of the name; free rows are all ones
#   locs   u32       where its record is in flash; while STAGED, where its image
#                    is in the arena of the open transaction
#   flags  u8        see below
#
# Looking up a child is one `find` over keys (C speed), then one read in flash to compare the name
# itself: a clash of hashes costs a read, never a mistake. A free row is all ones, its place 0.
# Changes of the index go through `change`, which keeps an undo log, so that a transaction can go
# back to any savepoint octet by octet: u16 nid | u32 loc | u8 flags | 4 octets of key, as they were.

from array import array
from binascii import crc32
from struct import pack, pack_into, unpack_from

from micropython import const

# Kinds of records.
_NODE = const(1)
_DELETE = const(2)
_REPLAY = const(3)
_JOURNAL = const(4)
_EXEC = const(5)

# Flags of a row.
_HAS_ACL = const(2)
_DIRTY = const(4)  # touched by the open transaction
_DMACC = const(8)  # root of a DMAcc: no message gets below it (R45)
_PERMANENT = const(0x10)  # the same bit as in the fields of its record
_STAGED = const(0x20)  # its image is in the arena, not yet in flash

_IMAGE = const(8)  # octets before the head of an image in the arena
_HEAD = const(16)  # fixed octets of a node record; name, type, title, ACL follow
_NAME = const(19)  # where the name begins in those
_NEAR = const(48)  # octets of the start of a record kept in RAM: most have their name in them
_GROW = const(32)  # rows added to the index at a time
_FREE = b"\xff\xff\xff\xff"
_MAX_NODES = const(0xFF00)
_DONE = const(2)  # state of an Exec that ended
_JOURNALS = const(16)  # journal entries kept; older ones fall to compaction
_SHARE = const(4)  # 1 >> 4 of the capacity is the journal's: nobody can fill the store with it


def is_dmacc(mime: bytes) -> bool:
    """True when a Type names a DMAcc MO, in its new spelling or that of before 1.2."""
    mime = mime.lower()
    return mime.startswith(b"urn:oma:mo:oma-dm-dmacc:") or mime == b"org.openmobilealliance/1.0/w7"


class Store:
    """Nodes, replay pairs, journal entries and pending Execs on a PageLog."""

    def __init__(self, log):
        self.log = log
        log.owner = self
        self.stage = None  # the Transaction
        self._reset()

    def _reset(self):
        self.keys = bytearray()
        self.locs = array("I")
        self.flags = bytearray()
        self.undo = bytearray()
        self.undo_len = 0
        self.pairs = []  # [nid of the DMAcc, address, octets]
        self.journal = []  # [sequence number, address, octets], oldest first
        self.execs = []  # [exec number, address, octets], oldest first
        self.used = self.log.capacity >> _SHARE  # octets of live records, for the journal its share
        self.folder = self.right = None  # what the Tree found last, while it holds
        self._small = bytearray(_HEAD)
        self._fixed = bytearray(_NEAR)
        self._short = memoryview(self._fixed)[:_NAME]
        self._head = self._short[3:]
        self.near = 0  # address of the record whose start is in _fixed, while it holds
        self._had = 0  # and how many octets of it

    # -- mounting: called by the log, oldest record first

    def mount(self):
        """Read the log once and build the index. Writes nothing, and nothing is repaired by writing."""
        self._reset()
        self.log.mount()
        for nid in range(len(self.flags)):
            self.used += self.size(nid)

    def record(self, kind: int, addr: int, length: int):
        """Take a committed record into the index; a later one wins."""
        small = self._small
        if kind == _DELETE:
            for i in range(0, length, 2):
                self.log.read(addr, i, small, 2)
                nid = unpack_from("<H", small)[0]
                if nid < len(self.flags):
                    self._set(nid, b"", 0, 0)
        elif kind == _NODE:
            self.log.read(addr, 0, small, _HEAD)
            head = bytearray(_HEAD + small[12] + small[13])
            self.log.read(addr, 0, head, len(head))
            nid = unpack_from("<H", head)[0]
            while nid >= len(self.flags):
                self.grow()
            self._set(nid, head, addr, 0)
        elif kind <= _EXEC:
            self.log.read(addr, 0, small, 6)
            self.note(kind, addr, small, length)

    def commit(self):
        """The log: that was one transaction. Records come from true ones only."""

    def note(self, kind: int, addr: int, body, length: int):
        """Take a committed REPLAY, JOURNAL or EXEC record into the index."""
        group = self._group(kind)
        number = unpack_from("<I", body)[0]
        spare = None  # a row that goes is used again: small new ones that stay would leave the heap in pieces
        for row in group:
            if row[0] == number:
                spare = row
                self.used -= 0 if kind == _JOURNAL else row[2]
                group.remove(row)
                break
        if kind == _EXEC and body[4] == _DONE:
            return  # the record is there to end the one before it
        length += 7
        if kind != _JOURNAL:
            self.used += length
        else:
            room = (self.log.capacity >> _SHARE) - length
            while group and (len(group) >= _JOURNALS or sum([row[2] for row in group]) > room):
                spare = group.pop(0)
        group.append(spare or [0])
        group[-1][:] = number, addr, length
        group.sort()

    # -- compaction: called by the log

    def live(self, kind: int, addr: int) -> bool:
        """True when the record at addr must survive the erasure of its sector."""
        if kind == _NODE:
            nid = self._nid_at(addr)
            return nid < len(self.flags) and self.committed(nid) == addr
        for row in self._group(kind):
            if row[1] == addr:
                return True
        return False

    def moved(self, kind: int, old: int, new: int):
        """A live record now lies at new: follow it, also where a transaction is open."""
        self.near = 0
        if kind == _NODE:
            nid = self._nid_at(new)
            if self.flags[nid] & _DIRTY:
                pack_into("<I", self.undo, self._first_touch(nid) + 2, new)
            else:
                self.locs[nid] = new
        for row in self._group(kind):
            if row[1] == old:
                row[1] = new

    def _nid_at(self, addr):
        self.log.read(addr, 0, self._small, 2)
        return unpack_from("<H", self._small)[0]

    def _group(self, kind):
        # The rows of a kind of record, but of nodes.
        if kind == _REPLAY:
            return self.pairs
        if kind == _JOURNAL:
            return self.journal
        return self.execs if kind == _EXEC else ()

    def committed(self, nid: int) -> int:
        """Address of the committed record of a node, 0 when it has none."""
        at = self._first_touch(nid)
        return self.locs[nid] if at < 0 else unpack_from("<I", self.undo, at + 2)[0]

    def _first_touch(self, nid):
        # find() and not a loop: compaction asks for every record it meets.
        if not self.flags[nid] & _DIRTY:
            return -1
        key = pack("<H", nid)
        at = self.undo.find(key)
        while at >= 0 and at % 11:
            at = self.undo.find(key, at + 1)
        return at

    # -- rows

    def grow(self, rows=_GROW):
        """Make room in the index for so many nodes more."""
        # flags last: they tell the number of rows, whatever an attempt without heap left behind.
        n = len(self.flags) + rows
        self.keys.extend(_FREE * (n - len(self.keys) // 4))
        self.locs.extend(array("I", bytes(4 * (n - len(self.locs)))))
        self.flags.extend(bytes(rows))

    def is_free(self, nid: int) -> bool:
        """True when no node has this number."""
        return nid >= len(self.flags) or self.keys[4 * nid : 4 * nid + 4] == _FREE

    def new_nid(self) -> int:
        """A number no node has, or -1; grows the index where it is full."""
        nid = self._find(_FREE, 0)
        n = len(self.flags)
        if 0 <= nid < n:
            return nid
        if n >= _MAX_NODES:
            return -1
        self.grow()
        return n

    def _find(self, key, nid):
        # The next row from nid on whose key begins so, or -1.
        keys = self.keys
        at = keys.find(key, 4 * nid)
        while at > 0 and at & 3:
            at = keys.find(key, at + 1)
        return at >> 2

    def _set(self, nid, head, loc, flags):
        # head: a node record as far as its Type, or nothing to free the row.
        key = _FREE
        if head:
            end = _HEAD + head[12]
            key = pack("<HH", head[2] | head[3] << 8, crc32(head[_HEAD:end]) & 0xFFFF)
            flags |= head[4] & _PERMANENT
            if head[15]:
                flags |= _HAS_ACL
            if not head[4] & 15 and is_dmacc(bytes(head[end : end + head[13]])):
                flags |= _DMACC
        self.keys[4 * nid : 4 * nid + 4] = key
        self.locs[nid] = loc
        self.flags[nid] = flags

    def change(self, nid: int, head, loc: int, flags: int):
        """Set a row, undoably. head: its record as far as Type; b"" frees it, None leaves all but loc."""
        at = self.undo_len
        if at + 11 > len(self.undo):
            self.undo.extend(bytes(11 * _GROW))
        key = self.keys[4 * nid : 4 * nid + 4]
        pack_into("<HIB4s", self.undo, at, nid, self.locs[nid], self.flags[nid], key)
        self.undo_len = at + 11  # now, whatever becomes of the rest, the row can be put back
        flags |= _DIRTY  # of a free row too: a new node in it is no first touch
        if head is None:
            self.locs[nid] = loc
            self.flags[nid] |= flags
        else:
            self._set(nid, head, loc, flags)
            if key != _FREE:
                self.folder = self.right = None

    def undo_to(self, mark: int):
        """Put back every row changed since undo_len was mark."""
        self.folder = self.right = None
        while self.undo_len > mark:
            at = self.undo_len - 11
            nid, self.locs[nid], self.flags[nid], key = unpack_from("<HIB4s", self.undo, at)
            self.keys[4 * nid : 4 * nid + 4] = key
            self.undo_len = at  # now: where the heap ran out, it is put back at the next attempt

    # -- reading nodes

    def parent(self, nid: int) -> int:
        """The parent of a node; 0xFFFE for the root."""
        return self.keys[4 * nid] | self.keys[4 * nid + 1] << 8

    def child(self, parent: int, name: bytes) -> int:
        """The child of that name (exact octets), or -1."""
        key = pack("<HH", parent, crc32(name) & 0xFFFF)
        keys = self.keys
        n = len(name)
        end = len(keys)
        at = 4 * parent - 1  # a child stands behind its parent more often than not
        while True:
            at = keys.find(key, at + 1, end)
            if at < 0:
                if end == 4 * parent:
                    return -1
                end = 4 * parent
            elif not at & 3 and self.fixed(at >> 2)[12] == n:
                if self.near and _NAME + n <= self._had:
                    found = self._fixed[_NAME : _NAME + n]
                else:
                    found = self.octets(at >> 2, _HEAD, n)
                if found == name:
                    return at >> 2

    def next_child(self, parent: int, after: int) -> int:
        """The next child with a number above `after` (-1 to start), or -1."""
        return self._find(pack("<H", parent), after + 1)

    def octets(self, nid: int, off: int, n: int):
        """A copy of n octets of a node's record from offset off, none of them of its value."""
        at = self.locs[nid]
        if self.flags[nid] & _STAGED:
            at += _IMAGE + off
            return self.stage.arena[at : at + n]
        if at == self.near and 3 + off + n <= self._had:
            return self._fixed[3 + off : 3 + off + n]
        buf = bytearray(n)
        self.log.read(at, off, buf, n)
        return buf

    def fixed(self, nid: int):
        """The fixed 16 octets of a node's record, in a buffer that the next call reuses."""
        at = self.locs[nid]
        if self.flags[nid] & _STAGED:
            self.near = 0
            at += _IMAGE
            self._head[:] = self.stage.arena[at : at + _HEAD]
        elif at != self.near:  # one command asks for the same record four times
            self.near = 0
            self._had = _NEAR if at & 255 <= 256 - _NEAR else _NAME
            if self._had == _NEAR:
                self.log.in_page(at >> 8, self._fixed, at & 255)
            else:
                self.log.read(at, -3, self._short, _NAME)
            self.near = at
        return self._head

    def field(self, nid: int, which: int) -> bytes:
        """Name (0), Type (1), Title (2) or ACL (3) as it is stored."""
        fixed = self.fixed(nid)
        n = fixed[12 + which]
        return bytes(self.octets(nid, _HEAD + sum(fixed[12 : 12 + which]), n)) if n else b""

    def head_len(self, nid: int) -> int:
        """Octets before the value in the node's record."""
        return _HEAD + sum(self.fixed(nid)[12:])

    def size(self, nid: int) -> int:
        """Octets the node takes in the log; 0 when there is none."""
        at = self.locs[nid]
        if self.flags[nid] & _STAGED:
            return 7 + sum(unpack_from("<HH", self.stage.arena, at + 4))
        if not at:
            return 0
        self.fixed(nid)
        return 7 + (self._fixed[1] | self._fixed[2] << 8)

    def value_len(self, nid: int) -> int:
        """Octets of the node's value."""
        return self.size(nid) - 7 - self.head_len(nid)

    def read_value(self, nid: int, off: int, buf, n: int):
        """Copy n octets of the committed value from offset off into buf; no allocation."""
        self.log.read(self.locs[nid], self.head_len(nid) + off, buf, n)
