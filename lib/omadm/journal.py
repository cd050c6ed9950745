# The journal: what became of each accepted message, for the people on site.
# Nothing of it is ever sent (R33). Entries live in the store as JOURNAL
# records, committed with the effects they tell of; the newest 16 are kept.
# No value, no secret and no data of a command gets into it.
#
# Record: u32 number | u16 nid of the DMAcc | u16 session | u32 message | u8 what
#         | outcomes. what: 0 a message, 1 an Exec that ran, 2 an Exec interrupted.
# Outcome: u16 status | u8 n | n octets of CmdID (for 1 and 2: the URI).

from struct import pack, unpack_from

from micropython import const

_JOURNAL = const(4)
_HEAD = const(13)
_MAX = const(2048)  # octets of outcomes kept of one message


class Outcomes:
    """Statuses of one message in document order."""

    def __init__(self):
        self.buf = bytearray()

    def add(self, cmd_id: bytes, status: int):
        """Note the status of one Item (or of an Atomic or Sequence)."""
        if len(self.buf) <= _MAX:
            cmd_id = cmd_id[:127]
            self.buf.extend(pack("<HB", status, len(cmd_id)) + cmd_id)

    def undo(self, at: int):
        """From offset at on, turn what had worked into 216: undone with its Atomic."""
        buf = self.buf
        while at < len(buf):
            if buf[at] < 215 and not buf[at + 1]:
                buf[at] = 216
            at += 3 + buf[at + 2]

    def __iter__(self):
        """Yield (cmd_id, status)."""
        buf = self.buf
        at = 0
        while at < len(buf):
            status, n = unpack_from("<HB", buf, at)
            at += 3 + n
            yield bytes(buf[at - n : at]), status


def note(txn, acc: int, session: int, msg: int, what: int, outcomes):
    """Put an entry into the transaction."""
    number = 1
    for row in txn.store.journal:
        number = row[0] + 1
    txn.add_record(_JOURNAL, pack("<IHHIB", number, acc, session, msg, what) + outcomes.buf)


def read(store, i: int):
    """The i-th entry kept: (number, nid of the DMAcc, session, message, what, outcomes)."""
    _, addr, size = store.journal[i]
    entry = bytearray(size - 7)
    store.log.read(addr, 0, entry, size - 7)
    outcomes = Outcomes()
    outcomes.buf = entry[_HEAD:]
    return unpack_from("<IHHIB", entry) + (list(outcomes),)
