# What an ESP32 module of the WROOM kind has and what runs on it. A board.py on the file system takes its
# place.
STORE = ("esp32", "dmtree")  # the partition of that name; see device/storage.py
SPOOL = 16 * 1024  # octets of the longest message
UART = (2, 17, 16, 115200)  # for a modem: number, TX pin, RX pin, baud
RECEIVERS = (("http", 4035),)  # with a modem also ("sms", UART)
WDT_MS = 8000  # machine.WDT: 0 leaves it off
MAKER = b"Espressif"
MODEL = b"ESP32"
# Where objects go that a server sends to ./Inbox: identifier (* is the version), parent, name or b"" for
# the one it brings, versions or () for any. What is not here is skipped. See omadm/inbox.py.
MO_ROOTS = (
    (b"urn:oma:mo:oma-connmo-nap:*", b"./Conn/NAP", b"", ()),
    (b"urn:oma:mo:oma-connmo-proxy:*", b"./Conn/Proxy", b"", ()),
    (b"urn:wfa:mo:hotspot2dot0-perprovidersubscription:*", b"./Wi-Fi", b"", ()),
)
