"""Corners that random messages do not reach: a full store, an exhausted heap, long ACLs."""

import base64

import lockstep
import messages as m
import pytest
from omadm import journal
from omadm.client import Client
from omadm.pagelog import PageLog
from omadm.store import Store


class Device(lockstep.Bench):
    """A device whose servers number their messages themselves."""

    def send(self, server, *commands):
        """Statuses of the next message of that server."""
        session, msg = self.next_pair(server)
        self.model.pairs[server] = (session, msg)
        outcome = self.push(*lockstep.SERVERS[server].message(session, msg, b"".join(commands)))
        assert outcome.error is None, (outcome.error, outcome.code)
        return [status for _, status in outcome.statuses]


@pytest.mark.parametrize("sectors", [8, 12, 32])
def test_nobody_fills_the_store_with_the_journal(sectors):
    device = Device(sectors=sectors)
    nodes = 0
    for size in (500, 0):
        while device.send(b"A", m.add(1, b"./D/n%d" % nodes, b"v" * size)) == [200]:
            nodes += 1
    longest = [m.delete(i, b"./q") for i in range(1, 450)]
    for _ in range(20):
        assert set(device.send(b"B", *longest)) == {404}
    used = device.client.store.used
    assert device.send(b"A", m.delete(1, b"./D/n1")) == [200]
    assert device.client.store.used < used <= device.client.store.log.capacity
    device.boot()
    assert device.send(b"A", m.add(1, b"./D/n1", b"v" * 400)) == [200]
    assert 0 < len(device.client.store.journal) <= 16


def test_a_rename_is_heard_at_the_new_address():
    device = Device()
    heard = []
    device.client.on_change(b"./D/mode", lambda uri, kind: heard.append((uri, kind)))
    rename = m.replace(2, b"./D/x?prop=Name", b"mode")
    assert device.send(b"A", m.add(1, b"./D/x", b"v"), rename) == [200, 200]
    assert heard == [(b"./D/mode", "add")]
    assert device.send(b"A", m.replace(1, b"./D/mode?prop=Name", b"x")) == [200]
    assert heard[1:] == [(b"./D/mode", "replace")]


def test_a_leaf_needs_no_acl_of_its_own():
    device = Device()
    rights = m.replace(2, b"./D/x?prop=ACL", b"Add=*&Get=" + b"s" * 235)
    assert device.send(b"A", m.add(1, b"./D/x", None, b"node"), rights) == [200, 200]
    # what would be too long for an interior node
    leaf, below, interior = b"./D/x/leaf", b"./D/x/y/leaf", b"./D/x/y"
    commands = m.add(1, leaf, b"v"), m.add(2, below, b"v"), m.add(3, interior, None, b"node")
    assert device.send(b"B", *commands) == [200, 413, 413]


def test_nothing_follows_the_padding_of_base64():
    device = Device()
    for n in range(1, 100):
        text = base64.b64encode(b"a" * n)
        status = [200] if n % 3 == 0 else [415]
        assert device.send(b"A", m.replace(1, b"./D/leaf", text + b" ", b"b64")) == [200]
        assert device.send(b"A", m.replace(1, b"./D/leaf", text + b"eHl6", b"b64")) == status, n


@pytest.mark.parametrize("sectors", [8, 12])
def test_execs_on_a_full_store_are_refused_one_by_one(sectors):
    device = Device(sectors=sectors)
    ran = []
    device.client.on_exec(b"./P/Run", lambda uri, data, correlator: ran.append(data))
    nodes = 0
    for size in (500, 0):
        while device.send(b"A", m.add(1, b"./D/n%d" % nodes, b"v" * size)) == [200]:
            nodes += 1
    execs = [m.execute(i, b"./P/Run", b"x" * 500) for i in range(1, 9)]
    assert device.send(b"A", *execs, m.delete(9, b"./D/n1")) == [420] * 8 + [200]
    assert ran == []
    for i in range(2, 7):
        assert device.send(b"A", m.delete(1, b"./D/n%d" % i)) == [200]
    assert device.send(b"A", *execs[:2]) == [202, 202]
    assert ran == [b"x" * 500] * 2


class Heap:
    """Lets the index run out of heap at the n-th time that it grows."""

    def __init__(self, store, left):
        self.left = left
        heap = self

        def grown(kind):
            class Short(kind):
                def extend(self, octets):
                    if not heap.left:
                        heap.left = -1
                        raise MemoryError
                    heap.left -= 1
                    super().extend(octets)

            return Short

        store.keys = grown(bytearray)(store.keys)
        store.flags = grown(bytearray)(store.flags)
        store.undo = grown(bytearray)(store.undo)
        store.locs = grown(type(store.locs))("I", store.locs)


@pytest.mark.parametrize("left", range(9))
def test_an_index_that_cannot_grow_stays_as_it_was(left):
    device = Device()
    heap = Heap(device.client.store, left)
    before = lockstep.snapshot(device.client)
    commands = b"".join(m.add(i, b"./D/n%d" % i, b"v") for i in range(1, 120))
    session, msg = device.next_pair(b"A")
    outcome = device.push(*lockstep.SERVERS[b"A"].message(session, msg, commands))
    assert (outcome.error, heap.left) == ("TooLarge", -1)
    assert device.flash_operations == 0
    assert lockstep.snapshot(device.client) == before
    assert device.client.store.undo_len == 0
    assert device.send(b"A", commands) == [200] * 119
    again = Client(Store(PageLog(device.flash)))
    again.mount()
    assert lockstep.snapshot(again) == lockstep.snapshot(device.client)


def test_a_push_inside_an_exec_runs_nothing_twice():
    device = Device()
    ran = []

    def handler(uri, data, correlator):
        ran.append(data)
        if data == b"one":
            commands = m.replace(1, b"./D/leaf", b"z"), m.execute(2, b"./P/Run", b"three")
            assert device.send(b"A", *commands) == [200, 202]
            assert ran == [b"one"]

    device.client.on_exec(b"./P/Run", handler)
    commands = m.execute(1, b"./P/Run", b"one"), m.execute(2, b"./P/Run", b"two")
    assert device.send(b"A", *commands) == [202, 202]
    assert ran == [b"one", b"two", b"three"]
    store = device.client.store
    assert store.execs == [] and device.client.hook_errors == 0
    told = [journal.read(store, i)[4:] for i in range(len(store.journal))]
    assert told[2:] == [(lockstep.RAN, [(b"./P/Run", 200)])] * 3


def test_what_a_handler_could_not_commit_stays_out():
    device = Device()
    log = device.client.store.log

    def handler(uri, data, correlator):
        def out_of_heap(*args):
            del log.steps
            raise MemoryError

        log.steps = out_of_heap
        device.client.set(b"./P/Fixed", b"99")

    device.client.on_exec(b"./P/Run", handler)
    assert device.send(b"A", m.execute(1, b"./P/Run")) == [202]
    assert device.client.hook_errors == 1
    assert device.client.get(b"./P/Fixed") == b"7"
    assert device.client.store.execs == []
    device.boot()
    assert device.client.get(b"./P/Fixed") == b"7"
