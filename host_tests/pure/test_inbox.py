# ./Inbox: where objects go, how they are called, and what is left out.
# heapsize=640k: the flash image is in RAM here

import messages as m
import objects as o
from check import row
from test_client import ALL, GET, Device, applied
from test_rights import Two

NAP = b"urn:oma:mo:oma-connmo-nap:1.0"
ROOTS = (
    (b"org.example/*/Valve", b"./Valves", b"", (b"1.0", b"1.1", b"1.10")),
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn", b"", ()),
    (b"org.example/*/Uplink", b"./Up/Links", b"Link", (b"1.0",)),
)


def device(kind=Device):
    d = kind()
    d.client.mo_roots = ROOTS
    return d


def valve(name, version=b"1.0", period=b"60"):
    return o.node(name, o.node(b"Period", value=period, fmt=b"int"), mo=b"org.example/%s/Valve" % version)


def nap(name, address=b"ap"):
    return o.node(name, o.node(b"NAPAddr", value=address), mo=NAP)


def uplink(name, *values):
    refs = [o.node(b"r%d" % i, o.node(b"ConRef", value=values[i])) for i in range(len(values))]
    return o.node(name, *refs, mo=b"org.example/1.0/Uplink")


@row("R22", "R46")
def test_the_device_chooses_the_place():
    d = device()
    for octets in (o.document(valve(b"V")), o.text(valve(b"W")), o.coded(valve(b"X"))):
        applied(d.send(o.send(5, 1, b"./Inbox", octets)))
        assert d.statuses == [200]
    applied(d.send(o.inline(5, 1, b"./Inbox", valve(b"Y")), o.add(2, b"Inbox", valve(b"Z"))))
    assert d.statuses == [200, 200]
    for name in b"VWXYZ":
        assert d.get(b"./Valves/%s/Period" % bytes((name,))) == b"60"
        assert d.get(b"./Inbox/%s/Period" % bytes((name,))) is None
    assert d.heard[0] == (b"./Valves/V", "add")
    applied(d.send(o.add(1, b"./Inbox", uplink(b"Any"), valve(None), valve(b""))))
    assert d.statuses == [200]
    assert d.client.tree.find([b"Up", b"Links", b"Link"]) > 0
    assert d.get(b"./Valves/Valve/Period") == d.get(b"./Valves/Valve2/Period") == b"60"


@row("R22", "R47", "R50", negative=True)
def test_nothing_else_goes_to_the_inbox():
    d = device()
    body = o.document(valve(b"V"))
    applied(
        d.send(
            m.add(1, b"./Inbox", b"x"),  # no object
            m.add(2, b"./Inbox", None, b"node"),
            m.add(3, b"./Inbox/V", None, b"node"),  # node by node
            m.add(4, b"./Inbox/V/Period", b"60"),
            o.send(5, 5, b"./Inbox/V", body),
            o.send(5, 6, b"./Inbox?prop=ACL", body),
            o.send(0x20, 7, b"./Inbox", body),
            m.replace(8, b"./Inbox", b"x"),
            m.replace(9, b"./Inbox?prop=ACL", b"Add=*"),
            m.delete(10, b"./Inbox"),
            m.execute(11, b"./Inbox"),
            o.send(5, 12, b".", o.document(o.node(b"Inbox", valve(b"V")))),
            o.send(5, 13, b".", o.document(o.node(b"Inbox", fmt=b"node"))),
            o.send(5, 14, b"Inbox/V", body, parent=b"."),
            m.replace(15, b"./Led?prop=Name", b"Inbox"),
        )
    )
    assert d.statuses == [415, 415] + [405] * 12 + [405], d.statuses
    assert d.client.tree.find([b"Valves"]) < 0 and d.client.tree.find([b"Inbox", b"V"]) < 0


def test_who_may_use_it():
    d = device(Two)
    assert d.by_a(o.add(1, b"./Inbox", valve(b"V"))) == [200]
    # the object is its sender's, but the folder above is nobody's
    mine = b"Add=%s&Delete=%s&Get=*&Replace=%s" % (m.SERVER, m.SERVER, m.SERVER)
    assert (d.acl(b"Valves"), d.acl(b"Valves", b"V")) == (b"", mine)
    assert d.by_a(m.replace(1, b"./Valves/V/Period", b"1"), m.delete(2, b"./Valves")) == [200, 425]
    assert d.by_b(m.replace(1, b"./Valves/V/Period", b"1"), o.add(2, b"./Inbox", valve(b"V"))) == [425, 200]
    assert d.by_b(m.replace(1, b"./Valves/V2/Period", b"1")) == [200]
    own = o.node(b"Own", o.node(b"P", value=b"1"), mo=o.VALVE, acl=b"Get=*")
    assert d.by_a(o.add(1, b"./Inbox", own), m.replace(2, b"./Valves/Own/P", b"2")) == [200, 425]
    d.client.set_acl(b"./Inbox", b"Add=com.example.lab")
    assert d.by_a(o.add(1, b"./Inbox", valve(b"W"))) == [425]
    assert d.by_b(o.add(1, b"./Inbox", valve(b"W"))) == [200]
    # where the board says no server adds anything, the Inbox does
    d.client.declare([(b"./Conn", b"node", GET, b"", b"", b"Get=*"), (b"./Up", b"chr", ALL, b"")])
    assert d.by_b(o.add(1, b"./Inbox", nap(b"N")), o.add(2, b"./Inbox", uplink(b"U"))) == [200, 405]


@row("R39")
def test_a_name_that_is_taken_gets_a_number():
    d = device()
    for number in range(1, 12):
        applied(d.send(o.add(1, b"./Inbox", valve(b"V", period=b"%d" % number))))
        assert d.statuses == [200]
    assert d.get(b"./Valves/V/Period") == b"1" and d.get(b"./Valves/V11/Period") == b"11"
    applied(d.send(o.add(1, b"./Inbox", valve(b"x" * 32)), o.add(2, b"./Inbox", valve(b"x" * 32))))
    assert d.statuses == [200, 200] and d.get(b"./Valves/" + b"x" * 30 + b"2/Period") == b"60"
    applied(d.send(o.add(1, b"./Inbox", valve(b"\xc3\xa4" * 32), valve(b"\xc3\xa4" * 32))))
    assert d.statuses == [200] and d.get(b"./Valves/" + b"\xc3\xa4" * 30 + b"2/Period") == b"60"


@row("R39", "R40")
def test_references_follow_to_where_the_object_went():
    d = device()
    values = (b"./Inbox/Field", b"./Inbox/Field/NAPAddr", b"Field", b"./Conn/Field", b"./Conn/Field/NAPAddr")
    others = (b"Fields", b"./Conn/Fields", b"", b"./Conn", b"urn:x", b"x" * 600)
    for last in (b"Field", b"Field2", b"Field3"):
        # what refers comes first, or last
        nodes = [uplink(b"U", *values + others), nap(b"Field")]
        if last == b"Field2":
            nodes.reverse()
        applied(d.send(o.add(1, b"./Inbox", *nodes)))
        assert d.statuses == [200], d.statuses
        top = b"./Up/Links/Link" + last[5:]
        plain = (last, b"./Conn/" + last, b"./Conn/" + last + b"/NAPAddr")
        for i, value in enumerate((plain[1], plain[2]) + plain + others):
            assert d.get(top + b"/r%d/ConRef" % i) == value, (i, value)
    # elsewhere than in connectivity references a value is a value
    text = o.node(
        b"T",
        o.node(b"Text", value=b"./Inbox/Field"),
        o.node(b"PrefConRef", value=b"./Inbox/Field"),
        mo=o.VALVE,
    )
    applied(d.send(o.add(1, b"./Inbox", nap(b"Field"), text)))
    assert d.get(b"./Valves/T/Text") == b"./Inbox/Field"
    assert d.get(b"./Valves/T/PrefConRef") == b"./Conn/Field4"
    # at an address, too: the same object, put where the server says
    applied(d.send(o.add(1, b"./Here", uplink(b"U", b"./Inbox/Field"), nap(b"Field"))))
    assert d.statuses == [200] and d.get(b"./Here/U/r0/ConRef") == b"./Here/Field"


@row("R41")
def test_what_ext_holds_and_the_device_can_not_take_is_left_out():
    d = device()
    ext = o.node(
        b"Ext",
        o.node(b"Good", value=b"1"),
        o.node(b"Bad", value=b"x", fmt=b"int"),
        o.node(b"n" * 33, o.node(b"Below", value=b"1")),
        o.node(b"Long", title=b"t" * 300, value=b"1"),
        o.node(b"Last", o.node(b"Bad", value=b"?", fmt=b"bool"), o.node(b"L", value=b"l")),
    )
    one = o.node(b"V", ext, o.node(b"Period", value=b"60", fmt=b"int"), mo=o.VALVE)
    applied(d.send(o.add(1, b"./Inbox", one), o.add(2, b"./A", one)))
    assert d.statuses == [206, 206]
    for top in (b"./Valves/V", b"./A/V"):
        assert [d.get(top + b"/" + name) for name in (b"Ext/Good", b"Ext/Last/L", b"Period")] == [
            b"1",
            b"l",
            b"60",
        ]
        below = [
            d.client.tree.path(nid)[len(top) :]
            for nid in d.client.tree.subtree(d.client.tree.find(top.split(b"/")[1:]))
        ]
        assert below == [b"", b"/Ext", b"/Ext/Good", b"/Ext/Last", b"/Ext/Last/L", b"/Period"]
    applied(
        d.send(
            o.add(
                1,
                b"./A/V/Ext/More",
                o.node(b"", o.node(b"B", value=b"", fmt=b"int"), o.node(b"C", value=b"")),
            )
        )
    )
    assert d.statuses == [206] and d.get(b"./A/V/Ext/More/C") == b""


@row("R41", negative=True)
def test_beside_ext_nothing_is_left_out():
    d = device()
    bad = o.node(b"Bad", value=b"x", fmt=b"int")
    for nodes, status in (
        ([o.node(b"Ext", o.node(b"G", value=b"1")), bad], 415),
        ([o.node(b"Ext", value=b"x", fmt=b"int")], 415),
        ([o.node(b"Ext", o.node(b"A", value=b"1"), o.node(b"A", value=b"1"))], 418),
        ([o.node(b"Ext", o.node(b"A", value=b"1", acl=b"?"))], 400),
    ):
        applied(d.send(o.add(1, b"./Inbox", o.node(b"V", *nodes, mo=o.VALVE))))
        assert d.statuses == [status] and d.client.tree.find([b"Valves"]) < 0


@row("R42")
def test_an_mo_that_nobody_knows_is_left_out():
    d = device()
    unknown = [
        o.node(b"U1", o.node(b"x", value=b"1"), mo=b"urn:oma:mo:oma-scomo:1.0"),
        o.node(b"U2", o.node(b"x", value=b"not an int", fmt=b"int"), mo=b"org.example/1.0/Pump"),
        o.node(b"U3", value=b"1"),
        o.node(b"U4", fmt=b"node"),
        o.node(b"U5", mo=b"org.example/x/Valve"),
        o.node(b"U6", mo=b"org.example/1.0/Valves"),
        o.node(b"U7", mo=b"org.example/1.0.0/Valve"),
        o.node(b"U8", mo=b"urn:oma:mo:oma-connmo-nap"),
    ]
    applied(
        d.send(o.add(1, b"./Inbox", unknown[0], valve(b"V"), *unknown[1:]), o.add(2, b"./Inbox", *unknown))
    )
    assert d.statuses == [206, 204]
    assert d.get(b"./Valves/V/Period") == b"60"
    applied(d.send(m.atomic(1, o.add(2, b"./Inbox", unknown[0]), m.replace(3, b"./Led/State", b"on"))))
    assert d.statuses == [204, 200, 200]
    more = o.node(b"More", value=b"1", path=b"U1")
    applied(
        d.send(o.add(1, b"./Inbox", unknown[0], more, valve(b"W"), o.node(b"More", value=b"1", path=b"W")))
    )
    assert d.statuses == [206] and d.get(b"./Valves/W/More") == b"1"
    d.client.mo_roots = ()  # a board that supports none
    applied(d.send(o.add(1, b"./Inbox", valve(b"X"))))
    assert d.statuses == [204]


@row("R43")
def test_of_several_versions_the_latest_that_is_supported_is_used():
    for order in ((b"1.0", b"1.1", b"2.0"), (b"2.0", b"1.1", b"1.0"), (b"1.1", b"1.0", b"1.9")):
        d = device()
        nodes = [valve(b"V" + version, version, b"%d" % i) for i, version in enumerate(order)]
        applied(d.send(o.add(1, b"./Inbox", nap(b"N"), *nodes)))
        assert d.statuses == [206]
        for i, version in enumerate(order):
            want = b"%d" % i if version == b"1.1" else None
            assert d.get(b"./Valves/V%s/Period" % version) == want, (order, version)
    d = device()  # numbers are numbers
    applied(d.send(o.add(1, b"./Inbox", valve(b"A", b"1.10"), valve(b"B", b"1.1"), valve(b"C", b"1.10"))))
    assert d.statuses == [206]
    assert [d.get(b"./Valves/%s/Period" % name) for name in (b"A", b"B", b"C")] == [b"60", None, b"60"]


@row("R43", negative=True)
def test_a_version_that_is_not_supported_is_not_used():
    d = device()
    for version in (b"0.9", b"1.2", b"2.0", b"01.0"):
        applied(d.send(o.add(1, b"./Inbox", valve(b"V", version))))
        assert d.statuses == [204] and d.client.tree.find([b"Valves"]) < 0


def test_an_identifier_may_be_said_whole():
    d = device()
    d.client.mo_roots = ((b"org.example/1.0/Valve", b"./Whole", b"", ()),)
    applied(d.send(o.add(1, b"./Inbox", valve(b"V"), valve(b"W", b"1.1"))))
    assert d.statuses == [206] and d.get(b"./Whole/V/Period") == b"60"


def test_each_object_gets_its_rights_also_in_a_folder_that_is_new():
    d = device(Two)
    more = o.node(b"More", o.node(b"L", value=b"1"), path=b"W")
    assert d.by_a(o.add(1, b"./Inbox", valve(b"V"), valve(b"W"), more)) == [200]
    mine = b"Add=%s&Delete=%s&Get=*&Replace=%s" % (m.SERVER, m.SERVER, m.SERVER)
    acls = [d.acl(b"Valves"), d.acl(b"Valves", b"V"), d.acl(b"Valves", b"W"), d.acl(b"Valves", b"W", b"More")]
    assert acls == [b"", mine, mine, b""]
