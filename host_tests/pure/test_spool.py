# The body of a push: bounded, hashed while it arrives, dead after an octet too many.
import hashlib

from check import each_split, raises
from omadm.errors import TooLarge
from omadm.spool import Spool

FULL = 90
CLOSED = 91
DATA = bytes(range(40))


def test_every_split_gives_the_same():
    want = hashlib.sha256(DATA).digest()
    spool = Spool(64)
    for pieces in each_split(DATA):
        spool.reset()
        for piece in pieces:
            spool.write(piece)
        assert spool.length == len(DATA)
        assert bytes(spool.buf[: spool.length]) == DATA
        assert spool.digest() == want
        assert spool.digest() == want  # as often as wanted


def test_any_kind_of_buffer():
    spool = Spool(16)
    spool.write(b"ab")
    spool.write(bytearray(b"cd"))
    spool.write(memoryview(b"xxefyy")[2:4])
    assert bytes(spool.buf[: spool.length]) == b"abcdef"
    assert spool.digest() == hashlib.sha256(b"abcdef").digest()


def test_empty():
    assert Spool(4).digest() == hashlib.sha256(b"").digest()


def test_full_to_the_last_octet():
    spool = Spool(4)
    spool.write(b"abcd")
    spool.write(b"")
    assert spool.digest() == hashlib.sha256(b"abcd").digest()


def test_too_large_is_refused_before_it_is_stored():
    spool = Spool(8)
    spool.write(b"abcd")
    raises(TooLarge, FULL, spool.write, b"12345")
    assert spool.length == 4
    assert spool.buf == b"abcd\0\0\0\0"
    assert len(spool.buf) == 8


def test_dead_after_an_octet_too_many():
    spool = Spool(4)
    raises(TooLarge, FULL, spool.write, b"12345")
    raises(TooLarge, CLOSED, spool.write, b"1")
    raises(TooLarge, CLOSED, spool.digest)
    assert spool.length == 0
    spool.reset()
    spool.write(b"1234")
    assert spool.digest() == hashlib.sha256(b"1234").digest()


def test_closed_by_its_digest():
    spool = Spool(8)
    spool.write(b"ab")
    want = spool.digest()
    raises(TooLarge, CLOSED, spool.write, b"c")
    assert spool.length == 2
    assert spool.digest() == want


def test_reset_keeps_the_buffer():
    spool = Spool(8)
    buf = spool.buf
    spool.write(b"secret")
    spool.digest()
    spool.reset()
    assert spool.length == 0
    assert spool.buf is buf
    spool.write(b"x")
    assert spool.digest() == hashlib.sha256(b"x").digest()
