# SMS-DELIVERs for tests: of others' making, and made to order.
from omadm.sms import Deliver

VECTORS = __file__.rsplit("/", 1)[0] + "/../vectors/sms/" if "/" in __file__ else "../vectors/sms/"
PORTS = b"\x05\x04\x0b\x84\x23\xf0"


def unhex(text):
    return bytes([int(text[i : i + 2], 16) for i in range(0, len(text), 2)])


def load(name):
    with open(VECTORS + name) as f:
        return f.read()


def lines(name):
    return [unhex(line) for line in load(name).split()]


def parse(pdu):
    d = Deliver()
    d.parse(pdu, 0, len(pdu))
    return d


def deliver(ies, payload, oa=b"\x08\x91\x51\x55\x10\x32", dcs=4, pid=0, second=0, first=0x40):
    """Make an SMS-DELIVER with these information elements (None: no header)."""
    ud = payload if ies is None else bytes((len(ies),)) + ies + payload
    head = bytes((first if ies is not None else 0,)) + oa + bytes((pid, dcs))
    stamp = bytes((0x62, 0x10, 0x20, 0x30, 0x40, second % 10 << 4 | second // 10, 0))
    return b"\x00" + head + stamp + bytes((len(ud),)) + ud


def part(seq, total, payload, ref=1, oa=b"\x08\x91\x51\x55\x10\x32", second=0):
    return deliver(bytes((0, 3, ref, total, seq)) + PORTS, payload, oa, second=second)


class Random:
    # The same numbers under both interpreters.
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n
