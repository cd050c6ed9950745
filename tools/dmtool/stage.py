"""The stage of the demo: how it tells, runs commands, plays with the device and checks facts."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from . import device, push_http, tree
from .errors import ToolError

REPLAY = 76  # reason code of a replay
ACCOUNT, IMAGE = Path("led7.toml"), Path("led7.img")
_FOLDER = Path(__file__).resolve().parents[2] / "build" / "demo"

# Twenty settings of the device, and what moving it to another site makes of them.
MOVE = (
    "Net/Apn=iot.north", "Net/User=logger", "Net/Password=rain", "Net/Dns=192.0.2.1", "Net/Ntp=ntp.north",
    "Net/KeepAlive=120", "Mqtt/Host=mqtt.north", "Mqtt/Port=1883", "Mqtt/Topic=site/2/logger", "Mqtt/Qos=2",
    "Report/Interval=600", "Report/Battery=false", "Report/Retries=5", "Sensor/Period=30", "Sensor/Low=-35.5",
    "Sensor/High=45.5", "Sensor/Unit=K", "Log/Level=4", "Log/Keep=7", "Site/Name=North quay",
)  # fmt: skip

# The values the device had at first.
HOME = (
    "iot.example", "", "", "192.0.2.53", "ntp.example", "240", "mqtt.example", "8883", "site/1/logger", "1",
    "900", "true", "3", "60", "-20.0", "60.0", "C", "2", "30", "Depot",
)  # fmt: skip

Facts = dict[str, tuple[object, ...]]


class Deviation(ToolError):
    """Something is not as the demo announced it."""


class Stage:
    """What a chapter of the demo works with."""

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

    def start(self, cut: int = 0, torn: str = "half", sms: str | None = None) -> None:
        """Start the device, with a power cut planned or not; `sms`: with this modem and no HTTP."""
        port = device.free_port() if sms is None else None
        way = f"--http {port}" if sms is None else f"--sms {sms}"
        planned = f" --cut {cut} --torn {torn}" if cut else ""
        line = f"dmtool device run --image {IMAGE} {way}{planned} &"
        self.console.print(f"[cyan]$ {line}[/cyan]", soft_wrap=True)
        running = device.Device(IMAGE, port, cut, torn, sms)
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

    def compose_many(self, output: str, words: str) -> None:
        """Compose a long Atomic; only the start of the command is shown."""
        line = f"compose --account {ACCOUNT} --output {output} --atomic {words}"
        self.console.print(f"[cyan]$ dmtool {escape(line[:88])} …[/cyan]", soft_wrap=True)
        self.run(shlex.split(line))

    def push(self, octets: bytes, hmac: str | None) -> tuple[push_http.Answer, list[device.Event]]:
        """Push octets and wait for what the device reports; the last event is that of the push."""
        mark = len(self.running.events)
        answer = push_http.push(self.running.url, octets, hmac)
        self.running.wait_for("push")
        return answer, self.report(mark)

    def push_file(self, name: str, account: Path | str = ACCOUNT) -> list[device.Event]:
        """Push a message as the operator does."""
        mark = len(self.running.events)
        self.command(f"push http http://127.0.0.1:{self.running.port} {name} --account {account}")
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
            n.uri: (n.format, n.value, n.verno, n.type, n.acl, n.title, n.access, n.permanent)
            for n in tree.read(IMAGE)
        }

    def value(self, uri: str) -> str:
        """Read one value out of the flash."""
        value = self.facts()[uri][1]
        return value.decode() if isinstance(value, bytes) else ""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Work in a folder of this run alone, which goes away with it."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="run-", dir=_FOLDER))
    before = Path.cwd()
    os.chdir(made)
    try:
        yield made
    finally:
        os.chdir(before)
        shutil.rmtree(made, ignore_errors=True)


def statuses(events: list[device.Event]) -> list[int]:
    """Return the statuses that the last of the events, that of a push, tells."""
    return [status for _, status in events[-1]["statuses"]]
