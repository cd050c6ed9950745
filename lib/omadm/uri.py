# Addresses of nodes and properties in the management tree.
# OMA TND 1.2.1 sections 5 and 6 (URI), 7 (properties); limits as shown in ./DevDetail/URI.
#
#   ./App/Log/Level?prop=ACL        uri     = "." | ["./"] segment *("/" segment)
#   `-- segments ---'      `-' prop  address = uri ["?prop=" name]
#
# Contract: split() turns the octets of a LocURI into segments or raises CommandFailed:
#   414  longer or deeper than the limits (characters, not octets; `./A` and `A` count alike)
#   404  can be no address: empty, leading or trailing "/", "." or ".." as a segment, a "?"
#        that is neither ?prop= nor ?list=, octets that are no UTF-8, control characters
#   406  ?list=, or a property that does not exist
# The first reason found counts: total length, characters, "?", segments from left to right, depth.
# Bounds: the octets are looked at once, after their number was checked.
# Octets that UTF-8 has no use for (overlong forms, surrogates) pass on MicroPython: names are
# compared octet by octet, so they are just other names.
# Non-goals: %XX is not decoded (names compare octet by octet); whether a node exists; virtual URIs.
from .errors import CommandFailed
from .limits import MAX_DEPTH, MAX_SEG_LEN, MAX_TOT_LEN


def characters(text: bytes) -> int:
    """Return how many characters the UTF-8 text has; -1 when it is none or holds a control."""
    # In C where it can be: a loop over octets costs an RP2040 more than all the rest of a command.
    try:
        n = len(str(text, "utf-8"))
    except ValueError:
        return -1
    return -1 if n and (min(text) < 0x20 or b"\x7f" in text) else n


def split(uri: bytes) -> tuple:
    """Return (list of segments, property or None); the root `.` has no segment.

    Raises CommandFailed with 414, 404 or 406.
    """
    if len(uri) > 4 * MAX_TOT_LEN + 2:
        raise CommandFailed(414)
    n = characters(uri)
    if n < 0:
        raise CommandFailed(404)
    if uri[:2] == b"./":
        n -= 2
    if n > MAX_TOT_LEN:
        raise CommandFailed(414)
    prop = None
    at = uri.find(b"?")
    if at >= 0:
        what = uri[at + 1 : at + 6]
        prop = uri[at + 6 :]
        uri = uri[:at]
        if what != b"prop=" and what != b"list=":
            raise CommandFailed(404)
        known = (b"ACL", b"Format", b"Name", b"Size", b"Title", b"TStamp", b"Type", b"VerNo")
        if what == b"list=" or prop not in known:
            raise CommandFailed(406)
    segments = uri.split(b"/")
    if segments[0] == b".":
        del segments[0]
    if n <= MAX_SEG_LEN and not (b"" in segments or b"." in segments or b".." in segments):
        return segments, prop  # as most are; so few characters hold no more than MAX_DEPTH segments
    for name in segments:
        if not name or name == b"." or name == b"..":
            raise CommandFailed(404)
        if len(name) > MAX_SEG_LEN and characters(name) > MAX_SEG_LEN:
            raise CommandFailed(414)
    if len(segments) > MAX_DEPTH:
        raise CommandFailed(414)
    return segments, prop
