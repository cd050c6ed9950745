"""Print what each module of lib/omadm takes as .mpy, how far the sum is from its goal, and hold the ratchet.

    python3 tools/build/size.py

Figures are octets of `mpy-cross -O2`, with native code (where a module has any) for the
Cortex-M0+ of the RP2040. Exit 1 above RATCHET.
"""

import sys
import tempfile
from pathlib import Path

from mpy import ROOT, Failed, compile_file

GOAL = 24 * 1024
# What has been reached, rounded up to the next 256 octets. It may only go down: whoever adds
# code makes room for it elsewhere, and whoever makes room lowers it.
RATCHET = 50976
# Not counted, as a device that has no use for it never loads it: what receives SMS, signatures, decryption.
APART = ("sms", "reassembly", "wsp", "c14n", "pubkey", "signature", "xmlenc")


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
    print(f"{'sum':<16}{total:>11,}   not above {RATCHET:,}")
    far = f"{total - GOAL:,} octets to go" if total > GOAL else "reached"
    print(f"{'goal':<16}{GOAL:>11,}   {far}")
    for name, octets in rows:
        if name in APART:
            print(f"{name:<16}{octets:>11,}   not counted: loaded where it is needed")
    if total > RATCHET:
        print(f"size: {total - RATCHET:,} octets above what had been reached", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
