# SMS as it comes from a modem in PDU mode: one SMS-DELIVER.
# 3GPP TS 23.040 9.2.2.1 (SMS-DELIVER), 9.2.3.24 (user data header); TS 23.038 4 (DCS).
#
#   SCA   len  TOA digits...          len 0: absent; not counted by the modem's <length>
#   FO    ..UDHI(40)....MTI(03)       MTI 0 and 3: DELIVER
#   OA    semi-octets  TOA  value     TOA 5x: alphanumeric, 7-bit packed
#   PID 1   DCS 1   SCTS 7   UDL 1    UDL counts octets in 8-bit data
#   UD    UDHL { IEI len data }...    then the payload
#         00 ref total seq | 08 ref16 total seq | 04 dst src | 05 dst16 src16, in any order
#
# Contract: Deliver.parse raises Malformed for octets that are no SMS; `ours` is False for every
# SMS that is none for port 2948.
# Bounds: the lengths below, each checked before it is used; one SMS is at most 176 octets.
# The sender's address is part of a key, never a proof: anybody can write it.
# Non-goals: text, status reports, ports other than 2948; what its parts make together (reassembly).
import binascii

from micropython import const

from .errors import Malformed

_CUT = const(120)
_BAD_SCA = const(121)
_BAD_SENDER = const(122)
_BAD_LENGTH = const(123)
_TAIL = const(124)
_BAD_HEADER = const(125)

_UDHI = const(0x40)
_PUSH_PORT = const(2948)
_ADDRESS = const(20)  # semi-octets of the longest address
_SCA = const(11)  # octets of the longest service centre address
_UD = const(140)  # octets of user data in one SMS
_SMALL = const(0x3FFFFFFF)


class Deliver:
    """The fields of one SMS-DELIVER; reused from SMS to SMS.

    ours        True for 8-bit data to the push port; only then the rest holds
    tpdu        offset behind the service centre address: a modem counts from here
    off, end    the payload
    total, seq  1, 1 for a message of one part
    key         what all parts of one message have in common, or None for a single one
    stamp       time stamp of the service centre, sortable; a claim, as all of it
    mark        a number that only copies of the same SMS share
    """

    def __init__(self) -> None:
        self.ours = False
        self.tpdu = self.off = self.end = self._oa = self._oa_end = 0
        self.total = self.seq = 1
        self.key: bytes | None = None
        self.stamp = b""
        self.mark = 0

    def parse(self, pdu, off: int, end: int) -> None:
        """Read pdu[off:end]; raises Malformed."""
        self.ours = False
        if off >= end:
            raise Malformed(_CUT)
        if pdu[off] > _SCA:
            raise Malformed(_BAD_SCA)
        self.tpdu = at = off + 1 + pdu[off]
        if at >= end:
            raise Malformed(_CUT)
        first = pdu[at]
        if 0 < first & 3 < 3:
            return  # a report
        if at + 3 > end:
            raise Malformed(_CUT)
        n = pdu[at + 1]
        if n > _ADDRESS:
            raise Malformed(_BAD_SENDER)
        self._oa = at + 1
        self._oa_end = at = at + 3 + (n + 1 >> 1)
        if at + 10 > end:
            raise Malformed(_CUT)
        pid = pdu[at]
        dcs = pdu[at + 1]
        n = pdu[at + 9]
        self.off = at = at + 10
        # 8-bit data, not compressed: 0x04 in the groups 00-7F, F4-F7. The rest is no push.
        if dcs & 0xF4 != 0xF4 and dcs & 0xAC != 0x04:
            return
        self.end = at + n
        if n > _UD:
            raise Malformed(_BAD_LENGTH)
        if self.end > end:
            raise Malformed(_CUT)
        for i in range(self.end, end):
            if pdu[i] != 0xFF:  # what a SIM fills its records with
                raise Malformed(_TAIL)
        if not first & _UDHI:
            return  # no port
        if not n or at + 1 + pdu[at] > self.end:
            raise Malformed(_BAD_HEADER)
        self._header(pdu, at)
        # Type 0 and downloads to SIM or modem (7C-7F) are for others, whatever their port
        if pid == 0x40 or 0x7C <= pid < 0x80:
            self.ours = False

    def _header(self, pdu, at: int) -> None:
        self.off = end = at + 1 + pdu[at]
        at += 1
        ref = source = b""
        port = -1
        total = seq = 1
        while at + 2 <= end:
            ie = pdu[at]
            n = pdu[at + 1]
            at += 2
            if at + n > end:
                return  # lengths don't add up: the whole header counts for nothing
            if ie == 5 and n == 4 and pdu[at] < 0xC0:
                port = pdu[at] << 8 | pdu[at + 1]
                source = pdu[at + 2 : at + 4]
            elif ie == 4 and n == 2 and pdu[at] >= 240:
                port = pdu[at]
            elif (ie == 0 and n == 3 or ie == 8 and n == 4) and 0 < pdu[at + n - 1] <= pdu[at + n - 2]:
                ref = pdu[at : at + n - 1]  # reference and total; its length tells the width
                total = pdu[at + n - 2]
                seq = pdu[at + n - 1]
            at += n
        if at != end or port != _PUSH_PORT:
            return
        self.ours = True
        self.total = total
        self.seq = seq
        self.key = None
        if total > 1:
            self.key = bytes(pdu[self._oa : self._oa_end]) + bytes(ref) + bytes(source)
        at = self._oa_end + 2
        self.stamp = bytes([(c << 4 | c >> 4) & 0xFF for c in pdu[at : at + 6]])
        # All from the sender's address on: time, reference, number of the part and payload.
        self.mark = binascii.crc32(pdu[self._oa : self.end]) & _SMALL

    def sender(self, pdu) -> str:
        """Return the sender's address for people: digits, or text (ASCII of it)."""
        n = pdu[self._oa]
        kind = pdu[self._oa + 1] & 0x70
        at = self._oa + 2
        if kind == 0x50:
            text = ""
            bits = 0
            for i in range(n * 4 // 7):
                bits = i * 7
                c = pdu[at + (bits >> 3)] >> (bits & 7)
                if bits & 7 > 1:
                    c |= pdu[at + (bits >> 3) + 1] << 8 - (bits & 7)
                c &= 0x7F
                text += chr(c) if 0x24 < c < 0x5B and c != 0x40 or 0x60 < c < 0x7B or c == 0x20 else "?"
            return text
        text = "+" if kind == 0x10 else ""
        for i in range(n):
            text += "0123456789*#abc?"[pdu[at + (i >> 1)] >> (i & 1) * 4 & 15]
        return text
