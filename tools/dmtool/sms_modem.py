"""SMS by an AT modem at this machine: 3GPP TS 27.005 in PDU mode, 3GPP TS 27.007, ITU-T V.250.

    AT  ATE0  CMEE=1  CPIN?  CREG?|CEREG?  CMGF=0  [CMMS=1]
    then for each part:  AT+CMGS=length CR   <- "> "   -> PDU ^Z   <- +CMGS: reference, OK

PORT is anything pyserial opens: /dev/ttyUSB0, a pty, socket://HOST:PORT, rfc2217://HOST:PORT. What
the modem says by itself (+CMTI and the like) is passed over. An SMS that the network refuses for now
is tried again; one whose answer never came is sent once more, which a device takes as a copy.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from typing import Protocol

from .errors import ToolError
from .sms_encode import Submit
from .sms_push import Plan, Sent

BAUD = 115200
SHORT, SENDING = 5.0, 90.0  # seconds an answer may take
_ATTEMPTS = 4
_PAUSE = 3.0  # seconds between attempts
_START = 10  # attempts at an AT, one a second
_FINAL = re.compile(r"OK|ERROR|COMMAND NOT SUPPORT|\+CM[ES] ERROR: ?(.*)|NO CARRIER")
_REGISTERED = ("1", "5", "6", "7")

# Errors after which the same SMS may go a little later.
_LATER = {
    "CMS 38", "CMS 41", "CMS 42", "CMS 47", "CMS 314", "CMS 331", "CMS 332", "CMS 500", "CMS 512",
    "CME 14", "CME 30", "CME 100",
}  # fmt: skip
_TEXTS = {
    "CMS 1": "nobody has this number",
    "CMS 8": "the network bars it; does the contract allow SMS?",
    "CMS 10": "the network bars SMS for this SIM",
    "CMS 21": "the network refused it",
    "CMS 27": "the receiver can't be reached",
    "CMS 28": "the network does not know the number",
    "CMS 30": "the network does not know this SIM",
    "CMS 38": "the network is out of order",
    "CMS 41": "the network failed for a moment",
    "CMS 42": "the network is congested",
    "CMS 47": "the network has no resources",
    "CMS 50": "the contract has no SMS",
    "CMS 69": "the network does not offer this",
    "CMS 96": "the network misses something in the SMS",
    "CMS 302": "the modem does not allow it now",
    "CMS 303": "the modem does not support it",
    "CMS 304": "the modem does not take this PDU",
    "CMS 305": "the modem is in text mode",
    "CMS 310": "there is no SIM",
    "CMS 311": "the SIM wants its PIN; enter it once with AT+CPIN",
    "CMS 313": "the SIM failed",
    "CMS 314": "the SIM is busy",
    "CMS 330": "the SIM has no service centre; set it once with AT+CSCA",
    "CMS 331": "no network; look at antenna and coverage",
    "CMS 332": "the network did not answer",
    "CMS 500": "the modem gives no reason",
    "CMS 512": "the modem gives no reason",
    "CME 10": "there is no SIM",
    "CME 11": "the SIM wants its PIN; enter it once with AT+CPIN",
    "CME 14": "the SIM is busy",
    "CME 30": "no network; look at antenna and coverage",
    "CME 100": "the modem gives no reason",
}


class Port(Protocol):
    """The little of pyserial's ports that is used."""

    in_waiting: int

    def read(self, size: int) -> bytes:
        """Return what is there, at most `size` octets, at least one unless the time is over."""

    def write(self, data: bytes) -> int | None:
        """Send octets."""

    def close(self) -> None:
        """End it."""


class Refused(Exception):
    """The modem answered with an error; args[0] is "CMS 331", "CME 10" or "ERROR"."""


class Silent(Exception):
    """No answer in time."""


def open_port(name: str, baud: int = BAUD) -> Port:
    """Open a serial port or URL; ToolError when that can't be."""
    import serial  # late: nobody else needs it

    try:
        port: Port = serial.serial_for_url(name, baudrate=baud, timeout=0.1, write_timeout=10)
        return port
    except (serial.SerialException, ValueError, OSError) as error:
        told = re.sub(r"^.*?: ", "", str(error)) if "could not open" in str(error) else str(error)
        told = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else told
        raise ToolError(
            f"{name}: can't be opened ({told}); give a serial port, a pty or socket://HOST:PORT"
        ) from None


class Modem:
    """An AT modem; `name` is for what people are told."""

    def __init__(self, port: Port, name: str) -> None:
        self.port = port
        self.name = name
        self.pause = _PAUSE
        self._buffer = b""
        self._end = 0.0

    # -- the line

    def _read(self) -> None:
        try:
            octets = self.port.read(self.port.in_waiting or 1)
        except OSError as error:  # pyserial's errors are OSErrors
            raise ToolError(f"{self.name}: the line broke: {error}") from None
        if not octets and time.monotonic() > self._end:
            raise Silent
        self._buffer += octets

    def _write(self, octets: bytes) -> None:
        try:
            self.port.write(octets)
        except OSError as error:
            raise ToolError(f"{self.name}: can't be written to: {error}") from None

    def _line(self) -> str:
        while True:
            line, mark, rest = self._buffer.partition(b"\n")
            if mark:
                self._buffer = rest
                text = line.decode("latin-1").strip()
                if text:
                    return text
            else:
                self._read()

    def _answer(self, command: str) -> list[str]:
        # Lines up to the final one; Refused when that is an error.
        lines: list[str] = []
        while True:
            line = self._line()
            final = _FINAL.fullmatch(line)
            if final is None:
                if line != command:  # its echo
                    lines.append(line)
            elif line == "OK":
                return lines
            else:
                code = (final[1] or "").strip()
                raise Refused(f"{line[1:4]} {code}" if code else line)

    def command(self, text: str, seconds: float = SHORT) -> list[str]:
        """Send a command; return the lines of its answer."""
        self._end = time.monotonic() + seconds
        self._write(text.encode("ascii") + b"\r")
        return self._answer(text)

    def _field(self, command: str) -> str:
        # What the answer `+XXX: ...` says, "" when there is none.
        head = command.removeprefix("AT").rstrip("?") + ":"
        try:
            return next((r[len(head) :].strip() for r in self.command(command) if r.startswith(head)), "")
        except Refused as refused:
            return f"? {refused.args[0]}"

    # -- setting it up

    def set_up(self) -> None:
        """Bring it into PDU mode; ToolError when it is no modem that can send."""
        for attempt in range(_START):
            try:
                # ESC ends a text that somebody else has left open.
                self.command("\x1bAT" if attempt % 2 else "AT", 1.0)
                break
            except (Silent, Refused):
                continue
        else:
            raise ToolError(f"{self.name}: no modem answers; look at the port, its power and --baud")
        self._drain()
        for text in ("ATE0", "AT+CMEE=1"):
            self._try(text)
        self._sim()
        self._network()
        try:
            self.command("AT+CMGF=0")
        except (Refused, Silent):
            raise ToolError(f"{self.name}: takes no SMS as PDU (AT+CMGF=0)") from None
        self._try("AT+CMMS=1")  # keep the link open between parts; many don't know it

    def _drain(self) -> None:
        # Answers to the others of the AT, and what else lies in the line.
        self._end = time.monotonic() + 0.2
        try:
            while True:
                self._line()
        except Silent:
            self._buffer = b""

    def _try(self, text: str) -> None:
        with contextlib.suppress(Refused, Silent):
            self.command(text)

    def _sim(self) -> None:
        told = ""
        for _ in range(_ATTEMPTS):
            told = self._field("AT+CPIN?")
            if told in ("READY", "? ERROR"):
                return
            if told.startswith("SIM P"):
                raise ToolError(f"{self.name}: {_TEXTS['CMS 311']}")
            time.sleep(self.pause)
        told = _TEXTS.get(told.removeprefix("? "), told or "no answer")
        raise ToolError(f"{self.name}: the SIM can't be used: {told}")

    def _network(self) -> None:
        told: list[str] = []
        for _ in range(_ATTEMPTS):
            told = [self._field("AT+CREG?"), self._field("AT+CEREG?")]
            states = [text.split(",")[1].strip() for text in told if "," in text]
            if not states or any(state in _REGISTERED for state in states):
                return  # or it can't tell
            time.sleep(self.pause)
        raise ToolError(f"{self.name}: is in no network (+CREG: {told[0]}); look at antenna and coverage")

    # -- sending

    def send(self, submit: Submit) -> None:
        """Send one SMS; ToolError when it can't be."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(self.pause)
            try:
                self._send(submit)
                return
            except Silent:
                reason = "no answer"
                self._write(b"\x1b")
                self._drain()
            except Refused as refused:
                code = refused.args[0]
                reason = f"{code}: {_TEXTS[code]}" if code in _TEXTS else code
                if code not in _LATER:
                    break
        raise ToolError(f"{self.name}: the SMS was not sent ({reason})")

    def _send(self, submit: Submit) -> None:
        text = f"AT+CMGS={submit.length}"
        self._end = time.monotonic() + SHORT
        self._write(text.encode("ascii") + b"\r")
        while not self._buffer.lstrip().startswith(b">"):
            octets, mark, rest = self._buffer.partition(b"\n")
            if mark:
                self._buffer = rest
                line = octets.decode("latin-1").strip()
                final = _FINAL.fullmatch(line)
                if final and line != "OK":
                    raise Refused(f"{line[1:4]} {final[1].strip()}" if final[1] else line)
            else:
                self._read()
        self._buffer = self._buffer.lstrip()[1:]
        self._end = time.monotonic() + SENDING
        self._write(submit.digits.encode("ascii") + b"\x1a")
        self._answer(submit.digits)


def send(plan: Plan, name: str, sent: Sent, baud: int = BAUD) -> None:
    """Send all parts."""
    port = open_port(name, baud)
    try:
        modem = Modem(port, name)
        try:
            modem.set_up()
        except Silent:
            raise ToolError(f"{name}: the modem fell silent while it was set up; try again") from None
        for i, submit in enumerate(plan.submits):
            try:
                modem.send(submit)
            except ToolError as error:
                raise ToolError(f"{error}; {i} of {len(plan.parts)} are sent") from None
            sent(i + 1)
    finally:
        port.close()
