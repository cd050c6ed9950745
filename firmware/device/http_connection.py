# One TCP connection as Microdot sees it: its reader and its writer, with bounds.
#
# Contract: the octets of the network come into one fixed buffer. Microdot never reads them: it
# gets a request line and one Content-Length from `readline`, made from a Head that was read and
# checked before (so it has no dictionary of a stranger's headers, prints no traceback for
# garbage, and decodes nothing that is no text). The handler takes the body with `read_body`.
# Time is told here and kept by the receiver: it cancels the task when `deadline` has passed, and
# takes the connection away from who is `idle` when it needs room.
#
# Non-goals: a second request on the same connection; Microdot closes after one.
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from .http_head import Head

_BLOCK = const(512)  # octets read at a time; a head of usual size comes in one
_LINGER_MS = const(500)
_LINGER = const(64)  # blocks thrown away at most


class Connection:
    """Reader and writer of one request."""

    def __init__(self, stream, task, head_ms: int) -> None:
        self.stream = stream
        self.task = task
        self.start = ticks_ms()
        self.deadline = ticks_add(self.start, head_ms)  # in ticks_ms
        self.idle = True  # no request under way
        self.head = Head()
        self.buf = bytearray(_BLOCK)
        self.off = self.end = 0  # octets of buf not used yet
        self.has_spool = False
        self.push = None  # set by the handler: a whole push to hand on after the answer
        self.answered = False
        self._unread = True  # the request, or a part of it
        self._lines = 0

    def allow(self, ms: int) -> None:
        """The head is there: give the request so many ms, from its start."""
        self.idle = False
        self._unread = self.head.chunked or self.head.content_length > 0
        self.deadline = ticks_add(self.start, ms)

    async def fill(self) -> bool:
        """Wait for more octets; False when the client has ended."""
        self.off = self.end = 0
        n = None
        try:
            while n is None:  # a socket may say "readable" and then have nothing
                n = await self.stream.readinto(self.buf)
        except OSError:  # a reset ends it as well; Microdot would print a traceback of it
            n = 0
        self.end = n
        return n > 0

    async def read_head(self) -> bool:
        """Read the header block; False when the client went away; raises Refused."""
        while not self.head.done:
            if self.off == self.end and not await self.fill():
                return False
            self.off = self.head.feed(self.buf, self.off, self.end)
        return True

    async def read_body(self, body, late_ms: int, rate: int) -> bool:
        """Feed a Body to its end; False when the client ended before.

        rate: octets that must come in a second; it may be late by late_ms.
        """
        whole = self.deadline
        due = ticks_add(ticks_ms(), late_ms)
        while not body.done:
            if self.off == self.end:
                self.deadline = due if ticks_diff(whole, due) > 0 else whole
                if not await self.fill():
                    return False
                due = ticks_add(due, self.end * 1000 // rate)
            self.off = body.feed(self.buf, self.off, self.end)
        self.deadline = whole
        self._unread = False
        return True

    # -- what Microdot calls

    async def readline(self) -> bytes:
        """The request as Microdot is to see it, line by line."""
        self._lines += 1
        if self._lines == 1:
            return (self.head.method + " " + self.head.path + " HTTP/1.1\r\n").encode()
        if self._lines == 2 and self.head.content_length > 0:
            return b"Content-Length: %d\r\n" % self.head.content_length
        return b"\r\n"

    def get_extra_info(self, name):
        """As a StreamWriter has it."""
        return self.stream.get_extra_info(name)

    async def awrite(self, octets):
        """Send octets."""
        await self.stream.awrite(octets)

    async def aclose(self):
        """Close, after a moment for a client that is still sending.

        TCP answers octets that nobody read with a reset, and a reset may overtake the answer
        that tells the client why.
        """
        self.answered = True
        if self._unread or self.off < self.end:
            self.idle = True
            soon = ticks_add(ticks_ms(), _LINGER_MS)
            if ticks_diff(self.deadline, soon) > 0:
                self.deadline = soon
            for _ in range(_LINGER):
                if not await self.fill():
                    break
        await self.stream.aclose()
