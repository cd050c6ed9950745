"""Private keys of accounts that sign with RSA or ECDSA, and where their passphrases come from.

A private key is a PEM file of PKCS#8, encrypted under a passphrase, mode 0600; the public key goes
into the account file as SubjectPublicKeyInfo, and from there onto devices. A passphrase is asked
for without echo, or comes from a file or from the environment (DMTOOL_PASSPHRASE): never from an argument.

RSA has 3072 bits by default: 128 bits of security, for devices that stay in the field beyond 2030. A board
without a native module takes about 0.3 s for it, twice as long as for 2048 bits. ECDSA is on P-256.
"""

from __future__ import annotations

import os
from pathlib import Path

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from . import files
from .account import Account
from .errors import ToolError, UsageError, os_error
from .signing import Signer, hmac_signer

RSA_BITS = (2048, 3072)
DEFAULT_BITS = 3072
PASSPHRASE_MIN = 8  # characters
VARIABLE = "DMTOOL_PASSPHRASE"
_SIDE = 32  # octets of r and of s on P-256

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


def create(path: Path, proof: str, passphrase: bytes, bits: int = DEFAULT_BITS) -> PrivateKey:
    """Make a key pair and write its private half."""
    key: PrivateKey
    if proof == "rsa":
        key = rsa.generate_private_key(65537, bits)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
    octets = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    files.create(path, octets, "name another, or leave --key-file out")
    return key


def load(path: Path, passphrase: bytes) -> PrivateKey:
    """Read a private key."""
    try:
        octets = files.read_private(path, "private key")
    except OSError as error:
        raise os_error(path, error) from None
    try:
        key = serialization.load_pem_private_key(octets, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ToolError(
            f"{path}: is no PKCS#8 key that this passphrase opens; is it the right one?"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ToolError(f"{path}: is neither an RSA nor an ECDSA key")
    return key


def public_der(key: PrivateKey) -> bytes:
    """Return SubjectPublicKeyInfo of its public half."""
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_of(name: str, account: Account) -> PublicKey:
    """Return the public key of an account, checked: of its proof, and one that devices take."""
    try:
        key = serialization.load_der_public_key(account.public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise ToolError(f"{name}: public_key: is no SubjectPublicKeyInfo; create the account again") from None
    if account.proof == "rsa" and isinstance(key, rsa.RSAPublicKey):
        if key.key_size in RSA_BITS and key.public_numbers().e == 65537:
            return key
        raise ToolError(f"{name}: public_key: devices take RSA of 2048 or 3072 bits with exponent 65537")
    if account.proof == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
        if isinstance(key.curve, ec.SECP256R1):
            return key
        raise ToolError(f"{name}: public_key: devices take ECDSA on P-256 only")
    raise ToolError(f"{name}: public_key: is no {account.proof.upper()} key; create the account again")


def signer(path: Path, account: Account, passphrase_file: Path | None = None) -> Signer:
    """Return what signs messages of the account in that file; asks for a passphrase where one is needed."""
    if account.proof == "hmac":
        return hmac_signer(account.auth_name, account.key, account.nonce)
    place = path.resolve().parent / account.private_key
    key = load(place, passphrase(f"Passphrase of {place.name}", passphrase_file))
    if public_der(key) != account.public_key:
        raise ToolError(f"{place}: is another key than {path} has; public_key there does not fit it")
    if isinstance(key, rsa.RSAPrivateKey):
        private = key
        return Signer(
            "rsa", account.auth_name, lambda octets: private.sign(octets, padding.PKCS1v15(), hashes.SHA256())
        )
    curve = key
    return Signer(
        "ecdsa", account.auth_name, lambda octets: _raw(curve.sign(octets, ec.ECDSA(hashes.SHA256())))
    )


def _raw(signature: bytes) -> bytes:
    # XML-Signature wants r and s side by side, cryptography gives DER.
    r, s = utils.decode_dss_signature(signature)
    return r.to_bytes(_SIDE, "big") + s.to_bytes(_SIDE, "big")


def passphrase(prompt: str, file: Path | None = None, new: bool = False) -> bytes:
    """Return a passphrase from the file, else from the environment, else from the keyboard."""
    text: str
    if file is not None:
        try:
            text = files.read_private(file, "passphrase").decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise ToolError(f"{file}: is no text in UTF-8; is it the passphrase?") from None
        except OSError as error:
            raise os_error(file, error) from None
    elif VARIABLE in os.environ:
        text = os.environ[VARIABLE]
    else:
        try:
            text = typer.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
        except (typer.Abort, EOFError):
            raise UsageError(
                f"no passphrase; type it, give --passphrase-file FILE, or set {VARIABLE}"
            ) from None
    if new and len(text) < PASSPHRASE_MIN:
        raise ToolError(f"the passphrase is shorter than {PASSPHRASE_MIN} characters; take a longer one")
    return text.encode()
