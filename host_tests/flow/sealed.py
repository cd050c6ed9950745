"""Values that travel encrypted: the model sees what they are, the wire EncryptedData around them."""

import hashlib
import hmac

import messages as m
from cryptolib import aes

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
