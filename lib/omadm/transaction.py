# A transaction: changes of the tree staged in RAM, then one commit.
#
# Contract: nothing of it is in flash before `commit`, so dropping it costs no flash operation.
# `savepoint`/`rollback` nest (one per command, one per Atomic). `commit` writes the final image of
# every node touched, the replay pair, the journal entry and the pending Execs as one transaction of
# the page log: its commit mark is the only moment at which anything changes.
#
# Values are not copied, but for small ones: an image says where the octets are, and
# they are fetched when the image is written. `where` is one of
#
#   0 .. 2^24-1      offset in the message (the spool)
#   _ARENA | offset  in the arena: octets that did not lie in one piece in the message
#   _FLASH | offset  in the record this node has in flash: the value is kept as it is
#
# An image in the arena, where head is the start of the node record as
# docs/store-format.md has it:
#
#   0 u32 where | 4 u16 octets of value | 6 u16 octets of head | 8 head | a small value

from array import array
from binascii import a2b_base64, b2a_base64
from struct import pack_into, unpack_from

from micropython import const

from .errors import CommandFailed, StorageFailed

_NODE = const(1)
_DELETE = const(2)
_DIRTY = const(4)
_STAGED = const(0x20)
_IMAGE = const(8)  # octets before the head of an image
_HEAD = const(16)

_ARENA = const(0x1000000)
_FLASH = const(0x2000000)
_HERE = const(0x4000000)  # in the arena, and right behind its head
_MASK = const(0xFFFFFF)
_SMALL = const(64)  # octets of a value that is kept behind its head, and written with it
_MIN = const(512)  # octets of arena kept between messages
_MAX = const(48 * 1024)  # octets of arena one message may take; values are not in it
_PIECE = const(32)  # small nodes that one piece of a commit deals with
_RESERVE = const(1024)  # octets kept free for journal, replay pairs and Deletes


class Transaction:
    """The one open transaction of a Store."""

    def __init__(self, store):
        self.store = store
        store.stage = self
        self.placed = array(
            "I", bytes(128)
        )  # of each image: its octets << 16 | place, then its place in flash
        self.arena = bytearray(_MIN)
        self.begin()

    def begin(self, source=b"", now=0):
        """Start, and undo what was left open. `where` points into source, which must stay; now: a TStamp."""
        self.store.undo_to(0)
        self.store.near = 0
        self.source = source
        self.now = now
        self.len = 0
        self.small = _SMALL
        self.growth = 0  # octets of live records to come, less those to go
        self.size = 0  # octets of the records to write, at most
        self.largest = 0  # of them, of one record, at most
        self.extra = []  # [kind, body, address] of other records of this commit
        self.changed = bytearray()  # what the application is to hear of, once it is committed
        if len(self.arena) + len(self.store.undo) > 2 * _MIN:
            self.arena = bytearray(_MIN)
            self.placed = self.placed[:32]
            self.store.undo = bytearray()

    def savepoint(self) -> tuple:
        """A point `rollback` can go back to."""
        return self.store.undo_len, self.len, self.growth, self.size, len(self.extra), len(self.changed)

    def rollback(self, point):
        """Undo everything since the savepoint; the index is as it was, octet by octet."""
        undo_len, self.len, self.growth, self.size, extra, changed = point
        self.store.undo_to(undo_len)
        del self.extra[extra:]
        self.changed[changed:] = b""

    def flip(self, forth: bool):
        """Exchange the index with the undo log: it is as committed; with forth=True, as staged again."""
        store = self.store
        undo = store.undo
        end = store.undo_len
        for i in range(0, end, 11):
            at = i if forth else end - 11 - i
            nid, loc, flags, key = unpack_from("<HIB4s", undo, at)
            row = 4 * nid
            old = store.keys[row : row + 4]
            pack_into("<IB4s", undo, at + 2, store.locs[nid], store.flags[nid], old)
            store.keys[row : row + 4] = key
            store.locs[nid] = loc
            store.flags[nid] = flags
        store.folder = store.right = None

    # -- octets of values

    def _take(self, n):
        at = self.len
        end = at + n
        if end > _MAX:
            raise CommandFailed(413)
        if end > len(self.arena):
            self.arena.extend(bytes(end - len(self.arena) + _MIN))
        self.len = end
        return at

    def reserve(self, nodes: int, texts: int):
        """Make room at once for so many new nodes with so many octets of texts, in one piece each."""
        store = self.store  # growing by bits would need old and new side by side, more than once
        self.small = 0
        nodes += 16  # folders above them
        self.arena = _longer(self.arena, self.len, nodes * (_IMAGE + _HEAD) + texts)
        store.undo = _longer(store.undo, store.undo_len, nodes * 11)

    def keep(self, octets) -> int:
        """Copy octets into the arena; gives their `where`."""
        at = self._take(len(octets))
        self.arena[at : self.len] = octets
        return _ARENA | at

    def memory(self, where: int):
        """What holds the octets at where: memory[where & 0xFFFFFF] is the first."""
        return self.arena if where & _ARENA else self.source

    def octets(self, where: int, n: int) -> bytes:
        """A copy of n octets."""
        at = where & _MASK
        return bytes(self.memory(where)[at : at + n])

    def decode(self, where: int, n: int) -> int:
        """Decode n octets of base64 where they lie; gives how many are left.

        The message was hashed and parsed up to here, so nobody reads them again. Raises
        ValueError for what an encoder would not have made; then the octets are spoilt, and
        with them only the command they belong to.
        """
        memory = self.memory(where)
        at = out = first = where & _MASK
        end = at + n
        quad = b""
        while at < end:
            quad += b"".join(bytes(memory[at : min(at + 64, end)]).split())
            whole = len(quad) & ~3
            plain = a2b_base64(quad[:whole])
            # Nothing may follow padding, in an earlier piece neither.
            if whole and (out - first) % 3 or b2a_base64(plain)[:-1] != quad[:whole]:
                raise ValueError
            quad = quad[whole:]
            memory[out : out + len(plain)] = plain
            out += len(plain)
            at += 64
        if quad:
            raise ValueError
        return out - first

    # -- staging

    def create(
        self,
        parent: int,
        name: bytes,
        fields: int,
        mime: bytes,
        acl: bytes,
        where: int,
        n: int,
        title: bytes = b"",
        nid: int = -1,
    ) -> int:
        """Stage a new node whose value is n octets at where; gives its number.

        fields: format | 0x10 if permanent | AccessType << 8. nid: of a node that is there, to make it
        anew with VerNo one up. Raises CommandFailed: 420 when the store could not hold it, 413 when no
        record can.
        """
        store = self.store
        number = 0
        if nid >= 0:
            number = unpack_from("<H", store.fixed(nid), 6)[0] + 1 & 0xFFFF
        else:
            nid = store.new_nid()
            if nid < 0:
                raise CommandFailed(420)
        head = bytearray(_HEAD) + name + mime + title + acl
        texts = len(name), len(mime), len(title), len(acl)
        pack_into("<HHHHI4B", head, 0, nid, parent, fields, number, self.now, *texts)
        self._put(nid, head, where, n, head)
        return nid

    def again(self, nid: int, which: int = 0, text=None, fmt: int = -1, where: int = 0, n: int = 0):
        """Stage a node once more with VerNo one up.

        With a text that one of its texts changes: Name (0), Type (1), Title (2) or ACL (3). With
        a format it has another value: n octets at where.
        """
        store = self.store
        fixed = store.fixed(nid)
        value = _HEAD + fixed[12] + fixed[13] + fixed[14] + fixed[15]
        head = store.octets(nid, 0, value)
        pack_into("<HI", head, 6, (head[6] | head[7] << 8) + 1 & 0xFFFF, self.now)
        if fmt >= 0:
            head[4] = head[4] & 0xF0 | fmt
        else:
            n = store.value_len(nid)
            where = _FLASH | value
            if store.flags[nid] & _STAGED:
                where = unpack_from("<I", self.arena, store.locs[nid])[0]
        if text is None:
            self._put(nid, head, where, n, None)
        else:
            at = _HEAD + sum(head[12 : 12 + which])
            end = at + head[12 + which]
            head[12 + which] = len(text)
            head = head[:at] + text + head[end:]
            self._put(nid, head, where, n, head)

    def _put(self, nid, head, where, n, row):
        # Stage an image. row: the head, or None when the row in the index stays as it is.
        store = self.store
        size = len(head) + n
        if size > 0xFF00:
            raise CommandFailed(413)
        size += 7
        growth = size - store.size(nid)
        if growth > 0 and store.used + self.growth + growth + _RESERVE > store.log.capacity:
            raise CommandFailed(420)
        n_head = len(head)
        where &= ~_HERE
        if n <= self.small and not where & _FLASH:
            at = where & _MASK
            head = head + (self.arena if where & _ARENA else self.source)[at : at + n]
            where = _HERE | _ARENA | self.len + _IMAGE + n_head
        at = self._take(_IMAGE + len(head))
        pack_into("<IHH", self.arena, at, where, n, n_head)
        self.arena[at + _IMAGE : self.len] = head
        self.growth += growth
        self.size += size
        if size > self.largest:
            self.largest = size
        store.change(nid, row, at, _STAGED)

    def delete(self, nid: int):
        """Stage the end of one node; its children are the caller's business."""
        self.growth -= self.store.size(nid)
        self.size += 9
        self.store.change(nid, b"", 0, 0)

    def add_record(self, kind: int, body):
        """Stage a REPLAY, JOURNAL or EXEC record beside the nodes."""
        self.extra.append([kind, body, 0])
        size = len(body) + 7
        self.size += size
        self.largest = max(self.largest, size)

    # -- commit

    def commit(self):
        """Make it all true at once, or raise StorageFailed and leave all as it was."""
        for _ in self.steps():
            pass

    def steps(self):
        """A commit in pieces, one at each next(); the last one makes it true."""
        store = self.store
        try:
            # one record of all Deletes may be the largest
            yield from store.log.steps(self._write, self.size, max(self.largest, store.undo_len // 4))
        except StorageFailed:
            self.begin()
            raise
        undo = store.undo
        flags = store.flags
        locs = store.locs
        placed = self.placed
        k = 0
        for i in range(0, store.undo_len, 11):
            nid = undo[i] | undo[i + 1] << 8
            if flags[nid] & _STAGED:
                locs[nid] = placed[k]
                k += 1
            flags[nid] &= ~(_DIRTY | _STAGED)
        store.used += self.growth
        for kind, body, addr in self.extra:
            store.note(kind, addr, body, len(body))
        store.undo_len = 0
        self.begin()

    def _write(self, log):
        # May be called again, when the log had to leave a broken sector.
        store = self.store
        arena = self.arena
        undo = store.undo
        placed = self.placed
        if 11 * len(placed) < store.undo_len:
            placed = self.placed = array("I", bytes(4 * (store.undo_len // 11)))
        k = first = 0
        gone = bytearray()
        for i in range(0, store.undo_len, 11):
            if undo[i + 6] & _DIRTY:
                continue  # touched before: its last image counts
            nid = undo[i] | undo[i + 1] << 8
            if store.flags[nid] & _STAGED:
                at = store.locs[nid]
                small = arena[at + 3] & 4  # _HERE
                if small:
                    placed[k] = arena[at + 4] + arena[at + 6] + (arena[at + 7] << 8) << 16 | at + _IMAGE
                    k += 1
                    if k - first < _PIECE:
                        continue
                log.put_all(_NODE, arena, placed, first, k)
                if not small:
                    where, n, size = unpack_from("<IHH", arena, at)
                    placed[k] = log.put(_NODE, size + n)
                    k += 1
                    log.write(arena, at + _IMAGE, at + _IMAGE + size)
                    at = where & _MASK
                    if where & _FLASH:
                        log.copy(unpack_from("<I", undo, i + 2)[0], at, n)
                    else:
                        log.write(self.memory(where), at, at + n)
                    log.end()
                first = k
                yield
            elif unpack_from("<I", undo, i + 2)[0]:
                gone += undo[i : i + 2]
        log.put_all(_NODE, arena, placed, first, k)
        if gone:
            log.whole(_DELETE, gone, 0, len(gone))
        for row in self.extra:
            row[2] = log.whole(row[0], row[1], 0, len(row[1]))


def _longer(old, used, n):
    # The same with room for n octets more, as far as a message may go.
    if not len(old) < used + n <= _MAX:
        return old
    new = bytearray(used + n)
    new[:used] = old[:used]
    return new
