"""Compile what runs on a device to build/mpy, laid out as on a board.

    python3 tools/build/mpy.py            what the simulated device runs
    python3 tools/build/mpy.py --tests    and what the tests of host_tests/pure need

    build/mpy/lib/       omadm, microdot           -O2, as on a board
    build/mpy/firmware/  boot, main, device/       -O2
    build/mpy/simdevice/ the simulated device      -O2
    build/mpy/pure/, fakes/, vectors               -O0: a test is its asserts

A heap of 64 KiB cannot hold the compiler's tree of a larger file, so neither a board nor
its stand-in compiles. To run from there (the frozen modules must be named too):

    MICROPYPATH=.frozen:build/mpy/lib:build/mpy/firmware $(cat build/micropython/bin) -X heapsize=128k -m main

Only what is older than its source is compiled again.
"""

import argparse
import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "mpy"
# Architecture of native code, as sys.implementation._mpy >> 10 gives it.
ARCHES = (
    "", "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp",
    "xtensa", "xtensawin", "rv32imc",
)  # fmt: skip


class Failed(Exception):
    """A file does not compile, or what compiles is missing."""


def tool(name):
    """Return the path of `bin` or `cross` as tools/build/interpreter.py noted it."""
    try:
        return (ROOT / "build" / "micropython" / name).read_text().strip()
    except OSError as problem:
        raise Failed("MicroPython is missing: run `make micropython`") from problem


def march():
    """Return mpy-cross's name for the interpreter's own native code."""
    code = "import sys; print(sys.implementation._mpy >> 10 & 15)"
    run = subprocess.run([tool("bin"), "-c", code], capture_output=True, text=True, check=True)
    number = int(run.stdout)
    return ARCHES[number] if number < len(ARCHES) else ""


def compile_file(source, made, name, level, arch):
    """Compile one file; `name` is what tracebacks call it."""
    command = [tool("cross"), f"-O{level}", "-s", name, "-o", str(made), str(source)]
    if arch:
        command.insert(1, f"-march={arch}")
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise Failed(f"{source.relative_to(ROOT)} does not compile:\n{run.stderr.strip()}")


def microdot():
    """Return Microdot's folder in .venv."""
    found = list((ROOT / ".venv" / "lib").glob("python3*/site-packages/microdot"))
    if not found:
        raise Failed("Microdot is missing: run `make setup`")
    return found[0]


def plan(tests):
    """Yield (source, made, name in tracebacks, level) of each file."""
    for folder, to in (("lib", "lib"), ("firmware", "firmware"), ("tools/simdevice", "simdevice")):
        for source in sorted((ROOT / folder).rglob("*.py")):
            name = source.relative_to(ROOT / folder)
            yield source, OUT / to / name.with_suffix(".mpy"), str(name), 2
    server = microdot()
    for part in ("__init__", "microdot"):
        yield server / f"{part}.py", OUT / "lib" / "microdot" / f"{part}.mpy", f"microdot/{part}.py", 2
    if tests:
        for folder in ("pure", "fakes"):
            for source in sorted((ROOT / "host_tests" / folder).glob("*.py")):
                if source.name != "micropython.py":  # CPython's stand-in for what is built in there
                    yield source, OUT / folder / f"{source.stem}.mpy", f"{folder}/{source.name}", 0


def bring_up_to_date(tests):
    """Compile what is new, drop what has no source any more; return how many were compiled."""
    arch = march()
    cross = Path(tool("cross")).stat().st_mtime
    wanted, count = set(), 0
    for source, made, name, level in plan(tests):
        wanted.add(made)
        newest = max(cross, source.stat().st_mtime)
        if not made.is_file() or made.stat().st_mtime <= newest:
            made.parent.mkdir(parents=True, exist_ok=True)
            compile_file(source, made, name, level, arch)
            count += 1
    for folder in ("lib", "firmware", "simdevice", *(("pure", "fakes") if tests else ())):
        for made in (OUT / folder).rglob("*.mpy"):
            if made not in wanted:
                made.unlink()
    if tests:
        link = OUT / "vectors"
        if not link.is_symlink():
            if link.is_dir():
                shutil.rmtree(link)
            link.symlink_to("../../host_tests/vectors")
    return count


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--tests", action="store_true", help="the pure tests and their fakes too")
    arguments = words.parse_args()
    try:
        OUT.mkdir(parents=True, exist_ok=True)
        with (OUT / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            count = bring_up_to_date(arguments.tests)
    except Failed as problem:
        print(f"mpy: {problem}", file=sys.stderr)
        return 1
    if count:
        print(f"mpy: {count} files compiled to {OUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
