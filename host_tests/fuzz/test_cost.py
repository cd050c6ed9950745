"""What the dearest messages of a server cost: lines of lib/ that run, counted, not timed.

Each is proved and right, so nothing but its own work bounds it. Work grows with the octets of the
message, and with the nodes its commands are about; never with the product of two of these.
"""

import messages as m
import pytest
from flow import lockstep
from fuzz.device import Steps

NODES = 400
AT_ALL, PER_OCTET, PER_NODE = 20_000, 40, 400


def bench(sectors):
    """A device with NODES leaves below ./W."""
    found = lockstep.Bench(sectors=sectors, spool=32 * 1024)
    rows = [(b"./W", b"node", 31)] + [(b"./W/n%d" % i, b"chr", 31, b"%d" % i) for i in range(NODES)]
    found.client.declare(rows, permanent=False)
    return found


def each(command):
    """The octets of a command for each of 300 nodes."""
    return b"".join(command(i + 1, b"./W/n%d" % i) for i in range(300))


def value(i, uri):
    """A Replace of a value."""
    return m.replace(i, uri, b"x")


def acl(i):
    """A Replace of the ACL above all nodes, with many names in it."""
    return m.replace(i, b"./W?prop=ACL", b"Get=" + b"+".join(b"%d" % k for k in range(80)))


RENAME = m.replace(1, b"./W?prop=Name", b"V")
MESSAGES = {
    # name: (nodes its commands are about, octets of commands)
    "replace one": (1, value(1, b"./W/n7")),
    "replace one 300 times": (300, each(lambda i, uri: value(i, b"./W/n7"))),
    "replace 300": (300, each(value)),
    "replace 300 in an Atomic": (300, m.atomic(999, each(value))),
    "an Atomic undone": (300, m.atomic(999, each(value), m.delete(500, b"./No"))),
    "delete 300": (300, each(m.delete)),
    "add and delete": (300, each(lambda i, uri: m.add(i, b"./D/n", b"x") + m.delete(i + 300, b"./D/n"))),
    "titles": (300, each(lambda i, uri: m.replace(i, uri + b"?prop=Title", b"t" * 9))),
    "no such node": (0, each(lambda i, uri: value(i, b"./W/n"))),
    "long ACLs": (40, b"".join(acl(i) for i in range(1, 41))),
    "delete all": (NODES, m.delete(1, b"./W")),
    "delete all, then much": (NODES, m.delete(1, b"./W") + m.add(2, b"./Q", b"q" * 9000)),
    "rename above all": (NODES, RENAME),
    "and back, 20 times": (20 * NODES, b"".join(m.replace(i, b"./W?prop=Name", b"W") for i in range(1, 21))),
}


@pytest.mark.parametrize("sectors", [15, 48])
@pytest.mark.parametrize("name", MESSAGES)
def test_cost(name, sectors):
    device = bench(sectors)
    nodes, commands = MESSAGES[name]
    server = lockstep.SERVERS[b"A"]
    # In a small region the log is full of garbage first, so that compaction is part of the cost.
    for msg in range(1, 9 if sectors < 20 else 2):
        body, header = server.message(1, msg, MESSAGES["replace 300"][1])
        assert device.push(body, header).error is None
    body, header = server.message(2, 1, commands)
    with Steps() as steps:
        outcome = device.push(body, header)
    assert outcome.error is None
    limit = AT_ALL + PER_OCTET * len(body) + PER_NODE * nodes
    assert steps.count < limit, f"{steps.count} lines for {len(body)} octets about {nodes} nodes"
