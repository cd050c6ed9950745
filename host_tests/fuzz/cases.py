"""Pushes nobody would send: mutated, spliced, cut, lying, and some made of nothing.

case(seed) gives (kind, body, header, server): the same for the same seed, for ever. Kinds:

    random      octets of no message, under a wrong MAC
    header      a good body under a mutated x-syncml-hmac
    stolen      a mutated body under the MAC of the body it was
    signed      a mutated body, signed anew: it gets behind the trust line
    bomb        signed, and made to cost: depth, string tables, lengths, repetition
    good        as a server sends it
"""

import random

import messages as m
from flow import lockstep

KINDS = ("random", "header", "stolen", "signed", "signed", "signed", "bomb", "good")
# Octets with a meaning: tokens, tags with and without content, code pages, lengths.
TOKENS = (
    b"\x00\x00",
    b"\x00\x01",
    b"\x00\x02",
    b"\x00\x07",
    b"\x01",
    b"\x02\x81\x20",
    b"\x02\x00",
    b"\x03",
    b"\x03\x00",
    b"\x04\x00",
    b"\x43",
    b"\x44\x00",
    b"\x80\x00",
    b"\x83\x00",
    b"\x83\xff\x7f",
    b"\x84",
    b"\xc0",
    b"\xc3\x00",
    b"\xc3\x7f",
    b"\xc3\x8f\xff\xff\xff\x7f",
    b"\xc3\xff\xff\xff\xff\xff\x7f",
    b"\xc4",
    b"\x45",
    b"\x48",
    b"\x50",
    b"\x51",
    b"\x53",
    b"\x54",
    b"\x60",
    b"\x64",
    b"\x6b",
    b"\x6c",
    b"\x6d",
    b"\x12",
    b"\x34",
    b"\x4f",
    b"\x57",
    b"\x5a",
)
URIS = (
    b"./P/Fixed",
    b"./P/Run",
    b"./P/Go",
    b"./P",
    b".",
    b"./Inbox",
    b"./DMAcc/A/AppAuth/S/AAuthSecret",
    b"./DMAcc",
    b"./P/New",
    b"./X/Y/Z",
    b"./P/Fixed?prop=ACL",
    b"./P?prop=Name",
    b"./P/Fixed?prop=Title",
    b"./" + b"a/" * 20 + b"b",
    b"./" + b"n" * 200,
    b"MOID=urn:x",
    b"./P?MOID=urn:x",
    b"./\xc3\xa9",
    b"./\xff",
)
VALUES = (b"", b"1", b"true", b"Get=*&Replace=*", b"QUJD", b"x" * 300, bytes(range(256)), None)
FORMATS = (None, "chr", "int", "bool", "node", "b64", "bin", "null", "xml", "what")
TYPES = (
    None,
    b"text/plain",
    b"urn:oma:mo:oma-dm-dmacc:1.1",
    b"application/vnd.syncml.dmtnds+wbxml",
    b"t" * 300,
)


def command(rng, number, depth=0):
    """One random command in the form of model.py."""
    cmd_id = str(rng.choice((number, number, number, 1, 0, 70000)))
    if depth < 2 and rng.random() < 0.2:
        inner = [command(rng, 10 * number + i, depth + 1) for i in range(rng.randrange(4))]
        return rng.choice(("atomic", "sequence")), cmd_id, inner
    kind = rng.choice(("add", "add", "replace", "replace", "delete", "exec"))
    return kind, cmd_id, rng.choice(URIS), rng.choice(VALUES), rng.choice(FORMATS), rng.choice(TYPES)


def mutated(rng, body):
    """The body with one to four mistakes in it."""
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
    return bytes(body[:16000])


def bomb(rng, body):
    """A signed body that tries to make the device work or allocate."""
    n = rng.choice((20, 33, 400, 3000))
    return rng.choice(
        (
            body[:5] + b"\x6d" * n,
            body[:5] + b"\x6d\x6b" + b"\x48" * n + b"\x01" * n,
            body[:4] + lockstep.number(900) + b"t" * 899 + b"\0" + b"\x6d\x6c\x71" + b"\x83\x00" * n,
            body[:4] + b"\x8f\xff\xff\xff\x7f" + body[5:],
            body[:-3] + m.replace(9, b"./P/Fixed", b"1", b"int") * (n // 20) + body[-3:],
            body[:-3] + b"\x00\x00\x00\x01" * n + body[-3:],
            body[:-3] + m.execute(9, b"./P/Run", b"x" * 600) + b"\x52" * n + body[-3:],
            body[:-3]
            + m.atomic(9, *[m.add(10 + i, b"./P/N%d" % i, b"v" * 20) for i in range(n // 10)])
            + body[-3:],
        )
    )


def case(seed, pair):
    """(kind, body, header, server) of this seed; pair(server) is the next number it may use."""
    rng = random.Random(seed)
    server = rng.choice((b"A", b"B"))
    signer = lockstep.SERVERS[server]
    kind = rng.choice(KINDS)
    encoder = lockstep.Encoder(rng.randrange if rng.random() < 0.7 else lockstep.plain)
    commands = [command(rng, i + 1) for i in range(rng.randrange(1, 7))]
    body, header = encoder.message(signer, *pair(server), commands)
    if kind == "random":
        body = bytes(rng.randrange(256) for _ in range(rng.choice((1, 5, 60, 2000))))
    elif kind == "header":
        octets = bytearray(header.encode())
        for _ in range(rng.randrange(1, 4)):
            octets[rng.randrange(len(octets))] = rng.choice(b'",=\\ \x00\x7f\xffAa/+')
        header = bytes(octets[: rng.choice((len(octets), rng.randrange(len(octets))))]).decode("latin-1")
        header *= rng.choice((1, 1, 1, 20))
    elif kind == "stolen":
        good = body
        while body == good:
            body = mutated(rng, body)
    elif kind in ("signed", "bomb"):
        body = (mutated if kind == "signed" else bomb)(rng, body)[: 16 * 1024]
        header = signer.header(body)
    return kind, body, header, server
