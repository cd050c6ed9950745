"""Who signs and who verifies in test_xmlsig: dmtool, signxml, xmlsec1, and the device's own code.

A document is an lxml tree with the Signature as an element in Cred/Data; a message has it there as text.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import signxml
from conftest import need_tool
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from dmtool import account as accounts
from dmtool import document, keys, signing, verify, wbxml_decode, wbxml_encode
from dmtool.document import DSIG
from dmtool.element import Element
from dmtool.errors import ToolError
from lxml import etree
from omadm.errors import NotAuthentic

NAME = "op"
_SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
METHODS = {
    "hmac": signxml.SignatureMethod.HMAC_SHA256,
    "rsa": signxml.SignatureMethod.RSA_SHA256,
    "ecdsa": signxml.SignatureMethod.ECDSA_SHA256,
}


@dataclass(frozen=True)
class Party:
    """An account of one proof with its private key, and the key as files for xmlsec1."""

    account: accounts.Account
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None
    secret: list[str]  # of xmlsec1 --sign
    public: list[str]  # of xmlsec1 --verify

    @property
    def proof(self) -> str:
        return self.account.proof

    @property
    def shared(self) -> bytes:
        return self.account.key + b":" + self.account.nonce


def parties(folder: Path) -> dict[str, Party]:
    """One of each proof.

    Before each key of xmlsec1 to verify with stands another one: up to version 1.2 it takes the first of
    its keys when none has the name, so that a wrong name takes the wrong key.
    """
    made = {}
    for proof in accounts.PROOFS:
        names = ("com.example.dms", "urn:dev:mac:07", NAME)
        if proof == "hmac":
            account = accounts.Account(*names, "a secret of the interop checks", bytes(range(16)))
            (folder / "hmac.key").write_bytes(account.key + b":" + account.nonce)
            (folder / "other.key").write_bytes(b"another secret")
            how = [f"--hmackey:{NAME}", str(folder / "hmac.key")]
            made[proof] = Party(account, None, how, ["--hmackey:other", str(folder / "other.key"), *how])
            continue
        path = folder / f"{proof}.toml"
        private = keys.create(folder / f"{proof}.pk8", proof, b"passphrase", 2048)
        public = keys.public_der(private)
        account = accounts.create(path, *names, proof=proof, private_key=f"{proof}.pk8", public_key=public)
        (folder / f"{proof}.pem").write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        other = keys.create(folder / f"other-{proof}.pk8", proof, b"passphrase", 2048)
        how = []
        for name, key in (("other", other), (NAME, private)):
            path = folder / f"{name}-{proof}.pub"
            path.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, _SPKI))
            how += [f"--pubkey-pem:{name}", str(path)]
        made[proof] = Party(account, private, [f"--privkey-pem:{NAME}", str(folder / f"{proof}.pem")], how)
    return made


# -- who signs: a message with an empty Cred/Data in, the text of its Signature out


def by_dmtool(message: Element, party: Party, folder: Path) -> str:
    """As compose does."""
    if party.private is None:
        account = party.account
        return signing.sign(message, signing.hmac_signer(NAME, account.key, account.nonce))
    (folder / "pass").write_bytes(b"passphrase")
    (folder / "pass").chmod(0o600)
    signer = keys.signer(folder / f"{party.proof}.toml", party.account, folder / "pass")
    return signing.sign(message, signer)


def by_signxml(message: Element, party: Party, folder: Path) -> str:
    """With the prefix ds: and KeyInfo of ours, which is no part of what is signed."""
    doc = document.tree(message)
    place = doc.find(document.CRED_DATA)
    assert place is not None
    etree.SubElement(place, f"{{{DSIG}}}Signature", nsmap={"ds": DSIG}, Id="placeholder")
    signer = signxml.XMLSigner(
        method=signxml.methods.enveloped,
        signature_algorithm=METHODS[party.proof],
        digest_algorithm="sha256",
        c14n_algorithm=signing.EXC_C14N,
    )
    info = etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DSIG}"><ds:KeyName>{NAME}</ds:KeyName></ds:KeyInfo>')
    key = party.shared if party.private is None else party.private
    made = signer.sign(doc, key=key, key_info=info).find(f".//{{{DSIG}}}Signature")
    if made.find(f"{{{DSIG}}}KeyInfo") is None:
        made.append(info)
    return str(document.canonical(made).decode())


def by_xmlsec1(message: Element, party: Party, folder: Path) -> str:
    """From a template with white space in it, as people write them."""
    template = (
        f'<Signature xmlns="{DSIG}">\n '
        + signing.signed_info(signing.METHODS[party.proof], b"").replace("><", ">\n  <")
        + f"\n <SignatureValue/>\n <KeyInfo><KeyName>{NAME}</KeyName></KeyInfo>\n</Signature>"
    ).replace(f'<SignedInfo xmlns="{DSIG}">', "<SignedInfo>")
    doc = document.tree(message)
    place = doc.find(document.CRED_DATA)
    assert place is not None
    place.append(etree.fromstring(template))
    path = folder / "template.xml"
    path.write_bytes(etree.tostring(doc, encoding="UTF-8"))
    done = subprocess.run(
        [need_tool("xmlsec1", "xmlsec1"), "--sign", *party.secret, str(path)], capture_output=True
    )
    assert done.returncode == 0, done.stderr
    made = document.parse(done.stdout).find(f".//{{{DSIG}}}Signature")
    assert made is not None
    return document.canonical(made).decode()


SIGNERS = {"dmtool": by_dmtool, "signxml": by_signxml, "xmlsec1": by_xmlsec1}


def wire(message: Element, signature: str, way: dict) -> bytes:
    """The message as it travels."""
    data = message.path("SyncHdr", "Cred", "Data")
    assert data is not None
    data.content = [signature]
    octets = wbxml_encode.encode(message, **way)
    data.content = [""]
    return octets


# -- who verifies: the octets of a message in, whether it is believed out


def dmtool_believes(octets: bytes, party: Party) -> bool:
    """`dmtool verify`, without the names of SyncHdr."""
    found = wbxml_decode.decode(octets)
    if found.error is not None or found.root is None:
        return False
    try:
        verify.signature(found.root, party.account)
    except ToolError:
        return False
    return True


class DeviceAccount:
    """What lib keeps of an account."""

    def __init__(self, account: accounts.Account) -> None:
        self.name = account.auth_name.encode()
        self.auth_type = account.proof.upper().encode()
        self.key = account.key if account.proof == "hmac" else b""
        self.nonce = account.nonce
        self.public = account.public_key


def device_believes(octets: bytes, party: Party) -> bool:
    """The device's own code, under CPython."""
    from omadm.errors import Malformed, TooLarge
    from omadm.signature import Proof

    account = DeviceAccount(party.account)
    proof = Proof([account], len(octets))
    try:
        proof.parser.feed(octets, 0, len(octets))
        return proof.close() is account
    except (Malformed, NotAuthentic, TooLarge):
        return False


def as_document(octets: bytes) -> bytes | None:
    """The message as XML with the Signature put back; None when that can't be."""
    found = wbxml_decode.decode(octets)
    if found.error is not None or found.root is None:
        return None
    try:
        return document.canonical(document.with_signature(found.root))
    except ToolError:
        return None


def xmlsec1_believes(documents: list[bytes | None], party: Party, folder: Path) -> bool:
    """One run over all of them, which ends at the first that it refuses."""
    paths = []
    for number, octets in enumerate(documents):
        if octets is None:
            return False
        path = folder / f"check{number}.xml"
        path.write_bytes(octets)
        paths.append(str(path))
    command = [need_tool("xmlsec1", "xmlsec1"), "--verify", *party.public, *paths]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        assert done.stderr.count("OK\n") == len(documents), done.stderr
    return done.returncode == 0


@contextmanager
def ecdsa_of_a_board():
    """What a board's native module has, for CPython: the same calls, by `cryptography`."""
    import native_stand_in

    known = sys.modules.get("dmcrypto")
    sys.modules["dmcrypto"] = native_stand_in
    try:
        yield
    finally:
        del sys.modules["dmcrypto"]
        if known is not None:
            sys.modules["dmcrypto"] = known
