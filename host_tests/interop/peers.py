"""The environment with the packages of peers.txt, made once in build/peers."""

import fcntl
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

LIST = Path(__file__).with_name("peers.txt")
PLACE = ROOT / "build" / "peers"


def python() -> str:
    """Return the Python that has them; RuntimeError says why there is none."""
    PLACE.mkdir(parents=True, exist_ok=True)
    found = PLACE / "bin" / "python"
    stamp = PLACE / "installed"
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != LIST.read_text():
            for words in (
                [sys.executable, "-m", "venv", str(PLACE)],
                [str(found), "-m", "pip", "install", "-q", "--no-deps", "-r", str(LIST)],
            ):
                run = subprocess.run(words, capture_output=True, text=True)
                if run.returncode:
                    last = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
                    raise RuntimeError(f"{LIST.name} cannot be installed ({last}): check the network")
            stamp.write_text(LIST.read_text())
    return str(found)
