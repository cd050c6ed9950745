"""`make mutants`: takes out one defence after the other, and shows that its test fails.

    python host_tests/mutants/run.py [NAME ...]     all, or those whose names contain one of the words
    python host_tests/mutants/run.py --page         docs/security.md only

Works on copies of the sources below build/mutants, never on the sources. A test must pass there
before anything is taken out, and fail (not end in an error of collection) after. Writes
build/mutants.json {"defences": n, "caught": n, "by_name": {name: {"caught": bool, "seconds": s}}};
exit 1 when one is not caught, or a patch does not apply.
"""

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from defences import DEFENCES, Defence
from page import page
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "build" / "mutants"
WORKERS = 2
SECONDS = 150  # a test that hangs without its defence is caught as well
FAILED = 1  # pytest: tests ran, and some failed


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


def run(folder: Path, tests: list[str]) -> tuple[int, str]:
    """(exit code, what was printed) of pytest; 1 also where it had to be stopped."""
    command = [str(ROOT / ".venv" / "bin" / "pytest"), "-x", "--timeout", str(SECONDS)]
    command += [f"host_tests/{test}" for test in tests]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=4 * SECONDS
        )
    except subprocess.TimeoutExpired:
        return FAILED, "stopped"
    return done.returncode, done.stdout + done.stderr


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
    if status == FAILED:
        return True, ""
    return False, "its test passes without it" if not status else f"no verdict: {told[-300:]}"


def work(folder: Path, todo: "queue.Queue[Defence]", found: dict) -> None:
    """Take defences from the queue until it is empty."""
    while True:
        try:
            one = todo.get_nowait()
        except queue.Empty:
            return
        start = time.monotonic()
        caught, why = without(folder, one)
        found[one.name] = (caught, why, round(time.monotonic() - start, 1))


def main(words: list[str]) -> int:
    console = Console(highlight=False)
    if words == ["--page"]:
        (ROOT / "docs" / "security.md").write_text(page())
        return 0
    chosen = [one for one in DEFENCES if not words or any(word in one.name for word in words)]
    folders = [copy(number) for number in range(WORKERS)]
    status, told = run(folders[0], sorted({one.test for one in chosen}))
    if status:
        console.print(told[-3000:], markup=False)
        console.print("[red]mutants: the tests do not pass with all defences in place[/red]")
        return 1
    todo: queue.Queue[Defence] = queue.Queue()
    for one in chosen:
        todo.put(one)
    found: dict[str, tuple[bool, str, float]] = {}
    threads = [threading.Thread(target=work, args=(folder, todo, found)) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
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
