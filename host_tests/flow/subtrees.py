"""What a TNDS object does to the model, in the plainest words; and objects as octets in any of their forms.

Written from TNDS 1.2.1 and docs/profile.md P8, not from lib/omadm. An object is Tnds(node, ...), made of

    tree(b"Name", tree(...), ..., fmt="int", type=b"text/x", acl=b"Get=*", title=b"T", value=b"1", raw=True)

in which everything but the name may be missing. As the data of add() or replace() it is the Item's object.

Not modelled: Path, and what Ext leaves out.
"""

import base64
import binascii
import re

import model
import objects as o
from model import Node, Refused, is_dmacc, need, parse_acl, parse_uri, uri_of

REFERENCES = ("ConRef", "PrefConRef")
# Where objects to ./Inbox go: (identifier before the version, parent, name, versions that are supported).
ROOTS = ((b"urn:x:", ("Mo", "X"), None, (b"1.0", b"1.1")), (b"urn:nap:", ("Conn",), None, None))
MO_ROOTS = ((b"urn:x:*", b"./Mo/X", b"", (b"1.0", b"1.1")), (b"urn:nap:*", b"./Conn", b"", ()))


class Tnds:
    """An object: its topmost nodes. form: 0 document, 1 text, 2 base64, 3 tokens in Data."""

    def __init__(self, *tops):
        self.tops = tops

    def __repr__(self):
        return f"Tnds{self.tops!r}"

    def octets(self, form):
        """The octets of form 0 to 2."""
        return (o.document, o.text, o.coded)[form](*self.tops)


def tree(name, *below, fmt=None, type=None, **properties):
    """A node of an object."""
    if fmt is not None:
        properties["fmt"] = fmt.encode()
    if type is not None:
        properties["mime" if not type.startswith((b"urn:", b"org.")) else "mo"] = type
    return o.node(name, *below, **properties)


class Plain:
    """A node as an object says it: what is None, it does not say."""

    def __init__(self, one):
        self.name, below, has = one
        self.below = [Plain(child) for child in below]
        self.fmt = has["fmt"].decode() if "fmt" in has else None
        self.type = has.get("mo", has.get("mime"))
        self.acl, self.title, self.value = has.get("acl"), has.get("title"), has.get("value")
        self.said = self.fmt is not None or bool(below) or "mo" in has
        if self.fmt is None:
            self.fmt = "node" if below or "mo" in has else "chr"
        self.coded = not has.get("raw")


def apply(tree_model, server, kind, path, tnds):
    """Carry out an Add or Replace: (status, [(path, what the application hears)]). Refused: all undone."""
    tops = [Plain(one) for one in tnds.tops]
    for top in tops:
        look(top)
    places = None
    if path == ("Inbox",):
        need(tree_model.grants(path, "Add", server), 425)
        places = choose(tree_model, tops)
    work = Work(tree_model, server, kind, path, tops, places)
    for number, top in enumerate(tops):
        work.top(top, places[number] if places is not None else None)
    for reference in work.references:
        need(reference in tree_model.nodes, 404)
    status = 200 if not work.skipped else 206 if work.staged else 204
    return status, work.heard


def look(plain):
    """Refuse what is wrong wherever it goes."""
    if plain.below:
        need(plain.fmt == "node" and plain.value is None, 405 if plain.value is None else 400)
    need(plain.type is None or not is_dmacc(plain.type), 405)
    for child in plain.below:
        look(child)


def choose(tree_model, tops):
    """The place of each object, None for those that are left out."""
    found = []
    for top in tops:
        for row, (front, _, _, versions) in enumerate(ROOTS):
            match = re.fullmatch(re.escape(front) + rb"(\d+)\.(\d+)", top.type or b"")
            if match and (versions is None or match[0][len(front) :] in versions):
                found.append((row, (int(match[1]), int(match[2]))))
                break
        else:
            found.append(None)
    places = []
    for top, one in zip(tops, found, strict=True):
        if one is None or one[1] < max(other[1] for other in found if other and other[0] == one[0]):
            places.append(None)
            continue
        front, parent, _, _ = ROOTS[one[0]]
        name = top.name.decode() if top.name else front[:-1].split(b":")[-1].decode()
        need(parse_uri(name.encode()) == ((name,), None), 400)
        place, number = (*parent, name), 1
        while place in tree_model.nodes or place in places:
            number += 1
            place = (*parent, name[:30] + str(number))
        places.append(place)
    return places


class Work:
    """One object on its way into the model."""

    def __init__(self, tree_model, server, kind, target, tops, places):
        self.model, self.nodes = tree_model, tree_model.nodes
        self.server, self.replace, self.target = server, kind == "replace", target
        self.tops, self.places = tops, places
        self.done = set()  # paths of this object
        self.fresh = set()  # of these, what was not there before
        self.references, self.heard = [], []
        self.skipped = False
        self.staged = 0

    def may(self, path, right, access=None):
        """Need a right on a node, and its AccessType."""
        need(self.model.grants(path, right, self.server), 425)
        need((access or right) in self.nodes[path].access, 405)

    def top(self, plain, place):
        if self.places is not None:
            if place is None:
                self.skipped = True
                return
            path = place
        else:
            path = self.target
            if plain.name:
                path = self.whole((*self.target, plain.name))
            need(path, 405)
            need(parse_uri("/".join(path).encode()) == (path, None), 400)
        need(not self.model.in_dmacc(path) and path[0] != "Inbox", 405)
        if path in self.nodes:
            need(self.replace and path not in self.done, 418)
            self.keep(plain, path, True)
            self.heard.append((path, "replace"))
            return
        need(not self.replace, 404)
        parent = max((p for p in model.prefixes(path) if p in self.nodes), key=len)
        if self.places is None and parent not in self.done:
            self.may(parent, "Add")
        need(self.nodes[parent].interior, 405)
        own = {}
        more = [path[:i] for i in range(len(parent) + 1, len(path))]
        limited = parent not in self.done and not self.model.grants(parent, "Replace", self.server)
        grown = limited and (more or plain.fmt == "node")
        need(grown or not limited or self.places is not None or not plain.acl, 425)
        if grown:
            own = {c: ids for c, ids in self.model.effective(parent).items() if c in ("Get", "Exec")}
            own.update(Add=[self.server], Delete=[self.server], Replace=[self.server])
            own = model.tidy(own)
            need(len(model.acl_text(own)) <= model.ACL_LEN, 413)
        for one in more:
            self.nodes[one] = Node("node", b"", acl=None if self.places is not None else own)
            if self.places is None:
                own = {}
        self.make(plain, path, own)
        self.heard.append((path, "add"))

    def whole(self, names):
        """The path of names, the last in octets as the object has it."""
        where = "/".join(names[:-1]).encode()
        octets = names[-1].strip()
        path, prop = parse_uri((where + b"/" if where else b"") + octets)
        need(prop is None and len(path) == len(names), 400)
        return path

    def below(self, plain, path):
        """A node that is not topmost, whose parent is at path."""
        need(plain.name, 400)
        (name, *rest), prop = parse_uri(plain.name)
        need(not rest and prop is None, 400)
        path = (*path, name)
        need(len("/".join(path)) <= model.MAX_TOT_LEN and len(path) <= model.MAX_DEPTH, 414)
        if path in self.nodes:
            need(path not in self.done and path[:-1] not in self.fresh, 418)
            if self.keep(plain, path, False):
                return
        if path[:-1] not in self.fresh:
            self.may(path[:-1], "Add")
        self.make(plain, path, {})

    def children(self, plain, path):
        for child in plain.below:
            self.below(child, path)

    def make(self, plain, path, own):
        type, title, acl = self.texts(plain)
        fmt, value = self.value(plain)
        node = Node(fmt, type or model.default_type(fmt), value, acl or own)
        node.title = title or b""
        self.nodes[path] = node
        self.done.add(path)
        self.fresh.add(path)
        self.staged += 1
        self.children(plain, path)

    def keep(self, plain, path, top):
        """A node that is there; False when it goes, to come back as another kind of node."""
        node = self.nodes[path]
        need(not node.dmacc, 405)
        self.may(path, "Replace")
        if not plain.said:
            plain.fmt = node.fmt
        type, title, acl = self.texts(plain)
        fmt, value = self.value(plain)
        other = (fmt == "node") != node.interior
        if type == b"":
            type = model.default_type(fmt)
        if node.permanent:
            need(fmt == node.fmt and (type is None or type == node.type), 405)
        need(path and not (top and other), 405)
        if other:
            self.remove(path)
            return False
        self.staged += 1
        if not node.interior:
            if acl is not None and acl != node.acl:
                need(self.model.grants(path[:-1], "Replace", self.server), 425)
            self.again(node, fmt, type, title, acl, value)
            self.done.add(path)
            return True
        self.children(plain, path)
        for one in [p for p in self.nodes if p[:-1] == path and p and p not in self.done]:
            self.remove(one)
        self.again(node, fmt, type, title, acl, b"")
        self.done.add(path)
        return True

    def again(self, node, fmt, type, title, acl, value):
        node.fmt, node.value = fmt, value
        node.type = node.type if type is None else type
        node.title = node.title if title is None else title
        node.acl = node.acl if acl is None else acl
        node.changed()

    def remove(self, path):
        self.may(path, "Delete")
        need(not self.model.fixed(path), 405)
        for one in self.model.subtree(path):
            del self.nodes[one]

    def texts(self, plain):
        """(Type, Title, ACL), None for what is not said."""
        type = plain.type
        if plain.fmt != "node" and type == b"text/plain":
            type = b""
        need(max(len(type or b""), len(plain.title or b"")) <= model.PROP_LEN, 413)
        need(model.characters(plain.title or b"") is not None, 415)
        return type, plain.title, None if plain.acl is None else parse_acl(plain.acl)

    def value(self, plain):
        """(Format, value) as it is stored."""
        value, fmt = plain.value or b"", plain.fmt
        if fmt == "b64" or fmt == "bin" and plain.coded:
            try:
                return "bin", base64.b64decode(b"".join(value.split()), validate=True)
            except binascii.Error:
                raise Refused(415) from None
        if plain.value is None and fmt in ("bool", "int", "float"):
            return fmt, b"false" if fmt == "bool" else b"0"
        need(fmt not in ("node", "null") or not value, 415)
        need(fmt not in model.SYNTAX or re.fullmatch(model.SYNTAX[fmt], value), 415)
        if fmt == "chr" and plain.name in [name.encode() for name in REFERENCES]:
            value = self.follow(value)
        return fmt, value

    def follow(self, value):
        """A connectivity reference, led to where its object went."""
        if value.startswith(b"./Inbox/"):
            path = parse_uri(value[len(b"./Inbox/") :])[0]
            if self.places is not None:
                tops = [i for i, top in enumerate(self.tops) if top.name and top.name.decode() == path[0]]
                need(tops and self.places[tops[0]], 404)
                path = (*self.places[tops[0]], *path[1:])
            else:
                path = (*self.target, *path)
        elif self.places is not None:
            path = None
            for top, place in zip(self.tops, self.places, strict=True):
                if place and top.name and top.name.decode() != place[-1]:
                    old = (*place[:-1], top.name.decode())
                    if value == top.name:
                        self.references.append(place)
                        return place[-1].encode()
                    names = value.decode("utf-8", "replace").split("/")
                    if names[:1] == ["."] and tuple(names[1 : len(old) + 1]) == old:
                        path = (*place, *names[len(old) + 1 :])
                        break
            if path is None:
                return value
        else:
            return value
        self.references.append(path)
        return uri_of(path)


class Virtual:
    """An address by what an object is: identifier, path below it, conditions, where to look."""

    def __init__(self, moid, below=b"", conditions=(), search=None):
        self.moid, self.below, self.conditions, self.search = moid, below, conditions, search

    def __repr__(self):
        return f"Virtual({self.moid!r}, {self.below!r}, {self.conditions!r}, {self.search!r})"

    def part_a(self):
        """What stands in TargetParent, or in Target alone."""
        front = b"" if self.search is None else self.search + b"?"
        parts = [front + b"MOID=" + coded(self.moid)]
        return b"&".join(parts + [coded(leaf) + b"=" + coded(value) for leaf, value in self.conditions])

    def resolve(self, tree_model, server):
        """The address it stands for."""
        top = () if self.search is None else parse_uri(self.search)[0]
        need(top in tree_model.nodes and self.moid and len(self.conditions) <= 8, 404)
        conditions = [(parse_uri(leaf)[0], value) for leaf, value in self.conditions]
        found = []
        for path in tree_model.subtree(top):
            node = tree_model.nodes[path]
            holds = (self._holds(tree_model, server, path + leaf, value) for leaf, value in conditions)
            if node.interior and node.type == self.moid and all(holds):
                found.append(path)
        need(len(found) < 2, 412)
        need(found, 404)
        where = uri_of(found[0])
        return where + (b"/" + self.below if self.below and self.below[:1] != b"?" else self.below)

    @staticmethod
    def _holds(tree_model, server, path, value):
        node = tree_model.nodes.get(path)
        if node is None or node.interior or "Get" not in node.access:
            return False
        return tree_model.grants(path, "Get", server) and node.value == value


def coded(octets):
    """With %hh for what would end a part, and for some that would not."""
    return b"".join(b"%%%02x" % c if c in b"&=%" or c > 0x7E or c < 0x20 else bytes((c,)) for c in octets)
