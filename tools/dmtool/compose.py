"""A whole Sessionless Command Message: header, commands, Final; signed; to WBXML.

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
from . import document, encryption, proof, rules, signing
from .account import Account
from .element import Element, met, sync
from .encryption import Wanted
from .errors import ToolError
from .signing import Signer
from .wbxml_encode import EncodeError, encode


@dataclass(frozen=True, slots=True)
class Message:
    """A finished message and its number."""

    octets: bytes
    session_id: int
    msg_id: int
    commands: int


def digest_cred(account: Account) -> Element:
    """Return the Cred of a message whose MAC goes with the push."""
    return sync(
        "Cred",
        sync("Meta", met("Format", "b64"), met("Type", "syncml:auth-SHA256")),
        sync("Data", proof.cred(account.key, account.nonce)),
    )


def header(account: Account, compact: bool = False, cred: Element | None = None) -> Element:
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
        digest_cred(account) if cred is None else cred,
    )


def build(
    account: Account,
    commands: list[Element],
    *,
    version: str = "1.2",
    string_table: bool = False,
    compact: bool = False,
    signer: Signer | None = None,
    encrypt: Wanted | None = None,
) -> bytes:
    """Return the octets of a message with these commands, unchecked.

    `compact` leaves LocName out and has a string table when that is shorter; `encrypt` names values to
    encrypt, and `signer` signs the whole as it goes over the wire.
    """
    if encrypt is not None:
        commands = encryption.encrypted(commands, account, encrypt)
    if signer is not None:
        commands = document.signable(commands)
    body = sync("SyncBody", *commands, sync("Final"))
    message = sync("SyncML", header(account, compact, signing.cred() if signer else None), body)
    if signer is not None:
        signature = signing.sign(message, signer)
        message = sync("SyncML", header(account, compact, signing.cred(signature)), body)
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
    signer: Signer | None = None,
    encrypt: Wanted | None = None,
) -> Message:
    """Check the commands, take the next number of the account file, and build the message.

    `signer` comes from keys.signer; without one the MAC of the push is the proof.
    """
    commands = prepare(commands, compact)
    try:
        trial = accounts.load(path)
        if signer is None and trial.proof != "hmac":
            raise ToolError(f"{path}: proof is {trial.proof}: devices take signed messages only; sign it")
        build(trial, commands, version=version, signer=signer, encrypt=encrypt)  # a fault costs no number
        account = accounts.next_number(path)
        octets = build(
            account,
            commands,
            version=version,
            string_table=string_table,
            compact=compact,
            signer=signer,
            encrypt=encrypt,
        )
    except EncodeError as error:
        raise ToolError(f"the message can't be encoded: {error}") from None
    return Message(octets, account.session_id, account.msg_id, len(commands))
