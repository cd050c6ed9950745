# Seconds since 1970 for TStamp, or 0 while nobody has set the clock; and seconds that never go back.
import time

from micropython import const

_FROM_2000 = const(946684800)  # ports differ: unix and rp2 count from 1970, esp32 from 2000
_SET = const(2024)  # a year before this one: the clock runs from power-up


def now() -> int:
    """Seconds since 1970 UTC; 0 when the clock was never set."""
    if time.gmtime()[0] < _SET:
        return 0
    return int(time.time()) + (_FROM_2000 if time.gmtime(0)[0] == 2000 else 0)


class Seconds:
    """Seconds since it was made, called; ask it at least once in six days, for ticks_ms wraps."""

    def __init__(self) -> None:
        self._last = time.ticks_ms()
        self._ms = 0

    def __call__(self) -> int:
        now = time.ticks_ms()
        self._ms += time.ticks_diff(now, self._last)
        self._last = now
        return self._ms // 1000
