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
# Non-goals: %XX is not decoded (names compare octet by octet); whether a node exists; virtual URIs.
from .errors import CommandFailed
from .limits import MAX_DEPTH, MAX_SEG_LEN, MAX_TOT_LEN


def characters(text: bytes) -> int:
    """Return how many characters the UTF-8 text has; -1 when it is none or holds a control."""
    n = more = low = high = 0
    for c in text:
        if more:
            if not low <= c <= high:
                return -1
            low = 0x80
            high = 0xBF
            more -= 1
            continue
        n += 1
        if c < 0x80:
            if c < 0x20 or c == 0x7F:
                return -1
            continue
        if not 0xC2 <= c <= 0xF4:
            return -1
        low = 0x80
        high = 0xBF
        more = 1 + (c >= 0xE0) + (c >= 0xF0)
        if c == 0xC2 or c == 0xE0:  # C2: no C1 controls; E0: nothing overlong
            low = 0xA0
        elif c == 0xED:  # no surrogates
            high = 0x9F
        elif c == 0xF0:  # nothing overlong
            low = 0x90
        elif c == 0xF4:  # nothing above U+10FFFF
            high = 0x8F
    return -1 if more else n


def name_status(name: bytes) -> int:
    """Return 0 when the octets may be the name of a node, else 404 (no name) or 414 (too long)."""
    n = characters(name)
    if n < 1 or name in (b".", b"..") or b"/" in name or b"?" in name:
        return 404
    return 414 if n > MAX_SEG_LEN else 0


def split(uri: bytes) -> tuple:
    """Return (list of segments, property or None); the root `.` has no segment.

    Raises CommandFailed with 414, 404 or 406.
    """
    if len(uri) > 4 * MAX_TOT_LEN + 2:
        raise CommandFailed(414)
    n = characters(uri)
    if n < 0:
        raise CommandFailed(404)
    root = uri[:1] == b"." and uri[1:2] in (b"", b"?")
    if uri[:2] == b"./":
        uri = uri[2:]
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
        if what == b"list=" or prop not in (
            b"ACL",
            b"Format",
            b"Name",
            b"Size",
            b"Title",
            b"TStamp",
            b"Type",
            b"VerNo",
        ):
            raise CommandFailed(406)
    if root:
        return [], prop
    segments = uri.split(b"/")
    for name in segments:
        status = name_status(name)
        if status:
            raise CommandFailed(status)
    if len(segments) > MAX_DEPTH:
        raise CommandFailed(414)
    return segments, prop
