"""XML-Encryption of single values: EncryptedData in Item/Data (docs/profile.md, Encryption).

W3C XML Encryption 1.1: AES in CBC or GCM mode. The key is one of the account's (`[keys]`), named by KeyName;
or, when KeyName is the user name, it is derived for this one message from the shared secret:

    HMAC-SHA256(key ":" nonce, "xmlenc:" algorithm ":" SessionID ":" MsgID)      its first 16 or 32 octets

What the value is (Meta Format and Type) goes into EncryptedData, because Meta says what is on the wire.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .account import Account
from .document import DSIG
from .element import Element, met, sync
from .errors import ToolError

XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
MIME = "application/xenc+xml"
FORMAT = "syncml:metinf#"  # and the Format: EncryptedData/@Type
CIPHERS = {
    "aes256-cbc": (XENC, 32),
    "aes128-cbc": (XENC, 16),
    "aes256-gcm": (XENC11, 32),
    "aes128-gcm": (XENC11, 16),
}
DEFAULT = "aes256-cbc"  # what every board has
_BLOCK = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which values to encrypt, and how; `key` "" is the one derived for the message."""

    uris: tuple[str, ...]
    cipher: str = DEFAULT
    key: str = ""


def wanted(account: Account, uris: list[str], cipher: str | None, key: str | None) -> Wanted:
    """Check what the operator asks for against the account, and fill in what he leaves out."""
    if key is None and account.proof != "hmac":
        if not account.keys:
            raise ToolError(
                f"--encrypt: an account with {account.proof.upper()} signatures has no key to encrypt with; "
                "make one with dmtool account add-key, and provision the device again"
            )
        if len(account.keys) > 1:
            raise ToolError(f"--encrypt: name the key with --key: {', '.join(sorted(account.keys))}")
        key = next(iter(account.keys))
    if key is not None and key not in account.keys:
        known = ", ".join(sorted(account.keys)) or "none; dmtool account add-key makes one"
        raise ToolError(f"--key {key}: is no key of the account; it has {known}")
    size = len(account.keys[key]) if key else 32
    if cipher is None:
        cipher = "aes128-cbc" if size == 16 else DEFAULT
    if key and CIPHERS[cipher][1] != size:
        raise ToolError(
            f"--cipher {cipher}: the key {key} has {size * 8} bits; use --cipher aes{size * 8}-..."
        )
    return Wanted(tuple(uris), cipher, key or "")


def derived(account: Account, cipher: str) -> bytes:
    """Return the key for the message whose number the account stands at."""
    text = f"xmlenc:{cipher}:{account.session_id:X}:{account.msg_id}".encode()
    return hmac.new(account.key + b":" + account.nonce, text, "sha256").digest()[: CIPHERS[cipher][1]]


def encrypted(commands: list[Element], account: Account, how: Wanted) -> list[Element]:
    """Return the commands with the wanted values encrypted; ToolError when an address is not there."""
    name = how.key or account.auth_name
    key = account.keys[how.key] if how.key else derived(account, how.cipher)
    left = {_plain(uri): uri for uri in how.uris}
    found: set[str] = set()
    out = [_walk(command, (None, None), left, found, (name, how.cipher, key)) for command in commands]
    for place, uri in left.items():
        if place not in found:
            raise ToolError(f"--encrypt {uri}: no command of the message gives a value to that node")
    return out


def _plain(uri: str) -> str:
    return uri.removeprefix("./")


def _walk(
    element: Element,
    kind: tuple[str | None, str | None],
    left: dict[str, str],
    found: set[str],
    key: tuple[str, str, bytes],
) -> Element:
    # kind: Format and Type that Meta of the command gives.
    meta = element.find("Meta")
    if meta is not None:
        parts = [meta.find(name) for name in ("Format", "Type")]
        kind = (
            parts[0].text() if parts[0] is not None else kind[0],
            parts[1].text() if parts[1] is not None else kind[1],
        )
    target = element.path("Target", "LocURI") if element.name == "Item" else None
    data = element.find("Data")
    if target is not None and data is not None and _plain(target.text()) in left:
        found.add(_plain(target.text()))
        return _item(element, kind, data, key)
    if element.name == "Item":
        return element
    inner = [
        _walk(part, kind, left, found, key) if isinstance(part, Element) else part for part in element.content
    ]
    return Element(element.page, element.name, inner)


def _item(
    item: Element, kind: tuple[str | None, str | None], data: Element, key: tuple[str, str, bytes]
) -> Element:
    octets = b""
    for part in data.content:
        if isinstance(part, Element):
            raise ToolError("--encrypt: the value is made of elements; give it as text or as a file")
        octets += part.encode() if isinstance(part, str) else part
    text = encrypted_data(octets, *key, *kind)
    content: list[Element | str | bytes] = []
    for part in item.content:
        if part is data:
            content += [sync("Meta", met("Format", "xml"), met("Type", MIME)), sync("Data", text)]
        elif not (isinstance(part, Element) and part.name == "Meta"):
            content.append(part)
    return Element(item.page, item.name, content)


def encrypted_data(
    octets: bytes, name: str, cipher: str, key: bytes, fmt: str | None = None, mime: str | None = None
) -> str:
    """Return EncryptedData around octets, as text."""
    sealed = b64encode(_seal(octets, cipher, key)).decode()
    kind = "" if fmt is None else f" Type={quoteattr(FORMAT + fmt)}"
    kind += "" if mime is None else f" MimeType={quoteattr(mime)}"
    return (
        f'<EncryptedData xmlns="{XENC}"{kind}>'
        f'<EncryptionMethod Algorithm="{CIPHERS[cipher][0]}{cipher}"/>'
        f'<KeyInfo xmlns="{DSIG}"><KeyName>{escape(name)}</KeyName></KeyInfo>'
        f"<CipherData><CipherValue>{sealed}</CipherValue></CipherData>"
        "</EncryptedData>"
    )


def _seal(octets: bytes, cipher: str, key: bytes) -> bytes:
    if cipher.endswith("gcm"):
        iv = secrets.token_bytes(12)
        return iv + AESGCM(key).encrypt(iv, octets, None)
    iv = secrets.token_bytes(_BLOCK)
    pad = _BLOCK - len(octets) % _BLOCK
    octets += secrets.token_bytes(pad - 1) + bytes((pad,))
    sealer = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + sealer.update(octets) + sealer.finalize()
