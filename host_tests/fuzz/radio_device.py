"""The receiver of SMS under the fuzzer, and what must be true of it after every case.

no exception gets out of it                                              uncaught
the lines of device code that a case runs stay below a limit that
grows with its octets                                                    over_step_limit
what applied nothing costs no flash operation; every slot belongs to a
message; in the end nothing is left over and a good push works           wrong
the same under MicroPython: the same outcomes, the heap at its level     wrong, heap_growth
"""

import contextlib
import subprocess

from conftest import ROOT
from flow import lockstep
from fuzz import radio, radio_cases
from fuzz.device import STEPS_AT_ALL, STEPS_PER_OCTET, Steps

ROUND = 400  # cases to one device
GOOD = 60  # of them, in the beginning
SLACK = 2048  # octets of heap that may come and go
STEPS_REFUSED = 25_000  # for cases that apply nothing
STEPS_PER_CHARACTER = 25


def finish(coroutine):
    """Run a coroutine that waits for nobody."""
    with contextlib.suppress(StopIteration):
        while True:
            coroutine.send(None)


class RadioDevice:
    """A client with a radio; `cases` holds all of them, `crcs` what became of each."""

    def __init__(self):
        self.bench = lockstep.Bench(sectors=16)
        self.image = bytes(self.bench.flash.data)
        self.radio = radio.Radio(self.bench.client, self.bench.spool)
        self.cases = []  # (seconds, token, press, octets)
        self.crcs = []

    def pair(self, server):
        """The next number that server may use here."""
        account = next(a for a in self.bench.client.accounts if a.server_id == server)
        return (account.session or 1), account.msg + 1

    def feed(self, seconds, token, press, octets, counted=False):
        """One case; a list of what is wrong: (figure, text)."""
        self.cases.append((seconds, token, press, octets))
        client, parts = self.bench.client, self.radio.receiver.parts
        before, accepted = self.bench.flash.ops, client.accepted
        steps = Steps() if counted else contextlib.nullcontext()
        try:
            with steps:
                finish(self.radio.case(seconds, token, bool(press), octets))
        except Exception as error:  # whatever gets out is what we look for
            return [("uncaught", repr(error))]
        self.crcs.append(self.radio.crc)
        wrong = []
        applied = client.accepted - accepted
        if not applied and self.bench.flash.ops != before:
            wrong.append(("wrong", f"{self.bench.flash.ops - before} flash operations, and nothing applied"))
        held = sum(message.total - message.missing for message in parts._messages if message.total)
        if held != parts.slots - parts._owner.count(0):
            wrong.append(("wrong", f"{held} parts in {parts.slots - parts._owner.count(0)} slots"))
        limit = STEPS_REFUSED + STEPS_PER_CHARACTER * len(octets)
        limit += applied * STEPS_AT_ALL + STEPS_PER_OCTET * len(octets) * bool(applied)
        if counted and steps.count > limit:
            wrong.append(("over_step_limit", f"{steps.count} lines for {len(octets)} octets"))
        return wrong

    def case(self, seed, counted):
        """The case of a seed."""
        # By the time that the heap is looked at first, the journal is full and every buffer has its size.
        kind, *rest = radio_cases.case(seed, self.pair, "good" if len(self.cases) < GOOD else None)
        return [(figure, f"{kind}: {text}") for figure, text in self.feed(*rest, counted)]

    def works(self):
        """What is wrong after all that."""
        signer = lockstep.SERVERS[b"A"]
        body, header = lockstep.Encoder().message(
            signer, *self.pair(b"A"), [("replace", "1", b"./P/Fixed", b"42", None, None)]
        )
        push = radio_cases.wsp_encode.push(body, header)
        rng = radio_cases.random.Random(1)
        # Half an hour later, what never became whole has gone.
        octets = b"".join(radio_cases.line(rng, pdu) for pdu in radio_cases.split(rng, push, 5, size=128))
        accepted = self.bench.client.accepted
        wrong = self.feed(1801, -1, 0, b"\r\nOK\r\n" + octets.replace(b"+CDS: ", b"+CMT: ,"))
        if self.bench.client.accepted != accepted + 1:
            wrong.append(("wrong", "a good push is refused"))
        if any(self.radio.receiver.parts._owner):
            wrong.append(("wrong", "parts are left over"))
        return wrong


def write(path, cases):
    """Keep cases, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{a} {b} {c} {octets.hex()}\n" for a, b, c, octets in cases))


def read(path):
    """The cases of a file."""
    for line in path.read_text().splitlines():
        seconds, token, press, octets = line.split(" ")
        yield int(seconds), int(token), int(press), bytes.fromhex(octets)


def on_board(device, folder):
    """The cases of a device under MicroPython: a list of what is wrong."""
    image, file = folder / "radio.img", folder / "radio.txt"
    write(file, device.cases)
    image.write_bytes(device.image)
    interpreter = (ROOT / "build" / "micropython" / "bin").read_text().strip()
    program = ROOT / "host_tests" / "fuzz" / "radio.py"
    command = [interpreter, "-X", "heapsize=1m", str(program), str(ROOT), str(image), str(file)]
    run = subprocess.run(command, capture_output=True, text=True)
    lines = run.stdout.splitlines()
    if run.returncode or len(lines) != len(device.cases) + 1:
        return [("uncaught", f"under MicroPython, case {len(lines)}: {run.stderr[-600:]}{run.stdout[-300:]}")]
    wrong = []
    for number, (crc, line) in enumerate(zip(device.crcs, lines, strict=False)):
        if line != str(crc):
            wrong.append(("wrong", f"case {number}: another outcome under MicroPython"))
            break
    growth = int(lines[-1].split()[1])
    if growth > SLACK and len(device.cases) > ROUND // 2:
        wrong.append(("heap_growth", f"{growth} octets more in use under MicroPython"))
    return wrong


def replay(path):
    """What is wrong with the cases of a file, on a new device."""
    device = RadioDevice()
    wrong = []
    for case in read(path):
        wrong += device.feed(*case, counted=True)
    return wrong + device.works(), device
