"""The account file: who sends, to which device, with which secret and which number next.

    server_id = "com.example.dms"       SyncHdr/Source/LocURI, the name in ACLs
    device_id = "urn:dev:mac:..."       SyncHdr/Target/LocURI, ./DevInfo/DevId
    auth_name = "com.example.dms"       Source/LocName, user name of the MAC
    secret = "..."                      192 random bits; never shown, never an argument
    nonce = "..."                       128 random bits, base64
    session_id = 1                      the last number that was used: (session_id, msg_id)
    msg_id = 0

The file is mode 0600 and is refused when others may read it. `next_number` takes a number under
a lock (FILE.lock) and has the file on disk before it returns, so that no number is ever used
twice: neither by two runs at once nor after a power cut. Updates replace the file as a whole and
leave comments in it alone.
"""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import json
import os
import re
import secrets
import tempfile
import time
import tomllib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import proof
from .errors import ToolError, os_error

SESSION_MAX = 0xFFFF  # four hexadecimal digits
MSG_MAX = 9999  # then the next session: four digits at most keep messages short
NONCE_MIN = 16  # octets
SECRET_MIN = 16  # characters
LOCK_SECONDS = 10.0
_ID_MAX = 127  # characters of an identifier; as for a LocURI
_TEXTS = ("server_id", "device_id", "auth_name", "secret", "nonce")
_NUMBERS = {"session_id": (1, SESSION_MAX), "msg_id": (0, MSG_MAX)}


@dataclass(frozen=True, slots=True)
class Account:
    """One server's account for one device. Its repr shows no secret."""

    server_id: str
    device_id: str
    auth_name: str
    secret: str
    nonce: bytes
    session_id: int = 1
    msg_id: int = 0

    def __repr__(self) -> str:
        return f"Account({self.server_id!r}, {self.device_id!r})"

    @property
    def key(self) -> bytes:
        """What the device stores: B64(SHA256(auth_name:secret))."""
        return proof.key_of(self.auth_name, self.secret)

    def header(self, body: bytes, algorithm: str = "HMAC-SHA256", compact: bool = False) -> str:
        """Return the x-syncml-hmac value for a message body."""
        return proof.header(self.auth_name, self.key, self.nonce, body, algorithm, compact)


def create(path: Path, server_id: str, device_id: str, auth_name: str | None = None) -> Account:
    """Make an account with a fresh secret and nonce, and write its file."""
    values = {
        "server_id": server_id,
        "device_id": device_id,
        "auth_name": server_id if auth_name is None else auth_name,
        "secret": secrets.token_urlsafe(24),
        "nonce": b64encode(secrets.token_bytes(16)).decode(),
        "session_id": 1,
        "msg_id": 0,
    }
    account = _checked(str(path), values)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ToolError(
            f"{path}: exists already; a new account has a new secret, so choose another name, "
            "or remove the file and provision the device again"
        ) from None
    except OSError as error:
        raise os_error(path, error) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_render(account))
        file.flush()
        os.fsync(file.fileno())
    return account


def load(path: Path) -> Account:
    """Read and check an account file."""
    return _parse(path, _read(path))


def next_number(path: Path) -> Account:
    """Take the next (session_id, msg_id) and return the account with it.

    The number is spent once this returns, whatever becomes of the message.
    """
    with _locked(path):
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
        fresh = Account(
            account.server_id,
            account.device_id,
            account.auth_name,
            account.secret,
            account.nonce,
            session,
            msg,
        )
        _replace(path, _edit(path, text, fresh))
        return fresh


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            if mode & 0o077:
                raise ToolError(f"{path}: mode {mode:04o} lets others at the secret; run: chmod 600 {path}")
            return file.read()
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
    for field in (*_TEXTS, *_NUMBERS):
        if field not in values:
            raise ToolError(f"{name}: {field}: is missing; add it, or create the account again")
    for field in values:
        if field not in _TEXTS and field not in _NUMBERS:
            raise ToolError(f"{name}: {field}: is no field of an account; remove it")
    for field in _TEXTS:
        if not isinstance(values[field], str) or not values[field]:
            raise ToolError(f'{name}: {field}: must be a text in quotes, as {field} = "..."')
    for field, (low, high) in _NUMBERS.items():
        number = values[field]
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ToolError(f"{name}: {field}: must be a whole number from {low} to {high}")
    for field in ("server_id", "device_id", "auth_name"):
        _check_id(name, field, values[field])
    if len(values["secret"]) < SECRET_MIN:
        raise ToolError(f"{name}: secret: is shorter than {SECRET_MIN} characters; make it longer")
    try:
        nonce = b64decode(values["nonce"], validate=True)
    except (binascii.Error, ValueError):
        raise ToolError(f"{name}: nonce: is no base64; create the account again") from None
    if len(nonce) < NONCE_MIN:
        raise ToolError(f"{name}: nonce: is shorter than {NONCE_MIN} octets; make it longer")
    return Account(**{**values, "nonce": nonce})


def _check_id(name: str, field: str, text: str) -> None:
    if len(text) > _ID_MAX:
        raise ToolError(f"{name}: {field}: is longer than {_ID_MAX} characters; shorten it")
    if not text.isprintable():
        raise ToolError(f"{name}: {field}: holds a control character; remove it")
    if field == "auth_name" and (not text.isascii() or '"' in text or "\\" in text):
        raise ToolError(f'{name}: auth_name: goes into an HTTP header: plain ASCII without " and \\ only')
    bad = next((c for c in text if c in "=&*+" or c.isspace()), None)
    if field == "server_id" and bad is not None:
        raise ToolError(
            f"{name}: server_id: {bad!r} can't stand in an ACL; use an identifier without = & * + and spaces"
        )


def _quote(text: str) -> str:
    # A JSON string is a basic string of TOML, but for DEL, which _check_id refuses.
    return json.dumps(text, ensure_ascii=False)


def _render(account: Account) -> str:
    return (
        "# Account of a device management server for one device. It holds the secret:\n"
        "# keep it private (mode 0600) and back it up; never copy it to a second sender,\n"
        "# because (session_id, msg_id), the last number used, must never go back.\n"
        f"server_id = {_quote(account.server_id)}\n"
        f"device_id = {_quote(account.device_id)}\n"
        f"auth_name = {_quote(account.auth_name)}\n"
        f"secret = {_quote(account.secret)}\n"
        f"nonce = {_quote(b64encode(account.nonce).decode())}\n"
        f"session_id = {account.session_id}\n"
        f"msg_id = {account.msg_id}\n"
    )


def _edit(path: Path, text: str, account: Account) -> str:
    # Put the two numbers into the text and leave the rest, comments too, as it is.
    edited = text
    for field in _NUMBERS:
        edited = re.sub(rf"(?m)^(\s*{field}\s*=\s*)[0-9]+", rf"\g<1>{getattr(account, field)}", edited)
    try:
        if _parse(path, edited) == account:
            return edited
    except ToolError:
        pass
    return _render(account)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    if not path.exists():
        raise ToolError(f"{path}: no such file; make one with: dmtool account create")
    lock = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise os_error(lock, error) from None
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ToolError(
                        f"{lock}: another dmtool holds it; wait for it to end, then try again"
                    ) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    # Write beside it, bring it to the disk, then put it in place: old or new, never half.
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=target.name + ".", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise os_error(path, error) from None
