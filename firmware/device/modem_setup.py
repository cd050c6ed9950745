# What is asked of a modem before it can bring SMS; each step takes what the modem offers.
# 3GPP TS 27.005: CSMS 3.2.1, CPMS 3.2.2, CNMI 3.4.1.
#
# Contract: functions on a Line; they raise Lost where the modem can't be used, and nothing else.
# Never five values from a book: makers differ in every field, and some refuse the whole command
# for one of them (SIM800: ds 2), or refuse what they offer (Quectel: mode 2).
from micropython import const

from . import modem_quirks as quirks
from .at import choices, field, number
from .modem_line import Lost

_ATTEMPTS = const(10)


async def family(line) -> tuple:
    """Silence the echo, learn who it is, and send what that family needs."""
    await line.command(b"ATE0")
    await line.command(b"AT+CMEE=1")
    name = await line.ask(b"AT+CGMI")
    row = quirks.family(name + b" " + await line.ask(b"AT+CGMM"))
    for text in row[quirks.EXTRA]:
        await line.command(text)
    return row


async def service(line, row) -> int:
    """Ask for acknowledged delivery as the row says (None: for plain delivery).

    Returns the service in force: 0 when SMS must not be acknowledged.
    """
    wanted = row[quirks.SERVICE] if row else 0
    if not wanted:
        await line.command(b"AT+CSMS=0")
        return 0
    offered = choices(await line.ask(b"AT+CSMS=?"))
    if offered and wanted in offered[0] and await line.command(b"AT+CSMS=%d" % wanted):
        if field(await line.ask(b"AT+CSMS?"), 1) == b"1":
            return wanted
    return 0


async def stores(line) -> list:
    """Select the store for incoming SMS; return all that must be looked at, that one first.

    The larger one is taken, of the same size the SIM's. SMS of class 2 go to the SIM in any case.
    """
    offered = b""
    for _ in range(_ATTEMPTS):
        offered = await line.ask(b"AT+CPMS=?")
        if offered:
            break
        await line.idle(1)
    offered = offered[offered.rfind(b"(") + 1 :] or b'"SM"'
    found = []
    best = -1
    for mem in (b"SM", b"ME"):
        if b'"' + mem + b'"' in offered:
            text = b'AT+CPMS="' + mem + b'","' + mem + b'","' + mem + b'"'
            if await (line.command(text) if found else line.insist(text)):
                size = number(field(line.info[0], 1)) if line.info else 0
                found.insert(0 if size > best else 1, mem)
                best = max(best, size)
    if not found:
        raise Lost
    return found


async def indications(line, row, how) -> bytes:
    """Have SMS indicated (how 1) or delivered at once (2).

    Returns the first two fields of CNMI as they were accepted, b"" when none were: then only
    reading the store finds what has come.
    """
    offered = choices(await line.ask(b"AT+CNMI=?"))
    while len(offered) < 5:
        offered.append([])
    if offered[1] and how not in offered[1]:
        how = 3 - how
    tail = b""
    for values in offered[2:5]:
        tail += b",%d" % (0 if not values or 0 in values else values[0])
    for mode in row[quirks.MODES]:
        if offered[0] and mode not in offered[0]:
            continue
        start = b"%d,%d" % (mode, how)
        if await line.command(b"AT+CNMI=" + start + tail):
            return start
        if await line.command(b"AT+CNMI=" + start):
            return start
    return b""
