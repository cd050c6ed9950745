"""SMS and pushes for people: every vector read as its makers meant it, and nothing ends in a traceback."""

import json
import random

import pytest
from conftest import ROOT
from dmtool import cli, inspect, sms_decode, sms_encode, wsp_decode, wsp_encode
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

VECTORS = ROOT / "host_tests" / "vectors"
MESSAGE = (VECTORS / "wbxml" / "01-commands.v1.2.n.wbxml").read_bytes()
HMAC = 'algorithm=HMAC-SHA256,username="u",mac=x'


def pdus(name):
    return [bytes.fromhex(line) for line in (VECTORS / "sms" / f"{name}.pdu").read_text().split()]


def run(path, *more):
    done = CliRunner().invoke(cli.app, ["inspect", str(path), *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_fields_of_a_deliver_of_gammus_making():
    pdu = sms_decode.read(pdus("dm_push_3part_deliver")[1])
    assert (pdu.kind, pdu.address, pdu.ports) == ("SMS-DELIVER", "+15550123", (2948, 9200))
    assert (pdu.seq, pdu.total, pdu.reference, pdu.wide, pdu.eight_bit) == (2, 3, 0x5A, False, True)
    assert ("time stamp", "2026-01-02 03:04:05 +00:00") in pdu.fields
    assert ("service centre", "+15550000") in pdu.fields


def test_fields_of_a_submit_of_kannels_making():
    pdu = sms_decode.read(pdus("kannel_ppg_submit_leaks_authorization")[0])
    assert (pdu.kind, pdu.address) == ("SMS-SUBMIT", "+15550123")
    assert ("valid for", "25 minutes") in pdu.fields and ("coding", "04 8 bit") in pdu.fields


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(5, "5 minutes"), (720, "720 minutes"), (750, "12.5 hours"), (1440, "24 hours"), (5760, "4 days"),
     (35 * 1440, "5 weeks")],
)  # fmt: skip
def test_validity_as_it_was_asked_for(minutes, told):
    submit = sms_encode.submit("+1555", sms_encode.split(b"x")[0], minutes)
    assert ("valid for", told) in sms_decode.read(submit.pdu).fields


def test_the_vectors_of_deliver():
    for case in json.loads((VECTORS / "sms" / "sms_deliver_cases.json").read_text()):
        pdus = [sms_decode.read(bytes.fromhex(line)) for line in case["pdus"]]
        whole, _ = sms_decode.together(pdus)
        wanted = case["expect"]
        assert all(pdu.kind == "SMS-DELIVER" for pdu in pdus)
        assert pdus[0].address.strip("'") == case["oa"]
        if wanted.get("complete") and "wsp_hex" in wanted:
            assert wanted["wsp_hex"] in [payload.hex() for _, payload in whole], case["name"]
            assert pdus[0].ports[0] == wanted.get("dst_port", 2948)


@pytest.mark.parametrize(
    "name",
    ["dm_push_3part_deliver", "kannel_ppg_submit_hmac_via_http_header", "kannel_smsbox_submit_raw_udh"],
)
def test_parts_become_a_message(tmp_path, name):
    lines = (VECTORS / "sms" / f"{name}.pdu").read_text().split()
    random.Random(1).shuffle(lines)
    path = tmp_path / "pdus"
    path.write_text("AT+CMGL=4\n+CMGL: 1,1,,155\n" + "\n".join([*lines, lines[0].lower()]) + "\nOK\n")
    done = run(path)
    assert done.exit_code == 0 and "WSP push" in done.stdout and "x-syncml-hmac" in done.stdout
    assert "SyncHdr" in done.stdout and "269 octets, WBXML 1.2" in done.stderr
    xml = run(path, "--xml").stdout
    assert xml.startswith("<SyncML") and "SMS" not in xml


def test_what_is_missing_is_named(tmp_path):
    path = tmp_path / "pdus"
    path.write_text("\n".join((VECTORS / "sms" / "dm_push_3part_deliver.pdu").read_text().split()[::2]))
    done = run(path)
    assert done.exit_code == 1 and "of 3 parts of reference 5A: 2 missing" in done.stderr


@pytest.mark.parametrize("text", [False, True])
def test_a_push_alone_and_a_message_alone(tmp_path, text):
    path = tmp_path / "file"
    for octets, told in ((wsp_encode.push(MESSAGE, HMAC), "WSP push"), (MESSAGE, "SyncML")):
        path.write_bytes(octets)
        if text:
            digits = octets.hex()
            path.write_text("\n".join(digits[i : i + 64] for i in range(0, len(digits), 64)))
        done = run(path)
        assert done.exit_code == 0 and told in done.stdout and "Final" in done.stdout


def test_our_own_submits(tmp_path):
    push = wsp_encode.push(MESSAGE, HMAC, with_length=True)
    path = tmp_path / "pdus"
    for wide in (False, True):
        parts = sms_encode.split(push, 0x5A, wide)
        path.write_text("\n".join(sms_encode.submit("+15550199", part).digits for part in parts))
        done = run(path)
        assert (
            done.exit_code == 0 and f"1 of {len(parts)}, reference {'005A' if wide else '5A'}" in done.stdout
        )
        assert f'algorithm=HMAC-SHA256,username="u",mac=x' in done.stdout  # noqa: F541


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("kannel_authorization_leak_wsp", "Authorization, readable"),
        ("kannel_BROKEN_hmac_in_entity_wsp", "offset 0"),
    ],
)
def test_what_is_wrong_is_told(name, told):
    done = run(VECTORS / "wsp" / f"{name}.bin")
    assert done.exit_code == 1 and told in done.stderr and "Zm9v" not in done.output


def test_a_truncated_push_shows(tmp_path):
    path = tmp_path / "push"
    path.write_bytes(wsp_encode.push(MESSAGE, HMAC, with_length=True)[:-40])
    done = run(path)
    assert done.exit_code == 1 and f"Content-Length is {len(MESSAGE)}" in done.stderr


def test_the_vectors_of_wsp():
    read = 0
    for case in json.loads((VECTORS / "wsp" / "wsp_push.json").read_text()):
        wanted = case["expect"]
        try:
            push = wsp_decode.read(bytes.fromhex(case["hex"]))
        except wsp_decode.WspError as error:
            assert str(error) and "ct" not in wanted, case["name"]
            continue
        read += 1
        shown = dict(push.headers)
        if "ct" in wanted:
            assert push.content_type == wanted["ct"].split(" ")[0], case["name"]
        if "body_len" in wanted:
            assert len(push.body) == wanted["body_len"], case["name"]
        if isinstance(wanted.get("appid"), int):
            assert shown["X-Wap-Application-Id"].startswith(str(wanted["appid"])), case["name"]
    assert read > 10


def test_an_alphanumeric_sender_and_a_text():
    packed = bytes.fromhex("c4e6b42cb797e5")
    stamp = bytes.fromhex("62102030405040")
    pdu = sms_decode.read(
        b"\0\x04\x0e\xd0" + packed + b"\0\0" + stamp + b"\x05" + bytes.fromhex("c8329bfd06")
    )
    assert pdu.address == "'DMServer'" and ("text", "'Hello'") in pdu.fields
    assert any(name == "time stamp" and text.endswith("+01:00") for name, text in pdu.fields)


@given(st.binary(max_size=200))
def test_any_octets(data):
    for octets in (data, data.hex().encode(), b"\n".join([data.hex().encode()] * 3), b"\0\x06" + data):
        found = inspect.examine(octets)
        for section in found.sections:
            assert inspect.section_lines(section)


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
def test_any_change(at, change):
    line = bytearray(pdus("dm_push_3part_deliver")[at % 3])
    place = at // 3 % len(line)
    line[place : place + len(change)] = change
    inspect.examine(bytes(line).hex().encode())
    push = bytearray(wsp_encode.push(MESSAGE, HMAC))
    push[at % 60 : at % 60 + len(change)] = change
    inspect.examine(bytes(push))
