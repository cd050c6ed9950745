"""The shortest form of a message: what is left out, what it means to a device, where the octets are."""

import re

import pytest
from dmtool import account as accounts
from dmtool import cli, commands, compact, compose, octets, sms_push, wbxml_decode
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

ACCOUNT = accounts.Account(
    "com.example.dms", "urn:dev:mac:240ac4fffe112233", "com.example.dms", "s" * 32, b"n" * 16, 1, 1
)


def built(*words, account=ACCOUNT, short=True):
    return compose.build(account, compose.prepare(commands.parse(list(words)), short), compact=short)


def test_one_replace_fits_three_sms():
    message = built("replace ./Led/State=on")
    plan = sms_push.plan(ACCOUNT, message, "+15550199")
    assert (len(message), len(plan.push), len(plan.parts)) == (208, 326, 3)
    assert len(plan.push) <= 3 * 128
    assert len(built("replace ./Led/State=on", short=False)) == 230


@pytest.mark.parametrize(
    "device_id", ["urn:dev:mac:240ac4fffe112233", "IMEI:490154203237518", "urn:uuid:" + "0" * 36]
)
def test_and_for_ordinary_identifiers_with_an_ordinary_setting(device_id):
    account = accounts.Account(
        "dm.operator.example.com", device_id, "dm.operator", "s" * 32, b"n" * 16, 0xFFFF, 9999
    )
    message = built("replace ./App/Net/KeepAlive=120", account=account)
    assert len(sms_push.plan(account, message, "+15550199").parts) == 3


def header_of(message):
    document = wbxml_decode.decode(message)
    assert document.error is None and document.rest == 0
    return document.root.find("SyncHdr")


def test_what_goes_and_what_stays():
    header = header_of(built("delete ./A"))
    assert header.path("Source", "LocURI").text() == ACCOUNT.server_id
    assert header.path("Source", "LocName") is None
    assert [e.name for e in header.elements()] == [
        "VerDTD", "VerProto", "SessionID", "MsgID", "Target", "Source", "Cred",
    ]  # fmt: skip
    assert header.path("Cred", "Meta", "Type").text() == "syncml:auth-SHA256"
    assert header.path("Cred", "Meta", "Format").text() == "b64"
    assert len(header.path("Cred", "Data").text()) == 44


@pytest.mark.parametrize(
    ("words", "uri", "meta"),
    [
        ("replace ./Led/State=on", "Led/State", None),
        ("replace Led/State=on", "Led/State", None),
        ("replace ./Led/State:chr=on", "Led/State", ["chr"]),
        ("replace ./Led?prop=Title=x", "Led?prop=Title", None),
        ("replace .?prop=Title=x", ".?prop=Title", None),
        ("add ./A:chr=x", "A", None),
        ("add ./A:chr,text/plain=x", "A", None),
        ("add ./A:int,text/plain=1", "A", ["int"]),
        ("add ./A:chr,text/xml=1", "A", ["text/xml"]),
        ("add ./A:node", "A", ["node"]),
        ("add ./A:node,text/plain", "A", ["node", "text/plain"]),
        ("delete ./A", "A", None),
        ("exec ./A=x", "A", None),
    ],
)
def test_commands(words, uri, meta):
    (command,) = compact.shortened(commands.parse([words]))
    item = command.find("Item")
    assert item.path("Target", "LocURI").text() == uri
    found = item.find("Meta")
    assert (None if found is None else [e.text() for e in found.elements()]) == meta


def test_commands_in_blocks_and_foreign_shapes_stay_as_they_mean():
    (block,) = compact.shortened(commands.block("Atomic", commands.parse(["add ./A:chr=x", "delete ./B"])))
    uris = [c.path("Item", "Target", "LocURI").text() for c in block.elements()]
    assert block.name == "Atomic" and uris == ["A", "B"]
    # Meta of the command is a default for its Items: what an Item says against it must stay.
    (command,) = commands.parse(["add ./A:chr=x"])
    command.content.insert(0, compose.sync("Meta", compose.met("Format", "int")))
    (short,) = compact.shortened([command])
    assert short.path("Item", "Meta", "Format").text() == "chr"


def test_short_cmd_ids():
    message = built(*(f"delete ./A{i}" for i in range(70)))
    body = wbxml_decode.decode(message).root.find("SyncBody")
    ids = [c.find("CmdID").text() for c in body.elements() if c.name != "Final"]
    assert len(set(ids)) == 70 and ids[:11] == [*"123456789", "a", "b"] and ids[60:63] == ["Z", "10", "11"]


def test_given_cmd_ids_stay():
    body = commands.parse(["delete ./A", "delete ./B"])
    body[1].content.insert(0, compose.sync("CmdID", "1"))
    ids = [c.find("CmdID").text() for c in compose.prepare(body, True)]
    assert ids == ["2", "1"]


def test_the_shorter_of_the_two():
    twins = [f"replace ./App/Some/Long/Name/{i}=the same value again" for i in range(6)]
    with_table = built(*twins)
    assert wbxml_decode.decode(with_table).table
    assert len(with_table) < min(
        len(compose.build(ACCOUNT, compose.prepare(commands.parse(twins), True), string_table=table))
        for table in (False, True)
    )
    lone = accounts.Account("s.example", "d", "u", "s" * 32, b"n" * 16, 0x12, 345)
    assert not wbxml_decode.decode(built("delete ./A", account=lone)).table


@given(
    st.lists(
        st.tuples(st.text("ABcde", min_size=1, max_size=9), st.text(max_size=40)), min_size=1, max_size=12
    ),
    st.booleans(),
)
def test_every_octet_has_its_line(rows, short):
    words = [f"replace ./{name}={value}" for name, value in rows if value.isprintable()] or ["delete ./A"]
    words = [word.replace("=@", "=@@") for word in words]
    message = built(*words, short=short)
    plan = sms_push.plan(ACCOUNT, message, "+15550199")
    found = octets.of_message(message)
    assert sum(found.values()) == len(message)
    lines = octets.of_push(message, plan.hmac, plan.push, plan.parts)
    assert sum(row.octets for row in lines) == sum(part.octets for part in plan.parts)
    assert len({row.what for row in lines}) == len(lines)


def test_where_the_octets_of_one_replace_are():
    message = built("replace ./Led/State=on")
    plan = sms_push.plan(ACCOUNT, message, "+15550199")
    found = {row.what: row.octets for row in octets.of_push(message, plan.hmac, plan.push, plan.parts)}
    assert found == {
        octets.HEAD: 5, octets.TABLE: 2, octets.FRAME: 7, octets.VERSIONS: 17, octets.NUMBERS: 8,
        octets.TARGET: 34, octets.SOURCE: 21, octets.CRED: 85, octets.ADDRESSES: 13, octets.VALUES: 6,
        octets.COMMANDS: 10, octets.HMAC: 112, octets.WSP: 6, octets.UDH: 36,
    }  # fmt: skip


def test_the_command_shows_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    accounts.create(tmp_path / "a.toml", "com.example.dms", "urn:dev:mac:07")
    done = CliRunner().invoke(
        cli.app, "compose -a a.toml -o m.wbxml --compact replace ./Led/State=on".split()
    )
    assert done.exit_code == 0
    assert re.search(r"^ *85 +Cred", done.stderr, re.M) and "x-syncml-hmac" in done.stderr
    assert "3 SMS of 140" in done.stderr
    assert header_of((tmp_path / "m.wbxml").read_bytes()).path("Source", "LocName") is None
