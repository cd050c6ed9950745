# Objects that are wrong: each has a clear status in the journal, and leaves neither a node nor heap behind.
# heapsize=1400k: the flash image is in RAM here

import gc

import messages as m
import objects as o
from check import row
from omadm import journal
from omadm.limits import OBJECT_NODES, OBJECT_ROOTS, REFERENCES
from omadm.spool import Spool
from test_client import Device, applied
from test_inbox import ROOTS

XML = b"application/vnd.syncml.dmtnds+xml"
GOOD = o.node(b"Good", o.node(b"A", value=b"1"), o.node(b"B", value=b"2", fmt=b"int"), mo=o.VALVE)


def device():
    d = Device(16)
    d.spool = Spool(64 * 1024)
    d.client.mo_roots = ROOTS
    applied(d.send(o.add(1, b"./There", GOOD)))
    return d


def rows(d):
    """All that a command may change: the rows of the index, but for new ones, and what is staged."""
    store = d.client.store
    n = max([nid for nid in range(len(store.flags)) if not store.is_free(nid)]) + 1
    index = bytes(store.keys[: 4 * n]), list(store.locs[:n]), bytes(store.flags[:n])
    return index + (store.undo_len, d.client.txn.len)


def refused(d, status, *commands):
    """The command fails with the status; the one after it is done, and the journal has both."""
    before = rows(d)
    applied(d.send(*commands + (m.replace(99, b"./Led/State", b"on"),)))
    assert d.statuses == [status, 200], (status, d.statuses)
    after = rows(d)
    led = d.client.tree.find([b"Led", b"State"])
    assert (before[0], before[2:]) == (after[0], after[2:])
    assert [nid for nid in range(len(before[1])) if before[1][nid] != after[1][nid]] == [led]
    outcomes = journal.read(d.client.store, len(d.client.store.journal) - 1)[5]
    assert [row[1] for row in outcomes] == [status, 200]
    assert len(d.client.txn.arena) <= 1024 and len(d.client.store.undo) <= 1024


def each_form(*nodes):
    yield o.document(*nodes)
    yield o.text(*nodes)
    yield o.coded(*nodes)


def test_duplicate_nodes():
    d = device()
    twice = o.node(b"A", value=b"1")
    for nodes in (
        [twice, twice],
        [o.node(b"N", twice, o.node(b"B", value=b"1"), twice)],
        [o.node(b"N", o.node(b"A", fmt=b"node")), o.node(b"A", value=b"1", path=b"N")],
        [o.node(b"N", fmt=b"node"), o.node(b"N", fmt=b"node")],
    ):
        for octets in each_form(*nodes):
            refused(d, 418, o.send(5, 1, b"./New", octets))
    refused(d, 418, o.inline(5, 1, b"./New", twice, twice))
    refused(d, 418, o.add(1, b"./There", GOOD))  # there already
    refused(d, 418, o.add(1, b"./There/Good", o.node(b"", value=b"1")))
    for nodes in ([twice, twice], [twice, o.node(b"N", fmt=b"node"), o.node(b"N", fmt=b"node")]):
        refused(d, 418, o.replace(1, b"./There/Good", o.node(b"", *nodes)))
    refused(d, 418, o.replace(1, b"./There", GOOD, GOOD))
    refused(d, 404, o.replace(1, b"./Nowhere", GOOD))


def test_a_child_under_a_leaf():
    d = device()
    inner = o.node(b"C", value=b"c")
    for node in (
        o.node(b"N", inner, fmt=b"chr"),
        o.node(b"N", inner, value=b"v"),
        o.node(b"N", inner, inner, fmt=b"null"),
    ):
        for octets in each_form(node):
            # nodes and then a value are no TNDS at all
            refused(d, 400 if "value" in node[2] else 405, o.send(5, 1, b"./New", octets))
    refused(d, 405, o.add(1, b"./There/Good/A", inner))
    refused(d, 405, o.add(1, b"./There/Good/A/X", o.node(b"", value=b"1")))
    leaf = o.node(b"L", value=b"l")
    refused(d, 405, o.add(1, b"./New", leaf, o.node(b"C", value=b"c", path=b"L")))


def test_depth_and_length_over_the_limits():
    d = device()
    deep = o.node(b"d", value=b"v")
    for _ in range(15):
        deep = o.node(b"d", deep)
    applied(d.send(o.add(1, b".", deep), m.delete(2, b"./d")))
    assert d.statuses == [200, 200]
    refused(d, 414, o.add(1, b"./a", deep))
    refused(d, 414, o.add(1, b".", o.node(b"d", deep)))
    wide = o.node(b"x" * 32, o.node(b"y" * 32, o.node(b"z" * 31, o.node(b"w" * 29, value=b"v"))))
    applied(d.send(o.add(1, b".", wide), m.delete(2, b"./" + b"x" * 32)))
    assert d.statuses == [200, 200]
    refused(d, 414, o.add(1, b"./a", wide))
    for name, status in (
        (b"x" * 33, 414), (b"\xc3\xa4" * 33, 414), (b"x" * 513, 413), (b"a/b", 400), (b".", 400),
        (b"..", 404),
        (b"a?prop=ACL", 400), (b"a?b", 404), (b"", 400), (None, 400), (b"a\x01", 404), (b"\xff", 404),
    ):  # fmt: skip
        node = o.node(b"N", o.node(name, value=b"1"))
        refused(d, status, o.send(5, 1, b"./New", o.document(node)))
    for has, status in (
        ({"title": b"t" * 256}, 413),
        ({"title": b"\xff"}, 415),
        ({"title": b"a\x01b"}, 415),
        ({"mime": b"t" * 256}, 413),
        ({"acl": b"Get=" + b"x" * 252}, 413),
    ):
        refused(d, status, o.add(1, b"./New", o.node(b"N", value=b"1", **has)))
    # nested deeper than WBXML may be, in tokens that mean nothing
    over = o.HEAD + b"\0\2\x60\x77" + m.text(b"1.2") + b"\x01" + b"\x64" * 40 + b"\x01" * 41
    refused(d, 413, o.send(5, 1, b"./New", over))
    refused(d, 413, o.send(5, 1, b"./New", b"<MgmtTree><VerDTD>1.2</VerDTD>" + b"<Node>" * 40))


def test_a_path_that_climbs_out_of_the_target():
    d = device()
    for path, status in (
        (b"..", 404), (b"../There", 404), (b"N/../..", 404), (b"/There", 404), (b"N//", 404), (b"./..", 404),
        (b"N?prop=ACL", 400), (b"MOID=" + o.VALVE, 400),
    ):  # fmt: skip
        for octets in each_form(o.node(b"N", fmt=b"node"), o.node(b"C", value=b"c", path=path)):
            applied(d.send(o.send(5, 1, b"./New", octets)))
            assert d.statuses[0] in (status, 200) and d.get(b"./There/C") is None, (path, d.statuses)
            if d.statuses == [200]:  # a name like others
                applied(d.send(m.delete(1, b"./New")))
    refused(d, 404, o.add(1, b"./Inbox", GOOD, o.node(b"C", value=b"c", path=b"There")))
    for path in (b"../There", b".", b"./", b"", b"Good/."):
        refused(d, 404, o.add(1, b"./Inbox", GOOD, o.node(b"C", value=b"c", path=path)))
    refused(d, 404, o.replace(1, b"./There", GOOD, o.node(b"C", value=b"c", path=b"Elsewhere")))
    refused(
        d, 404, o.replace(1, b"./There/Good", o.node(b"", o.node(b"A", value=b"2")), o.node(b"C", path=b"Q"))
    )


def test_an_end_before_any_element():
    # In pieces the object lies where offset 0 is its own first octet.
    d = device()
    for octets in (b" " + b"</>" * 40, b" " + b"</>" * 9 + o.text(GOOD), b"</MgmtTree>" * 40):
        data = m.element(0x0F, m.opaque(octets[:9]), m.opaque(octets[9:]))
        address = m.element(0x2E, m.element(0x17, m.text(b"./New")))
        refused(d, 400, m.command(5, 1, m.element(0x14, address, m.meta(b"bin", XML), data)))
        refused(d, 400, o.send(5, 1, b"./New", octets))


@row("R40", negative=True)
def test_a_reference_that_leads_nowhere():
    d = device()
    for value in (b"./Inbox/Nowhere", b"./Inbox/Good/Nope", b"./Inbox/", b"./Inbox/../There"):
        link = o.node(b"Link", o.node(b"ConRef", value=value), mo=o.VALVE)
        for octets in each_form(link, GOOD):
            refused(d, 404, o.send(5, 1, b"./Inbox", octets))
            refused(d, 404, o.send(5, 1, b"./New", octets))
    itself = o.node(b"Link", o.node(b"ConRef", value=b"./Inbox/."), mo=o.VALVE)
    refused(d, 404, o.add(1, b"./Inbox", itself, GOOD))
    unknown = o.node(b"Unknown", o.node(b"X", value=b"1"), mo=b"urn:x:unknown:1.0")
    link = o.node(b"Link", o.node(b"ConRef", value=b"./Inbox/Unknown"), mo=o.VALVE)
    refused(d, 404, o.add(1, b"./Inbox", link, unknown))  # it was left out
    many = [o.node(b"n%d" % i, o.node(b"ConRef", value=b"./Inbox/Good")) for i in range(REFERENCES + 1)]
    refused(d, 413, o.add(1, b"./New", GOOD, *many))


def test_a_value_of_the_wrong_format():
    d = device()
    for fmt, value in (
        (b"int", b"x"), (b"int", b"1" * 33), (b"int", b" 1"), (b"bool", b"TRUE"), (b"bool", b""),
        (b"float", b"."),
        (b"null", b"x"), (b"bin", b"A"), (b"bin", b"A!=="), (b"b64", b"AQ"), (b"node", b"x"),
    ):  # fmt: skip
        node = o.node(b"N", o.node(b"Fine", value=b"1"), o.node(b"Bad", value=value, fmt=fmt))
        for octets in each_form(node):
            refused(d, 415, o.send(5, 1, b"./New", octets))


def test_an_object_that_is_cut_in_the_middle():
    d = device()
    for octets in each_form(GOOD):
        for end in range(0, len(octets), 7):
            cut = octets[:end]
            applied(d.send(o.send(5, 1, b"./New", cut)))
            assert d.statuses[0] in (400, 415) and not d.get(b"./New/Good/A"), (end, d.statuses)
            if octets[:1] == b"\x02" and end > 40:
                assert d.statuses == [400], (end, d.statuses)
    for tail in (b"\x00", b"\x01", b"x"):
        refused(d, 400, o.send(5, 1, b"./New", o.document(GOOD) + tail))
    refused(d, 400, o.send(5, 1, b"./New", o.text(GOOD) + b"x"))
    refused(d, 400, o.send(5, 1, b"./New", o.text(GOOD) + o.text(GOOD)))


def test_ten_thousand_nodes():
    d = device()
    small = b"\x64\x66\x03n\x00\x01\x01"
    for count, status in ((10000, 413), (OBJECT_NODES + 1, 413)):
        octets = o.document(GOOD)[:-1] + small * min(count, 8000) + b"\x01"
        refused(d, status, o.send(5, 1, b"./New", octets))
    names = b"".join([b"<Node><NodeName>%d</NodeName></Node>" % i for i in range(1500)])
    refused(d, 413, o.send(5, 1, b"./New", o.text(GOOD).replace(b"</MgmtTree>", names + b"</MgmtTree>")))
    many = [o.node(b"n%d" % i, fmt=b"node", mo=o.VALVE) for i in range(OBJECT_ROOTS + 1)]
    refused(d, 413, o.add(1, b"./Inbox", *many))


def test_little_that_takes_long_to_read():
    # An object is read in one go, and a watchdog waits for no more than some seconds.
    d = device()
    left = b"<Node><NodeName>A</NodeName><Value>@</Value></Node>"
    text = o.text().replace(b"</MgmtTree>", left + b"</MgmtTree>")
    tokens = o.document(o.node(b"A", value=b"@"))
    entity = b"\x02\x41"
    skipped = b"\x5f" + b"\x05" * 12000 + b"\x01\x64"  # Man, before the first Node
    for octets in (
        text.replace(b"@", b"&#65;" * 2600),
        tokens.replace(m.text(b"@"), b"\xc3\x01a" * 10300),
        tokens.replace(m.text(b"@"), entity * 2600),
        tokens.replace(b"\x64", skipped, 1),
        tokens.replace(b"\x64", b"\x5f" + entity * 2600 + b"\x01\x64", 1),
    ):
        refused(d, 413, o.send(5, 1, b"./New", octets))
    long = tokens.replace(m.text(b"@"), entity * 2400)
    applied(d.send(o.send(5, 1, b"./New", long)))
    assert d.statuses == [200]


def test_entity_bombs():
    d = device()
    body = o.text(o.node(b"N", o.node(b"V", value=b"@")))
    bomb = b'<!ENTITY a "%s"><!ENTITY b "%s">' % (b"x" * 50, b"&a;" * 50)
    for head, use in (
        (b"<!DOCTYPE MgmtTree [" + bomb + b"]>", b"&b;"),
        (b"<!DOCTYPE MgmtTree SYSTEM 'x' [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", b"&b;"),
        (b"<!DOCTYPE MgmtTree PUBLIC '-//OMA//DTD-DM-DDF 1.2//EN' 'x'[]>", b""),
        (b"<!DOCTYPE MgmtTree SYSTEM '" + b"x" * 300 + b"'>", b""),
        (b"", b"&b;"), (b"", b"&nbsp;"), (b"", b"&#0;"), (b"", b"&#x110000;"), (b"", b"&#;"), (b"", b"&;"),
        (b"", b"&lt"), (b"", b"&" + b"l" * 100 + b";"), (b"", b"&#" + b"9" * 100 + b";"), (b"", b"&lt;&b;"),
        (b"", b"&&quot;"), (b"", b"&#xD800;"), (b"", b"&#xDFFF;"), (b"", b"&#+65;"), (b"", b"&#1_0;"),
        (b"", b"&# 65;"),
        (b"", b"&#-5;"), (b"", b"&#x-1;"), (b"", b"&"),
        (b"<?xml version='1.0' encoding='utf-16'?>", b""),
        (b"<?xml version='1.0' encoding='iso-8859-1'?>", b""),
    ):  # fmt: skip
        refused(d, 415, o.send(5, 1, b"./New", head + body.replace(b"@", use), XML, b"xml"))


def test_text_that_is_not_well_formed():
    d = device()
    body = o.text(o.node(b"N", o.node(b"V", value=b"@")))
    for octets, status in (
        (body.replace(b"</Node>", b"</node>", 1), 400),
        (body.replace(b"</Node>", b"</NodeX>", 1), 400),
        (body.replace(b"</Node>", b"</Nod>", 1), 400),
        (body.replace(b"</MgmtTree>", b""), 400),
        (b"</MgmtTree>", 400),
        (b"<>", 400), (b"< MgmtTree>", 400), (b"<", 400), (b"<MgmtTree", 400), (b"<!-- ", 400),
        (b"<?x ", 400),
        (b"<![CDATA[x]]>", 400), (b"<!ELEMENT x>", 415), (b"<MgmtTree/>", 400),
        (b"<MgmtTree></MgmtTree>", 400),
        (body.replace(b"<Node>", b"text<Node>", 1), 400),
        (body.replace(b"<VerDTD>1.2</VerDTD>", b""), 400),
        (body.replace(b"1.2</VerDTD>", b"1.1</VerDTD>"), 400),
        (body.replace(b"dmddf1.2", b"dmddf1.3"), 415),
        (body.replace(b"<Node>", b"<Node id='1'>", 1), 415),
        (body.replace(b"<Node>", b"<d:Node>", 1).replace(b"</Node>", b"</d:Node>", 1), 400),
        (body.replace(b"<Value>", b"<Value" + b" " * 200 + b">", 1), 400),
        (body + b"<!DOCTYPE MgmtTree>", 400),
        (body + b"<?xml version='1.0'?>", 415),
    ):  # fmt: skip
        refused(d, status, o.send(5, 1, b"./New", octets, XML, b"xml"))


def test_elements_out_of_place():
    d = device()
    whole = o.document(o.node(b"N", o.node(b"V", value=b"1", fmt=b"int", mime=b"text/x", acl=b"Get=*")))
    name = m.element(0x26, m.text(b"V"))
    for old, new in (
        (name, name + name),
        (name, b""),
        (b"\x77", b"\x76"),
        (b"\x5c\x1e\x01", b"\x5c\x1e\x1e\x01"),
        (b"\x5c\x1e\x01", b"\x5c\x1e\x01\x5c\x1e\x01"),
        (b"\x5c\x1e\x01", b"\x5c\x05\x01"),
        (b"\x61\x03text/x\0\x01", b"\x61\x03text/x\0\x01\x51\x03x\0\x01"),
        (name, name + b"\x00\x00\x13\x00\x02"),
        (name, name + b"\x04\x00"),
    ):
        assert old in whole
        applied(d.send(o.send(5, 1, b"./New", whole.replace(old, new, 1))))
        assert d.statuses == [400], (old, new, d.statuses)
    # after the nodes below it, nothing more of a node may come
    two = o.document(o.node(b"N", o.node(b"V", value=b"1")))
    for late in (b"\x66\x03N\0\x01", b"\x76\x03N\0\x01", b"\x6f\x5c\x25\x01\x01"):
        refused(d, 400, o.send(5, 1, b"./New", two[:-2] + late + two[-2:]))


def test_a_label_that_lies_about_its_content():
    d = device()
    for octets in (
        b"", b"x", b"hello world", b"AAAA", b"\x02\xa4\x01\x6a\x00\x6d", b"\x00" * 40, b"\xff" * 9, b"  ",
        b"\x02\x00\x00\x6a\x1d-//SYNCML//DTD SyncML 1.2//EN\x00\x02\x60", b64(b64(o.document(GOOD))),
        b'{"MgmtTree": {}}', b"\x04" + o.document(GOOD)[1:], m.message(1, 1, m.delete(1, b"./There")),
    ):  # fmt: skip
        for mime in (o.TNDS, XML, b"APPLICATION/vnd.syncml.DMTNDS+xml"):
            refused(d, 415, o.send(5, 1, b"./New", octets, mime))
        refused(d, 415, o.send(0x20, 1, b"./There/Good", octets))
        refused(d, 415, o.send(5, 1, b"./Inbox", octets, b"text/plain"))
    # the right content with a wrong label is taken; without the label it is a value like any other
    applied(
        d.send(o.send(5, 1, b"./L", o.text(GOOD), o.TNDS), o.send(5, 2, b"./M", o.text(GOOD), b"text/xml"))
    )
    assert d.statuses == [200, 200] and d.get(b"./L/Good/A") == b"1" and d.get(b"./M") == o.text(GOOD)
    for tag in (0x10, 0x11):
        refused(d, 415, o.inline(tag, 1, b"./There/Good", GOOD))
    refused(d, 405, o.send(5, 1, b"./There/Good?prop=Title", o.document(GOOD)))
    refused(
        d,
        424,
        m.command(
            5,
            1,
            m.item(b"./New", o.document(GOOD), b"bin", o.TNDS, True).replace(
                b"\x47\x03bin\0\x01", b"\x47\x03bin\0\x01\x52\x0312\0\x01"
            ),
        ),
    )


def b64(octets):
    return m.b64(octets)


def test_an_atomic_undoes_an_object():
    d = device()
    before = rows(d)
    applied(
        d.send(m.atomic(1, o.add(2, b"./New", GOOD), o.replace(3, b"./There", GOOD), m.delete(4, b"./No")))
    )
    assert d.statuses == [216, 216, 404, 507] and rows(d) == before


def test_the_heap_is_back():
    d = device()
    octets = [o.document(GOOD)[:-3], o.text(GOOD)[:-3], o.document(GOOD, GOOD), b"\x02"]
    for number in range(12):
        for one in octets:
            applied(d.send(o.send(5, 1, b"./New", one)))
        gc.collect()
        if hasattr(gc, "mem_alloc"):
            if number == 3:
                before = gc.mem_alloc()
            assert number <= 3 or gc.mem_alloc() <= before + 64
