# TNDS objects in all their forms, seen from outside: what becomes of the tree.
# heapsize=1600k: the flash image is in RAM here

import gc

import messages as m
import objects as o
from check import row
from omadm.push import Push
from omadm.spool import Spool
from test_client import ALL, Device, applied


def tree(d, top):
    """{uri: (format, Type, Title, ACL, value)} of a sub-tree, as the store has it."""
    found = {}
    store = d.client.store
    nid = d.client.tree.find(top.split(b"/")[1:])
    for at in d.client.tree.subtree(nid) if nid >= 0 else ():
        fmt = d.client.tree.fields(at) & 15
        found[d.client.tree.path(at)] = (o.FORMATS[fmt],) + tuple(
            [store.field(at, i) for i in (1, 2, 3)] + [d.client.tree.value(at, 4000)]
        )
    return found


VALVE = o.node(
    b"Valve",
    o.node(b"Period", value=b"60", fmt=b"int", title=b"Seconds"),
    o.node(b"Text", value=b"a < b & c"),
    o.node(b"Key", value=bytes(range(256)), raw=True, fmt=b"bin", mime=b"application/x-key"),
    o.node(b"Deep", o.node(b"Er", o.node(b"Leaf", value=b"true", fmt=b"bool"))),
    o.node(b"None", fmt=b"null"),
    mo=o.VALVE,
    acl=b"Replace=com.example.dms&Get=*",
)
VALVE_TREE = {
    b"": (b"node", o.VALVE, b"", b"Get=*&Replace=com.example.dms", b""),
    b"/Period": (b"int", b"", b"Seconds", b"", b"60"),
    b"/Text": (b"chr", b"", b"", b"", b"a < b & c"),
    b"/Key": (b"bin", b"application/x-key", b"", b"", bytes(range(256))),
    b"/Deep": (b"node", b"", b"", b"", b""),
    b"/Deep/Er": (b"node", b"", b"", b"", b""),
    b"/Deep/Er/Leaf": (b"bool", b"", b"", b"", b"true"),
    b"/None": (b"null", b"", b"", b"", b""),
}


def below(top, rows):
    return {top + name: row for name, row in rows.items()}


def test_each_form_makes_the_same_tree():
    d = Device(16)
    for number, command in enumerate(
        (
            o.send(5, 1, b"./A0", o.document(VALVE)),
            o.send(5, 1, b"./A1", o.coded(VALVE), fmt=b"b64"),
            o.send(5, 1, b"./A2", o.text(VALVE), b"application/vnd.syncml.dmtnds+xml", b"xml"),
            o.inline(5, 1, b"./A3", VALVE),
        )
    ):
        applied(d.send(command))
        assert d.statuses == [200], (number, d.statuses)
        top = b"./A%d" % number
        want = below(top + b"/Valve", VALVE_TREE)
        want[top] = (b"node", b"", b"", b"", b"")
        assert tree(d, top) == want, (number, tree(d, top))
        assert d.heard.pop() == (top + b"/Valve", "add")
    d.boot()
    assert tree(d, b"./A3/Valve") == below(b"./A3/Valve", VALVE_TREE)


@row("R21", "R48")
def test_what_third_parties_and_other_encoders_make():
    d = Device(16)
    for number, octets in enumerate(
        (
            # public id 1 (unknown), as libwbxml -a writes it; no page switch to spare; string table
            b"\x02\x01\x6a\x00\x00\x02" + o.document(VALVE)[34:],
            b"\x03\x00\x00\x6a\x1a-//OMA//DTD-DM-DDF 1.2//EN\x00\x02" + o.document(VALVE)[34:],
            b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!DOCTYPE MgmtTree PUBLIC "
            b'"-//OMA//DTD-DM-DDF 1.2//EN" "x.dtd">\n<!-- a > b -->' + o.text(VALVE) + b"<?p?>\n",
            b" \r\n" + o.text(VALVE).replace(b"><", b">\n\t <").replace(b"bin>", b"bin >"),
            o.text(VALVE).replace(b"a &lt; b &amp; c", b"<![CDATA[a < b ]]>&#38;&#x20;<!-- -->c"),
            m.b64(o.document(VALVE))[:100] + b"\r\n  " + m.b64(o.document(VALVE))[100:] + b"\n",
            m.b64(o.text(VALVE)),
        )
    ):
        top = b"./A%d" % number
        applied(d.send(o.send(5, 1, top, octets, fmt=None)))
        assert d.statuses == [200], (number, d.statuses)
        assert tree(d, top + b"/Valve") == below(top + b"/Valve", VALVE_TREE), number


@row("R21")
def test_data_in_pieces_is_put_together():
    d = Device(16)
    whole = o.document(VALVE)
    pieces = [m.opaque(whole[:50]), m.opaque(whole[50:51]), m.opaque(whole[51:])]
    data = m.element(0x0F, *pieces)
    item = m.element(0x14, m.element(0x2E, m.element(0x17, m.text(b"./A"))), m.meta(b"bin", o.TNDS), data)
    applied(d.send(m.command(5, 1, item)))
    assert d.statuses == [200]
    assert tree(d, b"./A/Valve") == below(b"./A/Valve", VALVE_TREE)


def test_tokens_use_the_string_table_of_the_message():
    d = Device(16)
    body = m.message(1, 1, o.inline(5, 1, b"./A", o.node(b"N", value=b"@@@@@"), o.node(b"M", value=b"v")))
    table = b"from the table\0"
    body = body.replace(b"\x03@@@@@\0", b"\x83\x05").replace(b"\x6a\x00", b"\x6a\x0f" + table, 1)
    applied(d.push(body))
    assert (d.get(b"./A/N"), d.get(b"./A/M")) == (b"the table", b"v")


def test_values_of_every_format():
    d = Device(16)
    leaves = []
    for fmt, value, stored in (
        (b"chr", b"text", b"text"),
        (b"int", b"-12", b"-12"),
        (b"bool", b"false", b"false"),
        (b"float", b"1.5e3", b"1.5e3"),
        (b"date", b"2012-03-06", b"2012-03-06"),
        (b"time", b"12:00:00Z", b"12:00:00Z"),
        (b"xml", b"<a>&amp;</a>", b"<a>&amp;</a>"),
        (b"null", b"", b""),
        (b"bin", b"AQID", b"\x01\x02\x03"),
        (b"b64", b"AQ ID", b"\x01\x02\x03"),
    ):
        leaves.append((o.node(fmt, fmt=fmt, value=value), fmt, stored))
    # without a Value: what is undefined is the least of its format
    for fmt, stored in ((b"int", b"0"), (b"bool", b"false"), (b"float", b"0"), (b"chr", b""), (b"bin", b"")):
        leaves.append((o.node(fmt + b"-", fmt=fmt), fmt, stored))
    nodes = [leaf[0] for leaf in leaves]
    for top, octets in ((b"./W", o.document(*nodes)), (b"./X", o.text(*nodes))):
        applied(d.send(o.send(5, 1, top, octets)))
        assert d.statuses == [200]
        for (name, _, _), fmt, stored in leaves:
            row = tree(d, top + b"/" + name)[top + b"/" + name]
            assert row == (b"bin" if fmt == b"b64" else fmt, b"", b"", b"", stored), (name, row)


def test_where_a_node_goes():
    d = Device(16)
    inner = o.node(b"C", value=b"1", path=b"N/B")
    applied(
        d.send(
            o.add(1, b"./A/B", o.node(b"", o.node(b"X", value=b"x"))),  # no name: Target is the node
            o.add(2, b"./D/E", o.node(None, value=b"e")),
            o.add(3, b".", o.node(b"Root", value=b"r")),
            o.add(4, b"./F", o.node(b"N", o.node(b"B", fmt=b"node")), inner),  # goes on elsewhere
            o.add(5, b"./G", o.node(b"H", value=b"h"), o.node(b"I", value=b"i")),
        )
    )
    assert d.statuses == [200] * 5
    for uri, value in (
        (b"./A/B/X", b"x"), (b"./D/E", b"e"), (b"./Root", b"r"), (b"./F/N/B/C", b"1"),
        (b"./G/H", b"h"), (b"./G/I", b"i"),
    ):  # fmt: skip
        assert d.get(uri) == value, uri


@row("R48", "R51")
def test_relative_and_virtual_targets():
    d = Device(16)
    applied(d.send(o.add(1, b"./A", VALVE)))
    one = o.document(o.node(b"", value=b"1"))
    two = o.document(o.node(b"Period", value=b"61", fmt=b"int"))
    applied(
        d.send(
            o.send(5, 1, b"R/S", one, parent=b"./A"),
            o.send(5, 2, b"V", one, parent=b"MOID=" + o.VALVE),
            o.send(0x20, 3, b"MOID=" + o.VALVE, two),
        )
    )
    assert d.statuses == [200, 425, 200], d.statuses  # the object's ACL does not let it add
    assert (d.get(b"./A/R/S"), d.get(b"./A/Valve/Period")) == (b"1", b"61")


# -- Replace


def test_replace_makes_the_sub_tree_the_object():
    d = Device(16)
    rights = b"Add=*&Delete=*&Get=*&Replace=*"
    old = o.node(
        b"App",
        o.node(b"Stays", value=b"old", title=b"T"),
        o.node(b"Goes", o.node(b"Too", value=b"x")),
        o.node(b"Turns", value=b"leaf"),
        o.node(b"Sub", o.node(b"A", value=b"1"), o.node(b"B", value=b"2"), title=b"S"),
        mo=b"urn:x:1.0",
        acl=rights,
    )
    new = o.node(
        b"App",
        o.node(b"New", o.node(b"Er", value=b"n")),
        o.node(b"Stays", value=b"5", fmt=b"int"),
        o.node(b"Turns", o.node(b"Inner", value=b"i")),
        o.node(b"Sub", o.node(b"B", value=b"3")),
        title=b"App",
    )
    applied(d.send(o.add(1, b".", old)))
    kept = d.client.tree.find([b"App", b"Stays"])
    del d.heard[:]
    applied(d.send(o.replace(1, b".", new)))
    assert d.statuses == [200]
    want = {
        b"": (b"node", b"urn:x:1.0", b"App", rights, b""),
        b"/New": (b"node", b"", b"", b"", b""),
        b"/New/Er": (b"chr", b"", b"", b"", b"n"),
        b"/Stays": (b"int", b"", b"T", b"", b"5"),
        b"/Turns": (b"node", b"", b"", b"", b""),
        b"/Turns/Inner": (b"chr", b"", b"", b"", b"i"),
        b"/Sub": (b"node", b"", b"S", b"", b""),
        b"/Sub/B": (b"chr", b"", b"", b"", b"3"),
    }
    for _ in range(2):
        assert tree(d, b"./App") == below(b"./App", want), tree(d, b"./App")
        assert d.client.tree.find([b"App", b"Stays"]) == kept
        d.boot()
    fixed = d.client.store.fixed(kept)
    assert fixed[6] == 1  # VerNo
    # with an empty name Target is the node itself; a leaf by itself
    applied(d.send(o.replace(1, b"./App", o.node(b"", o.node(b"Stays", value=b"6")))))
    assert d.statuses == [200] and sorted(tree(d, b"./App")) == [b"./App", b"./App/Stays"]
    applied(d.send(o.replace(1, b"./App/Stays", o.node(b"", value=b"7", fmt=b"int"))))
    assert d.statuses == [200] and d.get(b"./App/Stays") == b"7"


def test_replace_goes_by_the_rights_there_were():
    d = Device(16)
    all_of_it = b"Add=*&Delete=*&Get=*&Replace=*"
    mine = b"Add=%s&Delete=%s&Get=*&Replace=%s" % (m.SERVER, m.SERVER, m.SERVER)
    for acl, node, status in (
        (b"Replace=*", [o.node(b"A", value=b"2")], 200),
        (b"Replace=*", [], 425),  # A would vanish
        (b"Replace=*", [o.node(b"A", value=b"2"), o.node(b"B", value=b"2")], 425),  # B would appear
        (b"Delete=*&Replace=*", [], 200),
        (b"Add=*&Replace=*", [o.node(b"A", value=b"2"), o.node(b"B", value=b"2")], 200),
        (b"Add=*&Delete=*", [o.node(b"A", value=b"2")], 425),
        (b"Replace=*", [o.node(b"A", value=b"2", acl=b"Get=*")], 200),  # Replace on the leaf's parent
        (b"Replace=com.example", [o.node(b"A", value=b"2")], 425),
    ):
        d.client.declare([(b"./App", b"node", ALL, b"", b"", acl), (b"./App/A", b"chr", ALL, b"1")], False)
        before = tree(d, b"./App")
        # the object takes all rights from everybody, and still it is done by those there were
        applied(d.send(o.replace(1, b"./App", o.node(b"", *node, acl=b"Get=*"))))
        assert d.statuses == [status], (acl, node, d.statuses)
        if status == 200:
            assert tree(d, b"./App")[b"./App"][3] == b"Get=*"
        else:
            assert tree(d, b"./App") == before
        d.client.remove(b"./App")
    # a leaf below with an ACL of its own
    d.client.declare([(b"./App", b"node", ALL, b"", b"", all_of_it), (b"./App/A", b"chr", ALL, b"1")], False)
    d.client.set_acl(b"./App/A", b"Get=*")
    for node in ([o.node(b"A", value=b"2")], []):
        applied(d.send(o.replace(1, b"./App", o.node(b"", *node))))
        assert d.statuses == [425] and d.get(b"./App/A") == b"1"
    d.client.set_acl(b"./App/A", b"Replace=*")
    d.client.set_acl(b"./App", b"Get=*")
    applied(d.send(o.replace(1, b"./App/A", o.node(b"", value=b"2", acl=mine))))
    assert d.statuses == [425] and d.get(b"./App/A") == b"1"


def test_replace_leaves_what_is_permanent():
    d = Device(16)
    d.client.declare(
        [(b"./P", b"node", ALL, b"", b"", b"Add=*&Delete=*&Replace=*"), (b"./P/F", b"int", ALL, b"1")]
    )
    for node, status in (
        ([], 405),
        ([o.node(b"F", value=b"x", fmt=b"chr")], 405),
        ([o.node(b"F", o.node(b"G", value=b"x"))], 405),
        ([o.node(b"F", value=b"2", fmt=b"int", mime=b"text/x")], 405),
        ([o.node(b"F", value=b"2", fmt=b"int")], 200),
        ([o.node(b"F", value=b"3", fmt=b"int"), o.node(b"G", value=b"g")], 200),
    ):
        applied(d.send(o.replace(1, b"./P", o.node(b"", *node))))
        assert d.statuses == [status], (node, d.statuses)
    assert (d.get(b"./P/F"), d.get(b"./P/G")) == (b"3", b"g")
    applied(d.send(o.replace(1, b".", o.node(b"", o.node(b"F", value=b"2")))))
    assert d.statuses == [405]


# -- ACLs


@row("R31")
def test_acls_come_with_the_object():
    d = Device(16)
    d.client.set_acl(b".", b"Add=*&Get=*")
    root = o.node(
        b"N",
        o.node(b"Leaf", value=b"1", acl=b"Get=*&Replace=com.example.lab&Get=x"),
        o.node(b"Inner", o.node(b"L", value=b"2"), acl=b""),
        acl=b"Replace=com.example.dms&Get=*",
    )
    applied(d.send(o.add(1, b"./A", root)))
    assert d.statuses == [200]
    # above the object: what a server gets that may not replace the parent
    rights = b"Add=com.example.dms&Delete=com.example.dms&Get=*&Replace=com.example.dms"
    found = [(uri, row[3]) for uri, row in sorted(tree(d, b"./A").items())]
    assert found == [
        (b"./A", rights), (b"./A/N", b"Get=*&Replace=com.example.dms"), (b"./A/N/Inner", b""),
        (b"./A/N/Inner/L", b""), (b"./A/N/Leaf", b"Get=*&Replace=com.example.lab"),
    ]  # fmt: skip
    applied(
        d.send(
            m.replace(1, b"./A/N/Leaf", b"x"),
            m.add(2, b"./A/N/More", b"x"),
            m.replace(3, b"./A/N/Inner/L", b"x"),
            o.add(4, b".", o.node(b"B", o.node(b"L", value=b"1"))),
            m.replace(5, b"./B/L", b"2"),
            o.add(6, b".", o.node(b"Leaf", value=b"1")),
            m.replace(7, b"./Leaf", b"2"),
        )
    )
    assert d.statuses == [425, 425, 200, 200, 200, 200, 425], d.statuses
    assert tree(d, b"./B")[b"./B"][3] == rights


@row("R31", negative=True)
def test_an_object_with_a_bad_acl_or_no_right_is_refused():
    d = Device(16)
    for acl, status in ((b"Get", 400), (b"Get=*&Copy=x", 400), (b"Get=" + b"x" * 255, 413)):
        applied(d.send(o.add(1, b"./A", o.node(b"N", o.node(b"L", acl=acl)))))
        assert d.statuses == [status] and not tree(d, b"./A")
    d.client.set_acl(b".", b"Get=*")
    applied(d.send(o.add(1, b"./A", o.node(b"N", o.node(b"L", acl=b"Add=*"), acl=b"Add=*"))))
    assert d.statuses == [425] and not tree(d, b"./A")
    # who may only Add gets no right on a leaf by it, for its ACL needs Replace on the parent (TND 7.7.1)
    d.client.set_acl(b".", b"Add=*&Get=*")
    leaf = o.node(b"L", value=b"1", acl=b"Replace=*")
    below = o.node(b"M", value=b"1", acl=b"Replace=*", path=b"A")
    applied(
        d.send(o.add(1, b".", leaf), o.add(2, b"./A", leaf), o.add(3, b".", below), o.add(4, b"./A", below))
    )
    assert d.statuses == [425, 200, 200, 200], d.statuses
    d.client.set_acl(b".", b"Add=*&Get=*&Replace=*")
    applied(d.send(o.add(1, b".", leaf)))
    assert d.statuses == [200]


# -- DMAcc


@row("R45", negative=True)
def test_a_dmacc_is_refused_in_every_disguise():
    d = Device(16)
    account = [
        o.node(b"AppID", value=b"w7"),
        o.node(b"ServerID", value=b"com.evil"),
    ]
    for mo in (
        b"urn:oma:mo:oma-dm-dmacc:1.0", b"urn:oma:mo:oma-dm-dmacc:1.1", b"URN:oma:mo:OMA-dm-dmacc:9",
        b"org.openmobilealliance/1.0/w7", b" \n urn:oma:mo:oma-dm-dmacc:1.2 ",
    ):  # fmt: skip
        for nodes in (
            [o.node(b"Evil", *account, mo=mo)],
            [o.node(b"App", value=b"1"), o.node(b"Evil", *account, mo=mo)],
            [o.node(b"App", o.node(b"Ext", o.node(b"Deep", o.node(b"X", *account, mo=mo))))],
            [o.node(b"Evil", *account, mime=mo)],
            [o.node(b"Leaf", value=b"1", mime=mo)],
            [o.node(b"App", fmt=b"node"), o.node(b"Evil", *account, mo=mo, path=b"App")],
        ):
            for uri in (b".", b"./DMAcc", b"./DMAcc/Acme", b"./Inbox", b"./New", b"./App/Ext"):
                applied(d.send(o.add(1, uri, *nodes)))
                assert d.statuses == [405], (mo, uri, d.statuses)
    acme = b"MOID=urn:oma:mo:oma-dm-dmacc:1.1"
    plain = o.document(o.node(b"", *account))
    for uri, parent in ((b"./DMAcc/Acme", None), (acme, None), (b"Ext", acme), (b"Acme", b"./DMAcc")):
        for tag in (5, 0x20):
            applied(d.send(o.send(tag, 1, uri, plain, parent=parent)))
            assert d.statuses == [405], (uri, parent, d.statuses)
    d.client.declare([(b"./App/A", b"chr", ALL, b"")], False)
    for above in (b".", b"./DMAcc", b"./App"):
        evil = o.node(b"", *account, mo=b"urn:oma:mo:oma-dm-dmacc:1.1")
        applied(
            d.send(o.replace(1, above, evil), m.replace(2, above, None, None, b"urn:oma:mo:oma-dm-dmacc:1.1"))
        )
        assert d.statuses == [405, 405], (above, d.statuses)
    d.client.set_acl(b"./DMAcc", b"Add=*&Delete=*&Get=*&Replace=*")
    # a whole tree above the account, with and without it in it
    for nodes in ([], [o.node(b"Acme", *account)]):
        applied(d.send(o.replace(1, b".", o.node(b"DMAcc", *nodes))))
        assert d.statuses == [405]
    assert [a.server_id for a in d.client.accounts] == [m.SERVER]
    d.client.reload()
    assert [a.server_id for a in d.client.accounts] == [m.SERVER]


def test_the_heap_an_object_of_300_nodes_takes():
    """What is in use while it is staged and committed, less what is in use before the push.

    Here a word has 64 bits; a board needs some 4 KB less (make bench).
    """
    d = Device(64)
    d.spool = Spool(16 * 1024)
    d.client.mo_roots = ((b"urn:oma:mo:oma-connmo-nap:*", b"./Conn", b"", ()),)
    groups = []
    for i in range(14):
        leaf = [
            o.node(b"P%02d" % j, value=b"set-%02d" % j, fmt=b"chr", mime=b"text/plain") for j in range(20)
        ]
        groups.append(o.node(b"G%02d" % i, *leaf, fmt=b"node", mo=b""))
    groups += [o.node(b"L%d" % i, value=b"v") for i in range(5)]
    body = m.message(1, 2, o.add(1, b"./Inbox", o.node(b"Net", *groups, mo=b"urn:oma:mo:oma-connmo-nap:1.0")))
    header = m.hmac_header(body)
    del groups, leaf
    applied(d.send(o.add(1, b"./Inbox", VALVE)))  # left out, but what it imports stays
    most = 0

    def look(*arguments):
        nonlocal most
        if hasattr(gc, "mem_alloc"):
            gc.collect()
            most = max(most, gc.mem_alloc())

    made = 0
    inner = d.client.txn.create

    def create(*arguments):
        nonlocal made
        made += 1
        if made % 50 == 0:
            look()
        return inner(*arguments)

    steps = d.client._commit_steps

    def commit():
        look()
        for step in steps():
            yield step

    d.client.txn.create = create
    d.client._commit_steps = commit
    d.spool.reset()
    d.spool.write(body)
    d.spool.digest()
    look()
    idle = most
    push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, {"x-syncml-hmac": header}, d.spool)
    applied(d.client.accept(push))
    assert made == 301 and d.get(b"./Conn/Net/G13/P19") == b"set-19"
    assert most - idle <= 26 * 1024, most - idle
