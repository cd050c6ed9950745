"""Signing, verifying, accounts with key pairs: the vector of the profile, and what must not pass."""

import os
from base64 import b64decode

import pytest
from dmtool import account as accounts
from dmtool import cli, commands, compose, document, keys, provision, signing, verify, wbxml_decode
from dmtool import image as images
from dmtool.element import Element, met, sync
from dmtool.errors import ToolError
from typer.testing import CliRunner

PASSPHRASE = b"correct horse battery"
SHARED = accounts.Account(
    "com.example.dms", "urn:dev:mac:240ac4fffe112233", "srv-acme", "s3cr3t-Server-Pw", bytes(range(16)), 1, 1
)
BODY = sync(
    "Replace",
    sync("CmdID", "1"),
    sync(
        "Item",
        sync("Target", sync("LocURI", "./Led/State")),
        sync("Meta", met("Format", "chr"), met("Type", "text/plain")),
        sync("Data", "on"),
    ),
)


def shared_signer(account=SHARED):
    return signing.hmac_signer(account.auth_name, account.key, account.nonce)


def read(octets) -> Element:
    found = wbxml_decode.decode(octets)
    assert found.error is None
    return found.root


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """An account file of each kind."""
    folder = tmp_path_factory.mktemp("accounts")
    found = {"hmac": folder / "hmac.toml"}
    accounts.create(found["hmac"], "com.example.dms", "urn:dev:mac:07", "op")
    for proof in ("rsa", "ecdsa"):
        key = keys.create(folder / f"{proof}.pem", proof, PASSPHRASE, 2048)
        found[proof] = folder / f"{proof}.toml"
        pair = {"proof": proof, "private_key": f"{proof}.pem", "public_key": keys.public_der(key)}
        accounts.create(found[proof], "com.example.dms", "urn:dev:mac:07", "op", **pair)
    secret = folder / "passphrase"
    secret.write_bytes(PASSPHRASE + b"\n")
    secret.chmod(0o600)
    return found


def signer_of(path):
    return keys.signer(path, accounts.load(path), path.parent / "passphrase")


@pytest.mark.row("R19", "R10")
def test_the_vector_of_the_profile() -> None:
    """Computed by other means: docs/profile.md P1."""
    message = sync(
        "SyncML", compose.header(SHARED, cred=signing.cred()), sync("SyncBody", BODY, sync("Final"))
    )
    assert len(document.canonical(document.tree(message))) == 661
    text = signing.sign(message, shared_signer())
    assert "<DigestValue>IR80x0KmeUkcvfP+i3dHolyh+OtcK1075dESdWl9Shg=</DigestValue>" in text
    assert "<SignatureValue>dCSNhpjm5MntTabNtiyL4MAczttjdWLhz66JJVh9B54=</SignatureValue>" in text


@pytest.mark.row("R19")
@pytest.mark.parametrize("proof", accounts.PROOFS)
@pytest.mark.parametrize("table", [False, True])
def test_what_is_signed_verifies(pairs, proof, table) -> None:
    path = pairs[proof]
    words = ["replace ./A=<&>\r\n\"'ä€", "add ./B:int=3", "delete ./C", "exec ./D=x"]
    message = compose.compose(path, commands.parse(words), string_table=table, signer=signer_of(path))
    proofs = verify.check(read(message.octets), accounts.load(path))
    assert [p.what for p in proofs] == ["signature"] and proof in proofs[0].how


@pytest.mark.row("R19", negative=True)
@pytest.mark.parametrize("proof", accounts.PROOFS)
def test_no_octet_of_a_signed_message_can_be_changed(pairs, proof) -> None:
    path = pairs[proof]
    account = accounts.load(path)
    octets = compose.build(
        account, compose.prepare(commands.parse(["replace ./A=on"])), signer=signer_of(path)
    )
    assert verify.check(read(octets), account)
    at = octets.index(b"<SignatureValue>") + 20
    places = [
        octets.index(word) for word in (b"./A", b"on\0", b"DM/1.3", b"urn:dev", b"<DigestValue>", b"op</")
    ]
    for place in [*places, places[4] + 15, at, octets.index(b"URI="), octets.index(b"enveloped")]:
        bad = bytearray(octets)
        bad[place] ^= 1
        found = wbxml_decode.decode(bytes(bad))
        if found.error is None and found.root is not None:
            with pytest.raises(ToolError):
                verify.check(found.root, account)


def spoilt(change) -> Element:
    """A message whose signature text went through `change`; the key is the right one."""
    octets = compose.build(SHARED, [BODY], signer=shared_signer())
    root = read(octets)
    data = root.path("SyncHdr", "Cred", "Data")
    data.content = [change(data.text())]
    return root


def test_a_signature_may_be_written_in_other_ways() -> None:
    def prefixed(text):
        text = text.replace("<", "<ds:").replace("<ds:/", "</ds:").replace("xmlns=", "xmlns:ds=", 1)
        return text.replace("<ds:KeyInfo>", "\n<ds:KeyInfo>\n ")

    assert verify.check(spoilt(lambda text: text), SHARED)
    with pytest.raises(verify.NotProved, match="signature is wrong"):  # SignedInfo has other octets so
        verify.check(spoilt(prefixed), SHARED)
    message = sync(
        "SyncML", compose.header(SHARED, cred=signing.cred()), sync("SyncBody", BODY, sync("Final"))
    )
    text = signing.sign(message, shared_signer()).replace("<KeyInfo>", "\n <KeyInfo>\n")
    data = message.path("SyncHdr", "Cred", "Data")
    data.content = [text]
    assert verify.check(message, SHARED)


KEY_VALUE = "<KeyValue><RSAKeyValue><Modulus>AQAB</Modulus><Exponent>AQAB</Exponent></RSAKeyValue></KeyValue>"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('URI=""', 'URI="#x"', "shape"),
        ("</KeyName>", "</KeyName>" + KEY_VALUE, "shape"),
        ("<KeyInfo><KeyName>srv-acme</KeyName></KeyInfo>", "", "shape"),
        (f'<Transform Algorithm="{signing.ENVELOPED}"/>', "", "shape"),
        ("</Transforms>", f'<Transform Algorithm="{signing.EXC_C14N}"/></Transforms>', "shape"),
        ("<KeyName>srv-acme", "<KeyName>srv-acm3", "KeyName"),
        ("hmac-sha256", "rsa-sha256", "the account is hmac"),
        ("hmac-sha256", "hmac-sha1", "the account is hmac"),
        ('hmac-sha256"/>', 'hmac-sha256"><HMACOutputLength>8</HMACOutputLength></SignatureMethod>', "shape"),
        ("xmlenc#sha256", "xmldsig#sha1", "shape"),
        ("<Reference", '<Reference URI=""/><Reference', "shape"),
        ("<Signature ", "x<Signature ", "no XML"),
        ("</Signature>", "</Signature><Signature/>", "no XML"),
        ("<Signature ", "<!DOCTYPE Signature><Signature ", "DOCTYPE"),
    ],
)
def test_other_shapes_are_refused(old, new, told) -> None:
    with pytest.raises(ToolError, match=told):
        verify.check(spoilt(lambda text: text.replace(old, new, 1)), SHARED)


def test_names_count_too() -> None:
    octets = compose.build(SHARED, [BODY], signer=shared_signer())
    for other in ("device_id", "server_id"):
        account = accounts.replace(SHARED, **{other: "somebody-else"})
        with pytest.raises(verify.NotProved, match="somebody-else"):
            verify.check(read(octets), account)


def test_octets_that_are_no_text_are_signed_in_base64(tmp_path, pairs) -> None:
    (tmp_path / "x").write_bytes(b"\0\xff\1")
    (tmp_path / "t").write_bytes(b"text")
    words = [f"add ./X:bin,image/png=@{tmp_path / 'x'}", f"replace ./T:bin=@{tmp_path / 't'}"]
    octets = compose.build(SHARED, compose.prepare(commands.parse(words)), signer=shared_signer())
    body = read(octets).find("SyncBody")
    add, replace = list(body.elements())[:2]
    item = add.find("Item")
    assert item.path("Meta", "Format").text() == "b64" and item.path("Meta", "Type").text() == "image/png"
    assert b64decode(item.find("Data").text()) == b"\0\xff\1"
    assert replace.path("Item", "Meta", "Format").text() == "bin"  # text as it is
    assert verify.check(read(octets), SHARED)
    plain = sync(
        "Add", sync("CmdID", "1"), sync("Item", sync("Target", sync("LocURI", "./X")), sync("Data", b"\0"))
    )
    with pytest.raises(document.NotSignable, match="no text of XML"):
        compose.build(SHARED, [plain], signer=shared_signer())


def test_the_mac_of_a_push_is_verified_with_it(pairs) -> None:
    account = accounts.load(pairs["hmac"])
    octets = compose.build(account, [BODY], signer=signer_of(pairs["hmac"]))
    for algorithm in ("HMAC-SHA256", "SHA256"):
        good = account.header(octets, algorithm)
        assert [p.what for p in verify.check(read(octets), account, (octets, good))] == ["signature", "MAC"]
        with pytest.raises(verify.NotProved, match="changed"):
            verify.check(read(octets), account, (octets + b"\0", good))
    with pytest.raises(verify.NotProved, match="malformed"):
        verify.check(read(octets), account, (octets, "algorithm=MD5, mac=x"))
    plain = compose.build(account, [BODY])
    assert [p.what for p in verify.check(read(plain), account)] == ["digest"]


def test_key_pairs_prove_by_signature_only(pairs) -> None:
    account = accounts.load(pairs["ecdsa"])
    assert account.header(b"body") is None
    assert account.secret == "" and account.nonce == b""
    with pytest.raises(ToolError, match="sign"):
        compose.compose(pairs["ecdsa"], commands.parse(["delete ./A"]))
    assert accounts.load(pairs["ecdsa"]) == account, "no number was spent"
    plain = compose.build(accounts.load(pairs["hmac"]), [BODY])
    with pytest.raises(verify.NotProved, match="ECDSA"):
        verify.check(read(plain), account)
    other = compose.build(account, [BODY], signer=signer_of(pairs["rsa"]))
    with pytest.raises(verify.NotProved, match="rsa-sha256"):
        verify.check(read(other), account)


def test_private_keys(pairs, tmp_path) -> None:
    path = pairs["rsa"].with_suffix(".pem")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    with pytest.raises(ToolError, match="passphrase"):
        keys.load(path, b"wrong")
    with pytest.raises(ToolError, match="exists already"):
        keys.create(path, "rsa", PASSPHRASE)
    other = accounts.replace(accounts.load(pairs["rsa"]), private_key="ecdsa.pem")
    with pytest.raises(ToolError, match="another key"):
        keys.signer(pairs["rsa"], other, path.parent / "passphrase")
    path.chmod(0o644)
    try:
        with pytest.raises(ToolError, match="chmod 600"):
            keys.load(path, PASSPHRASE)
    finally:
        path.chmod(0o600)
    weak = keys.rsa.generate_private_key(65537, 1024)
    for public, told in ((keys.public_der(weak), "2048 or 3072"), (b"\x30\x00", "SubjectPublicKeyInfo")):
        with pytest.raises(ToolError, match=told):
            keys.public_of("a", accounts.replace(other, public_key=public))


def run(words, **more):
    return CliRunner().invoke(cli.app, words if isinstance(words, list) else words.split(), **more)


def test_the_command_line(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = "account create a.toml --server-id s --device-id d --proof ecdsa"
    assert run(made, input="short\nshort\n").exit_code == 1
    assert not os.path.exists("a.pem")
    assert run(made, input="a passphrase\na passphrase\n").exit_code == 0
    monkeypatch.setenv(keys.VARIABLE, "a passphrase")
    assert (
        run(made.replace("a.toml", "b.toml") + " --key-file a.pem").exit_code == 0
    )  # one pair, two accounts
    assert accounts.load(tmp_path / "b.toml").public_key == accounts.load(tmp_path / "a.toml").public_key
    assert run("compose -a a.toml -o m.wbxml replace ./A=on").exit_code == 0
    done = run("verify m.wbxml -a b.toml")
    assert done.exit_code == 0 and "ecdsa-sha256 by s" in done.output
    octets = (tmp_path / "m.wbxml").read_bytes()
    (tmp_path / "bad.wbxml").write_bytes(octets.replace(b"on\0", b"of\0"))
    done = run("verify bad.wbxml -a a.toml")
    assert done.exit_code == 1 and "signature is wrong" in done.output
    assert run("compose -a a.toml -o m.wbxml --no-sign replace ./A=on").exit_code == 1
    monkeypatch.setenv(keys.VARIABLE, "another one")
    assert run("compose -a a.toml -o m.wbxml replace ./A=on").exit_code == 1
    for bad in (
        "--proof dsa",
        "--proof rsa --bits 1024",
        "--passphrase-file x",
        "--key-file /elsewhere/x.pem --proof rsa",
    ):
        assert run(f"account create c.toml --server-id s --device-id d {bad}").exit_code == 2


def test_provisioning_a_key_pair(pairs, tmp_path) -> None:
    path = tmp_path / "flash.img"
    accounts.add_key(pairs["rsa"], "content")
    account = accounts.load(pairs["rsa"])
    done = provision.provision(path, account)
    assert done.created
    assert not provision.provision(path, account).rekeyed
    with images.open_image(path) as image:
        rows = {node.uri.removeprefix(done.account_uri): node for node in image.nodes()}
    assert rows["/AppAuth/Srv/AAuthType"].value == b"RSA"
    assert rows["/Ext/PublicKey"].value == account.public_key and rows["/Ext/PublicKey"].format == "bin"
    assert rows["/Ext/Keys/content"].masked and rows["/Ext/Keys/content"].size == 32
    assert rows["/AppAuth/Srv/AAuthSecret"].size == 0
    other = accounts.replace(accounts.load(pairs["hmac"]), server_id=account.server_id)
    assert provision.provision(path, other).rekeyed
    with images.open_image(path) as image:
        rows = {node.uri.removeprefix(done.account_uri): node for node in image.nodes()}
    assert rows["/AppAuth/Srv/AAuthType"].value == b"HMAC" and rows["/AppAuth/Srv/AAuthSecret"].size == 44


def test_keys_for_content(pairs, tmp_path) -> None:
    path = tmp_path / "k.toml"
    accounts.create(path, "s", "d")
    accounts.add_key(path, "one")
    accounts.add_key(path, "two", 16)
    account = accounts.load(path)
    assert {name: len(key) for name, key in account.keys.items()} == {"one": 32, "two": 16}
    assert accounts.next_number(path).keys == account.keys
    for name, told in (("one", "already"), ("s", "not auth_name"), ("a b", "TOML"), ("x" * 33, "1 to 32")):
        with pytest.raises(ToolError, match=told):
            accounts.add_key(path, name)
    assert "[keys]" in path.read_text() and accounts.load(path).keys == account.keys
