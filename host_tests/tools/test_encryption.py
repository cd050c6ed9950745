"""Encrypted values: made by the tool, read by the device's own code; and what the tool refuses."""

from pathlib import Path

import pytest
from dmtool import account as accounts
from dmtool import cli, commands, compose, encryption, provision, wbxml_decode
from dmtool import image as images
from dmtool.element import met, sync
from dmtool.errors import ToolError
from omadm.push import Push
from omadm.spool import Spool
from typer.testing import CliRunner

SECRET = "correct horse battery staple"


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """A folder with an account that has two keys, and its device."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.toml"
    accounts.create(path, "com.example.dms", "urn:dev:mac:07")
    accounts.add_key(path, "long")
    accounts.add_key(path, "short", 16)
    provision.provision(tmp_path / "a.img", accounts.load(path))
    return path


def apply(path: Path, octets: bytes) -> list[int]:
    """Push a message to the device of the account; its statuses."""
    account = accounts.load(path)
    with images.open_image(path.with_suffix(".img"), writing=True) as image:
        spool = Spool(16384)
        spool.write(octets)
        headers = {"x-syncml-hmac": account.header(octets)}
        outcome = image.client.accept(
            Push("test", False, "application/vnd.syncml.dm+wbxml", 7, headers, spool)
        )
        assert outcome.error is None, outcome.code
        return [status for _, status in outcome.statuses]


def nodes(path: Path) -> dict:
    with images.open_image(path.with_suffix(".img")) as image:
        return {node.uri: node for node in image.nodes()}


def make(path: Path, words: list[str], uris: list[str], **how) -> bytes:
    account = accounts.load(path)
    asked = encryption.wanted(account, uris, how.get("cipher"), how.get("key"))
    return compose.compose(path, commands.parse(words), encrypt=asked).octets


@pytest.mark.row("R20")
@pytest.mark.parametrize(
    ("cipher", "key"),
    [(None, None), ("aes128-cbc", None), (None, "long"), (None, "short"), ("aes256-cbc", "long")],
)
def test_the_device_reads_what_the_tool_encrypts(place, cipher, key) -> None:
    Path("octets").write_bytes(bytes(range(256)))
    words = [f"add ./Key={SECRET}", "add ./N:int=7", "add ./B:bin,image/png=@octets", "add ./Open=told"]
    octets = make(place, words, ["./Key", "N", "./B"], cipher=cipher, key=key)
    assert SECRET.encode() not in octets and bytes(range(32, 64)) not in octets and b"told" in octets
    assert apply(place, octets) == [200] * 4
    found = nodes(place)
    assert found["./Key"].value == SECRET.encode() and found["./Key"].format == "chr"
    assert found["./N"].value == b"7" and found["./N"].format == "int"
    assert found["./B"].value == bytes(range(256))
    assert (found["./B"].format, found["./B"].type) == ("bin", "image/png")
    assert (
        apply(place, make(place, ["replace ./N=8", "replace ./Key=x"], ["./N"], cipher=cipher, key=key))
        == [200] * 2
    )
    assert nodes(place)["./N"].value == b"8" and nodes(place)["./N"].format == "int"


def test_an_item_deep_in_blocks_with_meta_of_its_command(place) -> None:
    item = sync("Item", sync("Target", sync("LocURI", "./A/B")), sync("Data", "5"))
    add = sync("Add", sync("CmdID", "2"), sync("Meta", met("Format", "int")), item)
    inner = sync("Sequence", sync("CmdID", "1"), add)
    asked = encryption.wanted(accounts.load(place), ["./A/B"], None, None)
    octets = compose.compose(place, [inner], encrypt=asked).octets
    root = wbxml_decode.decode(octets).root
    meta = root.path("SyncBody", "Sequence", "Add", "Item", "Meta")
    assert [(part.name, part.text()) for part in meta.elements()] == [
        ("Format", "xml"),
        ("Type", encryption.MIME),
    ]
    assert 'Type="syncml:metinf#int"' in root.path("SyncBody", "Sequence", "Add", "Item", "Data").text()
    assert apply(place, octets) == [200, 200]
    assert nodes(place)["./A/B"].format == "int"


def test_no_two_texts_are_the_same() -> None:
    made = {
        encryption.encrypted_data(b"on", "k", cipher, bytes(16))
        for cipher in ("aes128-cbc", "aes128-gcm") * 2
    }
    assert len(made) == 4


def test_what_the_tool_refuses(place) -> None:
    account = accounts.load(place)
    with pytest.raises(ToolError, match=r"\./C: no command"):
        make(place, ["add ./A=1"], ["./A", "./C"])
    assert accounts.load(place).msg_id == 0, "no number was spent"
    with pytest.raises(ToolError, match="no command"):
        make(place, ["delete ./A"], ["./A"])
    with pytest.raises(ToolError, match="it has long, short"):
        encryption.wanted(account, ["./A"], None, "other")
    with pytest.raises(ToolError, match="has 128 bits"):
        encryption.wanted(account, ["./A"], "aes256-cbc", "short")
    signing = accounts.replace(account, proof="rsa", keys={})
    with pytest.raises(ToolError, match="add-key"):
        encryption.wanted(signing, ["./A"], None, None)
    with pytest.raises(ToolError, match="name the key"):
        encryption.wanted(accounts.replace(account, proof="rsa"), ["./A"], None, None)
    one = accounts.replace(signing, keys={"only": bytes(16)})
    assert encryption.wanted(one, ["./A"], None, None) == encryption.Wanted(("./A",), "aes128-cbc", "only")


def test_the_command_line(place) -> None:
    def run(words):
        return CliRunner().invoke(cli.app, ["compose", "-a", "a.toml", "-o", "m.wbxml", *words.split()])

    assert run(f"--sign --encrypt ./K add ./K={SECRET.split()[0]}").exit_code == 0
    octets = Path("m.wbxml").read_bytes()
    assert b"EncryptedData" in octets and b"correct" not in octets
    assert run("--encrypt ./K --key short --cipher aes128-gcm add ./K=x").exit_code == 0
    assert run("--encrypt ./K --cipher des add ./K=x").exit_code == 2
    assert run("--cipher aes128-cbc add ./K=x").exit_code == 2
    assert run("--encrypt ./L add ./K=x").exit_code == 1
