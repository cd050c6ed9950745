"""A whole Sessionless Command Message: header, commands, Final; to WBXML.

OMA Sessionless 5.2: VerDTD 1.2, VerProto DM/1.3, SessionID, MsgID, Target (this device), Source
(ServerID and user name), Cred; then the commands; then Final. `compose` takes a number from the
account file; `build` makes octets from what it is given and checks nothing, so that tests can make
what the tool itself refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import account as accounts
from . import compact as shorter
from . import proof, rules
from .account import Account
from .element import Element, met, sync
from .errors import ToolError
from .wbxml_encode import EncodeError, encode


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message and its number."""

    octets: bytes
    session_id: int
    msg_id: int
    commands: int


def header(account: Account, compact: bool = False) -> Element:
    """Return SyncHdr for the number the account stands at."""
    source = sync("Source", sync("LocURI", account.server_id))
    if not compact:
        source.content.append(sync("LocName", account.auth_name))
    return sync(
        "SyncHdr",
        sync("VerDTD", "1.2"),
        sync("VerProto", "DM/1.3"),
        sync("SessionID", f"{account.session_id:X}"),
        sync("MsgID", str(account.msg_id)),
        sync("Target", sync("LocURI", account.device_id)),
        source,
        sync(
            "Cred",
            sync("Meta", met("Format", "b64"), met("Type", "syncml:auth-SHA256")),
            sync("Data", proof.cred(account.key, account.nonce)),
        ),
    )


def build(
    account: Account,
    commands: list[Element],
    *,
    version: str = "1.2",
    string_table: bool = False,
    compact: bool = False,
) -> bytes:
    """Return the octets of a message with these commands, unchecked.

    `compact` leaves LocName out and has a string table when that is shorter.
    """
    body = sync("SyncBody", *commands, sync("Final"))
    message = sync("SyncML", header(account, compact), body)
    octets = encode(message, version=version, string_table=string_table)
    if compact:
        octets = min(octets, encode(message, version=version, string_table=not string_table), key=len)
    return octets


def prepare(commands: list[Element], compact: bool = False) -> list[Element]:
    """Check commands against the rules and number them; a Final of their own is dropped."""
    if commands and commands[-1].name == "Final":
        commands = commands[:-1]
    if compact:
        commands = shorter.shortened(commands)
    rules.check_body(commands, shorter.numbers() if compact else None)
    return commands


def compose(
    path: Path,
    commands: list[Element],
    *,
    version: str = "1.2",
    string_table: bool = False,
    compact: bool = False,
) -> Message:
    """Check the commands, take the next number of the account file, and build the message."""
    commands = prepare(commands, compact)
    try:
        build(accounts.load(path), commands, version=version)  # a fault must not cost a number
        account = accounts.next_number(path)
        octets = build(account, commands, version=version, string_table=string_table, compact=compact)
    except EncodeError as error:
        raise ToolError(f"the message can't be encoded: {error}") from None
    return Message(octets, account.session_id, account.msg_id, len(commands))
