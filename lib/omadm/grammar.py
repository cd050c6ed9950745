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
# frequent ones first), each followed by the context it leads to. What is not in a row is
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
    # 00 Atomic, Sequence: Replace Add Delete Exec, Atomic Sequence, Alert Copy Put Map
    # Search Sync Move Results Status, NoResp Meta
    b"\x20\x03\x05\x03\x10\x03\x11\x03\x08\x01\x24\x01\x06\x02\x0d\x02\x1f\x02\x18\x02"
    b"\x23\x02\x2a\x02\x3b\x02\x22\x02\x29\x02\x1d\x17\x1a\x17",
    # 01 the same before their CmdID: CmdID, NoResp Meta
    b"\x0b\x22\x1d\x17\x1a\x17",
    # 02 a command that fails, whatever else is in it: CmdID
    b"\x0b\x22",
    # 03 Add, Replace, Delete, Exec: Item CmdID Meta Correlator, NoResp Cred
    b"\x14\x04\x0b\x22\x1a\x09\x3c\x21\x1d\x17\x0e\x17",
    # 04 Item: Target Meta Data Source TargetParent, SourceParent
    b"\x2e\x05\x1a\x08\x0f\x12\x27\x06\x3a\x07\x39\x17",
    b"\x17\x18\x16\x17",  # 05 Target of an Item: LocURI, LocName
    b"\x17\x1a\x16\x17",  # 06 Source of an Item
    b"\x17\x19\x16\x17",  # 07 TargetParent of an Item
    b"\x47\x1b\x53\x1c\x52\x1d\x4e\x08",  # 08 Meta of an Item: Format Type Size, MetInf
    b"\x47\x1e\x53\x1f\x52\x20\x4e\x09",  # 09 Meta of a command
    # 0a SyncHdr: VerDTD VerProto SessionID MsgID, Target Source Cred, RespURI NoResp Meta
    b"\x31\x23\x32\x24\x25\x25\x1b\x26\x2e\x0b\x27\x0c\x0e\x0d\x21\x14\x1d\x15\x1a\x16",
    b"\x17\x27\x16\x17",  # 0b Target of SyncHdr: LocURI, LocName
    b"\x17\x28\x16\x29",  # 0c Source of SyncHdr: LocURI LocName
    b"\x1a\x0e\x0f\x2c",  # 0d Cred: Meta Data
    b"\x47\x2a\x53\x2b\x4e\x0e",  # 0e Meta of Cred: Format Type, MetInf
    b"\x2c\x0a\x2b\x11",  # 0f SyncML: SyncHdr SyncBody
    b"\x2d\x0f",  # 10 the document: SyncML
    # 11 SyncBody: as 00, with Final for NoResp and Meta
    b"\x20\x03\x05\x03\x10\x03\x11\x03\x08\x01\x24\x01\x12\x13\x06\x02\x0d\x02\x1f\x02\x18\x02"
    b"\x23\x02\x2a\x02\x3b\x02\x22\x02\x29\x02",
)
