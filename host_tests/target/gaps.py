"""How long the application's own tasks have to wait, on the real firmware: the longest gap in ms.

An application task that asks for a turn each millisecond runs beside `dm.serve` and beside what hands over a
push as our receivers do (device/turns.py). Its longest gap is what the board's own clock says.
"""

import base64

import dmboard

TASKS = """
import asyncio, sys, time
from device import turns
class app:
    def setup(client):
        pass
sys.modules["app"] = app
dm.spool = spool
board.WDT_MS = 0
worst = 0
async def application():
    global worst
    last = time.ticks_us()
    while True:
        await asyncio.sleep_ms(1)
        now = time.ticks_us()
        worst = max(worst, time.ticks_diff(now, last))
        last = now
async def beside(work):
    global worst
    gc.collect()
    tasks = [asyncio.create_task(application()), asyncio.create_task(dm.serve())]
    await asyncio.sleep_ms(50)
    worst = 0
    began = time.ticks_us()
    told = await work()
    took = time.ticks_diff(time.ticks_us(), began)
    await asyncio.sleep_ms(5)
    for task in tasks:
        task.cancel()
    await asyncio.sleep_ms(0)
    print((worst, took, told))
def measure(work):
    asyncio.run(beside(work))
async def take():
    log = client.store.log
    operations = log.programs + log.erases
    outcome = await turns.accept(client, the_push)
    operations = log.programs + log.erases - operations
    bad = sum([1 for _, status in outcome.statuses if status >= 300])
    return outcome.error, outcome.code, bad, operations
async def nothing():
    await asyncio.sleep_ms(1000)
"""
PIECE = 512  # octets of a message in one script


class Board:
    """A board with a provisioned tree, and the tasks above."""

    def __init__(self, firmware, size=256 * 1024):
        self.chip = dmboard.start(firmware, size)
        self.size = size
        self.chip.exec(TASKS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.chip.close()

    def again(self):
        """Power off and on."""
        self.chip.boot()
        dmboard.setup(self.chip, self.size)
        self.chip.exec(TASKS)

    def put(self, message):
        """Put a message into the spool."""
        self.chip.exec("spool.reset()")
        for at in range(0, len(message.body), PIECE):
            piece = base64.b64encode(message.body[at : at + PIECE]).decode()
            self.chip.exec(f"spool.write(a2b_base64({piece!r}))")
        self.chip.exec(
            "the_push = Push('test', False, 'application/vnd.syncml.dm+wbxml', 7, "
            f"{{'x-syncml-hmac': {message.mac!r}}}, spool)"
        )

    def measure(self, work, setup=""):
        """Run a coroutine of the board beside the application: (longest gap, whole time in ms, outcome)."""
        done = self.chip.exec(f"{setup}\nmeasure({work})")
        worst, took, told = eval(done.stdout, {"__builtins__": {}})
        return worst / 1000, took / 1000, told, done

    def push(self, message):
        """Take a message beside the application; the same."""
        self.put(message)
        return self.measure("take")
