"""A slice of `make powercut`: each n-th cut of all scripts."""

from powercut import script
from powercut.cuts import Cuts

EVERY = 13


def test_each_thirteenth_cut():
    cuts = Cuts(EVERY, tell=lambda line: None)
    cuts.run_first()
    for name in script.SCRIPTS:
        cuts.run(name)
    assert cuts.failed == []
    count = cuts.count
    assert count["old"] + count["new"] == count["cuts"] > 250
    assert count["new"] > 0 and count["double_cuts"] > count["cuts"]
    assert (count["other"], count["double_other"]) == (0, 0)


def test_an_id_replays_its_cut():
    cuts = Cuts(only="worn.2.3.noise/1.half", tell=lambda line: None)
    cuts.run("worn")
    assert (cuts.count["cuts"], cuts.count["old"], cuts.count["double_cuts"]) == (1, 1, 1)


def test_the_script_has_everything():
    pushes = [step for step in script.WHOLE if step[0] == "push"]
    assert len(pushes) >= 30
    kinds = {command[0] for _, _, commands in pushes for command in commands}
    assert kinds == {"add", "replace", "delete", "exec", "atomic", "sequence"}
