# WBXML 1.1, 1.2 and 1.3 (WAP-192), read as it arrives, into a sink.
#
#   document = version publicid charset strtbl body
#   version  = 01 | 02 | 03            publicid = mb_u_int32 | 00 index
#   charset  = 6A | 03 | 00            strtbl   = length octets
#   tag octet:  A C i i i i i i        A attributes follow (refused), C content follows, i identity
#   mb_u_int32: 1 x x x x x x x ... 0 x x x x x x x       five octets at most
#
# Contract: feed() takes any split of the message and keeps no reference to the block. What is
# complete in a block goes to the sink at once; a string or an opaque in as many pieces as it comes.
#   sink.start(tag), end(tag)     tag = page << 6 | identity; LITERAL for one out of the string table
#   sink.text(buf, off, end, at)  characters or opaque octets buf[off:end]; `at` is where those octets
#                                 lie in the message for this element alone, else -1 (ENTITY, STR_T)
#   sink.leaf(tag, buf, off, end, at)   optional, for start, text, end: an element of one STR_I in one block
#   sink.usual(parser, buf, i, end, base)   optional: takes from content what it knows (usual.py)
# Malformed or TooLarge otherwise; after any error, the sink's too, every call raises it again.
# Bounds: WBXML_DEPTH open elements, STRING_TABLE octets of table, TABLE_OCTETS octets taken out
# of it (else two octets could stand for a thousand). No recursion; no allocation per token.
# Non-goals: attributes, extensions, PI, other charsets (all refused); whether text is UTF-8.

from array import array

from micropython import const

from .errors import Malformed, TooLarge
from .limits import STRING_TABLE, TABLE_OCTETS, WBXML_DEPTH

LITERAL = const(0x3FFF)

_VERSION = const(1)
_PUBLIC_ID = const(2)
_CHARSET = const(3)
_TABLE_OVERRUN = const(4)
_TABLE_TOO_LONG = const(5)
_NUMBER_TOO_LONG = const(6)
_NUMBER_TOO_BIG = const(7)
_NO_ROOT = const(8)
_PAGE = const(9)
_TAG = const(10)
_ATTRIBUTES = const(11)
_TOKEN = const(12)
_DEPTH = const(13)
_INDEX = const(14)
_TABLE_AMPLIFIED = const(15)
_ENTITY = const(16)
_OPAQUE_OVERRUN = const(17)
_TAIL = const(18)
_INCOMPLETE = const(19)

_CONTENT = const(0)  # where the machine stands: in the fast loop of _run, or in _step
_IN_STRING = const(1)
_IN_OPAQUE = const(2)
_IN_PAGE = const(3)
_AT_ROOT = const(4)
_AT_VERSION = const(5)
_IN_TABLE = const(6)
_DONE = const(7)
_N_PUBLIC_ID = const(8)  # or inside a mb_u_int32, and which
_N_PUBLIC_INDEX = const(9)
_N_CHARSET = const(10)
_N_TABLE = const(11)
_N_ENTITY = const(12)
_N_TEXT_INDEX = const(13)
_N_OPAQUE = const(14)
_N_LITERAL = const(15)
_N_LITERAL_C = const(16)

SYNCML = (0x1201, b"-//SYNCML//DTD SyncML 1.2//EN")


class Parser:
    """One WBXML document at a time; see the head of this file."""

    def __init__(self, sink, pages, total=-1, public=SYNCML):
        """pages: as codepages.PAGES; public: (number or 0, text) of the only document type taken."""
        self.on_start = sink.start
        self.on_end = sink.end
        self.on_text = sink.text
        self.on_leaf = getattr(sink, "leaf", None)
        self.on_usual = getattr(sink, "usual", None)
        self.pages = pages
        self.public = public
        self.stack = array("H", bytes(2 * WBXML_DEPTH))
        self.utf8 = bytearray(4)
        self.reset(total)

    def reset(self, total=-1):
        """Begin a document of `total` octets (-1: not known, lengths are checked at close)."""
        self.error = None
        self.total = total
        self.fed = 0  # octets of earlier blocks
        self.state = _AT_VERSION
        self.table = bytearray()
        self.value = self.count = self.index = self.copied = self.depth = self.page = 0
        self.turned = 0  # behind the last SWITCH_PAGE to page 2: where that is in the message
        self.public_id = 0  # 1 when the document does not say what it is

    def feed(self, buf, off, end):
        """Take buf[off:end]: bytes, bytearray or memoryview."""
        if self.error:
            raise self.error
        try:
            if isinstance(buf, memoryview):  # has no find(): by way of small copies
                while off < end:
                    n = min(end - off, 64)
                    self._run(bytes(buf[off : off + n]), 0, n)
                    off += n
            else:
                self._run(buf, off, end)
        except Exception as e:
            self.error = e
            raise

    def close(self):
        """The message is over: raises Malformed when the document is not."""
        if not self.error and self.state != _DONE:
            self.error = Malformed(_INCOMPLETE)
        if self.error:
            raise self.error

    def _run(self, buf, i, end):
        on_start = self.on_start
        on_end = self.on_end
        on_text = self.on_text
        on_leaf = self.on_leaf
        on_usual = self.on_usual
        stack = self.stack
        pages = self.pages
        state = self.state
        depth = self.depth
        page = self.page
        top, hole = pages[page >> 6]
        base = self.fed - i
        self.fed = base  # while running: where buf[0] would lie in the message
        while i < end:
            if state:
                self.depth = depth
                self.page = page
                self.state = state
                i = self._step(buf, i, end)
                state = self.state
                depth = self.depth
                page = self.page
                top, hole = pages[page >> 6]
                continue
            if on_usual:
                self.depth = depth
                self.page = page
                i = on_usual(self, buf, i, end, base)
                depth = self.depth
                page = self.page
                if i == end:
                    break
                top, hole = pages[page >> 6]
            t = buf[i]
            i += 1
            if t == 1:  # END
                depth -= 1
                on_end(stack[depth])
                if not depth:
                    state = _DONE
            elif t & 0x3F > 4 and t < 0x80:  # TAG
                tag = t & 0x3F
                if tag > top or tag == hole:
                    raise Malformed(_TAG)
                tag |= page
                if t < 0x40:
                    on_start(tag)
                    on_end(tag)
                    if not depth:
                        state = _DONE
                    continue
                if depth == WBXML_DEPTH:
                    raise TooLarge(_DEPTH)
                if on_leaf and i < end and buf[i] == 3 and depth:
                    n = buf.find(b"\0", i, end)
                    if n > 0 and n + 1 < end and buf[n + 1] == 1:
                        on_leaf(tag, buf, i + 1, n, base + i + 1)
                        i = n + 2
                        continue
                on_start(tag)
                stack[depth] = tag
                depth += 1
            elif t == 0:  # SWITCH_PAGE
                state = _IN_PAGE
            elif t == 3:  # STR_I
                n = buf.find(b"\0", i, end)
                if n < 0:
                    n = end
                    state = _IN_STRING
                if n > i:
                    on_text(buf, i, n, base + i)
                i = n + 1
            elif t == 0xC3:  # OPAQUE, of one piece more often than not
                if i < end and buf[i] < 0x80 and i + buf[i] < end:
                    n = i + 1 + buf[i]
                    if n > i + 1:
                        on_text(buf, i + 1, n, base + i + 1)
                    i = n
                else:
                    state = _N_OPAQUE
            elif t == 0x83:
                state = _N_TEXT_INDEX
            elif t == 2:
                state = _N_ENTITY
            elif t == 4:
                state = _N_LITERAL
            elif t == 0x44:
                state = _N_LITERAL_C
            else:
                raise Malformed(_TOKEN if t & 0x3F < 4 else _ATTRIBUTES)
        self.state = state
        self.depth = depth
        self.page = page
        self.fed = base + end

    def _step(self, buf, i, end):
        # One step outside of plain content; returns where to go on in buf[i:end], i < end.
        state = self.state
        t = buf[i]
        if state == _IN_STRING:
            n = buf.find(b"\0", i, end)
            if n < 0:
                n = end
            else:
                self.state = _CONTENT
            if n > i:
                self.on_text(buf, i, n, self.fed + i)
            return n + 1
        if state == _IN_OPAQUE:
            n = min(end, i + self.value)
            self.on_text(buf, i, n, self.fed + i)
            self.value -= n - i
            if not self.value:
                self.state = _CONTENT
            return n
        if state == _IN_TABLE:
            n = min(end - i, len(self.table) - self.count)
            self.table[self.count : self.count + n] = buf[i : i + n]
            self.count += n
            if self.count == len(self.table):
                self.count = 0
                self.state = _AT_ROOT
                if not self.public_id:  # is the document of our type, as its text says?
                    if self.table[self.index : self._table_end(self.index)] != self.public[1]:
                        raise Malformed(_PUBLIC_ID)
                    self.public_id = self.public[0]
            return i + n
        if state == _AT_ROOT:
            if t & 0x3F < 4 and t:
                raise Malformed(_NO_ROOT)
            self.state = _CONTENT
            return i
        i += 1
        if state >= _N_PUBLIC_ID:
            if self.count == 5:
                raise Malformed(_NUMBER_TOO_LONG)
            if self.value >> 25:
                raise Malformed(_NUMBER_TOO_BIG)
            self.value = self.value << 7 | t & 0x7F
            self.count += 1
            if t < 0x80:
                n = self.value
                self.value = self.count = 0
                self.state = _CONTENT
                self._number(state, n, i)
        elif state == _IN_PAGE:
            if t >= len(self.pages):
                raise Malformed(_PAGE)
            self.page = t << 6
            self.turned = self.fed + i
            self.state = _CONTENT if self.depth else _AT_ROOT
        elif state == _AT_VERSION:
            if not 1 <= t <= 3:
                raise Malformed(_VERSION)
            self.state = _N_PUBLIC_ID
        else:
            raise Malformed(_TAIL)
        return i

    def _number(self, state, n, i):
        # A mb_u_int32 is complete; the next octet is buf[i].
        left = self.total - self.fed - i if self.total >= 0 else n
        if state == _N_OPAQUE:
            if n > left:
                raise Malformed(_OPAQUE_OVERRUN)
            if n:
                self.value = n
                self.state = _IN_OPAQUE
        elif state == _N_TEXT_INDEX:
            end = self._table_end(n)
            self.copied += end - n
            if self.copied > TABLE_OCTETS:
                raise TooLarge(_TABLE_AMPLIFIED)
            if end > n:
                # -1: two elements may share these octets, and a sink may spoil its own.
                self.on_text(self.table, n, end, -1)
        elif state == _N_ENTITY:
            self._entity(n)
        elif state >= _N_LITERAL:
            self._table_end(n)
            self.on_start(LITERAL)
            if state == _N_LITERAL_C:
                if self.depth == WBXML_DEPTH:
                    raise TooLarge(_DEPTH)
                self.stack[self.depth] = LITERAL
                self.depth += 1
            else:
                self.on_end(LITERAL)
                if not self.depth:
                    self.state = _DONE
        elif state == _N_PUBLIC_ID:
            self.state = _N_CHARSET
            if not n:
                self.state = _N_PUBLIC_INDEX
            elif n != 1 and n != self.public[0]:
                raise Malformed(_PUBLIC_ID)
            self.public_id = n
        elif state == _N_PUBLIC_INDEX:
            self.index = n
            self.state = _N_CHARSET
        elif state == _N_CHARSET:
            if n != 106 and n != 3 and n:
                raise Malformed(_CHARSET)
            self.state = _N_TABLE
        else:
            if n > STRING_TABLE:
                raise TooLarge(_TABLE_TOO_LONG)
            if n > left:
                raise Malformed(_TABLE_OVERRUN)
            self.table = bytearray(n)
            self.state = _IN_TABLE

    def _table_end(self, n):
        # End of the string at index n; a last string may lack its NUL.
        if n >= len(self.table):
            raise Malformed(_INDEX)
        end = self.table.find(b"\0", n)
        return len(self.table) if end < 0 else end

    def _entity(self, n):
        utf8 = self.utf8
        if not n or n > 0x10FFFF or n >> 11 == 0x1B:
            raise Malformed(_ENTITY)
        end = 1 if n < 0x80 else 2 if n < 0x800 else 3 if n < 0x10000 else 4
        for k in range(end - 1, 0, -1):
            utf8[k] = 0x80 | n & 0x3F
            n >>= 6
        utf8[0] = n if end == 1 else 0xF00 >> end & 0xFF | n
        self.on_text(utf8, 0, end, -1)
