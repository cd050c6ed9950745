"""The AT commands of a simulated modem: 3GPP TS 27.007, and TS 27.005 in PDU mode."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import pdu as sms

if TYPE_CHECKING:
    from .modem import SimModem

UNREAD, READ, UNSENT, SENT = range(4)

_COMMAND = re.compile(r"AT([+&^$#%]?[A-Z]*[0-9]*?)(=\?|\?|=(.*)|)$", re.DOTALL)
_CMS_BUSY = 314
_CMS_PDU = 304
_CMS_INDEX = 321
_CMS_FULL = 322
_CMS_NO_ACK = 340
_CMS_DENIED = 302
_CMS_TEXT = 305


class Failure(Exception):
    """A command ends with an error; the argument is its final result."""


def cms(code: int) -> Failure:
    return Failure(f"+CMS ERROR: {code}")


class Commands:
    """What each command does to a modem."""

    def __init__(self, modem: SimModem) -> None:
        self.modem = modem

    def one(self, line: str) -> str | None:
        found = _COMMAND.match(line.upper())
        if not found:
            raise Failure("ERROR")
        name = found[1]
        how = found[2][:2] if found[2] in ("=?", "?") else found[2][:1]
        arguments = line[len(line) - len(found[3]) :] if found[3] else ""
        plain = {"": "OK", "Z": "OK", "&F": "OK", "E0": "OK", "E1": "OK", "E": "OK"}
        if name in plain:
            if name in ("E0", "E1"):
                self.modem.echo = name == "E1"
            return "OK"
        method = getattr(self, "_at_" + name[1:].lower(), None) if name[:1] == "+" else None
        if method is not None and name[0] == "+":
            result = method(how, arguments)
            return "OK" if result == "" else result
        if name == "I" and not how:
            self.modem.say(f"{self.modem.family.maker}\r\n{self.modem.family.model}\r\nRevision: 1")
            return "OK"
        if "AT" + name in self.modem.family.extra:
            return "OK"
        raise Failure("ERROR")

    # -- commands: how is "", "?", "=?" or "="; None: the result comes later, "" stands for OK

    def _at_cgmi(self, how: str, text: str) -> str:
        if not how:
            self.modem.say(self.modem.family.maker)
        return ""

    def _at_cgmm(self, how: str, text: str) -> str:
        if not how:
            self.modem.say(self.modem.family.model)
        return ""

    def _at_cgmr(self, how: str, text: str) -> str:
        if not how:
            self.modem.say("Revision: 1.0")
        return ""

    def _at_cgsn(self, how: str, text: str) -> str:
        if not how:
            self.modem.say("490154203237518")
        return ""

    def _at_cimi(self, how: str, text: str) -> str:
        if not how:
            self.modem.say("001010123456789")
        return ""

    def _at_cmee(self, how: str, text: str) -> str:
        if how == "=":
            self.modem.errors = _number(text)
        elif how == "?":
            self.modem.say(f"+CMEE: {self.modem.errors}")
        elif how == "=?":
            self.modem.say("+CMEE: (0-2)")
        return ""

    def _at_cpin(self, how: str, text: str) -> str:
        if how == "?":
            if not self.modem.sim_ready:
                raise Failure("+CME ERROR: 14" if self.modem.errors else "ERROR")
            self.modem.say("+CPIN: READY")
        return ""

    def _at_creg(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say(f"+CREG: 0,{int(self.modem.sim_ready)}")
        return ""

    def _at_cereg(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say(f"+CEREG: 0,{int(self.modem.sim_ready)}")
        return ""

    def _at_cfun(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say("+CFUN: 1")
        elif how == "=?":
            self.modem.say("+CFUN: (1),(0)")
        elif how == "=" and text not in ("1", "1,0"):
            raise Failure("ERROR")
        return ""

    def _at_csq(self, how: str, text: str) -> str:
        if not how:
            self.modem.say("+CSQ: 20,0")
        return ""

    def _at_cops(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say('+COPS: 0,2,"00101"')
        return ""

    def _at_csca(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say('+CSCA: "+15550000",145')
        return ""

    def _at_cscs(self, how: str, text: str) -> str:
        if how == "?":
            self.modem.say(f'+CSCS: "{self.modem.charset}"')
        elif how == "=?":
            self.modem.say('+CSCS: ("GSM","IRA","UCS2")')
        elif how == "=":
            self.modem.charset = text.strip('"').upper()
        return ""

    def _at_ifc(self, how: str, text: str) -> str:
        return ""

    def _at_cmgf(self, how: str, text: str) -> str:
        self._need_sim()
        if how == "?":
            self.modem.say(f"+CMGF: {int(self.modem.text_mode)}")
        elif how == "=?":
            self.modem.say("+CMGF: (0,1)")
        elif how == "=":
            self.modem.text_mode = _number(text) == 1
        return ""

    def _at_csms(self, how: str, text: str) -> str:
        offered = ",".join(str(n) for n in self.modem.family.services)
        if how == "?":
            self.modem.say(f"+CSMS: {self.modem.service},1,1,1")
        elif how == "=?":
            self.modem.say(f"+CSMS: ({offered})")
        elif how == "=":
            if _number(text) not in self.modem.family.services:
                raise cms(_CMS_DENIED)
            self.modem.service = _number(text)
            self.modem.say("+CSMS: 1,1,1")
        return ""

    def _at_cpms(self, how: str, text: str) -> str:
        self._need_sim()
        if how == "=?":
            offered = ",".join(f'"{name}"' for name in self.modem.sizes)
            self.modem.say(f"+CPMS: ({offered}),({offered}),({offered})")
        elif how == "?":
            parts = [f'"{name}",{self._fill(name)}' for name in self.modem.selected]
            self.modem.say("+CPMS: " + ",".join(parts))
        elif how == "=":
            names = [part.strip().strip('"') for part in text.split(",")]
            if len(names) > 3 or any(name not in self.modem.sizes for name in names):
                raise cms(_CMS_DENIED)
            self.modem.selected[: len(names)] = names
            self.modem.say("+CPMS: " + ",".join(self._fill(name) for name in self.modem.selected))
        return ""

    def _fill(self, name: str) -> str:
        return f"{len(self.modem.stores[name])},{self.modem.sizes[name]}"

    def _at_cnmi(self, how: str, text: str) -> str:
        if how == "=?":
            self.modem.say(f"+CNMI: {self.modem.family.cnmi}")
        elif how == "?":
            self.modem.say("+CNMI: " + ",".join(str(n) for n in self.modem.cnmi))
        elif how == "=":
            values = [_number(part) for part in text.split(",")]
            offered = _ranges(self.modem.family.cnmi)
            for i, value in enumerate(values):
                if i >= 5 or value not in offered[i] or (i, value) in self.modem.family.refuses:
                    raise cms(_CMS_DENIED)
            self.modem.cnmi[: len(values)] = values
            self.modem.later(0.1, self.modem.deliver_waiting)
        return ""

    def _at_cmgl(self, how: str, text: str) -> str:
        self._need_sim()
        if how == "=?":
            self.modem.say("+CMGL: (0-4)")
            return ""
        self._need_pdu_mode()
        wanted = _number(text) if how == "=" else UNREAD
        store = self.modem.stores[self.modem.selected[0]]
        for index in sorted(store):
            stat, octets = store[index]
            if wanted in (stat, 4):
                length = len(octets) - sms.tpdu_at(octets)
                self.modem.say_sms(f"+CMGL: {index},{stat},,{length}", octets)
                if stat == UNREAD:
                    store[index] = (READ, octets)
        return ""

    def _at_cmgr(self, how: str, text: str) -> str:
        self._need_sim()
        if how != "=":
            return ""
        self._need_pdu_mode()
        store = self.modem.stores[self.modem.selected[0]]
        index = _number(text)
        if index not in store:
            raise cms(_CMS_INDEX)
        stat, octets = store[index]
        length = len(octets) - sms.tpdu_at(octets)
        self.modem.say_sms("+CMGR: " + self.modem.family.cmgr.format(stat=stat, length=length), octets)
        if stat == UNREAD:
            store[index] = (READ, octets)
        return ""

    def _at_cmgd(self, how: str, text: str) -> str:
        self._need_sim()
        name = self.modem.selected[0]
        store = self.modem.stores[name]
        if how == "=?":
            used = ",".join(str(i) for i in sorted(store))
            self.modem.say(f"+CMGD: ({used}),(0-4)")
            return ""
        index, _, flag = text.partition(",")
        if flag.strip() == "4":
            store.clear()
        elif flag.strip() in ("1", "2", "3"):
            limit = {"1": (READ,), "2": (READ, SENT), "3": (READ, SENT, UNSENT)}[flag.strip()]
            for i in [i for i, (stat, _) in store.items() if stat in limit]:
                del store[i]
        elif not self.modem.first(name) <= _number(index) < self.modem.first(name) + self.modem.sizes[name]:
            raise cms(_CMS_INDEX)
        else:
            store.pop(_number(index), None)
        self.modem.later(1.0, self.modem.space)
        return ""

    def _at_cmgs(self, how: str, text: str) -> str | None:
        return self._ask_pdu(how, text, self._submit)

    def _at_cmgw(self, how: str, text: str) -> str | None:
        length, _, stat = text.partition(",")

        def write(octets: bytes) -> str:
            index = self.modem.put(self.modem.selected[1], octets, _number(stat) if stat else UNSENT)
            if index is None:
                raise cms(_CMS_FULL)
            self.modem.say(f"+CMGW: {index}")
            return "OK"

        return self._ask_pdu(how, length, write)

    def _ask_pdu(self, how: str, text: str, then: Callable[[bytes], str]) -> str | None:
        self._need_sim()
        if how != "=":
            return ""
        self._need_pdu_mode()
        length = _number(text)

        def take(digits: str) -> str:
            try:
                octets = bytes.fromhex(digits)
                if len(octets) - sms.tpdu_at(octets) != length:
                    raise cms(_CMS_PDU)
            except ValueError as problem:
                raise cms(_CMS_PDU) from problem
            return then(octets)

        self.modem.prompt = take
        self.modem.out(b"\r\n> ")
        return None

    def _submit(self, octets: bytes) -> str:
        self.modem.submitted.append(octets)
        self.modem.references = (self.modem.references + 1) & 255
        self.modem.say(f"+CMGS: {self.modem.references}")
        self.modem.later(0.5, lambda: self.modem.send(self.modem, octets))
        return "OK"

    def _at_cnma(self, how: str, text: str) -> str:
        if how == "=?":
            self.modem.say("+CNMA: (0-2)")
            return ""
        if self.modem.ignore_acks:
            self.modem.ignore_acks -= 1
            raise Failure("ERROR")
        wanted = self.modem.family.ack.endswith("=1")
        if wanted and (how != "=" or text[:1] != "1"):
            raise Failure("ERROR")
        if not self.modem.acknowledge():
            raise cms(_CMS_NO_ACK)
        return ""

    def _need_sim(self) -> None:
        if not self.modem.sim_ready:
            raise cms(_CMS_BUSY)

    def _need_pdu_mode(self) -> None:
        if self.modem.text_mode:
            raise cms(_CMS_TEXT)


def _number(text: str) -> int:
    text = text.strip().strip('"')
    if not text.isdigit():
        raise Failure("ERROR")
    return int(text)


def _ranges(text: str) -> list[list[int]]:
    found = []
    for group in re.findall(r"\(([^)]*)\)|(\d+)", text):
        values: list[int] = []
        for part in (group[0] or group[1]).split(","):
            low, _, high = part.partition("-")
            values.extend(range(int(low), int(high or low) + 1))
        found.append(values)
    return found
