# A package over HTTP from a stream that is no socket: what a TLS stream does, and what fails in the middle.
# Whole downloads over a network are in host_tests/device/test_fumo.py.

import asyncio
import os
import sys
from hashlib import sha256

from device import http_fetch

PATH = "fetched-%s.tmp" % sys.implementation.name  # both interpreters may be at it at once
BODY = bytes(range(256)) * 12
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)


class Stream:
    """Reads give these pieces one after the other, then the end; an exception among them is raised."""

    def __init__(self, pieces):
        self.pieces = list(pieces)
        self.closed = False

    async def readinto(self, buf):
        piece = self.pieces.pop(0) if self.pieces else b""
        if piece is None:
            return None
        if isinstance(piece, Exception):
            raise piece
        n = min(len(piece), len(buf))
        buf[:n] = piece[:n]
        if piece[n:]:
            self.pieces.insert(0, piece[n:])
        return n

    def write(self, octets):
        pass

    async def drain(self):
        pass

    def close(self):
        self.closed = True

    async def wait_closed(self):
        pass


def fetch(*pieces):
    """(result or class of the exception, octets in the file or None) of a download in these pieces."""
    stream = Stream(pieces)

    async def connect(host, port, tls):
        return stream, stream

    there = http_fetch._open
    http_fetch._open = connect
    try:
        result = asyncio.run(http_fetch.fetch("https://host/x", PATH, sha256(BODY).digest(), 1 << 16))
    except Exception as e:
        result = type(e)
    finally:
        http_fetch._open = there
    assert stream.closed
    octets = None
    try:
        with open(PATH, "rb") as file:
            octets = file.read()
        os.remove(PATH)
    except OSError:
        pass
    return result, octets


def test_a_read_that_gives_nothing_yet_is_no_end():
    # as a TLS stream does of which a part of a record is there
    endless = HEAD.replace(b"Content-Length", b"X")
    for head in (HEAD, endless):
        assert fetch(head + BODY) == (200, BODY)
        assert fetch(None, head[:9], None, None, head[9:], None, BODY[:700], None, BODY[700:]) == (200, BODY)
    assert fetch(HEAD, None, BODY[:-1]) == (503, None)
    assert fetch(endless, None, BODY[:-1]) == (402, None)
    assert fetch(HEAD[:-2], None) == (503, None)


def test_whatever_fails_leaves_no_file_and_no_connection():
    for error, result in ((OSError(5), 503), (MemoryError(), MemoryError), (ValueError(), ValueError)):
        assert fetch(HEAD, BODY[:1500], error) == (result, None)
        assert fetch(error) == (result, None)
