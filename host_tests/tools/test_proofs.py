"""Proofs and encryption from the command line to the flash: a device under MicroPython, real HTTP."""

from pathlib import Path

import pytest
from conftest import run_make
from dmtool import account as accounts
from dmtool import cli, commands, compose, device, keys, provision, push_http, tree
from dmtool.account import Account
from typer.testing import CliRunner

DEVICE = "urn:dev:mac:07"
PASSPHRASE = "correct horse battery"
NO_PROOF, WRONG_MAC, NO_ECDSA, OTHER_METHOD = 60, 67, 174, 171


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a device that has three accounts, one of each proof."""
    run_make("mpy")
    folder = tmp_path_factory.mktemp("proofs")
    for proof in accounts.PROOFS:
        names = (f"{proof}.example.dms", DEVICE)
        if proof == "hmac":
            made = accounts.create(folder / "hmac.toml", *names)
        else:
            pair = keys.create(folder / f"{proof}.pem", proof, PASSPHRASE.encode(), 2048)
            more = {"proof": proof, "private_key": f"{proof}.pem", "public_key": keys.public_der(pair)}
            accounts.create(folder / f"{proof}.toml", *names, **more)
            made = accounts.add_key(folder / f"{proof}.toml", "content")
        provision.provision(folder / "f.img", made)
    return folder


@pytest.fixture
def running(place, monkeypatch):
    monkeypatch.chdir(place)
    monkeypatch.setenv(keys.VARIABLE, PASSPHRASE)
    with device.Device(Path("f.img"), device.free_port()) as running:
        running.start()
        yield running


def dmtool(words: str) -> None:
    done = CliRunner().invoke(cli.app, words.split())
    assert done.exit_code == 0, done.output


def value(uri):
    return {node.uri: node.value for node in tree.read(Path("f.img"))}[uri]


def pushed(running, octets: bytes, hmac: str | None):
    """What the device says of a push."""
    assert push_http.push(running.url, octets, hmac).accepted
    return running.wait_for("push")


@pytest.mark.row("R19", "R30")
@pytest.mark.parametrize("proof", ["hmac", "rsa"])
def test_signed_and_pushed_by_the_command_line(running, proof) -> None:
    dmtool(f"compose -a {proof}.toml -o m.wbxml replace ./Led/State={proof} replace ./App/Log/Level=4")
    dmtool(f"verify m.wbxml -a {proof}.toml")
    dmtool(f"push http http://127.0.0.1:{running.port} m.wbxml -a {proof}.toml")
    told = running.wait_for("push")
    assert told["error"] is None, told
    assert told["statuses"] == [["1", 200], ["2", 200]]
    assert value("./Led/State") == proof.encode()


@pytest.mark.row("R19", "R38")
def test_a_signature_is_enough_and_both_must_be_right(running) -> None:
    dmtool("compose -a hmac.toml -o m.wbxml replace ./Led/State=alone")
    octets = Path("m.wbxml").read_bytes()
    account = accounts.load(Path("hmac.toml"))
    bad = octets.replace(b"alone", b"Alone")
    assert pushed(running, bad, None)["error"] == "NotAuthentic"
    assert pushed(running, bad, account.header(bad))["error"] == "NotAuthentic", (
        "the MAC is right, the signature not"
    )
    assert pushed(running, octets, account.header(bad))["code"] == WRONG_MAC
    told = pushed(running, octets, None)
    assert told["error"] is None and value("./Led/State") == b"alone"
    dmtool("compose -a hmac.toml -o m.wbxml --no-sign replace ./Led/State=digest")
    assert pushed(running, Path("m.wbxml").read_bytes(), None)["code"] == NO_PROOF


def test_kinds_of_proof_do_not_stand_in_for_each_other(running) -> None:
    """An RSA account takes no MAC, no digest, and no HMAC signature under its name and public key."""
    mine = accounts.load(Path("rsa.toml"))
    posing = Account(mine.server_id, DEVICE, mine.auth_name, "x" * 24, bytes(16), 9, 9)
    body = compose.prepare(commands.parse(["replace ./Led/State=posing"]))
    plain = compose.build(posing, body)
    told = pushed(running, plain, posing.header(plain))
    assert told["error"] == "NotAuthentic"
    forged = compose.build(posing, body, signer=keys.hmac_signer(mine.auth_name, mine.public_key, b""))
    assert pushed(running, forged, None)["code"] == OTHER_METHOD
    assert value("./Led/State") != b"posing"


def test_ecdsa_is_refused_without_its_module_and_says_so(running) -> None:
    dmtool("compose -a ecdsa.toml -o m.wbxml replace ./Led/State=ecdsa")
    dmtool(f"push http http://127.0.0.1:{running.port} m.wbxml -a ecdsa.toml")
    assert running.wait_for("push")["code"] == NO_ECDSA
    assert value("./Led/State") != b"ecdsa"


@pytest.mark.row("R20")
@pytest.mark.parametrize(("proof", "more"), [("hmac", ""), ("hmac", "--no-sign"), ("rsa", "")])
def test_an_encrypted_value(running, proof, more) -> None:
    secret, node = f"{proof}-secret{more}", "./App/Net/Password"
    dmtool(f"compose -a {proof}.toml -o m.wbxml {more} --encrypt {node} replace {node}={secret}")
    assert secret.encode() not in Path("m.wbxml").read_bytes()
    dmtool(f"push http http://127.0.0.1:{running.port} m.wbxml -a {proof}.toml")
    told = running.wait_for("push")
    assert told["error"] is None and told["statuses"] == [["1", 200]], told
    assert value(node) == secret.encode()


@pytest.mark.row("R20", "R21")
def test_an_encrypted_object(running, root) -> None:
    dmtool(
        f"compose -a hmac.toml -o m.wbxml --tnds {root / 'docs' / 'examples' / 'uplink.xml'} --target ./Conn "
        "--encrypt ./Conn"
    )
    assert b"FieldProxy" not in Path("m.wbxml").read_bytes()
    dmtool(f"push http http://127.0.0.1:{running.port} m.wbxml -a hmac.toml")
    told = running.wait_for("push")
    assert told["error"] is None and told["statuses"] == [["1", 200]], told
    assert any(node.uri.startswith("./Conn/") for node in tree.read(Path("f.img")))
