"""omadm on the simulated board, with our firmware: a provisioned tree, pushes, the tree as the board sees it.

A push is handed to `client.accept` by a script on the raw REPL; nothing else of the device is replaced.
"""

import base64
import dataclasses
import tempfile
from pathlib import Path

from boardsim import Board
from dmtool import commands, compose, provision
from dmtool.account import Account

REGION = (640 + 1152) * 1024  # of the flash chip: where board.STORE begins
START = 1152 * 1024  # the same, of the storage area
ACCOUNT = Account("com.example.dms", "urn:dev:test:board", "operator", "s" * 32, b"n" * 16, 1, 0)

STORE = """
import board
board.STORE = ("rp2", %d, %d)
"""
PUSHING = """
import gc, hashlib
from binascii import a2b_base64
import board
import dm
from omadm.push import Push
from omadm.spool import Spool
spool = Spool(board.SPOOL)
client = dm.start()
client.declare(((b"./App", b"node", 9, b""), (b"./App/Run", b"null", 12, b"")), False)
ran = []
client.on_exec(b"./App/Run", lambda uri, data, correlator: ran.append(data))

def push(text, mac):
    spool.reset()
    spool.write(a2b_base64(text))
    push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, {"x-syncml-hmac": mac}, spool)
    return client.accept(push)

def told(outcome):
    print(outcome.error, outcome.code, [row for row in outcome.statuses])

def dump():
    store, tree = client.store, client.tree
    buf = bytearray(512)
    view = memoryview(buf)
    h = hashlib.sha256()
    paths = {}
    for nid in tree.subtree(0):
        paths[nid] = paths[store.parent(nid)] + b"/" + store.field(nid, 0) if nid else b""
        h.update(paths[nid])
        h.update(bytes(store.fixed(nid)[4:8]))  # format, AccessType, VerNo; no TStamp
        for which in (1, 2, 3):
            h.update(store.field(nid, which) + b"\\0")
        n = store.value_len(nid)
        for at in range(0, n, 512):
            part = min(512, n - at)
            store.read_value(nid, at, buf, part)
            h.update(view[:part])
    h.update(repr([(a.session, a.msg) for a in client.accounts]).encode())
    print(len(paths), h.digest().hex(), store.log.damaged)
"""


@dataclasses.dataclass
class Message:
    """A message and its proof, as scripts take them."""

    body: bytes
    mac: str

    def call(self):
        """The push as an expression on the board."""
        return f"push({base64.b64encode(self.body).decode()!r}, {self.mac!r})"


class Operator:
    """Composes messages with rising numbers."""

    def __init__(self, account=ACCOUNT):
        self.account = account

    def message(self, *words, within=None):
        """Build a message of commands as dmtool compose takes them; within: Atomic or Sequence."""
        self.account = dataclasses.replace(self.account, msg_id=self.account.msg_id + 1)
        elements = commands.parse(list(words))
        if within:
            elements = commands.block(within, elements)
        body = compose.build(self.account, compose.prepare(elements))
        return Message(body, self.account.header(body))


def provisioned(size, account=ACCOUNT):
    """Return the octets of a region with the standard objects and the account."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "flash.img"
        provision.provision(image, account, size=size)
        return image.read_bytes()


def start(firmware, size=256 * 1024):
    """Return a running board with a provisioned tree in a region of that size."""
    chip = Board(firmware)
    try:
        chip.poke(REGION, provisioned(size))
        chip.boot()
        setup(chip, size)
    except BaseException:
        chip.close()
        raise
    return chip


def setup(chip, size=256 * 1024):
    """What every script needs, after a boot."""
    return chip.exec(STORE % (START, size) + PUSHING)
