# Formats of values, and which octets are legal for them.
# OMA TND 1.2.1 7.7.2 (Format); DDF 1.2 lists the names.
#
# Contract: numbers here are what a node record stores. Only the short formats
# are looked into; chr, bin and xml are taken as they come and never read whole.

from .errors import CommandFailed

NAMES = (b"node", b"chr", b"bin", b"bool", b"int", b"float", b"date", b"time", b"xml", b"b64", b"null")


def number_of(name: bytes) -> int:
    """Number of a format by its name in any case; CommandFailed(415) when there is none."""
    name = name.lower()
    for i in range(len(NAMES)):
        if NAMES[i] == name:
            return i
    raise CommandFailed(415)


def is_legal(fmt: int, text: bytes) -> bool:
    """True when the octets (at most 32) are a bool (3), an int (4) or a float (5)."""
    if fmt == 3:
        return text == b"true" or text == b"false"
    if text[:1] in (b"+", b"-"):
        text = text[1:]
    if fmt == 5:
        at = text.lower().find(b"e")
        if at >= 0:
            if not is_legal(4, text[at + 1 :]):
                return False
            text = text[:at]
        text = text.replace(b".", b"", 1)
    return text.isdigit() and len(text) <= (10 if fmt == 4 else 32)
