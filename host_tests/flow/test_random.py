"""Random messages, resets and power cuts against the plain model.

Every message is real: WBXML in any of its forms, signed, pushed through Client.accept on
simulated flash. After each step the outcome, the whole tree (values, formats, Types, ACLs,
Titles, VerNo), the replay pairs, the Execs that ran and the changes the application heard of
are what the model says. The same seeds every time; a failing example is printed small.
"""

import contextlib

import lockstep
import messages as m
import model
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from norflash import MODES, PowerCut, Random
from sealed import Sealed


class Run(bytes):
    """One octet many times, printed short."""

    def __new__(cls, octet, times=1):
        return super().__new__(cls, octet * times)

    def __repr__(self):
        return f"Run({self[:1]}, {len(self)})"


NAMES = [b"a", b"b", b"c", b"\xc3\xa4", Run(b"n", 32)]
ODD = [
    b".", b"D", b"./Inbox/x", b"./DMAcc/A/Nope", b"./DMAcc", b"./" + b"x" * 33, b"/a", b"./a//b",
    b"./P/", b"", b"./a\xff", b"./a\x01", b"././a", b"./..", b"./a?prop=Foo", b"./a?list=Struct", b"./a?",
    b"./" + b"q/" * 16 + b"q",
    b"./" + b"\xc3\xa4" * 32 + b"/" + b"\xe2\x82\xac" * 32 + b"/" + b"x" * 32 + b"/" + b"y" * 27,
    b"./" + b"x" * 512,
]  # fmt: skip
DATA = [
    None, b"", b"1", b"true", b"-5", b"1.5", b"+1.e-10", b"YWJj", b"YWI=", b"YW I\r\n=", b"YW", b"text",
    b"\x00\xff", Run(b"x", 300), Run(b"-", 40), Run(b"0", 32), "h\u00e4\u20ac\U0001f600".encode(),
    Run(b"\x80", 512), Run(b"z", 1500),
]  # fmt: skip
FORMATS = "chr int bool float node b64 bin null xml INT date what".split()
TYPES = [
    b"text/plain", b"text/x", b"", b"urn:x:1.0", b"application/vnd.syncml.dmtnds+xml",
    b"org.openmobilealliance/1.0/w7", b"urn:oma:mo:oma-dm-dmacc:1.0", Run(b"t", 255), Run(b"t", 256),
]  # fmt: skip
ACLS = [
    b"", b"Get=*", b"Replace=A&Add=A+B", b"Replace=B&Delete=*&Exec=*&Add=*&Get=A+A", b"Get",
    b"Get=" + b"s" * 252, b"Get=" + b"s" * 251, b"Exec=B&Exec=A+*", b"get=*", b"Add=", None,
]  # fmt: skip
NEW_NAMES = [*NAMES, b"P", Run(b"n", 33), b"x/y", b"..", b"", b"\xff", b"a?b", None]
TITLES = [b"T", b"", b"\xff", Run(b"t", 255), Run(b"t", 256), "\u00e4".encode(), None]
PROPERTIES = ["ACL"] * 3 + ["Name"] * 3 + ["Title"] * 2 + model.PROPERTIES

# Commands before the tree is known; for a plain one (kind, which node, names below it, data, format, Type).
PLAIN = st.tuples(
    st.sampled_from("add add add replace replace delete exec".split()),
    st.integers(0, 99),
    st.lists(st.sampled_from(NAMES), max_size=3),
    st.sampled_from(DATA),
    st.none() | st.sampled_from(FORMATS),
    st.none() | st.sampled_from(TYPES),
)
PROPERTY = st.sampled_from(PROPERTIES).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.integers(0, 99),
        st.sampled_from({"ACL": ACLS, "Name": NEW_NAMES, "Title": TITLES}.get(name, [b"x"])),
    )
)
STRANGE = st.tuples(st.just("odd"), st.sampled_from("add replace delete exec".split()), st.sampled_from(ODD))
WRONG = st.tuples(st.just("wrong"), st.integers(0, 13))
ITEMS = st.tuples(
    st.just("items"),
    st.sampled_from("add replace delete".split()),
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(NAMES), st.sampled_from(DATA)), min_size=2, max_size=3
    ),
)
LEAF = PLAIN | PROPERTY | PLAIN | STRANGE | ITEMS | WRONG
GROUP = st.deferred(
    lambda: st.tuples(st.sampled_from(["atomic", "atomic", "sequence"]), st.lists(LEAF | GROUP, max_size=4))
)
MESSAGE = st.lists(LEAF | LEAF | GROUP, min_size=1, max_size=5)


class Numbers:
    """CmdIDs of one message, each new one different, not all of them numbers."""

    def __init__(self, random):
        self.random = random
        self.last = 0

    def new(self):
        """The next CmdID."""
        self.last += 1
        return ("%d", "%d", "%d", "x%d", "%d00000")[self.random.below(5)] % self.last


def wrong(which, number):
    """Commands that are wrong whatever the tree is like: [(CmdID, status, octets)]."""
    cmd_id = m.element(0x0B, m.text(number.encode()))
    item = m.item(b"./D/leaf", b"x")
    nowhere = m.element(0x14, m.element(0x0F, m.text(b"x")))
    address = m.element(0x2E, m.element(0x17, m.text(b"./D/leaf")))
    tnds = m.element(0x14, address, m.element(0x0F, b"\0\x02\x1a\0\0"))
    pieces = m.element(0x14, address, m.element(0x0F, b"\x02a\x03b\0" * 30))
    return [
        [("", 400, m.element(0x05, item))],  # no CmdID
        [("", 400, m.element(0x20, m.element(0x0B), item))],
        [("0", 400, m.command(0x20, 0, item))],
        [(number, 412, m.element(0x05, cmd_id)), (number, 400, m.element(0x05, cmd_id, item))],  # once more
        [(number, 406, m.element(0x06, cmd_id, m.element(0x0F, m.text(b"1226"))))],  # Alert
        [(number, 406, m.element(0x0D, cmd_id, item))],  # Copy
        [(number, 406, m.element(0x20, cmd_id, m.element(0x07), item))],  # Archive
        [(number, 412, m.element(0x20, cmd_id, nowhere))],
        [(number, 412, m.element(0x11, cmd_id, item, item))],  # two Items in an Exec
        [(number, 414, m.element(0x10, cmd_id, m.item(b"./" + b"x" * 511)))],
        [(number, 415, m.element(0x05, cmd_id, tnds))],
        [(number, 400, m.element(0x20, cmd_id, item, m.element(0x31)))],  # VerDTD
        [(number, 413, m.element(0x20, cmd_id, pieces))],
        [("", 400, m.element(0x0F, m.text(b"x")))],  # Data where commands stand
    ][which]


class Builder:
    """Turns abstract commands into those of model.py, for the tree as it is."""

    def __init__(self, tree, random):
        self.uris = sorted(tree.snapshot())
        self.numbers = Numbers(random)

    def uri(self, which, names=()):
        """An address of the tree, or below one."""
        uri = b"/".join([self.uris[which % len(self.uris)], *names])
        if names:
            self.uris.append(uri)
        return uri

    def commands(self, abstract):
        """A list of commands, in order."""
        return [command for one in abstract for command in self.command(*one)]

    def command(self, kind, *rest):
        """One command; several with one CmdID where it has several Items."""
        if kind == "wrong":
            return [lockstep.wrong(*one) for one in wrong(rest[0], self.numbers.new())]
        cmd_id = self.numbers.new()
        if kind in ("atomic", "sequence"):
            return [(kind, cmd_id, self.commands(rest[0]))]
        if kind == "odd":
            return [(rest[0], cmd_id, rest[1], b"1", None, None)]
        if kind == "items":
            items = [(self.uri(which, [name]), data) for which, name, data in rest[1]]
            return [(rest[0], cmd_id, uri, data, None, None) for uri, data in items]
        if kind in model.PROPERTIES:
            return [model.replace(cmd_id, self.uri(rest[0]) + b"?prop=" + kind.encode(), rest[1])]
        which, names, data, fmt, type = rest
        if which % 5 == 4 and data is not None:
            data = Sealed(data)
        if kind == "add":
            return [model.add(cmd_id, self.uri(which, names or [b"z"]), data, fmt, type)]
        if kind == "replace":
            return [model.replace(cmd_id, self.uri(which, names[:1]), data, fmt, type)]
        if kind == "exec" and which % 4:
            data = (data, b"y" * 512, b"y" * 513)[which % 3]
            return [model.execute(cmd_id, lockstep.EXECS[which % 2], data)]
        if kind == "exec":
            return [model.execute(cmd_id, self.uri(which), data)]
        return [(kind, cmd_id, self.uri(which), None, None, None)]


class Lockstep(RuleBasedStateMachine):
    """Device and model, step by step."""

    @initialize(root_acl=st.sampled_from(lockstep.ROOT_ACLS))
    def begin(self, root_acl):
        self.bench = lockstep.Bench(root_acl, 24)
        self.last = None
        self.bench.same()

    def message(self, server, abstract, seed):
        """(commands, body, header) of the next message of that server."""
        random = Random(seed)
        commands = Builder(self.bench.model, random).commands(abstract)
        choose = random.below if seed else lockstep.plain
        encoder = lockstep.Encoder(choose)
        pair = self.bench.next_pair(server)
        if seed % 5 == 4:
            pair = (pair[0] + 1, 1 + random.below(9))
        return pair, commands, *encoder.message(lockstep.SERVERS[server], *pair, commands)

    def check(self, outcome, statuses, commands):
        """An applied message did what the model says."""
        assert outcome.error is None, (outcome.error, outcome.code)
        assert [(c.decode(), s) for c, s in outcome.statuses] == statuses, commands
        self.bench.same()
        assert self.bench.ran == self.bench.model.execs
        assert self.bench.heard == self.bench.model.changes, commands
        self.bench.heard.clear()
        self.bench.model.changes.clear()
        kept = self.bench.told(outcome.server, 0)
        assert len(kept) == 1 and kept[0][5] == [(c.encode(), s) for c, s in statuses]

    def check_replay(self, body, header):
        """The same push once more costs nothing and does nothing."""
        outcome = self.bench.push(body, header)
        assert (outcome.error, outcome.code) == ("NotAuthentic", lockstep.REPLAY)
        assert self.bench.flash_operations == 0
        self.bench.same()

    @rule(server=st.sampled_from([b"A", b"A", b"B"]), abstract=MESSAGE, seed=st.integers(0, 999))
    def push(self, server, abstract, seed):
        pair, commands, body, header = self.message(server, abstract, seed)
        outcome = self.bench.push(body, header)
        self.check(outcome, self.bench.model.message(server, *pair, commands), commands)
        self.check_replay(body, header)
        self.last = (body, header)

    @rule(server=st.sampled_from([b"A", b"B"]), abstract=MESSAGE, seed=st.integers(0, 999),
          at=st.integers(0, 6), mode=st.sampled_from(MODES))  # fmt: skip
    def push_and_cut(self, server, abstract, seed, at, mode):
        """The power goes away somewhere in the message; then the same push again."""
        bench = self.bench
        pair, commands, body, header = self.message(server, abstract, seed)
        old, new = bench.model, bench.model.copy()
        statuses = new.message(server, *pair, commands)
        bench.flash.cut(at, mode, seed)
        with contextlib.suppress(PowerCut):
            bench.push(body, header)
        bench.flash.power_on()
        bench.boot()
        assert bench.boot_operations == 0
        applied = lockstep.pairs(bench.client) == new.pairs
        bench.client.run_execs()
        bench.model = new if applied else old
        bench.same()
        if applied:
            # At most once; one that did not run was interrupted and is told of.
            interrupted = len(bench.told(server, lockstep.INTERRUPTED))
            at = len(old.execs)
            unknown = new.execs[at:]
            for one in bench.ran[at:]:
                unknown.remove(one)
            assert len(unknown) <= interrupted <= 1
            new.execs = list(bench.ran)
        else:
            outcome = bench.push(body, header)
            bench.model = new
            self.check(outcome, statuses, commands)
        bench.heard.clear()
        bench.model.changes.clear()
        self.check_replay(body, header)
        self.last = (body, header)

    @rule()
    def reset(self):
        self.bench.boot()
        self.bench.client.run_execs()
        self.bench.same()
        assert self.bench.client.store.log.damaged == 0

    @precondition(lambda self: self.last)
    @rule()
    def reset_and_replay(self):
        self.reset()
        self.check_replay(*self.last)

    @rule(steps=st.integers(1, 8))
    def housekeeping(self, steps):
        for _ in range(steps):
            self.bench.client.idle()
        self.bench.same()

    @rule(value=st.sampled_from([b"1", b"22", b"-3"]))
    def the_application_sets_a_value(self, value):
        self.bench.client.set(b"./P/Fixed", value)
        node = self.bench.model.nodes[("P", "Fixed")]
        node.value = value
        node.changed()
        self.bench.same()


TestLockstep = Lockstep.TestCase
TestLockstep.settings = settings(
    max_examples=250,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
