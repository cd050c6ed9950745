# The five ways in which work on a message ends early, told apart by what the
# caller does next. Each carries one int, `args[0]`; texts for people live in
# tools/dmtool/reasons.py, so that no message text and no secret is in here.
#
#   class          raised for                       the caller
#   Malformed      octets that are no legal message  drops the push, writes nothing
#   TooLarge       a bound of limits.py passed       drops the push, writes nothing
#   NotAuthentic   no proof, wrong proof, replay     drops the push, writes nothing
#   CommandFailed  one command can't be done         notes the OMA status, goes on
#   StorageFailed  flash is full or broken           keeps the old tree, tells the board
#
# Code ranges: wbxml 1-29, commands 30-59, auth 60-79, push 80-89, spool 90-94,
# client 95-99, pagelog and store 100-119, sms 120-139, wsp 140-159, signature 160-179.
# CommandFailed carries the OMA status (404, 425 ...).


class Malformed(Exception):
    """Octets that are no legal Sessionless Command Message."""


class TooLarge(Exception):
    """Input passes a bound of limits.py; raised before anything is stored."""


class NotAuthentic(Exception):
    """No proof, a wrong proof, an unknown account, or a replay."""


class CommandFailed(Exception):
    """One command fails with the OMA status in args[0]; the message goes on."""


class StorageFailed(Exception):
    """Flash is full or broken; what was committed before is untouched."""
