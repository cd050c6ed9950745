"""What differs from maker to maker.

From AT manuals and from drivers of others (see docs/modems.md for which fact rests on what). A
simulated family shows the differences that break drivers; it is no model of one firmware.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Family:
    """One maker's ways."""

    name: str
    maker: str
    model: str
    cnmi: str  # answer to AT+CNMI=?
    default_cnmi: tuple[int, ...]
    cmt: str = '"",{length}'  # what follows "+CMT: "
    cmgr: str = "{stat},,{length}"
    first_index: int = 1
    services: tuple[int, ...] = (0, 1)
    ack: str = "AT+CNMA"  # the acknowledgement it takes
    stores: dict[str, int] = field(default_factory=lambda: {"SM": 20, "ME": 23})
    refuses: tuple[tuple[int, int], ...] = ()  # (field, value) of CNMI offered, but refused
    boot: tuple[str, ...] = ()
    ready: tuple[str, ...] = ()  # said when SMS can be used
    full: str = ""  # said when the store is full
    text_mode: bool = False  # AT+CMGF after start
    extra: tuple[str, ...] = ()  # commands only it knows


_ALL = (
    Family("generic", "omadm", "SIMULATOR", "(0-2),(0-3),(0-3),(0-2),(0,1)", (0, 0, 0, 0, 0)),
    Family(
        "sim800",
        "SIMCOM_Ltd",
        "SIMCOM_SIM800L",
        "(0-3),(0-3),(0,2),(0,1),(0,1)",
        (2, 1, 0, 0, 0),
        services=(0, 1),
        stores={"SM": 30, "ME": 0},
        boot=("RDY", "+CFUN: 1", "+CPIN: READY"),
        ready=("Call Ready", "SMS Ready"),
    ),
    Family(
        "sim900",
        "SIMCOM_Ltd",
        "SIMCOM_SIM900",
        "(0-2),(0-3),(0,2),(0,1),(0,1)",
        (2, 1, 0, 0, 0),
        cmt="{length}",
        stores={"SM": 40},
        boot=("RDY", "+CFUN: 1", "+CPIN: READY"),
        ready=("Call Ready",),
    ),
    Family(
        "sim7000",
        "SIMCOM INCORPORATED",
        "SIMCOM_SIM7000E",
        "(0-2),(0-3),(0,2),(0-2),(0,1)",
        (2, 1, 0, 0, 0),
        cmt=",{length}",
        cmgr="{stat},{length}",
        stores={"SM": 10, "ME": 30},
        boot=("RDY", "+CFUN: 1", "+CPIN: READY"),
        ready=("SMS Ready",),
    ),
    Family(
        "sim7600",
        "SIMCOM INCORPORATED",
        "SIMCOM_SIM7600E",
        "(0,1,2),(0-3),(0,2),(0-2),(0,1)",
        (2, 1, 0, 0, 0),
        first_index=0,
        stores={"SM": 50, "ME": 255},
        boot=("RDY", "+CPIN: READY"),
        ready=("SMS DONE", "PB DONE"),
        full="+SMS FULL",
    ),
    Family(
        "m95",
        "Quectel_Ltd",
        "Quectel_M95",
        "(0-2),(0-3),(0,2),(0-2),(0-1)",
        (2, 1, 0, 0, 0),
        services=(0, 1, 128),
        stores={"SM": 25, "ME": 0},
        boot=("RDY", "+CFUN: 1", "+CPIN: READY"),
        ready=("Call Ready",),
    ),
    Family(
        "ec25",
        "Quectel",
        "EC25",
        "(0-2),(0-3),(0-3),(0-2),(0,1)",
        (2, 1, 0, 0, 0),
        first_index=0,
        refuses=((0, 2),),
        stores={"SM": 50, "ME": 255},
        boot=("RDY", "+CPIN: READY"),
        ready=("+QIND: SMS DONE", "+QIND: PB DONE"),
        full='+QIND: "smsfull","ME"',
        extra=("AT+QURCCFG",),
    ),
    Family(
        "sara",
        "u-blox",
        "SARA-R410M-02B",
        "(0-2),(0-3),(0-3),(0-2),(0-1)",
        (0, 0, 0, 0, 0),
        cmt=",{length}",
        stores={"ME": 23, "SM": 10},
        text_mode=True,
    ),
    Family(
        "telit",
        "Telit",
        "ME310G1-W1",
        "(0-3),(0-3),(0-3),(0-2),(0,1)",
        (0, 0, 0, 0, 0),
        cmt=",{length}",
        stores={"SM": 10, "ME": 99},
    ),
    Family(
        "cinterion",
        "Cinterion",
        "BGS2-W",
        "(0-3),(0-3),(0,2,3),(0-2),(1)",
        (0, 0, 0, 0, 1),
        cmt=",{length}",
        ack="AT+CNMA=1",
        stores={"SM": 30, "ME": 25},
        boot=("^SYSSTART",),
    ),
)

FAMILIES = {family.name: family for family in _ALL}
