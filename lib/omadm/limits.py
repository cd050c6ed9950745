# Every ceiling of the device code, each with its reason, in one place.
# A limit is checked before anything is stored or allocated. What boards
# differ in (spool and region sizes) is in boards/NAME/board.py.

MAX_DEPTH = 16  # segments of a LocURI; ./DevDetail/URI/MaxDepth
MAX_TOT_LEN = 127  # characters of a LocURI with its property; ./DevDetail/URI/MaxTotLen
MAX_SEG_LEN = 32  # characters of one segment; ./DevDetail/URI/MaxSegLen

WBXML_DEPTH = 32  # open elements; SyncML with an inline TNDS of MAX_DEPTH nodes fits
STRING_TABLE = 1024  # octets; the one part of a message that must be kept in RAM whole
TABLE_OCTETS = 16384  # octets STR_T may stand for in one message; else each costs two and yields a thousand
TEXT_LEN = 512  # octets of a LocURI, Type, Cred/Data ...: MAX_TOT_LEN characters of four octets fit
CMD_ID_LEN = 32  # octets of a CmdID; every one is kept to tell a repeated one
CMD_ID_ROOM = 256  # octets for CmdIDs that are no numbers below 2048 (those cost a bit)
DATA_PIECES = 24  # pieces of one Item/Data that do not lie side by side in the message
COPIED_OCTETS = 1024  # of them, octets that must be copied (ENTITY, STR_T): any string of a table fits
ACL_LEN = 255  # octets of one ACL value; its length is one octet in flash
PROP_LEN = 255  # octets of Title and Type; the same reason (and TND 7.7.4 for Title)
OBJECT_NODES = 512  # nodes of one TNDS object; each takes about 60 octets of heap until the commit
OBJECT_WORK = 20480  # 2 a tag or piece of text, 8 a reference; else reading 16 KiB outlasts a watchdog
OBJECT_ROOTS = 16  # objects in one that is sent to ./Inbox; their places are chosen before any is made
VIRTUAL_NAMES = 512  # names looked up for the conditions of one virtual address; each takes an RP2040 a ms
REFERENCES = 32  # connectivity references in one object that have to be followed
EXEC_DATA = 512  # octets of the argument of an Exec; handed to the handler from RAM
ACCOUNTS = 8  # DMAcc instances; bounds the work of finding the sender
HEADER_LEN = 512  # octets of one x-syncml-hmac value
SIGNATURE_LEN = 3072  # octets of a Signature: RSA of 4096 bits in lines, indented, takes some 2200
SIGNED_CUTS = (
    1024  # pieces of texts, but the first of each, and references: no object fails OBJECT_WORK by them
)
NAMES_KEPT = 40  # tags kept as XML while a signed message is read; a usual one has 25

WSP_HEADERS = 2048  # octets of the headers of one WSP push; held in RAM in one piece to be read
SMS_ASSEMBLIES = 4  # messages of several SMS open at once
SMS_SINGLES = 4  # whole ones of one SMS that wait for the spool
SMS_OCTETS = 8192  # for all SMS held, 61 of them: taken once, where SMS are received; no part allocates
