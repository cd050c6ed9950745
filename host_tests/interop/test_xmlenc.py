"""XML-Encryption with xmlsec1, both ways: it decrypts what dmtool encrypts, and devices what it encrypts."""

import os
import subprocess
from random import Random

import generate
import pytest
import signers
from conftest import need_tool
from dmtool import account as accounts
from dmtool import compose, encryption, provision
from dmtool import image as images
from dmtool.element import met, sync
from omadm.push import Push
from omadm.spool import Spool

VALUES = 100 if os.environ.get("OMADM_INTEROP") else 6
CIPHERS = list(encryption.CIPHERS)
TEMPLATE = """<?xml version="1.0"?>
<xenc:EncryptedData xmlns:xenc="{xenc}" Type="syncml:metinf#{fmt}" MimeType="text/x-test">
  <xenc:EncryptionMethod Algorithm="{method}"/>
  <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
    <ds:KeyName>{name}</ds:KeyName>
  </ds:KeyInfo>
  <xenc:CipherData>
    <xenc:CipherValue/>
  </xenc:CipherData>
</xenc:EncryptedData>
"""


@pytest.fixture(scope="module")
def xmlsec1():
    return need_tool("xmlsec1", "xmlsec1")


def value(rng: Random) -> bytes:
    """Text or octets, of lengths around blocks and far from them."""
    if rng.random() < 0.5:
        return generate.text(rng).encode()
    return rng.randbytes(rng.choice((0, 1, 15, 16, 17, 31, 32, 100, 255, 256, 257, 3000)))


@pytest.mark.row("R20")
@pytest.mark.parametrize("cipher", CIPHERS)
def test_xmlsec1_reads_what_dmtool_encrypts(cipher, xmlsec1, tmp_path) -> None:
    for seed in range(VALUES):
        rng = Random(seed)
        key = rng.randbytes(encryption.CIPHERS[cipher][1])
        octets = value(rng) or b"."  # xmlsec1 1.2 calls an empty result an error
        text = encryption.encrypted_data(octets, "content", cipher, key, "bin", "text/x-test")
        (tmp_path / "key").write_bytes(key)
        (tmp_path / "data.xml").write_text(text)
        command = [xmlsec1, "--decrypt", "--aeskey:content", "key", "--output", "plain", "data.xml"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "plain").read_bytes() == octets, seed


@pytest.mark.row("R20")
@pytest.mark.parametrize("cipher", CIPHERS)
def test_a_device_reads_what_xmlsec1_encrypts(cipher, xmlsec1, tmp_path) -> None:
    """GCM where a board has its module; a value whose tag is wrong is refused."""
    path = tmp_path / "a.toml"
    accounts.create(path, "com.example.dms", "urn:dev:mac:07")
    key = accounts.add_key(path, "content", encryption.CIPHERS[cipher][1]).keys["content"]
    provision.provision(tmp_path / "a.img", accounts.load(path))
    (tmp_path / "key").write_bytes(key)
    with images.open_image(tmp_path / "a.img", writing=True) as image, signers.ecdsa_of_a_board():
        for seed in range(VALUES):
            octets = value(Random(seed))
            if cipher.endswith("gcm") and len(octets) % 16 == 0:
                octets += b"."  # xmlsec1 1.2 fails to encrypt whole blocks only
            (tmp_path / "plain").write_bytes(octets)
            (tmp_path / "template.xml").write_text(
                TEMPLATE.format(
                    xenc=encryption.XENC,
                    fmt="bin",
                    method=encryption.CIPHERS[cipher][0] + cipher,
                    name="content",
                )
            )
            command = [xmlsec1, "--encrypt", "--aeskey:content", "key", "--binary-data", "plain"]
            done = subprocess.run([*command, "template.xml"], cwd=tmp_path, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            text = done.stdout.partition("?>")[2].strip()
            assert send(path, image, f"./N{seed}", text) == 200, text
            assert image.client.tree.value(image.find(f"./N{seed}"), 4000) == octets, seed
            at = text.index("CipherValue>") + (14 if cipher.endswith("cbc") else 30)
            bad = text[:at] + ("B" if text[at] != "B" else "C") + text[at + 1 :]
            if cipher.endswith("gcm"):
                assert send(path, image, f"./M{seed}", bad) == 415
                assert image.find(f"./M{seed}") < 0


def send(path, image, uri: str, text: str) -> int:
    """Push one Add of encrypted text; its status."""
    account = accounts.next_number(path)
    meta = sync("Meta", met("Format", "xml"), met("Type", encryption.MIME))
    item = sync("Item", sync("Target", sync("LocURI", uri)), meta, sync("Data", text))
    octets = compose.build(account, [sync("Add", sync("CmdID", "1"), item)])
    spool = Spool(16384)
    spool.write(octets)
    headers = {"x-syncml-hmac": account.header(octets)}
    push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, spool)
    outcome = image.client.accept(push)
    assert outcome.error is None, outcome.code
    return int(next(iter(outcome.statuses))[1])
