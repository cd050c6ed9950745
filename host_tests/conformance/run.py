"""`make conformance`: runs every test that is marked with a row, and writes what each row came to.

Also runs, under MicroPython, every file of host_tests/pure that has a marked test. Writes
docs/conformance.md and build/conformance.json; ends with 1 when a test did not pass, or a row in
scope has no test, or a row that forbids something has no test that shows a refusal.

With --page it only writes the page as a run in which everything passes would; whether it does, the
next run says.
"""

import json
import sys
from pathlib import Path

import pytest
from rich.console import Console

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import marked  # noqa: E402
import report  # noqa: E402
from rows import ROWS  # noqa: E402

MPY = "test_mpy.py"


class Recorder:
    """Lets pytest run the wanted tests only, and keeps what each came to; the worst of its cases counts."""

    WORST = ("passed", "skipped", "failed")

    def __init__(self, tests: list[marked.Test]) -> None:
        self.wanted = {(test.file, test.name) for test in tests}
        self.pure = {Path(file).stem for file, _ in self.wanted if file.startswith("pure/")}
        self.results: report.Results = {}
        self.twice: dict[str, str] = {}  # the same under MicroPython, by file

    def of(self, nodeid: str) -> tuple[str, str]:
        """(file, function) of a node id."""
        file, _, name = nodeid.partition("::")
        return file.removeprefix("host_tests/"), name.partition("[")[0]

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        keep, drop = [], []
        for item in items:
            file, name = self.of(item.nodeid)
            mine = (file, name) in self.wanted
            if file == MPY and name == "test_under_micropython":
                mine = any(f"[{stem}]" in item.nodeid for stem in self.pure)
            (keep if mine else drop).append(item)
        config.hook.pytest_deselected(items=drop)
        items[:] = keep

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        key = self.of(report.nodeid)
        if key[0] == MPY:
            key = "pure/" + report.nodeid.partition("[")[2].rstrip("]") + ".py", ""
        before = self.results.get(key, "passed")
        self.results[key] = max(before, report.outcome, key=self.WORST.index)

    def finished(self) -> report.Results:
        """The results, where a pure test has passed when its file has under MicroPython too."""
        out = {}
        for (file, name), outcome in self.results.items():
            if name:
                twice = self.results.get((file, ""), "missing") if file.startswith("pure/") else "passed"
                out[file, name] = outcome if outcome != "passed" else twice
        return out


def main() -> int:
    console = Console(highlight=False, soft_wrap=True)
    tests = marked.collect()
    missing = marked.gaps(tests)
    if sys.argv[1:] == ["--page"]:
        passed = {(test.file, test.name): "passed" for test in tests}
        (ROOT / "docs" / "conformance.md").write_text(report.document(tests, passed))
        return 0
    recorder = Recorder(tests)
    files = sorted({file for file, _ in recorder.wanted} | {MPY})
    words = ["--rootdir", str(ROOT), *[str(ROOT / "host_tests" / file) for file in files], *sys.argv[1:]]
    status = pytest.main(words, plugins=[recorder])
    results = recorder.finished()
    (ROOT / "docs" / "conformance.md").write_text(report.document(tests, results))
    (ROOT / "build").mkdir(exist_ok=True)
    figures = report.figures(tests, results)
    (ROOT / "build" / "conformance.json").write_text(json.dumps(figures, indent=1) + "\n")
    bad = []
    for row in ROWS:
        mine = report.of_row(row, tests)
        if not row.out and report.state(row, mine, results) != "passed":
            told = [f"{report.name_of(test)}: {report.result(test, results)}" for test in mine]
            bad.append(
                f"{row.number} not passed: " + "; ".join(t for t in told if not t.endswith(": passed"))
            )
    for line in missing + bad:
        console.print(f"[red]✗[/red] {line}", markup=True)
    inside = [row for row in ROWS if not row.out]
    console.print(
        f"conformance: {len(inside) - len(bad)} of {len(inside)} rows in scope passed, "
        f"{len(ROWS) - len(inside)} out of scope; {len({(t.file, t.name) for t in tests})} tests"
    )
    console.print("wrote docs/conformance.md and build/conformance.json")
    return 1 if missing or bad or status not in (0, 5) else 0


if __name__ == "__main__":
    sys.exit(main())
