"""`dmtool provision --port`: an account gets onto a board, and its secret nowhere but into the store."""

import dataclasses
import os
import pathlib
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import dmboard
import pytest
import serial
import serial.rfc2217
from boardsim import Board
from conftest import ROOT
from dmtool import account as accounts
from dmtool import provision_port, remote
from dmtool.errors import ToolError
from target import firmware, on_pty

DMTOOL = [sys.executable, "-m", "dmtool"]
DEPLOY = ROOT / "tools" / "build" / "deploy.py"
ENVIRONMENT = dict(os.environ, PYTHONPATH=str(ROOT / "tools"))
SERVER = "com.example.dms"
DEVICE = "urn:dev:mac:240ac4fffe112233"


def dmtool(*words, cwd):
    return subprocess.run(
        [*DMTOOL, *map(str, words)], cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def account(tmp_path):
    """A file as `dmtool account create` makes it."""
    done = dmtool("account", "create", "led.toml", "--server-id", SERVER, "--device-id", DEVICE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "led.toml"


# An application that tells UART0 when main.py has come to it, before the receiver there asks for its modem.
APP = """
def setup(client):
    from machine import UART, Pin
    uart = UART(0, 115200, tx=Pin(0), rx=Pin(1))
    uart.write(b"up %d;" % len(client.device_id))
    while not uart.txdone():
        pass
"""


def wait_for(line, mark):
    """Read up to a mark, which must come before any other of its kind."""
    octets = b""
    while not octets.endswith(b";"):
        piece = line.recv(1)
        assert piece
        octets += piece
    assert octets.endswith(mark), octets


def deploy(live):
    done = subprocess.run(
        [sys.executable, str(DEPLOY), live.find("REPL")], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stdout + done.stderr


def provision(live, account):
    return dmtool("provision", "--account", account.name, "--port", live.find("REPL"), cwd=account.parent)


class Watch:
    """Looks at the command lines of all processes, again and again."""

    def __init__(self):
        self.seen = set()
        self.going = True
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while self.going:
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # it has ended
                    self.seen.add(path.read_bytes())

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


def places(image, octets):
    """Return every offset of octets in a flash image."""
    found, at = [], image.find(octets)
    while at >= 0:
        found.append(at)
        at = image.find(octets, at + 1)
    return found


def push_works(image, account, stock=False):
    """Return what the board says to a push of that account."""
    operator = dmboard.Operator(accounts.load(account))
    with Board(firmware("RPI_PICO" if stock else "RP2040_DM"), flash=image).boot() as chip:
        chip.exec(dmboard.PUSHING)
        return chip.exec(f"told({operator.message('add', './App/Greeting=hello').call()})").stdout


@pytest.mark.slow
def test_frozen_firmware_while_main_py_runs(tmp_path, account):
    image, app = tmp_path / "flash.img", tmp_path / "app.py"
    app.write_text(APP)
    secrets = accounts.load(account)
    with on_pty("RP2040_DM", "--flash", image, "--uart0", "0") as live:
        live.mpremote("cp", app, ":app.py")
        host, port = live.find("UART0").split(":")
        with socket.create_connection((host, int(port)), timeout=120) as line:
            deploy(live)
            wait_for(line, b"up 0;")
            with Watch() as watch:
                done = provision(live, account)
            assert done.returncode == 0, done.stderr
            assert "new account" in done.stderr and "starts anew" in done.stderr
            wait_for(line, b"up %d;" % len(DEVICE))  # main.py runs again
            again = provision(live, account)
            assert again.returncode == 0 and "unchanged" in again.stderr
            wait_for(line, b"up %d;" % len(DEVICE))
        said = live.mpremote("exec", "import dm; dm.status(); import os; print(sorted(os.listdir('/')))")
        assert SERVER in said and said.endswith("['app.py', 'main.py']\n")
    flash = image.read_bytes()
    found = places(flash, secrets.key)
    assert found and all(at >= dmboard.REGION for at in found), "the key lies in the region of the store only"
    assert places(flash, secrets.nonce) and all(at >= dmboard.REGION for at in places(flash, secrets.nonce))
    assert not places(flash, secrets.secret.encode())
    for words in (done.stdout, done.stderr, again.stdout, again.stderr):
        assert secrets.secret not in words and secrets.key.decode() not in words
    assert watch.seen
    for line in watch.seen:
        assert secrets.secret.encode() not in line and secrets.key not in line
    assert push_works(image, account).startswith("None 0")


def test_nothing_that_the_board_sends_back_holds_a_secret(account, monkeypatch):
    """No echo of scripts, no value read back, also when a step fails."""
    secrets = accounts.load(account)
    heard = []
    inner = remote.SerialTransport.read_until

    def listening(*words, **more):
        octets = inner(*words, **more)
        heard.append(octets)
        return octets

    monkeypatch.setattr(remote.SerialTransport, "read_until", listening)
    with on_pty("RP2040_DM") as live:
        provision_port.provision(live.find("REPL"), secrets)
        done = provision_port.provision(live.find("REPL"), secrets)
        assert not done.created and not done.rekeyed
        other = dataclasses.replace(secrets, secret="another secret of some length", nonce=b"m" * 16)
        assert provision_port.provision(live.find("REPL"), other).rekeyed
        monkeypatch.setattr(
            provision_port.Board, "forget", lambda self, uri: self._ask(f"_c.set({uri.encode()!r}, b'')")
        )
        with pytest.raises(ToolError) as caught:
            provision_port.provision(live.find("REPL"), secrets)
        assert "does not fit the tree (405" in str(caught.value)
    text = b"".join(heard)
    assert b"OK" in text or b"(''," in text
    for account in (secrets, other):
        assert account.key not in text and account.secret.encode() not in text
        assert account.nonce not in text and account.key.decode() not in str(caught.value)


def test_errors_name_cause_and_remedy(tmp_path, account):
    done = dmtool("provision", "--account", account.name, "--port", "/dev/no-such-port", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "there is no such port; serial ports here:" in done.stderr
    done = dmtool("provision", "--account", account.name, cwd=tmp_path)
    assert done.returncode == 2 and "--image FLASH.img or --port" in done.stderr
    done = dmtool("provision", "-a", account.name, "-p", "/dev/null", "-i", "x.img", cwd=tmp_path)
    assert done.returncode == 2
    done = dmtool("provision", "-a", account.name, "-p", "/dev/null", "--size", "64K", cwd=tmp_path)
    assert done.returncode == 2 and "board.py" in done.stderr
    with on_pty("RPI_PICO") as live:
        done = provision(live, account)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert "omadm is not on this board" in done.stderr and "make deploy PORT=" in done.stderr
        with serial.Serial(live.find("REPL"), exclusive=True):
            done = provision(live, account)
        assert done.returncode == 1 and "another program has it" in done.stderr
        # And the port is free again for the next one.
        assert live.mpremote("exec", "print(1 + 1)") == "2\n"


@pytest.mark.slow
def test_a_board_that_is_somebody_else(tmp_path, account):
    with on_pty("RP2040_DM") as live:
        assert provision(live, account).returncode == 0
        words = ("account", "create", "b.toml", "--server-id", SERVER, "--device-id", "urn:dev:other:1")
        assert dmtool(*words, cwd=tmp_path).returncode == 0
        done = provision(live, tmp_path / "b.toml")
        assert done.returncode == 1
        assert f"is the device '{DEVICE}', but the account is for 'urn:dev:other:1'" in done.stderr


class Plain(serial.Serial):
    """A pty, which has no modem lines."""

    cts = dsr = ri = cd = False

    def _update_dtr_state(self):
        pass

    _update_rts_state = _update_dtr_state


@contextmanager
def rfc2217(port):
    """A serial port on the network, as pyserial's own server offers one; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    line = Plain(port, timeout=0.05)

    def serve():
        peer, _ = listener.accept()
        peer.settimeout(0.05)

        class Connection:
            def write(self, octets):
                peer.sendall(octets)

        manager = serial.rfc2217.PortManager(line, Connection())
        while going:
            waiting = line.read(line.in_waiting or 1)
            if waiting:
                peer.sendall(b"".join(manager.escape(waiting)))
            try:
                octets = peer.recv(1024)
            except TimeoutError:
                continue
            if not octets:
                return
            line.write(b"".join(manager.filter(octets)))

    going = True
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"rfc2217://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        going = False
        thread.join(5)
        listener.close()
        line.close()


@pytest.mark.slow
def test_over_the_network(account):
    with on_pty("RP2040_DM") as live, rfc2217(live.find("REPL")) as url:
        done = provision_port.provision(url, accounts.load(account))
        assert done.created
