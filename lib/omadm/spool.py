# The one buffer a push is received into, and the SHA-256 of what is in it.
#
# Contract: allocated once, of the board's spool size; holds one push at a time. write() checks
# before it stores, so nothing that arrives can grow the heap. The hash runs while octets arrive.
# After an octet too many the spool is dead until reset(): what follows can't slip in behind a
# hole. digest() closes it: MicroPython hashes give their digest once.
# Non-goals: framing, time-outs, and how many octets were announced (the receiver's duty; the
# room is len(spool.buf)).
import hashlib

from micropython import const

from .errors import TooLarge

_FULL = const(90)
_CLOSED = const(91)


class Spool:
    """A bounded push body: octets buf[0:length] and their SHA-256."""

    def __init__(self, size: int) -> None:
        self.buf = bytearray(size)
        self.reset()

    def reset(self) -> None:
        """Forget everything; ready for the next push."""
        self.length = 0
        self._hash = hashlib.sha256()
        self._digest: bytes | None = None

    def write(self, chunk) -> None:
        """Append octets; raises TooLarge before any of them is stored."""
        if self._hash is None:
            raise TooLarge(_CLOSED)
        end = self.length + len(chunk)
        if end > len(self.buf):
            self._hash = None
            raise TooLarge(_FULL)
        # By way of a view of just these octets: else all that lies behind them is moved onto itself.
        memoryview(self.buf)[self.length : end][:] = chunk
        self.length = end
        self._hash.update(chunk)

    def is_sealed(self, digest) -> bool:
        """Return whether what digest() gave, that very object, is still of these octets."""
        return self._digest is digest

    def digest(self) -> bytes:
        """Return the SHA-256 over all octets; no more can be written after it."""
        if self._digest is None:
            if self._hash is None:
                raise TooLarge(_CLOSED)
            self._digest = self._hash.digest()
            self._hash = None
        return self._digest
