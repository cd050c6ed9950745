# The program of the simulated device; main.py starts it. Options:
#
#   --image FILE         the flash; made when there is none
#   --http PORT          where pushes come in
#   --sms HOST:PORT      a modem on TCP, whose SMS bring pushes; at least one of the two
#   --direct             have the modem deliver SMS at once, not through its store
#   --json-lines         one JSON object a line instead of text
#   --size N             octets of a new image (262144)
#   --cut N --torn MODE  cut the power at flash operation N: norfile.py; exit status 57
#   --spool N            octets of the longest message (16384)
#   --head-ms N, --whole-ms N, --body-ms N, --host ADDRESS    of the HTTP receiver
#
# Lines of standard input: "heap" reports the heap; "quiet" does all the housekeeping that is due and reports
# the flash operations since the start; its end ends the device (status 0). SIGTERM ends it too: for the
# flash that is a power cut, which it survives.
# Beside FILE an update leaves FILE.package while it is on, and FILE.installed when it is done.
# Events: ready, push, change, exec, update, heap, quiet, power-cut; with --sms also modem (another state
# of it) and dropped (SMS that came whole and were no push for us).
import asyncio
import gc
import json
import sys

from micropython import const
from norfile import TORN, NorFile, PowerCut

_POWER_CUT = const(57)  # exit statuses
_USAGE = const(2)


def options(words):
    """Options as a dictionary; ValueError for one that is unknown or lacks its value."""
    found = {
        "--host": "127.0.0.1",
        "--size": 262144,
        "--cut": 0,
        "--torn": "before",
        "--spool": 16384,
        "--head-ms": 10000,
        "--whole-ms": 30000,
        "--body-ms": 5000,
    }
    words = iter(words)
    for word in words:
        if word in ("--json-lines", "--direct"):
            found[word] = True
        elif word in ("--image", "--torn", "--host", "--sms"):
            found[word] = next(words, "")
        elif word in ("--http", "--size", "--cut", "--spool", "--head-ms", "--whole-ms", "--body-ms"):
            found[word] = int(next(words, ""))
        else:
            raise ValueError(word + ": no such option")
    if not found.get("--image"):
        raise ValueError("--image is missing")
    if not found.get("--http") and not found.get("--sms"):
        raise ValueError("--http is missing, or --sms")
    if "--sms" in found and not found["--sms"].split(":")[-1].isdigit():
        raise ValueError("--sms: HOST:PORT")
    if found["--torn"] not in TORN:
        raise ValueError("--torn: one of " + " ".join(TORN))
    return found


class Reporter:
    """Prints events; a client to the receivers, which tells of each push."""

    def __init__(self, client, flash, as_json):
        self.client = client
        self.flash = flash
        self.as_json = as_json
        self.pushes = 0

    def say(self, event):
        if self.as_json:
            print(json.dumps(event))
        else:
            print(" ".join(["%s=%s" % row for row in event.items()]))

    def heap(self):
        gc.collect()
        return gc.mem_free()

    def finish(self):
        self.client.finish()

    def steps(self, push):
        programs, erases = self.flash.programs, self.flash.erases
        for outcome in self.client.steps(push):
            if outcome is None:
                yield
        self.pushes += 1
        self.say(
            {
                "event": "push",
                "n": self.pushes,
                "error": outcome.error,
                "code": outcome.code,
                "server": outcome.server.decode(),
                "session": outcome.session,
                "msg": outcome.msg,
                "statuses": [[cmd_id.decode(), status] for cmd_id, status in outcome.statuses],
                "flash": {
                    "programs": self.flash.programs - programs,
                    "erases": self.flash.erases - erases,
                },
                "heap_free": self.heap(),
            }
        )
        yield outcome

    def accept(self, push):
        for piece in self.steps(push):
            outcome = piece
        return outcome


async def listen(reporter):
    """Follow standard input; returns at its end."""
    stream = asyncio.StreamReader(sys.stdin.buffer)
    while True:
        line = await stream.readline()
        if not line:
            return
        if line.strip() == b"heap":
            reporter.say({"event": "heap", "heap_free": reporter.heap()})
        if line.strip() == b"quiet":
            while reporter.client.idle():
                pass
            reporter.say({"event": "quiet", "operations": reporter.flash.operations})


async def keep_house(client):
    while True:
        await asyncio.sleep_ms(5 if client.idle() else 200)


async def http(reporter, spool, lock, found):
    """Take pushes over HTTP; returns once it listens."""
    from device.http_receiver import HttpReceiver

    failed = []
    times = found["--head-ms"], found["--whole-ms"], found["--body-ms"]
    receiver = HttpReceiver(reporter, spool, lock, *times)

    async def serve():
        try:
            await receiver.serve(found["--http"], found["--host"])
        except OSError as e:
            failed.append(e)

    task = asyncio.create_task(serve())
    while receiver.server is None and not failed:
        await asyncio.sleep_ms(0)
    if failed:
        raise failed[0]
    return task


def sms_receiver(reporter, spool, lock):
    """What gathers the SMS of pushes; early, for it takes its memory in one piece."""
    from device.clock import Seconds
    from device.sms_receiver import SmsReceiver

    def on_push(outcome, code):
        if outcome is None:
            reporter.say({"event": "dropped", "code": code})

    return SmsReceiver(reporter, spool, Seconds(), lock, on_push)


def sms(reporter, receiver, found):
    """Take pushes from a modem."""
    from device.modem import Modem

    host, port = found["--sms"].rsplit(":", 1)

    async def open_stream():
        return await asyncio.open_connection(host, int(port))

    modem = Modem(open_stream, receiver, receiver.clock, found.get("--direct", False))

    async def watch():
        known = modem.state
        while True:
            if modem.state != known:
                known = modem.state
                status = modem.status()
                event = {"event": "modem", "state": status["state"], "family": status["family"]}
                if modem.fault is not None:
                    event["fault"] = repr(modem.fault)  # the driver's own; it goes on
                    modem.fault = None
                reporter.say(event)
            await asyncio.sleep_ms(100)

    return asyncio.create_task(modem.run()), asyncio.create_task(watch())


def set_up(client, reporter, image):
    """Declare the nodes of board and application."""
    import demo_app
    from device import mo_devinfo

    mo_devinfo.declare(client, b"omadm", b"simulated")
    client.mo_roots = demo_app.MO_ROOTS
    demo_app.setup(client, reporter.say, image)


async def run(found):
    from omadm.spool import Spool

    spool = Spool(found["--spool"])  # first, while the heap is in one piece
    from device import clock
    from omadm.client import Client
    from omadm.pagelog import PageLog
    from omadm.store import Store

    flash = NorFile(found["--image"], found["--size"], found["--cut"], found["--torn"])
    client = Client(Store(PageLog(flash)), clock.now)
    reporter = Reporter(client, flash, "--json-lines" in found)
    lock = asyncio.Lock()  # of the spool
    if "--sms" in found:
        gatherer = sms_receiver(reporter, spool, lock)
    client.mount()
    set_up(client, reporter, found["--image"])
    client.run_execs()
    tasks = [asyncio.create_task(keep_house(client))]
    if "--http" in found:
        tasks.append(await http(reporter, spool, lock, found))
    device = (client.device_id or b"").decode()
    ready = {"event": "ready", "port": found.get("--http"), "device": device}
    if "--sms" in found:
        tasks.extend(sms(reporter, gatherer, found))
    ready["heap_free"] = reporter.heap()
    reporter.say(ready)
    await listen(reporter)
    for task in tasks:
        task.cancel()


def main():
    try:
        found = options(sys.argv[1:])
    except ValueError as e:
        print("simdevice:", e)
        return _USAGE
    try:
        asyncio.run(run(found))
    except PowerCut as e:
        say = Reporter(None, None, "--json-lines" in found).say
        say({"event": "power-cut", "operation": e.args[0]})
        return _POWER_CUT
    except KeyboardInterrupt:
        return 0
    except OSError as e:
        print("simdevice:", found["--image"], "port", found.get("--http"), e)
        return 1
    except ValueError as e:
        print("simdevice:", e)
        return 1
    return 0
