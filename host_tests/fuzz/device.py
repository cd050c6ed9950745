"""A device under the fuzzer, and what must be true of it after every push.

no exception gets out of accept()                                        uncaught
the lines of lib/ that a push runs, counted, not timed, stay below a
limit that grows with its octets                                         over_step_limit
a push without its proof is refused, and no parser was made for it       wrong
a refused push costs no flash operation and changes neither the index
in RAM nor the replay pairs                                              wrong
what RAM says is what a boot reads from flash; a good push works         wrong
"""

import contextlib
import sys
from pathlib import Path

from flow import lockstep
from fuzz import cases
from omadm import client

LIB = str(Path(client.__file__).parent)
FIRMWARE = str(Path(__file__).resolve().parents[2] / "firmware")
STEPS_AT_ALL = 60_000  # proof, commit, compaction
STEPS_PER_OCTET = 60


class Steps:
    """Counts the lines of device code that run."""

    def __init__(self):
        self.count = 0

    def __enter__(self):
        self.count = 0
        sys.settrace(self._call)
        return self

    def __exit__(self, *_):
        sys.settrace(None)

    def _call(self, frame, event, argument):
        return self._line if frame.f_code.co_filename.startswith((LIB, FIRMWARE)) else None

    def _line(self, frame, event, argument):
        self.count += 1
        return self._line


class Device:
    """A client that gets pushes; `pushes` holds all of them, `outcomes` what became of them."""

    def __init__(self, sectors=16):
        self.bench = lockstep.Bench(sectors=sectors)
        self.image = bytes(self.bench.flash.data)
        self.pushes = []  # (body, header)
        self.outcomes = []  # (error or None, code, ((CmdID, status) ...))
        self.parsers = 0
        self.applied = False

    def pair(self, server):
        """The next number that server may use here."""
        account = next(a for a in self.bench.client.accounts if a.server_id == server)
        return (account.session or 1), account.msg + 1

    def index(self):
        """All that a refused push must leave as it is."""
        store = self.bench.client.store
        pairs = [(a.session, a.msg, a.seen) for a in self.bench.client.accounts]
        groups = [tuple(row) for group in (store.pairs, store.journal, store.execs) for row in group]
        rows = [
            (bytes(store.keys[4 * nid : 4 * nid + 4]), store.locs[nid], flags)
            for nid, flags in enumerate(store.flags)
            if not store.is_free(nid)
        ]
        return rows, pairs, groups, store.used, store.undo_len

    @contextlib.contextmanager
    def parsers_counted(self):
        """Count the parsers made meanwhile."""
        parser, self.parsers = client.Parser, 0

        def counted(*arguments):
            self.parsers += 1
            return parser(*arguments)

        client.Parser = counted
        try:
            yield
        finally:
            client.Parser = parser

    def push(self, body, header, proved=True, counted=False):
        """One push; a list of what is wrong: (figure, text)."""
        self.pushes.append((body, header))
        before = self.index()
        steps = Steps() if counted else contextlib.nullcontext()
        try:
            with self.parsers_counted(), steps:
                outcome = self.bench.push(body, header)
        except Exception as error:  # whatever gets out is what we look for
            return [("uncaught", repr(error))]
        self.applied = outcome.error is None
        self.outcomes.append((outcome.error, outcome.code, tuple(outcome.statuses)))
        wrong = []
        if not proved and (self.parsers or outcome.error is None):
            wrong.append(("wrong", "behind the trust line without a proof"))
        if outcome.error not in (None, "StorageFailed"):  # a full log may have been compacted
            if self.bench.flash_operations:
                wrong.append(("wrong", f"refused with {self.bench.flash_operations} flash operations"))
            if self.index() != before:
                wrong.append(("wrong", "refused and changed the index"))
        if counted and steps.count > STEPS_AT_ALL + STEPS_PER_OCTET * len(body):
            wrong.append(("over_step_limit", f"{steps.count} lines for {len(body)} octets"))
        return wrong

    def case(self, seed, counted):
        """The case of a seed."""
        kind, body, header = cases.case(seed, self.pair)
        wrong = self.push(body, header, kind not in cases.UNPROVED, counted or kind == "bomb")
        return [(figure, f"{kind}: {text}") for figure, text in wrong]

    def works(self):
        """What is wrong after all that: (figure, text) or nothing."""
        server = lockstep.SERVERS[b"A"]
        commands = [("replace", "1", b"./P/Fixed", b"42", None, None)]
        body, header = lockstep.Encoder().message(server, *self.pair(b"A"), commands)
        wrong = self.push(body, header)
        if not self.applied:
            wrong.append(("wrong", f"a good push is refused: {self.outcomes[-1]}"))
        seen = lockstep.snapshot(self.bench.client), lockstep.pairs(self.bench.client)
        used = self.bench.client.store.used
        self.bench.boot()
        if seen != (lockstep.snapshot(self.bench.client), lockstep.pairs(self.bench.client)):
            wrong.append(("wrong", "a boot reads another tree"))
        if used != self.bench.client.store.used:
            wrong.append(("wrong", "a boot counts other octets in use"))
        return wrong
