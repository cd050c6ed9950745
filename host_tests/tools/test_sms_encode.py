"""Pushes as SMS: read back by the device's own decoders, and equal to what others make of them."""

import json

import pytest
from conftest import ROOT
from dmtool import sms_encode, wsp_encode
from dmtool.errors import ToolError
from hypothesis import given
from hypothesis import strategies as st
from modemsim import pdu as network
from omadm.reassembly import KEPT, READY, Reassembler
from omadm.sms import Deliver
from omadm.wsp import WspPush

VECTORS = ROOT / "host_tests" / "vectors"


def delivered(submit, second=0):
    """What the network makes of a SUBMIT."""
    from datetime import datetime

    return network.deliver_from_submit(submit.pdu, "+15550123", datetime(2026, 1, 2, 3, 4, second))


def put_together(submits, order):
    box = Reassembler(40000)
    deliver = Deliver()
    for i in order:
        to, pdu = delivered(submits[i])
        deliver.parse(pdu, 0, len(pdu))
        assert deliver.ours and to == "+15550199" and deliver.sender(pdu) == "+15550123"
        verdict = box.add(deliver, pdu, 0)
        assert verdict == (READY if i == order[-1] else KEPT)
    message = box.ready()
    return b"".join(box.part(message, seq + 1) for seq in range(message.total))


@given(
    body=st.binary(max_size=5000),
    hmac=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=300),
    app_id=st.none() | st.integers(0, 0xFFFF) | st.just("x-wap-application:syncml.dm"),
    with_length=st.booleans(),
    wide=st.booleans(),
    as_text=st.booleans(),
    data=st.data(),
)
def test_what_goes_in_comes_out(body, hmac, app_id, with_length, wide, as_text, data):
    push = wsp_encode.push(
        body, hmac, app_id, with_length, wsp_encode.DM_WBXML_TEXT if as_text else wsp_encode.DM_WBXML
    )
    parts = sms_encode.split(push, wide=wide)
    submits = [sms_encode.submit("+15550199", part) for part in parts]
    order = data.draw(st.permutations(range(len(parts))))
    whole = put_together(submits, order)
    assert whole == push
    read = WspPush()
    read.parse(whole, 0, len(whole))
    assert whole[read.body :] == body
    assert read.content_type == "application/vnd.syncml.dm+wbxml"
    assert read.app_id == app_id
    assert read.hmac == (None if hmac is None else hmac.encode())
    assert read.content_length == (len(body) if with_length else -1)


def test_equal_to_what_others_split():
    """Kannel's smsbox cut the same push; its SUBMITs are ours, octet for octet."""
    push = (VECTORS / "wsp" / "wsp_dm_push.bin").read_bytes()
    theirs = (VECTORS / "sms" / "kannel_smsbox_submit_raw_udh.pdu").read_text().split()
    reference = bytes.fromhex(theirs[0])[22]
    parts = sms_encode.split(push, reference=reference)
    ours = [sms_encode.submit("+15550123", part, minutes=24 * 60) for part in parts]
    assert [submit.digits for submit in ours] == theirs
    assert [submit.length for submit in ours] == [len(line) // 2 - 1 for line in theirs]
    # And Gammu's SMS-DELIVER carry the same user data, for the same reference.
    gammu = (VECTORS / "sms" / "dm_push_3part_deliver.pdu").read_text().split()
    reference = bytes.fromhex(gammu[0])[32]
    for part, line in zip(sms_encode.split(push, reference=reference), gammu, strict=True):
        assert bytes.fromhex(line).endswith(part.header + part.payload)


def test_headers_as_by_hand():
    cases = {case["name"]: case for case in json.loads((VECTORS / "wsp" / "wsp_push.json").read_text())}
    body = bytes.fromhex("02a4016a006d01")
    for name, made in (
        ("ct_wellknown_appid_int", wsp_encode.push(body, transaction=0x11)),
        ("ct_text_appid_int", wsp_encode.push(body, content_type=wsp_encode.DM_WBXML_TEXT, transaction=0x12)),
        ("appid_text", wsp_encode.push(body, app_id="x-wap-application:syncml.dm", transaction=0x19)),
        ("appid_long_integer_2oct", wsp_encode.push(body, app_id=0x9002, transaction=0x22)),
        ("no_appid", wsp_encode.push(body, app_id=None, transaction=0x20)),
    ):
        assert made.hex() == cases[name]["hex"], name


def test_sizes():
    assert len(sms_encode.split(bytes(133))) == 1
    two = sms_encode.split(bytes(134))
    assert [len(part.payload) for part in two] == [128, 6] and two[0].octets == 140
    assert [len(part.payload) for part in sms_encode.split(bytes(134), wide=True)] == [127, 7]
    assert len(sms_encode.split(bytes(255 * 128))) == 255
    with pytest.raises(ToolError, match="255 SMS hold 32640"):
        sms_encode.split(bytes(255 * 128 + 1))
    with pytest.raises(ToolError, match="2048"):
        wsp_encode.push(b"", "x" * 2100)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_no_header_in_a_header(value):
    with pytest.raises(ToolError, match="line break"):
        wsp_encode.push(b"", value)


@pytest.mark.parametrize("number", ["", "+", "12a", "++1", "1" * 21, "+1 555", "\u0661\u0662"])
def test_numbers_that_are_none(number):
    with pytest.raises(ToolError, match="telephone"):
        sms_encode.address(number)


def test_numbers():
    assert sms_encode.address("+15550123").hex() == "08915155103" + "2"
    assert sms_encode.address("123").hex() == "038121f3"


@pytest.mark.parametrize(
    "minutes, octet, means",
    [
        (1, 0, 5),
        (5, 0, 5),
        (6, 1, 10),
        (720, 143, 720),
        (721, 144, 750),
        (1440, 167, 1440),
        (1441, 168, 2 * 1440),
        (4 * 1440, 170, 4 * 1440),
        (30 * 1440, 196, 30 * 1440),
        (30 * 1440 + 1, 197, 5 * 7 * 1440),
        (10**7, 255, 63 * 7 * 1440),
    ],
)
def test_validity(minutes, octet, means):
    assert sms_encode.validity(minutes) == octet
    if octet <= 143:
        assert (octet + 1) * 5 == means
    elif octet <= 167:
        assert 12 * 60 + (octet - 143) * 30 == means
    elif octet <= 196:
        assert (octet - 166) * 1440 == means
    else:
        assert (octet - 192) * 7 * 1440 == means


def test_service_centre():
    part = sms_encode.split(b"x")[0]
    with_centre = sms_encode.submit("+1555", part, centre="+15550000")
    assert with_centre.pdu[:6].hex() == "059151550000"
    assert with_centre.length == sms_encode.submit("+1555", part).length
