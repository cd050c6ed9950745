# The XML text of a TNDS object, read where it lies. W3C XML 1.0, as little of it as
# TNDS 1.2.1 needs; DM DDF DTD 1.2 for the names; Sessionless 5.2 (R21).
#
#   <MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>N</NodeName>...
#
# Contract: read() makes of it the calls on a sink that wbxml.Parser makes of the same object:
# start(tag), text(buf, off, end, at), end(tag), with tags of code page 2. Text comes in pieces,
# `at` is -1 for those that stand for a reference. CommandFailed: 415 for what is no such text
# (internal subset, entities that are not XML's own, another namespace or encoding than UTF-8),
# 400 for what is not well-formed.
# Bounds: WBXML_DEPTH open elements, _TAG octets from < to >; each octet is looked at once or twice, by
# find(); nothing is allocated but copies of tags. No entity can be declared, so none can grow.
# Non-goals: prefixes, attributes other than xmlns, DTDs; whether text is UTF-8. Ends of lines stay as
# they are.

from array import array

from micropython import const

from .errors import CommandFailed
from .limits import WBXML_DEPTH
from .parts import number

_TAG = const(128)  # octets of a tag or declaration; a DOCTYPE may take twice as many
_REFERENCE = const(10)  # octets from & to ;
_LITERAL = const(0x3FFF)
_NAMES = (
    b"<Node>\xa4<NodeName>\xa6<RTProperties>\xaf<Format>\x9c<Type>\xb5<MIME>\xa1<DDFName>\x91<Value>\xb6<ACL>\x86"
    b"<chr>\x8b<node>\xa5<int>\x9e<bool>\x8a<bin>\x89<b64>\x88<xml>\xb9<null>\xa7<float>\x9b<date>\x90<time>\xb2"
    b"<MgmtTree>\xa0<VerDTD>\xb7<Man>\x9f<Mod>\xa2<Path>\xac<Title>\xb3<Name>\xa3<Size>\xb1<TStamp>\xb4<VerNo>\xb8"
    b"<DFProperties>\x96"
)
_ENTITIES = b"&lt;<&gt;>&quot;\"&apos;'&amp;&"  # the last one last: nothing else may begin with its &
_SPACE = b" \t\r\n"


def read(memory, i, end, at, sink):
    """Read memory[i:end]; `at` is where memory[i] lies in the message."""
    base = at - i
    starts = array("I", bytes(4 * WBXML_DEPTH))  # where the names of the open elements are
    tags = array("H", bytes(2 * WBXML_DEPTH))
    depth = 0
    before = True  # the root has not begun
    if memory[i : i + 3] == b"\xef\xbb\xbf":
        i += 3
    while i < end:
        stop = memory.find(b"<", i, end)
        if stop < 0:
            stop = end
        if depth:
            _text(memory, i, stop, base, sink)
        elif stop > i:
            sink.text(memory, i, stop, base + i)  # white space, or it says no
        i = stop + 1
        if stop == end:
            break
        what = bytes(memory[i : i + 9])
        if what[:3] == b"!--":
            i = _after(memory, b"-->", i + 3, end)
        elif what[:8] == b"![CDATA[" and depth:
            stop = _after(memory, b"]]>", i + 8, end)
            if stop - 3 > i + 8:
                sink.text(memory, i + 8, stop - 3, base + i + 8)
            i = stop
        elif what[:1] == b"?":
            stop = _after(memory, b"?>", i, end)
            if what[:4] == b"?xml" and what[4:5] in _SPACE:
                text = bytes(memory[i : min(stop, i + _TAG)]).lower()
                if not before or b"encoding" in text and not (b"utf-8" in text or b"us-ascii" in text):
                    raise CommandFailed(415)
            i = stop
        elif what == b"!DOCTYPE " and before:
            stop = _after(memory, b">", i, end)
            if stop - i > 2 * _TAG or memory.find(b"[", i, stop) >= 0:
                raise CommandFailed(415)
            i = stop
        else:
            stop = _after(memory, b">", i, end)
            if stop - i > _TAG or not depth and (not before or what[:1] == b"/"):
                raise CommandFailed(400)
            text = bytes(memory[i : stop - 1])
            if text[:1] == b"/":
                depth -= 1
                text = text[1:].rstrip()
                first = starts[depth]
                last = first + len(text)
                if memory[first:last] != text or memory[last] not in b" \t\r\n>":
                    raise CommandFailed(400)
                sink.end(tags[depth])
            else:
                empty = text[-1:] == b"/"
                if empty:
                    text = text[:-1]
                tag = _tag(text)
                before = False
                if depth == WBXML_DEPTH:
                    raise CommandFailed(413)
                starts[depth] = i
                tags[depth] = tag
                sink.start(tag)
                if empty:
                    sink.end(tag)
                else:
                    depth += 1
            i = stop
    if depth or before:
        raise CommandFailed(400)


def _after(memory, what, i, end):
    # The offset behind the next occurrence.
    at = memory.find(what, i, end)
    if at < 0:
        raise CommandFailed(400)
    return at + len(what)


def _tag(text):
    # The tag of the name in a start tag.
    parts = text.split(None, 1)
    if not parts or text[0] <= 32:
        raise CommandFailed(400)
    if len(parts) > 1:
        rest = b"".join(parts[1].split())
        if rest != b'xmlns="syncml:dmddf1.2"' and rest != b"xmlns='syncml:dmddf1.2'":
            raise CommandFailed(415)
    name = b"<" + parts[0] + b">"
    at = _NAMES.find(name)
    return _NAMES[at + len(name)] if at >= 0 else _LITERAL


def _text(memory, i, end, base, sink):
    # Characters and references.
    while i < end:
        stop = memory.find(b"&", i, end)
        if stop < 0:
            stop = end
        if stop > i:
            sink.text(memory, i, stop, base + i)
        i = stop
        if i < end:
            stop = memory.find(b";", i, min(end, i + _REFERENCE))
            text = bytes(memory[i : stop + 1])
            known = _ENTITIES.find(text) + len(text)
            if text[1:2] == b"#":
                n = number(text[3:-1], 16) if text[2:3] == b"x" else number(text[2:-1], 10)
                if n < 32 and n not in (9, 10, 13) or n > 0x10FFFF or n >> 11 == 0x1B:
                    raise CommandFailed(415)
                octets = chr(n).encode()
            elif text and known >= len(text):
                octets = _ENTITIES[known : known + 1]
            else:
                raise CommandFailed(415)
            sink.text(octets, 0, len(octets), -1)
            i = stop + 1
