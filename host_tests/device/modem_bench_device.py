"""A real device under MicroPython at a simulated modem, on a loop in a thread of its own."""

import asyncio
import json
import queue
import subprocess
import threading
import time
from pathlib import Path

from conftest import ROOT, run_make
from dmtool import account as accounts
from dmtool import commands, compose, provision, sms_encode, tree, wsp_encode
from modemsim.serve import Exchange, Station

PROGRAM = ROOT / "host_tests" / "device" / "modem_device.py"
DEVICE = "+15550199"
SENDER = "+15550123"
SECONDS = 30.0


class Modems:
    """An Exchange that runs beside the test."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.exchange = Exchange()
        self.exchange.network.pace = 0.03

    def call(self, work, *arguments):
        """Call a function on the loop and return what it returns."""

        async def run():
            result = work(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(SECONDS)

    def add(self, family: str, number: str, where: str = "0") -> Station:
        station = self.call(self.exchange.add, family, number, where)
        station.modem.boot_seconds = station.modem.sim_seconds = 0.3
        return station

    def say(self, line: str) -> str:
        """One command of the control channel."""
        answer = self.call(self.exchange.control.line, line)
        assert answer.startswith("ok"), answer
        return answer[3:]

    def settled(self, number: str = DEVICE, seconds: float = SECONDS) -> None:
        """Wait until the network and the modem hold nothing any more."""
        modem = self.exchange.network.modems[number]
        wait(lambda: not self.exchange.network.messages and not any(modem.stores.values()), seconds)

    def close(self) -> None:
        self.call(self.exchange.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(SECONDS)
        self.loop.close()


def wait(condition, seconds: float = SECONDS) -> None:
    """Wait until something is true; fails when it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


class Operator:
    """An account, a provisioned image, and finished pushes."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "account.toml"
        self.image = folder / "FLASH.img"
        self.account = accounts.create(self.file, "com.example.dms", "urn:dev:mac:240ac4fffe112233")
        provision.provision(self.image, self.account, size=64 << 10)

    def message(self, *words: str) -> bytes:
        return compose.compose(self.file, commands.parse(list(words))).octets

    def push(self, message: bytes) -> bytes:
        """The message as a WSP push."""
        return wsp_encode.push(message, self.account.header(message))

    def submits(self, message: bytes, to: str = DEVICE) -> list[sms_encode.Submit]:
        return [sms_encode.submit(to, part) for part in sms_encode.split(self.push(message))]

    def value(self, uri: str) -> str:
        """A leaf in the image of a device that is off."""
        values = {row["uri"]: row.get("value") for row in tree.as_json(tree.read(self.image))}
        return values[uri]


class Device:
    """The process and its events."""

    def __init__(self, image: Path, address: str, *options: str) -> None:
        run_make("mpy")
        interpreter, heap = (ROOT / "build" / "micropython" / "device").read_text().split()
        words = [interpreter, "-X", f"heapsize={heap}", str(PROGRAM), str(image), address, *options]
        self.events: queue.Queue[dict] = queue.Queue()
        self.waiting: list[dict] = []
        self.noise: list[str] = []
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.ready = self.event("ready")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.events.put(json.loads(line))
            except ValueError:
                self.noise.append(line.decode("utf-8", "replace"))

    def event(self, kind: str, seconds: float = SECONDS) -> dict:
        """The next event of a kind; others wait until they are asked for."""
        for found in self.waiting:
            if found["event"] == kind:
                self.waiting.remove(found)
                return found
        end = time.monotonic() + seconds
        while True:
            try:
                found = self.events.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind}: {self.noise} {self.process.poll()}") from None
            if found["event"] == kind:
                return found
            self.waiting.append(found)

    def status(self) -> dict:
        """What the driver says of itself."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self.event("modem")

    def running(self) -> "Device":
        """Wait until the modem is set up."""
        wait(lambda: self.status()["state"] == "ready")
        return self

    def kill(self) -> None:
        """Cut the power."""
        self.process.kill()
        self.process.wait(SECONDS)
        self.reader.join(SECONDS)

    def stop(self) -> int:
        """End it in good order."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.reader.join(SECONDS)
        assert not self.noise, self.noise
        return code
