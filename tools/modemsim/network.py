"""The network between simulated modems: brings SMS, and again when one was not taken."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from . import pdu as sms
from .modem import SimModem


@dataclass
class Message:
    """An SMS-DELIVER for a number, as long as it is not taken."""

    to: str
    pdu: bytes
    tries: int = 0
    under_way: bool = False


class Network:
    """Modems by number; sends what one submits to the other."""

    def __init__(self, retry_seconds: float = 60.0, pace: float = 0.2) -> None:
        self.retry_seconds = retry_seconds
        self.pace = pace  # seconds from one SMS to the next
        self.modems: dict[str, SimModem] = {}
        self.messages: list[Message] = []
        self.delivered = 0
        self.lost: list[bytes] = []  # submitted to numbers nobody has, or no SMS-SUBMIT
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self._timer: asyncio.TimerHandle | None = None
        self._free_at = 0.0  # the loop's time from which the next SMS may go

    def add(self, modem: SimModem) -> SimModem:
        """Let a modem take part."""
        self.modems[modem.number] = modem
        modem.send = self._submitted
        modem.space = lambda: self._again(modem.number)
        return modem

    def deliver(self, to: str, pdu: bytes) -> None:
        """Bring an SMS-DELIVER, with its service centre address, to a number."""
        sms.class_of(pdu)
        self.messages.append(Message(to, pdu))
        self._wake(0)

    def _submitted(self, modem: SimModem, pdu: bytes) -> None:
        try:
            to, deliver = sms.deliver_from_submit(pdu, modem.number, self.now())
        except sms.BadPdu:
            self.lost.append(pdu)
            return
        if to in self.modems:
            self.deliver(to, deliver)
        else:
            self.lost.append(pdu)

    def _again(self, number: str) -> None:
        for message in self.messages:
            if message.to == number and not message.under_way:
                message.tries = 0
        self._wake(0)

    def _wake(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        seconds = max(seconds, self._free_at - loop.time())
        if self._timer is not None and not self._timer.cancelled():
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._step)

    def _step(self) -> None:
        # One SMS at a time, the one with the fewest tries first; all tried: a pause.
        self._timer = None
        busy = {m.to for m in self.messages if m.under_way}
        ready = [m for m in self.messages if m.to not in busy and m.tries == 0]
        if not ready:
            for message in self.messages:
                if not message.under_way:
                    message.tries = 0
            if self.messages:
                self._wake(self.retry_seconds)
            return
        message = ready[0]
        message.under_way = True
        self._free_at = asyncio.get_running_loop().time() + self.pace
        message.tries += 1

        def done(taken: bool) -> None:
            message.under_way = False
            if taken and message in self.messages:
                self.messages.remove(message)
                self.delivered += 1
            if self.messages:
                self._wake(self.pace if taken else self.pace * 2)

        self.modems[message.to].incoming(message.pdu, done)
        self._wake(self.pace)

    def close(self) -> None:
        """End all that is under way."""
        if self._timer is not None:
            self._timer.cancel()
        for modem in self.modems.values():
            modem.close()
