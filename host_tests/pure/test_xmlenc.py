# Encrypted values: what is decrypted, where it goes, and what is refused all alike.
# heapsize=384k: the flash image is in RAM here

import hashlib

import messages as m
from check import row
from cryptolib import aes
from omadm.push import Push
from test_client import Device, applied

XENC = b"http://www.w3.org/2001/04/xmlenc#"
DSIG = b"http://www.w3.org/2000/09/xmldsig#"
MIME = b"application/xenc+xml"
LED = b"./Led/State"
KEY = bytes(range(32))
IV = b"initialisation-v"


def hmac(key, text):
    """RFC 2104, with keys up to any length."""
    if len(key) > 64:
        key = hashlib.sha256(key).digest()
    key = key + bytes(64 - len(key))
    inner = hashlib.sha256(bytes([c ^ 0x36 for c in key]) + text).digest()
    return hashlib.sha256(bytes([c ^ 0x5C for c in key]) + inner).digest()


def derived(session, msg, algorithm=b"aes256-cbc"):
    key = hmac(m.KEY + b":" + m.NONCE, b"xmlenc:%s:%X:%d" % (algorithm, session, msg))
    return key[: 16 if b"128" in algorithm else 32]


def cbc(key, plain, pad=None):
    """IV and cipher text; pad: the last octet, when it is to be wrong."""
    n = 16 - len(plain) % 16
    plain += bytes(n - 1) + bytes((n if pad is None else pad,))
    return IV + aes(key, 2, IV).encrypt(plain)


def xml(cipher, name=m.USER, fmt=b"chr", mime=None, algorithm=XENC + b"aes256-cbc"):
    """EncryptedData as text."""
    kind = b"" if fmt is None else b' Type="syncml:metinf#' + fmt + b'"'
    if mime:
        kind += b' MimeType="' + mime + b'"'
    return (
        b'<EncryptedData xmlns="' + XENC + b'"' + kind + b'><EncryptionMethod Algorithm="' + algorithm
        + b'"/><KeyInfo xmlns="' + DSIG + b'"><KeyName>' + name
        + b"</KeyName></KeyInfo><CipherData><CipherValue>" + m.b64(cipher)
        + b"</CipherValue></CipherData></EncryptedData>"
    )  # fmt: skip


class Lab(Device):
    """A device whose account has two keys; send() as in Device."""

    def __init__(self):
        super().__init__()
        rows = [(b"./DMAcc/Acme/Ext/Keys/" + name, b"bin", 0, key) for name, key in self.keys()]
        self.client.declare(rows)

    def keys(self):
        return (b"content", KEY), (b"short", KEY[:16]), (b"bad", KEY[:15])

    def secret(self, plain, make=m.replace, uri=LED, **more):
        """Push one value under the key of its message; returns its status."""
        cipher = cbc(derived(1, self.msg + 1), plain)
        applied(self.send(make(1, uri, xml(cipher, **more), b"xml", MIME)))
        return self.statuses[0]

    def text(self, text):
        """Push this text as encrypted data; returns its status."""
        applied(self.send(m.replace(1, LED, text, b"xml", MIME)))
        return self.statuses[0]


@row("R20")
def test_a_value_under_the_key_of_its_message():
    d = Lab()
    assert d.secret(b"on") == 200
    assert d.get(LED) == b"on"
    d.boot()
    assert d.get(LED) == b"on"
    for n in (0, 1, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000):
        value = bytes([65 + i % 26 for i in range(n)])
        assert d.secret(value, fmt=b"chr") == 200, n
        assert d.client.tree.value(d.client.tree.find([b"Led", b"State"]), 2000) == value
    assert d.secret(b"off", fmt=None) == 200  # without a Format that of the node stays
    assert d.get(LED) == b"off"


def test_only_the_message_it_was_made_for_opens_it():
    d = Lab()
    for session, msg in ((1, 2), (2, 1), (16, 1)):
        assert d.text(xml(cbc(derived(session, msg), b"on"))) == 415
    d.msg = 0x1F - 1
    assert d.text(xml(cbc(derived(1, 0x1F), b"on"))) == 200
    assert d.text(xml(cbc(derived(1, 0x20, b"aes128-cbc"), b"on"), algorithm=XENC + b"aes128-cbc")) == 200


@row("R20")
def test_format_and_type_of_the_plain_value_count():
    d = Lab()
    assert d.secret(b"7", m.add, b"./N", fmt=b"int") == 200
    assert d.secret(b"seven", m.add, b"./M", fmt=b"int") == 415
    assert d.secret(b"\x00\xff", m.add, b"./B", fmt=b"bin", mime=b"image/png") == 200
    assert d.secret(b"AP8=", m.add, b"./C", fmt=b"b64") == 200
    assert d.secret(b"x", m.add, b"./D", fmt=b"frob") == 415
    assert d.secret(b"x", m.add, b"./E", fmt=b"chr", mime=b"urn:oma:mo:oma-dm-dmacc:1.0") == 405
    tree = d.client.tree
    assert d.get(b"./N") == b"7" and tree.fields(tree.find([b"N"])) & 15 == 4
    assert d.get(b"./B") == b"\x00\xff" == d.get(b"./C")
    assert d.client.store.field(tree.find([b"B"]), 1) == b"image/png"
    assert d.get(b"./M") is None and d.get(b"./D") is None


def test_an_argument_of_exec():
    d = Lab()
    body = m.command(0x11, 1, m.item(b"./Dev/Reboot", xml(cbc(derived(1, 1), b"now")), b"xml", MIME))
    applied(d.send(body))
    assert d.statuses == [202] and d.ran == [(b"now", b"")], d.ran


@row("R20")
def test_keys_that_were_provisioned():
    d = Lab()
    assert d.text(xml(cbc(KEY, b"on"), b"content")) == 200
    short = XENC + b"aes128-cbc"
    assert d.text(xml(cbc(KEY[:16], b"yes"), b"short", algorithm=short)) == 200
    assert d.get(LED) == b"yes"
    for name, algorithm in (
        (b"short", None),
        (b"content", short),
        (b"bad", None),
        (b"nobody", None),
        (b"", None),
    ):
        assert d.text(xml(cbc(KEY, b"no"), name, algorithm=algorithm or XENC + b"aes256-cbc")) == 415, name
    assert d.get(LED) == b"yes"


def test_forms_that_others_write():
    d = Lab()
    plain = xml(cbc(KEY, b"on"), b"content")
    prefixed = plain.replace(b"<KeyInfo xmlns=", b"<ds:KeyInfo xmlns:ds=").replace(b"</KeyI", b"</ds:KeyI")
    prefixed = prefixed.replace(b"<KeyN", b"<ds:KeyN").replace(b"</KeyN", b"</ds:KeyN")
    for name in (b"EncryptedData", b"EncryptionMethod", b"CipherData", b"CipherValue"):
        prefixed = prefixed.replace(b"<" + name, b"<xenc:" + name).replace(b"</" + name, b"</xenc:" + name)
    prefixed = prefixed.replace(b"xenc:EncryptedData xmlns=", b"xenc:EncryptedData xmlns:xenc=")
    spaced = plain.replace(b"><", b">\n  <") + b"\n"
    lined = plain.replace(b"<CipherValue>", b"<CipherValue>\n").replace(
        b"</CipherValue>", b"\n</CipherValue>"
    )
    open_pair = plain.replace(b'cbc"/>', b'cbc"></EncryptionMethod>')
    for text in (plain, prefixed, spaced, lined, open_pair, plain.replace(b'cbc"/>', b'cbc" />')):
        applied(d.send(m.replace(1, LED, b"off", b"chr")))
        assert d.text(text) == 200, text
        assert d.get(LED) == b"on"


def test_whatever_is_wrong_has_one_outcome():
    d = Lab()
    good = xml(cbc(KEY, b"on"), b"content")
    bad = [xml(cbc(KEY, b"on", pad), b"content") for pad in (0, 17, 255)]  # no oracle
    bad += [xml(cipher, b"content") for cipher in (b"", IV, IV + b"x", IV + bytes(15), IV + bytes(17))]
    bad += [good[:n] for n in range(0, len(good) - 1, 7)]
    for old, new in (
        (b"xmlenc#aes256-cbc", b"xmlenc#tripledes-cbc"),
        (b"xmlenc#aes256-cbc", b"xmlenc#rsa-1_5"),
        (b"2001/04/xmlenc#aes256-cbc", b"2009/xmlenc11#aes256-gcm"),  # no native module here
        (b"EncryptedData xmlns", b"EncryptedData xmlnz"),
        (DSIG, XENC),
        (b"<KeyInfo", b"<KeyInf"),
        (b"<KeyName>content</KeyName>", b"<KeyName/>"),
        (b"<KeyName>content</KeyName>", b""),
        (b"<KeyName>", b"<EncryptedKey/><KeyName>"),
        (b"<CipherValue>", b"<CipherReference URI='x'/><CipherValue>"),
        (b"</EncryptedData>", b"</EncryptedData>x"),
        (b"</EncryptedData>", b"</EncryptedData><EncryptedData/>"),
        (b"</CipherValue>", b"=</CipherValue>"),
        (b"<CipherValue>", b"<CipherValue>*"),
        (b"<EncryptedData", b"<!DOCTYPE x><EncryptedData"),
        (b"<EncryptedData", b"<EncryptedData xmlns='x'"),
        (b"<EncryptedData", b'<EncryptedData Type="a"'),
        (b'Type="', b'MimeType="&#0;" Type="'),
        (b"<EncryptedData", b"<" + b"E" * 1100),
    ):
        assert old in good
        bad.append(good.replace(old, new, 1))
    for text in bad:
        assert d.text(text) == 415, text
        assert d.get(LED) == b"off"
    assert d.text(good) == 200


def test_a_bad_value_leaves_nothing_of_its_atomic():
    d = Lab()
    good = xml(cbc(KEY, b"on"), b"content")
    one = m.replace(2, LED, good, b"xml", MIME)
    applied(d.send(m.atomic(1, one, m.replace(3, LED, good[:-9], b"xml", MIME))))
    assert d.statuses == [216, 415, 507], d.statuses
    assert d.get(LED) == b"off"


@row("R20", "R38", negative=True)
def test_nothing_is_decrypted_before_the_proof():
    d = Lab()
    body = m.message(1, 1, m.replace(1, LED, xml(cbc(KEY, b"on"), b"content"), b"xml", MIME))
    header = m.hmac_header(body)
    at = body.find(b"CipherValue") + 14
    outcome = d.push(body[:at] + b"A" + body[at + 1 :], header)
    assert (outcome.error, outcome.code) == ("NotAuthentic", 67)
    assert d.flash_operations == 0 and d.get(LED) == b"off"
    assert bytes(d.spool.buf[at + 1 : at + 9]) == body[at + 1 : at + 9]


def test_data_in_pieces_and_a_wrong_size():
    d = Lab()
    good = xml(cbc(KEY, b"on"), b"content")
    for cuts in ((40,), (3, 200, 300)):
        pieces = [good[a:b] for a, b in zip((0,) + cuts, cuts + (len(good),))]
        data = m.element(0x0F, *[m.text(piece) for piece in pieces])
        parts = m.element(0x2E, m.element(0x17, m.text(LED))), m.meta(b"xml", MIME), data
        applied(d.send(m.replace(1, LED, b"off", b"chr")))
        applied(d.send(m.command(0x20, 1, m.element(0x14, *parts))))
        assert d.statuses == [200] and d.get(LED) == b"on"
    size = b"\x00\x01" + m.element(0x12, m.text(b"5")) + b"\x00\x00"
    wrong = m.meta(b"xml", MIME).replace(b"\x00\x01", size[:-2], 1)
    item = m.element(
        0x14, m.element(0x2E, m.element(0x17, m.text(LED))), wrong, m.element(0x0F, m.text(good))
    )
    applied(d.send(m.command(0x20, 1, item)))
    assert d.statuses == [424], d.statuses


BIG = b"./Big"


def big(d, n):
    """A message with a value of n octets for a node of Format bin."""
    d.msg += 1
    text = xml(cbc(KEY, KEY * (n // 32)), b"content", b"bin")
    return m.message(1, d.msg, m.replace(1, BIG, text, b"xml", MIME))


def with_big_node():
    d = Lab()
    assert d.secret(b"", m.add, BIG, fmt=b"bin") == 200
    return d


def test_a_value_as_long_as_the_spool_allows():
    d = with_big_node()
    outcome = d.push(big(d, 5024))
    applied(outcome)
    assert d.client.tree.value(d.client.tree.find([b"Big"]), 9000) == KEY * 157


def heap_needed(d, n):
    """The least KiB of heap in one piece in which a value of n octets is decrypted and committed."""
    import gc

    for kib in range(1, 33):
        body = big(d, n)
        headers = {"x-syncml-hmac": m.hmac_header(body)}
        d.spool.reset()
        d.spool.write(body)
        body = None
        push = Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, d.spool)
        gc.collect()
        room = [bytearray(kib * 1024)]
        ballast = None
        for size in (16384, 4096, 1024, 256, 64, 16):
            try:
                while True:  # until there is no more
                    ballast = [bytearray(size), ballast]
            except MemoryError:
                pass
        room.clear()
        gc.collect()
        outcome = d.client.accept(push)
        ballast = None
        gc.collect()
        if outcome.error is None:
            assert d.client.tree.value(d.client.tree.find([b"Big"]), 9000) == KEY * (n // 32)
            return kib
        assert outcome.code == 96
    return 33


def test_the_heap_does_not_grow_with_the_value():
    """24 KiB are 12 on a board; the push alone takes some 20 of them, with a plain value too."""
    import gc

    if hasattr(gc, "mem_free"):  # not CPython
        needed = heap_needed(with_big_node(), 4992)
        assert needed <= 24, needed
