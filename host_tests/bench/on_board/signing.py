"""Runs on the board: makes message after message out of one, so that thousands need not be sent to it.

The one it starts from has MsgID 1000, which stays four digits long up to 9999.
"""

from binascii import b2a_base64
from hashlib import sha256

import ours

FIRST = 1000


def sha256_b64(octets):
    """SHA-256 in base64."""
    return b2a_base64(sha256(octets).digest())[:-1]


class Template:
    """A message that gets its next number and MAC each time it is asked for; docs/profile.md."""

    def __init__(self, octets, user, key, nonce):
        self.octets = bytearray(octets)
        self.number = FIRST
        self.at = self.octets.find(b"\x03%d\x00" % FIRST) + 1
        pad = key + bytes(64 - len(key))
        self.inner = bytes([c ^ 0x36 for c in pad]) + nonce + b":"
        self.outer = bytes([c ^ 0x5C for c in pad])
        self.header = 'algorithm=HMAC-SHA256, username="' + user + '", mac='

    def next(self):
        """Return the message with its next number."""
        self.number += 1
        self.octets[self.at : self.at + 4] = b"%d" % self.number
        inner = sha256(self.inner + sha256_b64(self.octets)).digest()
        return ours.Message(self.octets, self.header + sha256_b64(self.outer + inner).decode())


def from_files(name):
    """Start, and return the template of a name, whose .mac file holds user, key and nonce in lines of hex."""
    ours.start()
    user, key, nonce = [bytes.fromhex(line.decode()) for line in ours.read(name + ".mac").split()]
    return Template(ours.read(name + ".bin"), user.decode(), key, nonce)
