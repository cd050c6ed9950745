"""SMS by Gammu, for phones and modems that it knows and we don't.

Gammu's command sends no SMS with a user data header of one's own, its Python module does. The module
comes with the system's Python (Debian: python3-gammu), not with ours, so a helper of a few lines runs
there. CONFIG is a gammurc: device and connection.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from .errors import ToolError
from .gammu_helper import NO_GAMMU
from .sms_push import Plan, Sent

_HELPER = Path(__file__).with_name("gammu_helper.py")
SECONDS = 120.0  # for one SMS, and for the start


def interpreters() -> Iterator[str]:
    """Yield interpreters that may have the module."""
    seen = set()
    for path in ("/usr/bin/python3", shutil.which("python3"), sys.executable):
        if path and path not in seen and Path(path).exists():
            seen.add(path)
            yield path


def send(plan: Plan, config: Path, sent: Sent) -> None:
    """Send all parts."""
    if not config.is_file():
        raise ToolError(f"{config}: no such file; give a gammurc with `device =` and `connection = at`")
    job = {
        "config": str(config.resolve()),
        "number": plan.to,
        "minutes": plan.minutes,
        "parts": [{"udh": part.header.hex(), "data": part.payload.hex()} for part in plan.parts],
    }
    for interpreter in interpreters():
        done, told, status = _run(interpreter, json.dumps(job), sent)
        if status == NO_GAMMU:
            continue
        if told or status or done != len(plan.parts):
            raise ToolError(
                f"{config}: gammu: {told or f'exit status {status}'}; {done} of {len(plan.parts)} are sent"
            )
        return
    raise ToolError("no Python here has the module gammu; on Debian: apt-get install python3-gammu")


def _run(interpreter: str, job: str, sent: Sent) -> tuple[int, str, int]:
    done, told, remarks = 0, "", ""
    process = subprocess.Popen(
        [interpreter, "-I", str(_HELPER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    timer = threading.Timer(SECONDS, process.kill)
    timer.start()
    try:
        with contextlib.suppress(OSError), process.stdin:
            process.stdin.write(job)
        for line in process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                remarks = line.strip() or remarks
                continue
            told = event.get("error", told)
            if "sent" in event:
                done = event["sent"]
                sent(done)
                timer.cancel()
                timer = threading.Timer(SECONDS, process.kill)
                timer.start()
        status = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
    if status == -9:
        told = f"it said nothing for {SECONDS:g} s"
    elif status not in (0, NO_GAMMU) and not told:
        told = remarks
    return done, told, status
