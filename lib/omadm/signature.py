# Who signed this message: the enveloped XML-Signature in SyncHdr/Cred/Data. W3C XML-Signature Syntax and
# Processing, RFC 4051/6931 (names of algorithms); Sessionless 5.2 (R19), docs/profile.md P1.
#
#   <Signature xmlns="http://www.w3.org/2000/09/xmldsig#">        or ds: before every name
#     <SignedInfo>
#       <CanonicalizationMethod Algorithm="...xml-exc-c14n#"/>
#       <SignatureMethod Algorithm="...xmldsig-more#hmac-sha256"/>    rsa-sha256, ecdsa-sha256
#       <Reference URI="">
#         <Transforms> enveloped-signature, xml-exc-c14n# </Transforms>
#         <DigestMethod Algorithm="...xmlenc#sha256"/><DigestValue>base64</DigestValue>
#       </Reference>
#     </SignedInfo>
#     <SignatureValue>base64</SignatureValue>
#     <KeyInfo><KeyName>AAuthName</KeyName></KeyInfo>
#   </Signature>
#
# Contract: this form and no other, but for white space between tags and in base64, and <X></X> for
# <X/>; anything else is NotAuthentic, with a code. Nothing is looked up by an Id, nothing is
# fetched, no key is taken from the message. The value is checked as soon as Cred ends, so a
# message that nobody signed is dropped before its body is hashed; the digest once all of it
# went by. Nothing of the message has an effect in here.
# Bounds: SIGNATURE_LEN octets of Signature, held in RAM; one check per account of that name.
# Non-goals: signatures inside Item/Data.
from binascii import a2b_base64, b2a_base64
from hashlib import sha256

from micropython import const

from . import pubkey
from .auth import hmac, parse_hmac, same
from .c14n import Canonical
from .codepages import PAGES
from .errors import NotAuthentic
from .wbxml import Parser

_FORM = const(164)
_ALGORITHM = const(165)
_REFERENCE = const(166)
_METHOD = const(167)
_KEY_INFO = const(168)
_BASE64 = const(169)
_UNKNOWN_NAME = const(170)
_OTHER_METHOD = const(171)
_WRONG_VALUE = const(172)
_WRONG_DIGEST = const(173)
_NO_SECRET = const(176)
_SEVERAL = const(177)

_HMAC = const(0)
_KEY_LEN = const(44)  # base64 of 32 octets
_NAME_LEN = const(384)  # octets of KeyName as written

_XMLDSIG = b"http://www.w3.org/2000/09/xmldsig#"
_MORE = b"http://www.w3.org/2001/04/xmldsig-more#"
_EXCLUSIVE = b"http://www.w3.org/2001/10/xml-exc-c14n#"
_ENVELOPED = b"http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_SHA256 = b"http://www.w3.org/2001/04/xmlenc#sha256"
# Methods in the order of the algorithms of pubkey; _TYPES: the AAuthType that takes each.
_METHODS = (b"hmac-sha256", b"", b"rsa-sha256", b"ecdsa-sha256")
_TYPES = (b"HMAC", b"", b"RSA", b"ECDSA")


class Proof:
    """The proof of one message: give it to `parser`, then close()."""

    def __init__(self, accounts, total):
        """accounts: who may have signed; total: octets of the message."""
        self.accounts = accounts
        self.account = None
        self.hash = sha256()
        self.parser = Parser(Canonical(self.hash.update, self._signature), PAGES, total)

    def close(self):
        """Return the account whose message it is; raises Malformed or NotAuthentic."""
        self.parser.close()
        if self.account is None:
            parse_hmac(None)  # neither of the two proofs
        if not same(self.hash.digest(), self.digest):
            raise NotAuthentic(_WRONG_DIGEST)
        return self.account

    def _signature(self, text):
        # Cred/Data is complete.
        if b"<" not in text:
            parse_hmac(None)
        algorithm, info, self.digest, value, name = read(text)
        self.account = check_value(self.accounts, algorithm, info, value, name)


def check_value(accounts, algorithm: int, info: bytes, value: bytes, name: bytes):
    """Return the one account of that name whose key made `value` of the canonical SignedInfo."""
    known = tried = found = None
    for account in accounts:
        if account.name != name:
            continue
        known = account
        if account.auth_type != _TYPES[algorithm]:
            continue
        tried = account
        if algorithm != _HMAC:
            right = pubkey.verify(algorithm, account.public, sha256(info).digest(), value)
        elif len(account.key) != _KEY_LEN or not account.nonce:  # no fallback, no default nonce
            raise NotAuthentic(_NO_SECRET)
        else:
            right = same(value, hmac(account.key + b":" + account.nonce, info))
        if right:
            if found is not None:
                raise NotAuthentic(_SEVERAL)
            found = account
    if found is None:
        if algorithm == _HMAC and not tried:  # the same work as for a name that exists
            same(value, hmac(bytes(_KEY_LEN), info))
        raise NotAuthentic(_WRONG_VALUE if tried else _OTHER_METHOD if known else _UNKNOWN_NAME)
    return found


def read(text: bytes) -> tuple:
    """Return (algorithm, canonical SignedInfo, digest, value, KeyName); raises NotAuthentic."""
    r = _Reader(text)
    prefix = r.prefix
    r.take(b"<" + prefix + b"Signature" + r.space)
    r.skip()
    r.take(b"<" + prefix + b"SignedInfo>")
    r.out = bytearray(b"<" + prefix + b"SignedInfo" + r.space)
    r.skip()
    r.empty(b"CanonicalizationMethod", _EXCLUSIVE)
    start = r.at + len(prefix) + 28 + len(_MORE)  # behind `<SignatureMethod Algorithm="...#`
    method = text[start : text.find(b'"', start)]
    if method not in _METHODS or not method:
        raise NotAuthentic(_METHOD)
    r.empty(b"SignatureMethod", _MORE + method)
    r.take(b"<" + prefix + b"Reference")
    r.take(b' URI="">', _REFERENCE)
    r.skip()
    r.open(b"Transforms")
    r.empty(b"Transform", _ENVELOPED)
    r.empty(b"Transform", _EXCLUSIVE)
    r.shut(b"Transforms")
    r.empty(b"DigestMethod", _SHA256)
    digest = r.octets(b"DigestValue")
    if len(digest) != 32:
        raise NotAuthentic(_BASE64)
    r.shut(b"Reference")
    r.take(b"</" + prefix + b"SignedInfo>")
    info = bytes(r.out)
    r.out = None
    r.skip()
    value = r.octets(b"SignatureValue")
    r.take(b"<" + prefix + b"KeyInfo>", _KEY_INFO)
    r.skip()
    r.take(b"<" + prefix + b"KeyName>", _KEY_INFO)
    name = r.until()
    if len(name) > _NAME_LEN:
        raise NotAuthentic(_KEY_INFO)
    for entity, octet in ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&")):
        name = name.replace(entity, octet)
    r.take(b"</" + prefix + b"KeyName>", _KEY_INFO)
    r.skip()
    r.take(b"</" + prefix + b"KeyInfo>", _KEY_INFO)
    r.skip()
    r.take(b"</" + prefix + b"Signature>")
    if r.at != len(text):
        raise NotAuthentic(_FORM)
    return _METHODS.index(method), info, digest, value, name


class _Reader:
    # A place in the text of a Signature; what is taken goes into `out`, canonical, where there is one.

    def __init__(self, text):
        self.text = text
        self.at = 0
        self.out = None
        prefixed = text.startswith(b"<ds:")
        self.prefix = b"ds:" if prefixed else b""
        self.space = (b' xmlns:ds="' if prefixed else b' xmlns="') + _XMLDSIG + b'">'

    def take(self, octets, code=_FORM):
        if not self.text.startswith(octets, self.at):
            raise NotAuthentic(code)
        self.at += len(octets)
        if self.out is not None:
            self.out.extend(octets)

    def skip(self):
        # White space, which is part of what is signed.
        text = self.text
        at = start = self.at
        end = len(text)
        while at < end and (text[at] == 32 or text[at] == 10 or text[at] == 9):
            at += 1
        self.take(text[start:at])

    def open(self, name):
        self.take(b"<" + self.prefix + name + b">")
        self.skip()

    def shut(self, name):
        self.take(b"</" + self.prefix + name + b">")
        self.skip()

    def empty(self, name, algorithm):
        # <X Algorithm="..."/> in any of its three forms.
        self.take(b"<" + self.prefix + name + b' Algorithm="')
        self.take(algorithm + b'"', _ALGORITHM)
        for form in (b"/>", b" />"):
            if self.text.startswith(form, self.at):
                self.at += len(form)
                self.out.extend(b"></" + self.prefix + name + b">")
                break
        else:
            self.take(b"></" + self.prefix + name + b">")
        self.skip()

    def until(self):
        # Up to the next tag.
        end = self.text.find(b"<", self.at)
        if end < 0:
            raise NotAuthentic(_FORM)
        text = self.text[self.at : end]
        self.take(text)
        return text

    def octets(self, name):
        self.take(b"<" + self.prefix + name + b">")
        text = self.until()
        for space in (b" ", b"\n", b"\r", b"\t"):  # split() takes 16 times its heap, and this is a stranger's
            text = text.replace(space, b"")
        self.shut(name)
        try:
            octets = a2b_base64(text)
        except ValueError:
            octets = b""
        if not octets or b2a_base64(octets)[:-1] != text:  # one way to write them only
            raise NotAuthentic(_BASE64)
        return octets
