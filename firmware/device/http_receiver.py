# OTA-HTTP: the device is the server, a push is a POST to /wappush. Runs on Microdot, which
# listens, routes and answers; http_connection lies under it and bounds what it reads.
#
#     TCP -> Connection (Head, Body: checked, bounded) -> Microdot -> _post -> Spool -> client.accept
#
# A push comes direct (the push headers are the HTTP headers) or nested: Content-Type
# application/http, and the body is a whole HTTP response that carries headers and message.
#
# Contract:
# - The answer to a POST tells nothing about the push: 204 with push status 400 ("accepted") for
#   good and bad alike. It is sent, and the connection closed, BEFORE client.accept looks at the
#   push; so not even time tells. accept runs in the same task before the spool is free again.
# - A push that came whole is handed on even when the client is gone before its answer.
# - No request can grow the heap: `connections` at a time, a fixed buffer each; the body goes in
#   small blocks into the one spool while it is hashed. When the table is full, the oldest that
#   has not sent its head yet makes room, so idle connections can't keep others out.
# - Time: head_ms for the header block, whole_ms for the request; a body that holds the spool must not be
#   more than body_ms late, at the rate of the longest push in whole_ms. Then the connection is closed.
#
#     400 no HTTP, or cut short     404 other path     405 other method     411 no length
#     413 over the spool            431 header block over 2 KiB             501 other coding
#     503 another push is being received
#
# Non-goals: TLS with client certificates, CPI tags (a POST's tag is ignored), keep-alive.
import asyncio
import gc
from time import ticks_diff, ticks_ms

from microdot import Microdot, Request, Response
from micropython import const
from omadm.errors import TooLarge

from .http_body import CHUNKED, Body
from .http_connection import Connection
from .http_content import CONTENT_TYPE, Direct, Nested
from .http_head import MAX, Refused
from .turns import accept

PORT = const(4035)  # wap-push-http

_PATH = "/wappush"
_TICK_MS = const(100)
_TURNS = const(60)  # ticks of 50 ms to wait for the spool
_TURN_MS = const(50)


class HttpReceiver(Microdot):
    """A push receiver; `client` is anything with steps(push) and finish()."""

    def __init__(
        self,
        client,
        spool,
        lock=None,
        head_ms: int = 10000,
        whole_ms: int = 30000,
        body_ms: int = 5000,
        connections: int = 4,
    ) -> None:
        super().__init__()
        self.client = client
        self.spool = spool
        self.lock = lock or asyncio.Lock()  # shared by all receivers of this spool
        self.head_ms = head_ms
        self.whole_ms = whole_ms
        self.body_ms = body_ms
        self.connections = connections
        self.open: list[Connection] = []
        self.taken = 0  # pushes handed on
        self.refused = 0  # requests answered with an error
        self.dropped = 0  # connections closed for time, for room, or by the other side
        # Microdot keeps these two on the class. 0: it never holds a body itself.
        Request.max_body_length = 0
        Request.max_content_length = len(spool.buf) + MAX
        # Its own answer to OPTIONS is a 200 without push status.
        self.options_handler = None  # type: ignore[assignment]
        self.route(_PATH, ["POST"])(self._post)
        self.route(_PATH, ["OPTIONS"])(self._options)
        self.errorhandler(404)(self._not_found)
        self.errorhandler(405)(self._wrong_method)
        self.errorhandler(413)(self._too_large)

    async def serve(self, port: int = PORT, host: str = "0.0.0.0"):
        """Serve for ever; OSError when there is no network to listen on."""
        watch = asyncio.create_task(self._watch())
        try:
            await self.start_server(host, port)
        finally:
            watch.cancel()
            for connection in self.open:
                connection.task.cancel()

    def told(self):
        """Return how it is, for people."""
        return "%d pushes, %d bad requests, %d dropped" % (self.taken, self.refused, self.dropped)

    async def _watch(self):
        # One task for all deadlines: a timer for each connection would cost a task each.
        while True:
            await asyncio.sleep_ms(_TICK_MS)
            now = ticks_ms()
            for connection in self.open:
                if ticks_diff(now, connection.deadline) >= 0:
                    connection.task.cancel()

    def _make_room(self):
        # An idle connection gives way; one whose request is under way does not.
        for connection in self.open:
            if connection.idle:
                self.open.remove(connection)
                connection.task.cancel()
                return True
        return False

    async def handle_request(self, reader, writer):
        """Serve one connection. Microdot's server calls it, in a task of its own."""
        connection = None
        gc.collect()  # what lives as long as this connection does not end up all over the heap
        try:
            if len(self.open) < self.connections or self._make_room():
                connection = Connection(reader, asyncio.current_task(), self.head_ms)
                self.open.append(connection)
                await self._request(connection)
            else:
                self.dropped += 1
        except (asyncio.CancelledError, OSError, MemoryError):
            if connection is None or not connection.answered:
                self.dropped += 1
        finally:
            await writer.aclose()
            if connection is not None:
                await self._leave(connection)

    async def _request(self, connection):
        try:
            if not await connection.read_head():
                self.dropped += 1
                return
        except Refused as e:
            await self._refuse(e.args[0]).write(connection)
            await connection.aclose()
            return
        connection.allow(self.whole_ms)
        await super().handle_request(connection, connection)

    async def _leave(self, connection):
        if connection in self.open:
            self.open.remove(connection)
        try:
            if connection.push is not None:
                self.taken += 1
                await accept(self.client, connection.push)
        finally:
            if connection.has_spool:
                self.lock.release()

    # -- routes, called by Microdot

    async def _post(self, request):
        connection = request.sock[0]
        head = connection.head
        length = CHUNKED if head.chunked else head.content_length
        if not head.chunked and length < 0:
            return self._refuse(411)
        nested = head.content_type == "application/http"
        if length > len(self.spool.buf) + (MAX if nested else 0):
            return self._refuse(413)
        if not await self._take_spool(connection):
            return self._refuse(503)
        if head.expect:
            await connection.awrite(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.spool.reset()
        content = Nested(self.spool) if nested else Direct(self.spool, head)
        try:
            # Whoever holds the spool has to send: at the rate at which the longest push comes in time.
            rate = len(self.spool.buf) * 1000 // self.whole_ms
            if not await connection.read_body(Body(length, content.write), self.body_ms, rate):
                return self._refuse(400)
            content.close()
        except Refused as e:
            return self._refuse(e.args[0])
        except TooLarge:
            return self._refuse(413)
        connection.push = content.push()
        return self._answer(204, "400")

    async def _take_spool(self, connection):
        for _ in range(_TURNS):
            if not self.lock.locked():
                await self.lock.acquire()
                connection.has_spool = True
                return True
            await asyncio.sleep_ms(_TURN_MS)
        return False

    async def _options(self, request):
        # Registration: what we take. 501 says that the sender's idea of it may be old.
        answer = self._answer(204, "501")
        answer.headers["Cache-Control"] = "no-cache"
        answer.headers["X-Wap-Push-Accept"] = CONTENT_TYPE
        answer.headers["X-Wap-Push-Accept-AppID"] = "x-wap-application:syncml.dm"
        answer.headers["X-Wap-Push-MsgSize"] = str(len(self.spool.buf))
        return answer

    def _not_found(self, request):
        return self._refuse(404)

    def _wrong_method(self, request):
        return self._refuse(405)

    def _too_large(self, request):
        return self._refuse(413)

    def _refuse(self, status):
        self.refused += 1
        answer = Response(b"", status, None, _reason(status))
        if status == 405:
            answer.headers["Allow"] = "POST, OPTIONS"
        elif status == 503:
            answer.headers["Retry-After"] = "2"
        return answer

    def _answer(self, status, push_status):
        answer = Response(b"", status, None, "No Content")
        answer.headers["X-Wap-Push-OTA-Version"] = "1.0"
        answer.headers["X-Wap-Push-Status"] = push_status
        return answer


def _reason(status):
    # For people who read along; programs go by the number.
    if status == 404:
        return "Not Found"
    if status == 405:
        return "Method Not Allowed"
    if status == 411:
        return "Length Required"
    if status == 413:
        return "Content Too Large"
    if status == 431:
        return "Header Too Large"
    if status == 503:
        return "Busy"
    return "Bad Request" if status == 400 else "Not Implemented"
