"""Simulated modems beside the caller: tools/modemsim on a loop in a thread of its own.

WHERE a modem can be reached is one of

    pty           a pseudo terminal; its path is told
    pty=LINK      the same, and LINK is a symbolic link to it
    PORT          a TCP port of 127.0.0.1; 0 takes a free one
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Self, TypeVar

from modemsim.families import FAMILIES
from modemsim.serve import Exchange, Station

from .errors import ToolError, UsageError, os_error

SECONDS = 10.0
_T = TypeVar("_T")


def parse(text: str) -> tuple[str, str, str]:
    """Read FAMILY,NUMBER,WHERE; UsageError for what is none."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 3:
        raise UsageError(f"--modem {text}: write FAMILY,NUMBER,WHERE as in sim800,+15550199,pty")
    family, number, where = parts
    if family not in FAMILIES:
        raise UsageError(f"--modem {text}: no family {family!r}; use one of {', '.join(FAMILIES)}")
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        raise UsageError(f"--modem {text}: {number!r} is no number; write it as +15550199")
    good = where.partition("=")[0] == "pty" or where.isascii() and where.isdigit() and int(where) < 65536
    if not good:
        raise UsageError(f"--modem {text}: {where!r} is neither pty nor a TCP port")
    return family, number, where


class Talk(deque[tuple[str, str]]):
    """A modem's log that also tells every line at once."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        super().__init__(maxlen=4000)
        self.tell = tell

    def append(self, row: tuple[str, str]) -> None:
        """Keep and tell it."""
        super().append(row)
        self.tell(*row)


class Simulation:
    """Modems, the network between them and the control channel. Use it as a context manager."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._do(self.exchange.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(SECONDS)
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    def add(self, family: str, number: str, where: str = "0") -> Station:
        """Add a modem."""
        try:
            return self._do(self.exchange.add(family, number, where))
        except OSError as error:
            raise os_error(f"modem {number} on {where}", error) from None

    def listen(self, port: int) -> str:
        """Open the control channel."""
        try:
            return self._do(self.exchange.listen(port))
        except OSError as error:
            raise os_error(f"control channel on port {port}", error) from None

    def command(self, line: str) -> str:
        """Do one command of the control channel; return its answer, which starts with ok or error."""

        async def work() -> str:
            return self.exchange.control.line(line)

        return self._do(work())

    @property
    def waiting(self) -> int:
        """SMS that the network still has."""
        return len(self.exchange.network.messages)


def script_of(path: Path) -> list[tuple[int, str]]:
    """Read a script: (number of the line, command) each; comments and empty lines are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise os_error(path, error) from None
    except UnicodeDecodeError:
        raise ToolError(f"{path}: is no text in UTF-8") from None
    found = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            found.append((number, text))
    return found


def play(simulation: Simulation, path: Path, tell: Callable[[str], None]) -> bool:
    """Run a script; True when it says quit. ToolError names the line that can't be done."""
    for number, line in script_of(path):
        words = line.split()
        if words[0] == "quit":
            return True
        if words[0] == "sleep":
            try:
                time.sleep(float(words[1]))
            except (IndexError, ValueError, OverflowError):
                raise ToolError(f"{path}: line {number}: write sleep SECONDS") from None
            continue
        answer = simulation.command(line)
        tell(f"{line}: {answer}")
        if answer.startswith("error"):
            raise ToolError(f"{path}: line {number}: {line}: {answer.removeprefix('error ')}")
    return False
