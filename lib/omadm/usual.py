# The fast way through a message: what nearly every element of one looks like, read in one loop
# without a call for each. Sessionless 5.2, SyncML RepPro 1.2.
#
# Contract: usual() is a method of commands.Commands, which wbxml.Parser calls where content
# begins. It does exactly what start, text and end of Commands would do with the same octets, and
# stops, with nothing half done, before the first octet that is not usual: whatever is a mistake,
# lies in more than one block or in the string table, or begins or ends a part of the message.
# So it knows no error; the long way finds that. Nothing is allocated per element but values.

from micropython import const

from .grammar import GRAMMAR
from .limits import TEXT_LEN

# Contexts and slots, as in grammar.py and commands.py.
_ITEM = const(4)
_C_META = const(9)
_HEADER = const(10)
_SYNCML = const(15)
_DOCUMENT = const(16)
_BODY = const(17)
_DATA = const(18)
_LEAVES = const(24)
_CMD_ID = const(34)


def usual(self, parser, buf, i, end, base):
    """Take usual elements from buf[i:end], whose octet 0 lies at `base` in the message; where it stopped."""
    context = self.context
    if self.skip or context > _BODY:
        return i
    find = buf.find
    slots = self.slots
    tags = parser.stack
    deepest = len(tags)
    contexts = self.stack
    room = TEXT_LEN + 2
    depth = parser.depth
    page = parser.page
    while i < end:
        t = buf[i]
        if t > 0x44 and t < 0x80 and depth < deepest:  # an element with content
            t = t & 0x3F | page
            row = GRAMMAR[context]
            for k in range(0, len(row), 2):
                if row[k] == t:
                    break
            else:
                break
            to = row[k + 1]
            if to >= _DATA:  # one string, then its end
                n = find(b"\0", i + 1, end - 1)
                if n < 0 or buf[i + 1] != 3 or buf[n + 1] != 1:
                    break
                if to == _DATA:
                    if self.seen & 1 << _DATA:
                        break
                    self.seen |= 1 << _DATA
                    if n > i + 2 and not self.status:
                        self.status = self.item.text(buf, i + 2, n, base + i + 2)
                elif to < _LEAVES:
                    break
                else:
                    to -= _LEAVES
                    if slots[to] is not None or n - i > room:
                        break
                    slots[to] = bytes(buf[i + 2 : n])
                    if to == _CMD_ID - _LEAVES:
                        self.context = context
                        self._cmd_id(slots[to])
                        context = self.context
                i = n + 2
                continue
            if to <= _ITEM:
                self._open(t, to)
            elif to > _DOCUMENT:
                break
            elif to != context:
                if self.seen & 1 << to or to == _C_META and self.items:
                    break
                self.seen |= 1 << to
            contexts[depth] = context
            tags[depth] = t
            depth += 1
            context = to
            i += 1
        elif t == 1 and context < _SYNCML and context != _HEADER:  # its end
            depth -= 1
            to = context
            context = contexts[depth]
            if to <= _ITEM:
                self._shut(to, tags[depth])
            i += 1
        elif t == 0 and depth and i + 1 < end and buf[i + 1] < 2:  # the other page
            page = buf[i + 1] << 6
            i += 2
        else:
            break
    parser.depth = self.depth = depth
    parser.page = page
    self.context = context
    return i
