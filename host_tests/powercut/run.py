"""The power cut around and inside every flash operation of a script, and again while it recovers.

    python3 host_tests/powercut/run.py                         all; writes build/powercut.json
    python3 host_tests/powercut/run.py --every 10              each tenth cut only
    python3 host_tests/powercut/run.py --only whole.12.3.half  one cut, with its traceback

Exit 1 when anything but the old or the new tree came out of a cut. What is done and checked: cuts.py.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import ROOT  # puts lib/ and the fakes on the path
from powercut import script
from powercut.cuts import Cuts


def progress(line):
    """One line that stays where it is on a terminal."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)
    else:
        print(line, flush=True)


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th cut only")
    words.add_argument("--only", metavar="ID", help="replay one cut")
    arguments = words.parse_args()
    cuts = Cuts(arguments.every, arguments.only, progress)
    cuts.run_first()
    for name in script.SCRIPTS:
        cuts.run(name)
    print()
    print(", ".join(f"{name} {value}" for name, value in cuts.count.items()))
    for name, reason in cuts.failed[:20]:
        print(f"{name}: {reason[:300]}\n    again: python3 host_tests/powercut/run.py --only {name}")
    if arguments.only:
        return 0 if cuts.count["cuts"] else 2
    if arguments.every == 1:
        out = ROOT / "build" / "powercut.json"
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(cuts.count) + "\n")
    return 1 if cuts.count["other"] or cuts.count["double_other"] else 0


if __name__ == "__main__":
    sys.exit(main())
