"""Messages of every kind in every form of WBXML, and what two decoders make of them.

`message(random)` gives the content of one message as a tree and its octets: all commands, the
properties, TNDS in its four forms, written with inline strings, the string table, entities,
opaques and several pieces as WBXML lets an encoder choose. `ours` is the tree that the device's
parser sees, `theirs` what wbxml2xml of libwbxml prints. Trees are (name, [children and octets]).

What libwbxml does of its own accord is undone here, one function a quirk; docs/interop.md has the list.
"""

import base64
import re
import subprocess
from random import Random

from dmtool.tokens import NAMES, TOKENS
from lxml import etree
from omadm.codepages import PAGES
from omadm.commands import Commands
from omadm.wbxml import SYNCML, Parser

DDF = (0, b"-//OMA//DTD-DM-DDF 1.2//EN")
TNDS_WBXML = b"application/vnd.syncml.dmtnds+wbxml"
TNDS_XML = b"application/vnd.syncml.dmtnds+xml"
NAMESPACES = {"SYNCML:SYNCML1.2": 0, "syncml:metinf": 1, "syncml:dmddf1.2": 2}
FORMATS = b"b64 bin bool chr int null xml date time float".split()
PROPERTIES = b"ACL Name Title Format Type Size TStamp VerNo".split()
WORDS = 'on off 3 -1.5e3 Käse € 漢字 𝄞 a&b <b> "q" \' ; x=y ]] > . / ? # % \t tab'.split(" ")


class Raw(bytes):
    """Octets that are no text: only an opaque can hold them."""


# -- a message as a tree


class Maker:
    """Makes the content of one message."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.ids = 0

    def any(self, *choices):
        return self.random.choice(choices)

    def words(self, most: int = 4) -> bytes:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, most))).strip().encode()

    def name(self) -> bytes:
        return self.any(b"A", b"Led", "Straße".encode(), b"x" * 32, b"a:b", b"%2F", b"n-1_.~")

    def uri(self) -> bytes:
        path = b"/".join([b".", *(self.name() for _ in range(self.random.randint(1, 4)))])
        if self.random.random() < 0.25:
            path += b"?prop=" + self.any(*PROPERTIES)
        return path

    def virtual(self) -> bytes:
        return b"./Apps?MOID=urn:oma:mo:x:1.0&Name=" + self.name()

    def meta(self, fmt: bytes | None, mime: bytes | None, more=(), wrap: bool = True) -> list:
        parts = [("Format", [fmt])] if fmt else []
        parts += [("Type", [mime])] if mime else []
        parts += more
        self.random.shuffle(parts)
        if parts and wrap and self.random.random() < 0.1:
            parts = [("MetInf", parts)]
        return [("Meta", parts)] if parts else []

    def data(self, raw: bool) -> tuple[list, list]:
        """(Meta, Data) of an Item; raw: it may be octets that are no text."""
        kind = self.random.randrange(10)
        if kind == 0 and raw:
            return self.meta(b"bin", b"application/octet-stream"), [("Data", [Raw(self.octets())])]
        if kind == 1:
            return self.meta(b"b64", None), [("Data", [base64.b64encode(self.octets())])]
        if kind == 2:
            return self.meta(b"node", self.any(None, b"urn:oma:mo:oma-fumo:1.0")), []
        if kind == 3:
            return [], self.any([], [("Data", [])])
        if kind == 4:
            return self.tnds()
        if kind == 5:
            more = self.any((), (("Size", [b"%d" % self.random.randrange(10**6)]),))
            return self.meta(self.any(*FORMATS), None, more), [("Data", [self.words(30)])]
        mime = self.any(None, b"text/plain", b"text/x-" + self.name())
        return self.meta(self.any(None, *FORMATS), mime), [("Data", [self.words()])]

    def octets(self) -> bytes:
        return bytes(self.random.randrange(256) for _ in range(self.random.randint(1, 60)))

    def tnds(self) -> tuple[list, list]:
        """The four forms of tree-and-WBXML carriage of an object."""
        tree = ("MgmtTree", [("VerDTD", [b"1.2"]), *[self.node(3) for _ in range(self.random.randint(1, 2))]])
        form = self.random.randrange(4)
        if form == 0:
            return self.meta(self.any(b"bin", b"xml"), TNDS_WBXML, (), False), [("Data", [Document(tree)])]
        if form == 1:
            document = encode(tree, self.random, table=DDF[1], page=2)
            return self.meta(b"b64", TNDS_WBXML), [("Data", [base64.b64encode(document)])]
        if form == 2:
            return self.meta(b"xml", TNDS_XML), [("Data", [xml(tree)])]
        return self.meta(self.any(b"bin", b"xml"), TNDS_WBXML), [("Data", [tree])]

    def node(self, deeper: int) -> tuple:
        inner = [("NodeName", [self.any(self.name(), self.name(), b"")])]
        if self.random.random() < 0.2:
            inner.append(("Path", [self.uri()]))
        leaf = deeper == 0 or self.random.random() < 0.5
        fmt = self.any(*FORMATS).decode() if leaf else "node"
        kind = ("MIME", [b"text/plain"]) if leaf else ("DDFName", [self.any(b"", b"urn:oma:mo:x:1.0")])
        properties = [("Format", [(fmt, [])]), ("Type", [kind])]
        if self.random.random() < 0.3:
            properties.insert(0, ("ACL", [b"Add=com.example.dms&Get=*"]))
        if self.random.random() < 0.8:
            inner.append(("RTProperties", properties))
        if leaf:
            return ("Node", [*inner, ("Value", [self.words()])])
        return ("Node", [*inner, *[self.node(deeper - 1) for _ in range(self.random.randint(0, 2))]])

    def cmd_id(self) -> tuple:
        self.ids += 1
        return ("CmdID", [b"%d" % self.ids])

    def item(self, raw: bool = False) -> tuple:
        meta, data = self.data(raw)
        parts = [("Target", [("LocURI", [self.uri()])])]
        chance = self.random.random()
        if chance < 0.1:
            parts = [("TargetParent", [("LocURI", [self.virtual()])]), *parts]
        elif chance < 0.2:
            parts.append(("Source", [("LocURI", [self.uri()]), ("LocName", [self.words()])]))
        return ("Item", parts + meta + data)

    def bare(self) -> tuple:
        return ("Item", [("Target", [("LocURI", [self.uri()])])])

    def command(self, deep: int = 0) -> tuple:
        name = self.any(*"Add Replace Add Replace Delete Exec Alert Copy Get Status Results".split(),
                        *(("Atomic", "Sequence") if deep < 2 else ()))  # fmt: skip
        start = [self.cmd_id()]
        if name in ("Atomic", "Sequence"):
            inner = [self.command(deep + 1) for _ in range(self.random.randint(1, 3))]
            return (name, [*start, *inner])
        if name == "Delete":
            return (name, [*start, *[self.bare() for _ in range(self.random.randint(1, 3))]])
        if name == "Exec":
            item = self.any(self.bare(), ("Item", [*self.bare()[1], ("Data", [self.words()])]))
            return (name, [*start, *self.any([], [("Correlator", [self.words(1)])]), item])
        if name == "Get":
            return (name, [*start, self.bare()])
        if name == "Alert":
            return (name, [*start, ("Data", [b"1226"]), self.item()])
        if name == "Copy":
            return (
                name,
                [
                    *start,
                    (
                        "Item",
                        [("Target", [("LocURI", [self.uri()])]), ("Source", [("LocURI", [self.uri()])])],
                    ),
                ],
            )
        if name == "Status":
            told = [("MsgRef", [b"1"]), ("CmdRef", [b"2"]), ("Cmd", [b"Add"]), ("TargetRef", [self.uri()])]
            return (name, [*start, *told, ("Data", [b"200"])])
        if name == "Results":
            return (name, [*start, ("MsgRef", [b"1"]), ("CmdRef", [b"2"]), self.item()])
        above = self.any([], self.meta(self.any(*FORMATS), b"text/plain"))
        return (name, [*start, *above, *[self.item(True) for _ in range(self.random.randint(1, 3))]])

    def cred(self) -> tuple:
        if self.random.random() < 0.3:  # a signature travels as text
            signature = b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
            return ("Cred", [*self.meta(b"xml", b"syncml:auth-MAC"), ("Data", [signature])])
        meta = self.meta(b"b64", b"syncml:auth-SHA256", self.any((), (("NextNonce", [b"bm9uY2U="]),)))
        return ("Cred", [*meta, ("Data", [base64.b64encode(self.octets())])])

    def message(self) -> tuple:
        header = [
            ("VerDTD", [b"1.2"]),
            ("VerProto", [b"DM/1.3"]),
            ("SessionID", [b"%X" % self.random.randint(1, 0xFFFF)]),
            ("MsgID", [b"%d" % self.random.randint(1, 9999)]),
            ("Target", [("LocURI", [b"urn:dev:mac:240ac4fffe112233"])]),
            ("Source", [("LocURI", [b"com.example.dms"]), *self.any([], [("LocName", [b"srv-acme"])])]),
            self.cred(),
        ]
        body = [self.command() for _ in range(self.random.randint(1, 4))]
        return ("SyncML", [("SyncHdr", header), ("SyncBody", [*body, ("Final", [])])])


class Document(tuple):
    """A DDF tree that travels as a WBXML document of its own in an opaque."""

    def __new__(cls, tree):
        return super().__new__(cls, tree)


def xml(tree) -> bytes:
    """XML text of a TNDS object."""
    root = etree.Element(tree[0], nsmap={None: "syncml:dmddf1.2"})
    stack = [(root, tree[1])]
    while stack:
        at, content = stack.pop()
        for part in content:
            if isinstance(part, tuple):
                stack.append((etree.SubElement(at, part[0]), part[1]))
            else:
                at.text = part.decode()
    return etree.tostring(root, encoding="unicode").encode()


# -- octets


def number(n: int, pad: bool = False) -> bytes:
    octets = [n & 0x7F]
    while n := n >> 7:
        octets.append(n & 0x7F | 0x80)
    if pad and len(octets) < 4:
        octets.append(0x80)
    return bytes(reversed(octets))


PAGE_OF = {"Meta": 1, "MgmtTree": 2}
# Elements whose content libwbxml takes as text in STR_I, STR_T and ENTITY only, or treats in its own way.
PLAIN = ("NextNonce",)


class Writer:
    """Octets of one document, its forms chosen at random."""

    def __init__(self, random: Random, table: bytes, pieces: bool) -> None:
        self.random = random
        self.table = table
        self.pieces = pieces
        self.out = bytearray()
        self.page = 0

    def element(self, tree, page: int, raw: bool = False) -> None:
        name, content = tree
        token = TOKENS[page][name]
        if page != self.page:
            self.out += bytes((0, page))
            self.page = page
        parts = [part for part in content if part != b""]
        if not parts:
            self.out.append(token)
            return
        self.out.append(token | 0x40)
        for part in parts:
            if isinstance(part, Document):
                document = encode(tuple(part), self.random, table=DDF[1], page=2)
                self.out += b"\xc3" + number(len(document)) + document
            elif isinstance(part, tuple):
                self.element(
                    part,
                    PAGE_OF.get(part[0], 0) if page == 0 and part[0] == "MgmtTree" else below(name, page),
                )
            elif isinstance(part, Raw):
                self.out += b"\xc3" + number(len(part)) + part
            else:
                self.text(part, name in DATA and page == 0)
        self.out.append(1)

    def text(self, octets: bytes, opaque: bool) -> None:
        how = self.random.randrange(8)
        if how >= 6 and opaque and not self.pieces:
            how -= 6
        if how == 7 and len(octets) > 1:
            text = octets.decode()
            cut = self.random.randint(1, max(1, len(text) - 1))
            self.out += b"\x03" + text[:cut].encode() + b"\0"
            if text[cut:]:
                self.text(text[cut:].encode(), False)
        elif how == 6 and len(octets) < 60 and (self.pieces or max(octets) < 0xF0):
            self.out += b"".join(b"\x02" + number(ord(c)) for c in octets.decode())
        elif how in (4, 5) and opaque:
            self.out += b"\xc3" + number(len(octets), self.random.random() < 0.2) + octets
        elif how == 3 and len(self.table) + len(octets) < 900:
            self.out += b"\x83" + number(len(self.table))
            self.table += octets + b"\0"
        else:
            self.out += b"\x03" + octets + b"\0"


DATA = ("Data",)


def below(name: str, page: int) -> int:
    """The page of what stands in an element of this name."""
    return 1 if page == 0 and name == "Meta" else page


def encode(tree, random: Random, table: bytes = b"", page: int = 0, pieces: bool = False) -> bytes:
    """A whole document; with a table that begins with its public identifier, or the number of SyncML.

    pieces: also in the forms that libwbxml does not print right.
    """
    version = bytes((random.randint(1, 3),))
    head = b"\0\0" if table else b"\xa4\x01"
    writer = Writer(random, table + b"\0" if table else b"", pieces)
    writer.element(tree, page)
    return version + head + b"\x6a" + number(len(writer.table)) + writer.table + bytes(writer.out)


def message(random: Random) -> tuple[tuple, bytes]:
    """(content, octets) of one message."""
    tree = Maker(random).message()
    return tree, encode(tree, random)


# -- what the decoders see


class Tree:
    """A sink of the device's parser that keeps everything."""

    def __init__(self) -> None:
        self.root = None
        self.open: list = []

    def start(self, tag: int) -> None:
        element = (NAMES[tag >> 6][tag & 63], [])
        if self.open:
            self.open[-1][1].append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, tag: int) -> None:
        self.open.pop()

    def text(self, buf, off: int, end: int, at: int) -> None:
        content = self.open[-1][1]
        if content and isinstance(content[-1], bytes):
            content[-1] += bytes(buf[off:end])
        else:
            content.append(bytes(buf[off:end]))


def ours(octets: bytes, public=SYNCML):
    """The tree of the device's parser; a DDF document in an opaque as a tree of its own."""
    sink = Tree()
    parser = Parser(sink, PAGES, len(octets), public)
    parser.feed(octets, 0, len(octets))
    parser.close()
    return opened(sink.root) if public is SYNCML else sink.root


def opened(tree):
    name, content = tree
    made = []
    for part in content:
        if isinstance(part, tuple):
            made.append(opened(part))
        elif name == "Data" and part[:1] in b"\x01\x02\x03" and part[1:4] == b"\0\0\x6a":
            made.append(ours(part, DDF))
        else:
            made.append(part)
    return name, made


def meant(tree, libwbxml: bool = False):
    """The tree that was encoded, as decoders are to give it back.

    libwbxml: as that one prints it, with no names for DDF tokens that stand in a SyncML document,
    and one media type for both kinds of TNDS.
    """
    name, content = tree
    made = []
    for part in content:
        if isinstance(part, tuple):
            inline = libwbxml and part[0] == "MgmtTree" and not isinstance(part, Document)
            made.append(nameless(part) if inline else meant(tuple(part), libwbxml))
        elif part:
            made.append(TNDS_XML if libwbxml and part == TNDS_WBXML else bytes(part))
    return name, made


def nameless(tree):
    """A DDF tree without the names of its elements."""
    return "unknown", [nameless(part) if isinstance(part, tuple) else part for part in tree[1] if part]


CDATA = re.compile(rb"<!\[CDATA\[(.*?)\]\]>", re.S)


def theirs(octets: bytes, tool: str):
    """The tree in what wbxml2xml prints."""
    done = subprocess.run(
        [tool, "-k", "-m", "0", "-o", "-", "-"], input=octets, capture_output=True, timeout=30
    )
    text = done.stdout[: done.stdout.rfind(b">") + 1]
    if done.returncode or not text:
        raise ValueError(done.stdout + done.stderr)
    kept: list[bytes] = []

    def keep(found: re.Match) -> bytes:
        kept.append(found[1])
        return b"\xee\x80\x80%d\xee\x80\x81" % (len(kept) - 1)

    root = etree.fromstring(CDATA.sub(keep, text))
    return of_xml(root, kept)


KEPT = re.compile("\ue000(\\d+)\ue001")


def of_xml(node, kept: list[bytes]):
    texts = [node.text, *(child.tail for child in node)]
    content: list = []
    for text, child in zip(texts, [*node, None], strict=True):
        if text:
            octets = b"".join(
                kept[int(part)] if i & 1 else part.encode() for i, part in enumerate(KEPT.split(text))
            )
            content.append(octets)
        if child is not None:
            content.append(of_xml(child, kept))
    return etree.QName(node).localname, content


# -- what a device makes of the commands


class Calls:
    """A handler of commands that keeps every Item."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.items: list[tuple] = []

    def header(self, hdr) -> None:
        self.source = hdr.source

    def command(self, tag: int, cmd_id: bytes, item) -> None:
        octets = b""
        for i in range(0, len(item.data), 2):
            at, n = item.data[i : i + 2]
            octets += self.octets[at : at + n] if isinstance(at, int) else at
        size = None if item.size < 0 else b"%d" % item.size
        told = (NAMES[0][tag], cmd_id, item.target, item.target_parent, item.fmt, item.mime, size)
        self.items.append((*told, opened(("Data", [octets] if octets else []))[1]))

    def fail(self, tag: int, cmd_id: bytes, status: int) -> None:
        self.items.append((NAMES[0][tag], cmd_id, status))


def carried_out(octets: bytes) -> list[tuple]:
    """Every Item as the device's grammar hands it to the executor."""
    handler = Calls(octets)
    commands = Commands(handler)
    parser = Parser(commands, PAGES, len(octets))
    parser.feed(octets, 0, len(octets))
    parser.close()
    commands.close()
    return handler.items


def child(tree, *names: str):
    """Content of the element reached by these names, or None."""
    for name in names:
        found = [part for part in tree[1] if isinstance(part, tuple) and part[0] == name] if tree else []
        tree = found[0] if found else None
    return tree


def text(tree, *names: str) -> bytes | None:
    """Its text, or None."""
    found = child(tree, *names)
    return None if found is None else b"".join(found[1])


def plain(tree) -> tuple:
    """The message with those of its commands that a device carries out one by one."""
    header, body = tree[1]
    kept = [command for command in body[1] if command[0] in ("Add", "Replace", "Delete", "Exec", "Final")]
    return (tree[0], [header, (body[0], [command for command in kept if not inline(command)])])


def inline(tree) -> bool:
    """True when it holds DDF tokens without a document of their own."""
    if isinstance(tree, Document):
        return False
    return tree[0] == "MgmtTree" or any(inline(part) for part in tree[1] if isinstance(part, tuple))


def listed(tree) -> list[tuple]:
    """Every Item of such a message out of a tree, as `carried_out` gives it."""
    found = []
    for command in child(tree, "SyncBody")[1]:
        for item in command[1] if command[0] != "Final" else ():
            if item[0] != "Item":
                continue
            kinds = []
            for name in ("Format", "Type", "Size"):
                given = [
                    text(at, *way, name) for at in (item, command) for way in (("Meta",), ("Meta", "MetInf"))
                ]
                kinds.append(next((one for one in given if one is not None), None))
            where = text(item, "Target", "LocURI"), text(item, "TargetParent", "LocURI")
            data = child(item, "Data")
            found.append((command[0], text(command, "CmdID"), *where, *kinds, data[1] if data else []))
    return found
