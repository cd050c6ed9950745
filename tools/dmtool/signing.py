"""XML-Signature of a whole message: an enveloped signature in SyncHdr/Cred/Data (docs/profile.md P1).

W3C XML-Signature 1.1, exclusive canonical XML, RFC 4050 and 6931 for the methods. One Reference, URI="",
with the transforms enveloped-signature and exclusive canonical XML, SHA-256 throughout; KeyName is the
user name of the account. The Signature travels as text, so it is written as short as it may be.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from . import document
from .document import DSIG
from .element import Element, met, sync

EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DSIG + "enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
METHODS = {
    "hmac": _MORE + "hmac-sha256",
    "rsa": _MORE + "rsa-sha256",
    "ecdsa": _MORE + "ecdsa-sha256",
}
CRED_TYPE = "syncml:auth-MAC"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that signs: its proof ("hmac", "rsa", "ecdsa"), its name, and octets to SignatureValue."""

    proof: str
    name: str
    sign: Callable[[bytes], bytes]


def hmac_signer(name: str, key: bytes, nonce: bytes) -> Signer:
    """Return the signer of a shared secret: HMAC-SHA256 with key ":" nonce."""
    return Signer("hmac", name, lambda octets: hmac.new(key + b":" + nonce, octets, "sha256").digest())


def cred(signature: str = "") -> Element:
    """Return SyncHdr/Cred around a signature."""
    return sync(
        "Cred",
        sync("Meta", met("Format", "xml"), met("Type", CRED_TYPE)),
        sync("Data", signature),
    )


def sign(message: Element, signer: Signer) -> str:
    """Return the Signature of a message whose Cred/Data is empty, as text."""
    digest = hashlib.sha256(document.canonical(document.tree(message))).digest()
    info = signed_info(METHODS[signer.proof], digest)
    value = signer.sign(document.canonical(document.parse(info.encode())))
    name = escape(signer.name, {"\r": "&#13;"})
    inner = info.replace(f' xmlns="{DSIG}"', "", 1)
    return (
        f'<Signature xmlns="{DSIG}">{inner}'
        f"<SignatureValue>{b64encode(value).decode()}</SignatureValue>"
        f"<KeyInfo><KeyName>{name}</KeyName></KeyInfo></Signature>"
    )


def signed_info(method: str, digest: bytes) -> str:
    """Return SignedInfo by itself."""
    return (
        f'<SignedInfo xmlns="{DSIG}"><CanonicalizationMethod Algorithm="{EXC_C14N}"/>'
        f'<SignatureMethod Algorithm="{method}"/><Reference URI=""><Transforms>'
        f'<Transform Algorithm="{ENVELOPED}"/><Transform Algorithm="{EXC_C14N}"/></Transforms>'
        f'<DigestMethod Algorithm="{SHA256}"/><DigestValue>{b64encode(digest).decode()}</DigestValue>'
        "</Reference></SignedInfo>"
    )


def told(message: Element) -> str:
    """Return what a message says of its proof, in a few words; whether it is right is for verify."""
    kind = message.path("SyncHdr", "Cred", "Meta", "Type")
    data = message.path("SyncHdr", "Cred", "Data")
    if kind is None or data is None:
        return "without Cred"
    if kind.text().lower() != CRED_TYPE.lower():
        return f"not signed, Cred {kind.text()}"
    method = re.search(r"<(?:\w+:)?SignatureMethod\s+Algorithm=[\"'][^\"']*#([\w-]+)", data.text())
    name = re.search(r"<(?:\w+:)?KeyName>([^<]*)<", data.text())
    return f"signed {method[1] if method else 'somehow'} by {name[1] if name else 'nobody'}"
