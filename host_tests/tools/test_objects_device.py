"""TNDS objects from the operator's files through HTTP into a simulated device, and out of its flash again."""

from pathlib import Path

import pytest
from conftest import ROOT, run_make
from dmtool import account as accounts
from dmtool import (
    commands,
    compose,
    device,
    provision,
    push_http,
    tnds,
    tnds_compose,
    tnds_encode,
    tnds_export,
    tree,
)

EXAMPLES = ROOT / "docs" / "examples"
SERVER = "com.example.dms"
IMAGE = Path("f.img")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A device that runs in a folder of its own."""
    run_make("mpy")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("device"))
        provision.provision(IMAGE, accounts.create(Path("a.toml"), SERVER, "urn:dev:mac:07"))
        with device.Device(IMAGE, device.free_port()) as running:
            running.start()
            yield running


def statuses(running, elements):
    octets = compose.compose(Path("a.toml"), elements).octets
    header = accounts.load(Path("a.toml")).header(octets)
    assert push_http.push(running.url, octets, header).accepted
    told = running.wait_for("push")
    assert told["error"] is None
    return [status for _, status in told["statuses"]]


def sent(running, path, **wanted):
    return statuses(running, tnds_compose.objects([path], SERVER, tnds_compose.Wanted(**wanted)))


def rows(root):
    """What is in an object, by address; what is not said is what the device makes of it."""
    found = {}
    for row in tnds.rows(root):
        kind = row.type or ("" if row.interior else "text/plain")
        found[row.uri] = (row.format, kind, row.title, row.acl, row.value or b"")
    return found


def exported(uri):
    root, _ = tnds_export.export(IMAGE, uri)
    return rows(root)


@pytest.mark.row("R21", "R48")
@pytest.mark.parametrize("form", tnds_encode.FORMS)
@pytest.mark.parametrize("name", ["hotspot.xml", "uplink.xml"])
def test_out_of_the_device_comes_what_went_in(place, form, name):
    top = f"{name[0]}{form}"
    path = EXAMPLES / name
    assert sent(place, path, target=f"./Objects/{top}", form=form, acl="") == [200]
    given = {f"{top}/{uri}": row for uri, row in rows(tnds.read(path)).items()}
    found = exported(f"./Objects/{top}")
    assert found.pop(top)[0] == "node"
    references = {uri for uri, row in given.items() if row[4].startswith(b"./Inbox/")}
    for uri in references:
        assert found[uri][4] == f"./Objects/{top}/".encode() + given[uri][4][len("./Inbox/") :]
        found[uri] = given[uri]
    assert found == given
    assert (name == "uplink.xml") == bool(references)
    # and what came out goes in again as a whole
    root, _ = tnds_export.export(IMAGE, f"./Objects/{top}")
    again = Path(f"{top}.xml")
    again.write_text(tnds_export.text(root))
    before = exported(f"./Objects/{top}")
    assert sent(place, again, target=f"./Objects/{top}", replace=True, form=form, acl="") == [200]
    assert exported(f"./Objects/{top}") == before


@pytest.mark.row("R22", "R39", "R40", "R46")
def test_the_inbox_finds_a_place_and_a_name(place):
    def value(uri):
        return next(node.value for node in tree.read(IMAGE) if node.uri == uri)

    for number in ("", "2"):
        assert sent(place, EXAMPLES / "uplink.xml") == [200]
        assert value(f"./Conn/Proxy/FieldProxy{number}/ConRef") == f"./Conn/NAP/Field{number}".encode()
        assert value(f"./Conn/NAP/Field{number}/NAPAuthSecret") == bytes.fromhex("00010203ff")
    assert sent(place, EXAMPLES / "hotspot.xml") == [200]
    assert any(node.uri.startswith("./Wi-Fi/") for node in tree.read(IMAGE))


@pytest.mark.row("R52")
def test_an_object_is_found_by_what_it_is(place):
    path = Path("valve.xml")
    path.write_text(
        '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD><Node><NodeName>Main</NodeName>'
        "<RTProperties><Type><DDFName>urn:example:mo:valve:1.1</DDFName></Type></RTProperties><Node><NodeName>Period</NodeName>"
        "<RTProperties><Format><int/></Format></RTProperties><Value>60</Value></Node></Node></MgmtTree>"
    )
    assert sent(place, path) == [200]
    virtual = commands.below(commands.parse(["replace Period=61"]), "MOID=urn:example:mo:valve:1.1&Period=60")
    assert statuses(place, virtual) == [200]
    assert next(n.value for n in tree.read(IMAGE) if n.uri == "./App/Valves/Main/Period") == b"61"
