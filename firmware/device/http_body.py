# The body of an HTTP request, taken out of its framing while it arrives.
# RFC 9112 6.2 (Content-Length) and 7.1 (chunked).
#
# Contract: feed octets as they come, split anywhere; each run of body octets goes to
# sink(buf, off, end) at once. Nothing is kept, so the body has no bound here: the sink has one.
#
#     chunk    = size in hex, perhaps ;extension CRLF, that many octets, CRLF
#     the last = 0 CRLF, trailers, CRLF
#
#     SIZE -> EXTENSION -> DATA -> CRLF -> SIZE ...      0: SIZE -> TRAILER -> done
#
# Bounds: _CHUNK octets a chunk, _LINE octets a chunk's size line, _TRAILERS octets of trailers.
from micropython import const

from .http_head import Refused

CHUNKED = const(-1)

_LINE = const(64)
_TRAILERS = const(256)
_CHUNK = const(0xFFFFFF)
_BAD = const(400)

_SIZE = const(0)
_EXTENSION = const(1)
_DATA = const(2)
_CRLF = const(3)
_TRAILER = const(4)


class Body:
    """A body of `length` octets, or CHUNKED."""

    def __init__(self, length: int, sink) -> None:
        self.sink = sink
        self.done = length == 0
        self._chunked = length == CHUNKED
        self._left = 0 if self._chunked else length
        self._state = _SIZE if self._chunked else _DATA
        self._line = 0  # octets of this line of framing
        self._digits = 0

    def feed(self, buf, off: int, end: int) -> int:
        """Read buf[off:end] up to the end of the body; returns where it stopped."""
        while off < end and not self.done:
            if self._state == _DATA:
                stop = min(end, off + self._left)
                self.sink(buf, off, stop)
                self._left -= stop - off
                off = stop
                if not self._left:
                    self._state = _CRLF
                    self.done = not self._chunked
            else:
                self._framing(buf[off])
                off += 1
        return off

    def _framing(self, c):
        self._line += 1
        if self._line > (_TRAILERS if self._state == _TRAILER else _LINE):
            raise Refused(_BAD)
        state = self._state
        if state == _SIZE:
            if c == 10:
                self._end_of_size()
            elif c in b" \t\r;":
                self._state = _EXTENSION
            else:
                self._left = self._left << 4 | _hex(c)
                self._digits += 1
                if self._left > _CHUNK:
                    raise Refused(413)
        elif state == _EXTENSION:
            if c == 10:
                self._end_of_size()
        elif state == _CRLF:
            # After DATA: nothing but the end of a line.
            if c == 10:
                self._state = _SIZE
                self._line = self._digits = 0
            elif c != 13 or self._line > 1:
                raise Refused(_BAD)
        elif c == 10:  # TRAILER: lines nobody reads; _digits counts the octets of this one
            if not self._digits:
                self.done = True
            self._digits = 0
        elif c != 13:
            self._digits += 1

    def _end_of_size(self):
        if not self._digits:
            raise Refused(_BAD)
        self._state = _DATA if self._left else _TRAILER
        self._line = self._digits = 0


def _hex(c):
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    if 97 <= c <= 102:
        return c - 87
    raise Refused(_BAD)
