"""What every test under pytest shares: where modules are found, and tools that must exist."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# Tests import device code as a board does (`omadm`, `device`), the operator's side as
# `dmtool`, and helpers by their bare names, whatever folder of tests they are in. fakes/
# supplies `micropython` for CPython.
_FOLDERS = [ROOT / "lib", ROOT / "firmware", ROOT / "tools", ROOT / "host_tests" / "fakes"]
_TESTS = sorted({path.parent for path in (ROOT / "host_tests").glob("*/*.py")} - set(_FOLDERS))
sys.path[:0] = map(str, [*_FOLDERS, *_TESTS])
sys.path.append(str(ROOT / "host_tests"))

# Machines differ in speed, so no deadline; under CI the same examples every time.
hypothesis.settings.register_profile("omadm", deadline=None, print_blob=True, derandomize=CI)
hypothesis.settings.load_profile("omadm")


def need_tool(name, apt_package):
    """Return the path of a tool; without it the test is skipped, and under CI=true it fails."""
    found = shutil.which(name)
    if found is None:
        reason = f"SKIP: {name} is missing: apt-get install {apt_package}"
        if CI:
            pytest.fail(f"{name} is missing under CI: apt-get install {apt_package}", pytrace=False)
        pytest.skip(reason)
    return found


def run_make(*targets):
    """Bring make's targets up to date; a second call costs next to nothing."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(
        ["make", "-s", "-C", str(ROOT), *targets], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        pytest.fail(f"make {' '.join(targets)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}", pytrace=False)


@pytest.fixture(scope="session")
def root():
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def micropython():
    """The path of the MicroPython that plays the device."""
    run_make("micropython")
    return (ROOT / "build" / "micropython" / "bin").read_text().strip()
