# Turns the elements of a message into calls: a sink for wbxml.Parser that follows the
# table of grammar.py. Sessionless 5.2 (R05, R06, R08-R12, R15, R16), SyncML RepPro 1.2,
# docs/profile.md "Commands".
#
# Contract: calls, in document order,
#   handler.header(hdr)                    SyncHdr is complete; may raise to refuse the message
#   handler.begin(tag, cmd_id) .. end(tag) Atomic or Sequence, once its CmdID is known
#   handler.command(tag, cmd_id, item)     per Item of Add, Replace, Delete, Exec; item is reused
#   handler.fail(tag, cmd_id, status)      a command, or one Item, that is wrong by itself
# A mistake inside one command fails that command: the Item it is in and all that is left
# are skipped; of several Items the complete ones before have had their call. A mistake in
# SyncHdr or around the commands, a Get or a MoreData anywhere, raises Malformed: the
# message is refused whole.
#
# Statuses by fail: 400 CmdID missing, "0", repeated or too long, or a wrong or doubled
# element; 406 Alert, Copy, Put, Map, Search, Sync, Move, Results, Status, Archive, SftDel;
# 412 no Item, two Items in Exec, an Item without an address; 413 a value over TEXT_LEN,
# Data in too many pieces; 414 LocURI over TEXT_LEN; 415 tokens of page 2 in Data that are
# no MgmtTree; 500 Atomic in Atomic, Sequence directly in Sequence.
# A MgmtTree in Data is read over: the Item says where it begins (tnds.py reads it again).
# Bounds: TEXT_LEN a value, CMD_ID_LEN and CMD_ID_ROOM; depth is the parser's.
# Non-goals: what a command means, formats and defaults (executor), who sent it (dmacc).

from micropython import const

from .errors import Malformed, TooLarge
from .grammar import GRAMMAR
from .limits import CMD_ID_LEN, CMD_ID_ROOM, TEXT_LEN, WBXML_DEPTH
from .parts import Header, Item
from .usual import usual

_UNFINISHED = const(30)
_ORDER = const(31)
_UNKNOWN = const(32)
_DOUBLE = const(33)
_TEXT = const(34)
_VALUE_TOO_LONG = const(41)
_GET = const(42)
_MORE_DATA = const(43)
_NO_FINAL = const(44)
_FINAL_NOT_LAST = const(45)

# Tags the code looks at.
_T_ATOMIC = const(0x08)
_T_EXEC = const(0x11)
_T_GET = const(0x13)
_T_MORE_DATA = const(0x34)
_T_ARCHIVE = const(0x07)
_T_SFT_DEL = const(0x26)
_T_MGMT_TREE = const(0xA0)

_NUMBERS = const(2048)  # CmdIDs that cost a bit each

# Contexts, as in grammar.py.
_LIST = const(0)  # Atomic or Sequence, its CmdID known
_NEW_LIST = const(1)  # ... not yet known
_OTHER = const(2)  # a command that fails, whatever is in it
_COMMAND = const(3)
_ITEM = const(4)
_I_META = const(8)
_C_META = const(9)
_HEADER = const(10)
_CRED_META = const(14)
_SYNCML = const(15)
_DOCUMENT = const(16)
_BODY = const(17)
_DATA = const(18)
_FINAL = const(19)
# from 20 to _SKIP: read over; the first three once only
_SKIP = const(23)
_LEAVES = const(24)  # from here the context less _LEAVES is the slot
_CMD_ID = const(34)
_HEADER_LEAVES = const(35)
_CRED_DATA = const(44)

# Slots: 0..5 of the Item, 6..10 of the command, 11..20 of SyncHdr (parts.py).
_SOURCE = const(2)
_C_FORMAT = const(6)
_CORRELATOR = const(9)
_ID = const(10)
_HEADER_SLOTS = const(11)
_SLOTS = const(21)

# Bits of `seen` (1 << context) that a new Item, a new command clears.
_ITEM_BITS = const(1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 18)
_COMMAND_BITS = const(1 << 9)


class Commands:
    """Sink of a wbxml.Parser for one message; see the head of this file."""

    def __init__(self, handler):
        self.handler = handler
        self.parser = None  # whose sink this is; set by who makes both
        self.item = Item()
        self.slots: list = [None] * _SLOTS
        self.stack = bytearray(WBXML_DEPTH + 1)  # contexts of the open elements
        self.depth = 0
        self.context = _DOCUMENT
        self.skip = 0  # open elements of a part that is skipped
        self.seen = 0
        self.lists: list = []  # tags of the open Atomic and Sequence
        self.tag = self.items = self.status = 0  # of the open command: Items begun, first mistake
        self.numbers = bytearray(_NUMBERS // 8)  # a bit per CmdID
        self.names = b"\n"  # every other CmdID, each ended by a line feed

    def close(self):
        """Raises Malformed when the message was no complete SyncML."""
        if self.depth or not self.seen & 1 << _SYNCML:
            raise Malformed(_UNFINISHED)

    # -- the sink

    usual = usual  # the fast way, in a file of its own

    def start(self, tag):
        """An element begins."""
        if self.skip:
            self.skip += 1
            if tag == _T_GET or tag == _T_MORE_DATA:
                self._mistake(tag, 0)
            return
        context = self.context
        to = 0
        if context <= _BODY:
            row = GRAMMAR[context]
            for k in range(0, len(row), 2):
                if row[k] == tag:
                    to = row[k + 1]
                    break
        if not to:
            self.skip = 1
            if tag >> 6 == 1 and (context == _I_META or context == _C_META or context == _CRED_META):
                return  # MaxMsgSize, NextNonce and their like mean nothing here
            self._mistake(tag, _UNKNOWN)
            return
        if to <= _ITEM:
            self._open(tag, to)
        else:
            if to >= _LEAVES:
                if self.slots[to - _LEAVES] is not None:
                    to = 0
                self.value = b""
            elif to < _SKIP and to != context:
                seen = self.seen
                if seen & 1 << to or (to == _C_META and self.items):
                    to = 0
                self.seen = seen | 1 << to
                if to == _BODY and not seen & 1 << _HEADER:
                    raise Malformed(_ORDER)
            if not to:
                self.skip = 1
                self._mistake(tag, _DOUBLE)
                return
            if _FINAL <= to <= _SKIP:
                if to > _FINAL:
                    self.skip = 1
                    return
                context = _FINAL  # and there it stays
        self.stack[self.depth] = context
        self.depth += 1
        self.context = to

    def end(self, tag):
        """An element ends."""
        if self.skip:
            self.skip -= 1
            return
        context = self.context
        self.depth -= 1
        self.context = self.stack[self.depth]
        if context <= _ITEM:
            self._shut(context, tag)
        elif context < _HEADER:
            pass  # Target, Source, TargetParent, Meta
        elif context >= _LEAVES:
            self.slots[context - _LEAVES] = self.value
            if context == _CMD_ID:
                self._cmd_id(self.value)
        elif context == _HEADER:
            self.handler.header(Header(self.slots))
            self.slots[_HEADER_SLOTS:] = [None] * (_SLOTS - _HEADER_SLOTS)  # done with
        elif context == _BODY:
            raise Malformed(_NO_FINAL)
        elif context == _SYNCML and not self.seen & 1 << _BODY:
            raise Malformed(_ORDER)

    def text(self, buf, off, end, at):
        """A piece of the content of the element that began last, or of white space."""
        if self.skip:
            return
        context = self.context
        if context == _DATA:
            if not self.status:
                self.status = self.item.text(buf, off, end, at)
        elif context >= _LEAVES:
            room = off + TEXT_LEN - len(self.value)
            if end > room:
                if context >= _CRED_DATA:  # a Signature: signature.py reads it from the message
                    end = room
                elif context >= _HEADER_LEAVES:
                    raise TooLarge(_VALUE_TOO_LONG)
                else:
                    self.status = self.status or (414 if context <= _LEAVES + _SOURCE else 413)
                    end = room
            self.value += bytes(buf[off:end])
        else:
            for i in range(off, end):
                if buf[i] > 32:
                    self._mistake(0, _TEXT)
                    break

    # -- commands

    def _open(self, tag, to):
        # A command, a list or an Item begins.
        slots = self.slots
        if to == _ITEM:
            if self.items and not self.status:
                if self.tag == _T_EXEC:
                    self.status = 412
                else:
                    self._deliver()
            self.items += 1
            self.seen &= ~_ITEM_BITS
            slots[:_C_FORMAT] = (None, None, None, None, None, None)
            self.item.begin()
            return
        self.tag = tag
        self.items = 0
        self.status = 406 if to == _OTHER else 0
        self.seen &= ~_COMMAND_BITS
        slots[_C_FORMAT : _ID + 1] = (None, None, None, None, None)
        if tag in self.lists and (tag == _T_ATOMIC or self.lists[-1] == tag):
            self.status = 500

    def _cmd_id(self, cmd_id):
        # The CmdID of a command or list is known.
        good = n = 0
        if 0 < len(cmd_id) <= CMD_ID_LEN:
            good = n = int(cmd_id) if cmd_id.isdigit() else -1
        if 0 < n < _NUMBERS and cmd_id[0] != 48:
            bit = 1 << (n & 7)
            if self.numbers[n >> 3] & bit:
                good = 0
            self.numbers[n >> 3] |= bit
        elif good:
            if len(self.names) > CMD_ID_ROOM or b"\n" + cmd_id + b"\n" in self.names or b"\n" in cmd_id:
                good = 0
            else:
                self.names += cmd_id + b"\n"
        if not good:
            self.status = self.status or 400
            self.slots[_ID] = cmd_id[:CMD_ID_LEN]
        if self.context == _NEW_LIST and not self.status:  # else nothing in it is taken
            self.context = _LIST
            self.lists.append(self.tag)
            self.handler.begin(self.tag, cmd_id)

    def _deliver(self):
        # The last Item goes to the handler, when nothing is wrong up to here.
        item = self.item
        if item.target is None and item.target_parent is None:
            self.handler.fail(self.tag, self.slots[_ID], 412)
        else:
            item.correlator = self.slots[_CORRELATOR]
            self.handler.command(self.tag, self.slots[_ID], item)

    def _shut(self, context, tag):
        # An Item, a list or a command ends.
        cmd_id = self.slots[_ID]
        if context == _ITEM:
            status = self.item.fill(self.slots)
            self.status = self.status or (400 if cmd_id is None else status)
        elif context == _LIST:
            self.lists.pop()
            self.handler.end(tag)
        else:
            status = self.status or (400 if cmd_id is None else 0 if self.items else 412)
            if status:
                self.handler.fail(tag, cmd_id or b"", status)
            else:
                self._deliver()

    def _mistake(self, tag, code):
        # An element (tag) or text (0) that may not stand where it stands.
        context = self.context
        item = self.item
        if tag == _T_GET:
            raise Malformed(_GET)
        if tag == _T_MORE_DATA:
            raise Malformed(_MORE_DATA)
        if context == _FINAL:
            raise Malformed(_FINAL_NOT_LAST)
        if _NEW_LIST <= context <= _C_META or context == _DATA or _LEAVES <= context < _HEADER_LEAVES:
            if not self.status:
                self.status = 400
                if context == _DATA and tag >> 6 == 2:
                    self.status = 415
                    if tag == _T_MGMT_TREE and item.inline < 0 and not item.data_len:
                        self.status = 0
                        item.inline = self.parser.turned
                        item.table = self.parser.table
                elif context == _COMMAND and (tag == _T_ARCHIVE or tag == _T_SFT_DEL):
                    self.status = 406
        elif tag and (context == _LIST or context == _BODY):
            self.handler.fail(tag, b"", 400)
        else:
            raise Malformed(code)
