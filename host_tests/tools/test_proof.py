"""Cred and MAC against values that were computed without this code (docs/profile.md)."""

from dmtool import proof
from dmtool.account import Account
from dmtool.compose import build
from dmtool.element import met, sync

NONCE = bytes(range(16))
KEY = b"ppg9TDZzOsANf7IUrKcLrDBcY8jei8kl8bNgA2g8U/E="

# Replace ./Led/State=on with its defaults written out, as WBXML 1.3.
MESSAGE = bytes.fromhex(
    "03a4016a006d6c7103312e3200017203444d2f312e33000165033100015b033100016e570375726e3a6465763a6d61633a323430616334666666653131"
    "32323333000101675703636f6d2e6578616d706c652e646d73000156037372762d61636d650001014e5a000147036236340001530373796e636d6c3a61"
    "7574682d53484132353600010100004f032b77524243477a6976684e5047323874494d4c5042717751447861646163704b4849514949756b39504a6f3d"
    "000101016b604b03310001546e57032e2f4c65642f53746174650001015a0001470363687200015303746578742f706c61696e00010100004f036f6e00"
    "010101120101"
)


def test_what_the_device_stores():
    assert proof.key_of("srv-acme", "s3cr3t-Server-Pw") == KEY


def test_cred():
    assert proof.cred(KEY, NONCE) == "+wRBCGzivhNPG28tIMLPBqwQDxadacpKHIQIIuk9PJo="
    # The shape of auth-md5's published example, with SHA-256 in its place.
    key = proof.key_of("Bruce2", "OhBehave")
    assert proof.cred(key, b"Nonce") == "xjzyGlkt3ohlGLPxKSYkHAOvDen344MH8tMN+TuV5E4="


def test_mac_in_both_readings():
    body = b"\1\2\3"
    assert proof.mac(KEY, NONCE, body) == "/gPD7yd+jYChKUhk/uhjBl1ehkIOlTNkiAfZJMswr+A="
    assert proof.mac(KEY, NONCE, body, "SHA256") == "5jVZiYuSqWeIwB5gDi4mxBfzaZ7zBAXoqEeq3FSKYxA="
    assert proof.mac(KEY, NONCE, MESSAGE) == "FGO/21o68hLjaQvvWYnWqLuxD2kkL2/8kBa3ryzQPLI="
    assert proof.mac(KEY, NONCE, MESSAGE, "SHA256") == "X3jbGbOxVDwTLna+vCQQjy/72cWzAYvf6W+n3W8UBt0="


def test_header():
    assert proof.header("srv-acme", KEY, NONCE, MESSAGE) == (
        'algorithm=HMAC-SHA256, username="srv-acme", mac=FGO/21o68hLjaQvvWYnWqLuxD2kkL2/8kBa3ryzQPLI='
    )


def test_a_whole_message_octet_by_octet():
    account = Account(
        "com.example.dms", "urn:dev:mac:240ac4fffe112233", "srv-acme", "s3cr3t-Server-Pw", NONCE, 1, 1
    )
    replace = sync(
        "Replace",
        sync("CmdID", "1"),
        sync(
            "Item",
            sync("Target", sync("LocURI", "./Led/State")),
            sync("Meta", met("Format", "chr"), met("Type", "text/plain")),
            sync("Data", "on"),
        ),
    )
    assert build(account, [replace], version="1.3") == MESSAGE


def test_the_device_code_agrees():
    from omadm import auth

    class Entry:
        name, key, nonce, auth_type = b"srv-acme", KEY, NONCE, b"HMAC"

    import hashlib

    for algorithm in proof.ALGORITHMS:
        header = proof.header("srv-acme", KEY, NONCE, MESSAGE, algorithm)
        assert auth.check_mac(header, hashlib.sha256(MESSAGE).digest(), [Entry]) is Entry
