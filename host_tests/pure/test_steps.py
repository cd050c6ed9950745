# One push in pieces: what the application may do in between, and what it sees.
# heapsize=1024k: the flash image is in RAM here

import messages as m
from omadm.push import Push
from test_client import ALL, Device

MANY = 40  # nodes of the long message


def long_push(d, msg=1):
    """A push of several pieces: an Atomic that makes a folder of many leaves and switches the lamp."""
    body = m.message(
        1,
        msg,
        m.atomic(
            2,
            m.replace(3, b"./Led/State", b"on"),
            *[m.add(10 + i, b"./New/n%d" % i, b"value-%d" % i) for i in range(MANY)],
        ),
    )
    d.spool.reset()
    d.spool.write(body)
    headers = {"x-syncml-hmac": m.hmac_header(body)}
    return Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, d.spool)


def pieces(d):
    n = 0
    for outcome in d.client.steps(long_push(d)):
        n += outcome is None
    assert outcome.error is None
    return n


def begin(d, n, msg=1):
    """Start the long push and do n pieces of it."""
    steps = iter(d.client.steps(long_push(d, msg)))
    for _ in range(n):
        assert next(steps) is None
    return steps


def end(steps):
    for outcome in steps:
        pass
    return outcome


def test_in_pieces_and_whole_are_the_same():
    a, b = Device(), Device()
    assert a.client.accept(long_push(a)).error is None
    n = pieces(b)
    assert n >= 8, n
    assert bytes(a.flash.data) == bytes(b.flash.data)
    assert a.heard == b.heard and len(a.heard) == MANY + 1
    assert b.client.accepted == 1 and b.client.work is None


def test_get_reads_the_committed_tree_at_every_piece():
    d = Device()
    seen = 0
    for outcome in d.client.steps(long_push(d)):
        if outcome is None:
            seen += 1
            assert d.get(b"./Led/State") == b"off" and d.get(b"./New/n0") is None
            assert d.get(b"./DevInfo/DevId") == m.DEVICE
            assert d.get(b"./Led/State") == b"off"
    assert seen == pieces(Device())
    assert outcome.error is None
    assert d.get(b"./Led/State") == b"on" and d.get(b"./New/n%d" % (MANY - 1)) == b"value-%d" % (MANY - 1)
    d.boot()
    assert d.get(b"./Led/State") == b"on"


def test_get_of_what_a_message_deletes_and_makes_again():
    d = Device()
    assert d.send(m.add(2, b"./Tmp/a", b"one"), m.add(3, b"./Tmp/b", b"two")).error is None
    body = m.message(
        1,
        2,
        m.delete(2, b"./Tmp"),
        *[m.add(10 + i, b"./Tmp/a%d" % i, b"x" * 60) for i in range(20)],
        m.add(90, b"./Tmp/a", b"new"),
        m.replace(91, b"./Tmp/a", b"newer"),
    )
    d.spool.reset()
    d.spool.write(body)
    push = Push(
        "test",
        False,
        "application/vnd.syncml.dm+wbxml",
        7,
        {"x-syncml-hmac": m.hmac_header(body)},
        d.spool,
    )
    for outcome in d.client.steps(push):
        if outcome is None:
            assert d.get(b"./Tmp/a") == b"one" and d.get(b"./Tmp/b") == b"two"
            assert d.get(b"./Tmp/a0") is None
    assert [status for _, status in outcome.statuses] == [200] * 23
    assert d.get(b"./Tmp/a") == b"newer" and d.get(b"./Tmp/b") is None


def test_what_changes_the_tree_ends_the_push_first():
    for n in range(1, pieces(Device()) + 1):
        d = Device()
        steps = begin(d, n)
        d.client.declare([(b"./Mine", b"chr", ALL, b"m")])
        assert d.client.accepted == 1 and d.get(b"./Led/State") == b"on", n
        d.client.set(b"./Led/State", b"mine")
        assert list(steps) == []  # it is over
        assert d.get(b"./Led/State") == b"mine" and d.get(b"./Mine") == b"m"
        d.boot()
        assert d.get(b"./Led/State") == b"mine" and d.get(b"./New/n0") == b"value-0"


def test_another_push_ends_the_one_before():
    d = Device()
    begin(d, 3)
    other = type(d.spool)(2048)
    body = m.message(1, 2, m.replace(2, b"./Led/State", b"second"))
    other.write(body)
    headers = {"x-syncml-hmac": m.hmac_header(body)}
    outcome = d.client.accept(Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, other))
    assert outcome.error is None and d.client.accepted == 2
    assert d.get(b"./Led/State") == b"second" and d.get(b"./New/n1") == b"value-1"


def test_housekeeping_waits():
    d = Device()
    steps = begin(d, 2)
    before = d.flash.programs, d.flash.erases
    assert not d.client.idle()
    assert before == (d.flash.programs, d.flash.erases)
    assert end(steps).error is None


def test_octets_that_change_after_their_proof_are_never_applied():
    """Whoever takes the spool back too early loses the push; what is in it now was not proved."""
    for n in range(1, pieces(Device()) + 1):
        d = Device()
        steps = begin(d, n)
        d.spool.reset()
        d.spool.write(b"\x02\xa4\x01\x6a\x00 something else")
        outcome = end(steps)
        assert (outcome.error, outcome.code) == ("NotAuthentic", 97), n
        assert d.client.refused == 1 and list(outcome.statuses) == []
        assert d.get(b"./Led/State") == b"off" and d.get(b"./New/n0") is None
        assert d.heard == []
        # The number is not used up, and the store is whole: also where pages were written already.
        assert d.client.accept(long_push(d)).error is None
        d.boot()
        assert d.get(b"./Led/State") == b"on"


def test_a_push_that_is_left_alone_is_ended_by_the_next_call():
    d = Device()
    begin(d, 4)
    d.client.finish()
    assert d.get(b"./Led/State") == b"on" and d.client.work is None
    steps = begin(d, 4, msg=2)
    steps.close()  # dropped: it leaves no trace, and stands in nobody's way
    assert d.get(b"./New/n1") == b"value-1"
    d.client.set(b"./Led/State", b"mine")
    assert d.client.accept(long_push(d, 3)).error is None
    assert d.client.idle() in (True, False)


def test_power_that_goes_between_two_pieces():
    for n in range(1, pieces(Device()) + 1):
        d = Device()
        begin(d, n)
        d.boot()
        assert d.get(b"./Led/State") == b"off" and d.get(b"./New/n0") is None, n
        assert d.client.accept(long_push(d)).error is None


def test_refused_at_the_first_piece():
    d = Device()
    push = long_push(d)
    push.headers = {"x-syncml-hmac": m.hmac_header(b"another")}
    assert [outcome.error for outcome in d.client.steps(push)] == ["NotAuthentic"]
    assert d.client.work is None


def test_execs_are_pieces_of_their_own():
    d = Device()
    body = m.message(1, 1, *[m.execute(2 + i, b"./Dev/Reboot", b"%d" % i) for i in range(3)])
    d.spool.reset()
    d.spool.write(body)
    headers = {"x-syncml-hmac": m.hmac_header(body)}
    push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, d.spool)
    counts = []
    for _ in d.client.steps(push):
        counts.append(len(d.ran))
    assert counts[-4:] == [1, 2, 3, 3]


def test_a_push_that_a_hook_began_is_applied_whole():
    """The hook hears of a push that an Exec handler accepted: two calls are open when it begins a third."""
    d = Device()
    third = []

    def hook(uri, kind):
        third.append(begin(d, 8, msg=3))

    def handler(uri, data, correlator):
        other = type(d.spool)(2048)
        body = m.message(1, 2, m.replace(2, b"./Led/State", b"second"))
        other.write(body)
        headers = {"x-syncml-hmac": m.hmac_header(body)}
        push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, other)
        assert d.client.accept(push).error is None
        d.client.hooks.clear()

    d.client.on_change(b"./Led/State", hook)
    d.client.on_exec(b"./Dev/Reboot", handler)
    assert d.send(m.execute(2, b"./Dev/Reboot", b"")).error is None
    d.client.set(b"./Led/State", b"mine")
    for _ in third[0]:
        pass
    assert d.client.hook_errors == 0 and d.client.accepted == 3
    for i in range(MANY):
        assert d.get(b"./New/n%d" % i) == b"value-%d" % i, i
    assert d.get(b"./Led/State") == b"mine"
