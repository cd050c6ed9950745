# TNDS objects in all their forms, seen from outside: what becomes of the tree.
# heapsize=640k: the flash image is in RAM here

import objects as o
from test_client import Device, applied


def tree(d, top):
    """{uri: (format, Type, Title, ACL, value)} of a sub-tree, as the store has it."""
    found = {}
    store = d.client.store
    nid = d.client.tree.find(top.split(b"/")[1:])
    for at in d.client.tree.subtree(nid) if nid >= 0 else ():
        fmt = d.client.tree.fields(at) & 15
        found[d.client.tree.path(at)] = (o.FORMATS[fmt],) + tuple(
            [store.field(at, i) for i in (1, 2, 3)] + [d.client.tree.value(at, 4000)]
        )
    return found


VALVE = o.node(
    b"Valve",
    o.node(b"Period", value=b"60", fmt=b"int", title=b"Seconds"),
    o.node(b"Text", value=b"a < b & c"),
    o.node(b"Key", value=bytes(range(256)), raw=True, fmt=b"bin", mime=b"application/x-key"),
    o.node(b"Deep", o.node(b"Er", o.node(b"Leaf", value=b"true", fmt=b"bool"))),
    o.node(b"None", fmt=b"null"),
    mo=o.VALVE,
    acl=b"Replace=com.example.dms&Get=*",
)
VALVE_TREE = {
    b"": (b"node", o.VALVE, b"", b"Get=*&Replace=com.example.dms", b""),
    b"/Period": (b"int", b"", b"Seconds", b"", b"60"),
    b"/Text": (b"chr", b"", b"", b"", b"a < b & c"),
    b"/Key": (b"bin", b"application/x-key", b"", b"", bytes(range(256))),
    b"/Deep": (b"node", b"", b"", b"", b""),
    b"/Deep/Er": (b"node", b"", b"", b"", b""),
    b"/Deep/Er/Leaf": (b"bool", b"", b"", b"", b"true"),
    b"/None": (b"null", b"", b"", b"", b""),
}


def below(top, rows):
    return {top + name: row for name, row in rows.items()}


def test_each_form_makes_the_same_tree():
    d = Device(16)
    for number, command in enumerate(
        (
            o.send(5, 1, b"./A0", o.document(VALVE)),
            o.send(5, 1, b"./A1", o.coded(VALVE), fmt=b"b64"),
            o.send(5, 1, b"./A2", o.text(VALVE), b"application/vnd.syncml.dmtnds+xml", b"xml"),
            o.inline(5, 1, b"./A3", VALVE),
        )
    ):
        applied(d.send(command))
        assert d.statuses == [200], (number, d.statuses)
        top = b"./A%d" % number
        want = below(top + b"/Valve", VALVE_TREE)
        want[top] = (b"node", b"", b"", b"", b"")
        assert tree(d, top) == want, (number, tree(d, top))
        assert d.heard.pop() == (top + b"/Valve", "add")
    d.boot()
    assert tree(d, b"./A3/Valve") == below(b"./A3/Valve", VALVE_TREE)
