"""A board at its raw REPL, through the transport of mpremote: what dmtool and `make deploy` share.

Opening it stops what runs there (Ctrl-C) and feeds the watchdog that a stopped `dm.run()` left behind;
`reset` starts the board anew. The raw REPL echoes nothing and keeps no history.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
from pathlib import Path

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

from .errors import ToolError

ANSWER = 5  # seconds without an octet from the board
TRIES = 3
PAUSE = 0.7  # seconds: between two tries, and for a reset
LONGEST = 60  # the same, while it works on a script

# While the board is at the REPL, the watchdog that dm.run() left behind is fed from a timer.
_FEED = """
import sys
_dm = sys.modules.get("dm")
if _dm and _dm.board.WDT_MS:
    from machine import WDT, Timer
    _dog = WDT(timeout=_dm.board.WDT_MS)
    try:
        _timer = Timer(-1)
    except ValueError:
        _timer = Timer(0)
    _timer.init(period=500, callback=lambda t: _dog.feed())
"""


class Remote:
    """A board; use it as a context manager. ToolError says what is wrong and what helps."""

    def __init__(self, port: str) -> None:
        self.port = port
        for patience in range(TRIES, 0, -1):
            try:
                self._connect()
                return
            except ToolError:
                if patience == 1:
                    raise
            time.sleep(PAUSE)  # a board that starts anew has left USB, and comes back

    def _connect(self) -> None:
        # What mpremote prints about a silent board is nothing that the user can act on.
        with contextlib.redirect_stdout(io.StringIO()):
            try:
                self.transport = SerialTransport(self.port, timeout=ANSWER)
            except (TransportError, OSError, ValueError):
                raise ToolError(f"{self.port} cannot be opened: {_why(self.port)}") from None
            try:
                self.transport.enter_raw_repl(soft_reset=False, timeout_overall=ANSWER)
                self.run(_FEED, ANSWER)
            except (TransportError, OSError, ToolError):
                self.close()
                raise ToolError(
                    f"{self.port}: no MicroPython answers there; reset the board and try again"
                ) from None

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, code: str, seconds: int = LONGEST) -> str:
        """Run a script on the board and return what it printed; `seconds` without an octet end it."""
        try:
            out, trouble = self.transport.exec_raw(code, timeout=seconds)
        except (TransportError, OSError) as problem:
            raise ToolError(self._stopped(str(problem))) from None
        if trouble:
            raise ToolError(self._stopped(trouble.decode(errors="replace")))
        return str(out.decode(errors="replace").replace("\r\n", "\n"))

    def _stopped(self, text: str) -> str:
        last = (text.strip().splitlines() or ["no answer"])[-1]
        return f"the board on {self.port} stopped at work ({last}); start again to go on"

    def reset(self) -> None:
        """Start the board anew; what runs on the port then is its main.py."""
        with contextlib.suppress(TransportError, OSError):
            self.transport.exec_raw_no_follow("import machine; machine.reset()")
        time.sleep(PAUSE)  # it must not hear what the next program sends before it is gone

    def close(self) -> None:
        """Leave the board at its friendly REPL."""
        with contextlib.suppress(TransportError, OSError):
            self.transport.exit_raw_repl()
        with contextlib.suppress(TransportError, OSError):
            self.transport.close()


def _why(port: str) -> str:
    # The reason why a port could not be opened, with what helps.
    if "://" in port:
        return "nobody answers at that address, or another program has it"
    if not Path(port).exists():
        there = ", ".join(sorted(found.device for found in list_ports.comports())) or "none"
        return f"there is no such port; serial ports here: {there}"
    if not os.access(port, os.R_OK | os.W_OK):
        return "permission denied; add yourself to its group (`ls -l` names it), and log in again"
    return "another program has it (mpremote, a terminal, dmtool?), or it is no serial port; close that first"
