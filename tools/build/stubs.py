"""Type-check what runs on boards against what MicroPython's ports offer: no call that a port has not got.

    .venv/bin/python tools/build/stubs.py [FILE...]     lib/, firmware/ and boards/, or these

mypy takes the stubs of a port in the place of Python's own standard library, once for the oldest
MicroPython and once for the newest (stubs.txt). Faults of the stubs themselves are passed over, and
imports of another port's modules, which stand where only that port comes. What is left is printed.

Exit 0 nothing found, 1 something found, or the stubs cannot be had.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "stubs"
LIST = Path(__file__).with_name("stubs.txt")
PYTHON = ROOT / ".venv" / "bin" / "python"
OURS = ("lib/", "firmware/", "boards/")
# Modules that a port has not got, imported where another port comes, or with a way without them.
ELSEWHERE = {"esp32": ("rp2", "dmcrypto"), "rp2": ("esp32", "network", "socket", "dmcrypto")}
# Faults of the stubs that show in our files, with what is true.
WRONG = (
    r'argument "(start|len)" for "Flash"',  # rp2.Flash takes them since 1.19 (ports/rp2/rp2_flash.c)
    r'abstract class "VfsLfs2"',  # it is none
    r'"None" has no attribute',  # a place that is filled later
)
# Types of values without an annotation are for the tests to find out; this is about calls.
CONFIG = """[mypy]
python_version = 3.11
custom_typeshed_dir = {stubs}
mypy_path = {stubs}:{root}/boards/{board}:{root}/lib:{root}/firmware
explicit_package_bases = True
check_untyped_defs = True
strict_optional = False
local_partial_types = False
disable_error_code = assignment, union-attr, operator, index, list-item, has-type, var-annotated, annotation-unchecked
cache_dir = {cache}
[mypy-microdot.*]
ignore_missing_imports = True
[mypy-omadm.*]
disable_error_code = call-overload, arg-type
[mypy-device.modem]
disable_error_code = arg-type
"""


class Failed(Exception):
    """The stubs cannot be had; the text says why."""


def sets():
    """Return the (port, packages) of stubs.txt."""
    rows = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    return [(row[0], row[1:]) for row in rows]


def install(port, packages):
    """Return the folder with these stubs, put there once."""
    place = OUT / "-".join([port, packages[0].rpartition("==")[2]])
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = place / "installed"
        if stamp.is_file() and stamp.read_text() == " ".join(packages):
            return place
        shutil.rmtree(place, ignore_errors=True)
        command = [str(PYTHON), "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check"]
        run = subprocess.run(
            [*command, "--target", str(place), *packages], capture_output=True, text=True, cwd=ROOT
        )
        if run.returncode:
            last = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Failed(f"pip cannot install {' '.join(packages)} ({last}): check the network")
        stamp.write_text(" ".join(packages))
    return place


def check(port, packages, files):
    """Return the lines that mypy says about our files with one set of stubs."""
    place = install(port, packages)
    board = {"esp32": "ESP32_DM", "rp2": "RP2040_DM"}[port]
    config = place / "mypy.ini"
    config.write_text(CONFIG.format(stubs=place, root=ROOT, board=board, cache=place / "cache"))
    named = files or ["lib/omadm", "firmware/device", *firmware(), f"boards/{board}/board.py", *boot(board)]
    fresh = ["--no-incremental"] if files else []  # the cache goes by names of modules, and has old paths
    run = subprocess.run(
        [str(PYTHON), "-m", "mypy", "--config-file", str(config), "--no-error-summary", *fresh, *named],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=dict(os.environ, MYPY_FORCE_COLOR="0"),
    )
    if run.returncode > 1:
        raise Failed(f"mypy does not run with {packages[0]}: {run.stdout[-500:]}{run.stderr[-500:]}")
    return [f"{packages[0]}: {line}" for line in run.stdout.splitlines() if counts(line, port, files)]


def firmware():
    """Return the modules of firmware/ but its board.py, whose place a board's own one takes."""
    return [f"firmware/{path.name}" for path in sorted((ROOT / "firmware").glob("*.py")) if path.name != "board.py"]


def boot(board):
    """Return the _boot.py of a board, if it has one of its own."""
    path = ROOT / "boards" / board / "_boot.py"
    return [str(path.relative_to(ROOT))] if path.is_file() else []


def counts(line, port, files):
    """Return whether a line is about our code, and no import meant for another port."""
    if ": note:" in line or not line.startswith((*OURS, *files)):
        return False
    if any(re.search(text, line) for text in WRONG):
        return False
    missing = re.search(r'module named "([\w.]+)"', line)
    return missing is None or missing[1] not in ELSEWHERE[port]


def main(files):
    try:
        with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
            found = list(pool.map(lambda row: check(row[0], row[1], files), sets()))
    except Failed as problem:
        print(f"stubs: {problem}", file=sys.stderr)
        return 1
    for lines in found:
        print("\n".join(lines), end="\n" if lines else "")
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
