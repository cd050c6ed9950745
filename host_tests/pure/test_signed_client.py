# Signed messages through the client: which proofs an account takes, and that nothing else has an effect.
# heapsize=768k: flash images are in RAM here
import hashlib

import messages as m
import objects as o
import signed
from check import row
from norflash import NorFlash
from omadm.auth import hmac
from omadm.c14n import Canonical
from omadm.client import Client
from omadm.codepages import PAGES
from omadm.pagelog import PageLog
from omadm.push import Push
from omadm.spool import Spool
from omadm.store import Store
from omadm.wbxml import Parser

GET = 8
GET_REPLACE = 24


class Device:
    """A device with one account of the given type."""

    def __init__(self, auth_type=b"HMAC", public=None):
        self.flash = NorFlash(8)
        self.spool = Spool(8 * 1024)
        self.boot()
        x = b"./DMAcc/Acme"
        rows = [
            (b"./DevInfo/DevId", b"chr", GET, m.DEVICE),
            (b"./Led/State", b"chr", GET_REPLACE, b"off"),
            (x, b"node", GET, b"", b"urn:oma:mo:oma-dm-dmacc:1.1"),
            (x + b"/ServerID", b"chr", GET, m.SERVER),
            (x + b"/AppAuth/S/AAuthLevel", b"chr", GET, b"SRVCRED"),
            (x + b"/AppAuth/S/AAuthType", b"chr", GET, auth_type),
            (x + b"/AppAuth/S/AAuthName", b"chr", GET, m.USER),
        ]
        if public is None:
            rows.append((x + b"/AppAuth/S/AAuthSecret", b"chr", 0, m.KEY))
            rows.append((x + b"/AppAuth/S/AAuthData", b"bin", 0, m.NONCE))
        else:
            rows.append((x + b"/Ext/PublicKey", b"bin", 0, public))
        self.client.declare(rows)
        self.client.set_acl(b".", b"Add=*&Get=*&Replace=" + m.SERVER + b"&Delete=" + m.SERVER)

    def boot(self):
        self.client = Client(Store(PageLog(self.flash)))
        self.client.mount()

    def push(self, body, header=None):
        self.spool.reset()
        self.spool.write(body)
        headers = {} if header is None else {"x-syncml-hmac": header}
        before = self.flash.programs + self.flash.erases
        outcome = self.client.accept(
            Push("test", False, "application/vnd.syncml.dm+wbxml", None, headers, self.spool)
        )
        self.flash_operations = self.flash.programs + self.flash.erases - before
        return outcome

    def state(self):
        return self.client.get(b"./Led/State")


def applies(device, body, header=None):
    outcome = device.push(body, header)
    assert (outcome.error, outcome.code) == (None, 0), (outcome.error, outcome.code)
    assert outcome.server == m.SERVER and (outcome.session, outcome.msg) == (1, 1)
    assert [status for _, status in outcome.statuses] == [200]
    assert device.state() == b"on"


def refuses(device, code, body, header=None, error="NotAuthentic"):
    before = device.state()
    outcome = device.push(body, header)
    assert (outcome.error, outcome.code) == (error, code), (outcome.error, outcome.code)
    assert not list(outcome.statuses) and (header or outcome.server == b"")
    assert device.flash_operations == 0 and device.state() == before


@row("R04", "R19")
def test_a_signature_is_proof_enough():
    for auth_type, public, body in (
        (b"HMAC", None, signed.HMAC_SIGNXML),
        (b"HMAC", None, signed.HMAC_XMLSEC1),
        (b"RSA", signed.RSA2048, signed.RSA2048_SIGNXML),
        (b"RSA", signed.RSA3072, signed.RSA3072_SIGNXML),
    ):
        device = Device(auth_type, public)
        applies(device, body)
        refuses(device, 76, body)  # once
        device.boot()
        refuses(device, 76, body)


@row("R38", negative=True)
def test_every_proof_that_is_there_must_pass():
    body = signed.HMAC_SIGNXML
    bad = body.replace(b"SignatureValue>EemfmTha", b"SignatureValue>AAAAAAAA")
    assert bad != body
    device = Device()
    refuses(device, 67, body, m.hmac_header(body, key=m.b64(bytes(32))))
    refuses(device, 67, body, m.hmac_header(bad))
    refuses(device, 172, bad, m.hmac_header(bad))  # a right MAC and a wrong signature
    other = body.replace(b"\x4f\x03on\0\x01", b"\x4f\x03no\0\x01")
    refuses(device, 173, other, m.hmac_header(other))
    nobody = body.replace(b"<ds:KeyName>srv-acme", b"<ds:KeyName>srv-acme2")
    refuses(device, 170, nobody, m.hmac_header(nobody))
    label = body.replace(b"syncml:auth-MAC", b"syncml:auth-SHA256")
    refuses(device, 73, label, m.hmac_header(label))
    label = body.replace(b"\x47\x03xml\0", b"\x47\x03b64\0")
    refuses(device, 73, label, m.hmac_header(label))
    applies(device, body, m.hmac_header(body))


@row("R35", negative=True)
def test_a_mac_is_no_proof_for_a_public_key():
    device = Device(b"RSA", signed.RSA2048)
    body = signed.RSA2048_SIGNXML
    for key, nonce in ((m.KEY, m.NONCE), (b"", b""), (signed.RSA2048, b"")):
        outcome = device.push(body, m.hmac_header(body, key=key[:64], nonce=nonce))
        assert outcome.error == "NotAuthentic" and outcome.code in (67, 69), outcome.code
        assert device.flash_operations == 0
    refuses(device, 171, signed.HMAC_SIGNXML)
    plain = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    refuses(device, 60, plain)
    refuses(device, 60, m.message(1, 1, m.replace(1, b"./Led/State", b"on"), key=b"", nonce=b""))
    assert device.state() == b"off"
    applies(device, body)


@row("R04", negative=True)
def test_a_forged_message_touches_nothing():
    body = signed.HMAC_SIGNXML
    device = Device()
    for i in range(5, len(body), 5):  # in front of that is WBXML's own, which no XML holds
        bad = bytearray(body)
        bad[i] ^= 1 << (i % 8)
        outcome = device.push(bytes(bad))
        assert outcome.error in ("NotAuthentic", "Malformed", "TooLarge"), (i, outcome.error)
        assert device.flash_operations == 0 and device.state() == b"off"
    applies(device, body)


@row("R45", negative=True)
def test_no_message_changes_a_key():
    device = Device()
    key = b"./DMAcc/Acme/Ext/PublicKey"
    body = m.message(
        1,
        1,
        m.add(1, key, signed.RSA2048, b"bin", raw=True),
        m.replace(2, key, signed.RSA2048, b"bin", raw=True),
        m.replace(3, b"./DMAcc/Acme/AppAuth/S/AAuthType", b"RSA"),
        m.add(4, b"./DMAcc/Acme/Ext", None, b"node"),
    )
    outcome = device.push(body, m.hmac_header(body))
    assert outcome.error is None
    assert [status for _, status in outcome.statuses] == [405] * 4


def test_an_account_without_its_key_takes_nothing():
    for public in (b"", signed.RSA2048[:-1], signed.P256):
        refuses(Device(b"RSA", public), 175, signed.RSA2048_SIGNXML)
    refuses(Device(b"ECDSA", signed.RSA2048), 175, signed.P256_SIGNXML)


def sign(*commands):
    """A message (1, 1) of these commands, signed with hmac-sha256 and without header."""
    body = m.message(1, 1, *commands, cred=b"SIGNATURE").replace(b"b64", b"xml", 1)
    body = body.replace(b"syncml:auth-SHA256", b"syncml:auth-MAC", 1)
    digest = hashlib.sha256()
    parser = Parser(Canonical(digest.update, lambda octets: None), PAGES, len(body))
    parser.feed(body, 0, len(body))
    w3 = b"http://www.w3.org/"
    space = b' xmlns="' + w3 + b'2000/09/xmldsig#"'

    def empty(name, algorithm):
        return b"<" + name + b' Algorithm="' + w3 + algorithm + b'"></' + name + b">"

    info = (
        b"<SignedInfo"
        + space
        + b">"
        + empty(b"CanonicalizationMethod", b"2001/10/xml-exc-c14n#")
        + empty(b"SignatureMethod", b"2001/04/xmldsig-more#hmac-sha256")
        + b'<Reference URI=""><Transforms>'
        + empty(b"Transform", b"2000/09/xmldsig#enveloped-signature")
        + empty(b"Transform", b"2001/10/xml-exc-c14n#")
        + b"</Transforms>"
        + empty(b"DigestMethod", b"2001/04/xmlenc#sha256")
        + b"<DigestValue>"
        + m.b64(digest.digest())
        + b"</DigestValue></Reference></SignedInfo>"
    )
    text = b"<Signature" + space + b">" + info.replace(space, b"") + b"<SignatureValue>"
    text += m.b64(hmac(m.KEY + b":" + m.NONCE, info)) + b"</SignatureValue><KeyInfo><KeyName>" + m.USER
    return body.replace(b"SIGNATURE", text + b"</KeyName></KeyInfo></Signature>")


@row("R04", "R19", negative=True)
def test_how_a_signed_text_is_carried_does_not_change_what_it_means():
    """Whoever encodes a signed message anew gets what was signed applied, or nothing at all."""
    # Octets of an object that is tokens of the message: text and OPAQUE are the same in XML.
    inside = o.tokens(o.node(b"Key", value=b"QUJD", fmt=b"bin"))
    body = sign(m.command(0x05, 1, m.element(0x14, m.element(0x2E, m.element(0x17, m.text(b"./New"))),
                                             m.element(0x0F, inside))))  # fmt: skip
    for header in (False, True):
        for value in (m.text(b"QUJD"), m.opaque(b"QUJD"), m.text(b"Q") + m.opaque(b"UJD"), b"\x02Q\x03UJD\0"):
            device = Device()
            again = body.replace(m.text(b"QUJD"), value)
            outcome = device.push(again, m.hmac_header(again) if header else None)
            assert outcome.error is None and [status for _, status in outcome.statuses] == [200]
            assert device.client.get(b"./New/Key") == b"ABC", value
    # A value in more pieces than its command takes.
    body = sign(m.replace(1, b"./Led/State", b"on"), m.replace(2, b"./Led/State", b"o" * 30))
    device = Device()
    refuses(device, 178, body.replace(m.text(b"o" * 30), m.text(b"o") * 30), error="TooLarge")
    assert device.push(body).error is None and device.state() == b"o" * 30
    # An object of tokens with more references than reading it may take.
    value = b"abcdefgh" * 20
    nodes = [o.node(b"N%d" % i, value=value) for i in range(18)]
    made = m.element(
        0x14, m.element(0x2E, m.element(0x17, m.text(b"./New"))), m.element(0x0F, o.tokens(*nodes))
    )
    body = sign(m.command(0x05, 1, made), m.replace(2, b"./Led/State", b"on"))
    device = Device()
    refuses(device, 178, body.replace(m.text(value), b"\2a\2b\2c\2d\2e\2f\2g\2h" * 20), error="TooLarge")
    assert device.push(body).error is None and device.state() == b"on"
