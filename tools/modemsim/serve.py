"""Simulated modems on TCP ports and ptys, and the control channel.

python -m modemsim --modem FAMILY,NUMBER,WHERE [--modem ...] [--control PORT]

WHERE is a TCP port of 127.0.0.1 (0: any free one) or `pty` (or `pty=LINK`: also as this symbolic
link). One line is printed for each, then the modems run until the input ends or Ctrl-C.
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tty
from pathlib import Path

from .control import Control
from .families import FAMILIES
from .modem import SimModem
from .network import Network


class Station:
    """One simulated modem on a line that other programs can open."""

    def __init__(self, modem: SimModem) -> None:
        self.modem = modem
        self.address = ""  # host:port, or the path of the pty
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._pty: tuple[int, int] | None = None
        self._link: Path | None = None

    async def tcp(self, port: int = 0, host: str = "127.0.0.1") -> str:
        """Listen; the host that came last has the line."""
        self._server = await asyncio.start_server(self._host, host, port)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname()[:2])
        return self.address

    async def _host(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = writer
        self.modem.write = self._to_host
        try:
            while octets := await reader.read(4096):
                self.modem.feed(octets)
        except ConnectionError:
            pass
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()

    def _to_host(self, octets: bytes) -> None:
        if self._writer is not None:
            self._writer.write(octets)

    def hang_up(self) -> None:
        """End the host's connection."""
        if self._writer is not None:
            self._writer.close()

    def pty(self, link: str = "") -> str:
        """Open a pseudo terminal."""
        ours, theirs = os.openpty()
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        self._pty = ours, theirs  # theirs stays open: without it, a host that leaves ends the line
        asyncio.get_running_loop().add_reader(ours, self._readable, ours)
        self.modem.write = self._to_pty
        self.address = os.ttyname(theirs)
        if link:
            self._link = Path(link)
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.address)
        return self.address

    def _readable(self, ours: int) -> None:
        try:
            octets = os.read(ours, 4096)
        except (BlockingIOError, OSError):
            return
        self.modem.feed(octets)

    def _to_pty(self, octets: bytes) -> None:
        assert self._pty is not None
        with contextlib.suppress(BlockingIOError):  # nobody reads: as on a line, they are gone
            os.write(self._pty[0], octets)

    async def close(self) -> None:
        """End the line."""
        self.hang_up()
        if self._server is not None:
            self._server.close()
        if self._pty is not None:
            asyncio.get_running_loop().remove_reader(self._pty[0])
            for end in self._pty:
                os.close(end)
        if self._link is not None:
            self._link.unlink(missing_ok=True)


class Exchange:
    """A network, its modems with their lines, and the control channel."""

    def __init__(self) -> None:
        self.network = Network()
        self.control = Control(self.network)
        self.stations: list[Station] = []
        self._server: asyncio.Server | None = None

    async def add(self, family: str, number: str, where: str = "0") -> Station:
        """Add a modem; `where` as in the module's text."""
        station = Station(self.network.add(SimModem(family, number)))
        if where.partition("=")[0] == "pty":
            station.pty(where.partition("=")[2])
        else:
            await station.tcp(int(where))
        self.stations.append(station)
        return station

    async def listen(self, port: int = 0) -> str:
        """Open the control channel on 127.0.0.1."""
        self._server = await asyncio.start_server(self.control.serve, "127.0.0.1", port)
        return "{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    async def close(self) -> None:
        """End everything."""
        self.network.close()
        for station in self.stations:
            await station.close()
        if self._server is not None:
            self._server.close()


async def _serve(modems: list[tuple[str, str, str]], control: int | None) -> None:
    exchange = Exchange()
    try:
        for family, number, where in modems:
            station = await exchange.add(family, number, where)
            print(f"modem {number} {family} {station.address}", flush=True)
        if control is not None:
            print(f"control {await exchange.listen(control)}", flush=True)
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, os.read, 0, 4096):
            pass
    finally:
        await exchange.close()


def _modem(text: str) -> tuple[str, str, str]:
    parts = text.split(",")
    if len(parts) != 3 or parts[0] not in FAMILIES or not parts[1].lstrip("+").isdigit():
        raise argparse.ArgumentTypeError(
            f"{text!r} is not FAMILY,NUMBER,WHERE; families: {' '.join(FAMILIES)}"
        )
    if not parts[2].isdigit() and parts[2].partition("=")[0] != "pty":
        raise argparse.ArgumentTypeError(f"{parts[2]!r} is neither a port nor pty")
    return parts[0], parts[1], parts[2]


def main(arguments: list[str] | None = None) -> int:
    """Run from a command line."""
    parser = argparse.ArgumentParser(prog="modemsim", description="Simulated AT modems.")
    parser.add_argument("--modem", type=_modem, action="append", required=True, metavar="FAMILY,NUMBER,WHERE")
    parser.add_argument("--control", type=int, metavar="PORT", help="control channel on 127.0.0.1")
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_serve(options.modem, options.control))
    except KeyboardInterrupt:
        pass
    except OSError as problem:
        print(f"modemsim: {problem}", file=sys.stderr)
        return 1
    return 0
