"""Cuts the power before, inside and after every flash operation of a script, and once more
while the device recovers; says of each cut whether the old or the new tree came out of it.

The power takes all of RAM with it, so a cut is nothing but the flash image it leaves: each
operation of a step is recorded with the image before it, the torn image is made from that, and
a new device starts on it. Then

  1. mounting writes nothing, finds no damage, and the tree and the replay pairs are both old or
     both new;
  2. what was pending runs: with the old tree no Exec of this message ever ran, with the new one
     each ran once, or never and the journal tells of it as interrupted; none runs twice;
  3. the same push again is applied if the tree was old, else refused without flash operation;
  4. one more message works, and after one more boot all is as the model says.

2 to 4 are recorded too: a second cut in each of their first operations, and 1 to 4 again.
An id names a cut: whole.12.3.half is script, step, operation, mode; whole.12.3.half/1.noise the
second cut after it. The first tree of a new device is cut into likewise. A device never programs
a page that is not blank, unless its sector is sick.
"""

from binascii import crc32

import lockstep
import sealed
from model import add
from norflash import MODES, NorFlash, PowerCut
from powercut import script

DEPTH = 4  # operations of a recovery in which the power is cut again
PROBE = [add("1", b"./Probe", b"p" * 300)]  # the message after a recovery


class Act:
    """What the device was doing when the power went: from model `old` to model `new`."""

    def __init__(self, old, new, ran, again=None, server=None, body=None, header=None, statuses=None):
        self.old, self.new = old, new
        self.ran = ran  # Execs that ran before; None where there can be none
        self.again = again  # how to do it again where it is no push
        self.server, self.body, self.header, self.statuses = server, body, header, statuses
        self.old_state = old and state_of(old)
        self.new_state = state_of(new)
        self._settled = self._probe = None

    def settled(self):
        """The same, when it is known that it took effect."""
        if self._settled is None:
            self._settled = Act(None, self.new, self.ran, None, self.server, self.body, self.header)
        return self._settled

    def probe(self):
        """The message after it; Execs are none of it."""
        if self._probe is None:
            self._probe = message(self.new, b"A", PROBE, None)
        return self._probe


class Operation:
    """One flash operation, and the world before it."""

    def __init__(self, flash, sector, off, data, ran, act):
        self.image = bytes(flash.data)
        self.sector, self.off, self.data = sector, off, data
        self.sick = dict(flash.sick)
        self.ran = list(ran)
        self.act = act

    def torn(self, mode, seed):
        """The device after the power went in this operation."""
        flash = NorFlash(len(self.image) // 4096, data=bytearray(self.image))
        flash.sick = dict(self.sick)
        flash.cut(0, mode, seed)
        try:
            if self.off < 0:
                flash.ioctl(6, self.sector)
            else:
                flash.writeblocks(self.sector, self.data, self.off)
        except PowerCut:
            flash.power_on()
        return flash


class Recorder:
    """Notes the operations of a bench's flash."""

    def __init__(self, bench, act=None):
        self.bench = bench
        self.act = act
        self.operations = []
        bench.flash.hook = self

    def __call__(self, flash, sector, off, data):
        at = sector * flash.sector_size + off
        if off >= 0 and not flash.sick:
            assert flash.data.count(255, at, at + 256) == 256, "programs a page that is not blank"
        self.operations.append(Operation(flash, sector, off, data, self.bench.ran, self.act))


def state_of(model):
    """What a cut must leave, by the model."""
    return model.snapshot(), dict(model.pairs)


def message(old, server, commands, ran):
    """The Act of a push."""
    new = old.copy()
    session, msg = new.pairs.get(server, (1, 0))
    pair = session, msg + 1
    statuses = new.message(server, *pair, commands)
    body, header = lockstep.Encoder().message(lockstep.SERVERS[server], *pair, commands)
    signed = sealed.signed(body, lockstep.SERVERS[server]) if pair[1] % 2 else None
    if signed:  # alone, or with the MAC
        body, header = signed, lockstep.SERVERS[server].header(signed) if pair[1] % 4 == 1 else ""
    return Act(old, new, ran, None, server, body, header, statuses)


def applied(bench, act):
    """Push the message of an Act; it must do what the model says."""
    outcome = bench.push(act.body, act.header)
    assert outcome.error is None, f"refused: {outcome.error} {outcome.code}"
    assert [(c.decode(), s) for c, s in outcome.statuses] == act.statuses


def recover(flash, operation, act):
    """Steps 1 to 4 on a torn device: (verdict, operations of the recovery)."""
    bench = lockstep.Bench(flash=flash)
    bench.ran = list(operation.ran)
    recorder = Recorder(bench)
    bench.boot()
    assert bench.boot_operations == 0, "mount wrote"
    assert bench.client.store.log.damaged == 0, "mount found damage"
    state = lockstep.snapshot(bench.client), lockstep.pairs(bench.client)
    if state == act.old_state:
        verdict = "old"
        assert not bench.client.store.execs, "old tree, Exec pending"
        assert act.ran in (None, bench.ran), "old tree, Exec ran"
    else:
        assert state == act.new_state, "neither old nor new"
        verdict = "new"
    recorder.act = act if verdict == "old" else act.settled()
    bench.client.run_execs()
    bench.model = act.new
    missing = 0
    if verdict == "old":
        if act.body:
            applied(bench, act)
        elif act.again:
            act.again(bench)
    elif act.body:
        outcome = bench.push(act.body, act.header)
        assert (outcome.error, outcome.code) == ("NotAuthentic", lockstep.REPLAY), "applied twice"
        assert bench.flash_operations == 0, "a replay costs flash operations"
        missing = len(bench.told(act.server, lockstep.INTERRUPTED))
    bench.same()
    if act.ran is None:
        assert bench.ran == operation.ran, "Exec ran"
    else:
        left = list(act.new.execs)
        for one in bench.ran:
            assert one in left, "Exec ran twice"
            left.remove(one)
        assert len(left) <= missing, "Exec was lost"
    probe = recorder.act = act.probe()
    applied(bench, probe)
    bench.boot()
    bench.client.run_execs()
    bench.model = probe.new
    bench.same()
    return verdict, recorder.operations


class First:
    """A new device gets its first tree: the root while mounting, the rest by Bench.STAGES."""

    def __init__(self):
        self.states = []  # the tree after each commit
        self.model = lockstep.first_model(lockstep.ROOT_ACLS[0])

    def recover(self, flash, operation):
        """Boot and go on with what misses: (verdict, operations of the recovery)."""
        bench = lockstep.Bench(flash=flash)
        recorder = Recorder(bench, operation.act)
        bench.boot()
        assert bench.client.store.log.damaged == 0, "mount found damage"
        state = lockstep.snapshot(bench.client)
        at = operation.act[1]  # commits there were before
        assert state in self.states[max(at - 1, 0) : at + 1], "neither old nor new"
        stage = self.states.index(state)
        for number, go_on in enumerate(bench.STAGES, 1):
            if number > stage:
                recorder.act = (self, number)
                go_on(bench)
        bench.boot()
        bench.model = self.model
        bench.same()
        return "new" if stage == at else "old", recorder.operations


class Cuts:
    """Runs scripts and counts what became of the cuts."""

    def __init__(self, every=1, only=None, tell=print):
        self.every = every  # take each n-th cut
        self.only = only
        self.tell = tell
        self.count = dict.fromkeys(("cuts", "old", "new", "other", "double_cuts", "double_other"), 0)
        self.failed = []  # (id, reason)
        self.turn = 0

    def run(self, name):
        """One script of script.SCRIPTS."""
        steps, sectors = script.SCRIPTS[name]
        if self.only and self.only.split(".")[0] != name:
            return
        last = int(self.only.split(".")[1]) if self.only else len(steps)
        bench = lockstep.Bench(sectors=sectors)
        bench.same()
        for number, step in enumerate(steps[: last + 1]):
            recorder = Recorder(bench)
            self.step(bench, recorder, step)
            bench.same()
            assert bench.ran == bench.model.execs
            if not self.only or number == last:
                before = self.count["cuts"]
                self.explore(f"{name}.{number}", recorder.operations)
                done = self.count["cuts"] - before
                what = f"{len(recorder.operations)} operations, {done} cuts"
                self.tell(f"{name} {number + 1}/{len(steps)} {step[0]}: {what}")

    def run_first(self):
        """The first tree of a new device, in the id `first.0`."""
        if self.only and not self.only.startswith("first."):
            return
        first = First()
        bench = lockstep.Bench(flash=NorFlash(8))
        recorder = Recorder(bench, (first, 0))
        bench.boot()
        first.states.append(lockstep.snapshot(bench.client))
        for number, go_on in enumerate(bench.STAGES, 1):
            recorder.act = (first, number)
            go_on(bench)
            first.states.append(lockstep.snapshot(bench.client))
        self.explore("first.0", recorder.operations)
        self.tell(f"first tree: {len(recorder.operations)} operations, {self.count['cuts']} cuts")

    def step(self, bench, recorder, step):
        """Carry out a step on the device that nothing happens to."""
        kind = step[0]
        old = bench.model
        ran = list(bench.ran)
        if kind == "push":
            act = recorder.act = message(old, step[1], step[2], ran)
            applied(bench, act)
        elif kind == "set":
            new = old.copy()
            node = new.nodes[tuple(step[1].decode().split("/")[1:])]
            node.value = step[2]
            node.changed()
            act = recorder.act = Act(old, new, ran, lambda bench: bench.client.set(*step[1:]))
            act.again(bench)
        else:
            act = recorder.act = Act(old, old, ran, lambda bench: [bench.client.idle() for _ in range(4)])
            if kind == "boot":
                bench.boot()
            elif kind == "sick":
                here = bench.client.store.log._sec
                bench.flash.sick[(here + 1) % bench.flash.sectors] = step[1]
            else:
                act.again(bench)
        bench.model = act.new

    def explore(self, name, operations):
        """Cut in each of the operations of a step."""
        for at, operation in enumerate(operations):
            for mode in MODES:
                first = f"{name}.{at}.{mode}"
                self.turn += 1
                if self.only:
                    if self.only.split("/")[0] != first:
                        continue
                elif (self.turn + self.turn // len(MODES)) % self.every:
                    continue
                self.count["cuts"] += 1
                verdict, recovery = self.attempt(first, operation, mode)
                self.count[verdict] += 1
                self.again(first, recovery)

    def again(self, first, recovery):
        """Cut once more in the first operations of a recovery."""
        for at, operation in enumerate(recovery[:DEPTH]):
            mode = MODES[(crc32(first.encode()) + at) % len(MODES)]
            if self.only and "/" in self.only:
                mode = self.only.split(".")[-1]
                if self.only != f"{first}/{at}.{mode}":
                    continue
            second = f"{first}/{at}.{mode}"
            self.count["double_cuts"] += 1
            verdict, _ = self.attempt(second, operation, mode)
            self.count["double_other"] += verdict == "other"

    def attempt(self, name, operation, mode):
        """(verdict, operations of the recovery) of one cut."""
        try:
            flash = operation.torn(mode, crc32(name.encode()))
            if isinstance(operation.act, tuple):
                return operation.act[0].recover(flash, operation)
            return recover(flash, operation, operation.act)
        except Exception as problem:
            if self.only:
                raise
            self.failed.append((name, f"{type(problem).__name__}: {problem}"))
            return "other", []
