# The line to an AT modem: a command and its answer, whatever else comes between.
# 3GPP TS 27.007, V.250; what the octets mean is in at.
#
# Contract: one command at a time. Everything that comes is looked at, at any time: SMS and
# indications go to the owner before event() returns, lines of an answer are kept for the caller.
# Lost: no answer in time, or the end of the line (the stream is closed then, and opened again
# by begin). Every wait ends, and every one gives way to other tasks.
# Bounds: _BLOCK octets of input, _LINES lines of an answer.
import asyncio

from micropython import const

from .at import ERROR, INFO, NONE, OK, SMS, STORED, Talk

_BLOCK = const(128)  # octets read at once
_LINES = const(8)  # of an answer; longer ones are not needed
_ATTEMPTS = const(10)  # while it starts, or its SIM is loading, a modem is silent or says ERROR
_QUIET = const(32)  # blocks read while waiting for silence
_SHORT = const(5)  # seconds
_WRITE = const(25)
_LIST = const(300)  # longest time for an answer with SMS in it


class Lost(Exception):
    """The modem does not answer, or its line has ended."""


class Line:
    """Commands out, events in.

    open_stream  coroutine function, returns (reader, writer) as asyncio has them
    clock        seconds that never go back
    owner        has on_sms(talk), on_stored(talk), on_line(line)
    """

    def __init__(self, open_stream, clock, owner) -> None:
        self.open_stream = open_stream
        self.clock = clock
        self.owner = owner
        self.talk = Talk()
        self.asked = b""  # the command that is being answered
        self.info = []  # type: list
        self._reader = self._writer = None
        self._heard = False

    async def begin(self):
        """Open the stream unless it is open, and wait for a modem that answers; raises Lost."""
        self.talk.reset()
        self.asked = b""
        if self._writer is None:
            self._reader, self._writer = await self.open_stream()
        for i in range(_ATTEMPTS):
            try:
                # ESC ends a text that somebody else has left open
                if await self.command(b"AT" if i & 1 == 0 else b"\x1bAT", 1):
                    break
            except Lost:
                if self._reader is None:
                    raise
        else:
            raise Lost
        for _ in range(_QUIET):  # answers to the others of these
            self._heard = False
            await self.event(0.3)
            if not self._heard:
                return

    def close(self) -> None:
        """Give the stream up."""
        writer = self._writer
        self._reader = self._writer = None
        if writer is not None:
            writer.close()

    async def event(self, seconds) -> int:
        """Return one event of at, or NONE: nothing came in that time, or nothing whole."""
        event = self.talk.next()
        if not event:
            if self._reader is None:
                raise Lost
            try:
                octets = await asyncio.wait_for(self._reader.read(_BLOCK), max(seconds, 0.01))
            except asyncio.TimeoutError:
                return NONE
            if octets is None:
                return NONE
            if not octets:
                self.close()
                raise Lost
            self._heard = True
            self.talk.feed(octets)
            event = self.talk.next()
        await asyncio.sleep(0)  # a line that never falls silent must not keep other tasks out
        if event == SMS:
            self.owner.on_sms(self.talk)
        elif event == STORED:
            self.owner.on_stored(self.talk)
        elif event == INFO:
            line = self.talk.line
            if line != self.asked:  # no echo
                self.owner.on_line(line)
                if self.asked and len(self.info) < _LINES:
                    self.info.append(line)
        return event

    async def command(self, text: bytes, seconds: int = _SHORT) -> bool:
        """Send a command; True for OK, False for ERROR (its number is in talk.code)."""
        self.info = []
        self.asked = text
        if self._writer is None:
            raise Lost
        try:
            self._writer.write(text + b"\r")
            await asyncio.wait_for(self._writer.drain(), _WRITE)
        except OSError:
            self.close()
            raise Lost
        end = self.clock() + seconds + 1
        last = end + _LIST
        while True:
            event = await self.event(end - self.clock())
            if event == OK or event == ERROR:
                self.asked = b""
                return event == OK
            now = self.clock()
            if event == SMS and now < last:
                end = max(end, now + seconds)
            if now >= end:
                raise Lost

    async def ask(self, text: bytes) -> bytes:
        """Send a command; return the first line of the answer, b"" for an error."""
        if await self.command(text) and self.info:
            return self.info[0]
        return b""

    async def insist(self, text: bytes) -> bool:
        """Send a command until it is done; False when it never is."""
        for _ in range(_ATTEMPTS):
            if await self.command(text):
                return True
            await self.idle(1)
        return False

    async def idle(self, seconds):
        """Let time go by without losing what comes."""
        end = self.clock() + seconds
        now = self.clock()
        while now < end:
            await self.event(end - now)
            now = self.clock()
