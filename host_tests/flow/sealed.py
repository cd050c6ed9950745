"""Values that travel encrypted, and messages that are signed: the model sees what they mean."""

import hashlib
import hmac

import messages as m
from cryptolib import aes
from dmtool import document, signing, wbxml_decode

MIME = b"application/xenc+xml"
LONGEST_IN_PIECES = 1500  # octets of text; more only in one piece


class Sealed(bytes):
    """A value to encrypt under the key of its message."""


def key(server, session, msg):
    """The key that server and device derive for a message."""
    text = b"xmlenc:aes128-cbc:%X:%d" % (session, msg)
    return hmac.digest(server.key + b":" + server.nonce, text, "sha256")[:16]


def encrypted(command, server, session, msg):
    """The command with EncryptedData in place of a sealed value, Format and Type in there."""
    kind, cmd_id, uri, data, fmt, mime = command
    if not isinstance(data, Sealed):
        return command
    iv = hashlib.sha256(data).digest()[:16]
    pad = 16 - len(data) % 16
    cipher = iv + aes(key(server, session, msg), 2, iv).encrypt(data + bytes(pad - 1) + bytes((pad,)))
    what = b"" if fmt is None else b' Type="syncml:metinf#' + fmt.encode() + b'"'
    what += b"" if mime is None else b' MimeType="' + mime + b'"'
    text = (
        b'<EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"' + what
        + b'><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
        b'<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyName>' + server.user
        + b"</KeyName></KeyInfo><CipherData><CipherValue>" + m.b64(cipher)
        + b"</CipherValue></CipherData></EncryptedData>"
    )  # fmt: skip
    return kind, cmd_id, uri, text, "xml", MIME


def canonical(body):
    """The XML of a message without what its Cred holds; None when it has none that could be signed."""
    found = wbxml_decode.decode(body)
    try:
        root = found.root
        if found.error is not None or root is None:
            return None
        header = root.find("SyncHdr")
        header.content = [signing.cred() if part.name == "Cred" else part for part in header.content]
        return document.canonical(document.tree(root))
    except (AttributeError, document.NotSignable):
        return None


def signed(body, server):
    """The message with an XML signature in place of the digest in its Cred; None when it can't be signed."""
    if canonical(body) is None:
        return None
    root = wbxml_decode.decode(body).root
    header = root.find("SyncHdr")
    header.content = [signing.cred() if part.name == "Cred" else part for part in header.content]
    signer = signing.hmac_signer(server.user.decode(), server.key, server.nonce)
    digest = hashlib.sha256(server.key + b":" + server.nonce).digest()
    data = m.element(0x0F, m.text(m.b64(digest)))
    old = m.element(0x0E, m.meta(b"b64", b"syncml:auth-SHA256"), data)
    data = m.element(0x0F, m.text(signing.sign(root, signer).encode()))
    new = m.element(0x0E, m.meta(b"xml", b"syncml:auth-MAC"), data)
    assert body.count(old) == 1
    return body.replace(old, new)
