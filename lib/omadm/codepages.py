# Which tag identities the three code pages of a SyncML 1.2 document define.
# SyncML RepPro 1.2 (page 0), MetInf 1.2 (page 1), DM DDF 1.2 / TNDS (page 2).
#
# A page's row is (highest identity, reserved identity or 0); identities begin at 5.
# The names of the tokens are in tools/: the device compares numbers only.

PAGES = (
    (0x3C, 0x30),  # SyncML:  05 Add .. 3C Correlator, 30 is reserved
    (0x16, 0),  # MetInf:  05 Anchor .. 16 FieldLevel
    (0x3C, 0),  # DM DDF:  05 AccessType .. 3C ZeroOrOne
)
