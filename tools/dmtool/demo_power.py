"""The chapter of the demo in which the power goes while the flash is written."""

from __future__ import annotations

import contextlib
import shlex
import shutil
from pathlib import Path
from typing import Any

from . import account as accounts
from . import device, push_http
from .errors import ToolError
from .stage import ACCOUNT, HOME, IMAGE, MOVE, REPLAY, Deviation, Facts, Stage, statuses


def power_cuts(demo: Stage) -> None:
    """Cut, look, push again."""
    demo.step(
        "The power goes in the middle of a commit",
        "The Atomic of twenty again, back to the old site; the power is cut while the device writes it.",
        "After the reboot the tree must be exactly the old one or the new one, and the message counts once.",
    )
    home = tuple(f"{row.partition('=')[0]}={value}" for row, value in zip(MOVE, HOME, strict=True))
    words = " ".join(shlex.quote(f"replace ./App/{row}") for row in home)
    old = demo.facts()
    new = dict(old)
    for row in home:
        uri, _, value = row.partition("=")
        fmt, _, verno, *rest = old[f"./App/{uri}"]
        new[f"./App/{uri}"] = (fmt, value.encode(), int(str(verno)) + 1, *rest)
    demo.stop()

    shutil.copy(IMAGE, "before.img")
    demo.compose_many("home.wbxml", words)
    for where, torn, place, wanted in (
        ("middle", "half", "in the middle of the commit, half a page programmed", old),
        ("end", "half", "in the last page, the one that makes it count, half programmed", old),
        ("end", "after", "right after the last page", new),
    ):
        demo.console.print(f"\n[bold]Power cut {place}[/bold]")
        before, operations = _operations_of("home.wbxml")
        demo.fact(
            f"tried on a copy, the commit takes {operations} flash operations", operations > 2, operations
        )
        demo.start(before + (operations // 2 + 1 if where == "middle" else operations), torn)
        _push_into_the_cut(demo)
        found = demo.facts()
        demo.fact(
            "the tree in the flash is exactly the old or the new one",
            found in (old, new),
            _differ(found, old),
        )
        name = "new" if found == new else "old"
        demo.fact(f"it is the {name} one, as it must be here", found == wanted, name)

    demo.console.print("\n[bold]Reboot[/bold]: the same message again")
    demo.start()
    octets = Path("home.wbxml").read_bytes()
    _, events = demo.push(octets, accounts.load(ACCOUNT).header(octets))
    demo.same("it was applied before the power went, so now it is a replay", events[-1]["code"], REPLAY)
    demo.stop()
    demo.console.print(
        "\n[bold]Once more with the flash from before[/bold]: cut in the middle, reboot, push again"
    )
    shutil.copy("before.img", IMAGE)
    before, operations = _operations_of("home.wbxml")
    demo.start(before + operations // 2 + 1, "half")
    _push_into_the_cut(demo)
    demo.start()
    demo.fact("after the reboot the tree is the old one", demo.facts() == old)
    _, events = demo.push(octets, accounts.load(ACCOUNT).header(octets))
    demo.same("the message's number was not spent: now it is applied", statuses(events), [200] * 21)
    demo.fact("and the tree is the new one", demo.facts() == new, _differ(demo.facts(), new))


def _operations_of(name: str) -> tuple[int, int]:
    # How many flash operations come before a message now, and how many it takes, learnt on a copy.
    copy = Path("copy.img")
    shutil.copy(IMAGE, copy)
    octets = Path(name).read_bytes()
    with device.Device(copy, device.free_port()) as other:
        other.start()
        before = other.quiet()
        push_http.push(other.url, octets, accounts.load(ACCOUNT).header(octets))
        told = other.wait_for("push")
    if told["error"] is not None:
        raise Deviation(f"demo: the trial on a copy was refused: {device.reason(told)}")
    return before, int(told["flash"]["programs"]) + int(told["flash"]["erases"])


def _push_into_the_cut(demo: Stage) -> None:
    octets = Path("home.wbxml").read_bytes()
    demo.running.quiet()
    with contextlib.suppress(ToolError):  # the answer may go with the power
        push_http.push(demo.running.url, octets, accounts.load(ACCOUNT).header(octets))
    mark = len(demo.running.events)
    demo.running.wait_for("power-cut")
    demo.report(mark)
    status = demo.running.stop()
    demo.device = None
    demo.same("the device is dark", status, device.POWER_CUT)


def _differ(found: Facts, wanted: Facts) -> list[Any]:
    uris = sorted(found.keys() | wanted.keys())
    return [(uri, found.get(uri), wanted.get(uri)) for uri in uris if found.get(uri) != wanted.get(uri)][:3]
