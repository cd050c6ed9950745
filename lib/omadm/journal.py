# The journal: what became of each accepted message, for the people on site.
# Nothing of it is ever sent (R33). Entries live in the store as JOURNAL
# records, committed with the effects they tell of; the newest 16 are kept.
# No value, no secret and no data of a command gets into it.
#
# Record: u32 number | u16 nid of the DMAcc | u16 session | u32 message | u8 what
#         | outcomes. what: 0 a message, 1 an Exec that ran, 2 an Exec interrupted.
# Outcome: u16 status | u16 CmdID; the CmdID 0xFFFF says that u8 n and n octets
# of text follow (a CmdID that is no plain number; for 1 and 2 the URI).

from struct import pack, unpack_from

from micropython import const

_HEAD = const(13)
_TEXT = const(0xFFFF)
_MAX = const(2048)  # octets of outcomes kept of one message; more only count


class Outcomes:
    """Statuses of one message in document order, four octets each."""

    def __init__(self):
        self.buf = bytearray()
        self.count = 0  # all, also those that did not fit

    def add(self, cmd_id: bytes, status: int):
        """Note the status of one Item (or of an Atomic or Sequence)."""
        self.count += 1
        if len(self.buf) > _MAX:
            return
        number = _TEXT
        if cmd_id.isdigit() and len(cmd_id) < 6 and cmd_id[0] != 48 and int(cmd_id) < _TEXT:
            number = int(cmd_id)
        self.buf.extend(pack("<HH", status, number))
        if number == _TEXT:
            cmd_id = cmd_id[:127]
            self.buf.append(len(cmd_id))
            self.buf.extend(cmd_id)

    def undo(self, mark: int):
        """From offset mark on, turn what had worked into 216: undone with its Atomic."""
        buf = self.buf
        at = mark
        while at < len(buf):
            status, number = unpack_from("<HH", buf, at)
            if status < 215:
                buf[at] = 216
            at += 4
            if number == _TEXT:
                at += 1 + buf[at]

    def __iter__(self):
        return listing(self.buf, 0)


def listing(buf, at: int):
    """Yield (cmd_id, status) from the octets of outcomes."""
    while at < len(buf):
        status, number = unpack_from("<HH", buf, at)
        at += 4
        if number == _TEXT:
            n = buf[at]
            yield bytes(buf[at + 1 : at + 1 + n]), status
            at += 1 + n
        else:
            yield b"%d" % number, status


def entry(number: int, acc: int, session: int, msg: int, what: int, outcomes) -> bytes:
    """Octets of a JOURNAL record."""
    return pack("<IHHIB", number, acc, session, msg, what) + outcomes


def read(store, i: int):
    """The i-th entry kept: (number, nid of the DMAcc, session, message, what, outcomes)."""
    _, addr, size = store.journal[i]
    buf = bytearray(size - 7)
    store.log.read(addr, 0, buf, len(buf))
    number, acc, session, msg, what = unpack_from("<IHHIB", buf)
    return number, acc, session, msg, what, list(listing(buf, _HEAD))
