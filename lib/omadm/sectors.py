# Sectors, pages and records of the page log: how they are read and told apart, and
# where a blank sector comes from. pagelog.py makes transactions of them. The format
# octet by octet and the reasons for it: docs/store-format.md.
#
# Contract: any content of the region can be read without an exception but
# StorageFailed and in bounded time; octets inside a value are never taken for
# structure. Nothing is allocated in read() in the usual case.
#
#   region   8 to 4096 sectors (= device blocks) of 16 pages of 256 octets
#   page     | u32 number | flags | first | u16 check |     payload 248 octets     |
#   record   | kind | u16 n | n octets | u32 CRC-32 |  flows over pages and sectors;
#              kind and n never lie apart: 0xFF fills up a page with less room
#   address  octet offset of a record in the region
#
#   number   logical sector * 16 + index; rises for ever, by one inside a transaction.
#            Only pages say which block of the device holds a logical sector.
#   flags    4 bits 0x5 | 2 bits version | COMMIT | FIRST
#   first    payload offset of the first record that starts here, 0xFF none
#   check    0xFFFF - sum of the six octets before: a program cut short leaves ones
#            where zeros belong, so both sides can only grow and never meet again
#   kind     1..126; bit 7 is parity over kind and n, so that no flipped length is
#            followed. CRC is seeded with the number of the page of the first octet.

from array import array
from binascii import crc32
from struct import unpack_from

from micropython import const

from .errors import StorageFailed

_GEOMETRY = const(100)
_UNREADABLE = const(101)
_WORN = const(102)
_VERSION = const(103)
_MISSING = const(107)

_MARK = const(240)  # offset of the commit mark
_END = const(252)  # offset of its CRC
_FIRST = const(1)
_COMMIT = const(2)
_V1 = const(0x54)

_READY = const(1)  # states of a sector: erased by us since boot
_BAD = const(3)


class Sectors:
    """The sectors of a block device, what is read from them, and the next blank one."""

    def __init__(self, dev):
        n = dev.ioctl(4, 0)
        if dev.ioctl(5, 0) != 4096 or not 8 <= n <= 4096:
            raise StorageFailed(_GEOMETRY)
        self._dev = dev
        self._n = n
        self.capacity = (n - 4) * 2976  # 3/4 of the payload
        self.erases = self.programs = 0
        self.owner = None
        self._pg = bytearray(256)  # the page being filled
        self._pv = memoryview(self._pg)
        self._vb = bytearray(256)  # the page being walked or read back
        self._vv = memoryview(self._vb)
        self._b3 = bytearray(3)
        self._seq = array("I", bytes(4 * n))  # logical number of each sector, 0 none
        self._st = bytearray(n)

    # -- mounting

    def mount(self):
        """Find the newest commit and tell the owner every record that counts; see `damaged`."""
        n = self._n
        seq = self._seq
        self.damaged = self.bad_sectors = self._credit = self._cur = self._big = self._stuck = 0
        self._top = self._prev = self._tail = self._nt = self._first = 0
        self._pos = self._at = self._stop = self._crc = self._here = self._num = 0  # of the page being filled
        self._hot = -1
        self._sec = n - 1
        self._idx = 16
        for s in range(n):
            seq[s] = self._st[s] = 0
            for page in range(s << 4, (s << 4) + 16):
                if self._number(page):
                    seq[s] = self._number(page) >> 4
                    break
        order = []
        s = self._find(1, -1)
        while s >= 0:
            order.append(s)
            self._top = seq[s]
            s = self._find(self._top + 1, s)
        bits = self._chain(order)
        last = 0
        pos = 8
        for s in order:
            if not bits[s]:
                continue
            if seq[s] > last + 1:
                pos = 999  # unknown
            last = seq[s]
            for i in range(16):
                if bits[s] >> i & 1:
                    pos = self._walk(s << 4 | i, last << 4 | i, pos, self._found)
                    self.owner.commit()
                else:
                    pos = 8  # the next page that counts begins a transaction
        for s in range(n):
            if not bits[s]:
                seq[s] = 0
        if not self._prev:
            self._tail = self._top + 1
        elif self._top == self._prev >> 4:
            while self._blank(self._sec * 16 + self._idx - 1):
                self._idx -= 1
        self._count()

    def _chain(self, order):
        # the pages that count, one bit each per sector: from the newest mark back to the tail
        bits = array("H", bytes(2 * self._n))
        want = first = 1 << 32
        v = self._vb
        for s in reversed(order):
            if self._seq[s] < self._tail:
                break
            for i in range(15, -1, -1):
                here = self._seq[s] << 4 | i
                sound = self._number(s << 4 | i) == here
                if sound and here <= want and self._commits():
                    first, tail, want = unpack_from("<III", v, _MARK)
                    if not self._prev:
                        self._prev = here
                        self._tail = tail
                        self._sec = s
                elif here == want:
                    self.damaged += 1
                    # all before it up to a page that says FIRST, or what the mark says
                    first = 0 if sound else unpack_from("<I", v, _MARK)[0]
                if here >= first:
                    if not sound:
                        self.damaged += 1
                    if first or sound:
                        bits[s] |= 1 << i
                    if not first and (not sound or v[4] & _FIRST):
                        first = here
        return bits

    def _found(self, kind, addr, length, good):
        if good:
            self._big = max(self._big, length)
            self.owner.record(kind, addr, length)
        else:
            self.damaged += 1

    # -- records

    def read(self, addr: int, off: int, buf, n: int):
        """Copy n octets of the record at addr from body offset off into buf[:n].

        Allocates nothing where n == len(buf) and they lie in one page, else views.
        """
        page = addr >> 8
        q = (addr & 255) - 5 + off
        if q + n > 248 or n != len(buf):
            buf = memoryview(buf)[:n]
        while n:
            if q >= 248:
                s = page >> 4
                i = (page & 15) + q // 248
                q %= 248
                while i > 15:
                    i -= 16
                    want = self._seq[s] + 1
                    s = self._find(want, s)
                    if s < 0 or self._seq[s] != want:
                        raise StorageFailed(_MISSING)
                page = s << 4 | i
            m = 248 - q
            if n <= m:
                return self.in_page(page, buf, q + 8)
            self.in_page(page, buf[:m], q + 8)
            buf = buf[m:]
            n -= m
            q = 248

    def kind_len(self, addr: int) -> int:
        """kind << 16 | body length of the record at addr."""
        b = self._b3
        self.in_page(addr >> 8, b, addr & 255)
        return (b[0] & 127) << 16 | b[2] << 8 | b[1]

    def check(self, addr: int) -> bool:
        """True when the record at addr is what was written; None: its end is gone."""
        b = self._vv
        self._hot = -1
        try:
            left = self.kind_len(addr) & 0xFFFF
            crc = crc32(self._b3, self._seq[addr >> 12] << 4 | addr >> 8 & 15)
            off = 0
            while left:
                b = b[:left]
                self.read(addr, off, b, len(b))
                crc = crc32(b, crc)
                off += len(b)
                left -= len(b)
            self.read(addr, off, self._vv[:4], 4)
            return unpack_from("<I", self._vb)[0] == crc
        except StorageFailed as e:
            if e.args[0] != _MISSING:
                raise
            return None

    def _walk(self, page, number, pos, fn):
        # fn(kind, addr, length, good) for each record that starts in the page. pos: where the
        # page before says that the first one starts, for when this header is illegible.
        # Returns that for the next page, or -1 when fn returned true.
        end = 254
        v = self._vb
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
            n = v[pos + 2] << 8 | v[pos + 1]
            last = pos + 7 + n
            x = kind ^ n ^ n >> 8
            if not kind & 127 or 0x6996 >> ((x ^ x >> 4) & 15) & 1:
                fn(0, addr, 0, False)
                return 999
            if last <= 256:
                good = unpack_from("<I", v, last - 4)[0] == crc32(self._vv[pos : last - 4], number)
            else:
                good = self.check(addr)
                if good is None:
                    kind = 0  # nobody asks for it: a cut came before its next sector
            if fn(kind & 127, addr, n, good):
                return -1
            pos = last
        return max(8, pos - 248)

    # -- pages

    def in_page(self, page: int, buf, off: int):
        """Fill buf from offset off of a page."""
        try:
            self._dev.readblocks(page >> 4, buf, ((page & 15) << 8) + off)
        except OSError:
            raise StorageFailed(_UNREADABLE)

    def _load(self, page):
        if self._hot != page:
            self._hot = -1
            self.in_page(page, self._vb, 0)
            self._hot = page

    def _number(self, page):
        # loads a page; its number, or 0 where the header is none
        self._load(page)
        v = self._vb
        n = unpack_from("<I", v)[0]
        if v[4] >> 4 != 5 or sum(self._vv[:6]) + (v[7] << 8) + v[6] != 0xFFFF:
            return 0
        return n

    def _commits(self):
        # true when the loaded page, whose header is good, ends in a sound commit mark
        v = self._vb
        if not v[4] & _COMMIT or unpack_from("<I", v, _END)[0] != crc32(self._vv[:_END]):
            return False
        if v[4] & 0xFC != _V1:
            raise StorageFailed(_VERSION)
        return True

    def _blank(self, page):
        self._load(page)
        return crc32(self._vb) == 0xFEA8A821

    # -- sectors

    def _find(self, logical, s):
        # the sector of a logical sector, most often the one after s; else the next
        # higher one there is, or -1
        s = (s + 1) % self._n
        best = -1
        if self._seq[s] == logical:
            return s
        for s in range(self._n):
            if self._seq[s] >= logical and (best < 0 or self._seq[s] < self._seq[best]):
                best = s
        return best

    def _usable(self, s):
        return self._seq[s] < self._tail and self._st[s] != _BAD

    def _count(self):
        self._free = 0
        for s in range(self._n):
            self._free += self._usable(s)

    def _next(self, s):
        for _ in range(self._n):
            s = (s + 1) % self._n
            if self._usable(s):
                return s
        raise StorageFailed(_WORN)

    def _take(self):
        # A sector that only reads blank is erased again: an erasure may have been cut short
        # at its very end. On the first way round there has been none, as a rule.
        s = self._sec
        while True:
            s = self._next(s)
            if self._st[s] == _READY or self._top < self._n and self._clean(s) or self._erase(s):
                break
        self._st[s] = self._idx = 0
        self._top += 1
        self._seq[s] = self._top
        self._sec = s
        self._free -= 1

    def _clean(self, s):
        for page in range(s << 4, (s << 4) + 16):
            if not self._blank(page):
                return False
        return True

    def _erase(self, s):
        self.erases += 1
        self._hot = -1
        try:
            self._dev.ioctl(6, s)
        except OSError:
            pass  # what can be read decides
        if self._clean(s):
            self._st[s] = _READY
            return True
        self._aside(s)
        return False

    def _aside(self, s):
        self._st[s] = _BAD
        self.bad_sectors += 1
        self._count()
