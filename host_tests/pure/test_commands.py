# From elements to calls: one test per rule of the grammar, good and bad side by side.
import gc

from check import each_split, raises, row
from omadm.codepages import PAGES
from omadm.commands import Commands
from omadm.errors import CommandFailed, Malformed, TooLarge
from omadm.limits import CMD_ID_LEN, CMD_ID_ROOM, COPIED_OCTETS, DATA_PIECES, TEXT_LEN
from omadm.wbxml import LITERAL, Parser

try:
    from micropython import heap_lock
except ImportError:  # CPython has no such thing
    heap_lock = None

VECTORS = __file__.rsplit("/", 1)[0] + "/../vectors/wbxml/" if "/" in __file__ else "../vectors/wbxml/"
HEAD = b"\x02\xa4\x01\x6a\x06Vendor"

ADD, ALERT, ATOMIC, CMD_ID, COPY, CRED, DATA, DELETE = 0x05, 0x06, 0x08, 0x0B, 0x0D, 0x0E, 0x0F, 0x10
EXEC, FINAL, GET, ITEM, LOC_NAME, LOC_URI, META, MSG_ID = 0x11, 0x12, 0x13, 0x14, 0x16, 0x17, 0x1A, 0x1B
NO_RESP, REPLACE, RESP_URI, SEQUENCE, SESSION_ID, SOURCE = 0x1D, 0x20, 0x21, 0x24, 0x25, 0x27
SYNC_BODY, SYNC_HDR, SYNCML, TARGET, VER_DTD, VER_PROTO = 0x2B, 0x2C, 0x2D, 0x2E, 0x31, 0x32
MORE_DATA, FILTER, SOURCE_PARENT, TARGET_PARENT, CORRELATOR = 0x34, 0x36, 0x39, 0x3A, 0x3C
FORMAT, METINF, NEXT_NONCE, SIZE, TYPE = 0x47, 0x4E, 0x50, 0x52, 0x53  # page 1


def e(tag, *content):
    """An element of page 0 with its content."""
    return bytes((tag | 0x40,)) + b"".join(content) + b"\x01"


def s(text):
    return b"\x03" + text + b"\x00"


def m(tag, *content):
    """An element of page 1, inside an element of page 0."""
    return b"\x00\x01" + bytes((tag & 0x3F | 0x40,)) + b"".join(content) + b"\x00\x01\x01\x00\x00"


def loc(tag, uri):
    return e(tag, e(LOC_URI, s(uri)))


def meta(fmt=None, mime=None, size=None):
    parts = ((FORMAT, fmt), (TYPE, mime), (SIZE, size))
    return e(META, *[m(tag, s(text)) for tag, text in parts if text is not None])


def item(uri, *content):
    return e(ITEM, loc(TARGET, uri), *content)


def cmd(tag, cmd_id, *content):
    return e(tag, e(CMD_ID, s(cmd_id)), *content)


LEAVES = [
    e(VER_DTD, s(b"1.2")),
    e(VER_PROTO, s(b"DM/1.3")),
    e(SESSION_ID, s(b"1F")),
    e(MSG_ID, s(b"7")),
    loc(TARGET, b"urn:dev:1"),
    e(SOURCE, e(LOC_URI, s(b"srv.example")), e(LOC_NAME, s(b"user"))),
    e(CRED, meta(b"b64", b"syncml:auth-SHA256"), e(DATA, s(b"Zm9v"))),
]
HDR = e(SYNC_HDR, *LEAVES)
END = bytes((FINAL,))
BODY = e(SYNC_BODY, cmd(DELETE, b"9", item(b"./Z")), END)
GOOD = cmd(DELETE, b"99", item(b"./Z"))
GOOD_CALL = (DELETE, b"99", b"./Z")


class Handler:
    """Keeps what it is told."""

    def __init__(self):
        self.calls = []
        self.items = []
        self.hdr = None

    def header(self, hdr):
        self.hdr = hdr

    def begin(self, tag, cmd_id):
        self.calls.append(("begin", tag, cmd_id))

    def end(self, tag):
        self.calls.append(("end", tag))

    def command(self, tag, cmd_id, item):
        self.calls.append((tag, cmd_id, item.target))
        kept = {}
        for name in ("target", "target_parent", "fmt", "mime", "size", "correlator", "inline"):
            kept[name] = getattr(item, name)
        kept["data"] = list(item.data)
        kept["data_len"] = item.data_len
        self.items.append(kept)

    def fail(self, tag, cmd_id, status):
        self.calls.append(("fail", tag, cmd_id, status))


def run_pieces(pieces):
    handler = Handler()
    commands = Commands(handler)
    parser = commands.parser = Parser(commands, PAGES)
    for piece in pieces:
        parser.feed(piece, 0, len(piece))
    parser.close()
    commands.close()
    return handler


def run(data):
    return run_pieces([data])


def message(*commands, head=HEAD):
    return head + e(SYNCML, HDR, e(SYNC_BODY, *commands, END))


def calls(*commands):
    return run(message(*commands)).calls


def with_header(*leaves):
    return HEAD + e(SYNCML, e(SYNC_HDR, *leaves), BODY)


def one_item(content, tag=REPLACE):
    """What the handler gets as the one Item of a command."""
    handler = run(message(cmd(tag, b"1", content)))
    assert len(handler.items) == 1, handler.calls
    return handler.items[0]


def fails(status, *content, tag=REPLACE, cmd_id=b"1"):
    """The command with this content fails alone: what comes before and after it is called."""
    before = cmd(ADD, b"98", item(b"./Y"))
    command = cmd(tag, cmd_id, *content) if cmd_id is not None else e(tag, *content)
    outcome = ("fail", tag, cmd_id or b"", status)
    assert calls(before, command, GOOD) == [(ADD, b"98", b"./Y"), outcome, GOOD_CALL]
    assert calls(cmd(ATOMIC, b"97", before, command, GOOD)) == [
        ("begin", ATOMIC, b"97"), (ADD, b"98", b"./Y"), outcome, GOOD_CALL, ("end", ATOMIC),
    ]  # fmt: skip


def refused(code, data, error=Malformed):
    return raises(error, code, run, data)


# -- SyncHdr


@row("R05", "R06", "R08", "R09")
def test_header():
    hdr = run(with_header(*LEAVES)).hdr
    assert (hdr.session_id, hdr.msg_id) == (0x1F, 7)
    assert (hdr.target, hdr.source, hdr.loc_name) == (b"urn:dev:1", b"srv.example", b"user")
    assert (hdr.cred_format, hdr.cred_type, hdr.cred_data) == (
        b"b64", b"syncml:auth-SHA256", b"Zm9v",
    )  # fmt: skip


def test_header_in_any_order():
    for n in range(len(LEAVES)):
        hdr = run(with_header(*(LEAVES[n:] + LEAVES[:n]))).hdr
        assert (hdr.session_id, hdr.source, hdr.cred_data) == (0x1F, b"srv.example", b"Zm9v")


def replaced(n, leaf):
    leaves = list(LEAVES)
    leaves[n] = leaf
    return with_header(*leaves)


@row("R05", negative=True)
def test_ver_dtd():
    for text in (b"1.1", b"1.20", b"", b" 1.2", b"1.2 ", b"2.0"):
        refused(35, replaced(0, e(VER_DTD, s(text))))
    refused(35, replaced(0, b""))
    refused(35, replaced(0, bytes((VER_DTD,))))


@row("R06", negative=True)
def test_ver_proto():
    for text in (b"DM/1.2", b"dm/1.3", b"DM/1.30", b"", b"DM/1.3\n"):
        refused(36, replaced(1, e(VER_PROTO, s(text))))
    refused(36, replaced(1, b""))


@row("R07")
def test_session_id():
    for text, value in ((b"1", 1), (b"FFFF", 0xFFFF), (b"ffff", 0xFFFF), (b"0a9", 0xA9), (b"9Ad", 0x9AD)):
        assert run(replaced(2, e(SESSION_ID, s(text)))).hdr.session_id == value
    for text in (
        b"",
        b"0",
        b"0000",
        b"10000",
        b"FFFFFFFFFFFF",
        b"G",
        b"-1",
        b"+1",
        b" 1",
        b"1 ",
        b"0x1",
        b"1_1",
    ):
        refused(37, replaced(2, e(SESSION_ID, s(text))))
    for text in (b"@", b"`", b"/", b":", b"\x10", b"\xff", b"g"):
        refused(37, replaced(2, e(SESSION_ID, s(text))))
    refused(37, replaced(2, b""))


@row("R07")
def test_msg_id():
    for text, value in ((b"1", 1), (b"0002", 2), (b"1073741823", 0x3FFFFFFF)):
        assert run(replaced(3, e(MSG_ID, s(text)))).hdr.msg_id == value
    for text in (b"", b"0", b"A", b"1073741824", b"99999999999999999999", b"-1", b"1.0", b"@"):
        refused(38, replaced(3, e(MSG_ID, s(text))))
    refused(38, replaced(3, b""))


@row("R08", negative=True)
def test_target():
    for leaf in (b"", bytes((TARGET,)), e(TARGET, e(LOC_URI)), e(TARGET, e(LOC_NAME, s(b"x")))):
        refused(39, replaced(4, leaf))
    assert run(replaced(4, e(TARGET, e(LOC_NAME, s(b"x")), e(LOC_URI, s(b"d"))))).hdr.target == b"d"


@row("R09", negative=True)
def test_source():
    for leaf in (b"", bytes((SOURCE,)), e(SOURCE, e(LOC_URI)), e(SOURCE, e(LOC_NAME, s(b"x")))):
        refused(40, replaced(5, leaf))
    assert run(replaced(5, loc(SOURCE, b"srv"))).hdr.loc_name is None


@row("R10")
def test_cred():
    hdr = run(replaced(6, b"")).hdr
    assert (hdr.cred_format, hdr.cred_type, hdr.cred_data) == (None, None, None)
    hdr = run(replaced(6, bytes((CRED,)))).hdr
    assert hdr.cred_data is None
    opaque = e(
        CRED,
        e(META, m(METINF, b"\x00\x01\x47", s(b"b64"), b"\x01"), m(NEXT_NONCE, s(b"x"))),
        e(DATA, b"\xc3\x02ab"),
    )
    hdr = run(replaced(6, opaque)).hdr
    assert (hdr.cred_format, hdr.cred_type, hdr.cred_data) == (b"b64", None, b"ab")


def test_ignored_header_elements():
    more = [e(RESP_URI, s(b"http://x")), bytes((NO_RESP,)), e(META, m(0x0C, s(b"4096")))]
    assert run(with_header(*(more + LEAVES))).hdr.msg_id == 7


def test_doubled_header_elements():
    more = [e(RESP_URI, s(b"http://x")), bytes((NO_RESP,)), e(META, m(0x0C, s(b"4096")))]
    for leaf in LEAVES + more:
        refused(33, with_header(*(LEAVES + more + [leaf])))
    for tag in (LOC_URI, LOC_NAME):
        twice = e(SOURCE, e(LOC_URI, s(b"a")), e(LOC_NAME, s(b"a")), e(tag, s(b"b")))
        refused(33, replaced(5, twice))
    refused(33, replaced(4, e(TARGET, e(LOC_URI, s(b"a")), e(LOC_URI, s(b"b")))))
    for content in (meta(), e(DATA, s(b"x"))):
        refused(33, replaced(6, e(CRED, content, content)))
    refused(33, replaced(6, e(CRED, e(META, m(FORMAT, s(b"b64")), m(FORMAT, s(b"b64"))))))


def test_strange_header_elements():
    for leaf in (
        e(0x09),
        e(CMD_ID, s(b"1")),
        e(ITEM),
        b"\x00\x01\x07\x00\x00",
        b"\x00\x02\x07\x00\x00",
        b"\x04\x00",
    ):
        refused(32, with_header(*(LEAVES + [leaf])))
        refused(32, replaced(0, e(VER_DTD, s(b"1.2"), leaf)))
        refused(32, replaced(4, e(TARGET, e(LOC_URI, s(b"a")), leaf)))
        refused(32, replaced(6, e(CRED, leaf)))
        refused(32, replaced(6, e(CRED, e(DATA, leaf))))
    refused(32, replaced(4, e(TARGET, e(LOC_URI, s(b"a")), e(FILTER))))


def test_header_values_are_bounded():
    for n in (4, 5):
        long = loc(LEAVES[n][0] & 0x3F, b"x" * TEXT_LEN)
        assert len(getattr(run(replaced(n, long)).hdr, ("target", "source")[n - 4])) == TEXT_LEN
        refused(41, replaced(n, loc(LEAVES[n][0] & 0x3F, b"x" * (TEXT_LEN + 1))), TooLarge)
        in_pieces = e(LOC_URI, s(b"x" * 500), s(b"y" * 12), s(b"z"))
        refused(41, replaced(n, e(LEAVES[n][0] & 0x3F, in_pieces)), TooLarge)


def test_text_in_the_header():
    refused(34, with_header(*(LEAVES + [s(b"x")])))
    refused(34, replaced(4, e(TARGET, s(b"urn:dev:1"))))
    assert run(with_header(*(LEAVES + [s(b" \r\n\t")]))).hdr.msg_id == 7


def test_the_handler_may_refuse_the_header():
    class Fussy(Handler):
        def header(self, hdr):
            raise Malformed(77)

    commands = Commands(Fussy())
    parser = Parser(commands, PAGES)
    data = with_header(*LEAVES)
    raises(Malformed, 77, parser.feed, data, 0, len(data))
    assert commands.handler.calls == []


# -- around the commands


def test_structure():
    assert run(HEAD + e(SYNCML, HDR, BODY)).calls == [(DELETE, b"9", b"./Z")]
    for root in (SYNC_HDR, SYNC_BODY, ADD, GET - 1):
        refused(32, HEAD + e(root, HDR, BODY))
    refused(32, HEAD + b"\x44\x00\x01")
    for content in ((), (HDR,), (BODY,), (BODY, HDR), (s(b" "),)):
        refused(31, HEAD + e(SYNCML, *content))
    for content in ((HDR, HDR), (HDR, HDR, BODY), (HDR, BODY, HDR), (HDR, BODY, BODY)):
        refused(33, HEAD + e(SYNCML, *content))
    for content in ((GOOD,), (HDR, GOOD), (HDR, BODY, GOOD), (HDR, BODY, END), (HDR, b"\x04\x00")):
        refused(32, HEAD + e(SYNCML, *content))
    refused(34, HEAD + e(SYNCML, HDR, s(b"x"), BODY))
    refused(31, HEAD + bytes((SYNCML,)))


@row("R15", negative=True)
def test_final():
    assert calls() == []
    assert calls(GOOD) == [GOOD_CALL]
    refused(44, HEAD + e(SYNCML, HDR, e(SYNC_BODY, GOOD)))
    refused(44, HEAD + e(SYNCML, HDR, bytes((SYNC_BODY,))))
    for last in (GOOD, END, b"\x04\x00", cmd(ATOMIC, b"5")):
        refused(45, HEAD + e(SYNCML, HDR, e(SYNC_BODY, GOOD, END, last)))
    assert run(HEAD + e(SYNCML, HDR, e(SYNC_BODY, GOOD, e(FINAL, s(b" "))))).calls == [GOOD_CALL]
    refused(45, HEAD + e(SYNCML, HDR, e(SYNC_BODY, e(FINAL, s(b"x")))))
    refused(45, HEAD + e(SYNCML, HDR, e(SYNC_BODY, e(FINAL, GOOD))))
    refused(45, HEAD + e(SYNCML, HDR, e(SYNC_BODY, END, s(b"x"))))
    # Final anywhere else is no Final
    refused(44, HEAD + e(SYNCML, HDR, e(SYNC_BODY, cmd(ATOMIC, b"1", END))))


@row("R16", negative=True)
def test_get():
    get = cmd(GET, b"5", item(b"./A"))
    for content in (
        get,
        bytes((GET,)),
        cmd(ATOMIC, b"1", get),
        cmd(SEQUENCE, b"1", cmd(ATOMIC, b"2", get)),
        e(ATOMIC, get),
        cmd(ALERT, b"1", get),
        cmd(0x2A, b"1", e(ADD, get)),
        cmd(ATOMIC, b"1", cmd(ATOMIC, b"2", get)),
        cmd(ADD, b"1", get),
        cmd(ADD, b"1", item(b"./A", get)),
        cmd(ADD, b"1", item(b"./A", e(META, get))),
        cmd(ADD, b"1", item(b"./A", e(DATA, s(b"x"), get))),
        cmd(ADD, b"1", item(b"./A", e(DATA, b"\x44\x00", get, b"\x01"))),
        e(ADD, e(CMD_ID, get)),
        e(0x09, get),
        b"\x44\x00" + get + b"\x01",
    ):
        refused(42, message(GOOD, content))
    refused(42, with_header(*(LEAVES + [get])))
    refused(42, HEAD + e(SYNCML, HDR, get))
    refused(42, HEAD + get)
    # what only looks like it is none
    assert calls(cmd(ADD, b"1", item(b"./Get", e(DATA, s(b"\x13"))))) == [(ADD, b"1", b"./Get")]


def test_more_data():
    more = bytes((MORE_DATA,))
    for content in (
        cmd(ADD, b"1", item(b"./A", e(DATA, s(b"x")), more)),
        cmd(ADD, b"1", item(b"./A", e(MORE_DATA))),
        cmd(ATOMIC, b"1", cmd(ADD, b"2", item(b"./A", more))),
        cmd(ALERT, b"1", item(b"./A", more)),
        more,
    ):
        refused(43, message(GOOD, content))


def test_strange_elements_between_commands():
    for strange, tag in (
        (b"\x44\x00" + s(b"x") + b"\x01", LITERAL),
        (b"\x04\x00", LITERAL),
        (e(TARGET, e(LOC_URI, s(b"a"))), TARGET),
        (b"\x00\x01\x07\x00\x00", FORMAT),
        (b"\x00\x02\x60\x47\x01\x01\x00\x00", 0xA0),
        (e(SYNC_BODY, GOOD, END), SYNC_BODY),
        (e(CMD_ID, s(b"1")), CMD_ID),
    ):
        assert calls(strange, GOOD) == [("fail", tag, b"", 400), GOOD_CALL]
        assert calls(cmd(SEQUENCE, b"5", strange, GOOD)) == [
            ("begin", SEQUENCE, b"5"), ("fail", tag, b"", 400), GOOD_CALL, ("end", SEQUENCE),
        ]  # fmt: skip
    assert calls(cmd(ATOMIC, b"5", END, GOOD))[1] == ("fail", FINAL, b"", 400)


def test_text_between_commands():
    refused(34, message(GOOD, s(b"x")))
    refused(34, message(cmd(ATOMIC, b"1", s(b"x"))))
    assert calls(s(b"\n  "), GOOD, cmd(ATOMIC, b"1", s(b" "))) == [
        GOOD_CALL, ("begin", ATOMIC, b"1"), ("end", ATOMIC),
    ]  # fmt: skip


def test_close():
    commands = Commands(Handler())
    raises(Malformed, 30, commands.close)
    commands.start(SYNCML)
    raises(Malformed, 30, commands.close)
    commands.start(SYNC_HDR)
    raises(Malformed, 30, commands.close)


# -- commands and lists


@row("R11", "R12", "R44")
def test_commands_in_order():
    assert calls(
        cmd(ADD, b"1", item(b"./A")),
        cmd(REPLACE, b"2", item(b"./B"), item(b"./C"), item(b"./D")),
        cmd(
            SEQUENCE, b"3", cmd(DELETE, b"4", item(b"./E")), cmd(ATOMIC, b"5", cmd(EXEC, b"6", item(b"./F")))
        ),
        cmd(ATOMIC, b"7", cmd(SEQUENCE, b"8", cmd(ADD, b"9", item(b"./G")))),
        GOOD,
    ) == [
        (ADD, b"1", b"./A"),
        (REPLACE, b"2", b"./B"),
        (REPLACE, b"2", b"./C"),
        (REPLACE, b"2", b"./D"),
        ("begin", SEQUENCE, b"3"),
        (DELETE, b"4", b"./E"),
        ("begin", ATOMIC, b"5"),
        (EXEC, b"6", b"./F"),
        ("end", ATOMIC),
        ("end", SEQUENCE),
        ("begin", ATOMIC, b"7"),
        ("begin", SEQUENCE, b"8"),
        (ADD, b"9", b"./G"),
        ("end", SEQUENCE),
        ("end", ATOMIC),
        GOOD_CALL,
    ]


def test_ignored_elements():
    extra = (bytes((NO_RESP,)), e(CRED, meta(b"b64"), e(DATA, s(b"x"))))
    assert calls(cmd(ADD, b"1", *(extra + (item(b"./A"),)))) == [(ADD, b"1", b"./A")]
    assert calls(e(ATOMIC, bytes((NO_RESP,)), e(CMD_ID, s(b"1")), meta(b"chr"), GOOD))[1] == GOOD_CALL
    parts = (e(LOC_NAME, s(b"n")), e(LOC_URI, s(b"./A")))
    assert calls(cmd(ADD, b"1", e(ITEM, e(TARGET, *parts), e(SOURCE_PARENT, *parts)))) == [
        (ADD, b"1", b"./A")
    ]


def test_vectors():
    with open(VECTORS + "01-commands.v1.2.n.wbxml", "rb") as f:
        handler = run(f.read())
    assert handler.hdr.target == b"urn:dev:mac:a4cf12fffe000001"
    assert handler.calls == [
        (ADD, b"1", b"./Plant/Valve2"),
        (ADD, b"2", b"./Plant/Valve2/Label"),
        (REPLACE, b"3", b"./Plant/Period"),
        (DELETE, b"4", b"./Plant/Valve9"),
        (EXEC, b"5", b"./FUMO/fw1/DownloadAndUpdate"),
    ]
    assert [kept["fmt"] for kept in handler.items] == [b"node", b"chr", b"int", None, None]
    assert [kept["data"] for kept in handler.items] == [[], [276, 9], [331, 3], [], []]
    with open(VECTORS + "07-property-acl.v1.2.n.wbxml", "rb") as f:
        handler = run(f.read())
    assert handler.calls == [
        ("begin", SEQUENCE, b"1"),
        (REPLACE, b"2", b"./Plant?prop=ACL"),
        (EXEC, b"3", b"./SCM/Inventory/Deployed/app1/Operations/Activate"),
        ("end", SEQUENCE),
    ]
    assert [kept["correlator"] for kept in handler.items] == [None, b"job-7"]


def test_every_split_gives_the_same():
    data = message(
        cmd(REPLACE, b"1", meta(b"chr"), item(b"./A", e(DATA, s(b"hello"), b"\x02\x41", b"\xc3\x02xy"))),
        cmd(ATOMIC, b"2", b"\x44\x00" + s(b"x") + b"\x01", cmd(ALERT, b"3")),
        head=b"\x02\xa4\x01\x6a\x01V",
    )
    expected = run(data)
    for pieces in each_split(data):
        handler = run_pieces(pieces)
        assert handler.calls == expected.calls and handler.items == expected.items


@row("R11", negative=True)
def test_cmd_id():
    fails(400, item(b"./A"), cmd_id=None)
    fails(400, item(b"./A"), cmd_id=b"")
    fails(400, item(b"./A"), cmd_id=b"0")
    fails(400, item(b"./A"), cmd_id=b"00")
    fails(400, item(b"./A"), cmd_id=b"98")  # that one is taken
    fails(400, item(b"./A"), cmd_id=b"a\nb")
    for good in (b"1", b"2047", b"2048", b"01", b"abc", b"x" * CMD_ID_LEN, b"-1", b"99999999999", b" "):
        assert calls(cmd(ADD, good, item(b"./A")), GOOD) == [(ADD, good, b"./A"), GOOD_CALL]
        twice = cmd(ADD, good, item(b"./A"))
        assert calls(twice, twice) == [(ADD, good, b"./A"), ("fail", ADD, good, 400)]
    long = b"x" * (CMD_ID_LEN + 1)
    assert calls(cmd(ADD, long, item(b"./A")), GOOD) == [("fail", ADD, long[:-1], 400), GOOD_CALL]
    # one that is part of another is not that one
    several = (b"abc", b"b", b"ab", b"bc", b"1", b"10", b"01", b"001")
    assert len(calls(*[cmd(ADD, text, item(b"./A")) for text in several])) == len(several)
    assert not [c for c in calls(*[cmd(ADD, text, item(b"./A")) for text in several]) if c[0] == "fail"]
    # commands that fail take theirs too
    assert calls(cmd(ALERT, b"99"), GOOD) == [("fail", ALERT, b"99", 406), ("fail", DELETE, b"99", 400)]


def test_cmd_id_stands_before_the_items():
    data = e(ADD, item(b"./A"), e(CMD_ID, s(b"1")))
    assert calls(data, GOOD) == [("fail", ADD, b"1", 400), GOOD_CALL]
    data = e(ADD, e(CMD_ID, s(b"1")), e(CMD_ID, s(b"2")), item(b"./A"))
    assert calls(data, GOOD) == [("fail", ADD, b"1", 400), GOOD_CALL]
    data = e(ADD, e(CMD_ID, e(DATA)), item(b"./A"))
    assert calls(data, GOOD) == [("fail", ADD, b"", 400), GOOD_CALL]


class Tally(Handler):
    """Counts calls and failures, and keeps nothing."""

    called = failed = 0

    def command(self, tag, cmd_id, item):
        self.called += 1

    def fail(self, tag, cmd_id, status):
        self.failed += 1


def tally(form, numbers):
    """(called, failed) of one message with a command for each number."""
    handler = Tally()
    parser = Parser(Commands(handler), PAGES)
    start = HEAD + b"\x6d" + HDR + b"\x6b"
    parser.feed(start, 0, len(start))
    for n in numbers:
        piece = cmd(ADD, form % n, item(b"."))
        parser.feed(piece, 0, len(piece))
    return handler.called, handler.failed


def test_many_cmd_ids():
    assert tally(b"%d", range(1, 2048)) == (2047, 0)
    assert tally(b"%d", list(range(1, 2048, 7)) * 2) == (293, 293)
    # others than small numbers are kept as they are, in bounded room: beyond it they fail
    room = CMD_ID_ROOM // 5
    assert tally(b"n%03d", range(room)) == (room, 0)
    called, failed = tally(b"n%03d", range(1000))
    assert room <= called <= room + 1 and called + failed == 1000


@row("R11", negative=True)
def test_list_without_good_cmd_id():
    inner = cmd(ADD, b"1", item(b"./A"))
    for tag in (ATOMIC, SEQUENCE):
        for opening, cmd_id in (
            ((), b""),
            ((e(CMD_ID),), b""),
            ((e(CMD_ID, s(b"0")),), b"0"),
            ((e(CMD_ID, s(b"98")),), b"98"),
            ((e(CMD_ID, e(DATA)),), b""),
            ((s(b"x"), e(CMD_ID, s(b"5"))), b"5"),
            ((b"\x04\x00", e(CMD_ID, s(b"5"))), b"5"),
            ((inner, e(CMD_ID, s(b"5"))), b"5"),
        ):
            data = e(tag, *(opening + (inner, inner)))
            assert calls(cmd(ADD, b"98", item(b".")), data, GOOD)[1:] == [
                ("fail", tag, cmd_id, 400),
                GOOD_CALL,
            ]
    # a second CmdID is a strange element like others
    data = e(ATOMIC, e(CMD_ID, s(b"5")), e(CMD_ID, s(b"6")), inner)
    assert calls(data)[1:3] == [("fail", CMD_ID, b"", 400), (ADD, b"1", b"./A")]
    assert calls(bytes((ATOMIC,)), GOOD) == [("fail", ATOMIC, b"", 400), GOOD_CALL]


def test_nested_lists():
    inner = cmd(ADD, b"1", item(b"./A"))
    for tag in (ATOMIC, SEQUENCE):
        data = cmd(tag, b"5", cmd(tag, b"6", inner), GOOD)
        assert calls(data) == [("begin", tag, b"5"), ("fail", tag, b"6", 500), GOOD_CALL, ("end", tag)]
    data = cmd(ATOMIC, b"5", cmd(SEQUENCE, b"6", cmd(ATOMIC, b"7", inner)))
    assert calls(data)[2] == ("fail", ATOMIC, b"7", 500)
    data = cmd(SEQUENCE, b"5", cmd(ATOMIC, b"6", cmd(SEQUENCE, b"7", inner)))
    assert calls(data)[3] == (ADD, b"1", b"./A")
    # one that is closed does not count
    assert len(calls(cmd(ATOMIC, b"5", inner), cmd(ATOMIC, b"6", GOOD))) == 6


def test_commands_no_server_may_send():
    for tag in (ALERT, COPY, 0x1F, 0x18, 0x23, 0x2A, 0x3B, 0x22, 0x29):
        fails(406, tag=tag)
        fails(406, item(b"./A", e(DATA, s(b"x"))), meta(b"chr"), e(0x0C, s(b"1")), tag=tag)
    fails(406, e(0x07), item(b"./A"), tag=DELETE)  # Archive
    fails(406, bytes((0x26,)), item(b"./A"), tag=DELETE)  # SftDel


def test_no_item():
    for tag in (ADD, REPLACE, DELETE, EXEC):
        fails(412, tag=tag)
        fails(412, meta(b"chr"), tag=tag)


def test_one_item_in_exec():
    fails(412, item(b"./A"), item(b"./B"), tag=EXEC)
    fails(412, item(b"./A"), item(b"./B"), item(b"./C"), tag=EXEC)


@row("R12", negative=True)
def test_item_without_address():
    for nothing in (
        e(ITEM),
        e(ITEM, bytes((TARGET,))),
        e(ITEM, loc(SOURCE, b"./A")),
        e(ITEM, e(DATA, s(b"x"))),
    ):
        fails(412, nothing)
        fails(412, nothing, tag=EXEC)
        assert calls(cmd(ADD, b"1", item(b"./A"), nothing, item(b"./B"))) == [
            (ADD, b"1", b"./A"), ("fail", ADD, b"1", 412), (ADD, b"1", b"./B"),
        ]  # fmt: skip
    # a virtual address may be in TargetParent alone
    kept = one_item(e(ITEM, loc(TARGET_PARENT, b"MOID=urn:x"), loc(SOURCE, b"./S")))
    assert (kept["target"], kept["target_parent"]) == (None, b"MOID=urn:x")
    assert one_item(e(ITEM, e(TARGET, e(LOC_URI))))["target"] == b""


def test_address_too_long():
    assert calls(cmd(ADD, b"1", item(b"x" * TEXT_LEN))) == [(ADD, b"1", b"x" * TEXT_LEN)]
    fails(414, item(b"x" * (TEXT_LEN + 1)))
    for tag in (TARGET_PARENT, SOURCE):
        fails(414, item(b"./A", loc(tag, b"x" * (TEXT_LEN + 1))))
    fails(414, item(b"x" * 1000), item(b"./A"), tag=EXEC)


def test_value_too_long():
    for part in (
        (b"x" * (TEXT_LEN + 1),),
        (None, b"x" * (TEXT_LEN + 1)),
        (None, None, b"1" * (TEXT_LEN + 1)),
    ):
        fails(413, item(b"./A", meta(*part)))
        fails(413, meta(*part), item(b"./A"))
    fails(413, e(CORRELATOR, s(b"x" * (TEXT_LEN + 1))), item(b"./A"), tag=EXEC)


def test_strange_elements_in_a_command():
    for strange in (
        b"\x04\x00",
        b"\x44\x00" + s(b"x") + b"\x01",
        bytes((FINAL,)),
        e(ADD),
        b"\x00\x02\x07\x00\x00",
    ):
        fails(400, strange, item(b"./A"))
        fails(400, item(b"./A"), strange)
        fails(400, item(b"./A", strange))
        fails(400, e(ITEM, e(TARGET, strange, e(LOC_URI, s(b"./A")))))
        fails(400, e(ITEM, e(TARGET, e(LOC_URI, s(b"./A"), strange))))
        fails(400, item(b"./A", e(META, strange)))
        fails(400, e(META, strange), item(b"./A"))
        if strange[:2] != b"\x00\x02":
            fails(400, item(b"./A", e(DATA, strange)))
    fails(400, e(ITEM, e(TARGET, e(LOC_URI, s(b"./A")), e(FILTER))))
    fails(400, b"\x00\x01\x07\x00\x00", item(b"./A"))
    fails(400, item(b"./A", e(META, m(FORMAT, b"\x04\x00"))))


def test_tnds_tokens_in_data():
    tree = b"\x60\x77" + s(b"1.2") + b"\x01\x1d\x01"
    for pages in (b"\x00\x02", b"\x00\x01\x00\x02"):
        body = message(cmd(ADD, b"1", item(b"./Inbox", e(DATA, pages, tree, b"\x00\x00")), item(b"./A")))
        for pieces in ([body], [body[i : i + 1] for i in range(len(body))]):
            handler = run_pieces(pieces)
            assert [kept["inline"] for kept in handler.items] == [body.index(tree), -1]
            assert handler.items[0]["data_len"] == 0
    fails(415, item(b"./Inbox", e(DATA, s(b"x"), b"\x00\x02\x1d\x00\x00", s(b"y"))))
    fails(415, item(b"./Inbox", e(DATA, s(b"x"), b"\x00\x02", tree, b"\x00\x00")))
    fails(415, item(b"./Inbox", e(DATA, b"\x00\x02", tree, tree, b"\x00\x00")))
    fails(415, item(b"./Inbox", e(DATA, b"\x00\x02\x64", tree, b"\x01\x00\x00")))


def test_doubled_elements_in_a_command():
    one = loc(TARGET, b"./A")
    for part in (
        one,
        loc(SOURCE, b"./A"),
        loc(TARGET_PARENT, b"./A"),
        meta(b"chr"),
        e(DATA, s(b"x")),
        e(DATA),
    ):
        fails(400, e(ITEM, one if part is not one else b"", part, part))
    fails(400, meta(b"chr"), meta(b"chr"), item(b"./A"))
    fails(400, e(META, m(FORMAT, s(b"chr")), m(FORMAT, s(b"chr"))), item(b"./A"))
    fails(400, item(b"./A", e(META, m(TYPE, s(b"a")), m(TYPE, s(b"a")))))
    fails(400, e(CORRELATOR, s(b"a")), e(CORRELATOR, s(b"a")), item(b"./A"), tag=EXEC)
    fails(400, e(ITEM, e(TARGET, e(LOC_URI, s(b"./A")), e(LOC_URI, s(b"./A")))))


def test_meta_stands_before_the_items():
    fails(400, item(b"./A"), meta(b"chr"))


def test_text_in_a_command():
    fails(400, s(b"x"), item(b"./A"))
    fails(400, e(ITEM, s(b"x"), loc(TARGET, b"./A")))
    fails(400, e(ITEM, e(TARGET, s(b"./A"))))
    fails(400, item(b"./A", e(META, s(b"chr"))))
    assert calls(cmd(ADD, b"1", s(b"\n"), e(ITEM, s(b"  "), loc(TARGET, b"./A")))) == [(ADD, b"1", b"./A")]


def test_a_mistake_behind_complete_items():
    bad = item(b"./B", e(DATA), e(DATA))
    assert calls(cmd(ADD, b"1", item(b"./A"), bad, item(b"./C")), GOOD) == [
        (ADD, b"1", b"./A"), ("fail", ADD, b"1", 400), GOOD_CALL,
    ]  # fmt: skip


def test_the_first_mistake_names_the_status():
    fails(414, item(b"x" * 600), b"\x04\x00")
    fails(400, b"\x04\x00", item(b"x" * 600))
    fails(400, cmd_id=b"0")


def test_the_handler_may_fail_the_message():
    class Fussy(Handler):
        def command(self, tag, cmd_id, item):
            raise CommandFailed(500)

    data = message(GOOD)
    parser = Parser(Commands(Fussy()), PAGES)
    raises(CommandFailed, 500, parser.feed, data, 0, len(data))


# -- Item: Meta and Data


@row("R14")
def test_meta_of_item_over_meta_of_command():
    handler = run(
        message(
            cmd(REPLACE, b"1", meta(b"int", b"text/plain", b"3"), item(b"./A"),
                item(b"./B", meta(None, b"a/b")), item(b"./C", meta(b"bin", None, b"12")),
                item(b"./D", meta(b"", b""))),
            cmd(REPLACE, b"2", item(b"./E")),
        )
    )  # fmt: skip
    assert [(kept["fmt"], kept["mime"], kept["size"]) for kept in handler.items] == [
        (b"int", b"text/plain", 3),
        (b"int", b"a/b", 3),
        (b"bin", b"text/plain", 12),
        (b"", b"", 3),
        (None, None, -1),
    ]


@row("R14")
def test_meta_forms():
    wrapped = e(META, b"\x00\x01\x4e\x47", s(b"xml"), b"\x01\x53", s(b"a/b"), b"\x01\x01\x00\x00")
    kept = one_item(item(b"./A", wrapped))
    assert (kept["fmt"], kept["mime"]) == (b"xml", b"a/b")
    kept = one_item(
        item(
            b"./A", e(META, m(TYPE, s(b"a/b")), m(0x15, s(b"1")), m(NEXT_NONCE), m(FORMAT, s(b"c"), s(b"hr")))
        )
    )
    assert (kept["fmt"], kept["mime"]) == (b"chr", b"a/b")
    fails(
        400,
        item(b"./A", e(META, b"\x00\x01\x47", s(b"xml"), b"\x01\x4e\x47", s(b"chr"), b"\x01\x01\x00\x00")),
    )
    for bad in (b"", b"-1", b"1.5", b"0x10", b"1073741824", b" 1"):
        fails(400, item(b"./A", meta(size=bad)))
    assert one_item(item(b"./A", meta(size=b"0")))["size"] == 0


def test_metinf_at_any_depth():
    fmt = b"\x47" + s(b"chr") + b"\x01"
    for n, inner, expected in ((1, fmt, b"chr"), (26, fmt, b"chr"), (27, b"\x0e", None)):
        # 32 open elements, as many as the parser allows, and an empty one in them
        nested = e(META, b"\x00\x01" + b"\x4e" * n, inner, b"\x01" * n + b"\x00\x00")
        assert one_item(item(b"./A", nested))["fmt"] == expected


def test_no_value_grows():
    commands = Commands(Handler())
    parser = Parser(commands, PAGES)
    start = HEAD + b"\x6d" + HDR + b"\x6b\x45\x4b\x031\x00\x01\x54\x6e\x57\x03"
    parser.feed(start, 0, len(start))
    for _ in range(50):
        parser.feed(b"x" * 100, 0, 100)
        assert len(commands.value) <= TEXT_LEN


def test_correlator():
    for order in (0, 1):
        parts = [e(CORRELATOR, s(b"job-7")), item(b"./A")]
        handler = run(message(cmd(EXEC, b"1", parts[order], parts[1 - order]), cmd(EXEC, b"2", item(b"./B"))))
        assert [kept["correlator"] for kept in handler.items] == [b"job-7", None]


def data_of(*content, head=b"\x02\xa4\x01\x6a\x08xyz\x00tail"):
    data = message(cmd(REPLACE, b"1", item(b"./A", e(DATA, *content))), head=head)
    kept = run(data).items[0]
    octets = b""
    for i in range(0, len(kept["data"]), 2):
        at, n = kept["data"][i], kept["data"][i + 1]
        octets += data[at : at + n] if isinstance(at, int) else at
        assert isinstance(at, int) or len(at) == n
    assert len(octets) == kept["data_len"]
    return octets, len(kept["data"]) // 2


@row("R13")
def test_data():
    assert data_of(s(b"on")) == (b"on", 1)
    assert data_of(b"\xc3\x03\x00\x01\x02") == (b"\x00\x01\x02", 1)
    assert data_of(b"\x83\x00") == (b"xyz", 1)
    assert data_of(b"\x02\x81\x69", b"\x02\x41") == (b"\xc3\xa9A", 1)
    assert data_of(s(b"a"), b"\x02\x41", b"\x02\x42", s(b"b"), b"\x83\x04", b"\xc3\x02cd") == (
        b"aABbtailcd",
        5,
    )
    assert data_of(s(b"ab"), s(b"cd")) == (b"abcd", 2)
    assert data_of() == (b"", 0)


def test_data_of_one_item_is_not_that_of_the_next():
    handler = run(message(cmd(ADD, b"1", item(b"./A", meta(b"bin"), e(DATA, s(b"x"))), item(b"./B"))))
    first, second = handler.items
    assert (second["data"], second["data_len"], second["fmt"]) == ([], 0, None)
    assert (first["data_len"], first["fmt"]) == (1, b"bin")


def test_pieces_of_data_are_bounded():
    most = DATA_PIECES // 2
    assert data_of(*((s(b"a"), b"\x02\x41") * most)) == (b"aA" * most, 2 * most)
    fails(413, item(b"./A", e(DATA, *((s(b"a"), b"\x02\x41") * most + (s(b"a"),)))))
    fails(413, item(b"./A", e(DATA, *((s(b"a"), b"\x02\x41") * 400))))


def test_copied_octets_of_data_are_bounded():
    assert data_of(b"\x02\x41" * COPIED_OCTETS) == (b"A" * COPIED_OCTETS, 1)
    fails(413, item(b"./A", e(DATA, b"\x02\x41" * (COPIED_OCTETS + 1))))
    head = b"\x02\xa4\x01\x6a\x88\x00" + b"a" * COPIED_OCTETS  # a table that is one string
    assert data_of(b"\x83\x00", head=head) == (b"a" * COPIED_OCTETS, 1)
    data = message(cmd(REPLACE, b"1", item(b"./A", e(DATA, b"\x83\x00\x83\x87\x7f"))), GOOD, head=head)
    assert run(data).calls == [("fail", REPLACE, b"1", 413), GOOD_CALL]


def test_long_messages_take_no_more_room():
    if not heap_lock:
        return
    free = []
    parser = Parser(Commands(Tally()), PAGES)
    start = HEAD + b"\x6d" + HDR + b"\x6b"
    parser.feed(start, 0, len(start))
    for n in range(1, 1000):
        piece = cmd(REPLACE, b"%d" % n, item(b"./A/B", meta(b"chr"), e(DATA, s(b"x" * 200))))
        parser.feed(piece, 0, len(piece))
        if n % 300 == 0:
            piece = None
            gc.collect()
            free.append(gc.mem_free())
    assert max(free) - min(free) < 200, free
