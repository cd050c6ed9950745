"""What every contestant is given: the same settings to change, as WBXML and as JSON, each with its MAC.

mN is one Atomic of N Replace, each with Format and Type, after a whole SyncHdr with Cred; made by dmtool's
composer. The JSON says the same but for Cred, which its MAC makes needless: the HMAC-SHA256 of its octets.
"""

import dataclasses
import hmac
import json
from base64 import b64encode
from dataclasses import dataclass

from dmtool import commands, compose
from dmtool.account import Account

SIZES = (1, 5, 20, 100)
GROUP = 20  # settings in one group
ACCOUNT = Account(
    server_id="com.example.dms",
    device_id="urn:dev:mac:240ac4fffe112233",
    auth_name="srv-acme",
    secret="a secret for the bench",
    nonce=bytes(range(16)),
)
JSON_KEY = ACCOUNT.key


@dataclass(frozen=True)
class Case:
    """A message to measure: its octets, its x-syncml-hmac ("" for none), and what shows that it was applied.

    Whoever adds a kind of message makes a Case of it and hands it to measure_messages.
    """

    name: str
    octets: bytes
    header: str
    where: str  # address of a leaf
    value: str  # what that leaf has afterwards

    @property
    def files(self):
        """What the board is to have of it, by file name."""
        return {f"{self.name}.bin": self.octets, f"{self.name}.mac": self.header.encode()}


def case(count):
    """Return m`count`; its last setting shows that it was applied."""
    octets, header = wbxml(count)
    return Case(f"m{count}", octets, header, name(count - 1), new(count - 1))


def name(number):
    """Address of setting `number`; they all have the same length."""
    return f"./App/Group{number // GROUP:02d}/P{number % GROUP:02d}"


def old(number):
    """The value a setting has before."""
    return f"before--{number % 100:02d}"


def new(number):
    """The value it gets."""
    return f"setting-{number % 100:02d}"


def wbxml(count, msg_id=1):
    """Return (message, x-syncml-hmac) of m`count`."""
    account = dataclasses.replace(ACCOUNT, msg_id=msg_id)
    words = [f"replace {name(i)}:chr,text/plain={new(i)}" for i in range(count)]
    parts = compose.prepare(commands.block("Atomic", commands.parse(words)))
    octets = compose.build(account, parts)
    return octets, account.header(octets)


def template(count):
    """Return (m`count` with MsgID 1000, what on_board/signing.py signs it with)."""
    secrets = ACCOUNT.auth_name.encode(), ACCOUNT.key, ACCOUNT.nonce
    return wbxml(count, 1000)[0], "\n".join(part.hex() for part in secrets)


def forged(count):
    """Return m`count` with one bit of the last value changed, and the header of the true one."""
    octets, header = wbxml(count)
    at = octets.rindex(new(count - 1).encode())
    return octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :], header


def as_json(count, msg_id=1):
    """Return (message, MAC) with the same content as JSON."""
    message = {
        "session": 1,
        "msg": msg_id,
        "target": ACCOUNT.device_id,
        "source": ACCOUNT.server_id,
        "user": ACCOUNT.auth_name,
        "atomic": [
            {
                "cmd": "replace",
                "id": i + 2,
                "uri": name(i),
                "format": "chr",
                "type": "text/plain",
                "data": new(i),
            }
            for i in range(count)
        ],
    }
    octets = json.dumps(message, separators=(",", ":")).encode()
    return octets, json_mac(octets)


def json_mac(octets):
    """Return the MAC of a JSON message, in base64."""
    return b64encode(hmac.digest(JSON_KEY, octets, "sha256"))
