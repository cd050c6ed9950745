# The flash of the simulated device: NOR rules on an image file, as a MicroPython block device.
#
# Contract: the file is the raw region, sector after sector, blank is 0xFF. Every operation is in
# the file before the call returns, so ending the process at any moment is a power cut.
# Strict where a chip is, and OSError where a driver breaks the rules:
#   program   whole pages of 256 octets, offset given, inside one sector; only ANDs
#   erase     whole sectors of 4096 octets
# Each page programmed and each sector erased is one operation. The power is cut at operation
# number `cut` (1 is the first since power-up; 0: never), which then ends in PowerCut:
#   torn="before"   nothing of it happened
#   torn="half"     the first half of the page or sector is done
#   torn="rear"     the second half is done
#   torn="after"    it is done
# Afterwards the device is dead: every call raises PowerCut.
# Non-goals: sick sectors and random bits; host_tests/fakes has those.
from array import array

SECTOR = 4096
PAGE = 256
TORN = ("before", "half", "rear", "after")


class PowerCut(BaseException):
    """The power went away; args[0] is the number of the operation."""


class NorFile:
    """A region of NOR flash in a file; a new file gets `size` octets of blank flash."""

    def __init__(self, path: str, size: int, cut: int = 0, torn: str = "before") -> None:
        try:
            self.file = open(path, "r+b")
        except OSError:
            self.file = open(path, "w+b")
            for _ in range(size // PAGE):
                self.file.write(b"\xff" * PAGE)
        octets = self.file.seek(0, 2)
        if octets % SECTOR or not octets:
            raise ValueError("%s: %d octets are no whole sectors of %d" % (path, octets, SECTOR))
        self.sectors = octets // SECTOR
        self.cut = cut
        self.torn = torn
        self.dead = False
        self.programs = self.erases = self.operations = 0
        self.wear = array("I", bytes(4 * self.sectors))  # erasures since power-up
        self._page = bytearray(PAGE)

    def readblocks(self, n: int, buf, off: int = 0) -> None:
        """Read from offset off of sector n, also over the sector's end."""
        at = n * SECTOR + off
        self._check(at, len(buf))
        self.file.seek(at)
        self.file.readinto(buf)

    def writeblocks(self, n: int, buf, off=None) -> None:
        """Program whole pages."""
        if off is None or off % PAGE or len(buf) % PAGE or off + len(buf) > SECTOR:
            raise OSError(22)
        at = n * SECTOR + off
        self._check(at, len(buf))
        view = memoryview(buf)
        for i in range(0, len(buf), PAGE):
            self.programs += 1
            start, end = self._torn(PAGE)
            self.file.seek(at + i)
            self.file.readinto(self._page)
            for j in range(start, end):
                self._page[j] &= view[i + j]
            self._put(at + i, self._page, 0, PAGE)

    def ioctl(self, op: int, arg: int):
        """3 sync, 4 sectors, 5 octets of a sector, 6 erase sector arg."""
        if op == 4:
            return self.sectors
        if op == 5:
            return SECTOR
        if op == 6:
            at = arg * SECTOR
            self._check(at, SECTOR)
            self.erases += 1
            start, end = self._torn(SECTOR)
            self.wear[arg] += 1
            for j in range(PAGE):
                self._page[j] = 0xFF
            for i in range(start, end, PAGE):
                self._put(at + i, self._page, 0, min(PAGE, end - i), i + PAGE >= end)
            if start == end:
                self._put(at, self._page, 0, 0)
        return 0

    def _check(self, at, n):
        if self.dead:
            raise PowerCut(self.operations)
        if at < 0 or at + n > self.sectors * SECTOR:
            raise OSError(22)

    def _torn(self, n):
        # Which octets of n this operation gets done.
        self.operations += 1
        if self.operations != self.cut or self.torn == "after":
            return 0, n
        if self.torn == "half":
            return 0, n // 2
        if self.torn == "rear":
            return n // 2, n
        return 0, 0

    def _put(self, at, buf, start, end, last=True):
        if end > start:
            self.file.seek(at)
            self.file.write(memoryview(buf)[start:end])
            self.file.flush()
        if last and self.operations == self.cut:
            self.dead = True
            raise PowerCut(self.operations)
