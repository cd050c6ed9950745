"""The first bars: what a first release has to reach.

All are shown. One that the baseline reaches fails a run that does not, however little it misses it by.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One figure and what it may be at most."""

    text: str
    figure: str
    limit: float

    def reached(self, figures):
        """Return whether it is reached; None when it was not measured."""
        if self.figure not in figures:
            return None
        value = figures[self.figure]
        return value is not None and value <= self.limit


BARS = (
    Bar("m20, all of it, bytecode only", "m20.total_us", 120_000),
    Bar("m20, its commit", "m20.commit_us", 10_000),
    Bar("m20, pages programmed", "m20.pages", 8),
    Bar("m20, sectors erased", "m20.erases", 0),
    Bar("2,000 updates, erases outside housekeeping", "tree200.updates2000.erases_in_messages", 0),
    Bar("2,000 updates, erases a message, with housekeeping", "tree200.updates2000.erases_each", 0.2),
    Bar("forged m20, refused in", "forged_m20.total_us", 8_000),
    Bar("forged m20, flash operations", "forged_m20.operations", 0),
    Bar("index of 200 nodes, heap", "tree200.index_heap", 3 * 1024),
    Bar("TNDS of 300 nodes to the Inbox, heap above idle", "tnds300.heap_live", 24 * 1024),
    Bar("m20 with an RSA-2048 signature, its proof", "signed_rsa.m20.prove_us", 250_000),
    Bar("m20 with an hmac-sha256 signature, its proof", "signed_hmac.m20.prove_us", 90_000),
    Bar("import, frozen, heap", "import.frozen.heap", 8 * 1024),
)


def as_rows(figures):
    """Return the bars that were measured, for bench.json."""
    return [
        {"text": bar.text, "figure": bar.figure, "limit": bar.limit, "value": figures[bar.figure],
         "reached": bar.reached(figures)}
        for bar in BARS
        if bar.figure in figures
    ]  # fmt: skip


def lost(figures, baseline):
    """Return the bars that the baseline reaches and these figures do not."""
    return [bar for bar in BARS if bar.reached(baseline) and bar.reached(figures) is False]
