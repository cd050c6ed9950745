# The page log on simulated NOR flash: records, transactions, damage, sick sectors, compaction.
# Power cuts are in host_tests/powercut.
#
# heapsize=384k: the flash image and copies of it are in RAM here

import sys

from check import raises
from dictstore import DictStore, live_octets
from norflash import NorFlash, PowerCut, Random
from omadm.errors import StorageFailed
from omadm.pagelog import PageLog

PAGE = 256
SECTOR = 4096
BOARD = sys.implementation.name == "micropython"  # fewer rounds there

GEOMETRY, UNREADABLE, WORN, VERSION, FULL, LENGTH = 100, 101, 102, 103, 104, 106


def fresh(sectors=8):
    flash = NorFlash(sectors)
    return flash, DictStore(flash)


def boot(flash):
    ops = flash.ops
    store = DictStore(flash)
    assert flash.ops == ops, "mounting wrote"
    return store


def text(key, n=20):
    return bytes([(key * 7 + i) & 0xFF for i in range(n)])


# -- regions


def test_blank_region_is_empty_and_mounting_writes_nothing():
    flash, store = fresh()
    assert store.content() == {} and store.log.damaged == 0 and store.commits == 0
    assert flash.ops == 0
    assert not store.log.compact_step() and flash.ops == 0


def test_garbage_is_empty():
    for seed in range(6):
        flash = NorFlash(8, data=bytearray(Random(seed).octets(8 * SECTOR)))
        store = boot(flash)
        assert store.content() == {} and store.log.damaged == 0
        for key in range(30):
            store.change({key: text(key)})
        assert boot(flash).content() == {key: text(key) for key in range(30)}


def test_regions_that_cannot_be():
    raises(StorageFailed, GEOMETRY, PageLog, NorFlash(7))
    for size in (512, 2048, 8192):
        raises(StorageFailed, GEOMETRY, PageLog, NorFlash(8, size))

    class Huge:
        def ioctl(self, op, arg):
            return 4097 if op == 4 else 4096

    raises(StorageFailed, GEOMETRY, PageLog, Huge())


def test_format_of_another_version_is_left_alone():
    flash, store = fresh()
    store.change({1: b"x"})
    data = flash.data
    data[4] ^= 0x0C  # version bits, with the check of the header and the CRC of the page made right
    data[6:8] = (0xFFFF - sum(data[:6])).to_bytes(2, "little")
    from binascii import crc32

    data[252:256] = crc32(bytes(data[:252])).to_bytes(4, "little")
    raises(StorageFailed, VERSION, DictStore, flash)


# -- records


class Owner:
    """Keeps what the log tells it while mounting."""

    def __init__(self, flash):
        self.records = []
        self.log = PageLog(flash)
        self.log.owner = self
        self.log.mount()

    def record(self, kind, addr, length):
        self.records.append((kind, addr, length))

    def commit(self):
        pass

    def live(self, kind, addr):
        return True

    def moved(self, kind, old, new):
        pass


def records(sizes, addresses):
    """A writer of one record for each size."""

    def write(log):
        for i in range(len(sizes)):
            addresses.append(log.put(126 if i & 1 else 1, sizes[i]))
            log.write(text(i, sizes[i]), 0, sizes[i])
            log.end()

    return write


def test_records_of_every_length_at_every_place():
    """Heads, bodies and CRCs across pages and sectors; kinds 1 and 126."""
    for first in (0, 1, 120, 221, 222, 223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 240):
        flash = NorFlash(8)
        log = Owner(flash).log
        sizes = (first, 0, 1, 5, 230, 236, 237, 238, 239, 240, 241, 242, 248, 500, 17, 4096)
        addresses = []
        log.transact(records(sizes, addresses), sum(sizes) + 7 * len(sizes))
        owner = Owner(flash)
        found = owner.records
        assert found == [(126 if i & 1 else 1, addresses[i], sizes[i]) for i in range(len(sizes))]
        for i in range(len(sizes)):
            n = sizes[i]
            assert owner.log.kind_len(addresses[i]) == (126 if i & 1 else 1) << 16 | n
            assert owner.log.check(addresses[i])
            buf = bytearray(n)
            owner.log.read(addresses[i], 0, buf, n)
            assert bytes(buf) == text(i, n), (first, i)
            for off in range(0, n, 61):
                part = bytearray(40)
                m = min(40, n - off)
                owner.log.read(addresses[i], off, part, m)
                assert bytes(part[:m]) == text(i, n)[off : off + m] and part[m:] == bytes(40 - m)


def test_longest_record():
    if BOARD:
        return  # takes a region of 24 sectors: more than a board's heap
    flash, store = fresh(48)
    value = Random(1).octets(65535 - 2)
    store.change({1: value, 2: b"behind"})
    store = boot(flash)
    assert store.value(1) == value and store.value(2) == b"behind"
    assert store.log.check(store.where[1])


def test_copy_streams_from_another_record():
    flash, store = fresh()
    value = Random(3).octets(900)
    store.change({1: value})
    source = store.where[1]
    new = []

    def write(log):
        new.append(log.put(1, 2 + 3 + 700))
        log.write(b"\x02\x00abc", 0, 5)
        log.copy(source, 2 + 100, 700)
        log.end()

    store.log.transact(write, 712)
    assert boot(flash).value(2) == b"abc" + value[100:800]


def test_reads_are_few():
    flash, store = fresh()
    store.change({key: text(key, 30) for key in range(20)})
    buf = bytearray(10)
    count = 0
    for key in range(20):
        before = flash.reads
        store.log.read(store.where[key], 4, buf, 10)
        assert bytes(buf) == text(key, 30)[2:12]
        assert flash.reads - before <= 2
        count += flash.reads - before
    assert count <= 22  # one each, but for the few that lie in two pages


class Bare:
    """A device whose readblocks allocates nothing."""

    def __init__(self, data):
        self.data = data

    def ioctl(self, op, arg):
        return len(self.data) // SECTOR if op == 4 else SECTOR

    def readblocks(self, n, buf, off):
        at = n * SECTOR + off
        for i in range(len(buf)):
            buf[i] = self.data[at + i]


def test_read_allocates_nothing():
    if not BOARD:
        return
    import micropython

    flash, store = fresh()
    store.change({1: text(1, 100)})
    store = DictStore(Bare(flash.data))
    addr = store.where[1]
    read = store.log.read
    buf = bytearray(16)
    micropython.heap_lock()
    try:
        read(addr, 2, buf, 16)
        n = store.log.kind_len(addr)
    finally:
        micropython.heap_unlock()
    assert bytes(buf) == text(1, 16) and n == 1 << 16 | 102


# -- transactions


def test_all_or_nothing_and_in_order():
    flash, store = fresh()
    store.change({1: b"a", 2: b"b"})
    store.change({1: b"c", 3: b"d"})
    store.change({2: None})
    assert store.content() == {1: b"c", 3: b"d"}
    again = boot(flash)
    assert again.content() == {1: b"c", 3: b"d"}


def test_what_twenty_records_cost():
    flash, store = fresh()
    values = {key: text(key, 34) for key in range(20)}
    store.change(values)
    assert flash.programs == 4 and flash.erases == 0
    assert boot(flash).content() == values


def test_empty_transaction():
    flash, store = fresh()
    store.change({})
    store.change({1: b"x"})
    assert boot(flash).content() == {1: b"x"}


def wrong(size, given, problem=None):
    """A writer that gives other octets than it said, and raises problem."""

    def write(log):
        log.put(1, size)
        log.write(bytes(given), 0, given)
        if problem:
            raise problem
        log.end()

    return write


def test_writer_that_gives_up_leaves_nothing():
    flash, store = fresh()
    store.change({1: b"old"})
    for size in (10, 600, 9000, 9000, 9000, 9000, 9000):
        content = store.content()
        raises(ValueError, None, store.log.transact, wrong(size, size - 1, ValueError), size)
        assert boot(flash).content() == content == store.content()
        store.change({2: text(size & 0xFF)})
        again = boot(flash)
        assert again.content() == {1: b"old", 2: text(size & 0xFF)}
        assert again.log._free == store.log._free, "what was given up is free at once"


def test_wrong_length_is_refused():
    flash, store = fresh()
    store.change({1: b"old"})
    for n, given in ((5, 4), (5, 6), (300, 299), (0, 1)):
        raises(StorageFailed, LENGTH, store.log.transact, wrong(n, given), 400)
    store.change({2: b"new"})
    assert boot(flash).content() == {1: b"old", 2: b"new"}


def test_full_region_refuses_before_the_first_program_of_the_transaction():
    flash, store = fresh()
    content = {}
    for key in range(60):
        content[key] = text(key, 180)
        store.change({key: content[key]})
    raises(StorageFailed, FULL, store.change, {100: bytes(9000)})
    assert store.content() == content == boot(flash).content()
    store.change({key: None for key in range(50)})
    store.change({100: bytes(6000)})
    assert boot(flash).value(100) == bytes(6000)


# -- structure inside values


def test_values_that_look_like_pages():
    flash, store = fresh()
    store.change({1: b"one", 2: b"two"})
    store.change({1: b"uno"})
    pages = bytes(flash.data[: 2 * PAGE])
    forged = bytearray(pages)
    for page in (0, PAGE):  # the same with higher numbers, all sums right
        from binascii import crc32

        head = forged[page : page + 8]
        head[0] = head[0] + 0x50 & 0xFF
        head[6:8] = (0xFFFF - sum(head[:6])).to_bytes(2, "little")
        forged[page : page + 8] = head
        forged[page + 252 : page + 256] = crc32(bytes(forged[page : page + 252])).to_bytes(4, "little")
    content = store.content()
    for shift in (0, 3, 227, 243, 248):
        values = {10: bytes(shift) + pages + bytes(forged), 11: bytes(forged)[shift:] + pages}
        content.update(values)
        store.change(values)
        again = boot(flash)
        assert again.content() == content and again.log.damaged == 0


def test_flipped_length_does_not_lead_into_a_value():
    """A value full of records with right CRCs, at each place to which a flipped length leads."""
    from binascii import crc32

    flash, store = fresh()
    n = 0xD4  # of the body: key and value
    value = bytearray(n - 2)
    for bit in range(16):
        place = 3 + (n ^ 1 << bit) + 4 - 5  # in the value, behind the record as it is then read
        if 0 <= place <= n - 2 - 10:
            forged = bytes([1 | 0x80, 3, 0, 66, 0, bit])  # kind 1, even parity, key 66
            assert bin(0x81).count("1") + bin(3).count("1") & 1 == 0
            value[place : place + 6] = forged
            value[place + 6 : place + 10] = crc32(forged, 16).to_bytes(4, "little")
    store.change({1: bytes(value)})
    store.change({2: b"x"})
    for octet in range(8, 11):
        for bit in range(8):
            flash.data[octet] ^= 1 << bit
            store = boot(flash)
            assert store.content() == {2: b"x"} and store.log.damaged, (octet, bit)
            flash.data[octet] ^= 1 << bit


def test_illegible_header_is_not_guessed_behind_the_tail():
    """The oldest sector begins amid a value whose record has its start in a sector that is gone."""
    from binascii import crc32

    flash, store = fresh()
    store.change({2: b"x"})
    value = bytearray(6000)
    at = (32 - 17) * 248 - 5  # what lies first in page 32, in the next sector
    value[at : at + 6] = bytes([0x81, 3, 0, 66, 0, 1])
    value[at + 6 : at + 10] = crc32(bytes(value[at : at + 6]), 32).to_bytes(4, "little")
    store.change({1: bytes(value)})
    assert flash.data[SECTOR + 8 : SECTOR + 14] == bytes([0x81, 3, 0, 66, 0, 1])
    store.change({1: None})
    turn = 0
    while store.log._tail < 2:
        turn += 1
        store.change({2: text(turn & 0xFF)})
    assert store.log._tail == 2
    content = store.content()
    flash.data[SECTOR + 4] ^= 1
    assert boot(flash).content() == content


def test_page_in_another_place_is_none():
    flash, store = fresh()
    store.change({1: b"one"})
    store.change({1: b"two"})
    content = store.content()
    for place in (2, 5, 15, 16, 40):
        flash.data[place * PAGE : place * PAGE + PAGE] = flash.data[:PAGE]
        again = boot(flash)
        assert again.content() == content and again.log.damaged == 0
    store = boot(flash)
    store.change({3: b"more"})
    content[3] = b"more"
    assert boot(flash).content() == content


# -- damage


def test_flipped_bits_are_seen_and_cost_little():
    """No flipped bit changes a value; what is gone is counted; boot goes on."""
    flash, store = fresh()
    first = {key: text(key, 25) for key in range(12)}
    store.change(first)  # two pages
    store.change({20: text(20, 300)})  # two pages
    store.change({21: text(21)})
    store.change({22: text(22)})
    content = store.content()
    data = flash.data
    pages = flash.programs
    assert pages == 6
    for bit in range(3, (pages - 1) * PAGE * 8, 67 if BOARD else 5):
        data[bit >> 3] ^= 1 << (bit & 7)
        store = DictStore(flash)
        lost = 0
        for key in content:
            if key in store.where:
                good = store.log.check(store.where[key])
                assert good and store.value(key) == content[key], (bit, key)
            else:
                lost += 1
        assert len(store.where) == len(content) - lost
        assert store.value(22) == content[22]
        assert lost == 0 or store.log.damaged > 0, bit
        place = bit // 8 % PAGE
        assert lost <= 8, (bit, lost)
        if 8 <= place < 240 and bit // 8 >= PAGE * 2:
            assert lost <= 1
        data[bit >> 3] ^= 1 << (bit & 7)


def test_rotten_newest_mark_takes_back_one_transaction():
    flash, store = fresh()
    store.change({1: b"old"})
    store.change({1: b"new"})
    flash.data[PAGE + 241] ^= 4
    store = boot(flash)
    assert store.content() == {1: b"old"}
    store.change({2: b"more"})
    assert boot(flash).content() == {1: b"old", 2: b"more"}


def test_garbage_of_a_cut_transaction_is_free():
    flash, store = fresh(12)
    store.change({1: b"old"})
    free = store.log._free
    flash.cut(40, "half")
    raises(PowerCut, None, store.change, {2: bytes(9000), 3: bytes(900)})
    flash.power_on()
    store = boot(flash)
    assert store.log._free == free and store.content() == {1: b"old"}
    store.change({2: b"two"})
    assert store.log._free == free - 1
    assert boot(flash).log._free == free - 1


def test_record_cut_off_at_the_end_of_a_sector():
    """Its head in the last three octets of a sector; the next sector is free after the boot."""
    flash, store = fresh()
    for turn in range(15):
        store.change({1: text(turn)})
    flash.cut(1, "after")
    raises(PowerCut, None, store.change, {2: bytes(236), 3: bytes(400)})
    flash.power_on()
    assert flash.data[16 * PAGE - 3] != 0xFF and flash.data[16 * PAGE] != 0xFF
    store = boot(flash)
    content = store.content()
    turn = 0
    while store.log._tail < 3:
        turn += 1
        content[4] = text(turn & 0xFF, 100)
        store.change({4: content[4]})
    assert store.content() == content == boot(flash).content()


def test_failing_reads_in_compaction_damage_nothing():
    """A device that cannot be read for a moment: what is copied later is what was there."""
    flash, store = fresh()
    store.change({key: text(key, 230) for key in range(12)})
    content = store.content()
    for _ in range(20):
        store.change({99: b"x"})
    content[99] = b"x"
    good = bytes(flash.data)
    failed = 0
    for k in range(0, 90, 7 if BOARD else 1):
        flash = NorFlash(8, data=bytearray(good))
        store = DictStore(flash)
        read = flash.readblocks
        left = [k]

        def once(n, buf, off=0, read=read, left=left):
            left[0] -= 1
            if left[0] == -1:
                raise OSError(5)
            read(n, buf, off)

        flash.readblocks = once
        try:
            store.log._compact()
        except StorageFailed as e:
            assert e.args == (UNREADABLE,)
            failed += 1
        assert store.content() == content, k
        store = boot(flash)
        assert store.content() == content and store.log.damaged == 0, k
    assert failed > 5


def test_read_that_fails_is_not_remembered():
    flash, store = fresh()
    store.change({1: b"one"})
    store = boot(flash)
    store.log._load(0)
    page = bytes(store.log._vb)

    class Broken(Bare):
        def readblocks(self, n, buf, off):
            buf[4] = 0
            raise OSError(5)

    store.log._dev = Broken(flash.data)
    raises(StorageFailed, UNREADABLE, store.log._load, 1)
    store.log._dev = flash
    store.log._load(0)
    assert store.log._vb == page


def test_mark_that_comes_to_life_late_does_not_count():
    """A commit page that was illegible at one boot and legible at the next, with a commit between."""
    flash, store = fresh()
    store.change({1: b"old"})
    store.change({1: b"never"})
    page = bytes(flash.data[PAGE : 2 * PAGE])
    flash.data[PAGE + 128 : 2 * PAGE] = b"\xff" * 128  # as the cut left it at first
    store = boot(flash)
    assert store.content() == {1: b"old"}
    store.change({2: b"two"})
    flash.data[PAGE : 2 * PAGE] = page
    assert boot(flash).content() == {1: b"old", 2: b"two"}


def test_mark_that_rots_later_still_counts():
    flash, store = fresh()
    values = {key: text(key, 60) for key in range(10)}
    store.change(values)
    store.change({50: b"next"})
    content = store.content()
    last = flash.programs - 2
    for place in (4, 241, 250, 255):  # flags, and the mark
        flash.data[last * PAGE + place] ^= 2
        store = boot(flash)
        assert store.log.damaged >= 1
        if place > 8:
            assert store.content() == content
        else:
            assert len(store.where) > 7
        flash.data[last * PAGE + place] ^= 2


def test_rotten_mark_does_not_bring_back_a_cut_transaction():
    flash, store = fresh()
    store.change({1: text(1)})
    flash.cut(3, "before")
    raises(PowerCut, None, store.change, {key: text(key, 200) for key in range(30, 40)})
    flash.power_on()
    store = boot(flash)
    values = {key: text(key, 60) for key in range(10, 20)}
    store.change(values)
    last = flash.programs - 1
    store.change({50: b"next"})
    content = store.content()
    assert len(content) == 12
    flash.data[last * PAGE + 250] ^= 2
    store = boot(flash)
    assert store.content() == content and store.log.damaged


def test_compaction_does_not_launder_damage():
    flash, store = fresh()
    store.change({1: text(1, 50), 2: text(2, 50)})
    store = boot(flash)
    old = store.where[1]
    flash.data[old + 20] ^= 1  # rots while the device runs
    turn = 0
    while store.where[1] == old:
        turn += 1
        store.change({3: text(turn & 0xFF, 200)})
    assert not store.log.check(store.where[1]) and store.log.check(store.where[2])
    store = boot(flash)
    assert store.log.damaged == 1
    assert 1 not in store.where and store.value(2) == text(2, 50)


def test_any_content_mounts():
    """Random damage of every size to a region in use: no exception, bounded reads, life goes on."""
    flash, store = fresh()
    random = Random(11)
    for _ in range(120):
        store.change({random.below(30): random.octets(random.below(400))})
    good = bytes(flash.data)
    for turn in range(10 if BOARD else 250):
        flash = NorFlash(8, data=bytearray(good))
        data = flash.data
        for _ in range(1 + random.below(1 + turn)):
            at = random.below(len(data))
            kind = random.below(6)
            if kind == 0:
                data[at] ^= 1 << random.below(8)
            elif kind == 1:
                data[at] = random.below(256)
            elif kind == 2:
                n = min(random.below(600), len(data) - at)
                data[at : at + n] = random.octets(n)
            elif kind == 3:
                n = min(random.below(5000), len(data) - at)
                data[at : at + n] = b"\xff" * n
            elif kind == 4:  # one sector over another: two with the same numbers
                a, b = random.below(8) * SECTOR, random.below(8) * SECTOR
                data[a : a + SECTOR] = data[b : b + SECTOR]
            else:
                a, b = at & -PAGE, random.below(128) * PAGE
                data[a : a + PAGE] = data[b : b + PAGE]
        store = boot(flash)
        assert flash.reads < 4000, flash.reads
        for key in store.where:
            store.log.check(store.where[key])
            store.log.kind_len(store.where[key])
        try:
            store.change({40: b"alive"})
        except StorageFailed as e:
            assert e.args[0] in (FULL, WORN, UNREADABLE), e.args
        else:
            assert boot(flash).value(40) == b"alive"


# -- sick sectors


def sick(kind, sectors, turns=60):
    flash = NorFlash(10)
    for s in sectors:
        flash.sick[s] = kind
    store = DictStore(flash)
    content = {}
    random = Random(2)
    for turn in range(turns):
        values = {random.below(20): random.octets(random.below(500))}
        if turn % 7 == 0:
            values = {key: random.octets(50) for key in range(20)}
        store.change(values)
        content.update(values)
        if turn % 5 == 0:
            store.idle()
        if turn % 9 == 0:
            assert store.content() == content, (kind, turn)
            assert boot(flash).content() == content, (kind, turn)
    assert boot(flash).content() == content
    return store


def test_sick_sectors_are_set_aside():
    turns = 60 if BOARD else 200
    for kind in ("no_program", "flips", "raises"):
        for sectors in ((0,), (3, 4), (9, 0)):
            store = sick(kind, sectors, turns)
            assert store.log.bad_sectors == len(sectors), (kind, sectors)
    store = sick("no_erase", (2, 5), 200)
    assert store.log.bad_sectors == 2
    assert store.attempts == 200, "seen when it is erased, not when it is written"


def test_sector_that_fails_with_records_in_it_keeps_them():
    flash, store = fresh(10)
    store.change({1: b"one"})
    flash.sick[0] = "flips"
    store.change({2: b"two"})
    assert store.attempts == 3 and store.log.bad_sectors == 1
    assert store.content() == {1: b"one", 2: b"two"} == boot(flash).content()
    for turn in range(200):
        store.change({3: text(turn & 0xFF, 100)})
    assert store.content() == {1: b"one", 2: b"two", 3: text(199, 100)} == boot(flash).content()


def test_dead_device_loses_nothing():
    flash, store = fresh(10)
    store.change({1: b"one"})
    for s in range(10):
        flash.sick[s] = "no_program"
    raises(StorageFailed, None, store.change, {1: b"two"})
    assert store.content() == {1: b"one"} == boot(flash).content()
    flash.sick.clear()
    store = boot(flash)
    store.change({1: b"three"})
    assert boot(flash).content() == {1: b"three"}


def test_failing_reads_raise_storage_failed():
    flash, store = fresh()
    store.change({1: b"one"})
    flash.fail_reads = True
    raises(StorageFailed, UNREADABLE, store.log.read, store.where[1], 0, bytearray(2), 2)
    raises(StorageFailed, UNREADABLE, DictStore, flash)
    raises(StorageFailed, None, store.change, {1: b"two"})
    flash.fail_reads = False
    assert boot(flash).value(1) in (b"one", b"two")


# -- compaction and wear


def test_full_to_capacity_for_ever():
    """Live data at capacity; thousands of replacements and deletions; even wear."""
    flash, store = fresh()
    random = Random(9)
    capacity = store.log.capacity
    content = {}
    key = 0
    while live_octets(content) + 9 + 120 <= capacity:
        content[key] = random.octets(random.below(120))
        store.change({key: content[key]})
        key += 1
    keys = key
    for turn in range(300 if BOARD else 4000):
        values = {random.below(keys): random.octets(random.below(120)) for _ in range(1 + random.below(3))}
        if turn % 10 == 3:
            values[random.below(keys)] = None
        after = dict(content)
        for key in values:
            if values[key] is None:
                after.pop(key, None)
            else:
                after[key] = values[key]
        if live_octets(after) > capacity:
            continue
        store.change(values)
        content = after
        if turn % 3 == 0:
            store.log.compact_step()
        if turn % (100 if BOARD else 500) == 0:
            assert store.content() == content
            store = boot(flash)
            assert store.content() == content and store.log.damaged == 0
    assert boot(flash).content() == content
    assert max(flash.wear) - min(flash.wear) <= 12 + max(flash.wear) // 8, flash.wear
    assert flash.reprogrammed == 0


def test_idle_ends_and_wears_nothing():
    flash, store = fresh()
    for turn in range(300):
        store.change({turn % 40: text(turn & 0xFF, 150)})
        if turn % 20 == 0:
            assert store.idle() < 20
            ops = flash.ops
            for _ in range(5):
                assert not store.log.compact_step()
            assert flash.ops == ops
    store.idle()
    store = boot(flash)
    store.idle()
    ops = flash.ops
    for _ in range(5):
        store = boot(flash)
        store.idle()
        reads = flash.reads
        store.idle()
        assert flash.reads == reads
    assert flash.ops == ops, "booting and idling must not wear the flash"


def test_blank_sectors_are_made_ahead():
    flash, store = fresh()
    for turn in range(400):
        store.change({turn & 7: text(turn & 0xFF, 100)})
        erases = flash.erases
        store.idle()
        if turn > 200:
            erases = flash.erases
            store.change({turn & 7: text(turn & 0xFF, 101)})
            assert flash.erases == erases


def test_sector_that_only_reads_blank_is_erased_again():
    """Its erasure may have been cut short; only what this boot has erased is trusted."""
    flash, store = fresh()
    for turn in range(16 * 20):
        store.change({turn & 7: b"x"})
    while store.log._idx < 16:
        store.change({1: b"y"})
    after = (store.log._sec + 1) % 8
    flash.data[after * SECTOR : after * SECTOR + SECTOR] = b"\xff" * SECTOR
    store = boot(flash)
    store.idle()
    erases = flash.wear[after]
    store.change({1: b"z"})
    assert flash.wear[after] == erases + 1


def test_transaction_longer_than_two_sectors():
    flash, store = fresh(12)
    for turn in range(8):
        values = {key: text(turn * 50 + key & 0xFF, 200) for key in range(42)}
        store.change(values)
        assert boot(flash).content() == values
    assert flash.programs > 8 * 32
