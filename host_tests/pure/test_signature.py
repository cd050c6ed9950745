# The signature inside a message: the forms in which it is taken, and all that is not.
# What signed the messages of signed.py is other people's software.
# heapsize=160k: all those messages are in RAM here
import messages as m
import signed
from check import raises
from omadm import auth, pubkey
from omadm.errors import Malformed, NotAuthentic, TooLarge
from omadm.signature import Proof, read

NO_PROOF = 60
TWO = 162
TOO_LONG = 163
FORM = 164
ALGORITHM = 165
REFERENCE = 166
METHOD = 167
KEY_INFO = 168
BASE64 = 169
UNKNOWN_NAME = 170
OTHER_METHOD = 171
WRONG_VALUE = 172
WRONG_DIGEST = 173
NO_SECRET = 176
SEVERAL = 177

HMAC = 0
SECRET = m.KEY + b":" + m.NONCE


class Account:
    def __init__(self, auth_type=b"HMAC", public=b"", name=m.USER, key=m.KEY, nonce=m.NONCE):
        self.name = name
        self.auth_type = auth_type
        self.key = key
        self.nonce = nonce
        self.public = public


ACME = Account()


def prove(body, *accounts):
    proof = Proof(accounts, len(body))
    proof.parser.feed(body, 0, len(body))
    return proof.close()


def refused(code, body, *accounts):
    raises(NotAuthentic, code, prove, body, *(accounts or (ACME,)))


def text_of(body):
    """The Signature in a message, which is an inline string."""
    at = body.find(b"Signature xmlns")
    at = body.rfind(b"<", 0, at)
    return body[at : body.find(b"\0", at)]


def resigned(body, key=SECRET):
    """The message with a value that is right for its SignedInfo as it now is."""
    text = text_of(body)
    info = read(text)[1]
    tag = b"SignatureValue>"
    start = text.find(tag) + len(tag)
    value = m.b64(auth.hmac(key, info))
    return body.replace(text, text[:start] + value + text[text.find(b"<", start) :])


def test_what_others_signed():
    rsa = Account(b"RSA", signed.RSA2048, key=b"", nonce=b"")
    rsa3 = Account(b"RSA", signed.RSA3072, key=b"", nonce=b"")
    for body, account in (
        (signed.HMAC_SIGNXML, ACME),
        (signed.HMAC_XMLSEC1, ACME),
        (signed.RSA2048_SIGNXML, rsa),
        (signed.RSA2048_XMLSEC1, rsa),
        (signed.RSA3072_SIGNXML, rsa3),
    ):
        assert prove(body, account) is account
        assert prove(body, Account(name=b"other"), account) is account
        proof = Proof((account,), len(body))
        proof.parser.feed(memoryview(body), 0, len(body))
        assert proof.close() is account


def test_however_it_arrives():
    body = signed.HMAC_SIGNXML
    for step in (1, 7, 100, 256, 999):
        proof = Proof((ACME,), len(body))
        for at in range(0, len(body), step):
            proof.parser.feed(body, at, min(at + step, len(body)))
        assert proof.close() is ACME
    for cut in range(0, len(body), 13):
        proof = Proof((ACME,), len(body))
        proof.parser.feed(body, 0, cut)
        proof.parser.feed(body, cut, len(body))
        assert proof.close() is ACME


def test_as_opaque_octets():
    text = text_of(signed.HMAC_SIGNXML)
    body = signed.HMAC_SIGNXML.replace(m.text(text), m.opaque(text))
    assert prove(body, ACME) is ACME
    half = m.text(text[:100]) + m.opaque(text[100:])
    assert prove(signed.HMAC_SIGNXML.replace(m.text(text), half), ACME) is ACME


def test_every_changed_octet_is_refused():
    body = signed.HMAC_SIGNXML  # no octet of it could be another and mean the same
    for i in range(len(body)):
        bad = bytearray(body)
        bad[i] ^= 1 << (i % 7)
        try:
            prove(bytes(bad), ACME)
        except (NotAuthentic, Malformed, TooLarge):
            continue
        assert i == 0 and bad[0] in (1, 2, 3), (i, bad[i])  # the version of WBXML is no XML


def test_every_cut_is_refused():
    text = text_of(signed.HMAC_XMLSEC1)
    for i in range(len(text)):
        raises(NotAuthentic, None, read, text[:i])
        raises(NotAuthentic, None, read, text[i + 1 :])
    for i in range(len(signed.HMAC_XMLSEC1) - 1):
        raises((NotAuthentic, Malformed), None, prove, signed.HMAC_XMLSEC1[:i], ACME)


def test_forms_of_one_tag():
    # Signed as it stands, an empty element may be written in three ways, and with white space around.
    body = signed.HMAC_XMLSEC1
    info = read(text_of(body))[1]
    for tag in (b"CanonicalizationMethod", b"SignatureMethod", b"Transform", b"DigestMethod"):
        for close in (b"/>", b" />"):
            other = body.replace(b"></" + tag + b">", close)
            assert other != body and read(text_of(other))[1] == info
            assert prove(other, ACME) is ACME
    loose = body.replace(b"</SignedInfo>\n", b"</SignedInfo>\n\t  \n").replace(b"<KeyName>", b"\n <KeyName>")
    assert prove(loose, ACME) is ACME
    refused(WRONG_VALUE, body.replace(b"<SignedInfo>\n", b"<SignedInfo> \n"))
    assert prove(resigned(body.replace(b"<SignedInfo>\n", b"<SignedInfo> \n")), ACME) is ACME


def test_anything_else_in_it_is_refused():
    for body, ds in ((signed.HMAC_SIGNXML, b"ds:"), (signed.HMAC_XMLSEC1, b"")):

        def changed(code, old, new, body=body, ds=ds):
            old = old.replace(b"~", ds)
            new = new.replace(b"~", ds)
            assert old in body, old
            refused(code, body.replace(old, new, 1))

        exc = b"http://www.w3.org/2001/10/xml-exc-c14n#"
        enveloped = b"http://www.w3.org/2000/09/xmldsig#enveloped-signature"
        other = b"http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
        # canonicalisation and transforms
        changed(
            ALGORITHM,
            b'~CanonicalizationMethod Algorithm="' + exc,
            b'~CanonicalizationMethod Algorithm="' + other,
        )
        changed(ALGORITHM, b'#"></~CanonicalizationMethod', b'#WithComments"></~CanonicalizationMethod')
        changed(ALGORITHM, b'~Transform Algorithm="' + exc, b'~Transform Algorithm="' + other)
        changed(ALGORITHM, b'Algorithm="' + enveloped, b'Algorithm="' + exc)
        changed(ALGORITHM, enveloped, b"http://www.w3.org/TR/1999/REC-xpath-19991116")
        changed(ALGORITHM, enveloped, b"http://www.w3.org/TR/1999/REC-xslt-19991116")
        changed(FORM, b"</~Transforms>", b'<~Transform Algorithm="' + exc + b'"></~Transform></~Transforms>')
        changed(FORM, b"<~Transforms>", b"<~Transforms></~Transforms>")
        changed(
            FORM,
            b"></~Transform></~Transforms>" if ds else b"></Transform>\n</Transforms>",
            b'><ec:InclusiveNamespaces xmlns:ec="x" PrefixList="y"></ec:InclusiveNamespaces>'
            b"</~Transform></~Transforms>",
        )
        # reference
        changed(REFERENCE, b'URI=""', b'URI="#a"')
        changed(REFERENCE, b'URI=""', b'URI="" Id="a"')
        changed(REFERENCE, b'URI=""', b'Type="x" URI=""')
        changed(REFERENCE, b' URI=""', b"")
        changed(REFERENCE, b' URI=""', b" URI=''")
        changed(FORM, b"</~Reference>", b'</~Reference><~Reference URI="">')
        # digest and method
        changed(ALGORITHM, b"04/xmlenc#sha256", b"04/xmlenc#sha512")
        changed(
            ALGORITHM, b"http://www.w3.org/2001/04/xmlenc#sha256", b"http://www.w3.org/2000/09/xmldsig#sha1"
        )
        more = b"http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
        changed(METHOD, more, b"http://www.w3.org/2000/09/xmldsig#hmac-sha1")
        changed(METHOD, b"hmac-sha256", b"hmac-sha512")
        changed(METHOD, b"hmac-sha256", b"")
        changed(ALGORITHM, more, b"http://www.w3.org/2001/04/xmldsig_more#hmac-sha256")
        truncated = b'256"><~HMACOutputLength>8</~HMACOutputLength></~SignatureMethod'
        changed(FORM, b'256"></~SignatureMethod', truncated)
        # keys in the message
        changed(KEY_INFO, b"<~KeyInfo>", b'<~KeyInfo Id="k">')
        changed(KEY_INFO, b"<~KeyName>", b"<~KeyValue>")
        changed(KEY_INFO, b"<~KeyName>", b"<~X509Data></~X509Data><~KeyName>")
        changed(KEY_INFO, b"</~KeyName>", b"</~KeyName><~KeyName>other</~KeyName>")
        changed(KEY_INFO, b"</~KeyName>", b"</~KeyName><~KeyValue></~KeyValue>")
        changed(KEY_INFO, b"srv-acme</~KeyName>", b"x" * 385 + b"</~KeyName>")
        changed(UNKNOWN_NAME, b"srv-acme</~KeyName>", b"x" * 384 + b"</~KeyName>")
        changed(UNKNOWN_NAME, b"srv-acme</~KeyName>", b"srv-acme </~KeyName>")
        changed(UNKNOWN_NAME, b"srv-acme</~KeyName>", b"</~KeyName>")
        # around
        changed(FORM, b"</~Signature>", b"<~Object></~Object></~Signature>")
        changed(FORM, b"</~Signature>", b"</~Signature> ")
        changed(FORM, b"</~Signature>", b"</~Signature><~Signature></~Signature>")
        changed(FORM, b"<~Signature xmlns", b" <~Signature xmlns")
        changed(FORM, b"<~Signature xmlns", b"<?xml version='1.0'?><~Signature xmlns")
        changed(FORM, b"<~Signature xmlns", b'<~Signature Id="s" xmlns')
        changed(FORM, b"2000/09/xmldsig#", b"2000/09/xmldsig$")
        changed(FORM, b"<~SignedInfo>", b'<~SignedInfo Id="i">')
        changed(FORM, b"<~SignedInfo>", b"<!-- x --><~SignedInfo>")
        changed(FORM, b"<~SignatureValue>", b"<~SignedInfo></~SignedInfo><~SignatureValue>")
        changed(FORM, b"<~DigestValue>", b"<~DigestValue><!-- x -->")
        changed(FORM, b'Reference URI="">', b'Reference URI="">&#10;')
        if ds:
            refused(FORM, body.replace(b"ds:", b"dsig:"))
            refused(FORM, body.replace(b"<ds:DigestMethod", b"<DigestMethod"))


def test_base64_in_one_form_only():
    body = signed.HMAC_SIGNXML
    text = text_of(body)
    _, _, digest, value, _ = read(text)
    for name, octets in ((b"DigestValue>", digest), (b"SignatureValue>", value)):
        good = name + m.b64(octets) + b"</"
        assert good in body

        def given(form, name=name, good=good):
            return body.replace(good, name + form + b"</")

        full = m.b64(octets)
        for bad in (
            full[:-1],
            full[:-4],
            full + b"=",
            full[:-2] + b"==",
            b"!" + full,
            full + full,
            b"",
            b"%" * 44,
            full[:-2] + b"\xff=",
        ):
            raises(NotAuthentic, None, prove, given(bad), ACME)
        # the bits behind the last octet are zero
        last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        at = last.find(full[-2:-1])
        refused(BASE64, given(full[:-2] + last[at + 1 : at + 2] + b"="))
    raises(NotAuthentic, BASE64, read, text.replace(m.b64(digest), m.b64(digest[:31])))
    raises(NotAuthentic, BASE64, read, text.replace(m.b64(digest), m.b64(digest + b"\0")))
    lines = m.b64(value)[:20] + b"\n" + m.b64(value)[20:] + b"\n"
    assert prove(body.replace(m.b64(value), lines), ACME) is ACME
    for wrong in (value[:31], value + b"\0", value[:16], bytes(32), b"\0"):
        refused(WRONG_VALUE, body.replace(m.b64(value), m.b64(wrong)))


def test_white_space_by_the_thousand_takes_no_heap():
    """Nothing is proved yet where base64 is read: three KiB of it must not cost sixteen times as much."""
    text = text_of(signed.HMAC_SIGNXML)
    start = text.find(b"SignatureValue>") + 15
    end = text.find(b"<", start)
    for space in (b" ", b"\t", b"\n", b"\r"):
        for mark in (b"A", b"="):
            made = text[:start] + (mark + space) * ((3072 - len(text) + end - start) // 2) + text[end:]
            raises(NotAuthentic, BASE64, prove, signed.HMAC_SIGNXML.replace(text, made), ACME)
    value = text[start:end]
    made = text[:start] + b" \t\n" + value[:9] + b"\r\n" + value[9:] + b"\n" + text[end:]
    assert prove(signed.HMAC_SIGNXML.replace(text, made), ACME) is ACME


def test_the_account_decides_the_method():
    rsa = Account(b"RSA", signed.RSA2048, key=b"", nonce=b"")
    refused(OTHER_METHOD, signed.HMAC_SIGNXML, rsa)
    refused(OTHER_METHOD, signed.RSA2048_SIGNXML, ACME)
    refused(OTHER_METHOD, signed.RSA2048_SIGNXML, Account(b"ECDSA", signed.P256))
    refused(OTHER_METHOD, signed.HMAC_SIGNXML, Account(b""), Account(b"hmac"))
    # An RSA key taken for the secret of an HMAC, as everybody has it.
    for key in (signed.RSA2048, b":", b""):
        refused(OTHER_METHOD, resigned(signed.HMAC_SIGNXML, key), rsa)
    # Both of that name: each method finds its own.
    assert prove(signed.HMAC_SIGNXML, rsa, ACME) is ACME
    assert prove(signed.RSA2048_SIGNXML, ACME, rsa) is rsa
    refused(WRONG_VALUE, signed.RSA2048_SIGNXML, Account(b"RSA", signed.RSA3072))
    refused(UNKNOWN_NAME, signed.RSA2048_SIGNXML, Account(b"RSA", signed.RSA2048, name=b"srv-acm"))
    refused(UNKNOWN_NAME, signed.HMAC_SIGNXML, Account(name=b"srv-acme2"))
    raises(NotAuthentic, UNKNOWN_NAME, prove, signed.HMAC_SIGNXML)


def test_an_account_without_secret_or_nonce_proves_nothing():
    for key, nonce in ((b"", m.NONCE), (m.KEY, b""), (b"", b""), (m.KEY[:-1], m.NONCE)):
        refused(NO_SECRET, resigned(signed.HMAC_SIGNXML, key + b":" + nonce), Account(key=key, nonce=nonce))


def test_two_accounts_that_fit_refuse_the_message():
    refused(SEVERAL, signed.HMAC_SIGNXML, ACME, Account())
    other = Account(key=m.b64(bytes(32)))
    assert prove(signed.HMAC_SIGNXML, other, ACME) is ACME
    assert prove(signed.HMAC_SIGNXML, ACME, other) is ACME


def test_names_with_mark_up_in_them():
    body = signed.HMAC_SIGNXML.replace(b"srv-acme</ds:KeyName>", b"a&amp;lt;&lt;b&gt;</ds:KeyName>")
    assert read(text_of(body))[4] == b"a&lt;<b>"
    account = Account(name=b"a&lt;<b>")
    assert prove(body, account) is account


def test_a_signature_for_another_body():
    on = b"\x4f\x03on\0\x01"
    assert on in signed.HMAC_SIGNXML
    for new in (b"\x4f\x03of\0\x01", b"\x4f\xc3\x02of\x01", b"\x4f\x03on\0\x12\x01", b"\x0f"):
        refused(WRONG_DIGEST, signed.HMAC_SIGNXML.replace(on, new))
    assert prove(signed.HMAC_SIGNXML.replace(on, b"\x4f\xc3\x02on\x01"), ACME) is ACME  # the same text
    # A command in front of and behind those that were signed, and the signed ones somewhere else.
    evil = m.replace(7, b"./Led/State", b"off")
    for old in (b"\x01\x6b", b"\x12\x01\x01"):
        assert signed.HMAC_SIGNXML.count(old) == 1
    refused(WRONG_DIGEST, signed.HMAC_SIGNXML.replace(b"\x01\x6b", b"\x01\x6b" + evil))
    refused(WRONG_DIGEST, signed.HMAC_SIGNXML.replace(b"\x12\x01\x01", evil + b"\x12\x01\x01"))


def test_no_signature_no_proof():
    plain = m.message(1, 1, m.replace(1, b"./Led/State", b"on"))
    refused(NO_PROOF, plain)
    # It counts in Cred/Data alone.
    text = text_of(signed.HMAC_SIGNXML)
    cred = m.element(0x0F, m.text(text))
    assert cred in signed.HMAC_SIGNXML
    refused(NO_PROOF, signed.HMAC_SIGNXML.replace(cred, b"\x0f"))
    refused(NO_PROOF, signed.HMAC_SIGNXML.replace(cred, b""))
    refused(NO_PROOF, signed.HMAC_SIGNXML.replace(cred, b"").replace(b"\x4f\x03on\0\x01", cred))
    refused(TWO, signed.HMAC_SIGNXML.replace(cred, cred + cred))
    refused(NO_PROOF, signed.HMAC_SIGNXML.replace(cred, b"\x0f" + cred))
    raises(TooLarge, TOO_LONG, prove, signed.HMAC_SIGNXML.replace(text, text + b" " * 3000), ACME)


def test_a_wrong_value_is_found_before_the_body_is_read():
    body = signed.HMAC_SIGNXML.replace(b"SignatureValue>", b"SignatureValue>AAAA", 1)
    end = body.find(b"\x01\x6b") + 1  # SyncBody
    proof = Proof((ACME,), len(body))
    raises(NotAuthentic, None, proof.parser.feed, body, 0, end)


def test_ecdsa_by_the_native_module_or_not_at_all():
    account = Account(b"ECDSA", signed.P256, key=b"", nonce=b"")
    if pubkey.native() is None:
        refused(174, signed.P256_SIGNXML, account)
        refused(174, signed.P256_XMLSEC1, account)
    else:
        assert prove(signed.P256_SIGNXML, account) is account
        assert prove(signed.P256_XMLSEC1, account) is account
        value = read(text_of(signed.P256_SIGNXML))[3]
        bad = value[:63] + bytes((value[63] ^ 1,))
        refused(WRONG_VALUE, signed.P256_SIGNXML.replace(m.b64(value), m.b64(bad)), account)
