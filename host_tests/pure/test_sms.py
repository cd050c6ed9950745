# SMS-DELIVER: SMS of others' making, every coding, every cut, lengths that lie.
from check import raises
from omadm.errors import Malformed
from omadm.sms import Deliver
from sms_made import PORTS, deliver, lines, parse, part

CUT = 120
BAD_SCA = 121
BAD_SENDER = 122
BAD_LENGTH = 123
TAIL = 124
BAD_HEADER = 125


def test_others_are_not_ours():
    pdu = lines("gammu_wap_si_deliver_class1.pdu")[0]
    assert parse(pdu).ours  # by its port; its content type says no, later
    for pdu in lines("kannel_smsbox_submit_raw_udh.pdu"):
        assert not parse(pdu).ours  # SUBMIT
    ours = deliver(PORTS, b"x")
    assert parse(ours).ours
    assert not parse(b"\x00\x02\x07\x08\x91\x51").ours  # status report
    assert not parse(b"\x00\x01\x00\x00").ours
    assert parse(deliver(PORTS, b"x", first=0x43)).ours  # reserved type: as DELIVER
    assert not parse(deliver(None, b"x")).ours
    for port in (2947, 2949, 9200, 0, 0x840B):
        ies = bytes((5, 4, port >> 8, port & 255, 0x23, 0xF0))
        assert not parse(deliver(ies, b"x")).ours
    for pid in (0x40, 0x7C, 0x7D, 0x7E, 0x7F):
        assert not parse(deliver(PORTS, b"x", pid=pid)).ours
    for pid in (0, 1, 0x20, 0x3F, 0x41, 0x7B, 0xC0):
        assert parse(deliver(PORTS, b"x", pid=pid)).ours


def test_every_coding():
    ours = []
    for dcs in range(256):
        try:
            if parse(deliver(PORTS, b"x", dcs=dcs)).ours:
                ours.append(dcs)
        except Malformed:
            raise AssertionError(dcs)
    want = []
    for group in (0x00, 0x10, 0x40, 0x50):
        want += [group | 4 | c for c in range(4)]
    want += [0xF4, 0xF5, 0xF6, 0xF7, 0xFC, 0xFD, 0xFE, 0xFF]
    assert ours == want, ours


def test_header_elements():
    def body(ies):
        d = parse(deliver(ies, b"x"))
        return (d.total, d.seq) if d.ours else None

    concat8 = b"\x00\x03\x05\x03\x02"
    concat16 = b"\x08\x04\x05\x06\x04\x01"
    assert body(PORTS) == (1, 1)
    assert body(b"") is None
    assert body(concat8) is None
    assert body(PORTS + concat8) == (3, 2) == body(concat8 + PORTS)
    assert body(PORTS + concat16) == (4, 1) == body(concat16 + PORTS)
    # The last valid one counts; one that isn't valid counts for nothing.
    assert body(concat16 + PORTS + concat8) == (3, 2)
    assert body(concat8 + PORTS + concat16) == (4, 1)
    for bad in (b"\x00\x03\x05\x03\x00", b"\x00\x03\x05\x03\x04", b"\x00\x03\x05\x00\x00"):
        assert body(PORTS + bad) == (1, 1)
        assert body(concat8 + PORTS + bad) == (3, 2)
    for bad in (b"\x08\x04\x05\x06\x04\x05", b"\x08\x04\x05\x06\x00\x00", b"\x08\x03\x05\x04\x01"):
        assert body(PORTS + bad) == (1, 1)
    assert body(PORTS + b"\x00\x04\x05\x03\x02\x02") == (1, 1)
    assert body(PORTS + b"\x05\x04\x23\xf0\x0b\x84") is None
    assert body(PORTS + b"\x05\x04\xff\xff\x0b\x84") == (1, 1)  # no port: above 49151
    assert body(PORTS + b"\x05\x03\x0b\x84\x23") == (1, 1)
    assert body(PORTS + b"\x04\x02\xf0\xf1") is None
    assert body(PORTS + b"\x04\x02\x10\xf1") == (1, 1)  # reserved
    assert body(b"\x04\x02\xf0\xf1" + PORTS) == (1, 1)
    assert body(b"\x70\x00" + PORTS + b"\x24\x01\x03") == (1, 1)
    # Lengths that don't add up spoil the whole header.
    for bad in (b"\x70", b"\x70\x01", b"\x00\x03\x05\x03", b"\x70\xff"):
        assert body(PORTS + bad) is None


def test_every_cut_and_every_tail():
    for pdu in lines("dm_push_3part_deliver.pdu") + [deliver(PORTS, b""), part(1, 2, b"abc")]:
        for end in range(len(pdu)):
            d = Deliver()
            raises(Malformed, CUT, d.parse, pdu, 0, end)
            assert not d.ours
        assert parse(pdu + b"\xff" * 9).ours
        raises(Malformed, TAIL, parse, pdu + b"\xff\x00")
        inside = b"\x07" + pdu + b"\x07"
        d = Deliver()
        d.parse(inside, 1, 1 + len(pdu))
        assert d.ours and d.end == 1 + len(pdu)


def test_lengths_that_lie():
    pdu = part(1, 2, b"abcdef")
    where = {"sca": 0, "sender": 2, "ud": 17, "udh": 18, "ie": 20}
    assert pdu[where["ud"]] == 18 and pdu[where["udh"]] == 11 and pdu[where["ie"]] == 3

    def lie(field, n):
        at = where[field]
        return pdu[:at] + bytes((n,)) + pdu[at + 1 :]

    for n in range(256):
        for field in where:
            try:
                d = parse(lie(field, n))
            except Malformed as e:
                assert 120 <= e.args[0] < 140
                continue
            if d.ours:
                assert 0 <= d.off <= d.end <= len(pdu), (field, n)
    for n in range(12, 256):
        raises(Malformed, BAD_SCA, parse, lie("sca", n))
    for n in range(21, 256):
        raises(Malformed, BAD_SENDER, parse, lie("sender", n))
    for n in range(141, 256):
        raises(Malformed, BAD_LENGTH, parse, lie("ud", n))
    for n in range(19, 141):
        raises(Malformed, CUT, parse, lie("ud", n))
    for n in range(12, 18):
        raises(Malformed, TAIL, parse, lie("ud", n))
    for n in range(18, 256):
        raises(Malformed, BAD_HEADER, parse, lie("udh", n))
    raises(Malformed, BAD_HEADER, parse, deliver(b"", b"")[:-2] + b"\x00")


def test_senders():
    for oa, want in (
        (b"\x08\x91\x51\x55\x10\x32", "+15550123"),
        (b"\x07\x81\x51\x55\x10\xf2", "1555012"),
        (b"\x00\x81", ""),
        (b"\x04\xa8\xba\xdc", "*#ab"),
        (b"\x0e\xd0\xc4\xe6\xb4\x2c\xb7\x97\xe5", "DMServer"),
        (b"\x05\xd0\x80\x40\x00", "??"),
        (b"\x01\xd0\x00", ""),
    ):
        pdu = deliver(PORTS, b"", oa)
        assert parse(pdu).sender(pdu) == want
