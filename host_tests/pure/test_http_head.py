# Header blocks of OTA-HTTP: what is kept, what is refused, and that nothing else is kept.

from check import each_split, raises
from device.http_head import MAX, Head, Refused

GOOD = (
    b"POST /wappush?x=1 HTTP/1.1\r\n"
    b"Host: device\r\n"
    b"CONTENT-type:  Application/Vnd.Syncml.DM+wbxml ; charset=utf-8\r\n"
    b"Content-Length: 269\r\n"
    b"X-Wap-Application-Id: x-wap-application:syncml.dm\r\n"
    b'x-syncml-hmac: algorithm=HMAC-SHA256, username="a b", mac=xyz\r\n'
    b"Expect: 100-Continue\r\n"
    b"\r\n"
)


def read(data, response=False):
    head = Head(response)
    buf = bytearray(data)
    assert head.feed(buf, 0, len(buf)) == len(buf)
    return head


def request(*lines):
    return b"\r\n".join((b"POST /wappush HTTP/1.1",) + lines) + b"\r\n\r\n"


def refused(status, data, response=False):
    raises(Refused, status, read, data, response)


def check_good(head):
    assert head.done
    assert head.method == "POST" and head.path == "/wappush"
    assert head.content_type == "application/vnd.syncml.dm+wbxml"
    assert head.content_length == 269 and not head.chunked and head.expect
    assert head.app_id == "x-wap-application:syncml.dm"
    assert head.hmac == 'algorithm=HMAC-SHA256, username="a b", mac=xyz'


def test_each_split():
    for pieces in each_split(GOOD):
        head = Head()
        for piece in pieces:
            buf = bytearray(piece)
            assert head.feed(buf, 0, len(buf)) == len(buf)
        check_good(head)


def test_cut_anywhere_is_not_done():
    for n in range(len(GOOD)):
        assert not read(GOOD[:n]).done


def test_stops_at_its_end():
    buf = bytearray(b"xx" + GOOD + b"body\r\n\r\n")
    head = Head()
    assert head.feed(buf, 2, len(buf)) == 2 + len(GOOD)
    check_good(head)
    assert head.feed(buf, 2, len(buf)) == 2


def test_bare_line_ends():
    check_good(read(GOOD.replace(b"\r\n", b"\n")))


def test_absent_fields():
    head = read(b"OPTIONS * HTTP/1.0\r\n\r\n")
    assert head.method == "OPTIONS" and head.path == "*"
    assert head.content_type == "" and head.content_length == -1
    assert head.hmac is None and head.app_id is None and not head.expect


def test_absolute_form():
    for target, path in (
        (b"http://device:4035/wappush", "/wappush"),
        (b"http://device/wappush?x=/y", "/wappush"),
        (b"http://device/a/b", "/a/b"),
        (b"http://device/", "/"),
        (b"http://device", "/"),
        (b"http://", "/"),
    ):
        assert read(b"POST " + target + b" HTTP/1.1\r\n\r\n").path == path


def test_start_lines_refused():
    for line in (
        b"",
        b"POST",
        b"POST /",
        b"POST / HTTP/1.1 x",
        b"POST  / HTTP/1.1",
        b"POST / HTTP/2.0",
        b"POST / http/1.1",
        b"P@ST / HTTP/1.1",
        b"POST wappush HTTP/1.1",
        b"POST ftp://device/wappush HTTP/1.1",
        b" POST / HTTP/1.1",
        b"POST /\x00 HTTP/1.1",
        b"POST /\xff HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01",  # the start of a TLS handshake
    ):
        refused(400, line + b"\r\n\r\n")


def test_fields_refused():
    for line in (
        b"no colon",
        b": no name",
        b"Name : blank before colon",
        b" folded: line",
        b"\tfolded: line",
        b"name: a\x00b",
        b"name: a\rb",
        b"name: a\x7fb",
        b"x-syncml-hmac: \xff\xfe",
        b"Content-Length: ",
        b"Content-Length: +1",
        b"Content-Length: -1",
        b"Content-Length: 1, 1",
        b"Content-Length: 0x10",
        b"Content-Length: \xb2",
    ):
        refused(400, request(line))


def test_doubled_fields():
    for line in (
        b"Content-Length: 1",
        b"Transfer-Encoding: chunked",
        b"Content-Type: a/b",
        b"x-syncml-hmac: a",
        b"X-Wap-Application-Id: 7",
    ):
        read(request(line))
        refused(400, request(line, line))


def test_two_lengths():
    refused(400, request(b"Content-Length: 5", b"Transfer-Encoding: chunked"))
    refused(400, request(b"Transfer-Encoding: chunked", b"Content-Length: 5"))


def test_codings():
    assert read(request(b"Transfer-Encoding: Chunked")).chunked
    refused(501, request(b"Transfer-Encoding: gzip, chunked"))


def test_long_length():
    assert read(request(b"Content-Length: 99999999")).content_length == 99999999
    refused(413, request(b"Content-Length: 100000000"))
    refused(413, request(b"Content-Length: " + b"9" * 200))


def test_size_of_the_block():
    fill = MAX - len(request(b"a: ", b"b: "))
    half = fill // 2
    read(request(b"a: " + b"x" * half, b"b: " + b"y" * (fill - half)))
    refused(431, request(b"a: " + b"x" * half, b"b: " + b"y" * (fill - half + 1)))
    refused(431, b"x" * (MAX + 1))
    refused(431, b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 1000)


def test_long_lines():
    # One nobody wants is passed over; one that would have to be kept is refused.
    read(request(b"Cookie: " + b"x" * 1500))
    read(request(b"x-syncml-hmac: " + b"x" * 512))
    refused(431, request(b"x-syncml-hmac: " + b"x" * 700))
    refused(431, request(b"Content-Type: " + b"x" * 700))
    refused(431, b"GET /" + b"x" * 700 + b" HTTP/1.1\r\n\r\n")


def test_nested_response():
    text = b"HTTP/1.1 200 OK\r\nContent-Type: A/B\r\nContent-Length: 3\r\n\r\n"
    for pieces in each_split(text):
        head = Head(True)
        for piece in pieces:
            buf = bytearray(piece)
            head.feed(buf, 0, len(buf))
        assert head.done and head.content_type == "a/b" and head.content_length == 3
    refused(400, request(), True)
    refused(400, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", True)
    refused(431, b"HTTP/1.1 200 OK\r\n" + b"a:b\r\n" * 500, True)
