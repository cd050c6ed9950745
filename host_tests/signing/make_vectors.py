"""Writes host_tests/pure/signed.py: one message, signed by several programs with several keys.

    .venv/bin/python host_tests/signing/make_vectors.py

The keys are made anew. What is kept are messages, public keys, and the private exponent of one, with
which tests make signatures that no library would make. Needs xmlsec1.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("tools", "host_tests/pure", "host_tests/signing")]

import messages
import xmlsign
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from dmtool.element import met, sync

HEAD = '''"""One message, signed by several programs; made by host_tests/signing/make_vectors.py.

Replace ./Led/State chr "on" from com.example.dms, (SessionID, MsgID) = (1, 1).
"""

from binascii import unhexlify as _octets
'''


def commands():
    meta = sync("Meta", met("Format", "chr"), met("Type", "text/plain"))
    item = sync("Item", sync("Target", sync("LocURI", "./Led/State")), meta, sync("Data", "on"))
    return sync("Replace", sync("CmdID", "1"), item)


def written(name, octets):
    text = octets.hex()
    lines = [f'    b"{text[at : at + 96]}"' for at in range(0, len(text), 96)]
    return f"\n{name} = _octets(\n" + "\n".join(lines) + "\n)\n"


def main():
    secret = messages.KEY + b":" + messages.NONCE
    keys = {
        "RSA2048": rsa.generate_private_key(65537, 2048),
        "RSA3072": rsa.generate_private_key(65537, 3072),
        "P256": ec.generate_private_key(ec.SECP256R1()),
    }
    text = HEAD
    for name, key in keys.items():
        text += written(name, xmlsign.public(key))
    exponent = keys["RSA2048"].private_numbers().d
    text += written("RSA2048_PRIVATE", exponent.to_bytes(256, "big"))
    for name, how, method, key in (
        ("HMAC_SIGNXML", xmlsign.by_signxml, "hmac-sha256", secret),
        ("HMAC_XMLSEC1", xmlsign.by_xmlsec1, "hmac-sha256", secret),
        ("RSA2048_SIGNXML", xmlsign.by_signxml, "rsa-sha256", keys["RSA2048"]),
        ("RSA2048_XMLSEC1", xmlsign.by_xmlsec1, "rsa-sha256", keys["RSA2048"]),
        ("RSA3072_SIGNXML", xmlsign.by_signxml, "rsa-sha256", keys["RSA3072"]),
        ("P256_SIGNXML", xmlsign.by_signxml, "ecdsa-sha256", keys["P256"]),
        ("P256_XMLSEC1", xmlsign.by_xmlsec1, "ecdsa-sha256", keys["P256"]),
    ):
        server, device, user = (part.decode() for part in (messages.SERVER, messages.DEVICE, messages.USER))
        made = xmlsign.message(1, 1, device, server, user, commands())
        text += written(name, xmlsign.wbxml(made, how(made, method, key, user)))
    (ROOT / "host_tests" / "pure" / "signed.py").write_text(text)


if __name__ == "__main__":
    main()
