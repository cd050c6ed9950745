# Runs under MicroPython: the store in files on a littlefs, as on stock firmware. The power is cut
# around and inside every operation that littlefs makes on its flash while one value changes.
# Prints "CUTS old new" and then what one commit costs; any other value is an assertion. Its
# modules are found by MICROPYPATH: test_storage.py.
import vfs
from device.storage import FileBlocks
from norflash import NorFlash, PowerCut
from omadm.client import Client
from omadm.pagelog import PageLog
from omadm.store import Store

LED = b"./Led/State"


def boot(data):
    """As a board comes up: mount the file system, then the tree.

    The device is a new one on the old octets: files that a cut left open are closed by a later
    collection, and must not write then.
    """
    flash = NorFlash(32, data=data)
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/board")
    client = Client(Store(PageLog(FileBlocks("/board/dmtree", 8))))
    client.mount()
    return flash, client


def off():
    vfs.umount("/board")


def run():
    data = bytearray(b"\xff" * 32 * 4096)
    vfs.VfsLfs2.mkfs(NorFlash(32, data=data), progsize=256)
    _, client = boot(data)
    client.declare(((LED, b"chr", 24, b"off"),))
    off()
    content = bytes(data)
    counts = [0, 0]
    for mode in ("before", "half", "noise", "after"):
        at = 0
        while True:
            data = bytearray(content)
            flash, client = boot(data)
            flash.cut(at, mode, at + 1)
            try:
                client.set(LED, b"on")
            except PowerCut:
                off()
                found = boot(data)[1].get(LED)
                off()
                assert found in (b"off", b"on"), (mode, at, found)
                counts[found == b"on"] += 1
                at += 1
                continue
            off()
            break
    print("CUTS", *counts)
    flash, client = boot(data)
    erases, programs = flash.erases, flash.programs
    for n in range(16):
        client.set(LED, b"%d" % n)
    print("COST", (flash.erases - erases) / 16, (flash.programs - programs) / 16)


run()
