# The grammar of SyncML that a device follows, as a table. OMA SyncML RepPro 1.2 DTD
# (DM subset), MetInf 1.2, Sessionless 5.2; docs/profile.md "Commands".
#
#   SyncML ─ SyncHdr ─ VerDTD VerProto SessionID MsgID Target Source Cred    any order, each once
#          └ SyncBody ─ command* Final
#            command = Add | Replace | Delete | Exec     CmdID Meta? Item+
#                    | Atomic | Sequence                 CmdID command*
#            Item    = Target Source TargetParent Meta Data                 any order, each once
#
# GRAMMAR has a row per context: the tags that may stand in it (page << 6 | identity,
# frequent ones first), and below each the context it leads to. What is not in a row is
# a mistake. Contexts 18 and up have no row, for they hold no elements:
#   12 Data · 13 Final · 14..16 RespURI, NoResp, Meta of SyncHdr: read over, once only
#   17 read over
#   from 18 leaves, whose values commands.py keeps in slots:
#   18 Target 19 TargetParent 1a Source, 1b Format 1c Type 1d Size            of an Item
#   1e Format 1f Type 20 Size 21 Correlator 22 CmdID                          of a command
#   23 VerDTD 24 VerProto 25 SessionID 26 MsgID 27 Target 28 Source
#   29 LocName 2a Format 2b Type 2c Data, of Cred                             of SyncHdr
# (in the rows and here numbers are hexadecimal)

GRAMMAR = (
    (  # 00 Atomic, Sequence: Replace Add Delete Exec, Atomic Sequence, Alert Copy Put Map
        # Search Sync Move Results Status, NoResp Meta
        b"\x20\x05\x10\x11\x08\x24\x06\x0d\x1f\x18\x23\x2a\x3b\x22\x29\x1d\x1a",
        b"\x03\x03\x03\x03\x01\x01\x02\x02\x02\x02\x02\x02\x02\x02\x02\x17\x17",
    ),
    (  # 01 the same before their CmdID: CmdID, NoResp Meta
        b"\x0b\x1d\x1a",
        b"\x22\x17\x17",
    ),
    (  # 02 a command that fails, whatever else is in it: CmdID
        b"\x0b",
        b"\x22",
    ),
    (  # 03 Add, Replace, Delete, Exec: Item CmdID Meta Correlator, NoResp Cred
        b"\x14\x0b\x1a\x3c\x1d\x0e",
        b"\x04\x22\x09\x21\x17\x17",
    ),
    (  # 04 Item: Target Meta Data Source TargetParent, SourceParent
        b"\x2e\x1a\x0f\x27\x3a\x39",
        b"\x05\x08\x12\x06\x07\x17",
    ),
    (b"\x17\x16", b"\x18\x17"),  # 05 Target of an Item: LocURI, LocName
    (b"\x17\x16", b"\x1a\x17"),  # 06 Source of an Item
    (b"\x17\x16", b"\x19\x17"),  # 07 TargetParent of an Item
    (b"\x47\x53\x52\x4e", b"\x1b\x1c\x1d\x08"),  # 08 Meta of an Item: Format Type Size, MetInf
    (b"\x47\x53\x52\x4e", b"\x1e\x1f\x20\x09"),  # 09 Meta of a command
    (  # 0a SyncHdr: VerDTD VerProto SessionID MsgID, Target Source Cred, RespURI NoResp Meta
        b"\x31\x32\x25\x1b\x2e\x27\x0e\x21\x1d\x1a",
        b"\x23\x24\x25\x26\x0b\x0c\x0d\x14\x15\x16",
    ),
    (b"\x17\x16", b"\x27\x17"),  # 0b Target of SyncHdr: LocURI, LocName
    (b"\x17\x16", b"\x28\x29"),  # 0c Source of SyncHdr: LocURI LocName
    (b"\x1a\x0f", b"\x0e\x2c"),  # 0d Cred: Meta Data
    (b"\x47\x53\x4e", b"\x2a\x2b\x0e"),  # 0e Meta of Cred: Format Type, MetInf
    (b"\x2c\x2b", b"\x0a\x11"),  # 0f SyncML: SyncHdr SyncBody
    (b"\x2d", b"\x0f"),  # 10 the document: SyncML
    (  # 11 SyncBody: as 00, with Final for NoResp and Meta
        b"\x20\x05\x10\x11\x08\x24\x12\x06\x0d\x1f\x18\x23\x2a\x3b\x22\x29",
        b"\x03\x03\x03\x03\x01\x01\x13\x02\x02\x02\x02\x02\x02\x02\x02\x02",
    ),
)
