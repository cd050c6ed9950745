"""firmware/dm.py as a board runs it, under the unix port: start, pushes, Ctrl-C, status."""

import signal
import subprocess
import time

import messages as m
import pytest
from conftest import ROOT, run_make
from simdevice_bench import SimDevice, free_port, request

BOARD = """
STORE = ("file", {folder!r}, 8)
SPOOL = 4096
RECEIVERS = (("http", {port}), ("carrier-pigeon", None))
WDT_MS = 8000
MAKER = b"omadm"
MODEL = b""
"""

# Stands for the board's machine module, and for an application that also provisions its account.
MACHINE = """
class WDT:
    fed = 0
    def __init__(self, timeout):
        assert timeout == 8000
    def feed(self):
        WDT.fed += 1
class Timer:
    there = 0
    def __init__(self, number):
        if number < 0:
            raise ValueError
    def init(self, period, callback):
        Timer.there += 1
        callback(self)
    def deinit(self):
        Timer.there -= 1
"""

APP = f"""
GET = 8
def setup(client):
    acc = b"./DMAcc/Acme"
    srv = acc + b"/AppAuth/Srv"
    client.declare((
        (b"./DevInfo/DevId", b"chr", GET, {m.DEVICE!r}),
        (b"./Led/State", b"chr", GET | 16, b"off"),
        (acc, b"node", GET, b"", b"urn:oma:mo:oma-dm-dmacc:1.0"),
        (acc + b"/ServerID", b"chr", GET, {m.SERVER!r}),
        (srv + b"/AAuthLevel", b"chr", GET, b"SRVCRED"),
        (srv + b"/AAuthType", b"chr", GET, b"HMAC"),
        (srv + b"/AAuthName", b"chr", GET, {m.USER!r}),
        (srv + b"/AAuthSecret", b"chr", 0, {m.KEY!r}),
        (srv + b"/AAuthData", b"bin", 0, {m.NONCE!r}),
    ))
    client.set_acl(b".", b"Get=*&Replace=" + {m.SERVER!r})
    client.on_change(b"./Led", lambda uri, kind: print("LED", client.get(uri)))
"""

MAIN = """
import sys
sys.path[:] = [{here!r}, ".frozen", {mpy!r} + "/firmware", {mpy!r} + "/lib"]
import dm
dm.status()
print("RUN")
from machine import WDT, Timer
dm.run()
print("TIMER", Timer.there)
dm.status()
dm.run()
print("TIMER", Timer.there)
print("FED", WDT.fed > 0)
"""


@pytest.fixture
def board(tmp_path, micropython):
    run_make("mpy")
    port = free_port()
    (tmp_path / "board.py").write_text(BOARD.format(folder=str(tmp_path / "dmtree"), port=port))
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "machine.py").write_text(MACHINE)
    (tmp_path / "start.py").write_text(MAIN.format(here=str(tmp_path), mpy=str(ROOT / "build" / "mpy")))
    return tmp_path, port, micropython


def start(board):
    folder, port, micropython = board
    command = [micropython, "-X", "heapsize=512k", str(folder / "start.py")]
    device = SimDevice.__new__(SimDevice)  # its sockets; the process is another
    device.port = port
    device.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            device.connect().close()
            return device
        except OSError:
            time.sleep(0.05)
    device.process.kill()
    raise AssertionError(device.process.communicate()[0])


def interrupt(device):
    time.sleep(0.3)  # the answer comes before the push is looked at
    device.process.send_signal(signal.SIGINT)


def stop(device, times=1):
    for _ in range(times):
        interrupt(device)
    said = device.process.communicate(timeout=10)[0]
    assert device.process.returncode == 0, said
    return said


def test_life_of_a_board(board):
    device = start(board)
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    assert device.send(request(body, b"x-syncml-hmac: " + m.hmac_header(body).encode())).status == 204
    assert device.send(request(b"forged")).status == 204
    interrupt(device)
    time.sleep(0.5)  # dm.run() a second time: it serves again
    assert device.send(request(b"again")).status == 204
    body = m.message(1, 2, m.replace(1, b"./Led/State", b"off"))
    assert device.send(request(body, b"x-syncml-hmac: " + m.hmac_header(body).encode())).status == 204
    said = stop(device)
    assert said.count("LED") == 2  # and its hooks are there once
    first, _, rest = said.partition("RUN\n")
    assert "not provisioned" in first and "accounts none" in first
    assert "LED b'on'" in rest and "FED True" in rest
    assert rest.count("TIMER 1\n") == 2, "somebody feeds the watchdog while nobody serves"
    for line in (
        f"device   {m.DEVICE.decode()}",
        f"accounts {m.SERVER.decode()}",
        "pushes   1 accepted, 1 refused since boot",
        "carrier-pigeon does not run: RECEIVERS in board.py: no receiver carrier-pigeon",
        "#1 message 1/1: 1=200",
    ):
        assert line in rest, rest
    # After a restart the tree, the journal and the replay pair are there.
    device = start(board)
    assert device.send(request(body, b"x-syncml-hmac: " + m.hmac_header(body).encode())).status == 204
    said = stop(device, 2)
    assert "pushes   0 accepted, 1 refused since boot" in said and "LED" not in said
    assert m.DEVICE.decode() in said.partition("RUN\n")[0]
