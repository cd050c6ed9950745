"""Builds small Sessionless messages for tests that run under both interpreters.

Only what tests of the client need: WBXML 1.2, inline strings, no string table. The operator's
encoder is in tools/dmtool and shares nothing with this.
"""

import binascii
import hashlib

DEVICE = b"urn:dev:mac:240ac4fffe112233"
SERVER = b"com.example.dms"
USER = b"srv-acme"
KEY = binascii.b2a_base64(hashlib.sha256(b"srv-acme:s3cr3t-Server-Pw").digest())[:-1]
NONCE = bytes(range(16))


def b64(octets):
    return binascii.b2a_base64(octets)[:-1]


def element(tag, *content):
    """An element of page 0 with its content, or an empty one."""
    if not content:
        return bytes((tag,))
    return bytes((tag | 0x40,)) + b"".join(content) + b"\x01"


def text(octets):
    return b"\x03" + octets + b"\x00"


def opaque(octets):
    n = len(octets)
    size = bytes((n & 0x7F,))
    n >>= 7
    while n:
        size = bytes((n & 0x7F | 0x80,)) + size
        n >>= 7
    return b"\xc3" + size + octets


def meta(fmt=None, mime=None):
    inner = b""
    if fmt:
        inner += element(0x07, text(fmt))
    if mime:
        inner += element(0x13, text(mime))
    return element(0x1A, b"\x00\x01" + inner + b"\x00\x00") if inner else b""


def item(uri, data=None, fmt=None, mime=None, raw=False, parent=None):
    parts = [element(0x2E, element(0x17, text(uri)))]
    if parent is not None:
        parts.append(element(0x3A, element(0x17, text(parent))))
    parts.append(meta(fmt, mime))
    if data is not None:
        parts.append(element(0x0F, opaque(data) if raw else text(data)))
    return element(0x14, *parts)


def command(tag, cmd_id, *items):
    return element(tag, element(0x0B, text(b"%d" % cmd_id)), *items)


def add(cmd_id, uri, data=None, fmt=None, mime=None, raw=False):
    return command(0x05, cmd_id, item(uri, data, fmt, mime, raw))


def replace(cmd_id, uri, data=None, fmt=None, mime=None, raw=False):
    return command(0x20, cmd_id, item(uri, data, fmt, mime, raw))


def delete(cmd_id, uri):
    return command(0x10, cmd_id, item(uri))


def execute(cmd_id, uri, data=None):
    return command(0x11, cmd_id, item(uri, data))


def get(cmd_id, uri):
    return command(0x13, cmd_id, item(uri))


def atomic(cmd_id, *commands):
    return command(0x08, cmd_id, *commands)


def sequence(cmd_id, *commands):
    return command(0x24, cmd_id, *commands)


def message(
    session,
    msg,
    *commands,
    target=DEVICE,
    source=SERVER,
    user=USER,
    key=KEY,
    nonce=NONCE,
    cred=None,
    final=True,
    version=b"\x02",
):
    """Octets of a whole message."""
    if cred is None:
        cred = b64(hashlib.sha256(key + b":" + nonce).digest())
    header = element(
        0x2C,
        element(0x31, text(b"1.2")),
        element(0x32, text(b"DM/1.3")),
        element(0x25, text(b"%X" % session)),
        element(0x1B, text(b"%d" % msg)),
        element(0x2E, element(0x17, text(target))),
        element(0x27, element(0x17, text(source)), element(0x16, text(user))),
        element(0x0E, meta(b"b64", b"syncml:auth-SHA256"), element(0x0F, text(cred))),
    )
    body = element(0x2B, *(list(commands) + ([element(0x12)] if final else [])))
    return version + b"\xa4\x01\x6a\x00" + element(0x2D, header, body)


def hmac_header(body, key=KEY, nonce=NONCE, user=USER):
    """The x-syncml-hmac value, reading R of RFC 2104 with a key shorter than one block."""
    pad = key + bytes(64 - len(key))
    msg = nonce + b":" + b64(hashlib.sha256(body).digest())
    inner = hashlib.sha256(bytes([c ^ 0x36 for c in pad]) + msg).digest()
    mac = b64(hashlib.sha256(bytes([c ^ 0x5C for c in pad]) + inner).digest())
    return 'algorithm=HMAC-SHA256, username="' + user.decode() + '", mac=' + mac.decode()
