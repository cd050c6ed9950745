"""The simplest owner of a PageLog: numbered values. Tests of the log run it against a plain dict.

Record kinds: 1 u16 key and its value · 2 deleted keys, u16 each.
"""

from struct import pack, unpack_from

from omadm.pagelog import PageLog


class DictStore:
    """Values by number on a page log; mounts at once."""

    def __init__(self, device):
        self.where = {}  # key: address
        self._key = bytearray(2)
        self._found = []
        self.log = PageLog(device)
        self.log.owner = self
        self.attempts = 0
        self.commits = 0
        self.log.mount()

    # -- what the log calls

    def record(self, kind, addr, length):
        self._found.append((kind, addr, length))

    def commit(self):
        self.commits += 1
        for kind, addr, length in self._found:
            if kind == 1:
                self.where[self.key(addr)] = addr
            elif kind == 2:
                for off in range(0, length, 2):
                    self.where.pop(self.key(addr, off), None)
        self._found = []

    def live(self, kind, addr):
        return kind == 1 and self.where.get(self.key(addr)) == addr

    def moved(self, kind, old, new):
        key = self.key(new)
        if kind != 1 or self.where.get(key) != old:
            raise AssertionError("moved what is not live", kind, old, new)
        self.where[key] = new

    def key(self, addr, off=0):
        self.log.read(addr, off, self._key, 2)
        return unpack_from("<H", self._key)[0]

    # -- what a test calls

    def change(self, values, hints=True):
        """Apply {key: value, or None to delete it} in one transaction."""
        gone = [key for key in values if values[key] is None]
        sizes = [9 + len(value) for value in values.values() if value is not None]
        if gone:
            sizes.append(7 + 2 * len(gone))
        new = {}

        def write(log):
            self.attempts += 1
            new.clear()
            for key in values:
                value = values[key]
                if value is not None:
                    new[key] = log.put(1, 2 + len(value))
                    log.write(pack("<H", key), 0, 2)
                    half = len(value) // 2  # in two pieces, as real owners do
                    log.write(value, 0, half)
                    log.write(value, half, len(value))
                    log.end()
            if gone:
                log.put(2, 2 * len(gone))
                for key in gone:
                    log.write(pack("<H", key), 0, 2)
                log.end()

        self.log.transact(write, sum(sizes), max(sizes) if hints and sizes else 0)
        for key in gone:
            self.where.pop(key, None)
        self.where.update(new)

    def value(self, key):
        """The value of a key, or None."""
        addr = self.where.get(key)
        if addr is None:
            return None
        n = (self.log.kind_len(addr) & 0xFFFF) - 2
        value = bytearray(n)
        self.log.read(addr, 2, value, n)
        return bytes(value)

    def content(self):
        """Everything, as a dict; each record must pass its check."""
        for key in self.where:
            if not self.log.check(self.where[key]):
                raise AssertionError("damaged", key)
        return {key: self.value(key) for key in self.where}

    def idle(self, most=1000):
        """Housekeeping until there is none, `most` steps at most; the number of steps."""
        steps = 0
        while steps < most and self.log.compact_step():
            steps += 1
        return steps


def live_octets(content):
    """Octets that a content takes as records."""
    return sum([9 + len(value) for value in content.values()])
