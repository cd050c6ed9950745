"""Random messages for checks against other software: every element and every kind of text, from a seed.

What they mean is of no account: they are made to be canonicalised, signed, and read by others. `plain`
ones hold what every encoder of WBXML takes as it is.
"""

from __future__ import annotations

from random import Random

from dmtool import signing, tokens
from dmtool.element import Element, met, sync

WORDS = ["", "on", "off", "./Led/State", "urn:oma:mo:oma-fumo:1.0", "text/plain", "x" * 120, " ", "a b", "0"]
MARKS = list("&<>\"'=/;#%[]!?-") + ["]]>", "&amp;", "<!--", "-->", "<![CDATA[", "&#13;", "<Data>"]
SPACES = ["\r", "\n", "\t", "\r\n", "  ", "\x85", "\xa0", "\u2028", "\ufeff"]
LETTERS = ["ä", "é", "ß", "漢字", "\U0001d11e", "\ufffd", "\ud7ff", "\ue000", "e\u0301", "\x7f", "\x80"]
FORMATS = ["chr", "int", "bin", "bool", "xml", "b64", "node", "null", "float", "date", "time"]


def text(rng: Random, plain: bool = False) -> str:
    """Text of XML 1.0 of any kind."""
    kinds = [WORDS] if plain else [WORDS, WORDS, MARKS, SPACES, LETTERS]
    return "".join(rng.choice(rng.choice(kinds)) for _ in range(rng.choice((1, 1, 1, 2, 5))))


def content(rng: Random, plain: bool = False) -> list[Element | str | bytes]:
    """What Data may hold: text in one piece or several, opaque or not, or elements of a TNDS object."""
    if plain:
        return [text(rng, plain)]
    kind = rng.randrange(8)
    if kind == 0:
        return [ddf(rng, rng.randrange(4))]
    if kind == 1:
        return []
    pieces: list[Element | str | bytes] = []
    for _ in range(rng.choice((1, 1, 1, 1, 2, 3))):
        piece = text(rng)
        pieces.append(piece.encode() if rng.random() < 0.3 else piece)
    return pieces


def ddf(rng: Random, depth: int) -> Element:
    """Some elements of code page 2, with text between them now and then."""
    made = Element(tokens.DDF, rng.choice(list(tokens.TOKENS[tokens.DDF])))
    for _ in range(rng.randrange(4)):
        made.content.append(ddf(rng, depth - 1) if depth > 0 else text(rng))
    return made


def meta(rng: Random, plain: bool = False) -> Element:
    """Meta with some of its elements, in any order."""
    parts = [met("Format", rng.choice(FORMATS)), met("Type", text(rng, plain) or "text/plain")]
    if not plain:
        for name in ("Size", "Mark", "Version", "NextNonce", "MaxObjSize", "EMI"):
            if rng.random() < 0.2:
                parts.append(met(name, text(rng)))
        rng.shuffle(parts)
    return sync("Meta", *parts[: rng.randrange(1, len(parts) + 1)])


def item(rng: Random, plain: bool = False) -> Element:
    """An Item."""
    made = sync("Item", sync("Target", sync("LocURI", text(rng, plain) or ".")))
    if not plain and rng.random() < 0.2:
        made.content.append(sync("TargetParent", sync("LocURI", text(rng))))
    if rng.random() < 0.6:
        made.content.append(meta(rng, plain))
    if rng.random() < 0.8:
        made.content.append(sync("Data", *content(rng, plain)))
    return made


def command(rng: Random, depth: int, plain: bool = False) -> Element:
    """A command, perhaps with others in it."""
    if depth and rng.random() < 0.3:
        name = rng.choice(("Atomic", "Sequence"))
        inner = [command(rng, depth - 1, plain) for _ in range(rng.randrange(1, 4))]
    else:
        name = rng.choice(("Add", "Replace", "Delete", "Exec"))
        inner = [item(rng, plain) for _ in range(rng.randrange(1, 3))]
        if not plain and rng.random() < 0.2:
            inner.insert(0, meta(rng))
    return sync(name, sync("CmdID", str(rng.randrange(1, 10000))), *inner)


def message(seed: int, name: str, plain: bool = False) -> Element:
    """A message whose Cred/Data waits for a signature of `name`."""
    rng = Random(seed)
    source = sync("Source", sync("LocURI", "com.example.dms"))
    if rng.random() < 0.7:
        source.content.append(sync("LocName", name))
    header = sync(
        "SyncHdr",
        sync("VerDTD", "1.2"),
        sync("VerProto", "DM/1.3"),
        sync("SessionID", f"{rng.randrange(1, 0x10000):X}"),
        sync("MsgID", str(rng.randrange(1, 10000))),
        sync("Target", sync("LocURI", "urn:dev:mac:07")),
        source,
        signing.cred(),
    )
    commands = [command(rng, 2, plain) for _ in range(rng.randrange(1, 5))]
    return sync("SyncML", header, sync("SyncBody", *commands, sync("Final")))


def way(seed: int) -> dict:
    """How to encode it: version and string table."""
    rng = Random(seed ^ 0x5EED)
    return {"version": rng.choice(("1.1", "1.2", "1.3")), "string_table": rng.random() < 0.4}
