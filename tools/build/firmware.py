"""Build the firmware of a board.

    python3 tools/build/firmware.py [--native] BOARD [BOARD...]

BOARD is a folder of boards/ (RP2040_DM, ESP32_DM), or RPI_PICO: the stock firmware of the Raspberry Pi
Pico, which the simulated board runs to show that omadm works there too. MicroPython is the checkout that
MPY_DIR names (with its submodules), else Debian's source packages below build/micropython/src. An ESP32
board is built where IDF_PATH is set. With --native the module of firmware/native is built in, and the
folder is called BOARD_NATIVE.

    build/firmware/BOARD/firmware.bin, .elf, .hex    (and .uf2 where picotool is there)

A build that has nothing new to take in ends at once. Standard library only; Microdot, which is frozen, is
that of .venv: run `make setup` first.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import interpreter
from debian import HOME, ROOT, SRC, Failed, run
from mpy import microdot

OUT = ROOT / "build" / "firmware"
STOCK = ("RPI_PICO",)
COMPILER = "gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib cmake"
NEEDS = ("make", "cmake", "arm-none-eabi-gcc", "arm-none-eabi-g++")
FLASH = 2 * 1024 * 1024
NATIVE = ROOT / "firmware" / "native" / "micropython.cmake"
KINDS = ("bin", "elf", "hex", "uf2")
SUBMODULES = ("mbedtls", "pico-sdk", "tinyusb")


def from_debian():
    """Return MicroPython's sources from Debian, with the packages it is built with in their places."""
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all((SRC / name).is_dir() for name in ("micropython", *SUBMODULES)):
            interpreter.sources()
        place = SRC / "micropython"
        for name in SUBMODULES:
            interpreter.link(name)
        (SRC / "pico-sdk" / "README.md").touch()  # by which the port's Makefile knows that the SDK is there
    return place


def checkout():
    """Return the folder of MicroPython's sources."""
    named = os.environ.get("MPY_DIR")
    place = Path(named).resolve() if named else from_debian()
    header = place / "py" / "mpconfig.h"
    if not header.is_file():
        raise Failed(f"MPY_DIR={named} is no checkout of MicroPython: {header} is missing")
    if version(place) < interpreter.OLDEST:
        oldest = ".".join(map(str, interpreter.OLDEST))
        raise Failed(
            f"{place} is MicroPython {'.'.join(map(str, version(place)))}; {oldest} or newer is needed"
        )
    return place


def version(place):
    text = (place / "py" / "mpconfig.h").read_text()
    return tuple(map(int, re.findall(r"define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", text)))


def environment(place):
    """Return the environment of the build: nothing of an outer make, and a version not taken from our git."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    if not os.environ.get("MPY_DIR"):
        kept["MICROPY_GIT_TAG"] = "v" + ".".join(map(str, version(place)))
        kept["MICROPY_GIT_HASH"] = "debian"
        # The date in the banner, so that the same sources give the same firmware.
        kept["SOURCE_DATE_EPOCH"] = str(int((place / "py" / "mpconfig.h").stat().st_mtime))
    return kept


def folder_of(board, place):
    """Return the board's folder."""
    ours = ROOT / "boards" / board
    if (ours / "mpconfigboard.cmake").is_file():
        return ours
    if board in STOCK:
        return place / "ports" / "rp2" / "boards" / board
    known = sorted(path.parent.name for path in (ROOT / "boards").glob("*/mpconfigboard.cmake"))
    raise Failed(f"no board {board}; there are {', '.join([*known, *STOCK])}")


def stale(made, folder, ours):
    """Return whether something that goes into a firmware is newer than it."""
    if not made.is_file():
        return True
    then = made.stat().st_mtime
    inside = [folder, Path(__file__).parent / "stock"]
    if ours:
        inside += [ROOT / "lib", ROOT / "firmware", ROOT / "boards", microdot()]
    files = (
        path for part in inside for path in part.rglob("*") if path.suffix in (".py", ".cmake", ".c", ".h", ".csv")
    )
    return any(path.stat().st_mtime >= then for path in files)


def room(folder):
    """Return how many octets of flash the code may take: up to where the storage area begins."""
    text = (folder / "mpconfigboard.h").read_text()
    size = re.search(r"define MICROPY_HW_FLASH_STORAGE_BYTES\s+\((\d+) \* 1024\)", text)
    if size is None:
        raise Failed(f"{folder}/mpconfigboard.h does not say MICROPY_HW_FLASH_STORAGE_BYTES (KIB * 1024)")
    return FLASH - int(size[1]) * 1024


def build_rp2(board, folder, place, out, more):
    """Build for an RP2040; the port's Makefile calls cmake, whose options come through the environment."""
    missing = [tool for tool in NEEDS if shutil.which(tool) is None]
    if missing:
        raise Failed(f"missing: {', '.join(missing)}; on Debian: apt-get install {COMPILER}")
    options = [] if shutil.which("picotool") else ["-DPICO_NO_PICOTOOL=1"]  # else it would be downloaded
    if ROOT in folder.parents and "boards" in folder.relative_to(ROOT).parts[:1]:
        options.append(f"-DMICROPY_MANIFEST_MICRODOT_DIR={microdot().parent}")
    elif not (place / "lib" / "micropython-lib" / "micropython").is_dir():
        options.append(f"-DMICROPY_FROZEN_MANIFEST={ROOT / 'tools' / 'build' / 'stock' / 'manifest.py'}")
    made = out / "cmake"
    command = ["make", "-j", str(os.cpu_count() or 1), "-C", str(place / "ports" / "rp2")]
    command += [f"BOARD_DIR={folder}", f"BUILD={made}", *more]
    run(
        f"building the firmware of {board} (about 40 s the first time)",
        command,
        env=dict(environment(place), CMAKE_ARGS=" ".join(options)),
    )
    limit, size = room(folder), (made / "firmware.bin").stat().st_size
    if size > limit:
        raise Failed(f"the firmware of {board} has {size} octets, and the file system begins at {limit}")
    keep(made, "firmware", out)
    print(f"firmware: {(out / 'firmware.bin').relative_to(ROOT)}: {size} octets of {limit}")


def need_idf(board):
    """Raise Failed where an ESP32 board cannot be built; asked before anything is fetched."""
    if not os.environ.get("IDF_PATH"):
        raise Failed(
            f"{board} is built with ESP-IDF 5 and a checkout of MicroPython with its submodules: set IDF_PATH, run "
            "`. $IDF_PATH/export.sh` in this shell, and name the checkout with MPY_DIR"
        )
    if shutil.which("idf.py") is None:
        raise Failed(
            f'idf.py is not on PATH: run `. "$IDF_PATH/export.sh"` in this shell, then build {board} again'
        )


def build_esp32(board, folder, place, out, more):
    """Build for an ESP32, with ESP-IDF's own tools."""
    made = out / "cmake"
    command = ["make", "-C", str(place / "ports" / "esp32"), f"BOARD_DIR={folder}", f"BUILD={made}", *more]
    run(f"building the firmware of {board} (some minutes)", command, env=environment(place))
    keep(made, "firmware", out)
    print(f"firmware: {(out / 'firmware.bin').relative_to(ROOT)}")


def keep(made, name, out):
    """Copy what was built to its place, firmware.bin last: by its age a later run knows what is new."""
    for kind in reversed(KINDS):
        source = made / f"{name}.{kind}"
        if source.is_file():
            shutil.copyfile(source, out / f"firmware.{kind}.new")
            (out / f"firmware.{kind}.new").replace(out / f"firmware.{kind}")


def build(board, native=False):
    """Bring one board's firmware up to date; return the path of the .bin."""
    out = OUT / (f"{board}_NATIVE" if native else board)
    out.mkdir(parents=True, exist_ok=True)
    HOME.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (ROOT / "boards" / board / "partitions.csv").is_file():
            need_idf(board)
        place = checkout()
        folder = folder_of(board, place)
        made, origin = out / "firmware.bin", out / "sources"
        if not origin.is_file() or origin.read_text() != f"{place}\n":
            shutil.rmtree(out / "cmake", ignore_errors=True)  # it belongs to other sources
            made.unlink(missing_ok=True)
            origin.write_text(f"{place}\n")
        if stale(made, folder, board not in STOCK):
            esp32 = (folder / "partitions.csv").is_file()
            more = [f"USER_C_MODULES={NATIVE}"] if native else []
            (build_esp32 if esp32 else build_rp2)(board, folder, place, out, more)
    return made


def main(boards):
    native = boards[:1] == ["--native"]
    boards = boards[native:]
    if not boards or any(name.startswith("-") for name in boards):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if any(letter.isspace() for letter in str(ROOT)):
            raise Failed(f"the path of this folder has a blank in it, which make cannot handle: {ROOT}")
        for board in boards:
            build(board, native)
    except (Failed, OSError, tarfile.TarError, subprocess.SubprocessError) as problem:
        print(f"firmware: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
