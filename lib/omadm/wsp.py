# WSP connectionless push: what arrives on WDP port 2948, or as payload of another carrier.
# WAP-230-WSP 8.2.4.1 (Push), 8.4.1 (field values), 8.4.2.24 (Content-Type).
#
#   TID(1)  0x06(1)  HeadersLen(uintvar)  Content-Type  field ...   body ...
#                                         |<--- HeadersLen ---->|
#   value:  00-1E   so many octets follow       20-7F   text up to a NUL
#           1F      uintvar, so many follow     80-FF   short integer, 7 bits
#   field:  80-FF   well-known name, value      20-7E   name as text, NUL, value
#           7F n | 01-1F   names of another code page from here on
#
# Contract: parse() looks at nothing beyond `end`, copies three labels at most, raises Malformed
# or TooLarge otherwise. The body is only pointed at. Labels are claims of a stranger.
# Bounds: WSP_HEADERS octets of headers, HEADER_LEN of x-syncml-hmac, _NAME of other text.
# Non-goals: sessions and confirmed push (other PDU types), WTLS; bootstrap (SEC, MAC): refused;
# Push-Flag and Initiator-URI: not looked at, for anybody can write them.
from micropython import const

from .errors import Malformed, TooLarge
from .limits import HEADER_LEN, WSP_HEADERS

_NOT_PUSH = const(140)
_UINTVAR = const(141)
_NO_HEADERS = const(142)
_HEADERS_CUT = const(143)
_VALUE_CUT = const(144)
_BAD_TYPE = const(145)
_BAD_FIELD = const(146)
_TWICE = const(147)
_BAD_LENGTH = const(148)
_OTHER_LENGTH = const(149)
_BOOTSTRAP = const(150)
_HEADERS_LONG = const(151)
_HMAC_LONG = const(152)

_PUSH = const(0x06)
_DM_WBXML = const(0x42)
_SEC = const(0x11)
_MAC = const(0x12)
_CONTENT_LENGTH = const(0x8D)
_APPLICATION_ID = const(0xAF)
_NAME = const(64)  # longest content type or application id that can be ours
_UINTVAR_MAX = const(5)  # octets


def reach(pdu, off: int, end: int) -> int:
    """Return where the body starts; a value > end: pdu must grow to it before parse()."""
    if end - off > 1 and pdu[off + 1] != _PUSH:
        raise Malformed(_NOT_PUSH)
    n = 0
    at = off + 2
    while at < end:
        octet = pdu[at]
        at += 1
        n = n << 7 | octet & 0x7F
        if n > WSP_HEADERS:
            raise TooLarge(_HEADERS_LONG)
        if octet < 0x80:
            if not n:
                raise Malformed(_NO_HEADERS)
            return at + n
        if at - off == 2 + _UINTVAR_MAX:
            raise Malformed(_UINTVAR)
    return max(at, end) + 1


class WspPush:
    """The labels of one push; reused from push to push.

    content_type    text in lower case without parameters; "" for one that can't be ours
    app_id          int, text, or None
    hmac            value of x-syncml-hmac as bytes, or None
    content_length  as claimed (and then true), or -1
    body            offset of the body in the pdu
    """

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.content_type = ""
        self.app_id: int | str | None = None
        self.hmac: bytes | None = None
        self.content_length = -1
        self.body = self._at = self._from = self._to = 0

    def parse(self, pdu, off: int, end: int, more: int = 0) -> None:
        """Read the labels; `more` octets of body are known to follow behind `end`."""
        self._clear()
        self.body = body = reach(pdu, off, end)
        if body > end:
            raise Malformed(_HEADERS_CUT)
        at = off + 2
        while pdu[at] & 0x80:
            at += 1
        self._at = at + 1
        self._type(pdu, body)
        page = 1
        while self._at < body:
            name = pdu[self._at]
            if name < 0x20:  # short-cut shift
                self._at += 1
                page = name
            elif name == 0x7F:
                if self._at + 2 > body:
                    raise Malformed(_VALUE_CUT)
                page = pdu[self._at + 1]
                self._at += 2
            elif name < 0x80:
                self._value(pdu, body)
                ours = (
                    self._to - self._from == 13
                    and bytes(pdu[self._from : self._to]).lower() == b"x-syncml-hmac"
                )
                first = self._value(pdu, body)
                if ours:
                    self._set_hmac(pdu, first)
            else:
                self._at += 1
                first = self._value(pdu, body)
                if page == 1:
                    self._known(pdu, name, first)
            if page == 0:
                raise Malformed(_BAD_FIELD)
        if 0 <= self.content_length != end - body + more:
            raise Malformed(_OTHER_LENGTH)

    def _value(self, pdu, stop: int) -> int:
        # Step over one value; its content is pdu[_from:_to]. Returns its first octet.
        at = self._at
        if at >= stop:
            raise Malformed(_VALUE_CUT)
        first = pdu[at]
        if first >= 0x80:
            self._from = at
            self._to = at = at + 1
        elif first < 0x20:
            at += 1
            n = first
            if first == 0x1F:
                n = 0
                octet = 0x80
                while octet & 0x80:
                    if at >= stop:
                        raise Malformed(_VALUE_CUT)
                    octet = pdu[at]
                    at += 1
                    n = n << 7 | octet & 0x7F
                    if n > WSP_HEADERS:
                        raise Malformed(_VALUE_CUT)
            self._from = at
            self._to = at = at + n
        else:
            self._from = at + (first == 0x7F)  # Quote: not part of the text
            while at < stop and pdu[at]:
                at += 1
            self._to = at
            at += 1
        if at > stop:
            raise Malformed(_VALUE_CUT)
        self._at = at
        return first

    def _text(self, pdu) -> str:
        if self._to - self._from > _NAME:
            return ""
        try:
            return str(bytes(pdu[self._from : self._to]), "utf-8")
        except ValueError:
            return ""

    def _integer(self, pdu, first: int) -> int:
        # Short or long integer of at most 4 octets; -1 for anything else.
        if first >= 0x80:
            return first & 0x7F
        if not 0 < first <= 4:
            return -1
        n = 0
        for i in range(self._from, self._to):
            n = n << 8 | pdu[i]
        return n

    def _type(self, pdu, stop: int) -> None:
        first = self._value(pdu, stop)
        if first < 0x20:  # general form: media, then parameters, in a length of its own
            stop = self._to
            self._at = self._from
            first = self._value(pdu, stop)
            if first == 0x1F:
                raise Malformed(_BAD_TYPE)
        else:
            stop = 0
        if not 0x20 <= first < 0x80:
            if self._integer(pdu, first) == _DM_WBXML:
                self.content_type = "application/vnd.syncml.dm+wbxml"
        else:
            self.content_type = self._text(pdu).split(";")[0].strip().lower()
        while self._at < stop:
            code = self._integer(pdu, self._value(pdu, stop))
            if code == _SEC or code == _MAC:
                raise Malformed(_BOOTSTRAP)
            self._value(pdu, stop)

    def _known(self, pdu, name: int, first: int) -> None:
        if name == _CONTENT_LENGTH:
            if self.content_length >= 0:
                raise Malformed(_TWICE)
            self.content_length = self._integer(pdu, first)
            if self.content_length < 0:
                raise Malformed(_BAD_LENGTH)
        elif name == _APPLICATION_ID:
            if self.app_id is not None:
                raise Malformed(_TWICE)
            if 0x20 <= first < 0x80:
                self.app_id = self._text(pdu)
            else:
                self.app_id = self._integer(pdu, first)

    def _set_hmac(self, pdu, first: int) -> None:
        if self.hmac is not None:
            raise Malformed(_TWICE)
        if not 0x20 <= first < 0x80:
            raise Malformed(_BAD_FIELD)
        if self._to - self._from > HEADER_LEN:
            raise TooLarge(_HMAC_LONG)
        self.hmac = bytes(pdu[self._from : self._to])
