# The page log: transactions of records on raw NOR flash, through any MicroPython
# block device with the extended protocol (blocks of 4096 octets; readblocks and
# writeblocks with an offset; ioctl 4, 5, 6). Pages and records: sectors.py.
#
# Contract: a transaction is there whole after any power cut, or not at all; the
# only moment of change is the commit mark at the end of its last page. A page is
# programmed whole, once between two erasures, and read back. Mounting and reading
# write nothing; nothing is ever repaired by writing.
#
#   the last page   | number | COMMIT | first | check | 232 octets | mark 16 octets |
#   mark            | u32 first page | u32 tail | u32 previous | u32 CRC-32 of page |
#
#   tail      oldest logical sector that counts; all below it is garbage, erased,
#             half erased or not
#   previous  number of the commit page before: chains the marks. What the chain
#             passes over did not count when the next mark was made; what it names
#             did, even where that mark itself has rotted since
#
# Compaction copies what is live in the oldest sectors to the head in bounded transactions,
# and the mark drops them: all sectors wear alike. A sector that fails is set aside until the
# next boot, and the transaction written again elsewhere. What records mean: store.py.

from array import array
from binascii import crc32
from struct import pack_into

from micropython import const

from .errors import StorageFailed
from .sectors import Sectors

_FULL = const(104)
_BAD_PAGE = const(105)
_LENGTH = const(106)

_MARK = const(240)
_END = const(252)
_FIRST = const(1)
_V1 = const(0x54)
_STEP = const(7)  # full pages after which a compaction step takes no more records
_READY = const(1)  # states of a sector: erased by us since boot
_BLANK = const(2)  # reads blank
_BAD = const(3)


class PageLog(Sectors):
    """A log of transactions on a block device.

    Set `owner` before mount(): owner.record(kind, addr, length) and owner.commit() are
    called while mounting, oldest record first and only for what is committed;
    owner.live(kind, addr) and owner.moved(kind, old, new) during compaction.
    """

    # -- writing

    def transact(self, writer, size: int, largest: int = 0):
        """Write the records that writer(log) emits with put, write, copy, end: all or none.

        size: octets of all records with 7 for each; largest: of the largest one, if known.
        Makes room before the first program. writer is called again when a page fails; only
        the last addresses count. StorageFailed: no room or a broken device; nothing changed.
        """
        for _ in self.steps(writer, size, largest):
            pass

    def steps(self, writer, size: int, largest: int = 0):
        """A transact in pieces, one at each next(): an erasure, a copy of compaction, and what
        a writer that is a generator does up to its yield. The last one makes it true.
        """
        pages = (size + 261) // 246
        stop = room = -999
        while True:
            while self._spare(largest or size) < pages:
                more = self._tail <= stop
                if not more:
                    # Compaction begins, or has gone round: again only where that helped. A round
                    # ends where what it left in the head sector, and moved once more, has gone.
                    more = self._spare(0) > room and self._prev != self._stuck
                    room = self._spare(0)
                    stop = self._top + 2 + (self._big >> 12)
                if more:
                    while self._prepare(_STEP + 3):
                        yield
                if not more or not self._compact():
                    self._stuck = self._prev  # to refuse the next one at no cost
                    raise StorageFailed(_FULL)
                yield
            while self._prepare(pages):
                yield
            self._open()
            try:
                for _ in writer(self) or ():
                    yield
                self._seal()
                break
            except StorageFailed as e:
                if e.args[0] != _BAD_PAGE:  # else its sector was set aside: once more
                    raise
        self._credit = pages

    def _prepare(self, pages):
        # Erase the first of the sectors that so many pages will take; true until nothing is left to
        # do. One that only reads blank is erased again: an erasure may have been cut short at its
        # very end. On the first way round there has been none, as a rule.
        s = self._sec
        for _ in range(min(self._idx + pages - 1 >> 4, self._free)):
            s = self._next(s)
            if self._st[s] != _READY:
                if self._top < self._n and self._clean(s):
                    self._st[s] = _READY
                else:
                    self._erase(s)
                    return True

    def put(self, kind: int, length: int) -> int:
        """Begin a record of `length` octets; its address, good once committed."""
        pos = self._pos
        if not 8 <= pos < 254:
            self._turn()
            pos = 8
        pg = self._pg
        if pg[5] == 255:
            pg[5] = pos - 8
        x = kind ^ length ^ length >> 8
        pack_into("<BH", pg, pos, kind | 0x6996 >> ((x ^ x >> 4) & 15) << 7 & 128, length)
        if length > self._big:
            self._big = length
        self._crc = self._num
        self._at = pos
        self._pos = pos + 3
        self._stop = pos + 3 + length
        return self._here | pos

    def whole(self, kind: int, buf, off: int, length: int) -> int:
        """Write a record whose body is buf[off : off + length]; its address, good once committed."""
        addr = self.put(kind, length)
        self.write(buf, off, off + length)
        self.end()
        return addr

    def put_all(self, kind: int, buf, rows, first: int, last: int):
        """Write whole records: rows[first:last] are offset | length << 16 in buf, and become addresses."""
        pg = self._pg
        view = self._pv
        if not self._pos:
            self._turn()
        pos = self._pos
        number = self._num
        here = self._here
        for k in range(first, last):
            off = rows[k] & 0xFFFF
            length = rows[k] >> 16
            stop = pos + 3 + length
            if stop > _END or length > self._big:
                self._pos = pos
                rows[k] = self.whole(kind, buf, off, length)
                pos = self._pos
                number = self._num
                here = self._here
                continue
            # As most do, it fits in here: the same without a call.
            if pg[5] == 255:
                pg[5] = pos - 8
            x = kind ^ length
            pg[pos] = kind | 0x6996 >> ((x ^ x >> 4) & 15) << 7 & 128
            pg[pos + 1] = length
            pg[pos + 2] = 0
            pg[pos + 3 : stop] = buf[off : off + length]
            pack_into("<I", pg, stop, crc32(view[pos:stop], number))
            rows[k] = here | pos
            pos = stop + 4
        self._pos = pos

    def write(self, buf, off: int, end: int):
        """Append buf[off:end] to the record."""
        pos = self._pos
        stop = pos + end - off
        while stop > 256:
            m = off + 256 - pos
            self._pg[pos:] = buf[off:m]
            self._pos = 256
            self._turn()
            off = m
            pos = 8
            stop -= 248
        self._pg[pos:stop] = buf[off:end]
        self._pos = stop

    def copy(self, addr: int, off: int, n: int):
        """Append n octets of the committed record at addr from body offset off."""
        while n:
            if self._pos == 256:
                self._turn()
            pos = self._pos
            m = min(256 - pos, n)
            self.read(addr, off, self._pv[pos : pos + m], m)
            self._pos = pos + m
            off += m
            n -= m

    def end(self, good: bool = True):
        """End the record; not good: leave it as damaged as its source was."""
        pos = self._pos
        if pos != self._stop:
            raise StorageFailed(_LENGTH)
        crc = crc32(self._pv[self._at : pos], self._crc)
        if not good:
            crc ^= 1
        if pos < _END + 1:
            pack_into("<I", self._pg, pos, crc)
            self._pos = pos + 4
        else:
            b = bytearray(4)
            pack_into("<I", b, 0, crc)
            self.write(b, 0, 4)

    def _turn(self):
        # the page is full, or there is none: on to the next one
        if self._pos:
            self._crc = crc32(self._pv[self._at :], self._crc)
            self._at = 8
            self._stop -= 248
            self._flush(256)
        if self._idx == 16:
            self._take()
        self._here = self._sec << 12 | self._idx << 8
        self._num = self._top << 4 | self._idx
        self._pos = 8
        self._pg[5] = 255

    def _flush(self, end):
        pg = self._pg
        pg[self._pos : end] = b"\xff" * (end - self._pos)
        number = (self._top << 4) + self._idx
        pack_into("<IB", pg, 0, number, _V1 + (number == self._first) + (end == _MARK) * 2)
        pack_into("<H", pg, 6, 0xFFFF - pg[0] - pg[1] - pg[2] - pg[3] - pg[4] - pg[5])
        if end == _MARK:
            pack_into("<III", pg, _MARK, self._first, self._nt, self._prev)
            pack_into("<I", pg, _END, crc32(self._pv[:_END]))
        self.programs += 1
        self._hot = -1
        try:
            self._dev.writeblocks(self._sec, pg, self._idx << 8)
            self._load(self._sec << 4 | self._idx)
        except (OSError, StorageFailed):
            self._vb[4] = 0
        if self._vb != pg:
            self._aside(self._sec)
            raise StorageFailed(_BAD_PAGE)
        self._idx += 1
        return number

    def _open(self):
        # before the first record of an attempt
        last = self._prev >> 4
        if self._top > last or self._st[self._sec] == _BAD:
            # what is behind the last commit is garbage; no transaction spans it
            for s in range(self._n):
                if self._seq[s] > last:
                    self._seq[s] = 0
            self._idx = 16
            self._count()
        self._pos = self._crc = self._at = self._stop = 0
        self._nt = self._tail
        self._first = (self._top << 4) + self._idx

    def _seal(self):
        # behind the last one: it counts from here on
        if not 8 <= self._pos <= _MARK:
            self._turn()
        self._prev = self._flush(_MARK)
        if self._tail != self._nt:
            self._tail = self._nt
            self._count()

    # -- compaction

    def _spare(self, big):
        # pages beyond the reserve: a copy of a sector whose last record is the largest, in
        # steps that each waste a part of a page, and a sector lost to a cut or to wear
        return (self._free << 4) - self._idx - 21 - max(big, self._big) // 246

    def compact_step(self) -> bool:
        """One bounded piece of housekeeping: an erasure ahead, or a copy of up to 8 pages.

        False when nothing is worth doing.
        """
        s = self._sec
        for _ in range(min(2, self._free)):
            s = self._next(s)
            if not self._st[s]:
                if not self._clean(s):
                    self._erase(s)
                    return True
                self._st[s] = _BLANK
        if self._credit <= 0 or self._spare(0) >= 32:
            return False
        if self._prepare(_STEP + 3):
            return True
        self._credit -= 1
        return self._compact()

    def _compact(self):
        # one transaction: live records of the oldest sectors go to the head
        if self._tail << 4 >= (self._top << 4) + self._idx - 15:
            return False
        while True:
            self._open()
            try:
                self._gather(self)
                self._seal()
                break
            except StorageFailed as e:
                if e.args[0] != _BAD_PAGE:
                    raise
        moves = self._moves
        for i in range(0, len(moves), 3):
            self.owner.moved(moves[i], moves[i + 1], moves[i + 2])
        self._cur = self._end
        return True

    def _gather(self, log):
        self._moves = array("I")
        n = max(self._cur, self._tail << 4)
        s = self._find(n >> 4, -1)
        here = self._seq[s]
        n = max(n, here << 4)
        pos = 8
        while n >> 4 == here < self._first >> 4:
            pos = self._walk(s << 4 | n & 15, n, pos, self._move)
            if pos < 0:
                break
            n += 1
        self._end = n
        self._nt = n >> 4

    def _move(self, kind, addr, length, good):
        if not kind or not self.owner.live(kind, addr):
            return False
        if (self._top << 4) + self._idx - self._first >= _STEP:
            return True
        self._moves.append(kind)
        self._moves.append(addr)
        self._moves.append(self.put(kind, length))
        self.copy(addr, 0, length)
        self.end(good)
        return False
