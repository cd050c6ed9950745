"""Which tests show which rows: read from the decorators, without importing or running a test.

A test is (file below host_tests, function). `row("R05", "R06")` marks it for both,
`row("R16", negative=True)` as one that shows a refusal; one test may have several.
"""

import ast
from pathlib import Path
from typing import NamedTuple

from rows import ROWS

HERE = Path(__file__).resolve().parents[1]
NUMBERS = [row.number for row in ROWS]


class Test(NamedTuple):
    """One test of one row."""

    row: str
    file: str
    name: str
    negative: bool


class MarkError(ValueError):
    """A mark that says nothing: an unknown row, or an argument that is none."""


def marks(decorator: ast.expr) -> list[tuple[str, bool]]:
    """Rows of one decorator with whether they are shown by a refusal; nothing for other decorators."""
    if not isinstance(decorator, ast.Call) or ast.unparse(decorator.func) not in ("row", "pytest.mark.row"):
        return []
    said = ast.unparse(decorator)
    negative = False
    for keyword in decorator.keywords:
        if keyword.arg != "negative" or not isinstance(keyword.value, ast.Constant):
            raise MarkError(f"{said}: takes row numbers and negative=True")
        negative = bool(keyword.value.value)
    found = []
    for argument in decorator.args:
        if not isinstance(argument, ast.Constant) or argument.value not in NUMBERS:
            raise MarkError(f"{said}: {ast.unparse(argument)} is no row of host_tests/conformance/rows.py")
        found.append((argument.value, negative))
    if not found:
        raise MarkError(f"{said}: names no row")
    return found


def collect(folder: Path = HERE) -> list[Test]:
    """Every mark of every test file below the folder, by file and place."""
    found = []
    for path in sorted(folder.rglob("test_*.py")):
        text = path.read_text()
        if "row(" not in text:
            continue
        for node in ast.walk(ast.parse(text, str(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for decorator in node.decorator_list:
                    for number, negative in marks(decorator):
                        if not node.name.startswith("test"):
                            raise MarkError(f"{path}: {node.name} is no test")
                        found.append(Test(number, path.relative_to(folder).as_posix(), node.name, negative))
    return found


def gaps(tests: list[Test]) -> list[str]:
    """What misses: rows in scope without a test, or without a refusal where they forbid something."""
    out = []
    for row in ROWS:
        mine = [test for test in tests if test.row == row.number]
        if row.out:
            continue
        if not mine:
            out.append(f"{row.number} has no test: {row.text}")
        elif row.forbids and not any(test.negative for test in mine):
            out.append(f"{row.number} has no negative test: {row.text}")
    return out
