# Formats of values, and which octets are legal for them.
# OMA TND 1.2.1 7.7.2 (Format); DDF 1.2 lists the names.
#
# Contract: numbers here are what a node record stores. Only the short formats
# are looked into; chr, bin and xml are taken as they come and never read whole.

NAMES = (b"node", b"chr", b"bin", b"bool", b"int", b"float", b"date", b"time", b"xml", b"b64", b"null")


def is_legal(fmt: int, text: bytes) -> bool:
    """True when the octets (at most 32) are a bool (3), an int (4) or a float (5)."""
    if fmt == 3:
        return text == b"true" or text == b"false"
    parts = [text]
    room = 10  # digits of an int and of an exponent
    if fmt == 5:
        parts = text.lower().split(b"e", 1)
        parts[0] = parts[0].replace(b".", b"", 1)
        room = 32
    for part in parts:
        if part[:1] in (b"+", b"-"):
            part = part[1:]
        if not part.isdigit() or len(part) > room:
            return False
        room = 10
    return True
