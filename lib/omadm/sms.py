# SMS as it comes from a modem in PDU mode: one SMS-DELIVER, and messages of several of them.
# 3GPP TS 23.040 9.2.2.1 (SMS-DELIVER), 9.2.3.24 (user data header); TS 23.038 4 (DCS).
#
#   SCA   len  TOA digits...          len 0: absent; not counted by the modem's <length>
#   FO    ..UDHI(40)....MTI(03)       MTI 0 and 3: DELIVER
#   OA    semi-octets  TOA  value     TOA 5x: alphanumeric, 7-bit packed
#   PID 1   DCS 1   SCTS 7   UDL 1    UDL counts octets in 8-bit data
#   UD    UDHL { IEI len data }...    then the payload
#         00 ref total seq | 08 ref16 total seq | 04 dst src | 05 dst16 src16, in any order
#
# Contract: Deliver.parse raises Malformed for octets that are no SMS; `ours` is False for every
# SMS that is none for port 2948. Reassembler never raises: each part gets a verdict.
# Bounds: SMS_ASSEMBLIES messages, `room` octets over all of them, checked before a part is kept.
# The sender's address is part of a key, never a proof: anybody can write it.
# Non-goals: text, status reports, ports other than 2948; keeping parts over a reset (the modem's
# store does that: a part stays there until its token comes out of `trash`).
import binascii

from micropython import const

from .errors import Malformed
from .limits import SMS_ASSEMBLIES, SMS_FINISHED

_CUT = const(120)
_BAD_SCA = const(121)
_BAD_SENDER = const(122)
_BAD_LENGTH = const(123)
_TAIL = const(124)
_BAD_HEADER = const(125)

_UDHI = const(0x40)
_PUSH_PORT = const(2948)
_ADDRESS = const(20)  # semi-octets of the longest address
_SCA = const(11)  # octets of the longest service centre address
_UD = const(140)  # octets of user data in one SMS
_FULL = const(127)  # payload of a full part when only the last one, a short one, was seen
_CHARGE = const(64)  # least octets a part is counted as: what its book-keeping costs
_IDLE = const(20)  # seconds without a part after which a message steps aside for another
_SMALL = const(0x3FFFFFFF)

# Verdicts
KEPT = const(0)  # held in RAM, the message is not whole yet
READY = const(1)  # that made a message whole: see ready()
DUPLICATE = const(2)  # a copy of what we have, or of a message that is finished
REFUSED = const(3)  # the message can't fit, or is too old to push another one out
LATER = const(4)  # no room now; ask again


class Deliver:
    """The fields of one SMS-DELIVER; reused from SMS to SMS.

    ours        True for 8-bit data to the push port; only then the rest holds
    tpdu        offset behind the service centre address: a modem counts from here
    off, end    the payload
    total, seq  1, 1 for a message of one part
    key         what all parts of one message have in common, or None for a single one
    stamp       time stamp of the service centre, sortable; a claim, as all of it
    mark        a number that only copies of the same SMS share
    """

    def __init__(self) -> None:
        self.ours = False
        self.tpdu = self.off = self.end = self._oa = self._oa_end = 0
        self.total = self.seq = 1
        self.key: bytes | None = None
        self.stamp = b""
        self.mark = 0

    def parse(self, pdu, off: int, end: int) -> None:
        """Read pdu[off:end]; raises Malformed."""
        self.ours = False
        if off >= end:
            raise Malformed(_CUT)
        if pdu[off] > _SCA:
            raise Malformed(_BAD_SCA)
        self.tpdu = at = off + 1 + pdu[off]
        if at >= end:
            raise Malformed(_CUT)
        first = pdu[at]
        if 0 < first & 3 < 3:
            return  # a report
        if at + 3 > end:
            raise Malformed(_CUT)
        n = pdu[at + 1]
        if n > _ADDRESS:
            raise Malformed(_BAD_SENDER)
        self._oa = at + 1
        self._oa_end = at = at + 3 + (n + 1 >> 1)
        if at + 10 > end:
            raise Malformed(_CUT)
        pid = pdu[at]
        dcs = pdu[at + 1]
        n = pdu[at + 9]
        self.off = at = at + 10
        # 8-bit data, not compressed: 0x04 in the groups 00-7F, F4-F7. The rest is no push.
        if dcs & 0xF4 != 0xF4 and dcs & 0xAC != 0x04:
            return
        self.end = at + n
        if n > _UD:
            raise Malformed(_BAD_LENGTH)
        if self.end > end:
            raise Malformed(_CUT)
        for i in range(self.end, end):
            if pdu[i] != 0xFF:  # what a SIM fills its records with
                raise Malformed(_TAIL)
        if not first & _UDHI:
            return  # no port
        if not n or at + 1 + pdu[at] > self.end:
            raise Malformed(_BAD_HEADER)
        self._header(pdu, at)
        # Type 0 and downloads to SIM or modem (7C-7F) are for others, whatever their port
        if pid == 0x40 or 0x7C <= pid < 0x80:
            self.ours = False

    def _header(self, pdu, at: int) -> None:
        self.off = end = at + 1 + pdu[at]
        at += 1
        ref = source = b""
        port = -1
        total = seq = 1
        while at + 2 <= end:
            ie = pdu[at]
            n = pdu[at + 1]
            at += 2
            if at + n > end:
                return  # lengths don't add up: the whole header counts for nothing
            if ie == 5 and n == 4 and pdu[at] < 0xC0:
                port = pdu[at] << 8 | pdu[at + 1]
                source = pdu[at + 2 : at + 4]
            elif ie == 4 and n == 2 and pdu[at] >= 240:
                port = pdu[at]
            elif (ie == 0 and n == 3 or ie == 8 and n == 4) and 0 < pdu[at + n - 1] <= pdu[at + n - 2]:
                ref = pdu[at : at + n - 1]  # reference and total; its length tells the width
                total = pdu[at + n - 2]
                seq = pdu[at + n - 1]
            at += n
        if at != end or port != _PUSH_PORT:
            return
        self.ours = True
        self.total = total
        self.seq = seq
        self.key = None
        if total > 1:
            self.key = bytes(pdu[self._oa : self._oa_end]) + bytes(ref) + bytes(source)
        at = self._oa_end + 2
        self.stamp = bytes([(c << 4 | c >> 4) & 0xFF for c in pdu[at : at + 6]])
        self.mark = binascii.crc32(pdu[self.off : self.end], binascii.crc32(pdu[at : at + 7])) & _SMALL

    def sender(self, pdu) -> str:
        """Return the sender's address for people: digits, or text (ASCII of it)."""
        n = pdu[self._oa]
        kind = pdu[self._oa + 1] & 0x70
        at = self._oa + 2
        if kind == 0x50:
            text = ""
            bits = 0
            for i in range(n * 4 // 7):
                bits = i * 7
                c = pdu[at + (bits >> 3)] >> (bits & 7)
                if bits & 7 > 1:
                    c |= pdu[at + (bits >> 3) + 1] << 8 - (bits & 7)
                c &= 0x7F
                text += chr(c) if 0x24 < c < 0x5B and c != 0x40 or 0x60 < c < 0x7B or c == 0x20 else "?"
            return text
        text = "+" if kind == 0x10 else ""
        for i in range(n):
            text += "0123456789*#abc?"[pdu[at + (i >> 1)] >> (i & 1) * 4 & 15]
        return text


class Assembly:
    """A message on its way; `tokens` say where the modem still holds its parts (-1: nowhere)."""

    def __init__(self, d, now: int) -> None:
        self.key = d.key
        self.stamp = d.stamp
        self.missing = d.total
        self.octets = 0
        self.first = self.last = now
        self.seqs = bytearray()  # in order of arrival, as the next three
        self.parts = []  # type: list
        self.marks = []  # type: list
        self.tokens = []  # type: list

    def payload(self) -> list:
        """Return the parts in their order."""
        return [self.parts[self.seqs.find(bytes((i + 1,)))] for i in range(len(self.seqs))]


class Reassembler:
    """Messages of one or several parts, in any order, interleaved, repeated.

    room      octets over all messages, and so the longest message
    timeout   seconds without a new part after which a message is given up
    lifetime  seconds after which it is given up in any case
    trash     tokens of parts the modem need not hold any longer; the caller empties it
    dropped   messages that were given up: timed out, pushed out, or their reference used anew
    """

    def __init__(self, room: int, timeout: int = 1800, lifetime: int = 86400) -> None:
        self.room = room
        self.timeout = timeout
        self.lifetime = lifetime
        self.octets = 0
        self.dropped = 0
        self.trash = []  # type: list
        self._open = []  # type: list
        self._finished = []  # type: list

    def add(self, d, pdu, now: int, token: int = -1, press: bool = True) -> int:
        """Take the part that `d` read from `pdu`, and return a verdict.

        now: seconds of a clock that never goes back. token: where the modem holds it.
        press: the message that was sent first has to go, be it this one. Without it only one
        that is idle steps aside, and the modem keeps its parts.
        """
        self.expire(now)
        part = bytes(pdu[d.off : d.end])
        charge = max(len(part), _CHARGE)
        a = None
        if d.key is not None:
            for a in self._open:
                if a.key == d.key:
                    break
            else:
                a = None
                for key, marks in self._finished:
                    if key == d.key and d.mark in marks:
                        return DUPLICATE
        if a is not None:
            i = a.seqs.find(bytes((d.seq,)))
            if i >= 0 and a.parts[i] == part:
                if a.tokens[i] < 0:
                    a.tokens[i] = token
                return KEPT if a.tokens[i] == token else DUPLICATE
            if not a.missing:
                return LATER
            if i >= 0:  # the sender uses this reference for a new message
                self._drop(a, True)
                a = None
            elif a.octets + charge > self.room:
                self._drop(a, True)
                return REFUSED
        if a is None:
            full = max(len(part), 1) if d.seq < d.total else _FULL
            if (d.total - 1) * full >= self.room or charge > self.room:
                return REFUSED
        while self.octets + charge > self.room or a is None and d.key and self._full():
            oldest = None
            for b in self._open:
                if b is not a and b.missing and (press or now - b.last >= _IDLE):
                    if oldest is None or (b.stamp, b.last) < (oldest.stamp, oldest.last):
                        oldest = b
            if oldest is None:
                return LATER
            if press and a is None and d.stamp < oldest.stamp:
                return REFUSED
            self._drop(oldest, press)
        if a is None:
            a = Assembly(d, now)
            self._open.append(a)
        a.seqs.append(d.seq)
        a.parts.append(part)
        a.marks.append(d.mark)
        a.tokens.append(token)
        a.missing -= 1
        a.octets += charge
        self.octets += charge
        a.last = now
        if d.stamp < a.stamp:
            a.stamp = d.stamp
        return KEPT if a.missing else READY

    def _full(self) -> bool:
        n = 0
        for a in self._open:
            if a.key:
                n += 1
        return n >= SMS_ASSEMBLIES

    def _drop(self, a, trash: bool) -> None:
        self.dropped += 1
        self._remove(a, trash)

    def _remove(self, a, trash: bool) -> None:
        self._open.remove(a)
        self.octets -= a.octets
        if trash:
            for token in a.tokens:
                if token >= 0:
                    self.trash.append(token)

    def ready(self):
        """Return the whole message that was sent first, or None; give it back by done()."""
        found = None
        for a in self._open:
            if not a.missing and (found is None or a.stamp < found.stamp):
                found = a
        return found

    def done(self, a, remember: bool = True) -> None:
        """A message from ready() was dealt with; remember it, so that late copies are ignored."""
        self._remove(a, True)
        if remember and a.key:
            self._finished.append((a.key, a.marks))
            if len(self._finished) > SMS_FINISHED:
                self._finished.pop(0)

    def expire(self, now: int) -> None:
        """Give up what waits too long."""
        for i in range(len(self._open) - 1, -1, -1):
            a = self._open[i]
            if a.missing and (now - a.last >= self.timeout or now - a.first >= self.lifetime):
                self._drop(a, True)

    def release(self) -> None:
        """Hand all stored copies of open messages to `trash`; from now on they are in RAM only."""
        for a in self._open:
            for i in range(len(a.tokens)):
                if a.tokens[i] >= 0:
                    self.trash.append(a.tokens[i])
                    a.tokens[i] = -1

    def restart(self) -> None:
        """The modem's store may be another one: forget where parts were held."""
        self.trash.clear()
        for a in self._open:
            for i in range(len(a.tokens)):
                a.tokens[i] = -1
