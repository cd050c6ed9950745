"""The board chapter of the README, line by line, as somebody new types it; on the simulated board it names.

Only the places differ: /tmp is a folder of this test, and TCP ports are free ones.
"""

import os
import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import ROOT
from dmtool.device import free_port
from target import firmware

CHAPTER = re.search(r"## On a board\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.S)[1]
BLOCKS = re.findall(r"(?:^    .*\n?)+", CHAPTER, re.M)
LONGEST = 150  # seconds a line may take
PATIENCE = 90  # seconds within which the SMS must have come


def lines(block):
    return [line[4:].partition("  #")[0].strip() for line in block.splitlines()]


class Terminal:
    """A shell of the user's, where lines are typed one after the other."""

    def __init__(self, place):
        self.place = place
        self.behind = []
        self.environment = dict(os.environ, PATH=f"{ROOT}/.venv/bin:{os.environ['PATH']}")
        self.environment.pop("MAKEFLAGS", None)
        self.modem_port = str(free_port())

    def type(self, line):
        """Type one line; return what it said."""
        line = line.replace("/tmp/", f"{self.place}/").replace("4100", self.modem_port)
        line = line.replace("make ", f"make -C {ROOT} ").replace(" build/", f" {ROOT}/build/")
        if line.endswith("&"):
            log = (self.place / f"behind{len(self.behind)}.log").open("w")
            words = "exec " + line.removesuffix("&")
            self.behind.append(
                subprocess.Popen(
                    ["bash", "-c", words], cwd=self.place, env=self.environment, stdout=log, stderr=log
                )
            )
            for path in re.findall(r"(?:pty=|--link )(\S+)", line):
                self.wait_for(path, log.name)
            return ""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
        )
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def wait_for(self, path, log):
        end = time.monotonic() + LONGEST
        while not os.path.exists(path):
            assert time.monotonic() < end, Path(log).read_text()
            time.sleep(0.05)

    def close(self):
        for process in self.behind:
            process.terminate()
        for process in self.behind:
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_board_chapter(terminal):
    firmware("RP2040_DM")  # skips where its tools are missing
    commands, shown = (lines(block) for block in BLOCKS)
    assert len(commands) == 11 and commands[0].startswith("export PATH")
    for line in commands[1:-1]:
        terminal.type(line)
    end = time.monotonic() + PATIENCE
    while True:
        time.sleep(8)  # to look at a board stops it
        said = terminal.type(commands[-1])
        if "#1 message" in said:
            break
        assert time.monotonic() < end, said
        terminal.type("mpremote connect /tmp/board resume reset")
    told = [shape(line) for line in said.splitlines() if line]
    assert told == [shape(line) for line in shown], said


def shape(line):
    """A line without its numbers, which depend on when one looks."""
    return re.sub(r"\d+", "N", line)
