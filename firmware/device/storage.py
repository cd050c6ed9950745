# Where the tree lies: a block device with the extended protocol of MicroPython
# (readblocks/writeblocks with offset, ioctl 4 count, 5 size, 6 erase), sectors of 4096 octets.
#
#     ("rp2", start, octets)      a region of an RP2040's flash beside the file system
#     ("esp32", label)            a data partition
#     ("file", folder, sectors)   on a littlefs: stock firmware, no own region needed
#
# Port modules are imported where they are used, so this file loads on every port.
import os

from micropython import const

_SECTOR = const(4096)


def open_region(where):
    """The block device that board.STORE names."""
    kind = where[0]
    if kind == "rp2":
        return region_rp2(where[1], where[2])
    if kind == "esp32":
        return region_esp32(where[1])
    if kind == "file":
        return FileBlocks(where[1], where[2])
    raise ValueError("STORE in board.py: " + kind)


def region_rp2(start: int, octets: int):
    """A part of the storage area of the flash; start counts from where that area begins.

    ValueError when it does not lie in there, or when the mounted file system reaches into it:
    stock boot code gives it the whole area, so this needs a board build (boards/).
    """
    files = os.statvfs("/")
    if files[1] * files[2] > start:
        raise ValueError("STORE in board.py: the file system lies there; make it smaller")
    # Writing runs scheduled callbacks before it returns: no callback may touch the store.
    from rp2 import Flash

    return Flash(start=start, len=octets)


def region_esp32(label: str):
    """The data partition of that label; OSError when the partition table has none."""
    from esp32 import Partition

    found = Partition.find(Partition.TYPE_DATA, label=label)
    if not found:
        raise OSError(19)
    return found[0]


class FileBlocks:
    """Sectors as files in a folder of a littlefs, one file each.

    One big file would be the obvious way, and a bad one: littlefs copies everything behind the
    place that changes. Measured on a simulated flash, per page of 256 octets written into 64 KiB:
    16.6 erases at the start of one file, 2.6 near its end, 0.9 with a file for each sector.

    A sector that changes is held in RAM (4 KiB) and written as a whole; littlefs puts the new
    content in place at once when the file is closed, so a power cut leaves it old or new.
    With lazy=True that happens at ioctl 3 (sync), at an erase and when another sector is
    written; else after each write.
    """

    def __init__(self, folder: str, sectors: int, lazy: bool = False) -> None:
        self.folder = folder
        self.sectors = sectors
        self.lazy = lazy
        self.erases = self.writes = 0  # of files, since boot
        self._buf = bytearray(_SECTOR)
        self._held = -1
        self._used = 0  # octets of _buf up to which something was written
        self._dirty = False
        try:
            os.mkdir(folder)
        except OSError:
            pass  # it is there; if it is not, the first write says so

    def readblocks(self, n: int, buf, off: int = 0) -> None:
        """Fill buf from sector n on, from offset off in it."""
        at = 0
        while at < len(buf):
            self._hold(n)
            size = min(len(buf) - at, _SECTOR - off)
            memoryview(buf)[at : at + size] = memoryview(self._buf)[off : off + size]
            at += size
            n += 1
            off = 0

    def writeblocks(self, n: int, buf, off: int = 0) -> None:
        """Write buf into sector n, which is blank there."""
        self._hold(n)
        end = off + len(buf)
        self._buf[off:end] = buf
        self._used = max(self._used, end)
        self._dirty = True
        if not self.lazy:
            self._sync()

    def ioctl(self, op: int, arg: int):
        """Sync, count, size, erase, as MicroPython numbers them."""
        if op == 3:
            self._sync()
        elif op == 4:
            return self.sectors
        elif op == 5:
            return _SECTOR
        elif op == 6:
            self._erase(arg)
        return 0

    def _name(self, n):
        return self.folder + "/" + str(n)

    def _hold(self, n):
        if not 0 <= n < self.sectors:
            raise OSError(22)
        if n == self._held:
            return
        self._sync()
        self._held = -1
        self._used = 0
        try:
            with open(self._name(n), "rb") as f:
                self._used = f.readinto(self._buf)
        except OSError:
            pass  # no file: a blank sector
        self._blank(self._used)
        self._held = n

    def _blank(self, at):
        while at < _SECTOR:
            size = min(64, _SECTOR - at)
            self._buf[at : at + size] = b"\xff" * size
            at += size

    def _sync(self):
        if self._dirty:
            with open(self._name(self._held), "wb") as f:
                f.write(memoryview(self._buf)[: self._used])
            self.writes += 1
            self._dirty = False

    def _erase(self, n):
        if n == self._held:
            self._dirty = False
            self._used = 0
            self._blank(0)
        try:
            os.remove(self._name(n))
            self.erases += 1
        except OSError:
            pass  # blank already
