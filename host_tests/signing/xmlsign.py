"""Signs messages as others do: XML by lxml, signatures by signxml, xmlsec1 or plain cryptography.

Stands beside dmtool's own signing and shares nothing with it but the WBXML encoder, so that the
device's reading of a signature is held against software that never saw it.
"""

import hmac
import subprocess
import tempfile
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from dmtool import tokens
from dmtool.element import Element, met, sync
from dmtool.wbxml_encode import encode
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"


def as_xml(element, parent=None):
    """An Element of dmtool as one of lxml: every namespace the default one."""
    space = tokens.NAMESPACES[element.page]
    tag = f"{{{space}}}{element.name}"
    made = (
        etree.Element(tag, nsmap={None: space})
        if parent is None
        else etree.SubElement(parent, tag, nsmap={None: space})
    )
    last = None
    for part in element.content:
        if isinstance(part, Element):
            last = as_xml(part, made)
        else:
            text = part if isinstance(part, str) else part.decode()
            if last is None:
                made.text = (made.text or "") + text
            else:
                last.tail = (last.tail or "") + text
    return made


def canonical(tree):
    """Exclusive canonical XML, by lxml."""
    return etree.tostring(tree, method="c14n", exclusive=True)


def header(session, msg, target, source, name, *data):
    """SyncHdr of a signed message; `data` is what Cred/Data holds."""
    return sync(
        "SyncHdr",
        sync("VerDTD", "1.2"),
        sync("VerProto", "DM/1.3"),
        sync("SessionID", f"{session:X}"),
        sync("MsgID", str(msg)),
        sync("Target", sync("LocURI", target)),
        sync("Source", sync("LocURI", source), sync("LocName", name)),
        sync("Cred", sync("Meta", met("Format", "xml"), met("Type", "syncml:auth-MAC")), sync("Data", *data)),
    )


def put(message, signature):
    """Put the text of a signature into a message, in place of what its Cred/Data holds."""
    data = message.path("SyncHdr", "Cred", "Data")
    data.content = [signature]
    return message


def signed_info(digest, method, prefix="ds:", gap=""):
    """SignedInfo as it is written, without the namespace that it inherits."""
    p = prefix

    def one(name, algorithm):
        return f'<{p}{name} Algorithm="{algorithm}"></{p}{name}>'

    parts = [
        f"<{p}SignedInfo>",
        one("CanonicalizationMethod", EXCLUSIVE),
        one("SignatureMethod", MORE + method),
        f'<{p}Reference URI="">',
        f"<{p}Transforms>",
        one("Transform", ENVELOPED),
        one("Transform", EXCLUSIVE),
        f"</{p}Transforms>",
        one("DigestMethod", SHA256),
        f"<{p}DigestValue>{b64encode(digest).decode()}</{p}DigestValue>",
        f"</{p}Reference>",
        f"</{p}SignedInfo>",
    ]
    return gap.join(parts)


def value_of(method, key, octets):
    """The value of a signature, by cryptography; key: octets of an HMAC key, or a private key."""
    if method == "hmac-sha256":
        return hmac.digest(key, octets, "sha256")
    if method == "rsa-sha256":
        return key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    r, s = utils.decode_dss_signature(key.sign(octets, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def by_hand(message, method, key, name, prefix="ds:", gap="", column=0):
    """The text of a Signature over a message, made here; `gap` stands between tags."""
    octets = canonical(as_xml(put(message, "")))
    info = signed_info(sha256(octets).digest(), method, prefix, gap)
    space = f'xmlns:{prefix[:-1]}="{DS}"' if prefix else f'xmlns="{DS}"'
    tree = etree.fromstring(f"<{prefix}Signature {space}>{info}</{prefix}Signature>")
    value = b64encode(value_of(method, key, canonical(tree[0]))).decode()
    if column:
        value = "\n".join(value[at : at + column] for at in range(0, len(value), column))
    p = prefix
    rest = [
        f"<{p}SignatureValue>{value}</{p}SignatureValue>",
        f"<{p}KeyInfo>",
        f"<{p}KeyName>{name}</{p}KeyName>",
        f"</{p}KeyInfo>",
        f"</{p}Signature>",
    ]
    return f"<{p}Signature {space}>" + gap + info + gap + gap.join(rest)


def by_signxml(message, method, key, name):
    """The text of a Signature over a message, by signxml, where its placeholder stood."""
    from signxml import SignatureMethod, XMLSigner, methods

    tree = as_xml(put(message, ""))
    data = tree.find(".//{*}Cred/{*}Data")
    etree.SubElement(data, f"{{{DS}}}Signature", nsmap={"ds": DS}, Id="placeholder")
    signer = XMLSigner(
        method=methods.enveloped,
        signature_algorithm=SignatureMethod[method.upper().replace("-", "_")],
        digest_algorithm="sha256",
        c14n_algorithm=EXCLUSIVE,
    )
    info = etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}"><ds:KeyName/></ds:KeyInfo>')
    info[0].text = name
    signature = signer.sign(tree, key=key, key_info=info).find(f".//{{{DS}}}Signature")
    if method == "hmac-sha256":  # for which signxml writes none; it is not part of what is signed
        signature.append(info)
    return canonical(signature).decode()


def by_xmlsec1(message, method, key, name, program="xmlsec1"):
    """The text of a Signature over a message, by xmlsec1, from a template with line feeds in it."""
    digest = signed_info(b"", method, "", "\n")
    template = (
        f'<Signature xmlns="{DS}">\n{digest}\n<SignatureValue/>\n<KeyInfo>\n<KeyName>{name}</KeyName>\n'
        "</KeyInfo>\n</Signature>"
    )
    tree = as_xml(put(message, ""))
    tree.find(".//{*}Cred/{*}Data").append(etree.fromstring(template))
    with tempfile.TemporaryDirectory() as place:
        document, secret = Path(place) / "document.xml", Path(place) / "key"
        document.write_bytes(etree.tostring(tree))
        if method == "hmac-sha256":
            secret.write_bytes(key)
            how = [f"--hmackey:{name}", secret]
        else:
            secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            how = [f"--privkey-pem:{name}", secret]
        done = subprocess.run([program, "--sign", *how, document], capture_output=True, check=True)
    return canonical(etree.fromstring(done.stdout).find(f".//{{{DS}}}Signature")).decode()


def public(key):
    """SubjectPublicKeyInfo, as a device keeps it."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def message(session, msg, target, source, name, *commands):
    """A message whose Cred/Data is empty."""
    return sync(
        "SyncML", header(session, msg, target, source, name), sync("SyncBody", *commands, sync("Final"))
    )


def wbxml(made, signature, **how):
    """The octets of a message with the text of its signature."""
    return encode(put(made, signature), **how)
