# From SMS to pushes: SMS-DELIVER -> parts -> WSP push -> spool -> client.steps.
#
# Contract: part() takes one SMS and says what became of it, settle() hands on what is whole, the
# message that was sent first first. What is no push of ours, is broken or does not fit is
# counted, never raised. `trash` then lists the tokens of SMS that nobody needs any longer: an SMS
# is named there after the client has dealt with its message, so a board that loses power before
# finds it in the modem's store again; the client's replay check makes that harmless.
# A push for which the application leaves no heap is kept and tried again, _TRIES times in all.
# The spool is shared with other receivers through `lock`.
# Non-goals: how SMS come in (modem), what a push means (client).
import asyncio

from micropython import const
from omadm.errors import Malformed, StorageFailed, TooLarge
from omadm.limits import SMS_OCTETS, WSP_HEADERS
from omadm.push import Push
from omadm.reassembly import DUPLICATE, LATER, REFUSED, Reassembler
from omadm.sms import Deliver
from omadm.wsp import WspPush, reach

from .turns import accept

FOREIGN = const(5)  # besides the verdicts of sms: an SMS for others
BROKEN = const(6)  # no SMS at all

_SPOOL_FULL = const(90)
_NO_HEAP = const(96)
_TRIES = const(3)
_PAUSE = const(20)  # seconds before a push is tried again for which there was no heap


class SmsReceiver:
    """Gathers the SMS of pushes; `client` is anything with steps(push) and finish().

    clock    seconds that never go back
    on_push  called with (outcome, code): the client's outcome, or None and the code of
             lib/omadm/errors.py why the push did not get to the client
    """

    def __init__(self, client, spool, clock, lock=None, on_push=None) -> None:
        self.client = client
        self.spool = spool
        self.clock = clock
        self.lock = lock or asyncio.Lock()
        self.on_push = on_push
        self.parts = Reassembler(min(SMS_OCTETS, len(spool.buf) + WSP_HEADERS))
        self.trash = self.parts.trash
        self.taken = 0  # SMS of pushes, copies included
        self.copies = 0
        self.foreign = 0
        self.broken = 0
        self.refused = 0  # SMS of a message that can't fit
        self.pushes = 0  # handed to the client
        self.dropped = 0  # whole, but no push of ours
        self.settled = 0  # messages dealt with
        self._deliver = Deliver()
        self._wsp = WspPush()
        self._tries = 0
        self._not_before = 0

    def part(self, pdu, token: int = -1, press: bool = True) -> int:
        """Take one SMS, service centre address and all; `token` and `press` as in sms."""
        deliver = self._deliver
        try:
            deliver.parse(pdu, 0, len(pdu))
        except Malformed:
            self.broken += 1
            return BROKEN
        except MemoryError:
            return LATER
        if not deliver.ours:
            self.foreign += 1
            return FOREIGN
        verdict = self.parts.add(deliver, pdu, self.clock(), token, press)
        if verdict != LATER:
            self.taken += 1
        if verdict == DUPLICATE:
            self.copies += 1
        elif verdict == REFUSED:
            self.refused += 1
        return verdict

    async def settle(self) -> bool:
        """Hand whole messages to the client; True when there was one."""
        self.parts.expire(self.clock())
        some = False
        message = self.parts.ready()
        while message is not None and self.clock() >= self._not_before:
            some = True
            async with self.lock:
                await self._hand_on(message)
            message = self.parts.ready()
        return some

    async def _hand_on(self, message):
        outcome = None
        code = 0
        keep = True
        try:
            outcome = await accept(self.client, self._push(message))
            # A broken flash may work again: then the same SMS, sent again, must not look late.
            keep = outcome is None or outcome.error != StorageFailed.__name__
            code = outcome.code if outcome is not None and outcome.error == TooLarge.__name__ else 0
        except (Malformed, TooLarge) as problem:
            code = problem.args[0]
        except MemoryError:
            code = _NO_HEAP
        except Exception:
            self.parts.done(message, keep)
            raise
        self._tries += 1
        if code == _NO_HEAP and self._tries < _TRIES:
            self._not_before = self.clock() + _PAUSE
            return
        self._tries = 0
        self.settled += 1
        self.parts.done(message, keep)
        if outcome is None and code:
            self.dropped += 1
        else:
            self.pushes += 1
            code = 0
        if self.on_push is not None:
            self.on_push(outcome, code)

    def _push(self, message):
        # The headers are put together in the spool's own buffer, and their values copied; then
        # the body goes where they were.
        parts = self.parts
        spool = self.spool
        buf = spool.buf
        seq = end = 0
        body = 1
        while body > end and seq < message.total:
            seq += 1
            part = parts.part(message, seq)
            if end + len(part) > len(buf):
                raise TooLarge(_SPOOL_FULL)
            buf[end : end + len(part)] = part
            end += len(part)
            body = reach(buf, 0, end)
        wsp = self._wsp
        wsp.parse(buf, 0, end, parts.octets(message, seq + 1))
        spool.reset()
        spool.write(part[len(part) - (end - body) :])
        while seq < message.total:
            seq += 1
            spool.write(parts.part(message, seq))
        headers = {"x-syncml-hmac": wsp.hmac} if wsp.hmac is not None else {}
        return Push("sms", False, wsp.content_type, wsp.app_id, headers, spool)
