"""TNDS objects: as XML and WBXML, the four forms, what must not leave, against libwbxml."""

import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from conftest import ROOT, need_tool
from dmtool import account as accounts
from dmtool import (
    cli,
    commands,
    compose,
    rules,
    tnds,
    tnds_compose,
    tnds_encode,
    tnds_rules,
    tnds_show,
    wbxml_decode,
    xml_text,
)
from dmtool.element import met, sync
from dmtool.errors import ToolError, UsageError
from lxml import etree
from typer.testing import CliRunner

EXAMPLES = ROOT / "docs" / "examples"
VECTORS = ROOT / "host_tests" / "vectors" / "wbxml"
HEAD = '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>'
SERVER = "com.example.dms"
KEPT = f"Add={SERVER}&Delete={SERVER}&Get={SERVER}&Replace={SERVER}"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.toml"
    accounts.create(path, SERVER, "urn:dev:mac:07")
    return path


def node(name, inner="", ddf="org.example/1.0/X", acl=""):
    acl = f"<ACL>{acl}</ACL>" if acl else ""
    kind = f"<RTProperties>{acl}<Format><node/></Format><Type><DDFName>{ddf}</DDFName></Type></RTProperties>"
    return f"<Node><NodeName>{name}</NodeName>{kind}{inner}</Node>"


def leaf(name, value, fmt="chr", more=""):
    kind = f"<RTProperties><Format><{fmt}/></Format><Type><MIME>text/plain</MIME></Type></RTProperties>"
    value = "" if value is None else f"<Value>{value}</Value>"
    return f"<Node><NodeName>{name}</NodeName>{more}{kind}{value}</Node>"


def tree(*nodes):
    return tnds.parse("x.xml", (HEAD + "".join(nodes) + "</MgmtTree>").encode())


def composed(file, path, **wanted):
    body = tnds_compose.objects([path], SERVER, tnds_compose.Wanted(**wanted))
    return wbxml_decode.decode(compose.compose(file, body).octets)


def item_of(document):
    return next(document.root.find("SyncBody").elements()).find("Item")


# -- reading


def test_rows_of_the_example():
    rows = tnds.rows(tnds.read(EXAMPLES / "hotspot.xml"))
    found = {row.uri: (row.format, row.type, row.value) for row in rows}
    top = "PerProviderSubscription"
    assert found[top] == ("node", "urn:wfa:mo:hotspot2dot0-perprovidersubscription:1.0", None)
    assert found[f"{top}/i001"] == ("node", "", None)  # without RTProperties
    assert found[f"{top}/i001/HomeSP/FriendlyName"] == ("chr", "text/plain", b"Depot Wi-Fi")
    assert found[f"{top}/i001/CredentialPriority"] == ("int", "text/plain", b"1")
    assert [row.uri for row in rows if row.top] == [top] and len(rows) == 13


def test_values_keep_their_spaces_and_octets():
    rows = tnds.rows(tree(leaf("A", "  a b\n"), leaf("B", "AAH/", "bin"), leaf("C", " "), leaf("D", None)))
    assert [row.value for row in rows] == [b"  a b\n", b"\0\1\xff", b" ", None]


def test_path_continues_elsewhere():
    rows = tnds.rows(
        tree(
            node("A", node("B")),
            leaf("C", "1", more="<Path>A/B</Path>"),
            leaf("D", "2", more="<Path>./A</Path>"),
        )
    )
    assert [(row.uri, row.top) for row in rows] == [
        ("A", True),
        ("A/B", False),
        ("A/B/C", False),
        ("A/D", False),
    ]


@pytest.mark.parametrize("space", ["", 'xmlns="syncml:dmddf1.2"'])
def test_a_prolog_and_a_namespace_are_not_needed(space):
    text = f"<MgmtTree {space}><VerDTD>1.2</VerDTD>{leaf('A', '1')}</MgmtTree>"
    assert [row.uri for row in tnds.rows(tnds.parse("x", text.encode()))] == ["A"]
    text = (
        '<?xml version="1.0"?><!DOCTYPE MgmtTree PUBLIC "-//OMA//DTD-DM-DDF 1.2//EN" "http://x.invalid/">'
        + text
    )
    assert [row.uri for row in tnds.rows(tnds.parse("x", text.encode()))] == ["A"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<x/>", "no element"),
        ('<SyncML xmlns="SYNCML:SYNCML1.2"/>', "not MgmtTree"),
        ("plain", "no XML"),
        ("<MgmtTree>", "no XML"),
        ("<!DOCTYPE x [<!ENTITY e 'boo'>]><MgmtTree>&e;</MgmtTree>", "entit"),
        ("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><MgmtTree>&e;</MgmtTree>", "entit"),
        ("<MgmtTree><Node/></MgmtTree>", "VerDTD"),
        ("<MgmtTree><VerDTD>1.1</VerDTD><Node/></MgmtTree>", "VerDTD"),
        (HEAD + "</MgmtTree>", "no Node"),
        (HEAD + "<Title>x</Title>" + leaf("A", "1") + "</MgmtTree>", "no place in MgmtTree"),
        (HEAD + "<Node><NodeName>A</NodeName><MIME/></Node></MgmtTree>", "no place in Node"),
        (HEAD + "<Node><NodeName>A</NodeName><NodeName>B</NodeName></Node></MgmtTree>", "twice"),
        (HEAD + node("A", "<Value>1</Value>") + "</MgmtTree>", "no Value"),
        (HEAD + leaf("A", "1", more=leaf("B", "2")) + "</MgmtTree>", "Value and nodes"),
        (HEAD + leaf("A", None, more=leaf("B", "2")) + "</MgmtTree>", "no nodes below"),
        (HEAD + leaf("A", "x", "int") + "</MgmtTree>", "no such value"),
        (HEAD + leaf("A", "yes", "bool") + "</MgmtTree>", "no such value"),
        (HEAD + leaf("A", "1.2.3", "float") + "</MgmtTree>", "no such value"),
        (HEAD + leaf("A", "?", "bin") + "</MgmtTree>", "no base64"),
        (HEAD + leaf("A", "1", "MIME") + "</MgmtTree>", "Format MIME"),
        (HEAD + leaf("A", "<b/>", "xml") + "</MgmtTree>", "no element"),
        (HEAD + leaf("A", "1").replace("MIME", "DDFName") + "</MgmtTree>", "has a MIME"),
        (HEAD + node("A", "<Node><Value>1</Value></Node>") + "</MgmtTree>", "NodeName is missing"),
    ],
)
def test_what_is_no_object_is_refused_in_one_line(text, told):
    with pytest.raises(ToolError, match=told) as caught:
        tnds.rows(tnds.parse("x.xml", text.encode()))
    assert "\n" not in str(caught.value)


# -- on the wire


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.xml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("form", tnds_encode.FORMS)
@pytest.mark.row("R21", "R48")
def test_every_form_says_the_same(file, path, form):
    document = composed(file, path, form=form, acl="")
    assert document.error is None and document.rest == 0
    item = item_of(document)
    assert tnds_rules.found_in(item.find("Data")) == tnds.read(path)
    told = (rules.meta_of(sync("Add"), item, "Format"), rules.meta_of(sync("Add"), item, "Type"))
    wanted = {
        "opaque": ("bin", "wbxml"),
        "base64": ("b64", "wbxml"),
        "xml": ("xml", "xml"),
        "inline": ("xml", "wbxml"),
    }
    assert told == (wanted[form][0], "application/vnd.syncml.dmtnds+" + wanted[form][1])


def test_the_default_form_is_opaque_octets(file):
    data = item_of(composed(file, EXAMPLES / "uplink.xml")).find("Data")
    (octets,) = data.content
    assert octets.startswith(b"\x02\0\0\x6a\x1b-//OMA//DTD-DM-DDF 1.2//EN\0\0\x02\x60")
    assert b"\x76\xc3\x05\0\1\2\3\xff\x01" in octets  # Value of the bin leaf: raw, not base64


def test_a_string_table_makes_it_shorter_and_says_the_same():
    root = tnds.read(EXAMPLES / "hotspot.xml")
    for part in root.elements():
        if part.name == "Node":
            part.content += [tree(leaf(f"L{n}", "1")).find("Node") for n in range(9)]
    plain, table = tnds_encode.document(root), tnds_encode.document(root, string_table=True)
    assert len(table) < len(plain) - 80
    assert wbxml_decode.decode(table).root == wbxml_decode.decode(plain).root


def by_xml2wbxml(tmp_path, text, *options):
    tool = need_tool("xml2wbxml", "libwbxml2-utils")
    source, made = tmp_path / "in.xml", tmp_path / "out.wbxml"
    source.write_text(text)
    subprocess.run(
        [tool, *options, "-o", str(made), str(source)], check=True, capture_output=True, timeout=30
    )
    return made.read_bytes()


OBJECTS = {
    "hotspot": (EXAMPLES / "hotspot.xml").read_text(),
    "valve": (VECTORS / "05-tnds-alone.xml").read_text(),
    "two": (VECTORS / "08-tnds-two-mos-inbox-ref.xml").read_text(),
    "formats": HEAD + node(
        "A", "".join([leaf("b", "true", "bool"), leaf("f", "1.5", "float"), leaf("d", "20240102", "date"),
                      leaf("t", "120000Z", "time"), leaf("x", "&lt;a/&gt;", "xml"), leaf("n", None, "null"),
                      leaf("ü", "Größe: 3 €"), leaf("e", None)])) + "</MgmtTree>",
}  # fmt: skip


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("name", OBJECTS)
def test_octet_by_octet_as_libwbxml_writes_it(tmp_path, name, version):
    ours = tnds_encode.document(tnds.parse(name, OBJECTS[name].encode()), version=version)
    assert ours == by_xml2wbxml(tmp_path, OBJECTS[name], "-n", "-v", version)


def test_the_vector_of_an_object_by_itself():
    root = tnds.parse("05", (VECTORS / "05-tnds-alone.xml").read_bytes())
    assert tnds_encode.document(root) == (VECTORS / "05-tnds-alone.v1.2.n.wbxml").read_bytes()


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("name", OBJECTS)
def test_libwbxml_reads_ours(name, table):
    tool = need_tool("wbxml2xml", "libwbxml2-utils")
    root = tnds.parse(name, OBJECTS[name].encode())
    octets = tnds_encode.document(root, string_table=table)
    done = subprocess.run(
        [tool, "-k", "-m", "0", "-o", "-", "-"], input=octets, capture_output=True, timeout=30
    )
    text = done.stdout[: done.stdout.rfind(b">") + 1]
    assert tnds.rows(tnds.parse("libwbxml", text)) == tnds.rows(root)


def test_libwbxml_reads_a_whole_message_with_an_object(file, tmp_path):
    tool = need_tool("wbxml2xml", "libwbxml2-utils")
    body = tnds_compose.objects([EXAMPLES / "hotspot.xml"], SERVER, tnds_compose.Wanted(acl=""))
    octets = compose.compose(file, body).octets
    done = subprocess.run(
        [tool, "-k", "-m", "0", "-o", "-", "-"], input=octets, capture_output=True, timeout=30
    )
    root = etree.fromstring(done.stdout[: done.stdout.rfind(b">") + 1])
    inner = root.find(".//{syncml:dmddf1.2}MgmtTree")
    assert tnds.rows(tnds.parse("inner", etree.tostring(inner))) == tnds.rows(
        tnds.read(EXAMPLES / "hotspot.xml")
    )


@pytest.mark.parametrize(
    "vector",
    ["03-tnds-inline.v1.2.n", "04-tnds-cdata.v1.2.n", "15-tnds-opaque-whole-doc", "16-tnds-inline-codepage2"],
)
def test_objects_in_the_vectors_are_found(vector):
    """OPAQUE, XML in a CDATA section, OPAQUE of another encoder, and tokens inline."""
    document = wbxml_decode.decode((VECTORS / f"{vector}.wbxml").read_bytes())
    rows = tnds.rows(tnds_rules.found_in(item_of(document).find("Data")))
    assert [row.uri for row in rows] == ["Valve", "Valve/Period"]
    assert rows[0].type == "org.example/1.0/Valve" and (rows[1].format, rows[1].value) == ("int", b"60")


def test_the_vector_with_xml_as_text():
    document = wbxml_decode.decode((VECTORS / "17-tnds-xml-in-stri.wbxml").read_bytes())
    (row,) = tnds.rows(tnds_rules.found_in(item_of(document).find("Data")))
    assert (row.uri, row.format) == ("N", "node")


# -- rights inside the object


@pytest.mark.row("R31")
def test_top_nodes_get_an_acl_that_lets_their_sender_keep_them(file):
    rows = tnds.rows(tnds_rules.found_in(item_of(composed(file, EXAMPLES / "uplink.xml")).find("Data")))
    assert {row.uri: row.acl for row in rows if row.acl} == {"FieldProxy": KEPT, "Field": KEPT}


@pytest.mark.row("R31")
def test_the_acl_can_be_said(file, tmp_path):
    path = tmp_path / "t.xml"
    path.write_text(HEAD + node("A", acl="Get=*") + node("B") + leaf("C", "1") + "</MgmtTree>")
    for wanted, acls in (
        ({"acl": "Get=*&Exec=x"}, ["Get=*", "Get=*&Exec=x", "Get=*&Exec=x"]),
        ({"acl": ""}, ["Get=*", "", ""]),
        ({}, ["Get=*", KEPT, KEPT.partition("&")[2]]),
    ):
        document = composed(file, path, target="./Apps", **wanted)
        assert [row.acl for row in tnds.rows(tnds_rules.found_in(item_of(document).find("Data")))] == acls
    with pytest.raises(ToolError, match="no entry"):
        composed(file, path, target="./Apps", acl="Copy=*")


# -- where it goes


@pytest.mark.row("R46", "R48")
def test_an_object_goes_to_the_inbox_or_below_a_node(file):
    for wanted, address in (
        ({}, ["./Inbox"]),
        ({"target": "./Apps"}, ["./Apps"]),
        ({"target": "Sub", "parent": "./Apps"}, ["Sub", "./Apps"]),
        ({"target": ".", "parent": "MOID=urn:x"}, ["MOID=urn:x"]),
        ({"target": "Sub", "parent": "./Apps?MOID=urn:x&Id=7"}, ["Sub", "./Apps?MOID=urn:x&Id=7"]),
    ):
        item = item_of(composed(file, EXAMPLES / "uplink.xml", **wanted))
        found = [item.path(name, "LocURI") for name in ("Target", "TargetParent")]
        assert [uri.text() for uri in found if uri is not None] == address


def test_replace_names_the_node_itself(file, tmp_path):
    path = tmp_path / "app.xml"
    path.write_text(HEAD + node("App", leaf("Level", "3", "int")) + "</MgmtTree>")
    for target, parent in (("./App", None), ("App", "./X"), (".", "MOID=urn:x")):
        document = composed(file, path, replace=True, target=target, parent=parent)
        assert next(document.root.find("SyncBody").elements()).name == "Replace"
        rows = tnds.rows(tnds_rules.found_in(item_of(document).find("Data")))
        assert [row.uri for row in rows] == ["", "Level"]
    with pytest.raises(ToolError, match=r"in the place of \./Other"):
        composed(file, path, replace=True, target="./Other")
    with pytest.raises(UsageError, match="nothing lies in"):
        composed(file, path, replace=True)
    path.write_text(HEAD + node("A") + node("B") + "</MgmtTree>")
    with pytest.raises(ToolError, match="one top node"):
        composed(file, path, replace=True, target="./A")


# -- what must not leave


DMACC = "urn:oma:mo:oma-dm-dmacc:1.1"
FORBIDDEN = [
    (node("S", ddf=DMACC), None, "an account"),
    (node("S", ddf=DMACC.upper().replace("URN", "urn")), None, "an account"),
    (node("S", ddf="org.openmobilealliance/1.0/w7"), None, "an account"),
    (node("X", node("Y", node("S", ddf=DMACC))), None, "an account"),
    (node("X", node("DMAcc")), None, "an account"),
    (node("X") + leaf("ServerID", "s", more="<Path>DMAcc/S</Path>"), None, "an account"),
    (leaf("A", "1").replace("text/plain", DMACC), "./B", "an account"),
    (node("A", ddf=""), None, "DDFName"),
    (leaf("A", "1"), None, "DDFName"),
    (node("Inbox"), ".", "below ./Inbox"),
    (node("A") + node("A"), None, "twice"),
    (node("A", leaf("B", "1") + leaf("B", "2")), None, "twice"),
    (node("A", leaf("B", "1")) + leaf("C", "1", more="<Path>A/B</Path>"), None, "which is a leaf"),
    (node("A") + leaf("C", "1", more="<Path>../B</Path>"), None, "no name of a node"),
    (node("A" * 33), None, "32 characters"),
    (node("A/B"), None, None),
    (node("A", leaf("ConRef", "./Inbox/Nowhere")), None, "refers to no node"),
    (node("A", leaf("B", "1", more="<Path>C</Path>")), None, "children of MgmtTree"),
    (node("A", "".join(leaf(f"n{k}", "1") for k in range(512))), None, "takes 512"),
    ("".join(node(f"n{k}") for k in range(17)), None, "16 top nodes"),
    (node("A", acl="Copy=*"), None, "no entry"),
    (node("A", acl="Get=a b"), None, "no identifier"),
]


@pytest.mark.parametrize("form", tnds_encode.FORMS)
@pytest.mark.parametrize(("nodes", "target", "told"), [row for row in FORBIDDEN if row[2]])
@pytest.mark.row("R40", "R45", "R47", negative=True)
def test_what_the_standard_forbids_is_not_composed(file, tmp_path, nodes, target, told, form):
    path = tmp_path / "t.xml"
    path.write_text(HEAD + nodes + "</MgmtTree>")
    with pytest.raises(ToolError, match=told):
        composed(file, path, target=target or "./Inbox", form=form, acl="")
    # and not in a message from XML either, whatever form it stands in there
    try:
        root = tnds.read(path)
        command = tnds_encode.command("Add", commands.address(target or "./Inbox", None), root, form)
    except (ToolError, ValueError):
        return
    with pytest.raises(ToolError, match=told):
        compose.compose(file, [command])
    assert accounts.load(file).msg_id == 0


def test_limits_count_from_the_target(file, tmp_path):
    path = tmp_path / "t.xml"
    deep = leaf("z", "1")
    for _ in range(9):
        deep = node("y", deep)
    path.write_text(HEAD + deep + "</MgmtTree>")
    composed(file, path, target="./a/b/c/d/e/f")
    with pytest.raises(ToolError, match="16 levels"):
        composed(file, path, target="./a/b/c/d/e/f/g")
    path.write_text(HEAD + node("y" * 32, leaf("z" * 30, "1")) + "</MgmtTree>")
    composed(file, path, target="./" + "/".join(["x" * 31] * 2))
    with pytest.raises(ToolError, match="127 characters"):
        composed(file, path, target="./" + "/".join(["x" * 32] * 2))


@pytest.mark.row("R47", negative=True)
@pytest.mark.parametrize("data", ["text", "<a/>", "AAEC", b"\x02\xa4\x01\x6a\x00\x05", b"", "<MgmtTree/>x"])
def test_the_inbox_takes_nothing_but_objects(file, data):
    meta = sync("Meta", met("Type", tnds.TYPE + "+wbxml"))
    item = sync("Item", sync("Target", sync("LocURI", "./Inbox")), meta, sync("Data", data))
    with pytest.raises(ToolError, match="no TNDS object"):
        compose.compose(file, [sync("Add", item)])


@pytest.mark.row("R50", negative=True)
def test_delete_and_exec_take_no_object(file):
    data = sync("Data", tnds_encode.as_xml(tree(node("A")), indent=False))
    item = sync(
        "Item", sync("Target", sync("LocURI", "./A")), sync("Meta", met("Type", tnds.TYPE + "+xml")), data
    )
    with pytest.raises(ToolError, match="takes no TNDS object"):
        compose.compose(file, [sync("Exec", item)])


# -- virtual and relative addresses


@pytest.mark.row("R52")
def test_virtual_addresses():
    words = ["replace A/B=1", "add C:node", "exec .", "delete D"]
    body = compose.prepare(commands.below(commands.parse(words), "MOID=urn:oma:mo:x:1.0&Id=a%26b"))
    found = []
    for command in body:
        item = command.find("Item")
        uris = [item.path(name, "LocURI") for name in ("Target", "TargetParent")]
        found.append([uri.text() for uri in uris if uri is not None])
    part_a = "MOID=urn:oma:mo:x:1.0&Id=a%26b"
    assert found == [["A/B", part_a], ["C", part_a], [part_a], ["D", part_a]]


@pytest.mark.row("R51")
def test_relative_addresses():
    (command,) = compose.prepare(commands.below(commands.parse(["replace Log/Level=3"]), "./App"))
    assert [part.name for part in command.find("Item").elements()] == ["Target", "TargetParent", "Data"]
    with pytest.raises(ToolError, match="no relative address"):
        commands.below(commands.parse(["replace ./Log/Level=3"]), "./App")


@pytest.mark.parametrize(
    ("parent", "address"), [("./App", ["./App?prop=ACL"]), ("MOID=urn:x", ["?prop=ACL", "MOID=urn:x"])]
)
def test_properties_of_the_node_itself(parent, address):
    (command,) = compose.prepare(commands.below(commands.parse(["acl .=Get=*"]), parent))
    uris = [command.path("Item", name, "LocURI") for name in ("Target", "TargetParent")]
    assert [uri.text() for uri in uris if uri is not None] == address


@pytest.mark.row("R45", "R52", negative=True)
@pytest.mark.parametrize(
    ("part_a", "told"),
    [
        ("MOID=", "behind MOID="),
        ("MOID=a&b", "LEAF=VALUE"),
        ("MOID=a&=b", "LEAF=VALUE"),
        ("MOID=a&b=c=d", "LEAF=VALUE"),
        ("MOID=a" + "&b=c" * 9, "8 conditions"),
        ("MOID=a?b", "behind MOID="),
        ("./A?prop=ACL?MOID=x", "behind MOID="),
        ("./A?MOID=x&../B=1", "no name"),
        ("./Inbox?MOID=x", "Inbox"),
        ("./DMAcc?MOID=x", "an account"),
        (f"MOID={DMACC}", "an account"),
        ("MOID=urn%3Aoma:mo:oma-dm-DMACC:1.0", "an account"),
        ("MOID=" + "x" * 600, "512 octets"),
        ("MOID=a\x01", "control"),
    ],
)
def test_bad_virtual_addresses(part_a, told):
    with pytest.raises(ToolError, match=told):
        compose.prepare(commands.below(commands.parse(["delete A/DMAcc", "delete ."]), part_a))


@pytest.mark.row("R45", negative=True)
def test_no_account_through_a_virtual_address():
    with pytest.raises(ToolError, match="an account"):
        compose.prepare(commands.below(commands.parse(["delete A/DMAcc/S"]), "MOID=urn:x"))


# -- properties


def test_acl_rename_and_title_are_words():
    body = compose.prepare(
        commands.parse(["acl ./A=Add=x&Get=*", "rename ./A/B=C", "title", "./A=On the quay"])
    )
    found = [(c.name, c.path("Item", "Target", "LocURI").text(), c.path("Item", "Data").text()) for c in body]
    assert found == [
        ("Replace", "./A?prop=ACL", "Add=x&Get=*"),
        ("Replace", "./A/B?prop=Name", "C"),
        ("Replace", "./A?prop=Title", "On the quay"),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["acl ./A"], "no value"),
        (["acl ./A?prop=ACL=x"], "without '\\?'"),
        (["acl ./A=Replace"], "no entry"),
        (["acl ./A=replace=x"], "no entry"),
        (["acl ./A=Get=a=b"], "no identifier"),
        (["acl ./A=Get=" + "x" * 260], "255"),
        (["rename ./A=B/C"], "one name"),
        (["rename ./A=.."], "no name"),
        (["rename ./A="], "no relative"),
        (["rename ./A=DMAcc"], "an account"),
    ],
)
def test_bad_properties(words, told):
    with pytest.raises(ToolError, match=told):
        compose.prepare(commands.parse(words))


def test_xml_with_an_object_inside_passes_the_same_gate(tmp_path):
    path = Path(tmp_path / "m.xml")
    meta = f'<Meta><Type xmlns="syncml:metinf">{tnds.TYPE}+xml</Type></Meta>'
    for inner, told in ((node("A"), None), (node("A", ddf=DMACC), "an account")):
        data = f"<Data>{HEAD}{inner}</MgmtTree></Data>"
        path.write_text(f"<Add><Item><Target><LocURI>./Inbox</LocURI></Target>{meta}{data}</Item></Add>")
        if told is None:
            (command,) = compose.prepare(xml_text.read_body(path))
            assert tnds_rules.found_in(command.path("Item", "Data")) == tree(inner)
        else:
            with pytest.raises(ToolError, match=told):
                compose.prepare(xml_text.read_body(path))


def test_base64_is_the_document_itself(file):
    text = item_of(composed(file, EXAMPLES / "uplink.xml", form="base64", acl="")).find("Data").text()
    assert b64decode(text) == tnds_encode.document(tnds.read(EXAMPLES / "uplink.xml"))


@pytest.mark.parametrize("form", tnds_encode.FORMS)
def test_inspect_shows_the_nodes_of_an_object(file, tmp_path, form):
    body = tnds_compose.objects([EXAMPLES / "uplink.xml"], SERVER, tnds_compose.Wanted(form=form, acl=""))
    message = tmp_path / "m.wbxml"
    message.write_bytes(compose.compose(file, commands.block("Atomic", body)).octets)
    done = CliRunner().invoke(cli.app, ["inspect", str(message)])
    told = done.stdout[done.stdout.index("TNDS object") :].splitlines()
    assert told == [
        "TNDS object of Add ./Inbox: 6 nodes",
        *tnds_show.lines(tnds.rows(tnds.read(EXAMPLES / "uplink.xml"))),
    ]


def test_inspect_tells_of_a_broken_object(tmp_path):
    document = tmp_path / "o.wbxml"
    document.write_bytes(tnds_encode.document(tnds.ddf("MgmtTree", tnds.ddf("VerDTD", "1.2"))))
    done = CliRunner().invoke(cli.app, ["inspect", str(document)])
    assert "TNDS object: TNDS: MgmtTree holds no Node" in done.stdout
