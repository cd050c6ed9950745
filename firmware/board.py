# What this board has and what runs on it. This one suits stock firmware of any port: the tree
# lies in files on the board's littlefs. boards/NAME/board.py takes its place in a board build.

STORE = ("file", "/dmtree", 16)  # see device/storage.py; 16 sectors of 4 KiB
SPOOL = 16 * 1024  # octets of the longest message
RECEIVERS = (("http", 4035),)  # with a modem also ("sms", (UART number, TX pin, RX pin, baud))
WDT_MS = 0  # machine.WDT: 0 leaves it off; RP2040 takes 8388 at most
MAKER = b""
MODEL = b""  # empty: the port's own name of the board
# Where objects go that a server sends to ./Inbox: identifier (* is the version), parent, name or b"" for
# the one it brings, versions or () for any. What is not here is skipped. See omadm/inbox.py.
MO_ROOTS = (
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn/NAP", b"", ()),
    (b"urn:oma:mo:oma-connmo-proxy:*", b"./Conn/Proxy", b"", ()),
    (b"urn:wfa:mo:hotspot2dot0-perprovidersubscription:*", b"./Wi-Fi", b"", ()),
)
