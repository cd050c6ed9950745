# Runs under MicroPython: pushes of a file through a client on the flash image of a file.
#
#     micropython -X heapsize=1m host_tests/fuzz/on_board.py ROOT IMAGE PUSHES
#
# Prints `error code crc` of each push, where crc is over its statuses, then `heap N`: by how many
# octets more were in use at the end than after the first 100 pushes, the rows of the index, which
# grow with the tree, left out. The flash image is in RAM here, hence the heap.
import gc
import os
import sys
from binascii import crc32, unhexlify

root = sys.argv[1]
for part in ("/host_tests/pure", "/host_tests/fakes", "/build/mpy/lib"):
    sys.path.insert(0, root + part)

from norflash import NorFlash  # noqa: E402
from omadm.client import Client  # noqa: E402
from omadm.pagelog import PageLog  # noqa: E402
from omadm.push import Push  # noqa: E402
from omadm.spool import Spool  # noqa: E402
from omadm.store import Store  # noqa: E402

# What is imported only where it is needed; on a board of ours it is frozen and takes no heap.
for name in os.listdir(root + "/build/mpy/lib/omadm"):
    __import__("omadm." + name.split(".")[0])

TYPE = "application/vnd.syncml.dm+wbxml"
WARM = 100  # by then the journal is full and every buffer has its size
ROW = 9  # octets of the index for a node


def level(client):
    gc.collect()
    gc.collect()
    return gc.mem_alloc() - ROW * len(client.store.flags)


def main():
    flash = NorFlash.load(sys.argv[2])
    client = Client(Store(PageLog(flash)))
    client.mount()
    client.on_change(b".", lambda uri, kind: None)
    for uri in (b"./P/Run", b"./P/Go"):
        client.on_exec(uri, lambda uri, data, correlator: None)
    spool = Spool(16 * 1024)
    before = number = 0
    with open(sys.argv[3]) as lines:
        for line in lines:
            at = line.find(" ")
            spool.reset()
            spool.write(unhexlify(line[:at]))
            headers = {"x-syncml-hmac": str(unhexlify(line[at + 1 :].strip()), "utf-8")}
            line = None
            outcome = client.accept(Push("test", False, TYPE, 7, headers, spool))
            crc = 0
            for cmd_id, status in outcome.statuses:
                crc = crc32(cmd_id + b" %d " % status, crc)
            print(outcome.error, outcome.code, crc)
            outcome = headers = cmd_id = None
            number += 1
            if number == WARM:
                before = level(client)
    print("heap", level(client) - before)


main()
