"""Every file of host_tests/pure once more under MicroPython, with the heap of a board.

128k where a word has 64 bits is what 64 KiB are where it has 32. Device code and tests
come compiled, as on a board. A file whose fakes take room that a board would not spend
from its heap (a flash image, say) may ask for more in a line of its own:

    # heapsize=256k: the flash image is in RAM here
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PURE = ROOT / "host_tests" / "pure"
FILES = sorted(PURE.glob("test_*.py"))
HEAP = "128k"
TIMEOUT = 300


@pytest.fixture(scope="session")
def compiled(micropython: str) -> Path:
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "mpy.py"), "--tests"], check=True)
    return ROOT / "build" / "mpy"


def heap_of(path: Path) -> str:
    asked = re.search(r"^# heapsize=(\d+k): \S", path.read_text(), re.M)
    return asked[1] if asked else HEAP


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_under_micropython(path: Path, micropython: str, compiled: Path) -> None:
    command = [micropython, "-X", f"heapsize={heap_of(path)}", "host_tests/mpy_runner.py"]
    command += ["--mpy", str(compiled.relative_to(ROOT)), str(path.relative_to(ROOT))]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT)
    closing = run.stdout.strip().splitlines()[-1:] or [""]
    right = run.returncode == 0 and re.fullmatch(r"[1-9]\d* passed, 0 failed", closing[0])
    assert right, f"{' '.join(command)}\n{run.stdout[-4000:]}{run.stderr[-2000:]}"


def test_runner_tells_of_failures(micropython: str, tmp_path: Path) -> None:
    """The runner itself: a failing test, a file without tests, a file that does not load."""
    one = tmp_path / "test_one.py"
    runner = [micropython, str(ROOT / "host_tests" / "mpy_runner.py"), str(one)]
    for text, last in (
        ("def test_a():\n    pass\ndef test_b():\n    assert 0\n", "1 passed, 1 failed"),
        ("def nothing():\n    pass\n", f"no test in {one}"),
        ("import no_such_module\n", None),
    ):
        one.write_text(text)
        run = subprocess.run(runner, capture_output=True, text=True, timeout=TIMEOUT)
        assert run.returncode == 1
        assert last is None or run.stdout.strip().splitlines()[-1] == last
