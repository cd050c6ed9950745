"""What proves a message, and whether it does: for one account, with lxml and signxml, without lib/.

A message carries the digest of the secret in SyncHdr/Cred, or a signature over all of it; a push around it
may carry the MAC of its octets (x-syncml-hmac). All that is there must be right, and what the account
wants must be there. docs/profile.md P1.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import signxml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from . import document, keys, proof, signing
from .account import Account
from .document import DSIG
from .element import Element
from .errors import ToolError

_HMAC = re.compile(r'\s*algorithm=([\w-]+)\s*,\s*username="([^"\\]*)"\s*,\s*mac=([A-Za-z0-9+/]+=*)\s*')
_METHODS = {
    "hmac": signxml.SignatureMethod.HMAC_SHA256,
    "rsa": signxml.SignatureMethod.RSA_SHA256,
    "ecdsa": signxml.SignatureMethod.ECDSA_SHA256,
}
_D = f"{{{DSIG}}}"


class NotProved(ToolError):
    """A proof is missing or wrong; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One proof that is right."""

    what: str  # "signature", "digest", "MAC"
    how: str


def check(root: Element, account: Account, push: tuple[bytes, str] | None = None) -> list[Proof]:
    """Return the proofs of a message, all right; NotProved when one is not, or not enough are there.

    push: the octets of the message and the value of x-syncml-hmac, when a push was around it.
    """
    kind = root.path("SyncHdr", "Cred", "Meta", "Type")
    told = kind.text() if kind is not None else ""
    if told.lower() == signing.CRED_TYPE.lower():
        found = [signature(root, account)]
    elif told.lower() == "syncml:auth-sha256":
        found = [_digest(root, account)]
    else:
        raise NotProved(f"SyncHdr/Cred has the Type {told!r}: neither a signature nor a digest")
    if push is not None:
        found.append(_mac(push[0], push[1], account))
    _names(root, account)
    if account.proof != "hmac" and found[0].what != "signature":
        raise NotProved(f"is not signed, but the account wants {account.proof.upper()} signatures")
    return found


def signature(root: Element, account: Account) -> Proof:
    """Check the signature over the whole message."""
    doc = document.with_signature(root)
    place = doc.find(document.CRED_DATA)
    node = place[0] if place is not None and len(place) == 1 else None
    if node is None or place is None or (place.text or "") + (node.tail or ""):
        raise NotProved("SyncHdr/Cred/Data holds something beside the Signature")
    if len(doc.findall(f".//{_D}Signature")) != 1:
        raise NotProved("holds a second Signature")
    name = _profile(node, account)
    config = SignatureConfiguration(
        location=f"./{document.CRED_DATA}/",
        require_x509=account.proof != "hmac",
        signature_methods=frozenset([_METHODS[account.proof]]),
        digest_algorithms=frozenset([signxml.DigestAlgorithm.SHA256]),
    )
    key = (
        {"hmac_key": account.key + b":" + account.nonce}
        if account.proof == "hmac"
        else {"x509_cert": _certificate(keys.public_of("account", account))}
    )
    try:
        result = XMLVerifier().verify(etree.tostring(doc), expect_config=config, **key)
    except SignXMLException as error:
        raise NotProved(
            f"the signature is wrong: {' '.join(str(error).split()) or type(error).__name__}"
        ) from None
    except (ValueError, AssertionError, etree.LxmlError):
        raise NotProved("the signature is malformed") from None
    node.getparent().remove(node)
    if isinstance(result, list) or result.signed_data != document.canonical(doc):
        raise NotProved("the signature covers something else than the whole message")
    return Proof("signature", f"{signing.METHODS[account.proof].rpartition('#')[2]} by {name}")


def _profile(node: etree._Element, account: Account) -> str:
    # The one shape of a Signature that devices take; returns KeyName.
    method = next((m.get("Algorithm") for m in node.iter(_D + "SignatureMethod")), None)
    if method != signing.METHODS[account.proof]:
        raise NotProved(f"SignatureMethod is {method}, but the account is {account.proof}")
    values = [t for tag in ("DigestValue", "SignatureValue") for t in node.iter(_D + tag)]
    for value in values:
        value.text = "".join((value.text or "").split())
    wanted = document.parse(
        f'<Signature xmlns="{DSIG}">{signing.signed_info(method, b"")}<SignatureValue/>'
        "<KeyInfo><KeyName/></KeyInfo></Signature>".encode()
    )
    if _shape(node) != _shape(wanted):
        raise NotProved(
            'the Signature has another shape than devices take: one Reference with URI="", the transforms '
            "enveloped-signature and exclusive canonical XML, SHA-256, and KeyInfo with a KeyName only"
        )
    name = next(node.iter(_D + "KeyName")).text or ""
    if name != account.auth_name:
        raise NotProved(f"KeyName is {name!r}, but the account's user name is {account.auth_name!r}")
    return name


def _shape(node: etree._Element) -> object:
    inner = [_shape(child) for child in node]
    spaced = ((node.text or "") + "".join(child.tail or "" for child in node)).strip()
    mixed = bool(inner) and bool(spaced)
    return str(node.tag), sorted(node.attrib.items()), inner, mixed


def _certificate(key: keys.PublicKey) -> x509.Certificate:
    # signxml takes trusted public keys as certificates; it looks at nothing in it but the key.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "account")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key, 1, now - timedelta(1), now + timedelta(1))
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())


def _digest(root: Element, account: Account) -> Proof:
    data = root.path("SyncHdr", "Cred", "Data")
    if account.proof != "hmac":
        raise NotProved(f"is not signed, but the account wants {account.proof.upper()} signatures")
    wanted = proof.cred(account.key, account.nonce)
    if data is None or not hmac.compare_digest(data.text().encode(), wanted.encode()):
        raise NotProved("SyncHdr/Cred is wrong: secret or nonce differ")
    return Proof("digest", "of the secret in SyncHdr/Cred; the push must carry the MAC, which says more")


def _mac(body: bytes, header: str, account: Account) -> Proof:
    fields = _HMAC.fullmatch(header)
    if fields is None or fields[1].upper() not in (*proof.ALGORITHMS, "SHA-256"):
        raise NotProved("x-syncml-hmac is malformed, or names an algorithm that no device takes")
    if account.proof != "hmac":
        raise NotProved(f"carries x-syncml-hmac, but the account has no secret (proof = {account.proof})")
    if fields[2] != account.auth_name:
        raise NotProved(f"x-syncml-hmac is by {fields[2]!r}, but the account is {account.auth_name!r}")
    algorithm = "HMAC-SHA256" if fields[1].upper() == "HMAC-SHA256" else "SHA256"
    wanted = proof.mac(account.key, account.nonce, body, algorithm)
    if not hmac.compare_digest(fields[3].rstrip("=").encode(), wanted.rstrip("=").encode()):
        raise NotProved(
            "the MAC of x-syncml-hmac is wrong: the message was changed, or secret or nonce differ"
        )
    return Proof("MAC", f"{algorithm} by {fields[2]}")


def _names(root: Element, account: Account) -> None:
    for path, wanted in (
        (("Target", "LocURI"), account.device_id),
        (("Source", "LocURI"), account.server_id),
    ):
        there = root.path("SyncHdr", *path)
        text = there.text() if there is not None else ""
        if text != wanted:
            raise NotProved(f"SyncHdr/{'/'.join(path)} is {text!r}, but the account has {wanted!r}")
    name = root.path("SyncHdr", "Source", "LocName")
    if name is not None and name.text() != account.auth_name:
        raise NotProved(
            f"SyncHdr/Source/LocName is {name.text()!r}, but the account has {account.auth_name!r}"
        )
