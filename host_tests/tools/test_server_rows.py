"""What the standard binds a server to, seen on the tool as a whole."""

import http.server
import threading

import pytest
from conftest import ROOT
from dmtool import account as accounts
from dmtool import commands, compose, push_http, wbxml_decode
from dmtool.cli import app
from dmtool.errors import ToolError
from typer.testing import CliRunner

RUN = CliRunner()
WORDS = ["replace", "./A=1", "exec", "./B", "add", "./C:node", "delete", "./D"]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.toml"
    accounts.create(path, "com.example.dms", "urn:dev:mac:07")
    return path


@pytest.mark.row("R03", negative=True)
@pytest.mark.parametrize(
    "words",
    [
        ["compose", "replace", "./A=1"],
        ["push", "http", "http://127.0.0.1:1"],
        ["push", "sms", "modem", "-", "--to", "+15550199"],
    ],
)
def test_nothing_goes_out_without_an_account(words, tmp_path):
    message = tmp_path / "m.wbxml"
    message.write_bytes(b"\x02\xa4\x01\x6a\x00")
    done = RUN.invoke(app, [*words, str(message)] if words[0] == "push" else words)
    assert done.exit_code == 2 and "account" in done.output.lower()


@pytest.mark.row("R03", negative=True)
@pytest.mark.parametrize("field", ["secret", "nonce"])
def test_an_account_without_secret_or_nonce_signs_nothing(file, field):
    lines = [f'{field} = ""' if line.startswith(field) else line for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(ToolError, match=field):
        compose.compose(file, commands.parse(WORDS))


@pytest.mark.row("R18", "R33")
def test_no_message_asks_for_an_answer(file):
    root = wbxml_decode.decode(compose.compose(file, commands.parse(WORDS)).octets).root
    names = {element.name for element in every(root)}
    assert not names & {"RespURI", "Alert", "Get", "Results", "Status", "Correlator", "Chal"}


def every(element):
    """An element and all below it."""
    yield element
    for below in element.elements():
        yield from every(below)


class Talker(http.server.BaseHTTPRequestHandler):
    """Answers a push with a message of its own."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"\x02\xa4\x01\x6a\x00\x6d\x01"
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.syncml.dm+wbxml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.row("R18", negative=True)
def test_a_response_message_is_no_acknowledgement():
    server = http.server.HTTPServer(("127.0.0.1", 0), Talker)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        answer = push_http.push(f"http://127.0.0.1:{server.server_port}", b"x", "h")
    finally:
        server.shutdown()
        server.server_close()
    assert not answer.accepted and "no answer of a push receiver" in answer.reason
    assert set(push_http.Answer.__slots__) == {"http_status", "push_status"}  # nothing else is read


@pytest.mark.row("R33", negative=True)
def test_the_client_has_no_way_to_send():
    """Neither it nor the receivers open a connection, and no encoder is on the device.

    http_fetch fetches a package for the updater of the application; nothing goes out that tells of a message.
    """
    for path in [*(ROOT / "lib" / "omadm").glob("*.py"), *(ROOT / "firmware").rglob("*.py")]:
        if path.name == "http_fetch.py":
            continue
        text = path.read_text()
        assert ".connect(" not in text and "open_connection" not in text and "AT+CMGS" not in text, path
