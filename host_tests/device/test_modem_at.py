"""What a modem says: every variant seen, cuts, garbage."""

import random

import pytest
from device import at

PDU = "0591515500004008915155103200046210203040500014" + "0605040b8423f0110603c2af8702a4016a006d01"
LENGTH = len(PDU) // 2 - 6


def events(octets, step=None):
    talk = at.Talk()
    found = []
    step = step or len(octets) or 1
    for i in range(0, len(octets), step):
        talk.feed(octets[i : i + step])
        while event := talk.next():
            if event == at.SMS:
                found.append((event, talk.source, talk.slot, talk.stat, talk.pdu.hex()))
            elif event == at.STORED:
                found.append((event, talk.mem, talk.index))
            elif event == at.ERROR:
                found.append((event, talk.code))
            else:
                found.append((event, talk.line))
    return found, talk


def sms(source, slot=-1, stat=-1):
    return (at.SMS, source, slot, stat, PDU)


@pytest.mark.parametrize(
    "text, want",
    [
        (f"\r\n+CMT: ,{LENGTH}\r\n{PDU}\r\n", sms(at.DIRECT)),
        (f'\r\n+CMT: "",{LENGTH}\r\n{PDU.upper()}\r\n', sms(at.DIRECT)),
        (f'+CMT: "Smith, John",{LENGTH}\r\n{PDU}\r\n', sms(at.DIRECT)),
        (f"+CMT: {LENGTH}\r\n{PDU}\r\n", sms(at.DIRECT)),
        (f"+CMT:{LENGTH}\r\n\r\n{PDU} \r\n", sms(at.DIRECT)),
        (f"+CDS: {LENGTH}\n{PDU}\n", sms(at.REPORT)),
        (f"+CDS: ,{LENGTH}\n{PDU}\n", sms(at.REPORT)),
        (f"+CMGR: 0,,{LENGTH}\r\n{PDU}\r\n", sms(at.READ, -1, 0)),
        (f"+CMGR: 1,{LENGTH}\r\n{PDU}\r\n", sms(at.READ, -1, 1)),
        (f"+CMGL: 0,1,,{LENGTH}\r\n{PDU}\r\n", sms(at.LISTED, 0, 1)),
        (f'+CMGL: 12,3,"a,b,c",{LENGTH}\r\n{PDU}\r\n', sms(at.LISTED, 12, 3)),
        ('+CMTI: "SM",0\r\n', (at.STORED, b"SM", 0)),
        ('+CMTI:"ME", 23\r\n', (at.STORED, b"ME", 23)),
        ("\r\nOK\r\n", (at.OK, b"OK")),
        ("\r\nERROR\r\n", (at.ERROR, -1)),
        ("\r\n+CMS ERROR: 322\r\n", (at.ERROR, 322)),
        ("\r\n+CME ERROR: SIM busy\r\n", (at.ERROR, -1)),
        ("RDY\r\n", (at.INFO, b"RDY")),
        ("+CREG: 1\r\n", (at.INFO, b"+CREG: 1")),
        ("0123456789\r\n", (at.INFO, b"0123456789")),
    ],
)
def test_lines(text, want):
    for step in (None, 1, 2, 7, 64):
        found, talk = events(text.encode(), step)
        assert found == [want]
        assert talk.garbled == 0


def test_indications_between():
    text = (
        f'AT+CMGL=4\r\r\n+CMGL: 1,0,,{LENGTH}\r\n+CMTI: "SM",4\r\n{PDU}\r\n'
        f"+CMGL: 2,0,,{LENGTH}\r\n^HCSQ: 1\r\n{PDU}\r\n+CREG: 5\r\nOK\r\n"
    )
    found, talk = events(text.encode())
    assert found == [
        (at.INFO, b"AT+CMGL=4"),
        (at.STORED, b"SM", 4),
        # The index of the indication must not be taken for that of the SMS.
        sms(at.LISTED, 1, 0),
        (at.INFO, b"^HCSQ: 1"),
        sms(at.LISTED, 2, 0),
        (at.INFO, b"+CREG: 5"),
        (at.OK, b"OK"),
    ]
    assert talk.garbled == 0


@pytest.mark.parametrize(
    "text, rest",
    [
        (f"+CMT: ,{LENGTH}\r\n{PDU[:-2]}\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\n{PDU[:-1]}\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\n{PDU}00\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\nERROR\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\n{PDU[:20]}zz{PDU[22:]}\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\n+CMT: ,{LENGTH}\r\n{PDU}\r\n", 1),
        (f"+CMT: ,{'9' * 30}\r\n{PDU}\r\n", 1),
        (f"+CMT: \r\n{PDU}\r\n", 1),
        ("+CMT: ,0\r\n \r\nOK\r\n", 1),
        ("x" * 401 + "\r\nOK\r\n", 1),
        (f"+CMT: ,{LENGTH}\r\n" + "a" * 5000 + "\r\nOK\r\n", 1),
        ('+CMTI: "SM",5000\r\nOK\r\n', 1),
        ('+CMTI: "SM"\r\nOK\r\n', 1),
    ],
)
def test_garbled(text, rest):
    for step in (None, 1, 50):
        found, talk = events(text.encode(), step)
        assert len(found) == rest
        assert talk.garbled == (0 if "CMTI" in text else 1)


def test_choices():
    assert at.choices(b"+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)") == [
        [0, 1, 2],
        [0, 1, 2, 3],
        [0, 2],
        [0, 1],
        [0, 1],
    ]
    assert at.choices(b"+CNMI: (0,1,2),(0-3),(0),(0-1),1") == [[0, 1, 2], [0, 1, 2, 3], [0], [0, 1], [1]]
    assert at.choices(b"+CSMS: (0,1,128)") == [[0, 1, 128]]
    assert at.choices(b"+CSMS: (0-1)") == [[0, 1]]
    assert at.choices(b'+CPMS: ("SM","ME"),("SM")') == [[], []]
    assert at.choices(b"+CNMI: (0-99999999)") == []
    assert at.choices(b"+CNMI:") == [[]]


def test_field():
    line = b'+CPMS: "SM",3, 20 ,"ME"'
    assert [at.field(line, i) for i in (0, 1, 2, 3, -1, 4)] == [b"SM", b"3", b"20", b"ME", b"ME", b""]
    assert at.number(b' "20" ') == 20
    assert at.number(b"") == at.number(b"-1") == at.number(b"2a") == at.number(b"123456") == -1


def test_anything_may_be_fed():
    rng = random.Random(11)
    good = f'\r\n+CMGL: 1,0,,{LENGTH}\r\n{PDU}\r\n+CMTI: "SM",1\r\nOK\r\n+CMS ERROR: 3\r\n'.encode()
    for _ in range(3000):
        octets = bytearray(good * 2)
        for _ in range(rng.randrange(6)):
            i = rng.randrange(len(octets))
            match rng.randrange(3):
                case 0:
                    octets[i] = rng.randrange(256)
                case 1:
                    del octets[i : i + rng.randrange(30)]
                case 2:
                    octets[i:i] = rng.randbytes(rng.randrange(500))
        found, talk = events(bytes(octets), rng.choice((None, 1, 33)))
        for event in found:
            if event[0] == at.SMS:
                assert len(event[4]) // 2 > 1
        # Whatever it was: after a line's end, the next line counts.
        talk.feed(b"\r\nOK\r\n")
        last = None
        while event := talk.next():
            last = event
        assert last == at.OK
