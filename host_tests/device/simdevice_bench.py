"""A simulated device with options of its own, raw sockets to it, and good pushes for it."""

import contextlib
import json
import queue
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

from conftest import ROOT
from dmtool import account as accounts
from dmtool import commands, compose, provision

VECTORS = ROOT / "host_tests" / "vectors" / "http"
CONTENT_TYPE = b"application/vnd.syncml.dm+wbxml"
SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Operator:
    """An account, a provisioned image, and finished messages."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "account.toml"
        self.image = folder / "FLASH.img"
        self.account = accounts.create(self.file, "com.example.dms", "urn:dev:mac:240ac4fffe112233")
        provision.provision(self.image, self.account, size=64 << 10)

    def message(self, *words: str) -> bytes:
        return compose.compose(self.file, commands.parse(list(words))).octets

    def hmac(self, body: bytes) -> bytes:
        return self.account.header(body).encode()

    def push(self, body: bytes) -> bytes:
        """The request that carries the body directly."""
        return request(body, b"x-syncml-hmac: " + self.hmac(body))


def request(body: bytes, *fields: bytes, path: bytes = b"/wappush", method: bytes = b"POST") -> bytes:
    lines = [method + b" " + path + b" HTTP/1.1", b"Host: device"]
    if not any(field.lower().startswith((b"content-length", b"transfer-encoding")) for field in fields):
        lines.append(b"Content-Length: %d" % len(body))
    if not any(field.lower().startswith(b"content-type") for field in fields):
        lines.append(b"Content-Type: " + CONTENT_TYPE)
    return b"\r\n".join([*lines, *fields]) + b"\r\n\r\n" + body


class SimDevice:
    """The process, its events, and its port."""

    def __init__(self, image: Path, *options: str) -> None:
        interpreter, heap = (ROOT / "build" / "micropython" / "device").read_text().split()
        self.port = free_port()
        words = [interpreter, "-X", f"heapsize={heap}", str(ROOT / "tools" / "simdevice" / "main.py")]
        words += ["--json-lines", "--image", str(image), "--http", str(self.port), *options]
        self.events: queue.Queue[dict | None] = queue.Queue()
        self.noise: list[str] = []  # lines that are no events: there must be none
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self) -> "SimDevice":
        self.ready = self.event("ready")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join(SECONDS)
        return self.process.returncode

    def _read(self) -> None:
        for line in self.process.stdout:
            try:
                self.events.put(json.loads(line))
            except ValueError:
                self.noise.append(line.decode("utf-8", "replace"))
        self.events.put(None)

    def event(self, kind: str) -> dict:
        """The next event of that kind."""
        end = time.monotonic() + SECONDS
        while True:
            found = self.events.get(timeout=max(0.1, end - time.monotonic()))
            assert found is not None, self.noise
            if found["event"] == kind:
                return found

    def nothing_more(self) -> None:
        """No push was handed on and nothing was printed since the last event taken."""
        assert self.heap() and not self.noise, self.noise

    def push_or_cut(self) -> dict:
        """The event of the next push, or of the power cut that ended it."""
        while True:
            found = self.events.get(timeout=SECONDS)
            assert found is not None, self.noise
            if found["event"] in ("push", "power-cut"):
                return found

    def heap(self) -> int:
        """Octets of heap free after a collection; no push may come before the answer."""
        self.process.stdin.write(b"heap\n")
        self.process.stdin.flush()
        found = self.events.get(timeout=SECONDS)
        assert found is not None and found["event"] == "heap", found
        return found["heap_free"]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)

    def send(self, octets: bytes) -> "Answer":
        """One connection, these octets, the answer; without one (a reset) its status is 0."""
        with self.connect() as s:
            with contextlib.suppress(OSError):
                s.sendall(octets)
                s.shutdown(socket.SHUT_WR)
            return read_answer(s)

    def end(self) -> int:
        """Wait for a device that ends by itself; gives its exit status."""
        self.process.wait(SECONDS)
        self.reader.join(SECONDS)
        return self.process.returncode


class Answer:
    """What came back on a connection until its end."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        head, self.blank, self.body = octets.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        found = re.match(rb"HTTP/1\.\d (\d{3})", lines[0])
        self.status = int(found[1]) if found else 0
        self.fields = dict(line.lower().split(b": ", 1) for line in lines[1:])


def read_answer(s: socket.socket) -> Answer:
    octets = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := s.recv(4096):
            octets += piece
    return Answer(octets)
