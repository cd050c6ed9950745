"""tshark dissects our SMS and our pushes down to WBXML, and finds in them what we put there."""

import json
import subprocess

import pytest
from conftest import need_tool
from dmtool import sms_encode, wsp_encode
from modem_bench_device import DEVICE, Operator

LED = "./Led/State"


@pytest.fixture
def operator(tmp_path):
    return Operator(tmp_path)


@pytest.fixture
def dissect(tmp_path):
    """Return the dissection of frames: text, and fields of the last one."""
    tshark = need_tool("tshark", "tshark")
    text2pcap = need_tool("text2pcap", "tshark")

    def run(frames, *how, fields=()):
        dump = tmp_path / "frames.txt"
        dump.write_text(
            "".join(f"{way}\n000000 " + " ".join(f"{octet:02x}" for octet in f) + "\n\n" for way, f in frames)
        )
        capture = tmp_path / "frames.pcapng"
        made = subprocess.run(
            [text2pcap, "-q", "-D", *how, str(dump), str(capture)], capture_output=True, text=True
        )
        assert made.returncode == 0, made.stderr
        options = ["-o", "gsm_sms.reassemble:TRUE"]
        options += ["-o", "gsm_sms.reassemble_with_lower_layers_info:FALSE"]
        command = [tshark, "-n", "-r", str(capture), *options]
        text = subprocess.run([*command, "-V"], capture_output=True, text=True).stdout
        wanted = [word for name in fields for word in ("-e", name)]
        found = subprocess.run([*command, "-T", "json", *wanted], capture_output=True, text=True).stdout
        return text, json.loads(found)[-1]["_source"]["layers"] if fields else {}

    return run


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("length", [0, 200, 1500])
def test_submits(operator, dissect, wide, length):
    message = operator.message(f"replace {LED}=on{'x' * length}")
    parts = sms_encode.split(operator.push(message), wide=wide)
    submits = [sms_encode.submit(DEVICE, part) for part in parts]
    text, fields = dissect(
        [("I", submit.pdu[1 + submit.pdu[0] :]) for submit in submits],
        "-P",
        "gsm_sms",
        fields=("gsm_sms.destination_port", "gsm_sms.originator_port"),
    )
    assert "alformed" not in text and "Expert Info (Error" not in text
    assert text.count("SMS-SUBMIT") >= len(parts)
    assert fields["gsm_sms.destination_port"] == ["2948"] and fields["gsm_sms.originator_port"] == ["9200"]
    assert "Wireless Session Protocol" in text and "application/vnd.syncml.dm+wbxml" in text
    assert "x-syncml-hmac" in text.lower() and operator.account.header(message)[:40] in text
    assert "WAP Binary XML" in text and f"on{'x' * length}"[:100] in text
    assert f"Message parts: {len(parts)}" in text


@pytest.mark.parametrize("app_id", [None, 7, "x-wap-application:syncml.dm"])
@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize("with_length", [False, True])
def test_pushes(operator, dissect, app_id, as_text, with_length):
    message = operator.message(f"replace {LED}=on", "delete ./App/Old", "exec ./Dev/Reboot")
    content_type = wsp_encode.DM_WBXML_TEXT if as_text else wsp_encode.DM_WBXML
    push = wsp_encode.push(
        message, operator.account.header(message), app_id, with_length, content_type, transaction=9
    )
    text, _ = dissect([("I", push)], "-4", "192.0.2.1,192.0.2.2", "-u", "9200,2948")
    assert "alformed" not in text and "Expert Info (Error" not in text
    assert "Transaction ID: 0x09" in text and "PDU Type: Push (0x06)" in text
    assert "application/vnd.syncml.dm+wbxml" in text
    assert ("X-Wap-Application-Id: x-wap-application:syncml.dm" in text) is (app_id is not None)
    assert (f"Content-Length: {len(message)}" in text) is with_length
    assert operator.account.header(message) in text
    for name in ("<SyncML>", "<Replace>", "<Delete>", "<Exec>", "<Final", "./Led/State"):
        assert name in text, name
