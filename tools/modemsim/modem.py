"""One simulated modem: what its host says comes in by feed(), what it says goes out by `write`.

The modem lives on an asyncio loop's clock, so a test may run it on a loop with a clock of its own.
Faults are asked for by the methods at the end; none happens by itself.
"""

import asyncio
import functools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from . import pdu as sms
from .commands import UNREAD, Commands, Failure
from .families import FAMILIES, Family


@dataclass
class Incoming:
    """An SMS on its way from the network, and what to tell the network in the end."""

    pdu: bytes
    done: Callable[[bool], None]


class SimModem:
    """A modem of one family, with a number, stores and a host."""

    def __init__(self, family: str | Family = "generic", number: str = "+15550199") -> None:
        self.family = FAMILIES[family] if isinstance(family, str) else family
        self.number = number
        self.write: Callable[[bytes], None] = lambda octets: None
        self.send: Callable[[SimModem, bytes], None] = lambda modem, pdu: None
        self.space: Callable[[], None] = lambda: None  # told when a place in a store is free again
        self.delay = 0.01  # seconds a command takes
        self.ack_seconds = 15.0
        self.boot_seconds = 2.0
        self.sim_seconds = 2.0  # from its first sign to the SIM being ready
        self.sizes = {name: size for name, size in self.family.stores.items() if size}
        self.stores: dict[str, dict[int, tuple[int, bytes]]] = {name: {} for name in self.sizes}
        self.submitted: list[bytes] = []
        self.log: deque[tuple[str, str]] = deque(maxlen=4000)  # ("host" | "modem", line)
        self.interleave = True  # indications may come between a command and its result
        self.lose_indications = 0
        self.cut_lines = 0  # lines of SMS that lose some octets on the line
        self.ignore_acks = 0  # acknowledgements that get lost on the line
        self.power_cycles = 0
        self._random = random.Random(1)
        self._commands = Commands(self)
        self._dead = False
        self._waiting: deque[Incoming] = deque()  # for direct delivery
        self._unacknowledged: Incoming | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self.references = 0
        self.prompt: Callable[[str], str] | None = None  # takes the text a command waits for
        self._busy = False
        self._defaults()
        self.sim_ready = True

    # -- what the host says

    def feed(self, octets: bytes) -> None:
        """Take octets from the host."""
        if self._dead:
            return
        for octet in octets:
            if self.prompt is not None:
                self._text(octet)
            elif octet == 0x1B:
                self._input.clear()
            elif octet in (0x0D, 0x0A):
                if self._input:
                    line = self._input.decode("latin-1")
                    self._input.clear()
                    if self.echo:
                        self.out(line.encode("latin-1") + b"\r")
                    self._lines.append(line)
                    self._next()
            elif len(self._input) < 4096:
                self._input.append(octet)

    def _text(self, octet: int) -> None:
        if octet == 0x1B:
            self.prompt = None
            self._finish("OK")
        elif octet == 0x1A:
            prompt, self.prompt = self.prompt, None
            text = self._input.decode("latin-1").strip()
            self._input.clear()
            assert prompt is not None
            self.later(self.delay, lambda: self._run(lambda: prompt(text)))
        elif len(self._input) < 4096:
            self._input.append(octet)

    def _next(self) -> None:
        if self._busy or not self._lines:
            return
        self._busy = True
        line = self._lines.popleft()
        self.log.append(("host", line))
        self.later(self.delay, lambda: self._run(lambda: self._line(line)))

    def _run(self, work: Callable[[], str | None]) -> None:
        if self.interleave and self._random.random() < 0.5:
            self._indicate()
        try:
            result = work()
        except Failure as failure:
            result = str(failure)
        if result is not None:
            self._finish(result)

    def _finish(self, result: str) -> None:
        if self.interleave:
            self._indicate()
        if result.startswith("+CM") and self.errors == 0:
            result = "ERROR"
        self.say(result)
        self._busy = False
        if self._lines:
            self._next()
        else:
            self._indicate()

    def _line(self, line: str) -> str | None:
        line = line.strip()
        if not line.upper().startswith("AT"):
            raise Failure("ERROR")
        # Several commands in one line: AT+CMEE=1;+CMGF=0 (no text with ";" is ever sent here)
        result: str | None = "OK"
        for part in line[2:].split(";"):
            result = self._commands.one("AT" + part)
        return result

    # -- what the network brings

    def incoming(self, octets: bytes, done: Callable[[bool], None]) -> None:
        """Take an SMS-DELIVER with its service centre address; `done` says whether it was taken."""
        if self._dead or not self.sim_ready:
            done(False)
            return
        kind = sms.class_of(octets)
        how = self.cnmi[1]
        if kind != 2 and (how == 2 or how == 3 and kind in (0, 3)):
            self._waiting.append(Incoming(octets, done))
            self.deliver_waiting()
            return
        name = "SM" if kind == 2 and "SM" in self.stores else self.selected[2]
        index = self.put(name, octets, UNREAD)
        done(index is not None)
        if index is None:
            if self.family.full:
                self._urc(self.family.full)
        elif how:
            self._urc(f'+CMTI: "{name}",{index}')

    def deliver_waiting(self) -> None:
        # With service 1 the next one comes after the acknowledgement of the last.
        while self._waiting and self._unacknowledged is None:
            incoming = self._waiting.popleft()
            if self.cnmi[1] not in (2, 3):
                incoming.done(False)
                continue
            length = len(incoming.pdu) - sms.tpdu_at(incoming.pdu)
            head = "+CMT: " + self.family.cmt.format(length=length)
            self._urc(head, incoming.pdu)
            if not self.service:
                incoming.done(True)
                continue
            self._unacknowledged = incoming
            self.later(self.ack_seconds, functools.partial(self._ack_missing, incoming))

    def acknowledge(self) -> bool:
        """The host has the last SMS; False when there is none to acknowledge."""
        if self._unacknowledged is None or not self.service:
            return False
        incoming, self._unacknowledged = self._unacknowledged, None
        incoming.done(True)
        self.later(0.05, self.deliver_waiting)
        return True

    def _ack_missing(self, incoming: Incoming) -> None:
        if self._unacknowledged is incoming:
            self._unacknowledged = None
            self.cnmi[1] = self.cnmi[3] = 0
            incoming.done(False)
            self.deliver_waiting()

    def first(self, name: str) -> int:
        """The lowest index of a store."""
        return self.family.first_index if name == "ME" else max(1, self.family.first_index)

    def put(self, name: str, octets: bytes, stat: int) -> int | None:
        store = self.stores[name]
        for index in range(self.first(name), self.first(name) + self.sizes[name]):
            if index not in store:
                store[index] = (stat, octets)
                return index
        return None

    # -- what it says

    def _urc(self, text: str, octets: bytes | None = None) -> None:
        if self.lose_indications:
            self.lose_indications -= 1
            return
        self._indications.append((text, octets))
        if not self._busy and not self._input:
            self._indicate()

    def _indicate(self) -> None:
        if self.prompt is not None:
            return
        while self._indications:
            text, octets = self._indications.popleft()
            if octets is None:
                self.say(text)
            else:
                self.say_sms(text, octets)

    def say(self, text: str) -> None:
        if not self._dead:
            self.log.append(("modem", text))
            self.out(f"\r\n{text}\r\n".encode("latin-1"))

    def say_sms(self, head: str, octets: bytes) -> None:
        digits = octets.hex().upper()
        if self.cut_lines:
            self.cut_lines -= 1
            at = self._random.randrange(len(digits))
            digits = digits[:at] + digits[at + 1 + self._random.randrange(12) :]
        self.say(f"{head}\r\n{digits}")

    def out(self, octets: bytes) -> None:
        if not self._dead:
            self.write(octets)

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        # Nothing that was begun outlives the power.
        cycle = self.power_cycles

        def run() -> None:
            self._timers.discard(handle)
            if cycle == self.power_cycles:
                work()

        handle = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(handle)

    def _defaults(self) -> None:
        self.echo = True
        self.errors = 0
        self.text_mode = self.family.text_mode
        self.charset = "GSM"
        self.service = 0
        self.cnmi = list(self.family.default_cnmi)
        first = next(iter(self.sizes))
        self.selected = [first] * 3
        self._input = bytearray()
        self._lines: deque[str] = deque()
        self._busy = False
        self.prompt = None
        self._indications: deque[tuple[str, bytes | None]] = deque()

    # -- faults

    def restart(self, seconds: float | None = None) -> None:
        """Lose power for some seconds: settings go, stores stay."""
        self.power_cycles += 1
        self._dead = True
        self.sim_ready = False
        for incoming in [*self._waiting, *([self._unacknowledged] if self._unacknowledged else [])]:
            incoming.done(False)
        self._waiting.clear()
        self._unacknowledged = None
        self.later(self.boot_seconds if seconds is None else seconds, self._boot)

    def _boot(self) -> None:
        self._dead = False
        self._defaults()
        for i, text in enumerate(self.family.boot):
            self.later(0.2 * i, functools.partial(self.say, text))
        self.later(self.sim_seconds, self._sim_is_ready)

    def _sim_is_ready(self) -> None:
        self.sim_ready = True
        for text in self.family.ready:
            self.say(text)
        self.space()

    def dead(self, seconds: float) -> None:
        """Neither hear nor speak for some seconds, and keep all settings."""
        self._dead = True

        def wake() -> None:
            self._dead = False

        self.later(seconds, wake)

    def noise(self, octets: int) -> None:
        """Say some octets that mean nothing."""
        self.out(self._random.randbytes(octets))

    def babble(self, seconds: float, rate: int = 1000) -> None:
        """Say `rate` octets a second that mean nothing, for some seconds."""
        end = asyncio.get_running_loop().time() + seconds

        def more() -> None:
            self.noise(rate // 10)
            if asyncio.get_running_loop().time() < end:
                self.later(0.1, more)

        more()

    def close(self) -> None:
        """End all that is under way."""
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()
