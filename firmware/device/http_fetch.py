# Fetches a file over HTTP: GET of RFC 9112, one connection, straight into the file system.
#
# Contract: fetch() returns 200 when the file lies there whole and has the SHA-256 that was asked for, else
# a result code of FUMO 1.0 and no file: 402 other octets than expected, 406 the server wants to know who we
# are, 407 it has fallen silent, 411 no such address, 501 no room, 503 no network.
# Bounds: one buffer of _HEAD octets, which the header must fit into; `most` octets of file; time.
# Over https the server is not asked who it is: what counts is the hash, which came in a signed message.
import asyncio
import os
from hashlib import sha256

from micropython import const

_HEAD = const(1024)


class _Ended(Exception):
    pass  # with the result code


async def fetch(url: str, path: str, digest: bytes, most: int, seconds: int = 30, whole: int = 1800) -> int:
    """Bring the file at url to path; digest: the 32 octets of its SHA-256. See the head of this file.

    seconds: longest silence of the server; whole: longest time for all of it.
    """
    streams = []
    result = 503
    try:
        await _wait(_fetch(streams, url, path, digest, most, seconds), whole)
        result = 200
    except _Ended as e:
        result = e.args[0]
    except (OSError, ImportError):
        pass  # ImportError: a board without network has no socket
    finally:
        for writer in streams:
            try:
                writer.close()
                await writer.wait_closed()
            except OSError:
                pass  # it is gone already
        if result != 200:
            remove(path)
    return result


async def _fetch(streams, url, path, digest, most, seconds):
    tls, host, port, target = _parts(url)
    reader, writer = await _wait(_open(host, port, tls), seconds)
    streams.append(writer)
    writer.write(b"GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" % (target, host.encode()))
    await _wait(writer.drain(), seconds)
    buf = memoryview(bytearray(_HEAD))
    n, at = await _head(reader, buf, seconds)
    size = _size(bytes(buf[:at]))
    if size > most:
        raise _Ended(501)
    await _body(reader, path, size, digest, most, seconds, buf, at, n)


def remove(path: str) -> None:
    """Delete the file if there is one."""
    try:
        os.remove(path)
    except OSError:
        pass  # there is none


async def _open(host, port, tls):
    # Only what is needed is asked for: ports without TLS do not know the option.
    if tls:
        return await asyncio.open_connection(host, port, ssl=True)
    return await asyncio.open_connection(host, port)


async def _wait(what, seconds):
    try:
        return await asyncio.wait_for(what, seconds)
    except asyncio.TimeoutError:
        raise _Ended(407)


async def _more(reader, buf, seconds):
    # Octets that came; 0 at the end. TLS says None where only a part of a record is there yet.
    got = None
    while got is None:
        got = await _wait(reader.readinto(buf), seconds)
    return got


def _parts(url):
    scheme, mark, rest = url.partition("://")
    where, _, target = rest.partition("/")
    host, colon, port = where.partition(":")
    if not host or not mark or scheme not in ("http", "https") or colon and not port.isdigit():
        raise _Ended(411)
    for c in url:
        if not "!" <= c <= "~":
            raise _Ended(411)
    tls = scheme == "https"
    return tls, host, int(port or (443 if tls else 80)), b"/" + target.partition("#")[0].encode()


async def _head(reader, buf, seconds):
    # Reads up to the end of the header; (octets in buf, where the body begins in it).
    n = 0
    while True:
        got = await _more(reader, buf[n:], seconds)
        n += got
        at = bytes(buf[:n]).find(b"\r\n\r\n") + 4
        if at >= 4:
            return n, at
        if not got or n == _HEAD:
            raise _Ended(503)


def _size(head):
    # Octets of the body, -1 when it ends with the connection.
    first, *lines = head.split(b"\r\n")
    first = first.split(b" ")
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        raise _Ended(503)
    status = int(first[1])
    if status != 200:
        raise _Ended(406 if status in (401, 403, 407) else 503 if status >= 500 else 411)
    size = -1
    for line in lines:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            value = value.strip()
            if not value.isdigit():
                raise _Ended(503)
            size = int(value)
    return size


async def _body(reader, path, size, digest, most, seconds, buf, at, n):
    # What is in buf from at to n on is the beginning.
    h = sha256()
    left = most + 1 if size < 0 else size
    try:
        out = open(path, "wb")
    except OSError:
        raise _Ended(501)
    try:
        while True:
            n = min(n, at + left)
            h.update(buf[at:n])
            try:
                out.write(buf[at:n])
            except OSError:
                raise _Ended(501)
            left -= n - at
            if not left:
                break
            at = 0
            n = await _more(reader, buf, seconds)
            if not n:
                break
    finally:
        out.close()
    if size < 0 and not left:
        raise _Ended(501)  # it is longer than most
    if size > 0 and left:
        raise _Ended(503)  # cut off
    if h.digest() != digest:
        raise _Ended(402)
