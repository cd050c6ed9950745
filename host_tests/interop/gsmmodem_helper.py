"""What tests want of python-gsmmodem-new; runs under an environment of its own (peers.py).

One JSON object on standard input, one on standard output:

    {"do": "decode", "pdus": [hex]}              what it reads in SMS-DELIVERs
    {"do": "visit", "port": PTY, "wait": n}      who the modem is, n SMS that come by themselves, and what
                                                 is in its store
"""

import json
import sys
import time

from gsmmodem import pdu
from gsmmodem.modem import GsmModem


def plain(number, text, udh):
    """An SMS as plain values."""
    row = {"number": number, "data": text.encode("latin-1").hex(), "part": 1, "parts": 1}
    for element in udh or ():
        if isinstance(element, pdu.Concatenation):
            row.update(part=element.number, parts=element.parts, reference=element.reference)
        elif isinstance(element, pdu.PortAddress):
            row.update(port=element.destination)
    return row


def decode(text):
    """What is in a PDU."""
    found = pdu.decodeSmsPdu(text)
    return plain(found["number"], found["text"], found.get("udh"))


def visit(port, wait):
    """Connect, and look."""
    came = []
    modem = GsmModem(port, 115200, smsReceivedCallbackFunc=came.append if wait else None)
    modem.connect()
    print("connected", file=sys.stderr, flush=True)
    try:
        end = time.monotonic() + 30
        while len(came) < wait and time.monotonic() < end:
            time.sleep(0.05)
        stored = modem.listStoredSms()
        return {
            "who": [modem.manufacturer, modem.model],
            "came": [plain(sms.number, sms.text, sms.udh) for sms in came],
            "read": [plain(sms.number, sms.text, sms.udh) for sms in stored],
        }
    finally:
        modem.close()


asked = json.load(sys.stdin)
if asked["do"] == "decode":
    print(json.dumps([decode(text) for text in asked["pdus"]]))
else:
    print(json.dumps(visit(asked["port"], asked["wait"])))
