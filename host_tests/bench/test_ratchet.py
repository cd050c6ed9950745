"""The ratchet, the bars and the tables of `make bench`, and what is committed as its baseline."""

import io
import json
import re
import subprocess
import sys

import pytest
from bench import bars, content, ratchet, run, tables
from conftest import ROOT
from rich.console import Console

CONDITIONS, BASELINE = ratchet.load(run.BASELINE)
BASE = {
    "m20.total_us": 100_000,
    "m20.pages": 4,
    "m20.heap_kept": 1000,
    "u.erases_each": 0.1,
    "m5.rest_us": 900,
}


def verdict(**changed):
    return ratchet.compare(BASE | {name.replace("__", "."): now for name, now in changed.items()}, BASE)


def test_the_same_figures_are_no_difference():
    found = ratchet.compare(BASE, BASE)
    assert not found.failed and not found.better and not found.new


@pytest.mark.parametrize(
    ("name", "now"),
    [
        ("m20__total_us", 110_001),
        ("m20__pages", 5),
        ("m20__heap_kept", 1101),
        ("u__erases_each", 0.111),
        ("m20__total_us", None),
    ],
)
def test_more_than_a_tenth_worse_fails(name, now):
    found = verdict(**{name: now})
    assert found.failed and [difference.name for difference in found.worse] == [name.replace("__", ".")]
    assert not found.better


@pytest.mark.parametrize(
    ("name", "now"), [("m20__total_us", 110_000), ("m20__heap_kept", 1100), ("m5__rest_us", 9000)]
)
def test_up_to_a_tenth_passes(name, now):
    found = verdict(**{name: now})
    assert not found.failed and not found.better


def test_what_is_too_small_to_mean_anything_passes():
    assert not ratchet.compare({"a.get_us": 149}, {"a.get_us": 100}).failed
    assert ratchet.compare({"a.get_us": 151}, {"a.get_us": 100}).failed
    assert not ratchet.compare({"a.heap": 64}, {"a.heap": 0}).failed
    assert ratchet.compare({"a.erases": 1}, {"a.erases": 0}).failed


def test_better_is_told_and_passes():
    found = verdict(m20__total_us=80_000)
    assert not found.failed and "-20.0%" in str(found.better[0])


def test_a_figure_that_is_gone_fails_unless_only_a_part_was_measured():
    figures = {name: value for name, value in BASE.items() if name != "m20.pages"}
    assert ratchet.compare(figures, BASE).gone == ["m20.pages"]
    assert ratchet.compare(figures, BASE).failed
    assert not ratchet.compare(figures, BASE, part=True).failed


def test_a_new_figure_passes_and_is_named():
    found = verdict(m7__total_us=1)
    assert found.new == ["m7.total_us"] and not found.failed


def test_what_does_not_fit_is_worse_than_any_figure_and_never_worse_than_itself():
    assert not ratchet.compare({"a.heap": None}, {"a.heap": None}).failed
    assert [str(one) for one in ratchet.compare({"a.heap": 5}, {"a.heap": None}).better] == [
        "a.heap: None -> 5"
    ]


def test_a_baseline_comes_back_as_it_was_saved(tmp_path):
    path = tmp_path / "baseline.json"
    assert ratchet.load(path) == ({}, {})
    ratchet.save(path, {"gcc": "12"}, BASE)
    assert ratchet.load(path) == ({"gcc": "12"}, BASE)
    assert len(path.read_text().splitlines()) == len(BASE) + 7  # one figure a line


def test_bars():
    figures = {bar.figure: bar.limit for bar in bars.BARS}
    assert all(bar.reached(figures) for bar in bars.BARS)
    for bar in bars.BARS:
        assert bar.reached(figures | {bar.figure: bar.limit + 1}) is False
        assert bar.reached(figures | {bar.figure: None}) is False
        assert bar.reached({}) is None
    assert [row["reached"] for row in bars.as_rows(figures | {bars.BARS[0].figure: 10**9})].count(False) == 1
    assert bars.as_rows({}) == []


def test_a_bar_once_reached_stays_reached():
    bar = bars.BARS[0]
    good, bad = {bar.figure: bar.limit}, {bar.figure: bar.limit + 1}
    assert bars.lost(bad, good) == [bar]
    assert bars.lost(good, good) == bars.lost(bad, bad) == bars.lost(good, bad) == bars.lost({}, good) == []


def test_units():
    assert tables.value({"a.total_us": 12_345}, "a.total_us") == "12.3 ms"
    assert tables.value({"a.heap_kept": 2048}, "a.heap_kept") == "2,048 B"
    assert tables.value({"a.pages": 4}, "a.pages") == "4"
    assert tables.value({"a.heap_kept": None}, "a.heap_kept") == tables.TOO_MUCH
    assert tables.value({}, "a.pages") == tables.MISSING


# -- what is committed


def test_the_baseline_holds_what_the_bench_is_for():
    parts = (
        "verify_us",
        "decode_us",
        "stage_us",
        "commit_us",
        "total_us",
        "heap_allocated",
        "pages",
        "erases",
    )
    wanted = {f"m{count}.{part}" for count in content.SIZES for part in parts}
    wanted |= {"m20.heap_needed", "m100.heap_needed", "forged_m20.total_us", "forged_m20.operations"}
    wanted |= {f"import.{way}.{what}" for way in ("py", "mpy", "frozen") for what in ("us", "heap")}
    for nodes in (200, 1000):
        wanted |= {
            f"tree{nodes}.{what}" for what in ("index_heap", "mount_us", "find_us", "updates1000.mean_us")
        }
    wanted |= {"tree200.updates2000.erases_each"} | {bar.figure for bar in bars.BARS}
    assert wanted <= set(BASELINE), f"not in baseline.json: {sorted(wanted - set(BASELINE))}"
    assert not [name for name in BASELINE if name.startswith(run.PEERS)], "peers are no figures of ours"
    assert "MHz" in CONDITIONS["board"]


def test_every_figure_of_the_baseline_is_in_a_table():
    # Each figure gets a value of its own, which must be found in what is printed.
    figures = {name: (1000 + i) * 1000 for i, name in enumerate(BASELINE)}
    console = Console(width=200, file=io.StringIO())
    tables.show(console, figures)
    shown = set(re.findall(r"[\d,.]+", console.file.getvalue()))
    for name in tables.UNSHOWN:
        figures = {key: value for key, value in figures.items() if not key.endswith(name)}
    missing = [name for name in figures if tables.value(figures, name).split()[0] not in shown]
    assert not missing, f"in no table: {missing}"


def test_help_and_wrong_words():
    command = [sys.executable, str(ROOT / "host_tests" / "bench" / "run.py")]
    told = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert told.returncode == 0 and "--new-baseline" in told.stdout
    wrong = subprocess.run([*command, "--quick", "--new-baseline"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "all figures" in wrong.stderr


def test_the_committed_baseline_is_sorted():
    text = run.BASELINE.read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
