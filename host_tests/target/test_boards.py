"""The board folders: layouts of flash that fit together, and settings that every board has."""

import ast
import csv
import re
import runpy

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
    end = FIRST
    for name, kind, _, offset, size in partitions():
        assert offset >= end, f"{name} begins before the partition before it ends"
        assert offset % (0x10000 if kind == "app" else 0x1000) == 0, f"{name} is not aligned"
        assert size > 0 and size % 0x1000 == 0, f"{name} has a size that is no multiple of a sector"
        assert len(name) <= 15
        end = offset + size
    assert end == FLASH_ESP32


def test_esp32_has_the_partition_that_its_board_names():
    kind, label = settings("ESP32_DM")["STORE"]
    rows = {name: (kind, subtype, size) for name, kind, subtype, _, size in partitions()}
    assert kind == "esp32"
    assert rows[label][0] == "data"
    assert 0x40 <= int(rows[label][1], 0) <= 0xFE, "subtypes of applications"
    assert rows[label][2] >= SMALLEST * 4096
    assert rows["vfs"][0] == "data" and rows["factory"][0] == "app"
