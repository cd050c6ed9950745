"""SMS that strangers may send, by name: each is dropped and counted, costs no flash operation and no heap,
and the next good push works. From the AT parser to a client on flash, under CPython and under MicroPython."""

import json
import random
import subprocess
import sys

import pytest
from conftest import ROOT
from dmtool import wsp_encode
from flow import lockstep
from fuzz import radio_cases, radio_device
from sms_made import PORTS, deliver, part

VECTORS = ROOT / "host_tests" / "vectors"
GOOD_BODY = b"\x02\xa4\x01\x6a\x00\x6d\x01"
DM = b"\xc2\xaf\x87"


def single(push, ies=PORTS, **more):
    return [deliver(ies, push, **more)]


def wsp(headers, body=GOOD_BODY, kind=6, length=None):
    """A push of one SMS with these headers."""
    return single(bytes((1, kind, len(headers) if length is None else length)) + headers + body)


def whole(reference, total=3, second=0):
    """All parts of a push that nobody has proved."""
    push = wsp_encode.push(bytes((reference,)) * (total * 128 - 100), "algorithm=HMAC-SHA256")
    pieces = [push[at : at + 128] for at in range(0, len(push), 128)]
    return [part(i + 1, len(pieces), piece, reference, second=second) for i, piece in enumerate(pieces)]


def vectors(name):
    """PDUs of a file of others' making: SMS, and pushes put into SMS."""
    text = (VECTORS / name).read_text()
    if name.endswith(".pdu"):
        return [bytes.fromhex(line) for line in text.split()]
    found = []
    for case in json.loads(text):
        if "pdus" in case:
            found += [bytes.fromhex(pdu) for pdu in case["pdus"]]
        else:
            found += radio_cases.split(random.Random(1), bytes.fromhex(case["hex"]), 7, size=128)
    return found


def cut(pdu):
    return [pdu[:end] for end in range(1, len(pdu), 3)]


def lies():
    """Every length field with values that are not so."""
    pdu = part(1, 2, b"abcdef")
    fields = {"sca": 0, "sender": 2, "ud": 17, "udh": 18, "ie": 20}
    return [pdu[:at] + bytes((n,)) + pdu[at + 1 :] for at in fields.values() for n in range(0, 256, 7)]


def interleaved():
    messages = [whole(n) for n in range(10)]
    return [parts[i] for i in range(3) for parts in messages]


CASES = {
    "every vector of SMS": lambda: vectors("sms/sms_deliver_cases.json"),
    "every vector of WSP": lambda: vectors("wsp/wsp_push.json"),
    "the truncated push of a gateway": lambda: vectors("sms/kannel_ppg_submit_BROKEN_hmac_in_entity.pdu"),
    "SMS that were to be sent": lambda: vectors("sms/kannel_smsbox_submit_raw_udh.pdu"),
    "a service indication": lambda: vectors("sms/gammu_wap_si_deliver_class1.pdu"),
    "PDUs cut": lambda: cut(deliver(PORTS, b"x" * 40)) + cut(part(1, 3, b"y" * 128)),
    "length fields that lie": lies,
    "a header longer than the SMS": lambda: [b"\0D\0\x81\0\4" + bytes(7) + b"%c\xff" % n for n in (1, 140)],
    "255 parts announced": lambda: [part(n, 255, b"x" * 128) for n in range(1, 256, 5)],
    "more parts than there is room": lambda: [part(n, 62, b"x" * 128) for n in range(1, 63)],
    "part 0": lambda: [part(0, 3, b"x" * 128), part(0, 255, b"x"), part(0, 0, b"x"), part(4, 3, b"x")],
    "parts of ten messages interleaved": interleaved,
    "the same message twice": lambda: whole(1) * 2 + whole(1, second=30),
    "one part again and again": lambda: whole(3)[:1] * 20,
    "parts under one reference that differ": lambda: [part(2, 3, bytes((n,)) * 128) for n in range(30)],
    "HeadersLen beyond the end": lambda: wsp(DM, length=0x40) + single(b"\x01\x06\xff\xff\xff\x7f"),
    "HeadersLen 0": lambda: wsp(b"", length=0),
    "wrong port": lambda: single(b"x", b"\5\4\x0b\x85\x23\xf0") + single(b"x", b"\5\4\x23\xf0\x0b\x84"),
    "no port": lambda: single(b"x", b"\x00\x03\x01\x02\x01"),
    "wrong application id": lambda: wsp(b"\xc2\xaf\x84") + wsp(b"\xc2\xafx-wap-application:wml.ua\0"),
    "wrong content type": lambda: wsp(b"\xc3\xaf\x87") + wsp(b"\xb6\xaf\x87") + wsp(b"text/plain\0\xaf\x87"),
    "SEC and MAC of a bootstrap": lambda: wsp(b"\3\xc2\x91\x81\xaf\x87") + wsp(b"\7\xc2\x91\x81\x9200\0"),
    "a notification (package #0)": lambda: wsp(b"\xc4\xaf\x87", bytes(24)),
    "PDU types of other services": lambda: [wsp(DM, kind=kind)[0] for kind in (1, 4, 5, 7, 0x40, 0x60)],
    "a length that is not so": lambda: wsp(DM + b"\x8d\x88") + wsp(DM + b"\x8d\x86"),
    "a proof that is none": lambda: wsp(DM + b"x-syncml-hmac\0mac=QUJD\0") + wsp(DM + b"x-syncml-hmac\0\0"),
    "type 0 and downloads to SIM or modem": lambda: [deliver(PORTS, b"x", pid=n) for n in (0x40, 0x7C, 0x7F)],
    "codings that are no data": lambda: [deliver(PORTS, b"x", dcs=n) for n in range(256) if n & 0x0C != 4],
    "no SMS at all": lambda: [bytes(n) for n in (1, 9, 170)] + [b"\xff" * n for n in (1, 9, 170)],
}  # fmt: skip


def said(pdus):
    """SMS as a modem says them."""
    return b"".join(b"\r\n+CMT: ,%d\r\n%s\r\n" % (len(p) - 1 - p[0], p.hex().encode()) for p in pdus)


def counted(radio, client):
    """Everything that is dropped is in one of these."""
    receiver = radio.receiver
    return (
        receiver.broken + receiver.foreign + receiver.refused + receiver.dropped + receiver.copies
        + receiver.parts.dropped + client.refused + radio.talk.garbled
    )  # fmt: skip


@pytest.fixture(scope="session")
def board(micropython):
    """Device code compiled for MicroPython."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "mpy.py"), "--tests"], check=True)


@pytest.mark.parametrize("name", CASES)
def test_dropped_and_counted(name):
    device = radio_device.RadioDevice()
    octets = b"".join(
        b"\r\n+CMT: ,%d\r\n%s\r\n" % (len(p) - 1 - p[0], p.hex().encode()) for p in CASES[name]()
    )
    client = device.bench.client
    before = device.bench.flash.ops
    wrong = device.feed(5, -1, 1, octets, counted=True)
    assert wrong == [] and client.accepted == 0
    # What is still to become whole is counted when it is given up.
    assert device.feed(1801, -1, 1, b"\r\nOK\r\n") == []
    assert device.bench.flash.ops == before
    assert counted(device.radio, client) > 0
    assert device.works() == []


def test_the_same_under_micropython(board, tmp_path):
    """All of them to one device, several times: the same outcomes, and the heap at its level."""
    device = radio_device.RadioDevice()
    for turn in range(8):
        for name in CASES:
            pdus = CASES[name]()
            octets = b"".join(
                b"\r\n+CMT: ,%d\r\n%s\r\n" % (len(p) - 1 - p[0], p.hex().encode()) for p in pdus
            )
            assert device.feed(400 * (turn % 2), -1, turn & 1, octets) == [], name
    assert device.works() == []
    assert len(device.cases) > radio_device.ROUND // 2  # else the heap is not looked at
    assert radio_device.on_board(device, tmp_path) == []


def test_a_replayed_push_costs_no_flash_operation():
    device = radio_device.RadioDevice()
    body, header = lockstep.Encoder().message(
        lockstep.SERVERS[b"A"], *device.pair(b"A"), [("replace", "1", b"./P/Fixed", b"7", None, None)]
    )
    push = wsp_encode.push(body, header)
    for turn, applied in enumerate((1, 1, 1)):
        pdus = radio_cases.split(random.Random(turn), push, 9 + turn, size=128)
        octets = said(pdus)
        before = device.bench.flash.ops
        assert device.feed(1, -1, 1, octets) == []
        assert device.bench.client.accepted == applied
        assert (device.bench.flash.ops > before) is (turn == 0)
