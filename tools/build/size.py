"""Print what each module of lib/omadm takes as .mpy, and hold the sum against its limit.

    python3 tools/build/size.py

Figures are octets of `mpy-cross -O2`, with native code (where a module has any) for the
Cortex-M0+ of the RP2040. Exit 1 above LIMIT.
"""

import sys
import tempfile
from pathlib import Path

from mpy import ROOT, Failed, compile_file

LIMIT = 24 * 1024
# Not part of what the limit holds: the receivers of SMS.
APART = ("sms", "wsp")


def main():
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for source in sorted((ROOT / "lib" / "omadm").glob("*.py")):
            made = Path(place) / f"{source.stem}.mpy"
            try:
                compile_file(source, made, f"omadm/{source.name}", 2, "armv6m")
            except Failed as problem:
                print(f"size: {problem}", file=sys.stderr)
                return 1
            rows.append((source.stem, made.stat().st_size))
    counted = [row for row in rows if row[0] not in APART]
    total = sum(octets for _, octets in counted)
    print("module          .mpy octets")
    for name, octets in counted:
        print(f"{name:<16}{octets:>11,}")
    print(f"{'sum':<16}{total:>11,}   of {LIMIT:,} at most")
    for name, octets in rows:
        if name in APART:
            print(f"{name:<16}{octets:>11,}   not counted: a receiver's part")
    if total > LIMIT:
        print(f"size: {total - LIMIT:,} octets above the limit", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
