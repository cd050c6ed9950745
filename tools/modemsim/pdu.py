"""The little of an SMS PDU that a modem and its network look at (3GPP TS 23.040)."""

from datetime import datetime


class BadPdu(ValueError):
    """Octets that are no such PDU; the text says what is wrong."""


def _address_end(pdu: bytes, at: int) -> int:
    if at + 2 > len(pdu):
        raise BadPdu("it ends in an address")
    end = at + 2 + (pdu[at] + 1) // 2
    if pdu[at] > 20 or end > len(pdu):
        raise BadPdu("its address is too long")
    return end


def tpdu_at(pdu: bytes) -> int:
    """Where the TPDU begins: behind the service centre address."""
    if not pdu or pdu[0] > 11 or 1 + pdu[0] >= len(pdu):
        raise BadPdu("its service centre address is too long")
    return 1 + pdu[0]


def address(number: str) -> bytes:
    """An address field from "+15550123" or "5550123"."""
    digits = number.lstrip("+")
    if not digits.isdigit() or len(digits) > 20:
        raise BadPdu(f"{number!r} is no number")
    padded = digits + "F" * (len(digits) % 2)
    swapped = "".join(padded[i + 1] + padded[i] for i in range(0, len(padded), 2))
    return bytes((len(digits), 0x91 if number.startswith("+") else 0x81)) + bytes.fromhex(swapped)


def number(field: bytes) -> str:
    """The number in an address field."""
    text = "+" if field[1] & 0x70 == 0x10 else ""
    for i in range(field[0]):
        text += "0123456789*#abc?"[field[2 + i // 2] >> i % 2 * 4 & 15]
    return text


def stamp(when: datetime) -> bytes:
    """A service centre time stamp, in UTC."""
    text = when.strftime("%y%m%d%H%M%S") + "00"
    return bytes.fromhex("".join(text[i + 1] + text[i] for i in range(0, 14, 2)))


def class_of(pdu: bytes) -> int:
    """The class of an SMS-DELIVER with its service centre address; -1 for none."""
    at = _address_end(pdu, tpdu_at(pdu) + 1)
    if at + 2 > len(pdu):
        raise BadPdu("it ends in its header")
    dcs = pdu[at + 1]
    if dcs & 0x90 == 0x10 or dcs >= 0xF0:
        return dcs & 3
    return -1


def deliver_from_submit(pdu: bytes, sender: str, when: datetime) -> tuple[str, bytes]:
    """Turn an SMS-SUBMIT into what the network delivers: (receiver's number, SMS-DELIVER)."""
    at = tpdu_at(pdu)
    first = pdu[at]
    if first & 3 != 1:
        raise BadPdu("it is no SMS-SUBMIT")
    end = _address_end(pdu, at + 2)
    to = number(pdu[at + 2 : end])
    rest = pdu[end:]
    validity = {0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3]
    if len(rest) < 3 + validity:
        raise BadPdu("it ends in its header")
    pid, dcs = rest[0], rest[1]
    data = rest[2 + validity :]
    octets = data[0] if dcs & 0xF4 == 0xF4 or dcs & 0xAC in (4, 8) else (data[0] * 7 + 7) // 8
    if len(data) != 1 + octets or octets > 140:
        raise BadPdu("its user data are not as long as they say")
    head = bytes((first & 0x40 | 0x04,)) + address(sender) + bytes((pid, dcs)) + stamp(when)
    return to, b"\x00" + head + data
