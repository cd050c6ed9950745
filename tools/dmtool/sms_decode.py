"""SMS PDUs for people: SMS-DELIVER and SMS-SUBMIT, field by field; parts put together.

3GPP TS 23.040 9.2.2, 9.2.3; with the service centre address in front, as modems give and take them.
Shares no code with lib/, and is no judge: it shows also what a device drops. `read` raises
PduError where nothing more can be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_DIGITS = "0123456789*#abc?"
_ELEMENTS = {0x00: "part", 0x08: "part", 0x04: "ports", 0x05: "ports"}


class PduError(ValueError):
    """Octets that are no such PDU; the text says where and why."""


@dataclass(slots=True)
class Pdu:
    """One SMS; `fields` are for people, in order."""

    kind: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    payload: bytes = b""
    eight_bit: bool = False
    reference: int = -1
    wide: bool = False
    total: int = 1
    seq: int = 1
    ports: tuple[int, int] | None = None  # destination, source

    @property
    def key(self) -> tuple[str, str, int, bool, int, tuple[int, int] | None]:
        """What parts of one message have in common."""
        return self.kind, self.address, self.reference, self.wide, self.total, self.ports


class _Octets:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int, what: str) -> bytes:
        if count > len(self.data) - self.at:
            left = len(self.data) - self.at
            raise PduError(f"octet {self.at}: {what} wants {count} octets, {left} are left")
        self.at += count
        return self.data[self.at - count : self.at]

    def u8(self, what: str) -> int:
        return self.take(1, what)[0]


def read(data: bytes) -> Pdu:
    """Read one PDU with its service centre address."""
    octets = _Octets(data)
    length = octets.u8("the service centre address")
    centre = octets.take(length, "the service centre address")
    first = octets.u8("the first octet")
    kind = first & 3
    if kind == 2:
        raise PduError("it is a status report or a command, no message")
    pdu = Pdu("SMS-SUBMIT" if kind == 1 else "SMS-DELIVER")
    if centre:
        pdu.fields.append(("service centre", _number(centre[0], centre[1:], 2 * (length - 1))))
    if kind == 1:
        pdu.fields.append(("reference", str(octets.u8("the message reference"))))
    pdu.address = _address(octets)
    pdu.fields.append(("to" if kind == 1 else "from", pdu.address))
    pid = octets.u8("the protocol identifier")
    dcs = octets.u8("the data coding scheme")
    seven, coding = _coding(dcs)
    pdu.fields += [("protocol", f"{pid:02X}"), ("coding", f"{dcs:02X} {coding}")]
    if kind == 1:
        form = first >> 3 & 3
        octet = octets.take((0, 7, 1, 7)[form], "the validity period")
        pdu.fields.append(("valid for", _validity(form, octet)))
    else:
        pdu.fields.append(("time stamp", _stamp(octets.take(7, "the time stamp"))))
    _user_data(pdu, octets, seven, bool(first & 0x40))
    pdu.eight_bit = coding.startswith("8 bit")
    return pdu


def _user_data(pdu: Pdu, octets: _Octets, seven: bool, has_header: bool) -> None:
    count = octets.u8("the user data length")
    data = octets.take((count * 7 + 7) // 8 if seven else count, "the user data")
    if octets.at < len(octets.data):
        pdu.fields.append(("behind the end", octets.data[octets.at :].hex(" ")))
    header = b""
    if has_header:
        if not data or data[0] >= len(data):
            raise PduError(
                f"octet {octets.at - len(data)}: the user data header is longer than the user data"
            )
        header = data[: 1 + data[0]]
        _header(pdu, header[1:])
    if seven:
        used = (len(header) * 8 + 6) // 7
        pdu.fields.append(("text", repr(_septets(data, count)[used:])))
        return
    pdu.payload = data[len(header) :]
    pdu.fields.append(("user data", f"{count} octets, {len(header)} of them header"))


def _header(pdu: Pdu, header: bytes) -> None:
    at = 0
    while at < len(header):
        if at + 2 > len(header) or at + 2 + header[at + 1] > len(header):
            pdu.fields.append(
                ("header", f"{header.hex(' ')}: its lengths do not add up, so it counts for nothing")
            )
            pdu.total, pdu.seq, pdu.reference, pdu.ports = 1, 1, -1, None
            return
        name, value = header[at], header[at + 2 : at + 2 + header[at + 1]]
        at += 2 + len(value)
        good = len(value) == {0x00: 3, 0x08: 4, 0x04: 2, 0x05: 4}.get(name, -1)
        if good and name in (0x00, 0x08) and value[-2] and 0 < value[-1] <= value[-2]:
            pdu.reference = int.from_bytes(value[:-2], "big")
            pdu.wide, pdu.total, pdu.seq = name == 0x08, value[-2], value[-1]
            shown = f"{pdu.seq} of {pdu.total}, reference {pdu.reference:0{2 * len(value) - 4}X}"
        elif good and name in (0x04, 0x05):
            half = len(value) // 2
            pdu.ports = int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big")
            shown = f"to {pdu.ports[0]} from {pdu.ports[1]}"
        else:
            shown = f"element {name:02X}: {value.hex(' ') or 'empty'}"
        pdu.fields.append((_ELEMENTS.get(name, "header") if good else "header", shown))


def _address(octets: _Octets) -> str:
    count = octets.u8("the address")
    kind = octets.u8("the address")
    return _number(kind, octets.take((count + 1) // 2, "the address"), count)


def _number(kind: int, digits: bytes, count: int) -> str:
    if kind & 0x70 == 0x50:
        return repr(_septets(digits, count * 4 // 7))
    text = "".join(_DIGITS[octet >> shift & 15] for octet in digits for shift in (0, 4))
    return ("+" if kind & 0x70 == 0x10 else "") + text[:count].rstrip("?")


def _septets(data: bytes, count: int) -> str:
    bits = int.from_bytes(data, "little")
    return "".join(_GSM[bits >> 7 * i & 0x7F] for i in range(count))


def _coding(dcs: int) -> tuple[bool, str]:
    # (7 bit and not compressed, its name)
    if dcs < 0x80:
        alphabet = ("7 bit", "8 bit", "UCS-2", "reserved")[dcs >> 2 & 3]
        more = f", class {dcs & 3}" if dcs & 0x10 else ""
        packed = bool(dcs & 0x20)
        return alphabet == "7 bit" and not packed, alphabet + more + (", compressed" if packed else "")
    if dcs >= 0xF0:
        return not dcs & 4, f"{'8 bit' if dcs & 4 else '7 bit'}, class {dcs & 3}"
    if dcs >= 0xC0:
        return dcs < 0xE0, ("UCS-2" if dcs >= 0xE0 else "7 bit") + ", message waiting"
    return True, "reserved"


def _validity(form: int, octets: bytes) -> str:
    if form == 0:
        return "not said"
    if form != 2:
        return octets.hex(" ")
    value = octets[0]
    if value < 144:
        return f"{(value + 1) * 5} minutes"
    if value < 168:
        return f"{12 + (value - 143) / 2:g} hours"
    return f"{value - 166} days" if value < 197 else f"{value - 192} weeks"


def _stamp(octets: bytes) -> str:
    text = octets.hex()
    swapped = [text[i + 1] + text[i] for i in range(0, 14, 2)]
    zone = octets[6]
    quarters = (zone & 7) * 10 + (zone >> 4)
    return (
        f"20{'-'.join(swapped[:3])} {':'.join(swapped[3:6])} "
        f"{'-' if zone & 8 else '+'}{quarters // 4:02}:{quarters % 4 * 15:02}"
    )


def together(pdus: list[Pdu]) -> tuple[list[tuple[Pdu, bytes]], list[str]]:
    """Put parts together: (one of its SMS, whole payload) each, and what is not whole in words."""
    groups: dict[object, list[Pdu]] = {}
    for i, pdu in enumerate(pdus):
        if pdu.eight_bit:
            groups.setdefault(pdu.key if pdu.total > 1 else i, []).append(pdu)
    whole, remarks = [], []
    for group in groups.values():
        parts = {pdu.seq: pdu.payload for pdu in group}
        first = group[0]
        missing = [str(seq) for seq in range(1, first.total + 1) if seq not in parts]
        if missing:
            remarks.append(
                f"of {first.total} parts of reference {first.reference:X}: {', '.join(missing)} missing"
            )
        else:
            whole.append((first, b"".join(parts[seq] for seq in sorted(parts))))
    return whole, remarks
