"""The simulated board itself: what its figures and its flash rest on."""

import hashlib
import json
import os
import socket
import subprocess
import sys

import pytest
import target
from boardsim import Halted, PowerCut, ScriptFailed
from boardsim import node as nodejs
from conftest import ROOT
from target import board, firmware, on_pty, simulator, until

AREA = 640 * 1024  # where the storage area of rp2.Flash() begins in the chip
PROGRAM = """
import rp2
flash = rp2.Flash()
def page(n, value, octets=256, off=0):
    flash.writeblocks(n, bytes([value]) * octets, off)
def look(n, off=0, octets=4):
    buf = bytearray(octets)
    flash.readblocks(n, buf, off)
    return bytes(buf)
"""


def script_board(name="RPI_PICO"):
    made = board(name).boot()
    made.exec(PROGRAM)
    return made


@pytest.mark.parametrize("name", ["RPI_PICO", "RP2040_DM"])
def test_boots_and_computes(name):
    with board(name).boot() as chip:
        done = chip.exec("import os, math; print(os.uname().machine, 6 * 7, 10 / 4, math.sin(1))")
        assert done.stdout.split()[-3:] == ["42", "2.5", "0.841471"]
        assert chip.exec("import machine; print(machine.unique_id().hex())").stdout == "e660583883000001\n"


def test_two_runs_are_alike_to_the_instruction():
    def run():
        with script_board() as chip:
            done = chip.exec("import hashlib\nfor i in range(20): hashlib.sha256(bytes(i)).digest()")
            return done.instructions, done.micros, chip.report()

    assert run() == run()


def test_an_exception_of_the_script_is_told():
    with script_board() as chip:
        with pytest.raises(ScriptFailed, match="ZeroDivisionError"):
            chip.exec("1 / 0")
        assert "ZeroDivisionError" in chip.exec("1 / 0", check=False).stderr
        assert chip.exec("print('goes on')").stdout == "goes on\n"


def test_figures_of_the_processor():
    """An idle host must not cost the board anything: a loop takes what it takes on silicon, about 3.4 us."""
    with script_board() as chip:
        code = """
import time
def loop():
    i = 0
    while i < 1000:
        i += 1
t = time.ticks_us(); loop(); print(time.ticks_diff(time.ticks_us(), t))
"""
        assert 3000 < int(chip.exec(code).stdout) < 4000


def test_instruction_loop_in_lockstep(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import hashlib, struct, math\n"
        "d = bytes(range(256))\n"
        "print(hashlib.sha256(d).digest(), [x * 1.5 / 7 - 3 for x in range(20)], 7 ** 40 % 12345, 1 << 70)\n"
        "print([struct.unpack('<IHBb', d[i:i + 8]) for i in range(20)], math.exp(2), sorted(d)[9])\n"
    )
    run = subprocess.run(
        [nodejs.node(), nodejs.HERE / "js" / "lockstep.mjs", firmware("RPI_PICO"), script, "2500000"],
        env=dict(os.environ, BOARDSIM_MODULES=str(nodejs.modules())),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2500000 instructions equal" in run.stdout


# Flash


def test_program_clears_bits_and_erase_sets_them():
    with script_board() as chip:
        done = chip.exec(
            "flash.ioctl(6, 300); page(300, 0xF0); page(300, 0x3C); print(look(300), look(300, 256))"
        )
        assert done.stdout == "b'0000' b'\\xff\\xff\\xff\\xff'\n"
        assert (done.erases, done.pages) == (1, 2)
        assert chip.report()["flash"]["reprogrammed"] >= 1
        assert chip.exec("flash.ioctl(6, 300); print(look(300))").stdout == "b'\\xff\\xff\\xff\\xff'\n"
        wear = chip.report()["flash"]["wear"]
        assert wear[str((AREA // 4096) + 300)] == 2


def test_erase_and_program_take_their_time():
    with script_board() as chip:
        erase = chip.exec("flash.ioctl(6, 300)").micros
        page = chip.exec("page(300, 0)").micros
        assert 45_000 < erase < 47_000
        assert 400 < page < 3_000


def test_a_page_not_on_its_boundary_stops_the_board():
    with script_board() as chip:
        chip.exec("flash.ioctl(6, 300)")
        with pytest.raises(Halted, match="rule of the chip") as caught:
            chip.exec("page(300, 0, 256, 100)")
        assert caught.value.reason == "flash"


@pytest.mark.parametrize("torn", ["before", "half", "bits", "after"])
def test_a_cut_leaves_what_it_should(torn):
    """Erase, page, page; cut at the second page. What was before stays, what was to come does not."""
    work = "flash.ioctl(6, 301); page(301, 0x11); page(301, 0x22, 256, 256); page(301, 0x33, 256, 512)"
    with script_board() as chip:
        chip.keep()
        chip.cut(3, torn)
        with pytest.raises(PowerCut):
            chip.exec(work)
        place = AREA + 301 * 4096
        first, second, third = (chip.peek(place + at, 256) for at in (0, 256, 512))
        assert first == b"\x11" * 256 and third == b"\xff" * 256
        if torn == "before":
            assert second == b"\xff" * 256
        elif torn == "half":
            assert second == b"\x22" * 128 + b"\xff" * 128
        elif torn == "after":
            assert second == b"\x22" * 256
        else:
            assert second not in (b"\xff" * 256, b"\x22" * 256)
            assert all(octet & 0x22 == 0x22 for octet in second), "a program clears bits only where it may"
        chip.cut(0)
        assert chip.boot().exec(PROGRAM + "print(look(301))").stdout == "b'\\x11\\x11\\x11\\x11'\n"
        # The same from the record of one whole run.
        torn_flash = chip.peek(0, 2 * 1024 * 1024)
        chip.restore()
        chip.boot().exec(PROGRAM)
        chip.record()
        chip.exec(work)
        kinds = [(row["kind"], row["offset"] - place) for row in chip.recorded()]
        assert kinds == [("erase", 0), ("program", 0), ("program", 256), ("program", 512)]
        if torn != "bits":  # its random bits follow the number of the operation
            chip.rewind(2, torn)
            assert chip.peek(0, 2 * 1024 * 1024) == torn_flash


def test_a_torn_erase_is_no_blank_sector():
    with script_board() as chip:
        chip.exec("flash.ioctl(6, 302); page(302, 0, 4096)")
        for torn in ("half", "bits"):
            chip.keep()
            chip.cut(1, torn)
            with pytest.raises(PowerCut):
                chip.exec("flash.ioctl(6, 302)")
            sector = chip.peek(AREA + 302 * 4096, 4096)
            assert sector.count(b"\xff"[0]) < 4096 and sector.count(b"\0"[0]) < 4096
            chip.cut(0)
            chip.restore()
            chip.boot().exec(PROGRAM)


def test_a_reset_by_the_firmware_is_told():
    with script_board() as chip:
        with pytest.raises(Halted) as caught:
            chip.exec("import machine; machine.reset()")
        assert caught.value.reason == "reset"
        with pytest.raises(Halted) as caught:
            chip.boot().exec("import machine, time; machine.WDT(timeout=100); time.sleep(1)")
        assert caught.value.reason == "reset"
        assert chip.boot().exec("print(1)").stdout == "1\n"


def test_uart():
    with script_board() as chip:
        chip.exec("from machine import UART, Pin; u = UART(0, 115200, tx=Pin(0), rx=Pin(1), rxbuf=256)")
        chip.exec("u.write(b'AT\\r')")
        assert chip.step(20)[1] == b"AT\r"
        sent = bytes(range(200))
        chip.step(40, uart=sent)
        assert chip.exec("print(u.read() == bytes(range(200)))").stdout == "True\n"
        assert chip.report()["uart_overruns"] == 0


def test_files_of_stock_firmware_are_kept(tmp_path):
    """Flashing our firmware over stock firmware formats nothing: the files are there, the region is not."""
    image = tmp_path / "flash.img"
    with board("RPI_PICO").boot() as chip:
        chip.exec("f = open('mine.txt', 'w'); f.write('dear'); f.close()")
        chip.save(image)
    with board("RP2040_DM", flash=image).boot() as chip:
        assert (
            chip.exec("import os; print(open('mine.txt').read(), os.statvfs('/')[2])").stdout == "dear 352\n"
        )
        chip.exec("import rp2; [rp2.Flash().ioctl(6, n) for n in (0, 1)]")
        assert chip.boot().exec("import os; print(os.listdir(), os.statvfs('/')[2])").stdout == "[] 288\n"


# On a pty


def test_mpremote_as_a_user_would(tmp_path):
    image, report, link = tmp_path / "flash.img", tmp_path / "report.json", tmp_path / "tty"
    source = tmp_path / "data.bin"
    source.write_bytes(os.urandom(5000))
    with on_pty("RPI_PICO", "--flash", image, "--report", report, "--link", link) as live:
        assert os.readlink(link) == live.find("REPL")
        assert live.mpremote("exec", "print(1 + 1)") == "2\n"
        live.mpremote("cp", source, ":data.bin")
        assert "5000 data.bin" in live.mpremote("ls")
        code = "import hashlib; print(hashlib.sha256(open('data.bin', 'rb').read()).digest().hex())"
        assert live.mpremote("exec", code).strip() == hashlib.sha256(source.read_bytes()).hexdigest()
        live.mpremote(
            "reset"
        )  # the board does it 100 ms later: who talks to it before that talks to the old life
        live.wait_for_boot(2)
        assert "data.bin" in live.mpremote("ls")
        assert live.end() == 0
    figures = json.loads(report.read_text())
    assert figures["boots"] == 2 and figures["flash"]["pages"] >= 5000 // 256
    assert not link.is_symlink()
    with on_pty("RPI_PICO", "--flash", image) as live:
        live.mpremote("cp", ":data.bin", tmp_path / "back.bin")
    assert (tmp_path / "back.bin").read_bytes() == source.read_bytes()


def test_a_cut_ends_the_board_with_its_own_status(tmp_path):
    image = tmp_path / "flash.img"
    with on_pty("RPI_PICO", "--flash", image, "--cut", 6) as live:  # 4 operations make the file system
        process = live.process
        command = [sys.executable, "-m", "mpremote", "connect", live.find("REPL")]
        user = subprocess.Popen(
            [*command, "exec", "f = open('a', 'w'); f.write('x' * 9000); f.close()"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert process.wait(target.START) == 17
        finally:
            user.kill()
            user.wait()
        assert "cut at flash operation 6" in process.stderr.read()
    assert image.stat().st_size == 2 * 1024 * 1024


def test_a_modem_on_tcp():
    with on_pty("RPI_PICO", "--uart0", "0") as live:
        host, port = live.find("UART0").split(":")
        with socket.create_connection((host, int(port)), timeout=target.START) as modem:
            code = """
import time
from machine import UART, Pin
u = UART(0, 115200, tx=Pin(0), rx=Pin(1))
u.write(b"AT\\r")
for i in range(200):
    if u.any() >= 2:
        break
    time.sleep_ms(10)
print(u.read())
"""
            user = subprocess.Popen(
                [sys.executable, "-m", "mpremote", "connect", live.find("REPL"), "exec", code],
                stdout=subprocess.PIPE,
                text=True,
            )
            heard = b""
            while not heard.endswith(b"\r"):
                heard += modem.recv(16)
            modem.sendall(b"OK")
            assert user.communicate(timeout=target.START)[0] == "b'OK'\n"
        assert heard == b"AT\r"


@pytest.mark.parametrize(
    ("version", "text"),
    [(None, "Node.js 18 or newer is needed and `node` is not on PATH"), ("v12.22.9", "is v12.22.9")],
)
def test_without_a_usable_node_one_line_says_what_to_do(tmp_path, version, text):
    if version:
        fake = tmp_path / "node"
        fake.write_text(f"#!/bin/sh\necho {version}\n")
        fake.chmod(0o755)
    run = subprocess.run(
        [sys.executable, "-m", "boardsim", "run", "--firmware", "none.bin"],
        env={"PATH": str(tmp_path), "PYTHONPATH": str(ROOT / "tools")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert run.stderr.startswith("boardsim: ") and run.stderr.count("\n") == 1
    assert text in run.stderr and "apt-get install" in run.stderr


def test_bad_input_is_refused_in_one_line(tmp_path):
    image = tmp_path / "short.img"
    image.write_bytes(b"x" * 100)
    for options, text in (
        (["--firmware", tmp_path / "none.bin"], "none.bin"),
        (["--firmware", firmware("RPI_PICO"), "--flash", image], "has 2097152 octets"),
        (["--firmware", firmware("RPI_PICO"), "--uart0", "there"], "is no address"),
    ):
        process = simulator("run", *options)
        _, said = process.communicate(timeout=target.START)
        assert process.returncode == 1 and said.count("\n") == 1, said
        assert text in said


def test_exec_on_the_command_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('from a file')")
    process = simulator("exec", "--firmware", firmware("RPI_PICO"), script)
    out, said = process.communicate(timeout=target.START)
    assert (process.returncode, out) == (0, "from a file\n")
    assert json.loads(said)["erases"] == 0
    script.write_text("raise OSError(5)")
    process = simulator("exec", "--firmware", firmware("RPI_PICO"), script)
    assert "OSError" in process.communicate(timeout=target.START)[1]
    assert process.returncode == 1


def test_the_simulator_ends_with_who_started_it():
    chip = board("RPI_PICO").boot()
    process = chip.process.process
    process.stdin.close()
    until(lambda: process.poll() is not None)
    process.stdout.close()
