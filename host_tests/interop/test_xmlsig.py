"""XML-Signature against signxml and xmlsec1: what one signs all believe, what was changed nobody does.

The WBXML of a message is turned into XML by dmtool, and for a part by wbxml2xml of libwbxml; the
Signature travels as text in Cred/Data and is put back as an element. Some seeds here, 1000 in `make interop`.
"""

import os
import shutil
import subprocess
from random import Random

import generate
import pytest
import signers
from conftest import need_tool, run_make
from dmtool import account as accounts
from dmtool import document, verify, wbxml_decode, wbxml_encode
from lxml import etree
from omadm.c14n import Canonical
from omadm.codepages import PAGES
from omadm.wbxml import Parser

WHOLE = bool(os.environ.get("OMADM_INTEROP"))
MESSAGES = 1000 if WHOLE else 12
CANONICAL = 5000 if WHOLE else 200
PARTS = 20 if WHOLE else 2  # checks, so that several processes share the work
BATCH = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("xmlsig")


@pytest.fixture(scope="module")
def parties(folder):
    return signers.parties(folder)


def seeds(part: int, number: int) -> range:
    return range(part, number, PARTS)


@pytest.mark.row("R19")
@pytest.mark.parametrize("part", range(PARTS))
def test_canonical_xml_is_that_of_lxml(part) -> None:
    for seed in seeds(part, CANONICAL):
        message = generate.message(seed, signers.NAME)
        octets = wbxml_encode.encode(message, **generate.way(seed))
        wanted = document.canonical(document.tree(message))
        found = wbxml_decode.decode(octets)
        assert found.error is None and found.root is not None
        assert document.canonical(document.tree(found.root)) == wanted, seed
        out = bytearray()
        parser = Parser(Canonical(out.extend, lambda text: None), PAGES, len(octets))
        parser.feed(octets, 0, len(octets))
        parser.close()
        assert bytes(out) == wanted, seed


@pytest.mark.row("R19")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("signer", signers.SIGNERS)
def test_what_one_signs_all_believe(signer, part, parties, folder) -> None:
    if signer == "xmlsec1":
        need_tool("xmlsec1", "xmlsec1")
    batches: dict[str, list[bytes]] = {proof: [] for proof in accounts.PROOFS}
    for seed in seeds(part, MESSAGES):
        party = parties[accounts.PROOFS[seed % 3]]
        message = generate.message(seed, signers.NAME)
        signature = signers.SIGNERS[signer](message, party, folder)
        octets = signers.wire(message, signature, generate.way(seed))
        with signers.ecdsa_of_a_board():
            assert signers.device_believes(octets, party), (seed, signature)
        assert signers.dmtool_believes(octets, party), (seed, signature)
        batches[party.proof].append(signers.as_document(octets))
    for proof, documents in batches.items():
        for at in range(0, len(documents), BATCH):
            assert signers.xmlsec1_believes(documents[at : at + BATCH], parties[proof], folder), proof


def changed(octets: bytes, where: str, rng: Random) -> bytes:
    """The message with one octet of its content, or of one part of its signature, changed."""
    if where == "content":
        # A letter of SyncBody, or an octet of its tokens when there is none.
        start = octets.index(b"</Signature>" if b"</Signature>" in octets else b"Signature>")
        places = [at for at in range(start + 12, len(octets)) if chr(octets[at]).isalnum()]
    else:
        tag = where.encode() + b">"
        start = octets.index(tag) + len(tag)
        places = [at for at in range(start, octets.index(b"<", start)) if chr(octets[at]).isalnum()]
        if where != "KeyName":
            places.pop()  # some bits of the last are in no octet: xmlsec1 does not mind them, all else does
    at = rng.choice(places)
    other = rng.choice([octet for octet in b"ABCDEFxyz0123456789" if octet != octets[at]])
    return octets[:at] + bytes((other,)) + octets[at + 1 :]


@pytest.mark.row("R19", "R38")
@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_believes_a_mutant(part, parties, folder) -> None:
    need_tool("xmlsec1", "xmlsec1")
    told = list(signers.SIGNERS)
    for seed in seeds(part, MESSAGES):
        rng = Random(seed)
        party = parties[accounts.PROOFS[seed % 3]]
        message = generate.message(seed, signers.NAME)
        signature = signers.SIGNERS[told[seed // 3 % 3]](message, party, folder)
        octets = signers.wire(message, signature, {"version": "1.2"})
        for where in ("content", "DigestValue", "SignatureValue", "KeyName"):
            mutant = changed(octets, where, rng)
            with signers.ecdsa_of_a_board():
                assert not signers.device_believes(mutant, party), (seed, where)
            assert not signers.dmtool_believes(mutant, party), (seed, where)
            assert not signers.xmlsec1_believes([signers.as_document(mutant)], party, folder), (seed, where)


@pytest.mark.row("R19")
def test_through_wbxml2xml(parties, folder) -> None:
    """libwbxml reads the message; what it writes is verified by xmlsec1 and signxml."""
    tool = need_tool("wbxml2xml", "libwbxml2-utils")
    need_tool("xmlsec1", "xmlsec1")
    checked = 0
    for seed in range(300 if WHOLE else 6):
        party = parties[accounts.PROOFS[seed % 3]]
        message = generate.message(seed, signers.NAME, plain=True)
        octets = signers.wire(message, signers.by_dmtool(message, party, folder), {"version": "1.2"})
        (folder / "m.wbxml").write_bytes(octets)
        command = [tool, "-k", "-m", "0", "-o", str(folder / "m.xml"), str(folder / "m.wbxml")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        parser = etree.XMLParser(load_dtd=False, no_network=True, resolve_entities=False)
        root = etree.parse(str(folder / "m.xml"), parser).getroot()
        place = root.find(document.CRED_DATA)
        assert place is not None
        text, place.text = place.text, None
        place.append(document.parse(text.encode()))
        octets = document.canonical(root)
        assert signers.xmlsec1_believes([octets], party, folder), seed
        config = verify.SignatureConfiguration(
            location=f"./{document.CRED_DATA}/",
            require_x509=party.proof != "hmac",
            signature_methods=frozenset([signers.METHODS[party.proof]]),
        )
        key = (
            {"hmac_key": party.shared}
            if party.proof == "hmac"
            else {"x509_cert": verify._certificate(party.private.public_key())}
        )
        assert verify.XMLVerifier().verify(octets, expect_config=config, **key)
        checked += 1
    assert checked == (300 if WHOLE else 6)


@pytest.mark.row("R19")
def test_the_device_under_micropython(parties, folder, micropython, root) -> None:
    """What a stock board does, without a native module: RSA by pow(); ECDSA is not to be had."""
    make = signers.SIGNERS if shutil.which("xmlsec1") else {"dmtool": signers.by_dmtool}
    cases, wanted = [], []
    for seed in range(100 if WHOLE else 6):
        party = parties[accounts.PROOFS[seed % 3]]
        message = generate.message(seed, signers.NAME)
        for number, sign in enumerate(make.values()):
            octets = signers.wire(message, sign(message, party, folder), generate.way(seed))
            mutant = changed(
                octets, ("content", "DigestValue", "SignatureValue", "KeyName")[seed % 4], Random(seed)
            )
            for body in (octets, mutant) if number == seed % len(make) else (octets,):
                told = signers.DeviceAccount(party.account)
                words = (told.auth_type, told.name, told.key, told.nonce, told.public, body)
                cases.append(" ".join(word.hex() or "-" for word in words))
                wanted.append(body is octets and party.proof != "ecdsa")
    (folder / "cases").write_text("\n".join(cases))
    run_make("mpy")
    command = [micropython, "-X", "heapsize=256k", "host_tests/interop/on_micropython.py"]
    command += ["build/mpy/lib", str(folder / "cases")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == len(cases) + 1, done.stdout + done.stderr
    assert [line == "yes" for line in lines[:-1]] == wanted
    assert "no 174" in lines, "ECDSA without its module is a reason of its own"
