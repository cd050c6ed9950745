"""The model itself: the tree drawn in the standard, and agreement with lib/ on texts."""

import random

import model as m
from omadm import acl, uri
from omadm.errors import CommandFailed

A, B, C, D = b"A", b"B", b"C", b"D"


def drawn():
    """The tree of TND 7.7.1."""
    tree = m.Model()
    for where, fmt, value in (
        (b"./NodeA", "node", b"Get=C&Replace=C"),
        (b"./NodeA/Node1", "chr", b"Get=*"),
        (b"./NodeB", "node", b"Get=A&Replace=A"),
        (b"./NodeB/Node3", "chr", b"Get=B&Replace=B&Delete=B"),
        (b"./NodeB/Node4", "node", b""),
        (b"./NodeB/Node5", "chr", b"Get=A&Replace=A&Get=B"),
    ):
        tree.declare(where, fmt, acl=value, permanent=False)
    return tree


def status(tree, server, command):
    return tree.copy().run(server, [command])[0][1]


def test_the_tree_of_the_standard():
    tree = drawn()
    for server in (A, B, C, D):
        assert status(tree, server, m.delete("1", b"./NodeA/Node1")) == 425
        assert status(tree, server, m.replace("1", b"./NodeA/Node1", b"x")) == 425
        for where, who in (
            (b"./NodeA/Node1?prop=ACL", C),
            (b"./NodeA?prop=ACL", C),
            (b"./NodeA?prop=Title", C),
            (b"./NodeB/Node3", B),
            (b"./NodeB/Node3?prop=ACL", A),
            (b"./NodeB/Node4?prop=ACL", A),
            (b"./NodeB/Node5", A),
            (b"./NodeB/Node5?prop=ACL", A),
        ):
            want = 200 if server == who else 425
            assert status(tree, server, m.replace("1", where, b"")) == want, (server, where)
        want = 200 if server == B else 425
        assert status(tree, server, m.delete("1", b"./NodeB/Node3")) == want
        assert status(tree, server, m.add("1", b"./NodeA/New")) == 425
        assert status(tree, server, m.add("1", b"./New")) == 200
        assert status(tree, server, m.replace("1", b".?prop=ACL", b"Get=*")) == 425
    assert tree.snapshot()[b"./NodeB/Node4"][3] == b""
    assert tree.snapshot()[b"./NodeB/Node5"][3] == b"Get=A+B&Replace=A"


def test_acl_of_the_root_stays():
    tree = m.Model(b"Add=*&Get=*&Replace=A&Delete=A")
    assert tree.run(A, [m.replace("1", b".?prop=ACL", b"Get=*")]) == [("1", 405)]
    assert tree.run(A, [m.delete("1", b".")]) == [("1", 405)]
    assert tree.run(A, [m.replace("1", b".?prop=Name", b"x")]) == [("1", 405)]


def test_acl_of_new_interior_nodes():
    tree = m.Model()
    assert tree.run(A, [m.add("1", b"./X/Y/Leaf", b"v")]) == [("1", 200)]
    seen = tree.snapshot()
    assert seen[b"./X"][3] == b"Add=A&Delete=A&Get=*&Replace=A"
    assert seen[b"./X/Y"][3] == seen[b"./X/Y/Leaf"][3] == b""
    assert tree.run(A, [m.add("1", b"./X/Z", None, "node")]) == [("1", 200)]
    assert tree.snapshot()[b"./X/Z"][3] == b""  # A has Replace on X
    assert tree.run(B, [m.add("1", b"./Leaf", b"v")]) == [("1", 200)]
    assert tree.snapshot()[b"./Leaf"][3] == b""  # a leaf gets none
    assert tree.run(B, [m.replace("1", b"./Leaf", b"w")]) == [("1", 425)]
    assert tree.run(B, [m.add("1", b"./X/New")]) == [("1", 425)]


def test_statuses():
    tree = m.Model(b"Add=*&Delete=*&Exec=*&Get=*&Replace=*", {b"./P/Run"})
    tree.declare(b"./P", "node", access="Get Add Exec Replace Delete")
    tree.declare(b"./P/Run", "null", access="Exec Get")
    tree.declare(b"./P/Fixed", "int", b"7", access="Get Replace")
    tree.declare(b"./P/Other", "null", access="Exec")
    tree.declare(b"./Acc", "node", type=b"urn:oma:mo:oma-dm-dmacc:1.1", permanent=False)
    tree.declare(b"./Acc/ServerID", value=b"A", permanent=False)
    tree.declare(b"./D", "node", permanent=False)
    tree.declare(b"./D/a", "chr", b"1", permanent=False)
    tree.declare(b"./D/b", "chr", b"2", permanent=False)
    tree.declare(b"./D/no", "chr", b"3", access="Get", permanent=False)
    for command, want in (
        (m.add("1", b"./D/a"), 418),
        (m.add("1", b"./D/a/x"), 405),
        (m.add("1", b"./D/n", b"x", "node"), 415),
        (m.add("1", b"./D/n", b"x", "text"), 415),
        (m.add("1", b"./D/n", b"x", "INT"), 415),
        (m.add("1", b"./D/n", b"-12", "INT"), 200),
        (m.add("1", b"./D/n", b"", "bool"), 415),
        (m.add("1", b"./D/n", b"1.5e-3", "float"), 200),
        (m.add("1", b"./D/n", b".", "float"), 415),
        (m.add("1", b"./D/n", b"YWI=", "b64"), 200),
        (m.add("1", b"./D/n", b"YW\r\n I=\n", "b64"), 200),
        (m.add("1", b"./D/n", b"YW!I=", "b64"), 415),
        (m.add("1", b"./D/n", b"YWI", "b64"), 415),
        (m.add("1", b"./D/n", b"YWI=YWJj", "b64"), 415),
        (m.add("1", b"./D/n", None, None, b"t" * 256), 413),
        (m.add("1", b"./D/n?prop=Title"), 405),
        (m.add("1", b"./New", None, "node", b"urn:oma:mo:oma-dm-dmacc:1.0"), 405),
        (m.add("1", b"./Acc/Name", b"x"), 405),
        (m.add("1", b"./Inbox/x", b"x"), 405),
        (m.replace("1", b"./D/c", b""), 404),
        (m.replace("1", b"./D/a", b"x", "int"), 415),
        (m.replace("1", b"./D/a", b"1", "int"), 200),
        (m.replace("1", b"./D", b""), 405),
        (m.replace("1", b"./D/no", b""), 405),
        (m.replace("1", b"./D/a", b"", "node"), 405),
        (m.replace("1", b"./P/Fixed", b"8"), 200),
        (m.replace("1", b"./P/Fixed", b"8", "int", b"text/plain"), 200),
        (m.replace("1", b"./P/Fixed", b"x"), 415),
        (m.replace("1", b"./P/Fixed", b"x", "chr"), 405),
        (m.replace("1", b"./P/Fixed", b"8", "int", b"text/x"), 405),
        (m.replace("1", b"./Acc/ServerID", b"x"), 405),
        (m.replace("1", b"./Acc/Nope", b"x"), 405),
        (m.replace("1", b"./D/a?prop=Format", b"x"), 405),
        (m.replace("1", b"./D/a?prop=Owner", b"x"), 406),
        (m.replace("1", b"./D/a?prop=Title", b"t" * 256), 413),
        (m.replace("1", b"./D/a?prop=Title", b"\xff"), 415),
        (m.replace("1", b"./D/a?prop=ACL", b"Get"), 400),
        (m.replace("1", b"./D/a?prop=ACL", b"Get=" + b"s" * 252), 413),
        (m.replace("1", b"./D/a?prop=Name", b"b"), 418),
        (m.replace("1", b"./D/a?prop=Name", b"a"), 200),
        (m.replace("1", b"./D/a?prop=Name", b"c"), 200),
        (m.replace("1", b"./D/a?prop=Name", b"c/d"), 400),
        (m.replace("1", b"./D/a?prop=Name", b"n" * 33), 414),
        (m.replace("1", b"./P?prop=Name", b"c"), 405),
        (m.delete("1", b"./D/c"), 404),
        (m.delete("1", b"./D/no"), 405),
        (m.delete("1", b"./D"), 200),  # with ./D/no: AccessType guards the addressed node only
        (m.delete("1", b"./P"), 405),
        (m.delete("1", b"./Acc"), 405),
        (m.delete("1", b"./D/a?prop=Title"), 405),
        (m.execute("1", b"./P/Run", b"x" * 512), 202),
        (m.execute("1", b"./P/Run", b"x" * 513), 413),
        (m.execute("1", b"./P/Other"), 406),
        (m.execute("1", b"./P/Fixed"), 405),
        (m.execute("1", b"./P/None"), 404),
    ):
        before = tree.snapshot()
        after = tree.copy()
        assert after.run(A, [command]) == [("1", want)], command
        assert want < 300 or after.snapshot() == before, command


def test_a_rename_takes_everything_below_along():
    tree = m.Model(b"Add=*&Replace=*")
    tree.run(A, [m.add("1", b"./X/Y/Leaf", b"v")])
    assert tree.run(A, [m.replace("2", b"./X?prop=Name", b"Z")]) == [("2", 200)]
    assert sorted(tree.snapshot()) == [b".", b"./Z", b"./Z/Y", b"./Z/Y/Leaf"]
    assert tree.snapshot()[b"./Z"][5] == 1 and tree.snapshot()[b"./Z/Y"][5] == 0
    longest = b"./g/" + b"f" * 32 + b"/" + b"f" * 32 + b"/" + b"f" * 32 + b"/" + b"f" * 25
    assert tree.run(A, [m.add("5", longest)]) == [("5", 200)]
    assert tree.run(A, [m.replace("6", b"./g?prop=Name", b"gg")]) == [("6", 200)]
    # one more, and no LocURI would reach the leaf
    assert tree.run(A, [m.replace("7", b"./gg?prop=Name", b"ggg")]) == [("7", 414)]


def test_atomic():
    tree = m.Model(b"Add=*&Delete=*&Replace=*&Get=*")
    before = tree.snapshot()
    group = [m.add("2", b"./a"), m.add("3", b"./a"), m.add("4", b"./b")]
    assert tree.run(A, [m.atomic("1", group), m.add("5", b"./c")]) == [
        ("2", 216),
        ("3", 418),
        ("4", 215),
        ("1", 507),
        ("5", 200),
    ]
    assert set(tree.snapshot()) - set(before) == {b"./c"}
    assert tree.run(A, [m.sequence("1", group)]) == [("2", 200), ("3", 418), ("4", 200), ("1", 200)]
    nested = m.atomic("1", [m.add("2", b"./d"), m.atomic("3", [m.add("4", b"./e")])])
    assert tree.run(A, [nested]) == [("2", 216), ("3", 500), ("1", 507)]
    inner = m.sequence("2", [m.add("3", b"./d"), m.add("4", b"./d"), m.add("5", b"./e")])
    assert tree.run(A, [m.atomic("1", [inner, m.add("6", b"./f")])]) == [
        ("3", 216),
        ("4", 418),
        ("5", 215),
        ("2", 215),
        ("6", 215),
        ("1", 507),
    ]


def test_replay():
    tree = m.Model()
    assert tree.message(A, 2, 1, [m.add("1", b"./a")]) == [("1", 200)]
    for pair in ((2, 1), (1, 9), (0, 0)):
        assert tree.message(A, *pair, [m.add("1", b"./b")]) is None
    assert tree.message(A, 2, 2, [m.add("1", b"./a")]) == [("1", 418)]
    assert tree.message(A, 2, 2, [m.add("1", b"./b")]) is None  # a failed message spends its number
    assert tree.message(B, 1, 1, [m.add("1", b"./b")]) == [("1", 200)]


def outcome(function, error, *args):
    try:
        return function(*args)
    except error as e:
        return e.args[0]


def test_lib_and_model_agree_on_uris():
    rng = random.Random(7)
    parts = [b".", b"/", b"./", b"..", b"A", b"\xc3\xa4", b"?prop=", b"?list=", b"ACL", b"x" * 31]
    parts += [b"\x80", b"\x00", b"\xc2\x85", b"?", b"Name", b"\xed\xa0\x80", b"%41", b"A/" * 15]
    kinds = set()
    for _ in range(20000):
        text = b"".join(rng.choice(parts) for _ in range(rng.randrange(1, 8)))
        mine = outcome(m.parse_uri, m.Refused, text)
        theirs = outcome(uri.split, CommandFailed, text)
        if isinstance(theirs, tuple):
            names, prop = theirs
            theirs = (tuple(n.decode() for n in names), prop and prop.decode())
        assert mine == theirs, (text, mine, theirs)
        kinds.add(mine if isinstance(mine, int) else "ok")
    assert kinds == {"ok", 404, 406, 414}


def test_lib_and_model_agree_on_acls():
    rng = random.Random(8)
    parts = [b"Add=", b"Get=", b"Replace=", b"Exec=", b"Delete=", b"&", b"&Get=", b"+", b"*", b"S"]
    parts += [b"T", b"com.example", b"=", b" ", b"\xc3\xa4", b"\xff", b"s" * 150, b"Copy="]
    kinds = set()
    for _ in range(20000):
        text = b"".join(rng.choice(parts[: rng.choice((12, 18))]) for _ in range(rng.randrange(12)))
        mine = outcome(lambda t: m.acl_text(m.parse_acl(t)), m.Refused, text)
        theirs = outcome(acl.check, CommandFailed, text)
        assert mine == theirs, (text, mine, theirs)
        kinds.add(mine if isinstance(mine, int) else "ok")
    assert kinds == {"ok", 400, 413}
