# Access control lists: syntax, canonical form, rights. OMA TND 1.2.1 section 7.7.1.
from check import raises, row
from omadm import acl
from omadm.errors import CommandFailed

COMMANDS = (b"Add", b"Delete", b"Exec", b"Get", b"Replace")


def test_canonical_form():
    for given, want in (
        (b"", b""),
        (b"Get=*", b"Get=*"),
        (b"Replace=a&Get=b&Exec=c&Delete=d&Add=e", b"Add=e&Delete=d&Exec=c&Get=b&Replace=a"),
        (b"Get=A&Replace=A&Get=B", b"Get=A+B&Replace=A"),  # the repeat of the standard's own figure
        (b"Get=a+b+a&Get=b+c", b"Get=a+b+c"),
        (b"Get=a+*+b", b"Get=*"),
        (b"Get=a&Get=*", b"Get=*"),
        (b"Get=&Add=a", b"Add=a"),  # a command without an id is not stored
        (b"Get=", b""),
        (b"Get=&Get=a", b"Get=a"),
        (b"Get=urn:x:\xc3\xa4/1?,;'(a)", b"Get=urn:x:\xc3\xa4/1?,;'(a)"),
    ):
        assert acl.check(given) == want
        assert acl.check(want) == want


def test_bad_syntax():
    for given in (
        b"&",
        b"Get",
        b"=",
        b"=a",
        b"Get=a&",
        b"&Get=a",
        b"Get=a&&Add=b",
        b"Get=+a",
        b"Get=a+",
        b"Get=a++b",
        b"Get=+",
        b"Get=a=b",
        b"Get==",
        b"Get=a*",
        b"Get=**",
        b"Copy=a",
        b"get=a",
        b"GET=a",
        b" Get=a",
        b"Get =a",
        b"Get= a",
        b"Get=a b",
        b"Get=a\n",
        b"Get=a\tb",
        b"Get=a\x00",
        b"Get=\x7f",
        b"Get=\xff",
        b"Get=a&Add",
        b"Getx=a",
        b"Ge=a",
    ):
        raises(CommandFailed, 400, acl.check, given)


def test_length():
    full = b"Get=" + b"s" * 251
    assert acl.check(full) == full
    raises(CommandFailed, 413, acl.check, full + b"s")
    raises(CommandFailed, 413, acl.check, b"&" * 20000)  # before it is looked at


def test_a_right_is_for_one_command():
    for one in COMMANDS:
        value = one + b"=S"
        for other in COMMANDS:
            assert acl.grants(value, other, b"S") == (one == other)
            assert not acl.grants(value, other, b"T")
            assert acl.grants(one + b"=*", other, b"T") == (one == other)
    assert not acl.grants(b"Replace=*&Add=*&Delete=*&Get=*", b"Exec", b"S")


@row("R36", negative=True)
def test_an_id_is_compared_as_a_whole():
    value = b"Get=com.example.dms+b&Replace=com.example"
    assert acl.grants(value, b"Get", b"com.example.dms")
    assert acl.grants(value, b"Get", b"b")
    for stranger in (
        b"com.example",
        b"com.example.dm",
        b"om.example.dms",
        b"com.example.dms2",
        b"COM.EXAMPLE.DMS",
        b"b+b",
        b"com.example.dms+b",
        b"c",
        b"",
        b"b&Replace=com.example",
        b"Replace=com.example",
    ):
        assert not acl.grants(value, b"Get", stranger), stranger
    assert acl.grants(value, b"Replace", b"com.example")
    assert not acl.grants(value, b"Replace", b"com.example.dms")


def test_an_empty_list_grants_nothing():
    for command in COMMANDS:
        assert not acl.grants(b"", command, b"S")
        assert not acl.grants(b"", command, b"")
        assert not acl.grants(b"", command, b"*")


def test_auto():
    for parent, want in (
        (b"", b"Add=S&Delete=S&Replace=S"),
        (b"Add=*&Get=*", b"Add=S&Delete=S&Get=*&Replace=S"),
        (b"Add=S&Exec=a+b&Get=a", b"Add=S&Delete=S&Exec=a+b&Get=a&Replace=S"),
        (b"Add=S+T&Delete=T&Replace=T", b"Add=S&Delete=S&Replace=S"),
    ):
        assert acl.auto(parent, b"S") == want
        assert acl.check(want) == want


def test_auto_grants_nobody_more_than_the_parent():
    parent = b"Add=*&Delete=T&Exec=T&Get=*"
    child = acl.auto(parent, b"S")
    for command in COMMANDS:
        if acl.grants(child, command, b"T"):
            assert acl.grants(parent, command, b"T")
    assert not acl.grants(child, b"Exec", b"S")


def test_ids_that_would_change_the_list():
    for bad in (b"", b"*", b"a+b", b"a&Get=*", b"a=b", b"a b", b"a\n", b"\xff", b"a*"):
        assert not acl.is_id(bad)
        raises(CommandFailed, 500, acl.auto, b"Get=*", bad)
    assert acl.is_id(b"com.example.dms")


def test_results_stay_in_bounds():
    raises(CommandFailed, 413, acl.auto, b"", b"s" * 79)
    assert len(acl.auto(b"", b"s" * 78)) == 255


# The tree drawn in TND 7.7.1: own ACLs; the nearest non-empty one upwards counts, wholly.
TREE = {
    b".": b"Add=*&Get=*",
    b"./NodeA": b"Get=C&Replace=C",
    b"./NodeA/Node1": b"Get=*",
    b"./NodeB": b"Get=A&Replace=A",
    b"./NodeB/Node3": b"Get=B&Replace=B&Delete=B",
    b"./NodeB/Node4": b"",
    b"./NodeB/Node5": b"Get=A&Replace=A&Get=B",
}


def effective(node):
    while not TREE[node]:
        node = node[: node.rfind(b"/")]
    return acl.check(TREE[node])


def may(server, command, node):
    return acl.grants(effective(node), command, server)


def test_the_tree_of_the_standard():
    for server in (b"A", b"B", b"C", b"D"):
        # nobody can Delete or Replace Node1; everybody can Get it
        assert not may(server, b"Delete", b"./NodeA/Node1")
        assert not may(server, b"Replace", b"./NodeA/Node1")
        assert may(server, b"Get", b"./NodeA/Node1")
        # its ACL is its parent's matter: only C has Replace there
        assert may(server, b"Replace", b"./NodeA") == (server == b"C")
        # everybody may add below the root, nobody below NodeA: no entry is merged in from above
        assert may(server, b"Add", b".")
        assert not may(server, b"Add", b"./NodeA")
        assert may(server, b"Delete", b"./NodeB/Node3") == (server == b"B")
        assert may(server, b"Replace", b"./NodeB/Node3") == (server == b"B")
        # Node4 has no value and inherits all of NodeB's
        assert may(server, b"Replace", b"./NodeB/Node4") == (server == b"A")
        assert not may(server, b"Delete", b"./NodeB/Node4")
        # the repeated Get of Node5 is merged
        assert may(server, b"Get", b"./NodeB/Node5") == (server in b"AB")
        assert may(server, b"Replace", b"./NodeB/Node5") == (server == b"A")
    assert TREE[b"./NodeB/Node4"] == b""
