"""Power cuts around and inside every flash operation of a page log (CPython only).

A script of mixed transactions runs once over a region so small that it wraps and compacts
many times. At every program and every erasure the region is copied and the operation done
in each way in which a cut can leave it (fakes/norflash.py). Each copy is mounted: its content
must be that before or that after the transaction in work, nothing else, and the log must
then go on working. On a part of them the power goes away again soon after.

OMADM_CUTS=all checks every operation in every way, else every third.
"""

import os

import pytest
from dictstore import DictStore, live_octets
from norflash import MODES, PAGE, NorFlash, PowerCut, Random, torn_page, torn_sector

STRIDE = 1 if os.environ.get("OMADM_CUTS") == "all" else 3


def script(seed, sectors, large, count=72):
    """A list of changes: one record, twenty, a large one, deletions; None is an idle moment."""
    random = Random(seed)
    # room for the large one twice beside what is live, as docs/store-format.md has it
    most = (16 * sectors - 56 - 2 * (large // 246)) * 200
    content, changes = {}, []
    while len(changes) < count or changes.count(None) < 8:
        kind = random.below(16)
        values = {}
        if kind == 0:
            changes.append(None)
            continue
        if kind == 1 and changes:
            values[900] = random.octets(large)
        elif kind < 5:
            for _ in range(20):
                values[random.below(80)] = random.octets(random.below(70))
        elif kind < 8:
            for key in list(content)[: 1 + random.below(6)]:
                values[key] = None
            values[random.below(80)] = random.octets(10)
        else:
            values[random.below(80)] = random.octets(random.below(300))
        after = apply(content, values)
        if live_octets(after) <= most:
            changes.append(values)
            content = after
    return changes


def apply(content, values):
    after = {key: value for key, value in content.items() if key not in values}
    after.update({key: value for key, value in values.items() if value is not None})
    return after


class Judge:
    """Looks at what a cut has left."""

    def __init__(self):
        self.cuts = self.old = self.new = self.double = 0

    def outcome(self, data, old, new, note):
        """Mount a copy; return its store and flash, having compared the content."""
        flash = NorFlash(len(data) // 4096, data=bytearray(data))
        store = DictStore(flash)
        assert flash.ops == 0, ("mounting wrote", note)
        assert store.log.damaged == 0, ("damaged", note)
        content = store.content()
        assert content in (old, new), ("neither old nor new", note)
        return store, flash, content

    def cut(self, data, old, new, then, note):
        self.cuts += 1
        store, flash, content = self.outcome(data, old, new, note)
        self.old += content == old
        self.new += content == new
        # life goes on: the next transaction, housekeeping, another boot
        after = apply(content, then)
        store.change(then)
        assert store.content() == after, note
        store.idle(3)
        self.outcome(flash.data, after, after, note)

    def again(self, data, old, new, then, note):
        """A second cut, at each of the first operations after the first one."""
        for at in range(4):
            for mode in MODES:
                store, flash, content = self.outcome(data, old, new, note)
                flash.cut(at, mode, seed=at + 7)
                after = apply(content, then)
                try:
                    store.change(then)
                    store.idle(2)
                except PowerCut:
                    self.double += 1
                else:
                    flash.power_on()
                final, _, _ = self.outcome(flash.data, content, after, (note, at, mode))
                final.change({1: b"alive"})
                assert final.value(1) == b"alive", (note, at, mode)


def run(seed, sectors, large, stride, garbage=False):
    judge = Judge()
    data = bytearray(Random(seed).octets(sectors * 4096)) if garbage else None
    flash = NorFlash(sectors, data=data)
    store = DictStore(flash)
    state = {"old": {}, "new": {}, "then": {}, "n": 0}

    def hook(device, sector, off, page):
        n = state["n"]
        state["n"] += 1
        for i, mode in enumerate(MODES):
            if (n * len(MODES) + i) % stride:
                continue
            image = bytearray(device.data)
            if off < 0:
                at, size = sector * 4096, 4096
                image[at : at + size] = torn_sector(image[at : at + size], mode, n)
            else:
                at, size = sector * 4096 + off, PAGE
                image[at : at + size] = torn_page(image[at : at + size], page, mode, n)
            note = (seed, n, mode, sector, off)
            judge.cut(image, state["old"], state["new"], state["then"], note)
            if (n * len(MODES) + i) % (37 * stride) == 0:
                judge.again(image, state["old"], state["new"], state["then"], note)

    flash.hook = hook
    changes = script(seed, sectors, large)
    for i, values in enumerate(changes):
        later = next((change for change in changes[i + 1 :] if change), {5: b"end"})
        state["then"] = later
        if values is None:
            store.idle()
            continue
        state["new"] = apply(state["old"], values)
        store.change(values)
        assert store.content() == state["new"]
        state["old"] = state["new"]
    assert flash.reprogrammed == 0
    assert max(flash.wear) - min(flash.wear) <= 3, flash.wear
    return judge, flash


@pytest.mark.parametrize(
    "seed,sectors,large,garbage", [(1, 9, 6144, False), (2, 10, 6144, True), (3, 8, 2000, False)]
)
def test_every_cut_leaves_old_or_new(seed, sectors, large, garbage):
    judge, flash = run(seed, sectors, large, STRIDE, garbage)
    assert flash.programs > 2 * 16 * sectors, "the region went round less than twice"
    assert judge.old and judge.new and judge.double
    print(f"cuts {judge.cuts}, old {judge.old}, new {judge.new}, double {judge.double}")


def test_cutting_for_ever_costs_no_room():
    """A device that loses power in every transaction still takes the one that it can finish."""
    flash = NorFlash(8)
    store = DictStore(flash)
    content = {key: bytes([key]) * 150 for key in range(60)}
    for key in content:
        store.change({key: content[key]})
    random = Random(5)
    values = {key: bytes([key]) * 60 for key in range(20)}
    after = apply(content, values)
    for turn in range(400):
        flash.power_on()
        store = DictStore(flash)
        assert store.content() in (content, after), turn
        if store.content() == after:
            store.change({key: content[key] for key in values})
        flash.cut(random.below(4), MODES[random.below(5)], turn)
        try:
            store.change(values)
            store.idle()
        except PowerCut:
            pass
    flash.power_on()
    store = DictStore(flash)
    store.change(values)
    assert store.content() == after
