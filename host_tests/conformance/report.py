"""docs/conformance.md and build/conformance.json, from the rows, their tests and what those came to."""

from marked import Test
from rows import ROWS, TABLES, Row

# What a test came to; one that did not run at all counts as missing.
Results = dict[tuple[str, str], str]

HEAD = """\
# Conformance: statement by statement

Made by `make conformance`; do not edit. Every statement of *OMA Device Management Sessionless Command Message*, candidate
version 1.3 of 6 March 2012 (OMA-TS-DM_Sessionless-V1_3), that binds a client or a server, in our words, with the tests that show it.
A test marked **refuses** shows that what breaks the statement is refused. **C** is the client in `lib/omadm`, **S** the operator's tool.
Tests in `host_tests/pure` have passed under CPython and, compiled, under MicroPython.

"""

CHOICES = """\
## Where we differ, and where the text leaves a choice

* **The editions of 1.3 that the text refers to** (DM Security, DM Protocol, TND, standard objects) could not be obtained. Their 1.2.1
  editions are the base; what 1.3 may have changed is decided in [profile.md](profile.md), each decision in one place of the code.
* **HMAC-SHA256** (R30) is RFC 2104 in the construction of profile P1; the nested hash of 1.2.1 is accepted under its own name. MD5 is refused.
* **Signature** (R03, R19): its place in `SyncHdr/Cred/Data` and its canonical form are ours (profile P1). A message composed with `--no-sign`
  or `--compact` is proved by its MAC only, which is less than R19 asks; it is for carriers where every octet counts, and the tool says so.
* **SessionID and MsgID** (R07) are not ignored: they guard against replay (profile P3).
* **Groups of devices** are not built: `SyncHdr/Target` is one device (profile P7).
* **Virtual URI** (R52): the syntax is ours (profile P4).
* **DMAcc** (R45): a message can't even change one (profile P2).
* **Get, Alert, Copy, Results, Status, MoreData**: refused (profile P5).
* **SIP Push and OMA BCAST** (R24, R26), two of the four carriers that the text lists, are not built.
"""


def name_of(test: Test) -> str:
    """The test as people read it."""
    return f"`{test.file}` {test.name.removeprefix('test_').replace('_', ' ')}"


def result(test: Test, results: Results) -> str:
    """passed, failed, skipped or missing."""
    return results.get((test.file, test.name), "missing")


def state(row: Row, tests: list[Test], results: Results) -> str:
    """What the row came to."""
    if row.out:
        return "out of scope"
    told = [result(test, results) for test in tests]
    return "passed" if told and set(told) == {"passed"} else "not passed"


def of_row(row: Row, tests: list[Test]) -> list[Test]:
    """Its tests, each once: those that show it first, those that show a refusal behind."""
    mine: dict[tuple[str, str], Test] = {}
    for test in tests:
        if test.row == row.number and (test.negative or (test.file, test.name) not in mine):
            mine[test.file, test.name] = test
    return sorted(mine.values(), key=lambda test: (test.negative, test.file, test.name))


def figures(tests: list[Test], results: Results) -> dict:
    """What build/conformance.json holds."""
    out = {}
    for row in ROWS:
        mine = of_row(row, tests)
        out[row.number] = {
            "tests": len(mine),
            "negative": sum(test.negative for test in mine),
            "passed": state(row, mine, results) == "passed",
        }
        if row.out:
            out[row.number]["out_of_scope"] = row.out
    return {"rows": out}


def document(tests: list[Test], results: Results) -> str:
    """docs/conformance.md."""
    lines = [
        HEAD,
        "| row | § | who | level | statement | tests | of them refuse | |",
        "|--|--|--|--|--|--:|--:|--|",
    ]
    for row in ROWS:
        mine = of_row(row, tests)
        refuse = sum(test.negative for test in mine)
        counts = f"{len(mine) or ''} | {refuse or ''}"
        number = f"[{row.number}](#{row.number.lower()})"
        lines.append(
            f"| {number} | {row.section} | {row.who} | {row.level} | {row.text} | {counts} | {state(row, mine, results)} |"
        )
    lines += ["", CHOICES, "## The tables of appendix B", "", "| item | rows |", "|--|--|"]
    lines += [f"| {item} | {rows} |" for item, rows in TABLES]
    lines += ["", "## The tests", ""]
    for row in ROWS:
        lines += [f"### {row.number}", "", f"{row.text}{' ' + row.note if row.note else ''}", ""]
        if row.out:
            lines += [f"*Out of scope: {row.out}.*", ""]
        mine = of_row(row, tests)
        lines += [
            f"* {'**refuses** ' if test.negative else ''}{name_of(test)}{told(test, results)}"
            for test in mine
        ]
        if mine:
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def told(test: Test, results: Results) -> str:
    """A word for what did not pass."""
    what = result(test, results)
    return "" if what == "passed" else f" — **{what}**"
