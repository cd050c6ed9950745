# DMAcc: the accounts of the servers that may send, and the checks of SyncHdr
# against them. OMA StdObj 1.2.1 7.1.3.1; Sessionless 5.2, 5.5 (R02, R08-R10,
# R32, R34-R37); docs/profile.md for the replay pair.
#
# Contract: `load` reads the DMAcc instances once per boot (no message can change
# them); `check` lets a header through or raises NotAuthentic. An account keeps
# B64(SHA256(user:password)), not the password, and it stays in RAM only here.

from struct import unpack_from

from micropython import const

from . import auth
from .errors import NotAuthentic
from .limits import ACCOUNTS

_DMACC = const(8)
_OTHER_DEVICE = const(77)
_NO_ACCOUNT = const(78)
_SEVERAL_DMACC = const(79)
_OTHER_ACCOUNT = const(95)


class Account:
    """One server: what proves its messages, and the last pair accepted from it."""

    def __init__(self, nid):
        self.nid = nid
        self.server_id = self.name = self.key = self.nonce = self.auth_type = b""
        self.session = self.msg = self.seen = self.window = 0


def load(tree) -> list:
    """Every DMAcc in the tree with its SRVCRED entry and its replay pair."""
    store = tree.store
    accounts = []
    for nid in range(len(store.flags)):
        if store.flags[nid] & _DMACC and not store.is_free(nid) and len(accounts) < ACCOUNTS:
            accounts.append(_read(tree, nid))
    small = bytearray(14)
    for number, addr, _ in store.pairs:
        store.log.read(addr, 0, small, 14)
        for account in accounts:
            if account.nid == number:
                account.session, account.msg, account.seen = unpack_from("<HII", small, 4)
    return accounts


def _read(tree, nid):
    account = Account(nid)
    account.server_id = _leaf(tree, nid, b"ServerID")
    window = _leaf(tree, tree.store.child(nid, b"Ext"), b"Window")
    if window.isdigit():
        account.window = min(int(window), 32)
    auths = tree.store.child(nid, b"AppAuth")
    entry = -1
    while auths >= 0:
        entry = tree.store.next_child(auths, entry)
        if entry < 0:
            break
        if _leaf(tree, entry, b"AAuthLevel") == b"SRVCRED":
            account.name = _leaf(tree, entry, b"AAuthName")
            account.key = _leaf(tree, entry, b"AAuthSecret")
            account.nonce = _leaf(tree, entry, b"AAuthData")
            account.auth_type = _leaf(tree, entry, b"AAuthType")
            break
    return account


def _leaf(tree, nid, name):
    if nid >= 0:
        nid = tree.store.child(nid, name)
    return tree.value(nid, 128) if nid >= 0 else b""


def check(hdr, account, accounts, device_id: bytes):
    """Let SyncHdr through for the account whose MAC it carries; returns the new `seen`."""
    found = None
    for other in accounts:
        if other.server_id == hdr.source:
            if found is not None:
                raise NotAuthentic(_SEVERAL_DMACC)
            found = other
    if found is None:
        raise NotAuthentic(_NO_ACCOUNT)
    if found is not account:
        raise NotAuthentic(_OTHER_ACCOUNT)
    auth.check_cred(hdr, account)
    if not device_id or hdr.target != device_id:
        raise NotAuthentic(_OTHER_DEVICE)
    return auth.replay(account.session, account.msg, hdr.session_id, hdr.msg_id,
                       account.window, account.seen)
