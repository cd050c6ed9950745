"""firmware/native for CPython, by `cryptography`: what lib/omadm calls where a board has the module."""

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_DIGEST = utils.Prehashed(hashes.SHA256())


def rsa_verify(n, e, digest, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256."""
    key = rsa.RSAPublicNumbers(int.from_bytes(e, "big"), int.from_bytes(n, "big")).public_key()
    try:
        key.verify(bytes(signature), bytes(digest), padding.PKCS1v15(), _DIGEST)
    except InvalidSignature:
        return False
    return True


def ecdsa_verify(point, digest, signature):
    """ECDSA on P-256; r and s side by side."""
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes(point))
        r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
        key.verify(utils.encode_dss_signature(r, s), bytes(digest), ec.ECDSA(_DIGEST))
    except (InvalidSignature, ValueError):
        return False
    return True


def aes_gcm(key, iv, octets, tag):
    """Decrypt in place when the tag is right."""
    try:
        octets[:] = AESGCM(bytes(key)).decrypt(bytes(iv), bytes(octets) + bytes(tag), None)
    except InvalidTag:
        return False
    return True
