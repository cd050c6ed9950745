# A transaction: changes of the tree staged in RAM, then one commit.
#
# Contract: nothing of it is in flash before `commit`, so dropping it costs no
# flash operation. `savepoint`/`rollback` nest (one per command, one per
# Atomic). `commit` writes the final image of every node touched, the replay
# pair, the journal entry and the pending Execs as one transaction of the page
# log: its commit mark is the only moment at which anything changes.
#
# Values are not copied: an image holds pieces (where, octets), and the octets
# are fetched when the image is written. `where` says which memory it means:
#
#   0 .. 2^24-1            offset in the message (the spool)
#   _ARENA | offset        in the arena itself: what does not lie whole in the message
#   _FLASH | address       value of a committed record, kept as it is
#
# An image in the arena:
#
#   0 u16 octets of head | 2 u16 pieces | 4 u32 octets of value | 8 head | pieces u32, u32
#
# where head is the start of the node record as docs/store-format.md has it.

from binascii import a2b_base64
from struct import pack, pack_into, unpack_from

from micropython import const

from .errors import CommandFailed, StorageFailed

_NODE = const(1)
_DELETE = const(2)
_EXEC = const(5)
_DIRTY = const(0x10)
_STAGED = const(0x20)
_HEAD = const(16)

_ARENA = const(0x1000000)
_FLASH = const(0x2000000)
_MASK = const(0xFFFFFF)
_MIN = const(512)  # octets of arena kept between messages
_MAX = const(48 * 1024)  # octets of arena one message may stage; images only, no values
_RESERVE = const(1024)  # octets kept free for journal, replay pairs and Deletes


class Transaction:
    """The one open transaction of a Store."""

    def __init__(self, store):
        self.store = store
        store.stage = self
        self.arena = bytearray(_MIN)
        self.source = b""
        self._clear()

    def _clear(self):
        self.len = 0
        self.growth = 0  # octets of live records to come, less those to go
        self.extra = []  # [kind, body] of other records of this commit
        self.store.undo_len = 0
        if len(self.arena) > 4 * _MIN:
            self.arena = bytearray(_MIN)

    def begin(self, source):
        """Start; pieces of values point into source, which must stay as it is."""
        self.source = source
        self._clear()

    def savepoint(self):
        """A point `rollback` can go back to."""
        return self.store.undo_len, self.len, self.growth, len(self.extra)

    def rollback(self, point):
        """Undo everything since the savepoint; the index is as it was, octet by octet."""
        self.store.undo_to(point[0])
        self.len = point[1]
        self.growth = point[2]
        del self.extra[point[3] :]

    def abort(self):
        """Undo everything."""
        self.store.undo_to(0)
        self._clear()
        self.source = b""

    # -- staging

    def keep(self, octets) -> int:
        """Copy octets into the arena; gives the `where` of a piece."""
        at = self._take(len(octets))
        self.arena[at : at + len(octets)] = octets
        return _ARENA | at

    def _take(self, n):
        at = self.len
        if at + n > _MAX:
            raise CommandFailed(413)
        if at + n > len(self.arena):
            self.arena.extend(bytes(at + n - len(self.arena) + _MIN))
        self.len = at + n
        return at

    def put(self, nid: int, parent: int, fields, verno: int, tstamp: int, name: bytes, mime: bytes,
            title: bytes, acl: bytes, pieces, row: int):
        """Stage an image of a node.

        fields is format | 0x10 if permanent, and AccessType << 8; pieces alternates
        `where` and octets; row holds the flags of the row. Raises CommandFailed(420)
        when the store could not hold it.
        """
        store = self.store
        n = len(name) + len(mime) + len(title) + len(acl) + _HEAD
        size = 0
        for i in range(1, len(pieces), 2):
            size += pieces[i]
        growth = n + size + 7 - self._size_of(nid)
        if n + size > 0xFF00:
            raise CommandFailed(413)
        if growth > 0 and store.used + self.growth + growth + _RESERVE > store.log.capacity:
            raise CommandFailed(420)
        at = self._take(8 + n + 4 * len(pieces))
        arena = self.arena
        pack_into("<HHIHHHHIBBBB", arena, at, n, len(pieces) >> 1, size, nid, parent, fields, verno,
                  tstamp, len(name), len(mime), len(title), len(acl))
        p = at + 8 + _HEAD
        for octets in (name, mime, title, acl):
            arena[p : p + len(octets)] = octets
            p += len(octets)
        for i in range(len(pieces)):
            pack_into("<I", arena, p, pieces[i])
            p += 4
        self.growth += growth
        store.change(nid, parent, name, at, row | _STAGED)

    def delete(self, nid: int):
        """Stage the end of one node; its children are the caller's business."""
        self.growth -= self._size_of(nid)
        self.store.change(nid, -1, b"", 0, 0)

    def _size_of(self, nid):
        store = self.store
        if store.is_free(nid):
            return 0
        if store.flags[nid] & _STAGED:
            at = store.locs[nid]
            n, _, size = unpack_from("<HHI", self.arena, at)
            return n + size + 7
        return (store.log.kind_len(store.locs[nid]) & 0xFFFF) + 7

    def value_pieces(self, nid: int):
        """Pieces of the value a node has now, for an image that keeps it."""
        store = self.store
        at = store.locs[nid]
        if not store.flags[nid] & _STAGED:
            size = store.value_len(nid)
            return [_FLASH | at, size] if size else []
        n, count = unpack_from("<HH", self.arena, at)
        at += 8 + n
        return [unpack_from("<I", self.arena, at + 4 * i)[0] for i in range(2 * count)]

    def fetch(self, pieces) -> bytes:
        """The octets of short pieces as a parser gave them (offsets in the message, or bytes)."""
        out = b""
        for i in range(0, len(pieces), 2):
            where = pieces[i]
            out += bytes(self.source[where : where + pieces[i + 1]]) if isinstance(where, int) else where
        return out

    def decode(self, at: int, n: int) -> int:
        """Decode n octets of base64 where they lie in the message; gives the octets left.

        The message was hashed and parsed up to here, so nobody reads them again. Raises
        ValueError; then the octets are spoilt, and with them only the command they belong to.
        """
        source = self.source
        out = at
        quad = b""
        for i in range(at, at + n, 64):
            for c in source[i : min(i + 64, at + n)]:
                if c > 32:
                    quad += bytes((c,))
            whole = len(quad) & ~3
            plain = a2b_base64(quad[:whole])
            quad = quad[whole:]
            source[out : out + len(plain)] = plain
            out += len(plain)
        if quad:
            raise ValueError
        return out - at

    def next_exec(self) -> int:
        """A number for a pending Exec, above all that are pending."""
        execs = self.store.execs
        number = execs[-1][0] + 1 if execs else 1
        for kind, _ in self.extra:
            if kind == _EXEC:
                number += 1
        return number

    def add_record(self, kind: int, body: bytes):
        """Stage a REPLAY, JOURNAL or EXEC record beside the nodes."""
        self.extra.append([kind, body])

    # -- what the store asks of an open transaction

    def head(self, at: int, off: int, buf, n: int):
        """Copy octets of a staged image's head into buf."""
        at += 8 + off
        buf[:n] = self.arena[at : at + n]

    def value_len(self, at: int) -> int:
        """Octets of a staged value."""
        return unpack_from("<I", self.arena, at + 4)[0]

    def read_value(self, at: int, off: int, buf, n: int):
        """Copy octets of a staged value into buf."""
        store = self.store
        at, end = self._pieces(at)
        out = 0
        view = memoryview(buf)
        while at < end and out < n:
            where, size = unpack_from("<II", self.arena, at)
            at += 8
            if off >= size:
                off -= size
                continue
            k = min(size - off, n - out)
            base = where & _MASK
            if where & _FLASH:
                store.log.read(base, self._flash_off(base) + off, view[out:], k)
            elif where & _ARENA:
                view[out : out + k] = memoryview(self.arena)[base + off : base + off + k]
            else:
                view[out : out + k] = memoryview(self.source)[base + off : base + off + k]
            out += k
            off = 0

    def moved(self, old: int, new: int):
        """Compaction moved a record whose value a staged image keeps."""
        arena = self.arena
        store = self.store
        for nid in self._touched():
            if store.flags[nid] & _STAGED:
                at, end = self._pieces(store.locs[nid])
                for p in range(at, end, 8):
                    if unpack_from("<I", arena, p)[0] == _FLASH | old:
                        pack_into("<I", arena, p, _FLASH | new)

    def _pieces(self, at):
        n, count = unpack_from("<HH", self.arena, at)
        at += 8 + n
        return at, at + 8 * count

    def _flash_off(self, addr):
        small = self.store._small
        self.store.log.read(addr, 0, small, _HEAD)
        return _HEAD + small[12] + small[13] + small[14] + small[15]

    def _touched(self):
        # Numbers of the nodes touched, each once: where its old row was not dirty.
        undo = self.store.undo
        for at in range(0, self.store.undo_len, 11):
            if not undo[at + 6] & _DIRTY:
                yield undo[at] | undo[at + 1] << 8

    # -- commit

    def commit(self):
        """Make it all true at once, or raise StorageFailed and leave all as it was."""
        store = self.store
        gone = bytearray()
        size = 0
        n = 0
        for nid in self._touched():
            if store.is_free(nid):
                if store.committed(nid):
                    gone.extend(pack("<H", nid))
            else:
                size += self._size_of(nid)
                n += 1
        self._gone = gone
        self._locs = bytearray(4 * n)
        size += len(gone) + 7
        for _, body in self.extra:
            size += len(body) + 7
        try:
            store.log.transact(self._write, size)
        except StorageFailed:
            self.abort()
            raise
        i = 0
        for nid in self._touched():
            if not store.is_free(nid):
                store.locs[nid] = unpack_from("<I", self._locs, i)[0]
                store.flags[nid] &= ~(_DIRTY | _STAGED)
                i += 4
            else:
                store.flags[nid] = 0
        store.used += self.growth
        for kind, body, addr in self.extra:
            store.note(kind, addr, body, len(body))
        self._clear()
        self.source = b""

    def _write(self, log):
        store = self.store
        arena = self.arena
        i = 0
        for nid in self._touched():
            if store.is_free(nid):
                continue
            at = store.locs[nid]
            n, _, size = unpack_from("<HHI", arena, at)
            pack_into("<I", self._locs, i, log.put(_NODE, n + size))
            i += 4
            log.write(arena, at + 8, at + 8 + n)
            at, end = self._pieces(at)
            while at < end:
                where, size = unpack_from("<II", arena, at)
                base = where & _MASK
                if where & _FLASH:
                    log.copy(base, self._flash_off(base), size)
                elif where & _ARENA:
                    log.write(arena, base, base + size)
                else:
                    log.write(self.source, base, base + size)
                at += 8
            log.end()
        if self._gone:
            log.put(_DELETE, len(self._gone))
            log.write(self._gone, 0, len(self._gone))
            log.end()
        for row in self.extra:
            body = row[1]
            addr = log.put(row[0], len(body))
            log.write(body, 0, len(body))
            log.end()
            del row[2:]
            row.append(addr)
