# How modem families differ, as data: modem.py has no name of a maker in it.
#
# A row is chosen by what AT+CGMI and AT+CGMM answer. What a modem says about itself (test
# commands) always wins over a row: a row only orders what is tried first.
# Sources: the makers' AT manuals, and oFono's and Kannel's drivers; see docs/modems.md for which
# row rests on what. None of these has been tried with our driver on the real thing.
from micropython import const

NAME = const(0)
MARKS = const(1)  # any of them in the answer, upper case
MODES = const(2)  # first field of CNMI, best first
SERVICE = const(3)  # AT+CSMS= for direct mode; 0: it has none
ACK = const(4)  # acknowledges an SMS in direct mode
ACK_SECONDS = const(5)  # longest answer time of it
EXTRA = const(6)  # sent once after start; an error is no harm

# Says that the modem has started anew: what was set is gone. Whole lines or beginnings.
BOOT = (
    b"RDY",
    b"Call Ready",
    b"SMS Ready",
    b"SMS READY",
    b"SMS DONE",
    b"PB DONE",
    b"START",
    b"+CFUN: 1",
    b"^SYSSTART",
    b"+QIND: SMS DONE",
    b"APP RDY",
    b"NORMAL POWER DOWN",
    b"POWERED DOWN",
    b"UNDER-VOLTAGE POWER DOWN",
    b"+CPIN: READY",
    b"+CPIN: NOT READY",
)
# Says that the store is full.
FULL = (b"^SMMEMFULL", b"+SMSFULL", b'+QIND: "SMSFULL"', b"+UUSMSFULL", b"SMS FULL")

GENERIC = ("generic", (), b"\x02\x01\x03", 1, b"AT+CNMA", 10, ())

FAMILIES = (
    ("SIM800", (b"SIM800", b"SIM808", b"SIM868", b"SIM900"), b"\x02\x01", 0, b"", 0, ()),
    ("SIM7000", (b"SIM70", b"SIM_70"), b"\x02\x01", 1, b"AT+CNMA", 10, ()),
    ("SIM7600", (b"SIM75", b"SIM76", b"SIM_76"), b"\x02\x01", 1, b"AT+CNMA", 10, ()),
    ("A7670", (b"A76", b"SIM767"), b"\x02\x01", 1, b"AT+CNMA", 10, ()),
    ("Quectel M", (b"M95", b"M66", b"M10 ", b"MC60"), b"\x02\x01", 128, b"AT+CNMA", 10, ()),
    (
        "Quectel BG/EC",
        (b"BG9", b"BG77", b"EC2", b"EG9", b"EG2"),
        b"\x01\x02",
        1,
        b"AT+CNMA",
        5,
        (b'AT+QURCCFG="urcport","uart1"',),
    ),
    ("SARA", (b"SARA", b"LARA", b"LISA", b"TOBY"), b"\x02\x01", 1, b"AT+CNMA", 150, ()),
    ("Telit", (b"TELIT", b"ME310", b"ME910", b"LE910", b"HE910"), b"\x02\x01", 1, b"AT+CNMA", 10, ()),
    ("Cinterion", (b"CINTERION", b"GEMALTO", b"THALES"), b"\x02\x01", 1, b"AT+CNMA=1", 10, ()),
)


def family(answer: bytes) -> tuple:
    """Return the row for what the modem says it is."""
    answer = answer.upper()
    for row in FAMILIES:
        for mark in row[MARKS]:
            if mark in answer:
                return row
    return GENERIC
