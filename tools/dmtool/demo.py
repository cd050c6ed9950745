"""The main job, told step by step: what omadm promises, shown on a simulated device and checked.

Operator and device are on one machine. The device is a process of MicroPython with the firmware's
own code, its flash a file, pushes go over real HTTP. The commands shown are run as they stand, by
the command line's own code. Every line with a tick is a fact that was looked up in what the device
reported or in the octets of its flash; the first one that does not hold ends the demo.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from . import account as accounts
from . import compose, device, image, push_http, tree
from .account import Account
from .element import Element, sync
from .errors import ToolError

_FOLDER = Path(__file__).resolve().parents[2] / "build" / "demo"
_ACCOUNT, _IMAGE = Path("led7.toml"), Path("led7.img")
_DEVICE_ID = "urn:dev:mac:240ac4fffe112233"

# Reason codes (reasons.py) of the five refusals.
_WRONG_MAC, _REPLAY, _OTHER_DEVICE, _GET = 67, 76, 77, 42

# Twenty settings of the device, and what moving it to another site makes of them.
_MOVE = (
    "Net/Apn=iot.north", "Net/User=logger", "Net/Password=rain", "Net/Dns=192.0.2.1", "Net/Ntp=ntp.north",
    "Net/KeepAlive=120", "Mqtt/Host=mqtt.north", "Mqtt/Port=1883", "Mqtt/Topic=site/2/logger", "Mqtt/Qos=2",
    "Report/Interval=600", "Report/Battery=false", "Report/Retries=5", "Sensor/Period=30", "Sensor/Low=-35.5",
    "Sensor/High=45.5", "Sensor/Unit=K", "Log/Level=4", "Log/Keep=7", "Site/Name=North quay",
)  # fmt: skip

Facts = dict[str, tuple[object, ...]]


class Deviation(ToolError):
    """Something is not as the demo announced it."""


class _Demo:
    def __init__(self, run: Callable[[list[str]], None]) -> None:
        self.run = run  # the command line
        self.console = Console(highlight=False)
        self.device: device.Device | None = None
        self.checked = 0
        self.step_number = 0

    # -- telling

    def step(self, title: str, *story: str) -> None:
        """Open a chapter."""
        self.step_number += 1
        self.console.print()
        self.console.rule(f"[bold]{self.step_number}. {escape(title)}[/bold]", align="left")
        self.console.print(" ".join(story))

    def command(self, line: str) -> None:
        """Show a command and run it."""
        self.console.print(f"[cyan]$ dmtool {escape(line)}[/cyan]", soft_wrap=True)
        self.run(shlex.split(line))

    def fact(self, text: str, holds: bool, found: object = "") -> None:
        """Tell a fact that was looked up; the demo ends when it does not hold."""
        if not holds:
            raise Deviation(f"demo, step {self.step_number}: announced: {text}; found: {found!r}")
        self.checked += 1
        self.console.print(f"  [green]✓[/green] {escape(text)}", soft_wrap=True)

    def same(self, text: str, found: object, wanted: object) -> None:
        """Tell a fact that is an equality."""
        self.fact(text, found == wanted, found)

    # -- the device

    def start(self, cut: int = 0, torn: str = "half") -> None:
        """Start the device, with a power cut planned or not."""
        port = free_port()
        planned = f" --cut {cut} --torn {torn}" if cut else ""
        line = f"dmtool device run --image {_IMAGE} --http {port}{planned} &"
        self.console.print(f"[cyan]$ {line}[/cyan]", soft_wrap=True)
        running = device.Device(_IMAGE, port, cut, torn)
        running.__enter__()
        self.device = running
        self.console.print("  device: " + device.describe(running.start()), soft_wrap=True)

    def stop(self) -> None:
        """End the device if it runs."""
        if self.device is not None:
            self.device.stop()
            self.device = None

    @property
    def running(self) -> device.Device:
        """The device, which must run."""
        if self.device is None:
            raise Deviation("demo: the device is off")
        return self.device

    def push(self, octets: bytes, hmac: str | None) -> tuple[push_http.Answer, list[device.Event]]:
        """Push octets and wait for what the device reports; the last event is that of the push."""
        mark = len(self.running.events)
        answer = push_http.push(self.running.url, octets, hmac)
        self.running.wait_for("push")
        return answer, self.report(mark)

    def push_file(self, name: str) -> list[device.Event]:
        """Push a message as the operator does."""
        mark = len(self.running.events)
        self.command(f"push http http://127.0.0.1:{self.running.port} {name} --account {_ACCOUNT}")
        self.running.wait_for("push")
        return self.report(mark)

    def report(self, mark: int) -> list[device.Event]:
        """Show what the device reported since; a long list of changes in one line."""
        events = self.running.events[mark:]
        changes = [event for event in events if event["event"] == "change"]
        if len(changes) > 4:
            self.console.print(f"  device:   {len(changes)} changes reported to the application")
        for event in events:
            if event["event"] != "change" or len(changes) <= 4:
                self.console.print("  device: " + device.describe(event), soft_wrap=True)
        return events

    def facts(self) -> Facts:
        """Read the tree out of the flash: every node with all that a message can change."""
        return {
            n.uri: (n.format, n.value, n.type, n.acl, n.title, n.access, n.permanent)
            for n in tree.read(_IMAGE)
        }

    def value(self, uri: str) -> str:
        """Read one value out of the flash."""
        value = self.facts()[uri][1]
        return value.decode() if isinstance(value, bytes) else ""


def run(command_line: Callable[[list[str]], None]) -> None:
    """Tell the whole story; ToolError where it is not as announced."""
    began = time.monotonic()
    demo = _Demo(command_line)
    with _folder() as folder:
        try:
            demo.console.print(
                "A signed one-way message changes a device, exactly once, whatever happens to the power.\n"
                f"[dim]Files of this run: {escape(str(folder))}[/dim]",
                soft_wrap=True,
            )
            _provision(demo)
            _one_setting(demo)
            _twenty_as_one(demo)
            _exec_after_commit(demo)
            _refusals(demo)
            _power_cuts(demo)
            _the_tree(demo)
        finally:
            demo.stop()
    demo.console.print()
    demo.console.rule(
        f"[bold green]All {demo.checked} facts hold[/bold green] ({time.monotonic() - began:.1f} s)",
        align="left",
    )


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=_FOLDER))
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ok(events: list[device.Event]) -> bool:
    return events[-1]["error"] is None


def _statuses(events: list[device.Event]) -> list[int]:
    return [status for _, status in events[-1]["statuses"]]


# -- 1


def _provision(demo: _Demo) -> None:
    demo.step(
        "Account and device",
        "An account for one server and one device, with a secret of its own; then the device gets it, as it",
        "would in the factory. No message can do that later.",
    )
    demo.command(f"account create {_ACCOUNT} --server-id com.example.dms --device-id {_DEVICE_ID}")
    mode = stat.S_IMODE(_ACCOUNT.stat().st_mode)
    demo.same("the account file is for its owner alone (mode 0600)", oct(mode), "0o600")
    demo.command(f"provision --account {_ACCOUNT} --image {_IMAGE} --size 256K")
    demo.same("the device in the flash knows its name", demo.value("./DevInfo/DevId"), _DEVICE_ID)
    account = accounts.load(_ACCOUNT)
    flash = _IMAGE.read_bytes()
    demo.fact(
        "the secret itself is not on the device, only a hash of it", account.secret.encode() not in flash
    )
    demo.start()
    facts = demo.facts()
    missing = [row for row in _MOVE if f"./App/{row.partition('=')[0]}" not in facts]
    demo.same("the tree holds the twenty settings of the device's application", missing, [])


# -- 2


def _one_setting(demo: _Demo) -> None:
    demo.step("One setting", "The lamp is off. One Replace, signed, over HTTP.")
    demo.same("before: ./Led/State is off", demo.value("./Led/State"), "off")
    demo.command(f"compose --account {_ACCOUNT} --output lamp.wbxml replace ./Led/State=on")
    events = demo.push_file("lamp.wbxml")
    demo.fact("the device applied it, status 200", _ok(events) and _statuses(events) == [200], events)
    heard = [e for e in events if e["event"] == "change"]
    demo.same("the application's callback heard of ./Led/State", [e["uri"] for e in heard], ["./Led/State"])
    demo.same("the flash says on", demo.value("./Led/State"), "on")


# -- 3


def _twenty_as_one(demo: _Demo) -> None:
    demo.step("Twenty settings as one", "An Atomic moves the device to another site: all twenty, or none.")
    before = demo.facts()
    words = " ".join(shlex.quote(f"replace ./App/{row}") for row in _MOVE)
    impossible = words.rpartition(" 'replace")[0] + " 'replace ./App/No/Such/Node=1'"
    demo.console.print("[dim]First with one impossible command as the last of twenty:[/dim]")
    _compose_many(demo, "broken.wbxml", impossible)
    events = demo.push_file("broken.wbxml")
    statuses = _statuses(events)
    demo.same("the nineteen before it were undone (216), the last is 404, the Atomic 507",
              statuses, [216] * 19 + [404, 507])  # fmt: skip
    demo.same("no callback was called", [e for e in events if e["event"] == "change"], [])
    demo.fact("the tree is as it was", demo.facts() == before)
    demo.console.print("[dim]Now all twenty possible:[/dim]")
    _compose_many(demo, "move.wbxml", words)
    events = demo.push_file("move.wbxml")
    demo.same("twenty statuses and that of the Atomic are 200", _statuses(events), [200] * 21)
    after = demo.facts()
    changed = {uri for uri in after if after[uri] != before[uri]}
    demo.same(
        "exactly these twenty nodes changed", changed, {f"./App/{row.partition('=')[0]}" for row in _MOVE}
    )
    _moved(demo)


def _compose_many(demo: _Demo, output: str, words: str) -> None:
    line = f"compose --account {_ACCOUNT} --output {output} --atomic {words}"
    demo.console.print(f"[cyan]$ dmtool {escape(line[:88])} …[/cyan]", soft_wrap=True)
    demo.run(shlex.split(line))


def _moved(demo: _Demo) -> None:
    facts = demo.facts()
    values = {row: facts["./App/" + row.partition("=")[0]][1] for row in _MOVE}
    wrong = {row: value for row, value in values.items() if value != row.partition("=")[2].encode()}
    demo.same("each has its new value", wrong, {})


# -- 4


def _exec_after_commit(demo: _Demo) -> None:
    demo.step(
        "An Exec after its commit", "A Sequence: one more setting, then a restart that must find it in place."
    )
    demo.command(
        f"compose --account {_ACCOUNT} --output restart.wbxml --sequence "
        "replace ./App/Report/Interval=60 exec ./Dev/Reboot"
    )
    running = demo.running
    mark = len(running.events)
    demo.command(f"push http http://127.0.0.1:{running.port} restart.wbxml --account {_ACCOUNT}")
    running.wait_for("exec")
    committed = demo.value("./App/Report/Interval")
    running.wait_for("push")
    events = demo.report(mark)
    demo.same("when the handler ran, the flash held the new setting already", committed, "60")
    kinds = [e["event"] for e in events]
    demo.same("the callback came first, then the handler, once", kinds, ["change", "exec", "push"])
    demo.same(
        "the Exec was accepted (202) and carried out after the commit", _statuses(events), [200, 202, 200]
    )


# -- 5


def _refusals(demo: _Demo) -> None:
    demo.step(
        "What must not pass",
        "Five messages that no device may take. Each gets the same answer as a good one, so nobody learns",
        "anything from it; what became of it is known on the device alone.",
    )
    account = accounts.load(_ACCOUNT)
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
    _refused(demo, good, account.header(good), _REPLAY)
    demo.console.print("\n[bold]For another device[/bold]: signed well, but not meant for this one")
    other = dataclasses.replace(_next(), device_id="urn:dev:mac:000000fffe000000")
    octets = compose.build(other, _replace_led("off"))
    _refused(demo, octets, other.header(octets), _OTHER_DEVICE)
    demo.console.print("\n[bold]With a Get[/bold]: signed well, but there is nobody to answer")
    account = _next()
    octets = compose.build(account, _get("./DevInfo/DevId"))
    _refused(demo, octets, account.header(octets), _GET)
    demo.console.print("[dim]dmtool itself composes no Get:[/dim]")
    line = f"compose --account {_ACCOUNT} --output get.wbxml get ./DevInfo/DevId"
    demo.console.print(f"[cyan]$ dmtool {line}[/cyan]")
    try:
        demo.run(shlex.split(line))
        refused = ""
    except ToolError as refusal:
        refused = str(refusal)
        demo.console.print(f"  {escape(refused)}")
    demo.fact(
        "refused, and no file was written", "R16" in refused and not Path("get.wbxml").exists(), refused
    )


def _next() -> Account:
    # A fresh number, as compose takes it.
    return accounts.next_number(_ACCOUNT)


def _replace_led(value: str) -> list[Element]:
    item = sync("Item", sync("Target", sync("LocURI", "./Led/State")), sync("Data", value))
    return [sync("Replace", sync("CmdID", "1"), item)]


def _get(uri: str) -> list[Element]:
    return [sync("Get", sync("CmdID", "1"), sync("Item", sync("Target", sync("LocURI", uri))))]


def _refused(demo: _Demo, octets: bytes, hmac: str, code: int) -> None:
    before = demo.facts()
    answer, events = demo.push(octets, hmac)
    told = events[-1]
    demo.same(f"refused with reason {code}", (told["error"] is not None, told["code"]), (True, code))
    demo.same("zero flash operations", told["flash"], {"programs": 0, "erases": 0})
    demo.fact(
        "the tree is as it was, no callback was called", demo.facts() == before and len(events) == 1, events
    )
    demo.fact("the answer over HTTP is that of a good one", answer.accepted, answer)


# -- 6


def _power_cuts(demo: _Demo) -> None:
    demo.step(
        "The power goes in the middle of a commit",
        "The Atomic of twenty again, back to the old site; the power is cut while the device writes it.",
        "After the reboot the tree must be exactly the old one or the new one, and the message counts once.",
    )
    home = tuple(f"{row.partition('=')[0]}={value}" for row, value in zip(_MOVE, _HOME, strict=True))
    words = " ".join(shlex.quote(f"replace ./App/{row}") for row in home)
    old = demo.facts()
    new = dict(old)
    for row in home:
        uri, _, value = row.partition("=")
        fmt, _, *rest = old[f"./App/{uri}"]
        new[f"./App/{uri}"] = (fmt, value.encode(), *rest)
    demo.stop()

    shutil.copy(_IMAGE, "before.img")
    _compose_many(demo, "home.wbxml", words)
    for where, torn, place, wanted in (
        ("middle", "half", "in the middle of the commit, half a page programmed", old),
        ("end", "half", "in the last page, the one that makes it count, half programmed", old),
        ("end", "after", "right after the last page", new),
    ):
        demo.console.print(f"\n[bold]Power cut {place}[/bold]")
        operations = _operations_of("home.wbxml")
        demo.fact(
            f"tried on a copy, the commit takes {operations} flash operations", operations > 2, operations
        )
        demo.start(operations // 2 + 1 if where == "middle" else operations, torn)
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
    _, events = demo.push(octets, accounts.load(_ACCOUNT).header(octets))
    demo.same("it was applied before the power went, so now it is a replay", events[-1]["code"], _REPLAY)
    demo.stop()
    demo.console.print(
        "\n[bold]Once more with the flash from before[/bold]: cut in the middle, reboot, push again"
    )
    shutil.copy("before.img", _IMAGE)
    demo.start(_operations_of("home.wbxml") // 2 + 1, "half")
    _push_into_the_cut(demo)
    demo.start()
    demo.fact("after the reboot the tree is the old one", demo.facts() == old)
    _, events = demo.push(octets, accounts.load(_ACCOUNT).header(octets))
    demo.same("the message's number was not spent: now it is applied", _statuses(events), [200] * 21)
    demo.fact("and the tree is the new one", demo.facts() == new, _differ(demo.facts(), new))


# The values the device had at first.
_HOME = (
    "iot.example", "", "", "192.0.2.53", "ntp.example", "240", "mqtt.example", "8883", "site/1/logger", "1",
    "900", "true", "3", "60", "-20.0", "60.0", "C", "2", "30", "Depot",
)  # fmt: skip


def _operations_of(name: str) -> int:
    # How many flash operations a message takes now, learnt on a copy of the flash.
    copy = Path("copy.img")
    shutil.copy(_IMAGE, copy)
    octets = Path(name).read_bytes()
    with device.Device(copy, free_port()) as other:
        other.start()
        push_http.push(other.url, octets, accounts.load(_ACCOUNT).header(octets))
        told = other.wait_for("push")
    if told["error"] is not None:
        raise Deviation(f"demo: the trial on a copy was refused: {device.reason(told)}")
    return int(told["flash"]["programs"]) + int(told["flash"]["erases"])


def _push_into_the_cut(demo: _Demo) -> None:
    octets = Path("home.wbxml").read_bytes()
    with contextlib.suppress(ToolError):  # the answer may go with the power
        push_http.push(demo.running.url, octets, accounts.load(_ACCOUNT).header(octets))
    mark = len(demo.running.events)
    demo.running.wait_for("power-cut")
    demo.report(mark)
    status = demo.running.stop()
    demo.device = None
    demo.same("the device is dark", status, device.POWER_CUT)


def _differ(found: Facts, wanted: Facts) -> list[Any]:
    uris = sorted(found.keys() | wanted.keys())
    return [(uri, found.get(uri), wanted.get(uri)) for uri in uris if found.get(uri) != wanted.get(uri)][:3]


# -- 7


def _the_tree(demo: _Demo) -> None:
    demo.step("The tree", "As it lies in the flash; the secrets of the account are masked.")
    demo.stop()
    demo.command(f"tree {_IMAGE}")
    nodes = tree.read(_IMAGE)
    hidden = {n.uri.rpartition("/")[2] for n in nodes if n.masked}
    demo.same("the key and the nonce are not shown", hidden, {"AAuthSecret", "AAuthData"})
    with image.open_image(_IMAGE) as flash:
        damaged = flash.store.log.damaged
    demo.same("no record of the flash is damaged", damaged, 0)
