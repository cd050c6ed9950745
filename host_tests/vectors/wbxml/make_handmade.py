"""Makes the vectors 10-41: python3 make_handmade.py [FOLDER], from 05-tnds-alone.v1.2.n.wbxml beside it.

They hold what libwbxml does not write but others do, or what nobody may write. The octets are
put down by hand here, so that no encoder of the project has a part in them.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADER = bytes.fromhex("02 a4 01 6a 00")  # WBXML 1.2, SyncML 1.2, UTF-8, no string table
PUBLIC_TEXT = b"-//SYNCML//DTD SyncML 1.2//EN"


def number(n):
    """A mb_u_int32."""
    octets = [n & 0x7F]
    while n := n >> 7:
        octets.insert(0, n & 0x7F | 0x80)
    return bytes(octets)


def inline(text):
    return b"\x03" + text.encode() + b"\x00"


def opaque(octets):
    return b"\xc3" + number(len(octets)) + octets


def message(header, body):
    """A message without Cred: SyncML, SyncHdr, SyncBody with `body` and Final."""
    head = b"\x71" + inline("1.2") + b"\x01" + b"\x72" + inline("DM/1.3") + b"\x01"
    head += b"\x65" + inline("1") + b"\x01" + b"\x5b" + inline("1") + b"\x01"
    head += b"\x6e\x57" + inline("urn:x:1") + b"\x01\x01"
    head += b"\x67\x57" + inline("dm.example.org") + b"\x01\x01"
    return header + b"\x6d\x6c" + head + b"\x01" + b"\x6b" + body + b"\x12" + b"\x01" + b"\x01"


def item(uri, meta=b"", data=b""):
    octets = b"\x54\x6e\x57" + inline(uri) + b"\x01\x01"
    if meta:
        octets += b"\x5a" + b"\x00\x01" + meta + b"\x01" + b"\x00\x00"
    if data:
        octets += b"\x4f" + data + b"\x01"
    return octets + b"\x01"


def fmt(name):
    return b"\x47" + inline(name) + b"\x01"


def mime(name):
    return b"\x53" + inline(name) + b"\x01"


def command(tag, cmd_id, items):
    return bytes([tag | 0x40]) + b"\x4b" + inline(str(cmd_id)) + b"\x01" + items + b"\x01"


ADD, DELETE, REPLACE = 0x05, 0x10, 0x20
TNDS_XML = (
    "<MgmtTree xmlns='syncml:dmddf1.2'><VerDTD>1.2</VerDTD><Node><NodeName>N</NodeName><RTProperties>"
    "<Format><node/></Format><Type><DDFName/></Type></RTProperties></Node></MgmtTree>"
)


def one(tag, *what):
    """A message of one command with one Item."""
    return message(HEADER, command(tag, 1, item(*what)))


def good():
    """Documents that mean something, 10-23; what is taken of them the README tells."""
    delete = command(DELETE, 1, item("./A/B"))
    tnds = (HERE / "05-tnds-alone.v1.2.n.wbxml").read_bytes()
    inner = tnds[tnds.index(b"\x00\x02\x60") :]  # its body, from the switch to page 2
    wbxml, xml = mime("application/vnd.syncml.dmtnds+wbxml"), mime("application/vnd.syncml.dmtnds+xml")
    blob = fmt("bin") + mime("application/octet-stream")
    yield "10-replace-bin-opaque", one(REPLACE, "./A/Blob", blob, opaque(bytes(range(200))))
    yield "11-pubid-strtbl-nul", message(b"\x02\x00\x00\x6a\x1e" + PUBLIC_TEXT + b"\x00", delete)
    yield "12-pubid-strtbl-nonul-samsung-style", message(b"\x02\x00\x00\x6a\x1d" + PUBLIC_TEXT, delete)
    yield "13-pubid-unknown-01", message(b"\x02\x01\x6a\x00", delete)
    mixed = inline("./A/") + b"\x02" + number(0xE9) + inline("t") + b"\x02" + number(0x20AC)
    mixed = b"\x54\x6e\x57" + mixed + b"\x01\x01\x01"
    yield "14-entity-and-mixed-strings", message(HEADER, command(DELETE, 1, mixed))
    yield "15-tnds-opaque-whole-doc", one(ADD, "./Inbox", fmt("bin") + wbxml, opaque(tnds))
    yield "16-tnds-inline-codepage2", one(ADD, "./Inbox", fmt("xml") + wbxml, inner + b"\x00\x00")
    yield "17-tnds-xml-in-stri", one(ADD, "./Inbox", fmt("xml") + xml, inline(TNDS_XML))
    nokia = b"\x54\x6e\x57" + inline("./A") + b"\x01\x01"
    nokia += b"\x5a\x00\x01" + fmt("node") + b"\x00\x00" + b"\x01" + b"\x01"
    yield "18-switchpage-before-end-nokia", message(HEADER, command(ADD, 1, nokia))
    yield "19-wbxml10-no-charset", message(b"\x00\xa4\x01\x00", delete)
    literal = item("./A/B") + b"\x44\x00" + inline("x") + b"\x01"
    yield "20-literal-tag", message(b"\x02\xa4\x01\x6a\x07Vendor\x00", command(DELETE, 1, literal))
    yield "21-mbuint-overlong", one(REPLACE, "./A/B", fmt("chr"), b"\xc3\x80\x80\x03abc")
    yield "22-wbxml-spec-example-simple", (
        bytes.fromhex("01010300 4746") + b"\x03 X & Y\x00" + b"\x05" + b"\x03 X\x00" + b"\x02\x81\x20"
        + b"\x03=\x00" + b"\x02\x81\x20" + b"\x031 \x00" + b"\x01\x01"
    )  # fmt: skip
    yield "23-wbxml-spec-example-expanded", (
        bytes.fromhex("01016a12") + b"abc\x00 Enter name: \x00" + bytes.fromhex("47c509830005018806 8608")
        + b"\x03xyz\x00" + b"\x85\x03/s\x00" + b"\x01\x83\x04\x86\x07\x0a\x03N\x00\x01\x01\x01"
    )  # fmt: skip


def bad():
    """Documents that must be refused, 30-41, but for 40."""
    whole = message(HEADER, command(DELETE, 1, item("./A/B")))
    yield "30-bad-truncated", whole[:-3]
    yield "31-bad-opaque-overrun", HEADER + b"\x6d\x6b\x60\x54\x4f\xc3\x7fabc\x01\x01\x01\x01\x01"
    yield "32-bad-strt-out-of-range", b"\x02\xa4\x01\x6a\x02a\x00" + b"\x6d\x6c\x71\x83\x20\x01\x01\x01"
    six = b"\xc3\x80\x80\x80\x80\x80\x03abc"
    yield "33-bad-mbuint-6-bytes", HEADER + b"\x6d\x6b\x60\x54\x4f" + six + b"\x01\x01\x01\x01\x01"
    yield "34-bad-strtbl-len-overrun", b"\x02\xa4\x01\x6a\x7fabc"
    yield "35-bad-unknown-page-7", HEADER + b"\x6d\x6b\x00\x07\x45\x01\x01\x01"
    yield "36-bad-unterminated-str", HEADER + b"\x6d\x6b\x60\x4b\x03abc"
    yield "37-trailing-garbage", whole + b"\x00\xff\x01"
    yield "38-attr-bit-set", HEADER + b"\xed\x04\x00\x03x\x00\x01\x6b\x12\x01\x01"
    yield "39-version-0x04", b"\x04" + whole[1:]
    yield "40-charset-0", b"\x02\xa4\x01\x00\x00" + whole[5:]
    latin = command(DELETE, 1, b"\x54\x6e\x57\x03./A/\xe9\x00\x01\x01\x01")
    yield "41-charset-4-latin1", message(b"\x02\xa4\x01\x04\x00", latin)


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for maker in (good, bad):
        for name, octets in maker():
            (folder / f"{name}.wbxml").write_bytes(octets)
