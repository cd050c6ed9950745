"""A simulated board for tests and benchmarks: power it on, run a script on its raw REPL, cut its power.

Nothing here depends on the wall clock, so the same script on the same flash takes the same number of
instructions.
"""

import json
import select
from dataclasses import dataclass

from . import node

CHUNK = 512  # octets of a file in one script


class Halted(Exception):
    """The board stopped by itself: a reset, a panic of the firmware or a rule of the flash chip."""

    def __init__(self, text, reason):
        super().__init__(text)
        self.reason = reason


class PowerCut(Halted):
    """The power was cut where `Board.cut` said."""


class ScriptFailed(Exception):
    """The script ended with an exception; the text is its traceback."""


@dataclass
class Result:
    """What a script did: its output, and what it cost on the board (compiling it included)."""

    stdout: str
    stderr: str
    micros: int  # simulated
    instructions: int
    operations: int  # of the flash, all kinds
    erases: int
    pages: int


class Process:
    """The simulator's process and its requests."""

    def __init__(self, **more):
        self.process = node.start(**more)
        self.number = 0

    def call(self, op, wall=300, **parameters):
        """Do one operation and return its answer; `wall` is the longest time it may take, in seconds."""
        self.number += 1
        line = json.dumps({**parameters, "id": self.number, "op": op}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Halted("the simulator's process has ended", "error") from None
        while True:
            answer = self.answer(wall)
            if answer.get("id") == self.number:
                break
        if "ok" in answer:
            return answer["ok"]
        if answer["reason"] == "error":
            raise ValueError(answer["error"])
        raise (PowerCut if answer["reason"] == "cut" else Halted)(answer["error"], answer["reason"])

    def answer(self, wall):
        """Return the next line that the process says, as a dict."""
        if not select.select([self.process.stdout], [], [], wall)[0]:
            self.close()
            raise Halted(f"the simulator gave no answer within {wall} s", "error")
        line = self.process.stdout.readline()
        if not line:
            raise Halted("the simulator's process has ended", "error")
        return json.loads(line)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.terminate()
        self.process.wait()


class Board:
    """One board with its firmware and flash.

    `flash` names an image file to begin with; it is written only by `save`.
    """

    def __init__(self, firmware, flash=None, unique_id=None):
        self.process = Process()
        try:
            self.call("load", firmware=str(firmware), flash=flash and str(flash), uniqueId=unique_id)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the simulator."""
        self.process.close()

    def call(self, op, **parameters):
        """Do one operation of js/main.mjs."""
        return self.process.call(op, **parameters)

    def boot(self, connect=True):
        """Power on, or off and on; wait for USB unless told not to. Returns the board."""
        self.call("boot", connect=connect)
        return self

    def exec(self, code, ms=60_000, check=True):
        """Run a script on the raw REPL for at most `ms` of simulated time.

        Interrupts what runs. Raises ScriptFailed when it ends with an exception (unless check is False),
        PowerCut and Halted.
        """
        result = Result(**self.call("exec", code=code.encode().decode("latin-1"), ms=ms))
        result.stdout = result.stdout.encode("latin-1").decode(errors="replace").replace("\r\n", "\n")
        result.stderr = result.stderr.encode("latin-1").decode(errors="replace").replace("\r\n", "\n")
        if check and result.stderr:
            raise ScriptFailed(result.stderr)
        return result

    def step(self, ms, cdc=b"", uart=b"", mark=None):
        """Let `ms` pass, less if `mark` arrives; send to REPL and UART0.

        Returns what both sent, as (cdc, uart).
        """
        mark = mark and mark.decode("latin-1")
        answer = self.call("pass", ms=ms, cdc=cdc.decode("latin-1"), uart=uart.decode("latin-1"), mark=mark)
        return answer["cdc"].encode("latin-1"), answer["uart"].encode("latin-1")

    def put(self, path, data):
        """Write a file on the board's file system."""
        self.exec(f"f=open({path!r},'wb')")
        for at in range(0, len(data), CHUNK):
            self.exec(f"f.write({bytes(data[at : at + CHUNK])!r})")
        self.exec("f.close()\ndel f")

    def cut(self, at, torn="before"):
        """Cut the power at the flash operation `at`, from 1, counted from now; 0: not at all.

        torn: nothing of that operation happened (before), some of it (half, bits), or all of it (after).
        """
        self.call("cut", at=at, torn=torn)

    def record(self):
        """Keep what each flash operation from now on does, for `recorded` and `rewind`."""
        self.call("record")

    def recorded(self):
        """Return the operations since `record`: a list of dicts with kind, offset, length."""
        return self.call("recorded")

    def rewind(self, index, torn="before"):
        """Make the flash what a cut at recorded operation `index` (from 0) would have left. Boot afterwards.

        It is the same as cutting a new run there, without the run: nothing before a cut depends on it.
        """
        self.call("rewind", index=index, torn=torn)

    def keep(self, name="kept"):
        """Keep a copy of the flash under a name."""
        self.call("keep", name=name)

    def restore(self, name="kept"):
        """Make the flash what it was at `keep`. Boot afterwards."""
        self.call("restore", name=name)

    def peek(self, offset, length):
        """Return octets of the flash chip."""
        return self.call("peek", offset=offset, length=length).encode("latin-1")

    def poke(self, offset, data):
        """Set octets of the flash chip, past its rules: for bit rot."""
        self.call("poke", offset=offset, data=bytes(data).decode("latin-1"))

    def save(self, path):
        """Write the flash to an image file."""
        self.call("save", path=str(path))

    def report(self):
        """Return the figures so far: simulated_ms, instructions, boots, flash {erases, pages, wear, ...}."""
        return self.call("report")
