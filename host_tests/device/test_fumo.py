"""Firmware update by Exec, on the simulated device: a real download over HTTP, resets in the middle."""

import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import ROOT, run_make
from dmtool import account as accounts
from dmtool import commands, compose, image, provision
from simdevice_bench import Operator, SimDevice, request

PACKAGE = os.urandom(200_000)
ROOT_URI = "./FUMO"
ENDS = (b"10", b"20", b"80", b"100")  # States in which nothing goes on


@pytest.fixture
def operator(tmp_path):
    run_make("mpy")
    return Operator(tmp_path)


class Server:
    """Answers every connection with these octets; with `stall` it waits in the middle of them."""

    def __init__(self, answer: bytes, stall: bool = False) -> None:
        self.answer = answer
        self.stalled, self.go_on = threading.Event(), threading.Event()
        if not stall:
            self.go_on.set()
        self.requests: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/fw/app.bin"
        threading.Thread(target=self._run, daemon=True).start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self.listener.close()

    def _run(self) -> None:
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            with connection:
                self.requests.append(connection.recv(4096))
                try:
                    connection.sendall(self.answer[: len(self.answer) // 2])
                    self.stalled.set()
                    self.go_on.wait(20)
                    connection.sendall(self.answer[len(self.answer) // 2 :])
                except OSError:
                    pass  # the device went away


def http(body: bytes, status: str = "200 OK", length: bool = True) -> bytes:
    head = f"HTTP/1.1 {status}\r\nServer: x\r\n" + (f"Content-Length: {len(body)}\r\n" if length else "")
    return head.encode() + b"\r\n" + body


def update(url: str, digest: str | None = None) -> list:
    """Three settings and the Exec in a Sequence."""
    digest = hashlib.sha256(PACKAGE).hexdigest() if digest is None else digest
    words = [
        f"replace {ROOT_URI}/PkgName=logger",
        f"replace {ROOT_URI}/DownloadAndUpdate/PkgURL={url}",
        f"replace {ROOT_URI}/Ext/SHA256={digest}",
        f"exec {ROOT_URI}/DownloadAndUpdate",
    ]
    return commands.block("Sequence", commands.parse(words))


class Board(SimDevice):
    """A device whose steps of an update are kept, in whatever order the report of the push comes."""

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.steps: list[tuple[int, int]] = []

    def next(self) -> dict:
        event = self.events.get(timeout=20)
        assert event is not None, self.noise
        if event["event"] == "update":
            self.steps.append((event["state"], event["result"]))
        return event

    def event(self, kind: str) -> dict:
        while (event := self.next())["event"] != kind:
            pass
        return event

    def order(self, operator, body) -> list[int]:
        """Push the commands; gives their statuses."""
        message = compose.compose(operator.file, body).octets
        assert self.send(operator.push(message)).status == 204
        return [status for _, status in self.event("push")["statuses"]]

    def ends_well(self) -> bool:
        """True when the update comes to its end and the device goes on, False when the power is cut."""
        while (100, 200) not in self.steps:
            if self.next()["event"] == "power-cut":
                return False
        with contextlib.suppress(OSError):
            self.process.stdin.write(b"heap\n")
            self.process.stdin.flush()
        while (event := self.next())["event"] not in ("heap", "power-cut"):
            pass
        return event["event"] == "heap"

    def settled(self) -> bool:
        """After a start: wait for an update that goes on; False when there is none."""
        self.process.stdin.write(b"heap\n")
        self.process.stdin.flush()
        self.event("heap")
        if (30, 0) not in self.steps:
            return False
        self.until(100)
        return True

    def until(self, last: int) -> list[tuple[int, int]]:
        """(State, result) of every step up to that State."""
        while not self.steps or self.steps[-1][0] != last:
            self.next()
        steps, self.steps = self.steps, []
        return steps


def in_flash(operator) -> tuple[bytes, bytes]:
    with image.open_image(operator.image) as flash:
        return tuple(flash.tree.value(flash.find(f"{ROOT_URI}/{name}")) for name in ("State", "Ext/Result"))


def files(operator) -> tuple[bool, bool]:
    path = str(operator.image)
    return os.path.exists(path + ".package"), os.path.exists(path + ".installed")


@pytest.mark.row("R44")
@pytest.mark.parametrize("length", [True, False])
def test_a_good_package_is_fetched_proved_and_installed(operator, length):
    with Server(http(PACKAGE, length=length)) as server, Board(operator.image) as device:
        assert device.order(operator, update(server.url)) == [200, 200, 200, 202, 200]
        assert device.until(100) == [(30, 0), (60, 0), (100, 200)]
        assert server.requests[0].startswith(b"GET /fw/app.bin HTTP/1.0\r\nHost: 127.0.0.1")
        heap = device.heap()
    assert in_flash(operator) == (b"100", b"200") and files(operator) == (False, True)
    with open(str(operator.image) + ".installed", "rb") as made:
        assert made.read() == PACKAGE
    assert len(server.requests) == 1 and heap > 20 << 10
    with Board(operator.image) as device:  # and it stays so after the next start
        device.heap()
    assert in_flash(operator) == (b"100", b"200")


FAILURES = {
    "another package": (http(PACKAGE[:-1] + bytes([PACKAGE[-1] ^ 1])), 402),
    "another one without length": (http(PACKAGE + b"x", length=False), 402),
    "cut off": (http(PACKAGE)[:-1], 503),
    "too long": (b"HTTP/1.0 200 OK\r\nContent-Length: 1048577\r\n\r\n", 501),
    "not found": (http(b"", "404 Not Found"), 411),
    "not allowed": (http(b"", "401 Unauthorized"), 406),
    "server error": (http(b"", "500 Oops"), 503),
    "no HTTP": (b"SSH-2.0-OpenSSH\r\n\r\n\r\n", 503),
    "endless header": (b"HTTP/1.0 200 OK\r\n" + b"A: b\r\n" * 5000, 503),
    "bad length": (b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", 503),
    "nothing": (b"", 503),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_download_that_fails_leaves_its_reason_and_no_file(operator, name):
    answer, result = FAILURES[name]
    with Server(answer) as server, Board(operator.image) as device:
        assert device.order(operator, update(server.url)) == [200, 200, 200, 202, 200]
        assert device.until(20) == [(30, 0), (20, result)]
        with Server(http(PACKAGE)) as good:  # and another one can follow
            device.order(operator, update(good.url))
            assert device.until(100)[-1] == (100, 200)
    assert files(operator) == (False, True)


@pytest.mark.parametrize(
    ("url", "digest", "result"),
    [
        ("http://127.0.0.1:1/x", None, 503),
        ("ftp://127.0.0.1/x", None, 411),
        ("http:///x", None, 411),
        ("http://127.0.0.1:x/", None, 411),
        ("http://127.0.0.1:80/a b", None, 411),
        ("http://host.invalid/x", None, 503),
        ("", None, 411),
        ("http://127.0.0.1:1/x", "", 404),
        ("http://127.0.0.1:1/x", "00" * 31, 404),
        ("http://127.0.0.1:1/x", "zz" * 32, 404),
    ],
)
def test_what_can_not_be_fetched(operator, url, digest, result):
    with Board(operator.image) as device:
        assert device.order(operator, update(url, digest)) == [200, 200, 200, 202, 200]
        assert device.until(20) == [(30, 0), (20, result)]
    assert in_flash(operator) == (b"20", b"%d" % result) and files(operator) == (False, False)


def test_a_reset_in_the_middle_is_reported_and_the_update_not_run_again(operator):
    with Server(http(PACKAGE), stall=True) as server:
        with Board(operator.image) as device:
            device.order(operator, update(server.url))
            assert server.stalled.wait(20)
            wait_for(lambda: files(operator)[0])
            device.process.send_signal(signal.SIGKILL)
            assert device.end() == -signal.SIGKILL
        assert in_flash(operator) == (b"30", b"0")
        with Board(operator.image) as device:
            device.heap()
            assert in_flash(operator) == (b"20", b"550") and files(operator) == (False, False)
            server.go_on.set()
            assert len(server.requests) == 1  # nothing was fetched again
            assert device.order(operator, update(server.url)) == [200, 200, 200, 202, 200]
            assert device.until(100)[-1] == (100, 200)


def wait_for(holds) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_power_cut_at_every_flash_operation(operator):
    """Around every write of a whole update: afterwards State tells how it ended."""
    with Board(operator.image) as device:
        device.heap()  # declares its nodes
    seen = set()
    with Server(http(PACKAGE)) as server:
        for cut in range(1, 40):
            body = compose.compose(operator.file, update(server.url)).octets
            with Board(operator.image, "--cut", str(cut)) as device:
                device.send(operator.push(body))
                if device.ends_well():
                    break
            cut_at, result = in_flash(operator)
            with Board(operator.image) as device:
                taken_up = device.settled()
            assert in_flash(operator)[0] in ENDS
            if taken_up:  # the Exec was in flash and not begun: it is not lost
                assert cut_at in ENDS and in_flash(operator) == (b"100", b"200")
            elif cut_at in (b"30", b"60"):
                assert in_flash(operator) == (b"20" if cut_at == b"30" else b"80", b"550")
            else:
                assert in_flash(operator) == (cut_at, result)
            seen.add(cut_at)
        else:
            pytest.fail("the update never came to its end")
    assert {b"30", b"60"} <= seen and in_flash(operator) == (b"100", b"200")


def test_one_at_a_time(operator):
    with Server(http(PACKAGE), stall=True) as server, Board(operator.image) as device:
        device.order(operator, update(server.url))
        assert server.stalled.wait(20)
        assert device.order(operator, update(server.url)) == [200, 200, 200, 202, 200]
        server.go_on.set()
        assert device.until(100)[-1] == (100, 200)
    with image.open_image(operator.image) as flash:
        journal = image.library("journal")
        ran = [row for i in range(len(flash.store.journal)) if (row := journal.read(flash.store, i))[4] == 1]
    assert [status for row in ran for _, status in row[5]] == [202, 417]
    assert len(server.requests) == 1


@pytest.mark.row("R36", negative=True)
def test_no_exec_without_the_right(operator):
    other = operator.file.parent / "other.toml"
    account = accounts.create(other, "com.example.lab", operator.account.device_id)
    provision.provision(operator.image, account, rights=("Get", "Replace"))
    with Server(http(PACKAGE)) as server, Board(operator.image) as device:
        octets = compose.compose(other, update(server.url)).octets
        assert (
            device.send(request(octets, b"x-syncml-hmac: " + account.header(octets).encode())).status == 204
        )
        assert [status for _, status in device.event("push")["statuses"]] == [200, 200, 200, 425, 200]
        device.nothing_more()
        assert not server.requests
    assert in_flash(operator) == (b"10", b"0")


def test_a_board_without_network(tmp_path):
    """Where `socket` can't be imported the result is 503, no network, and no file is left."""
    run_make("mpy")
    script = tmp_path / "main.py"
    script.write_text(f"""
import sys
sys.path[:] = [{str(tmp_path)!r}, ".frozen", {str(ROOT / "build" / "mpy" / "firmware")!r}]
import asyncio
from device import http_fetch
async def none(*_):
    import no_such_module
asyncio.open_connection = none
print(asyncio.run(http_fetch.fetch("http://192.0.2.1/x", {str(tmp_path / "p")!r}, bytes(32), 1000)))
""")
    interpreter = (ROOT / "build" / "micropython" / "device").read_text().split()[0]
    done = subprocess.run([interpreter, str(script)], capture_output=True, text=True, timeout=20)
    assert done.stdout == "503\n", done.stdout + done.stderr
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("when", ["at once", "in the body", "drop by drop"])
def test_a_server_that_falls_silent(tmp_path, when):
    run_make("mpy")
    answer = {"at once": b"", "in the body": http(PACKAGE)[:500], "drop by drop": http(PACKAGE)[:500]}[when]
    limits = "seconds=1" if when != "drop by drop" else "seconds=20, whole=1"
    with Server(answer + b"\0" * len(answer), stall=True) as server:
        script = tmp_path / "main.py"
        script.write_text(f"""
import sys
sys.path[:] = [".frozen", {str(ROOT / "build" / "mpy" / "firmware")!r}]
import asyncio
from device.http_fetch import fetch
print(asyncio.run(fetch({server.url!r}, {str(tmp_path / "p")!r}, bytes(32), 1000000, {limits})))
""")
        interpreter = (ROOT / "build" / "micropython" / "device").read_text().split()[0]
        done = subprocess.run([interpreter, str(script)], capture_output=True, text=True, timeout=20)
    assert done.stdout == "407\n", done.stdout + done.stderr
    assert not (tmp_path / "p").exists()
