"""The account file: who sends, to which device, what proves it, and which number next.

    server_id = "com.example.dms"       SyncHdr/Source/LocURI, the name in ACLs
    device_id = "urn:dev:mac:..."       SyncHdr/Target/LocURI, ./DevInfo/DevId
    auth_name = "com.example.dms"       Source/LocName, user name of the MAC, KeyName of signatures
    proof = "hmac"                      what proves a message: hmac, rsa or ecdsa
    secret = "..."                      hmac: 192 random bits; never shown, never an argument
    nonce = "..."                       hmac: 128 random bits, base64
    private_key = "led7.pem"            rsa, ecdsa: PKCS#8 under a passphrase, beside this file
    public_key = "..."                  rsa, ecdsa: SubjectPublicKeyInfo, base64
    session_id = 1                      the last number that was used: (session_id, msg_id)
    msg_id = 0
    [keys]                              for what is encrypted: name = 16 or 32 octets in base64

The file is mode 0600 and is refused when others may read it. `next_number` takes a number under
a lock (FILE.lock) and has the file on disk before it returns, so that no number is ever used
twice: neither by two runs at once nor after a power cut. Updates replace the file as a whole and
leave comments in it alone.
"""

from __future__ import annotations

import binascii
import json
import re
import secrets
import tomllib
from base64 import b64decode, b64encode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import files, proof
from .errors import ToolError, os_error

SESSION_MAX = 0xFFFF  # four hexadecimal digits
MSG_MAX = 9999  # then the next session: four digits at most keep messages short
NONCE_MIN = 16  # octets
SECRET_MIN = 16  # characters
PROOFS = ("hmac", "rsa", "ecdsa")
KEY_SIZES = (16, 32)
_ID_MAX = 127  # characters of an identifier; as for a LocURI
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")  # also a node's name
_TEXTS = ("server_id", "device_id", "auth_name")
_SHARED = ("secret", "nonce")
_PAIR = ("private_key", "public_key")
_NUMBERS = {"session_id": (1, SESSION_MAX), "msg_id": (0, MSG_MAX)}


@dataclass(frozen=True, slots=True)
class Account:
    """One server's account for one device. Its repr shows no secret."""

    server_id: str
    device_id: str
    auth_name: str
    secret: str = ""
    nonce: bytes = b""
    session_id: int = 1
    msg_id: int = 0
    proof: str = "hmac"
    private_key: str = ""
    public_key: bytes = b""
    keys: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Account({self.server_id!r}, {self.device_id!r})"

    @property
    def key(self) -> bytes:
        """What the device stores of a shared secret: B64(SHA256(auth_name:secret))."""
        return proof.key_of(self.auth_name, self.secret)

    def header(self, body: bytes, algorithm: str = "HMAC-SHA256", compact: bool = False) -> str | None:
        """Return the x-syncml-hmac value for a message body; None when the signature is the proof."""
        if self.proof != "hmac":
            return None
        return proof.header(self.auth_name, self.key, self.nonce, body, algorithm, compact)


def create(path: Path, server_id: str, device_id: str, auth_name: str | None = None, **key: Any) -> Account:
    """Make an account and write its file.

    With a fresh secret and nonce; or with `proof`, `private_key` (a file's name) and `public_key` (DER).
    """
    values: dict[str, Any] = {
        "server_id": server_id,
        "device_id": device_id,
        "auth_name": server_id if auth_name is None else auth_name,
        "session_id": 1,
        "msg_id": 0,
    }
    if key:
        values |= key | {"public_key": b64encode(key["public_key"]).decode()}
    else:
        values["secret"] = secrets.token_urlsafe(24)
        values["nonce"] = b64encode(secrets.token_bytes(16)).decode()
    account = _checked(str(path), values)
    files.create(
        path,
        _render(account).encode(),
        "a new account has a new secret, so choose another name, or remove the file and provision "
        "the device again",
    )
    return account


def load(path: Path) -> Account:
    """Read and check an account file."""
    return _parse(path, _read(path))


def next_number(path: Path) -> Account:
    """Take the next (session_id, msg_id) and return the account with it.

    The number is spent once this returns, whatever becomes of the message.
    """
    with files.locked(path):
        text = _read(path)
        account = _parse(path, text)
        session, msg = account.session_id, account.msg_id + 1
        if msg > MSG_MAX:
            session, msg = session + 1, 1
        if session > SESSION_MAX:
            raise ToolError(
                f"{path}: session_id: all numbers are used up; create a new account and "
                "provision the device with it"
            )
        fresh = replace(account, session_id=session, msg_id=msg)
        files.replace(path, _edit(path, text, fresh))
        return fresh


def add_key(path: Path, name: str, size: int = 32) -> Account:
    """Add a fresh key for content to the account file."""
    with files.locked(path):
        text = _read(path)
        account = _parse(path, text)
        if name in account.keys:
            raise ToolError(f"{path}: has a key {name} already; take another name")
        octets = secrets.token_bytes(size)
        row = f"{name} = {_quote(b64encode(octets).decode())}\n"
        table = re.search(r"(?m)^\[keys\][^\n]*\n", text)
        if table is not None:
            text = text[: table.end()] + row + text[table.end() :]
        else:
            text = text.rstrip("\n") + "\n[keys]\n" + row
        fresh = _parse(path, text)
        files.replace(path, text)
        return fresh


def _read(path: Path) -> str:
    try:
        return files.read_private(path, "secret").decode()
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file; make one with: dmtool account create") from None
    except UnicodeDecodeError:
        raise ToolError(f"{path}: is no text in UTF-8; is it an account file?") from None
    except OSError as error:
        raise os_error(path, error) from None


def _parse(path: Path, text: str) -> Account:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # The parser's text may quote the line, and with it the secret: the place is enough.
        place = re.search(r"at line \d+", str(error)) or re.search(r"at end", str(error))
        where = f" {place[0]}" if place else ""
        raise ToolError(f"{path}: is no TOML{where}; mend it, or create it again") from None
    return _checked(str(path), values)


def _checked(name: str, values: dict[str, Any]) -> Account:
    kind = values.get("proof", "hmac")
    if kind not in PROOFS:
        raise ToolError(f"{name}: proof: must be one of {', '.join(PROOFS)}")
    texts = _TEXTS + (_SHARED if kind == "hmac" else _PAIR)
    for item in (*texts, *_NUMBERS):
        if item not in values:
            raise ToolError(f"{name}: {item}: is missing; add it, or create the account again")
    for item in values:
        if item not in (*texts, *_NUMBERS, "proof", "keys"):
            raise ToolError(f"{name}: {item}: is no field of an account ({kind}); remove it")
    for item in texts:
        if not isinstance(values[item], str) or not values[item]:
            raise ToolError(f'{name}: {item}: must be a text in quotes, as {item} = "..."')
    for item, (low, high) in _NUMBERS.items():
        number = values[item]
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ToolError(f"{name}: {item}: must be a whole number from {low} to {high}")
    for item in _TEXTS:
        _check_id(name, item, values[item])
    octets: dict[str, Any] = {"keys": _checked_keys(name, values.get("keys", {}), values["auth_name"])}
    if kind == "hmac":
        if len(values["secret"]) < SECRET_MIN:
            raise ToolError(f"{name}: secret: is shorter than {SECRET_MIN} characters; make it longer")
        octets["nonce"] = _base64(name, "nonce", values["nonce"])
        if len(octets["nonce"]) < NONCE_MIN:
            raise ToolError(f"{name}: nonce: is shorter than {NONCE_MIN} octets; make it longer")
    else:
        octets["public_key"] = _base64(name, "public_key", values["public_key"])
    return Account(**{**values, **octets})


def _base64(name: str, item: str, text: object) -> bytes:
    try:
        if isinstance(text, str):
            return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise ToolError(f"{name}: {item}: is no base64; create the account again")


def _checked_keys(name: str, table: object, auth_name: str) -> dict[str, bytes]:
    if not isinstance(table, dict):
        raise ToolError(f"{name}: keys: must be a table of names and keys; see dmtool account add-key")
    found = {}
    for key, text in table.items():
        if not _KEY_NAME.fullmatch(key) or key == auth_name:
            raise ToolError(
                f"{name}: keys: {key}: a name is 1 to 32 of the characters A-Z a-z 0-9 _ - and not auth_name"
            )
        found[key] = _base64(name, f"keys: {key}", text)
        if len(found[key]) not in KEY_SIZES:
            raise ToolError(f"{name}: keys: {key}: has {len(found[key])} octets; a key has 16 or 32")
    return found


def _check_id(name: str, item: str, text: str) -> None:
    if len(text) > _ID_MAX:
        raise ToolError(f"{name}: {item}: is longer than {_ID_MAX} characters; shorten it")
    if not text.isprintable():
        raise ToolError(f"{name}: {item}: holds a control character; remove it")
    if item == "auth_name" and (not text.isascii() or '"' in text or "\\" in text):
        raise ToolError(f'{name}: auth_name: goes into an HTTP header: plain ASCII without " and \\ only')
    bad = next((c for c in text if c in "=&*+" or c.isspace()), None)
    if item == "server_id" and bad is not None:
        raise ToolError(
            f"{name}: server_id: {bad!r} can't stand in an ACL; use an identifier without = & * + and spaces"
        )


def _quote(text: str) -> str:
    # A JSON string is a basic string of TOML, but for DEL, which _check_id refuses.
    return json.dumps(text, ensure_ascii=False)


def _render(account: Account) -> str:
    what = "the secret" if account.proof == "hmac" else "the numbers that were used"
    rows = {
        "server_id": account.server_id,
        "device_id": account.device_id,
        "auth_name": account.auth_name,
        "proof": account.proof,
    }
    if account.proof == "hmac":
        rows |= {"secret": account.secret, "nonce": b64encode(account.nonce).decode()}
    else:
        rows |= {"private_key": account.private_key, "public_key": b64encode(account.public_key).decode()}
    text = (
        f"# Account of a device management server for one device. It holds {what}:\n"
        "# keep it private (mode 0600) and back it up; never copy it to a second sender,\n"
        "# because (session_id, msg_id), the last number used, must never go back.\n"
    )
    text += "".join(f"{name} = {_quote(value)}\n" for name, value in rows.items())
    text += f"session_id = {account.session_id}\nmsg_id = {account.msg_id}\n"
    if account.keys:
        keys = account.keys.items()
        text += "[keys]\n" + "".join(
            f"{key} = {_quote(b64encode(octets).decode())}\n" for key, octets in keys
        )
    return text


def _edit(path: Path, text: str, account: Account) -> str:
    # Put the two numbers into the text and leave the rest, comments too, as it is.
    edited = text
    for item in _NUMBERS:
        edited = re.sub(rf"(?m)^(\s*{item}\s*=\s*)[0-9]+", rf"\g<1>{getattr(account, item)}", edited)
    try:
        if _parse(path, edited) == account:
            return edited
    except ToolError:
        pass
    return _render(account)
