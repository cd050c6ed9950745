# One Item of a command: addresses, Meta, and where its Data lies in the message.
# SyncML RepPro 1.2 (Item, Meta), Sessionless 5.2 (R12-R14).
#
# Contract: commands.py calls begin(), text() per piece of Data, fill(); then the handler
# reads the attributes. Data is never copied: `data` is [at, n, at, n, ...] with `at` an
# offset in the message, n octets. Only what does not lie there for this Item alone
# (ENTITY, STR_T) is kept as bytes in place of `at`. Pieces side by side are one.
# Meta of the Item stands before Meta of the command, element by element. What its
# absence means is for the executor.
# Bounds: DATA_PIECES, COPIED_OCTETS; text() returns 413 beyond them.

from micropython import const

from .header import number
from .limits import COPIED_OCTETS, DATA_PIECES

# Slots of the values, numbered by commands.py; Meta of the command is three above.
_TARGET = const(0)
_PARENT = const(1)
_SOURCE = const(2)
_FORMAT = const(3)
_TYPE = const(4)
_SIZE = const(5)
_C_FORMAT = const(6)
_C_TYPE = const(7)
_C_SIZE = const(8)


class Item:
    """target, target_parent, source, fmt, mime, correlator: bytes or None; size: int or -1;
    has_data, data, data_len."""

    def begin(self):
        """A new Item."""
        self.correlator = None
        self.data: list = []
        self.data_len = 0
        self.copied = 0

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

    def fill(self, slots, has_data) -> int:
        """The Item is complete; returns 0, or 400 when its Size is no number."""
        self.target = slots[_TARGET]
        self.target_parent = slots[_PARENT]
        self.source = slots[_SOURCE]
        self.fmt = slots[_C_FORMAT] if slots[_FORMAT] is None else slots[_FORMAT]
        self.mime = slots[_C_TYPE] if slots[_TYPE] is None else slots[_TYPE]
        self.has_data = has_data
        self.size = -1
        size = slots[_C_SIZE] if slots[_SIZE] is None else slots[_SIZE]
        if size is not None:
            self.size = number(size, 10)
            if self.size < 0:
                return 400
        return 0
