"""dmtool to a real gateway to its AT driver to a simulated modem to a device to the tree."""

import pytest
from conftest import need_tool
from dmtool import cli
from kannel_bench import PARTS, PASSWORD, USER, Kannel
from modem_bench_device import DEVICE, Device, Modems, Operator
from typer.testing import CliRunner

GATEWAY = "+15550123"
LED = "./Led/State"


@pytest.fixture
def modems():
    found = Modems()
    yield found
    found.close()


def dmtool(*words):
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.stderr


def compact(operator, value):
    """A compact message in a file, as the operator makes it."""
    path = operator.file.with_name(f"{value}.wbxml")
    dmtool("compose", "-a", operator.file, "-o", path, "--compact", f"replace {LED}={value}")
    return path


@pytest.mark.slow
def test_dmtool_through_kannel(modems, tmp_path):
    need_tool("bearerbox", "kannel")
    operator = Operator(tmp_path)
    station = modems.add("generic", GATEWAY)
    device = Device(operator.image, modems.add("sim7600", DEVICE).address).running()
    kannel = Kannel(tmp_path, station.address, GATEWAY)
    try:
        secret = tmp_path / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        login = ("-a", operator.file, "--to", DEVICE, "--user", USER, "--password-file", secret)
        for way, port, value, more in (
            ("kannel-sendsms", kannel.sendsms, "on1", ()),
            ("kannel-pap", kannel.ppg, "on2", ("--max-messages", PARTS)),
        ):
            message = compact(operator, value)
            told = dmtool("push", "sms", way, f"http://127.0.0.1:{port}", message, *login, *more)
            assert "3 SMS sent" in told and PASSWORD not in told
            event = device.event("push", 90)
            assert event["error"] is None and event["statuses"] == [["1", 200]]
        modems.settled()
        # It was 3 SMS each time, and nothing of ours but the proof got into the push of the gateway.
        assert len(station.modem.submitted) == 6 and not modems.exchange.network.lost
        air = b"".join(station.modem.submitted)
        assert PASSWORD.encode() not in air and b"httpx" not in air and b"Accept" not in air
    finally:
        kannel.stop()
    assert device.status()["pushes"] == 2 and device.stop() == 0
    assert operator.value(LED) == "on2"
