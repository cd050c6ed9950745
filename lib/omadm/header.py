# What SyncHdr must say, whoever sent it. Sessionless 5.2: R05 VerDTD, R06 VerProto,
# R08 Target, R09 Source, R10 Cred; SyncML RepPro 1.2 for the forms of the numbers.
#
# Contract: commands.py hands over the values of the leaves of SyncHdr, None for one that
# is absent; a Header comes out or Malformed is raised with one code per element.
# Whether Target is this device, Source an account and Cred right is for auth.py.

from micropython import const

from .errors import Malformed

_VERDTD = const(35)
_VERPROTO = const(36)
_SESSION_ID = const(37)
_MSG_ID = const(38)
_NO_TARGET = const(39)
_NO_SOURCE = const(40)

# Slots of the values, numbered by commands.py.
_S_VERDTD = const(11)
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

    def __init__(self, slots, has_cred):
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
        self.has_cred = has_cred
        self.cred_format = slots[_S_FORMAT]
        self.cred_type = slots[_S_TYPE]
        self.cred_data = slots[_S_DATA] or b""


def number(text, base: int) -> int:
    """The value below 2**30 of text that is digits of base 10 or 16 and nothing else; or -1."""
    n = 0 if text else -1
    for c in text or b"":
        c -= 48
        if c > 9:
            c = (c + 48 | 32) - 87
            if c < 10:
                return -1
        if not 0 <= c < base:
            return -1
        n = n * base + c
        if n >> 30:
            return -1
    return n
