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
board.RECEIVERS = ()
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
    for task in tasks + dm._tasks:  # receivers hold their memory as long as their tasks live
        task.cancel()
    dm._tasks.clear()
    dm.receivers.clear()
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

    def figures(self):
        """Return the longest gap in ms by what was done meanwhile."""
        operator = dmboard.Operator()
        say = operator.message

        def settings(count, verb, value):
            rows = (f"./App/S{count}/n{i}:chr,text/plain={value}-{i}" for i in range(count))
            return say(*(word for row in rows for word in (verb, row)), within="Atomic")

        longest = {"nothing": self.measure("nothing")[0]}
        for name, message in (
            ("m20", settings(20, "add", "setting")),
            ("m100", settings(100, "add", "setting")),
            ("m180", settings(180, "add", "setting")),
            ("value of 10,000", say("add", "./App/Big=" + "x" * 10_000)),
            ("20 Execs", say(*["exec", "./App/Run=go"] * 20)),
        ):
            longest[name], _, told, _ = self.push(message)
            if told[:3] != (None, 0, 0):
                raise AssertionError(f"{name}: {told}")
        forged = settings(20, "replace", "forged")
        forged.mac = dmboard.Operator().message("delete", "./App").mac
        longest["forged m20"], _, told, _ = self.push(forged)
        if told[0] != "NotAuthentic" or told[3]:
            raise AssertionError(f"forged: {told}")
        return longest

    def push(self, message):
        """Take a message beside the application; the same."""
        self.put(message)
        return self.measure("take")
