"""Pushes by SMS: to a modem of few words, a gateway as Kannel answers, and Gammu."""

import asyncio
import itertools
import re
import socket
import subprocess
import threading
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from conftest import CI
from dmtool import account as accounts
from dmtool import cli, sms_encode, sms_gammu, sms_kannel, sms_modem, sms_push, wsp_decode, wsp_encode
from dmtool.errors import ToolError
from modemsim.serve import Exchange
from omadm import limits
from omadm.reassembly import Reassembler
from typer.testing import CliRunner

NUMBER = "+15550199"
LOGIN = "--user dm --password-file pw"
ACCOUNT = accounts.Account("com.example.dms", "urn:dev:mac:07", "com.example.dms", "s" * 32, b"n" * 16, 1, 1)


def planned(size=300, **more):
    return sms_push.plan(ACCOUNT, bytes(i * 7 & 255 for i in range(size)), NUMBER, **more)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    accounts.create(Path("a.toml"), "com.example.dms", "urn:dev:mac:07")
    Path("m.wbxml").write_bytes(bytes((i * 7 & 255) + 2 * (i == 0) for i in range(300)))
    Path("pw").write_text("open sesame\n")
    Path("pw").chmod(0o600)
    return tmp_path


def run(words):
    done = CliRunner().invoke(cli.app, words.split())
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


# -- the plan


def test_what_is_sent_is_said():
    assert str(planned(300)) == "message 300 octets, push 418 octets, 4 SMS: 3 of 140 octets and 46"
    assert str(planned(100)).endswith("push 218 octets, 2 SMS: 140 and 102")
    assert str(planned(5)) == "message 5 octets, push 123 octets, 1 SMS of 130 octets"
    assert not planned(1000).many and planned(1400).many
    with pytest.raises(ToolError, match="255 SMS"):
        planned(33000)
    with pytest.raises(ToolError, match="telephone"):
        sms_push.plan(ACCOUNT, b"x", "nobody")


def test_the_push_carries_the_proof():
    plan = planned()
    push = wsp_decode.read(plan.push)
    assert dict(push.headers)["x-syncml-hmac"] == plan.hmac and ", " not in plan.hmac
    assert push.body == plan.message and push.content_type == "application/vnd.syncml.dm+wbxml"


@pytest.mark.parametrize("backend", ["modem -", "gammu rc", f"kannel-sendsms http://127.0.0.1:1 {LOGIN}"])
def test_dry_run_prints_the_pdus_and_sends_nothing(here, backend):
    done = run(f"push sms {backend} m.wbxml -a a.toml --to {NUMBER} --dry-run --reference 7")
    assert done.exit_code == 0
    lines = done.stdout.split()
    assert len(lines) == 4 and all(re.fullmatch("0051000B915155100991F9|[0-9A-F]+", line) for line in lines)
    assert "4 SMS" in done.stderr and "sent" not in done.stderr
    wide = run(f"push sms {backend} m.wbxml -a a.toml --to {NUMBER} --dry-run --reference 300 --wide")
    assert "0C05040B8423F00804012C0401" in wide.stdout.replace("\n", "")
    assert run(f"push sms modem - m.wbxml -a a.toml --to {NUMBER} --reference 300").exit_code == 2


def test_many_parts_are_warned_of(here):
    Path("big").write_bytes(b"\2" + bytes(1399))
    done = run(f"push sms modem - big -a a.toml --to {NUMBER} --dry-run")
    assert "warning: 12 SMS" in done.stderr and len(done.stdout.split()) == 12
    assert "warning" not in run(f"push sms modem - m.wbxml -a a.toml --to {NUMBER} --dry-run").stderr


def test_more_parts_than_a_device_has_room_for(here):
    assert Reassembler(limits.SMS_OCTETS).slots == sms_encode.DEVICE_PARTS
    Path("long.wbxml").write_bytes(b"\2" + bytes(128 * 61))
    done = run(f"push sms modem - long.wbxml -a a.toml --to {NUMBER} --dry-run")
    assert "a device takes 61 for a message" in " ".join(done.stderr.split())


# -- an AT modem


class Script:
    """A port whose modem answers from a table; what is not in it is OK. A list is used up."""

    in_waiting = 0

    def __init__(self, **answers):
        self.answers = {"CPIN?": "+CPIN: READY\r\nOK", "CREG?": "+CREG: 0,1\r\nOK"}
        self.answers |= {"CEREG?": "+CEREG: 0,1\r\nOK"} | answers
        self.lines, self.octets, self.text = [], b"", b""

    def write(self, data):
        for octet in data:
            self.text += bytes((octet,))
            if octet == 0x1B:
                self.text = b""
            elif octet in b"\r\x1a":
                line, self.text = self.text[:-1].decode(), b""
                self.lines.append(line)
                self.octets += self.answer(line, octet == 0x1A)
        return len(data)

    def answer(self, line, pdu):
        key = "pdu" if pdu else line.removeprefix("AT").removeprefix("+").partition("=")[0] or "AT"
        found = self.answers.get(key, {"CMGS": "> ", "pdu": "+CMGS: 1\r\nOK"}.get(key, "OK"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            return b""
        return f"\r\n{found}".encode() + (b"" if found.endswith("> ") else b"\r\n")

    def read(self, size):
        octets, self.octets = self.octets[:size], self.octets[size:]
        return octets

    def close(self):
        self.lines.append("closed")


@pytest.fixture
def quick(monkeypatch):
    """Time that passes when it is looked at; a way to give `send` a port."""
    ticks = itertools.count(0.0, 0.01)
    monkeypatch.setattr(sms_modem.time, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(sms_modem.time, "sleep", lambda seconds: None)

    def send(plan, **answers):
        script = Script(**answers)
        monkeypatch.setattr(sms_modem, "open_port", lambda name, baud: script)
        progress = []
        try:
            sms_modem.send(plan, "port", progress.append)
        finally:
            script.sent = progress
            send.script = script
        return script

    return send


def test_the_sequence_of_commands(quick):
    plan = planned()
    script = quick(plan)
    assert script.lines[:8] == [
        "AT", "ATE0", "AT+CMEE=1", "AT+CPIN?", "AT+CREG?", "AT+CEREG?", "AT+CMGF=0", "AT+CMMS=1",
    ]  # fmt: skip
    pairs = [line for submit in plan.submits for line in (f"AT+CMGS={submit.length}", submit.digits)]
    assert script.lines[8:] == [*pairs, "closed"]
    assert script.sent == [1, 2, 3, 4]


def test_what_else_the_modem_says_is_passed_over(quick):
    noise = '+CMTI: "SM",3\r\nRING\r\n'
    script = quick(
        planned(),
        AT=[None, "\x00garbage", noise + "OK"],
        CPIN="ERROR",
        CMGS=noise + "\r\n> ",
        pdu=noise + "+CMGS: 7\r\n" + noise + "OK",
        CMMS="ERROR",
        E0="ERROR",
    )
    assert script.sent == [1, 2, 3, 4]


@pytest.mark.parametrize("failure", ["+CMS ERROR: 331", "+CMS ERROR: 42", "+CME ERROR: 30"])
def test_what_may_pass_is_tried_again(quick, failure):
    script = quick(planned(), pdu=[failure, failure, "+CMGS: 1\r\nOK"])
    assert script.sent == [1, 2, 3, 4] and len(script.lines) == 8 + 2 * 6 + 1


def test_an_answer_that_never_came(quick):
    script = quick(planned(), pdu=["+CMGS: 1\r\nOK", None, "+CMGS: 3\r\nOK"], CMGS=["> ", "> ", None, "> "])
    assert script.sent == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"AT": None}, "no modem answers"),
        ({"CPIN?": "+CPIN: SIM PIN\r\nOK"}, "PIN"),
        ({"CPIN?": "+CME ERROR: 10"}, "no SIM"),
        ({"CREG?": "+CREG: 0,2\r\nOK", "CEREG?": "ERROR"}, "no network"),
        ({"CMGF": "ERROR"}, "as PDU"),
        ({"pdu": "+CMS ERROR: 330"}, "AT.CSCA; 0 of 4|AT.CSCA.; 0 of 4"),
        ({"pdu": ["+CMGS: 1\r\nOK", "+CMS ERROR: 8"]}, "contract.*; 1 of 4 are sent"),
        ({"pdu": "+CMS ERROR: 331"}, "no network.*0 of 4"),
        ({"CMGS": "+CMS ERROR: 304"}, "this PDU"),
        ({"CMGS": "+CMS ERROR: 999"}, "CMS 999"),
        ({"CMGS": "ERROR"}, r"\(ERROR\)"),
        ({"CMGS": None}, "no answer"),
        ({"ATE0": None, "E0": None, "CMGF": None}, "as PDU"),
    ],
)
def test_a_modem_that_can_not(quick, answers, told):
    with pytest.raises(ToolError, match=told):
        quick(planned(), **answers)
    assert quick.script.lines[-1] == "closed"
    assert "\n" not in told


def test_no_port_is_named(here):
    done = run(f"push sms modem /dev/nowhere m.wbxml -a a.toml --to {NUMBER}")
    assert done.exit_code == 1 and "/dev/nowhere: can't be opened" in done.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = run(f"push sms modem socket://127.0.0.1:{port} m.wbxml -a a.toml --to {NUMBER}")
    assert done.exit_code == 1 and "can't be opened" in done.stderr
    done = run(f"push sms modem carrier://pigeon m.wbxml -a a.toml --to {NUMBER}")
    assert done.exit_code == 1 and "socket://HOST:PORT" in done.stderr


class Modems:
    """Simulated modems beside the test."""

    def __init__(self):
        self.exchange = Exchange()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def do(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def close(self):
        self.do(self.exchange.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)
        self.loop.close()


@pytest.fixture
def modems():
    made = Modems()
    yield made
    made.close()


@pytest.mark.parametrize(("family", "where"), [("generic", "0"), ("sim800", "pty"), ("sara", "0")])
def test_a_simulated_modem_sends_what_was_planned(here, modems, family, where):
    station = modems.do(modems.exchange.add(family, "+15550123", where))
    port = station.address if where == "pty" else f"socket://{station.address}"
    words = f"m.wbxml -a a.toml --to {NUMBER} --reference 7"
    done = run(f"push sms modem {port} {words}")
    assert done.exit_code == 0 and "4 SMS sent" in done.stderr
    dry = run(f"push sms modem - {words} --dry-run").stdout.split()
    assert [octets.hex().upper() for octets in station.modem.submitted] == dry


def test_gammu_sends_what_was_planned(here, modems):
    if not any(
        subprocess.run([python, "-c", "import gammu"], capture_output=True).returncode == 0
        for python in sms_gammu.interpreters()
    ):
        reason = "python3-gammu is missing: apt-get install python3-gammu"
        if CI:
            pytest.fail(reason, pytrace=False)
        pytest.skip(f"SKIP: {reason}")
    station = modems.do(modems.exchange.add("generic", "+15550123", "pty"))
    Path("rc").write_text(f"[gammu]\ndevice = {station.address}\nconnection = at\n")
    words = f"m.wbxml -a a.toml --to {NUMBER} --reference 7 --hours 96"
    done = run(f"push sms gammu rc {words}")
    assert done.exit_code == 0 and "4 SMS sent" in done.stderr
    dry = run(f"push sms modem - {words} --dry-run").stdout.split()
    # Gammu names the service centre; the rest is the same to the octet.
    sent = [octets.hex().upper() for octets in station.modem.submitted]
    assert [line[2 + 2 * int(line[:2], 16) :] for line in sent] == [line[2:] for line in dry]


def test_gammu_that_fails_is_told_in_a_line(here, monkeypatch):
    assert "rc: no such file" in run(f"push sms gammu rc m.wbxml -a a.toml --to {NUMBER}").stderr
    Path("rc").write_text("[gammu]\ndevice = /dev/nowhere\nconnection = at\n")

    def with_helper(text):
        Path("helper.py").write_text(text)
        monkeypatch.setattr(sms_gammu, "_HELPER", Path("helper.py").resolve())
        done = run(f"push sms gammu rc m.wbxml -a a.toml --to {NUMBER}")
        assert done.exit_code == 1 and "Traceback" not in done.output
        return done.stderr

    assert "apt-get install python3-gammu" in with_helper("raise SystemExit(86)")
    assert "on fire; 2 of 4 are sent" in with_helper(
        'print(\'{"sent": 2}\'); print(\'{"error": "on fire"}\'); raise SystemExit(1)'
    )
    assert "a remark; 0 of 4" in with_helper("print('a remark'); raise SystemExit(3)")
    assert "; 0 of 4 are sent" in with_helper("")  # it says that all is well, and sent nothing
    monkeypatch.setattr(sms_gammu, "SECONDS", 0.3)
    assert "said nothing" in with_helper("import time; time.sleep(30)")


# -- Kannel


class Gateway(BaseHTTPRequestHandler):
    """Answers as Kannel 1.4.5 does: smsbox on /cgi-bin/sendsms, the push proxy gateway on /wappush."""

    seen = ()
    answer = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, self.headers, body))
        if self.answer is None:
            self.answer = self.smsbox() if self.path == "/cgi-bin/sendsms" else self.ppg()
        status, text = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def smsbox(self):
        if self.headers["X-Kannel-Password"] != "open sesame":
            return 403, "Authorization failed for sendsms"
        return 202, "0: Accepted for delivery"

    def ppg(self):
        return 202, (
            '<?xml version="1.0"?><!DOCTYPE pap PUBLIC "-//WAPFORUM//DTD PAP 1.0//EN" "http://x/pap.dtd">'
            '<pap product-name="KANNEL"><push-response push-id="x"><response-result code ="1001" desc="Ok">'
            "</response-result></push-response></pap>"
        )

    def log_message(self, *_):
        pass


@pytest.fixture
def gateway(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setattr(Gateway, "seen", [])
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def sendsms(url, more=LOGIN):
    return run(f"push sms kannel-sendsms {url} m.wbxml -a a.toml --to {NUMBER} {more}")


def pap(url, more=LOGIN, message="m.wbxml"):
    return run(f"push sms kannel-pap {url} {message} -a a.toml --to {NUMBER} {more}")


def test_sendsms_is_one_request_an_sms(here, gateway):
    done = sendsms(gateway, LOGIN + " --reference 7 --hours 2")
    assert done.exit_code == 0 and "4 SMS sent" in done.stderr
    plan = sms_push.plan(
        accounts.load(Path("a.toml")), Path("m.wbxml").read_bytes(), NUMBER, reference=7, minutes=120
    )
    assert len(Gateway.seen) == 4
    for part, (path, headers, body) in zip(plan.parts, Gateway.seen, strict=True):
        assert path == "/cgi-bin/sendsms" and body == part.payload
        assert len(body) + len(part.header) <= 140  # nothing is left to be cut
        assert headers["X-Kannel-UDH"] == part.header.hex() and headers["X-Kannel-To"] == NUMBER
        assert headers["Content-Type"] == "application/octet-stream" and headers["X-Kannel-Coding"] == "1"
        assert headers["X-Kannel-Validity"] == "120" and "Authorization" not in headers


def test_pap_gives_the_gateway_nothing_that_it_would_put_on_the_air(here, gateway):
    done = pap(gateway)
    assert done.exit_code == 0 and "25 minutes" in done.stderr
    ((path, headers, body),) = Gateway.seen
    assert path == "/wappush?username=dm&password=open+sesame"
    # Every header of the request but these ends up in the push.
    assert set(map(str.lower, headers)) == {"host", "content-length", "content-type", "x-syncml-hmac"}
    account = accounts.load(Path("a.toml"))
    message = Path("m.wbxml").read_bytes()
    assert headers["x-syncml-hmac"] == account.header(message, compact=True)
    whole = b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
    control, content = message_from_bytes(whole, policy=HTTP).iter_parts()
    assert control.get_content_type() == "application/xml"
    assert f'address-value="WAPPUSH={NUMBER}/TYPE=PLMN@127.0.0.1"' in control.get_payload()
    assert 'bearer="SMS"' in control.get_payload() and "push-id=" in control.get_payload()
    assert {name.lower() for name in content} == {"content-type", "x-wap-application-id"}
    boundary = content_boundary(headers)
    assert body.split(b"--" + boundary)[2] == (
        b"\r\nContent-Type: application/vnd.syncml.dm+wbxml\r\n"
        b"X-Wap-Application-Id: x-wap-application:syncml.dm\r\n\r\n" + message + b"\r\n"
    )


def content_boundary(headers):
    return re.search("boundary=([^;]+)", headers["Content-Type"])[1].encode()


def test_push_ids_are_never_the_same(here, gateway):
    pap(gateway, "")
    pap(gateway, "")
    ids = [re.search(b'push-id="([^"]+)"', body)[1] for _, _, body in Gateway.seen]
    assert len(set(ids)) == 2 and [path for path, _, _ in Gateway.seen] == ["/wappush"] * 2


def test_the_gateways_push_is_counted_as_kannel_makes_it():
    """363 octets and 3 SMS were what Kannel 1.4.5 made of a push like this."""
    account = accounts.Account(
        "com.example.dms", "urn:dev:mac:07", "com.example.dms", "s" * 32, b"n" * 16, 1, 1
    )
    plan = sms_push.plan(account, bytes(208), NUMBER)
    assert len(sms_kannel.pap_push(plan)) == 363 and sms_kannel.pap_parts(plan) == 3
    push = wsp_decode.read(sms_kannel.pap_push(plan))
    assert [name for name, _ in push.headers] == [
        "Content-Type", "x-syncml-hmac", "X-Wap-Application-Id", "Content-Length", "Encoding-Version",
    ]  # fmt: skip
    assert push.body == plan.message and not push.remarks
    longer = sms_push.plan(account, bytes(269), NUMBER)
    assert len(wsp_encode.push(longer.message, longer.hmac)) < len(sms_kannel.pap_push(longer))


def test_what_the_gateway_would_truncate_is_refused(here, gateway):
    Path("long").write_bytes(b"\2" + bytes(1299))
    done = pap(gateway, message="long")
    assert done.exit_code == 1 and not Gateway.seen
    assert "12 SMS" in done.stderr and "--max-messages 12" in done.stderr and "kannel-sendsms" in done.stderr
    assert pap(gateway, LOGIN + " --max-messages 12", message="long").exit_code == 0
    assert len(Gateway.seen) == 1


def test_dry_run_of_pap_shows_the_request_without_the_password(here, gateway):
    done = pap(gateway, LOGIN + " --dry-run")
    assert done.exit_code == 0 and not Gateway.seen
    assert "x-syncml-hmac: algorithm=HMAC-SHA256" in done.stdout and "WAPPUSH=" in done.stdout
    assert "sesame" not in done.output


@pytest.mark.parametrize("send", [sendsms, pap])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((500, "no"), "HTTP 500"),
        ((404, ""), "404"),
        ((403, "Authorization failed for sendsms"), "Authorization failed|HTTP 403"),
        ((200, "hello"), "hello"),
        ((202, ""), "HTTP 202"),
        ((202, "4: Denied"), "Denied"),
        ((401, "<a>"), "401|refused"),
        ((202, '<pap><badmessage-response code="2000" desc="x"/></pap>'), "2000|badmessage"),
        ((202, '<pap><push-response><response-result code="2001"/></push-response></pap>'), "2001"),
        ((202, '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]><a>&e;</a>'), "HTTP 202"),
    ],
)
def test_every_refusal_is_a_line(here, gateway, monkeypatch, send, answer, told):
    monkeypatch.setattr(Gateway, "answer", answer)
    done = send(gateway)
    assert done.exit_code == 1 and "sesame" not in done.output
    last = done.stderr.strip().split("\n")[-1]
    assert last.startswith("dmtool: ") and re.search(told, last)


@pytest.mark.parametrize("send", [sendsms, pap])
def test_an_answer_that_is_no_http(here, send):
    """Kannel refuses a push by sending the request's own headers back, two lengths and all."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        done = send(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(10)
    assert done.exit_code == 1 and "refused" in done.stderr and "--user" in done.stderr


@pytest.mark.parametrize("send", [sendsms, pap])
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://127.0.0.1:1", "nobody listens"),
        ("http://dm:sesame@127.0.0.1:1", "--password-file"),
        ("http://127.0.0.1:1/x?username=dm&password=sesame", "--password-file"),
        ("ftp://127.0.0.1", "no URL of a gateway"),
        ("http://\x07", "no URL"),
    ],
)
def test_urls_that_can_not_be(here, send, url, told):
    done = send(url)
    assert done.exit_code == 1 and told in done.stderr and "sesame" not in done.stderr


def test_a_password_is_private_and_in_a_line(here):
    for mode, text, told in ((0o644, "a", "0644"), (0o600, "", "alone"), (0o600, "a\nb", "alone")):
        Path("pw").write_text(text)
        Path("pw").chmod(mode)
        done = sendsms("http://127.0.0.1:1")
        assert done.exit_code == 1 and "pw: " in done.stderr and told in done.stderr
    assert sendsms("http://127.0.0.1:1", "--user dm --password-file nix").exit_code == 1
    assert sendsms("http://127.0.0.1:1", "--user dm").exit_code == 2
    assert pap("http://127.0.0.1:1", "--password-file pw").exit_code == 2


def test_where_a_password_would_be_read():
    def clear(text):
        return sms_kannel.in_clear(sms_kannel.url_of(text, "pap"))

    assert clear("http://gateway.example") and clear("http://192.0.2.7:8080")
    assert not clear("https://gateway.example") and not clear("http://127.0.0.1:8080")
    assert not clear("http://localhost:8080") and not clear("http://[::1]:8080")
