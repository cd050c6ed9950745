# An AT modem that brings pushes by SMS: keeps it set up, fetches, acknowledges, deletes.
# 3GPP TS 27.005 (PDU mode, CNMI, CNMA, storage), TS 27.007; makers' ways in modem_quirks.
#
#     DOWN -- it answers AT --> SETUP -- SIM ready, store and CNMI set --> READY
#       ^                         ^                                          |
#       |                         +------ it says that it started anew ------+
#       +---- no answer, end of line: pause 1 s, 2 s ... 60 s; reset() ------+
#
#   stored mode   the modem keeps each SMS until it is deleted here, and that is after the client
#                 has dealt with the whole message: a board may lose power at any moment.
#   direct mode   each SMS comes at once and is acknowledged when its part is in RAM. A modem that
#                 knows no acknowledgement stays in stored mode: what the line loses would be gone.
# Both ways of delivery are understood at any time, whatever mode was asked for: by class, a modem
# may take the other one.
#
# Contract: run() never returns, never raises for what a modem does, and always waits for the
# line, so other tasks go on. A lost indication is made good by looking at the store's fill once
# in `poll` seconds and by reading it out whole once in `drain` seconds and after every restart.
# SMS that are not ours stay where they are, unless `tidy` and the store is full.
# A full store: parts that are in RAM are deleted from it, then the oldest messages give way.
# Bounds: _TODO indices (more: the store is read out).
# Non-goals: sending, PIN entry, data connections, other users of the same modem.
import asyncio

from micropython import const
from omadm.reassembly import DUPLICATE, LATER, REFUSED

from . import modem_quirks as quirks
from . import modem_setup
from .at import DIRECT, REPORT, field, number
from .modem_line import Line, Lost
from .sms_receiver import BROKEN, FOREIGN

DOWN = const(0)
SETUP = const(1)
NO_SIM = const(2)  # none, locked, or still starting
READY = const(3)

_TODO = const(32)
_SLOTS = const(12)  # bits of a token that are the index; above: which store
_PAUSE = const(60)  # longest pause between attempts, seconds
_SOON = const(4)  # the same after a restart: the modem is there
_STEADY = const(120)  # seconds after which a session counts as good
_RESETS = const(3)  # attempts without an answer before reset()
_MARGIN = const(2)  # free places at which a store counts as full
_AGAIN = const(21)  # seconds after which what was garbled, or found no room, is read again
_NO_ACK_EXPECTED = const(340)
_SIM = const(5)  # seconds between looks for a SIM
_LONG = const(25)  # seconds a store may take to list or to delete


class Restarted(Exception):
    """The modem has started anew: set it up again."""


class Modem:
    """One modem; run() is a task.

    open_stream  coroutine function, returns (reader, writer) as asyncio has them
    receiver     SmsReceiver
    clock        seconds that never go back
    direct       take SMS at once instead of through the modem's store, where it acknowledges them
    tidy         delete SMS of others when the store is full
    reset        coroutine function that switches the modem off and on, or None
    """

    def __init__(
        self,
        open_stream,
        receiver,
        clock,
        direct: bool = False,
        tidy: bool = False,
        reset=None,
        poll: int = 60,
        drain: int = 600,
    ) -> None:
        self.receiver = receiver
        self.clock = clock
        self.direct = direct
        self.tidy = tidy
        self.reset = reset
        self.poll = poll
        self.drain = drain
        self.state = DOWN
        self.family = quirks.GENERIC
        self.registered = -1  # <stat> of CREG or CEREG: 1, 5, 6, 7 are good
        self.used = self.total = -1  # of the store
        self.restarts = 0
        self.losses = 0  # no answer, or end of line
        self.faults = 0  # anything else; the last one is in `fault`
        self.fault = None
        self.deleted = 0
        self.line = Line(open_stream, clock, self)
        self._begin()

    def _begin(self) -> None:
        self._acks = 0
        self._todo = []  # tokens of SMS in the store
        self._gone = []  # tokens to delete
        self._token = -1
        self._mems = [b"SM"]
        self._mem = b""
        self._service = 0
        self._cnmi = b""
        self._press = self._later = self._due = False
        self._poll_at = self._drain_at = 0
        self._again = _AGAIN
        self._garbled = self.line.talk.garbled

    def status(self) -> dict:
        """Return what a person wants to know."""
        return {
            "state": ("down", "setup", "no SIM", "ready")[self.state],
            "family": self.family[quirks.NAME],
            "direct": self._service != 0,
            "registered": self.registered in (1, 5, 6, 7),
            "store": (self.used, self.total),
            "restarts": self.restarts,
            "losses": self.losses,
            "faults": self.faults,
            "garbled": self.line.talk.garbled,
            "pushes": self.receiver.pushes,
            "foreign": self.receiver.foreign,
        }

    async def run(self):
        """Serve for ever."""
        pause = 1
        silent = 0
        while True:
            begun = self.clock()
            try:
                await self._session()
            except Restarted:
                self.restarts += 1
                pause = min(pause, _SOON)
            except (Lost, OSError, EOFError, asyncio.TimeoutError):
                self.losses += 1
            except Exception as problem:  # a fault of ours or of the board: the task must live on
                self.faults += 1
                self.fault = problem
            silent = silent + 1 if self.state == DOWN else 0
            self.state = DOWN
            if self.clock() - begun >= _STEADY:
                pause = 1
            if self.reset is not None and silent >= _RESETS:
                silent = 0
                await self.reset()
            await asyncio.sleep(pause)
            pause = min(pause * 2, _PAUSE)

    async def _session(self):
        self._begin()
        self.receiver.parts.restart()
        await self.line.begin()
        self.state = SETUP
        await self._setup()
        self.state = READY
        while True:
            await self._turn()

    # -- what comes by itself

    def on_line(self, line) -> None:
        """Look for signs in a line that is no answer, or might be none."""
        if self.line.asked == b"AT+CPIN?" and line.startswith(b"+CPIN"):
            return
        if self.state != DOWN:  # else it is set up anyway, next
            for sign in quirks.BOOT:
                if line.startswith(sign):
                    raise Restarted
        for sign in quirks.FULL:
            if line.startswith(sign):
                self._due = True

    def on_stored(self, talk) -> None:
        """Note that an SMS has come into the modem's store."""
        mem = talk.mem
        if mem not in self._mems or len(self._todo) >= _TODO:
            self._due = True
            return
        token = self._mems.index(mem) << _SLOTS | talk.index
        if token not in self._todo:
            self._todo.append(token)

    def on_sms(self, talk) -> None:
        """Take an SMS: one that came by itself, or one that was asked for."""
        source = talk.source
        if source == REPORT:
            return
        if source == DIRECT:
            if self.receiver.part(talk.pdu) == LATER:
                self._poll_at = 0  # without an acknowledgement the network sends it again
            elif self._service:
                self._acks += 1
            return
        if talk.stat > 1:
            return  # written by somebody to be sent
        token = self._token
        if talk.slot >= 0:
            token = self._mems.index(self._mem) << _SLOTS | talk.slot
        verdict = self.receiver.part(talk.pdu, token, self._press)
        if verdict == LATER:
            self._later = True
            self._drain_at = min(self._drain_at, self.clock() + self._again)
        elif verdict == DUPLICATE or verdict == REFUSED:
            self._gone.append(token)
        elif verdict == FOREIGN or verdict == BROKEN:
            if self.tidy and self._press:
                self._gone.append(token)

    # -- set-up

    async def _setup(self):
        line = self.line
        self.family = await modem_setup.family(line)
        while b"READY" not in await line.ask(b"AT+CPIN?"):
            self.state = NO_SIM
            await line.idle(_SIM)
        self.state = SETUP
        if not await line.insist(b"AT+CMGF=0"):
            raise Lost
        self._service = await modem_setup.service(line, self.family if self.direct else None)
        self._mems = await modem_setup.stores(line)
        self._mem = b""
        await self._select(0)
        self._cnmi = await modem_setup.indications(line, self.family, 2 if self._service else 1)
        self._due = True
        self._poll_at = self.clock() + self.poll

    # -- at work

    async def _turn(self):
        now = self.clock()
        if self._garbled != self.line.talk.garbled:
            # Something was lost: in direct mode the network sends it again, once the modem lets it
            self._garbled = self.line.talk.garbled
            self._poll_at = min(self._poll_at, now + _AGAIN)
            self._drain_at = min(self._drain_at, now + _AGAIN)
        if self._acks:
            await self._ack()
        elif await self.receiver.settle():
            pass
        elif self.receiver.trash or self._gone:
            await self._delete()
        elif self._due or now >= self._drain_at:
            await self._read_out()
        elif self._todo:
            await self._fetch(self._todo.pop(0))
        elif now >= self._poll_at:
            await self._look()
        else:
            await self.line.event(min(self._poll_at, self._drain_at) - now)

    async def _select(self, i) -> bool:
        # Without it an index may mean another SMS.
        mem = self._mems[i]
        if mem != self._mem:
            first = self._mems[0]
            text = b'AT+CPMS="' + mem + b'","' + first + b'","' + first + b'"'
            self._mem = mem if await self.line.command(text) else b""
        return mem == self._mem

    async def _ack(self):
        self._acks -= 1
        row = self.family
        if not await self.line.command(row[quirks.ACK], row[quirks.ACK_SECONDS]):
            if self.line.talk.code != _NO_ACK_EXPECTED:
                self._poll_at = 0

    async def _fetch(self, token):
        self._token = token
        index = token & (1 << _SLOTS) - 1
        self._again = _AGAIN
        if await self._select(token >> _SLOTS) and await self.line.command(b"AT+CMGR=%d" % index):
            self.used += 1
            if self.used + _MARGIN >= self.total:
                self._due = True

    async def _delete(self) -> bool:
        some = False
        gone = self._gone
        trash = self.receiver.trash
        while gone or trash:
            some = True
            token = (gone or trash).pop()
            for tokens in (gone, trash):
                while token in tokens:  # once only: the next SMS may get the same place
                    tokens.remove(token)
            if self._acks:
                await self._ack()
            if not await self._select(token >> _SLOTS):
                continue  # it will be read again, and known
            index = token & (1 << _SLOTS) - 1
            if await self.line.command(b"AT+CMGD=%d" % index, _LONG):
                self.deleted += 1
                self.used -= token >> _SLOTS == 0
        return some

    async def _read_out(self):
        self._due = False
        self._todo.clear()  # all of it is read now
        self._drain_at = self.clock() + self.drain
        settled = self.receiver.settled
        for press in (False, True):
            self._press = press
            again = True
            while again:
                self._later = False
                for i in range(len(self._mems)):
                    if await self._select(i):
                        await self.line.command(b"AT+CMGL=4", _LONG)
                    if self._acks:
                        await self._ack()
                some = await self.receiver.settle()
                some = await self._delete() or some
                again = self._later and some
            await self._usage()
            if press or self.used + _MARGIN < self.total:
                break
            self.receiver.parts.release()
            await self._delete()
            if not (self._later or self.tidy):
                break
        self._press = False
        stat = field(await self.line.ask(b"AT+CREG?"), 1)
        if stat not in (b"1", b"5", b"6", b"7"):
            stat = field(await self.line.ask(b"AT+CEREG?"), 1) or stat
        self.registered = number(stat)
        # What finds no room is read again soon, and less and less often as long as nothing moves.
        moved = settled != self.receiver.settled
        self._again = _AGAIN if moved or not self._later else min(self._again * 2, self.drain)

    async def _usage(self):
        line = await self.line.ask(b"AT+CPMS?") if await self._select(0) else b""
        if line:
            self.used = number(field(line, 1))
            self.total = number(field(line, 2))

    async def _look(self):
        # Is it still set up as it was, and has something come that it did not tell of?
        self._poll_at = self.clock() + self.poll
        line = await self.line.ask(b"AT+CNMI?")
        if line and self._cnmi and field(line, 0) + b"," + field(line, 1) != self._cnmi:
            raise Restarted
        used = self.used
        await self._usage()
        if used != self.used or not self._cnmi:
            self._due = True
