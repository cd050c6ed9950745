# What a stranger reaches by SMS: AT parser, SMS, reassembly, WSP, and the client behind them. Runs under
# CPython and MicroPython, with the same octets and the same outcome:
#
#     micropython -X heapsize=1m host_tests/fuzz/radio.py ROOT IMAGE CASES
#
# A case is `seconds token press octets`: how much later, the place in the modem's store and whether that is
# full, what the modem says in hexadecimal. Prints a number per case, over all that became of it, then `heap
# N`: by how many octets more were in use at the end than after the first cases.
import gc
import sys
from binascii import crc32, unhexlify

if sys.implementation.name == "micropython":
    import asyncio
    import os

    root = sys.argv[1]
    for folder in ("/host_tests/pure", "/host_tests/fakes", "/build/mpy/firmware", "/build/mpy/lib"):
        sys.path.insert(0, root + folder)

from device.at import NONE, SMS, STORED, Talk
from device.sms_receiver import SmsReceiver

BLOCK = 100  # octets that come at once
WARM = 100


class Radio:
    """The receiving side; `crc` is over the outcomes of the last case."""

    def __init__(self, client, spool):
        self.now = self.crc = self.pdus = 0
        self.talk = Talk()
        self.receiver = SmsReceiver(client, spool, self.clock, None, self.settled)

    def clock(self):
        return self.now

    def note(self, kind, value):
        self.crc = crc32(b"%d %d " % (kind, value), self.crc)

    def settled(self, outcome, code):
        self.note(1, code if outcome is None else outcome.code)
        self.note(2, outcome is not None and outcome.error is None)

    async def case(self, seconds, token, press, octets):
        """What the modem says."""
        self.now += seconds
        self.crc = 0
        for at in range(0, len(octets), BLOCK):
            self.talk.feed(octets[at : at + BLOCK])
            event = self.talk.next()
            while event != NONE:
                self.note(3, event)
                if event == SMS:
                    self.pdus += 1
                    if token >= 0:
                        token = (token + 1) % 4096
                    self.note(4, self.receiver.part(self.talk.pdu, token, press))
                elif event == STORED:
                    self.note(5, self.talk.index)
                event = self.talk.next()
            await self.receiver.settle()
        for token in self.receiver.trash:
            self.note(6, token)
        self.receiver.trash.clear()


def level(client, row):
    gc.collect()
    gc.collect()
    return gc.mem_alloc() - row * len(client.store.flags)


def one(radio, line):
    # In a function of its own: what it leaves on the stack holds nothing in the heap.
    seconds, token, press, octets = line.split(" ")
    asyncio.run(radio.case(int(seconds), int(token), int(press), unhexlify(octets.strip())))
    print(radio.crc)


def main(image, cases):
    from norflash import NorFlash
    from omadm.client import Client
    from omadm.pagelog import PageLog
    from omadm.spool import Spool
    from omadm.store import Store

    # What is imported only where it is needed; on a board of ours it is frozen and takes no heap.
    for name in os.listdir(root + "/build/mpy/lib/omadm"):
        __import__("omadm." + name.split(".")[0])
    row = 9  # octets of the index for a node
    client = Client(Store(PageLog(NorFlash.load(image))))
    client.mount()
    radio = Radio(client, Spool(16 * 1024))
    before = number = 0
    with open(cases) as lines:
        while True:
            line = lines.readline()
            if not line:
                break
            one(radio, line)
            line = None
            number += 1
            if number == WARM:
                before = level(client, row)
    print("heap", level(client, row) - before)


if sys.implementation.name == "micropython":
    main(sys.argv[2], sys.argv[3])
