# SMS-DELIVER and reassembly: SMS of others' making, every cut, lengths that lie, mutations.
import gc
import json

from check import raises
from omadm.errors import Malformed
from omadm.sms import DUPLICATE, KEPT, LATER, READY, REFUSED, Deliver, Reassembler

VECTORS = __file__.rsplit("/", 1)[0] + "/../vectors/sms/" if "/" in __file__ else "../vectors/sms/"

CUT = 120
BAD_SCA = 121
BAD_SENDER = 122
BAD_LENGTH = 123
TAIL = 124
BAD_HEADER = 125

PORTS = b"\x05\x04\x0b\x84\x23\xf0"


def unhex(text):
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


def load(name):
    with open(VECTORS + name) as f:
        return f.read()


def lines(name):
    return [unhex(line) for line in load(name).split()]


def parse(pdu):
    d = Deliver()
    d.parse(pdu, 0, len(pdu))
    return d


def deliver(ies, payload, oa=b"\x08\x91\x51\x55\x10\x32", dcs=4, pid=0, second=0, first=0x40):
    """Make an SMS-DELIVER with these information elements (None: no header)."""
    ud = payload if ies is None else bytes((len(ies),)) + ies + payload
    head = bytes((first if ies is not None else 0,)) + oa + bytes((pid, dcs))
    stamp = bytes((0x62, 0x10, 0x20, 0x30, 0x40, second % 10 << 4 | second // 10, 0))
    return b"\x00" + head + stamp + bytes((len(ud),)) + ud


def part(seq, total, payload, ref=1, oa=b"\x08\x91\x51\x55\x10\x32", second=0):
    return deliver(bytes((0, 3, ref, total, seq)) + PORTS, payload, oa, second=second)


class Box:
    """A Reassembler with the parser in front of it."""

    def __init__(self, room=4096, **more):
        self.parts = Reassembler(room, **more)
        self.deliver = Deliver()

    def put(self, pdu, now=0, token=-1, press=True):
        self.deliver.parse(pdu, 0, len(pdu))
        assert self.deliver.ours
        verdict = self.parts.add(self.deliver, pdu, now, token, press)
        self.check()
        return verdict

    def take(self, remember=True):
        a = self.parts.ready()
        if a is None:
            return None
        self.parts.done(a, remember)
        self.check()
        return b"".join(a.payload())

    def trash(self):
        tokens = sorted(self.parts.trash)
        self.parts.trash.clear()
        return tokens

    def check(self):
        parts = self.parts
        assert 0 <= parts.octets <= parts.room
        if not parts._open:
            assert parts.octets == 0


def test_vectors():
    box = Box()
    seen = 0
    gc.collect()
    with open(VECTORS + "sms_deliver_cases.json") as f:
        cases = json.load(f)
    for case in cases:
        want = case["expect"]
        name = case["name"]
        seen += 1
        verdict = None
        for text in case["pdus"]:
            pdu = unhex(text)
            d = parse(pdu)
            assert d.sender(pdu) == case["oa"], (name, d.sender(pdu))
            assert d.ours is not want.get("ignore", False), name
            assert d.tpdu == 6
            if d.ours:
                assert verdict in (None, KEPT), name
                verdict = box.put(pdu)
        got = box.take()
        if want.get("complete"):
            assert verdict == READY and got == unhex(want["wsp_hex"]), name
        else:
            assert verdict in (None, KEPT) and got is None, name
    assert seen == 16
    assert box.parts.dropped == 0 and len(box.parts._open) == 1


def test_any_order_and_interleaved():
    pdus = lines("dm_push_3part_deliver.pdu")
    whole = b"".join([p[parse(p).off :] for p in pdus])
    assert len(whole) == 381
    for a in range(3):
        for b in range(3):
            if a != b:
                box = Box()
                assert box.put(pdus[a]) == KEPT and box.put(pdus[b]) == KEPT
                assert box.take() is None
                assert box.put(pdus[3 - a - b]) == READY
                assert box.take() == whole and box.take() is None
    box = Box()
    for seq in (2, 1, 3):
        for ref in (9, 7, 8):
            for oa in (b"\x08\x91\x51\x55\x10\x32",):
                box.put(part(seq, 3, bytes((ref, seq)) * 64, ref, oa, 60 - ref))
    # The one that was sent first comes first.
    for ref in (9, 8, 7):
        assert box.take() == b"".join([bytes((ref, seq)) * 64 for seq in (1, 2, 3)])
    assert box.take() is None and box.parts.octets == 0


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


def test_late_copies_are_ignored():
    box = Box()
    pdus = [part(i + 1, 3, bytes((i,)) * 128) for i in range(3)]
    for i in range(3):
        box.put(pdus[i], token=i)
    assert box.take()
    assert box.trash() == [0, 1, 2]
    for i in range(3):
        assert box.put(pdus[i], token=9) == DUPLICATE
    assert not box.parts._open
    # The same octets sent anew have another time stamp: a new message.
    again = [part(i + 1, 3, bytes((i,)) * 128, second=9) for i in range(3)]
    assert [box.put(p) for p in again] == [KEPT, KEPT, READY]
    assert box.take()
    # What is not to be remembered is forgotten.
    pdus = [part(i + 1, 2, b"z" * 128, ref=77) for i in range(2)]
    for _ in range(2):
        assert [box.put(p) for p in pdus] == [KEPT, READY]
        assert box.take(False)
    # Only the last few are remembered.
    for ref in range(10):
        for p in [part(i + 1, 2, b"y" * 128, ref=ref) for i in range(2)]:
            box.put(p)
        assert box.take()
    assert box.put(part(1, 2, b"y" * 128, ref=0)) == KEPT
    assert box.put(part(1, 2, b"y" * 128, ref=9)) == DUPLICATE


def test_copies_while_open():
    box = Box()
    one = part(1, 2, b"a" * 128)
    assert box.put(one, token=4) == KEPT
    assert box.put(one, token=4) == KEPT  # read from the store once more
    assert box.put(one, token=5) == DUPLICATE
    assert box.put(one) == DUPLICATE
    two = part(2, 2, b"b" * 128)
    assert box.put(two) == READY
    assert box.put(two) == KEPT and box.put(one, token=4) == KEPT
    assert box.put(two, token=6) == KEPT
    assert box.put(part(2, 2, b"c" * 128)) == LATER  # reference used anew, too early
    assert box.take() == b"a" * 128 + b"b" * 128
    assert box.trash() == [4, 6]


def test_reference_used_anew():
    box = Box()
    box.put(part(1, 3, b"a" * 128), token=1)
    box.put(part(2, 3, b"a" * 128), token=2)
    assert box.put(part(2, 3, b"b" * 128), token=3) == KEPT
    assert box.trash() == [1, 2] and box.parts.dropped == 1
    box.put(part(1, 3, b"b" * 128), token=4)
    assert box.put(part(3, 3, b"b" * 128), token=5) == READY
    assert box.take() == b"b" * 384
    # Another number of parts, another width of the reference, other ports: other messages.
    box = Box()
    box.put(part(1, 2, b"a" * 128))
    box.put(part(1, 3, b"b" * 128))
    box.put(deliver(b"\x08\x04\x00\x01\x02\x01" + PORTS, b"c" * 127))
    box.put(deliver(b"\x00\x03\x01\x02\x01\x05\x04\x0b\x84\x0b\x84", b"d" * 128))
    assert len(box.parts._open) == 4 and box.parts.dropped == 0


def test_too_many_messages():
    box = Box()
    for ref in range(4):
        assert box.put(part(1, 2, b"a" * 128, ref), now=ref, token=ref, press=False) == KEPT
    # Without pressure nobody is pushed out before some time without a part; the store keeps all.
    fifth = part(1, 2, b"a" * 128, 4)
    assert box.put(fifth, now=19, token=4, press=False) == LATER
    assert box.put(fifth, now=20, token=4, press=False) == KEPT
    assert box.trash() == [] and box.parts.dropped == 1
    assert box.put(part(1, 2, b"a" * 128, 0), now=20, token=0, press=False) == LATER
    # Under pressure the oldest goes, from the store too.
    assert box.put(part(1, 2, b"a" * 128, 5), now=61, token=5) == KEPT
    assert box.trash() == [1]
    # A message of one part needs no place among them.
    assert box.put(deliver(PORTS, b"one"), now=61, press=False) == READY
    assert box.take() == b"one"
    # What is whole is never pushed out.
    for ref in (2, 3, 4, 5):
        assert box.put(part(2, 2, b"b" * 128, ref), now=62) == READY
    assert box.put(fifth, now=63) == DUPLICATE
    assert box.put(part(1, 2, b"a" * 128, 9), now=4000) == LATER
    while box.take():
        pass
    assert box.put(part(1, 2, b"a" * 128, 9), now=4000) == KEPT


def test_ten_messages_interleaved_in_a_store():
    # As the modem driver does it: what comes LATER stays in the store and is read again.
    store = {}
    for seq in (2, 1, 3):
        for ref in range(10):
            store[len(store)] = part(seq, 3, bytes((ref, seq)) * 64, ref, second=ref)
    box = Box()
    got = []
    now = 0
    rounds = 0
    while store:
        rounds += 1
        now += 10
        for token in sorted(store):
            verdict = box.put(store[token], now, token, False)
            if verdict == DUPLICATE or verdict == REFUSED:
                del store[token]
        whole = box.take()
        while whole:
            got.append(whole[0])
            whole = box.take()
        for token in box.trash():
            del store[token]
        assert rounds < 9
    assert sorted(got) == list(range(10)) and rounds == 3


def test_what_cannot_fit():
    box = Box(room=1024)
    assert box.put(part(1, 9, b"a" * 128)) == REFUSED  # 8 full parts and one more octet
    assert box.put(part(9, 9, b"a")) == KEPT  # 8 * 127: might fit
    assert box.put(part(10, 10, b"a")) == REFUSED
    assert box.put(part(1, 255, b"a" * 128)) == REFUSED
    assert box.put(part(255, 255, b"a" * 128)) == REFUSED
    assert len(box.parts._open) == 1
    # 255 parts of one octet are announced honestly, and still don't get what they claim.
    box = Box(room=1024)
    n = 0
    while box.put(part(n + 1, 255, bytes((n & 1,)), 3), token=n) == KEPT:
        n += 1
    assert n == 16 and not box.parts._open and box.trash() == list(range(16))
    # Room is shared: the older one goes, or waits.
    box = Box(room=1024)
    for seq in range(1, 5):
        assert box.put(part(seq, 6, b"a" * 128, 1), 0, seq) == KEPT
        assert box.put(part(seq, 6, b"b" * 128, 2), 1, seq + 10) == KEPT
    assert box.put(part(5, 6, b"a" * 128, 1), 2, 5, False) == LATER
    assert box.put(part(5, 6, b"b" * 128, 2), 3, 15) == KEPT
    assert box.trash() == [1, 2, 3, 4]
    assert box.put(part(6, 6, b"b" * 128, 2), 4, 16) == READY
    assert box.take() == b"b" * 768
    box = Box(room=100)
    assert box.put(deliver(PORTS, b"c" * 101)) == REFUSED
    assert box.put(deliver(PORTS, b"")) == READY and box.take() == b""


def test_time_out():
    box = Box(timeout=1800, lifetime=5000)
    box.put(part(1, 4, b"a" * 128, 1), now=100, token=1)
    box.put(part(2, 4, b"a" * 128, 1), now=1899, token=2)
    box.parts.expire(3698)
    assert len(box.parts._open) == 1
    box.parts.expire(3699)
    assert not box.parts._open and box.trash() == [1, 2] and box.parts.dropped == 1
    # The lifetime ends it, however busy it is.
    for seq in range(1, 4):
        box.put(part(seq, 4, b"a" * 128, 1), now=4000 + seq * 1700)
    box.parts.expire(5700 + 4999)
    assert len(box.parts._open) == 1
    box.parts.expire(5700 + 5000)
    assert not box.parts._open
    # A copy is no sign of life; a whole message does not time out.
    box.put(part(1, 2, b"a" * 128, 2), now=20000)
    box.put(part(1, 2, b"a" * 128, 2), now=21000)
    box.parts.expire(21800)
    assert not box.parts._open
    box.put(deliver(PORTS, b"x"), now=22000)
    box.parts.expire(99999)
    assert box.take() == b"x"


def test_store_under_pressure_and_restart():
    box = Box()
    for seq in (1, 2):
        box.put(part(seq, 3, bytes((seq,)) * 128), token=seq)
    box.parts.release()
    assert box.trash() == [1, 2]
    box.parts.release()
    assert box.trash() == []
    # Seen in the store again, the copy is taken for what it is.
    assert box.put(part(1, 3, b"\x01" * 128), token=8) == KEPT
    box.parts.trash.append(5)
    box.parts.restart()
    assert box.trash() == []
    assert box.put(part(1, 3, b"\x01" * 128), token=9) == KEPT
    assert box.put(part(3, 3, b"\x03" * 128), token=10) == READY
    assert box.take() and box.trash() == [9, 10]


class Random:
    # The same numbers under both interpreters.
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n


def test_shuffled_and_repeated():
    random = Random(3)
    for n in (2, 3, 14):
        gc.collect()
        whole = bytearray(n * 128 - 5)
        for i in range(len(whole)):
            whole[i] = random.below(256)
        pdus = [part(i + 1, n, whole[i * 128 : i * 128 + 128]) for i in range(n)]
        pdus += pdus[:]
        for i in range(len(pdus)):
            k = random.below(len(pdus))
            pdus[i], pdus[k] = pdus[k], pdus[i]
        box = Box(room=8192)
        got = []
        for now in range(len(pdus)):
            box.put(pdus[now], now)
            text = box.take()
            if text:
                got.append(text)
        assert got == [whole] and not box.parts._open


def run_mutations(box, random, seeds, runs):
    d = box.deliver
    parts = box.parts
    good = 0
    for now in range(runs):
        pdu = bytearray(seeds[random.below(len(seeds))])
        for _ in range(random.below(3)):
            at = random.below(min(len(pdu), 40))
            kind = random.below(8)
            if kind < 3:
                pdu[at] ^= 1 << random.below(8)
            elif kind < 5:
                pdu[at] = random.below(256)
            elif kind == 5:
                pdu = pdu[: max(1, at)]
            elif kind == 6:
                pdu = pdu[:at] + bytes((random.below(256),)) + pdu[at:]
            else:
                pdu[at : at + 1] = b""
        try:
            d.parse(pdu, 0, len(pdu))
        except Malformed as e:
            assert 120 <= e.args[0] < 140
            continue
        if not d.ours:
            continue
        assert d.off <= d.end <= len(pdu) and 0 < d.seq <= d.total
        verdict = parts.add(d, pdu, now * 5, random.below(50) - 1, random.below(2) == 0)
        assert KEPT <= verdict <= LATER
        a = parts.ready()
        if a:
            a.payload()
            parts.done(a)
            good += 1
        parts.trash.clear()
        assert 0 <= parts.octets <= parts.room and len(parts._open) <= 4
    return good


def used():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else None


def test_mutations():
    seeds = [part(1 + i % 5, 5, bytes((i,)) * 128, i % 7) for i in range(35)]
    seeds += lines("dm_push_3part_deliver.pdu") * 8
    seeds.append(deliver(PORTS, b"abc"))
    random = Random(7)
    box = Box(room=1500)
    assert run_mutations(box, random, seeds, 2000) > 50

    def level():
        box.parts.expire(10**6)
        box.parts._finished.clear()
        return used()

    before = level()
    run_mutations(box, random, seeds, 8000)
    after = level()
    assert before is None or after - before < 1024, (before, after)
