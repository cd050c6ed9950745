"""`make mutants`: takes out one defence after the other, and shows that its test fails.

    python host_tests/mutants/run.py [NAME ...]     all, or those whose names contain one of the words
    python host_tests/mutants/run.py --page         docs/security.md only

Works on copies of the sources below build/mutants, never on the sources; a simulated device takes its
code from there and MicroPython from build/micropython. A test must pass there
before anything is taken out, and fail (not end in an error of collection) after. Writes
build/mutants.json {"defences": n, "caught": n, "by_name": {name: {"caught": bool, "seconds": s}}};
exit 1 when one is not caught, or a patch does not apply.
"""

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from defences import DEFENCES, Defence
from page import page
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "mutants"
WORKERS = 2
SECONDS = 150  # a test that hangs without its defence is caught as well
FAILED = 1  # pytest: tests ran, and some failed
CONTEXT = multiprocessing.get_context("fork")  # what is imported above is there in every process


def copy(number: int) -> Path:
    """A copy of the sources, with the tools of this folder."""
    to = PLACE / str(number)
    shutil.rmtree(to, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / ".venv").symlink_to(ROOT / ".venv")
    return to


def pytest_in(folder: Path, tests: list[str]) -> int:
    """Run tests of that copy; the process is good for nothing else then."""
    os.chdir(folder)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PATH"] = f"{ROOT / 'build' / 'micropython'}{os.pathsep}{os.environ['PATH']}"
    sys.dont_write_bytecode = True
    with (folder / "told.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        words = ["-x", "-p", "no:randomly", "--timeout", str(SECONDS)]
        return int(pytest.main([*words, *[f"host_tests/{test}" for test in tests]]))


def run(folder: Path, tests: list[str]) -> tuple[int, str]:
    """(exit code, what was printed) of pytest in a process of its own, where it is loaded already."""
    process = CONTEXT.Process(target=lambda: os._exit(pytest_in(folder, tests)))
    process.start()
    process.join(4 * SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
        return FAILED, "stopped"
    return process.exitcode or 0, (folder / "told.log").read_text(errors="replace")


def without(folder: Path, one: Defence) -> tuple[bool, str]:
    """(caught, a word why not) of the tree without this defence."""
    path = folder / one.file
    text = path.read_text()
    if text.count(one.old) != 1:
        return False, f"its lines occur {text.count(one.old)} times in {one.file}"
    path.write_text(text.replace(one.old, one.new))
    try:
        status, told = run(folder, [one.test])
    finally:
        path.write_text(text)
    if status == FAILED and " failed" in told:
        return True, ""
    return False, "its test passes without it" if not status else f"no verdict: {told[-300:]}"


def work(number: int, share: list[Defence], found) -> None:
    """Take out each of these defences in a copy of this worker's own."""
    folder = copy(number)
    for one in share:
        start = time.monotonic()
        caught, why = without(folder, one)
        found.put((one.name, caught, why, round(time.monotonic() - start, 1)))


def main(words: list[str]) -> int:
    console = Console(highlight=False)
    if words == ["--page"]:
        (ROOT / "docs" / "security.md").write_text(page())
        return 0
    chosen = [one for one in DEFENCES if not words or any(word in one.name for word in words)]
    status, told = run(copy(0), sorted({one.test for one in chosen}))
    if status:
        console.print(told[-3000:], markup=False)
        console.print("[red]mutants: the tests do not pass with all defences in place[/red]")
        return 1
    results = CONTEXT.Queue()
    shares = [chosen[number::WORKERS] for number in range(WORKERS)]
    workers = [
        CONTEXT.Process(target=work, args=(number, share, results)) for number, share in enumerate(shares)
    ]
    for worker in workers:
        worker.start()
    found: dict[str, tuple[bool, str, float]] = {}
    while len(found) < len(chosen):
        name, *rest = results.get(timeout=5 * SECONDS)
        found[name] = (rest[0], rest[1], rest[2])
        if not rest[0]:
            console.print(f"[red]{name}: {rest[1]}[/red]")
        if console.is_terminal:
            console.print(f"{len(found)} of {len(chosen)}", end="\r")
    for worker in workers:
        worker.join()
    table = Table("threat", "defence taken out", "its test", "s")
    for one in chosen:
        caught, why, seconds = found[one.name]
        word = "[green]fails[/green]" if caught else f"[red]{why}[/red]"
        table.add_row(one.threat, one.name, word, f"{seconds:.1f}")
    console.print(table)
    caught = sum(found[one.name][0] for one in chosen)
    by_name = {one.name: {"caught": found[one.name][0], "seconds": found[one.name][2]} for one in chosen}
    figures = {"defences": len(chosen), "caught": caught, "by_name": by_name}
    if not words:
        (ROOT / "build" / "mutants.json").write_text(json.dumps(figures, indent=1) + "\n")
    console.print(f"mutants: {caught} of {len(chosen)} defences are missed by their test when they are gone")
    shutil.rmtree(PLACE)
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
