# Device management on this board, put together: store, client, receivers, application.
#
#     board.py -> storage -> PageLog -> Store -> Client <- receivers
#                                                  ^ app.setup
#
# At the REPL: `import dm; dm.status()`. Nothing runs at import.
import asyncio
import gc

import board
from device import clock, mo_devinfo, storage, watchdog
from micropython import const
from omadm import journal
from omadm.client import Client
from omadm.errors import StorageFailed
from omadm.pagelog import PageLog
from omadm.spool import Spool
from omadm.store import Store

_BUSY_MS = const(20)  # between two steps of housekeeping
_IDLE_MS = const(1000)
_RETRY_S = const(60)  # longest wait before a receiver is started again

client = None
spool = None
lock = None  # of the spool: who holds it has no push under way
receivers = []  # (name, receiver)
trouble = {}  # name of a receiver: why it does not run
_tasks = []


def start() -> Client:
    """Mount the tree and declare the board's own nodes, once; gives the client."""
    global client
    if client is None:
        mounted = Client(Store(PageLog(storage.open_region(board.STORE))), clock.now)
        mounted.mount()
        mo_devinfo.declare(mounted, board.MAKER, board.MODEL)
        mounted.mo_roots = getattr(board, "MO_ROOTS", ())
        client = mounted
    return client


async def serve():
    """Receivers, housekeeping, watchdog: for ever. An application may run it as a task.

    Mounting takes its time in one go: call start() before the loop where that matters.
    """
    global spool, lock
    if spool is None:
        gc.collect()
        spool = Spool(board.SPOOL)  # first, while the heap has room for it in one piece
        import app

        app.setup(start())
    dm = start()
    dm.run_execs()  # what a reset left undone
    lock = asyncio.Lock()
    receivers.clear()  # those of an earlier run are there up to now, for status()
    for name, option in board.RECEIVERS:
        _tasks.append(asyncio.create_task(_keep(name, option, lock)))
    dog = watchdog.start(board.WDT_MS)
    while True:
        if dog:
            dog.feed()
        await asyncio.sleep_ms(_BUSY_MS if dm.idle() else _IDLE_MS)


def run():
    """Serve until Ctrl-C."""
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        watchdog.feed_by_timer(board.WDT_MS)
        print("dm: stopped; dm.run() goes on")
    except StorageFailed as e:
        # No restart would help; the REPL does, and so does an application of one's own.
        print("dm: the flash of STORE in board.py can't be used, code", e.args[0])
    finally:
        # Sockets stay open with a loop that is left alone, and then nobody can listen again.
        for task in _tasks:
            task.cancel()
        asyncio.run(_pause())
        if client:
            client.finish()
        _tasks.clear()
        asyncio.new_event_loop()


async def _pause():
    await asyncio.sleep_ms(_BUSY_MS)


async def _keep(name, option, lock):
    # Without network or modem a receiver fails; everything else goes on, and it is tried again.
    wait = 1
    while True:
        try:
            receiver = _receiver(name, lock)
            receivers.append((name, receiver))
            trouble.pop(name, None)
            await receiver.serve(option)
        except Exception as e:
            trouble[name] = str(e) or repr(e)
        receivers[:] = [row for row in receivers if row[0] != name]
        await asyncio.sleep(wait)
        wait = min(2 * wait, _RETRY_S)


def _receiver(name, lock):
    # Imported here: Microdot takes 20 KB of heap where it is not frozen.
    if name == "http":
        from device.http_receiver import HttpReceiver

        return HttpReceiver(client, spool, lock)
    if name == "sms":
        from device.sms_uart import UartSms

        return UartSms(client, spool, lock)
    raise ImportError("RECEIVERS in board.py: no receiver " + name)


def status():
    """Print how things are."""
    dm = start()
    store = dm.store
    gc.collect()
    print("device  ", (dm.device_id or b"not provisioned").decode())
    print("accounts", b" ".join([account.server_id for account in dm.accounts]).decode() or "none")
    print("pushes  ", dm.accepted, "accepted,", dm.refused, "refused since boot")
    log = store.log
    print(
        "store   ",
        store.used,
        "of",
        log.capacity,
        "octets,",
        log.damaged,
        "damaged,",
        log.bad_sectors,
        "bad sectors",
    )
    for name, receiver in receivers:
        print(name, receiver.told())
    for name in trouble:
        print(name, "does not run:", trouble[name])
    print("heap    ", gc.mem_free(), "octets free")
    for i in range(max(0, len(store.journal) - 5), len(store.journal)):
        number, _, session, msg, what, outcomes = journal.read(store, i)
        text = ("message", "exec", "exec interrupted")[what]
        print(
            "#%d" % number, text, "%X/%d:" % (session, msg), *[(b"%s=%d" % row).decode() for row in outcomes]
        )
