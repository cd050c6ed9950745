# What each command does to the tree: address, rights, node rules, staging.
# OMA RepPro 1.2.1 (Add, Replace, Delete, Exec, Atomic, Sequence), TND 1.2.1, Sessionless 5.5, 6; profile.md.
#
# Contract: a handler for commands.Commands. It stages in the transaction and notes one outcome per
# Item; a failing command leaves nothing of itself behind. Order of checks, everywhere: address
# 414/404/406 - DMAcc and Inbox 405 - there or not 404/418 - ACL 425 - AccessType and permanence 405 -
# format and value 415/413 - room 420. Nothing is written and no application code is called here.

from struct import pack

from micropython import const

from . import acl, uri
from .auth import check_header
from .errors import CommandFailed, NotAuthentic
from .limits import EXEC_DATA, MAX_TOT_LEN, PROP_LEN
from .store import is_dmacc
from .tree import FORMATS, is_legal

_ADD = const(5)
_ATOMIC = const(8)
_DELETE = const(0x10)
_EXEC = const(0x11)
_CAN_ADD = const(0x100)  # AccessType, as in the fields of a node
_CAN_DELETE = const(0x200)
_CAN_EXEC = const(0x400)
_CAN_REPLACE = const(0x1000)
_NEW = const(0x1F00)  # of a new node: everything; dynamic
_PERMANENT = const(0x10)
_RECORD_EXEC = const(5)
_NODE = const(0)
_CHR = const(1)
_BIN = const(2)
_BOOL = const(3)
_FLOAT = const(5)
_B64 = const(9)
_NULL = const(10)
_UNKNOWN = const(15)  # no format at all: 415, once nothing comes before it
_NAME = const(0)  # texts of a node
_TYPE = const(1)
_TITLE = const(2)
_ACL = const(3)
_ADDED = const(0)  # kinds of change
_DELETED = const(1)
_REPLACED = const(2)


class Executor:
    """Carries out the commands of one message for one account."""

    def __init__(self, client, account, outcome, proved):
        self.client = client
        self.tree = client.tree
        self.txn = client.txn
        self.account = account
        self.proved = proved  # the signature in the message, if there is one, was checked
        self.outcome = outcome
        self.outcomes = outcome.statuses
        self.stack = []  # open Atomic and Sequence
        self.atomic = False  # inside an Atomic
        self.failed = False  # and a command in it failed

    # -- the handler of commands.Commands

    def header(self, hdr):
        """SyncHdr is complete: is it for us, from this account, and new?"""
        self.seen = check_header(hdr, self.account, self.client.accounts, self.client.device_id)
        if not self.proved and hdr.signed:
            self.proved = None  # asks the client for that
            raise NotAuthentic(0)
        self.outcome.server = hdr.source
        self.outcome.session = hdr.session_id
        self.outcome.msg = hdr.msg_id

    def begin(self, tag, cmd_id):
        """An Atomic or Sequence opens."""
        if tag == _ATOMIC:
            self.atomic = True
        self.stack.append((cmd_id, self.txn.savepoint(), len(self.outcomes.buf)))

    def command(self, tag, cmd_id, item):
        """One Item of Add, Replace, Delete or Exec."""
        status = 200
        if not self.failed:
            point = self.txn.savepoint()
            try:
                segments, prop = self._address(tag, item)
                if item.mime == b"application/xenc+xml" and tag != _DELETE:
                    from .xmlenc import reveal

                    reveal(self, item)
                if item.is_object(tag) or segments == [b"Inbox"]:
                    from .objects import apply

                    status = apply(self, tag, segments, prop, item)
                elif tag == _ADD:
                    self._add(segments, prop, item)
                elif tag == _DELETE:
                    self._delete(segments, prop)
                elif tag == _EXEC:
                    self._exec(segments, prop, item)
                    status = 202
                elif prop:
                    self._replace_property(segments, prop, item)
                else:
                    self._replace(segments, item)
            except CommandFailed as e:
                self.txn.rollback(point)
                status = e.args[0]
        if status >= 300 or self.failed:
            self.fail(tag, cmd_id, status)
        else:
            self.outcomes.add(cmd_id, status)

    def fail(self, tag, cmd_id, status):
        """Note how a command ended, whether here or because it is wrong by itself."""
        if self.failed:
            status = 215
        elif status >= 300:
            self.failed = self.atomic
        self.outcomes.add(cmd_id, status)

    def end(self, tag):
        """An Atomic or Sequence closes."""
        cmd_id, point, mark = self.stack.pop()
        status = 215 if self.failed else 200
        if tag == _ATOMIC:
            if self.failed:
                self.txn.rollback(point)
                self.outcomes.undo(mark)
                status = 507
            self.atomic = self.failed = False
        self.outcomes.add(cmd_id, status)

    # -- addresses and rights

    def _address(self, tag, item):
        target = item.target or b""
        parent = item.target_parent
        given = parent or target
        if given[:5] == b"MOID=" or b"?MOID=" in given:
            from .virtual import resolve

            target = resolve(self, given, target if parent else b"")
        elif parent:  # a relative URI (profile D4)
            if target[:1] == b"/" or target[:2] == b"./":
                raise CommandFailed(404)
            target = parent + b"/" + target if target else parent
        segments, prop = uri.split(target)
        if segments and segments[0] == b"Inbox" and (tag != _ADD or prop or segments[1:]):
            raise CommandFailed(405)  # R47, R50
        return segments, prop

    def _node(self, segments):
        nid, depth, guarded = self.tree.resolve(segments)
        if guarded:
            raise CommandFailed(405)
        if depth < len(segments):
            raise CommandFailed(404)
        return nid

    def may(self, nid, right):
        """True when the server has the right on the node."""
        return self.tree.grants(nid, right, self.account.server_id)

    def fields(self, nid, right, access):
        """Fields of a node on which the server has the right, and which allows the access."""
        if not self.tree.grants(nid, right, self.account.server_id):
            raise CommandFailed(425)
        fields = self.tree.fields(nid)
        if not fields & access:
            raise CommandFailed(405)
        return fields

    def hear(self, segments, kind):
        """Note a change when a hook of the application waits for it: address, kind, NUL."""
        where = b"/".join([b"."] + segments + [b""])
        for top, _ in self.client.hooks:
            if concerns(top, where):
                self.txn.changed.extend(where + (b"0\0", b"1\0", b"2\0")[kind])
                break

    # -- commands

    def _add(self, segments, prop, item):
        nid, depth, guarded = self.tree.resolve(segments)
        if guarded or prop:
            raise CommandFailed(405)
        if depth == len(segments):
            raise CommandFailed(418)
        if self.fields(nid, b"Add", _CAN_ADD) & 15:
            raise CommandFailed(405)
        fmt, mime = self._kind(item, _CHR)
        where, n = self._value(item, fmt)
        own = b""
        if (not fmt or segments[depth:-1]) and not self.may(nid, b"Replace"):
            own = acl.auto(self.tree.effective_acl(nid), self.account.server_id)
        for name in segments[depth:-1]:
            nid = self.txn.create(nid, name, _NEW, b"", own, 0, 0)
            own = b""
        self.txn.create(nid, segments[-1], _NEW | fmt, mime or b"", own, where, n)
        self.hear(segments, _ADDED)

    def _delete(self, segments, prop):
        nid = self._node(segments)
        self.fields(nid, b"Delete", _CAN_DELETE)
        if prop or not nid:
            raise CommandFailed(405)
        for below in self.tree.loose(nid):
            self.txn.delete(below)
        self.hear(segments, _DELETED)

    def _exec(self, segments, prop, item):
        nid = self._node(segments)
        self.fields(nid, b"Exec", _CAN_EXEC)
        where = b"./" + b"/".join(segments)
        if prop or where not in self.client.handlers:
            raise CommandFailed(405 if prop else 406)
        data = self._octets(item, EXEC_DATA)
        correlator = (item.correlator or b"")[:64]
        store = self.tree.store
        number = store.execs[-1][0] + 1 if store.execs else 1
        size = store.used + self.txn.growth + len(data) + 1536  # and that much it leaves free
        for kind, body, _ in self.txn.extra:
            number += kind == _RECORD_EXEC
            size += len(body)
        if size > store.log.capacity:
            raise CommandFailed(420)
        last = self.account.nid, self.outcome.session, self.outcome.msg
        head = pack("<IBBBHHI", number, 0, len(where), len(correlator), *last)
        self.txn.add_record(_RECORD_EXEC, head + where + correlator + data)

    def _replace(self, segments, item):
        nid = self._node(segments)
        fields = self.fields(nid, b"Replace", _CAN_REPLACE)
        old = fields & 15
        fmt, mime = self._kind(item, old)
        if mime is not None and mime == self.tree.store.field(nid, _TYPE):
            mime = None  # as it is
        if old == _NODE or fmt == _NODE or fields & _PERMANENT and (fmt != old or mime is not None):
            raise CommandFailed(405)
        where, n = self._value(item, fmt)
        self.txn.again(nid, _TYPE, mime, fmt, where, n)
        self.hear(segments, _REPLACED)

    def _replace_property(self, segments, prop, item):
        tree = self.tree
        nid = self._node(segments)
        allowed = self.may(nid, b"Replace")
        if prop == b"ACL":
            if tree.fields(nid) & 15 or not allowed:
                allowed = self.may(tree.store.parent(nid) if nid else 0, b"Replace")
        if not allowed:
            raise CommandFailed(425)
        if prop == b"Title":
            text = self._octets(item, PROP_LEN)
            if uri.characters(text) < 0:
                raise CommandFailed(415)
            self.txn.again(nid, _TITLE, text)
        elif not nid:
            raise CommandFailed(405)
        elif prop == b"ACL":
            self.txn.again(nid, _ACL, acl.check(self._octets(item, PROP_LEN)))
        elif prop == b"Name" and tree.loose(nid):
            self._rename(nid, segments, item)
        else:
            raise CommandFailed(405)
        self.hear(segments, _REPLACED)

    def _rename(self, nid, segments, item):
        tree = self.tree
        name = self._octets(item, item.data_len)
        try:
            status = 0 if uri.split(name) == ([name], None) else 400
        except CommandFailed as e:
            status = 414 if e.args[0] == 414 else 400
        if not status and tree.store.child(tree.store.parent(nid), name) not in (-1, nid):
            status = 418
        if status:
            raise CommandFailed(status)
        longer = uri.characters(name) > uri.characters(tree.store.field(nid, _NAME))
        self.txn.again(nid, _NAME, name)
        for below in tree.subtree(nid) if longer else ():  # the addresses below are longer now
            if uri.characters(tree.path(below)) > MAX_TOT_LEN + 2:
                raise CommandFailed(414)
        self.hear(segments[:-1] + [name], _ADDED)  # who waits for the new address is to know

    # -- values

    def _kind(self, item, fmt):
        # (Format, Type) as they are stored: the default Type of a leaf as nothing; None when not given.
        # Over WBXML b64 says how the octets travel, they are bin (TND 7.7.2).
        name = item.fmt
        if name is not None and (name != FORMATS[fmt] or fmt == _B64):
            name = name.lower()
            fmt = FORMATS.index(name) if name in FORMATS else _UNKNOWN
            if fmt == _B64:
                fmt = _BIN
        mime = item.mime
        if mime == b"text/plain":
            if fmt:
                mime = b""
        elif mime and is_dmacc(mime):
            raise CommandFailed(405)  # R45
        return fmt, mime

    def _value(self, item, fmt):
        # (where, octets) of an Item's Data; 415 when they are none of the format, 413, 415 for its Type.
        n = item.data_len
        if item.size != n and item.size >= 0:
            raise CommandFailed(424)
        where = self.where(item)
        good = fmt != _UNKNOWN
        if fmt == _NODE or fmt == _NULL:
            good = not n
        elif fmt == _BIN and item.fmt and item.fmt.lower() == b"b64":
            try:
                n = self.txn.decode(where, n)
            except ValueError:
                good = False
        elif _BOOL <= fmt <= _FLOAT:
            good = n <= 32 and is_legal(fmt, self._octets(item, 32))
        mime = item.mime or b""
        if not good:
            raise CommandFailed(415)
        if len(mime) > PROP_LEN:
            raise CommandFailed(413)
        return where, n

    def where(self, item):
        """Where the octets of Data are; those that lie in pieces are put together."""
        data = item.data
        if len(data) == 2 and isinstance(data[0], int):
            return data[0]
        return self.txn.keep(self._octets(item, item.data_len))

    def _octets(self, item, most):
        if item.data_len > most:
            raise CommandFailed(413)
        out = b""
        data = item.data
        for i in range(0, len(data), 2):
            where = data[i]
            out += self.txn.octets(where, data[i + 1]) if isinstance(where, int) else where
        return out


def concerns(top: bytes, where: bytes) -> bool:
    """True when one of the two addresses, each with a slash behind it, is the other, or lies below it."""
    return where.startswith(top) or top.startswith(where)
