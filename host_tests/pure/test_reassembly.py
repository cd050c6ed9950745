# Reassembly: any order, copies, references used anew, too many and too much, time-outs, no heap, mutations.
import gc
import json

from omadm.errors import Malformed
from omadm.reassembly import DUPLICATE, KEPT, LATER, READY, REFUSED, Reassembler
from omadm.sms import Deliver
from sms_made import PORTS, VECTORS, Random, deliver, lines, parse, part, unhex


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
        parts = self.parts
        message = parts.ready()
        if message is None:
            return None
        whole = b"".join([bytes(parts.part(message, i + 1)) for i in range(message.total)])
        assert len(whole) == parts.octets(message, 1)
        parts.done(message, remember)
        self.check()
        return whole

    def open(self):
        """How many messages there are."""
        return sum([message.total > 0 for message in self.parts._messages])

    def trash(self):
        tokens = sorted(self.parts.trash)
        self.parts.trash.clear()
        return tokens

    def check(self):
        check(self.parts)


def check(parts):
    """Every slot belongs to a message, and every message has the parts that it says it has."""
    held = 0
    for message in parts._messages:
        if message.total:
            seqs = [parts._seq[i] for i in range(parts.slots) if parts._owner[i] == message.number]
            assert len(seqs) == len(set(seqs)) == message.total - message.missing
            assert not seqs or min(seqs) >= 1 and max(seqs) <= message.total <= parts.slots
            assert message.first <= message.last
            held += len(seqs)
    assert held == parts.slots - list(parts._owner).count(0)


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
    assert box.parts.dropped == 0 and box.open() == 1


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
    assert box.take() is None and box.open() == 0


def test_late_copies_are_ignored():
    box = Box()
    pdus = [part(i + 1, 3, bytes((i,)) * 128) for i in range(3)]
    for i in range(3):
        box.put(pdus[i], token=i)
    assert box.take()
    assert box.trash() == [0, 1, 2]
    for i in range(3):
        assert box.put(pdus[i], token=9) == DUPLICATE
    assert not box.open()
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
    for ref in range(32):
        for p in [part(i + 1, 2, b"y" * 128, ref=ref) for i in range(2)]:
            box.put(p)
        assert box.take()
    assert box.put(part(1, 2, b"y" * 128, ref=0)) == KEPT
    for ref in range(3, 32):
        assert box.put(part(1, 2, b"y" * 128, ref=ref)) == DUPLICATE


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
    assert box.open() == 4 and box.parts.dropped == 0


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
    # A message of more parts than there are slots is refused with its first part, whatever that is.
    box = Box(room=1064)
    assert box.parts.slots == 8
    for seq, total in ((1, 9), (9, 9), (1, 255), (255, 255), (100, 100)):
        for size in (0, 1, 128):
            assert box.put(part(seq, total, b"a" * size)) == REFUSED
    assert box.open() == 0 and not box.trash()
    whole = b""
    for seq in range(1, 9):
        assert box.put(part(seq, 8, bytes((seq,)) * 128)) == (READY if seq == 8 else KEPT)
        whole += bytes((seq,)) * 128
    assert box.take() == whole
    # Slots are shared: the one without a new part for longest goes, or waits.
    for seq in range(1, 5):
        assert box.put(part(seq, 6, b"a" * 128, 1), 0, seq) == KEPT
        assert box.put(part(seq, 6, b"b" * 128, 2), 1, seq + 10) == KEPT
    assert box.put(part(5, 6, b"a" * 128, 1), 2, 5, False) == LATER
    assert box.put(part(5, 6, b"b" * 128, 2), 3, 15) == KEPT
    assert box.trash() == [1, 2, 3, 4]
    assert box.put(part(6, 6, b"b" * 128, 2), 4, 16) == READY
    assert box.take() == b"b" * 768
    # One SMS alone: five octets longer, for its header has no more than the ports.
    assert box.put(deliver(PORTS, b"c" * 133)) == READY and box.take() == b"c" * 133
    assert box.put(deliver(PORTS, b"")) == READY and box.take() == b""
    for i in range(4):
        assert box.put(deliver(PORTS, b"d%d" % i)) == READY
    assert box.put(deliver(PORTS, b"d4")) == LATER and box.parts.dropped == 1
    # No room at all.
    assert Box(room=132).put(deliver(PORTS, b"c")) == REFUSED


def test_what_never_becomes_whole_keeps_nobody_out():
    # Ten messages lack a part for ever, and lie in the store before one that is whole; again and
    # again the store is read in its order.
    store = {ref: part(1, 2, b"n" * 128, ref) for ref in range(10)}
    box = Box()
    late = []
    got = []
    now = 0
    while now < 4000:
        if now == 294:
            for seq in range(1, 9):
                store[20 + seq] = part(seq, 8, b"%d" % seq * 128, 99, second=1)
        for token in sorted(store):
            verdict = box.put(store[token], now, token, False)
            if verdict == DUPLICATE or verdict == REFUSED:
                del store[token]
        whole = box.take()
        if whole:
            got.append(whole)
            late.append(now)
        for token in box.trash():
            del store[token]
        now += 21
    assert got == [b"".join([b"%d" % seq * 128 for seq in range(1, 9)])]
    assert 294 <= late[0] < 400
    # And half an hour after the last part of theirs that was new, they are gone.
    assert not store and box.open() == 0


def fill(leave):
    """Take the whole heap but for some blocks; returns what holds it."""
    chain = None
    try:
        while True:
            chain = (chain, None)
    except MemoryError:
        pass
    while leave:
        chain = chain[0]
        leave -= 1
    return chain


def test_heap_exhausted_anywhere():
    # With every number of blocks left, a part is taken whole or not at all, and can come again.
    if not hasattr(gc, "mem_alloc"):
        return  # CPython's heap does not end
    box = Box(room=1064)
    parts = box.parts
    deliver = Deliver()
    pdus = [part(i % 4 + 1, 4, bytes((i,)) * 128, 1 + i // 4) for i in range(20)]
    pdus.append(part(1, 4, b"new" * 42, 5))
    later = 0
    for left in range(40):
        for i in range(len(pdus)):
            gc.collect()
            held = fill(left)
            try:
                deliver.parse(pdus[i], 0, len(pdus[i]))
            except MemoryError:
                pass  # and what it says is not taken
            del held
            deliver.parse(pdus[i], 0, len(pdus[i]))
            gc.collect()
            held = fill(left)
            verdict = parts.add(deliver, pdus[i], left * 100 + i, i, i % 3 == 0)
            done = None
            if parts.ready() is not None:
                done = parts.ready()
                parts.done(done)
            del held
            gc.collect()
            check(parts)
            assert done is None or verdict == READY
            later += verdict == LATER
            if verdict == LATER:
                before = parts.slots - list(parts._owner).count(0)
                verdict = box.put(pdus[i], left * 100 + i, i)
                after = parts.slots - list(parts._owner).count(0)
                assert verdict != KEPT or before <= after <= before + 1 or parts.dropped
                box.take()
            parts.trash.clear()
        for message in parts._messages:
            if message.total:
                parts._drop(message, True)
        parts.trash.clear()
        for i in range(len(parts._marks)):
            parts._marks[i] = -1
    assert later > 5


def test_time_out():
    box = Box(timeout=1800, lifetime=5000)
    box.put(part(1, 4, b"a" * 128, 1), now=100, token=1)
    box.put(part(2, 4, b"a" * 128, 1), now=1899, token=2)
    box.parts.expire(3698)
    assert box.open() == 1
    box.parts.expire(3699)
    assert not box.open() and box.trash() == [1, 2] and box.parts.dropped == 1
    # The lifetime ends it, however busy it is.
    for seq in range(1, 4):
        box.put(part(seq, 4, b"a" * 128, 1), now=4000 + seq * 1700)
    box.parts.expire(5700 + 4999)
    assert box.open() == 1
    box.parts.expire(5700 + 5000)
    assert not box.open()
    # A copy is no sign of life; a whole message does not time out.
    box.put(part(1, 2, b"a" * 128, 2), now=20000)
    box.put(part(1, 2, b"a" * 128, 2), now=21000)
    box.parts.expire(21800)
    assert not box.open()
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
        assert got == [whole] and not box.open()


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
        message = parts.ready()
        if message:
            parts.done(message)
            good += 1
        parts.trash.clear()
        check(parts)
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
        return used()

    before = level()
    run_mutations(box, random, seeds, 8000)
    after = level()
    assert before is None or after - before < 1024, (before, after)


def test_parts_of_two_senders_stay_apart():
    box = Box()
    other = b"\x08\x91\x51\x55\x10\x33"
    assert box.put(part(1, 2, b"aa")) == KEPT
    assert box.put(part(2, 2, b"bb", oa=other)) == KEPT
    assert box.take() is None and box.open() == 2
    assert box.put(part(2, 2, b"cc")) == READY
    assert box.take() == b"aacc"
    assert box.put(part(1, 2, b"dd", oa=other)) == READY
    assert box.take() == b"ddbb"
