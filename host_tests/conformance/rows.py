"""The statements of OMA-TS-DM_Sessionless-V1_3 that bind a client or a server, in our words.

One Row each, in the order of the text. Tests name rows by `@pytest.mark.row("R34")`, and
`@pytest.mark.row("R34", negative=True)` when they show that what breaks the row is refused;
tests in host_tests/pure take `row` from check.py, which is nothing under MicroPython.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One statement.

    who      C the client, S the server: our operator's tool
    level    how strongly the text binds; "carrier" for the list of transports
    forbids  it refuses or forbids something, so a negative test is due
    note     our reading, choice or deviation; where it is decided in docs/profile.md
    out      why the row is out of scope, "" when it is in
    """

    number: str
    section: str
    who: str
    level: str
    text: str
    forbids: bool = False
    note: str = ""
    out: str = ""


ROWS = (
    Row("R01", "5.1.1", "C S", "must", "A push technology that exists already carries the message; no session."),
    Row(
        "R02", "5.1.2", "C", "must",
        "Messages are taken only from servers that have a DMAcc on the device.", True,
    ),
    Row(
        "R03", "5.1.2", "S", "MUST", "Every message is signed.", True,
        "There is no option that sends a message without any proof. A `--no-sign` message still has "
        "the MAC over all its octets (profile P1).",
    ),
    Row(
        "R04", "5.1.2", "C", "MUST", "Every message is authenticated before any of it takes effect.", True,
        "Before one octet of it is parsed, where a MAC proves it; a message proved by its signature alone "
        "is parsed once with no other effect than the hash (profile P1).",
    ),
    Row("R05", "5.2", "C S", "MUST", "SyncHdr/VerDTD is 1.2, or the message is refused.", True),
    Row("R06", "5.2", "C S", "MUST", "SyncHdr/VerProto is DM/1.3, or the message is refused.", True),
    Row(
        "R07", "5.2", "C", "MAY", "SessionID and MsgID may be ignored.", False,
        "They are not: the pair must rise, which is our protection against replay (profile P3).",
    ),
    Row(
        "R08", "5.2", "C S", "MUST", "SyncHdr/Target is this device, or the message is refused.", True,
        "Octet by octet equal to ./DevInfo/DevId (profile P7).",
    ),
    Row("R09", "5.2", "C S", "MUST", "SyncHdr/Source is the ServerID of a bootstrapped DMAcc.", True),
    Row(
        "R10", "5.2, 5.4", "C S", "MUST", "SyncHdr/Cred carries what authenticates the server.", True,
        "A digest of key and nonce beside the MAC, or the signature (profile P1).",
    ),
    Row("R11", "5.2", "C S", "REQUIRED", "Every command has a CmdID.", True),
    Row(
        "R12", "5.2", "C S", "MUST", "Item/Target and Item/Source say what a command addresses.", True,
        "An Item without an address: 412. No command of ours reads Source.",
    ),
    Row("R13", "5.2", "C S", "must", "Data travels in Item/Data, where the command needs any."),
    Row(
        "R14", "5.2", "C S", "MUST", "Meta, of the command or the Item, gives Type and Format where they are not the defaults.",
        False, "Defaults: Format chr, Type text/plain; Replace without Meta keeps what is stored (profile P5).",
    ),
    Row("R15", "5.2", "C S", "MUST", "SyncBody ends with Final, or the message is refused.", True),
    Row(
        "R16", "5.2", "C S", "MUST NOT", "Get does not occur; a message with a Get anywhere changes nothing.", True,
    ),
    Row("R17", "5.2", "C S", "MUST", "The message is WBXML 1.1, 1.2 or 1.3.", True),
    Row("R18", "5.2", "S", "MUST NOT", "The server expects no response.", True),
    Row(
        "R19", "5.2", "S", "MUST", "An XML-Signature covers the entire message.", True,
        "Enveloped, in SyncHdr/Cred/Data, over the canonical XML of the WBXML (profile P1)."),
    Row(
        "R20", "5.2", "S", "SHOULD", "XML-Encryption protects what is confidential."),
    Row(
        "R21", "5.2", "C", "MUST", "TNDS objects are taken as WBXML and as XML.", False,
        "Told apart by their octets, not by their label (profile P8)."),
    Row("R22", "5.2", "C", "MUST", "The Inbox is there."),
    Row("R23", "5.3", "C S", "carrier", "WAP Push."),
    Row(
        "R24", "5.3", "C S", "carrier", "SIP Push.", False, "",
        "not built: an option of the text; a board that has SIP hands the body and its headers to client.accept",
    ),
    Row("R25", "5.3", "C S", "carrier", "HTTP Push."),
    Row(
        "R26", "5.3", "C S", "carrier", "OMA BCAST.", False, "",
        "not built: an option of the text; no broadcast receiver runs on these boards",
    ),
    Row(
        "R27", "5.3", "C S", "MAY", "Other carriers.", False,
        "Whatever hands a push to client.accept is a carrier (profile P9).",
    ),
    Row(
        "R28", "5.3", "C S", "MUST", "The carrier is secure, or the message protects itself (R30).", True,
        "It always protects itself here; no carrier is trusted instead of a proof.",
    ),
    Row("R29", "5.3", "C S", "MAY", "Transport-neutral security may come on top of a secure carrier."),
    Row(
        "R30", "5.4", "C S", "MUST",
        "Where the carrier gives no authentication and integrity, HMAC-SHA256 does.", True,
        "In the header x-syncml-hmac, in two constructions told apart by name (profile P1).",
    ),
    Row(
        "R31", "5.4", "S", "MUST", "ACL values for the nodes of a new TNDS object are inside the object.", False,),
    Row("R32", "5.5", "C", "MUST", "The DMAcc of the server was bootstrapped earlier.", True),
    Row(
        "R33", "5.5", "C", "MUST NOT", "No response message is sent.", True,
        "A carrier's acknowledgement is none, and is the same for good and bad messages.",
    ),
    Row("R34", "5.5", "C", "MUST", "The ServerID is that of exactly one DMAcc; two refuse the message.", True),
    Row("R35", "5.5", "C", "MUST", "The data of that DMAcc authenticate the message.", True),
    Row("R36", "5.5", "C", "MUST", "That ServerID decides every ACL check of the message.", True),
    Row("R37", "5.5", "C", "MUST", "No DMAcc with that ServerID: the message is refused.", True),
    Row("R38", "5.5", "C", "MUST", "Transport-neutral security that is there and fails refuses the message.", True),
    Row(
        "R39", "5.5", "C", "MAY, SHOULD",
        "A new MO may be renamed; references to a renamed Connectivity or Proxy MO in the same object follow.",
        False, ""),
    Row(
        "R40", "5.5", "C", "MUST", "References ./Inbox/... inside an object lead to where the MO was put.",
        True, ""),
    Row(
        "R41", "5.5", "C", "MAY", "Items below an Ext that the client cannot handle may be left out; the rest succeeds.",
        False, ""),
    Row("R42", "5.5", "C", "MAY", "An MO that is not supported may be left out; the rest succeeds."),
    Row(
        "R43", "5.5", "C", "SHOULD", "Of several versions of one MO the latest supported one is used."),
    Row("R44", "6", "C S", "must", "Add, Replace, Delete and Exec manage MOs."),
    Row(
        "R45", "6", "C S", "MUST NOT", "No message provisions a DMAcc.", True,
        "Nor changes, renames or deletes one (profile P2).",
    ),
    Row(
        "R46", "6.1.1", "C", "MUST", "An object added to ./Inbox is put where the client chooses."),
    Row("R47", "6.1.1", "C S", "must not", "./Inbox takes no child nodes, and nothing but TNDS.", True),
    Row(
        "R48", "6.1.2", "C S", "can", "One Add brings a TNDS object to an absolute or relative URI."),
    Row("R49", "6.1.2", "C S", "can", "Several Adds bring a new MO node by node."),
    Row("R50", "6.2", "C S", "must", "Only Add may address ./Inbox.", True),
    Row("R51", "6.2.1", "C S", "can", "Absolute and relative URIs address nodes that exist."),
    Row(
        "R52", "6.2.2", "C S", "MUST", "Virtual URIs address nodes that exist, in Add, Replace, Delete and Exec.",
        False, "TND 1.3 7.2 was not available; the syntax is ours (profile P4)."),
)  # fmt: skip

# Static conformance requirements of appendix B, and the rows they come to.
TABLES = (
    ("DM-SM-C-001", "R01-R17 R44"),
    ("DM-SM-C-002", "R21"),
    ("DM-SM-C-003", "R22 R46 R47 R50"),
    ("DM-SM-C-004", "R34"),
    ("DM-SM-C-005", "R36"),
    ("DM-SM-C-006", "R51 R52"),
    ("DM-SM-C-007", "R33"),
    ("DM-SM-S-001", "R01 R03 R05-R15"),
    ("DM-SM-S-002", "R17"),
    ("DM-SM-S-003", "R09"),
    ("DM-SM-S-004", "R28"),
    ("DM-SM-S-005", "R31"),
    ("DM-SM-S-006", "R51 R52"),
    ("DM-SM-S-007", "R10"),
    ("DM-SM-S-008", "R16"),
)
