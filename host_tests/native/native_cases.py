# The native module (firmware/native) by itself, under an interpreter that has it: `make native`.
import gc
from binascii import unhexlify

import dmcrypto
import native_vectors

DIGEST = bytes(range(32))
E = b"\x01\x00\x01"


def row(name):
    key, value = getattr(native_vectors, name)
    return unhexlify(key), unhexlify(value)


def changed(octets, at):
    octets = bytearray(octets)
    octets[at] ^= 1
    return bytes(octets)


def fails(function, *arguments):
    try:
        function(*arguments)
    except ValueError:
        return
    raise AssertionError("no ValueError", arguments)


def test_rsa():
    for name in ("RSA2048", "RSA3072", "RSA4096"):
        n, value = row(name)
        assert dmcrypto.rsa_verify(n, E, DIGEST, value) is True
        assert dmcrypto.rsa_verify(bytearray(n), E, DIGEST, memoryview(value)) is True
        for at in (0, 1, len(value) // 2, len(value) - 1):
            assert dmcrypto.rsa_verify(n, E, DIGEST, changed(value, at)) is False
        assert dmcrypto.rsa_verify(n, E, changed(DIGEST, 31), value) is False
        assert dmcrypto.rsa_verify(n, E, DIGEST, value[1:]) is False
        assert dmcrypto.rsa_verify(n, E, DIGEST, value + b"\0") is False
        assert dmcrypto.rsa_verify(n, E, DIGEST, b"") is False
        assert dmcrypto.rsa_verify(n, E, DIGEST, n) is False
        assert dmcrypto.rsa_verify(n, b"\x01\x00\x03", DIGEST, value) is False
        fails(dmcrypto.rsa_verify, n, b"\x01", DIGEST, value)  # every block would sign itself
        fails(dmcrypto.rsa_verify, n, b"\x01\x00\x00", DIGEST, value)
        fails(dmcrypto.rsa_verify, changed(n, len(n) - 1), E, DIGEST, value)  # even
        fails(dmcrypto.rsa_verify, b"", E, DIGEST, value)
        fails(dmcrypto.rsa_verify, n, E, DIGEST[1:], value)


def test_ecdsa():
    for number in range(4):
        point, value = row("P256_" + str(number))
        assert dmcrypto.ecdsa_verify(point, DIGEST, value) is True
        for at in (0, 31, 32, 63):
            assert dmcrypto.ecdsa_verify(point, DIGEST, changed(value, at)) is False
        assert dmcrypto.ecdsa_verify(point, changed(DIGEST, 0), value) is False
        assert dmcrypto.ecdsa_verify(point, DIGEST, value[32:] + value[:32]) is False
        for bad in (
            b"",
            value[:63],
            value + b"\0",
            bytes(64),
            b"\xff" * 64,
            bytes(32) + value[32:],
            value[:32] + bytes(32),
        ):
            assert dmcrypto.ecdsa_verify(point, DIGEST, bad) is False
        fails(dmcrypto.ecdsa_verify, changed(point, 64), DIGEST, value)  # not on the curve
        fails(dmcrypto.ecdsa_verify, b"\x04" + bytes(64), DIGEST, value)
        fails(dmcrypto.ecdsa_verify, b"\0", DIGEST, value)  # the point at infinity
        fails(dmcrypto.ecdsa_verify, point[:64], DIGEST, value)
        fails(dmcrypto.ecdsa_verify, point, b"", value)


def test_aes_gcm():
    for size, length in ((16, 0), (16, 1), (16, 64), (32, 63), (32, 65), (32, 300)):
        key, made = row("GCM" + str(size) + "_" + str(length))
        iv = bytes(12)
        plain = bytes([i & 255 for i in range(length)])
        data = bytearray(b"<<" + made[:length] + b">>")
        assert dmcrypto.aes_gcm(key, iv, memoryview(data)[2 : 2 + length], made[length:]) is True
        assert data == b"<<" + plain + b">>"
        for at in range(0, 16, 5):
            data = bytearray(made[:length])
            assert dmcrypto.aes_gcm(key, iv, data, changed(made[length:], at)) is False
            assert data == bytes(length)  # nothing of it is given away
        if length:
            data = bytearray(changed(made[:length], length - 1))
            assert dmcrypto.aes_gcm(key, iv, data, made[length:]) is False
        data = bytearray(made[:length])
        assert dmcrypto.aes_gcm(key, changed(iv, 0), data, made[length:]) is False
        for bad in (
            (key[1:], iv, made[length:]),
            (key, iv[1:], made[length:]),
            (key, iv, made[length + 1 :]),
        ):
            fails(dmcrypto.aes_gcm, bad[0], bad[1], bytearray(made[:length]), bad[2])


def test_no_heap_is_kept():
    point, value = row("P256_0")
    n, signature = row("RSA2048")

    def all_of_it():
        for _ in range(20):
            dmcrypto.ecdsa_verify(point, DIGEST, value)
            dmcrypto.rsa_verify(n, E, DIGEST, signature)
        gc.collect()
        return gc.mem_alloc()

    all_of_it()
    assert all_of_it() <= all_of_it()
