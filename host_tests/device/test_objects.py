"""TNDS objects, virtual addresses, rights: from the operator's tool through the device and back."""

import random

import pytest
from conftest import ROOT, run_make
from dmtool import account as accounts
from dmtool import (
    commands,
    compose,
    image,
    provision,
    tnds,
    tnds_compose,
    tnds_encode,
    tnds_export,
    tree,
)
from dmtool.element import Element
from simdevice_bench import Operator, SimDevice, request

EXAMPLES = ROOT / "docs" / "examples"
SERVER, OTHER = "com.example.dms", "com.example.lab"
NAP = "MOID=urn:oma:mo:oma-connmo-nap:1.0"


@pytest.fixture
def operator(tmp_path):
    run_make("mpy")
    return Operator(tmp_path)


class Server:
    """One sender: an account, and the device it sends to."""

    def __init__(
        self, operator: Operator, device: SimDevice, name: str, rights: tuple[str, ...] = ()
    ) -> None:
        self.device = device
        self.file = operator.file
        if name != SERVER:
            self.file = operator.file.parent / f"{name}.toml"
        self.account = accounts.load(self.file)

    def send(self, body: list[Element]) -> list[int]:
        octets = compose.compose(self.file, body).octets
        proof = b"x-syncml-hmac: " + self.account.header(octets).encode()
        assert self.device.send(request(octets, proof)).status == 204
        event = self.device.event("push")
        assert event["error"] is None, (len(octets), event)
        return [status for _, status in event["statuses"]]

    def say(self, *words: str, parent: str | None = None) -> list[int]:
        body = commands.parse(list(words))
        return self.send(body if parent is None else commands.below(body, parent))

    def put(self, path, **wanted) -> list[int]:
        server_id = self.account.server_id
        return self.send(tnds_compose.objects([path], server_id, tnds_compose.Wanted(**wanted)))


def rows(operator, uri: str) -> dict[str, tuple]:
    """What lies in the flash at uri and below, by relative address."""
    root, _ = tnds_export.export(operator.image, uri)
    return plain(root)


def plain(root: Element) -> dict[str, tuple]:
    return {row.uri: (row.format, row.type, row.acl, row.title, row.value or b"") for row in tnds.rows(root)}


@pytest.mark.row("R21", "R22", "R46")
@pytest.mark.parametrize("form", tnds_encode.FORMS)
def test_into_the_inbox_and_out_again_it_is_the_same(operator, form):
    with SimDevice(operator.image) as device:
        assert Server(operator, device, SERVER).put(EXAMPLES / "hotspot.xml", form=form, acl="Get=*") == [200]
    wanted = plain(tnds.read(EXAMPLES / "hotspot.xml"))
    top = "PerProviderSubscription"
    wanted[top] = (*wanted[top][:2], "Get=*", *wanted[top][3:])
    assert rows(operator, f"./Wi-Fi/{top}") == wanted


@pytest.mark.row("R31", "R39", "R40", "R46")
def test_connections_are_placed_and_references_follow(operator):
    with SimDevice(operator.image) as device:
        server = Server(operator, device, SERVER)
        for _ in range(2):
            assert server.put(EXAMPLES / "uplink.xml") == [200]
    naps, proxies = rows(operator, "./Conn/NAP"), rows(operator, "./Conn/Proxy")
    kept = "&".join(f"{right}={SERVER}" for right in ("Add", "Delete", "Get", "Replace"))
    for number in ("", "2"):
        assert naps[f"NAP/Field{number}"] == ("node", "urn:oma:mo:oma-connmo-nap:1.0", kept, "", b"")
        assert naps[f"NAP/Field{number}/NAPAuthSecret"][0::4] == ("bin", b"\0\1\2\3\xff")
        assert proxies[f"Proxy/FieldProxy{number}/ConRef"][4] == f"./Conn/NAP/Field{number}".encode()


def made(rng: random.Random, name: str, depth: int) -> Element:
    """A random node with all kinds of values and properties."""
    if depth and rng.random() < 0.5:
        kind = tnds.ddf("DDFName", rng.choice(["", "urn:x:1.0", "org.example/1.0/Thing"]))
        properties = tnds.ddf("RTProperties", tnds.ddf("Format", tnds.ddf("node")), tnds.ddf("Type", kind))
        below = [made(rng, f"n{k}", depth - 1) for k in range(rng.randint(0, 4))]
        node = tnds.ddf("Node", tnds.ddf("NodeName", name), properties, *below)
    else:
        fmt, value = rng.choice(
            [("chr", "Größe <&> 3 €\r\n"), ("chr", ""), ("chr", " spaces "), ("int", "-42"), ("null", ""),
             ("float", "1.5e3"), ("bin", "AAECA/8="), ("bin", ""), ("xml", "<a b='c'>&amp;</a>"),
             ("bool", "false"), ("date", "20240102"), ("time", "120000Z"), ("chr", "x" * 900)]
        )  # fmt: skip
        mime = rng.choice(["text/plain", "text/x-y", "application/octet-stream"])
        properties = tnds.ddf(
            "RTProperties", tnds.ddf("Format", tnds.ddf(fmt)), tnds.ddf("Type", tnds.ddf("MIME", mime))
        )
        node = tnds.ddf("Node", tnds.ddf("NodeName", name), properties)
        if value or fmt == "chr":
            node.content.append(tnds.ddf("Value", *([value] if value else [])))
    if rng.random() < 0.3:
        properties.content.insert(0, tnds.ddf("ACL", f"Add={SERVER}&Delete={SERVER}&Get=*&Replace={SERVER}"))
    if rng.random() < 0.2:
        at = next(i for i, part in enumerate(properties.content) if part.name == "Type")
        properties.content.insert(at, tnds.ddf("Title", "A title"))
    return node


@pytest.mark.row("R48")
def test_random_objects_come_back_as_they_went(operator, tmp_path):
    """Add of a random tree in a random form; Replace by another one under the same name; export."""
    rng = random.Random(11)
    path = tmp_path / "object.xml"
    with SimDevice(operator.image) as device:
        server = Server(operator, device, SERVER)
        assert server.say("add ./Things:node") == [200]
        for step in range(24):
            name = "Thing"
            exists = step % 3
            root = tnds.ddf("MgmtTree", tnds.ddf("VerDTD", "1.2"), made(rng, name, 4))
            while not tnds.rows(root)[0].interior:
                root.content[1] = made(rng, name, 4)
            path.write_text(tnds_encode.as_xml(root))
            form = rng.choice(tnds_encode.FORMS)
            if exists:
                assert server.put(path, form=form, acl="", target="./Things/Thing", replace=True) == [200], (
                    step
                )
            else:
                if step:
                    assert server.say("delete ./Things/Thing") == [200]
                assert server.put(path, form=form, acl="", target="./Things") == [200], step
            assert rows(operator, "./Things/Thing") == stored(
                plain(root), rows(operator, "./Things/Thing")
            ), step


def stored(wanted, found):
    # On Replace a node that stays keeps what the object does not say: its ACL and its Title.
    out = {}
    for uri, (fmt, mime, acl, title, value) in wanted.items():
        old = found.get(uri, (None,) * 5)
        out[uri] = (fmt, mime, acl or old[2], title or old[3], value)
    return out


@pytest.mark.row("R48")
def test_export_edit_replace(operator, tmp_path):
    path = tmp_path / "wifi.xml"
    where = "./Wi-Fi/PerProviderSubscription"
    with SimDevice(operator.image) as device:
        server = Server(operator, device, SERVER)
        assert server.put(EXAMPLES / "hotspot.xml") == [200]
        root, _ = tnds_export.export(operator.image, where)
        path.write_text(tnds_export.text(root).replace("<Value>logger7</Value>", "<Value>logger8</Value>"))
        assert server.put(path, target=where, replace=True) == [200]
    before, after = plain(root), rows(operator, where)
    name = "PerProviderSubscription/i001/Credential/UsernamePassword/Username"
    assert before.keys() == after.keys() and after[name][4] == b"logger8"
    assert {uri for uri in after if after[uri] != before[uri]} == {name}


@pytest.mark.row("R52")
def test_an_object_is_found_by_its_identifier(operator):
    with SimDevice(operator.image) as device:
        server = Server(operator, device, SERVER)
        server.put(EXAMPLES / "uplink.xml")
        assert server.say("replace NAPAddr=iot.north", "add Note=x", parent=NAP) == [200, 200]
        assert server.say("acl .=Get=*&Replace=com.example.dms&Delete=com.example.dms", parent=NAP) == [200]
        found = rows(operator, "./Conn/NAP/Field")
        assert found["Field/NAPAddr"][4] == b"iot.north" and found["Field/Note"][4] == b"x"
        assert found["Field"][2] == "Delete=com.example.dms&Get=*&Replace=com.example.dms"
        server.put(EXAMPLES / "uplink.xml")  # a second one
        assert server.say("replace NAPAddr=iot.south", parent=NAP) == [412]
        assert server.say("replace NAPAddr=iot.south", parent=f"{NAP}&NAPAddr=iot.north") == [200]
        assert server.say("delete .", parent=f"{NAP}&NAPAddr=iot.south") == [200]
        assert server.say("delete .", parent=f"{NAP}&NAPAddr=iot.south") == [404]
        assert server.say("replace Level=4", parent="./App/Log") == [200]  # relative
    assert "NAP/Field" not in rows(operator, "./Conn/NAP") and "NAP/Field2" in rows(operator, "./Conn/NAP")


@pytest.fixture
def two(operator):
    """A second server on the same device, which may read and add, and change nothing of others."""
    account = accounts.create(operator.file.parent / f"{OTHER}.toml", OTHER, operator.account.device_id)
    provision.provision(operator.image, account, rights=("Add", "Get"))
    with SimDevice(operator.image) as device:
        yield Server(operator, device, SERVER), Server(operator, device, OTHER)


@pytest.mark.row("R36")
@pytest.mark.row("R36", negative=True)
def test_two_servers_with_rights_of_their_own(operator, two):
    first, second = two
    assert first.say("replace ./Led/State=on", "exec ./Dev/Reboot") == [200, 202]
    assert second.say("replace ./Led/State=off", "exec ./Dev/Reboot", "delete ./App") == [425, 425, 425]
    # What the second one brings is its own, and the first one keeps out.
    assert second.put(EXAMPLES / "uplink.xml") == [200]
    assert second.say("replace ./Conn/NAP/Field/NAPAddr=lab") == [200]
    assert first.say("replace ./Conn/NAP/Field/NAPAddr=mine", "delete ./Conn/NAP/Field") == [425, 425]
    assert first.say("replace NAPAddr=mine", parent=f"{NAP}&NAPAddr=lab") == [404]  # no Get: no such object
    # Until it is let in.
    shared = f"Get=*&Replace={SERVER}+{OTHER}"
    assert second.say(f"acl ./Conn/NAP/Field={shared}") == [200]
    assert first.say("replace ./Conn/NAP/Field/NAPAddr=mine", "delete ./Conn/NAP/Field") == [200, 425]
    # Rights on a node of the first are given in the same way, and taken back.
    assert first.say(f"acl ./App=Get=*&Replace={SERVER}+{OTHER}") == [200]
    assert second.say("replace ./App/Site/Name=Lab") == [200]
    assert first.say("acl ./App=") == [200]
    assert second.say("replace ./App/Site/Name=Lab2") == [425]
    found = rows(operator, "./App")
    assert found["App/Site/Name"][4] == b"Lab" and found["App"][2] == ""


def test_numbers_and_journal_of_two_servers_are_their_own(operator, two):
    first, second = two
    for _ in range(3):
        assert first.say("replace ./Led/State=on") == [200]
    assert second.say("add ./Lab:node") == [200]
    assert [accounts.load(server.file).msg_id for server in (first, second)] == [3, 1]
    with image.open_image(operator.image) as flash:
        assert len({row[0] for row in flash.store.pairs}) == 2


@pytest.mark.row("R45", negative=True)
def test_one_server_can_not_touch_the_account_of_the_other(operator, two):
    first, _ = two
    for address in (f"./DMAcc/{OTHER}", f"./DMAcc/{OTHER}/AppAuth/Srv/AAuthSecret", "./DMAcc"):
        for name in ("Delete", "Replace"):
            (command,) = commands.parse([f"delete {address}".replace("DMAcc", "DMA")])
            command.name = name
            command.path("Item", "Target", "LocURI").content = [address]
            command.content.insert(0, Element(0, "CmdID", ["1"]))
            octets = compose.build(accounts.next_number(first.file), [command])
            proof = b"x-syncml-hmac: " + first.account.header(octets).encode()
            first.device.send(request(octets, proof))
            assert [status for _, status in first.device.event("push")["statuses"]] == [405]


# What TND 1.2.1's standard objects ask for: (address, format, Type of the object).
STANDARD = (
    ("./DevInfo", "node", "urn:oma:mo:oma-dm-devinfo:1.0"),
    *((f"./DevInfo/{name}", "chr", "") for name in ("DevId", "Man", "Mod", "DmV", "Lang")),
    ("./DevDetail", "node", "urn:oma:mo:oma-dm-devdetail:1.0"),
    *((f"./DevDetail/{name}", "chr", "") for name in ("DevTyp", "OEM", "FwV", "SwV", "HwV")),
    ("./DevDetail/LrgObj", "bool", ""),
    *((f"./DevDetail/URI/{name}", "chr", "") for name in ("MaxDepth", "MaxTotLen", "MaxSegLen")),
    ("./Inbox", "node", "urn:oma:mo:oma-dm-inbox:1.0"),
    (f"./DMAcc/{SERVER}", "node", "urn:oma:mo:oma-dm-dmacc:1.0"),
    *((f"./DMAcc/{SERVER}/{name}", "chr", "") for name in ("AppID", "ServerID", "Name", "AAuthPref")),
    *(
        (f"./DMAcc/{SERVER}/AppAuth/Srv/AAuth{name}", "chr", "")
        for name in ("Level", "Type", "Name", "Secret")
    ),
    (f"./DMAcc/{SERVER}/AppAuth/Srv/AAuthData", "bin", ""),
    ("./FUMO", "node", "urn:oma:mo:oma-fumo:1.0"),
    ("./FUMO/DownloadAndUpdate", "node", ""),
    *((f"./FUMO/{name}", "chr", "") for name in ("PkgName", "PkgVersion", "DownloadAndUpdate/PkgURL")),
    ("./FUMO/State", "int", ""),
)


def test_the_standard_objects_are_there_and_stay(operator):
    """On a device that was provisioned and started; no server may change, rename or delete them."""
    with SimDevice(operator.image) as device:
        nodes = {node.uri: node for node in tree.read(operator.image)}
        for uri, fmt, mime in STANDARD:
            assert (nodes[uri].format, nodes[uri].permanent) == (fmt, True), uri
            if fmt == "node":
                assert nodes[uri].type == mime, uri
        limits = image.library("limits")
        for name, limit in (
            ("MaxDepth", limits.MAX_DEPTH),
            ("MaxTotLen", limits.MAX_TOT_LEN),
            ("MaxSegLen", limits.MAX_SEG_LEN),
        ):
            assert nodes[f"./DevDetail/URI/{name}"].value == b"%d" % limit
        server = Server(operator, device, SERVER)
        fixed = [uri for uri, fmt, _ in STANDARD if "DMAcc" not in uri and uri != "./Inbox"]
        for uri in fixed:
            assert server.say(f"delete {uri}", f"rename {uri}=Other") == [405, 405], uri
        read_only = [uri for uri in fixed if nodes[uri].access == ("Get",) and nodes[uri].format == "chr"]
        assert len(read_only) == 13
        assert server.say(*(f"replace {uri}=x" for uri in read_only)) == [405] * 13
