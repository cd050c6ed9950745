"""SMS nobody would send, and lines no modem should say.

case(seed, pair) gives (kind, seconds, token, press, octets) as radio.py takes them; pair(server) is the next
number that server may use. Kinds:

    pdu     octets of single SMS changed, cut, put in; lengths that lie; headers at random
    wsp     the push changed, then cut into SMS as it should be
    parts   good parts: some missing, twice, in any order, of ten messages at once, of too many, of none
    text    what the modem says changed, cut, interleaved, without end
    good    a push that is applied
"""

import random

from dmtool import wsp_encode
from flow import lockstep
from sms_made import PORTS, deliver

KINDS = ("pdu", "pdu", "pdu", "wsp", "wsp", "parts", "text", "text", "good")
SAID = [
    b"\r\n", b"OK\r\n", b"ERROR\r\n", b"+CMT: ", b"+CMT: ,160\r\n", b'+CMTI: "SM",3\r\n', b"+CMGL: 1,0,,",
    b"> ",
    b"+CMS ERROR: 322\r\n", b"+CMGR: 0,,23\r\n", b"+CDS: 26\r\n", b"RING\r\n", b"\0", b"\xff" * 40, b",",
    b"\r",
    b'+CMTI: "ME",99999\r\n', b"A" * 500, b"07", b"^BOOT: 1,0\r\n", b"+CMT: ,0\r\n\r\n", b'"' * 9,
]  # fmt: skip
SENDERS = (b"\x08\x91\x51\x55\x10\x32", b"\x0e\xd0\xc4\xe6\xb4\x2c\xb7\x97\xe5", b"\x00\x81")


def changed(rng, octets, front, times=4):
    """The octets with some mistakes, most of them in the front."""
    octets = bytearray(octets)
    for _ in range(rng.randrange(1, times + 1)):
        at = rng.randrange(min(len(octets), front) if rng.random() < 0.8 else len(octets)) if octets else 0
        end = at + rng.choice((1, 1, 2, 9))
        how = rng.randrange(6)
        if how == 0 and octets:
            octets[at] ^= 1 << rng.randrange(8)
        elif how == 1 and octets:
            octets[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif how == 2:
            del octets[at:end]
        elif how == 3:
            octets[at:at] = bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5)))
        elif how == 4:
            octets[at:at] = octets[at:end] * rng.choice((1, 2, 12))
        else:
            del octets[at:]
    return bytes(octets)


def elements(rng):
    """A user data header at random."""
    ies = b""
    for _ in range(rng.randrange(5)):
        ies += rng.choice(
            (
                PORTS,
                bytes((0, 3, rng.randrange(4), rng.randrange(256), rng.randrange(256))),
                bytes((8, 4, 0, rng.randrange(4), rng.randrange(256), rng.randrange(256))),
                bytes((4, 2, 0xF0, 0xF1)),
                bytes((rng.randrange(256), 2, 0, 0)),
                bytes((rng.randrange(256), rng.randrange(256))),
            )
        )
    return ies[:130]


def split(rng, push, reference, total=None, size=None):
    """The SMS of a push."""
    size = size or rng.choice((128, 128, 128, 40))
    pieces = [push[at : at + size] for at in range(0, len(push), size)] or [b""]
    total = total or len(pieces)
    if total == 1:
        return [deliver(PORTS, pieces[0])]
    sender, second = rng.choice(SENDERS), rng.randrange(60)
    wide = rng.random() < 0.3 and size < 128
    found = []
    for i, piece in enumerate(pieces):
        concat = bytes((0, 3, reference & 255, total & 255, i + 1 & 255))
        if wide:
            concat = bytes((8, 4, 7, reference & 255, total & 255, i + 1 & 255))
        found.append(
            deliver(concat + PORTS if rng.random() < 0.5 else PORTS + concat, piece, sender, second=second)
        )
    return found


def line(rng, pdu):
    """An SMS as a modem says it; its length is right, as far as there is one."""
    length = len(pdu) - 1 - pdu[0] if pdu else 0
    head = rng.choice(
        (b"+CMT: ,%d", b"+CMT: %d", b'+CMT: "x",%d', b"+CMGR: 0,,%d", b"+CMGL: 7,1,,%d", b"+CDS: %d")
    )
    return b"\r\n" + head % length + b"\r\n" + pdu.hex().upper().encode() + b"\r\n"


def message(rng, pair):
    """A good push, as octets of WSP."""
    server = rng.choice((b"A", b"B"))
    commands = [("replace", "1", b"./P/Fixed", b"%d" % rng.randrange(99), None, None)]
    if rng.random() < 0.3:
        commands.append(("add", "2", b"./D/N%d" % rng.randrange(9), b"v" * rng.randrange(400), "chr", None))
    body, header = lockstep.Encoder().message(lockstep.SERVERS[server], *pair(server), commands)
    app_id = rng.choice((None, 7, "x-wap-application:syncml.dm"))
    kind = rng.choice((wsp_encode.DM_WBXML, wsp_encode.DM_WBXML_TEXT))
    return wsp_encode.push(body, header, app_id, rng.random() < 0.5, kind, transaction=rng.randrange(256))


def case(seed, pair, kind=None):
    """The case of this seed; of that kind, if it has to be one."""
    rng = random.Random(seed)
    kind = kind or rng.choice(KINDS)
    push = message(rng, pair)
    if kind == "wsp":
        push = changed(rng, push, 60)
    pdus = split(rng, push, rng.randrange(256))
    if kind == "pdu":
        pdus = [
            changed(rng, pdu, 40) if rng.random() < 0.7 else deliver(elements(rng), pdu[-20:]) for pdu in pdus
        ]
    elif kind == "parts":
        how = rng.randrange(5)
        if how == 0:
            pdus = rng.sample(pdus * 3, rng.randrange(1, 3 * len(pdus) + 1))
        elif how == 1:
            pdus = [
                pdu for n in range(10) for pdu in split(rng, message(rng, pair), n)[: rng.randrange(1, 4)]
            ]
            rng.shuffle(pdus)
        elif how == 2:
            pdus = split(rng, push * 3, 9, total=rng.choice((255, 100, 61, 60, 200, 1 << 8)))
        elif how == 3:
            pdus = split(rng, bytes(rng.randrange(256) for _ in range(200)) * 20, 9)
        else:
            pdus = pdus[:-1]
    elif kind in ("good", "wsp") and rng.random() < 0.5:
        rng.shuffle(pdus)
    octets = b"".join(line(rng, pdu) for pdu in pdus)
    if kind == "good":
        octets = b"\r\n" + octets.replace(b"+CDS: ", b"+CMT: ,")
    elif kind == "text":
        octets = changed(rng, octets, len(octets))
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(octets) + 1)
            octets = octets[:at] + rng.choice(SAID) + octets[at:]
    seconds = rng.choice((0, 0, 1, 5, 30, 400))
    return kind, seconds, rng.choice((-1, rng.randrange(200))), int(rng.random() < 0.5), octets[:40000]
