"""Wear and damage of a page log over a life, too long for the small tests (CPython only)."""

import os

import pytest
from dictstore import DictStore, live_octets
from norflash import NorFlash, Random
from omadm.errors import StorageFailed

ALL = os.environ.get("OMADM_CUTS") == "all"


def boot(flash):
    ops = flash.ops
    store = DictStore(flash)
    assert flash.ops == ops, "mounting wrote"
    return store


@pytest.mark.parametrize("idle", [True, False])
def test_erasures_of_small_changes_are_few_and_even(idle):
    """A region of 32 sectors with 100 nodes in it: 6000 changes of a page each."""
    flash = NorFlash(32)
    store = DictStore(flash)
    random = Random(4)
    content = {key: random.octets(40) for key in range(100)}
    store.change(content)
    base = flash.erases
    turns = 6000
    most = 0
    for _ in range(turns):
        key = random.below(100)
        content[key] = random.octets(random.below(80))
        before = flash.ops
        store.change({key: content[key]})
        most = max(most, flash.ops - before)
        if idle:
            store.idle()
    assert store.content() == content == boot(flash).content()
    assert (flash.erases - base) / turns <= 0.1, (flash.erases - base) / turns
    assert flash.programs / turns <= 1.6, flash.programs / turns
    assert max(flash.wear) - min(flash.wear) <= 1, flash.wear
    assert flash.reprogrammed == 0
    if idle:
        assert most == 1, "with idle moments a change of a page is one program and nothing else"


def test_commits_do_not_erase_when_there_are_idle_moments():
    """Twenty records in one change, for a long time: programs only."""
    flash = NorFlash(32)
    store = DictStore(flash)
    for turn in range(600):
        erases = flash.erases
        programs = flash.programs
        store.change({key: bytes([turn & 255]) * 34 for key in range(20)})
        assert flash.programs - programs == 4
        assert flash.erases == erases or turn < 2
        store.idle()


@pytest.mark.parametrize("sectors", [8, 9, 12, 32])
def test_full_for_ever_without_idle_moments(sectors):
    """Live data within 200 octets of capacity; a transaction of the promised size always finds room."""
    flash = NorFlash(sectors)
    store = DictStore(flash)
    random = Random(sectors)
    capacity = store.log.capacity
    content = {}
    while live_octets(content) + 209 <= capacity:
        key = len(content)
        content[key] = random.octets(random.below(200))
        store.change({key: content[key]})
    keys = len(content)
    promised = sectors * 290  # octets of a transaction and of its largest record together
    for turn in range(2000 if sectors < 12 else 600):
        values = {}
        largest = 0
        for _ in range(1 + random.below(30)):
            key = random.below(keys)
            value = random.octets(random.below(200)) if random.below(8) else None
            values[key] = value
            largest = max(largest, len(value or b"") + 9)
            if live_octets({k: v for k, v in values.items() if v}) + 250 + largest > promised:
                break
        after = {k: v for k, v in {**content, **values}.items() if v is not None}
        if live_octets(after) > capacity:
            values = dict.fromkeys(values)
            after = {k: v for k, v in content.items() if k not in values}
        store.change(values)
        content = after
        if turn % 100 == 0:
            assert store.content() == content
            store = boot(flash)
            assert store.content() == content
    assert max(flash.wear) - min(flash.wear) <= 2 + max(flash.wear) // 10, flash.wear


def test_what_is_refused_has_no_room_and_costs_nothing_the_second_time():
    """Changes with large records, far beyond what is promised, in small regions."""
    refused = 0
    for seed in range(150 if ALL else 40):
        sectors = 8 + seed % 5
        flash = NorFlash(sectors)
        store = DictStore(flash)
        random = Random(seed + 100)
        content = {}
        big = 1000 + random.below(12000)
        for _ in range(150):
            values = {}
            kind = random.below(12)
            if kind == 0:
                values[500] = random.octets(big)
            elif kind < 5:
                for _ in range(20):
                    values[random.below(60)] = random.octets(random.below(120))
            elif kind == 7:
                values = dict.fromkeys(list(content)[:5])
            else:
                values[random.below(60)] = random.octets(random.below(200))
            after = {k: v for k, v in {**content, **values}.items() if v is not None}
            if live_octets(after) > store.log.capacity:
                continue
            try:
                store.change(values, seed % 2 == 0)
                content = after
            except StorageFailed as problem:
                assert problem.args == (104,)
                ops = flash.ops
                with pytest.raises(StorageFailed):
                    store.change(values, seed % 2 == 0)
                assert flash.ops == ops
                assert store.content() == content
                refused += 1
    assert refused


def test_every_flipped_bit():
    """In a log of five transactions, every bit: no wrong value, one record lost at most unless a
    header or the newest mark is hit, and the next change and boot go well."""
    flash = NorFlash(8)
    store = DictStore(flash)
    random = Random(1)
    for keys in (range(10), range(10, 11), range(11, 24), range(24, 25), range(25, 26)):
        store.change({key: random.octets(300 if key == 10 else 30) for key in keys})
    content = store.content()
    good = bytes(flash.data)
    pages = flash.programs
    worst = 0
    for bit in range(0, pages * 2048, 1 if ALL else 3):
        data = bytearray(good)
        data[bit >> 3] ^= 1 << (bit & 7)
        store = boot(NorFlash(8, data=data))
        found = store.content()  # each checks its CRC
        assert all(content[key] == found[key] for key in found), bit
        lost = len(content) - len(found)
        worst = max(worst, lost)
        assert not lost or store.log.damaged or bit // 2048 == pages - 1, bit
        place = bit // 8 % 256
        newest = bit // 2048 == pages - 1
        if place >= 8 and not newest:
            # a flip in the head of a record costs what starts behind it in that page
            assert lost <= 8, (bit, lost)
        if bit % 61 == 0:
            store.change({99: b"on"})
            after = boot(store.log._dev).content()
            assert after == {**found, 99: b"on"}, bit
    assert worst <= 8


def test_any_damage_mounts_fast():
    """Random damage to a region in use; mounting reads each page a few times at most."""
    flash = NorFlash(9)
    store = DictStore(flash)
    random = Random(21)
    for _ in range(200):
        store.change({random.below(30): random.octets(random.below(500))})
    good = bytes(flash.data)
    for turn in range(2000 if ALL else 300):
        data = bytearray(good)
        for _ in range(1 + random.below(200) if turn % 3 else 1):
            at = random.below(len(data))
            kind = random.below(4)
            n = min(1 + random.below(2000), len(data) - at)
            if kind == 0:
                data[at] ^= 1 << random.below(8)
            elif kind == 1:
                data[at : at + n] = random.octets(n)
            elif kind == 2:
                data[at : at + n] = bytes([random.below(256)]) * n
            else:
                a, b = at & -256, random.below(144) * 256
                m = 256 << random.below(5)
                m = min(m, len(data) - a, len(data) - b)
                data[a : a + m] = good[b : b + m]
        device = NorFlash(9, data=data)
        store = boot(device)
        assert device.reads < 3000, device.reads
        store.idle(20)
