"""A plain model of the management tree: what every command should do, in the plainest words.

Written from OMA TND and RepPro 1.2.1 and docs/profile.md, not from lib/omadm (which it never
imports), so that each checks the other. CPython only; everything is a dict, nothing is fast.

    model = Model(handlers={b"./Dev/Reboot"})
    model.declare(b"./Led/State", fmt="chr", access="Get Replace")
    model.run(b"com.example.dms", [replace("1", b"./Led/State", b"on")])  -> [("1", 200)]
    model.message(b"com.example.dms", 1, 1, [...])   -> the same, or None for a replay
    model.snapshot()                                 -> {uri: (fmt, type, ...)}

A command is a tuple (kind, cmd_id, uri, data, fmt, type), as add(), replace(), delete() and
execute() make it; several Items of one command are several tuples with one cmd_id. A group is a
tuple (kind, cmd_id, children), as atomic() and sequence() make it. data, fmt and type are
None where the message does not have them; fmt and type are str or bytes.

Not modelled: 420, the Size of Meta (424), TStamp; TNDS objects and virtual addresses: subtrees.py.
"""

import base64
import binascii
import copy
import re

MAX_DEPTH, MAX_TOT_LEN, MAX_SEG_LEN = 16, 127, 32
ACL_LEN = PROP_LEN = 255
EXEC_DATA = 512
FORMATS = "b64 bin bool chr int node null xml date time float".split()
PROPERTIES = "ACL Format Name Size Title TStamp Type VerNo".split()
RIGHTS = ("Add", "Delete", "Exec", "Get", "Replace")
ANY_ACCESS = frozenset(RIGHTS)
SYNTAX = {
    "bool": rb"true|false",
    "int": rb"[+-]?[0-9]{1,10}",
    "float": rb"(?=.{1,32}\Z)[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,10})?",
}


# --- commands ---


def add(cmd_id, uri, data=None, fmt=None, type=None):
    """An Add of one Item."""
    return ("add", cmd_id, uri, data, fmt, type)


def replace(cmd_id, uri, data=None, fmt=None, type=None):
    """A Replace of one Item, of a value or of a property."""
    return ("replace", cmd_id, uri, data, fmt, type)


def delete(cmd_id, uri):
    """A Delete of one Item."""
    return ("delete", cmd_id, uri, None, None, None)


def execute(cmd_id, uri, data=None):
    """An Exec."""
    return ("exec", cmd_id, uri, data, None, None)


def atomic(cmd_id, children):
    """An Atomic around commands."""
    return ("atomic", cmd_id, children)


def sequence(cmd_id, children):
    """A Sequence around commands."""
    return ("sequence", cmd_id, children)


class Refused(Exception):
    """A command ends with the status in args[0]."""


def need(condition, status):
    """Refuse with the status unless the condition holds."""
    if not condition:
        raise Refused(status)


# --- addresses: TND 5, 6 ---


def characters(octets):
    """The text of UTF-8 octets without ASCII controls, or None."""
    try:
        text = octets.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    return None if any(c < " " or c == "\x7f" for c in text) else text


def parse_uri(octets):
    """(path, property or None) of a LocURI; a path is a tuple of names."""
    need(len(octets) <= 4 * MAX_TOT_LEN + 2, 414)
    text = characters(octets)
    need(text is not None, 404)
    bare = re.sub(r"\A\./", "", text)
    need(len(bare) <= MAX_TOT_LEN, 414)
    node, question, query = text.partition("?")
    prop = None
    if question:
        need(query.startswith(("prop=", "list=")), 404)
        prop = query.removeprefix("prop=")
        need(prop in PROPERTIES, 406)
    if node == ".":
        return (), prop
    names = re.sub(r"\A\./", "", node).split("/")
    for name in names:
        need(name not in ("", ".", ".."), 404)
        need(len(name) <= MAX_SEG_LEN, 414)
    need(len(names) <= MAX_DEPTH, 414)
    return tuple(names), prop


def uri_of(path):
    """The address of a path, in octets."""
    return "/".join((".",) + path).encode()


# --- access control lists: TND 7.7.1 ---


def parse_acl(octets):
    """{command: [ids]} of the text of an ACL, brought into order."""
    need(len(octets) <= ACL_LEN, 413)
    rights = {}
    for entry in octets.split(b"&") if octets else ():
        match = re.fullmatch(rb"(Add|Delete|Exec|Get|Replace)=(.*)", entry, re.DOTALL)
        need(match, 400)
        for one in match[2].split(b"+") if match[2] else ():
            if one != b"*":
                text = characters(one)
                need(text and not set(text) & set(" =&*+"), 400)
            ids = rights.setdefault(match[1].decode(), [])
            if one not in ids:
                ids.append(one)
    return tidy(rights)


def tidy(rights):
    """`*` stands for all names beside it; commands without a name go."""
    return {c: [b"*"] if b"*" in rights[c] else rights[c] for c in RIGHTS if rights.get(c)}


def acl_text(rights):
    """The one way to write an ACL."""
    return b"&".join(c.encode() + b"=" + b"+".join(rights[c]) for c in RIGHTS if c in rights)


# --- the tree ---


class Node:
    """A node with what is compared of it."""

    def __init__(self, fmt, type, value=b"", acl=None, access=ANY_ACCESS, permanent=False):
        self.fmt = fmt
        self.type = type
        self.value = value
        self.acl = acl or {}
        self.access = frozenset(access)
        self.permanent = permanent
        self.title = b""
        self.verno = 0

    @property
    def interior(self):
        """Whether it may have children."""
        return self.fmt == "node"

    @property
    def dmacc(self):
        """Whether it is the root of a DMAcc."""
        return self.interior and is_dmacc(self.type)

    def changed(self):
        """Count one change."""
        self.verno = (self.verno + 1) % 0x10000


def is_dmacc(type):
    """Whether a Type is an identifier of the DMAcc object, in any case."""
    type = type.lower()
    return type.startswith(b"urn:oma:mo:oma-dm-dmacc:") or type == b"org.openmobilealliance/1.0/w7"


class Model:
    """The tree, the pending Execs and the replay pairs."""

    def __init__(self, root_acl=b"Add=*&Get=*", handlers=()):
        self.nodes = {(): Node("node", b"", acl=parse_acl(root_acl), permanent=True)}
        self.execs = []  # (uri, data) accepted, in order
        self.pairs = {}  # server: last accepted (SessionID, MsgID)
        self.handlers = set(handlers)  # addresses an Exec may be for

    def declare(self, uri, fmt="chr", value=b"", acl=b"", type=None, access="", permanent=True, title=b""):
        """Create a node locally, with its parents (interior, as permanent as it is).

        access: names separated by blanks; nothing means all.
        """
        path, _ = parse_uri(uri)
        for i in range(1, len(path)):
            self.nodes.setdefault(path[:i], Node("node", b"", permanent=permanent))
        if type is None:
            type = default_type(fmt)
        allowed = access.split() or ANY_ACCESS
        node = Node(fmt, type, value, parse_acl(acl), allowed, permanent)
        node.title = title
        self.nodes[path] = node

    def snapshot(self):
        """{uri: (format, Type, value, own ACL, Title, VerNo)} of the whole tree."""
        return {
            uri_of(path): (n.fmt, n.type, n.value, acl_text(n.acl), n.title, n.verno)
            for path, n in self.nodes.items()
        }

    def copy(self):
        """An independent copy."""
        return copy.deepcopy(self)

    # --- rights ---

    def effective(self, path):
        """The nearest non-empty ACL from the node upwards, wholly."""
        while not self.nodes[path].acl and path:
            path = path[:-1]
        return self.nodes[path].acl

    def grants(self, path, right, server):
        """Whether the server has the right on the node."""
        ids = self.effective(path).get(right, [])
        return server in ids or b"*" in ids

    def subtree(self, path):
        """The node and everything below it."""
        return [p for p in self.nodes if p[: len(path)] == path]

    def fixed(self, path):
        """Whether the node must stay where it is: permanent, or a DMAcc, or above one."""
        return any(self.nodes[p].permanent or self.nodes[p].dmacc for p in self.subtree(path))

    def in_dmacc(self, path):
        """Whether the path leads to a DMAcc or into one."""
        return any(p in self.nodes and self.nodes[p].dmacc for p in prefixes(path))

    # --- messages ---

    def message(self, server, session, msg, commands):
        """Outcomes of a whole message; None when it was accepted before and so is refused."""
        if (session, msg) <= self.pairs.get(server, (0, 0)):
            return None
        self.pairs[server] = (session, msg)
        return self.run(server, commands)

    def run(self, server, commands):
        """Carry out commands in order; [(cmd_id, status)], a group after its children."""
        outcomes = []
        for command in commands:
            self._run(server, command, outcomes, None)
        return outcomes

    def _run(self, server, command, outcomes, inside, parent=None):
        # inside: the state of the Atomic around the command, {"failed": bool}, or None;
        # parent: what the command stands in directly, if that is a Sequence.
        kind, cmd_id = command[:2]
        if kind == "sequence" and parent != kind:
            for child in command[2]:
                self._run(server, child, outcomes, inside, kind)
            outcomes.append((cmd_id, 215 if inside and inside["failed"] else 200))
            return
        if kind == "atomic" and not inside:
            before = copy.deepcopy((self.nodes, self.execs))
            mine, state = [], {"failed": False}
            for child in command[2]:
                self._run(server, child, mine, state)
            if state["failed"]:
                self.nodes, self.execs = before
                mine = [(c, 216 if status < 215 else status) for c, status in mine]
            outcomes += mine
            outcomes.append((cmd_id, 507 if state["failed"] else 200))
            return
        if inside and inside["failed"]:
            outcomes.append((cmd_id, 215))
            return
        if kind in ("atomic", "sequence"):
            status = 500  # no Atomic in an Atomic, no Sequence right in a Sequence
        else:
            status = self.one(server, *command)
        if inside and status >= 300:
            inside["failed"] = True
        outcomes.append((cmd_id, status))

    def one(self, server, kind, cmd_id, uri, data=None, fmt=None, type=None):
        """The status of one command, after doing it."""
        before = copy.deepcopy((self.nodes, self.execs))
        try:
            path, prop = parse_uri(uri)
            if path[:1] == ("Inbox",):
                need(kind == "add" and len(path) == 1 and not prop, 405)
            if kind in ("add", "replace") and is_object(path, type):
                raise Refused(405 if prop else 415)
            need(not self.in_dmacc(path), 405)
            if kind == "add":
                return self._add(server, path, prop, data, octets(fmt), octets(type))
            need(path in self.nodes, 404)
            if kind == "replace" and prop:
                return self._replace_property(server, path, prop, data or b"")
            need(self.grants(path, kind.capitalize(), server), 425)
            need(kind.capitalize() in self.nodes[path].access and not prop, 405)
            if kind == "replace":
                return self._replace(path, data, octets(fmt), octets(type))
            if kind == "delete":
                return self._delete(path)
            return self._exec(path, data or b"")
        except Refused as e:
            self.nodes, self.execs = before
            return e.args[0]

    def _add(self, server, path, prop, data, fmt, type):
        need(not prop, 405)
        need(path not in self.nodes, 418)
        parent = max((p for p in prefixes(path) if p in self.nodes), key=len)
        need(self.grants(parent, "Add", server), 425)
        need(self.nodes[parent].interior and "Add" in self.nodes[parent].access, 405)
        need(type is None or not is_dmacc(type), 405)
        fmt, value = value_of(fmt, data, "chr")
        check_type(type)
        for i in range(len(parent) + 1, len(path)):
            self.nodes[path[:i]] = Node("node", b"")
        self.nodes[path] = Node(fmt, type or default_type(fmt), value)
        top = self.nodes[path[: len(parent) + 1]]
        if top.interior and not self.grants(parent, "Replace", server):
            # The rights the server would lack, and those the new ACL would hide.
            rights = {c: ids for c, ids in self.effective(parent).items() if c in ("Get", "Exec")}
            rights.update(Add=[server], Delete=[server], Replace=[server])
            need(len(acl_text(rights)) <= ACL_LEN, 413)
            top.acl = tidy(rights)
        return 200

    def _replace(self, path, data, fmt, type):
        node = self.nodes[path]
        need(not node.interior, 405)
        stored = node.fmt if fmt is None else format_name(fmt)
        type = default_type(stored) if type == b"" else type
        need(stored != "node", 405)
        if node.permanent:
            need(stored == node.fmt, 405)
            need(type is None or type == node.type, 405)
        need(type is None or not is_dmacc(type), 405)
        node.fmt, node.value = value_of(fmt, data, node.fmt)
        check_type(type)
        if type is not None:
            node.type = type
        node.changed()
        return 200

    def _replace_property(self, server, path, prop, data):
        node, parent = self.nodes[path], path[:-1]
        if prop == "ACL":
            # A leaf's ACL is its parent's matter; an interior node's also its own.
            may = self.grants(parent, "Replace", server)
            need(may or node.interior and self.grants(path, "Replace", server), 425)
            need(path, 405)
            node.acl = parse_acl(data)
        else:
            need(self.grants(path, "Replace", server), 425)
            need(prop == "Title" or prop == "Name" and path and not self.fixed(path), 405)
            if prop == "Title":
                need(len(data) <= PROP_LEN, 413)
                need(characters(data) is not None, 415)
                node.title = data
            else:
                self._rename(path, data)
        node.changed()
        return 200

    def _rename(self, path, octets):
        name = characters(octets)
        need(name and name not in (".", "..") and not set(name) & set("/?"), 400)
        need(len(name) <= MAX_SEG_LEN, 414)
        new = path[:-1] + (name,)
        need(new == path or new not in self.nodes, 418)
        moved = {new + p[len(path) :]: self.nodes[p] for p in self.subtree(path)}
        # No node may end up where no LocURI reaches it.
        need(all(len("/".join(p)) <= MAX_TOT_LEN for p in moved), 414)
        self.nodes = {p: n for p, n in self.nodes.items() if p[: len(path)] != path} | moved

    def _delete(self, path):
        need(path and not self.fixed(path), 405)
        for p in self.subtree(path):
            del self.nodes[p]
        return 200

    def _exec(self, path, data):
        need(uri_of(path) in self.handlers, 406)
        need(len(data) <= EXEC_DATA, 413)
        self.execs.append((uri_of(path), data))
        return 202


def prefixes(path):
    """Every path from the root to the node itself."""
    return [path[:i] for i in range(len(path) + 1)]


def octets(text):
    """Octets of what is str, bytes or None."""
    return text.encode() if isinstance(text, str) else text


# --- values ---


def format_name(fmt):
    """The Format a node gets from the Format in Meta, if there is such a Format."""
    name = fmt.decode("latin-1").lower()
    return "bin" if name == "b64" else name  # base64 is how it travels


def default_type(fmt):
    """The Type of a node that nobody gave one, or an empty one."""
    return b"" if fmt == "node" else b"text/plain"


def value_of(fmt, data, default):
    """(Format, value) to store, from Meta Format and Data."""
    stored = default if fmt is None else format_name(fmt)
    need(stored in FORMATS, 415)
    value = data or b""
    if fmt is not None and fmt.lower() == b"b64":
        try:
            value = base64.b64decode(b"".join(value.split()), validate=True)
        except binascii.Error:
            raise Refused(415) from None
    need(stored not in ("node", "null") or not value, 415)
    need(stored not in SYNTAX or re.fullmatch(SYNTAX[stored], value), 415)
    return stored, value


def is_object(path, type):
    """Whether Data is to be a TNDS object."""
    return path == ("Inbox",) or (octets(type) or b"").lower().startswith(b"application/vnd.syncml.dmtnds")


def check_type(type):
    """Refuse a Type that is too long."""
    need(type is None or len(type) <= PROP_LEN, 413)
