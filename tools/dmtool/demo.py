"""The main job, told step by step: what omadm promises, shown on a simulated device and checked.

Operator and device are on one machine. The device is a process of MicroPython with the firmware's
own code, its flash a file, pushes go over real HTTP. The commands shown are run as they stand, by
the command line's own code. Every line with a tick is a fact that was looked up in what the device
reported or in the octets of its flash; the first one that does not hold ends the demo.
"""

from __future__ import annotations

import dataclasses
import shlex
import stat
import time
from collections.abc import Callable
from pathlib import Path

from rich.markup import escape

from . import account as accounts
from . import compose, demo_objects, image, tree
from .account import Account
from .demo_power import power_cuts
from .demo_proofs import signed_and_encrypted
from .demo_sms import over_sms
from .element import Element, sync
from .errors import ToolError
from .stage import ACCOUNT, IMAGE, MOVE, REPLAY, Stage, folder, statuses

_DEVICE_ID = "urn:dev:mac:240ac4fffe112233"

# Reason codes (reasons.py) of the refusals.
_WRONG_MAC, _OTHER_DEVICE, _GET = 67, 77, 42


def run(command_line: Callable[[list[str]], None]) -> None:
    """Tell the whole story; ToolError where it is not as announced."""
    began = time.monotonic()
    demo = Stage(command_line)
    with folder() as here:
        try:
            demo.console.print(
                "A signed one-way message changes a device, exactly once, whatever happens to the power.\n"
                f"[dim]Files of this run: {escape(str(here))}[/dim]",
                soft_wrap=True,
            )
            _provision(demo)
            _one_setting(demo)
            _twenty_as_one(demo)
            _exec_after_commit(demo)
            _refusals(demo)
            over_sms(demo)
            demo_objects.objects(demo)
            demo_objects.update(demo)
            power_cuts(demo)
            signed_and_encrypted(demo)
            _the_tree(demo)
        finally:
            demo.stop()
    demo.console.print()
    demo.console.rule(
        f"[bold green]All {demo.checked} facts hold[/bold green] ({time.monotonic() - began:.1f} s)",
        align="left",
    )


# -- 1


def _provision(demo: Stage) -> None:
    demo.step(
        "Account and device",
        "An account for one server and one device, with a secret of its own; then the device gets it, as it",
        "would in the factory. No message can do that later.",
    )
    demo.command(f"account create {ACCOUNT} --server-id com.example.dms --device-id {_DEVICE_ID}")
    mode = stat.S_IMODE(ACCOUNT.stat().st_mode)
    demo.same("the account file is for its owner alone (mode 0600)", oct(mode), "0o600")
    demo.command(f"provision --account {ACCOUNT} --image {IMAGE} --size 256K")
    demo.same("the device in the flash knows its name", demo.value("./DevInfo/DevId"), _DEVICE_ID)
    account = accounts.load(ACCOUNT)
    flash = IMAGE.read_bytes()
    demo.fact(
        "the secret itself is not on the device, only a hash of it", account.secret.encode() not in flash
    )
    demo.start()
    facts = demo.facts()
    missing = [row for row in MOVE if f"./App/{row.partition('=')[0]}" not in facts]
    demo.same("the tree holds the twenty settings of the device's application", missing, [])


# -- 2


def _one_setting(demo: Stage) -> None:
    demo.step("One setting", "The lamp is off. One Replace, signed, over HTTP.")
    demo.same("before: ./Led/State is off", demo.value("./Led/State"), "off")
    demo.command(f"compose --account {ACCOUNT} --output lamp.wbxml replace ./Led/State=on")
    events = demo.push_file("lamp.wbxml")
    demo.same("the device applied it, status 200", statuses(events), [200])
    heard = [e for e in events if e["event"] == "change"]
    demo.same("the application's callback heard of ./Led/State", [e["uri"] for e in heard], ["./Led/State"])
    demo.same("the flash says on", demo.value("./Led/State"), "on")


# -- 3


def _twenty_as_one(demo: Stage) -> None:
    demo.step("Twenty settings as one", "An Atomic moves the device to another site: all twenty, or none.")
    before = demo.facts()
    words = " ".join(shlex.quote(f"replace ./App/{row}") for row in MOVE)
    impossible = words.rpartition(" 'replace")[0] + " 'replace ./App/No/Such/Node=1'"
    demo.console.print("[dim]First with one impossible command as the last of twenty:[/dim]")
    demo.compose_many("broken.wbxml", impossible)
    events = demo.push_file("broken.wbxml")
    demo.same("the nineteen before it were undone (216), the last is 404, the Atomic 507",
              statuses(events), [216] * 19 + [404, 507])  # fmt: skip
    demo.same("no callback was called", [e for e in events if e["event"] == "change"], [])
    demo.fact("the tree is as it was", demo.facts() == before)
    demo.console.print("[dim]Now all twenty possible:[/dim]")
    demo.compose_many("move.wbxml", words)
    events = demo.push_file("move.wbxml")
    demo.same("twenty statuses and that of the Atomic are 200", statuses(events), [200] * 21)
    after = demo.facts()
    changed = {uri for uri in after if after[uri] != before[uri]}
    demo.same(
        "exactly these twenty nodes changed", changed, {f"./App/{row.partition('=')[0]}" for row in MOVE}
    )
    _moved(demo)


def _moved(demo: Stage) -> None:
    facts = demo.facts()
    values = {row: facts["./App/" + row.partition("=")[0]][1] for row in MOVE}
    wrong = {row: value for row, value in values.items() if value != row.partition("=")[2].encode()}
    demo.same("each has its new value", wrong, {})


# -- 4


def _exec_after_commit(demo: Stage) -> None:
    demo.step(
        "An Exec after its commit", "A Sequence: one more setting, then a restart that must find it in place."
    )
    demo.command(
        f"compose --account {ACCOUNT} --output restart.wbxml --sequence "
        "replace ./App/Report/Interval=60 exec ./Dev/Reboot"
    )
    running = demo.running
    mark = len(running.events)
    demo.command(f"push http http://127.0.0.1:{running.port} restart.wbxml --account {ACCOUNT}")
    running.wait_for("exec")
    committed = demo.value("./App/Report/Interval")
    running.wait_for("push")
    events = demo.report(mark)
    demo.same("when the handler ran, the flash held the new setting already", committed, "60")
    kinds = [e["event"] for e in events]
    demo.same("the callback came first, then the handler, once", kinds, ["change", "exec", "push"])
    demo.same(
        "the Exec was accepted (202) and carried out after the commit", statuses(events), [200, 202, 200]
    )


# -- 5


def _refusals(demo: Stage) -> None:
    demo.step(
        "What must not pass",
        "Five messages that no device may take. Each gets the same answer as a good one, so nobody learns",
        "anything from it; what became of it is known on the device alone.",
    )
    account = accounts.load(ACCOUNT)
    good = Path("lamp.wbxml").read_bytes()
    demo.console.print("\n[bold]Forged[/bold]: a good message, one bit changed on its way")
    forged = bytearray(good)
    forged[forged.rindex(b"on")] ^= 1
    _refused(demo, bytes(forged), account.header(good), _WRONG_MAC)
    demo.console.print("\n[bold]Forged[/bold]: by somebody who knows all but the secret")
    stranger = dataclasses.replace(_next(), secret="guessed-by-a-stranger")
    octets = compose.build(stranger, _replace_led("off"))
    _refused(demo, octets, stranger.header(octets), _WRONG_MAC)
    demo.console.print("\n[bold]Replayed[/bold]: the first message again, octet by octet")
    _refused(demo, good, account.header(good), REPLAY)
    demo.console.print("\n[bold]For another device[/bold]: signed well, but not meant for this one")
    other = dataclasses.replace(_next(), device_id="urn:dev:mac:000000fffe000000")
    octets = compose.build(other, _replace_led("off"))
    _refused(demo, octets, other.header(octets), _OTHER_DEVICE)
    demo.console.print("\n[bold]With a Get[/bold]: signed well, but there is nobody to answer")
    account = _next()
    octets = compose.build(account, _get("./DevInfo/DevId"))
    _refused(demo, octets, account.header(octets), _GET)
    demo.console.print("[dim]dmtool itself composes no Get:[/dim]")
    line = f"compose --account {ACCOUNT} --output get.wbxml get ./DevInfo/DevId"
    demo.console.print(f"[cyan]$ dmtool {line}[/cyan]")
    try:
        demo.run(shlex.split(line))
        refused = ""
    except ToolError as refusal:
        refused = str(refusal)
        demo.console.print(f"  {escape(refused)}")
    demo.fact(
        "refused, and no file was written", "no answer" in refused and not Path("get.wbxml").exists(), refused
    )


def _next() -> Account:
    # A fresh number, as compose takes it.
    return accounts.next_number(ACCOUNT)


def _replace_led(value: str) -> list[Element]:
    item = sync("Item", sync("Target", sync("LocURI", "./Led/State")), sync("Data", value))
    return [sync("Replace", sync("CmdID", "1"), item)]


def _get(uri: str) -> list[Element]:
    return [sync("Get", sync("CmdID", "1"), sync("Item", sync("Target", sync("LocURI", uri))))]


def _refused(demo: Stage, octets: bytes, hmac: str | None, code: int) -> None:
    before = IMAGE.read_bytes()
    answer, events = demo.push(octets, hmac)
    told = events[-1]
    demo.same(f"refused with reason {code}", (told["error"] is not None, told["code"]), (True, code))
    demo.same("zero flash operations", told["flash"], {"programs": 0, "erases": 0})
    demo.fact("the flash is as it was, octet by octet", IMAGE.read_bytes() == before)
    demo.same("no callback was called", len(events), 1)
    demo.fact("the answer over HTTP is that of a good one", answer.accepted, answer)


# -- 10


def _the_tree(demo: Stage) -> None:
    demo.step("The tree", "As it lies in the flash; the secrets of the account are masked.")
    demo.stop()
    demo.command(f"tree {IMAGE}")
    nodes = tree.read(IMAGE)
    hidden = {n.uri.rpartition("/")[2] for n in nodes if n.masked}
    demo.same("the key and the nonce are not shown", hidden, {"AAuthSecret", "AAuthData"})
    with image.open_image(IMAGE) as flash:
        damaged = flash.store.log.damaged
    demo.same("no record of the flash is damaged", damaged, 0)
