"""Writes host_tests/native/native_vectors.py: signatures and cipher texts by the cryptography package.

.venv/bin/python host_tests/native/make_native_vectors.py
"""

from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DIGEST = bytes(range(32))


def main():
    rows = []
    for bits in (2048, 3072, 4096):
        key = rsa.generate_private_key(65537, bits)
        value = key.sign(DIGEST, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        n = key.public_key().public_numbers().n
        rows.append((f"RSA{bits}", n.to_bytes(bits // 8, "big"), value))
    for number in range(4):
        key = ec.generate_private_key(ec.SECP256R1())
        r, s = utils.decode_dss_signature(key.sign(DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        rows.append((f"P256_{number}", point, r.to_bytes(32, "big") + s.to_bytes(32, "big")))
    for size, length in ((16, 0), (16, 1), (16, 64), (32, 63), (32, 65), (32, 300)):
        secret = bytes(range(size))
        made = AESGCM(secret).encrypt(bytes(12), bytes(i & 255 for i in range(length)), None)
        rows.append((f"GCM{size}_{length}", secret, made))
    head = "What dmcrypto is held against, by make_native_vectors.py: (key, signature or cipher text)."
    lines = [f'"""{head}"""\n']
    for name, key, value in rows:
        lines.append(f"{name} = (")
        for octets in (key, value):
            text = octets.hex()
            lines += [f'    "{text[at : at + 96]}"' for at in range(0, len(text), 96)]
            lines[-1] += ","
        lines.append(")")
    (Path(__file__).parent / "native_vectors.py").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
