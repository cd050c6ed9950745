"""A slice of what `make test-board` runs whole: power cuts on the real firmware."""

import powercuts
import pytest
from target import firmware


@pytest.mark.timeout(600)  # for a machine that has much else to do
def test_every_cut_leaves_the_old_or_the_new_tree():
    run = powercuts.Run(firmware("RP2040_DM"))
    try:
        kinds = {row["kind"] for row in run.operations}
        assert kinds == {"erase", "program"}, "the ten messages must make the ring go round"
        cuts = list(run.cuts(37))
        erases = [i for i, row in enumerate(run.operations) if row["kind"] == "erase"]
        cuts += [(erases[0], "half"), (erases[-1], "bits")]
        for number, (index, torn) in enumerate(cuts):
            result = run.cut(index, torn, number % 3 == 0)
            assert result in ("old", "new"), f"cut at operation {index} ({torn}): {result}"
    finally:
        run.close()
