# The page log: transactions of records on raw NOR flash, through any MicroPython
# block device with the extended protocol (readblocks and writeblocks with an
# offset, ioctl 4 count, 5 size, 6 erase). Octet by octet: docs/store-format.md.
#
# Contract: a transaction is there whole after any power cut, or not at all; the
# one moment of change is the commit mark in the last octets of its last page.
# A page is programmed whole, once between two erasures, and read back. Nothing
# but `transact` and `compact_step` ever writes or erases; mounting only reads.
#
#   page 256   | u32 number | flags | first | u16 check |   payload 248 octets    |
#   last page  |      "         "       "        "      | 232 |  mark 16 octets   |
#   mark       | u32 first page | u32 tail | u32 previous commit page | u32 CRC-32 |
#   record     | kind | u16 n | n octets | u32 CRC-32 |   flows over pages and sectors
#
#   number  = logical sector * pages per sector + index; rises for ever, and by one
#             inside a transaction. Which block of the device holds a logical
#             sector is known from its pages alone.
#   check   = 0xFFFF - sum of the six octets before: a program that stopped early
#             leaves ones where zeros belong; both sides grow, so it never fits.
#   tail    = oldest logical sector that counts; all below it is garbage, erased
#             or half erased or not.
#   previous commit page: chains the marks. What the chain steps over did not
#             count when the next one was written; what it names did count, even
#             if that mark is illegible by now.
#   kind    = bits 0-6; bit 7 is parity over kind and n, so that a flipped length
#             is never followed. CRC is seeded with the number of the page in
#             which the record starts. Kinds 1..126; 0xFF is padding.
#
# Compaction copies what is live in the oldest sectors to the head, one bounded
# transaction at a time, and lets the next mark drop them: every sector is erased
# in turn. A sector that fails erasure or read-back is set aside until the next
# boot, and the whole transaction is written again elsewhere.
#
# Bounds: 8 sectors at least, 16 MiB at most; a record 65535 octets. RAM: two
# pages and five octets a sector. No recursion. Not here: what records mean.

from array import array
from binascii import crc32
from struct import pack_into, unpack_from

from micropython import const

from .errors import StorageFailed

_GEOMETRY = const(100)
_FULL = const(101)
_BAD_PAGE = const(102)
_UNREADABLE = const(103)
_VERSION = const(104)
_WORN = const(105)
_LENGTH = const(106)

_BODY = const(248)  # payload octets of a page, from offset 8
_MARK = const(240)  # offset of the commit mark
_END = const(252)  # offset of its CRC
_FIRST = const(1)
_COMMIT = const(2)
_V1 = const(0x54)  # 5: a page of ours; next two bits: format version 1
_NONE = const(999)  # no record starts where one could be expected
_STEP = const(7)  # full pages after which a compaction step takes no more records
_LAST = const(0x3FFFFF00)  # page numbers stay small ints

# States of a sector; what its pages say is in _seq.
_READY = const(1)  # erased by us since boot
_BLANK = const(2)  # reads blank, but an erasure may have been cut short
_BAD = const(3)
_USED = const(4)  # while mounting


def _odd(x: int) -> int:
    x ^= x >> 16
    x ^= x >> 8
    x ^= x >> 4
    return 0x6996 >> (x & 15) & 1


def _pages(octets: int) -> int:
    return (octets + 16 + 247) // 248


class PageLog:
    """A log of transactions on a block device.

    Set `owner` before mount(): owner.record(kind, addr, length) and owner.commit()
    are called while mounting, oldest first, for committed transactions only;
    owner.live(kind, addr) and owner.moved(kind, old, new) during compaction.
    """

    def __init__(self, dev):
        count = dev.ioctl(4, 0)
        size = dev.ioctl(5, 0)
        if size & 255 or not size or count < 8 or count * size > 1 << 24:
            raise StorageFailed(_GEOMETRY)
        self._dev = dev
        self._n = count
        self._p = size >> 8
        self.owner = None
        self.capacity = (count - 4) * self._p * 186  # 3/4 of the payload
        self.erases = 0
        self.programs = 0
        self._pg = bytearray(256)  # the page being filled
        self._vb = bytearray(256)  # the page being verified or walked
        self._vv = memoryview(self._vb)
        self._v6 = self._vv[:6]
        self._v8 = self._vv[:8]
        self._seq = array("I", bytes(4 * count))  # logical number per sector, 0 none
        self._st = bytearray(count)
        self._b3 = bytearray(3)
        self._b4 = bytearray(4)

    # -- reading

    def read(self, addr: int, off: int, buf, n: int):
        """Copy n octets of the record at addr from body offset off into buf[:n].

        Allocates nothing where n == len(buf) and the octets lie in one page,
        else one view per page.
        """
        p = self._p
        page = addr >> 8
        q = (addr & 255) - 5 + off
        if n == len(buf) and q + n <= _BODY:
            self._rd(page, buf, q + 8)
            return
        view = memoryview(buf)
        at = 0
        while at < n:
            k = q // _BODY
            o = q - k * _BODY
            m = min(_BODY - o, n - at)
            s = page // p
            i = page - s * p + k
            while i >= p:
                i -= p
                s = self._find(self._seq[s] + 1, s)
                if s < 0:
                    raise StorageFailed(_UNREADABLE)
            self._rd(s * p + i, view[at : at + m], o + 8)
            at += m
            q += m

    def kind_len(self, addr: int) -> int:
        """kind << 16 | body length of the record at addr."""
        b = self._b3
        self.read(addr, -3, b, 3)
        return (b[0] & 127) << 16 | b[2] << 8 | b[1]

    def check(self, addr: int) -> bool:
        """True when the record at addr is what was written."""
        try:
            left = 3 + (self.kind_len(addr) & 0xFFFF)
            crc = self._seq[(addr >> 8) // self._p] * self._p + (addr >> 8) % self._p
            self._hot = -1
            off = -3
            while left:
                part = self._vv[: min(left, 256)]
                self.read(addr, off, part, len(part))
                crc = crc32(part, crc)
                off += len(part)
                left -= len(part)
            self.read(addr, off, self._vv[:4], 4)
            return unpack_from("<I", self._vb)[0] == crc
        except StorageFailed:
            return False

    def _rd(self, page, buf, off):
        try:
            self._dev.readblocks(page // self._p, buf, (page % self._p << 8) + off)
        except OSError:
            raise StorageFailed(_UNREADABLE)

    def _load(self, page):
        if self._hot != page:
            self._rd(page, self._vb, 0)
            self._hot = page

    def _find(self, logical, near):
        # the sector that holds a logical sector; most often the one after `near`
        s = near + 1 if near + 1 < self._n else 0
        if self._seq[s] == logical:
            return s
        for s in range(self._n):
            if self._seq[s] == logical:
                return s
        return -1

    def _from(self, logical):
        # the sector with the lowest logical number from `logical` on, or -1
        best = -1
        for s in range(self._n):
            if self._seq[s] >= logical and (best < 0 or self._seq[s] < self._seq[best]):
                best = s
        return best

    def _number(self, page):
        # number of the page whose header is in vb, 0 when there is none
        v = self._vb
        if v[4] & 0xF0 != 0x50 or sum(self._v6) + v[6] + (v[7] << 8) != 0xFFFF:
            return 0
        n = unpack_from("<I", v)[0]
        return n if n < _LAST and n % self._p == page % self._p else 0

    def _mark(self, page, number):
        # true when the page holds a valid commit mark; it is in vb then
        self._load(page)
        v = self._vb
        if self._number(page) != number or not v[4] & _COMMIT:
            return False
        if unpack_from("<I", v, _END)[0] != crc32(self._vv[:_END]):
            return False
        if v[4] & 0xFC != _V1:
            raise StorageFailed(_VERSION)
        return True

    def _walk(self, page, number, pos, fn):
        # fn(kind, addr, length, good) for each record that starts in the page. pos: where
        # the first one starts by the page before; used where this header is illegible.
        # Returns the same for the next page, or -1 when fn returned true.
        self._load(page)
        v = self._vb
        end = 256
        if self._number(page) == number:
            pos = v[5] + 8
            if v[4] & _COMMIT:
                end = _MARK
        while pos < end:
            self._load(page)
            kind = v[pos]
            if kind == 255:
                break
            addr = page << 8 | pos
            if pos < 254:
                n = v[pos + 2] << 8 | v[pos + 1]
            else:
                n = self.kind_len(addr) & 0xFFFF
            if _odd(kind << 16 | n) or not kind & 127:
                fn(0, addr, 0, False)
                return _NONE
            last = pos + 7 + n
            if last <= 256:
                good = unpack_from("<I", v, last - 4)[0] == crc32(self._vv[pos : last - 4], number)
            else:
                good = self.check(addr)
            if fn(kind & 127, addr, n, good):
                return -1
            pos = last
        return max(8, pos - _BODY)

    # -- mounting

    def mount(self):
        """Find the newest commit and hand the records of all that count to the owner."""
        p = self._p
        seq = self._seq
        self.damaged = 0
        self.bad_sectors = 0
        self._hot = -1
        self._big = 1
        self._credit = 0
        self._top = best = tail = 0
        self._sec = self._n - 1
        for s in range(self._n):
            seq[s] = self._st[s] = 0
            for page in range(s * p + p - 1, s * p - 1, -1):
                self._rd(page, self._v8, 0)
                self._hot = -1
                number = self._number(page)
                if not number:
                    continue
                seq[s] = number // p
                if number < best:
                    break
                if self._vb[4] & _COMMIT and self._mark(page, number):
                    best = number
                    tail = unpack_from("<I", self._vb, _MARK + 4)[0]
                    self._sec = s
                    break
            self._top = max(self._top, seq[s])
        self._prev = best
        self._lc = best // p
        self._tail = self._nt = tail if best else self._top + 1
        self._cur = 0
        if best:
            self._replay_all(best)
        for s in range(self._n):
            if self._st[s] == _USED:
                self._st[s] = 0
            else:
                seq[s] = 0
        self._idx = p
        if best and self._top == self._lc:
            while self._blank(self._sec * p + self._idx - 1):
                self._idx -= 1
        self._count()

    def _replay_all(self, best):
        # One transaction is held back until the next mark has said whether it counted.
        p = self._p
        first = last = 0
        s = self._from(self._tail)
        while s >= 0 and self._seq[s] <= self._lc:
            number = self._seq[s] * p
            for page in range(s * p, s * p + p):
                self._load(page)
                if self._vb[4] & _COMMIT and self._mark(page, number):
                    f, tail, prev = unpack_from("<III", self._vb, _MARK)
                    if last:
                        if prev >= last:
                            self._replay(first, last)
                        if last < prev < f:
                            self.damaged += 1
                            self._replay(self._begin(last, prev), prev)
                    first = f
                    last = number
                number += 1
            s = self._from(self._seq[s] + 1)
        self._replay(first, last)

    def _begin(self, low, last):
        # first page of the transaction that ends in `last`, whose mark is illegible
        p = self._p
        n = last
        while n > low:
            s = self._find(n // p, 0)
            if s < 0:
                return n + 1
            self._load(s * p + n % p)
            if self._number(s * p + n % p) != n:
                return n + 1
            if self._vb[4] & _FIRST:
                break
            n -= 1
        return n

    def _replay(self, first, last):
        p = self._p
        n = max(first, self._tail * p)
        pos = 8 if n == first else _NONE
        s = 0
        while n <= last:
            s = self._find(n // p, s - 1)
            if s < 0:
                self.damaged += 1
                return
            self._st[s] = _USED
            pos = self._walk(s * p + n % p, n, pos, self._found)
            n += 1
        self.owner.commit()

    def _found(self, kind, addr, length, good):
        if good:
            self._big = max(self._big, _pages(length))
            self.owner.record(kind, addr, length)
        else:
            self.damaged += 1

    # -- writing

    def transact(self, writer, size: int, largest: int = 0):
        """Write the records that writer(log) emits with put, write, copy, end: all or none.

        size: octets of all records with 7 for each; largest: of the largest one, if
        known. writer is called again when a page fails; addresses count only after
        the last call. Makes room before the first program. Raises StorageFailed
        when there is no room or the device is broken: nothing has changed then.
        """
        pages = _pages(size)
        big = _pages(largest or size)
        self._room(pages, big)
        while not self._commit(writer):
            self._room(pages, big)
        self._credit = min(self._credit, 64) + pages

    def put(self, kind: int, length: int) -> int:
        """Begin a record of `length` octets; its address, which counts once committed."""
        if self._pos == 256:
            self._flush(0)
        self._open()
        self._big = max(self._big, _pages(length))
        pg = self._pg
        if pg[5] == 255:
            pg[5] = self._pos - 8
        addr = (self._sec * self._p + self._idx) << 8 | self._pos
        self._crc = self._top * self._p + self._idx
        b = self._b3
        pack_into("<BH", b, 0, kind | _odd(kind << 16 | length) << 7, length)
        self._left = length + 3
        self.write(b, 0, 3)
        return addr

    def write(self, buf, off: int, end: int):
        """Append buf[off:end] to the record."""
        view = memoryview(buf)
        self._crc = crc32(view[off:end], self._crc)
        self._left -= end - off
        while off < end:
            at = self._piece(end - off)
            m = self._pos - at
            self._pg[at : self._pos] = view[off : off + m]
            off += m

    def copy(self, addr: int, off: int, n: int):
        """Append n octets of the committed record at addr from body offset off."""
        self._left -= n
        while n:
            at = self._piece(n)
            part = memoryview(self._pg)[at : self._pos]
            m = len(part)
            self.read(addr, off, part, m)
            self._crc = crc32(part, self._crc)
            off += m
            n -= m

    def end(self, good: bool = True):
        """End the record; good False: leave it as damaged as its source was."""
        if self._left:
            raise StorageFailed(_LENGTH)
        pack_into("<I", self._b4, 0, self._crc if good else self._crc ^ 1)
        self.write(self._b4, 0, 4)

    def _piece(self, n):
        # reserves up to n octets in the page; returns where they start, _pos is their end
        if self._pos == 256:
            self._flush(0)
        self._open()
        at = self._pos
        self._pos = min(256, at + n)
        return at

    def _open(self):
        if not self._pos:
            if self._idx == self._p:
                self._take()
            self._pos = 8
            self._pg[5] = 255

    def _flush(self, flags):
        pg = self._pg
        number = self._top * self._p + self._idx
        if number == self._first:
            flags |= _FIRST
        pack_into("<IB", pg, 0, number, flags | _V1)
        pack_into("<H", pg, 6, 0xFFFF - sum(memoryview(pg)[:6]))
        if flags & _COMMIT:
            pack_into("<I", pg, _END, crc32(memoryview(pg)[:_END]))
        s = self._sec
        page = s * self._p + self._idx
        self._program(page)
        self._hot = -1
        try:
            self._load(page)
            good = self._vb == pg
        except StorageFailed:
            good = False
        if not good:
            self._set_aside(s)
            pg[:] = bytes(256)  # best effort: no mark may come to life later
            self._program(page)
            raise StorageFailed(_BAD_PAGE)
        self._idx += 1
        self._pos = 0

    def _program(self, page):
        self.programs += 1
        try:
            self._dev.writeblocks(page // self._p, self._pg, page % self._p << 8)
        except OSError:
            pass  # what can be read back decides

    def _commit(self, writer):
        # one attempt; False when a page failed and its sector was set aside
        p = self._p
        self._pos = 0
        self._nt = self._tail
        self._first = self._top * p + self._idx if self._idx < p else (self._top + 1) * p
        done = False
        try:
            writer(self)
            if self._pos > _MARK:
                self._pad(256)
                self._flush(0)
            self._open()
            self._pad(_MARK)
            pack_into("<III", self._pg, _MARK, self._first, self._nt, self._prev)
            self._flush(_COMMIT)
            done = True
        except StorageFailed as e:
            if e.args[0] != _BAD_PAGE:
                raise
        finally:
            if not done:
                self._abandon()
        if done:
            self._prev = self._top * p + self._idx - 1
            self._lc = self._top
            if self._nt != self._tail:
                self._tail = self._nt
                self._count()
        return done

    def _pad(self, end):
        self._pg[self._pos : end] = b"\xff" * (end - self._pos)

    def _abandon(self):
        # what was written since the last commit is garbage; no transaction spans it
        if self._top > self._lc or self._st[self._sec] == _BAD:
            for s in range(self._n):
                if self._seq[s] > self._lc:
                    self._seq[s] = 0
            self._idx = self._p
            self._count()

    # -- sectors

    def _count(self):
        self._free = 0
        for s in range(self._n):
            if self._usable(s):
                self._free += 1

    def _usable(self, s):
        return self._seq[s] < self._tail and self._st[s] != _BAD

    def _set_aside(self, s):
        if self._st[s] != _BAD:
            self._st[s] = _BAD
            self.bad_sectors += 1

    def _next(self, s):
        for _ in range(self._n):
            s += 1
            if s == self._n:
                s = 0
            if self._usable(s):
                return s
        raise StorageFailed(_FULL)

    def _take(self):
        s = self._sec
        if self._top * self._p + 2 * self._p > _LAST:
            raise StorageFailed(_WORN)
        while True:
            s = self._next(s)
            if self._st[s] == _READY or self._top < self._n and self._clean(s) or self._erase(s):
                break
        self._st[s] = 0
        self._top += 1
        self._seq[s] = self._top
        self._sec = s
        self._idx = 0
        self._free -= 1

    def _blank(self, page):
        self._load(page)
        return self._vb == b"\xff" * 256

    def _clean(self, s):
        try:
            for page in range(s * self._p, s * self._p + self._p):
                if not self._blank(page):
                    return False
        except StorageFailed:
            return False
        return True

    def _erase(self, s):
        self.erases += 1
        self._hot = -1
        try:
            self._dev.ioctl(6, s)
        except OSError:
            pass
        if self._clean(s):
            self._st[s] = _READY
            return True
        self._set_aside(s)
        self._free -= 1
        return False

    # -- compaction

    def _spare(self, big):
        # pages beyond the reserve: copying one sector whose last record is the largest, in
        # steps that leave a part of a page each; and a sector lost to a cut or to wear
        p = self._p
        return self._free * p - self._idx - p - p // _STEP - 2 - max(big, self._big)

    def _room(self, pages, big):
        stop = self._lc
        while self._spare(big) < pages:
            if self._tail > stop or not self._compact():
                raise StorageFailed(_FULL)

    def compact_step(self) -> bool:
        """One bounded piece of housekeeping: an erasure ahead, or the copy of up to 8 pages.

        False when nothing is worth doing.
        """
        s = self._sec
        for _ in range(min(2, self._free)):
            s = self._next(s)
            if not self._st[s]:
                if not self._clean(s):
                    self._erase(s)
                    return True
                self._st[s] = _READY if self._top < self._n else _BLANK
        if self._credit <= 0 or self._spare(0) >= 2 * self._p:
            return False
        self._credit -= 1
        return self._compact()

    def _compact(self):
        # one transaction: live records of the oldest sectors go to the head
        if self._tail >= self._top + (self._idx == self._p):
            return False
        while not self._commit(self._gather):
            pass
        moves = self._moves
        for i in range(0, len(moves), 3):
            self.owner.moved(moves[i], moves[i + 1], moves[i + 2])
        self._moves = None
        self._cur = self._next_cur
        return True

    def _gather(self, log):
        p = self._p
        self._moves = array("I")
        stop = self._first // p
        n = max(self._cur, self._tail * p)
        for _ in range(2):
            s = self._from(n // p)
            if s < 0 or self._seq[s] >= stop:
                n = stop * p
                break
            n = max(n, self._seq[s] * p)
            pos = 8
            while True:
                pos = self._walk(s * p + n % p, n, pos, self._move)
                if pos < 0:
                    break
                n += 1
                if not n % p:
                    break
            if pos < 0:
                break
        self._next_cur = n
        self._nt = n // p

    def _move(self, kind, addr, length, good):
        if not kind or not self.owner.live(kind, addr):
            return False
        if self._top * self._p + self._idx - self._first >= _STEP:
            return True
        new = self.put(kind, length)
        self.copy(addr, 0, length)
        self.end(good)
        for x in (kind, addr, new):
            self._moves.append(x)
        return False
