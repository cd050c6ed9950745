"""Third-party WBXML: our parser reads it as its XML and as libwbxml do, and refuses what is broken."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import ROOT, need_tool
from dmtool.tokens import NAMES
from omadm.codepages import PAGES
from omadm.commands import Commands
from omadm.errors import Malformed
from omadm.wbxml import LITERAL, SYNCML, Parser

VECTORS = ROOT / "host_tests" / "vectors" / "wbxml"
DDF = (0, b"-//OMA//DTD-DM-DDF 1.2//EN")
DDF_DOCUMENTS = ("05", "08")
SPEC_DOCUMENTS = ("22", "23")

# What must be refused, with the code of the parser.
BAD = {
    "19-wbxml10-no-charset": 1,
    "23-wbxml-spec-example-expanded": 11,
    "30-bad-truncated": 19,
    "31-bad-opaque-overrun": 17,
    "32-bad-strt-out-of-range": 14,
    "33-bad-mbuint-6-bytes": 6,
    "34-bad-strtbl-len-overrun": 4,
    "35-bad-unknown-page-7": 9,
    "36-bad-unterminated-str": 19,
    "37-trailing-garbage": 18,
    "38-attr-bit-set": 11,
    "39-version-0x04": 1,
    "41-charset-4-latin1": 3,
}
# What the commands must refuse although it is good WBXML.
NO_MESSAGE = {
    "05-tnds-alone.v1.2.n": 2,
    "08-tnds-two-mos-inbox-ref.v1.3.n": 2,
    "22-wbxml-spec-example-simple": 32,
}
ALL = sorted(path.stem for path in VECTORS.glob("*.wbxml"))
GOOD = [name for name in ALL if name not in BAD]
WITH_XML = [name for name in GOOD if (VECTORS / f"{name.split('.')[0]}.xml").exists()]
# libwbxml's XML is no XML (10), has `<unknown>` (16), is none (22).
NOT_FOR_LIBWBXML = ("10-replace-bin-opaque", "16-tnds-inline-codepage2", "22-wbxml-spec-example-simple")


class Tree:
    """A sink that builds (name, [children and texts]) and checks `at` against the message."""

    def __init__(self, message):
        self.message = message
        self.root = None
        self.open = []

    def start(self, tag):
        name = "literal" if tag == LITERAL else NAMES[tag >> 6].get(tag & 63, tag & 63)
        element = (name, [])
        if self.open:
            self.open[-1][1].append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, tag):
        self.open.pop()

    def text(self, buf, off, end, at):
        octets = bytes(buf[off:end])
        assert at < 0 or self.message[at : at + len(octets)] == octets
        content = self.open[-1][1]
        if content and isinstance(content[-1], bytes):
            content[-1] += octets
        else:
            content.append(octets)


def read(octets, pages=PAGES, public=SYNCML):
    sink = Tree(octets)
    parser = Parser(sink, pages, len(octets), public)
    parser.feed(octets, 0, len(octets))
    parser.close()
    return sink.root


def arguments(name):
    """The document type the reader of the vector expects, beside the octets."""
    if name[:2] in DDF_DOCUMENTS:
        return PAGES, DDF
    if name[:2] in SPEC_DOCUMENTS:
        return ((7, 0),), SYNCML
    return PAGES, SYNCML


def plain(element):
    """As tests compare: embedded DDF documents opened, the Type that libwbxml rewrites made even."""
    name, content = element
    made = []
    for part in content:
        if isinstance(part, tuple):
            made.append(plain(part))
        elif part[1:4] == b"\x00\x00\x6a":
            made.append(plain(read(part, public=DDF)))
        else:
            made.append(part.decode().replace("dmtnds+wbxml", "dmtnds+xml"))
    return name, made


def plain_xml(element):
    """The same out of XML; white space between elements is none of its content."""
    content = []
    texts = [element.text] + [child.tail for child in element]
    for text, child in zip(texts, [*element, None], strict=True):
        if text and (text.strip() or not len(element)):
            content.append(text.replace("dmtnds+wbxml", "dmtnds+xml"))
        if child is not None:
            content.append(plain_xml(child))
    name = element.tag.split("}")[-1]
    return "literal" if name == "Vendor" else name, content


def of_xml(octets):
    return plain_xml(ET.fromstring(octets))


def opened(element):
    """An XML document inside text (TNDS as CDATA or in STR_I) as elements, on either side."""
    name, content = element
    made = []
    for part in content:
        if isinstance(part, tuple):
            made.append(opened(part))
        else:
            made.append(of_xml(part) if part.startswith("<MgmtTree") else part)
    return name, made


@pytest.mark.row("R17")
@pytest.mark.parametrize("name", WITH_XML)
def test_reads_what_its_xml_says(name):
    octets = (VECTORS / f"{name}.wbxml").read_bytes()
    expected = of_xml((VECTORS / f"{name.split('.')[0]}.xml").read_bytes())
    assert plain(read(octets, *arguments(name))) == expected


@pytest.mark.row("R17")
@pytest.mark.parametrize("name", [name for name in GOOD if name not in NOT_FOR_LIBWBXML])
def test_reads_what_libwbxml_reads(name, tmp_path):
    tool = need_tool("wbxml2xml", "libwbxml2-utils")
    out = tmp_path / "out.xml"
    command = [tool, "-k", "-m", "0", "-o", str(out)]
    if name.startswith("13"):
        command += ["-l", "SYNCML12"]
    subprocess.run([*command, str(VECTORS / f"{name}.wbxml")], check=True, capture_output=True)
    octets = (VECTORS / f"{name}.wbxml").read_bytes()
    assert opened(plain(read(octets, *arguments(name)))) == opened(of_xml(out.read_bytes()))


def test_binary_data():
    root = read((VECTORS / "10-replace-bin-opaque.wbxml").read_bytes())
    item = root[1][1][1][0][1][1]
    assert item[1][2] == ("Data", [bytes(range(200))])


def test_tnds_tokens_inside_data():
    inline = read((VECTORS / "16-tnds-inline-codepage2.wbxml").read_bytes())
    alone = read((VECTORS / "05-tnds-alone.v1.2.n.wbxml").read_bytes(), public=DDF)
    data = inline[1][1][1][0][1][1][1][2]
    assert data == ("Data", [alone])


def test_example_of_the_wbxml_text():
    octets = (VECTORS / "22-wbxml-spec-example-simple.wbxml").read_bytes()
    nbsp = "\xa0".encode()
    card = ("Alert", [b" X & Y", ("Add", []), b" X" + nbsp + b"=" + nbsp + b"1 "])  # 6 and 5 of page 0
    assert read(octets, ((7, 0),)) == ("Archive", [card])


@pytest.mark.row("R17", negative=True)
@pytest.mark.parametrize("name", sorted(BAD))
def test_refuses(name):
    octets = (VECTORS / f"{name}.wbxml").read_bytes()
    with pytest.raises(Malformed) as refused:
        read(octets, *arguments(name))
    assert refused.value.args == (BAD[name],)


class Deaf:
    """A handler of commands that takes everything."""

    def __init__(self):
        self.calls = []

    def header(self, hdr):
        pass

    def begin(self, tag, cmd_id):
        pass

    def end(self, tag):
        pass

    def command(self, tag, cmd_id, item):
        self.calls.append((tag, item.target.decode()))

    def fail(self, tag, cmd_id, status):
        self.calls.append((tag, status))


@pytest.mark.parametrize("name", ALL)
def test_as_a_message(name):
    """Good vectors come through the commands, what is broken or no SyncML is Malformed."""
    octets = (VECTORS / f"{name}.wbxml").read_bytes()
    handler = Deaf()
    commands = Commands(handler)
    parser = commands.parser = Parser(commands, PAGES, len(octets))
    if name in BAD or name in NO_MESSAGE:
        with pytest.raises(Malformed) as refused:
            parser.feed(octets, 0, len(octets))
            parser.close()
        if name in NO_MESSAGE:
            assert refused.value.args == (NO_MESSAGE[name],)
        return
    parser.feed(octets, 0, len(octets))
    parser.close()
    commands.close()
    assert handler.calls
    if name == "20-literal-tag":
        assert handler.calls == [(16, 400)]
    else:
        assert not [call for call in handler.calls if isinstance(call[1], int)]


def test_handmade_ones_are_what_their_script_makes(tmp_path):
    subprocess.run([sys.executable, str(VECTORS / "make_handmade.py"), str(tmp_path)], check=True)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_bytes() for path in VECTORS.glob("*.wbxml") if path.name[0] != "0"}


def test_libwbxml_makes_the_others(tmp_path):
    """Whatever version is installed: its octets may differ from ours, what they say may not."""
    need_tool("xml2wbxml", "libwbxml2-utils")
    for path in VECTORS.glob("*.xml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    subprocess.run(["sh", str(VECTORS / "make_libwbxml.sh")], cwd=tmp_path, check=True, capture_output=True)
    made = sorted(tmp_path.glob("*.wbxml"))
    assert [path.stem for path in made] == [name for name in ALL if name[0] == "0"]
    for path in made:
        ours = (VECTORS / path.name).read_bytes()
        kind = arguments(path.stem)
        assert plain(read(path.read_bytes(), *kind)) == plain(read(ours, *kind)), path.name


def test_every_vector_is_described():
    readme = (VECTORS / "README.md").read_text()
    numbers = {Path(name).name[:2] for name in ALL}
    assert all(number in readme for number in numbers)
