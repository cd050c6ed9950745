# From SMS to pushes: SMS-DELIVER -> parts -> WSP push -> spool -> client.accept.
#
# Contract: part() takes one SMS and says what became of it, settle() hands on what is whole, the
# message that was sent first first. What is no push of ours, is broken or does not fit is
# counted, never raised. `trash` then lists the tokens of SMS that nobody needs any longer: an SMS
# is named there after the client has dealt with its message, so a board that loses power before
# finds it in the modem's store again; the client's replay check makes that harmless.
# The spool is shared with other receivers through `lock`.
# Non-goals: how SMS come in (modem), what a push means (client).
import asyncio

from micropython import const
from omadm.errors import Malformed, StorageFailed, TooLarge
from omadm.limits import WSP_HEADERS
from omadm.push import Push
from omadm.sms import DUPLICATE, LATER, REFUSED, Deliver, Reassembler
from omadm.wsp import WspPush, reach

FOREIGN = const(5)  # besides the verdicts of sms: an SMS for others
BROKEN = const(6)  # no SMS at all


class SmsReceiver:
    """Gathers the SMS of pushes; `client` is anything with accept(push).

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
        self.parts = Reassembler(len(spool.buf) + WSP_HEADERS)
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

    def part(self, pdu, token: int = -1, press: bool = True) -> int:
        """Take one SMS, service centre address and all; `token` and `press` as in sms."""
        deliver = self._deliver
        try:
            deliver.parse(pdu, 0, len(pdu))
        except Malformed:
            self.broken += 1
            return BROKEN
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
        while message is not None:
            some = True
            async with self.lock:
                self._hand_on(message)
            message = self.parts.ready()
        return some

    def _hand_on(self, message) -> None:
        outcome = None
        code = 0
        keep = True
        self.settled += 1
        try:
            push = self._push(message.payload())
            self.pushes += 1
            outcome = self.client.accept(push)
            # A broken flash may work again: then the same SMS, sent again, must not look late.
            keep = outcome is None or outcome.error != StorageFailed.__name__
        except (Malformed, TooLarge) as problem:
            self.dropped += 1
            code = problem.args[0]
        finally:
            self.parts.done(message, keep)
        if self.on_push is not None:
            self.on_push(outcome, code)

    def _push(self, parts):
        # Put the front together until the headers lie in one piece; the rest goes as it is.
        head = parts[0]
        used = 1
        body = reach(head, 0, len(head))
        while body > len(head) and used < len(parts):
            head += parts[used]
            used += 1
            body = reach(head, 0, len(head))
        more = 0
        for part in parts[used:]:
            more += len(part)
        wsp = self._wsp
        wsp.parse(head, 0, len(head), more)
        spool = self.spool
        spool.reset()
        spool.write(memoryview(head)[wsp.body :])
        for part in parts[used:]:
            spool.write(part)
        headers = {"x-syncml-hmac": wsp.hmac} if wsp.hmac is not None else {}
        return Push("sms", False, wsp.content_type, wsp.app_id, headers, spool)
