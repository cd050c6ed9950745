"""What strangers may send to the port of a push receiver: it must not cost heap, and the next
good push must get through. The heap is the device's own, taken after a collection."""

import contextlib
import random
import socket
import threading
import time

import pytest
from conftest import run_make
from simdevice_bench import Operator, SimDevice, read_answer, request

# Heap is counted in blocks, and a dictionary may have grown once: a leak of one object for
# each connection would be 20 KB and more.
SLACK = 512
HEAD_MS = 500
WHOLE_MS = 1200


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    run_make("mpy")
    return Operator(tmp_path_factory.mktemp("device"))


@pytest.fixture(scope="module")
def device(operator):
    with SimDevice(operator.image, "--head-ms", str(HEAD_MS), "--whole-ms", str(WHOLE_MS)) as device:
        # What grows to its bound and stays: the journal of 16 messages, for one, and what is loaded when
        # first needed: for a push without a MAC, the reader of signatures.
        assert device.send(request(b"garbage")).status == 204
        assert device.event("push")["error"] == "Malformed"
        for _ in range(20):
            good(device, operator)
        assert device.send(b"garbage\r\n\r\n").status == 400
        with device.connect() as s:
            assert read_answer(s).status == 0
        yield device


@contextlib.contextmanager
def same_heap(device, operator):
    """The heap is back to its level afterwards, and a good push gets through."""
    before = device.heap()
    yield
    good(device, operator)
    after = device.heap()
    assert after >= before - SLACK, (before, after)
    assert not device.noise, device.noise


def good(device, operator):
    assert device.send(operator.push(operator.message("replace ./Led/State=on"))).status == 204
    event = device.event("push")
    while event["error"] is not None:  # what was refused before it
        event = device.event("push")


def connect(device, stack):
    time.sleep(0.005)  # the queue of the kernel takes five; more in one moment wait a second
    return stack.enter_context(device.connect())


def closed_after(s, start):
    assert read_answer(s).status == 0
    return (time.monotonic() - start) * 1000


def test_slow_head_is_closed(device, operator):
    with same_heap(device, operator), device.connect() as s:
        start = time.monotonic()
        s.sendall(b"POST /wappush HTTP/1.1\r\nHost: ")
        assert HEAD_MS - 50 <= closed_after(s, start) < HEAD_MS + 1000


def test_trickled_head_is_closed(device, operator):
    """Time-outs are for the whole, not for the next octet."""
    with same_heap(device, operator), device.connect() as s:
        start = time.monotonic()
        with contextlib.suppress(OSError):
            for _ in range(100):
                s.sendall(b"x")
                time.sleep(0.05)
        assert time.monotonic() - start < 3


def test_slow_body_is_closed(device, operator):
    with same_heap(device, operator), device.connect() as s:
        start = time.monotonic()
        s.sendall(request(b"x" * 99, b"Content-Length: 100"))
        assert WHOLE_MS - 50 <= closed_after(s, start) < WHOLE_MS + 1000


def test_client_that_never_reads(device, operator):
    with same_heap(device, operator):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        s.connect(("127.0.0.1", device.port))
        s.sendall(b"GET / HTTP/1.1\r\n\r\n" * 2000)
        time.sleep(0.7)
        s.close()


def test_megabyte_of_garbage(device, operator):
    garbage = random.Random(1).randbytes(1 << 20)
    with same_heap(device, operator):
        assert device.send(request(garbage)).status in (0, 413)
        chunk = b"%x\r\n" % len(garbage) + garbage
        assert device.send(request(chunk, b"Transfer-Encoding: chunked")).status in (0, 413)
        assert device.send(request(garbage, b"Content-Type: application/http")).status in (0, 413)
        assert device.send(garbage).status in (0, 400, 431)
        assert device.send(b"A" * (1 << 20)).status in (0, 431)
        assert device.send(b"POST /wappush HTTP/1.1\r\n" + b"x: y\r\n" * 200000).status in (0, 431)
        headers = b"".join(b"x%d: y\r\n" % n for n in range(150))
        assert device.send(b"POST /wappush HTTP/1.1\r\n" + headers + b"\r\n").status == 411


def test_chunks_that_never_end(device, operator):
    with same_heap(device, operator):
        for body in (b"0" * 100000, b"1;" + b"x" * 100000, b"0\r\n" + b"a: b\r\n" * 20000):
            assert device.send(request(body, b"Transfer-Encoding: chunked")).status in (0, 400)
        ones = b"1\r\nx\r\n" * 16385
        assert device.send(request(ones, b"Transfer-Encoding: chunked")).status in (0, 413)


def test_200_idle_connections(device, operator):
    """Idle connections are held open all the while, and can't keep a good push out."""
    with same_heap(device, operator), contextlib.ExitStack() as stack:
        for batch in range(20):
            for n in range(10):
                s = connect(device, stack)
                with contextlib.suppress(OSError):
                    s.sendall(b"" if n % 2 else b"POST /wappush HTTP/1.1\r\nContent-Le")
            if batch % 5 == 0:
                good(device, operator)
        good(device, operator)


def test_slow_connections_at_once(device, operator):
    """Bodies that trickle take turns until their time is over; then the next good push is served."""
    with same_heap(device, operator), contextlib.ExitStack() as stack:
        for _ in range(40):
            s = connect(device, stack)
            with contextlib.suppress(OSError):
                s.sendall(request(b"x", b"Content-Length: 100"))
        time.sleep((WHOLE_MS + 500) / 1000)


def test_trickled_body_gives_the_spool_back(operator):
    """A good head, and then an octet now and then: the spool is not held for the time of a whole push."""
    push = operator.push(operator.message("replace ./Led/State=on"))
    with SimDevice(operator.image, "--body-ms", "300", "--whole-ms", "30000") as device:
        for sent in (b"", b"x" * 20):
            with device.connect() as s:
                start = time.monotonic()
                s.sendall(request(sent, b"Content-Length: 900"))
                with contextlib.suppress(OSError):
                    while time.monotonic() - start < 10:
                        s.sendall(b"x")
                        time.sleep(0.05)
                assert time.monotonic() - start < 10, "it held the spool"
        assert device.send(push).status == 204
        assert device.event("push")["error"] is None


def test_one_push_at_a_time(device, operator):
    """A second push waits for the first; it is never mixed with it."""
    first = operator.push(operator.message("replace ./Led/State=first"))
    second = operator.push(operator.message("replace ./Led/State=second"))
    answers = []
    with same_heap(device, operator), device.connect() as s:
        s.sendall(first[:-10])
        time.sleep(0.1)
        thread = threading.Thread(target=lambda: answers.append(device.send(second).status))
        thread.start()
        time.sleep(0.3)
        assert not answers
        s.sendall(first[-10:])
        assert read_answer(s).status == 204
        thread.join(10)
        assert answers == [204]
        assert [device.event("push")["error"] for _ in range(2)] == [None, None]


def test_busy(operator, tmp_path):
    """Who waits too long for the spool is told to come again."""
    with SimDevice(tmp_path / "FLASH.img") as device, device.connect() as s:
        s.sendall(request(b"x" * 9, b"Content-Length: 10"))
        time.sleep(0.1)
        answer = device.send(request(b"x" * 10))
        assert answer.status == 503 and answer.fields[b"retry-after"] == b"2"
        s.sendall(b"x")
        assert read_answer(s).status == 204


def test_length_that_lies(device, operator):
    body = operator.message("replace ./Led/State=on")
    mac = b"x-syncml-hmac: " + operator.hmac(body)
    n = len(body)
    with same_heap(device, operator):
        # More is announced than comes: no push at all.
        assert device.send(request(body, mac, b"Content-Length: %d" % (n + 1))).status == 400
        # Less: a cut body, which its MAC gives away, and a tail that nobody reads.
        assert device.send(request(body, mac, b"Content-Length: %d" % (n - 1))).status == 204
        event = device.event("push")
        assert event["error"] == "NotAuthentic" and event["flash"] == {"programs": 0, "erases": 0}
        assert device.send(request(body, mac, b"Content-Length: 0")).status == 204
        assert device.event("push")["error"] == "NotAuthentic"


def test_pipelined_garbage(device, operator):
    """What follows a request on its connection is thrown away, also when it is a second push."""
    with same_heap(device, operator):
        for tail in (b"\x00" * 5000, b"GET / HTTP/1.1\r\n\r\n" * 200, request(b"second")):
            octets = operator.push(operator.message("replace ./Led/State=off"))
            assert device.send(octets + tail).status == 204
            assert device.event("push")["error"] is None
        assert device.heap()  # nothing else was handed on


def test_resets(device, operator):
    """Connections that end with a reset at every stage of a request."""
    octets = request(b"x" * 300, b"Content-Length: 301")
    with same_heap(device, operator):
        for cut in (0, 1, 30, len(octets) - 300, len(octets)):
            for _ in range(5):
                s = device.connect()
                s.sendall(octets[:cut])
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
                s.close()


def test_random_requests(device, operator):
    """Mutations of good requests: any answer will do, but the device goes on."""
    rng = random.Random(7)
    good_one = operator.push(b"x" * 100)
    with same_heap(device, operator):
        for _ in range(200):
            octets = bytearray(good_one)
            for _ in range(rng.randint(1, 6)):
                at = rng.randrange(len(octets))
                kind = rng.randrange(3)
                if kind == 0:
                    octets[at] = rng.randrange(256)
                elif kind == 1:
                    del octets[at : at + rng.randint(1, 20)]
                else:
                    octets[at:at] = rng.randbytes(rng.randint(1, 20))
            answer = device.send(bytes(octets))
            assert answer.status in (0, 204, 400, 404, 405, 411, 413, 431, 501)
