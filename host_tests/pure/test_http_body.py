# Bodies of HTTP requests, of known length and chunked, and what lies in them.

from check import each_split, raises
from device.http_body import CHUNKED, Body
from device.http_content import Direct, Nested
from device.http_head import Head, Refused
from omadm.errors import TooLarge
from omadm.spool import Spool


class Sink:
    def __init__(self):
        self.got = b""

    def write(self, buf, off, end):
        assert off < end
        self.got += bytes(buf[off:end])


def feed(body, pieces):
    """Octets used of each piece, until the body is done."""
    used = 0
    for piece in pieces:
        buf = bytearray(b"#" + piece)
        used += body.feed(buf, 1, len(buf)) - 1
    return used


def read(length, data):
    sink = Sink()
    body = Body(length, sink.write)
    used = feed(body, [data])
    return sink.got, used, body.done


def refused(status, data):
    raises(Refused, status, read, CHUNKED, data)


def test_known_length():
    for pieces in each_split(b"hello"):
        sink = Sink()
        body = Body(5, sink.write)
        assert not body.done
        assert feed(body, pieces) == 5 and body.done and sink.got == b"hello"
    assert read(0, b"xyz") == (b"", 0, True)
    assert read(3, b"xyz!!") == (b"xyz", 3, True)
    assert read(9, b"xyz") == (b"xyz", 3, False)


def test_chunked():
    data = b'5\r\nhello\r\n00b ; name="v"\r\n, you there\r\n0\r\nTrailer: x\r\nother: y\r\n\r\n'
    for pieces in each_split(data):
        sink = Sink()
        body = Body(CHUNKED, sink.write)
        assert feed(body, pieces) == len(data) and body.done
        assert sink.got == b"hello, you there"
    for n in range(len(data)):
        assert not read(CHUNKED, data[:n])[2]


def test_chunked_stops_at_its_end():
    assert read(CHUNKED, b"1\r\nx\r\n0\r\n\r\nGET /") == (b"x", 11, True)
    assert read(CHUNKED, b"0\n\nGET /") == (b"", 3, True)
    assert read(CHUNKED, b"A\n0123456789\n0\n\n")[0] == b"0123456789"


def test_chunked_refused():
    for data in (
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0x5\r\n",
        b";a=b\r\n",
        b"1\r\nxy",
        b"1\r\nx\r\r\n",
        b"1\r\nx\n\n",
        b"1;" + b"e" * 64,
        b"0" * 65,
        b"0\r\n" + b"a: b\r\n" * 50,
        b"0\r\n" + b"a" * 300,
    ):
        refused(400, data)
    refused(413, b"1000000\r\n")
    refused(413, b"fffffffff\r\n")


def test_many_small_chunks():
    assert read(CHUNKED, b"1\r\nx\r\n" * 500 + b"0\r\n\r\n")[0] == b"x" * 500


def nested(data, size=100):
    spool = Spool(size)
    content = Nested(spool)
    for piece in data:
        buf = bytearray(piece)
        content.write(buf, 0, len(buf))
    content.close()
    push = content.push()
    return push, bytes(spool.buf[: spool.length])


INNER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.syncml.dm+wbxml\r\n"
    b"x-syncml-hmac: a\r\nX-Wap-Application-Id: 7\r\n"
)


def test_nested():
    for data in (INNER + b"\r\nmessage", INNER + b"Content-Length: 7\r\n\r\nmessage"):
        for pieces in each_split(data):
            push, body = nested([piece for piece in pieces if piece])
            assert body == b"message" and push.headers == {"x-syncml-hmac": "a"} and push.app_id == "7"
            assert push.content_type == "application/vnd.syncml.dm+wbxml" and not push.secure


def test_nested_refused():
    for data in (
        b"",
        INNER,
        INNER + b"Content-Length: 8\r\n\r\nmessage",
        INNER + b"Content-Length: 6\r\n\r\nmessage",
        b"POST / HTTP/1.1\r\n\r\n",
    ):
        raises(Refused, 400, nested, [data] if data else [])
    raises(Refused, 431, nested, [b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * 600])
    raises(TooLarge, None, nested, [INNER + b"\r\n" + b"x" * 101])


def test_direct():
    spool = Spool(10)
    content = Direct(spool, Head())
    content.write(bytearray(b"-body-"), 1, 5)
    content.close()
    push = content.push()
    assert bytes(spool.buf[:4]) == b"body" and push.headers == {} and push.app_id is None
    raises(TooLarge, None, content.write, bytearray(8), 0, 8)
