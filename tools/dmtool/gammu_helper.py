"""Sends SMS by python3-gammu; run as a program, by an interpreter that has it. See sms_gammu.py.

Standard input: one JSON object {"config", "number", "minutes", "parts": [{"udh", "data"}, ...]}, the
octets in hexadecimal. Standard output: a JSON object a line, {"sent": n} or {"error": text}.
"""

import json
import sys

NO_GAMMU = 86  # exit status: this interpreter has no gammu


def main() -> int:
    """Do as standard input says."""
    try:
        import gammu
    except ImportError:
        return NO_GAMMU

    def say(**what: object) -> None:
        print(json.dumps(what), flush=True)

    job = json.load(sys.stdin)
    machine = gammu.StateMachine()
    try:
        machine.ReadConfig(Filename=job["config"])
        machine.Init()
        centre = machine.GetSMSC(Location=1)
        centre.update(Location=0, Validity=f"{job['minutes']}M")  # with a location, its own validity counts
        for i, part in enumerate(job["parts"]):
            message = {
                "Number": job["number"],
                "SMSC": centre,
                "Type": "Submit",
                "Coding": "8bit",
                "Class": -1,
                "UDH": {"Type": "UserUDH", "Text": bytes.fromhex(part["udh"])},
                "Text": bytes.fromhex(part["data"]),
            }
            machine.SendSMS(message)
            say(sent=i + 1)
        machine.Terminate()
    except gammu.GSMError as error:
        told = error.args[0] if error.args else ""
        say(error=told.get("Text", str(told)) if isinstance(told, dict) else str(told))
        return 1
    except (OSError, ValueError) as error:
        say(error=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
