"""Token tables of the documents the tool writes and reads, and their XML namespaces.

SyncML RepPro 1.2 (page 0), MetInf 1.2 (page 1), DM DDF 1.2 (page 2). The order of the names is
the order of the token identities, from 0x05 on; None is a reserved identity. Written down here
on purpose although lib/ has tables too: encoder and decoder check each other.
"""

SYNCML, METINF, DDF = 0, 1, 2

NAMESPACES = ("SYNCML:SYNCML1.2", "syncml:metinf", "syncml:dmddf1.2")
PUBLIC_ID = 0x1201  # -//SYNCML//DTD SyncML 1.2//EN
PUBLIC_TEXTS = {
    "-//SYNCML//DTD SyncML 1.2//EN": SYNCML,
    "-//OMA//DTD-DM-DDF 1.2//EN": DDF,
}

# Global tokens (WBXML 1.1-1.3, 7.1).
SWITCH_PAGE, END, ENTITY, STR_I, LITERAL = 0x00, 0x01, 0x02, 0x03, 0x04
EXT_I_0, PI, LITERAL_C = 0x40, 0x43, 0x44
EXT_T_0, STR_T, LITERAL_A = 0x80, 0x83, 0x84
EXT_0, OPAQUE, LITERAL_AC = 0xC0, 0xC3, 0xC4
HAS_CONTENT, HAS_ATTRIBUTES = 0x40, 0x80

_SYNCML = (
    "Add Alert Archive Atomic Chal Cmd CmdID CmdRef Copy Cred Data Delete Exec Final Get Item "
    "Lang LocName LocURI Map MapItem Meta MsgID MsgRef NoResp NoResults Put Replace RespURI "
    "Results Search Sequence SessionID SftDel Source SourceRef Status Sync SyncBody SyncHdr "
    "SyncML Target TargetRef - VerDTD VerProto NumberOfChanges MoreData Field Filter Record "
    "FilterType SourceParent TargetParent Move Correlator"
)
_METINF = (
    "Anchor EMI Format FreeID FreeMem Last Mark MaxMsgSize Mem MetInf Next NextNonce SharedMem "
    "Size Type Version MaxObjSize FieldLevel"
)
_DDF = (
    "AccessType ACL Add b64 bin bool chr CaseSense CIS Copy CS date DDFName DefaultValue Delete "
    "Description DFFormat DFProperties DFTitle DFType Dynamic Exec float Format Get int Man "
    "MgmtTree MIME Mod Name Node node NodeName null Occurrence One OneOrMore OneOrN Path "
    "Permanent Replace RTProperties Scope Size time Title TStamp Type Value VerDTD VerNo xml "
    "ZeroOrMore ZeroOrN ZeroOrOne"
)


def _table(names: str) -> dict[str, int]:
    return {name: 5 + i for i, name in enumerate(names.split()) if name != "-"}


TOKENS: tuple[dict[str, int], ...] = (_table(_SYNCML), _table(_METINF), _table(_DDF))
NAMES: tuple[dict[int, str], ...] = tuple({token: name for name, token in page.items()} for page in TOKENS)
