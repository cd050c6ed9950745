"""Generated messages mean the same to the device's decoder and to libwbxml.

2,000 of them in `make interop`, a slice in `make test`; the same every time. docs/interop.md lists
what libwbxml does in its own way.
"""

import os
import subprocess
from random import Random

import agreement
import pytest
from conftest import need_tool

BATCHES = 20 if os.environ.get("OMADM_INTEROP") else 1
EACH = 100


@pytest.fixture(scope="module")
def tool() -> str:
    return need_tool("wbxml2xml", "libwbxml2-utils")


def as_libwbxml(items):
    """Items with the one media type that libwbxml prints for both kinds of TNDS."""
    to = {agreement.TNDS_WBXML: agreement.TNDS_XML}
    return [(*item[:5], to.get(item[5], item[5]), *item[6:]) if len(item) > 5 else item for item in items]


@pytest.mark.row("R17", "R21")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_they_agree(batch, tool):
    for seed in range(batch * EACH, batch * EACH + EACH):
        random = Random(seed)
        tree, octets = agreement.message(random)
        wanted = agreement.meant(tree)
        assert agreement.ours(octets) == wanted, seed
        assert agreement.theirs(octets, tool) == agreement.meant(tree, libwbxml=True), seed
        # in the forms that libwbxml does not print right
        assert agreement.ours(agreement.encode(tree, random, pieces=True)) == wanted, seed


@pytest.mark.row("R11", "R12", "R13", "R14")
@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_commands_are_the_same(batch, tool):
    """Items with their addresses, Meta and Data, as the grammar of the device hands them on."""
    items = 0
    for seed in range(batch * EACH, batch * EACH + EACH):
        random = Random(seed)
        octets = agreement.encode(agreement.plain(agreement.Maker(random).message()), random)
        found = agreement.carried_out(octets)
        assert as_libwbxml(found) == agreement.listed(agreement.theirs(octets, tool)), seed
        items += len(found)
    assert items > EACH


def test_everything_occurs():
    """What the messages are made of: every command, property and form of an object."""
    octets = b"".join(agreement.message(Random(seed))[1] for seed in range(EACH))
    assert all(b"?prop=" + name in octets for name in agreement.PROPERTIES)
    trees = [agreement.Maker(Random(seed)).message() for seed in range(EACH)]
    names = {name for tree in trees for name in every(tree)}
    assert names >= set("Add Replace Delete Exec Atomic Sequence Alert Copy Get Status Results".split())
    assert names >= {"TargetParent", "Source", "MetInf", "Correlator", "NextNonce", "Size", "MgmtTree", "ACL"}
    for form in (b"\xc3", b"\x83", b"\x02\x81", b"<MgmtTree", b"\0\x02\x60"):
        assert form in octets
    assert {octets[0] for octets in (agreement.message(Random(seed))[1] for seed in range(20))} == {1, 2, 3}


def every(tree):
    """Names of all elements."""
    yield tree[0]
    for part in tree[1]:
        if isinstance(part, tuple):
            yield from every(part)


def test_a_disagreement_is_seen(tool):
    tree, octets = agreement.message(Random(1))
    other = octets.replace(b"com.example.dms", b"com.example.dmz")
    assert agreement.ours(other) != agreement.meant(tree)
    assert agreement.theirs(other, tool) != agreement.meant(tree, libwbxml=True)


# -- what docs/interop.md tells of libwbxml 0.11.8


def of(data: bytes, command: int = 0x60, meta: bytes = b"") -> bytes:
    """A SyncML document with one Item in this command (0x60: Replace)."""
    return b"\x02\xa4\x01\x6a\x00\x6d\x6b" + bytes((command,)) + b"\x54" + meta + b"\x4f" + data + b"\x01" * 5


TNDS_META = b"\x5a\x00\x01%s\x53\x03application/vnd.syncml.dmtnds+wbxml\x00\x01%s\x00\x00\x01"
DOCUMENT = b"\xc3\x2b\x02\x00\x00\x6a\x1b-//OMA//DTD-DM-DDF 1.2//EN\x00\x00\x02\x60\x77\x031.2\x00\x01\x01"
QUIRKS = {
    "the media type": (of(b"\x03x\0", meta=TNDS_META % (b"", b"")), b"dmtnds+xml<"),
    "pieces": (of(b"\x03a\0\x03b\0"), b"<![CDATA[a<![CDATA[b]]>]]>"),
    "octets": (of(b"\xc3\x02\x00\xff"), b"<![CDATA[\x00\xff]]>"),
    "octets elsewhere": (of(b"\xc3\x02\x00\xff", 0x46), b"<Data>\x00\xff</Data>"),
    "entities": (of(b"\x02\x87\xa2\x1e", 0x51), b"<Data>\xfd\x84\x9e</Data>"),
    "inline": (of(b"\x00\x02\x60\x77\x031.2\0\x01\x01\x00\x00"), b"<unknown"),
    "opened": (of(DOCUMENT, meta=TNDS_META % (b"", b"")), b"<MgmtTree"),
    "not opened": (of(DOCUMENT, meta=TNDS_META % (b"\x4e", b"\x01")), b"[\x02\x00\x00j\x1b-//OMA"),
}


@pytest.mark.parametrize("name", sorted(QUIRKS))
def test_quirks(name, tool):
    octets, printed = QUIRKS[name]
    done = subprocess.run(
        [tool, "-k", "-m", "0", "-o", "-", "-"], input=octets, capture_output=True, timeout=30
    )
    usage = subprocess.run([tool], capture_output=True)
    if b"0.11.8" not in usage.stdout + usage.stderr:
        pytest.skip("the list is of libwbxml 0.11.8")
    assert printed in done.stdout
