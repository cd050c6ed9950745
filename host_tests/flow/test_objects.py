"""Objects and virtual addresses by chance, device and plain model side by side, as in test_random.py.

The same messages every time; a message that differs is printed with the number of its seed.
"""

import random

import lockstep
import model
import pytest
import subtrees

TNDS = b"application/vnd.syncml.dmtnds+xml"
NAMES = [b"a", b"b", b"c", b"d", b"\xc3\xa4", b"ConRef"]
ODD = [b"", b"x/y", b"n" * 33, b"..", b"a?b"]
FORMATS = [None] * 7 + ["int", "bin", "node", "null", "b64", "bool", "chr"]
TYPES = [None] * 6 + [
    b"urn:x:1.0",
    b"urn:x:1.1",
    b"urn:x:1.0",
    b"urn:x:2.0",
    b"urn:nap:1.0",
    b"text/x",
    b"text/plain",
]
VALUES = [b"", b"1", b"true", b"YWJj", b"a <&> b", b"./Inbox/a", b"./Inbox/b/c", b"a", b"./Conn/a/b", b"YWI"]
ACLS = [b"", b"Get=*", b"Replace=A&Add=A+B", b"Add=*&Delete=*&Get=*&Replace=*", b"Delete=A&Replace=*"]
MESSAGES = 12  # of one device


class Chance:
    """Commands for the tree as it is."""

    def __init__(self, rng, tree):
        self.rng = rng
        self.tree = tree.snapshot()
        self.uris = sorted(self.tree)
        self.number = 0

    def node(self, depth):
        """A node of an object; one in some hundred is wrong."""
        pick, rng = self.rng.choice, self.rng.random
        has = {}
        below = []
        if depth and rng() < 0.4:
            below = [self.node(depth - 1) for _ in range(1 + self.rng.randrange(3))]
        names = NAMES if rng() < 0.99 else ODD
        fmt = pick(FORMATS) if not below else pick([None, None, None, "node"])
        kind = pick(TYPES)
        if below and kind and not kind.startswith(b"urn:"):
            kind = None
        if not below and rng() < 0.8:
            has["value"] = {
                "int": b"-7",
                "bool": b"true",
                "bin": b"YWJj",
                "b64": b"YWI=",
                "node": b"",
                "null": b"",
            }.get(fmt, pick(VALUES))
            if kind and kind.startswith(b"urn:") and fmt is None:
                del has["value"]
            if rng() < 0.01:
                has["value"] = pick(VALUES)
        if rng() < 0.2:
            has["acl"] = pick(ACLS) if rng() < 0.97 else b"Get"
        if rng() < 0.1:
            has["title"] = pick([b"T", b"", b"t" * 255] + [b"t" * 256] * (rng() < 0.05))
        if fmt == "bin" and rng() < 0.5:
            has["raw"] = True
        if rng() < 0.005:
            kind = b"urn:oma:mo:oma-dm-dmacc:1.0"
        return subtrees.tree(pick(names), *below, fmt=fmt, type=kind, **has)

    def like(self, uri, depth=3):
        """A node like what lies at an address: most of it again, some not, and some more."""
        rng = self.rng.random
        fmt, _, value, _, _, _ = self.tree[uri]
        name = uri.rsplit(b"/", 1)[-1]
        if fmt != "node":
            if rng() < 0.1:
                return self.node(1)
            return subtrees.tree(name, fmt=fmt if fmt in ("int", "bool", "null") else None, value=value)
        below = [
            other for other in self.uris if other.startswith(uri + b"/") and b"/" not in other[len(uri) + 1 :]
        ]
        nodes = [self.like(other, depth - 1) for other in below if rng() < 0.8 and depth]
        nodes += [self.node(1)] * (rng() < 0.2)
        has = {"acl": self.rng.choice(ACLS)} if rng() < 0.2 else {}
        return subtrees.tree(name, *nodes, fmt="node", **has)

    def object(self, cmd_id):
        """An Add or a Replace of an object."""
        rng = self.rng
        how = rng.randrange(5)
        some = rng.choice(self.uris)
        tops = [self.node(3) for _ in range(1 + rng.randrange(2))]
        if how == 0:
            return (
                "add",
                cmd_id,
                b"./Inbox",
                subtrees.Tnds(*tops, *[self.node(2) for _ in range(2)]),
                None,
                TNDS,
            )
        if how == 1:
            return "add", cmd_id, some, subtrees.Tnds(*tops), None, TNDS
        if how == 2:
            return "add", cmd_id, some + b"/" + rng.choice(NAMES) + b"/o", subtrees.Tnds(*tops), None, TNDS
        if some == b"." or how == 3 and rng.random() < 0.3:
            return "replace", cmd_id, some, subtrees.Tnds(*tops), None, TNDS
        name, below, has = self.like(some)
        if how == 3:
            return "replace", cmd_id, some.rsplit(b"/", 1)[0], subtrees.Tnds((name, below, has)), None, TNDS
        return "replace", cmd_id, some, subtrees.Tnds((rng.choice([None, b""]), below, has)), None, TNDS

    def virtual(self, cmd_id):
        """A command to a node by the object it is in."""
        rng = self.rng
        typed = [uri for uri in self.uris if self.tree[uri][0] == "node" and self.tree[uri][1]]
        top = rng.choice(typed)
        inside = [uri[len(top) + 1 :] for uri in self.uris if uri.startswith(top + b"/")] or [b"x"]
        below = rng.choice((b"", b".", rng.choice(inside), rng.choice(inside), b"n", b"?prop=Title", b"../x"))
        conditions = []
        for _ in range(rng.randrange(3)):
            leaf = rng.choice(inside)
            value = self.tree.get(top + b"/" + leaf, (0, 0, b"1"))[2]
            if len(value) < 99:
                conditions.append((leaf, value if rng.random() < 0.9 else b"other"))
        search = rng.choice((None, None, top, b".", b"./D", b"./None", top.rsplit(b"/", 1)[0]))
        address = subtrees.Virtual(self.tree[top][1], below.strip(b"."), conditions, search)
        if b".." in below:
            address.below = below
        kind = rng.choice(("add", "replace", "delete", "exec", "object"))
        if kind == "object":
            return "add", cmd_id, address, subtrees.Tnds(self.node(1)), None, TNDS
        return kind, cmd_id, address, None if kind == "delete" else b"5", None, None

    def command(self, depth=1):
        """Any command."""
        self.number += 1
        cmd_id = str(self.number)
        how = self.rng.randrange(10)
        if how == 0 and depth:
            inner = [self.command(0) for _ in range(1 + self.rng.randrange(3))]
            return self.rng.choice(("atomic", "sequence")), cmd_id, inner
        if how < 6:
            return self.object(cmd_id)
        if how < 9:
            return self.virtual(cmd_id)
        uri = self.rng.choice(self.uris)
        if self.rng.random() < 0.5:
            return model.replace(cmd_id, uri + b"?prop=ACL", self.rng.choice(ACLS))
        return model.delete(cmd_id, uri)


@pytest.mark.parametrize("seed", range(24))
def test_objects_by_chance(seed):
    rng = random.Random(seed)
    bench = lockstep.Bench(rng.choice(lockstep.ROOT_ACLS), 32)
    seen = set()
    for step in range(MESSAGES):
        server = rng.choice((b"A", b"A", b"B"))
        chance = Chance(rng, bench.model)
        commands = [chance.command() for _ in range(1 + rng.randrange(3))]
        pair = bench.next_pair(server)
        encoder = lockstep.Encoder(rng.randrange if rng.random() < 0.8 else lockstep.plain)
        body, header = encoder.message(lockstep.SERVERS[server], *pair, commands)
        outcome = bench.push(body, header)
        statuses = bench.model.message(server, *pair, commands)
        where = f"seed {seed}, message {step}: {commands}"
        assert outcome.error is None, f"{outcome.error} {outcome.code} {where}"
        assert [(c.decode(), s) for c, s in outcome.statuses] == statuses, where
        try:
            bench.same()
        except AssertionError as problem:
            raise AssertionError(f"{where}\n{problem}") from problem
        assert bench.heard == bench.model.changes, where
        bench.heard.clear()
        bench.model.changes.clear()
        seen.update(status for _, status in statuses)
        if not rng.randrange(4):
            bench.boot()
            bench.client.run_execs()
            bench.same()
    assert len(seen) > 3
