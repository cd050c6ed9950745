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
from .executor import Executor
from .local import Local
from .push import check
from .wbxml import Parser

_REPLAY = const(3)
_JOURNAL = const(4)
_EXEC = const(5)
_MESSAGE = const(0)
_RAN = const(1)
_INTERRUPTED = const(2)
_STARTED = const(1)
_DONE = const(2)
_NO_HEAP = const(96)
_BLOCK = const(512)  # octets handed to the parser at a time


class Outcome:
    """What became of one push.

    error   None when it was applied, else the class: "Malformed", "TooLarge",
            "NotAuthentic", "StorageFailed"; code says why (texts: tools/dmtool/reasons.py)
    server, session, msg   who sent it and its number; b"", 0, 0 before the trust line
    statuses               journal.Outcomes: (cmd_id, status) in document order
    """

    def __init__(self):
        self.error = None
        self.code = 0
        self.server = b""
        self.session = self.msg = 0
        self.statuses = journal.Outcomes()


class Client(Local):
    """A Sessionless client on a store."""

    def __init__(self, store, clock=None):
        super().__init__(store, clock)
        self.hooks = []
        self.handlers = []
        self.hook_errors = 0  # how often application code raised
        self.accepted = 0
        self.refused = 0
        self.executor = Executor(self.tree, self.txn, self.hooks, self.handlers)

    def on_change(self, where: bytes, callback):
        """Call callback(uri, kind) after a commit that touched where or anything below it.

        kind is "add", "replace" or "delete"; the uri may lie above where for a delete.
        """
        self.hooks.append((where, callback))

    def on_exec(self, where: bytes, handler):
        """Make the node executable: handler(uri, data, correlator) -> status or None for 200."""
        self.handlers.append((where, handler))

    # -- one push

    def accept(self, push) -> Outcome:
        """Apply a push whole and once, or refuse it without a trace."""
        outcome = Outcome()
        try:
            check(push)
            account = auth.check_mac(push.headers.get("x-syncml-hmac"), push.spool.digest(), self.accounts)
            # ---- trust line: nothing above this has looked at the body
            changed = self._apply(push.spool, account, outcome)
        except (Malformed, TooLarge, NotAuthentic, StorageFailed) as e:
            self._refuse(outcome, type(e).__name__, e.args[0])
        except MemoryError:
            self._refuse(outcome, "TooLarge", _NO_HEAP)
        else:
            self.accepted += 1
            for callback, where, kind in changed:
                self._call(callback, where, kind)
            self.run_execs()
        return outcome

    def _refuse(self, outcome, error, code):
        self.txn.abort()
        self.refused += 1
        outcome.error = error
        outcome.code = code
        outcome.statuses = journal.Outcomes()

    def _apply(self, spool, account, outcome):
        run = self.executor
        txn = self.txn
        txn.begin(spool.buf)
        run.prepare(account, self.accounts, self.device_id, outcome.statuses, self.clock())
        commands = Commands(run)
        parser = Parser(commands, PAGES, spool.length)
        at = 0
        while at < spool.length:
            end = min(at + _BLOCK, spool.length)
            parser.feed(spool.buf, at, end)
            at = end
        parser.close()
        commands.close()
        outcome.server = account.server_id
        outcome.session = run.session
        outcome.msg = run.msg
        # The greater pair stays: inside a reorder window an older message may come late.
        session, msg = account.session, account.msg
        if (run.session, run.msg) > (session, msg):
            session, msg = run.session, run.msg
        txn.add_record(_REPLAY, pack("<IHII", account.nid, session, msg, run.seen))
        self._journal(account.nid, run.session, run.msg, _MESSAGE, outcome.statuses.buf)
        self._commit()
        account.session, account.msg, account.seen = session, msg, run.seen
        changed = run.changed
        run.changed = []
        return changed

    def _journal(self, acc, session, msg, what, outcomes):
        kept = self.store.journal
        number = kept[-1][0] + 1 if kept else 1
        self.txn.add_record(_JOURNAL, journal.entry(number, acc, session, msg, what, outcomes))

    def _commit(self):
        try:
            self.txn.commit()
        except MemoryError:
            # The commit mark may be in flash already: what flash says is true.
            self.mount()
            raise

    # -- application code

    def run_execs(self):
        """Run every pending Exec once, in the order they came; call it also after boot.

        One that a reset interrupted is noted so and not run again. One that has no handler yet
        waits for the next call.
        """
        for number, addr, size in list(self.store.execs):
            record = bytearray(size - 7)
            self.store.log.read(addr, 0, record, len(record))
            at = 15 + record[5]
            where = bytes(record[15:at])
            try:
                if record[4] == _STARTED:
                    self._end_exec(number, record, where, 0, _INTERRUPTED)
                for row in self.handlers:
                    if row[0] == where and not record[4]:
                        record[4] = _STARTED
                        self.txn.add_record(_EXEC, record)
                        self._commit()
                        data = bytes(record[at + record[6] :])
                        status = self._call(row[1], where, data, bytes(record[at : at + record[6]]))
                        self._end_exec(number, record, where, 200 if status is None else status, _RAN)
            except StorageFailed:
                return

    def _call(self, code, *arguments):
        # Whatever the application does wrong, the client goes on.
        try:
            return code(*arguments)
        except Exception:
            self.hook_errors += 1
            return 500

    def _end_exec(self, number, record, where, status, what):
        acc, session, msg = unpack_from("<HHI", record, 7)
        outcomes = journal.Outcomes()
        outcomes.add(where, status)
        self.txn.add_record(_EXEC, pack("<IBB", number, _DONE, 0))
        self._journal(acc, session, msg, what, outcomes.buf)
        self._commit()

    def idle(self) -> bool:
        """One bounded step of housekeeping in flash; False when there was nothing to do."""
        try:
            return self.store.log.compact_step()
        except StorageFailed:
            return False

