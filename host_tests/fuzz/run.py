"""Pushes nobody would send, through the whole client, for as long as you like.

    python3 host_tests/fuzz/run.py --seconds 60     seeds from 1 on; writes build/fuzz.json
    python3 host_tests/fuzz/run.py --first 100000   other seeds
    python3 host_tests/fuzz/run.py --only FILE      what was kept in host_tests/fuzz/corpus, once more
    python3 host_tests/fuzz/run.py --pdus 100000    SMS only, so many of them

Every fourth round is one of SMS: what a modem may say, from the AT parser on (radio_device.py). Each device
gets ROUND pushes under CPython (what is checked after each: device.py), and the same pushes go through the
client under MicroPython: with the same outcomes, and with the heap back at its level (heap_growth: octets).
Exit 1 when a figure is not 0; the pushes that led there are kept in host_tests/fuzz/corpus and are a test
of `make test` from then on: commit them with the cure.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from binascii import crc32
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import ROOT  # puts lib/ and the fakes on the path
from fuzz import radio_device
from fuzz.device import Device

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
ROUND = 250  # pushes to one device, then a new one: its tree has grown by then
RADIO = 4  # each fourth round is one of SMS
COUNTED = 8  # the lines of each eighth push are counted, and of every bomb
SLACK = 2048  # octets of heap that may come and go: the arena keeps so much
# Sequences UTF-8 has no use for: MicroPython lets them pass as characters (lib/omadm/uri.py).
NO_UTF8 = re.compile(
    rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xed[\xa0-\xbf][\x80-\xbf]"
    rb"|\xf0[\x80-\x8f][\x80-\xbf]|\xf4[\x90-\xbf][\x80-\xbf]|[\xf5-\xff][\x80-\xbf]"
)
FIGURES = ("uncaught", "over_step_limit", "heap_growth", "wrong")


def write(path, pushes):
    """Keep pushes: a line each, body and header in hexadecimal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{body.hex()} {header.encode().hex()}\n" for body, header in pushes))


def read(path):
    """The pushes of a file."""
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            body, header = line.split(" ")
            yield bytes.fromhex(body), bytes.fromhex(header).decode()


def on_board(device, folder):
    """The pushes of a device under MicroPython: a list of what is wrong."""
    image, file = folder / "flash.img", folder / "pushes.txt"
    write(file, device.pushes)
    image.write_bytes(device.image)
    interpreter = (ROOT / "build" / "micropython" / "bin").read_text().strip()
    command = [interpreter, "-X", "heapsize=1m", str(HERE / "on_board.py"), str(ROOT), str(image), str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    lines = run.stdout.splitlines()
    if run.returncode:
        return [("uncaught", f"under MicroPython, push {len(lines)}: {run.stderr[-600:]}{run.stdout[-300:]}")]
    wrong = []
    for number, ((error, code, statuses), line) in enumerate(zip(device.outcomes, lines, strict=False)):
        if NO_UTF8.search(device.pushes[number][0]):
            break  # from here on the two trees may differ
        crc = 0
        for cmd_id, status in statuses:
            crc = crc32(cmd_id + b" %d " % status, crc)
        if line != f"{error} {code} {crc}":
            wrong.append(("wrong", f"push {number}: {error} {code}, and under MicroPython {line}"))
    growth = int(lines[-1].split()[1])
    if growth > SLACK and len(device.pushes) > ROUND // 2:
        wrong.append(("heap_growth", f"{growth} octets more in use under MicroPython"))
    return wrong


class Fuzzer:
    """Counts what goes wrong, and keeps what led there."""

    def __init__(self, tell=print, keep=CORPUS):
        self.keep = keep
        self.figures = {"runs": 0, "pdus": 0, **dict.fromkeys(FIGURES, 0)}
        self.tell = tell

    def note(self, name, pushes, wrong, write=write):
        """Count and keep."""
        for figure, text in wrong:
            self.figures[figure] += int(text.split()[0]) if figure == "heap_growth" else 1
            self.tell(f"{name}: {figure}: {text}")
        if wrong:
            path = self.keep / f"{name}.txt"
            write(path, pushes)
            self.tell(f"    again: python3 host_tests/fuzz/run.py --only {path}")

    def round(self, first, count, folder):
        """One device and the cases of `count` seeds, then the same under MicroPython."""
        device = Device()
        for seed in range(first, first + count):
            wrong = device.case(seed, seed % COUNTED == 0)
            self.figures["runs"] += 1
            if wrong:
                # Alone on a new device it is easier to understand, if it still happens.
                alone = Device()
                again = alone.case(seed, True)
                self.note(f"seed-{seed}", alone.pushes if again else device.pushes, again or wrong)
                device = Device()
        self.note(f"round-{first}", device.pushes, device.works())
        if folder:
            self.note(f"board-{first}", device.pushes, on_board(device, folder))

    def radio_round(self, first, count, folder):
        """The same for what comes by SMS."""
        device = radio_device.RadioDevice()
        for seed in range(first, first + count):
            wrong = device.case(seed, seed % COUNTED == 0)
            self.figures["runs"] += 1
            if wrong:
                self.note(f"sms-{seed}", device.cases, wrong, radio_device.write)
                device = radio_device.RadioDevice()
        self.note(f"sms-round-{first}", device.cases, device.works(), radio_device.write)
        self.figures["pdus"] += device.radio.pdus
        if folder:
            wrong = radio_device.on_board(device, folder)
            self.note(f"sms-board-{first}", device.cases, wrong, radio_device.write)


def replay(path):
    """What is wrong with the pushes of a file, on a new device."""
    device = Device()
    wrong = []
    for body, header in read(path):
        wrong += device.push(body, header, counted=True)
    return wrong + device.works(), device


def again(path, folder):
    """What is wrong with what was kept, under both interpreters; and the outcomes."""
    folder.mkdir(parents=True, exist_ok=True)
    if path.name.startswith("sms-"):
        wrong, radio = radio_device.replay(path)
        return wrong + radio_device.on_board(radio, folder), radio.crcs
    wrong, device = replay(path)
    return wrong + on_board(device, folder), device.outcomes


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seconds", type=int, default=60, metavar="N", help="how long; 60 unless told")
    words.add_argument("--first", type=int, default=1, metavar="SEED", help="where to begin")
    words.add_argument("--only", type=Path, metavar="FILE", help="the pushes of one file")
    words.add_argument("--pdus", type=int, metavar="N", help="SMS only, and so many of them")
    arguments = words.parse_args()
    folder = ROOT / "build" / "fuzz"
    if arguments.only:
        wrong, outcomes = again(arguments.only, folder)
        for one in outcomes:
            print(one)
        print(wrong or "nothing wrong")
        return 1 if wrong else 0
    fuzzer = Fuzzer()
    end = time.monotonic() + arguments.seconds
    first = arguments.first
    number = 0
    while fuzzer.figures["pdus"] < arguments.pdus if arguments.pdus else time.monotonic() < end:
        if arguments.pdus or number % RADIO == RADIO - 1:
            fuzzer.radio_round(first, radio_device.ROUND, folder)
            first += radio_device.ROUND
        else:
            fuzzer.round(first, ROUND, folder)
            first += ROUND
        number += 1
        if number % 20 == 1:
            told = ", ".join(f"{name} {fuzzer.figures[name]}" for name in ("runs", "pdus"))
            print(f"fuzz: {told}, {max(0, int(end - time.monotonic()))} s to go", flush=True)
    out = ROOT / "build" / "fuzz.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(fuzzer.figures) + "\n")
    print(", ".join(f"{name} {value}" for name, value in fuzzer.figures.items()))
    return 1 if any(fuzzer.figures[name] for name in FIGURES) else 0


if __name__ == "__main__":
    sys.exit(main())
