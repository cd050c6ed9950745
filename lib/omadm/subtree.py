# Add and Replace of a sub-tree that comes as one TNDS object.
# OMA RepPro 1.2.1 (Add, Replace with TNDS), TNDS 1.2.1, TND 1.2.1 7.7.1 (ACL);
# Sessionless 5.4, 5.5, 6.1 (R31, R39-R43, R46, R48); docs/profile.md P8.
#
# Contract: a handler for tnds.read(). It stages node by node, or raises CommandFailed with the status
# that the Add or Replace of the node in question would have got. Nothing of the object is kept in
# RAM: nodes go to the transaction's arena, values stay in the message.
#
# Add: every node must be new. The right is asked of what was there before; within the object
# its own ACLs count from the end of the command on.
# Replace: a node that the object has too is made anew under its number; one that is there alone goes,
# when the node above it is over. ACLs of nodes that stay change last of all, so old ones decide.
# Bounds: REFERENCES, the limits of addresses; one row per level of depth.

from array import array

from micropython import const

from . import acl, uri
from .errors import CommandFailed
from .limits import MAX_DEPTH, MAX_TOT_LEN, PROP_LEN, REFERENCES, TEXT_LEN
from .tree import is_legal

_CAN_ADD = const(0x100)
_CAN_DELETE = const(0x200)
_CAN_REPLACE = const(0x1000)
_NEW = const(0x1F00)
_PERMANENT = const(0x10)
_DMACC = const(8)  # flags of a row
_STAGED = const(0x20)
_NODE = const(0)
_CHR = const(1)
_BIN = const(2)
_BOOL = const(3)
_FLOAT = const(5)
_B64 = const(9)
_NULL = const(10)
_NAME = const(0)
_TYPE = const(1)
_ACL = const(3)
_NO_EXT = const(99)


class Stager:
    """Second pass: every node goes into the transaction."""

    def __init__(self, run, base, replace, places):
        self.run = run
        self.tree = run.tree
        self.txn = run.txn
        self.store = run.tree.store
        self.base = base  # segments of Target
        self.replace = replace
        self.places = places  # inbox.Places, when Target is ./Inbox
        self.first = run.txn.len  # what is staged from here on in the arena is of this object
        self.nids = array("H", bytes(2 * MAX_DEPTH + 2))  # of the open nodes, by level
        self.kept = [None] * (MAX_DEPTH + 1)  # of those that were there: (Type, Title, ACL) to come
        self.sizes = bytearray(MAX_DEPTH + 1)  # characters of their addresses
        self.above = 0  # segments above level 1
        self.dead = 0  # level of a node that is skipped with all below it
        self.ext = 0 if b"Ext" in base else _NO_EXT  # level of the node called Ext
        self.skipped = False
        self.staged = 0
        self.where = self.n = 0  # the Value to come
        self.copied = False
        self.references = []  # segments of what the object points to

    # -- the handler of tnds.read

    def value(self, buf, off, end, at):
        """A piece of a Value; only what does not lie in one piece is copied."""
        txn = self.txn
        if not self.n and at >= 0:
            self.where = at
        else:
            if not self.copied:
                self.where = txn.keep(txn.octets(self.where, self.n))
                self.copied = True
            txn.keep(bytes(buf[off:end]))
        self.n += end - off

    def node(self, level, reader):
        """Stage a node, or skip it where that is allowed."""
        if not self.dead or level <= self.dead:
            self.dead = 0
            if level <= self.ext:
                self.ext = level if reader.name == b"Ext" else _NO_EXT
            point = self.txn.savepoint() if level > self.ext else None
            try:
                if level > 1:
                    self._nested(level, reader)
                else:
                    self._top(reader)
            except CommandFailed as e:
                if not point or self.replace or not 413 <= e.args[0] <= 415:
                    raise
                self.txn.rollback(point)  # R41: what Ext holds and we can't take is left away
                self.dead = level
            if self.dead:
                self.skipped = True
            else:
                self.staged += 1
        self.n = 0
        self.copied = False

    def leave(self, level):
        """A node that was there before is over: what the object does not have below it goes."""
        if self.dead and level >= self.dead:
            return
        if self.kept[level]:
            nid = self.nids[level]
            below = -1
            while True:
                below = self.store.next_child(nid, below)
                if below < 0:
                    break
                if not self._touched(below):
                    self._remove(below)
            self._again(nid, self.tree.fields(nid), self.kept[level], 0, 0)
            self.kept[level] = None

    # -- where a node goes

    def _top(self, reader):
        # A child of MgmtTree: NodeName and Path are relative to Target.
        name = reader.name
        path = reader.path
        if self.places:
            segments = self.places.segments(name, path)
            if not segments:
                self.dead = 1
                return
        else:
            segments = self.base + (uri.split(path)[0] if path else [])
            if name:
                segments.append(name)
            elif path:
                raise CommandFailed(400)
        if not segments:
            raise CommandFailed(405)
        where = b"/".join(segments)
        if uri.split(where) != (segments, None):
            raise CommandFailed(400)
        nid, depth, guarded = self.tree.resolve(segments)
        if guarded or segments[0] == b"Inbox":
            raise CommandFailed(405)
        self.above = len(segments) - 1
        self.sizes[1] = uri.characters(where)
        run = self.run
        if depth == len(segments):
            if not self.replace or self._touched(nid):
                raise CommandFailed(418)
            self._keep(1, nid, reader, True)
            run.hear(segments, 2)
            return
        if self.replace and (path is None or depth <= self.above or not self._touched(nid)):
            raise CommandFailed(404)
        own = b""
        if self.places or not self.replace and self._touched(nid):
            fields = self.tree.fields(nid)
        else:
            fields = run.fields(nid, b"Add", _CAN_ADD)
        if fields & 15:
            raise CommandFailed(405)
        more = segments[depth:-1]
        apart = self.places and path is None  # what lies above it is not of this object
        if (apart or not self._touched(nid)) and not run.may(nid, b"Replace"):
            if more or reader.fmt == _NODE:
                own = acl.auto(self.tree.effective_acl(nid), run.account.server_id)
            elif reader.acl and not apart:  # as ?prop=ACL of a leaf
                raise CommandFailed(425)
        for name in more:  # above an object from the Inbox all belongs to the board
            nid = self.txn.create(nid, name, _NEW, b"", b"" if self.places else own, 0, 0)
            if not self.places:
                own = b""
        self._make(1, nid, segments[-1], reader, own)
        run.hear(segments, 0)

    def _nested(self, level, reader):
        name = reader.name
        if not name or reader.path is not None or uri.split(name) != ([name], None):
            raise CommandFailed(400)
        size = self.sizes[level - 1] + 1 + uri.characters(name)
        if size > MAX_TOT_LEN or self.above + level > MAX_DEPTH:
            raise CommandFailed(414)
        self.sizes[level] = size
        parent = self.nids[level - 1]
        nid = self.store.child(parent, name)
        if nid >= 0:
            if self._touched(nid) or not self.kept[level - 1]:
                raise CommandFailed(418)
            if self._keep(level, nid, reader, False):
                return
        if self.kept[level - 1]:
            self.run.fields(parent, b"Add", _CAN_ADD)
        self._make(level, parent, name, reader, b"")

    def _touched(self, nid):
        # True for a node of this object.
        return self.store.flags[nid] & _STAGED and self.store.locs[nid] >= self.first

    # -- what becomes of it

    def _make(self, level, parent, name, reader, own):
        mime, title, given = self._texts(reader)
        fmt, where, n = self._value(reader)
        nid = self.txn.create(parent, name, _NEW | fmt, mime or b"", given or own, where, n, title or b"")
        self.nids[level] = nid
        self.kept[level] = None

    def _keep(self, level, nid, reader, top):
        # A node that is there already. False when it had to go, for a leaf never becomes interior.
        if self.store.flags[nid] & _DMACC:
            raise CommandFailed(405)
        fields = self.run.fields(nid, b"Replace", _CAN_REPLACE)
        old = fields & 15
        if reader.open:
            reader.fmt = old
        texts = self._texts(reader)
        fmt, where, n = self._value(reader)
        mime = texts[0]
        changed = fmt != old or mime is not None and mime != self.store.field(nid, _TYPE)
        if fields & _PERMANENT and changed or top and (not fmt) != (not old) or not nid:
            raise CommandFailed(405)
        if (not fmt) != (not old):
            self._remove(nid)
            return False
        self.nids[level] = nid
        if fmt:
            if texts[2] is not None and texts[2] != self.store.field(nid, _ACL):
                if not self.run.may(self.store.parent(nid), b"Replace"):
                    raise CommandFailed(425)
            self._again(nid, fields & ~15 | fmt, texts, where, n)
        else:
            self.kept[level] = texts
        return True

    def _again(self, nid, fields, texts, where, n):
        field = self.store.field
        texts = [field(nid, i + 1) if texts[i] is None else texts[i] for i in range(3)]
        self.txn.create(
            self.store.parent(nid), field(nid, _NAME), fields, texts[0], texts[2], where, n, texts[1], nid
        )

    def _remove(self, nid):
        self.run.fields(nid, b"Delete", _CAN_DELETE)
        for below in self.tree.loose(nid):
            self.txn.delete(below)

    def _texts(self, reader):
        # (Type, Title, ACL) as they are stored; None where the object does not say.
        mime = reader.mime
        title = reader.title
        given = reader.acl
        if reader.fmt and mime == b"text/plain":
            mime = b""
        if max(len(mime or b""), len(title or b"")) > PROP_LEN:
            raise CommandFailed(413)
        if title and uri.characters(title) < 0:
            raise CommandFailed(415)
        return mime, title, given if given is None else acl.check(given)

    def _value(self, reader):
        # (format, where, octets) of the Value, as they are stored.
        txn = self.txn
        fmt = reader.fmt
        where = self.where
        n = self.n
        if fmt == _NODE or fmt == _NULL:
            if n:
                raise CommandFailed(415)
        elif fmt == _B64 or fmt == _BIN and reader.coded:
            fmt = _BIN
            try:
                n = txn.decode(where, n)
            except ValueError:
                raise CommandFailed(415)
        elif _BOOL <= fmt <= _FLOAT:
            text = txn.octets(where, min(n, 33))
            if reader.no_value:  # undefined, and yet one of the format
                text = b"false" if fmt == _BOOL else b"0"
                n = len(text)
                where = txn.keep(text)
            if n > 32 or not is_legal(fmt, text):
                raise CommandFailed(415)
        elif fmt == _CHR and n <= TEXT_LEN and reader.name in (b"ConRef", b"PrefConRef"):
            return self._follow(fmt, where, n)
        return fmt, where, n

    def _follow(self, fmt, where, n):
        # A connectivity reference: R39, R40.
        text = self.txn.octets(where, n)
        segments = None
        if self.places:
            text, segments = self.places.follow(text)
        elif text.startswith(b"./Inbox/"):
            segments = self.base + uri.split(text[8:])[0]
            text = b"/".join([b"."] + segments)
        if segments:
            if len(self.references) == REFERENCES:
                raise CommandFailed(413)
            self.references.append(segments)
            where = self.txn.keep(text)
            n = len(text)
        return fmt, where, n
