"""What `import cryptolib` gives device code when it runs under CPython: AES-CBC, by `cryptography`."""

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class aes:  # noqa: N801 - its name on a board
    """AES with a key of 16 or 32 octets; mode 2 is CBC. One object goes one way only."""

    def __init__(self, key, mode, iv):
        if mode != 2 or len(key) not in (16, 32):
            raise ValueError("only CBC with 16 or 32 octets of key")
        self._cipher = Cipher(algorithms.AES(bytes(key)), modes.CBC(bytes(iv)))
        self._way = None

    def _work(self, make, octets, out):
        if self._way is None:
            self._way = make()
        if len(octets) % 16:
            raise ValueError("blksize % 16")
        done = self._way.update(bytes(octets))
        if out is None:
            return done
        out[:] = done
        return out

    def decrypt(self, octets, out=None):
        """Decrypt whole blocks, into out when it is given."""
        return self._work(self._cipher.decryptor, octets, out)

    def encrypt(self, octets, out=None):
        """Encrypt whole blocks, into out when it is given."""
        return self._work(self._cipher.encryptor, octets, out)
