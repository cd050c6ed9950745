# The WBXML parser: every split gives the same, what is broken is refused, nothing is allocated.
import gc

from check import each_split, raises, row
from omadm.codepages import PAGES
from omadm.errors import Malformed, TooLarge
from omadm.limits import STRING_TABLE, TABLE_OCTETS, WBXML_DEPTH
from omadm.wbxml import LITERAL, Parser

try:
    from micropython import heap_lock, heap_unlock
except ImportError:  # CPython has no such thing
    heap_lock = None

PUBLIC_TEXT = b"-//SYNCML//DTD SyncML 1.2//EN"
HEAD = b"\x02\xa4\x01\x6a\x00"
DDF = (0, b"-//OMA//DTD-DM-DDF 1.2//EN")


class Recorder:
    """A sink that keeps what it hears, texts side by side joined, and checks `at`."""

    def __init__(self, message):
        self.message = message
        self.events = []

    def start(self, tag):
        self.events.append(tag)

    def end(self, tag):
        self.events.append(-tag)

    def text(self, buf, off, end, at):
        assert end > off
        octets = bytes(buf[off:end])
        if at >= 0:
            assert self.message[at : at + end - off] == octets, (at, octets)
        if self.events and isinstance(self.events[-1], bytes):
            octets = self.events.pop() + octets
        self.events.append(octets)


def read(data, *kind):
    """The events of a document; kind: total and public of Parser."""
    return read_pieces([data], data, *kind)


def read_pieces(pieces, data, *kind):
    sink = Recorder(data)
    parser = Parser(sink, PAGES, *kind)
    for piece in pieces:
        parser.feed(piece, 0, len(piece))
    parser.close()
    return sink.events


def doc(content, head=HEAD):
    """A document whose root is SyncML."""
    return head + b"\x6d" + content + b"\x01"


def in_root(content, head=HEAD):
    """The events inside the root."""
    events = read(doc(content, head))
    assert events[0] == 0x2D and events[-1] == -0x2D
    return events[1:-1]


def refused(code, data, *kind, error=Malformed):
    raises(error, code, read, data, *kind)
    raises(error, code, read_pieces, (data[i : i + 1] for i in range(len(data))), data, *kind)


TABLE = b"Vendor\x00./A/Led\x00" + PUBLIC_TEXT
SAMPLES = (
    # a message in small: header leaves, a command with Meta on page 1, opaque Data
    doc(
        b"\x6c\x71\x031.2\x00\x01\x6e\x57\x03urn:x:1\x00\x01\x01\x01\x6b\x60\x4b\x031\x00\x01\x54\x6e\x57"
        b"\x03./Led/State\x00\x01\x01\x5a\x00\x01\x47\x03bin\x00\x01\x01\x00\x00\x4f\xc3\x03\x00\x01\x02\x01\x01\x01\x12\x01"
    ),
    # every token: public id and texts in the table, literals, entities, an opaque over 127 octets
    doc(
        b"\x83\x07\x03x\x00\x02\x81\x69\x02\xa0\x48\x02\x20\x44\x00\x03in\x00\x01\x04\x00\x00\x01\x07\x00\x01\x00\x02\x66"
        b"\x00\x00\x01\xc3\x81\x00" + bytes(range(128)) + b"\x83\x09\xc3\x00\x03\x00\x05",
        b"\x03\x00\x0f\x6a" + bytes((len(TABLE),)) + TABLE,
    ),
    b"\x01\x01\x03\x00\x2d",  # a root without content
    HEAD + b"\x00\x00\x6d\x00\x00\x01",
    HEAD + b"\x00\x01\x4e\x01",  # a root on page 1
    b"\x02\x01\x00\x02a\x00\x44\x00\x01",  # a literal root
)


def test_sample_whole():
    assert read(SAMPLES[0])[:8] == [0x2D, 0x2C, 0x31, b"1.2", -0x31, 0x2E, 0x17, b"urn:x:1"]
    assert read(SAMPLES[0])[19:] == [
        b"./Led/State", -0x17, -0x2E, 0x1A, 0x47, b"bin", -0x47, -0x1A, 0x0F, b"\x00\x01\x02", -0x0F, -0x14,
        -0x20, 0x12, -0x12, -0x2B, -0x2D,
    ]  # fmt: skip
    assert in_root(SAMPLES[1][SAMPLES[1].index(b"\x6d\x83") + 1 : -1], SAMPLES[1][:5] + TABLE) == [
        "./A/Ledx\xe9\u1048 ".encode(), LITERAL, b"in", -LITERAL, LITERAL, -LITERAL, 0x47, -0x47, 0xA6, -0xA6,
        bytes(range(128)) + b"A/Led", 5, -5,
    ]  # fmt: skip
    assert read(SAMPLES[2]) == [0x2D, -0x2D]
    assert read(SAMPLES[3]) == [0x2D, -0x2D]
    assert read(SAMPLES[4]) == [0x4E, -0x4E]
    assert read(SAMPLES[5]) == [LITERAL, -LITERAL]


def test_every_split_gives_the_same():
    for data in SAMPLES:
        expected = read(data)
        for total in (-1, len(data)):
            for pieces in each_split(data):
                assert read_pieces(pieces, data, total) == expected


def test_every_cut_is_malformed():
    for data in SAMPLES:
        for n in range(len(data)):
            for total in (-1, n, len(data)):
                raises(Malformed, None, read, data[:n], total)


def test_every_tail_is_malformed():
    for data in SAMPLES:
        for tail in (b"\x00", b"\x01", b"\x43", b"\xff", data):
            refused(18, data + tail)
            refused(18, data + tail, len(data) + len(tail))


def test_any_kind_of_buffer():
    data = SAMPLES[1]
    expected = read(data)
    assert read_pieces([bytearray(data)], data) == expected
    assert read_pieces([memoryview(data)], data) == expected
    assert read_pieces([memoryview(data)[:70], bytearray(data[70:])], data) == expected
    padded = b"\xff\x00" + data + b"\xff"
    sink = Recorder(data)
    parser = Parser(sink, PAGES, len(data))
    parser.feed(padded, 2, 60)
    parser.feed(padded, 60, 60)
    parser.feed(memoryview(padded), 60, len(padded) - 1)
    parser.close()
    assert sink.events == expected
    sink.events = []
    parser.reset()
    parser.feed(padded, 2, len(padded) - 1)
    assert sink.events == expected


def test_where_texts_lie():
    class Places:
        def start(self, tag):
            pass

        def end(self, tag):
            pass

        def text(self, buf, off, end, at):
            places.append((at, end - off))

    content = b"\x03ab\x00\xc3\x02cd\x83\x00\x02\x41\xc3\x80\x03efg"
    data = doc(content, b"\x02\xa4\x01\x6a\x03xyz")
    for skip in (0, 3):
        for pieces in ((len(data),), (12, len(data)), (20, len(data))):
            places = []
            parser = Parser(Places(), PAGES)
            off = 0
            for end in pieces:
                parser.feed(b"\xff" * skip + data, skip + off, skip + end)
                off = end
            assert places == [(10, 2), (15, 2), (-1, 3), (-1, 1), (24, 3)]


def test_keeps_no_reference():
    data = SAMPLES[1]
    sink = Recorder(data)
    parser = Parser(sink, PAGES)
    block = bytearray(7)
    for i in range(0, len(data), 7):
        n = len(data[i : i + 7])
        block[:n] = data[i : i + 7]
        parser.feed(block, 0, n)
        block[:] = b"\xff" * 7
    parser.close()
    assert sink.events == read(data)


@row("R17", negative=True)
def test_version():
    for version in range(256):
        data = bytes((version,)) + SAMPLES[0][1:]
        if 1 <= version <= 3:
            assert read(data) == read(SAMPLES[0])
        else:
            refused(1, data)


def test_public_id():
    body = b"\x2d"
    for good in (b"\xa4\x01\x6a\x00", b"\x01\x6a\x00", b"\x80\x80\x80\xa4\x01\x6a\x00"):
        assert read(b"\x02" + good + body) == [0x2D, -0x2D]
    for table, index in (
        (PUBLIC_TEXT, 0),
        (PUBLIC_TEXT + b"\x00", 0),
        (b"a\x00" + PUBLIC_TEXT + b"\x00b", 2),
    ):
        data = b"\x02\x00" + bytes((index, 0x6A, len(table))) + table + body
        assert read(data) == [0x2D, -0x2D]
        parser = Parser(Recorder(data), PAGES)
        parser.feed(data, 0, len(data))
        assert parser.public_id == 0x1201
    for number in (b"\x02", b"\x9f\x53", b"\xa4\x02", b"\x84\xa4\x01"):  # SyncML 1.1, DevInf ...
        refused(2, b"\x02" + number + b"\x6a\x00" + body)
    for table in (
        b"-//SYNCML//DTD SyncML 1.1//EN",
        PUBLIC_TEXT + b"x",
        PUBLIC_TEXT[:-1],
        b"\x00" + PUBLIC_TEXT,
    ):
        refused(2, b"\x02\x00\x00\x6a" + bytes((len(table),)) + table + body)
    refused(14, b"\x02\x00\x00\x6a\x00" + body)
    refused(14, b"\x02\x00\x02\x6a\x02ab" + body)
    parser = Parser(Recorder(b""), PAGES)
    parser.feed(b"\x02\x01\x6a\x00", 0, 4)
    assert parser.public_id == 1
    parser.reset()
    parser.feed(HEAD, 0, 5)
    assert parser.public_id == 0x1201


def test_another_document_type():
    tree = b"\x02\x00\x00\x6a\x1a" + DDF[1] + b"\x00\x02\x60\x01"
    assert read(tree, -1, DDF) == [0xA0, -0xA0]
    refused(2, tree)
    refused(2, HEAD + b"\x2d", -1, DDF)


def test_charset():
    for charset in range(128):
        data = b"\x02\xa4\x01" + bytes((charset,)) + b"\x00\x2d"
        if charset in (0, 3, 106):
            assert read(data) == [0x2D, -0x2D]
        else:
            refused(3, data)
    refused(3, b"\x02\xa4\x01\x81\x6a\x00\x2d")


def test_number():
    for padded in (b"\x6a", b"\x80\x6a", b"\x80\x80\x6a", b"\x80\x80\x80\x6a", b"\x80\x80\x80\x80\x6a"):
        assert read(b"\x02\xa4\x01" + padded + b"\x00\x2d") == [0x2D, -0x2D]
    refused(6, b"\x02\xa4\x01\x80\x80\x80\x80\x80\x6a\x00\x2d")
    for n in range(8):  # behind a table too
        head = b"\x02\xa4\x01\x6a" + bytes((n,)) + b"a" * n
        assert in_root(b"\x02\x80\x80\x80\x80\x41\x02\x41", head) == [b"AA"]
        refused(6, doc(b"\x02\x80\x80\x80\x80\x80\x41", head))
    refused(7, b"\x02\xa4\x01\x90\x80\x80\x80\x00\x00\x2d")  # 2**32
    refused(7, b"\x02\xa4\x01\xff\xff\xff\xff\x7f\x00\x2d")
    refused(3, b"\x02\xa4\x01\x8f\xff\xff\xff\x7f\x00\x2d")  # 2**32-1 is a number


def test_string_table():
    for n in (0, 1, 127, 128, STRING_TABLE):
        head = b"\x02\xa4\x01\x6a" + bytes((n >> 7 | 0x80, n & 0x7F)) + b"a" * n
        assert read(head + b"\x2d", len(head) + 1) == [0x2D, -0x2D]
    refused(5, b"\x02\xa4\x01\x6a\x88\x01" + b"a" * 1025, error=TooLarge)
    refused(5, b"\x02\xa4\x01\x6a\x8f\xff\xff\xff\x7f", error=TooLarge)
    refused(4, b"\x02\xa4\x01\x6a\x05abcd", 9)
    refused(19, b"\x02\xa4\x01\x6a\x05abcd")


def test_table_text():
    head = b"\x02\xa4\x01\x6a\x07ab\x00cd\x00e"
    assert in_root(b"\x83\x00", head) == [b"ab"]
    assert in_root(b"\x83\x01\x83\x04", head) == [b"bd"]
    assert in_root(b"\x83\x06", head) == [b"e"]  # the last one needs no NUL
    assert in_root(b"\x83\x02\x83\x05", head) == []
    assert in_root(b"\x83\x00\x83\x01", b"\x02\xa4\x01\x6a\x03\x00ab") == [b"ab"]
    for token in (b"\x83", b"\x04", b"\x44"):
        for index in (b"\x07", b"\x08", b"\x8f\xff\xff\xff\x7f"):
            refused(14, doc(token + index, head))
            refused(14, doc(token + index))


def test_table_text_cannot_amplify():
    head = b"\x02\xa4\x01\x6a\x88\x00" + b"a" * STRING_TABLE
    times = TABLE_OCTETS // STRING_TABLE
    assert len(in_root(b"\x83\x00" * times, head)[0]) == TABLE_OCTETS
    refused(15, doc(b"\x83\x00" * times + b"\x83\x87\x7f", head), error=TooLarge)
    heard = Counter()
    parser = Parser(heard, PAGES)
    bomb = doc(b"\x83\x00" * 4000, head)
    raises(TooLarge, 15, parser.feed, bomb, 0, len(bomb))
    assert heard.octets <= TABLE_OCTETS


def test_entity():
    for point in (1, 0x20, 0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0x10000, 0x10FFFF):
        number = bytes((point >> 14 | 0x80, point >> 7 & 0x7F | 0x80, point & 0x7F))
        assert in_root(b"\x02" + number) == [chr(point).encode()]
    for point in (0, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0x110000, 0x1FFFFF):
        refused(16, doc(b"\x02" + bytes((point >> 14 | 0x80, point >> 7 & 0x7F | 0x80, point & 0x7F))))
    refused(16, doc(b"\x02\x8f\xff\xff\xff\x7f"))


def test_opaque():
    for n in (0, 1, 126, 127, 128, 300):
        octets = bytes(i & 0xFF for i in range(n))
        events = [octets] if n else []
        for size in (bytes((n >> 7 | 0x80, n & 0x7F)), b"\x80" + bytes((n >> 7 | 0x80, n & 0x7F))):
            assert in_root(b"\xc3" + size + octets) == events
    assert in_root(b"\xc3\x03a\x00b\xc3\x00\xc3\x01\x01") == [b"a\x00b\x01"]


def test_opaque_longer_than_the_message():
    data = doc(b"\xc3\x81\x00" + b"a" * 128)
    assert len(read(data, len(data))) == 3
    for content in (b"\xc3\x81\x02", b"\xc3\x8f\xff\xff\xff\x7f"):
        data = HEAD + b"\x6d" + content + b"a" * 129
        refused(17, data, len(data))
        refused(19, data)
        parser = Parser(Counter(), PAGES, len(data))  # at once, not after its octets
        raises(Malformed, 17, parser.feed, data, 0, 6 + len(content))
    data = HEAD + b"\x6d\xc3\x03ab"
    refused(17, data, len(data))


def test_tags():
    for page in range(256):
        for identity in range(5, 64):
            data = HEAD + bytes((0, page, identity | 0x40, 1))
            if page > 2:
                refused(9, data)
                break
            if identity > (0x3C, 0x16, 0x3C)[page] or (page == 0 and identity == 0x30):
                refused(10, data)
            else:
                tag = page << 6 | identity
                assert read(data) == [tag, -tag]


def test_page_lasts_until_the_next_switch():
    assert in_root(b"\x5a\x00\x01\x47\x01\x00\x01\x01\x12\x00\x00\x12") == [
        0x1A, 0x47, -0x47, -0x1A, 0x52, -0x52, 0x12, -0x12,
    ]  # fmt: skip
    assert in_root(b"\x00\x02\x00\x01\x00\x00") == []
    for page in (3, 7, 255):
        refused(9, doc(bytes((0, page))))
    assert in_root(b"\x03a\x00\x00\x01\x03b\x00") == [b"ab"]


def test_every_token_in_content():
    known = {1: None, 0: None, 2: None, 3: None, 4: None, 0x44: None, 0x83: None, 0xC3: None}
    for t in range(256):
        data = doc(bytes((t,)), b"\x02\xa4\x01\x6a\x01a")
        if t in known:
            continue
        identity = t & 0x3F
        if identity < 5 and identity != 4:
            refused(12, data)  # EXT_*, PI
        elif t >= 0x80:
            refused(11, data)
        elif identity > 0x3C or identity == 0x30:
            refused(10, data)
        elif t & 0x40:
            assert read(data + b"\x01") == [0x2D, identity, -identity, -0x2D]
        else:
            assert read(data) == [0x2D, identity, -identity, -0x2D]


def test_every_token_before_the_root():
    for t in range(256):
        data = b"\x02\xa4\x01\x6a\x01a" + bytes((t,)) + b"\x00\x01"
        identity = t & 0x3F
        if t == 0:
            refused(8, data)  # a switch to page 0, then END
        elif identity < 4:
            refused(8, data)
        elif t >= 0x80:
            refused(11, data)
        elif identity > 0x3C or identity == 0x30:
            refused(10, data)
        elif t == 4:
            refused(18, data)
        elif t == 0x44:
            assert read(data) == [LITERAL, -LITERAL]
        elif t & 0x40:
            refused(19, data)  # an open root, a switch to page 1
        else:
            refused(18, data)


def test_depth():
    for tag in (b"\x45", b"\x44\x00"):
        head = b"\x02\xa4\x01\x6a\x01a"
        deepest = head + tag * WBXML_DEPTH
        assert len(read(deepest + b"\x05\x04\x00" + b"\x01" * WBXML_DEPTH)) == 2 * WBXML_DEPTH + 4
        refused(13, deepest + tag + b"\x01" * (WBXML_DEPTH + 1), error=TooLarge)
        raises(TooLarge, 13, read, head + tag * 5000)


def test_dead_after_an_error():
    parser = Parser(Recorder(b""), PAGES)
    for end, code, error in ((b"\x01", 2, Malformed), (b"\xa4\x01\x6a\x88\x01", 5, TooLarge)):
        parser.reset()
        data = b"\x02\x02" if code == 2 else b"\x02" + end
        raises(error, code, parser.feed, data, 0, len(data))
        for _ in range(3):
            raises(error, code, parser.feed, SAMPLES[0], 0, len(SAMPLES[0]))
            raises(error, code, parser.feed, b"", 0, 0)
            raises(error, code, parser.close)
    parser.reset()
    parser.feed(SAMPLES[2], 0, 3)
    raises(Malformed, 19, parser.close)
    raises(Malformed, 19, parser.feed, SAMPLES[2], 3, 5)


def test_dead_after_the_sinks_error():
    class Fussy(Recorder):
        def end(self, tag):
            raise Malformed(42)

    parser = Parser(Fussy(b""), PAGES)
    raises(Malformed, 42, parser.feed, SAMPLES[2], 0, 5)
    raises(Malformed, 42, parser.feed, SAMPLES[2], 0, 5)
    raises(Malformed, 42, parser.close)


def test_reset():
    sink = Recorder(b"")
    parser = Parser(sink, PAGES)
    for data in SAMPLES:
        for n in (len(data) // 2, len(data)):
            sink.events = []
            sink.message = data
            parser.reset(len(data))
            parser.feed(data, 0, n)
    parser.close()
    sink.events = []
    sink.message = SAMPLES[0]
    parser.reset(len(SAMPLES[0]))
    parser.feed(SAMPLES[0], 0, len(SAMPLES[0]))
    assert sink.events == read(SAMPLES[0])


class Counter:
    """A sink that allocates nothing."""

    def __init__(self):
        self.elements = self.texts = self.octets = 0

    def start(self, tag):
        self.elements += 1

    def end(self, tag):
        self.elements += 1

    def text(self, buf, off, end, at):
        self.texts += 1
        self.octets += end - off


def feed_times(parser, block, times):
    for _ in range(times):
        parser.feed(block, 0, len(block))


def test_strings_and_opaques_longer_than_ram():
    size = 300_032
    block = bytearray(b"x" * 64)
    for head, tail in ((b"\x4f\x03", b"\x00\x01"), (b"\x4f\xc3\x92\xa8\x00", b"\x01")):
        sink = Counter()
        parser = Parser(sink, PAGES)
        start = HEAD + b"\x6d" + head
        parser.feed(start, 0, len(start))
        gc.collect()
        before = gc.mem_free() if heap_lock else 0
        if heap_lock:
            heap_lock()
        try:
            feed_times(parser, block, size // 64)
        finally:
            if heap_lock:
                heap_unlock()
        if heap_lock:
            assert gc.mem_free() == before
        parser.feed(tail + b"\x01", 0, len(tail) + 1)
        parser.close()
        assert sink.octets == size


def test_nothing_is_allocated_per_token():
    if not heap_lock:
        return
    replace = (
        b"\x60\x4b\x031\x00\x01\x54\x6e\x57\x03./Led/State\x00\x01\x01\x5a\x00\x01\x47\x03chr\x00\x01\x53"
        b"\x03text/plain\x00\x01\x01\x00\x00\x4f\xc3\x02on\x01\x01\x01"
    )
    head = b"\x02\xa4\x01\x6a\x04ab\x00c\x6d\x6b"
    rare = b"\x83\x00\x02\x81\x20\x04\x00\x44\x03\x01\xc3\x80\x80\x03abc\x05"
    one = bytearray(1)
    for content in (replace * 20, rare * 20):
        for block in (bytearray(content), bytes(content)):
            sink = Counter()
            parser = Parser(sink, PAGES)
            parser.feed(head, 0, len(head))
            heap_lock()
            try:
                parser.feed(block, 0, len(block))
            finally:
                heap_unlock()
            assert sink.texts > 20 and sink.elements > 40
        heap_lock()
        try:
            for octet in content:  # octet by octet
                one[0] = octet
                parser.feed(one, 0, 1)
        finally:
            heap_unlock()


def test_steps_are_bounded_by_octets():
    """However it is written, a message makes no more calls than it has octets, twice."""
    for content in (
        b"\x05",
        b"\x45\x01",
        b"\x83\x00",
        b"\x02\x20",
        b"\x03a\x00",
        b"\xc3\x01a",
        b"\x00\x00",
        b"\x04\x00",
    ):
        sink = Counter()
        parser = Parser(sink, PAGES)
        data = doc(content * 500, b"\x02\xa4\x01\x6a\x01a")
        parser.feed(data, 0, len(data))
        assert sink.elements + sink.texts <= 2 * len(data)
