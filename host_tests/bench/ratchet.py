"""Figures against the committed baseline: what is more than 10 % worse fails, what is better is said.

A figure's name tells its unit: _us (microseconds of the board), heap or octets, else it is a count. Less is
better for all. None stands for more than the board has.
"""

import json
from dataclasses import dataclass

MARGIN = 0.10
# Differences too small to mean anything, by unit; a page, an erase or an operation more always does.
SLACK = {"us": 50, "octets": 64, "each": 0.002, "count": 0}
NOT_HELD = ("rest_us",)  # a difference between runs; the total is held


@dataclass(frozen=True)
class Difference:
    """A figure that is not what it was."""

    name: str
    before: float | None
    now: float | None

    def __str__(self):
        if self.before and self.now is not None:
            return f"{self.name}: {self.before:,} -> {self.now:,} ({self.now / self.before - 1:+.1%})"
        return f"{self.name}: {self.before} -> {self.now}"


def unit(name):
    """Return the unit of a figure."""
    last = name.rpartition(".")[2]
    if last.endswith("_us") or last == "us":
        return "us"
    if "heap" in last or last == "octets":
        return "octets"
    return "each" if last.endswith("_each") else "count"


def is_more(name, a, b):
    """Return whether figure a is more than the margin above b."""
    if a is None or b is None:
        return a is None and b is not None
    return a - b > max(MARGIN * b, SLACK[unit(name)])


@dataclass
class Verdict:
    """All figures against the baseline."""

    worse: list
    better: list
    new: list  # names without a baseline
    gone: list  # names that were not measured

    @property
    def failed(self):
        """Whether something is worse or was not measured."""
        return bool(self.worse or self.gone)


def compare(figures, baseline, part=False):
    """Return the verdict; with `part`, figures that were not measured are no fault."""
    verdict = Verdict([], [], [], [])
    for name, value in figures.items():
        if name.endswith(NOT_HELD):
            continue
        if name not in baseline:
            verdict.new.append(name)
        elif is_more(name, value, baseline[name]):
            verdict.worse.append(Difference(name, baseline[name], value))
        elif is_more(name, baseline[name], value):
            verdict.better.append(Difference(name, baseline[name], value))
    if not part:
        verdict.gone = [name for name in baseline if name not in figures and not name.endswith(NOT_HELD)]
    return verdict


def load(path):
    """Return (conditions, figures) of a baseline; both empty when there is none."""
    if not path.is_file():
        return {}, {}
    kept = json.loads(path.read_text())
    return kept["conditions"], kept["figures"]


def save(path, conditions, figures):
    """Write a baseline, one figure a line, sorted, so that a change is easy to read in a diff."""
    kept = {"conditions": conditions, "figures": figures}
    path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
