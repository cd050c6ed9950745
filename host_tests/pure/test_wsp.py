# WSP pushes: those of others' making, every cut, fields that lie, mutations.
import gc
import json

from check import raises
from omadm.errors import Malformed, TooLarge
from omadm.wsp import WspPush, reach

VECTORS = __file__.rsplit("/", 1)[0] + "/../vectors/wsp/" if "/" in __file__ else "../vectors/wsp/"

NOT_PUSH = 140
UINTVAR = 141
NO_HEADERS = 142
HEADERS_CUT = 143
VALUE_CUT = 144
BAD_TYPE = 145
BAD_FIELD = 146
TWICE = 147
BAD_LENGTH = 148
OTHER_LENGTH = 149
BOOTSTRAP = 150
HEADERS_LONG = 151
HMAC_LONG = 152

DM = "application/vnd.syncml.dm+wbxml"
BODY = b"\x02\xa4\x01j\x00m\x01"


def load(name):
    with open(VECTORS + name, "rb") as f:
        return f.read()


def cases():
    gc.collect()
    with open(VECTORS + "wsp_push.json") as f:
        return json.load(f)


def parse(pdu, more=0):
    push = WspPush()
    push.parse(pdu, 0, len(pdu), more)
    return push


def uintvar(n):
    octets = bytes((n & 0x7F,))
    while n > 0x7F:
        n >>= 7
        octets = bytes((n & 0x7F | 0x80,)) + octets
    return octets


def pdu_of(headers, body=BODY):
    return b"\x01\x06" + uintvar(len(headers)) + headers + body


def refused(code, headers, body=BODY, exc=Malformed):
    raises(exc, code, parse, pdu_of(headers, body))


def test_vectors():
    seen = 0
    for case in cases():
        pdu = bytes([int(case["hex"][i : i + 2], 16) for i in range(0, len(case["hex"]), 2)])
        name = case["name"]
        want = case["expect"]
        seen += 1
        code = {
            "confirmed_push_type07": NOT_PUSH,
            "disconnect_type05": NOT_PUSH,
            "headers_len_too_long": HEADERS_CUT,
            "headers_len_zero": NO_HEADERS,
            "ct_general_sec_mac": BOOTSTRAP,
        }.get(name)
        if code:
            raises(Malformed, code, parse, pdu)
            continue
        push = parse(pdu)
        ours = name != "ct_dm_xml" and name != "ct_notification_pkg0"
        assert (push.content_type == DM) is ours, (name, push.content_type)
        if "appid" in want:
            assert push.app_id == want["appid"], (name, push.app_id)
        assert push.content_length == want.get("content_length", -1), name
        hmac = want.get("x-syncml-hmac")
        assert push.hmac == (hmac and hmac.encode()), name
        if "body_len" in want:
            assert len(pdu) - push.body == want["body_len"]
        if ours:
            assert pdu[push.body : push.body + 3] == b"\x02\xa4\x01", name
    assert seen == 18


def test_kannel():
    pdu = load("kannel_ppg_udp2948.bin")
    push = parse(pdu)
    assert push.content_type == DM and push.app_id == 7
    assert push.content_length == 269 == len(pdu) - push.body
    assert push.hmac == (
        b'algorithm=SHA256, username="dm.example.test", mac=NTI2OTJhMDAwNjYxODkwYmQ3NWUxN2RhN2ZmYmJlMzk='
    )
    pdu = load("kannel_authorization_leak_wsp.bin")
    push = parse(pdu)
    assert push.content_type == DM and push.app_id == 7 and push.hmac is None
    # Its body begins with a header that the proxy did not understand, two octets short.
    pdu = load("kannel_BROKEN_hmac_in_entity_wsp.bin")
    push = parse(pdu)
    assert push.hmac is None and push.content_length == 380
    assert pdu[push.body :].startswith(b"syncml-hmac: ")


def test_truncated_by_the_proxy():
    pdu = load("kannel_ppg_udp2948.bin")
    body = parse(pdu).body
    for end in range(body, len(pdu)):
        raises(Malformed, OTHER_LENGTH, parse, pdu[:end])
        assert parse(pdu[:end], len(pdu) - end).content_length == 269
        raises(Malformed, OTHER_LENGTH, parse, pdu[:end], len(pdu) - end + 1)
    raises(Malformed, OTHER_LENGTH, parse, pdu + b"\0")


def test_every_cut():
    for name in ("kannel_ppg_udp2948.bin", "wsp_dm_push.bin"):
        pdu = load(name)
        body = parse(pdu).body
        assert reach(pdu, 0, len(pdu)) == body
        for end in range(body):
            raises(Malformed, None, parse, pdu[:end])
            # What it still needs is never less than one octet more, and never too much.
            assert end < reach(pdu, 0, end) <= body
        inside = b"\x06\x06" + pdu + b"\x06\x06"
        push = WspPush()
        push.parse(inside, 2, 2 + len(pdu))
        assert push.body == body + 2


def test_headers_cut_short_by_their_length():
    pdu = load("kannel_ppg_udp2948.bin")
    headers = pdu[4 : parse(pdu).body]
    for n in range(1, len(headers)):
        body = bytes(269 if n >= 147 else 9)
        try:
            push = parse(pdu_of(headers[:n], body))
        except Malformed:
            assert n not in (32,), n
            continue
        # Only at the end of a field can it go well.
        assert push.content_type == DM
        assert n in (32, 141, 143, 147), n
    assert len(headers) == 149


def test_content_type_forms():
    dm = DM.encode()
    for headers, want in (
        (b"\xc2", DM),
        (dm + b"\0", DM),
        (dm.upper() + b"\0", DM),
        (dm + b"; charset=utf-8\0", DM),
        (b"\x7f" + dm + b"\0", DM),
        (b"\x01\xc2", DM),
        (b"\x02\x01\x42", DM),
        (b"\x03\xc2\x81\xea", DM),
        (b"\x04\xc2\x81\x01\x6a", DM),
        (b"\x05\xc2x\0y\0", DM),
        (b"\x05\xc2\x81\x02\x03\xe8", DM),
        (b"\x1f\x22" + dm + b"\0\x81\xea", DM),
        (b"\x1f\x80\x01\xc2", DM),
        (b"\xc3", ""),
        (b"\xc4", ""),
        (b"\x03\x02\x03\x03", ""),
        (b"text/plain\0", "text/plain"),
        (b"x" * 65 + b"\0", ""),
        (b"ab\xff\0", ""),
        (b" \0", ""),
    ):
        push = parse(pdu_of(headers))
        assert push.content_type == want, headers
        assert push.body == 3 + len(headers)
    refused(NO_HEADERS, b"")
    refused(VALUE_CUT, b"\x00")
    refused(VALUE_CUT, b"\x03\xc2\x81")  # the length reaches beyond the headers
    refused(VALUE_CUT, b"\x02\xc2\x81")  # parameter without its value
    refused(VALUE_CUT, b"\x02\x02\x42\xaf\x87")  # the value beyond the length around it
    refused(VALUE_CUT, b"\x1f")
    refused(VALUE_CUT, b"\x1f\x81")
    refused(VALUE_CUT, b"\x1f\xff\xff\xff\xff\x7f")
    refused(VALUE_CUT, b"application/vnd.syncml.dm+wbxml")  # its NUL is in the body
    refused(BAD_TYPE, b"\x03\x1f\x01\xc2")


def test_bootstrap_is_refused():
    for field in (b"\x91\x81", b"\x92123\x00", b"\x01\x11\x81", b"\x81\xea\x91\x80"):
        media = b"\xc2" + field
        refused(BOOTSTRAP, bytes((len(media),)) + media)


def test_application_ids():
    for value, want in (
        (b"\x87", 7),
        (b"\x01\x07", 7),
        (b"\x02\x90\x02", 0x9002),
        (b"\x04\x00\x00\x00\x07", 7),
        (b"x-wap-application:syncml.dm\0", "x-wap-application:syncml.dm"),
        (b"\x00", -1),
        (b"\x05\x00\x00\x00\x00\x07", -1),
        (b"\x1f\x01\x07", -1),
        (b"y" * 65 + b"\0", ""),
        (b"y\xff\0", ""),
    ):
        assert parse(pdu_of(b"\xc2\xaf" + value)).app_id == want, value
    refused(TWICE, b"\xc2\xaf\x87\xaf\x87")
    assert parse(pdu_of(b"\xc2")).app_id is None


def test_content_length():
    for value in (b"\x87", b"\x01\x07", b"\x02\x00\x07", b"\x04\x00\x00\x00\x07"):
        assert parse(pdu_of(b"\xc2\x8d" + value)).content_length == 7
    for value in (b"\x86", b"\x88", b"\x80", b"\x04\xff\xff\xff\xff"):
        refused(OTHER_LENGTH, b"\xc2\x8d" + value)
    for value in (b"7\0", b"\x00", b"\x05\x00\x00\x00\x00\x07"):
        refused(BAD_LENGTH, b"\xc2\x8d" + value)
    refused(TWICE, b"\xc2\x8d\x87\x8d\x87")
    assert parse(pdu_of(b"\xc2\x8d\x80", b"")).content_length == 0


def test_other_fields_are_stepped_over():
    for field in (
        b"\xb1http://dm.example.test/\0",
        b"\xb4\x83",
        b"\xc3\x93",
        b"\x87\x09\x80foo\0bar\0",
        b"x-other\0value\0",
        b"x-other\0\x00",
        b"x-syncml-hmaX\0value\0",
        b"x-other\0\x1f\x81\x00" + bytes(128),
    ):
        push = parse(pdu_of(b"\xc2" + field + b"\xaf\x87X-Syncml-HMAC\0mac=\0" + field))
        assert push.app_id == 7 and push.hmac == b"mac=", field
        for n in range(1, len(field)):
            if field[:n] not in (b"\x87\x09", b"x-other\0\x1f\x81\x00"):
                refused(None, b"\xc2" + field[:n])


def test_code_pages():
    # 0xAF and 0x8D mean something else on another page; text names stay what they are.
    for shift in (b"\x7f\x02", b"\x02", b"\x1f"):
        push = parse(pdu_of(b"\xc2" + shift + b"\xaf\x84\x8d\x81x-syncml-hmac\0a\0"))
        assert push.app_id is None and push.content_length == -1 and push.hmac == b"a"
        for back in (b"\x7f\x01", b"\x01"):
            assert parse(pdu_of(b"\xc2" + shift + b"\xaf\x84" + back + b"\xaf\x87")).app_id == 7
    refused(BAD_FIELD, b"\xc2\x00\x81")
    refused(BAD_FIELD, b"\xc2\x7f\x00")
    refused(VALUE_CUT, b"\xc2\x7f")


def test_hmac():
    name = b"\xc2x-syncml-hmac\0"
    assert parse(pdu_of(name + b"a" * 512 + b"\0")).hmac == b"a" * 512
    assert parse(pdu_of(name + b"\x7f\xe4\0")).hmac == b"\xe4"
    assert parse(pdu_of(name + b"\x7f\0")).hmac == b""
    refused(HMAC_LONG, name + b"a" * 513 + b"\0", BODY, TooLarge)
    refused(TWICE, name + b"a\0x-syncml-hmac\0a\0")
    refused(BAD_FIELD, name + b"\x81")
    refused(BAD_FIELD, name + b"\x00")
    refused(VALUE_CUT, name)


def test_bounds():
    assert parse(pdu_of(b"\xc2" + b"x" * 2045 + b"\0\x81")).content_type == DM
    pdu = pdu_of(b"\xc2" + b"x" * 2046 + b"\0\x81")
    raises(TooLarge, HEADERS_LONG, parse, pdu)
    raises(TooLarge, HEADERS_LONG, reach, pdu, 0, 5)
    for octets in (b"\xff\xff\xff\xff\x7f", b"\x90\x01"):
        raises(TooLarge, HEADERS_LONG, reach, b"\0\x06" + octets, 0, 2 + len(octets))
    raises(Malformed, UINTVAR, reach, b"\0\x06\x80\x80\x80\x80\x80", 0, 7)
    assert reach(b"\0\x06\x80\x80\x80\x80\x01", 0, 7) == 8
    raises(Malformed, NOT_PUSH, reach, b"\0\x05", 0, 2)


class Random:
    # The same numbers under both interpreters.
    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 8) % n


def run_mutations(push, random, seeds, runs):
    good = 0
    for _ in range(runs):
        pdu = bytearray(seeds[random.below(len(seeds))])
        for _ in range(1 + random.below(3)):
            at = random.below(min(len(pdu), 170))
            kind = random.below(4)
            if kind == 0:
                pdu[at] ^= 1 << random.below(8)
            elif kind == 1:
                pdu[at] = random.below(256)
            elif kind == 2:
                pdu = pdu[: max(1, at)]
            else:
                pdu = pdu[:at] + bytes((random.below(256),)) + pdu[at:]
        try:
            push.parse(pdu, 0, len(pdu))
            good += 1
            assert push.body <= len(pdu)
        except (Malformed, TooLarge) as e:
            assert 140 <= e.args[0] < 160
    return good


def test_mutations():
    seeds = [load("kannel_ppg_udp2948.bin"), load("wsp_dm_push.bin")]
    for case in cases():
        seeds.append(bytes([int(case["hex"][i : i + 2], 16) for i in range(0, len(case["hex"]), 2)]))
    push = WspPush()
    random = Random(5)
    assert run_mutations(push, random, seeds, 1000) > 50
    before = used()
    run_mutations(push, random, seeds, 9000)
    push.parse(seeds[0], 0, len(seeds[0]))
    assert before is None or used() - before < 1024, (before, used())


def used():
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else None
