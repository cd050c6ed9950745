# What a receiver hands to the client: one push, whatever carried it; and whether we take it.
# OMA Sessionless 5.2, 5.3; application id after the WAP push assignments (7 = syncml.dm).
#
# Contract: check() looks at labels only, never at the body. Labels are claims by a stranger:
# they decide what is dropped early, never what is trusted.
# Non-goals: proof (auth), the content (wbxml).
from micropython import const

from .errors import Malformed

_WRONG_TYPE = const(80)
_WRONG_APPLICATION = const(81)


class Push:
    """One received push.

    transport     name of the carrier, for the journal: "http", "sms" ...
    secure        True when the carrier itself proved the sender and kept the octets whole
    content_type  lower case, without parameters (done here)
    app_id        number, text, or None when the carrier named none
    headers       the few header values we use, by lower-case name: "x-syncml-hmac"
    spool         the body
    """

    def __init__(self, transport, secure, content_type, app_id, headers, spool) -> None:
        self.transport = transport
        self.secure = secure
        self.content_type = content_type.split(";")[0].strip().lower()
        self.app_id = app_id
        self.headers = headers
        self.spool = spool


def check(push) -> None:
    """Raise Malformed when the push is no DM message by its labels."""
    if push.content_type != "application/vnd.syncml.dm+wbxml":
        raise Malformed(_WRONG_TYPE)
    app_id = push.app_id
    if app_id is None or app_id == 7:
        return
    if isinstance(app_id, str):
        app_id = app_id.strip().lower()
        if app_id == "x-wap-application:syncml.dm" or app_id == "7":
            return
    raise Malformed(_WRONG_APPLICATION)
