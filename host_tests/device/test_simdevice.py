"""The simulated device itself: NOR rules of its flash, power cuts, and how it ends."""

import signal
import sys

import pytest
from conftest import ROOT, run_make
from dmtool import image as images
from simdevice_bench import Operator, SimDevice

sys.path.insert(0, str(ROOT / "tools" / "simdevice"))
import norfile

POWER_CUT = 57


@pytest.fixture
def operator(tmp_path):
    run_make("mpy")
    return Operator(tmp_path)


@pytest.fixture
def flash(tmp_path):
    return norfile.NorFile(str(tmp_path / "flash"), 8 * 4096)


def read(flash, n, off=0, size=256):
    buf = bytearray(size)
    flash.readblocks(n, buf, off)
    return bytes(buf)


def test_new_flash_is_blank(flash):
    assert flash.ioctl(4, 0) == 8 and flash.ioctl(5, 0) == 4096
    assert read(flash, 0, 0, 8 * 4096) == b"\xff" * 8 * 4096


def test_program_only_clears_bits(flash):
    flash.writeblocks(1, bytes([0x0F]) * 256, 512)
    flash.writeblocks(1, bytes([0x3C]) * 512, 512)
    assert read(flash, 1, 256, 1024) == b"\xff" * 256 + b"\x0c" * 256 + b"\x3c" * 256 + b"\xff" * 256
    flash.ioctl(6, 1)
    assert read(flash, 1, 0, 4096) == b"\xff" * 4096
    assert (flash.programs, flash.erases, flash.operations) == (3, 1, 4)
    assert list(flash.wear) == [0, 1, 0, 0, 0, 0, 0, 0]


def test_what_is_written_stays(flash, tmp_path):
    flash.writeblocks(7, b"\0" * 256, 3840)
    assert (tmp_path / "flash").read_bytes() == b"\xff" * (8 * 4096 - 256) + b"\0" * 256


@pytest.mark.parametrize(
    "write",
    [(0, b"x" * 256), (0, b"x" * 255, 0), (0, b"x" * 256, 1), (0, b"x" * 512, 3840), (8, b"x" * 256, 0)],
)
def test_broken_rules(flash, write):
    with pytest.raises(OSError):
        flash.writeblocks(*write)
    assert not flash.operations and read(flash, 0, 0, 4096) == b"\xff" * 4096
    for n in (-1, 8):
        with pytest.raises(OSError):
            flash.ioctl(6, n)
        with pytest.raises(OSError):
            flash.readblocks(n, bytearray(1))


@pytest.mark.parametrize("torn", norfile.TORN)
def test_torn(tmp_path, torn):
    old, half, blank = b"\x0f", b"\x0f" * 128, b"\xff"
    page = {"before": old * 256, "half": b"\0" * 128 + half, "rear": half + b"\0" * 128, "after": b"\0" * 256}
    sector = {
        "before": old * 4096,
        "half": blank * 2048 + old * 2048,
        "rear": old * 2048 + blank * 2048,
        "after": blank * 4096,
    }
    for operation, content in ((1, page), (2, sector)):
        path = tmp_path / str(operation)
        path.write_bytes(old * 4096 * 8)
        flash = norfile.NorFile(str(path), 0, operation, torn)
        with pytest.raises(norfile.PowerCut) as cut:
            if operation == 2:
                flash.writeblocks(5, b"\xff" * 256, 0)
            flash.ioctl(6, 3) if operation == 2 else flash.writeblocks(3, b"\0" * 256, 0)
        assert cut.value.args == (operation,)
        size = len(content[torn])
        assert path.read_bytes() == old * 3 * 4096 + content[torn] + old * (5 * 4096 - size)
        with pytest.raises(norfile.PowerCut):
            flash.ioctl(6, 0)
        with pytest.raises(norfile.PowerCut):
            flash.readblocks(0, bytearray(1))


def value(operator):
    with images.open_image(operator.image) as image:
        return image.tree.value(image.find("./Led/State"))


def test_power_cuts(operator):
    """Around and inside every operation of one push: the tree is the old or the new one, and the
    same push is taken again exactly when it had no effect."""
    with SimDevice(operator.image):
        pass  # declares its nodes
    cuts = 0
    for torn in norfile.TORN:
        operation = 0
        while True:
            operation += 1
            body = operator.push(operator.message(f"replace ./Led/State={torn}{operation}"))
            old = value(operator)
            with SimDevice(operator.image, "--cut", str(operation), "--torn", torn) as device:
                assert device.send(body).status == 204
                if device.push_or_cut() != {"event": "power-cut", "operation": operation}:
                    break  # more operations than the push has
                assert device.end() == POWER_CUT and not device.noise
            new = value(operator)
            assert new in (old, f"{torn}{operation}".encode())
            with SimDevice(operator.image) as device:
                assert device.send(body).status == 204
                assert (device.event("push")["error"] is None) == (new == old)
            assert value(operator) == f"{torn}{operation}".encode()
            cuts += 1
    assert cuts >= len(norfile.TORN)


def test_ends_with_its_input(operator):
    device = SimDevice(operator.image)
    ready = device.event("ready")
    assert ready["port"] == device.port and ready["device"] == operator.account.device_id
    assert device.stop() == 0 and not device.noise


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signals(operator, number):
    """For the flash a signal is a power cut at most."""
    with SimDevice(operator.image) as device:
        device.send(operator.push(operator.message("replace ./Led/State=on")))
        device.event("push")
        device.process.send_signal(number)
        assert device.end() in (0, -number)
    assert value(operator) == b"on"


def test_heap_of_a_board(operator):
    """64 KiB with a spool of 16: what is free is what an application may have."""
    with SimDevice(operator.image, "--spool", "16384") as device:
        interpreter, heap = (ROOT / "build" / "micropython" / "device").read_text().split()
        assert heap in ("128k", "256k") and interpreter
        assert device.ready["heap_free"] >= 20 * 1024
