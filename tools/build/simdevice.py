"""Build the interpreter of the simulated device: the unix port with the device's code frozen.

    python3 tools/build/simdevice.py

On a board of ours the code lies in flash, and the heap is for data alone. So it is here: what
boards/manifest.py freezes is linked into a second interpreter, which then runs in a heap of
128k, what 64 KiB are where a word has 32 bits. Its objects are those of tools/build/interpreter.py,
so this takes a second or two.

A `micropython` from PATH can't be linked anew. With it, the device takes its code from build/mpy
into its heap, which gets 128k more for that.

Written for those who start a device: build/micropython/device, one line with the path of the
interpreter, one with the size of the heap.
"""

import fcntl
import os
import re
import shutil
import sys
import time
from pathlib import Path

from debian import HOME, ROOT, SRC, Failed, run
from interpreter import VARIANT
from mpy import microdot

FROZEN_HEAP = "128k"
LOADED_HEAP = "256k"
MANIFEST = ROOT / "tools" / "simdevice" / "manifest.py"
BUILD = HOME / "simdevice"  # objects, those of the interpreter to begin with
BINARY = HOME / "micropython-device"


def note(binary, heap):
    """Write down how a device is started."""
    made = HOME / "device"
    text = f"{binary}\n{heap}\n"
    if not made.is_file() or made.read_text() != text:
        made.write_text(text)


def objects():
    """Have a copy of the interpreter's objects; return whether there are any."""
    unix = HOME / "unix"
    if not (unix / "micropython").is_file():
        return False
    if BUILD.is_dir() and (BUILD / "py").stat().st_ctime < (unix / "micropython").stat().st_ctime:
        shutil.rmtree(BUILD)
    if not BUILD.is_dir():
        spare = HOME / "simdevice.new"
        shutil.rmtree(spare, ignore_errors=True)
        shutil.copytree(unix, spare)  # with the times of the files, or all would be compiled again
        spare.rename(BUILD)
    return True


def build():
    """Freeze and link."""
    start = time.time()
    place = SRC / "micropython"
    version = re.findall(
        r"define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", (place / "py" / "mpconfig.h").read_text()
    )
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SECONDS")
    }
    environment.update(MICROPY_GIT_TAG="v" + ".".join(version), MICROPY_GIT_HASH="debian")
    run(
        "freezing the simulated device",
        [
            "make",
            "-j",
            str(os.cpu_count() or 1),
            "-C",
            str(place / "ports" / "unix"),
            f"VARIANT_DIR={VARIANT}",
            f"BUILD={BUILD}",
            f"FROZEN_MANIFEST={MANIFEST}",
            f"MICROPY_MANIFEST_MICRODOT_DIR={microdot().parent}",
            "CFLAGS_EXTRA=-Wno-error",
        ],
        env=environment,
    )
    spare = BINARY.with_suffix(".new")
    shutil.copy2(BUILD / "micropython", spare)
    os.utime(spare, (start, start))  # what changes during the build is newer than it
    spare.replace(BINARY)  # devices that run keep the old one
    note(BINARY, FROZEN_HEAP)


def stale():
    """Return whether something that is frozen is newer than the interpreter."""
    if not BINARY.is_file():
        return True
    then = BINARY.stat().st_mtime
    folders = [ROOT / "lib", ROOT / "firmware", ROOT / "boards", MANIFEST.parent, VARIANT, microdot()]
    return any(path.stat().st_mtime >= then for folder in folders for path in folder.rglob("*.py"))


def main():
    try:
        if not (HOME / "bin").is_file():
            raise Failed("MicroPython is missing: run `make micropython`")
        binary = Path((HOME / "bin").read_text().strip())
        with (HOME / "simdevice.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if HOME not in binary.parents or not objects():
                note(binary, LOADED_HEAP)
            elif stale():
                build()
            else:
                note(BINARY, FROZEN_HEAP)
    except (Failed, OSError) as problem:
        print(f"simdevice: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
