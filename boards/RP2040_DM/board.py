# What a board of the Raspberry Pi Pico kind has and what runs on it. A board.py on the file system takes
# its place.
STORE = ("rp2", 1152 * 1024, 256 * 1024)  # behind the file system; see device/storage.py
SPOOL = 16 * 1024  # octets of the longest message
UART = (0, 0, 1, 115200)  # for a modem: number, TX pin, RX pin, baud
RECEIVERS = (("sms", UART),)  # no radio on this board, and so pushes come through a modem
WDT_MS = 8000  # machine.WDT: 0 leaves it off; RP2040 takes 8388 at most
MAKER = b"Raspberry Pi"
MODEL = b"Pico"
# Where objects go that a server sends to ./Inbox: identifier (* is the version), parent, name or b"" for
# the one it brings, versions or () for any. What is not here is skipped. See omadm/inbox.py.
MO_ROOTS = (
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn/NAP", b"", ()),
    (b"urn:oma:mo:oma-connmo-proxy:*", b"./Conn/Proxy", b"", ()),
)
