# What each command does to the tree: address, rights, node rules, staging.
# OMA RepPro 1.2.1 (Add, Replace, Delete, Exec, Atomic, Sequence), TND 1.2.1 4-7,
# Sessionless 5.5, 6; docs/profile.md.
#
# Contract: a handler for commands.Commands. It stages in the transaction and
# notes one outcome per Item; a failing command leaves nothing of itself behind.
# Order of checks, everywhere: address 414/404/406 - DMAcc and Inbox 405 - there
# or not 404/418 - ACL 425 - AccessType and permanence 405 - format and value
# 415/413 - room 420. Nothing is written and no application code is called here.

from struct import pack

from micropython import const

from . import acl, uri, values
from .dmacc import check
from .errors import CommandFailed
from .limits import EXEC_DATA, MAX_TOT_LEN, PROP_LEN
from .store import is_dmacc

_ADD = const(5)
_ATOMIC = const(8)
_DELETE = const(0x10)
_EXEC = const(0x11)
_CAN_ADD = const(1)
_CAN_DELETE = const(2)
_CAN_EXEC = const(4)
_CAN_REPLACE = const(16)
_NEW = const(0x1F00)  # AccessType of a new node: everything; dynamic
_RECORD_EXEC = const(5)
_NODE = const(0)
_CHR = const(1)
_BIN = const(2)
_BOOL = const(3)
_FLOAT = const(5)
_B64 = const(9)
_NULL = const(10)
_UNKNOWN = const(15)  # no format at all: 415, once nothing comes before it


class Executor:
    """Carries out the commands of one message for one account."""

    def __init__(self, tree, txn, hooks, execs):
        self.tree = tree
        self.txn = txn
        self.hooks = hooks  # [uri, callback] of the application
        self.execs = execs  # [uri, handler]

    def prepare(self, account, accounts, device_id, outcomes, now):
        """Make ready for a message whose MAC belongs to the account."""
        self.account = account
        self.accounts = accounts
        self.device_id = device_id
        self.server = account.server_id
        self.outcomes = outcomes
        self.now = now
        self.changed = []  # [hook, uri, kind]
        self.stack = []  # open Atomic and Sequence
        self.atomic = False  # inside an Atomic
        self.failed = False  # and a command in it failed
        self.session = 0

    # -- the handler of commands.Commands

    def header(self, hdr):
        """SyncHdr is complete: is it for us, from this account, and new?"""
        self.seen = check(hdr, self.account, self.accounts, self.device_id)
        self.session = hdr.session_id
        self.msg = hdr.msg_id

    def begin(self, tag, cmd_id):
        """An Atomic or Sequence opens."""
        if tag == _ATOMIC:
            self.atomic = True
        self.stack.append((cmd_id, self.txn.savepoint(), len(self.outcomes.buf), len(self.changed)))

    def command(self, tag, cmd_id, item):
        """One Item of Add, Replace, Delete or Exec."""
        if self.failed:
            self.outcomes.add(cmd_id, 215)
            return
        point = self.txn.savepoint()
        changed = len(self.changed)
        try:
            segments, prop = self._address(item)
            if tag == _ADD:
                status = self._add(segments, prop, item)
            elif tag == _DELETE:
                status = self._delete(segments, prop)
            elif tag == _EXEC:
                status = self._exec(segments, prop, cmd_id, item)
            else:
                status = self._replace(segments, prop, item)
        except CommandFailed as e:
            self.txn.rollback(point)
            del self.changed[changed:]
            status = e.args[0]
        self._note(cmd_id, status)

    def fail(self, tag, cmd_id, status):
        """A command that is wrong by itself."""
        self._note(cmd_id, 215 if self.failed else status)

    def _note(self, cmd_id, status):
        self.outcomes.add(cmd_id or b"", status)
        if status >= 300 and self.atomic:
            self.failed = True

    def end(self, tag):
        """An Atomic or Sequence closes."""
        cmd_id, point, mark, changed = self.stack.pop()
        status = 200
        if tag == _ATOMIC:
            if self.failed:
                self.txn.rollback(point)
                del self.changed[changed:]
                self.outcomes.undo(mark)
                status = 507
            self.atomic = self.failed = False
        elif self.failed:
            status = 215
        self.outcomes.add(cmd_id, status)

    # -- addresses

    def _address(self, item):
        target = item.target or b""
        if item.target_parent:  # a relative URI (profile D4)
            if target[:1] == b"/" or target[:2] == b"./":
                raise CommandFailed(404)
            target = item.target_parent + b"/" + target if target else item.target_parent
        segments, prop = uri.split(target)
        if segments and segments[0] == b"Inbox":
            raise CommandFailed(405)  # R47, R50
        return segments, prop

    def _node(self, segments, right):
        # An existing node on which the server has the right.
        nid, depth = self.tree.resolve(segments)
        if self.tree.in_dmacc:
            raise CommandFailed(405)
        if depth < len(segments):
            raise CommandFailed(404)
        if right and not self.tree.grants(nid, right, self.server):
            raise CommandFailed(425)
        return nid

    def _hear(self, segments, kind):
        # Remember which hooks of the application a change concerns.
        if self.hooks:
            where = b"/".join([b"."] + segments)
            for hook in self.hooks:
                if _is_at_or_below(hook[0], where) or _is_at_or_below(where, hook[0]):
                    self.changed.append((hook[1], where, kind))

    # -- commands

    def _add(self, segments, prop, item):
        tree = self.tree
        nid, depth = tree.resolve(segments)
        if tree.in_dmacc or prop:
            raise CommandFailed(405)
        if depth == len(segments):
            raise CommandFailed(418)
        if not tree.grants(nid, b"Add", self.server):
            raise CommandFailed(425)
        if not tree.is_interior(nid) or not tree.access(nid) & _CAN_ADD:
            raise CommandFailed(405)
        fmt = self._format(item, _CHR)
        mime = self._mime(item, fmt) or b""
        where, n = self._value(item, fmt)
        own = b""
        if not tree.grants(nid, b"Replace", self.server):
            own = acl.auto(tree.effective_acl(nid), self.server)
        while depth < len(segments):
            name = segments[depth]
            depth += 1
            if depth < len(segments):
                nid = self.txn.create(nid, name, _NEW, self.now, b"", own, 0, 0)
            else:
                nid = self.txn.create(nid, name, fmt | _NEW, self.now, mime, b"" if fmt else own, where, n)
            own = b""
        self._hear(segments, "add")
        return 200

    def _delete(self, segments, prop):
        tree = self.tree
        nid = self._node(segments, b"Delete")
        if prop or not nid or not tree.access(nid) & _CAN_DELETE or tree.is_fixed(nid):
            raise CommandFailed(405)
        for below in list(tree.subtree(nid)):
            self.txn.delete(below)
        self._hear(segments, "delete")
        return 200

    def _exec(self, segments, prop, cmd_id, item):
        nid = self._node(segments, b"Exec")
        if prop or not self.tree.access(nid) & _CAN_EXEC:
            raise CommandFailed(405)
        where = b"./" + b"/".join(segments)
        for row in self.execs:
            if row[0] == where:
                break
        else:
            raise CommandFailed(406)
        data = self._octets(item, EXEC_DATA)
        correlator = (item.correlator or b"")[:64]
        number = 1
        for row in self.tree.store.execs:
            number = row[0] + 1
        for kind, _ in self.txn.extra:
            number += kind == _RECORD_EXEC
        self.txn.add_record(_RECORD_EXEC, pack("<IBBBHHI", number, 0, len(where), len(correlator),
                                               self.account.nid, self.session, self.msg)
                            + where + correlator + data)
        return 202

    def _replace(self, segments, prop, item):
        if prop:
            return self._replace_property(segments, prop, item)
        tree = self.tree
        nid = self._node(segments, b"Replace")
        fixed = tree.store.fixed(nid)
        old = fixed[4] & 15
        if not old or not fixed[5] & _CAN_REPLACE:
            raise CommandFailed(405)
        is_default = not fixed[13]
        fmt = self._format(item, old)
        mime = self._mime(item, fmt)
        if is_default and not mime or mime == tree.store.field(nid, 1):
            mime = None  # as it is
        if fmt == _NODE or tree.is_permanent(nid) and (fmt != old or mime is not None):
            raise CommandFailed(405)
        where, n = self._value(item, fmt)
        self.txn.again(nid, self.now, fmt, mime, where=where, n=n)
        self._hear(segments, "replace")
        return 200

    def _replace_property(self, segments, prop, item):
        tree = self.tree
        nid = self._node(segments, None)
        if prop == b"ACL":
            parent = tree.store.parent(nid) if nid else nid
            if not (tree.grants(parent, b"Replace", self.server) or tree.is_interior(nid)
                    and tree.grants(nid, b"Replace", self.server)):
                raise CommandFailed(425)
            if not nid:
                raise CommandFailed(405)
            self.txn.again(nid, self.now, acl=acl.check(self._octets(item, PROP_LEN)))
        else:
            if not tree.grants(nid, b"Replace", self.server):
                raise CommandFailed(425)
            if prop == b"Title":
                self.txn.again(nid, self.now, title=self._text(item))
            elif prop == b"Name" and nid and not tree.is_fixed(nid):
                self._rename(nid, item)
            else:
                raise CommandFailed(405)
        self._hear(segments, "replace")
        return 200

    def _rename(self, nid, item):
        tree = self.tree
        name = self._octets(item, item.data_len)
        status = uri.name_status(name)
        if not status and tree.store.child(tree.store.parent(nid), name) not in (-1, nid):
            status = 418
        if status:
            raise CommandFailed(status)
        self.txn.again(nid, self.now, name=name)
        for below in tree.subtree(nid):  # the addresses below are longer now
            if uri.characters(tree.path(below)) > MAX_TOT_LEN + 2:
                raise CommandFailed(414)

    # -- values

    def _mime(self, item, fmt):
        # Type as it is stored: the default of a leaf as nothing; None when not given.
        mime = item.mime
        if mime and is_dmacc(mime):
            raise CommandFailed(405)  # R45
        return b"" if fmt and mime == b"text/plain" else mime

    def _format(self, item, fmt):
        # Format as it is stored. Over WBXML b64 says how the octets travel, they are bin (TND 7.7.2).
        if item.fmt is not None:
            try:
                fmt = values.number_of(item.fmt)
            except CommandFailed:
                return _UNKNOWN
            if fmt == _B64:
                fmt = _BIN
        return fmt

    def _value(self, item, fmt):
        # (where, octets) of an Item's Data; 415 when they are none of the format, 413, 415 for its Type.
        n = item.data_len
        if item.size >= 0 and item.size != n:
            raise CommandFailed(424)
        if not n:
            where = 0
        elif len(item.data) == 2 and isinstance(item.data[0], int):
            where = item.data[0]
        else:
            where = self.txn.keep(self._octets(item, n))
        if fmt == _UNKNOWN:
            good = False
        elif fmt == _NODE or fmt == _NULL:
            good = not n
        elif fmt == _BIN and item.fmt is not None and item.fmt.lower() == b"b64":
            good = True
            try:
                n = self.txn.decode(where, n)
            except ValueError:
                good = False
        else:
            good = not _BOOL <= fmt <= _FLOAT or n <= 32 and values.is_legal(fmt, self._octets(item, 32))
        mime = item.mime or b""
        if not good or mime.startswith(b"application/vnd.syncml.dmtnds"):
            raise CommandFailed(415)
        if len(mime) > PROP_LEN:
            raise CommandFailed(413)
        return where, n

    def _octets(self, item, most):
        if item.data_len > most:
            raise CommandFailed(413)
        out = b""
        data = item.data
        for i in range(0, len(data), 2):
            where = data[i]
            out += bytes(self.txn.source[where : where + data[i + 1]]) if isinstance(where, int) else where
        return out

    def _text(self, item):
        text = self._octets(item, PROP_LEN)
        if uri.characters(text) < 0:
            raise CommandFailed(415)
        return text


def _is_at_or_below(top, where):
    n = len(top)
    return where[:n] == top and (len(where) == n or where[n : n + 1] == b"/" or top == b".")
