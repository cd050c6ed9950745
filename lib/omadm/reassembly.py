# Messages of one or several SMS, put together in any order, interleaved, repeated.
# 3GPP TS 23.040 9.2.3.24.1 and 9.2.3.24.8 (concatenation); what one SMS says is in sms.
#
#   buf     |_SLOT octets|_SLOT octets| ...    one payload each
#   owner, seq, size, mark, token              of each: which message, which part of it, how long,
#                                              what only copies share, where the modem holds it
#   marks, times    ring of what is known though it is not here: parts of finished messages, and of
#                   messages that stepped aside
#
# Contract: add() never raises, each part gets a verdict. All memory is taken once, in the
# beginning: what strangers send neither grows the heap nor tears it up, and where it is used up by
# others a part is asked for again later (LATER) and nothing has changed. A message that
# announces more parts than there are slots is refused with its first part.
# Bounds: SMS_ASSEMBLIES messages of several parts, SMS_SINGLES of one, `slots` SMS over all of them.
# Whoever has had no new part for longest steps aside. What steps aside stays in the modem's store,
# and when it is read from there again it is as old as it was: so what never becomes whole can't
# keep out what does, and its time runs out.
# Non-goals: keeping parts over a reset (the modem's store does that: a part stays there until its
# token comes out of `trash`).
from array import array

from micropython import const

from .limits import SMS_ASSEMBLIES, SMS_SINGLES

_SLOT = const(133)  # octets of user data beside a header with nothing but ports
_IDLE = const(20)  # seconds without a new part after which a message steps aside for another
_NOTHING = const(-1)
_FINISHED = const(-1)

# Verdicts
KEPT = const(0)  # held in RAM, the message is not whole yet
READY = const(1)  # that made a message whole: see ready()
DUPLICATE = const(2)  # a copy of what we have, or of a message that is finished
REFUSED = const(3)  # the message can't fit, or is too old to push another one out
LATER = const(4)  # no room now; ask again


class Message:
    """A message on its way; reused for another one when it is gone.

    number  from 1: its name in the rows; total: parts, 0 for a row that is free
    stamp   of its oldest part, by the service centre
    first, last   seconds at which it began, and had its last new part
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.total = self.missing = self.first = self.last = 0
        self.key: bytes | None = None
        self.stamp = b""


class Reassembler:
    """Gathers parts.

    room      octets for payloads, _SLOT for each; and so the longest message
    timeout   seconds without a new part after which a message is given up
    lifetime  seconds after which it is given up in any case
    trash     tokens of parts the modem need not hold any longer; the caller empties it
    dropped   messages that were given up: timed out, pushed out, or their reference used anew
    """

    def __init__(self, room: int, timeout: int = 1800, lifetime: int = 86400) -> None:
        self.slots = n = room // _SLOT
        self.timeout = timeout
        self.lifetime = lifetime
        self.dropped = 0
        self.trash = []  # type: list
        self._buf = memoryview(bytearray(n * _SLOT))
        self._owner = bytearray(n)  # 0: the slot is free
        self._seq = bytearray(n)
        self._size = bytearray(n)
        self._mark = array("i", bytes(4 * n))
        self._token = array("h", bytes(2 * n))
        self._marks = array("i", [_NOTHING] * (2 * n))
        self._times = array("i", [_FINISHED] * (2 * n))
        self._at = 0  # in the ring
        self._messages = [Message(i + 1) for i in range(SMS_ASSEMBLIES + SMS_SINGLES)]

    def add(self, d, pdu, now: int, token: int = -1, press: bool = True) -> int:
        """Take the part that `d` read from `pdu`, and return a verdict.

        now: seconds of a clock that never goes back. token: where the modem holds it, to 32767.
        press: the message that was sent first has to go, be it this one. Without it only one
        that is idle steps aside, and the modem keeps its parts.
        """
        self.expire(now)
        size = d.end - d.off
        if d.total > self.slots or size > _SLOT:
            return REFUSED
        if token >= 0 and token in self.trash:
            return KEPT  # it is about to be deleted there, and must not be once more
        try:
            payload = memoryview(pdu)[d.off : d.end]
        except MemoryError:
            return LATER
        # From here on nothing allocates, so nothing can be half done.
        message = self._find(d)
        seen = self._seen(d.mark)
        if message is not None:
            i = self._slot(message, d.seq)
            if i >= 0 and self._same(i, payload, size):
                if self._token[i] < 0:
                    self._token[i] = token
                return KEPT if self._token[i] == token else DUPLICATE
            if not message.missing:
                return LATER
            if i >= 0:  # the sender uses this reference for a new message
                self._drop(message, True)
                message = None
        elif d.key is not None and seen >= 0 and self._times[seen] == _FINISHED:
            return DUPLICATE
        last = now if seen < 0 or self._times[seen] == _FINISHED else self._times[seen]
        row = message or self._free(d)
        i = self._owner.find(b"\0")
        while row is None or i < 0:
            oldest = self._oldest(message, now, last, press)
            if oldest is None or row is None and d.key is None:
                return LATER
            if press and message is None and d.stamp < oldest.stamp:
                return REFUSED
            self._drop(oldest, press)
            row = message or self._free(d)
            i = self._owner.find(b"\0")
        if message is None:
            row.key = d.key
            row.total = row.missing = d.total
            row.first = row.last = last
            row.stamp = d.stamp
        self._owner[i] = row.number
        self._seq[i] = d.seq
        self._size[i] = size
        self._mark[i] = d.mark
        self._token[i] = token
        at = i * _SLOT
        for octet in payload:
            self._buf[at] = octet
            at += 1
        row.missing -= 1
        row.last = max(row.last, last)
        if d.stamp < row.stamp:
            row.stamp = d.stamp
        return KEPT if row.missing else READY

    def part(self, message, seq: int):
        """Return the payload of one part of a whole message, for reading while it is held."""
        i = self._slot(message, seq)
        return self._buf[i * _SLOT : i * _SLOT + self._size[i]]

    def octets(self, message, seq: int) -> int:
        """Return how many octets the parts from `seq` on have."""
        n = 0
        for i in range(self.slots):
            if self._owner[i] == message.number and self._seq[i] >= seq:
                n += self._size[i]
        return n

    def ready(self):
        """Return the whole message that was sent first, or None; give it back by done()."""
        found = None
        for m in self._messages:
            if m.total and not m.missing and (found is None or m.stamp < found.stamp):
                found = m
        return found

    def done(self, message, remember: bool = True) -> None:
        """A message from ready() was dealt with; remember it, so that late copies are ignored."""
        self._remove(message, True, remember and message.key is not None, _FINISHED)

    def expire(self, now: int) -> None:
        """Give up what waits too long."""
        for m in self._messages:
            if m.total and m.missing:
                if now - m.last >= self.timeout or now - m.first >= self.lifetime:
                    self._drop(m, True)

    def release(self) -> None:
        """Hand all stored copies of open messages to `trash`; from now on they are in RAM only."""
        for i in range(self.slots):
            if self._owner[i]:
                self._let_go(i)

    def restart(self) -> None:
        """The modem's store may be another one: forget where parts were held."""
        self.trash.clear()
        for i in range(self.slots):
            self._token[i] = -1

    # -- rows

    def _find(self, d):
        if d.key is not None:
            for m in self._messages:
                if m.total and m.key == d.key:
                    return m
        return None

    def _free(self, d):
        # A single one needs no row of the others, so fragments can't keep it out.
        i = SMS_ASSEMBLIES if d.key is None else 0
        end = len(self._messages) if d.key is None else SMS_ASSEMBLIES
        while i < end:
            if not self._messages[i].total:
                return self._messages[i]
            i += 1
        return None

    def _slot(self, message, seq: int) -> int:
        for i in range(self.slots):
            if self._owner[i] == message.number and self._seq[i] == seq:
                return i
        return -1

    def _same(self, i: int, payload, size: int) -> bool:
        if self._size[i] != size:
            return False
        at = i * _SLOT
        for octet in payload:
            if self._buf[at] != octet:
                return False
            at += 1
        return True

    def _oldest(self, message, now: int, last: int, press: bool):
        # Who has to go for another one; it can't be `message`, nor one that is whole.
        oldest = None
        for m in self._messages:
            if not m.total or not m.missing or m is message:
                continue
            if not press and (now - m.last < _IDLE or m.last > last):
                continue
            if oldest is None or press and m.stamp < oldest.stamp:
                oldest = m
            elif m.last < oldest.last and (not press or m.stamp == oldest.stamp):
                oldest = m
        return oldest

    def _drop(self, message, trash: bool) -> None:
        self.dropped += 1
        self._remove(message, trash, not trash, message.last)

    def _remove(self, message, trash: bool, remember: bool, time: int) -> None:
        number = message.number
        message.total = 0
        for i in range(self.slots):
            if self._owner[i] == number:
                self._owner[i] = 0
                if trash:
                    self._let_go(i)
                if remember:
                    self._note(self._mark[i], time)

    def _let_go(self, i: int) -> None:
        token = self._token[i]
        self._token[i] = -1
        if token >= 0:
            try:
                self.trash.append(token)
            except MemoryError:
                pass  # it is read from the store once more, and known

    def _seen(self, mark: int) -> int:
        for i in range(len(self._marks)):
            if self._marks[i] == mark:
                return i
        return -1

    def _note(self, mark: int, time: int) -> None:
        i = self._seen(mark)
        if i < 0:
            i = self._at
            self._at = (i + 1) % len(self._marks)
        self._marks[i] = mark
        self._times[i] = time
