"""What the tests of this folder share: firmware, boards that run it, and boards on a pty."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from boardsim import Board, Unusable, node
from conftest import ROOT, need_tool

BUILD = ROOT / "tools" / "build" / "firmware.py"
START = 20  # seconds within which a board on a pty must be there


def firmware(name):
    """Return the path of a board's firmware, built when it is not up to date."""
    for tool, package in (
        ("node", "nodejs npm"),
        ("npm", "npm"),
        ("cmake", "cmake"),
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib"),
    ):
        need_tool(tool, package)
    done = subprocess.run([sys.executable, str(BUILD), name], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    try:
        node.modules()
    except Unusable as problem:
        pytest.fail(str(problem), pytrace=False)
    return ROOT / "build" / "firmware" / name / "firmware.bin"


def board(name, **more):
    """Return a board with that firmware, not powered yet."""
    return Board(firmware(name), **more)


def simulator(*arguments):
    """Start `boardsim ARGUMENTS`."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "tools"))
    return subprocess.Popen(
        [sys.executable, "-m", "boardsim", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Live:
    """A board on a pty."""

    def __init__(self, process):
        self.process = process
        self.lines = {}

    def find(self, name):
        """Wait for the address of a serial line."""
        while name not in self.lines:
            line = self.process.stdout.readline()
            match = re.match(r"(\w+) on (\S+)", line)
            if match is None:
                pytest.fail(f"boardsim said {line!r} and {self.process.stderr.read()!r}")
            self.lines[match[1]] = match[2]
        return self.lines[name]

    def wait_for_boot(self, number):
        """Wait until the board has reset itself so often that this is boot `number` (from 1)."""
        while True:
            line = self.process.stdout.readline()
            match = re.fullmatch(r"the board has reset itself; this is boot (\d+)\n", line)
            if match is None:
                pytest.fail(f"boardsim said {line!r}")
            if int(match[1]) >= number:
                return

    def mpremote(self, *arguments, timeout=60):
        """Run mpremote on the board's pty and return what it printed."""
        command = [sys.executable, "-m", "mpremote", "connect", self.find("REPL"), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def end(self):
        """Switch the board off; return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START)


@contextmanager
def on_pty(name, *options):
    """A board on a pty for the length of a with statement."""
    process = simulator("run", "--firmware", firmware(name), *options)
    live = Live(process)
    try:
        live.find("REPL")
        yield live
    finally:
        live.end()
        process.stdout.close()
        process.stderr.close()


def until(condition, seconds=START):
    """Wait until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
