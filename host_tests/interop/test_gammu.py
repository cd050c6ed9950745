"""Gammu makes SMS, reads ours, and drives simulated modems of several families."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import CI, need_tool
from dmtool import sms_encode
from interop_bench import long
from modem_bench_device import DEVICE, SENDER, Device, Modems, Operator
from modemsim.families import FAMILIES
from omadm.reassembly import KEPT, READY, Reassembler
from omadm.sms import Deliver

HELPER = Path(__file__).with_name("gammu_helper.py")
LED = "./Led/State"
SYSTEM_PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def gammu():
    """Ask Gammu, in the Python that has it."""
    need_tool("gammu", "gammu")
    have = subprocess.run([SYSTEM_PYTHON, "-c", "import gammu"], capture_output=True)
    if have.returncode:
        reason = "Gammu's Python module is missing: apt-get install python3-gammu"
        if CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip("SKIP: " + reason)

    def ask(do, **more):
        run = subprocess.run(
            [SYSTEM_PYTHON, str(HELPER)],
            input=json.dumps({"do": do, **more}),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    return ask


@pytest.fixture
def modems():
    found = Modems()
    yield found
    found.close()


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path)


@pytest.fixture
def line(modems, tmp_path):
    """Add a modem on a pty; returns it and Gammu's configuration for it."""

    def add(family, number=SENDER):
        station = modems.add(family, number, "pty")
        config = tmp_path / f"gammurc{len(modems.exchange.stations)}"
        config.write_text(f"[gammu]\ndevice = {station.address}\nconnection = at115200\n")
        return station.modem, str(config)

    return add


def rows(parts, number=SENDER):
    return [{"udh": p.header.hex(), "data": p.payload.hex(), "number": number} for p in parts]


@pytest.mark.parametrize("wide", [False, True])
def test_sms_made_by_gammu(gammu, operator, wide):
    push = operator.push(operator.message(f"replace {LED}=" + "on" * 300))
    parts = sms_encode.split(push, wide=wide)
    box, deliver = Reassembler(8192), Deliver()
    pdus = [bytes.fromhex(pdu) for pdu in gammu("deliver", sms=rows(parts))]
    for i, pdu in enumerate(pdus):
        deliver.parse(pdu, 0, len(pdu))
        assert deliver.ours and (deliver.seq, deliver.total) == (i + 1, len(parts))
        assert deliver.sender(pdu) == SENDER
        assert box.add(deliver, pdu, 0) == (READY if i + 1 == len(pdus) else KEPT)
    assert b"".join(box.part(box.ready(), i + 1) for i in range(len(pdus))) == push
    # And what it reads in them is what we read.
    for row, part, pdu in zip(gammu("decode", pdus=[pdu.hex() for pdu in pdus]), parts, pdus, strict=True):
        if not wide:  # it does not look into the wide form
            assert (row["part"], row["parts"]) == (parts.index(part) + 1, len(parts))
        assert row["data"] == part.payload.hex() and row["udh"] == part.header.hex()
        assert row["number"] == SENDER and pdu.endswith(part.header + part.payload)


def test_sms_made_by_gammu_reach_the_tree(gammu, modems, operator):
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    parts = sms_encode.split(operator.push(operator.message(f"replace {LED}=on")))
    for pdu in gammu("deliver", sms=rows(parts)):
        modems.say(f"{DEVICE} deliver {pdu}")
    assert device.event("push")["error"] is None
    modems.settled()
    assert device.stop() == 0
    assert operator.value(LED) == "on"


def test_sms_sent_by_gammu_reach_the_tree(gammu, modems, operator, line):
    station = modems.add("ec25", DEVICE)
    device = Device(operator.image, station.address, "direct").running()
    modem, config = line("sim800")
    parts = sms_encode.split(operator.push(operator.message(f"replace {LED}=on")))
    assert gammu("send", config=config, to=DEVICE, sms=rows(parts))["sent"] == len(parts)
    assert device.event("push")["error"] is None
    assert device.stop() == 0
    assert operator.value(LED) == "on"
    # Gammu's SUBMITs carry what ours carry.
    for theirs, part in zip(modem.submitted, parts, strict=True):
        assert theirs.endswith(part.header + part.payload)


@long
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_gammu_at_every_family(gammu, modems, operator, line, family):
    """An AT client that knows nothing of our driver finds its way with the simulated modem."""
    modem, config = line(family)
    parts = sms_encode.split(operator.push(operator.message(f"replace {LED}=on")))
    for pdu in gammu("deliver", sms=rows(parts)):
        modems.say(f"{SENDER} put SM 1 {pdu}")
    found = gammu("visit", config=config, to="+15550777", sms=rows(parts))
    assert found["who"] == [modem.family.maker, modem.family.model]
    assert [row["data"] for row in found["read"]] == [part.payload.hex() for part in parts]
    assert found["sent"] == len(modem.submitted) == len(parts)
    # Our driver at the same modem sees the same, and takes it.
    station = modems.exchange.stations[0]
    device_line = modems.call(station.tcp)
    device = Device(operator.image, device_line).running()
    assert device.event("push")["error"] is None
    assert device.stop() == 0
