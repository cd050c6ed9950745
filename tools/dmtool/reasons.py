"""What the codes of lib/omadm/errors.py mean, for people: the cause and what to do about it.

One line per code, in the ranges listed in errors.py. OMA statuses (CommandFailed) are not here.
"""

REASONS = {
    # auth
    60: "The push carries no x-syncml-hmac header. Send it with dmtool push, which adds it.",
    61: "The x-syncml-hmac header is longer than 512 octets. Use a shorter user name.",
    62: "The x-syncml-hmac header is malformed: it needs algorithm=, username=\"...\" and mac= "
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
    # push
    80: "The content type is not application/vnd.syncml.dm+wbxml. Send it with that type.",
    81: "The push is for another application than syncml.dm (7). Send X-Wap-Application-Id: 7, "
    "x-wap-application:syncml.dm, or none.",
    # spool
    90: "The message is longer than the device's spool. Split it into several messages.",
    91: "Octets arrived after the end of the push or after it was refused. A fault of the "
    "receiver: it must reset the spool before every push.",
}
