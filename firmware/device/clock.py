# Seconds since 1970 for TStamp, or 0 while nobody has set the clock.
import time

from micropython import const

_FROM_2000 = const(946684800)  # ports differ: unix and rp2 count from 1970, esp32 from 2000
_SET = const(2024)  # a year before this one: the clock runs from power-up


def now() -> int:
    """Seconds since 1970 UTC; 0 when the clock was never set."""
    if time.gmtime()[0] < _SET:
        return 0
    return int(time.time()) + (_FROM_2000 if time.gmtime(0)[0] == 2000 else 0)
