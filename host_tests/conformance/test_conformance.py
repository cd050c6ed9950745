"""The page about conformance is what would be written today, and every row in scope has its tests."""

import ast

import marked
import pytest
import report
from conftest import ROOT
from rows import ROWS, TABLES

TESTS = marked.collect()


def test_rows_are_numbered_and_told():
    assert [row.number for row in ROWS] == [f"R{n:02}" for n in range(1, 53)]
    for row in ROWS:
        assert row.text.endswith(".") and (not row.note or row.note.endswith(".")), row.number
    for _, rows in TABLES:
        assert all(name in marked.NUMBERS for part in rows.split() for name in part.split("-"))


def test_every_row_in_scope_has_its_tests():
    assert not marked.gaps(TESTS)


def test_the_page_is_what_would_be_written_today():
    """As after a run in which everything passed: `make conformance` fails on any other."""
    results = {(test.file, test.name): "passed" for test in TESTS}
    page = (ROOT / "docs" / "conformance.md").read_text()
    assert page == report.document(TESTS, results), "run `python host_tests/conformance/run.py --page`"


def test_a_gap_is_seen():
    assert any(
        line.startswith("R34 has no test") for line in marked.gaps([t for t in TESTS if t.row != "R34"])
    )
    left = [test for test in TESTS if test.row != "R34" or not test.negative]
    assert any(line.startswith("R34 has no") for line in marked.gaps(left))


def test_what_did_not_pass_shows():
    results = {(test.file, test.name): "passed" for test in TESTS}
    one = next(test for test in TESTS if test.row == "R34")
    for outcome in ("failed", "skipped", None):
        results[one.file, one.name] = outcome
        if outcome is None:
            del results[one.file, one.name]
        rows = report.figures(TESTS, results)["rows"]
        assert not rows["R34"]["passed"] and rows["R34"]["tests"] > 0
        assert f"**{outcome or 'missing'}**" in report.document(TESTS, results)


@pytest.mark.parametrize("mark", ["row()", "row('R99')", "row(17)", "row('R17', negatve=True)", "row(NAME)"])
def test_a_mark_that_says_nothing_is_refused(mark):
    with pytest.raises(marked.MarkError):
        marked.marks(ast.parse(mark, mode="eval").body)


def test_other_decorators_are_none_of_ours():
    assert marked.marks(ast.parse("pytest.mark.parametrize('row', [1])", mode="eval").body) == []
    assert marked.marks(ast.parse("settings", mode="eval").body) == []
