"""python-gsmmodem-new reads our SMS, and drives the simulated modems that our driver drives."""

import json
import subprocess
from pathlib import Path

import peers
import pytest
from conftest import CI
from dmtool import sms_encode
from interop_bench import long
from modem_bench_device import DEVICE, SENDER, Device, Modems, Operator, wait
from modemsim import network
from modemsim.families import FAMILIES

HELPER = Path(__file__).with_name("gsmmodem_helper.py")
LED = "./Led/State"


@pytest.fixture(scope="module")
def gsmmodem():
    """Ask it, in the Python that has it."""
    try:
        python = peers.python()
    except RuntimeError as problem:
        if CI:
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(f"SKIP: {problem}")

    def ask(do, meanwhile=None, **more):
        process = subprocess.Popen(
            [python, str(HELPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            process.stdin.write(json.dumps({"do": do, **more}))
            process.stdin.close()
            said = []
            for line in process.stderr:
                said.append(line)
                if line.strip() == "connected" and meanwhile is not None:
                    meanwhile()
            found = process.stdout.read()
            assert process.wait(60) == 0, "".join(said)
            return json.loads(found)
        finally:
            process.kill()
            process.wait(60)
            process.stdout.close()
            process.stderr.close()

    return ask


@pytest.fixture
def modems():
    found = Modems()
    yield found
    found.close()


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path)


def incoming(operator, modems, *words, wide=False):
    """(parts, PDUs as they come out of the network) of a push."""
    parts = sms_encode.split(operator.push(operator.message(*words)), wide=wide)
    now = modems.exchange.network.now()
    made = [
        network.sms.deliver_from_submit(sms_encode.submit(DEVICE, part).pdu, SENDER, now) for part in parts
    ]
    return parts, [pdu for _, pdu in made]


def same(rows, parts):
    """Whether it read what we put in."""
    assert [row["data"] for row in rows] == [part.payload.hex() for part in parts]
    for i, row in enumerate(rows):
        assert (row["number"], row["port"]) == (SENDER, 2948)
        assert (row["part"], row["parts"]) == (i + 1, len(parts))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("length", [0, 600])
def test_what_it_reads_in_our_sms(gsmmodem, modems, operator, wide, length):
    parts, pdus = incoming(operator, modems, f"replace {LED}=on{'x' * length}", wide=wide)
    rows = gsmmodem("decode", pdus=[pdu.hex() for pdu in pdus])
    same(rows, parts)
    assert len({row["reference"] for row in rows}) == 1


@long
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_same_store_by_both(gsmmodem, modems, operator, family):
    """What it finds in the store of a modem is what our driver finds there, and applies."""
    station = modems.add(family, DEVICE, "pty")
    parts, pdus = incoming(operator, modems, f"replace {LED}=on")
    # It looks into one store, ME where there is one.
    place = "ME" if "ME" in station.modem.stores else "SM"
    for pdu in pdus:
        modems.say(f"{DEVICE} put {place} 1 {pdu.hex()}")
    found = gsmmodem("visit", port=station.address, wait=0)
    assert found["who"] == [station.modem.family.maker, station.modem.family.model]
    same(found["read"], parts)
    device = Device(operator.image, modems.call(station.tcp)).running()
    assert device.event("push")["error"] is None
    modems.settled()
    assert device.stop() == 0
    assert operator.value(LED) == "on"


@long
@pytest.mark.parametrize("family", ["generic", "sim7600", "ec25"])
def test_what_comes_by_itself(gsmmodem, modems, operator, family):
    """The indications of the simulated modem are understood by another driver than ours."""
    station = modems.add(family, DEVICE, "pty")
    parts, pdus = incoming(operator, modems, f"replace {LED}=on")

    def done(n):
        log = list(station.modem.log)
        deleted = sum(who == "host" and line.startswith("AT+CMGD") for who, line in log)
        return deleted > n and log[-1] == ("modem", "OK")

    def deliver():
        # One after the other: an indication between a command of its and the result it takes for that.
        for n, pdu in enumerate(pdus):
            modems.say(f"{DEVICE} deliver {pdu.hex()}")
            wait(lambda n=n: done(n))

    found = gsmmodem("visit", deliver, port=station.address, wait=len(pdus))
    same(sorted(found["came"], key=lambda row: row["part"]), parts)
