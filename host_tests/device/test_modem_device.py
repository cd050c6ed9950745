"""The whole device under MicroPython, in the heap of a board, at a simulated modem."""

import random
import time

import pytest
from modem_bench import deliver
from modem_bench_device import DEVICE, SENDER, Device, Modems, Operator, wait
from modemsim import pdu as sms

LED = "./Led/State"


@pytest.fixture
def modems():
    found = Modems()
    yield found
    found.close()


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path)


def parts(operator, *words, shuffle=None):
    """SMS-DELIVERs of a push of these commands."""
    found = []
    for i, submit in enumerate(operator.submits(operator.message(*words))):
        part_at = 1 + 2 + 2 + (submit.pdu[3] + 1) // 2  # SCA, FO, MR, DA
        data = submit.pdu[part_at + 3 + 1 :]
        udh = data[1 : 1 + data[0]]
        found.append(deliver(udh, data[1 + data[0] :], sms.address(SENDER), now=int(time.time()) + i))
    if shuffle is not None:
        random.Random(shuffle).shuffle(found)
    return found


def send(modems, pdus):
    for pdu in pdus:
        modems.call(modems.exchange.network.deliver, DEVICE, pdu)


@pytest.mark.row("R23", "R33")
@pytest.mark.parametrize("family, direct", [("sim800", False), ("ec25", True)])
def test_pushes_by_sms(modems, operator, family, direct):
    station = modems.add(family, DEVICE)
    device = Device(operator.image, station.address, *(["direct"] if direct else [])).running()
    for n in range(3):
        send(modems, parts(operator, f"replace {LED}=on{n}"))
        event = device.event("push")
        assert event["error"] is None and event["statuses"] == [["1", 200]]
    modems.settled()
    status = device.status()
    assert status["direct"] is direct and status["pushes"] == 3 and status["garbled"] == 0
    assert device.stop() == 0
    assert operator.value(LED) == "on2"


@pytest.mark.row("R28", negative=True)
def test_forged_replayed_and_foreign_pushes(modems, operator):
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    good = parts(operator, f"replace {LED}=on")
    send(modems, good)
    assert device.event("push")["error"] is None
    modems.settled()
    # The same push under another reference: a replay. One octet of it changed: forged.
    again, forged = ([pdu[:27] + bytes((pdu[27] ^ x,)) + pdu[28:] for pdu in good] for x in (1, 2))
    forged[-1] = forged[-1][:-9] + b"x" + forged[-1][-8:]
    for pdus, code in ((again, 76), (forged, 67)):
        send(modems, pdus)
        event = device.event("push")
        assert (event["error"], event["code"]) == ("NotAuthentic", code)
        assert event["flash"] == {"programs": 0, "erases": 0}
        modems.settled()
    assert device.stop() == 0


def test_fourteen_parts_shuffled_and_repeated(modems, operator):
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    pdus = parts(operator, f"replace {LED}=on", "replace ./App/Site/Name=" + "x" * 1400, shuffle=1)
    assert len(pdus) == 14
    pdus += pdus[3:9]
    random.Random(2).shuffle(pdus)
    send(modems, pdus)
    event = device.event("push")
    assert event["error"] is None and [status for _, status in event["statuses"]] == [200, 200]
    modems.settled()
    status = device.status()
    assert status["pushes"] == 1 and status["copies"] > 0
    assert device.stop() == 0


def test_a_hundred_parts_that_never_become_whole(modems, operator):
    """Announced by a stranger: refused with the first part, in the heap of a board."""
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    before = device.status()["heap_free"]
    ports = b"\x05\x04\x0b\x84\x23\xf0"
    for i in range(60):
        ies = ports + bytes((0, 3, 7, 100, i + 1))
        send(modems, [deliver(ies, b"x" * 128, sms.address(SENDER), now=i)])
    send(modems, parts(operator, f"replace {LED}=on"))
    assert device.event("push", 60)["error"] is None
    modems.settled()
    after = device.status()
    assert after["faults"] == after["losses"] == 0 and after["heap_free"] > before - 2048
    assert device.stop() == 0
    assert operator.value(LED) == "on"


def test_power_cut_between_parts(modems, operator):
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    pdus = parts(operator, f"replace {LED}=on", "replace ./App/Site/Name=" + "x" * 1400, shuffle=3)
    for i in (4, 9, 13):
        send(modems, pdus[:i])
        del pdus[:i]
        wait(lambda: not modems.exchange.network.messages)
        device.kill()
        device = Device(operator.image, station.address).running()
    send(modems, pdus)
    assert device.event("push")["error"] is None
    modems.settled()
    assert device.status()["pushes"] == 1
    assert device.stop() == 0
    assert operator.value(LED) == "on"


def test_power_cut_in_the_commit(modems, operator):
    """The flash loses power under the push; the SMS are still in the store, and are applied."""
    station = modems.add("sim7600", DEVICE)
    Device(operator.image, station.address).running().stop()  # sets up its nodes
    for torn in ("before", "half", "rear", "after"):
        device = Device(operator.image, station.address, f"torn={torn}").running()
        send(modems, parts(operator, f"replace {LED}={torn}"))
        device.event("power-cut")
        device.kill()
        device = Device(operator.image, station.address).running()
        # What was committed when the power went is not applied once more.
        assert device.event("push")["error"] == ("NotAuthentic" if torn == "after" else None)
        modems.settled()
        assert device.stop() == 0
        assert operator.value(LED) == torn


def test_heap_stays_level(modems, operator):
    """Good pushes, fragments, garbage and restarts: the heap comes back to its level."""
    station = modems.add("sim7600", DEVICE)
    device = Device(operator.image, station.address).running()
    rng = random.Random(4)
    never_whole = parts(operator, f"replace {LED}=off")[0]

    def round_of_traffic():
        send(modems, parts(operator, f"replace {LED}=on{rng.random()}", shuffle=rng.random()))
        assert device.event("push")["error"] is None
        for _ in range(8):
            pdu = bytearray(never_whole)
            pdu[rng.randrange(30, len(pdu))] ^= 1 << rng.randrange(8)  # another part 1 each time
            send(modems, [bytes(pdu), bytes(pdu[: rng.randrange(20, len(pdu))])])
        modems.say("noise 2000")
        modems.say("cut 2")
        wait(lambda: not modems.exchange.network.messages)
        modems.say("clear SM")
        modems.say("clear ME")
        modems.say("restart 0.2")
        wait(lambda: device.status()["state"] == "ready")

    round_of_traffic()
    round_of_traffic()
    before = device.status()["heap_free"]
    for _ in range(3):
        round_of_traffic()
    after = device.status()
    assert after["faults"] == 0
    assert after["heap_free"] > before - 2048, (before, after)
    assert device.stop() == 0
