"""TNDS objects that nobody would send, and addresses to send them to."""

import objects as o
import subtrees

TYPE = b"application/vnd.syncml.dmtnds+wbxml"
NAMES = [b"a", b"b", b"c", b"d", b"ConRef", b"Ext", b"leaf", b"", b"n" * 40, b"1", b"2", b"3"]
VALUES = [
    b"",
    b"1",
    b"true",
    b"QUJD",
    b"x" * 300,
    b"./Inbox/.",
    b"./Inbox/a",
    b"./Inbox/b/c",
    b"v" * 3000,
    b"-1.5e3",
    b"\xff<&",
]
PLACES = [
    b"./Inbox",
    b"./Inbox",
    b"./D",
    b"./X",
    b"./New/er",
    b".",
    b"./D/leaf",
    b"./P",
    b"./DMAcc",
    b"./Mo/X/a",
]
BELOW = ((), (b"a",), (b"?prop=Title",), (b"b", [(b"a", b"1")]))
PLACES += [subtrees.Virtual(b"urn:x:1.0", *more) for more in BELOW]
PLACES += [subtrees.Virtual(b"urn:nap:1.0", b"", [(b"leaf", b"")] * 8, b"./Conn")]


def place(rng):
    """An address, perhaps a virtual one."""
    return rng.choice(PLACES)


def node(rng, depth):
    """A node of an object, most often one that fits."""
    has = {"value": rng.choice(VALUES)} if rng.random() < 0.7 else {}
    if rng.random() < 0.1:
        has["path"] = rng.choice((b"a", b"b", b"a/b", b".", b"..", b"", b"a?prop=ACL", b"./a", b"Ext"))
    if rng.random() < 0.2:
        has["acl"] = rng.choice((b"Get=*", b"Add=*&Delete=*&Get=*&Replace=*", b"Replace=A", b"x"))
    below = [node(rng, depth - 1) for _ in range(rng.randrange(4))] if depth else []
    if below:
        has.pop("value", None)
    fmt = rng.choice((None, None, None, "int", "bin", "b64", "node"))
    kind = rng.choice((None, None, b"urn:x:1.0", b"urn:nap:1.0", b"text/x", b"urn:oma:mo:oma-dm-dmacc:1.1"))
    return subtrees.tree(rng.choice(NAMES), *below, fmt=None if below else fmt, type=kind, **has)


def object(rng, flipped):
    """A TNDS object, whole or as octets that are not quite one."""
    tnds = subtrees.Tnds(*(node(rng, 3) for _ in range(rng.randrange(1, 4))))
    if rng.random() < 0.5:
        return tnds
    octets = tnds.octets(rng.randrange(3))
    how = rng.randrange(8)
    if how < 5:
        return (flipped, flipped, swapped, swapped, flipped)[how](rng, octets)
    n = rng.choice((40, 400, 2500))
    return (
        o.HEAD + b"\0\2\x60\x77\x031.2\0\1" + b"\x64\x66\x03n\0\1" * n,
        b"<MgmtTree><VerDTD>1.2</VerDTD>" + b"<Node><NodeName>&lt;</NodeName>" * n,
        b"<MgmtTree><VerDTD>1.2</VerDTD><Node><NodeName>n</NodeName><Value>" + b"&amp;<!-- -->" * n,
        o.HEAD + b"\0\2\x60\x77\x031.2\0\1" + b"".join(b"\x64\x66\x03%d\0\1\1" % i for i in range(n)) + b"\1",
    )[rng.randrange(4)]


def swapped(rng, octets):
    """Text with a piece of it somewhere else once more."""
    at, end, to = sorted(rng.randrange(len(octets) + 1) for _ in range(3))
    return rng.choice((octets[:to] + octets[at:end] + octets[to:], octets[:at] + octets[end:]))
