# The hardware watchdog: dm.serve() feeds it, and a timer while somebody is at the REPL.
#
# Nothing can stop it once it runs. Ctrl-C ends dm.run(), and without the timer the board would start
# anew some seconds later, under the hands of whoever wanted to look at it. A soft reset (Ctrl-D, and
# mpremote where it is not told to `resume`) ends the timer: then it bites.
from micropython import const

_PERIOD_MS = const(500)

_timer = None


def start(ms: int):
    """The watchdog, fed for the first time; None when ms is 0."""
    global _timer
    if _timer:
        _timer.deinit()
        _timer = None
    if not ms:
        return None
    from machine import WDT

    return WDT(timeout=ms)


def feed_by_timer(ms: int) -> None:
    """Feed it until start() is called again."""
    global _timer
    if not ms or _timer:
        return
    from machine import WDT, Timer

    dog = WDT(timeout=ms)
    try:
        _timer = Timer(-1)  # a virtual one, where the port has them
    except ValueError:
        _timer = Timer(0)
    _timer.init(period=_PERIOD_MS, callback=lambda timer: dog.feed())
