# What the handler of a message is given: SyncHdr, and one Item after the other.
# Sessionless 5.2: R05 VerDTD, R06 VerProto, R08 Target, R09 Source, R10 Cred, R12-R14 Item;
# SyncML RepPro 1.2 (Item, Meta, the forms of numbers).
#
# Contract: commands.py keeps the values of leaves in slots, None for one that is absent.
#   Header   is made of those of SyncHdr, or Malformed is raised with one code per element.
#            Whether Target is this device, Source an account and Cred right is for auth.py.
#   Item     begin(), text() per piece of Data, fill(); then the handler reads the attributes.
#            Data is never copied: `data` is [at, n, at, n, ...] with `at` an offset in the
#            message, n octets. Only what does not lie there for this Item alone (ENTITY,
#            STR_T) is kept as bytes in place of `at`. Pieces side by side are one.
#            Meta of the Item stands before Meta of the command, element by element. What
#            its absence means is for the executor.
# Bounds: DATA_PIECES, COPIED_OCTETS; text() returns 413 beyond them.

from micropython import const

from .errors import Malformed
from .limits import COPIED_OCTETS, DATA_PIECES

_VERDTD = const(35)
_VERPROTO = const(36)
_SESSION_ID = const(37)
_MSG_ID = const(38)
_NO_TARGET = const(39)
_NO_SOURCE = const(40)

_ADD = const(5)
_REPLACE = const(0x20)

# Slots of the values, numbered by commands.py.
_TARGET = const(0)
_PARENT = const(1)
_FORMAT = const(3)
_TYPE = const(4)
_SIZE = const(5)
_C_FORMAT = const(6)  # Meta of the command
_C_TYPE = const(7)
_C_SIZE = const(8)
_S_VERDTD = const(11)  # SyncHdr
_S_VERPROTO = const(12)
_S_SESSION_ID = const(13)
_S_MSG_ID = const(14)
_S_TARGET = const(15)
_S_SOURCE = const(16)
_S_LOC_NAME = const(17)
_S_FORMAT = const(18)
_S_TYPE = const(19)
_S_DATA = const(20)


class Header:
    """SyncHdr: session_id (1..FFFF), msg_id (1..2**30-1) int; the rest bytes or None."""

    def __init__(self, slots):
        if slots[_S_VERDTD] != b"1.2":
            raise Malformed(_VERDTD)
        if slots[_S_VERPROTO] != b"DM/1.3":
            raise Malformed(_VERPROTO)
        self.session_id = number(slots[_S_SESSION_ID], 16)
        if not 0 < self.session_id < 0x10000:
            raise Malformed(_SESSION_ID)
        self.msg_id = number(slots[_S_MSG_ID], 10)
        if self.msg_id < 1:
            raise Malformed(_MSG_ID)
        self.target = slots[_S_TARGET]
        if not self.target:
            raise Malformed(_NO_TARGET)
        self.source = slots[_S_SOURCE]
        if not self.source:
            raise Malformed(_NO_SOURCE)
        self.loc_name = slots[_S_LOC_NAME]
        self.cred_format = slots[_S_FORMAT]
        self.cred_type = slots[_S_TYPE]
        self.cred_data = slots[_S_DATA]


class Item:
    """target, target_parent, fmt, mime, correlator: bytes or None; size: int or -1;
    data, data_len; inline: where the tokens of an object in Data begin, or -1, and
    table, the string table they point into."""

    table: bytearray  # set by commands.py where it is needed

    def begin(self):
        """A new Item."""
        self.correlator = None
        self.data: list = []
        self.data_len = self.copied = 0
        self.inline = -1

    def text(self, buf, off, end, at) -> int:
        """A piece of Data; returns 0, or the status of the command that is too much for us."""
        data = self.data
        n = end - off
        self.data_len += n
        if at < 0:
            at = bytes(buf[off:end])
            self.copied += n
            if data and not isinstance(data[-2], int):
                data[-2] += at
                data[-1] += n
                n = 0
        elif data and isinstance(data[-2], int) and data[-2] + data[-1] == at:
            data[-1] += n
            n = 0
        if n:
            data.append(at)
            data.append(n)
        return 413 if self.copied > COPIED_OCTETS or len(data) > 2 * DATA_PIECES else 0

    def is_object(self, tag) -> bool:
        """True when Data is a TNDS object by its label (of Add or Replace), or tokens of one."""
        mime = self.mime
        if not mime or tag != _ADD and tag != _REPLACE:
            mime = b""
        return self.inline >= 0 or mime.lower().startswith(b"application/vnd.syncml.dmtnds")

    def fill(self, slots) -> int:
        """The Item is complete; returns 0, or 400 when its Size is no number."""
        self.target = slots[_TARGET]
        self.target_parent = slots[_PARENT]
        self.fmt = slots[_C_FORMAT] if slots[_FORMAT] is None else slots[_FORMAT]
        self.mime = slots[_C_TYPE] if slots[_TYPE] is None else slots[_TYPE]
        size = slots[_C_SIZE] if slots[_SIZE] is None else slots[_SIZE]
        self.size = -1 if size is None else number(size, 10)
        return 400 if self.size < 0 and size is not None else 0


def number(text, base: int) -> int:
    """The value below 2**30 of text that is digits of base 10 or 16 and nothing else; or -1."""
    if not text or (not text.isdigit() if base == 10 else text.strip(b"0123456789ABCDEFabcdef")):
        return -1
    n = int(text, base)
    return -1 if n >> 30 else n
