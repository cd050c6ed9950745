# What this board has and what runs on it. This one suits stock firmware of any port: the tree
# lies in files on the board's littlefs. boards/NAME/board.py takes its place in a board build.

STORE = ("file", "/dmtree", 16)  # see device/storage.py; 16 sectors of 4 KiB
SPOOL = 16 * 1024  # octets of the longest message
RECEIVERS = (("http", 4035),)  # with a modem also ("sms", (UART number, TX pin, RX pin, baud))
WDT_MS = 0  # machine.WDT: 0 leaves it off; RP2040 takes 8388 at most
MAKER = b""
MODEL = b""  # empty: the port's own name of the board
