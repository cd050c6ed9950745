# Runs under MicroPython: the cases of a file through a client, and how much the heap has grown.
#
#     micropython -X heapsize=1m on_board.py ROOT CASES
#
# Prints the octets more in use after the cases than after a first good push; 0 when it is less than
# what the tree itself has grown by. The flash image is in RAM here, hence the heap.
import gc
import sys
from binascii import unhexlify

root = sys.argv[1]
for part in ("/host_tests/pure", "/host_tests/fakes", "/build/mpy/lib"):
    sys.path.insert(0, root + part)

import messages as m  # noqa: E402
from norflash import NorFlash  # noqa: E402
from omadm.client import Client  # noqa: E402
from omadm.pagelog import PageLog  # noqa: E402
from omadm.push import Push  # noqa: E402
from omadm.spool import Spool  # noqa: E402
from omadm.store import Store  # noqa: E402

TYPE = "application/vnd.syncml.dm+wbxml"


def account(name, number):
    x = b"./DMAcc/" + name
    s = x + b"/AppAuth/S/"
    return [
        (x, b"node", 8, b"", b"urn:oma:mo:oma-dm-dmacc:1.1", b""),
        (x + b"/ServerID", b"chr", 8, name),
        (s + b"AAuthLevel", b"chr", 8, b"SRVCRED"),
        (s + b"AAuthType", b"chr", 8, b"HMAC"),
        (s + b"AAuthName", b"chr", 8, b"user-" + name),
        (s + b"AAuthSecret", b"chr", 0, m.b64(bytes([number]) * 32)),
        (s + b"AAuthData", b"bin", 0, bytes([number + 100]) * 16),
    ]


def level(client):
    gc.collect()
    gc.collect()
    # What the index of the tree takes is the tree's, not a leak.
    return gc.mem_alloc() - 16 * len(client.store.flags)


def main():
    flash = NorFlash(12)
    client = Client(Store(PageLog(flash)))
    client.mount()
    client.declare(
        [
            (b"./DevInfo/DevId", b"chr", 8, m.DEVICE),
            (b"./DMAcc", b"node", 8),
            (b"./Inbox", b"node", 8),
            (b"./P", b"node", 9),
            (b"./P/Fixed", b"int", 24, b"7"),
            (b"./P/Run", b"null", 12),
            (b"./P/Go", b"null", 12),
        ]
        + account(b"A", 1)
        + account(b"B", 2)
    )
    client.set_acl(b".", b"Add=*&Delete=*&Exec=*&Get=*&Replace=*")
    client.on_exec(b"./P/Run", lambda uri, data, correlator: None)
    spool = Spool(16 * 1024)
    before = None
    number = 0
    with open(sys.argv[2]) as lines:
        for line in lines:
            at = line.find(" ")
            body = unhexlify(line[:at])
            header = str(unhexlify(line[at + 1 :].strip()), "utf-8")
            line = None
            spool.reset()
            spool.write(body)
            client.accept(Push("test", False, TYPE, 7, {"x-syncml-hmac": header}, spool))
            number += 1
            if number == 100:  # by then the journal is full and every buffer has its size
                before = level(client)
            body = header = None
    grown = level(client) - before
    print(client.accepted, client.refused)
    print(grown if grown > 2048 else 0)


main()
