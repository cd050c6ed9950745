"""Pushes nobody would send: mutated, spliced, cut, lying, and some made of nothing.

case(seed, pair) gives (kind, body, header): the same for the same seed and pair, for ever. Kinds:

    random      octets of no message, under a wrong MAC
    header      a good body under a mutated x-syncml-hmac
    stolen      a mutated body under the MAC of the body it was
    flipped     signed: single bits and octets changed, pieces cut out or put in
    spliced     signed: whole elements doubled, dropped, swapped, put into one another
    tree        signed: a good SyncHdr, then elements and texts at random
    bomb        signed, and made to cost: depth, string tables, lengths, repetition
    good        as a server sends it
    signed      as a server sends it, with an XML signature, alone or beside the MAC
    forged      a signed body with another meaning, under its old signature alone

Random, header, stolen and forged must stop above the trust line; all others get behind it.
"""

import random
import re
from pathlib import Path

import messages as m
import sealed
from flow import lockstep
from fuzz import odd_objects
from sealed import Sealed

UNPROVED = ("random", "header", "stolen", "forged")
VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "wbxml"
KINDS = (*UNPROVED, "signed", "flipped", "flipped", "spliced", "spliced", "tree", "tree", "bomb", "good")
LONGEST = 16 * 1024 - 1
# Octets with a meaning: tokens, tags with and without content, code pages, lengths.
TOKENS = [
    bytes.fromhex(text)
    for text in """0000 0001 0002 0007 01 028120 0200 03 0300 0400 43 4400 8000 8300 83ff7f 84 c0 c300 c37f
    c38fffffff7f c3ffffffffff7f c4 45 48 50 51 53 54 60 64 6b 6c 6d 12 34 4f 57 5a""".split()
]
URIS = (
    [b"./P/Fixed", b"./P/Run", b"./P/Go", b"./P/Open/x", b"./P/Open/x/y", b"./P", b".", b"./D", b"./D/leaf"]
    + [b"./Inbox", b"./DMAcc/A/AppAuth/S/AAuthSecret", b"./DMAcc", b"./P/New", b"./X/Y/Z", b"./X", b"./X/Y"]
    + [b"./P/Fixed?prop=ACL", b"./X?prop=Name", b"./D?prop=Name", b"./P/Fixed?prop=Title", b"./X?prop=ACL"]
    + [b"./" + b"a/" * 20 + b"b", b"./" + b"n" * 200, b"MOID=urn:x", b"./P?MOID=urn:x", b"./\xc3\xa9"]
    + [b"./\xff", b"./D/" + b"d/" * 12 + b"e", b"./D?list=Struct", b""]
)
VALUES = [
    b"",
    b"1",
    b"true",
    b"Get=*&Replace=*",
    b"QUJD",
    b"QUJ D=",
    b"x" * 300,
    bytes(range(256)),
    None,
    b"n1",
] + [b"-1.5e3", b"/", b"Add=*&Delete=A&Exec=*&Get=*&Replace=*", b"v" * 3000, b"\x00", b"\xed\xa0\x80"]
VALUES += [Sealed(b"1"), Sealed(b""), Sealed(b"s" * 300), Sealed(b"c" * 2500)]
FORMATS = [None, None, None, "chr", "int", "bool", "node", "b64", "bin", "null", "xml", "float", "what"]
TYPES = [None, None, b"text/plain", b"", b"urn:oma:mo:oma-dm-dmacc:1.1", b"t" * 300]
TYPES += [b"application/vnd.syncml.dmtnds+wbxml"]


def command(rng, number, depth=0):
    """One random command in the form of model.py."""
    cmd_id = str(rng.choice((number,) * 9 + (1, 0, 70000, "x" * 40)))
    if depth < 3 and rng.random() < 0.2:
        inner = [command(rng, 10 * number + i, depth + 1) for i in range(rng.randrange(4))]
        return rng.choice(("atomic", "sequence")), cmd_id, inner
    kind = rng.choice(("add", "add", "add", "replace", "replace", "delete", "exec"))
    if rng.random() < 0.15:
        place, data = odd_objects.place(rng), odd_objects.object(rng, flipped)
        return (
            kind,
            cmd_id,
            place,
            data,
            rng.choice(FORMATS),
            rng.choice((odd_objects.TYPE, odd_objects.TYPE, None)),
        )
    return kind, cmd_id, rng.choice(URIS), rng.choice(VALUES), rng.choice(FORMATS), rng.choice(TYPES)


# --- octets


def flipped(rng, body):
    """The body with one to four mistakes in its octets."""
    body = bytearray(body)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(body))
        end = min(len(body), at + rng.choice((1, 1, 2, 8, 40)))
        how = rng.randrange(7)
        if how == 0:
            body[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            body[at] = rng.randrange(256)
        elif how == 2:
            del body[at:end]
        elif how == 3:
            body[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 2, 30))
        elif how == 4:
            body[at:at] = body[at:end] * rng.choice((1, 2, 20))
        elif how == 5:
            body[at:end] = rng.choice(TOKENS)
        else:
            del body[at:]
        if not body:
            body = bytearray(b"\x02")
    return bytes(body)


# --- elements


def after_number(body, at):
    """The offset behind a mb_u_int32."""
    while body[at] & 0x80:
        at += 1
    return at + 1


def value(body, at):
    """The mb_u_int32 at an offset."""
    n = 0
    while body[at] & 0x80:
        n = n << 7 | body[at] & 0x7F
        at += 1
    return n << 7 | body[at]


def elements(body):
    """(start, end) of each element of a good message, in the order of their ends."""
    at = after_number(body, 4) + value(body, 4)
    spans = []
    open_at = []
    while at < len(body):
        start = at
        token = body[at]
        at += 1
        if token == 0:
            at += 1
        elif token == 1:
            spans.append((open_at.pop(), at))
        elif token == 3:
            at = body.index(0, at) + 1
        elif token == 0xC3:
            at = after_number(body, at) + value(body, at)
        elif token in (2, 0x83):
            at = after_number(body, at)
        elif token & 0x40:
            open_at.append(start)
        else:
            spans.append((start, at))
    return spans


def spliced(rng, body):
    """The body with one to three mistakes in the order of its elements; page switches may go astray."""
    for _ in range(rng.randrange(1, 4)):
        try:
            spans = elements(body)
        except (IndexError, ValueError):
            return body
        if len(spans) < 3:
            return body  # too little is left to splice
        # Below the root, and most often below SyncBody: these come last but one.
        start, end = rng.choice(spans[:-1] if rng.random() < 0.3 else spans[len(spans) // 3 : -1])
        one = body[start:end]
        how = rng.randrange(5)
        if how == 0:
            body = body[:end] + one * rng.choice((1, 1, 3, 40)) + body[end:]
        elif how == 1:
            body = body[:start] + body[end:]
        elif how == 2:
            at, _ = rng.choice(spans)
            body = body[:at] + one + body[at:]
        elif how == 3:
            _, at = rng.choice(spans)
            body = body[: at - 1] + one + body[at - 1 :]
        else:
            start2, end2 = rng.choice(spans)
            if end <= start2:
                body = body[:start] + body[start2:end2] + body[end:start2] + one + body[end2:]
    return body


def anything(rng, depth):
    """Elements, texts and page switches at random; on page 0 most often what stands in commands."""
    out = b""
    for _ in range(rng.randrange(1, 6)):
        how = rng.randrange(40)
        if how == 0:
            out += bytes((0, rng.randrange(3)))
        elif how < 5:
            out += rng.choice((m.text(rng.choice(URIS).replace(b"\0", b"")), m.opaque(rng.choice(URIS))))
        elif how == 5:
            out += rng.choice(TOKENS)
        else:
            likely = b"\x05\x08\x0b\x0f\x10\x11\x14\x17\x1a\x20\x24\x2e\x3a\x3c\x07"
            tag = rng.choice(likely) if how < 39 else rng.randrange(5, 0x3D)
            if depth and rng.random() < 0.8:
                out += m.element(tag, anything(rng, depth - 1))
            else:
                out += m.element(tag, m.text(b"%d" % rng.randrange(99)))
    return out


def bomb(rng, body):
    """A body that tries to make the device work or allocate."""
    n = rng.choice((20, 33, 400, 3000, 15000))
    front, rear = body[:-3], body[-3:]
    return rng.choice(
        (
            body[:5] + b"\x6d" * n,
            body[:5] + b"\x6d\x6b" + b"\x48" * n + b"\x01" * n,
            body[:4] + lockstep.number(900) + b"t" * 899 + b"\0" + b"\x6d\x6c\x71" + b"\x83\x00" * n,
            body[:4] + b"\x8f\xff\xff\xff\x7f" + body[5:],
            front + m.replace(9, b"./P/Fixed", b"1", b"int") * (n // 20) + rear,
            front + b"\x00\x00\x00\x01" * n + rear,
            front + m.execute(9, b"./P/Run", b"x" * 600) + b"\x52" * n + rear,
            front + m.atomic(9, *[m.add(10 + i, b"./D/N%d" % i, b"v" * 20) for i in range(n // 10)]) + rear,
            front + m.add(8, b"./X/Y/Z") + m.replace(9, b"./X?prop=Name", b"X") * (n // 40) + rear,
            front
            + m.element(0x20, m.element(0x0B, m.text(b"9")), m.item(b"./D/leaf", b"x") * (n // 20))
            + rear,
            front + m.element(0x05, b"\x4b" + b"\x02\x41" * n + b"\x01") + rear,
            front + m.add(7, b"./D" + b"/e" * 13, b"1") + m.delete(8, b"./D/e") * (n // 30) + rear,
        )
    )


def meaning(header):
    """What a value of x-syncml-hmac says, whatever its spelling."""
    found = re.findall(r"\s*(\w+)\s*=\s*(\"[^\"]*\"|[^,\"]*)\s*(?:,|$)", header)
    said = {name.lower(): value.strip() for name, value in found}
    return said.get("algorithm", "").upper(), said.get("username"), said.get("mac", "").rstrip("=")


def mutated_header(rng, header):
    """A value of x-syncml-hmac that says another thing: octets, or text no header can hold."""
    good = header
    while meaning(header) == meaning(good):
        header = good
        octets = bytearray(header.encode("latin-1", "replace"))
        for _ in range(rng.randrange(1, 4)):
            octets[rng.randrange(len(octets))] = rng.choice(b'",=\\ \x00\x7f\xffAa/+')
        header = bytes(octets[: rng.choice((len(octets), rng.randrange(1, len(octets))))]).decode("latin-1")
        header *= rng.choice((1, 1, 1, 20))
        if rng.random() < 0.2:
            header = header.replace("m", rng.choice(("\u20ac", "\U0001f600", "M", "")))
    return header


def borrowed():
    """(string table, SyncBody) of the third-party vectors that have both."""
    found = []
    for path in sorted(VECTORS.glob("*.wbxml")):
        body = path.read_bytes()
        try:
            spans = [span for span in elements(body) if body[span[0]] == 0x6B]
        except (IndexError, ValueError):
            continue
        for start, end in spans[:1]:
            at = after_number(body, 4)
            found.append((body[at : at + value(body, 4)], body[start:end]))
    return found


BORROWED = borrowed()


def case(seed, pair):
    """(kind, body, header) of this seed; pair(server) is the next number it may use."""
    rng = random.Random(seed)
    server = rng.choice((b"A", b"B"))
    signer = lockstep.SERVERS[server]
    kind = rng.choice(KINDS)
    encoder = lockstep.Encoder(rng.randrange if rng.random() < 0.7 else lockstep.plain)
    commands = [command(rng, i + 1) for i in range(rng.randrange(1, 7))]
    body, header = encoder.message(signer, *pair(server), commands)
    if rng.random() < 0.2:
        # What other encoders make of a SyncBody, behind our SyncHdr.
        table, rest = rng.choice(BORROWED)
        body, _ = signer.message(*pair(server), b"")
        body = b"\x02\xa4\x01\x6a" + m.opaque(table)[1:] + body[5:-4] + rest + b"\x01"
        header = signer.header(body)
    good = body
    if kind in ("signed", "forged"):
        body = sealed.signed(good, signer)
        if body is None or len(body) > LONGEST:
            kind, body = "good", good  # too long to be signed
    if kind in ("signed", "forged"):
        header = "" if kind == "forged" or rng.random() < 0.5 else signer.header(body)
        meant, mutant = sealed.canonical(body), body
        while kind == "forged" and (mutant == body or sealed.canonical(mutant) == meant):
            mutant = rng.choice((flipped, spliced))(rng, body)
        body = mutant
    elif kind == "random":
        body = bytes(rng.randrange(256) for _ in range(rng.choice((0, 1, 5, 60, 2000))))
    elif kind == "header":
        header = mutated_header(rng, header)
    elif kind == "stolen":
        while body == good:
            body = rng.choice((flipped, spliced))(rng, body)
    elif kind == "tree":
        last = body.rindex(b"\x6b")
        body = body[: last + 1] + anything(rng, 5) + b"\x12\x01\x01"
    elif kind not in ("good", "signed", "forged"):
        body = {"flipped": flipped, "spliced": spliced, "bomb": bomb}[kind](rng, body)
    if kind not in (*UNPROVED, "signed"):
        body = body[:LONGEST]
        header = signer.header(body)
    return kind, body[:LONGEST], header
