# A transaction: changes of the tree staged in RAM, then one commit.
#
# Contract: nothing of it is in flash before `commit`, so dropping it costs no
# flash operation. `savepoint`/`rollback` nest (one per command, one per
# Atomic). `commit` writes the final image of every node touched, the replay
# pair, the journal entry and the pending Execs as one transaction of the page
# log: its commit mark is the only moment at which anything changes.
#
# Values are not copied: an image says where the octets are, and they are
# fetched when the image is written. `where` is one of
#
#   0 .. 2^24-1      offset in the message (the spool)
#   _ARENA | offset  in the arena: octets that did not lie in one piece in the message
#   _FLASH           the value this node has in flash, kept as it is
#
# An image in the arena, where head is the start of the node record as
# docs/store-format.md has it:
#
#   0 u32 where | 4 u16 octets of value | 6 u16 octets of head | 8 u32 address once written | 12 head

from binascii import a2b_base64, b2a_base64
from struct import pack_into, unpack_from

from micropython import const

from .errors import CommandFailed, StorageFailed

_NODE = const(1)
_DELETE = const(2)
_DIRTY = const(0x10)
_STAGED = const(0x20)
_FIRST = const(12)  # octets before the head of an image
_HEAD = const(16)
_FREE = b"\xff\xff\xff\xff"

_ARENA = const(0x1000000)
_FLASH = const(0x2000000)
_MASK = const(0xFFFFFF)
_MIN = const(512)  # octets of arena kept between messages
_MAX = const(48 * 1024)  # octets of arena one message may take; values are not in it
_RESERVE = const(1024)  # octets kept free for journal, replay pairs and Deletes


class Transaction:
    """The one open transaction of a Store."""

    def __init__(self, store):
        self.store = store
        store.stage = self
        self.arena = bytearray(_MIN)
        self.begin(b"")

    def begin(self, source):
        """Start, and undo what was left open; `where` points into source, which must stay."""
        self.store.undo_to(0)
        self.source = source
        self.len = 0
        self.growth = 0  # octets of live records to come, less those to go
        self.size = 0  # octets of the records to write
        self.extra = []  # [kind, body] of other records of this commit
        if len(self.arena) > 4 * _MIN:
            self.arena = bytearray(_MIN)

    def savepoint(self) -> tuple:
        """A point `rollback` can go back to."""
        return self.store.undo_len, self.len, self.growth, self.size, len(self.extra)

    def rollback(self, point):
        """Undo everything since the savepoint; the index is as it was, octet by octet."""
        self.store.undo_to(point[0])
        self.len = point[1]
        self.growth = point[2]
        self.size = point[3]
        del self.extra[point[4] :]

    def abort(self):
        """Undo everything."""
        self.begin(b"")

    # -- octets of values

    def _take(self, n):
        at = self.len
        if at + n > _MAX:
            raise CommandFailed(413)
        if at + n > len(self.arena):
            self.arena.extend(bytes(at + n - len(self.arena) + _MIN))
        self.len = at + n
        return at

    def keep(self, octets) -> int:
        """Copy octets into the arena; gives their `where`."""
        at = self._take(len(octets))
        self.arena[at : at + len(octets)] = octets
        return _ARENA | at

    def _memory(self, where):
        return self.arena if where & _ARENA else self.source

    def decode(self, where: int, n: int) -> int:
        """Decode n octets of base64 where they lie; gives how many are left.

        The message was hashed and parsed up to here, so nobody reads them again. Raises
        ValueError for what an encoder would not have made; then the octets are spoilt, and
        with them only the command they belong to.
        """
        memory = self._memory(where)
        at = out = where & _MASK
        end = at + n
        quad = b""
        while at < end:
            quad += b"".join(bytes(memory[at : min(at + 64, end)]).split())
            whole = len(quad) & ~3
            plain = a2b_base64(quad[:whole])
            if b2a_base64(plain)[:-1] != quad[:whole]:
                raise ValueError
            quad = quad[whole:]
            memory[out : out + len(plain)] = plain
            out += len(plain)
            at += 64
        if quad:
            raise ValueError
        return out - (where & _MASK)

    # -- staging

    def create(self, parent: int, name: bytes, fields: int, now: int, mime: bytes, acl: bytes,
               where: int, n: int) -> int:
        """Stage a new node whose value is n octets at where; gives its number.

        fields: format | 0x10 if permanent | AccessType << 8. Raises CommandFailed: 420 when
        the store could not hold it, 413 when no record can.
        """
        nid = self.store.new_nid()
        if nid < 0:
            raise CommandFailed(420)
        head = bytearray(_HEAD)
        pack_into("<HHHHI", head, 0, nid, parent, fields, 0, now)
        self._put(nid, head, (name, mime, b"", acl), where, n)
        return nid

    def again(self, nid: int, now: int, fmt=None, mime=None, name=None, title=None, acl=None,
              where=None, n=0):
        """Stage a node once more, with what is not None changed and VerNo one up."""
        store = self.store
        fixed = store.fixed(nid)
        head = store.octets(nid, 0, _HEAD + fixed[12] + fixed[13] + fixed[14] + fixed[15])
        if fmt is not None:
            head[4] = head[4] & 0xF0 | fmt
        pack_into("<HI", head, 6, (head[6] | head[7] << 8) + 1 & 0xFFFF, now)
        if where is None:
            n = store.value_len(nid)
            where = unpack_from("<I", self.arena, store.locs[nid])[0] if store.flags[nid] & _STAGED else _FLASH
        texts = None
        if mime is not None or name is not None or title is not None or acl is not None:
            texts = [name, mime, title, acl]
            at = _HEAD
            for i in range(4):
                end = at + head[12 + i]
                if texts[i] is None:
                    texts[i] = bytes(head[at:end])
                at = end
            head = head[:_HEAD]
        self._put(nid, head, texts, where, n)

    def _put(self, nid, head, texts, where, n):
        # Stage an image. head is the start of the record; with texts (Name, Type, Title, ACL)
        # its fixed part only, their lengths still to be filled in.
        store = self.store
        if texts:
            i = 12
            for text in texts:
                head[i] = len(text)
                i += 1
                head += text
        size = len(head)
        if size + n > 0xFF00:
            raise CommandFailed(413)
        growth = size + n + 7 - self._size_of(nid)
        if growth > 0 and store.used + self.growth + growth + _RESERVE > store.log.capacity:
            raise CommandFailed(420)
        at = self._take(_FIRST + size)
        pack_into("<IHH", self.arena, at, where, n, size)
        self.arena[at + _FIRST : at + _FIRST + size] = head
        self.growth += growth
        self.size += size + n + 7
        if texts:
            store.change(nid, head[2] | head[3] << 8, texts[0], at,
                         store.row_flags(head[4], texts[1], texts[3]) | _STAGED)
        else:
            store.change(nid, 0, None, at, store.flags[nid] | _STAGED)

    def delete(self, nid: int):
        """Stage the end of one node; its children are the caller's business."""
        self.growth -= self._size_of(nid)
        self.size += 9
        self.store.change(nid, -1, b"", 0, 0)

    def add_record(self, kind: int, body):
        """Stage a REPLAY, JOURNAL or EXEC record beside the nodes."""
        self.extra.append([kind, body])
        self.size += len(body) + 7

    def _size_of(self, nid):
        # Octets in the log of the node as it stands now.
        store = self.store
        if store.is_free(nid):
            return 0
        if store.flags[nid] & _STAGED:
            _, n, size = unpack_from("<IHH", self.arena, store.locs[nid])
            return n + size + 7
        return (store.log.kind_len(store.locs[nid]) & 0xFFFF) + 7

    # -- what the store asks of an open transaction

    def head(self, at: int, off: int, buf, n: int):
        """Copy octets of a staged image's head into buf."""
        at += _FIRST + off
        buf[:n] = self.arena[at : at + n]

    def value_len(self, at: int) -> int:
        """Octets of a staged value."""
        return unpack_from("<H", self.arena, at + 4)[0]

    def read_value(self, nid: int, off: int, buf, n: int):
        """Copy octets of a staged value into buf."""
        where = unpack_from("<I", self.arena, self.store.locs[nid])[0]
        if where == _FLASH:
            addr = self.store.committed(nid)
            self.store.log.read(addr, self.store.value_off(addr) + off, buf, n)
        else:
            at = (where & _MASK) + off
            buf[:n] = self._memory(where)[at : at + n]

    # -- commit

    def commit(self):
        """Make it all true at once, or raise StorageFailed and leave all as it was."""
        store = self.store
        try:
            store.log.transact(self._write, self.size)
        except StorageFailed:
            self.abort()
            raise
        undo = store.undo
        flags = store.flags
        for at in range(0, store.undo_len, 11):
            nid = undo[at] | undo[at + 1] << 8
            if flags[nid] & _STAGED:
                store.locs[nid] = unpack_from("<I", self.arena, store.locs[nid] + 8)[0]
            flags[nid] &= ~(_DIRTY | _STAGED)
        store.used += self.growth
        for kind, body, addr in self.extra:
            store.note(kind, addr, body, len(body))
        store.undo_len = 0
        self.begin(b"")

    def _write(self, log):
        # May be called again, when the log had to leave a broken sector.
        store = self.store
        arena = self.arena
        undo = store.undo
        gone = bytearray()
        for entry in range(0, store.undo_len, 11):
            if undo[entry + 6] & _DIRTY:
                continue  # touched before: once is enough, its last image counts
            nid = undo[entry] | undo[entry + 1] << 8
            if store.flags[nid] & _STAGED:
                at = store.locs[nid]
                where, n, size = unpack_from("<IHH", arena, at)
                pack_into("<I", arena, at + 8, log.put(_NODE, size + n))
                log.write(arena, at + _FIRST, at + _FIRST + size)
                at = where & _MASK
                if where == _FLASH:
                    addr = store.committed(nid)
                    log.copy(addr, store.value_off(addr), n)
                else:
                    log.write(arena if where & _ARENA else self.source, at, at + n)
                log.end()
            elif undo[entry + 7 : entry + 11] != _FREE:
                gone += undo[entry : entry + 2]
        if gone:
            self._record(log, _DELETE, gone)
        for row in self.extra:
            row[2:] = [self._record(log, row[0], row[1])]

    def _record(self, log, kind, body):
        addr = log.put(kind, len(body))
        log.write(body, 0, len(body))
        log.end()
        return addr
