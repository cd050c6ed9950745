# A simulated device with a modem instead of HTTP; runs under MicroPython, for the tests here.
#
#   micropython-device modem_device.py IMAGE HOST:PORT [direct] [torn=MODE]
#
# torn: the power is cut at the first flash operation. Events are those of
# tools/simdevice/program.py, and a line of the modem's status for each line of standard input; its
# end ends the device.
import asyncio
import gc
import json
import sys

from device.clock import Seconds
from device.modem import Modem
from device.sms_receiver import SmsReceiver
from norfile import NorFile, PowerCut
from omadm.client import Client
from omadm.pagelog import PageLog
from omadm.spool import Spool
from omadm.store import Store
from program import Reporter, set_up


async def run(image, address, words):
    torn = [word[5:] for word in words if word.startswith("torn=")]
    spool = Spool(8192)
    flash = NorFile(image, 65536, len(torn), torn[0] if torn else "before")
    client = Client(Store(PageLog(flash)), None)
    reporter = Reporter(client, flash, True)
    client.mount()
    set_up(client, reporter, image)
    client.run_execs()
    host, port = address.split(":")

    async def open_stream():
        return await asyncio.open_connection(host, int(port))

    receiver = SmsReceiver(reporter, spool, Seconds())
    modem = Modem(open_stream, receiver, Seconds(), "direct" in words, poll=5)
    task = asyncio.create_task(modem.run())
    gc.collect()
    reporter.say({"event": "ready", "heap_free": reporter.heap()})
    stdin = asyncio.StreamReader(sys.stdin.buffer)
    while await stdin.readline():
        status = modem.status()
        status["event"] = "modem"
        status["heap_free"] = reporter.heap()
        status["dropped"] = receiver.dropped
        status["copies"] = receiver.copies
        status["broken"] = receiver.broken
        status["fault"] = repr(modem.fault)
        reporter.say(status)
    task.cancel()


try:
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
except PowerCut as e:
    print(json.dumps({"event": "power-cut", "operation": e.args[0]}))
    sys.exit(57)
