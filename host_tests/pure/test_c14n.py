# A message as canonical XML. What lxml makes of the same documents: host_tests/signing/test_c14n_lxml.py.
# heapsize=256k: messages of a thousand elements are in RAM here
import messages as m
from check import each_split, raises
from omadm.c14n import Canonical
from omadm.codepages import PAGES
from omadm.errors import NotAuthentic, TooLarge
from omadm.wbxml import Parser

NAMELESS = 160
IN_DATA = 161
TWO = 162
TOO_LONG = 163
IN_PIECES = 178

# The worked example of the profile, as another program wrote it.
EXAMPLE = (
    b'<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.3</VerProto>'
    b"<SessionID>1</SessionID><MsgID>1</MsgID><Target><LocURI>urn:dev:mac:240ac4fffe112233</LocURI>"
    b"</Target><Source><LocURI>com.example.dms</LocURI><LocName>srv-acme</LocName></Source><Cred><Meta>"
    b'<Format xmlns="syncml:metinf">xml</Format><Type xmlns="syncml:metinf">syncml:auth-MAC</Type></Meta>'
    b"<Data></Data></Cred></SyncHdr><SyncBody><Replace><CmdID>1</CmdID><Item><Target>"
    b'<LocURI>./Led/State</LocURI></Target><Meta><Format xmlns="syncml:metinf">chr</Format>'
    b'<Type xmlns="syncml:metinf">text/plain</Type></Meta><Data>on</Data></Item></Replace><Final></Final>'
    b"</SyncBody></SyncML>"
)
HEAD = b"\x02\xa4\x01\x6a\x00"
ROOT = b'<SyncML xmlns="SYNCML:SYNCML1.2">'


def canonical(pieces, total=-1):
    """(octets, contents of Cred/Data) of a message in pieces."""
    out = bytearray()
    found = []
    parser = Parser(Canonical(out.extend, found.append), PAGES, total)
    for piece in pieces:
        parser.feed(piece, 0, len(piece))
    parser.close()
    return bytes(out), found


def inside(*content):
    """What stands between SyncML and its end."""
    octets, found = canonical([HEAD + m.element(0x2D, *content)])
    assert octets.startswith(ROOT) and octets.endswith(b"</SyncML>") and not found, octets
    return octets[len(ROOT) : -9]


def example():
    body = m.message(1, 1, m.replace(1, b"./Led/State", b"on", b"chr", b"text/plain"), cred=b"<&>")
    return body.replace(b"b64", b"xml").replace(b"SHA256", b"MAC")


def test_the_worked_example_however_it_arrives():
    body = example()
    for pieces in each_split(body):
        assert canonical(pieces, len(body)) == (EXAMPLE, [b"<&>"])


def test_text_is_escaped():
    assert inside(m.text(b"a&b<c>d\"e\r\n\t'f")) == b"a&amp;b&lt;c&gt;d\"e&#xD;\n\t'f"
    assert inside(m.text(b"&&lt;")) == b"&amp;&amp;lt;"
    assert inside(m.element(0x0F, m.text(b"<>"))) == b"<Data>&lt;&gt;</Data>"
    long = b"&" * 127 + b"<" + b"x" * 300 + b"\r"
    assert inside(m.element(0x0F, m.opaque(long))) == (
        b"<Data>" + b"&amp;" * 127 + b"&lt;" + b"x" * 300 + b"&#xD;</Data>"
    )


def test_strings_opaque_octets_and_entities_are_one_text():
    whole = m.element(0x0F, m.text("h\u00e4&".encode()))
    for parts in (
        (m.opaque("h\u00e4&".encode()),),
        (m.text(b"h"), b"\x02\x81\x64", m.opaque(b"&")),
        (m.text(b""), m.text(b"h\xc3"), m.text(b"\xa4"), b"\x02\x26", m.opaque(b"")),
    ):
        assert inside(m.element(0x0F, *parts)) == inside(whole) == "<Data>h\u00e4&amp;</Data>".encode()
    table = b"\x02\xa4\x01\x6a\x05h\xc3\xa4&\0" + m.element(0x2D, m.element(0x0F, b"\x83\x00"))
    assert canonical([table])[0] == ROOT + "<Data>h\u00e4&amp;</Data></SyncML>".encode()


def test_empty_elements_are_a_pair():
    for empty in (b"\x12", b"\x52\x01", b"\x52\x03\x00\x01", b"\x52\xc3\x00\x01"):
        assert inside(empty) == b"<Final></Final>"


def test_a_namespace_is_written_where_the_page_changes():
    meta = b' xmlns="syncml:metinf"'
    ddf = b' xmlns="syncml:dmddf1.2"'
    assert inside(b"\x5a\x00\x01\x4e\x47\x03chr\0\x01\x01\x01") == (  # in a MetInf only that one has it
        b"<Meta><MetInf" + meta + b"><Format>chr</Format></MetInf></Meta>"
    )
    assert inside(b"\x4f\x00\x02\x60\x77\x031.2\0\x01\x64\x66\x03A\0\x01\x01\x01\x01") == (
        b"<Data><MgmtTree"
        + ddf
        + b"><VerDTD>1.2</VerDTD><Node><NodeName>A</NodeName></Node></MgmtTree></Data>"
    )
    # There and back: an element of page 0 in one of page 1 in one of page 0.
    assert inside(b"\x5a\x00\x01\x4e\x00\x00\x4f\x03x\0\x01\x00\x01\x07\x01\x00\x00\x01\x1a") == (
        b"<Meta><MetInf" + meta + b'><Data xmlns="SYNCML:SYNCML1.2">x</Data><Format></Format></MetInf></Meta>'
        b"<Meta></Meta>"
    )


def test_only_one_place_is_left_out():
    data = m.element(0x0F, m.text(b"x"))
    cred = m.element(0x0E, data)
    for content in (
        (cred,),  # in SyncML
        (m.element(0x2B, cred),),  # in SyncBody
        (m.element(0x2C, data),),  # in SyncHdr
        (m.element(0x2C, m.element(0x1A, cred)),),  # deeper
        (m.element(0x2C, m.element(0x0E, m.element(0x1A, data))),),
    ):
        assert b"<Data>x</Data>" in inside(*content)
    octets, found = canonical([HEAD + m.element(0x2D, m.element(0x2C, cred, m.element(0x1A, data)))])
    assert found == [b"x"]
    assert octets == ROOT + (
        b"<SyncHdr><Cred><Data></Data></Cred><Meta><Data>x</Data></Meta></SyncHdr></SyncML>"
    )


def test_cred_data_holds_one_text():
    data = m.element(0x0F, m.text(b"x"))

    def refused(code, *content):
        raises(NotAuthentic, code, canonical, [HEAD + m.element(0x2D, *content)])

    refused(TWO, m.element(0x2C, m.element(0x0E, data, data)))
    refused(TWO, m.element(0x2C, m.element(0x0E, data), m.element(0x0E, data)))
    refused(TWO, m.element(0x2C, m.element(0x0E, data)), m.element(0x2C, m.element(0x0E, data)))
    refused(TWO, m.element(0x2C, m.element(0x0E, b"\x0f", b"\x0f")))
    refused(IN_DATA, m.element(0x2C, m.element(0x0E, m.element(0x0F, m.text(b"x"), b"\x12"))))
    refused(IN_DATA, m.element(0x2C, m.element(0x0E, m.element(0x0F, data))))
    found = canonical([HEAD + m.element(0x2D, m.element(0x2C, m.element(0x0E, b"\x0f")))])[1]
    assert found == [b""]


def test_cred_data_is_bounded():
    for size, pieces in ((3072, 1), (1024, 3), (1, 3072)):
        parts = m.text(b"x" * size) * pieces
        body = m.element(0x2D, m.element(0x2C, m.element(0x0E, m.element(0x0F, parts))))
        assert canonical([HEAD + body])[1] == [b"x" * 3072]
        parts += m.text(b"x")
        body = m.element(0x2D, m.element(0x2C, m.element(0x0E, m.element(0x0F, parts))))
        raises(TooLarge, TOO_LONG, canonical, [HEAD + body])


def test_an_element_without_a_token_is_refused():
    raises(NotAuthentic, NAMELESS, canonical, [b"\x02\xa4\x01\x6a\x02A\0" + m.element(0x2D, b"\x04\x00")])


def test_every_tag_and_no_more_of_them_kept_than_allowed():
    sink = Canonical(bytearray().extend, None)
    parser = Parser(sink, PAGES)
    most = 0
    content = b""
    for page in range(3):
        top, hole = PAGES[page]
        content += bytes((0, page))
        for identity in range(5, top + 1):
            if identity != hole:
                content += bytes((identity,))
    body = HEAD + m.element(0x2D, content)
    for i in range(len(body)):
        parser.feed(body, i, i + 1)
        most = max(most, len(sink.tags))
    parser.close()
    assert most == 40, most


def test_a_text_is_in_no_more_pieces_than_commands_take():
    """How a text is cut into tokens is not signed; so cutting it anew must refuse all of the message."""

    def data(*tokens):
        return m.element(0x14, m.element(0x0F, *tokens))

    whole = inside(data(m.text(b"x" * 24)))
    assert inside(data(*[m.text(b"x")] * 24)) == whole
    assert inside(data(*[m.opaque(b"x")] * 24)) == whole
    assert inside(data(*[b"\x02x"] * 24)) == whole
    assert len(inside(data(*[b"\x02x"] * 1024))) == len(whole) + 1000
    assert inside(*[data(m.text(b"x"), m.opaque(b"x"))] * 30) == whole.replace(b"x" * 24, b"xx") * 30
    for tokens in (
        [m.text(b"x")] * 25,
        [m.opaque(b"x"), b"\x02x"] * 13,
        [b"\x02x"] * 1025,
    ):
        raises(TooLarge, IN_PIECES, inside, data(*tokens))
    for tokens in ([m.text(b"x"), m.text(b"x")], [b"\x02x"]):  # of all texts of a message
        assert inside(*[data(*tokens)] * 1024)
        raises(TooLarge, IN_PIECES, inside, *[data(*tokens)] * 1025)
    # The blocks that a token comes in are no pieces.
    body = HEAD + m.element(0x2D, data(m.text(b"x"), m.opaque(b"x" * 1100)))
    assert canonical([body[i : i + 1] for i in range(len(body))]) == canonical([body])
