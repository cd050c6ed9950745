"""What tests want of Gammu; runs under the system's Python, which has its module.

One JSON object on standard input, one on standard output:

    {"do": "deliver", "sms": [{"udh": hex, "data": hex, "number": "+..."}]}   SMS-DELIVER PDUs
    {"do": "decode", "pdus": [hex]}                                          what Gammu reads in them
    {"do": "send", "config": FILE, "to": "+...", "sms": [{"udh", "data"}]}     by the modem
    {"do": "visit", ...}                              the same; before that, who it is and its store
"""

import datetime
import json
import sys

import gammu


def message(row):
    """Gammu's form of an SMS of 8-bit data."""
    udh = bytes.fromhex(row["udh"])
    return {
        "Text": bytes.fromhex(row["data"]),
        "Coding": "8bit",
        "Class": -1,
        "UDH": {"Type": "UserUDH", "Text": udh},
        "Number": row["number"],
        "SMSC": {"Number": "+15550000"},
        "DateTime": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "SMSCDateTime": datetime.datetime(2026, 1, 2, 3, 4, 5),
        "Folder": 1,
        "InboxFolder": 1,
        "State": "UnRead",
        "Type": "Deliver",
    }


def plain(sms):
    """What is in an SMS, as plain values."""
    text = sms["Text"]
    return {
        "number": sms["Number"],
        "coding": sms["Coding"],
        "data": text.hex() if isinstance(text, bytes) else text.encode("latin-1").hex(),
        "udh": sms["UDH"]["Text"].hex() if isinstance(sms["UDH"]["Text"], bytes) else "",
        "part": sms["UDH"]["PartNumber"],
        "parts": sms["UDH"]["AllParts"],
    }


def everything(modem):
    """All SMS in the modem's stores."""
    found = modem.GetNextSMS(0, True)
    while True:
        yield found[0]
        try:
            found = modem.GetNextSMS(0, False, found[0]["Location"])
        except gammu.ERR_EMPTY:
            return


def main(asked):
    """Do what is asked."""
    if asked["do"] == "deliver":
        made = []
        for row in asked["sms"]:
            made.append(gammu.EncodePDU(message(row), "Deliver").hex())
        return made
    if asked["do"] == "decode":
        return [plain(gammu.DecodePDU(bytes.fromhex(pdu))) for pdu in asked["pdus"]]
    modem = gammu.StateMachine()
    modem.ReadConfig(0, 0, asked["config"])
    modem.Init()
    found = {}
    if asked["do"] == "visit":
        found["who"] = [modem.GetManufacturer(), modem.GetModel()[1]]
        found["read"] = [plain(sms) for sms in everything(modem)]
    for row in asked["sms"]:
        sms = message(dict(row, number=asked["to"]))
        sms["SMSC"] = {"Location": 1}
        modem.SendSMS(sms)
    found["sent"] = len(asked["sms"])
    return found


print(json.dumps(main(json.load(sys.stdin))))
