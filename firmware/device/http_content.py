# The two forms of an OTA-HTTP body: the content itself, or a whole HTTP response around it.
#
# Contract: `write` is the sink of a Body; message octets go on into the spool (and its hash) in
# the block they came in, nothing is kept here. `close` when the body is whole, then `push`.
#
#     direct    body = message                        labels: fields of the request
#     nested    body = HTTP/1.1 200 OK, fields,       labels: fields in there, under the same
#                      empty line, message                    bounds as those of a request
from omadm.push import Push

from .http_head import Head, Refused

CONTENT_TYPE = "application/vnd.syncml.dm+wbxml"


class Direct:
    """A message whose labels stand in the header block `head`."""

    def __init__(self, spool, head) -> None:
        self.spool = spool
        self.head = head

    def write(self, buf, off: int, end: int) -> None:
        """Take octets of the body; TooLarge when the spool is full."""
        self.spool.write(memoryview(buf)[off:end])

    def close(self) -> None:
        """The body is whole."""

    def push(self) -> Push:
        """What came, with its labels; nothing in it is checked."""
        head = self.head
        headers = {} if head.hmac is None else {"x-syncml-hmac": head.hmac}
        # secure is False even under TLS: that proves the device to the sender, not the sender.
        return Push("http", False, head.content_type, head.app_id, headers, self.spool)


class Nested(Direct):
    """A message inside an HTTP response (application/http)."""

    def __init__(self, spool) -> None:
        super().__init__(spool, Head(True))

    def write(self, buf, off: int, end: int) -> None:
        """Take octets of the body; Refused for a bad inner head, TooLarge for a full spool."""
        off = self.head.feed(buf, off, end)
        if off < end:
            self.spool.write(memoryview(buf)[off:end])

    def close(self) -> None:
        """The body is whole: so must be what lies in it (gateways cut messages silently)."""
        head = self.head
        if not head.done or head.content_length not in (-1, self.spool.length):
            raise Refused(400)
