"""The control channel: one command a line, one line `ok ...` or `error ...` for each.

With several modems the number of one may come first: `+15550199 restart 5`.
"""

import asyncio
from collections.abc import Callable

from . import pdu as sms
from .modem import SimModem
from .network import Network

HELP = """\
deliver HEX          the network brings an SMS-DELIVER (with service centre address)
status               settings, fill of the stores, what the network still holds
submits              the SMS-SUBMITs it was given, in hexadecimal
store [MEM]          what is in the store: index, stat, hexadecimal
put MEM STAT HEX     put an SMS into a store without telling
clear [MEM]          empty the store
size MEM N           places of a store
restart [SECONDS]    lose power: settings go, stores stay
dead SECONDS         neither hear nor speak
babble SECONDS       say octets that mean nothing
noise N              say N octets that mean nothing, at once
lose N               the next N indications are not said
cut N                the next N SMS lose octets on the line
noack N              the next N acknowledgements are not heard
sim on|off           the SIM is ready or not
interleave on|off    indications may come between a command and its result
delay SECONDS        time a command takes
log [N]              the last N lines of host and modem
help"""


class Mistake(Exception):
    """A command that cannot be done; the text says why."""


class Control:
    """What the lines of the control channel do."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def line(self, text: str) -> str:
        """Do one command, return the answer."""
        words = text.split()
        try:
            modem = next(iter(self.network.modems.values()))
            if words and words[0] in self.network.modems:
                modem = self.network.modems[words.pop(0)]
            if not words:
                raise Mistake("no command; try help")
            work: Callable[..., str] | None = getattr(self, "do_" + words[0], None)
            if work is None:
                raise Mistake(f"no command {words[0]!r}; try help")
            try:
                answer = work(modem, *words[1:])
            except (TypeError, ValueError, KeyError) as problem:
                raise Mistake(f"{words[0]}: {problem}") from problem
        except Mistake as mistake:
            return "error " + str(mistake)
        return ("ok " + answer).rstrip()

    def do_help(self, modem: SimModem) -> str:
        return HELP.replace("\n", " | ")

    def do_deliver(self, modem: SimModem, digits: str) -> str:
        self.network.deliver(modem.number, bytes.fromhex(digits))
        return ""

    def do_status(self, modem: SimModem) -> str:
        stores = " ".join(f"{name}={len(modem.stores[name])}/{modem.sizes[name]}" for name in modem.sizes)
        waiting = sum(message.to == modem.number for message in self.network.messages)
        cnmi = ",".join(map(str, modem.cnmi))
        return (
            f"{modem.number} {modem.family.name} cnmi={cnmi} csms={modem.service} {stores} "
            f"network={waiting} submitted={len(modem.submitted)} restarts={modem.power_cycles}"
        )

    def do_submits(self, modem: SimModem) -> str:
        return " ".join(octets.hex() for octets in modem.submitted)

    def do_store(self, modem: SimModem, name: str = "") -> str:
        store = modem.stores[name or modem.selected[2]]
        return " ".join(f"{i},{stat},{octets.hex()}" for i, (stat, octets) in sorted(store.items()))

    def do_put(self, modem: SimModem, name: str, stat: str, digits: str) -> str:
        octets = bytes.fromhex(digits)
        sms.tpdu_at(octets)
        index = modem.put(name, octets, int(stat))
        if index is None:
            raise Mistake(f"{name} is full")
        return str(index)

    def do_clear(self, modem: SimModem, name: str = "") -> str:
        modem.stores[name or modem.selected[2]].clear()
        modem.space()
        return ""

    def do_size(self, modem: SimModem, name: str, places: str) -> str:
        modem.sizes[name] = int(places)
        modem.stores.setdefault(name, {})
        return ""

    def do_restart(self, modem: SimModem, seconds: str = "") -> str:
        modem.restart(float(seconds) if seconds else None)
        return ""

    def do_dead(self, modem: SimModem, seconds: str) -> str:
        modem.dead(float(seconds))
        return ""

    def do_babble(self, modem: SimModem, seconds: str) -> str:
        modem.babble(float(seconds))
        return ""

    def do_noise(self, modem: SimModem, octets: str) -> str:
        modem.noise(int(octets))
        return ""

    def do_lose(self, modem: SimModem, number: str) -> str:
        modem.lose_indications = int(number)
        return ""

    def do_cut(self, modem: SimModem, number: str) -> str:
        modem.cut_lines = int(number)
        return ""

    def do_noack(self, modem: SimModem, number: str) -> str:
        modem.ignore_acks = int(number)
        return ""

    def do_sim(self, modem: SimModem, state: str) -> str:
        modem.sim_ready = _switch(state)
        return ""

    def do_interleave(self, modem: SimModem, state: str) -> str:
        modem.interleave = _switch(state)
        return ""

    def do_delay(self, modem: SimModem, seconds: str) -> str:
        modem.delay = float(seconds)
        return ""

    def do_log(self, modem: SimModem, number: str = "20") -> str:
        return " | ".join(f"{who}: {line!r}" for who, line in list(modem.log)[-int(number) :])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client of the channel."""
        try:
            while line := await reader.readline():
                writer.write(self.line(line.decode("utf-8", "replace")).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client went, or sent a line without end
        finally:
            writer.close()


def _switch(state: str) -> bool:
    if state not in ("on", "off"):
        raise ValueError("on or off")
    return state == "on"
