"""What omadm costs on the simulated board, beside its peers on the same board and the same work.

    make bench                                       all; writes build/bench.json, prints tables
    make bench BASELINE=new                          all, and writes baseline.json
    .venv/bin/python host_tests/bench/run.py --quick m5 and a forged m20 only
    .venv/bin/python host_tests/bench/run.py --only messages --only peers

A section is a function that returns figures by name, and the firmware it wants (SECTIONS); a new
one gets its line there, its rows in tables.py, and its figures with the next baseline.

Every figure is one of the board: microseconds of its simulated clock, octets of its heap, operations of its
flash chip. So a run on the same sources gives the same figures, whatever else the host does.
Exit 1 when a figure of omadm is more than 10 % worse than in baseline.json (ratchet.py), or misses a bar that
the baseline reaches (bars.py). Bars that were never reached are shown in red.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # puts lib/, tools/ and the fakes on the path
from bench import (
    bars,
    lab,
    measure_imports,
    measure_messages,
    measure_objects,
    measure_peers,
    measure_signed,
    measure_trees,
    ratchet,
    tables,
)
from rich.console import Console

ROOT = conftest.ROOT
BASELINE = lab.HERE / "baseline.json"
OUT = ROOT / "build" / "bench.json"


@dataclass(frozen=True)
class Section:
    """What is measured in one go, on boards of its own."""

    measure: Callable
    firmware: tuple = (lab.OURS,)  # what must be built for it


# The longest first, so that two processors end at about the same time.
SECTIONS = {
    "tree of 200": Section(lambda: measure_trees.measure(200)),
    "tree of 1,000": Section(lambda: measure_trees.measure(1000)),
    "messages": Section(measure_messages.measure),
    "objects": Section(measure_objects.measure),
    "signed": Section(measure_signed.measure),
    "signed, native": Section(measure_signed.native, (lab.NATIVE,)),
    "peers": Section(measure_peers.measure, (lab.STOCK,)),
    "imports": Section(measure_imports.measure, (lab.OURS, lab.STOCK)),
}
QUICK = {"m5": Section(lambda: measure_messages.measure(sizes=(5,), peaks=()))}
PEERS = ("json", "wbxml_tree")  # what their figures begin with


def conditions():
    """What the figures depend on beside the sources."""
    with lab.Lab(lab.OURS) as chip:
        chip.fresh()
        version, hertz = chip.ask("import os, machine; print((os.uname().version, machine.freq()))")
    compiler = ["arm-none-eabi-gcc", "-dumpfullversion"]
    gcc = subprocess.run(compiler, capture_output=True, text=True, check=True)
    packages = json.loads((ROOT / "tools" / "boardsim" / "package-lock.json").read_text())["packages"]
    return {
        "board": f"RP2040 at {hertz // 1_000_000} MHz, simulated",
        "rp2040js": packages["node_modules/rp2040js"]["version"],
        "micropython": version.partition(" on ")[0],
        "gcc": gcc.stdout.strip(),
        "flash": "45 ms an erase of 4 KiB, 0.4 ms a page of 256 octets",
        "not modelled": "misses of the XIP cache: times are a lower bound, ratios are fair",
    }


def measure(sections, jobs, console):
    """Run sections, some at a time, each on boards of its own; return all figures."""
    figures = {}
    began = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(section.measure): name for name, section in sections.items()}
        try:
            for done in as_completed(running):
                figures |= done.result()
                console.print(f"  {running[done]} ({time.monotonic() - began:.0f} s)", style="dim")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return dict(sorted(figures.items()))


def told(console, verdict, old, new):
    """Print how the figures stand against the baseline."""
    for key in old:
        if old[key] != new[key]:
            console.print(f"[yellow]the baseline was taken with {key} {old[key]}, this is {new[key]}")
    for difference in verdict.better:
        console.print(f"[green]better:[/green] {difference}")
    for difference in verdict.worse:
        console.print(f"[red]worse:[/red]  {difference}")
    for name in verdict.gone:
        console.print(f"[red]not measured:[/red] {name}")
    if verdict.new:
        console.print(f"without a baseline: {len(verdict.new)} figures, for example {verdict.new[0]}")
    if verdict.failed:
        console.print("[red]bench: worse than the baseline; if that is meant: make bench BASELINE=new")
    elif verdict.better:
        console.print("Keep what was gained: make bench BASELINE=new")


def main(arguments=None):
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--quick", action="store_true", help="m5 and a forged m20 only")
    words.add_argument("--only", action="append", choices=SECTIONS, help="one section; may be repeated")
    words.add_argument("--new-baseline", action="store_true", help="the figures become the baseline")
    words.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="boards at a time")
    options = words.parse_args(arguments)
    part = options.quick or options.only
    if part and options.new_baseline:
        words.error("a baseline is made of all figures")
    sys.stdout.reconfigure(line_buffering=True)
    console = Console(highlight=False, soft_wrap=True)
    sections = QUICK if options.quick else {name: SECTIONS[name] for name in options.only or SECTIONS}
    for board in sorted({lab.OURS}.union(*(section.firmware for section in sections.values()))):
        lab.build(board)
    circumstances = conditions()
    measured = measure(sections, options.jobs, console)
    figures = {name: value for name, value in measured.items() if not name.startswith(PEERS)}
    peers = {name: value for name, value in measured.items() if name.startswith(PEERS)}
    tables.show(console, measured)
    old, baseline = ratchet.load(BASELINE)
    if options.new_baseline:
        ratchet.save(BASELINE, circumstances, figures)
        console.print(f"{BASELINE.relative_to(ROOT)} is written")
    verdict = ratchet.compare(figures, figures if options.new_baseline else baseline, bool(part))
    told(console, verdict, old, circumstances)
    lost = [] if options.new_baseline else bars.lost(figures, baseline)
    for bar in lost:
        console.print(f"[red]a bar that had been reached is missed:[/red] {bar.text}")
    report = {
        "conditions": circumstances,
        "figures": figures,
        "peers": peers,
        "bars": bars.as_rows(figures),
        "worse": [str(difference) for difference in verdict.worse],
    }
    if not part:
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps(report, indent=1) + "\n")
        console.print(f"{OUT.relative_to(ROOT)}: {len(figures)} figures, {len(peers)} of peers")
    return 1 if verdict.failed or lost else 0


if __name__ == "__main__":
    sys.exit(main())
