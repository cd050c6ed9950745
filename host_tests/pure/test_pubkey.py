# Keys and signatures of RSA and ECDSA, right and wrong ones. The messages are those of signed.py.
import sys
from hashlib import sha256

import signed
from check import raises
from omadm import pubkey
from omadm.errors import NotAuthentic

NO_ECDSA = 174
BAD_KEY = 175

DIGEST = bytes(range(32))
INFO = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Without:
    """Hides the native module, or puts another in its place."""

    def __init__(self, module=None):
        self.module = module

    def __enter__(self):
        self.had = sys.modules.get("dmcrypto")
        if self.module is None:
            self.find = pubkey.native
            pubkey.native = lambda: None
        else:
            sys.modules["dmcrypto"] = self.module

    def __exit__(self, *_):
        if self.module is None:
            pubkey.native = self.find
        elif self.had is None:
            del sys.modules["dmcrypto"]
        else:
            sys.modules["dmcrypto"] = self.had


def der(tag, *content):
    octets = b"".join(content)
    n = len(octets)
    size = bytes((n,)) if n < 128 else bytes((0x81, n)) if n < 256 else bytes((0x82, n >> 8, n & 255))
    return bytes((tag,)) + size + octets


def spki(n, e, unused=b"\0", algorithm=b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"):
    return der(0x30, der(0x30, algorithm), der(0x03, unused, der(0x30, n, e)))


def integer(value):
    octets = value.to_bytes(600, "big")
    start = 0
    while start < 599 and not octets[start]:
        start += 1
    return der(0x02, octets[start - (octets[start] >> 7) :])


def made(block):
    """The signature whose encoded message is `block`, by the private key of the tests."""
    n = int.from_bytes(pubkey.rsa_key(signed.RSA2048)[0], "big")
    d = int.from_bytes(signed.RSA2048_PRIVATE, "big")
    return pow(int.from_bytes(block, "big"), d, n).to_bytes(256, "big")


def right(block):
    return pubkey.verify(pubkey.RSA, signed.RSA2048, DIGEST, made(block))


def test_rsa_pads_in_one_way_only():
    whole = b"\0\x01" + b"\xff" * 202 + b"\0" + INFO + DIGEST
    assert len(whole) == 256
    blocks = [
        b"\0\x02" + whole[2:],  # for encryption
        b"\0\0" + whole[2:],
        b"\0\x01" + b"\xff" * 8 + b"\0" + INFO + DIGEST + bytes(194),  # short, and what follows
        b"\0\x01" + b"\xff" * 8 + b"\0" + INFO + DIGEST + b"\xff" * 194,
        b"\0\x01" + b"\xff" * 201 + b"\0" + INFO + DIGEST + b"\0",
        b"\0\x01" + b"\xff" * 201 + b"\xfe\0" + INFO + DIGEST,
        b"\0\x01" + b"\xff" * 201 + b"\0\0" + INFO + DIGEST,
        b"\0\x01" + b"\xff" * 221 + b"\0" + DIGEST,  # no DigestInfo
        # without NULL, and with SHA-1 in it
        b"\0\x01" + b"\xff" * 204 + b"\0\x30\x2f\x30\x0b" + INFO[4:15] + INFO[17:] + DIGEST,
        b"\0\x01" + b"\xff" * 206 + b"\0\x30\x2d\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\0\x04\x20" + DIGEST,
        whole[:-1] + b"\0",
    ]
    with Without():
        assert right(whole)
        for block in blocks:
            assert len(block) == 256, (len(block), block)
            assert not right(block), block


def test_rsa_signatures_that_are_none():
    n = int.from_bytes(pubkey.rsa_key(signed.RSA2048)[0], "big")
    good = made(b"\0\x01" + b"\xff" * 202 + b"\0" + INFO + DIGEST)
    value = int.from_bytes(good, "big")
    with Without():
        assert pubkey.verify(pubkey.RSA, signed.RSA2048, DIGEST, good)
        for bad in (
            b"",
            good[:-1],
            b"\0" + good,
            good + b"\0",
            bytes(256),
            bytes(255) + b"\x01",
            (n - 1).to_bytes(256, "big"),
            n.to_bytes(256, "big"),
            (n - value).to_bytes(256, "big"),
            b"\xff" * 256,
        ):
            assert not pubkey.verify(pubkey.RSA, signed.RSA2048, DIGEST, bad), bad
        if (value + n) >> 2048 == 0:  # the same residue, not below n
            assert not pubkey.verify(pubkey.RSA, signed.RSA2048, DIGEST, (value + n).to_bytes(256, "big"))
        assert not pubkey.verify(pubkey.RSA, signed.RSA2048, DIGEST[1:] + b"\0", good)
        assert not pubkey.verify(pubkey.RSA, signed.RSA3072, DIGEST, good)


def test_a_number_not_below_the_modulus_is_no_signature():
    # A modulus for which that is easy to have: 2**2047 + 1; s = n + 1 is 1, as a residue.
    n = (1 << 2047) + 1
    with Without():
        for value in (n, n + 1, (1 << 2048) - 1):
            key = spki(integer(n), integer(65537))
            assert not pubkey.verify(pubkey.RSA, key, DIGEST, value.to_bytes(256, "big"))
    # A digest whose signature has room for the modulus above it: the same residue, written otherwise.
    n = int.from_bytes(pubkey.rsa_key(signed.RSA2048)[0], "big")
    digest = sha256(b"3").digest()
    good = made(b"\0\x01" + b"\xff" * 202 + b"\0" + INFO + digest)
    other = int.from_bytes(good, "big") + n
    assert other >> 2048 == 0
    with Without():
        assert pubkey.verify(pubkey.RSA, signed.RSA2048, digest, good)
        assert not pubkey.verify(pubkey.RSA, signed.RSA2048, digest, other.to_bytes(256, "big"))


def test_rsa_keys():
    n, e = pubkey.rsa_key(signed.RSA2048)
    assert len(n) == 256 and n[0] and e == b"\x01\x00\x01"
    assert len(pubkey.rsa_key(signed.RSA3072)[0]) == 384
    n = int.from_bytes(n, "big")
    assert spki(integer(n), integer(65537)) == signed.RSA2048
    for modulus, size in ((1 << 2047 | 1, 256), ((1 << 4096) - 1, 512)):
        key = spki(integer(modulus), integer(65537))
        assert pubkey.rsa_key(key)[0] == modulus.to_bytes(size, "big")
    pubkey.rsa_key(spki(integer(n), integer(0xFFFFFFFF)))

    def refused(key):
        raises(NotAuthentic, BAD_KEY, pubkey.rsa_key, key)

    for modulus in ((1 << 2047) - 1, (1 << 1023) | 1, 1, 3, n - 1, 1 << 2047, (1 << 4096) | 1):
        refused(spki(integer(modulus), integer(65537)))
    for exponent in (0, 1, 2, 3, 17, 65535, 65536, 65538, (1 << 32) + 1):
        refused(spki(integer(n), integer(exponent)))
    refused(b"")
    refused(signed.P256)
    refused(spki(integer(n), integer(65537), unused=b"\x01"))
    refused(spki(integer(n), integer(65537), unused=b""))
    # PSS, and RSA without its NULL
    refused(
        spki(integer(n), integer(65537), algorithm=b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x05\x00")
    )
    refused(spki(integer(n), integer(65537), algorithm=b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"))


def test_der_in_one_form_only():
    key = signed.RSA2048
    n = pubkey.rsa_key(key)[0]

    def refused(bad):
        raises(NotAuthentic, BAD_KEY, pubkey.rsa_key, bad)

    refused(key + b"\0")
    for i in range(len(key)):
        refused(key[:i])
    positive = der(0x02, b"\0", n)
    e = b"\x02\x03\x01\x00\x01"
    refused(spki(der(0x02, n), e))  # negative
    refused(spki(der(0x02, b"\0\0", n), e))
    refused(spki(positive, b"\x02\x04\x00\x01\x00\x01"))
    refused(spki(positive, b"\x02\x81\x03\x01\x00\x01"))  # a length longer than need be
    refused(spki(positive, b"\x02\x82\x00\x03\x01\x00\x01"))
    refused(spki(positive, b"\x02\x80\x01\x00\x01\x00\x00"))  # no length
    refused(spki(positive, b"\x02\x83\x00\x00\x03\x01\x00\x01"))
    refused(spki(positive, b"\x02\x00"))
    refused(spki(positive, e + b"\x05\x00"))
    refused(spki(positive, b"\x04\x03\x01\x00\x01"))
    refused(der(0x31, key[4:]))
    refused(der(0x30, key[4:], b"\x05\x00"))
    for i in range(32):  # each octet in front of the modulus
        bad = bytearray(key)
        bad[i] ^= 1
        refused(bytes(bad))


class Native:
    """In the place of the native module: says what it is asked."""

    def __init__(self):
        self.asked = []

    def ecdsa_verify(self, point, digest, signature):
        if point[1:] == bytes(64):
            raise ValueError
        self.asked.append((point, digest, signature))
        return True


def test_ecdsa_needs_the_native_module_and_a_number_in_range():
    def value(r, s):
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    good = value(1, ORDER - 1)
    with Without():
        raises(NotAuthentic, NO_ECDSA, pubkey.verify, pubkey.ECDSA, signed.P256, DIGEST, good)
    native = Native()
    with Without(native):
        assert pubkey.verify(pubkey.ECDSA, signed.P256, DIGEST, good)
        assert native.asked == [(signed.P256[-65:], DIGEST, good)]
        for r, s in ((0, 1), (1, 0), (0, 0), (ORDER, 1), (1, ORDER), (ORDER + 1, 1), (1, (1 << 256) - 1)):
            assert not pubkey.verify(pubkey.ECDSA, signed.P256, DIGEST, value(r, s))
        for bad in (b"", good[:-1], good + b"\0", b"\x30\x06\x02\x01\x01\x02\x01\x01"):
            assert not pubkey.verify(pubkey.ECDSA, signed.P256, DIGEST, bad)
        for key in (
            b"",
            signed.RSA2048,
            signed.P256[:-1],
            signed.P256 + b"\0",
            signed.P256[:26] + b"\x02" + signed.P256[27:],  # compressed
            signed.P256[:20] + b"\x22" + signed.P256[21:],  # another curve
            signed.P256[-65:],
            signed.P256[:27] + bytes(64),  # no point of the curve
        ):
            raises(NotAuthentic, BAD_KEY, pubkey.verify, pubkey.ECDSA, key, DIGEST, good)
        assert len(native.asked) == 1
