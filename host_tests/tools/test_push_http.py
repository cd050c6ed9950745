"""What goes over the wire, and what is made of the answer. The receiver here is http.server."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from dmtool import push_http
from dmtool.errors import ToolError

BODY = b"\x02\xa4\x01\x6a\x00\x2d\r\n\x00"


class Receiver(BaseHTTPRequestHandler):
    answer = (204, "400")
    seen = None

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).seen = (self.path, self.headers, body)
        status, push_status = self.answer
        self.send_response(status)
        if push_status:
            self.send_header("X-Wap-Push-Status", push_status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    Receiver.answer, Receiver.seen = (204, "400"), None
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.row("R25")
def test_a_direct_push(receiver):
    answer = push_http.push(receiver, BODY, 'algorithm=HMAC-SHA256, username="u", mac=x')
    assert answer.accepted and answer.reason == "accepted"
    path, headers, body = Receiver.seen
    assert (path, body) == ("/wappush", BODY)
    assert headers["Content-Type"] == "application/vnd.syncml.dm+wbxml"
    assert headers["X-Wap-Application-Id"] == "x-wap-application:syncml.dm"
    assert headers["X-Wap-Push-OTA-Version"] == "1.0"
    assert headers["x-syncml-hmac"] == 'algorithm=HMAC-SHA256, username="u", mac=x'
    assert headers["Content-Length"] == str(len(BODY))
    assert sum(len(k) + len(v) + 4 for k, v in headers.items()) < 1024


def test_a_nested_push(receiver):
    push_http.push(receiver, BODY, "h", nested=True)
    _, headers, body = Receiver.seen
    assert headers["Content-Type"] == "application/http" and headers["x-syncml-hmac"] is None
    assert headers["X-Wap-Push-OTA-Version"] == "1.0"
    head, _, inner = body.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK" and inner == BODY
    assert dict(line.split(": ", 1) for line in lines[1:]) == {
        "Content-Type": "application/vnd.syncml.dm+wbxml",
        "X-Wap-Application-Id": "x-wap-application:syncml.dm",
        "x-syncml-hmac": "h",
        "Content-Length": str(len(BODY)),
    }


def test_a_push_in_chunks(receiver):
    body = bytes(range(256)) * 5
    push_http.push(receiver, body, "h", chunked=True)
    _, headers, got = Receiver.seen
    assert headers["Transfer-Encoding"] == "chunked" and got == body


def test_a_push_without_a_proof(receiver):
    push_http.push(receiver, BODY, None)
    assert Receiver.seen[1]["x-syncml-hmac"] is None


@pytest.mark.parametrize(
    ("status", "push_status", "told"),
    [
        (200, None, "no answer of a push receiver"),
        (204, None, "missing"),
        (204, "235", "no retry"),
        (204, "501", "501"),
        (404, None, "path"),
        (413, None, "split"),
        (431, None, "2 KiB"),
        (503, None, "busy"),
    ],
)
def test_an_answer_that_is_no_acceptance_has_a_reason(receiver, status, push_status, told):
    Receiver.answer = (status, push_status)
    answer = push_http.push(receiver, BODY, "h")
    assert not answer.accepted and told in answer.reason


def test_the_path_of_the_url():
    assert str(push_http.url_of("http://h:4035")) == "http://h:4035/wappush"
    assert str(push_http.url_of("http://h:4035/")) == "http://h:4035/wappush"
    assert str(push_http.url_of("https://h/other")) == "https://h/other"


@pytest.mark.parametrize(
    "url", ["", "h:4035", "ftp://h/", "http://", "http://h:99999999/", "http://[", "/wappush"]
)
def test_a_bad_url_is_refused_in_one_line(url):
    with pytest.raises(ToolError) as caught:
        push_http.push(url, BODY, "h", timeout=1)
    assert "\n" not in str(caught.value)


def test_nobody_there():
    with pytest.raises(ToolError, match="nobody listens"):
        push_http.push("http://127.0.0.1:1", BODY, "h")
    with pytest.raises(ToolError, match="not https"):
        push_http.push("https://127.0.0.1:1", BODY, "h")


def test_a_name_that_no_host_has(monkeypatch):
    def nobody(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(ToolError, match="no host has the name 'device'"):
        push_http.push("http://device:4035", BODY, "h")


def test_a_port_that_cannot_be():
    with pytest.raises(ToolError, match="no port has the number 99999"):
        push_http.push("http://127.0.0.1:99999", BODY, "h")
