# The one seam for public keys: is this the signature of that digest? RFC 8017 8.2.2 (RSASSA-PKCS1-v1_5),
# FIPS 186 (ECDSA), X.690 (DER), RFC 5280, 3279, 5480 (SubjectPublicKeyInfo).
#
# Contract: verify() answers, or raises NotAuthentic where this build or this key cannot be used.
# With the native module (firmware/native) mbedTLS does the work. Without it RSA is pow() on the
# integers of MicroPython, and the whole encoded message is compared; ECDSA is not to be had.
# Bounds: RSA 2048 to 4096 bits, public exponent odd, 65537 to 2**32; ECDSA on P-256 alone. One
# pow() is one call that nothing can interrupt: 0.13 s for 2048 bits on an RP2040, 0.3 s for 3072.
# Non-goals: private keys, other curves, PSS.
from micropython import const

from .errors import NotAuthentic

RSA = const(2)  # algorithms, SHA-256 all
ECDSA = const(3)

_NO_ECDSA = const(174)
_BAD_KEY = const(175)

_LEAST = const(256)  # octets of a modulus
_MOST = const(512)

# SEQUENCE { rsaEncryption, NULL }
_RSA_ID = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
# SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } up to the octets of the point
_P256_KEY = (
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    b"\x03\x42\x00"
)
_P256_ORDER = (
    b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51"
)
# DigestInfo of SHA-256 up to the digest
_DIGEST_INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"


def native():
    """The native module, or None in a build without it."""
    try:
        import dmcrypto

        return dmcrypto
    except ImportError:
        return None


def verify(algorithm: int, key: bytes, digest: bytes, signature: bytes) -> bool:
    """Return whether signature is one of this SHA-256 digest by the key, a SubjectPublicKeyInfo.

    RSA: as many octets as the modulus. ECDSA: r and s, 32 octets each (RFC 4050).
    """
    with_ = native()
    if algorithm == ECDSA:
        point = key[len(_P256_KEY) :]
        if key[: len(_P256_KEY)] != _P256_KEY or len(point) != 65 or point[0] != 4:
            raise NotAuthentic(_BAD_KEY)
        if len(signature) != 64:
            return False
        for number in (signature[:32], signature[32:]):
            if number == bytes(32) or number >= _P256_ORDER:
                return False
        if with_ is None:
            raise NotAuthentic(_NO_ECDSA)
        return _native(with_.ecdsa_verify, point, digest, signature)
    n, e = rsa_key(key)
    size = len(n)
    if len(signature) != size or signature >= n:
        return False
    if with_ is not None:
        return _native(with_.rsa_verify, n, e, digest, signature)
    wanted = b"\0\x01" + b"\xff" * (size - len(_DIGEST_INFO) - 35) + b"\0" + _DIGEST_INFO + digest
    found = pow(int.from_bytes(signature, "big"), int.from_bytes(e, "big"), int.from_bytes(n, "big"))
    return found == int.from_bytes(wanted, "big")


def _native(check, *arguments):
    try:
        return check(*arguments)
    except ValueError:  # a point beside the curve
        raise NotAuthentic(_BAD_KEY)


def rsa_key(der: bytes) -> tuple:
    """Return (modulus, exponent) in octets without leading zeros; raises NotAuthentic for any other key."""
    at, end = _inside(der, 0, len(der), 0x30)
    if end != len(der) or der[at : at + len(_RSA_ID)] != _RSA_ID:
        raise NotAuthentic(_BAD_KEY)
    at, end = _inside(der, at + len(_RSA_ID), end, 0x03)
    if end != len(der) or at == end or der[at]:
        raise NotAuthentic(_BAD_KEY)
    at, end = _inside(der, at + 1, end, 0x30)
    if end != len(der):
        raise NotAuthentic(_BAD_KEY)
    n, at = _number(der, at, end)
    e, at = _number(der, at, end)
    value = int.from_bytes(e, "big")
    if at != end or not _LEAST <= len(n) <= _MOST or (len(n) == _LEAST and n[0] < 0x80) or not n[-1] & 1:
        raise NotAuthentic(_BAD_KEY)
    if len(e) > 4 or value < 65537 or not value & 1:
        raise NotAuthentic(_BAD_KEY)
    return n, e


def _inside(der, at, end, tag):
    # (start, end) of the content of the element at `at`, which must be a tag of its shortest form.
    if end - at < 2 or der[at] != tag:
        raise NotAuthentic(_BAD_KEY)
    n = der[at + 1]
    at += 2
    if n > 0x7F:
        width = n & 0x7F
        if not 1 <= width <= 2 or end - at < width:
            raise NotAuthentic(_BAD_KEY)
        n = int.from_bytes(der[at : at + width], "big")
        at += width
        if n < 0x80 or width == 2 and n < 0x100:
            raise NotAuthentic(_BAD_KEY)
    if n > end - at:
        raise NotAuthentic(_BAD_KEY)
    return at, at + n


def _number(der, at, end):
    # A positive INTEGER: its octets, and where it ends.
    at, stop = _inside(der, at, end, 0x02)
    if at == stop or der[at] > 0x7F:
        raise NotAuthentic(_BAD_KEY)
    if not der[at]:
        at += 1
        if at == stop or der[at] < 0x80:
            raise NotAuthentic(_BAD_KEY)
    return der[at:stop], stop
