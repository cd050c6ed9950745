"""The two proofs a message carries: SyncHdr/Cred and the x-syncml-hmac header.

docs/profile.md; OMA DM Security 1.2.1, 5.3 and 5.4, with SHA-256; RFC 2104.

    key  = B64(SHA256(user ":" secret))
    cred = B64(SHA256(key ":" nonce))
    mac  = B64(HMAC-SHA256(key, nonce ":" B64(SHA256(body))))       HMAC-SHA256, what we send
         | B64(SHA256(key ":" nonce ":" B64(SHA256(body))))         SHA256, the nested hash
"""

import hashlib
import hmac
from base64 import b64encode

ALGORITHMS = ("HMAC-SHA256", "SHA256")


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def key_of(user: str, secret: str) -> bytes:
    """Return what the device stores instead of the secret."""
    return b64encode(_sha256(f"{user}:{secret}".encode()))


def cred(key: bytes, nonce: bytes) -> str:
    """Return SyncHdr/Cred/Data."""
    return b64encode(_sha256(key + b":" + nonce)).decode()


def mac(key: bytes, nonce: bytes, body: bytes, algorithm: str = "HMAC-SHA256") -> str:
    """Return the MAC of the body octets as they are sent."""
    text = nonce + b":" + b64encode(_sha256(body))
    if algorithm == "SHA256":
        return b64encode(_sha256(key + b":" + text)).decode()
    return b64encode(hmac.new(key, text, "sha256").digest()).decode()


def header(
    user: str, key: bytes, nonce: bytes, body: bytes, algorithm: str = "HMAC-SHA256", compact: bool = False
) -> str:
    """Return the value of x-syncml-hmac; `compact` leaves out the optional white space."""
    quoted = user.replace("\\", "\\\\").replace('"', '\\"')
    code = mac(key, nonce, body, algorithm)
    return ("," if compact else ", ").join((f"algorithm={algorithm}", f'username="{quoted}"', f"mac={code}"))
