# The client: one push in, one outcome out. OMA Sessionless 5.5.
#
#   push -> labels -> proof -> parse + stage -> commit -> hooks
#           push      auth     wbxml commands   store     here
#                              executor
#
# Contract: `accept` never raises for what came from outside; a refused push
# leaves no trace, neither in RAM nor in flash. Nothing of the body is parsed
# before its MAC is proved (the trust line); without a MAC it is read twice, first into the hash
# of its signature with no other effect. `steps` is the same in pieces, for those who have
# something else to do in between; docs/profile.md, "One push in pieces". Application code (hooks and Exec
# handlers) runs after the commit, on the committed tree; when it raises, that
# is counted and the client goes on. Nothing is ever sent (R33).

from struct import pack, unpack_from

from micropython import const

from . import auth, journal
from .codepages import PAGES
from .commands import Commands
from .errors import Malformed, NotAuthentic, StorageFailed, TooLarge
from .executor import Executor, concerns
from .local import Local
from .push import check
from .wbxml import Parser

_REPLAY = const(3)
_EXEC = const(5)
_MESSAGE = const(0)
_RAN = const(1)
_INTERRUPTED = const(2)
_STARTED = const(1)
_DONE = const(2)
_NO_HEAP = const(96)
_OTHER_OCTETS = const(97)
_BLOCK = const(128)  # octets of a message in one piece
_SPARE = const(512)  # octets of heap to clean up in when all the rest is gone
_KINDS = ("add", "delete", "replace")
_HEAD = const(15)  # octets of an EXEC record before its texts


class Outcome:
    """What became of one push.

    error   None when it was applied, else the class: "Malformed", "TooLarge",
            "NotAuthentic", "StorageFailed"; code says why (texts: tools/dmtool/reasons.py)
    server, session, msg   who sent it and its number; b"", 0, 0 before the trust line
    statuses               journal.Outcomes: (cmd_id, status) in document order
    """

    def __init__(self):
        self.error = None
        self.code = self.session = self.msg = 0
        self.server = b""
        self.statuses = journal.Outcomes()


class Client(Local):
    """A Sessionless client on a store."""

    def __init__(self, store, clock=None):
        super().__init__(store, clock)
        self.hooks = []  # (uri and a slash, callback)
        self.handlers = {}  # of Execs, by uri
        self.mo_roots = ()  # where objects sent to ./Inbox go; rows as inbox.py describes them
        self.hook_errors = 0  # how often application code raised
        self.accepted = 0
        self.refused = 0
        self.running = False  # an Exec handler is at work
        self.spare = None
        self.no_heap = Outcome()  # made while there is heap
        self.no_heap.error = "TooLarge"
        self.no_heap.code = _NO_HEAP
        self.nothing = (self.no_heap,)

    def on_change(self, where: bytes, callback):
        """Call callback(uri, kind) after a commit that touched where or anything below it.

        kind is "add", "replace" or "delete"; the uri may lie above where for a delete. A rename
        is a replace of the old uri and an add of the new one.
        """
        self.hooks.append((where + b"/", callback))

    def on_exec(self, where: bytes, handler):
        """Make the node executable: handler(uri, data, correlator) -> status or None for 200."""
        self.handlers[where] = handler

    # -- one push

    def accept(self, push) -> Outcome:
        """Apply a push whole and once, or refuse it without a trace."""
        for outcome in self.steps(push, 1 << 16):  # noqa: B007 - the last one is it
            pass
        return outcome

    def steps(self, push, most: int = _BLOCK):
        """An accept in pieces: an iterator that gives None after each, and the Outcome at the end.

        most: octets of the message that one piece deals with.

        One push at a time: one that is under way is brought to its end first. Between two
        pieces `get` reads the committed tree, and what changes the tree ends the push first.
        The spool of the push must stay as it is up to the end.
        """
        self.finish()
        try:
            self.work = self._steps(push, most)
            return self.work
        except MemoryError:
            self.refused += 1
            return self.nothing

    def _steps(self, push, most):
        outcome = None
        clean = False
        try:
            if not self.spare:
                self.spare = bytearray(_SPARE)
            mine = Outcome()
            try:
                self.remount()
                for changed in self._apply(push, mine, most):
                    if changed is None:
                        yield
                        # What is applied are the octets that were proved, on the tree as it was.
                        if not push.spool.is_sealed(self.proof):
                            raise NotAuthentic(_OTHER_OCTETS)
                outcome = mine  # from here on it is applied, whatever else goes wrong
                self.work = None
                self.accepted += 1
                self._tell(changed)
                number = 0
                while number := self._run_next(number):
                    yield
                clean = True
            except (Malformed, TooLarge, NotAuthentic, StorageFailed) as e:
                mine.code = e.args[0]
                mine.statuses = journal.Outcomes()
                mine.error = type(e).__name__
                outcome = mine
        except MemoryError:
            pass
        if not clean and self.spare:
            self.spare = None  # there is room to clean up in, whatever holds the rest of the heap
            self.proof = None  # a push that a hook began loses with this what it had staged
            self.txn.begin()
        if outcome is None:
            outcome = self.no_heap
        if outcome.error:
            self.work = None
            self.refused += 1
        yield outcome

    def _apply(self, push, outcome, most):
        # In pieces: None after each but the last; that is what the application is to hear of.
        check(push)
        spool = push.spool
        self.proof = spool.digest()
        header = push.headers.get("x-syncml-hmac")
        if header:
            account = auth.check_mac(header, self.proof, self.accounts)
            yield
        else:
            account = yield from self._prove(spool, self.accounts, most)
        # ---- trust line: nothing above this has looked at the body, but to hash it
        run = Executor(self, account, outcome, not header)
        try:
            yield from self._read(spool, run, most)
        except NotAuthentic:
            if run.proved is not None:
                raise
            yield from self._prove(spool, (account,), most)  # every proof there is must pass (R38)
            run = Executor(self, account, outcome, True)
            yield from self._read(spool, run, most)
        txn = self.txn
        # The greater pair stays: inside a reorder window an older message may come late.
        session, msg = max((account.session, account.msg), (outcome.session, outcome.msg))
        txn.add_record(_REPLAY, pack("<IHII", account.nid, session, msg, run.seen))
        journal.note(txn, account.nid, outcome.session, outcome.msg, _MESSAGE, outcome.statuses)
        changed = txn.changed
        yield from self._commit_steps()
        account.session = session  # one by one: a tuple would take heap
        account.msg = msg
        account.seen = run.seen
        yield changed

    def _read(self, spool, run, most):
        # Parse and stage, in pieces.
        self.txn.begin(spool.buf, self.clock())
        commands = Commands(run)
        commands.parser = Parser(commands, PAGES, spool.length)
        yield from _feed(commands.parser, spool, most)
        commands.close()

    def _prove(self, spool, accounts, most):
        # The one whose signature is in the message, in pieces. The module takes heap: only where needed.
        from .signature import Proof

        proof = Proof(accounts, spool.length)
        yield from _feed(proof.parser, spool, most)
        return proof.close()

    # -- application code

    def _tell(self, changed):
        # Call the hooks; changed as Executor._hear made it.
        at = 0
        while at < len(changed):
            end = changed.find(b"\0", at)
            where = bytes(changed[at : end - 1])
            kind = _KINDS[changed[end - 1] & 3]
            for top, callback in self.hooks:
                if concerns(top, where):
                    self._call(callback, where[:-1], kind)
            at = end + 1

    def run_execs(self):
        """Run every pending Exec once, in the order they came; call it also after boot.

        One that a reset interrupted is noted so and not run again. One that has no handler yet
        waits for the next call. A handler that gets here again, by a push of its own, changes nothing:
        what came meanwhile is run after it.
        """
        number = 0
        while number := self._run_next(number):
            pass

    def _run_next(self, number):
        # Run the first pending Exec after that number; its number, or 0 when there was none to run.
        if self.running:
            return 0
        self.running = True
        try:
            while True:
                self._begin()
                for row in self.store.execs:
                    if row[0] > number:
                        break
                else:
                    return 0
                number, addr, size = row
                record = bytearray(size - 7)
                self.store.log.read(addr, 0, record, size - 7)
                _, state, name, data, acc, session, msg = unpack_from("<IBBBHHI", record)
                name += _HEAD
                data += name
                where = bytes(record[_HEAD:name])
                what = _INTERRUPTED
                status = 0
                if not state:
                    if where not in self.handlers:
                        continue
                    record[4] = _STARTED
                    self.txn.add_record(_EXEC, record)
                    self._commit()
                    what = _RAN
                    correlator = bytes(record[name:data])
                    status = self._call(self.handlers[where], where, bytes(record[data:]), correlator)
                    if status is None:
                        status = 200
                    self._begin()  # what the handler began and did not end is not for this commit
                outcomes = journal.Outcomes()
                outcomes.add(where, status)
                self.txn.add_record(_EXEC, pack("<IBB", number, _DONE, 0))
                journal.note(self.txn, acc, session, msg, what, outcomes)
                self._commit()
                return number
        except StorageFailed:
            return 0  # what was not noted is done at the next call
        finally:
            self.running = False

    def _call(self, callback, *arguments):
        # Whatever the application does wrong, the client goes on.
        try:
            return callback(*arguments)
        except Exception:
            self.hook_errors += 1
            return 500

    def idle(self) -> bool:
        """One bounded step of housekeeping in flash; False when there was nothing to do.

        While a push is under way that comes first.
        """
        if self.work:
            return False
        try:
            self.remount()
            self.stale = True
            done = self.store.log.compact_step()
        except StorageFailed:
            done = False
        except MemoryError:
            return False  # and the store is read again before anything else
        self.stale = False
        return done


def _feed(parser, spool, most):
    # All of the spool, in pieces of so many octets.
    at = 0
    while at < spool.length:
        parser.feed(spool.buf, at, min(at + most, spool.length))
        at += most
        yield
    parser.close()
