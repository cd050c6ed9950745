"""A WSP push as SMS: split, and each part as SMS-SUBMIT (3GPP TS 23.040 9.2.2.2, 9.2.3.24).

part    UDHL { 05 04 dst src } { 00 03 ref total seq }   then up to 128 octets of the push
        one part alone needs no reference: 133 octets
SUBMIT  SCA  FO  MR  DA  PID  DCS  VP  UDL  UD           AT+CMGS=length counts from FO
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from .errors import ToolError

USER_DATA = 140
PORT = 2948
SOURCE_PORT = 9200
MAX_PARTS = 255
MANY_PARTS = 10  # above that, expect gateways with limits, and losses
DEVICE_PARTS = 61  # above that, a device refuses the message unless its firmware has more room
EIGHT_BIT = 0x04
CLASS_1 = 0xF5
DAY = 24 * 60
_FIRST = 0x41  # SUBMIT, with user data header
_RELATIVE = 0x10  # validity is one octet


@dataclass(frozen=True, slots=True)
class Part:
    """User data of one SMS: its header with its length, and its piece of the push."""

    header: bytes
    payload: bytes

    @property
    def octets(self) -> int:
        """Octets of user data."""
        return len(self.header) + len(self.payload)


@dataclass(frozen=True, slots=True)
class Submit:
    """An SMS-SUBMIT with its service centre address."""

    pdu: bytes

    @property
    def length(self) -> int:
        """What AT+CMGS wants: octets behind the service centre address."""
        return len(self.pdu) - 1 - self.pdu[0]

    @property
    def digits(self) -> str:
        """The octets as a modem wants them."""
        return self.pdu.hex().upper()


def _ports(port: int, source: int) -> bytes:
    return b"\x05\x04" + port.to_bytes(2, "big") + source.to_bytes(2, "big")


def split(
    push: bytes,
    reference: int | None = None,
    wide: bool = False,
    port: int = PORT,
    source: int = SOURCE_PORT,
) -> list[Part]:
    """Cut a push into parts; `wide` takes a reference of 16 bits and one octet more for it."""
    elements = _ports(port, source)
    if 1 + len(elements) + len(push) <= USER_DATA:
        return [Part(bytes((len(elements),)) + elements, push)]
    bits = 16 if wide else 8
    if reference is None:
        reference = secrets.randbits(bits)
    room = USER_DATA - 1 - len(elements) - (6 if wide else 5)
    total = -(-len(push) // room)
    if total > MAX_PARTS:
        raise ToolError(f"the push has {len(push)} octets, {MAX_PARTS} SMS hold {MAX_PARTS * room}; split it")
    parts = []
    for i in range(total):
        concat = b"\x08\x04" if wide else b"\x00\x03"
        concat += (reference & (1 << bits) - 1).to_bytes(bits // 8, "big") + bytes((total, i + 1))
        header = elements + concat
        parts.append(Part(bytes((len(header),)) + header, push[i * room : i * room + room]))
    return parts


def address(number: str) -> bytes:
    """An address field: digits, swapped by two; + in front means international."""
    digits = number.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or not 0 < len(digits) <= 20:
        raise ToolError(f"{number!r} is no telephone number; give it as +15550123")
    even = digits + "F" * (len(digits) % 2)
    swapped = "".join(even[i + 1] + even[i] for i in range(0, len(even), 2))
    kind = 0x91 if number.startswith("+") else 0x81
    return bytes((len(digits), kind)) + bytes.fromhex(swapped)


def validity(minutes: int) -> int:
    """The octet for how long the network tries: the next longer time that it can say."""
    if minutes <= 12 * 60:
        return max(0, -(-minutes // 5) - 1)
    if minutes <= DAY:
        return 143 + -(-(minutes - 12 * 60) // 30)
    if minutes <= 30 * DAY:
        return 166 + -(-minutes // DAY)
    return min(255, 192 + -(-minutes // (7 * DAY)))


def submit(
    number: str, part: Part, minutes: int = 4 * DAY, coding: int = EIGHT_BIT, centre: str = ""
) -> Submit:
    """One part as SMS-SUBMIT; without `centre` the modem takes the SIM's service centre."""
    sca = b"\x00"
    if centre:
        field = address(centre)
        sca = bytes((len(field) - 1,)) + field[1:]
    head = bytes((_FIRST | _RELATIVE, 0)) + address(number) + bytes((0, coding, validity(minutes)))
    return Submit(sca + head + bytes((part.octets,)) + part.header + part.payload)
