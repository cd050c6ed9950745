"""Runs on the board: one client on its region, and a stopwatch on what it does with one message.

What is printed is a Python literal. Times are microseconds, heap is octets.
"""

import gc
import time

import board
from device import clock, storage
from omadm import auth
from omadm.client import Client
from omadm.codepages import PAGES
from omadm.commands import Commands
from omadm.executor import Executor
from omadm.pagelog import PageLog
from omadm.push import Push, check
from omadm.spool import Spool
from omadm.store import Store
from omadm.wbxml import Parser

BLOCK = 256  # octets that a receiver hands over at a time

now = time.ticks_us


def passed(began):
    """Microseconds since `began`."""
    return time.ticks_diff(now(), began)


def on_change(uri, kind):
    """What the application has to hear of."""


def start():
    """Mount the region that the firmware names, as firmware/dm.py does."""
    global client, spool
    spool = Spool(board.SPOOL)
    client = Client(Store(PageLog(storage.open_region(board.STORE))), clock.now)
    client.mo_roots = board.MO_ROOTS
    client.mount()
    client.on_change(b"./App", on_change)


def read(path):
    """Return what a file of the board's file system holds."""
    with open(path, "rb") as f:
        return f.read()


class Message:
    """A message as a receiver has it: in blocks, with its header."""

    def __init__(self, body, header):
        view = memoryview(body)
        self.blocks = [view[at : at + BLOCK] for at in range(0, len(body), BLOCK)]
        headers = {"x-syncml-hmac": header} if header else {}
        self.push = Push("http", False, "application/vnd.syncml.dm+wbxml", None, headers, spool)

    def receive(self):
        """Put it into the spool, where it is hashed."""
        spool.reset()
        for block in self.blocks:
            spool.write(block)


def from_files(name):
    """Start, and return the message of a name."""
    start()
    return Message(read(name + ".bin"), read(name + ".mac").decode())


def verdict(outcome):
    """What became of it: error, code, how many commands did not end with 200."""
    return outcome.error, outcome.code, sum([1 for _, status in outcome.statuses if status != 200])


def total(name):
    """From the first octet received to the outcome, nothing wrapped: receive, accept."""
    message = from_files(name)
    gc.collect()
    began = now()
    message.receive()
    received = passed(began)
    outcome = client.accept(message.push)
    took = passed(began)
    print((took, received, verdict(outcome)))


class Tally:
    """Octets allocated. The collector runs only where it is told to, when little is left."""

    LITTLE = 65536

    def __init__(self):
        gc.collect()
        self.free = self.first = gc.mem_free()
        self.sum = 0
        gc.disable()

    def look(self):
        """Collect when little is left."""
        if gc.mem_free() < self.LITTLE:
            self.add()

    def add(self):
        """Count and collect."""
        self.sum += self.free - gc.mem_free()
        gc.collect()
        self.free = gc.mem_free()

    def end(self):
        """Return what was allocated, and what of it is still in use."""
        self.add()
        gc.enable()
        return self.sum, max(0, self.first - self.free)


def heap(name):
    """Octets allocated by one message, and those that stay in use after it."""
    message = from_files(name)

    inner = Executor.command

    def command(*arguments):
        inner(*arguments)
        tally.look()

    Executor.command = command
    tally = Tally()
    message.receive()
    outcome = client.accept(message.push)
    told = verdict(outcome)
    outcome = None
    print((tally.end(), told))


def verify(name):
    """Labels, hash and MAC of what was received."""
    message = from_files(name)
    message.receive()
    push = message.push
    gc.collect()
    began = now()
    check(push)
    auth.check_mac(push.headers.get("x-syncml-hmac"), push.spool.digest(), client.accounts)
    print(passed(began))


def prove(name):
    """The signature in what was received: canonical octets, their hash, the value."""
    from omadm.signature import Proof

    message = from_files(name)
    message.receive()
    took = []
    for _ in range(2):  # the first loads what is needed
        gc.collect()
        began = now()
        proof = Proof(client.accounts, spool.length)
        proof.parser.feed(spool.buf, 0, spool.length)
        proof.close()
        took.append(passed(began))
    print(took[1])


class Nobody:
    """A handler of commands that does nothing."""

    def header(self, hdr):
        pass

    def begin(self, tag, cmd_id):
        pass

    def command(self, tag, cmd_id, item):
        pass

    def fail(self, tag, cmd_id, status):
        pass

    def end(self, tag):
        pass


def parse():
    """Parse what is in the spool, as the client does."""
    commands = Commands(Nobody())
    parser = Parser(commands, PAGES, spool.length)
    parser.feed(spool.buf, 0, spool.length)
    parser.close()
    commands.close()


def decode(name):
    """Parsed, and every command given to a handler that does nothing; and the heap that takes."""
    from_files(name).receive()
    gc.collect()
    began = now()
    parse()
    took = passed(began)
    tally = Tally()
    parse()
    print((took, tally.end()[0]))


def commit(name):
    """An accept with a stopwatch on its commit: up to it, the commit, all."""
    message = from_files(name)
    times = []
    inner = client._commit_steps

    def timed():
        times.append(passed(began))
        yield from inner()
        times.append(passed(began))

    client._commit_steps = timed
    message.receive()
    gc.collect()
    began = now()
    outcome = client.accept(message.push)
    print((times[0], times[1] - times[0], verdict(outcome)))


def live(name):
    """Octets in use at most up to the commit of a message, less those in use before it."""
    message = from_files(name)
    txn = client.txn
    create, commit = txn.create, client._commit_steps
    most = made = 0

    def look():
        nonlocal most
        gc.collect()
        most = max(most, gc.mem_alloc())

    def created(*arguments):
        nonlocal made
        made += 1
        if made % 50 == 0:
            look()
        return create(*arguments)

    def committed():
        look()
        yield from commit()

    txn.create, client._commit_steps = created, committed
    message.receive()
    look()
    idle = most
    told = verdict(client.accept(message.push))
    print((most - idle, told))
