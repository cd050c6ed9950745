"""A simulated modem on UART0 of a simulated board, in lock-step: one clock, and nothing waits for the wall's.

The board runs its firmware as it is after a power-up: main.py, dm, the receiver "sms". Modem and network live
on a loop whose time is the board's.
"""

import asyncio
import random
import selectors
from datetime import UTC, datetime, timedelta

import dmboard
from boardsim import Board
from dmtool import sms_encode, wsp_encode
from modemsim import pdu as sms
from modemsim.modem import SimModem
from modemsim.network import Network

DEVICE, SENDER = "+15550199", "+15550123"
SIZE = 256 * 1024  # of the region, as board.py has it
STEP = 10  # ms after which what was sent comes over
TURNS = 4  # of the loop: a callback may call for another
MAIN = b"import dm\ndm.run()\n"
APP = b"""
import asyncio
from time import ticks_diff, ticks_ms

longest = 0

def setup(client):
    asyncio.create_task(beat())
    leaf = b"chr", 24, b""
    client.declare(((b"./App", b"node", 9, b""), (b"./App/Name",) + leaf, (b"./App/More",) + leaf), False)
    client.on_change(b"./App/Name", changed)

def changed(uri, kind):
    with open("/changes", "a") as f:
        f.write(kind + "\\n")

async def beat():
    # The application's own task: how long it has to wait for its turn.
    global longest
    last = ticks_ms()
    while True:
        await asyncio.sleep_ms(10)
        now = ticks_ms()
        longest = max(longest, ticks_diff(now, last) - 10)
        last = now
"""
LOOK = """
import dm
print(len(dm.start().get(b"./App/Name")) + len(dm.start().get(b"./App/More")))
try:
    print(open("/changes").read().split())
except OSError:
    print([])
import app
print(app.longest)
dm.status()
"""


class _Selector(selectors.DefaultSelector):
    def select(self, timeout=None):
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """Its time is what somebody says it is."""

    def __init__(self):
        super().__init__(_Selector())
        self.now = 0.0

    def time(self):
        return self.now


class Radio:
    """The board, its modem, and the network."""

    def __init__(self, firmware, family="sim800"):
        self.loop = Loop()
        self.network = Network()
        self.network.now = lambda: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self.loop.now)
        self.sim = self.network.add(SimModem(family, DEVICE))
        self.inbound = bytearray()
        self.sim.write = self.inbound.extend
        self.operator = dmboard.Operator()
        self.board = Board(firmware)
        try:
            self.board.poke(dmboard.REGION, dmboard.provisioned(SIZE))
            self.board.boot()
            self.board.put("/app.py", APP)
            self.board.put("/main.py", MAIN)
        except BaseException:
            self.close()
            raise

    def close(self):
        self.board.close()
        self.do(self.network.close)
        self.loop.close()

    def do(self, work, *arguments):
        """Call something on the loop, and let what follows of it run."""

        async def run():
            work(*arguments)
            for _ in range(TURNS):
                await asyncio.sleep(0)

        self.loop.run_until_complete(run())

    def boot(self):
        """Power on, or off and on: whatever is on the line is gone."""
        self.inbound.clear()
        self.board.boot()

    def until(self, condition, seconds=120):
        """Let both run until something is true; fails when it does not come true in that (simulated) time."""
        end = self.loop.now + seconds
        while not condition():
            assert self.loop.now < end, (self.loop.now, list(self.sim.log)[-12:], self.look())
            there = bytes(self.inbound)
            self.inbound.clear()
            _, here = self.board.step(STEP, uart=there)
            self.loop.now += STEP / 1000
            self.do(self.sim.feed, here)

    def pass_time(self, seconds):
        """Let both run for some simulated time."""
        end = self.loop.now + seconds
        self.until(lambda: self.loop.now >= end, seconds + 1)

    def parts(self, message):
        """The SMS of a push, as they come out of the network."""
        found = []
        for part in sms_encode.split(wsp_encode.push(message.body, message.mac)):
            submit = sms_encode.submit(DEVICE, part)
            _, pdu = sms.deliver_from_submit(submit.pdu, SENDER, self.network.now())
            found.append(pdu)
        return found

    def send(self, pdus):
        for pdu in pdus:
            self.do(self.network.deliver, DEVICE, pdu)

    def clean(self):
        """Neither the network nor the modem holds anything."""
        return not self.network.messages and not any(self.sim.stores.values())

    def look(self):
        """Stop dm and look: octets of both values, changes the application heard of, what status says.

        `longest` then says how many ms the application's own task had to wait for a turn, at most.
        """
        lines = self.board.exec(LOOK).stdout.splitlines()
        self.longest = int(lines[2])
        return int(lines[0]), eval(lines[1]), lines[3:]


def shuffled(pdus, seed):
    """The same in another order."""
    pdus = list(pdus)
    random.Random(seed).shuffle(pdus)
    return pdus
