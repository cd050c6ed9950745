"""A peer: settings in one JSON file, changed by JSON messages with an HMAC. Usual today; written with care.

The same duty as omadm for these messages: proved before it is parsed, for this device, never twice, all or
nothing, safe at a power cut (tmp + rename on littlefs, which makes that atomic). What it has not: rights per
server and node, types and properties of nodes, hooks, a journal, a limit on anything.

Runs on the board and, for its own tests, under CPython.
"""

import hashlib
import json
import os
from binascii import b2a_base64

BLOCK = 64  # of SHA-256
LAST = "last"  # where the file keeps session and number of the last message


class Refused(Exception):
    """The message is not applied."""


class Settings:
    """Settings by address, and the messages that change them."""

    def __init__(self, path, device, key):
        self.path = path
        self.device = device
        pad = key + bytes(BLOCK - len(key))
        self.inner = bytes([c ^ 0x36 for c in pad])  # once for all messages
        self.outer = bytes([c ^ 0x5C for c in pad])
        with open(path) as f:
            self.all = json.load(f)

    def accept(self, body, mac):
        """Apply a message or raise Refused."""
        self.verify(body, mac)
        self.commit(self.stage(json.loads(body)))

    def mac(self, body):
        """Return the HMAC-SHA256 of octets, in base64."""
        inner = hashlib.sha256(self.inner)
        inner.update(body)
        return b2a_base64(hashlib.sha256(self.outer + inner.digest()).digest())[:-1]

    def verify(self, body, mac):
        """Compare the MAC, in a time that tells nothing."""
        wanted = self.mac(body)
        differ = len(mac) ^ len(wanted)
        for a, b in zip(mac, wanted):  # noqa: B905 - MicroPython's zip has no `strict`
            differ |= a ^ b
        if differ:
            raise Refused("mac")

    def stage(self, message):
        """Return what is to change, after all checks."""
        if message["target"] != self.device:
            raise Refused("device")
        number = [message["session"], message["msg"]]
        if number <= self.all[LAST]:
            raise Refused("replay")
        changes = {LAST: number}
        known = self.all
        for command in message["atomic"]:
            uri = command["uri"]
            value = command["data"]
            if command["cmd"] != "replace" or uri not in known or uri == LAST:
                raise Refused("address")
            if command["format"] != "chr" or not isinstance(value, str):
                raise Refused("format")
            changes[uri] = value
        return changes

    def commit(self, changes):
        """Make the changes in RAM and in the file, or nowhere."""
        known = self.all
        before = {uri: known[uri] for uri in changes}
        known.update(changes)
        try:
            with open(self.path + ".tmp", "w") as f:
                f.write(json.dumps(known))  # in one piece: faster than json.dump by its many small writes
            os.rename(self.path + ".tmp", self.path)
        except OSError:
            known.update(before)
            raise
