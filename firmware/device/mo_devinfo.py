# The standard objects that describe the device: DevInfo and DevDetail.
# OMA StdObj 1.2.1 7.1.1, 7.1.2. ./DevInfo/DevId comes from the bootstrap, not from here.
import sys

from omadm.limits import MAX_DEPTH, MAX_SEG_LEN, MAX_TOT_LEN

_GET = 8


def declare(client, maker: bytes = b"", model: bytes = b"") -> None:
    """Create what is missing, and bring the versions up to date after a new firmware."""
    machine = getattr(sys.implementation, "_machine", sys.platform).encode()
    version = sys.version.split("; ")[-1].encode()
    info = b"./DevInfo"
    detail = b"./DevDetail"
    chars = b"chr"
    client.declare(
        (
            (info, b"node", _GET, b"", b"urn:oma:mo:oma-dm-devinfo:1.0"),
            (info + b"/Man", chars, _GET, maker),
            (info + b"/Mod", chars, _GET, model or machine),
            (info + b"/DmV", chars, _GET, b"1.3"),
            (info + b"/Lang", chars, _GET, b"en"),
            (detail, b"node", _GET, b"", b"urn:oma:mo:oma-dm-devdetail:1.0"),
            (detail + b"/DevTyp", chars, _GET, sys.platform.encode()),
            (detail + b"/OEM", chars, _GET, maker),
            (detail + b"/FwV", chars, _GET, version),
            (detail + b"/SwV", chars, _GET, b""),
            (detail + b"/HwV", chars, _GET, machine),
            (detail + b"/LrgObj", b"bool", _GET, b"false"),
            (detail + b"/URI/MaxDepth", chars, _GET, b"%d" % MAX_DEPTH),
            (detail + b"/URI/MaxTotLen", chars, _GET, b"%d" % MAX_TOT_LEN),
            (detail + b"/URI/MaxSegLen", chars, _GET, b"%d" % MAX_SEG_LEN),
        )
    )
    if client.get(detail + b"/FwV") != version:
        client.set(detail + b"/FwV", version)
