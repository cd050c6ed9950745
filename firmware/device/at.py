# What a modem says, told apart: final results, SMS in PDU mode, indications, all the rest.
# 3GPP TS 27.007 (results, errors), TS 27.005 3.4 (SMS in PDU mode); V.250 for lines.
#
#   +CMT: [alpha],length      direct        length is always the last field; it counts the TPDU,
#   +CMGR: stat,[alpha],length    read      not the service centre address before it. The octets
#   +CMGL: index,stat,[alpha],length list   are in the next line, in hexadecimal. Some modems
#   +CDS: length              report        leave a comma out, or put an indication between.
#   +CMTI: "mem",index        stored
#
# Contract: feed() takes octets as they come, next() returns one event at a time and NONE when it
# needs more. Nothing in here waits or writes; anything may be fed. An SMS whose length does not
# fit is dropped and counted in `garbled`; the line after it counts again.
# Bounds: _LINE octets a line; a longer one is dropped up to its end. What is fed at once should
# be small: it is kept until it is used up.
# Non-goals: text mode, data calls, multiplexers.
import binascii

from micropython import const

NONE = const(0)  # feed more
OK = const(1)
ERROR = const(2)  # code: of +CMS or +CME ERROR, -1 without one
INFO = const(3)  # line: anything else
SMS = const(4)  # source, stat, slot, pdu
STORED = const(5)  # mem, index: an SMS has come into the modem's store

# Where an SMS comes from
DIRECT = const(1)  # +CMT: it exists nowhere else
READ = const(2)  # +CMGR
LISTED = const(3)  # +CMGL
REPORT = const(4)  # +CDS

_LINE = const(400)  # the longest PDU is 176 octets, 352 digits
_INDEX_MAX = const(4095)


def number(text: bytes) -> int:
    """Return the number a field holds, quotes and blanks aside; -1 for anything else."""
    n = -1
    for c in text:
        if 0x30 <= c <= 0x39:
            n = max(n, 0) * 10 + c - 0x30
            if n > 99999:
                return -1
        elif c != 0x20 and c != 0x22:
            return -1
    return n


def field(line: bytes, i: int) -> bytes:
    """Return field i behind the colon (-1: the last), without quotes and blanks; b"" for none."""
    parts = line[line.find(b":") + 1 :].split(b",")
    if not -len(parts) <= i < len(parts):
        return b""
    return parts[i].strip().strip(b'"')


def choices(line: bytes) -> list:
    """Return what a test command offers: for each field the list of its numbers.

    `+CNMI: (0-2),(0-3),(0,2),1` gives [[0, 1, 2], [0, 1, 2, 3], [0, 2], [1]].
    """
    found = []
    group = []  # type: list
    low = n = -1
    inside = False
    for c in line[line.find(b":") + 1 :] + b",":
        if 0x30 <= c <= 0x39:
            n = max(n, 0) * 10 + c - 0x30
            if n > 255:
                return []
        elif c == 0x2D:
            low = n
            n = -1
        elif c == 0x28:
            inside = True
        elif c == 0x29 or c == 0x2C:
            if n >= 0:
                group.extend(range(low if low >= 0 else n, n + 1))
            low = n = -1
            if c == 0x29:
                inside = False
            elif not inside:
                found.append(group)
                group = []
    return found


class Talk:
    """The modem's side of the line."""

    def __init__(self) -> None:
        self.garbled = 0
        self.reset()

    def reset(self) -> None:
        """Forget what is half read."""
        self.line = b""
        self.pdu = b""
        self.mem = b""
        self.code = self.stat = self.slot = self.index = -1
        self.source = 0
        self._length = -1  # of the SMS whose octets are to come
        self._octets = b""
        self._at = 0
        self._part = b""
        self._skip = False  # inside a line that is too long

    def feed(self, octets: bytes) -> None:
        """Take what came; call next() until it returns NONE."""
        self._octets = octets
        self._at = 0

    def next(self) -> int:
        """Return the next event."""
        while self._take_line():
            event = self._event(self.line)
            if event:
                return event
        return NONE

    def _take_line(self) -> bool:
        octets = self._octets
        while self._at < len(octets):
            at = self._at
            end = octets.find(b"\n", at)
            if end < 0:
                end = len(octets)
            cr = octets.find(b"\r", at, end)
            if cr >= 0:
                end = cr
            self._at = end + 1
            if len(self._part) + end - at > _LINE:
                self._skip = True
                self._part = b""
            elif not self._skip:
                self._part += octets[at:end]
            if end == len(octets):
                return False
            line = self._part
            self._part = b""
            if self._skip:
                self._skip = False
                self.garbled += 1
                self._length = -1
            elif line:
                self.line = line
                return True
        return False

    def _event(self, line: bytes) -> int:
        if line[0] == 0x2B:  # "+"
            if line.startswith(b"+CMT:"):
                self.slot = self.stat = -1
                return self._header(DIRECT)
            if line.startswith(b"+CMGL:"):
                self.slot = number(field(line, 0))
                self.stat = number(field(line, 1))
                return self._header(LISTED)
            if line.startswith(b"+CMGR:"):
                self.slot = -1
                self.stat = number(field(line, 0))
                return self._header(READ)
            if line.startswith(b"+CDS:"):
                self.slot = self.stat = -1
                return self._header(REPORT)
            if line.startswith(b"+CMTI:"):
                self.mem = field(line, 0)
                self.index = number(field(line, 1))
                return STORED if 0 <= self.index <= _INDEX_MAX else NONE
            if line.startswith(b"+CMS ERROR") or line.startswith(b"+CME ERROR"):
                self.code = number(field(line, 0))
                return self._final(ERROR)
        elif line == b"OK":
            return self._final(OK)
        elif line == b"ERROR" or line == b"COMMAND NOT SUPPORT":
            self.code = -1
            return self._final(ERROR)
        elif self._length >= 0 and line[0] != 0x5E and line[0] != 0x2A:  # "^", "*"
            return self._hex(line)
        return INFO

    def _lost(self) -> None:
        if self._length >= 0:
            self.garbled += 1
        self._length = -1

    def _final(self, event: int) -> int:
        self._lost()
        return event

    def _header(self, source: int) -> int:
        self._lost()
        self.source = source
        self._length = number(field(self.line, -1))
        if self._length < 0:
            self.garbled += 1
        return NONE

    def _hex(self, line: bytes) -> int:
        length = self._length
        self._length = -1
        line = line.strip()
        try:
            self.pdu = binascii.unhexlify(line)
        except ValueError:
            self.garbled += 1
            return NONE
        # MicroPython takes blanks between the digits.
        if len(line) != 2 * len(self.pdu) or not line or len(self.pdu) != 1 + self.pdu[0] + length:
            self.garbled += 1
            return NONE
        return SMS
