"""A device and the plain model side by side, fed with the same real messages.

A Bench is a client on simulated flash, a Model, and what the outside world saw: which
Execs ran, which changes the application heard of. Commands are those of model.py, and one
kind more, made by wrong(): octets of a command that fails by itself, with its status.

encode() makes octets of commands. Where WBXML leaves a choice (inline string, opaque, string
table, entities, several pieces, Meta of Item or command, base64, relative addresses), a
function choose(n) -> 0 .. n-1 takes it; 0 is the plainest form everywhere.
"""

import copy
from struct import unpack_from

import messages as m
import model
import objects as o
import sealed
import subtrees
from norflash import NorFlash
from omadm import journal
from omadm.client import Client
from omadm.pagelog import PageLog
from omadm.push import Push
from omadm.spool import Spool
from omadm.store import Store

TYPE = "application/vnd.syncml.dm+wbxml"
FORMATS = "node chr bin bool int float date time xml b64 null".split()
TAGS = {"add": 0x05, "replace": 0x20, "delete": 0x10, "exec": 0x11, "atomic": 0x08, "sequence": 0x24}
ACCESS = {"Add": 1, "Delete": 2, "Exec": 4, "Get": 8, "Replace": 16}
RAN, INTERRUPTED = 1, 2  # what a journal entry tells of
REPLAY = 76


class Server:
    """What a server signs with."""

    def __init__(self, name, number):
        self.id = name
        self.user = b"user-" + name
        self.key = m.b64(bytes([number]) * 32)
        self.nonce = bytes([number + 100]) * 16

    def rows(self):
        """Its DMAcc, as declare() takes it."""
        x = b"./DMAcc/" + self.id
        return [
            (x, "node", "Get", b"", b"urn:oma:mo:oma-dm-dmacc:1.1", b""),
            (x + b"/ServerID", "chr", "Get", self.id),
            (x + b"/AppAuth", "node", "Get"),
            (x + b"/AppAuth/S", "node", "Get"),
            (x + b"/AppAuth/S/AAuthLevel", "chr", "Get", b"SRVCRED"),
            (x + b"/AppAuth/S/AAuthType", "chr", "Get", b"HMAC"),
            (x + b"/AppAuth/S/AAuthName", "chr", "Get", self.user),
            (x + b"/AppAuth/S/AAuthSecret", "chr", "", self.key),
            (x + b"/AppAuth/S/AAuthData", "bin", "", self.nonce),
        ]

    def message(self, session, msg, commands):
        """(body, x-syncml-hmac) of a message with these octets of commands."""
        body = m.message(
            session, msg, commands, source=self.id, user=self.user, key=self.key, nonce=self.nonce
        )
        return body, self.header(body)

    def header(self, body):
        """The x-syncml-hmac of a body."""
        return m.hmac_header(body, self.key, self.nonce, self.user)


SERVERS = {name: Server(name, number) for number, name in enumerate((b"A", b"B"), 1)}
EXECS = (b"./P/Run", b"./P/Go")

# What every device has: (uri, format, AccessType, value, Type, ACL).
PERMANENT = [
    (b"./DevInfo", "node", "Get"),
    (b"./DevInfo/DevId", "chr", "Get", m.DEVICE),
    (b"./DMAcc", "node", "Get"),
    (b"./Inbox", "node", "Get"),
    (b"./P", "node", "Add Get"),
    (b"./P/Fixed", "int", "Get Replace", b"7"),
    (b"./P/Run", "null", "Exec Get"),
    (b"./P/Go", "null", "Exec Get", b"", b"", b"Exec=B"),
    (b"./P/Other", "null", "Exec Get"),
    (b"./P/Shut", "node", "Get"),
    (b"./P/Open", "node", "Add Delete Get Replace", b"", b"", b"Add=A+B&Delete=A&Get=*&Replace=A"),
    (b"./P/OfB", "chr", "Get Replace", b"x", b"text/x", b"Replace=B"),
] + [row for server in SERVERS.values() for row in server.rows()]
DYNAMIC = [
    (b"./D", "node", "Add Delete Get Replace"),
    (b"./D/leaf", "chr", "Get Replace", b"one"),
    (b"./D/stays", "chr", "Get", b"two"),
]
ROOT_ACLS = (
    b"Add=*&Delete=*&Exec=*&Get=*&Replace=*",
    b"Add=*&Get=*",
    b"Add=A&Delete=A&Exec=A&Get=*&Replace=A",
)


class Model(model.Model):
    """The model, with commands that are wrong by themselves, and what the application hears."""

    def __init__(self, *args):
        super().__init__(*args)
        self.changes = []  # (uri, kind) of every change so far

    def one(self, server, kind, cmd_id, uri, *rest):
        """As before; of a wrong command the status is known."""
        if kind == "wrong":
            return uri
        if isinstance(uri, subtrees.Virtual):
            try:
                uri = uri.resolve(self, server)
            except model.Refused as e:
                return e.args[0]
        if rest and isinstance(rest[0], subtrees.Tnds):
            return self._object(server, kind, uri, rest[0])
        status = super().one(server, kind, cmd_id, uri, *rest)
        if status == 200:
            path, prop = model.parse_uri(uri)
            if prop == "Name":
                self.changes.append((model.uri_of((*path[:-1], rest[0].decode())), "add"))
            self.changes.append((model.uri_of(path), kind))
        return status

    def _object(self, server, kind, uri, tnds):
        before = copy.deepcopy(self.nodes)
        try:
            path, prop = model.parse_uri(uri)
            model.need(path[:1] != ("Inbox",) or kind == "add" and len(path) == 1, 405)
            model.need(not prop, 405)
            status, heard = subtrees.apply(self, server, kind, path, tnds)
        except model.Refused as e:
            self.nodes = before
            return e.args[0]
        self.changes += [(model.uri_of(path), kind) for path, kind in heard]
        return status

    def _run(self, server, command, outcomes, *rest):
        before = len(self.changes)
        super()._run(server, command, outcomes, *rest)
        if outcomes[-1] == (command[1], 507):
            del self.changes[before:]


def wrong(cmd_id, status, octets):
    """Octets of a command that fails with the status whatever the tree is like."""
    return ("wrong", cmd_id, status, octets, None, None)


def plain(n):
    """The plainest form of everything."""
    return 0


# --- octets of commands ---


class Encoder:
    """Octets of the commands of one message, with the string table they need."""

    def __init__(self, choose=plain):
        self.choose = choose
        self.table = b""
        self.number = None  # of the message: (server, session, msg)

    def text(self, octets):
        """Character data that stands for the octets."""
        how = self.choose(8)
        if not octets:
            return (b"", m.text(b""), m.opaque(b""))[how % 3]
        if how == 7 and len(octets) > 1:
            k = 1 + self.choose(len(octets) - 1)
            return self.text(octets[:k]) + self.text(octets[k:])
        if how == 6 and len(octets) < 100:
            try:
                return b"".join(b"\x02" + number(ord(c)) for c in octets.decode() if c != "\0" or 1 / 0)
            except (UnicodeDecodeError, ZeroDivisionError):
                return m.opaque(octets)
        if 0 in octets or how in (3, 4):
            return m.opaque(octets)
        if how == 5 and len(octets) < 100 and len(self.table) < 800:
            at = len(self.table)
            self.table += octets + b"\0"
            return b"\x83" + number(at)
        return m.text(octets)

    def address(self, uri):
        """Target, and perhaps TargetParent."""
        if isinstance(uri, subtrees.Virtual):
            part_a = m.element(0x17, self.text(uri.part_a()))
            if not uri.below and self.choose(2):
                return [m.element(0x2E, part_a)]
            below = m.element(0x2E, m.element(0x17, self.text(uri.below or b".")))
            return [below, m.element(0x3A, part_a)]
        at = uri.rfind(b"/")
        if self.choose(8) == 7 and 0 < at < len(uri) - 1 and uri[at - 1 : at] != b"/":
            parent = m.element(0x3A, m.element(0x17, self.text(uri[:at])))
            return [parent, m.element(0x2E, m.element(0x17, self.text(uri[at + 1 :])))]
        return [m.element(0x2E, m.element(0x17, self.text(uri)))]

    def meta(self, fmt, type, size=None):
        """Meta, or nothing."""
        inner = b""
        if fmt is not None:
            inner += m.element(0x07, self.text(model.octets(fmt)))
        if type is not None:
            inner += m.element(0x13, self.text(type))
        if size is not None:
            inner += m.element(0x12, m.text(b"%d" % size))
        return m.element(0x1A, b"\0\x01" + inner + b"\0\0") if inner else b""

    def leaf(self, commands):
        """One command whose Items are these commands."""
        kind, cmd_id = commands[0][:2]
        if kind == "wrong":
            return commands[0][3]
        commands = [sealed.encrypted(command, *self.number) for command in commands]
        parts = [m.element(0x0B, self.text(cmd_id.encode()))]
        meta = self.meta(*commands[0][4:])
        above = len(commands) == 1 and meta and self.choose(4) == 3
        parts += [meta] if above else []
        for _, _, uri, data, fmt, type in commands:
            item = self.address(uri)
            tokens = None
            if isinstance(data, subtrees.Tnds):
                form = self.choose(4)
                tokens = m.element(0x0F, o.tokens(*data.tops)) if form == 3 else None
                data = None if tokens else data.octets(form)
            size = len(data) if data is not None and self.choose(8) == 7 else None
            item.append(self.meta(None if above else fmt, None if above else type, size))
            if data is not None:
                whole = type == sealed.MIME and len(data) > sealed.LONGEST_IN_PIECES
                item.append(m.element(0x0F, m.text(data) if whole else self.text(data)))
            item += [tokens] if tokens else []
            k = self.choose(len(item))
            parts.append(m.element(0x14, *(item[k:] + item[:k])))
        return m.element(TAGS[kind], *parts)

    def commands(self, commands):
        """Commands in order; neighbours with one CmdID are Items of one command."""
        out = b""
        items = []
        for command in [*commands, None]:
            if items and (command is None or command[:2] != items[0][:2] or command[0] == "wrong"):
                out += self.leaf(items)
                items = []
            if command is not None and len(command) == 3:
                cmd_id = m.element(0x0B, self.text(command[1].encode()))
                out += m.element(TAGS[command[0]], cmd_id, self.commands(command[2]))
            elif command is not None:
                items.append(command)
        return out

    def message(self, server, session, msg, commands):
        """(body, x-syncml-hmac) of a whole message."""
        self.number = server, session, msg
        body, _ = server.message(session, msg, self.commands(commands))
        version = bytes((1 + (self.choose(3) + 1) % 3,))
        body = version + body[1:4] + m.opaque(self.table)[1:] + body[5:]
        return body, server.header(body)


def number(n):
    """A mb_u_int32."""
    octets = bytes((n & 0x7F,))
    while n > 0x7F:
        n >>= 7
        octets = bytes((n & 0x7F | 0x80,)) + octets
    return octets


# --- the device ---


def row_of(uri, fmt, access, value=b"", type=b"", acl=b""):
    """A row of Client.declare."""
    bits = sum(ACCESS[name] for name in access.split())
    return uri, fmt.encode(), bits, value, type, acl


def snapshot(client):
    """The whole tree as Model.snapshot() has it."""
    store = client.store
    found = {}
    for nid in client.tree.subtree(0):
        fields, _, verno = unpack_from("<BBH", store.octets(nid, 4, 4))
        fmt = FORMATS[fields & 15]
        type = store.field(nid, 1) or (b"" if fmt == "node" else b"text/plain")
        value = client.tree.value(nid, 1 << 16)
        found[client.tree.path(nid)] = (fmt, type, value, store.field(nid, 3), store.field(nid, 2), verno)
    return found


def pairs(client):
    """{server: last accepted pair} of those that sent at least one message."""
    return {a.server_id: (a.session, a.msg) for a in client.accounts if a.session}


def first_model(root_acl):
    """The model of a new device."""
    model = Model(root_acl, set(EXECS))
    root = model.nodes[()]
    root.access, root.verno = frozenset(("Add", "Get")), 1
    for permanent, rows in ((True, PERMANENT), (False, DYNAMIC)):
        for uri, fmt, access, *rest in rows:
            value, type, acl = [*rest, b"", b"", b""][:3]
            model.declare(uri, fmt, value, acl, type or None, access or "Exec", permanent)  # but no Get
    return model


class Bench:
    """A device, its model, and what the world saw of it."""

    def __init__(self, root_acl=ROOT_ACLS[0], sectors=32, flash=None, spool=16 * 1024):
        """A new device, or one on flash that has a tree: then set `model` to what that is."""
        self.root_acl = root_acl
        self.spool = Spool(spool)
        self.ran = []  # (uri, data) of every Exec handler called, over all boots
        self.flash = flash or NorFlash(sectors)
        if flash is None:
            self.boot()
            for stage in self.STAGES:
                stage(self)
            self.model = first_model(root_acl)

    # How a new device gets its first tree; each is one commit and can be done again.
    STAGES = (
        lambda self: self.client.declare([row_of(*row) for row in PERMANENT]),
        lambda self: self.client.declare([row_of(*row) for row in DYNAMIC], permanent=False),
        lambda self: self.client.set_acl(b".", self.root_acl),
    )

    def boot(self):
        """Power on: a new client on the flash as it is. Mounting writes nothing but the first root."""
        before = self.flash.ops
        self.heard = []
        self.client = Client(Store(PageLog(self.flash)))
        self.client.mount()
        self.boot_operations = self.flash.ops - before
        self.client.on_change(b".", lambda uri, kind: self.heard.append((uri, kind)))
        self.client.mo_roots = subtrees.MO_ROOTS
        for uri in EXECS:
            self.client.on_exec(uri, self._exec)

    def _exec(self, uri, data, correlator):
        self.ran.append((uri, data))

    def push(self, body, header):
        """One push; the Outcome. flash_operations says what it cost."""
        self.spool.reset()
        self.spool.write(body)
        before = self.flash.ops
        outcome = self.client.accept(Push("test", False, TYPE, 7, {"x-syncml-hmac": header}, self.spool))
        self.flash_operations = self.flash.ops - before
        return outcome

    def next_pair(self, server):
        """The next number of that server, by the model."""
        session, msg = self.model.pairs.get(server, (1, 0))
        return session, msg + 1

    def same(self):
        """Raise AssertionError where the device is not what the model says."""
        seen, wanted = snapshot(self.client), self.model.snapshot()
        if seen != wanted:
            differ = {u for u in {*seen, *wanted} if seen.get(u) != wanted.get(u)}
            raise AssertionError(f"device, model: { {u: (seen.get(u), wanted.get(u)) for u in differ} }")
        assert pairs(self.client) == self.model.pairs, (pairs(self.client), self.model.pairs)
        assert self.client.store.execs == []
        assert self.client.store.undo_len == 0
        assert self.client.hook_errors == 0

    def told(self, server, what):
        """How many kept journal entries of the last message of that server tell of `what`."""
        store = self.client.store
        entries = [journal.read(store, i) for i in range(len(store.journal))]
        nid = next(a.nid for a in self.client.accounts if a.server_id == server)
        return [e for e in entries if (e[1], e[2], e[3]) == (nid, *self.model.pairs[server]) and e[4] == what]
