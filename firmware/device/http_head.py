# One HTTP header block, of a request or of a response that lies nested in a body.
# RFC 9112 2-5 (start line, field lines), as much as a push needs; OTA-HTTP names.
#
# Contract: feed octets as they come, split anywhere; what is kept is bounded and known
# beforehand: the start line, and six fields by name. All others are checked and dropped, so a
# stranger can't make a dictionary of headers grow. After a Refused the head is dead.
#
#     POST /wappush HTTP/1.1 CRLF        start line: method, path  (a response: HTTP/1.1 200 OK)
#     name: value CRLF                   0..n times, names without regard to case
#     CRLF                               done
#
# Bounds: MAX octets in all; _LINE for a line that is kept; digits of a length.
# Non-goals: folded lines (refused, RFC 9112 5.2 allows that), several values of one field
# (refused), trailers, persistent connections.
from micropython import const

MAX = const(2048)  # octets of the whole block, start line and empty line included
_LINE = const(544)  # octets of a line we keep: x-syncml-hmac with 512 octets of value
_DIGITS = const(8)  # of Content-Length: below 2^30, which a board holds without allocating

_BAD = const(400)
_TOO_LARGE = const(431)
_NOT_IMPLEMENTED = const(501)


class Refused(Exception):
    """This is no request we take; args[0] is the HTTP status to answer."""


class Head:
    """A header block; read the attributes when done is True.

    method, path      of a request, path without its query; both "" for a response
    content_type      lower case, without parameters; "" when absent
    content_length    -1 when absent
    chunked, expect   True for Transfer-Encoding: chunked, Expect: 100-continue
    hmac, app_id      x-syncml-hmac, X-Wap-Application-Id; None when absent
    """

    def __init__(self, response: bool = False) -> None:
        self.response = response
        self.done = False
        self.size = 0
        self.method = self.path = self.content_type = ""
        self.content_length = -1
        self.chunked = self.expect = False
        self.hmac = self.app_id = None
        self._line = bytearray()
        self._first = True

    def feed(self, buf, off: int, end: int) -> int:
        """Read buf[off:end] up to the end of the block; returns where it stopped."""
        while off < end and not self.done:
            at = buf.find(b"\n", off, end)
            stop = end if at < 0 else at + 1
            self.size += stop - off
            if self.size > MAX:
                raise Refused(_TOO_LARGE)
            # One octet more than a line may have shows that it was too long.
            self._line.extend(memoryview(buf)[off : min(stop, off + _LINE + 1 - len(self._line))])
            off = stop
            if at >= 0:
                self._end_of_line()
                self._line = bytearray()
        return off

    def _end_of_line(self):
        cut = len(self._line) > _LINE
        line = bytes(self._line)
        if not cut:
            line = line[: -2 if line[-2:] == b"\r\n" else -1]
        for c in line:
            if (c < 32 and c != 9) or c == 127:
                raise Refused(_BAD)
        if self._first:
            if cut:
                raise Refused(_TOO_LARGE)
            self._first = False
            self._start(line)
        elif line:
            self._field(line, cut)
        else:
            if self.chunked and self.content_length >= 0:
                raise Refused(_BAD)  # two lengths: request smuggling, RFC 9112 6.3
            self.done = True

    def _start(self, line):
        if self.response:
            if not line.startswith(b"HTTP/1."):
                raise Refused(_BAD)
            return
        parts = _text(line).split(" ")
        if len(parts) != 3 or not parts[0].isalpha() or parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
            raise Refused(_BAD)
        path = parts[1].split("?")[0]
        if path.startswith("http://"):  # absolute form, as proxies send it; RFC 9112 3.2.2
            path = "/" + (path + "/").split("/", 3)[3].rstrip("/")
        elif path[:1] not in ("/", "*"):
            raise Refused(_BAD)
        self.method = parts[0]
        self.path = path

    def _field(self, line, cut):
        colon = line.find(b":")
        name = line[:colon].lower() if colon > 0 else b""
        if not name or name[0] <= 32 or name[-1] <= 32:
            raise Refused(_BAD)
        # An if-chain lies in flash, a table of names would lie in RAM.
        if name == b"content-length":
            if self.content_length >= 0:
                raise Refused(_BAD)
            value = line[colon + 1 :].strip()
            if not value.isdigit():
                raise Refused(_BAD)
            if len(value) > _DIGITS:
                raise Refused(413)
            self.content_length = int(value)
        elif name == b"transfer-encoding":
            if self.chunked or self.response:
                raise Refused(_BAD)
            if line[colon + 1 :].strip().lower() != b"chunked":
                raise Refused(_NOT_IMPLEMENTED)
            self.chunked = True
        elif name == b"content-type":
            if self.content_type:
                raise Refused(_BAD)
            self.content_type = _value(line, colon, cut).split(";")[0].strip().lower()
        elif name == b"x-syncml-hmac":
            if self.hmac is not None:
                raise Refused(_BAD)
            self.hmac = _value(line, colon, cut)
        elif name == b"x-wap-application-id":
            if self.app_id is not None:
                raise Refused(_BAD)
            self.app_id = _value(line, colon, cut)
        elif name == b"expect":
            self.expect = line[colon + 1 :].strip().lower() == b"100-continue"


def _value(line, colon, cut):
    if cut:
        raise Refused(_TOO_LARGE)
    return _text(line[colon + 1 :].strip())


def _text(octets):
    try:
        return octets.decode()
    except UnicodeError:
        raise Refused(_BAD)
