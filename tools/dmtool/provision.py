"""Bootstrap of a device: its standard objects and the account of a server, into its tree.

OMA StdObj 1.2.1: DevInfo, DevDetail, Inbox, DMAcc; TND 1.2.1 7.7.1 for the ACL of the root. This
is what a factory or an installer does: it goes through lib's own calls, past every ACL, and no
message can do it (R45). Nodes that exist keep their values; an account that is provisioned again
with another secret or nonce is re-keyed, and its replay pair starts anew.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from . import image as images
from .account import Account
from .errors import ToolError

RIGHTS = ("Add", "Get", "Replace", "Delete", "Exec")
_ADD, _GET = 1, 8
_DEV_INFO = b"urn:oma:mo:oma-dm-devinfo:1.0"
_DEV_DETAIL = b"urn:oma:mo:oma-dm-devdetail:1.0"
_INBOX = b"urn:oma:mo:oma-dm-inbox:1.0"
_DMACC = b"urn:oma:mo:oma-dm-dmacc:1.0"
_REPLAY = 3  # kind of a record: docs/store-format.md
_MAX_NAME = 32

Row = tuple[bytes, bytes, int, bytes, bytes, bytes]


@dataclass(frozen=True)
class Device:
    """What DevInfo and DevDetail say about the hardware."""

    man: str = "omadm"
    mod: str = "simulated"
    lang: str = "en"
    dev_typ: str = "simulated device"
    oem: str = "omadm"
    fw_v: str = "0"
    sw_v: str = "0"
    hw_v: str = "0"


@dataclass(frozen=True, slots=True)
class Done:
    """What provisioning did."""

    account_uri: str
    created: bool  # a new account
    rekeyed: bool  # an old one with a new secret or nonce
    root_acl: str


def rights_of(text: str) -> tuple[str, ...]:
    """Read a list such as Add,Get,Replace."""
    rights = []
    for word in text.split(","):
        right = word.strip().capitalize()
        if right not in RIGHTS:
            raise ToolError(f"--rights: {word.strip()!r} is no right; use {','.join(RIGHTS)}")
        rights.append(right)
    return tuple(rights)


def provision(
    path: Path,
    account: Account,
    *,
    rights: tuple[str, ...] = RIGHTS,
    size: int | None = None,
    device: Device | None = None,
) -> Done:
    """Set up the device in the image, which is made when there is none."""
    if not path.exists():
        images.create(path, images.DEFAULT_SIZE if size is None else size)
    elif size is not None and path.stat().st_size != images.check_size(size):
        raise ToolError(
            f"{path}: exists already with {path.stat().st_size} octets; leave --size out, or "
            "remove the file for a blank device"
        )
    try:
        with images.open_image(path, writing=True) as image:
            return steps(ImageTarget(image), account, rights, device or Device())
    except images.library("errors").StorageFailed as error:
        raise ToolError(f"{path}: {images.storage_reason(error)}") from None
    except images.library("errors").CommandFailed as error:
        if error.args[0] == 420:
            raise ToolError(f"{path}: is full; take a larger --size for a new device") from None
        raise ToolError(f"{path}: the account does not fit the tree ({error.args[0]})") from None


class Target(Protocol):
    """A tree that is set up: of an image (below) or of a board (provision_port.py)."""

    name: str

    def get(self, uri: bytes) -> bytes | None:
        """Return the value of a leaf."""

    def holds(self, uri: bytes, value: bytes) -> bool:
        """Return whether the leaf has that value."""

    def declare(self, rows: list[Row]) -> None:
        """Make the nodes that miss."""

    def set(self, uri: bytes, value: bytes) -> None:
        """Give a leaf another value."""

    def accounts(self) -> dict[str, bytes]:
        """Return the ServerID of each account, by the name of its node."""

    def forget(self, uri: str) -> None:
        """Let message numbers of the account start anew."""

    def root_acl(self) -> bytes:
        """Return the ACL of the root."""

    def set_root_acl(self, acl: bytes) -> None:
        """Give the root another ACL."""


class ImageTarget:
    """The tree of an image that is open for writing."""

    def __init__(self, image: images.Image) -> None:
        self.image = image
        self.name = str(image.path)
        client = image.client
        self.get, self.set, self.declare = client.get, client.set, client.declare

    def holds(self, uri: bytes, value: bytes) -> bool:
        """Return whether the leaf has that value."""
        return bool(self.get(uri) == value)

    def accounts(self) -> dict[str, bytes]:
        """Return the ServerID of each account, by the name of its node."""
        names = [
            self.image.store.field(nid, 0).decode("utf-8", "replace")
            for nid in self.image.children(self.image.find("./DMAcc"))
        ]
        return {name: self.get(f"./DMAcc/{name}/ServerID".encode()) or b"" for name in names}

    def forget(self, uri: str) -> None:
        """Let message numbers of the account start anew."""
        client = self.image.client
        nid = self.image.find(uri)
        if any(row[0] == nid for row in self.image.store.pairs):
            client.txn.begin(b"")
            client.txn.add_record(_REPLAY, struct.pack("<IHII", nid, 0, 0, 0))
            client.txn.commit()
            client.reload()

    def root_acl(self) -> bytes:
        """Return the ACL of the root."""
        return bytes(self.image.store.field(0, 3))

    def set_root_acl(self, acl: bytes) -> None:
        """Give the root another ACL."""
        self.image.client.set_acl(b".", acl)


def steps(target: Target, account: Account, rights: tuple[str, ...], device: Device | None) -> Done:
    """Set up the device; without `device` the board itself says what it is."""
    known = target.get(b"./DevInfo/DevId")
    if known and known != account.device_id.encode():
        raise ToolError(
            f"{target.name}: is the device {known.decode('utf-8', 'replace')!r}, but the account "
            f"is for {account.device_id!r}; use its own account, or another "
            + ("image" if device else "board, or erase the store of this one")
        )
    target.declare(_standard_objects(account, device))
    uri, created = _place(target, account)
    server = uri.encode()
    wanted = _proof(server, account)
    rekeyed = not created and not all(target.holds(where, value) for where, value in wanted.items())
    target.declare(_account(server, account))
    if rekeyed:
        for where, value in wanted.items():
            target.set(where, value)
    for name, value in account.keys.items():
        where = server + b"/Ext/Keys/" + name.encode()
        if not target.holds(where, value):
            target.set(where, value)
    if created or rekeyed:
        # With a new key no old message verifies, so numbers start again at (0, 0). The number of a
        # node removed earlier may have been used before: hence for a new account too.
        target.forget(uri)
    return Done(uri, created, rekeyed, _grant(target, account, rights))


def _leaf(uri: bytes, value: str | bytes, fmt: bytes = b"chr", access: int = _GET) -> Row:
    return uri, fmt, access, value.encode() if isinstance(value, str) else value, b"", b""


def _standard_objects(account: Account, device: Device | None) -> list[Row]:
    info, detail = b"./DevInfo", b"./DevDetail"
    rows = [
        _leaf(info + b"/DevId", account.device_id),
        (b"./Inbox", b"node", _ADD, b"", _INBOX, b"Add=*"),
        _leaf(b"./DMAcc", b"", b"node"),
    ]
    if device is None:
        return rows
    limits = images.library("limits")
    return [
        (info, b"node", _GET, b"", _DEV_INFO, b""),
        _leaf(info + b"/Man", device.man),
        _leaf(info + b"/Mod", device.mod),
        _leaf(info + b"/DmV", "1.3"),
        _leaf(info + b"/Lang", device.lang),
        (detail, b"node", _GET, b"", _DEV_DETAIL, b""),
        _leaf(detail + b"/URI", b"", b"node"),
        _leaf(detail + b"/URI/MaxDepth", str(limits.MAX_DEPTH)),
        _leaf(detail + b"/URI/MaxTotLen", str(limits.MAX_TOT_LEN)),
        _leaf(detail + b"/URI/MaxSegLen", str(limits.MAX_SEG_LEN)),
        _leaf(detail + b"/DevTyp", device.dev_typ),
        _leaf(detail + b"/OEM", device.oem),
        _leaf(detail + b"/FwV", device.fw_v),
        _leaf(detail + b"/SwV", device.sw_v),
        _leaf(detail + b"/HwV", device.hw_v),
        _leaf(detail + b"/LrgObj", "false", b"bool"),
        *rows,
    ]


def _proof(uri: bytes, account: Account) -> dict[bytes, bytes]:
    # What the device holds against proofs. What the other kind of proof needs is empty: it can't be used.
    auth = uri + b"/AppAuth/Srv"
    shared = account.proof == "hmac"
    kind = account.proof.upper().encode()
    values = {
        uri + b"/AAuthPref": kind,
        auth + b"/AAuthType": kind,
        auth + b"/AAuthName": account.auth_name.encode(),
        auth + b"/AAuthSecret": account.key if shared else b"",
        auth + b"/AAuthData": account.nonce,
    }
    return values if shared else values | {uri + b"/Ext/PublicKey": account.public_key}


def _account(uri: bytes, account: Account) -> list[Row]:
    auth = uri + b"/AppAuth/Srv"
    proof = _proof(uri, account)
    kind = proof[auth + b"/AAuthType"]
    rows = [
        (uri, b"node", _GET, b"", _DMACC, b""),
        _leaf(uri + b"/AppID", "w7"),
        _leaf(uri + b"/ServerID", account.server_id),
        _leaf(uri + b"/Name", account.server_id),
        _leaf(uri + b"/AAuthPref", kind),
        _leaf(uri + b"/AppAuth", b"", b"node"),
        _leaf(auth, b"", b"node"),
        _leaf(auth + b"/AAuthLevel", "SRVCRED"),
        _leaf(auth + b"/AAuthType", kind),
        _leaf(auth + b"/AAuthName", account.auth_name),
        _leaf(auth + b"/AAuthSecret", proof[auth + b"/AAuthSecret"], access=0),
        _leaf(auth + b"/AAuthData", account.nonce, b"bin", access=0),
    ]
    if account.public_key or account.keys:
        rows.append(_leaf(uri + b"/Ext", b"", b"node"))
    if account.public_key:
        rows.append(_leaf(uri + b"/Ext/PublicKey", account.public_key, b"bin"))
    if account.keys:
        rows.append(_leaf(uri + b"/Ext/Keys", b"", b"node"))
    for name, value in account.keys.items():
        rows.append(_leaf(uri + b"/Ext/Keys/" + name.encode(), value, b"bin", access=0))
    return rows


def _place(target: Target, account: Account) -> tuple[str, bool]:
    # The account's own node if the device has it, else a free name.
    there = target.accounts()
    for name, server_id in there.items():
        if server_id == account.server_id.encode():
            return f"./DMAcc/{name}", False
    if len(there) >= images.library("limits").ACCOUNTS:
        raise ToolError(f"{target.name}: holds {len(there)} accounts, and no device takes more")
    name = account.server_id
    if len(name) > _MAX_NAME or any(c in "/?" for c in name) or name in (".", ".."):
        name = ""
    number = 0
    while not name or name in there:
        number += 1
        name = f"Server{number}" if f"Server{number}" not in there else ""
    return f"./DMAcc/{name}", True


def _grant(target: Target, account: Account, rights: tuple[str, ...]) -> str:
    acl = images.library("acl")
    old = target.root_acl()
    new = acl.check(old or b"Add=*&Get=*")
    for right in rights:
        if not acl.grants(new, right.encode(), account.server_id.encode()):
            new = acl.check(new + f"&{right}={account.server_id}".encode())
    if new != old:
        target.set_root_acl(new)
    return str(new.decode())
