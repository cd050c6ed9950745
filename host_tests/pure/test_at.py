# The AT parser of the modem driver, fed with everything, under both interpreters.
# What each line means is in host_tests/device/test_modem_at.py.
import gc

from device.at import DIRECT, ERROR, LISTED, NONE, OK, SMS, STORED, Talk, choices, field, number

PDU = b"00440891515510320004621020304050000705040b8423f041"
GOOD = (
    b"\r\n+CMGL: 1,0,,24\r\n" + PDU + b'\r\n+CMTI: "SM",7\r\n+CMT: ,24\r\n' + PDU + b"\r\n"
    b"\r\nOK\r\n+CMS ERROR: 322\r\n"
)


class Random:
    # The same numbers under both interpreters.
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n


def events(talk, octets):
    talk.feed(octets)
    found = []
    event = talk.next()
    while event != NONE:
        found.append((event, talk.source) if event == SMS else event)
        event = talk.next()
    return found


def test_every_split():
    want = [(SMS, LISTED), STORED, (SMS, DIRECT), OK, ERROR]
    for i in range(len(GOOD)):
        talk = Talk()
        assert events(talk, GOOD[:i]) + events(talk, GOOD[i:]) == want, i
        assert talk.garbled == 0 and talk.index == 7 and talk.code == 322
    talk = Talk()
    found = []
    for i in range(len(GOOD)):
        found += events(talk, GOOD[i : i + 1])
    assert found == want


def test_numbers():
    assert field(b'+CPMS: "SM",3,20', 2) == b"20" and number(b' "20"') == 20
    assert choices(b"+CNMI: (0-2),(1),3") == [[0, 1, 2], [1], [3]]


def test_blanks_between_digits_are_no_octets():
    for blank in (b" ", b"\x0b", b"\t"):
        talk = Talk()
        assert events(talk, b"+CMT: ,24\r\n" + PDU[:20] + blank * 2 + PDU[20:] + b"\r\n") == []
        assert talk.garbled == 1
        assert events(talk, b"+CMT: ,24\r\n" + blank + PDU + blank + b"\r\n") == [(SMS, DIRECT)]


def run_mutations(talk, random, runs):
    for _ in range(runs):
        octets = bytearray(GOOD)
        for _ in range(random.below(4)):
            at = random.below(len(octets))
            kind = random.below(3)
            if kind == 0:
                octets[at] = random.below(256)
            elif kind == 1:
                octets = octets[:at] + octets[at + random.below(40) :]
            else:
                octets = octets[:at] + bytes((random.below(256),)) * random.below(500) + octets[at:]
        events(talk, bytes(octets))
        # Whatever it was: a line after it counts again.
        assert events(talk, b"\r\n\r\nOK\r\n")[-1] == OK


def used():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else None


def test_mutations():
    talk = Talk()
    run_mutations(talk, Random(1), 100)
    talk.reset()
    before = used()
    run_mutations(talk, Random(2), 3000)
    talk.reset()
    after = used()
    assert before is None or after - before < 1024, (before, after)
    assert talk.garbled > 500
