"""The peers do what is measured of them, and all contestants are given the same work."""

import json
import os
from pathlib import Path

import pytest
from bench import content, trees
from bench.peers import json_settings, wbxml_tree
from conftest import ROOT
from dmtool import image

VECTORS = ROOT / "host_tests" / "vectors" / "wbxml"


@pytest.fixture
def settings(tmp_path):
    known = {json_settings.LAST: [0, 0]} | {content.name(i): content.old(i) for i in range(100)}
    path = tmp_path / "settings.json"
    path.write_text(json.dumps(known))
    return json_settings.Settings(str(path), content.ACCOUNT.device_id, content.JSON_KEY)


def on_file(settings):
    return json.loads(Path(settings.path).read_text())


@pytest.mark.parametrize("count", content.SIZES)
def test_json_applies_once(settings, count):
    octets, mac = content.as_json(count)
    settings.accept(octets, mac)
    for number in range(100):
        assert settings.all[content.name(number)] == (content.new if number < count else content.old)(number)
    assert on_file(settings) == settings.all
    with pytest.raises(json_settings.Refused, match="replay"):
        settings.accept(octets, mac)


def sealed(message):
    octets = json.dumps(message).encode()
    return octets, content.json_mac(octets)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("device", lambda m: m.update(target="urn:dev:mac:000000000000")),
        ("replay", lambda m: m.update(msg=0, session=0)),
        ("address", lambda m: m["atomic"][4].update(uri="./App/Unknown")),
        ("address", lambda m: m["atomic"][4].update(uri=json_settings.LAST)),
        ("address", lambda m: m["atomic"][4].update(cmd="delete")),
        ("format", lambda m: m["atomic"][4].update(data=7)),
    ],
)
def test_json_refuses_whole(settings, reason, change):
    before = on_file(settings)
    message = json.loads(content.as_json(5)[0])
    change(message)
    with pytest.raises(json_settings.Refused, match=reason):
        settings.accept(*sealed(message))
    assert on_file(settings) == settings.all == before


def test_json_refuses_a_wrong_mac(settings):
    octets, mac = content.as_json(5)
    for wrong in (mac[:-2] + b"A=", mac[:-1], b"", mac + b"="):
        with pytest.raises(json_settings.Refused, match="mac"):
            settings.accept(octets, wrong)
    with pytest.raises(json_settings.Refused, match="mac"):
        settings.accept(octets.replace(b"setting-04", b"setting-99"), mac)


def test_json_keeps_the_old_settings_where_the_file_cannot_be_replaced(settings, monkeypatch):
    before = on_file(settings)

    def full(*_):
        raise OSError(28)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError):
        settings.accept(*content.as_json(5))
    assert on_file(settings) == settings.all == before


@pytest.mark.parametrize("count", content.SIZES)
def test_both_formats_say_the_same(count):
    octets, _ = content.wbxml(count)
    found = wbxml_tree.commands(wbxml_tree.read(octets))
    wanted = [
        (
            0x20,
            str(row["id"]).encode(),
            row["uri"].encode(),
            row["format"].encode(),
            row["type"].encode(),
            row["data"].encode(),
        )
        for row in json.loads(content.as_json(count)[0])["atomic"]
    ]
    assert [(tag, uri, fmt, mime, data) for tag, _, uri, fmt, mime, data in found] == [
        (tag, uri, fmt, mime, data) for tag, _, uri, fmt, mime, data in wanted
    ]
    assert len({cmd_id for _, cmd_id, *_ in found}) == count


def test_the_tree_reader_reads_what_others_encode():
    """libwbxml made 01-commands in three ways; they hold the same."""
    trees_read = [
        wbxml_tree.read((VECTORS / f"01-commands.{way}.wbxml").read_bytes())
        for way in ("v1.2.n", "v1.3.n", "v1.2.strtbl")
    ]
    rows = [wbxml_tree.commands(tree) for tree in trees_read]
    assert len(rows[0]) > 3 and rows[0] == rows[1] == rows[2]


def test_the_tree_reader_refuses_what_is_cut_short():
    octets, _ = content.wbxml(5)
    for end in range(len(octets)):
        with pytest.raises((wbxml_tree.Bad, IndexError)):
            wbxml_tree.read(octets[:end])


@pytest.mark.parametrize(
    "octets",
    [
        b"\x04\xa4\x01\x6a\x00\x6d\x01",  # a version that is none
        b"\x02\x05\x6a\x00\x6d\x01",  # another document type
        b"\x02\xa4\x01\x04\x00\x6d\x01",  # another character set
        b"\x02\xa4\x01\x6a\x7f\x6d\x01",  # a string table longer than the document
        b"\x02\xa4\x01\x6a\x00\x6d\xc3\x7f\x01\x01",  # opaque octets that are not there
        b"\x02\xa4\x01\x6a\x00\x6d\x83\x00\x01",  # an index into no table
        b"\x02\xa4\x01\x6a\x00\x6d\x00\x09\x01",  # a page that is none
        b"\x02\xa4\x01\x6a\x00\xed\x01\x01",  # attributes
        b"\x02\xa4\x01\x6a\x00\x6d\x01\x01",  # one END too many
    ],
)
def test_the_tree_reader_refuses(octets):
    with pytest.raises((wbxml_tree.Bad, IndexError)):
        wbxml_tree.read(octets)


# -- omadm's own work


@pytest.fixture(scope="module")
def of_200(tmp_path_factory):
    path = tmp_path_factory.mktemp("tree") / "flash.img"
    octets, settings = trees.of(200)
    path.write_bytes(octets)
    return path, settings


def test_a_tree_has_its_nodes_and_is_made_alike_each_time(of_200):
    path, settings = of_200
    with image.open_image(path) as opened:
        assert sum(1 for _ in opened.tree.subtree(0)) == 200
    assert settings > 100 and trees.of(200) == (path.read_bytes(), settings)


def accept(opened, octets, header):
    spool = image.library("spool").Spool(8192)
    spool.write(octets)
    headers = {"x-syncml-hmac": header}
    push = image.library("push").Push("http", False, "application/vnd.syncml.dm+wbxml", None, headers, spool)
    return opened.client.accept(push)


@pytest.mark.parametrize("count", content.SIZES)
def test_the_messages_are_applied(of_200, tmp_path, count):
    path = tmp_path / "flash.img"
    path.write_bytes(of_200[0].read_bytes())
    case = content.case(count)
    with image.open_image(path, writing=True) as opened:
        outcome = accept(opened, *content.forged(count))
        assert (outcome.error, outcome.code) == ("NotAuthentic", 67)
        outcome = accept(opened, case.octets, case.header)
        assert outcome.error is None and {status for _, status in outcome.statuses} == {200}
        for number in range(of_200[1]):
            value = opened.client.get(content.name(number).encode()).decode()
            assert value == (content.new(number) if number < count else content.old(number))
        assert opened.client.get(case.where.encode()).decode() == case.value
