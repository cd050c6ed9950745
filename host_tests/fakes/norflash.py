"""Simulated NOR flash as a MicroPython block device; runs under CPython and MicroPython.

It keeps the rules of the chip and raises where a driver breaks them:
  - programming only ANDs: a one can become a zero, never the other way round;
  - writeblocks takes whole pages of 256 octets at page-aligned offsets, and must be
    given the offset (without it rp2.Flash erases the block first: never wanted here);
  - erasure is by whole sectors.
A page programmed twice since its last erasure is counted in `reprogrammed`.

Every program and every erasure is one operation. `ops` counts them; the power can be
cut at operation number `cut_at` (0 is the first one), which then ends in PowerCut:
  mode       program                        erase
  "before"   nothing happens                nothing happens
  "half"     first half of the page         first half of the sector is blank
  "rear"     second half of the page        second half of the sector is blank
  "noise"    random bits have got through   random octets in the whole sector
  "after"    done                           done
After a cut the device is dead (every call raises PowerCut) until power_on().

Sick sectors: `sick[sector] = kind`, kind one of
  "no_erase"   erasure leaves what was there
  "no_program" programs leave the page as it was
  "flips"      one bit of every page programmed does not stick
  "raises"     programs and erasures raise OSError
`fail_reads` = True lets every read raise OSError.
"""

MODES = ("before", "half", "rear", "noise", "after")
PAGE = 256


class PowerCut(Exception):
    """The power went away in the middle of an operation."""


class Random:
    """A small generator of our own, so that a seed means the same under every interpreter."""

    def __init__(self, seed):
        self.state = (seed * 2654435761 + 12345) & 0x7FFFFFFF

    def below(self, n):
        """A number from 0 to n - 1."""
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % n

    def octets(self, n):
        """n random octets."""
        data = bytearray(n)
        for i in range(n):
            data[i] = self.below(256)
        return bytes(data)


def torn_page(old, data, mode, seed=0):
    """What stands in a page that held `old` when programming `data` is cut short."""
    new = bytes([a & b for a, b in zip(old, data)])
    if mode == "before":
        return bytes(old)
    if mode == "half":
        return new[:128] + bytes(old[128:])
    if mode == "rear":
        return bytes(old[:128]) + new[128:]
    if mode == "noise":
        random = Random(seed)
        return bytes([b | (a & random.below(256)) for a, b in zip(old, new)])
    return new


def torn_sector(old, mode, seed=0):
    """What stands in a sector that held `old` when its erasure is cut short."""
    n = len(old)
    half = n // 2
    if mode == "before":
        return bytes(old)
    if mode == "half":
        return b"\xff" * half + bytes(old[half:])
    if mode == "rear":
        return bytes(old[:half]) + b"\xff" * (n - half)
    if mode == "noise":
        return Random(seed).octets(n)
    return b"\xff" * n


class NorFlash:
    """A region of NOR flash. data: its content (kept, not copied, when a bytearray)."""

    def __init__(self, sectors=32, sector_size=4096, data=None):
        self.sectors = sectors
        self.sector_size = sector_size
        if data is None:
            data = b"\xff" * (sectors * sector_size)
        self.data = data if isinstance(data, bytearray) else bytearray(data)
        if len(self.data) != sectors * sector_size:
            raise ValueError("content does not fit the geometry")
        self.wear = [0] * sectors
        self.programmed = bytearray(sectors * sector_size // PAGE)
        self.sick = {}
        self.fail_reads = False
        self.reads = self.programs = self.erases = self.reprogrammed = 0
        self.ops = 0
        self.cut_at = -1
        self.cut_mode = "before"
        self.seed = 1
        self.dead = False
        self.hook = None  # hook(device, sector, page offset or -1, data) before each operation

    # -- files

    def save(self, path):
        """Write the content to a file."""
        with open(path, "wb") as f:
            f.write(self.data)

    @classmethod
    def load(cls, path, sector_size=4096):
        """A device with the content of a file."""
        with open(path, "rb") as f:
            data = bytearray(f.read())
        return cls(len(data) // sector_size, sector_size, data)

    # -- power

    def cut(self, at, mode, seed=1):
        """Cut the power at the operation `at` from now on (0: the very next one)."""
        self.cut_at = self.ops + at
        self.cut_mode = mode
        self.seed = seed

    def power_on(self):
        """Power is back; no cut is planned."""
        self.dead = False
        self.cut_at = -1

    def _operation(self, sector, off, data):
        if self.dead:
            raise PowerCut
        if self.hook:
            self.hook(self, sector, off, data)
        cut = self.ops == self.cut_at
        self.ops += 1
        if cut:
            self.dead = True
        return cut

    # -- the block device

    def readblocks(self, n, buf, off=0):
        """Read len(buf) octets from offset off of sector n (may run into the next one)."""
        if self.dead:
            raise PowerCut
        if self.fail_reads:
            raise OSError(5)
        self.reads += 1
        at = n * self.sector_size + off
        if at < 0 or at + len(buf) > len(self.data):
            raise ValueError("read outside the region")
        memoryview(buf)[:] = memoryview(self.data)[at : at + len(buf)]

    def writeblocks(self, n, buf, off=None):
        """Program whole pages of sector n from offset off."""
        if off is None:
            raise ValueError("writeblocks without an offset erases the block first")
        if off % PAGE or len(buf) % PAGE or not len(buf):
            raise ValueError("only whole pages can be programmed")
        if not 0 <= n < self.sectors or not 0 <= off <= self.sector_size - len(buf):
            raise ValueError("program outside the sector")
        for piece in range(0, len(buf), PAGE):
            self._program(n, off + piece, bytes(memoryview(buf)[piece : piece + PAGE]))

    def _program(self, n, off, data):
        cut = self._operation(n, off, data)
        at = n * self.sector_size + off
        old = bytes(self.data[at : at + PAGE])
        sick = self.sick.get(n)
        if cut:
            self.data[at : at + PAGE] = torn_page(old, data, self.cut_mode, self.seed)
            raise PowerCut
        self.programs += 1
        if self.programmed[at // PAGE]:
            self.reprogrammed += 1
        self.programmed[at // PAGE] = 1
        if sick == "raises":
            raise OSError(5)
        if sick == "no_program":
            return
        new = bytearray(torn_page(old, data, "after"))
        if sick == "flips":
            bit = (self.ops * 37) % (8 * PAGE)
            for i in range(8 * PAGE):  # the next bit that should have become a zero
                k = (bit + i) % (8 * PAGE)
                if old[k >> 3] & ~new[k >> 3] & 1 << (k & 7):
                    new[k >> 3] |= 1 << (k & 7)
                    break
        self.data[at : at + PAGE] = new

    def _erase(self, n):
        if not 0 <= n < self.sectors:
            raise ValueError("erase outside the region")
        size = self.sector_size
        cut = self._operation(n, -1, None)
        at = n * size
        old = bytes(self.data[at : at + size])
        if cut:
            self.data[at : at + size] = torn_sector(old, self.cut_mode, self.seed)
            raise PowerCut
        self.erases += 1
        self.wear[n] += 1
        sick = self.sick.get(n)
        if sick == "raises":
            raise OSError(5)
        if sick != "no_erase":
            self.data[at : at + size] = b"\xff" * size
            pages = size // PAGE
            self.programmed[n * pages : n * pages + pages] = bytes(pages)

    def ioctl(self, op, arg):
        """4: sectors, 5: octets of a sector, 6: erase sector arg."""
        if op == 4:
            return self.sectors
        if op == 5:
            return self.sector_size
        if op == 6:
            self._erase(arg)
        return 0
