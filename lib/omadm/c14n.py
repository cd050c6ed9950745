# A message as exclusive canonical XML, from its WBXML tokens straight into a hash. W3C Exclusive XML
# Canonicalization 1.0 (without comments) of the one XML form that docs/profile.md P1 gives a message:
# no prolog, no white space of its own, elements in their page's namespace, opaque octets as text.
#
#   page 0 SYNCML:SYNCML1.2     page 1 syncml:metinf     page 2 syncml:dmddf1.2
#   <SyncML xmlns="SYNCML:SYNCML1.2"> ... <Meta><Format xmlns="syncml:metinf">chr</Format> ...
#
# Every namespace is the default one, so it is written where an element is on another page than
# its parent. Empty elements are a pair of tags. & < > and CR in text become references.
#
# Contract: a sink of wbxml.Parser with the same pages. update() gets the octets in pieces; the
# content of SyncHdr/Cred/Data goes to on_signature(octets) instead, once its element ends: the
# enveloped transform takes the Signature away, and there is nothing else in there. Two
# documents that differ in more than the split of a text into tokens give different octets.
# Raises NotAuthentic for a tag without a name (LITERAL), for elements in Cred/Data and for a
# second Cred/Data; TooLarge for one over SIGNATURE_LEN, and for a text in more pieces than parts.py
# takes: how it is cut is not signed, so whoever cuts it anew must not make one command of many fail.
# Bounds: memory does not grow with the message; NAMES_KEPT tags are kept made.
# Non-goals: octets that are no UTF-8 go in as they are: no XML holds them, so nobody can have
# signed them as XML (a signer sends such values with Format b64).

from micropython import const

from .errors import NotAuthentic, TooLarge
from .limits import COPIED_OCTETS, DATA_PIECES, NAMES_KEPT, SIGNATURE_LEN, SIGNED_CUTS, WBXML_DEPTH

_NAMELESS = const(160)
_IN_DATA = const(161)
_TWO = const(162)
_TOO_LONG = const(163)
_IN_PIECES = const(178)

_PIECE = const(128)  # octets of text looked at at a time
_FOREIGN = const(0x100)  # of a key: the parent is on another page
_NOWHERE = const(0xFF)  # page of what the root is in

_PATH = b"\x2d\x2c\x0e\x0f"  # SyncML SyncHdr Cred Data

_SPACES = (b"SYNCML:SYNCML1.2", b"syncml:metinf", b"syncml:dmddf1.2")
# Names of a page behind their identities | 0x80; reserved ones have none.
_NAMES = (
    b"\x85Add\x86Alert\x87Archive\x88Atomic\x89Chal\x8aCmd\x8bCmdID\x8cCmdRef\x8dCopy\x8eCred"
    b"\x8fData\x90Delete\x91Exec\x92Final\x93Get\x94Item\x95Lang\x96LocName\x97LocURI\x98Map"
    b"\x99MapItem\x9aMeta\x9bMsgID\x9cMsgRef\x9dNoResp\x9eNoResults\x9fPut\xa0Replace\xa1RespURI"
    b"\xa2Results\xa3Search\xa4Sequence\xa5SessionID\xa6SftDel\xa7Source\xa8SourceRef\xa9Status"
    b"\xaaSync\xabSyncBody\xacSyncHdr\xadSyncML\xaeTarget\xafTargetRef\xb0\xb1VerDTD\xb2VerProto"
    b"\xb3NumberOfChanges\xb4MoreData\xb5Field\xb6Filter\xb7Record\xb8FilterType\xb9SourceParent"
    b"\xbaTargetParent\xbbMove\xbcCorrelator\xbd",
    b"\x85Anchor\x86EMI\x87Format\x88FreeID\x89FreeMem\x8aLast\x8bMark\x8cMaxMsgSize\x8dMem"
    b"\x8eMetInf\x8fNext\x90NextNonce\x91SharedMem\x92Size\x93Type\x94Version\x95MaxObjSize"
    b"\x96FieldLevel\x97",
    b"\x85AccessType\x86ACL\x87Add\x88b64\x89bin\x8abool\x8bchr\x8cCaseSense\x8dCIS\x8eCopy\x8fCS"
    b"\x90date\x91DDFName\x92DefaultValue\x93Delete\x94Description\x95DFFormat\x96DFProperties"
    b"\x97DFTitle\x98DFType\x99Dynamic\x9aExec\x9bfloat\x9cFormat\x9dGet\x9eint\x9fMan\xa0MgmtTree"
    b"\xa1MIME\xa2Mod\xa3Name\xa4Node\xa5node\xa6NodeName\xa7null\xa8Occurrence\xa9One\xaaOneOrMore"
    b"\xabOneOrN\xacPath\xadPermanent\xaeReplace\xafRTProperties\xb0Scope\xb1Size\xb2time\xb3Title"
    b"\xb4TStamp\xb5Type\xb6Value\xb7VerDTD\xb8VerNo\xb9xml\xbaZeroOrMore\xbbZeroOrN\xbcZeroOrOne\xbd",
)


def name(tag: int) -> bytes:
    """The name of an element by page << 6 | identity; b"" when it has none."""
    page = tag >> 6
    if page >= len(_NAMES):
        return b""
    at = _NAMES[page].find(bytes((tag & 0x3F | 0x80,))) + 1
    return _NAMES[page][at : _NAMES[page].find(bytes(((tag & 0x3F | 0x80) + 1,)), at)] if at else b""


class Canonical:
    """Sink of a wbxml.Parser for one message; see the head of this file."""

    def __init__(self, update, on_signature):
        self.update = update
        self.on_signature = on_signature
        self.signature = None  # content of Cred/Data so far
        self.pages = bytearray(WBXML_DEPTH + 1)  # of the parents of the open elements
        self.page = _NOWHERE
        self.depth = 0
        self.on_path = 0  # so many of the open elements, from the root, are those of _PATH
        self.tags = {}  # key: (start tag, end tag)
        self.after = -2  # `at` of the piece of text that would go on with the last one
        self.pieces = self.copied = 0  # of the element that began last, as parts.py counts them
        self.cuts = 0  # pieces of all texts but the first of each, and all that are references

    def _made(self, key):
        # The two tags of an element, to be kept.
        called = name(key & ~_FOREIGN)
        if not called:
            raise NotAuthentic(_NAMELESS)
        if len(self.tags) >= NAMES_KEPT:
            self.tags.clear()
        space = b' xmlns="' + _SPACES[key >> 6 & 3] + b'"' if key & _FOREIGN else b""
        self.tags[key] = pair = b"<" + called + space + b">", b"</" + called + b">"
        return pair

    def start(self, tag):
        """An element begins."""
        depth = self.depth
        if self.on_path == depth:
            if depth == len(_PATH):
                raise NotAuthentic(_IN_DATA)
            if tag == _PATH[depth]:
                self.on_path = depth + 1
                if depth + 1 == len(_PATH):
                    if self.signature is not None:
                        raise NotAuthentic(_TWO)
                    self.signature = b""
        page = tag >> 6
        key = tag if page == self.page else tag | _FOREIGN
        try:
            pair = self.tags[key]
        except KeyError:
            pair = self._made(key)
        self.update(pair[0])
        self.pages[depth] = self.page
        self.page = page
        self.depth = depth + 1
        self.after = -2
        self.pieces = self.copied = 0

    def end(self, tag):
        """An element ends."""
        self.depth = depth = self.depth - 1
        page = self.pages[depth]
        self.page = page
        if self.on_path > depth:
            self.on_path = depth
            if depth + 1 == len(_PATH):
                self.on_signature(bytes(self.signature))
                self.signature = b""
        key = tag if tag >> 6 == page else tag | _FOREIGN
        try:
            pair = self.tags[key]
        except KeyError:
            pair = self._made(key)
        self.update(pair[1])

    def leaf(self, tag, buf, off, end, at):
        """An element with one string in it."""
        if self.on_path == self.depth or end - off > _PIECE:
            self.start(tag)
            self.text(buf, off, end, at)
            self.end(tag)
            return
        key = tag if tag >> 6 == self.page else tag | _FOREIGN
        try:
            pair = self.tags[key]
        except KeyError:
            pair = self._made(key)
        update = self.update
        update(pair[0])
        update(_escaped(bytes(buf[off:end])))
        update(pair[1])

    def text(self, buf, off, end, at):
        """A piece of the content of an element."""
        if self.on_path == len(_PATH):
            if len(self.signature) + end - off > SIGNATURE_LEN:
                raise TooLarge(_TOO_LONG)
            piece = bytes(buf[off:end])
            if not self.signature:  # and more often than not it is the whole
                self.signature = piece
            else:
                if isinstance(self.signature, bytes):
                    self.signature = bytearray(self.signature)
                self.signature.extend(piece)
            return
        fresh = at != self.after  # else the same token goes on in another block
        if fresh:
            self.pieces += 1
        if at < 0 or fresh and self.pieces > 1:
            self.cuts += 1
        if at < 0:
            self.copied += end - off
            self.after = -1
        else:
            self.after = at + end - off
        if self.pieces > DATA_PIECES or self.copied > COPIED_OCTETS or self.cuts > SIGNED_CUTS:
            raise TooLarge(_IN_PIECES)
        while off < end:
            stop = min(end, off + _PIECE)
            self.update(_escaped(bytes(buf[off:stop])))
            off = stop


def _escaped(text):
    # Canonical XML 1.0, 2.3 Text Nodes.
    if b"&" in text:
        text = text.replace(b"&", b"&amp;")
    if b"<" in text:
        text = text.replace(b"<", b"&lt;")
    if b">" in text:
        text = text.replace(b">", b"&gt;")
    return text.replace(b"\r", b"&#xD;") if b"\r" in text else text
