# Virtual addresses: an object named by what it is. Sessionless 6.2.2, docs/profile.md P4.
# heapsize=512k: the flash image is in RAM here

import messages as m
import objects as o
from check import row
from test_client import ALL, GET, Device, account, applied
from test_rights import Two

MO = b"org.example/1.0/Valve"
A = b"MOID=" + MO
FREE = b"Add=*&Delete=*&Exec=*&Get=*&Replace=*"


def device(kind=Device):
    d = kind()
    rows = [(b"./A", b"node", ALL, b"", b"", FREE)]
    for top, mo, period in ((b"./A/V", MO, b"60"), (b"./A/Deep/W", MO, b"61"), (b"./A/X", MO + b"s", b"60")):
        rows += [(top, b"node", ALL, b"", mo), (top + b"/Period", b"int", ALL, period)]
        rows += [
            (top + b"/Sub/Name", b"chr", ALL, b"a&b=c/%s" % top[-1:]),
            (top + b"/Secret", b"chr", 16, b"s"),
        ]
    d.client.declare(rows, False)
    d.client.declare([(b"./A/V/Run", b"null", ALL)], False)
    d.client.on_exec(b"./A/V/Run", lambda uri, data, correlator: d.ran.append(data))
    return d


def item(address, below, data=None, fmt=None):
    """An Item with part A in TargetParent and part B in Target; below None: part A in Target alone."""
    if below is None:
        return m.item(address, data, fmt)
    return m.item(below, data, fmt, None, False, address)


def sent(d, *commands):
    applied(d.send(*[m.command(tag, n + 1, item(*rest)) for n, (tag, *rest) in enumerate(commands)]))
    return d.statuses


@row("R52")
def test_each_command_reaches_its_node():
    d = device()
    one = A + b"&Period=60"
    assert sent(
        d,
        (0x20, one, b"Period", b"7"),
        (0x05, b"./A/Deep?" + A, b"New", b"new"),
        (0x05, A + b"&Period=7", b"Deep/New", b"new"),
        (0x11, A + b"&Period=7", b"Run", b"go"),
        (0x20, A + b"&Period=7", b"?prop=Title", b"T"),
        (0x20, A + b"&Period=7", b"Period?prop=Name", b"Time"),
        (0x20, A + b"&Time=7", b"./Time", b"8"),
        (0x10, A + b"&Period=61", None),
        (0x10, A, b"Deep"),
        (0x20, A, b".", None, b"node"),
        (0x10, A, b"."),
    ) == [200, 200, 200, 202, 200, 200, 404, 200, 200, 405, 200]
    assert (
        d.ran == [b"go"]
        and d.client.tree.find([b"A", b"V"]) < 0
        and d.client.tree.find([b"A", b"Deep", b"W"]) < 0
    )


@row("R52")
def test_conditions_single_out_one_object():
    d = device()
    for conditions, status in (
        (b"&Period=60", 200), (b"&Period=61", 200), (b"&Period=6", 404), (b"&Period=", 404),
        (b"&Sub/Name=a%26b%3dc/V", 200), (b"&Sub/Name=a%26b%3Dc%2FV&Period=60", 200),
        (b"&Sub/Name=a%26b%3Dc%2FV&Period=61", 404), (b"&./Period=60", 200), (b"&%50eriod=60", 200),
        (b"", 412), (b"&Sub=", 404), (b"&Nope=1", 404), (b"&Period/x=60", 404),
    ):  # fmt: skip
        one = A + conditions
        found = sent(d, (0x20, one, b"Title", b"x"), (0x20, one, b"?prop=Title", b"x"))
        assert found == [404 if status == 200 else status, status], conditions
    assert sent(d, (0x20, b"./A/Deep?" + A, b"Period", b"1"), (0x20, b"./A/V?" + A, b"Period", b"2")) == [
        200,
        200,
    ]
    assert sent(d, (0x20, b"A?" + A, b"Period", b"1"), (0x20, b".?" + A, b"Period", b"1")) == [412, 412]
    assert (d.get(b"./A/Deep/W/Period"), d.get(b"./A/V/Period")) == (b"1", b"2")


@row("R52")
def test_an_address_is_resolved_when_its_command_is_carried_out():
    d = device()
    assert sent(
        d,
        (0x20, A + b"&Period=60", b"Period", b"61"),  # now both are alike
        (0x20, A + b"&Period=61", b"Period", b"5"),
        (0x10, b"./A/Deep/W", None),
        (0x20, A + b"&Period=61", b"Period", b"5"),
        (0x20, b"./A/V?prop=Name", None, b"Moved"),
        (0x20, A + b"&Period=5", b"Period?prop=Title", b"t"),  # its value stays in flash, or in the arena
        (0x20, A + b"&Period=5&Sub/Name=a%26b%3dc/V", b"Sub/Name", b"n"),
        (0x20, A + b"&Sub/Name=n", b"Period", b"9"),
    ) == [200, 412, 200, 200, 200, 200, 200, 200]
    assert d.get(b"./A/Moved/Period") == b"9"
    assert sent(d, (0x20, A, b"Sub/Name?prop=Title", b"t"), (0x20, A + b"&Sub/Name=n", b"Period", b"3")) == [
        200,
        200,
    ]
    object = o.send(5, 1, b"Sub", o.document(o.node(b"N", value=b"n")), parent=A)
    applied(d.send(object, o.send(0x20, 2, A, o.document(o.node(b"Period", value=b"4", fmt=b"int")))))
    assert (
        d.statuses == [200, 200] and d.get(b"./A/Moved/Sub/N") == b"n" and d.get(b"./A/Moved/Period") == b"4"
    )


@row("R52", negative=True)
def test_what_is_no_virtual_address():
    d = device()
    many = b"".join([b"&Period=60"] * 9)
    for address in (
        b"MOID=", b"MOID=x", b"./A?MOID=", b"./Nope?" + A, A + b"&", A + b"&Period", A + b"&=60",
        A + b"&Period=%6",
        A + b"&Period=%zz", A + b"%", A + many, b"?" + A, b"./?" + A, A + b"?prop=ACL", A + b"/Period",
        b"moid=" + MO,
        b"./A?moid=" + MO, b"./A/V?x=1&" + A, A.replace(b"1.0", b"1"), A + b"&Peri od=60",
        A + b"&../V/Period=60",
    ):  # fmt: skip
        statuses = sent(d, (0x20, address, b"Period", b"0"), (0x10, address, None))
        assert statuses in ([404, 404],), (address, statuses)
    one = A + b"&Period=60"
    for below in (b"/Period", b"../V/Period", b"Period/", b"Per//iod", b"Nope", b"Period?x", b"MOID=x"):
        assert sent(d, (0x20, one, below, b"0")) == [404], below
    assert sent(d, (0x20, one, b"x" * 130, b"0"), (0x05, one, b"y/" * 13 + b"z", b"0"))[0] == 414
    assert d.get(b"./A/V/Period") == b"60"


@row("R52", negative=True)
def test_a_condition_tells_nobody_what_it_may_not_see():
    d = device(Two)
    values = []
    for secret in (b"s", b"t"):  # no Get in the AccessType
        values.append(sent(d, (0x20, A + b"&Period=60&Secret=" + secret, b"Period", b"60")))
    assert values == [[404], [404]]
    for acl, by_a, by_b in (
        (b"Get=com.example.lab&Replace=*", 404, 200),
        (b"Get=com.example.dms&Replace=*", 200, 404),
        (b"Replace=*", 404, 404),
    ):
        d.client.set_acl(b"./A/V/Period", acl)
        value = d.get(b"./A/V/Period")
        command = m.command(0x20, 1, item(A + b"&Period=" + value, b"Sub/Name?prop=Title", b"t"))
        assert (d.by_a(command), d.by_b(command)) == ([by_a], [by_b]), acl


@row("R36", "R52", negative=True)
def test_the_rights_are_those_on_the_node_that_is_found():
    d = device()
    d.client.set_acl(b"./A/V", b"Get=*")
    d.client.declare([(b"./A/V/Fixed", b"chr", GET | 16, b"f")], False)
    one = A + b"&Period=60"
    assert sent(
        d,
        (0x20, one, b"Period", b"1"),
        (0x05, one, b"N", b"1"),
        (0x10, one, None),
        (0x11, one, b"Run", b""),
        (0x20, one, b"?prop=ACL", b"Replace=*"),  # Replace on the parent is enough
        (0x20, one, b"Period", b"1"),
    ) == [425, 425, 425, 425, 200, 404]


@row("R45", "R52", negative=True)
def test_no_way_leads_to_a_dmacc():
    d = device()
    acc = b"MOID=urn:oma:mo:oma-dm-dmacc:1.1"
    assert sent(
        d,
        (0x20, acc, b"ServerID", b"x"),
        (0x05, acc, b"Ext/Keys/K", b"x"),
        (0x10, acc, None),
        (0x10, b"./DMAcc?" + acc, None),
        (0x20, acc + b"&AppID=w7", b"Name", b"x"),
        (0x20, acc + b"&AppAuth/S/AAuthSecret=" + m.KEY, b"Name", b"x"),
        (0x05, b"MOID=urn:oma:mo:oma-dm-inbox:1.0", b"x", b"x"),
    ) == [405, 405, 405, 405, 405, 404, 404]
    # nor does one that has an account below it tell anything of that
    rows = [(b"./Box", b"node", ALL, b"", b"org.example/1.0/Box"), (b"./Box/N", b"chr", ALL, b"n")]
    third = account(b"T", b"com.example.third", b"third", m.KEY, m.NONCE)
    d.client.declare(rows + [(b"./Box" + one[0][7:],) + one[1:] for one in third])
    box = b"MOID=org.example/1.0/Box"
    assert sent(
        d, (0x20, box, b"N", b"x"), (0x20, box + b"&N=x&T/ServerID=com.example.third", b"N", b"y")
    ) == [200, 404]


def test_conditions_on_more_objects_than_a_board_has_time_for():
    d = device()
    for k in range(0, 60, 10):
        many = [o.node(b"%d" % i, o.node(b"P", value=b"%d" % i), mo=b"u:x") for i in range(k, k + 10)]
        applied(d.send(o.add(1, b"./Many", *many)))
        assert d.statuses == [200]
    x = b"./Many?MOID=u:x"
    assert sent(
        d,
        (0x20, x + b"&P=7" * 8, b"P", b"a"),  # 480 names
        (0x20, x + b"&P=8" * 7 + b"&P/Q=8", b"P", b"a"),  # 540
        (0x20, x + b"&a/b/c/d/e/f/g/h/i=8", b"P", b"a"),
        (0x20, x + b"&a/b/c/d/e/f/g/h=8", b"P", b"a"),
        (0x20, A + b"&Period=60" + b"&P=8" * 7, b"Period", b"1"),
    ) == [200, 413, 413, 404, 404]
