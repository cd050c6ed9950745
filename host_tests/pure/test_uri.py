# LocURI: grammar, limits, and which status a wrong one gets. OMA TND 1.2.1 sections 5 to 7.
from check import raises
from omadm import uri
from omadm.errors import CommandFailed

PROPERTIES = (b"ACL", b"Format", b"Name", b"Size", b"Title", b"TStamp", b"Type", b"VerNo")


def refused(status, address):
    raises(CommandFailed, status, uri.split, address)


def test_root():
    assert uri.split(b".") == ([], None)
    assert uri.split(b".?prop=ACL") == ([], b"ACL")


def test_both_spellings_are_the_same():
    assert uri.split(b"./A/B") == ([b"A", b"B"], None)
    assert uri.split(b"A/B") == ([b"A", b"B"], None)
    assert uri.split(b"./A") == uri.split(b"A") == ([b"A"], None)


def test_names_keep_case_and_octets():
    segments = [b"a", b"A", b"%20", b"x&y=z", b"...", b".a", b"a.", b"*", b"Gr\xc3\xb6\xc3\x9fe"]
    assert uri.split(b"./" + b"/".join(segments)) == (segments, None)


def test_every_property():
    for name in PROPERTIES:
        assert uri.split(b"./A/B?prop=" + name) == ([b"A", b"B"], name)


def test_no_address():
    for address in (
        b"",
        b"/",
        b"/A",
        b"A/",
        b"./",
        b"././A",
        b".//A",
        b"A//B",
        b"./.",
        b"..",
        b"../A",
        b"./../A",
        b"A/../B",
        b"A/./B",
        b"A/.",
        b"A/..",
        b"?",
        b"?prop=ACL",
        b"./?prop=ACL",
        b"A/?prop=ACL",
        b"/?prop=ACL",
        b"A?",
        b"A?prop",
        b"A?prope=ACL",
        b"A?Prop=ACL",
        b"A?x=y",
        b"..?prop=ACL",
    ):
        refused(404, address)


def test_unsupported():
    for address in (
        b"A?prop=",
        b"A?prop=acl",
        b"A?prop=Owner",
        b"A?prop=ACL?prop=ACL",
        b"A?prop=ACL|Format",
        b"A?prop=ACL Format",
        b"A?prop= ACL",
        b"A?prop= ",
        b"A?prop=Form",
        b"A?list=Struct",
        b"A?list=",
        b"A?list=ACL",
        b".?list=TNDS",
    ):
        refused(406, address)


def test_controls_and_bad_utf8():
    for octets in (
        b"\x00",
        b"\x1f",
        b"\n",
        b"\x7f",
        b"\x80",  # no first octet
        b"\xbf",
        b"\xff",
        b"\xc3",  # cut
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xc3\x28",  # no following octet
        b"\xe2\x28\xa1",
        b"\xe2\x82\x28",
    ):
        refused(404, b"./A" + octets)
        refused(404, b"./" + octets + b"/B")
        assert uri.characters(octets) == -1
        assert uri.characters(b"a" + octets + b"b") == -1


def test_characters_are_counted_not_octets():
    for text, n in (
        (b"", 0),
        (b"abc", 3),
        (b"\xc2\xa0", 1),
        (b"\xc3\xbf\xdf\xbf", 2),
        (b"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 4),
        (b"\xf0\x90\x80\x80\xf3\xbf\xbf\xbf\xf4\x8f\xbf\xbf", 3),
    ):
        assert uri.characters(text) == n
    name = b"\xe2\x82\xac" * 32
    assert uri.split(b"./" + name) == ([name], None)
    refused(414, b"./" + name + b"x")


def test_limit_of_a_segment():
    assert uri.split(b"A/" + b"s" * 32)[0][1] == b"s" * 32
    refused(414, b"A/" + b"s" * 33)
    refused(414, b"s" * 33 + b"/A")


def test_limit_of_depth():
    assert len(uri.split(b"./" + b"/".join([b"x"] * 16))[0]) == 16
    refused(414, b"./" + b"/".join([b"x"] * 17))


def test_limit_of_the_whole_counts_the_property_and_no_dot():
    three = (b"s" * 32 + b"/") * 3
    full = three + b"s" * 28
    assert len(full) == 127
    assert len(uri.split(full)[0]) == 4
    assert uri.split(b"./" + full) == uri.split(full)
    refused(414, full + b"s")
    refused(414, b"./" + full + b"s")
    refused(414, full + b"?prop=ACL")
    assert uri.split(three + b"s" * 19 + b"?prop=ACL")[1] == b"ACL"
    refused(414, three + b"s" * 20 + b"?prop=ACL")
    wide = b"\xf4\x8f\xbf\xbf"
    assert len(uri.split(((wide * 31 + b"/") * 4)[:-1])[0]) == 4
    refused(414, wide * 127 + b"abc")


def test_first_reason_found_counts():
    refused(414, b"/" * 600)  # total length before anything else
    refused(404, b"/" + b"x" * 40)
    refused(404, b"A//" + b"x" * 40)  # segments from left to right
    refused(414, b"x" * 40 + b"//A")
    refused(406, b"/A?prop=Owner")  # the question before the segments


def test_name():
    # Executor._rename takes as a name what is one segment and nothing else.
    for name in (b"A", b"a b", b"s" * 32, b"...", b"x=y", b"\xc3\xa4" * 32):
        assert uri.split(name) == ([name], None)
    assert uri.split(b"a/b") != ([b"a/b"], None)
    assert uri.split(b".") == ([], None)
    for name in (b"", b"..", b"a?b", b"\x00", b"\xff"):
        raises(CommandFailed, 404, uri.split, name)
    for name in (b"s" * 33, b"\xc3\xa4" * 33):
        raises(CommandFailed, 414, uri.split, name)
