"""The application's own tasks beside device management: no push makes them wait longer than 50 ms."""

import dmboard
import pytest
from gaps import Board
from target import firmware

LIMIT = 50  # ms


@pytest.fixture(scope="module")
def beside():
    with Board(firmware("RP2040_DM"), 8 * 4096) as made:
        yield made


def words(count, verb, value):
    return [word for i in range(count) for word in (verb, f"./App/Set/n{i}:chr,text/plain={value}-{i}")]


def test_the_measure_itself(beside):
    worst, took, _, _ = beside.measure("nothing")
    assert worst < 5 and took >= 990


def test_pushes_of_all_kinds(beside):
    operator = dmboard.Operator()
    longest = {}
    for name, message in (
        ("m20", operator.message(*words(20, "add", "setting"), within="Atomic")),
        ("m20 again", operator.message(*words(20, "replace", "another"), within="Atomic")),
        ("a value of 5,000 octets", operator.message("add", "./App/Big=" + "x" * 5000)),
        ("its end", operator.message("delete", "./App/Big")),
        ("Execs", operator.message(*["exec", "./App/Run=go"] * 5)),
    ):
        worst, _, told, _ = beside.push(message)
        assert told[:3] == (None, 0, 0), name
        longest[name] = worst
    forged = operator.message(*words(20, "replace", "forged"), within="Atomic")
    forged.mac = dmboard.Operator().message("delete", "./App").mac
    worst, _, told, _ = beside.push(forged)
    assert told[0] == "NotAuthentic" and told[3] == 0
    longest["forged m20"] = worst
    assert max(longest.values()) <= LIMIT, longest
    assert max(longest.values()) > 5, "it was measured beside the work"


def test_while_the_region_goes_round(beside):
    """Compaction and erasures, in housekeeping and in pushes that find it behind."""
    operator = dmboard.Operator(dmboard.dataclasses.replace(dmboard.ACCOUNT, session_id=2))
    erases, worst = 0, 0
    for i in range(24):
        message = operator.message("replace" if i else "add", "./App/Fill=" + chr(97 + i) * 1100)
        gap, _, told, cost = beside.push(message)
        assert told[:3] == (None, 0, 0)
        erases += cost.erases
        worst = max(worst, gap)
    assert erases >= 3, "the region did not go round"
    assert worst <= LIMIT
