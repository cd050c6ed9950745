"""`dmtool tnds export` and `check`: what is in the flash, as XML, whole and without a secret."""

import importlib.util

import pytest
from conftest import ROOT
from dmtool import account as accounts
from dmtool import cli, image, provision, tnds, tnds_export, tree
from dmtool.errors import ToolError
from typer.testing import CliRunner

GET, REPLACE = 8, 16


@pytest.fixture
def flash(tmp_path):
    account = accounts.create(tmp_path / "a.toml", "com.example.dms", "urn:dev:mac:07")
    path = tmp_path / "f.img"
    provision.provision(path, account, size=64 << 10)
    with image.open_image(path, writing=True) as opened:
        opened.client.declare(
            (
                (b"./App", b"node", GET, b"", b"urn:example:mo:app:1.0", b"Get=*&Replace=a+b"),
                (b"./App/Zone", b"chr", GET | REPLACE, "Straße & <co>\r\n ".encode()),
                (b"./App/Blob", b"bin", GET, bytes(range(256))),
                (b"./App/Level", b"int", GET, b"3", b"text/x"),
                (b"./App/Sub/Empty", b"chr", GET, b""),
                (b"./App/Hidden", b"chr", REPLACE, b"pa55word"),
                (b"./App/Nothing", b"null", GET, b""),
                (b"./Apples", b"chr", GET, b"no part of ./App"),
            )
        )
        opened.client.set_acl(b"./App/Level", b"Get=*")
    return path


def run(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_everything_but_what_nobody_may_read(flash):
    root, masked = tnds_export.export(flash, "./App")
    assert masked == ["./App/Hidden"]
    rows = tnds.rows(tnds.parse("x", tnds_export.text(root).encode()))
    assert [(row.uri, row.format, row.type, row.acl, row.value) for row in rows] == [
        ("App", "node", "urn:example:mo:app:1.0", "Get=*&Replace=a+b", None),
        ("App/Blob", "bin", "text/plain", "", bytes(range(256))),
        ("App/Hidden", "chr", "text/plain", "", None),
        ("App/Level", "int", "text/x", "Get=*", b"3"),
        ("App/Nothing", "null", "text/plain", "", None),
        ("App/Sub", "node", "", "", None),
        ("App/Sub/Empty", "chr", "text/plain", "", None),
        ("App/Zone", "chr", "text/plain", "", "Straße & <co>\r\n ".encode()),
    ]


def test_one_leaf_and_the_whole_tree(flash):
    root, _ = tnds_export.export(flash, "App/Level")
    assert [(row.uri, row.value) for row in tnds.rows(root)] == [("Level", b"3")]
    root, _ = tnds_export.export(flash, ".")
    wanted = [node.uri.removeprefix("./") for node in tree.read(flash)[1:]]
    assert sorted(row.uri for row in tnds.rows(root)) == sorted(wanted)


def test_no_secret_of_an_account(flash, tmp_path):
    account = accounts.load(tmp_path / "a.toml")
    for uri in (".", "./DMAcc", "./DMAcc/com.example.dms/AppAuth/Srv"):
        root, masked = tnds_export.export(flash, uri)
        text = tnds_export.text(root)
        assert account.key.decode() not in text and account.secret not in text
        rows = {row.uri.rpartition("/")[2]: row for row in tnds.rows(root)}
        assert rows["AAuthSecret"].value is None and rows["AAuthData"].value is None
        assert len([name for name in masked if "AAuth" in name]) == 2
    root, _ = tnds_export.export(flash, "./DMAcc/com.example.dms/AppAuth/Srv/AAuthSecret")
    assert account.key.decode() not in tnds_export.text(root)


def test_the_same_tree_is_the_same_text(flash, tmp_path):
    first = run("tnds", "export", flash, "./App")
    assert first.exit_code == 0 and "./App/Hidden: its value stays out" in first.stderr
    with image.open_image(flash, writing=True) as opened:
        opened.client.set(b"./App/Level", b"4")
        opened.client.set(b"./App/Level", b"3")
    out = tmp_path / "o.xml"
    assert run("tnds", "export", flash, "./App", "-o", out).exit_code == 0
    assert out.read_text() == first.stdout and out.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("./Nix", "has no node ./Nix"),
        ("./App/", "ends with"),
        ("./App?prop=ACL", "not a property"),
        ("", "no name"),
    ],
)
def test_what_is_not_there(flash, uri, told):
    with pytest.raises(ToolError, match=told):
        tnds_export.export(flash, uri)


def test_octets_that_xml_has_no_place_for(flash):
    for value in (b"a\0b", b"\x1b[31m", b"\xff"):
        with image.open_image(flash, writing=True) as opened:
            opened.client.set(b"./App/Zone", value)
        with pytest.raises(ToolError, match=r"\./App/Zone: its value"):
            tnds_export.export(flash, "./App")
        assert tnds_export.export(flash, "./App/Sub")[0]


def test_a_new_image_and_no_image(tmp_path):
    image.create(tmp_path / "new.img", 64 << 10)
    with pytest.raises(ToolError, match="holds no tree yet"):
        tnds_export.export(tmp_path / "new.img", ".")
    with pytest.raises(ToolError, match="no such file"):
        tnds_export.export(tmp_path / "none.img", ".")


def test_a_store_in_files(flash, tmp_path, monkeypatch):
    """The folder that firmware/device/storage.py keeps on a littlefs, read as the image is."""
    image.library("store")  # puts the fake of `micropython` on the path
    spec = importlib.util.spec_from_file_location("storage", ROOT / "firmware" / "device" / "storage.py")
    storage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(storage)
    folder = tmp_path / "dmtree"
    blocks = storage.FileBlocks(str(folder), 16)
    octets = flash.read_bytes()
    for at in range(0, len(octets), 256):
        if octets[at : at + 256] != b"\xff" * 256:
            blocks.writeblocks(at // 4096, octets[at : at + 256], at % 4096)
    assert sorted(file.name for file in folder.iterdir())[0] == "0"
    assert tree.read(folder) == tree.read(flash)
    assert tnds_export.export(folder, ".") == tnds_export.export(flash, ".")
    assert run("tree", folder, "--json").stdout == run("tree", flash, "--json").stdout
    (folder / "0").write_bytes(bytes(5000))
    with pytest.raises(ToolError, match="longer than a sector"):
        tree.read(folder)


def test_check_shows_nodes_and_size(tmp_path):
    done = run("tnds", "check", ROOT / "docs" / "examples" / "uplink.xml")
    assert done.exit_code == 0, done.output
    assert "Field/NAPAuthSecret  bin  application/octet-stream  5 octets 00 01 02 03 ff" in done.stdout
    assert "6 nodes" in done.stderr
    bad = tmp_path / "bad.xml"
    bad.write_text(
        (ROOT / "docs" / "examples" / "uplink.xml").read_text().replace("./Inbox/Field", "./Inbox/F")
    )
    done = run("tnds", "check", bad)
    assert done.exit_code == 1 and "refers to no node" in done.stderr
    assert run("tnds", "check", bad, "--target", "./Conn").exit_code == 1
