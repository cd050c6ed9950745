"""The store's block device in files: a folder of a host, and a littlefs under MicroPython."""

import os
import random
import subprocess

import pytest
from conftest import ROOT
from device.storage import FileBlocks, open_region

SECTORS = 8
SIZE = 4096


def content(device):
    buf = bytearray(SECTORS * SIZE)
    device.readblocks(0, buf)
    return bytes(buf)


@pytest.mark.parametrize("lazy", [False, True])
def test_like_memory(tmp_path, lazy):
    """Random pages written and sectors erased, with the files opened anew now and then."""
    rng = random.Random(3)
    folder = str(tmp_path / "dmtree")
    device = FileBlocks(folder, SECTORS, lazy)
    model = bytearray(b"\xff" * SECTORS * SIZE)
    for step in range(600):
        n, page = rng.randrange(SECTORS), rng.randrange(16)
        at = n * SIZE + page * 256
        kind = rng.randrange(8)
        if kind == 0:
            device.ioctl(6, n)
            model[n * SIZE : (n + 1) * SIZE] = b"\xff" * SIZE
        elif kind == 1:
            device.ioctl(3, 0)
            device = FileBlocks(folder, SECTORS, lazy)
        elif kind < 5:
            if model[at : at + 256] == b"\xff" * 256:
                model[at : at + 256] = rng.randbytes(256)
                device.writeblocks(n, bytes(model[at : at + 256]), page * 256)
        else:
            size = rng.randint(1, min(700, len(model) - at))
            buf = bytearray(size)
            device.readblocks(n, buf, page * 256)
            assert buf == model[at : at + size], step
    assert content(device) == model


def test_written_at_once_unless_lazy(tmp_path):
    for lazy in (False, True):
        folder = str(tmp_path / str(lazy))
        device = FileBlocks(folder, SECTORS, lazy)
        device.writeblocks(2, b"a" * 256, 512)
        assert (content(FileBlocks(folder, SECTORS)) == b"\xff" * SECTORS * SIZE) == lazy
        device.ioctl(3, 0)
        assert content(FileBlocks(folder, SECTORS)) == content(device)
        assert device.writes == 1


def test_geometry(tmp_path):
    device = open_region(("file", str(tmp_path / "x"), SECTORS))
    assert device.ioctl(4, 0) == SECTORS and device.ioctl(5, 0) == SIZE
    for n in (-1, SECTORS):
        with pytest.raises(OSError):
            device.readblocks(n, bytearray(1))
    with pytest.raises(ValueError, match="tape"):
        open_region(("tape", 1))


def test_littlefs_and_power_cuts(micropython):
    """Old or new tree after every cut; and one file a sector costs no more than it was made for."""
    folders = [".frozen", *(str(ROOT / part) for part in ("host_tests/fakes", "firmware", "lib"))]
    run = subprocess.run(
        [micropython, "-X", "heapsize=8m", str(ROOT / "host_tests" / "device" / "littlefs_cuts.py")],
        env={**os.environ, "MICROPYPATH": ":".join(folders)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    # Between them: complaints about files that a cut left open.
    said = dict(line.split(" ", 1) for line in run.stdout.splitlines() if line[:4] in ("CUTS", "COST"))
    old, new = map(int, said["CUTS"].split())
    assert old > 10 and new > 0
    erases, programs = map(float, said["COST"].split())
    assert erases <= 1.2 and programs <= 12
