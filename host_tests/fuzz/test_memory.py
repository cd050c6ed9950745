"""The heap runs out at every allocation of a push: memory_board.py under MicroPython.

The whole, with every number of blocks left (two minutes):

    make mpy && python3 tools/build/mpy.py --tests
    build/micropython/micropython -X heapsize=600k host_tests/fuzz/memory_board.py . 1
"""

import re
import subprocess
import sys

from conftest import ROOT

STEP = 19  # each 19th number of blocks


def test_heap_exhausted_anywhere(micropython):
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "mpy.py"), "--tests"], check=True)
    command = [micropython, "-X", "heapsize=600k", "host_tests/fuzz/memory_board.py", ".", str(STEP)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = re.findall(r"^(\w+) (\d+) (\d+) (\d+)$", run.stdout, re.M)
    assert len(lines) == 11
    for name, refused, _, pushes in lines:
        assert int(pushes) > int(refused)
        assert name == "idle" or int(refused) > 5, f"{name}: the heap never ran out"
