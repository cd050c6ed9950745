# Who sent this message: the accounts, MAC over the body, credentials in SyncHdr, replay pair.
# OMA DM Security 1.2.1 (5.3 and 5.4: MAC, auth-md5 with SHA-256 for H), StdObj 1.2.1 7.1.3.1
# (DMAcc), Sessionless 5.2, 5.5 (R02, R08-R10, R32, R34-R37) and docs/profile.md, which says
# what we do where the 1.3 texts are silent. RFC 2104.
#
#   key  = B64(H(user ":" password))             what the device stores; never the password
#   mac  = B64(HMAC(key, nonce ":" B64(H(body))))  algorithm HMAC-SHA256
#        | B64(H(key ":" nonce ":" B64(H(body))))  algorithm SHA256, SHA-256
#   cred = B64(H(key ":" nonce))                 SyncHdr/Cred/Data      H = SHA-256
#
#   x-syncml-hmac: algorithm=HMAC-SHA256, username="srv-acme", mac=FGO/21o6...
#
# Contract: NotAuthentic with a code, and nothing of what was compared in it. A compare takes the
# same time for every wrong value; a user nobody knows costs the same hashes as a wrong MAC.
# The DMAcc instances are read once per boot: no message can change them.
# Bounds: HEADER_LEN octets of header; ACCOUNTS; at most one MAC per account of that name.
# Non-goals: MD5 (refused); signatures, public keys (signature).
from binascii import b2a_base64
from hashlib import sha256
from struct import unpack_from

from micropython import const

from .errors import NotAuthentic
from .limits import ACCOUNTS, HEADER_LEN

_DMACC = const(8)  # flag of a row of the store

_HMAC_SHA256 = const(1)  # RFC 2104
_SHA256 = const(2)  # nested hash

_NO_HEADER = const(60)
_HEADER_TOO_LONG = const(61)
_BAD_HEADER = const(62)
_NO_ALGORITHM = const(63)
_MD5 = const(64)
_BAD_ALGORITHM = const(65)
_UNKNOWN_USER = const(66)
_WRONG_MAC = const(67)
_SEVERAL_ACCOUNTS = const(68)
_OTHER_PROOF = const(69)
_UNUSABLE_ACCOUNT = const(70)
_NO_CRED = const(71)
_CRED_TYPE = const(72)
_CRED_FORMAT = const(73)
_WRONG_CRED = const(74)
_WRONG_LOCNAME = const(75)
_REPLAY = const(76)
_OTHER_DEVICE = const(77)
_NO_ACCOUNT = const(78)
_SEVERAL_DMACC = const(79)
_OTHER_ACCOUNT = const(95)

_B64_LEN = const(44)  # base64 of 32 octets, padding included
_BLOCK = const(64)  # of SHA-256
_WINDOW = const(32)  # widest reorder window


class Account:
    """One server: what proves its messages, and the last pair accepted from it."""

    def __init__(self, tree, nid):
        store = tree.store
        self.nid = nid
        self.server_id = _leaf(tree, nid, b"ServerID")
        ext = store.child(nid, b"Ext")
        window = _leaf(tree, ext, b"Window")
        self.window = int(window) if window.isdigit() else 0
        auths = store.child(nid, b"AppAuth")
        entry = -1 if auths < 0 else store.next_child(auths, -1)
        while entry >= 0 and _leaf(tree, entry, b"AAuthLevel") != b"SRVCRED":
            entry = store.next_child(auths, entry)
        self.name = _leaf(tree, entry, b"AAuthName")
        self.key = _leaf(tree, entry, b"AAuthSecret")
        self.nonce = _leaf(tree, entry, b"AAuthData")
        self.auth_type = _leaf(tree, entry, b"AAuthType")
        self.public = _leaf(tree, ext, b"PublicKey", 600)  # of RSA and ECDSA; 4096 bits take 550
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


def _leaf(tree, nid, name, most=128):
    if nid >= 0:
        nid = tree.store.child(nid, name)
    return tree.value(nid, most) if nid >= 0 else b""


def _b64(data: bytes) -> bytes:
    return b2a_base64(data)[:-1]


def _sha256(data: bytes) -> bytes:
    return sha256(data).digest()


def cred(key: bytes, nonce: bytes) -> bytes:
    """Return the expected Cred/Data; the nonce is raw octets."""
    return _b64(_sha256(key + b":" + nonce))


def mac(algorithm: int, key: bytes, nonce: bytes, digest: bytes) -> bytes:
    """Return the MAC in base64, from the SHA-256 of the body."""
    text = nonce + b":" + _b64(digest)
    if algorithm == _SHA256:
        return _b64(_sha256(key + b":" + text))
    return _b64(hmac(key, text))


def hmac(key: bytes, text: bytes) -> bytes:
    """Return the HMAC-SHA256 of RFC 2104."""
    if len(key) > _BLOCK:
        key = _sha256(key)
    pad = int.from_bytes(key + bytes(_BLOCK - len(key)), "big")
    for x in (b"\x36", b"\x5c"):
        text = _sha256((pad ^ int.from_bytes(x * _BLOCK, "big")).to_bytes(_BLOCK, "big") + text)
    return text


def same(given: bytes, wanted: bytes) -> bool:
    """Compare; the time depends on len(wanted) only."""
    differ = len(given) ^ len(wanted)
    if differ:
        given = wanted
    for i in range(len(wanted)):
        differ |= given[i] ^ wanted[i]
    return differ == 0


def _padded(text: bytes) -> bytes:
    # Base64 of a SHA-256 may come without its one padding character.
    return text + b"=" if len(text) == _B64_LEN - 1 else text


def parse_hmac(text) -> tuple:
    """Return (algorithm, user name, MAC in base64) of an x-syncml-hmac value, str or bytes.

    A user name with a quote or a backslash in it cannot be carried; our tools make none.
    """
    if not text:
        raise NotAuthentic(_NO_HEADER)
    if len(text) > HEADER_LEN:
        raise NotAuthentic(_HEADER_TOO_LONG)
    if isinstance(text, str):
        text = text.encode()
    try:
        front, user, back = text.split(b'"')
        # Outside the quotes only: a user name may hold commas and what else looks like a parameter.
        values = {}
        count = 0
        for part in (front + b'"' + back).split(b","):
            if part.strip():  # RFC 2616 lists may hold empty elements
                name, value = part.split(b"=", 1)
                values[name.strip().lower()] = value.strip()
                count += 1
        if count > len(values) or values.pop(b"username") != b'"' or not user or b"\\" in user:
            raise ValueError
        code = _padded(values.pop(b"mac"))
        token = values.pop(b"algorithm", b"").upper()
        if values or len(code) != _B64_LEN:
            raise ValueError
    except (ValueError, KeyError):
        raise NotAuthentic(_BAD_HEADER)
    if token == b"HMAC-SHA256":
        return _HMAC_SHA256, user, code
    if token == b"SHA256" or token == b"SHA-256":
        return _SHA256, user, code
    raise NotAuthentic(_NO_ALGORITHM if not token else _MD5 if token == b"MD5" else _BAD_ALGORITHM)


def check_mac(header, digest: bytes, accounts):
    """Return the one account whose user name and MAC fit; raises NotAuthentic.

    accounts: objects with name, key, nonce, auth_type (bytes, in RAM).
    digest: SHA-256 of the body.
    """
    algorithm, user, code = parse_hmac(header)
    known = False
    found = None
    for account in accounts:
        if account.name == user:
            known = True
            if same(code, mac(algorithm, account.key, account.nonce, digest)):
                if found is not None:
                    raise NotAuthentic(_SEVERAL_ACCOUNTS)
                found = account
    if not known:  # the same work as for a user who exists
        same(code, mac(algorithm, bytes(_B64_LEN), bytes(16), digest))
    if found is None:
        raise NotAuthentic(_WRONG_MAC if known else _UNKNOWN_USER)
    if found.auth_type != b"HMAC":
        raise NotAuthentic(_OTHER_PROOF)
    if len(found.key) != _B64_LEN or not found.nonce:  # no fallback, no default nonce
        raise NotAuthentic(_UNUSABLE_ACCOUNT)
    return found


def check_header(hdr, account, accounts, device_id: bytes):
    """Let SyncHdr through for the account whose MAC it carries; returns the new `seen`."""
    for other in accounts:
        if other is not account and other.server_id == hdr.source:
            raise NotAuthentic(_SEVERAL_DMACC if account.server_id == hdr.source else _OTHER_ACCOUNT)
    if account.server_id != hdr.source:
        raise NotAuthentic(_NO_ACCOUNT)
    check_cred(hdr, account)
    if hdr.target != device_id:  # which is b"" before it is known, and Target never is
        raise NotAuthentic(_OTHER_DEVICE)
    return replay(account.session, account.msg, hdr.session_id, hdr.msg_id, account.window, account.seen)


def check_cred(hdr, account) -> None:
    """Check SyncHdr/Cred and Source/LocName against the account; raises NotAuthentic.

    Sets hdr.signed: Cred holds a Signature instead of a digest, which the caller checks.
    """
    if hdr.cred_data is None:
        raise NotAuthentic(_NO_CRED)
    kind = (hdr.cred_type or b"").lower()
    hdr.signed = kind == b"syncml:auth-mac"
    if not hdr.signed and kind != b"syncml:auth-sha256":
        raise NotAuthentic(_CRED_TYPE)
    if (hdr.cred_format or b"").lower() != (b"xml" if hdr.signed else b"b64"):
        raise NotAuthentic(_CRED_FORMAT)
    if not hdr.signed and not same(_padded(hdr.cred_data), cred(account.key, account.nonce)):
        raise NotAuthentic(_WRONG_CRED)
    if hdr.loc_name is not None and hdr.loc_name != account.name:
        raise NotAuthentic(_WRONG_LOCNAME)


def replay(
    last_session: int,
    last_msg: int,
    session: int,
    msg: int,
    window: int = 0,
    seen: int = 0,
) -> int:
    """Raise NotAuthentic unless this pair was never accepted; return the new `seen`.

    Without a window the pair must be greater than the last one. With one, a number of the last
    session that is less than `window` (at most 32) behind counts once. `seen`: bit i is set when
    the number last_msg - i was accepted. The caller keeps the greater pair and `seen`.
    """
    if session > last_session:
        return 1
    behind = last_msg - msg
    if session == last_session:
        if behind < 0:
            return (seen << min(-behind, _WINDOW) | 1) & 0xFFFFFFFF
        if 0 < behind < min(window, _WINDOW) and not seen >> behind & 1:
            return seen | 1 << behind
    raise NotAuthentic(_REPLAY)
