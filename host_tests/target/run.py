"""What a simulated board has to stand that takes minutes; the tests of this folder have a slice of it.

    python3 host_tests/target/run.py                 all; writes build/test-board.json
    python3 host_tests/target/run.py --every 20      each 20th power cut, a tenth of the updates

Ten messages on the real firmware, the power cut at each flash operation, reboot and comparison
(powercuts.py); then 2000 updates of one setting, with what they cost the flash; then how long tasks of an
application have to wait meanwhile (gaps.py). Exit 1 when anything else than the old or the new tree came out,
or a figure is above its bar.
"""

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # puts lib/, tools/ and the folders of tests on the path
import dmboard
import gaps
import powercuts

FIRMWARE = conftest.ROOT / "build" / "firmware" / "RP2040_DM" / "firmware.bin"
UPDATES = 2000
BATCH = 10  # messages in one script; the raw REPL wants a script in one piece of heap
ERASES_PER_MESSAGE = 0.2
LONGEST_WAIT = 50  # ms that a task of the application may have to wait for its turn
REGION_SECTORS = 64


def progress(line):
    """One line that stays where it is on a terminal."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)


def cut_power(every):
    """Cut at each operation; return the counts."""
    run = powercuts.Run(FIRMWARE)
    count = {"operations": len(run.operations), "cuts": 0, "old": 0, "new": 0, "other": 0}
    count["erases"] = sum(row["kind"] == "erase" for row in run.operations)
    wanted = list(run.cuts(every))
    try:
        for number, (index, torn) in enumerate(wanted):
            result = run.cut(index, torn, number % powercuts.AGAIN == 0)
            count["cuts"] += 1
            count[result if result in ("old", "new") else "other"] += 1
            if result not in ("old", "new"):
                print(f"\ncut at operation {index} ({torn}): {result}")
            progress(f"power cut {number + 1} of {len(wanted)}: {count['old']} old, {count['new']} new")
    finally:
        run.close()
    progress("")
    return count


def wear_out(updates):
    """Change one setting again and again; return what it cost."""
    operator = dmboard.Operator()
    chip = dmboard.start(FIRMWARE, REGION_SECTORS * 4096)
    try:
        before = chip.report()
        chip.exec(f"told({operator.message('add', './App/Level:int=0').call()})")
        slowest = 0
        for done in range(0, updates, BATCH):
            calls = [operator.message("replace", f"./App/Level={done + i}").call() for i in range(BATCH)]
            told = chip.exec(
                "import time\nworst = 0\n"
                + "".join(
                    f"t = time.ticks_us()\nout = {call}\nt = time.ticks_diff(time.ticks_us(), t)\n"
                    "worst = max(worst, t)\n"
                    "if out.error or [row[1] for row in out.statuses] != [200]: told(out)\n"
                    "client.idle()\n"
                    for call in calls
                )
                + "print(worst)"
            ).stdout.split("\n")
            if len(told) != 2:
                raise AssertionError(f"an update was refused: {told}")
            slowest = max(slowest, int(told[0]))
            progress(f"update {done + BATCH} of {updates}")
        progress("")
        value = chip.exec("print(client.get(b'./App/Level'))").stdout.strip()
        if value != f"b'{updates - 1}'":
            raise AssertionError(f"the last update is not there: {value}")
        chip.boot()
        dmboard.setup(chip, REGION_SECTORS * 4096)
        if chip.exec("print(client.get(b'./App/Level'))").stdout.strip() != value:
            raise AssertionError("after a reboot the last update is not there")
        after = chip.report()
    finally:
        chip.close()
    first = dmboard.REGION // 4096
    wear = [after["flash"]["wear"].get(str(first + i), 0) for i in range(REGION_SECTORS)]
    erases = after["flash"]["erases"] - before["flash"]["erases"]
    return {
        "updates": updates,
        "erases": erases,
        "pages": after["flash"]["pages"] - before["flash"]["pages"],
        "erases_per_update": round(erases / updates, 4),
        "wear_least": min(wear),
        "wear_most": max(wear),
        "slowest_ms": slowest / 1000,
    }


def wait():
    """Return how long tasks of an application wait meanwhile; docs/porting.md has these figures."""
    with gaps.Board(FIRMWARE) as board:
        return {name: round(ms, 1) for name, ms in board.figures().items()}


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th cut only")
    arguments = words.parse_args()
    begin = time.monotonic()
    if not FIRMWARE.is_file():
        print("run.py: the firmware is missing: run `make firmware BOARD=RP2040_DM`", file=sys.stderr)
        return 1
    result = {"power_cuts": cut_power(arguments.every)}
    result["wear"] = wear_out(UPDATES if arguments.every == 1 else UPDATES // 10)
    result["longest_wait_ms"] = wait()
    result["seconds"] = round(time.monotonic() - begin)
    for part, figures in result.items():
        print(f"{part}: {figures if isinstance(figures, int) else json.dumps(figures)}")
    if arguments.every == 1:
        (conftest.ROOT / "build" / "test-board.json").write_text(json.dumps(result, indent=1) + "\n")
    bad = result["power_cuts"]["other"] or result["wear"]["erases_per_update"] > ERASES_PER_MESSAGE
    bad = bad or max(result["longest_wait_ms"].values()) > LONGEST_WAIT
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
