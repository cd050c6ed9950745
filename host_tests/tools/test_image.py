"""Flash images: provisioning through lib, the tree read back, and what is refused."""

import io
import stat

import pytest
from dmtool import account as accounts
from dmtool import commands, compose, image, provision, tree
from dmtool.account import Account
from dmtool.errors import ToolError
from omadm.push import Push
from omadm.spool import Spool
from rich.console import Console

ONE = Account("com.example.dms", "urn:dev:mac:07", "operator", "s" * 32, b"n" * 16)
TWO = Account("com.example.lab", "urn:dev:mac:07", "lab", "t" * 32, b"m" * 16)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flash.img"


def nodes(path):
    return {node.uri: node for node in tree.read(path)}


def values(path):
    return {uri: node.value for uri, node in nodes(path).items() if not node.interior}


def test_a_new_device_has_its_standard_objects(path):
    done = provision.provision(path, ONE)
    assert (done.created, done.rekeyed, done.account_uri) == (True, False, "./DMAcc/com.example.dms")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = values(path)
    assert found["./DevInfo/DevId"] == b"urn:dev:mac:07"
    for name in (
        "DevInfo/Man",
        "DevInfo/Mod",
        "DevInfo/DmV",
        "DevInfo/Lang",
        "DevDetail/DevTyp",
        "DevDetail/OEM",
    ):
        assert found[f"./{name}"]
    for name, limit in (("MaxDepth", b"16"), ("MaxTotLen", b"127"), ("MaxSegLen", b"32")):
        assert found[f"./DevDetail/URI/{name}"] == limit
    assert found["./DevDetail/LrgObj"] == b"false"
    account = "./DMAcc/com.example.dms"
    assert found[f"{account}/AppID"] == b"w7"
    assert found[f"{account}/ServerID"] == b"com.example.dms"
    assert found[f"{account}/AppAuth/Srv/AAuthLevel"] == b"SRVCRED"
    assert found[f"{account}/AppAuth/Srv/AAuthType"] == b"HMAC"
    assert found[f"{account}/AppAuth/Srv/AAuthName"] == b"operator"
    every = nodes(path)
    assert every[account].type == "urn:oma:mo:oma-dm-dmacc:1.0"
    assert every["./Inbox"].type == "urn:oma:mo:oma-dm-inbox:1.0" and every["./Inbox"].acl == "Add=*"
    assert every["./Inbox"].access == ("Add",)
    assert all(node.permanent for node in every.values())


def test_the_key_is_stored_and_the_secret_is_not(path):
    provision.provision(path, ONE)
    with image.open_image(path, writing=True) as flash:
        where = b"./DMAcc/com.example.dms/AppAuth/Srv"
        assert flash.client.get(where + b"/AAuthSecret") == ONE.key
        assert flash.client.get(where + b"/AAuthData") == ONE.nonce
        (account,) = flash.client.accounts
        assert (account.server_id, account.name, account.auth_type) == (
            b"com.example.dms",
            b"operator",
            b"HMAC",
        )
    assert ONE.secret.encode() not in path.read_bytes()


def test_secrets_are_masked_for_people_and_programs(path):
    provision.provision(path, ONE)
    masked = {uri for uri, node in nodes(path).items() if node.masked}
    auth = "./DMAcc/com.example.dms/AppAuth/Srv"
    assert masked == {f"{auth}/AAuthSecret", f"{auth}/AAuthData"}
    for row in tree.as_json(tree.read(path)):
        if row["uri"] in masked:
            assert row["masked"] is True and not {"value", "value_base64", "size"} & row.keys()


def test_rights_are_merged_into_the_root_acl(path):
    done = provision.provision(path, ONE)
    assert done.root_acl == "Add=*&Delete=com.example.dms&Exec=com.example.dms&Get=*&Replace=com.example.dms"
    done = provision.provision(path, TWO, rights=("Get", "Replace"))
    assert done.root_acl == (
        "Add=*&Delete=com.example.dms&Exec=com.example.dms&Get=*&Replace=com.example.dms+com.example.lab"
    )
    assert nodes(path)["."].acl == done.root_acl


def test_rights_by_name():
    assert provision.rights_of("add,Get , REPLACE") == ("Add", "Get", "Replace")
    for text in ("", "Copy", "Add,,Get", "Add;Get"):
        with pytest.raises(ToolError, match="--rights"):
            provision.rights_of(text)


def test_provisioning_again_changes_nothing(path):
    provision.provision(path, ONE)
    before = path.read_bytes()
    done = provision.provision(path, ONE)
    assert (done.created, done.rekeyed) == (False, False)
    assert path.read_bytes() == before


def accept(path, number):
    """Let the device take a message with that number from ONE; its error code."""
    account = Account(ONE.server_id, ONE.device_id, ONE.auth_name, ONE.secret, ONE.nonce, 1, number)
    octets = compose.build(account, compose.prepare(commands.parse([f"add ./N{number}=1"])))
    with image.open_image(path, writing=True) as flash:
        spool = Spool(len(octets))
        spool.write(octets)
        hmac = {"x-syncml-hmac": account.header(octets)}
        push = Push("test", False, "application/vnd.syncml.dm+wbxml", None, hmac, spool)
        return flash.client.accept(push).code


def test_provisioning_again_keeps_the_replay_pair_and_a_new_key_resets_it(path):
    provision.provision(path, ONE)
    assert accept(path, 5) == 0
    provision.provision(path, ONE)
    assert accept(path, 5) == 76
    other = Account(ONE.server_id, ONE.device_id, ONE.auth_name, "x" * 32, ONE.nonce)
    assert provision.provision(path, other).rekeyed
    assert accept(path, 6) == 67  # the old key is worth nothing now
    assert provision.provision(path, ONE).rekeyed
    assert accept(path, 5) == 0


def test_an_account_in_the_place_of_a_removed_one_starts_with_a_new_pair(path):
    provision.provision(path, ONE)
    assert accept(path, 5) == 0
    with image.open_image(path, writing=True) as flash:
        flash.client.remove(b"./DMAcc/com.example.dms")
    assert provision.provision(path, ONE).created
    assert accept(path, 1) == 0


def test_a_device_keeps_its_name(path):
    provision.provision(path, ONE)
    other = Account("com.example.dms", "urn:dev:mac:08", "operator", "s" * 32, b"n" * 16)
    before = path.read_bytes()
    with pytest.raises(ToolError, match="urn:dev:mac:07"):
        provision.provision(path, other)
    assert path.read_bytes() == before


def test_a_server_id_that_is_no_name_of_a_node_gets_another(path):
    for server_id, uri in (
        ("https://dm.example.com/", "./DMAcc/Server1"),
        ("x" * 40, "./DMAcc/Server2"),
        ("..", "./DMAcc/Server3"),
    ):
        account = Account(server_id, "urn:dev:mac:07", "a", "s" * 32, b"n" * 16)
        assert provision.provision(path, account).account_uri == uri
        assert provision.provision(path, account).account_uri == uri


def test_a_device_takes_eight_accounts(path):
    for i in range(8):
        provision.provision(path, Account(f"s{i}", "urn:dev:mac:07", "a", "s" * 32, b"n" * 16))
    with pytest.raises(ToolError, match="8 accounts"):
        provision.provision(path, Account("s8", "urn:dev:mac:07", "a", "s" * 32, b"n" * 16))


@pytest.mark.parametrize("size", [0, 4096, 7 * 4096, 32769, 100000, 32 << 20])
def test_a_size_no_store_can_have(path, size):
    with pytest.raises(ToolError, match="multiple of 4096"):
        provision.provision(path, ONE, size=size)
    assert not path.exists()


def test_the_size_of_an_image_stays(path):
    provision.provision(path, ONE, size=64 << 10)
    assert path.stat().st_size == 64 << 10
    provision.provision(path, ONE, size=64 << 10)
    with pytest.raises(ToolError, match="65536 octets"):
        provision.provision(path, ONE, size=128 << 10)


@pytest.mark.parametrize("octets", [b"", b"x" * 100, b"\xff" * 4096, b"\xff" * 33000])
def test_a_file_that_is_no_image(path, octets):
    path.write_bytes(octets)
    with pytest.raises(ToolError, match="no flash image"):
        tree.read(path)
    with pytest.raises(ToolError, match="no flash image"):
        provision.provision(path, ONE)
    assert path.read_bytes() == octets


def test_a_blank_image_has_no_tree(path):
    image.create(path, 64 << 10)
    with pytest.raises(ToolError, match="no tree yet"):
        tree.read(path)
    assert path.read_bytes() == b"\xff" * (64 << 10)


def test_an_image_of_rubbish_is_no_tree_and_no_crash(path):
    path.write_bytes(bytes(range(256)) * 256)
    with pytest.raises(ToolError):
        tree.read(path)


def test_reading_needs_no_lock_and_writes_nothing(path):
    provision.provision(path, ONE)
    before = path.read_bytes()
    with image.lock(path):
        assert "./DevInfo/DevId" in values(path)
        with pytest.raises(ToolError, match="a device runs on it"):
            provision.provision(path, ONE)
    assert path.read_bytes() == before


def test_the_flash_behaves_as_nor(path):
    image.create(path, 32 << 10)
    with image.lock(path) as handle:
        flash = image.Flash(bytearray(path.read_bytes()), handle)
        flash.writeblocks(1, b"\x0f" * 256, 256)
        flash.writeblocks(1, b"\xf1" * 256, 256)
        found = bytearray(256)
        flash.readblocks(1, found, 256)
        assert found == b"\x01" * 256  # programming clears bits and never sets one
        assert path.read_bytes()[4096 + 256 : 4096 + 512] == found
        flash.ioctl(6, 1)
        assert path.read_bytes() == b"\xff" * (32 << 10)
        assert (flash.ioctl(4, 0), flash.ioctl(5, 0)) == (8, 4096)
        with pytest.raises(ValueError):
            flash.writeblocks(1, b"\0" * 256)
    with pytest.raises(OSError):
        image.Flash(bytearray(4096)).writeblocks(0, b"\0" * 256, 0)


def test_a_full_image_says_so(path):
    accounts_until_full = [
        Account(f"server{i}.{'x' * 20}", "urn:d", "a", "s" * 32, b"n" * 16) for i in range(8)
    ]
    image.create(path, 32 << 10)
    with image.open_image(path, writing=True) as flash:
        number = 0
        with pytest.raises(image.library("errors").CommandFailed):
            while True:
                number += 1
                flash.client.declare([(b"./Fill%d" % number, b"bin", 8, bytes(900))])
    with pytest.raises(ToolError, match="full"):
        for account in accounts_until_full:
            provision.provision(path, account)


def test_values_of_all_kinds_are_shown(path):
    provision.provision(path, ONE)
    with image.open_image(path, writing=True) as flash:
        flash.client.declare(
            [
                (b"./X/Blob", b"bin", 8, bytes(range(256))),
                (b"./X/Text", b"chr", 8, "Käse [bold]€[/bold]".encode()),
                (b"./X/Long", b"chr", 8, b"x" * 3000),
                (b"./X/Lines", b"chr", 8, b"a\nb"),
                (b"./X/Broken", b"chr", 8, b"\xff\xfe"),
                (b"./X/Empty", b"chr", 8, b""),
                (b"./X/Hidden", b"chr", 0, b"geheim"),
            ]
        )
    found = nodes(path)
    assert found["./X/Long"].value == b"x" * 3000
    rows = {row["uri"]: row for row in tree.as_json(tree.read(path))}
    assert rows["./X/Text"]["value"] == "Käse [bold]€[/bold]"
    assert rows["./X/Blob"]["value_base64"].startswith("AAECAw")
    assert rows["./X/Broken"]["value_base64"] == "//4="
    assert rows["./X/Hidden"]["masked"] is True
    assert list(rows) == sorted(rows, key=lambda uri: uri.split("/"))
    shown = io.StringIO()
    Console(width=160, file=shown).print(tree.table(tree.read(path)))
    text = shown.getvalue()
    assert "Käse [bold]€[/bold]" in text and "256 octets" in text and "geheim" not in text


def test_the_account_of_the_file_is_the_account_of_the_image(path, tmp_path):
    account = accounts.create(tmp_path / "a.toml", "com.example.dms", "urn:dev:mac:07")
    provision.provision(path, account)
    with image.open_image(path, writing=True) as flash:
        assert flash.client.accounts[0].key == account.key
