"""Build the interpreter that plays the device with the native module in it, and test with it.

    python3 tools/build/native.py          build/micropython/micropython-native
    python3 tools/build/native.py --test   and host_tests/native, and the pure tests of signatures, in it

What firmware/native adds to a board is added here to the unix port, so the C code runs on the host, on
every test of a signature. The other interpreter has none, as most boards. Needs what `make micropython` needs.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import interpreter
from debian import HOME, ROOT, SRC, Failed, run

VARIANT = interpreter.VARIANT
MODULES = ROOT / "firmware"
BUILD = HOME / "native"
BINARY = HOME / "micropython-native"
TESTS = [
    "host_tests/native/native_cases.py",
    *(f"host_tests/pure/test_{name}.py" for name in ("pubkey", "signature", "signed_client")),
]
HEAP = "1m"


def stale():
    """Return whether something that goes into it is newer than the interpreter."""
    if not BINARY.is_file():
        return True
    then = BINARY.stat().st_mtime
    return any(
        path.stat().st_mtime >= then
        for folder in (MODULES / "native", VARIANT)
        for path in folder.iterdir()
        if path.is_file()
    )


def build():
    """Build from the sources of the interpreter."""
    place = SRC / "micropython"
    if not (place / "lib" / "mbedtls" / "library" / "aes.c").is_file():
        HOME.mkdir(parents=True, exist_ok=True)
        place = interpreter.tree(interpreter.Apt(["deb-src"]))
    cross = place / "mpy-cross"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SECONDS")
    }
    environment.update(MICROPY_GIT_TAG="native", MICROPY_GIT_HASH="debian")
    make = ["make", "-j", str(os.cpu_count() or 1), "CFLAGS_EXTRA=-Wno-error"]
    run("building mpy-cross (about 10 s)", [*make, "-C", str(cross)], env=environment)
    shutil.rmtree(BUILD, ignore_errors=True)
    words = [f"VARIANT_DIR={VARIANT}", f"BUILD={BUILD}", f"USER_C_MODULES={MODULES}"]
    run(
        "building the unix port with the native module (about 30 s)",
        [*make, "-C", str(place / "ports" / "unix"), *words],
        env=environment,
    )
    shutil.copy2(BUILD / "micropython", BINARY.with_suffix(".new"))
    os.utime(BINARY.with_suffix(".new"))
    BINARY.with_suffix(".new").replace(BINARY)


def test():
    """Run the tests in it; return how many files failed."""
    subprocess.run([sys.executable, str(Path(__file__).with_name("mpy.py")), "--tests"], check=True)
    failed = 0
    for name in TESTS:
        command = [str(BINARY), "-X", f"heapsize={HEAP}", "host_tests/mpy_runner.py"]
        if "/pure/" in name:
            command += ["--mpy", "build/mpy"]
        print(f"native: {name}: ", end="", flush=True)
        failed += subprocess.run([*command, name], cwd=ROOT).returncode != 0
    return failed


def main(arguments):
    if arguments not in ([], ["--test"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        HOME.mkdir(parents=True, exist_ok=True)
        with (HOME / "native.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if stale():
                build()
        return 1 if arguments and test() else 0
    except (Failed, OSError, subprocess.SubprocessError) as problem:
        print(f"native: {problem}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
