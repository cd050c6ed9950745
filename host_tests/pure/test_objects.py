# TNDS objects, the Inbox and virtual addresses: what the standard says of each, and what is refused.
# heapsize=640k: the flash image is in RAM here

import messages as m
import objects as o
from check import row
from omadm.limits import MAX_DEPTH, OBJECT_NODES, TEXT_LEN
from test_client import ALL, GET, Device, account, applied

NAP = b"urn:oma:mo:oma-connmo-nap:1.0"
ROOTS = (
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn", b"", (b"1.0", b"1.1")),
    (b"org.example/*/Valve", b"./Valves", b"Valve", ()),
)
OLD, NEW = b"org.example/1.0/Valve", b"org.example/1.2/Valve"


class Board(Device):
    """A device that supports two kinds of objects."""

    def boot(self):
        super().boot()
        self.client.mo_roots = ROOTS

    def statuses_of(self, *commands):
        applied(self.send(*commands))
        return self.statuses

    def acl(self, *segments):
        return self.client.store.field(self.client.tree.find(list(segments)), 3)

    def names(self, *segments):
        """Names of the nodes below one, or None."""
        store = self.client.store
        nid = self.client.tree.find(list(segments))
        if nid < 0:
            return None
        found = []
        below = store.next_child(nid, -1)
        while below >= 0:
            found.append(store.field(below, 0))
            below = store.next_child(nid, below)
        return sorted(found)


def valve(name=b"V", mo=OLD, period=b"60", **more):
    return o.node(name, o.node(b"Period", value=period, fmt=b"int"), mo=mo, **more)


def nap(name, mo=NAP):
    return o.node(name, o.node(b"Addr", value=b"internet.example"), mo=mo)


def user(name, reference, where=b"ConRef"):
    return o.node(name, o.node(where, value=reference), o.node(b"Note", value=reference), mo=OLD)


@row("R21", "R48")
def test_an_object_in_every_form_at_an_absolute_or_relative_address():
    d = Board()
    xml = b"application/vnd.syncml.dmtnds+xml"
    assert (
        d.statuses_of(
            o.send(5, 1, b"./A", o.document(valve())),
            o.send(5, 2, b"./B", o.coded(valve()), fmt=b"b64"),
            o.send(5, 3, b"./C", o.text(valve()), xml, b"xml"),
            o.inline(5, 4, b"./D", valve()),
            o.send(5, 5, b"E", b'<?xml version="1.0"?>\n' + o.text(valve()), xml, b"xml", parent=b"./New"),
            o.send(5, 6, b"./F", o.document(valve(b""))),  # NodeName empty: Target is the node itself
        )
        == [200] * 6
    )
    d.boot()
    for where in (b"./A/V", b"./B/V", b"./C/V", b"./D/V", b"./New/E/V", b"./F"):
        assert d.get(where + b"/Period") == b"60", where
    # what the label says does not count, what the octets are does
    lies = o.send(5, 1, b"./G", o.text(valve())), o.send(5, 2, b"./H", o.document(valve()), xml)
    assert d.statuses_of(*lies) == [200, 200]


@row("R21", "R48", negative=True)
def test_a_broken_object_leaves_nothing():
    d = Board()
    whole = o.document(valve())
    for bad in (whole[:-3], whole[:20], b"no object", b"<MgmtTree", o.text(valve())[:-1], whole + b"\x01"):
        (status,) = d.statuses_of(o.send(5, 1, b"./A", bad))
        assert 400 <= status <= 415, bad
    entity = b'<!DOCTYPE MgmtTree [<!ENTITY a "aaaa">]>' + o.text(valve())
    assert d.statuses_of(o.send(5, 1, b"./A", entity)) == [415]
    twice = o.document(o.node(b"V", o.node(b"X", value=b"1"), o.node(b"X", value=b"2")))
    bad_value = o.document(o.node(b"V", o.node(b"X", value=b"1"), o.node(b"Y", value=b"x", fmt=b"int")))
    climbs = o.document(o.node(b"V", path=b"../Led", value=b"1"))
    for bad, status in ((twice, 418), (bad_value, 415), (climbs, 404)):
        assert d.statuses_of(o.send(5, 1, b"./A", bad)) == [status], bad
    assert d.client.tree.find([b"A"]) < 0
    assert d.statuses_of(m.atomic(1, o.add(2, b"./A", valve()), m.delete(3, b"./No"))) == [216, 404, 507]
    assert d.client.tree.find([b"A"]) < 0


@row("R22", "R46")
def test_the_inbox_puts_an_object_where_the_device_wants_it():
    d = Board()
    assert d.statuses_of(o.add(1, b"./Inbox", valve(), nap(b"Home"))) == [200]
    assert d.get(b"./Valves/Valve/Period") == b"60"
    assert d.get(b"./Conn/Home/Addr") == b"internet.example"
    assert d.names(b"Inbox") == []
    text = o.text(valve(period=b"5"))
    assert d.statuses_of(o.send(5, 1, b"./Inbox", text, b"application/vnd.syncml.dmtnds+xml", b"xml")) == [
        200
    ]
    assert d.get(b"./Valves/Valve2/Period") == b"5"  # the name was taken
    # the server may go on with what it put there
    assert d.statuses_of(m.replace(1, b"./Valves/Valve/Period", b"7"), m.delete(2, b"./Conn/Home")) == [
        200,
        200,
    ]


@row("R47", "R50", negative=True)
def test_the_inbox_takes_nothing_else():
    d = Board()
    good = o.document(valve())
    assert d.statuses_of(
        m.add(1, b"./Inbox", b"x"),
        m.add(2, b"./Inbox", None, b"node"),
        o.send(0x20, 3, b"./Inbox", good),
        o.send(5, 4, b"./Inbox/V", good),
        o.send(0x20, 5, b"./Inbox/V", good),
        m.add(6, b"./Inbox/V", b"x"),
    )[2:] == [405, 405, 405, 405]
    assert min(d.statuses) >= 400
    assert d.names(b"Inbox") == [] and d.names(b"Valves") is None
    # and from nobody who may not Add there
    d.client.set_acl(b"./Inbox", b"Add=com.example.other")
    assert d.statuses_of(o.add(1, b"./Inbox", valve())) == [425]
    assert d.names(b"Valves") is None


@row("R39")
def test_references_follow_a_renamed_object():
    d = Board()
    assert d.statuses_of(o.add(1, b"./Inbox", nap(b"Home"))) == [200]
    objects = nap(b"Home"), user(b"U", b"Home"), user(b"W", b"./Conn/Home")
    assert d.statuses_of(o.add(1, b"./Inbox", *objects)) == [200]
    assert d.names(b"Conn") == [b"Home", b"Home2"]
    assert d.get(b"./Valves/Valve/ConRef") == b"Home2"
    assert d.get(b"./Valves/Valve/Note") == b"Home"  # no reference: as it is
    assert d.get(b"./Valves/Valve2/ConRef") == b"./Conn/Home2"


@row("R40")
def test_references_into_the_inbox_lead_to_where_the_object_went():
    d = Board()
    objects = user(b"U", b"./Inbox/Home"), nap(b"Home"), user(b"W", b"./Inbox/Home/Addr", b"PrefConRef")
    assert d.statuses_of(o.add(1, b"./Inbox", *objects)) == [200]
    assert d.get(b"./Valves/Valve/ConRef") == b"./Conn/Home"
    assert d.get(b"./Valves/Valve2/PrefConRef") == b"./Conn/Home/Addr"


@row("R40", negative=True)
def test_a_reference_to_nothing_refuses_the_object():
    d = Board()
    for reference in (b"./Inbox/Nobody", b"./Inbox/Home/Nothing", b"./Inbox/"):
        assert d.statuses_of(o.add(1, b"./Inbox", nap(b"Home"), user(b"U", reference))) == [404], reference
        assert d.names(b"Conn") is None and d.names(b"Valves") is None
    # nor to an object that is not taken
    other = o.node(b"X", o.node(b"A", value=b"1"), mo=b"urn:x:other:1.0")
    assert d.statuses_of(o.add(1, b"./Inbox", other, user(b"U", b"./Inbox/X"))) == [404]
    assert d.names(b"Valves") is None


@row("R41")
def test_what_ext_holds_and_the_device_cannot_take_is_left_out():
    d = Board()
    bad = o.node(b"Bad", value=b"x", fmt=b"int")
    ext = o.node(b"Ext", o.node(b"Good", value=b"1"), o.node(b"n" * 33, value=b"1"), bad)
    whole = o.node(b"V", o.node(b"Period", value=b"60"), ext, mo=OLD)
    assert d.statuses_of(o.add(1, b"./Inbox", whole)) == [206]
    assert d.names(b"Valves", b"Valve") == [b"Ext", b"Period"]
    assert d.names(b"Valves", b"Valve", b"Ext") == [b"Good"]
    # the same anywhere else fails the object
    assert d.statuses_of(o.add(1, b"./Inbox", o.node(b"V", bad, mo=OLD))) == [415]
    assert d.names(b"Valves") == [b"Valve"]


@row("R42")
def test_an_object_that_is_not_supported_is_left_out():
    d = Board()
    other = o.node(b"X", o.node(b"A", value=b"1"), mo=b"urn:x:other:1.0")
    assert d.statuses_of(o.add(1, b"./Inbox", other, valve())) == [206]
    assert d.statuses_of(o.add(1, b"./Inbox", other), m.add(2, b"./A", b"1")) == [204, 200]
    assert d.names(b"Valves") == [b"Valve"] and d.get(b"./A") == b"1"
    assert d.client.tree.find([b"X"]) < 0


@row("R43")
def test_the_latest_supported_version_is_used():
    d = Board()
    assert d.statuses_of(o.add(1, b"./Inbox", valve(b"V", OLD, b"1"), valve(b"W", NEW, b"2"))) == [206]
    assert d.names(b"Valves") == [b"Valve"] and d.get(b"./Valves/Valve/Period") == b"2"
    future = b"urn:oma:mo:oma-connmo-nap:2.0"  # not among the versions of this board
    assert d.statuses_of(o.add(1, b"./Inbox", nap(b"New", future), nap(b"Old"))) == [206]
    assert d.names(b"Conn") == [b"Old"]


@row("R45", negative=True)
def test_no_object_brings_a_dmacc():
    d = Board()
    for mo in (
        b"urn:oma:mo:oma-dm-dmacc:1.0",
        b"URN:oma:mo:oma-dm-DMAcc:1.2",
        b"org.openmobilealliance/1.0/w7",
    ):
        account = o.node(b"Evil", o.node(b"ServerID", value=b"com.example.evil"), mo=mo)
        nested = o.node(b"V", o.node(b"Deep", account), mo=OLD)
        for command in (
            o.add(1, b"./Inbox", account),
            o.add(1, b"./Inbox", valve(), account),
            o.add(1, b"./Inbox", nested),
            o.add(1, b"./X", account),
            o.add(1, b"./X", nested),
            o.inline(5, 1, b"./X", nested),
            o.replace(1, b"./Led", o.node(b"", account)),
        ):
            assert d.statuses_of(command) == [405], (mo, d.statuses)
    for command in (
        o.add(1, b"./DMAcc", valve()),
        o.add(1, b"./DMAcc/Acme", valve()),
        o.replace(1, b"./DMAcc/Acme", o.node(b"", o.node(b"ServerID", value=b"x"))),
        o.replace(1, b"./DMAcc", o.node(b"", o.node(b"Acme", value=b"x"))),
        o.add(1, b".", o.node(b"V", path=b"./DMAcc/Acme", value=b"1")),
        o.add(1, b".", o.node(b"V", path=b"./Inbox", value=b"1")),
    ):
        assert d.statuses_of(command) == [405], d.statuses
    assert len(d.client.accounts) == 1 and d.get(b"./DMAcc/Acme/ServerID") == m.SERVER
    assert d.client.tree.find([b"X"]) < 0 and d.names(b"Valves") is None


@row("R31")
def test_acls_come_inside_the_object():
    d = Board()
    leaf = o.node(b"Secret", value=b"1", acl=b"Get=com.example.dms")
    whole = o.node(
        b"V", leaf, o.node(b"Open", value=b"2"), mo=OLD, acl=b"Replace=com.example.dms&Get=*&Get=x"
    )
    assert d.statuses_of(o.add(1, b"./Inbox", whole), o.add(2, b"./A", whole)) == [200, 200]
    d.boot()
    for top in ((b"Valves", b"Valve"), (b"A", b"V")):
        assert d.acl(*top) == b"Get=*&Replace=com.example.dms"
        assert d.acl(*top, b"Secret") == b"Get=com.example.dms"
        assert d.acl(*top, b"Open") == b""
    # they count from the end of the command on
    assert d.statuses_of(m.replace(1, b"./A/V/Open", b"x"), m.replace(2, b"./A/V/Secret", b"x")) == [200, 425]
    assert d.statuses_of(o.add(1, b"./B", o.node(b"V", leaf, acl=b"Get"))) == [400]
    assert d.client.tree.find([b"B"]) < 0


def test_replace_with_an_object_asks_for_what_goes_and_comes():
    d = Board()
    rights = b"Add=%s&Delete=%s&Get=*&Replace=%s" % (m.SERVER, m.SERVER, m.SERVER)
    before = o.node(b"V", o.node(b"Stays", value=b"1"), o.node(b"Goes", value=b"2"), acl=rights)
    assert d.statuses_of(o.add(1, b"./A", before)) == [200]
    after = o.node(b"", o.node(b"Stays", value=b"3"), o.node(b"Comes", value=b"4"))
    for missing in (b"Add", b"Delete", b"Replace"):
        left = b"&".join([entry for entry in rights.split(b"&") if not entry.startswith(missing)])
        d.client.set_acl(b"./A/V", left)
        assert d.statuses_of(o.replace(1, b"./A/V", after)) == [425], missing
        assert d.names(b"A", b"V") == [b"Goes", b"Stays"] and d.get(b"./A/V/Stays") == b"1"
    d.client.set_acl(b"./A/V", rights)
    assert d.statuses_of(o.replace(1, b"./A/V", after)) == [200]
    assert d.names(b"A", b"V") == [b"Comes", b"Stays"] and d.get(b"./A/V/Stays") == b"3"


# -- virtual addresses


class Valves(Board):
    """A device with two valves and a lamp."""

    def __init__(self):
        super().__init__()
        self.client.declare(
            [
                (b"./Deep/One", b"node", ALL, b"", OLD),
                (b"./Deep/One/Name", b"chr", ALL, b"left"),
                (b"./Two", b"node", ALL, b"", OLD),
                (b"./Two/Name", b"chr", ALL, b"right&wrong"),
                (b"./Lamp", b"node", ALL, b"", NEW),
                (b"./Lamp/Go", b"null", 4 | GET),
            ],
            False,
        )
        self.client.on_exec(b"./Lamp/Go", lambda uri, data, correlator: self.ran.append(uri))


def virtual(tag, cmd_id, moid, below=None, data=None):
    """A command whose TargetParent names an object, and Target what is below."""
    address = m.element(0x3A, m.element(0x17, m.text(b"MOID=" + moid)))
    parts = [m.element(0x2E, m.element(0x17, m.text(below)))] if below else []
    parts += [address] + ([m.element(0x0F, m.text(data))] if data is not None else [])
    return m.command(tag, cmd_id, m.element(0x14, *parts))


@row("R52")
def test_virtual_addresses_in_every_command():
    d = Valves()
    left, right = OLD + b"&Name=left", OLD + b"&Name=right%26wrong"
    assert d.statuses_of(
        virtual(0x05, 1, NEW, b"Note", b"n"),
        virtual(0x20, 2, left, b"Name", b"LEFT"),
        virtual(0x20, 3, OLD + b"&Name=LEFT", b"Name?prop=Title", b"t"),  # as it is by then
        virtual(0x10, 4, right),
        virtual(0x11, 5, NEW, b"Go"),
        m.replace(6, b"./Deep?MOID=" + OLD, b"x"),  # alone in Target: the object itself, an interior node
    ) == [200, 200, 200, 200, 202, 405]
    assert d.get(b"./Lamp/Note") == b"n" and d.get(b"./Deep/One/Name") == b"LEFT"
    assert d.client.tree.find([b"Two"]) < 0 and d.ran == [b"./Lamp/Go"]
    # now there is one left
    assert d.statuses_of(m.delete(1, b"MOID=" + OLD)) == [200]
    assert d.client.tree.find([b"Deep", b"One"]) < 0


@row("R52", negative=True)
def test_a_virtual_address_that_is_not_of_one_object():
    d = Valves()
    assert (
        d.statuses_of(
            virtual(0x10, 1, OLD),  # two
            virtual(0x10, 2, b"org.example/9.9/Valve"),  # none
            virtual(0x10, 3, OLD + b"&Name=nobody"),
            virtual(0x10, 4, OLD[:-1]),  # not all of the identifier
            virtual(0x20, 5, OLD + b"&Name=left", b"./Name", b"x"),
            virtual(0x20, 6, OLD + b"&Name=left", b"/Name", b"x"),
            virtual(0x20, 7, OLD + b"&Name=le%ft", b"Name", b"x"),
            virtual(0x20, 8, b"", b"Name", b"x"),
            virtual(0x20, 9, NEW, b"Nothing", b"x"),
        )
        == [412, 404, 404, 404, 404, 404, 404, 404, 404]
    )
    assert d.get(b"./Deep/One/Name") == b"left" and d.get(b"./Two/Name") == b"right&wrong"


@row("R36", "R45", "R52", negative=True)
def test_a_virtual_address_gives_no_right_and_tells_nothing():
    d = Valves()
    # the ACL is that of the node found
    d.client.set_acl(b"./Two", b"Get=*")
    assert d.statuses_of(virtual(0x10, 1, OLD + b"&Name=right%26wrong")) == [425]
    # a leaf that the server may not read matches nothing, neither a right guess nor a wrong one
    d.client.set_acl(b"./Deep/One/Name", b"Replace=*")
    for guess in (b"left", b"x"):
        assert d.statuses_of(virtual(0x20, 1, OLD + b"&Name=" + guess, b"Name", b"y")) == [404]
    # a DMAcc is no way to its account
    moid = b"urn:oma:mo:oma-dm-dmacc:1.1"
    for command in (virtual(0x10, 1, moid), virtual(0x20, 1, moid, b"ServerID", b"x")):
        assert d.statuses_of(command) == [405]
    guess = moid + b"&AppAuth/S/AAuthSecret=" + m.KEY
    assert d.statuses_of(virtual(0x20, 1, guess, b"ServerID", b"x")) == [404]
    assert d.get(b"./DMAcc/Acme/ServerID") == m.SERVER


@row("R45", negative=True)
def test_an_object_does_not_climb_into_an_account():
    d = Board()
    d.client.remove(b"./DMAcc")
    rows = account(b"Acme", m.SERVER, m.USER, m.KEY, m.NONCE)
    d.client.declare([(one + (b"", b""))[:2] + (ALL,) + one[3:] for one in rows], False)
    d.client.set_acl(b".", b"Add=*&Delete=*&Exec=*&Get=*&Replace=*")
    for path in (b"./DMAcc/Acme", b"DMAcc/Acme/AppAuth", b"./Inbox"):
        assert d.statuses_of(o.add(1, b".", o.node(b"New", value=b"1", path=path))) == [405], path
    assert d.statuses_of(o.add(1, b"./DMAcc/Acme", valve())) == [405]
    assert d.names(b"DMAcc", b"Acme") == [b"AppAuth", b"AppID", b"ServerID"] and d.names(b"Inbox") == []


def test_an_object_of_too_many_nodes_or_levels():
    d = Board()
    many = bytearray()  # one by one: in small pieces they would take much of the heap
    for i in range(OBJECT_NODES):
        many.extend(m.element(0x24, m.element(0x26, m.text(b"%d" % i))))
    top = m.element(0x24, m.element(0x26, m.text(b"V")), many)
    tree = m.element(0x20, m.element(0x37, m.text(b"1.2")), top)
    assert d.statuses_of(o.send(5, 1, b"./A", o.HEAD + b"\x00\x02" + tree)) == [413]
    assert d.statuses_of(o.add(1, b"./A", o.node(b"V", value=b"1", mime=b"t" * (TEXT_LEN + 1)))) == [413]
    assert d.statuses_of(o.add(1, b"./A", o.node(b"n" * 600, value=b"1"))) == [413]
    xml = b"application/vnd.syncml.dmtnds+xml"
    for levels, status in ((MAX_DEPTH, 414), (40, 413), (100, 413)):
        text = b'<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>'
        text += b"<Node><NodeName>n</NodeName>" * levels + b"</Node>" * levels + b"</MgmtTree>"
        assert d.statuses_of(o.send(5, 1, b"./A", text, xml, b"xml")) == [status], levels
    assert d.client.tree.find([b"A"]) < 0
