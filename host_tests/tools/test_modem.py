"""`dmtool modem simulate`: lines that other programs can open, scripts, and the commands."""

import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from dmtool import cli, modem, sms_encode
from dmtool.errors import UsageError
from modemsim import pdu as network
from modemsim.control import HELP
from modemsim.families import FAMILIES
from typer.testing import CliRunner

A, B = "+15550199", "+15550123"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Running:
    """The command in a process of its own."""

    def __init__(self, *words, stdin=subprocess.PIPE):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dmtool", "modem", "simulate", *words],
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(20)


def test_two_modems_and_all_their_lines(here):
    running = Running("--modem", f"sim800,{A},0", "--modem", f"generic,{B},pty=./sender", "--control", "0")
    where = running.line().split()
    assert where[:3] == ["modem", A, "sim800"] and where[3].startswith("socket://127.0.0.1:")
    assert running.line().startswith(f"modem {B} generic /dev/")
    assert Path("sender").exists()
    host, _, port = running.line().removeprefix("control ").partition(":")
    with socket.create_connection((host, int(port))) as control:
        control.sendall(b"status\n")
        assert control.makefile().readline().startswith(f"ok {A} sim800 cnmi=2,1")
    assert running.say(f"{B} size SM 3") == "ok"
    assert "SM=0/3" in running.say(f"{B} status")
    assert running.say("frobnicate").startswith("error")
    assert running.end() == 0
    assert not Path("sender").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_lives_without_input_until_it_is_told(here, how):
    running = Running(stdin=subprocess.DEVNULL)
    assert running.line().startswith(f"modem {A} generic /dev/")
    time.sleep(0.3)
    assert running.process.poll() is None
    assert running.end(how) == 0
    assert running.process.stderr.read() == ""


def test_a_script_and_the_talk(here):
    part = sms_encode.split(b"\0\x06\x01\xc2x")[0]
    _, deliver = network.deliver_from_submit(sms_encode.submit(A, part).pdu, B, datetime(2026, 1, 2))
    Path("script").write_text(
        f"# one SMS\n\ndeliver {deliver.hex()}  # from somewhere\nsleep 0.6\nstatus\nquit\n"
    )
    running = Running("--modem", f"sim800,{A},0", "--script", "script", "--talk")
    told, _ = running.process.communicate(timeout=20)
    assert running.process.returncode == 0
    assert f'{A} < +CMTI: "SM",1' in told and "SM=1/30" in told


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("frobnicate", "line 1: frobnicate"),
        ("# x\nsleep", "line 2"),
        ("sleep long", "SECONDS"),
        ("cut many", "cut"),
    ],
)
def test_a_script_that_can_not_be_done(here, script, told):
    Path("script").write_text(script)
    done = CliRunner().invoke(
        cli.app, ["modem", "simulate", "--modem", f"generic,{A},0", "--script", "script"]
    )
    assert done.exit_code == 1 and "script: " in done.stderr and told in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "sim800",
        f"sim800,{A}",
        f"nokia,{A},0",
        "sim800,me,0",
        "sim800,+,0",
        f"sim800,{A},com1",
        f"sim800,{A},70000",
        "sim800,\u0661,0",
    ],
)
def test_no_modem_is_a_usage_error(text):
    with pytest.raises(UsageError, match="--modem"):
        modem.parse(text)
    assert CliRunner().invoke(cli.app, ["modem", "simulate", "--modem", text]).exit_code == 2


def test_a_taken_port_and_a_missing_script_are_named(here):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for words in (["--modem", f"generic,{A},{port}"], ["--control", str(port)]):
            done = CliRunner().invoke(cli.app, ["modem", "simulate", *words])
            assert done.exit_code == 1 and str(port) in done.stderr.split("dmtool: ")[1]
    done = CliRunner().invoke(cli.app, ["modem", "simulate", "--script", "nix"])
    assert done.exit_code == 1 and "nix" in done.stderr


def test_help_names_every_family_and_command():
    text = CliRunner().invoke(cli.app, ["modem", "simulate", "--help"], env={"COLUMNS": "200"}).output
    assert all(name in text for name in FAMILIES)
    assert all(line.split()[0] in text for line in HELP.splitlines())
    table = CliRunner().invoke(cli.app, ["modem", "families"], env={"COLUMNS": "200"}).output
    assert all(name in table for name in FAMILIES)


def test_what_one_sends_the_other_gets():
    with modem.Simulation() as simulation:
        sender = simulation.add("generic", B).modem
        receiver = simulation.add("sim7600", A).modem
        submit = sms_encode.submit(A, sms_encode.split(b"\0\x06\x01\xc2x")[0])
        simulation._loop.call_soon_threadsafe(sender.send, sender, submit.pdu)
        end = time.monotonic() + 10
        while not receiver.stores["SM"] and not receiver.stores["ME"]:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert simulation.command(f"{A} status").startswith("ok")
