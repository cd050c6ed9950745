"""The simulated device as the operator runs it: a real process, real HTTP, a flash image."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import need_tool, run_make
from dmtool import account as accounts
from dmtool import (
    commands,
    compose,
    demo,
    device,
    image,
    modem,
    provision,
    push_http,
    sms_encode,
    sms_modem,
    sms_push,
    tree,
    xml_text,
)
from dmtool.element import sync
from dmtool.errors import ToolError


@pytest.fixture(scope="session")
def simdevice():
    """What a simulated device needs."""
    run_make("mpy")


@pytest.fixture
def account(tmp_path, simdevice, monkeypatch):
    monkeypatch.chdir(tmp_path)
    account = accounts.create(Path("a.toml"), "com.example.dms", "urn:dev:mac:07")
    provision.provision(Path("f.img"), account)
    return account


@pytest.fixture
def running(account):
    with device.Device(Path("f.img"), device.free_port()) as running:
        running.start()
        yield running


def value(uri):
    return {node.uri: node.value for node in tree.read(Path("f.img"))}[uri]


def push(running, octets, **more):
    account = accounts.load(Path("a.toml"))
    answer = push_http.push(
        running.url, octets, account.header(octets, more.pop("algorithm", "HMAC-SHA256")), **more
    )
    assert answer.accepted
    return running.wait_for("push")


def message(*words, **more):
    return compose.compose(Path("a.toml"), commands.parse(list(words)), **more).octets


@pytest.mark.row("R25")
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_push_in_every_form_takes_effect(running, nested, chunked):
    told = push(running, message("replace ./Led/State=on"), nested=nested, chunked=chunked)
    assert told["error"] is None and told["statuses"] == [["1", 200]]
    assert value("./Led/State") == b"on"


@pytest.mark.row("R14", "R17", "R44")
@pytest.mark.parametrize("version", ["1.1", "1.2", "1.3"])
@pytest.mark.parametrize("table", [False, True])
def test_what_the_encoder_writes_the_device_reads(running, version, table):
    octets = message(
        "replace ./App/Site/Name=Käsequai 3 €",
        "replace ./App/Net/User=Käsequai 3 €",
        "add ./App/X:node",
        "add ./App/X/Name=Käsequai 3 €",
        "add ./App/X/Number:int=-7",
        "add ./App/X/Yes:bool=true",
        "add ./App/X/Key:b64=AAECAwQ=",
        "replace ./App/X?prop=Title=A title",
        "delete ./App/X/Yes",
        "exec ./Dev/Reboot",
        version=version,
        string_table=table,
    )
    told = push(running, octets)
    assert [status for _, status in told["statuses"]] == [200] * 9 + [202]
    assert value("./App/X/Name") == value("./App/Net/User") == "Käsequai 3 €".encode()
    assert value("./App/X/Key") == bytes(range(5))


@pytest.mark.row("R30")
def test_both_algorithms_of_the_mac(running):
    for algorithm in ("HMAC-SHA256", "SHA256"):
        assert push(running, message("delete ./Nix"), algorithm=algorithm)["error"] is None


def test_a_message_of_another_encoder_takes_effect(running):
    tool = need_tool("xml2wbxml", "libwbxml2-utils")
    body = compose.prepare(commands.parse(["replace ./Led/State=by libwbxml", "replace ./App/Log/Level=4"]))
    account = accounts.next_number(Path("a.toml"))
    root = sync("SyncML", compose.header(account), sync("SyncBody", *body, sync("Final")))
    Path("m.xml").write_text(xml_text.write(root))
    subprocess.run([tool, "-o", "m.wbxml", "m.xml"], check=True, capture_output=True, timeout=30)
    done = dmtool("push", "http", f"http://127.0.0.1:{running.port}", "m.wbxml", "--account", "a.toml")
    assert done.returncode == 0, done.stderr
    assert running.wait_for("push")["statuses"] == [["1", 200], ["2", 200]]
    assert (value("./Led/State"), value("./App/Log/Level")) == (b"by libwbxml", b"4")


@pytest.mark.row("R30", negative=True)
def test_a_refusal_has_a_reason_for_people_and_costs_no_flash(running):
    octets = message("replace ./Led/State=on")
    before = Path("f.img").read_bytes()
    answer = push_http.push(running.url, octets, None)
    told = running.wait_for("push")
    assert answer.accepted  # the same answer for all
    assert (told["error"], told["code"]) == ("NotAuthentic", 60)
    assert "x-syncml-hmac" in device.reason(told) and "x-syncml-hmac" in device.describe(told)
    assert told["flash"] == {"programs": 0, "erases": 0}
    assert Path("f.img").read_bytes() == before


def test_a_message_over_the_spool_is_refused_on_the_transport(running):
    with pytest.raises(ToolError) as caught:
        answer = push_http.push(running.url, bytes(200_000), "h")
        raise ToolError(answer.reason)
    assert "larger" in str(caught.value) or "may not have been taken" in str(caught.value)


@pytest.fixture(params=[("sim800", False), ("ec25", True)], ids=["stored", "direct"])
def by_sms(request, account):
    """A device with a modem and no HTTP; gives a function that pushes by another modem."""
    family, direct = request.param
    with modem.Simulation() as radio:
        there = radio.add(family, "+15550199").address
        here = radio.add("generic", "+15550123").address
        with device.Device(Path("f.img"), None, sms=there, direct=direct) as running:
            assert running.start()["port"] is None
            while running.wait_for("modem")["state"] != "ready":
                pass

            def push(plan):
                sms_modem.send(plan, f"socket://{here}", lambda n: None)
                for _, event in running.follow(20):
                    if event and event["event"] in ("push", "dropped"):
                        return event

            yield push


def test_a_compact_message_by_sms_takes_effect_once(by_sms, account):
    plan = sms_push.plan(account, message("replace ./Led/State=on", compact=True), "+15550199")
    told = by_sms(plan)
    assert told["error"] is None and told["statuses"] == [["1", 200]]
    assert value("./Led/State") == b"on"
    again = by_sms(plan)
    assert again["code"] == demo.REPLAY and again["flash"] == {"programs": 0, "erases": 0}


def test_what_else_comes_by_sms_is_told(by_sms, account):
    plan = sms_push.plan(account, message("replace ./Led/State=on"), "+15550199")
    cut = sms_encode.split(plan.push[:2] + b"\xff\xff\xff\xff\xff\xff" + plan.push[2:100])
    told = by_sms(dataclasses.replace(plan, parts=cut))
    assert told["event"] == "dropped" and "dropped" in device.describe(told)
    forged = dataclasses.replace(plan, parts=sms_encode.split(plan.push[:-9] + b"x" + plan.push[-8:]))
    assert by_sms(forged)["error"] == "NotAuthentic"
    assert by_sms(plan)["error"] is None


def test_every_short_form_means_the_same_to_the_device(running):
    words = [
        "add ./App/N1:node", "add ./App/N1/Text:chr,text/plain=a", "add ./App/N1/Count:int,text/plain=7",
        "add ./App/N1/Blob:chr,text/xml=<a/>", "replace ./Led/State=on", "replace ./App/N1?prop=Title=t",
        "replace ./App/N1/Text:chr=b", "delete ./App/N1/Blob", "exec ./Dev/Reboot=x",
    ]  # fmt: skip
    found = []
    for form in (False, True):
        told = push(running, message(*words, compact=form))
        assert [status for _, status in told["statuses"]] == [200] * 8 + [202], told
        node = {n.uri: (n.format, n.value, n.type, n.title) for n in tree.read(Path("f.img"))}
        node = {uri: row for uri, row in node.items() if uri.startswith("./App/N1")}
        found.append(node)
        assert push(running, message("delete ./App/N1"))["error"] is None
    assert found[0] == found[1] and len(found[0]) == 3


def test_two_devices_can_not_share_an_image(running):
    with (
        pytest.raises(ToolError, match="a device runs on it"),
        device.Device(Path("f.img"), device.free_port()),
    ):
        pass


def test_a_taken_port_is_named(running):
    provision.provision(Path("g.img"), accounts.load(Path("a.toml")))
    with (
        device.Device(Path("g.img"), running.port) as other,
        pytest.raises(ToolError, match="did not report"),
    ):
        other.start()


def dmtool(*words, **more):
    return subprocess.run(
        [sys.executable, "-m", "dmtool", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_run_prints_json_and_ends_when_told(account, ending):
    port = device.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dmtool", "device", "run", "--image", "f.img", "--http", str(port), "--json"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    ready = json.loads(process.stdout.readline())
    assert ready["event"] == "ready" and ready["port"] == port and ready["device"] == "urn:dev:mac:07"
    octets = message("replace ./Led/State=on")
    push_http.push(f"http://127.0.0.1:{port}", octets, account.header(octets))
    assert json.loads(process.stdout.readline())["event"] == "change"
    assert json.loads(process.stdout.readline())["error"] is None
    os.killpg(process.pid, ending)
    assert process.wait(20) == 0
    with image.lock(Path("f.img")):
        pass  # nobody holds it any more


def test_run_prints_lines_for_people_and_stops_at_the_cut(account):
    port = device.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "dmtool", "device", "run", "-i", "f.img", "--http", str(port), "--cut", "1"],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    # Its first boot declares the nodes of the application: the power goes there already.
    assert "power cut at flash operation 1" in process.stdout.read()
    assert process.wait(20) == 0


def test_the_sources_of_a_device_must_be_built(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "_MICROPYTHON", tmp_path / "bin")
    with pytest.raises(ToolError, match="make mpy"):
        device.micropython()
    (tmp_path / "bin").write_text(str(tmp_path))
    with pytest.raises(ToolError, match="make mpy"):
        device.micropython()


def test_the_demo_holds(simdevice):
    done = dmtool("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "facts hold" in done.stdout and "Traceback" not in done.stderr


def test_the_demo_fails_when_a_fact_does_not_hold(simdevice, monkeypatch):
    from dmtool import cli
    from typer.testing import CliRunner

    monkeypatch.setattr(demo, "REPLAY", 99)
    done = CliRunner().invoke(cli.app, ["demo"])
    assert done.exit_code == 1
    (line,) = [line for line in done.stderr.split("\n") if line.startswith("dmtool: ")]
    assert "step 5" in line and "refused with reason 99" in line and "76" in line
    assert "Traceback" not in done.output
