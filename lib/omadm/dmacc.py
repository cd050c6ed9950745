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

    def __init__(self, tree, nid):
        store = tree.store
        self.nid = nid
        self.server_id = _leaf(tree, nid, b"ServerID")
        window = _leaf(tree, store.child(nid, b"Ext"), b"Window")
        self.window = int(window) if window.isdigit() else 0
        auths = store.child(nid, b"AppAuth")
        entry = -1 if auths < 0 else store.next_child(auths, -1)
        while entry >= 0 and _leaf(tree, entry, b"AAuthLevel") != b"SRVCRED":
            entry = store.next_child(auths, entry)
        self.name = _leaf(tree, entry, b"AAuthName")
        self.key = _leaf(tree, entry, b"AAuthSecret")
        self.nonce = _leaf(tree, entry, b"AAuthData")
        self.auth_type = _leaf(tree, entry, b"AAuthType")
        last = bytearray(14)
        for number, addr, _ in store.pairs:
            if number == nid:
                store.log.read(addr, 0, last, 14)
        _, self.session, self.msg, self.seen = unpack_from("<IHII", last)


def load(tree) -> list:
    """Every DMAcc in the tree with its SRVCRED entry and its replay pair."""
    accounts = []
    for nid, flags in enumerate(tree.store.flags):
        if flags & _DMACC and len(accounts) < ACCOUNTS:
            accounts.append(Account(tree, nid))
    return accounts


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
    if hdr.target != device_id:  # which is b"" before it is known, and Target never is
        raise NotAuthentic(_OTHER_DEVICE)
    return auth.replay(account.session, account.msg, hdr.session_id, hdr.msg_id, account.window, account.seen)
