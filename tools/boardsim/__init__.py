"""A simulated RP2040 board: real firmware on an emulated chip, with NOR flash, USB-CDC and a UART.

    boardsim run --firmware F --flash IMG       a board on a pty, for mpremote and people (cli.py)
    Board(firmware).boot().exec("print(1)")     a board inside a test or benchmark (board.py)

The emulator is rp2040js (npm, pinned in package-lock.json); js/ holds what it lacks. Limits that belong to
every figure taken here: no misses in the XIP cache (times are a lower bound for a real board), one core,
no radio.
"""

from .board import Board, Halted, PowerCut, Result, ScriptFailed
from .node import Unusable

__all__ = ["Board", "Halted", "PowerCut", "Result", "ScriptFailed", "Unusable"]
