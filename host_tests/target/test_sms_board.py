"""Pushes by SMS on the real firmware: the receiver "sms" on UART0, and a simulated modem there."""

import pytest
from modem_uart import Radio, shuffled
from target import firmware

VALUE = "x" * 700
TURN_MS = 50  # what a push may keep the application waiting


@pytest.fixture
def radio():
    found = Radio(firmware("RP2040_DM"))
    yield found
    found.close()


def fourteen(radio):
    message = radio.operator.message("replace", f"./App/Name={VALUE}", "replace", f"./App/More={VALUE}")
    pdus = radio.parts(message)
    assert len(pdus) == 14
    return pdus


def ready(radio):
    radio.until(lambda: radio.sim.cnmi[1] == 1)


def test_fourteen_parts_shuffled_and_repeated(radio):
    radio.boot()
    ready(radio)
    pdus = fourteen(radio)
    radio.send(shuffled(pdus + pdus[2:9], 1))
    radio.until(radio.clean)
    length, changes, told = radio.look()
    assert (length, changes) == (2 * len(VALUE), ["replace"])
    assert any(line.startswith("pushes   1 accepted, 0 refused") for line in told), told
    assert any("modem ready (SIM800), registered" in line for line in told), told
    print("longest wait of another task", radio.longest, "ms")
    assert radio.longest <= TURN_MS


def test_power_cut_between_parts(radio):
    radio.boot()
    ready(radio)
    pdus = shuffled(fourteen(radio), 2)
    for some in (pdus[:4], pdus[4:9], pdus[9:13]):
        radio.send(some)
        radio.until(lambda: not radio.network.messages)
        radio.pass_time(0.3)  # some of them are in RAM by now
        radio.boot()
    radio.send(pdus[13:])
    radio.until(radio.clean)
    length, changes, told = radio.look()
    assert (length, changes) == (2 * len(VALUE), ["replace"])
    assert any(line.startswith("pushes   1 accepted, 0 refused") for line in told), told


@pytest.mark.slow
def test_modem_that_babbles(radio):
    """Noise as fast as the line can carry it: no reset by the watchdog, and then a push."""
    radio.boot()
    ready(radio)
    boots = radio.board.report()["boots"]
    radio.do(radio.sim.babble, 2, 11000)
    radio.pass_time(2)
    radio.send(fourteen(radio))
    radio.until(radio.clean, 300)
    length, changes, _ = radio.look()
    assert (length, changes) == (2 * len(VALUE), ["replace"])
    assert radio.board.report()["boots"] == boots
    print("longest wait of another task", radio.longest, "ms")
    assert radio.longest <= TURN_MS
