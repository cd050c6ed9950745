"""Where the octets of a push by SMS go: part of the message, WSP header, proof, headers of the SMS."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group
from rich.table import Table

from . import wbxml_decode
from .sms_encode import USER_DATA, Part

HEAD, TABLE, FRAME = "WBXML head", "string table", "SyncML, SyncHdr, SyncBody, Final"
VERSIONS, NUMBERS = "VerDTD, VerProto", "SessionID, MsgID"
TARGET, SOURCE, CRED = "Target: the device", "Source: the server", "Cred"
ADDRESSES, VALUES, COMMANDS = "commands: addresses", "commands: values", "commands: the rest"
WSP, HMAC, UDH = "WSP: type, lengths, content type, app. id", "WSP: x-syncml-hmac", "SMS: user data headers"
MESSAGE_ROWS = (HEAD, TABLE, FRAME, VERSIONS, NUMBERS, TARGET, SOURCE, CRED, ADDRESSES, VALUES, COMMANDS)
_HEADER = {
    "VerDTD": VERSIONS, "VerProto": VERSIONS, "SessionID": NUMBERS, "MsgID": NUMBERS,
    "Target": TARGET, "Source": SOURCE, "Cred": CRED,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the account."""

    what: str
    octets: int


def of_message(message: bytes) -> dict[str, int]:
    """Return the octets of a message by what they are for; they add up to its length."""
    found = dict.fromkeys(MESSAGE_ROWS, 0)
    path: list[str] = []
    for token in wbxml_decode.decode(message).tokens:
        if token.kind in ("start", "empty"):
            path.append(token.text)
        found[_of(token, path)] += len(token.octets)
        if token.kind in ("end", "empty"):
            path.pop()
    return found


def _of(token: wbxml_decode.Token, path: list[str]) -> str:
    if not path:
        return TABLE if token.kind == "strings" else HEAD
    if len(path) > 2 and path[1] == "SyncHdr":
        return _HEADER.get(path[2], FRAME)
    if len(path) > 2 and path[2] != "Final":
        if "LocURI" in path:
            return ADDRESSES
        return VALUES if "Data" in path else COMMANDS
    return FRAME


def of_push(message: bytes, hmac: str | None, push: bytes, parts: list[Part]) -> list[Row]:
    """Return the account of a whole push, without lines that are 0."""
    rows = of_message(message)
    rows[HMAC] = 0 if hmac is None else len("x-syncml-hmac") + 1 + len(hmac.encode()) + 1
    rows[WSP] = len(push) - len(message) - rows[HMAC]
    rows[UDH] = sum(len(part.header) for part in parts)
    return [Row(what, octets) for what, octets in rows.items() if octets]


def table(rows: list[Row], parts: list[Part]) -> Group:
    """Return it for people, with what is left in the last SMS."""
    out = Table(header_style="bold", box=None, pad_edge=False)
    out.add_column("Octets", justify="right")
    out.add_column("for")
    for row in rows:
        out.add_row(str(row.octets), row.what)
    used = sum(row.octets for row in rows)
    room = USER_DATA * len(parts) - used
    return Group(out, f"{used} octets in {len(parts)} SMS of {USER_DATA}; {room} are free in the last one")
