"""What happens to the device of the power tests: messages of every command, on a ring so small
that it wraps several times, with resets and housekeeping between them.

Some values travel encrypted (Sealed).

A step is a tuple: ("push", server, commands) · ("set", uri, value) · ("idle",) · ("boot",) ·
("sick", kind): from now on the sector after the one in use has that fault (fakes/norflash.py).
"""

from model import add, atomic, delete, execute, replace, sequence
from norflash import Random
from sealed import Sealed
from subtrees import Tnds, Virtual, tree


def octets(seed, n):
    """n octets that do not repeat at the size of a page."""
    return bytes((seed * 37 + i * 11 + (i >> 8) * 29) & 0xFF for i in range(n))


def push(*commands, server=b"A"):
    """A message."""
    return ("push", server, list(commands))


IDLE = ("idle",)
BOOT = ("boot",)

WHOLE = [
    push(replace("1", b"./P/Fixed", b"8")),
    push(add("1", b"./App/Log/Level", b"3", "int"), add("2", b"./App/Net", None, "node")),
    push(add("1", b"./App/Big", octets(1, 5000), "bin", b"application/octet-stream")),
    push(add("1", b"./App/Text", b"hello \xc3\xa4", None, b"text/x"), delete("2", b"./App/Nope")),  # 404
    push(execute("1", b"./P/Run", b"first")),
    push(replace("1", b"./App/Big", Sealed(octets(2, 4300)))),
    IDLE,
    push(atomic("1", [replace("2", b"./App/Log/Level", Sealed(b"4")), add("3", b"./App/New", Sealed(b"n"))])),
    push(atomic("1", [delete("2", b"./App/New"), delete("3", b"./App/Gone")]), add("4", b"./App/E")),  # 507
    push(sequence("1", [add("2", b"./App/S", b"s"), delete("3", b"./No"), replace("4", b"./App/S", b"t")])),
    push(replace("1", b"./App/Text?prop=Name", b"Renamed"), replace("2", b"./App?prop=Title", b"Title")),
    push(replace("1", b"./App/Log?prop=ACL", b"Add=A&Replace=A+B&Get=*"), server=b"A"),
    push(replace("1", b"./App/Log/Level", b"5"), execute("2", b"./P/Go", Sealed(b"second")), server=b"B"),
    BOOT,
    push(replace("1", b"./App/Big", octets(3, 5200))),
    IDLE,
    push(execute("1", b"./P/Run", b"third"), execute("2", b"./P/Go", b"fourth"), server=b"B"),
    push(delete("1", b"./D")),
    push(add("1", b"./D/x/y/z", octets(4, 300), "bin"), add("2", b"./D/w", b"true", "bool")),
    push(replace("1", b"./App/Big", octets(5, 900))),
    push(replace("1", b"./D?prop=Name", b"Dd"), replace("2", b"./Dd/x/y/z", octets(6, 600))),
    ("set", b"./P/Fixed", b"9"),
    push(replace("1", b"./App/Big", octets(7, 5600)), execute("2", b"./P/Run", b"fifth")),
    IDLE,
    IDLE,
    push(atomic("1", [add(str(i), b"./Dd/n%d" % i, b"%d" % i, "int") for i in range(2, 22)])),
    push(atomic("1", [delete(str(i), b"./Dd/n%d" % i) for i in range(2, 12)])),
    push(delete("1", b"./P/Fixed"), add("2", b"./App", b"x"), execute("3", b"./P/Other")),  # all fail
    push(replace("1", b"./App/Big", Sealed(octets(8, 4800)), None, b"image/png")),
    BOOT,
    push(add("1", b"./Second", octets(9, 2000)), replace("2", b"./App/Big", octets(10, 1200))),
    IDLE,
    push(delete("1", b"./Second"), add("2", b"./Second", octets(11, 2100))),
    push(replace("1", b"./App/Big", octets(12, 5100))),
    push(sequence("1", [atomic("2", [replace("3", b"./Second", octets(13, 1500)), execute("4", b"./P/Go")])]),
         server=b"B"),
    ("set", b"./P/Fixed", b"10"),
    push(add("1", b"./Enc", b"AQIDBA==", "b64"), replace("2", b"./Enc?prop=ACL", b"Replace=B")),
    push(replace("1", b"./Enc", b"BQY=", "b64"), server=b"B"),
    push(delete("1", b"./Dd"), replace("2", b"./App/Big", octets(14, 5300))),
    IDLE,
    push(replace("1", b"./App/Big", octets(15, 4700)), replace("2", b"./Second?prop=Name", b"Third")),
    push(replace("1", b"./App/Big", octets(16, 5900))),
    push(delete("1", b"./App/Big"), delete("2", b"./Third"), execute("3", b"./P/Run", b"seventh")),
    push(add("1", b"./Last", b"last")),
]  # fmt: skip

WORN = [
    push(add("1", b"./App/Big", octets(1, 5000), "bin")),
    ("sick", "flips"),
    push(replace("1", b"./App/Big", octets(2, 5200)), execute("2", b"./P/Run", b"worn 1")),
    push(replace("1", b"./P/Fixed", b"8")),
    ("sick", "no_erase"),
    push(replace("1", b"./App/Big", octets(3, 4800))),
    IDLE,
    ("sick", "no_program"),
    push(replace("1", b"./App/Big", octets(4, 5500)), execute("2", b"./P/Run", b"worn 2")),
    BOOT,
    ("sick", "raises"),
    push(replace("1", b"./App/Big", octets(5, 6000))),
    IDLE,
    push(atomic("1", [replace("2", b"./App/Big", octets(6, 3000)), add("3", b"./More", octets(7, 3000))])),
    push(delete("1", b"./More"), replace("2", b"./App/Big", octets(8, 5000))),
    push(replace("1", b"./App/Big", octets(9, 5100))),
]  # fmt: skip

TNDS = b"application/vnd.syncml.dmtnds+wbxml"
ALL_RIGHTS = b"Add=*&Delete=*&Get=*&Replace=*"


def nap(name, *more):
    """An object for the Inbox."""
    return tree(name, tree(b"Addr", value=b"ap"), *more, type=b"urn:nap:1.0")


def shop(seed, n, *more):
    """A sub-tree of some nodes, one of them with a value that fills pages."""
    big = tree(b"Big", value=octets(seed, n), fmt="bin", raw=True, type=b"image/png")
    leaf = tree(b"Leaf", value=b"%d" % seed, fmt="int")
    deep = tree(b"Deep", tree(b"Er", leaf), title=b"T", acl=b"Get=*&Replace=A+B")
    return tree(b"Shop", big, *more, deep, type=b"urn:x:1.0", acl=ALL_RIGHTS)


def objects(uri, *tops, cmd_id="1", kind=add):
    """An Add of an object, or its Replace."""
    return kind(cmd_id, uri, Tnds(*tops), None, TNDS)


LINK = tree(b"Link", tree(b"ConRef", value=b"./Inbox/Field"), type=b"urn:x:1.1")
INSIDE = Virtual(b"urn:x:1.0", b"Deep/Er/Leaf", [(b"Deep/Er/Leaf", b"3")])
OBJECTS = [
    push(objects(b"./App", shop(1, 1900), tree(b"Note", value=b"n"))),
    push(objects(b"./Inbox", nap(b"Field"), LINK)),
    push(objects(b"./Inbox", nap(b"Field"), tree(b"Not", value=b"1")), server=b"B"),  # Field2, 206
    push(objects(b"./App", shop(2, 700)), objects(b"./New", nap(b"N"), cmd_id="2")),  # 418, 200
    push(objects(b"./App", shop(3, 2100, tree(b"More", tree(b"M", value=b"m"))), kind=replace)),
    BOOT,
    push(replace("1", INSIDE, b"4"), server=b"B"),
    push(atomic("1", [objects(b"./A2", nap(b"N"), cmd_id="2"), delete("3", b"./Nope")])),  # 507
    push(atomic("1", [objects(b"./A2", nap(b"N"), cmd_id="2"), delete("3", b"./App/Note")])),
    IDLE,
    push(replace("1", b"./App/Shop?prop=ACL", ALL_RIGHTS), replace("2", b"./App/Shop?prop=Name", b"Shut")),
    push(objects(b"./App", tree(b"Shut", tree(b"Big", tree(b"T", value=b"t"))), kind=replace)),  # 425: Deep
    push(objects(b"./App/Shut", tree(None, tree(b"Deep", title=b"U"), acl=b"Get=*"), kind=replace)),
    push(objects(b"./A2", tree(b"", tree(b"N", nap(b"Inner")), acl=b"Get=*"), kind=replace)),
    push(objects(b"./Inbox", shop(4, 300))),
    push(delete("1", Virtual(b"urn:x:1.0", search=b"./Mo")), objects(b"./Inbox", nap(b"F"), cmd_id="2")),
    push(execute("1", b"./P/Run", b"objects"), objects(b"./Inbox", shop(5, 2400), cmd_id="2"), server=b"B"),
    IDLE,
    push(objects(b"./Mo/X", shop(6, 2200), kind=replace), server=b"B"),
    push(delete("1", b"./Mo"), delete("2", b"./Conn"), delete("3", b"./App")),
]  # fmt: skip

ROOM = (2600, 2200, 1500, 800, 500, 300, 100, 20)  # the most that each of the random nodes holds


def by_chance(seed, count):
    """Steps by chance: nodes come, go, change, and give their numbers to others."""
    random = Random(seed)
    below = random.below
    there = set()  # nodes that are there, if all went well
    steps = [push(add("1", b"./R", None, "node"))]
    for number in range(count):
        commands = []
        for cmd_id in range(2, 3 + below(6)):
            node = below(len(ROOM))
            uri = b"./R/%d" % node
            data = octets(below(99), ROOM[node] - below(1 + ROOM[node] // 3))
            command = below(20)
            if command == 0:
                commands.append(execute(str(cmd_id), b"./P/Run", b"%d %d" % (number, cmd_id)))
            elif (node in there) != (command == 1):  # most often what works
                commands.append(
                    (delete if command < 7 else replace)(str(cmd_id), uri, *[data][: command > 6])
                )
            else:
                commands.append(add(str(cmd_id), uri, data, "bin"))
            if commands[-1][0] == "delete":
                there.discard(node)
            elif command:
                there.add(node)
        kind = below(8)
        if kind == 0:
            commands = [sequence("1", commands)]
        elif kind < 3:
            commands = [atomic("1", commands)]
        steps.append(push(*commands))
        if not below(4):
            steps.append((IDLE, IDLE, BOOT)[below(3)])
    return steps


# name: (steps, sectors)
SCRIPTS = {"whole": (WHOLE, 8), "objects": (OBJECTS, 8), "worn": (WORN, 14), "chance": (by_chance(1, 50), 8)}
