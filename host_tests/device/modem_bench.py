"""A modem driver, a simulated modem and a network on a loop whose clock a test can run fast."""

import asyncio
import hashlib
import random
import selectors
import struct

from device.modem import Modem
from device.sms_receiver import SmsReceiver
from modemsim.modem import SimModem
from modemsim.network import Network
from omadm.spool import Spool

DEVICE = "+15550199"
SERVER = b"\x08\x91\x51\x55\x10\x32"
PORTS = b"\x05\x04\x0b\x84\x23\xf0"


class _Selector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout=None):
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("everything waits for ever")
            self.now += timeout
        return events


class FastLoop(asyncio.SelectorEventLoop):
    """Time passes only while everybody sleeps."""

    def __init__(self):
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self):
        return self._clock.now


def run(main):
    """Run a coroutine on a FastLoop."""
    loop = FastLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        while tasks := asyncio.all_tasks(loop):
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.sleep(0))
        loop.close()


class Outcome:
    def __init__(self, error=None, code=0):
        self.error, self.code = error, code


class Client:
    """Takes each numbered body once, as the replay check does with a window."""

    def steps(self, push):
        yield None
        yield self.accept(push)

    def finish(self):
        pass

    def __init__(self):
        self.applied = []
        self.replays = 0
        self.error = None
        self.labels = []

    def accept(self, push):
        body = bytes(push.spool.buf[: push.spool.length])
        assert push.spool.digest() == hashlib.sha256(body).digest()
        assert push.transport == "sms" and push.secure is False
        self.labels.append((push.content_type, push.app_id, push.headers))
        if self.error:
            return Outcome(self.error)
        if body in self.applied:
            self.replays += 1
            return Outcome("NotAuthentic")
        self.applied.append(body)
        return Outcome()


class Wire:
    """What a stream is to the driver: a reader and a writer over a SimModem."""

    def __init__(self, sim, rng):
        self.sim = sim
        self.rng = rng
        self.reader = asyncio.StreamReader()
        self.closed = False
        sim.write = self.from_modem

    def from_modem(self, octets):
        if not self.closed:
            self.reader.feed_data(octets)

    def write(self, octets):
        if not self.closed:
            asyncio.get_running_loop().call_soon(self.sim.feed, octets)

    async def drain(self):
        await asyncio.sleep(0)

    def close(self):
        self.closed = True

    def hang_up(self):
        self.closed = True
        self.reader.feed_eof()


class Bench:
    """One device with its modem; power off and on by stop() and start()."""

    def __init__(self, family="generic", room=4096, seed=1, **options):
        self.rng = random.Random(seed)
        self.network = Network()
        self.sim = self.network.add(SimModem(family, DEVICE))
        self.client = Client()
        self.options = options
        self.room = room
        self.reference = 0
        self.opened = 0
        self.task = None
        self.events = []

    def clock(self):
        return int(asyncio.get_running_loop().time())

    async def open_stream(self):
        self.opened += 1
        self.wire = Wire(self.sim, self.rng)
        return self.wire.reader, self.wire

    def start(self):
        """Power on: nothing in RAM."""
        self.receiver = SmsReceiver(
            self.client, Spool(self.room), self.clock, on_push=lambda *e: self.events.append(e)
        )
        self.modem = Modem(self.open_stream, self.receiver, self.clock, **self.options)
        self.task = asyncio.create_task(self.modem.run())

    async def stop(self):
        """Power off."""
        self.wire.close()
        while not self.task.done():  # before Python 3.12 wait_for may swallow a cancellation
            self.task.cancel()
            await asyncio.sleep(0)

    def parts(self, body, size=128, oa=SERVER, header=None):
        """SMS-DELIVERs of a WSP push with this body."""
        self.reference = (self.reference + 1) & 255
        if header is None:
            header = b"\xc2\xaf\x87x-syncml-hmac\0mac=x\0"
        pdu = b"\x01\x06" + bytes((len(header),)) + header + body
        total = (len(pdu) + size - 1) // size
        found = []
        for i in range(total):
            ies = PORTS + bytes((0, 3, self.reference, total, i + 1))
            if total == 1:
                ies = PORTS
            found.append(deliver(ies, pdu[i * size : i * size + size], oa, self.clock()))
        return found

    def send(self, body, **more):
        """Give all parts of a push to the network, in order."""
        for pdu in self.parts(body, **more):
            self.network.deliver(DEVICE, pdu)

    async def until(self, condition, seconds=600):
        """Wait; fails when it does not come true."""
        end = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < end, (self.modem.status(), list(self.sim.log)[-20:])
            await asyncio.sleep(0.05)


def deliver(ies, payload, oa=SERVER, now=0, dcs=4):
    ud = bytes((len(ies),)) + ies + payload if ies is not None else payload
    first = 0x44 if ies is not None else 0x04
    stamp = [0x62, 0x10, 0x20]
    for value in (now // 3600 % 24, now // 60 % 60, now % 60):
        stamp.append(value % 10 << 4 | value // 10)
    return b"\x00" + bytes((first,)) + oa + bytes((0, dcs, *stamp, 0, len(ud))) + ud


def numbered(n, length=700):
    """A body that is like no other."""
    return struct.pack(">I", n) + bytes((n * 7 + i) & 255 for i in range(length - 4))
