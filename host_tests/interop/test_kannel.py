"""Kannel makes and splits pushes and drives a simulated modem; a device gets and applies them."""

import pytest
from interop_bench import long
from kannel_bench import Kannel
from modem_bench_device import DEVICE, Device, Modems, Operator

GATEWAY = "+15550123"
LED = "./Led/State"
NAME = "./App/Site/Name"


@pytest.fixture
def modems():
    found = Modems()
    yield found
    found.close()


@pytest.fixture
def kannel(modems, tmp_path):
    station = modems.add("generic", GATEWAY)
    found = Kannel(tmp_path, station.address, GATEWAY)
    yield found
    found.stop()


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path)


@long
@pytest.mark.parametrize("way, family, direct", [("sendsms", "sim800", False), ("pap", "ec25", True)])
def test_from_kannel_to_the_tree(modems, kannel, operator, way, family, direct):
    station = modems.add(family, DEVICE)
    device = Device(operator.image, station.address, *(["direct"] if direct else [])).running()
    site = ("depot " * 180).strip()  # 12 SMS: more than the proxy sends unless it is told to
    for n, words in enumerate(([f"replace {LED}=on"], [f"replace {LED}=off", f"replace {NAME}={site}"])):
        message = operator.message(*words)
        if way == "sendsms":
            kannel.push_sendsms(DEVICE, operator.push(message))
        else:
            hmac = operator.account.header(message)
            answer = kannel.push_pap(DEVICE, message, hmac, f"push-{n}@initiator.example")
            assert '"1001"' in answer
        event = device.event("push", 90)  # its driver takes 2 s for an SMS
        assert event["error"] is None and [status for _, status in event["statuses"]] == [200] * len(words)
    modems.settled()
    gateway = modems.exchange.network.modems[GATEWAY]
    assert len(gateway.submitted) in (15, 16) and not modems.exchange.network.lost
    assert device.status()["pushes"] == 2
    assert device.stop() == 0
    assert operator.value(LED) == "off" and operator.value(NAME) == site


def test_kannel_sees_what_it_expects_of_a_modem(modems, kannel):
    """Its driver took the modem as it is: no command of its set-up failed that it needs."""
    gateway = modems.exchange.network.modems[GATEWAY]
    lines = [line for who, line in gateway.log if who == "host"]
    assert "AT+CMGF=0" in lines and any(line.startswith("AT+CNMI=") for line in lines)
    assert gateway.cnmi[1] == 2
    assert "Cannot open" not in kannel.log() and "panic" not in kannel.log().lower()
