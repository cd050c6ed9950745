"""The simulated device: a process of MicroPython that runs the firmware on a flash image.

tools/simdevice/main.py prints one JSON object a line; here they are read, and turned into lines for
people. The process ends when its standard input ends, so it never outlives its owner, and `stop`
needs no signal. While it runs it has the image alone.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from rich.markup import escape

from . import image as images
from .errors import ToolError, UsageError
from .reasons import REASONS, STATUSES

TORN = ("before", "half", "rear", "after")
POWER_CUT = 57  # exit status of the simulated device
_ROOT = Path(__file__).resolve().parents[2]
_MAIN = _ROOT / "tools" / "simdevice" / "main.py"
_MICROPYTHON = _ROOT / "build" / "micropython" / "device"  # two lines: its path, its size of heap
_START_SECONDS = 20.0
_STOP_SECONDS = 5.0

_UPDATE = {  # FUMO 1.0, State
    20: "download failed", 30: "downloading", 60: "updating", 80: "update failed", 100: "update done",
}  # fmt: skip

Event = dict[str, Any]


def micropython() -> tuple[str, str]:
    """Return the path of the MicroPython that plays the device, and the heap it gets."""
    try:
        path, heap = _MICROPYTHON.read_text().split("\n")[:2]
    except (OSError, ValueError):
        path = heap = ""
    if not os.access(path, os.X_OK):
        raise ToolError(f"{_ROOT}: no MicroPython was set up for simulated devices; run there: make mpy")
    return path, heap


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def modem_address(text: str) -> str:
    """Return HOST:PORT of a modem, also given as socket://HOST:PORT; UsageError if it is none."""
    address = text.removeprefix("socket://").rstrip("/")
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"--sms {text}: write HOST:PORT, where dmtool modem simulate has a modem on TCP")
    return address


class Device:
    """A running device. Use it as a context manager; leaving it stops the device."""

    def __init__(
        self,
        image: Path,
        port: int | None,
        cut: int = 0,
        torn: str = "before",
        sms: str | None = None,
        direct: bool = False,
    ) -> None:
        self.image = image
        self.port = port
        self.events: list[Event] = []  # all so far, in order
        self.remarks: list[str] = []  # lines that are no events: why it could not start
        self._lines: queue.Queue[str | None] = queue.Queue()
        interpreter, heap = micropython()
        self._words = [
            interpreter, "-X", f"heapsize={heap}", str(_MAIN),
            "--json-lines", "--image", str(image),
        ]  # fmt: skip
        if port is not None:
            self._words += ["--http", str(port)]
        if sms is not None:
            self._words += ["--sms", modem_address(sms)]
        if direct:
            self._words.append("--direct")
        if cut:
            self._words += ["--cut", str(cut), "--torn", torn]
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(images.lock(self.image))
            try:
                self.process = subprocess.Popen(
                    self._words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
            except OSError as error:
                raise ToolError(f"{self._words[0]}: can't be started: {error.strerror}") from None
            stack.callback(self._end)
            threading.Thread(target=self._read, daemon=True).start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Where it takes pushes."""
        return f"http://127.0.0.1:{self.port}/wappush"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._lines.put(None)

    def _end(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """End the device and return its exit status."""
        self._stack.close()
        return self.process.returncode

    def follow(self, seconds: float | None = None) -> Iterator[tuple[str, Event | None]]:
        """Yield each line and what it says (None: a remark), until the device or the time ends."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                return
            if line is None:
                self._lines.put(None)
                return
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if isinstance(event, dict) and "event" in event:
                self.events.append(event)
                yield line, event
            else:
                self.remarks.append(line)
                yield line, None

    def wait_for(self, kind: str, seconds: float = 10.0) -> Event:
        """Read on until an event of that kind; ToolError when it does not come."""
        for _, event in self.follow(seconds):
            if event is not None and event["event"] == kind:
                return event
        told = self.remarks[-1] if self.remarks else f"last {self.events[-1]}" if self.events else "nothing"
        raise ToolError(f"{self.image}: the device did not report {kind!r}: {told}")

    def start(self) -> Event:
        """Wait until it takes pushes."""
        return self.wait_for("ready", _START_SECONDS)

    def quiet(self) -> int:
        """Have it do what housekeeping is due; returns the flash operations since it started."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"quiet\n")
        self.process.stdin.flush()
        return int(self.wait_for("quiet")["operations"])


def describe(event: Event) -> str:
    """Return an event as one line with markup."""
    kind = event["event"]
    if kind == "ready":
        heap = event.get("heap_free", 0) // 1024
        who = escape(str(event.get("device", "")))
        where = f" on port {event['port']}" if event.get("port") else ""
        return f"[bold]ready[/bold] {who} takes pushes{where}, {heap} KiB of heap free"
    if kind == "modem":
        fault = f", [bold red]after {escape(event['fault'])}[/bold red]" if "fault" in event else ""
        return f"modem: {escape(event['state'])}, driven as {escape(event['family'])}{fault}"
    if kind == "dropped":
        why = f"{event['code']}: {escape(reason(event))}"
        return f"[bold red]dropped[/bold red] SMS that are no push for us, {why}"
    if kind == "push":
        return _push(event)
    if kind == "change":
        return f"  changed ({event['kind']}): {escape(event['uri'])}"
    if kind == "exec":
        return f"  executed: {escape(event['uri'])}, status {event.get('status')}"
    if kind == "update":
        result = f", result {event['result']}" if event["result"] else ""
        return f"  update: {_UPDATE.get(event['state'], '')} ({event['state']}{result})"
    if kind == "power-cut":
        return f"[bold yellow]power cut[/bold yellow] at flash operation {event['operation']}"
    return escape(" ".join(f"{name}={value}" for name, value in event.items()))


def _push(event: Event) -> str:
    flash = event["flash"]
    pages, sectors = _many(flash["programs"], "page"), _many(flash["erases"], "sector")
    cost = f"[dim](flash: {pages} written, {sectors} erased)[/dim]"
    if event["error"] is None:
        statuses = ", ".join(_runs(event["statuses"]))
        who = f"{escape(event['server'])} {event['session']:X}/{event['msg']}"
        done = "applied" if all(number < 300 for _, number in event["statuses"]) else "applied in part"
        return f"[bold green]{done}[/bold green] #{event['n']} {who}; {escape(statuses)} {cost}"
    return (
        f"[bold red]refused[/bold red] #{event['n']} {event['error']} {event['code']}: "
        f"{escape(reason(event))} {cost}"
    )


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _runs(statuses: list[tuple[str, int]]) -> Iterator[str]:
    # Many commands in a row with one status are counted, not listed.
    for number, run in itertools.groupby(statuses, lambda row: row[1]):
        ids = [row[0] for row in run]
        yield f"{len(ids)} times {status(number)}" if len(ids) > 4 else f"{', '.join(ids)}: {status(number)}"


def status(number: int) -> str:
    """Return an OMA status with its meaning."""
    return f"{number} {STATUSES[number]}" if number in STATUSES else str(number)


def reason(event: Event) -> str:
    """Return why a push was refused."""
    return REASONS.get(event["code"], "no text for this code")
