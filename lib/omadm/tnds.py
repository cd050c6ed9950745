# A TNDS object, read as it lies in the message: which of its forms it has, and its grammar.
# OMA TNDS 1.2.1, DM DDF DTD 1.2; Sessionless 5.2 (R21); docs/profile.md P8.
#
#   MgmtTree     = VerDTD Man? Mod? Node+
#   Node         = NodeName Path? RTProperties? DFProperties? (Node* | Value?)
#   RTProperties = ACL? Format? Name? Size? Title? TStamp? Type? VerNo?      any order, each once
#
# Forms, told apart by their octets whatever the label says: a WBXML document of the DDF, XML text,
# base64 of one of these, DDF tokens inline in Data.
#
# Contract: read() goes over the object once and calls, in document order,
#   handler.value(buf, off, end, at)   a piece of the Value of the node to come; `at` as in wbxml.py
#   handler.node(level, reader)        a node before any below it; its properties are attributes of reader
#   handler.leave(level)               the same node is over; 1 is the level of the topmost nodes
# CommandFailed: 415 no object, 400 a broken one, 405 a leaf with nodes below it, 413 too long.
# Bounds: WBXML_DEPTH, OBJECT_WORK, TEXT_LEN for what is no Value; octets are looked at in place,
# nothing is kept.
# Non-goals: what becomes of the nodes (subtree.py). Man, Mod, Name, Size, TStamp, VerNo and
# DFProperties are read over: the device has its own.

from micropython import const

from .codepages import PAGES
from .errors import CommandFailed, Malformed, TooLarge
from .limits import OBJECT_WORK, TEXT_LEN, WBXML_DEPTH
from .wbxml import Parser

DDF = (0, b"-//OMA//DTD-DM-DDF 1.2//EN")
_NO_DOCUMENT = const(3)  # codes of wbxml.py up to this one: no WBXML, or of another type

# Contexts; a row has tags (page 2 of codepages: 80 | identity), each with the context it leads to.
# From 0x10 on values of text, from 0x20 on elements that name a format.
_TREE = const(1)
_NODE = const(2)
_OVER = const(6)
_NAME = const(0x10)
_PATH = const(0x11)
_ACL = const(0x12)
_TITLE = const(0x13)
_MIME = const(0x14)
_DDF_NAME = const(0x15)
_VERDTD = const(0x16)
_VALUE = const(0x17)
_FORMATS = const(0x20)
_ROWS = (
    b"\xa0\x01",  # 0 the document: MgmtTree
    b"\xa4\x02\xb7\x16\x9f\x06\xa2\x06",  # 1 MgmtTree: Node VerDTD Man Mod
    # 2 Node: NodeName Value RTProperties Node Path DFProperties
    b"\xa6\x10\xb6\x17\xaf\x03\xa4\x02\xac\x11\x96\x06",
    # 3 RTProperties: Format Type ACL Title, Name Size TStamp VerNo
    b"\x9c\x04\xb5\x05\x86\x12\xb3\x13\xa3\x06\xb1\x06\xb4\x06\xb8\x06",
    # 4 Format: node chr bin bool int float date time xml b64 null, as tree.py numbers them
    b"\xa5\x20\x8b\x21\x89\x22\x8a\x23\x9e\x24\x9b\x25\x90\x26\xb2\x27\xb9\x28\x88\x29\xa7\x2a",
    b"\xa1\x14\x91\x15",  # 5 Type: MIME DDFName
)


class Reader:
    """Sink of a parser for one object. Attributes, of the node that handler.node() is called for:

    name, path, acl, title, mime   bytes, or None where the object does not say
    fmt     index in tree.FORMATS; open: it is chr for nothing in the object says what it is
    coded   True when a Value, if it is one of octets, is base64; no_value: there is none
    """

    def __init__(self, handler):
        self.handler = handler
        self.stack = bytearray(WBXML_DEPTH + 1)
        self.depth = self.context = self.skip = self.level = 0
        self.fresh = False  # the node that is open was not handed on yet
        self.done = False
        self.xml = False
        self.texts = [None] * 8
        self.left = OBJECT_WORK

    def start(self, tag):
        """An element begins."""
        self.left -= 2
        if self.skip:
            self.skip += 1
            return
        context = self.context
        to = 0
        if context <= 5:
            row = _ROWS[context]
            for k in range(0, len(row), 2):
                if row[k] == tag:
                    to = row[k + 1]
                    break
        if not to or context == _NODE != to and not self.fresh:
            raise CommandFailed(400)
        if to == _OVER:
            self.skip = 1
            return
        if to >= _FORMATS:
            if self.fmt >= 0:
                raise CommandFailed(400)
            self.fmt = to - _FORMATS
        elif to >= _NAME:
            if self.texts[to - _NAME] is not None:
                raise CommandFailed(400)
            self.texts[to - _NAME] = b""
            self.coded = self.xml
        elif to == _NODE:
            if self.fresh:
                self._node(True)
            elif not self.texts[_VERDTD - _NAME] == b"1.2":
                raise CommandFailed(400)
            self.level += 1
            self.fresh = True
            self.fmt = -1
            self.texts[:6] = (None, None, None, None, None, None)
            self.texts[_VALUE - _NAME] = None
        self.stack[self.depth] = context
        self.depth += 1
        self.context = to

    def leaf(self, tag, buf, off, end, at):
        """An element with one string in it, which in WBXML is no raw octets."""
        self.start(tag)
        self.coded = True
        self.text(buf, off, end, at)
        self.end(tag)

    def end(self, tag):
        """An element ends."""
        if self.left < 0:
            raise CommandFailed(413)
        if self.skip:
            self.skip -= 1
            return
        context = self.context
        self.depth -= 1
        self.context = self.stack[self.depth]
        if context == _NODE:
            if self.fresh:
                self._node(False)
            self.handler.leave(self.level)
            self.level -= 1
        elif context == _TREE:
            self.done = True

    def text(self, buf, off, end, at):
        """A piece of text."""
        self.left -= 2 if at >= 0 else 8
        if self.left < 0:
            raise CommandFailed(413)
        if self.skip:
            return
        context = self.context
        if context == _VALUE:
            if at < 0:
                self.coded = True
            self.handler.value(buf, off, end, at)
        elif _NAME <= context < _FORMATS:
            text = self.texts[context - _NAME]
            if end - off + len(text) > TEXT_LEN:
                raise CommandFailed(413)
            self.texts[context - _NAME] = text + bytes(buf[off:end])
        else:
            while off < end:
                if bytes(buf[off : min(off + 64, end)]).strip():
                    raise CommandFailed(400)
                off += 64

    def _node(self, parent):
        # The properties of the open node are known.
        self.fresh = False
        self.name, self.path, self.acl, self.title, self.mime, ddf_name = [
            text and text.strip() for text in self.texts[:6]
        ]
        if ddf_name is not None:
            if self.mime is not None:
                raise CommandFailed(400)
            self.mime = ddf_name
        self.open = self.fmt < 0 and not parent and ddf_name is None
        if self.fmt < 0:
            self.fmt = 1 if self.open else 0
        self.no_value = self.texts[_VALUE - _NAME] is None
        if parent and (self.fmt or not self.no_value):
            raise CommandFailed(405)
        self.handler.node(self.level, self)


def read(memory, where, n, handler, table=None, xml=False):
    """Go over the object of n octets at `where`, of which memory[where & 0xFFFFFF] is the first.

    table: the string table of the message, when the object is tokens of it; with xml a Value of octets
    is base64 in there, however it is carried.
    """
    off = where & 0xFFFFFF
    end = off + n
    reader = Reader(handler)
    try:
        if table is None and memory[off] > 3:
            from .tndsxml import read as read_xml

            reader.xml = True
            read_xml(memory, off, end, where, reader)
            return
        parser = Parser(reader, PAGES, where + n, DDF)
        parser.fed = where
        if table is not None:  # in the middle of a document
            parser.state = 0
            reader.xml = xml
            parser.page = 0x80
            parser.table = table
        parser.feed(memory, off, end)
        parser.close()
    except Malformed as e:
        # Behind tokens the message goes on; it is well-formed, or would not get here.
        if table is None or not reader.done:
            raise CommandFailed(415 if e.args[0] <= _NO_DOCUMENT else 400)
    except TooLarge:
        raise CommandFailed(413)
    if not reader.done:
        raise CommandFailed(400)
