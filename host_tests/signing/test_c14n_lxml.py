"""Canonical XML by the device's code from WBXML, octet for octet as lxml has it from XML.

Random documents, far from any message: elements of all three pages in one another, texts with
everything that is escaped, opaque octets, empty elements, with and without a string table. 5,000 of
them in `make interop`, some of them in every run. And xmlsec1 and signxml have signed some messages,
which the device's reader takes.
"""

import os
import random

import messages as m
import pytest
import xmlsign
from conftest import need_tool
from dmtool import tokens
from dmtool.element import Element, met, sync
from dmtool.wbxml_encode import encode
from omadm.c14n import Canonical, name
from omadm.codepages import PAGES
from omadm.signature import Proof
from omadm.wbxml import Parser

WHOLE = bool(os.environ.get("OMADM_INTEROP"))
DOCUMENTS = 5000 if WHOLE else 250
SIGNED = 100 if WHOLE else 4
ALPHABET = "abcXYZ019 ./?=&<>\"'\t\n\r;[]]>\u00e4\u20ac\U0001f600\u2028\x7f\x85"


def device(octets, step):
    """What the device's code makes of a document that comes in pieces of `step` octets."""
    out = bytearray()
    parser = Parser(Canonical(out.extend, lambda octets: None), PAGES, len(octets))
    for at in range(0, len(octets), step):
        parser.feed(octets, at, min(at + step, len(octets)))
    parser.close()
    return bytes(out)


def text(rng):
    size = rng.choice((0, 1, 1, 3, 8, 8, 20, 127, 128, 129, 600))
    return "".join(rng.choice(ALPHABET) for _ in range(size))


def element(rng, depth):
    """A random element with what is in it."""
    page = rng.choice((0, 0, 0, 1, 2))
    made = Element(page, rng.choice(list(tokens.TOKENS[page])), [])
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 5))):
        what = rng.random()
        if what < 0.5 and depth < 24:
            made.content.append(element(rng, depth + rng.choice((1, 4, 9))))
        elif what < 0.85:
            made.content.append(text(rng))
        else:
            made.content.append(text(rng).encode())
    return made


def document(rng):
    """A random document; sometimes with SyncHdr/Cred/Data, empty, where a signature would be."""
    parts = [part for _ in range(rng.randrange(4)) if (part := element(rng, 2)).name != "SyncHdr"]
    if rng.random() < 0.3:
        parts.insert(0, sync("SyncHdr", met("Mem", text(rng)), sync("Cred", met("Format"), sync("Data"))))
    return sync("SyncML", *parts)


def test_names_are_those_of_the_other_side():
    for page in range(3):
        known = tokens.NAMES[page]
        assert [name(page << 6 | n) for n in range(64)] == [known.get(n, "").encode() for n in range(64)]


@pytest.mark.row("R19")
@pytest.mark.parametrize("part", range(10))
def test_octets_are_those_of_lxml(part):
    rng = random.Random(part)
    for _ in range(DOCUMENTS // 10):
        tree = document(rng)
        octets = encode(tree, version=rng.choice(("1.1", "1.2", "1.3")), string_table=rng.random() < 0.3)
        wanted = xmlsign.canonical(xmlsign.as_xml(tree))
        assert device(octets, rng.choice((len(octets), len(octets), 256, 7, 1))) == wanted


class Account:
    """What check_value looks at."""

    def __init__(self, auth_type, public=b""):
        self.name, self.key, self.nonce = m.USER, m.KEY, m.NONCE
        self.auth_type, self.public = auth_type, public


@pytest.fixture(scope="module")
def keys():
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    return {
        "hmac-sha256": (m.KEY + b":" + m.NONCE, Account(b"HMAC")),
        "rsa-sha256": (key, Account(b"RSA", xmlsign.public(key))),
    }


def value(rng):
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(80)))


@pytest.mark.row("R19")
@pytest.mark.parametrize("how", [xmlsign.by_hand, xmlsign.by_signxml, xmlsign.by_xmlsec1])
@pytest.mark.parametrize("method", ["hmac-sha256", "rsa-sha256"])
def test_signed_by_others(how, method, keys):
    if how is xmlsign.by_xmlsec1:
        need_tool("xmlsec1", "xmlsec1")
    key, account = keys[method]
    rng = random.Random(method)
    server, target, user = m.SERVER.decode(), m.DEVICE.decode(), m.USER.decode()
    for number in range(1, 1 + SIGNED // 2):
        items = [
            sync("Item", sync("Target", sync("LocURI", "./A/B")), sync("Data", value(rng)))
            for _ in range(rng.randrange(1, 4))
        ]
        command = sync("Replace", sync("CmdID", "1"), sync("Meta", met("Type", "text/plain")), *items)
        made = xmlsign.message(1, number, target, server, user, command)
        octets = xmlsign.wbxml(made, how(made, method, key, user), string_table=rng.random() < 0.3)
        proof = Proof((account,), len(octets))
        proof.parser.feed(octets, 0, len(octets))
        assert proof.close() is account
        at = octets.rindex(b"text/plain") + rng.randrange(10)
        bad = octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :]
        proof = Proof((account,), len(bad))
        with pytest.raises(Exception, match="173"):
            proof.parser.feed(bad, 0, len(bad))
            proof.close()
