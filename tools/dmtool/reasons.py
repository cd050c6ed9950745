"""What the codes of lib/omadm/errors.py mean, for people: the cause and what to do about it.

One line per code, in the ranges listed in errors.py. OMA statuses (CommandFailed) are not here.
"""

REASONS = {
    # wbxml
    1: "The message is not WBXML 1.1, 1.2 or 1.3 (first octet 01, 02 or 03). Encode it as one of them.",
    2: "The public id of the WBXML document is not SyncML 1.2. Use 0x1201 or -//SYNCML//DTD SyncML 1.2//EN.",
    3: "The charset of the WBXML document is not UTF-8 (106), US-ASCII (3) or unknown (0). Use UTF-8.",
    4: "The string table is longer than the message. The message was cut, or its encoder is broken.",
    5: "The string table is longer than 1024 octets. Encode with inline strings (xml2wbxml -n).",
    6: "A number in the WBXML document takes more than five octets. Its encoder is broken.",
    7: "A number in the WBXML document is over 2**32-1. Its encoder is broken.",
    8: "The WBXML document does not begin with an element. Its encoder is broken.",
    9: "The WBXML document switches to a code page that SyncML 1.2 does not have (0, 1, 2 are known).",
    10: "The WBXML document has a tag that SyncML 1.2 does not define on that code page.",
    11: "An element of the WBXML document has attributes. SyncML has none: leave them away.",
    12: "The WBXML document has an extension token or a processing instruction. SyncML has none.",
    13: "The elements of the message are nested deeper than 32. Let dmtool compose it.",
    14: "The WBXML document points behind the end of its string table. Its encoder is broken.",
    15: "The message takes more than 16384 octets out of its string table. Encode it with inline strings.",
    16: "The WBXML document has a character entity that is no Unicode character.",
    17: "An OPAQUE of the WBXML document is longer than the message. The message was cut on its way.",
    18: "There are octets behind the end of the WBXML document. Send the document alone.",
    19: "The WBXML document ends too early. The message was cut on its way.",
    # commands
    30: "The document is SyncML, but incomplete. Its encoder is broken.",
    31: "SyncML must hold SyncHdr, then SyncBody.",
    32: "An element stands where SyncML 1.2 has no place for it, in SyncHdr or around it.",
    33: "An element of SyncHdr, or SyncHdr or SyncBody, is there twice.",
    34: "There is text between elements where none may be.",
    35: "SyncHdr/VerDTD is not 1.2. Sessionless messages need that version.",
    36: "SyncHdr/VerProto is not DM/1.3. Sessionless messages need that version.",
    37: "SyncHdr/SessionID is not a hexadecimal number of 1 to FFFF.",
    38: "SyncHdr/MsgID is not a decimal number of 1 or more (below 2**30).",
    39: "SyncHdr has no Target/LocURI. It must name the device (./DevInfo/DevId).",
    40: "SyncHdr has no Source/LocURI. It must be the ServerID of an account on the device.",
    41: "A value in SyncHdr is longer than 512 octets. Use shorter names.",
    42: "The message has a Get. A sessionless message may not have one: nothing can be sent back.",
    43: "The message has MoreData. A sessionless message must be whole: send the value in one piece.",
    44: "SyncBody does not end with Final. A sessionless message must be whole.",
    45: "There is something in or behind Final, which must be empty and the last element of SyncBody.",
    # auth
    60: "The push carries neither an x-syncml-hmac header nor a signature in SyncHdr/Cred. Send it "
    "with dmtool push, which adds the header, or let dmtool compose sign it.",
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
    72: "SyncHdr/Cred has another Type than syncml:auth-SHA256 and syncml:auth-MAC (for a "
    "signature). Use one of them.",
    73: "SyncHdr/Cred has another Format than its Type asks for: b64 for syncml:auth-SHA256, xml for "
    "syncml:auth-MAC.",
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
    97: "The push was given up half-way: its octets or the store changed under it; nothing of it was "
    "applied. Send it again; a receiver of one's own must keep the spool until the outcome is there.",
    96: "The device ran out of memory on this message; nothing of it was applied. Send fewer "
    "commands in one message.",
    # sectors and pagelog
    100: "The store needs a region of 8 to 4096 sectors of 4096 octets each. Check its size in board.py.",
    101: "The flash of the store cannot be read. The board is damaged, or the region lies outside its flash.",
    102: "No sector of the store takes writes any more. Nothing was changed; the flash is worn out.",
    103: "The store was written by a newer version of omadm. Update the firmware, or erase the region.",
    104: "The store is full; nothing was changed. Delete nodes, or give the region more sectors.",
    105: "A page of the flash did not keep what was written. The sector is set aside and the write repeated.",
    106: "A record has another length than was announced: an error in the store itself. Please report it.",
    107: "A record goes on in a sector that is gone. Its flash is damaged; write that value once more.",
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
    # c14n, signature and pubkey
    160: "The signed message has an element by a name out of its string table. Encode it with tokens.",
    161: "SyncHdr/Cred/Data holds elements of WBXML. The Signature must be text there (STR_I or OPAQUE).",
    162: "SyncHdr/Cred/Data is there twice. A message has one signature.",
    163: "The signature is longer than 3072 octets. Write it without indentation.",
    164: "The signature is not in the form of docs/profile.md P1, or not alone in SyncHdr/Cred/Data.",
    165: "The signature names another transform, canonicalisation or digest than the device takes: "
    "enveloped-signature and xml-exc-c14n#, SHA-256.",
    166: 'The reference of the signature is not the whole message: its URI must be "", without Id or Type.',
    167: "The signature has another method than hmac-sha256, rsa-sha256 and ecdsa-sha256. Use one of them.",
    168: "The signature must name its key with KeyInfo/KeyName and nothing else. A key that comes with the "
    "message is never used.",
    169: "A value of the signature is no base64 or, for the digest, not of 32 octets.",
    170: "No account on the device has the name in KeyName. Check auth_name in the account file and "
    "that this device was provisioned with it.",
    171: "The signature's method is not the one of the account (AAuthType HMAC, RSA or ECDSA). Sign with "
    "the key that the account file names.",
    172: "The signature is wrong: it was made with another key, or changed on its way. Provision the "
    "device again if its key differs from that of the account file.",
    173: "The signature does not fit the message: the message was changed after it was signed.",
    174: "This firmware cannot check ECDSA: it was built without the native module. Use an account with "
    "RSA, or firmware built with NATIVE=1.",
    175: "The public key of the account on the device cannot be used: it must be a SubjectPublicKeyInfo of "
    "RSA with 2048 to 4096 bits and an odd exponent of 65537 or more, or of ECDSA P-256. Provision it again.",
    176: "The account on the device has no secret or no nonce, so no signature of its can be right. "
    "Provision it again.",
    177: "The signature fits two accounts of the device. Give every account its own key.",
    178: "A text of the signed message is in more than 24 pieces, or more than 1024 octets of it come as "
    "ENTITY or out of the string table, or there are too many such pieces. Encode it as one inline string.",
}

# OMA statuses as they stand in the journal (RepPro 1.2.1 section 10), one per Item.
STATUSES = {
    200: "done",
    202: "accepted, runs after the commit",
    204: "nothing to do: the device has no use for this object",
    206: "done, but for parts of the object that the device has no use for",
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
