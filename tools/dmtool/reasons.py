"""What the codes of lib/omadm/errors.py mean, for people: the cause and what to do about it.

One line per code, in the ranges listed in errors.py. OMA statuses (CommandFailed) are not here.
"""

REASONS = {
    # auth
    60: "The push carries no x-syncml-hmac header. Send it with dmtool push, which adds it.",
    61: "The x-syncml-hmac header is longer than 512 octets. Use a shorter user name.",
    62: 'The x-syncml-hmac header is malformed: it needs algorithm=, username="..." and mac= '
    "(base64 of 32 octets), each once. Let dmtool make it.",
    63: "The x-syncml-hmac header names no algorithm, which means MD5. Name HMAC-SHA256.",
    64: "The MAC is made with MD5, which is never accepted. Use HMAC-SHA256.",
    65: "The x-syncml-hmac header names an unknown algorithm. Use HMAC-SHA256 or SHA256.",
    66: "No account on the device has the user name of the x-syncml-hmac header. "
    "Check auth_name in the account file and that this device was provisioned with it.",
    67: "The MAC is wrong: the body was changed on its way, or secret or nonce differ between "
    "device and account file. Provision the device again if they do.",
    68: "The MAC fits two accounts of the device. Give every account its own secret.",
    69: "The account does not accept a MAC (its AAuthType is not HMAC). Sign the message, or "
    "provision the account with AAuthType HMAC.",
    70: "The account on the device has no secret or no nonce. Provision it again.",
    71: "SyncHdr has no Cred. Add it: Type syncml:auth-SHA256, Format b64.",
    72: "SyncHdr/Cred has another Type than syncml:auth-SHA256. Use that one.",
    73: "SyncHdr/Cred has another Format than b64. Use that one.",
    74: "SyncHdr/Cred is wrong: secret or nonce differ between device and account file. "
    "Provision the device again.",
    75: "SyncHdr/Source/LocName is not the user name of the account. Send auth_name, or nothing.",
    76: "This message, or a later one, was accepted before: (SessionID, MsgID) must grow with "
    "every message. Compose a new one; check session_id and msg_id in the account file.",
    77: "SyncHdr/Target is not this device: it must equal ./DevInfo/DevId. Check device_id in "
    "the account file; a message is for one device only.",
    78: "No account on the device has the ServerID of SyncHdr/Source. Check server_id in the "
    "account file and that this device was provisioned with it.",
    79: "Two accounts on the device have the ServerID of SyncHdr/Source. Remove one of them.",
    # push
    80: "The content type is not application/vnd.syncml.dm+wbxml. Send it with that type.",
    81: "The push is for another application than syncml.dm (7). Send X-Wap-Application-Id: 7, "
    "x-wap-application:syncml.dm, or none.",
    # spool
    90: "The message is longer than the device's spool. Split it into several messages.",
    91: "Octets arrived after the end of the push or after it was refused. A fault of the "
    "receiver: it must reset the spool before every push.",
    # client
    95: "SyncHdr/Source names another account than the MAC. Use server_id and auth_name of the "
    "same account file.",
    96: "The device ran out of memory on this message; nothing of it was applied. Send fewer "
    "commands in one message.",
    # sms
    120: "The SMS ends too early. The modem or the serial line lost octets; the SMS stays in the "
    "modem's store and is read again.",
    121: "The service centre address of the SMS is longer than 11 octets: this is no SMS PDU.",
    122: "The sender's address of the SMS is longer than 20 digits: this is no SMS-DELIVER.",
    123: "The SMS claims more than 140 octets of user data. Its length field is wrong.",
    124: "The SMS goes on behind its user data. Its length field is wrong.",
    125: "The user data header of the SMS is longer than its user data.",
    # wsp
    140: "The datagram is no WSP push (PDU type 06). Sessions and confirmed pushes are not "
    "supported; send a connectionless push.",
    141: "A length in the WSP push has more than 5 octets.",
    142: "The WSP push has no headers. It needs a content type at least.",
    143: "The headers of the WSP push are longer than the push. Part of it was lost.",
    144: "A value in the headers of the WSP push goes on behind its end.",
    145: "The content type of the WSP push is in none of the forms of WSP. Send C2, or text.",
    146: "A header of the WSP push has an impossible name or value.",
    147: "The WSP push has Content-Length, X-Wap-Application-Id or x-syncml-hmac twice. Send each once.",
    148: "The Content-Length of the WSP push is no number of at most 4 octets.",
    149: "The WSP push is not as long as its Content-Length says: it was cut on its way. A push "
    "proxy with a limit on SMS per message does that (Kannel: max-messages); raise the limit.",
    150: "The WSP push is a bootstrap (SEC, MAC). Devices are provisioned by dmtool provision.",
    151: "The headers of the WSP push are longer than 2048 octets.",
    152: "The x-syncml-hmac header of the WSP push is longer than 512 octets. Use a shorter user name.",
}

# OMA statuses as they stand in the journal (RepPro 1.2.1 section 10), one per Item.
STATUSES = {
    200: "done",
    202: "accepted, runs after the commit",
    215: "not carried out, a command before it in the Atomic failed",
    216: "undone with its Atomic",
    400: "malformed command",
    404: "no such node",
    405: "not allowed on this node (AccessType, permanent, account or Inbox)",
    406: "not supported here",
    412: "incomplete command, or the address fits several nodes",
    413: "value too large",
    414: "address too long or too deep",
    415: "unsupported type or format, or a value that does not fit it",
    418: "the node exists already",
    420: "device full",
    424: "the size differs from what was announced",
    425: "denied by the ACL",
    500: "failed",
    507: "Atomic failed, nothing of it was done",
    510: "flash failed",
}
