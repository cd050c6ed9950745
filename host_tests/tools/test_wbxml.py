"""The encoder against libwbxml's reader, libwbxml's encoder against our reader, and both of ours."""

import subprocess

import pytest
from conftest import need_tool
from dmtool import commands, tokens, wbxml_decode, wbxml_encode, xml_text
from dmtool import compose as composing
from dmtool.account import Account
from dmtool.element import Element, met, sync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

ACCOUNT = Account("com.example.dms", "urn:dev:mac:07", "operator", "s" * 32, bytes(16), 0xAB, 12)
LOCAL = {"SYNCML:SYNCML1.2": 0, "syncml:metinf": 1, "syncml:dmddf1.2": 2}


def shape(element):
    """An element of ours as plain values; text in one piece."""
    inner = [shape(part) for part in element.elements()]
    return (element.page, element.name, element.text(), inner)


def xml_shape(node, page=0):
    """The same from XML."""
    name = etree.QName(node)
    page = LOCAL.get(name.namespace, page) if name.namespace else page
    inner = [xml_shape(child, page) for child in node]
    text = "".join([node.text or "", *(child.tail or "" for child in node)])
    return (page, name.localname, text if not inner or text.strip() else "", inner)


def by_libwbxml(octets):
    """What wbxml2xml reads."""
    tool = need_tool("wbxml2xml", "libwbxml2-utils")
    done = subprocess.run(
        [tool, "-k", "-m", "0", "-o", "-", "-"], check=False, input=octets, capture_output=True, timeout=30
    )
    # It says "succeeded" on standard output too, behind the document.
    text = done.stdout[: done.stdout.rfind(b">") + 1]
    assert text, done.stderr
    return xml_shape(etree.fromstring(text))


def message(words, **more):
    body = composing.prepare(commands.parse(words))
    return composing.build(ACCOUNT, body, **more)


ALL = [
    "add ./App:node",
    "add ./App/Log/Level:int=3",
    "add ./App/Names:xml=<a b='c'>&amp;</a>",
    "add ./App/Key:b64=AAECAwQ=",
    "add ./App/Empty=",
    "add ./App/Nothing:null",
    "add ./MO:node,urn:oma:mo:oma-fumo:1.0",
    "replace ./Led/State=on",
    "replace ./Led/State:chr,text/plain=ein Käse für 3 €",
    "replace ./App?prop=ACL=Get=*&Replace=com.example.dms",
    "replace ./App?prop=Title=x",
    "delete ./App/Old",
    "exec ./Dev/Reboot",
    "exec ./Dev/Update=http://example.com/fw.bin",
]


@pytest.mark.row("R12", "R13", "R14", "R17", "R44")
@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("table", [False, True])
def test_libwbxml_reads_every_command_as_it_was_meant(version, table):
    octets = message(ALL, version=version, string_table=table)
    assert by_libwbxml(octets) == shape(wbxml_decode.decode(octets).root)


@pytest.mark.parametrize("block", ["Atomic", "Sequence"])
def test_libwbxml_reads_blocks(block):
    body = composing.prepare(commands.block(block, commands.parse(["add ./A:node", "add ./A/B=1"])))
    octets = composing.build(ACCOUNT, body)
    read = by_libwbxml(octets)
    assert read == shape(wbxml_decode.decode(octets).root)
    assert read[3][1][3][0][1] == block


_text = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40
)
_name = st.text("abcXYZ019-_.é€", min_size=1, max_size=12).filter(lambda s: s.strip("."))


@st.composite
def _words(draw):
    uri = "./" + "/".join(draw(st.lists(_name, min_size=1, max_size=4)))
    value = draw(_text).strip().replace("@", "a")
    kind = draw(
        st.sampled_from(
            [
                "replace {u}={v}",
                "add {u}={v}",
                "add {u}:node",
                "add {u}:int={n}",
                "delete {u}",
                "exec {u}={v}",
                "exec {u}",
                "replace {u}?prop=Title={v}",
            ]
        )
    )
    return kind.format(u=uri, v=value, n=draw(st.integers(-(10**9), 10**9)))  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_words(), min_size=1, max_size=8), st.booleans())
def test_libwbxml_reads_generated_messages(words, table):
    octets = message(words, string_table=table)
    ours = shape(wbxml_decode.decode(octets).root)
    assert by_libwbxml(octets) == ours


@settings(max_examples=200, deadline=None)
@given(st.lists(_words(), min_size=1, max_size=8), st.booleans(), st.sampled_from(["1.1", "1.2", "1.3"]))
def test_our_reader_reads_what_our_encoder_wrote(words, table, version):
    body = composing.prepare(commands.parse(words))
    octets = composing.build(ACCOUNT, body, version=version, string_table=table)
    document = wbxml_decode.decode(octets)
    assert document.error is None and document.rest == 0 and document.version == version
    wanted = sync("SyncML", composing.header(ACCOUNT), sync("SyncBody", *body, sync("Final")))
    assert shape(document.root) == shape(wanted)
    assert b"".join(t.octets for t in document.tokens) == octets  # every octet is in one token


def test_our_reader_reads_what_libwbxml_wrote(tmp_path):
    tool = need_tool("xml2wbxml", "libwbxml2-utils")
    root = sync(
        "SyncML", composing.header(ACCOUNT), sync("SyncBody", *composing.prepare(commands.parse(ALL)))
    )
    source = tmp_path / "m.xml"
    source.write_text(xml_text.write(root))
    for options in (["-n"], []):
        for version in ("1.1", "1.2", "1.3"):
            made = tmp_path / "m.wbxml"
            subprocess.run(
                [tool, "-k", *options, "-v", version, "-o", str(made), str(source)],
                check=True, capture_output=True, timeout=30,
            )  # fmt: skip
            document = wbxml_decode.decode(made.read_bytes())
            assert document.error is None and document.version == version
            assert without_space(shape(document.root)) == shape(root)


def without_space(read):
    # xml2wbxml -k keeps the indentation between elements; it means nothing there.
    page, name, text, inner = read
    return (page, name, "" if inner else text, [without_space(part) for part in inner])


def test_xml_comes_back_as_it_was_written(tmp_path):
    body = composing.prepare(commands.parse(ALL))
    body.append(
        sync("Add", sync("CmdID", "99"), sync(
            "Item", sync("Target", sync("LocURI", "./Blob")), sync("Meta", met("Format", "bin")),
            sync("Data", bytes(range(256))),
        ))
    )  # fmt: skip
    document = wbxml_decode.decode(composing.build(ACCOUNT, body))
    path = tmp_path / "m.xml"
    path.write_text(xml_text.write(document.root))
    again = composing.prepare(xml_text.read_body(path)[:-1])
    assert [shape(e) for e in again] == [shape(e) for e in body]


def test_the_string_table_makes_long_messages_shorter():
    words = [f"replace ./Application/Config/Setting=value number {n % 2}" for n in range(20)]
    plain, table = message(words), message(words, string_table=True)
    assert len(table) < len(plain)
    assert shape(wbxml_decode.decode(plain).root) == shape(wbxml_decode.decode(table).root)


def test_the_string_table_keeps_to_what_a_device_takes():
    # Every text occurs twice, so that all of them would be worth a place.
    words = [f"replace ./Node{n % 60}={'x' * 40}{n % 60}" for n in range(120)]
    document = wbxml_decode.decode(message(words, string_table=True))
    assert 0 < len(document.table) <= wbxml_encode.MAX_TABLE


def test_numbers():
    for value, octets in (
        (0, "00"),
        (127, "7f"),
        (128, "8100"),
        (160, "8120"),
        (0x1201, "a401"),
        (2**32 - 1, "8fffffff7f"),
    ):
        assert wbxml_encode.mb_u_int32(value).hex() == octets


def test_token_tables_hold_their_well_known_numbers():
    sync_table, met_table, ddf_table = tokens.TOKENS
    assert (sync_table["Add"], sync_table["SyncML"], sync_table["VerDTD"], sync_table["Correlator"]) == (
        5,
        0x2D,
        0x31,
        0x3C,
    )
    assert 0x30 not in tokens.NAMES[0]
    assert (met_table["Anchor"], met_table["Type"], met_table["FieldLevel"]) == (5, 0x13, 0x16)
    assert (ddf_table["MgmtTree"], ddf_table["Node"], ddf_table["node"], ddf_table["ZeroOrOne"]) == (
        0x20,
        0x24,
        0x25,
        0x3C,
    )


def test_the_encoder_refuses_what_it_has_no_token_for():
    for root in (
        sync("SyncHdr"),
        sync("SyncML", sync("Nonsense")),
        sync("SyncML", Element(1, "Add")),
        sync("SyncML", Element(-1, "Vendor")),
    ):
        with pytest.raises(wbxml_encode.EncodeError):
            wbxml_encode.encode(root)


HEAD = bytes.fromhex("02a4016a00")


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "ends"),
        (b"\x00\x01\x6a\x00", "WBXML 1.0"),
        (b"\x04\x01\x6a\x00", "WBXML 1.4"),
        (HEAD, "ends"),
        (HEAD + b"\x01", "nothing is open"),
        (HEAD + b"\x03a\x00", "outside"),
        (HEAD + b"\x6d\x03abc", "without an end"),
        (HEAD + b"\x6d\xc3\x7fabc", "announced"),
        (HEAD + b"\x6d\x83\x05", "behind the string table"),
        (HEAD + b"\x6d\x02\x81\x81\x81\x81\x81\x01", "five octets"),
        (HEAD + b"\x6d\x02\xff\xff\xff\xff\x7f", "32 bits"),
        (HEAD + b"\x6d" * 200, "nested deeper"),
        (b"\x02\xa4\x01\x6a\x7fabc", "announced"),
    ],
)
def test_the_reader_says_where_it_stopped(octets, told):
    document = wbxml_decode.decode(octets)
    assert told in document.error and document.error.startswith("offset ")


def test_the_reader_shows_what_a_device_refuses():
    assert wbxml_decode.decode(HEAD + b"\x2d" + b"tail").rest == 4
    assert wbxml_decode.decode(HEAD + b"\x6d\x00\x07\x05\x01").error is None  # unknown page
    assert wbxml_decode.decode(HEAD + b"\xed\x05\x03x\x00\x01\x01").error is None  # attributes
    literal = wbxml_decode.decode(b"\x02\xa4\x01\x6a\x07Vendor\x00\x44\x00\x01")
    assert literal.error is None and literal.root.name == "Vendor"


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=80), st.booleans())
def test_the_reader_survives_any_octets(octets, head):
    document = wbxml_decode.decode((HEAD if head else b"") + octets)
    if document.root is not None:
        xml_text.write(document.root)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_reader_survives_a_changed_message(data):
    octets = bytearray(message(ALL, string_table=True))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    document = wbxml_decode.decode(bytes(octets))
    if document.root is not None:
        etree.fromstring(xml_text.write(document.root))
