"""Pushes nobody would send, through the whole client, for as long as you like.

    python3 host_tests/fuzz/run.py --seconds 60       random seeds onward; writes build/fuzz.json
    python3 host_tests/fuzz/run.py --only 1234        one seed, with its outcome

Under CPython each push is checked for an exception that gets out (uncaught), for more steps than its
octets may cost (over_step_limit: lines of lib/ that ran, counted, not timed), and for what a refused
push may do: no flash operation, no change of the tree. Then the same pushes go through the client under
MicroPython, in a heap that must be back at its level after them (heap_growth, in octets). Exit 1 when
any of them is not 0; what failed is kept in host_tests/fuzz/corpus and is a case of `make test` from
then on.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import ROOT  # puts lib/ and the fakes on the path
from flow import lockstep
from fuzz import cases

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
FRESH = 400  # pushes to one device, then a new one: its tree has grown by then
BOARD_RUN = 400  # pushes in one run under MicroPython
# Lines of device code a push may run: so many at all (proof, commit, compaction), and so many an octet.
STEPS_BASE = 60_000
STEPS_OCTET = 400


class Steps:
    """Counts the lines of lib/ that run."""

    def __init__(self):
        self.count = 0
        self.lib = str(ROOT / "lib")

    def __enter__(self):
        self.count = 0
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename.startswith(self.lib) else None

    def _line(self, frame, event, argument):
        self.count += 1
        return self._line


class Device:
    """A client that gets the cases, and what may be said of it after each."""

    def __init__(self):
        self.bench = lockstep.Bench(sectors=16)

    def pair(self, server):
        """The next number that server may use here."""
        account = next(a for a in self.bench.client.accounts if a.server_id == server)
        return (account.session or 1), account.msg + 1

    def push(self, seed, counted):
        """One case; a list of what is wrong: (figure, text)."""
        kind, body, header, _ = cases.case(seed, self.pair)
        before = lockstep.snapshot(self.bench.client) if counted else None
        steps = Steps()
        try:
            if counted:
                with steps:
                    outcome = self.bench.push(body, header)
            else:
                outcome = self.bench.push(body, header)
        except Exception as error:  # whatever gets out is what we look for
            return [("uncaught", f"{kind}: {error!r}")]
        wrong = []
        if outcome.error and self.bench.flash_operations:
            wrong.append(("uncaught", f"{kind}: refused with {self.bench.flash_operations} flash operations"))
        if outcome.error and counted and lockstep.snapshot(self.bench.client) != before:
            wrong.append(("uncaught", f"{kind}: refused and changed the tree"))
        if kind in ("random", "stolen") and not outcome.error:
            wrong.append(("uncaught", f"{kind}: applied without a proof"))
        if steps.count > STEPS_BASE + STEPS_OCTET * len(body):
            wrong.append(("over_step_limit", f"{kind}: {steps.count} lines for {len(body)} octets"))
        return wrong

    def works(self):
        """True when the next good push takes effect."""
        server = lockstep.SERVERS[b"A"]
        command = [("replace", "1", b"./P/Fixed", b"42", None, None)]
        body, header = lockstep.Encoder().message(server, *self.pair(b"A"), command)
        return self.bench.push(body, header).error is None


def on_board(first, count, out):
    """The same cases under MicroPython; octets the heap has grown by."""
    pairs = {b"A": 0, b"B": 0}

    def pair(server):
        pairs[server] += 1
        return 1, pairs[server]

    lines = []
    for seed in range(first, first + count):
        _, body, header, _ = cases.case(seed, pair)
        lines.append(body.hex() + " " + header.encode().hex())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("\n".join(lines) + "\n")
    interpreter = (ROOT / "build" / "micropython" / "bin").read_text().strip()
    command = [interpreter, "-X", "heapsize=1m", str(HERE / "on_board.py"), str(ROOT), str(out)]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        return None, run.stdout[-600:] + run.stderr[-600:]
    return int(run.stdout.split()[-1]), ""


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--seconds", type=int, default=60, metavar="N", help="how long; 60 unless told")
    words.add_argument("--first", type=int, default=1, metavar="SEED", help="where to begin")
    words.add_argument("--only", type=int, metavar="SEED", help="one case")
    arguments = words.parse_args()
    if arguments.only is not None:
        device = Device()
        kind, body, header, _ = cases.case(arguments.only, device.pair)
        print(kind, body.hex(), header)
        wrong = device.push(arguments.only, True)
        print(wrong or "nothing wrong")
        return 1 if wrong else 0
    figures = {"runs": 0, "uncaught": 0, "over_step_limit": 0, "heap_growth": 0}
    end = time.monotonic() + arguments.seconds
    seed = arguments.first
    told = 0.0
    device = Device()
    while time.monotonic() < end:
        if figures["runs"] % FRESH == FRESH - 1:
            if not device.works():
                figures["uncaught"] += 1
                print(f"seed {seed}: a good push after these is refused")
            growth, why = on_board(seed - BOARD_RUN + 1, BOARD_RUN, ROOT / "build" / "fuzz" / "cases.txt")
            if why:
                figures["uncaught"] += 1
                print(f"seeds {seed - BOARD_RUN + 1}..{seed} under MicroPython: {why}")
            elif growth > 0:
                figures["heap_growth"] = max(figures["heap_growth"], growth)
                print(
                    f"seeds {seed - BOARD_RUN + 1}..{seed}: the heap under MicroPython grew by {growth} octets"
                )
            device = Device()
        for figure, text in device.push(seed, figures["runs"] % 8 == 0):
            figures[figure] += 1
            print(f"seed {seed}: {text}\n    again: python3 host_tests/fuzz/run.py --only {seed}")
            (CORPUS / f"{seed}.txt").write_text(text + "\n")
            device = Device()
        figures["runs"] += 1
        seed += 1
        if time.monotonic() - told > 5:
            told = time.monotonic()
            print(f"fuzz: {figures['runs']} pushes, {int(end - told)} s to go", flush=True)
    out = ROOT / "build" / "fuzz.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(figures) + "\n")
    print(", ".join(f"{name} {value}" for name, value in figures.items()))
    return 1 if figures["uncaught"] or figures["over_step_limit"] or figures["heap_growth"] else 0


if __name__ == "__main__":
    sys.exit(main())
