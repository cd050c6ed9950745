# Encrypted values: EncryptedData in Item/Data, decrypted where it lies. W3C XML Encryption 1.1;
# OMA DM Security 1.2.1 (content trust); Sessionless 5.2 (R20); docs/profile.md "Encryption".
#
#   Meta: Format xml, Type application/xenc+xml
#   <EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#"       or xenc: before every name
#                  Type="syncml:metinf#int" MimeType="text/plain">    what the value is: Format, Type
#     <EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>
#     <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><KeyName>name</KeyName></KeyInfo>
#     <CipherData><CipherValue>base64 of IV and cipher text</CipherValue></CipherData>
#   </EncryptedData>
#
#   key   <DMAcc>/Ext/Keys/<KeyName>; or, when KeyName is AAuthName of an HMAC account, of this message alone:
#         HMAC(AAuthSecret ":" AAuthData, "xmlenc:" algorithm ":" SessionID ":" MsgID), its first octets
#
# Contract: called for a message that is proved already, so CBC needs no other integrity, and nobody
# outside hears of the outcome. Base64 and cipher are undone in place, block by block: the heap does not
# grow with the value. Whatever is wrong (form, algorithm, key, padding, tag) is 415, all of it.
# Bounds: _HEAD octets of text before the cipher text, _APART octets when Data lies in pieces.
# Non-goals: keys inside the message that nobody provisioned, RSA-1_5, SHA-1.
from micropython import const

from .auth import hmac
from .errors import CommandFailed

_ARENA = const(0x1000000)  # as in transaction.py
_MASK = const(0xFFFFFF)
_HEAD = const(1024)
_TAIL = const(128)
_APART = const(2048)
_PIECE = const(256)  # octets decrypted at a time
_CBC = const(2)  # mode of cryptolib
_IV = const(16)
_GCM_IV = const(12)
_TAG = const(16)
_KEY_LEN = const(44)  # base64 of 32 octets
_XENC = b"http://www.w3.org/2001/04/xmlenc#"
_XENC11 = b"http://www.w3.org/2009/xmlenc11#"
_DSIG = b"http://www.w3.org/2000/09/xmldsig#"
_FORMAT = b"syncml:metinf#"


def reveal(run, item):
    """Put the plain value, its Format and Type in place of EncryptedData in an Item of an Executor.

    Raises CommandFailed: 415, or 424 for a wrong Size, 413 for a text in too many pieces.
    """
    txn = run.txn
    n = item.data_len
    if item.size != n and item.size >= 0:
        raise CommandFailed(424)
    where = item.data[0] if len(item.data) == 2 else b""
    apart = not isinstance(where, int)
    if apart:
        where = txn.keep(run._octets(item, _APART))
    try:
        where, n = _decrypt(run, item, where, n)
    except (ValueError, IndexError):
        raise CommandFailed(415)
    if apart:
        where = bytes(txn.arena[where & _MASK : (where & _MASK) + n])
    item.data = [where, n]
    item.data_len = n
    item.size = -1


def _decrypt(run, item, where, n):
    # (where, octets) of the plain value; ValueError or IndexError for what can't be decrypted.
    txn = run.txn
    memory = txn.arena if where & _ARENA else txn.source
    at = where & _MASK
    head = _Head(bytes(memory[at : at + min(n, _HEAD)]))
    tail = max(head.at, n - _TAIL)
    text = bytes(memory[at + tail : at + n])
    end = text.index(b"<")
    if b"".join(text[end:].split()) != head.closing:
        raise ValueError
    where += head.at
    n = txn.decode(where, tail + end - head.at)
    at = where & _MASK
    view = memoryview(memory)[at : at + n]
    key = _key(run, head)
    if head.algorithm.endswith(b"cbc"):
        skip = _IV
        n = _cbc(key, view)
    else:
        skip = _GCM_IV
        n = _gcm(key, view)
    item.fmt = head.fmt
    item.mime = head.mime
    return where + skip, n


def _key(run, head):
    size = 16 if head.algorithm.startswith(b"aes128") else 32
    account = run.account
    if head.name == account.name:
        if account.auth_type != b"HMAC" or len(account.key) != _KEY_LEN or not account.nonce:
            raise ValueError
        number = b":%X:%d" % (run.outcome.session, run.outcome.msg)
        return hmac(account.key + b":" + account.nonce, b"xmlenc:" + head.algorithm + number)[:size]
    store = run.tree.store
    nid = account.nid
    for name in (b"Ext", b"Keys", head.name):
        nid = store.child(nid, name)
        if nid < 0:
            raise ValueError
    key = run.tree.value(nid, 33)
    if len(key) != size:
        raise ValueError
    return key


def _cbc(key, view):
    # Decrypt behind the IV; gives the octets of plain text. Any padding but its length is free (5.2).
    from cryptolib import aes

    n = len(view) - _IV
    if n < _IV or n % _IV:
        raise ValueError
    cipher = aes(key, _CBC, bytes(view[:_IV]))
    for at in range(_IV, len(view), _PIECE):
        piece = view[at : at + _PIECE]
        cipher.decrypt(piece, piece)
    pad = view[len(view) - 1]
    if not 0 < pad <= _IV:
        raise ValueError
    return n - pad


def _gcm(key, view):
    # By the native module (firmware/native); without it this is an unknown algorithm.
    try:
        from dmcrypto import aes_gcm
    except ImportError:
        raise ValueError
    n = len(view) - _GCM_IV - _TAG
    end = _GCM_IV + n
    if n < 0 or not aes_gcm(key, bytes(view[:_GCM_IV]), view[_GCM_IV:end], bytes(view[end:])):
        raise ValueError
    return n


class _Head:
    """What stands before the cipher text, which begins at `at`; ValueError for any other form.

    algorithm (b"aes256-cbc"), name, fmt and mime (None when absent), closing: what must follow, without
    white space.
    """

    def __init__(self, text):
        self.text = text
        self.at = 0
        root, values = self._tag(b"EncryptedData")
        if values.get(b"xmlns" + root) != _XENC:
            raise ValueError
        fmt = values.get(b"Type", b"")
        self.fmt = fmt[len(_FORMAT) :] if fmt.startswith(_FORMAT) else None
        self.mime = values.get(b"MimeType")
        _, method = self._tag(b"EncryptionMethod", root)
        self.algorithm = _algorithm(method.get(b"Algorithm", b""))
        if b"/" not in method:
            self._close(b"EncryptionMethod", root)
        ds, info = self._tag(b"KeyInfo")
        if info.get(b"xmlns" + ds, values.get(b"xmlns" + ds)) != _DSIG:
            raise ValueError
        self._tag(b"KeyName", ds)
        end = text.index(b"<", self.at)
        self.name = text[self.at : end]
        for entity, octet in ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&")):
            self.name = self.name.replace(entity, octet)
        self.at = end
        self._close(b"KeyName", ds)
        self._close(b"KeyInfo", ds)
        self._tag(b"CipherData", root)
        self._tag(b"CipherValue", root)
        tag = root[1:] + b":" if root else b""
        self.closing = b"".join(
            [b"</" + tag + name + b">" for name in (b"CipherValue", b"CipherData", b"EncryptedData")]
        )

    def _skip(self):
        text = self.text
        while text[self.at] in b" \t\n\r":
            self.at += 1

    def _tag(self, name, prefix=None):
        # The start of an element: (b"" or b":prefix", attributes). An empty one adds b"/" to them.
        self._skip()
        text = self.text
        end = text.index(b">", self.at)
        words = text[self.at : end].split(None, 1)
        first = words[0]
        self.at = end + 1
        rest = words[1] if len(words) > 1 else b""
        if first.endswith(b"/"):
            first = first[:-1]
            rest = b"/"
        if first == b"<" + name:
            found = b""
        elif first.startswith(b"<") and first.endswith(b":" + name):
            found = b":" + first[1 : -len(name) - 1]
        else:
            raise ValueError
        if prefix is not None and prefix != found:
            raise ValueError
        values = {}
        parts = rest.split(b'"')
        for i in range(0, len(parts) - 1, 2):
            key = parts[i].strip()
            if not key.endswith(b"=") or key[:-1] in values or b"&" in parts[i + 1]:
                raise ValueError
            values[key[:-1]] = parts[i + 1]
        last = parts[-1].strip()
        if last == b"/":
            values[last] = last
        elif last or not len(parts) & 1:
            raise ValueError
        return found, values

    def _close(self, name, prefix):
        self._skip()
        tag = b"</" + (prefix[1:] + b":" if prefix else b"") + name + b">"
        if not self.text.startswith(tag, self.at):
            raise ValueError
        self.at += len(tag)


def _algorithm(uri):
    # b"aes128-cbc" and its like; ValueError for what is not accepted.
    for space, mode in ((_XENC, b"cbc"), (_XENC11, b"gcm")):
        for bits in (b"aes128-", b"aes256-"):
            if uri == space + bits + mode:
                return bits + mode
    raise ValueError
