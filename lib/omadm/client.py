# The client: one push in, one outcome out. OMA Sessionless 5.5.
#
#   push -> labels -> proof -> parse + stage -> commit -> hooks
#           push      auth     wbxml commands   store     here
#                              executor
#
# Contract: `accept` never raises for what came from outside; a refused push
# leaves no trace, neither in RAM nor in flash. Nothing of the body is parsed
# before its MAC is proved (the trust line). Application code (hooks and Exec
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
        self.hooks = []  # (uri, callback)
        self.handlers = {}  # of Execs, by uri
        self.hook_errors = 0  # how often application code raised
        self.accepted = 0
        self.refused = 0
        self.running = False  # an Exec handler is at work
        self.spare = None
        self.no_heap = Outcome()  # made while there is heap
        self.no_heap.error = "TooLarge"
        self.no_heap.code = _NO_HEAP

    def on_change(self, where: bytes, callback):
        """Call callback(uri, kind) after a commit that touched where or anything below it.

        kind is "add", "replace" or "delete"; the uri may lie above where for a delete. A rename
        is a replace of the old uri and an add of the new one.
        """
        self.hooks.append((where, callback))

    def on_exec(self, where: bytes, handler):
        """Make the node executable: handler(uri, data, correlator) -> status or None for 200."""
        self.handlers[where] = handler

    # -- one push

    def accept(self, push) -> Outcome:
        """Apply a push whole and once, or refuse it without a trace."""
        outcome = None
        try:
            if not self.spare:
                self.spare = bytearray(_SPARE)
            mine = Outcome()
            try:
                self.remount()
                changed = self._apply(push, mine)
                outcome = mine  # from here on it is applied, whatever else goes wrong
                self.accepted += 1
                self._tell(changed)
                self.run_execs()
                return outcome
            except (Malformed, TooLarge, NotAuthentic, StorageFailed) as e:
                mine.code = e.args[0]
                mine.statuses = journal.Outcomes()
                mine.error = type(e).__name__
            outcome = mine
        except MemoryError:
            pass
        if self.spare:
            self.spare = None  # there is room to clean up in, whatever holds the rest of the heap
            self.txn.begin()
        if outcome is None:
            outcome = self.no_heap
        if outcome.error:
            self.refused += 1
        return outcome

    def _apply(self, push, outcome):
        check(push)
        spool = push.spool
        account = auth.check_mac(push.headers.get("x-syncml-hmac"), spool.digest(), self.accounts)
        # ---- trust line: nothing above this has looked at the body
        txn = self.txn
        txn.begin(spool.buf, self.clock())
        run = Executor(self, account, outcome)
        commands = Commands(run)
        parser = Parser(commands, PAGES, spool.length)
        parser.feed(spool.buf, 0, spool.length)
        parser.close()
        commands.close()
        # The greater pair stays: inside a reorder window an older message may come late.
        session, msg = max((account.session, account.msg), (outcome.session, outcome.msg))
        txn.add_record(_REPLAY, pack("<IHII", account.nid, session, msg, run.seen))
        journal.note(txn, account.nid, outcome.session, outcome.msg, _MESSAGE, outcome.statuses)
        changed = txn.changed
        self._commit()
        account.session = session  # one by one: a tuple would take heap
        account.msg = msg
        account.seen = run.seen
        return changed

    # -- application code

    def _tell(self, changed):
        # Call the hooks; changed as Executor._hear made it.
        at = 0
        while at < len(changed):
            kind = _KINDS[changed[at]]
            end = changed.find(b"\0", at + 1)
            where = bytes(changed[at + 1 : end])
            for top, callback in self.hooks:
                if concerns(top, where):
                    self._call(callback, where, kind)
            at = end + 1

    def run_execs(self):
        """Run every pending Exec once, in the order they came; call it also after boot.

        One that a reset interrupted is noted so and not run again. One that has no handler yet
        waits for the next call. A handler that gets here again, by a push of its own, changes nothing:
        what came meanwhile is run after it.
        """
        if self.running:
            return
        self.running = True
        number = 0
        try:
            while True:
                self._begin()
                for row in self.store.execs:
                    if row[0] > number:
                        break
                else:
                    return
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
        except StorageFailed:
            pass  # what was not noted is done at the next call
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
        """One bounded step of housekeeping in flash; False when there was nothing to do."""
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
