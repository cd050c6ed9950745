"""The command line: exit codes, one-line reasons, help with examples, and no secret anywhere."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from dmtool import account as accounts
from dmtool import cli, wbxml_decode
from dmtool import image as images
from typer.testing import CliRunner

COMMANDS = (
    "",
    "account",
    "account create",
    "provision",
    "compose",
    "push",
    "push http",
    "push sms",
    "push sms modem",
    "push sms kannel-sendsms",
    "push sms kannel-pap",
    "push sms gammu",
    "device",
    "device run",
    "modem",
    "modem simulate",
    "modem families",
    "tree",
    "tnds",
    "tnds export",
    "tnds check",
    "inspect",
    "demo",
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def account(here):
    assert run("account create a.toml --server-id com.example.dms --device-id urn:dev:mac:07").exit_code == 0
    return accounts.load(here / "a.toml")


@pytest.fixture
def image(account):
    assert run("provision --account a.toml --image f.img --size 64K").exit_code == 0


def run(words, **more):
    return CliRunner().invoke(cli.app, words.split() if isinstance(words, str) else words, **more)


def refused(words, *told, code=1):
    """Run it; it must end with one line that holds these texts, and leave no traceback."""
    done = run(words)
    assert done.exit_code == code, done.output
    assert isinstance(done.exception, SystemExit)
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1 and lines[0].startswith("dmtool: "), done.stderr
    for text in told:
        assert text in lines[0]
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    for option in ("--help", "-h"):
        done = run([*command.split(), option])
        assert done.exit_code == 0 and "Usage:" in done.output


@pytest.mark.parametrize(
    "command",
    [c for c in COMMANDS if c not in ("", "account", "push", "push sms", "device", "modem", "tnds", "demo")],
)
def test_help_shows_an_example(command):
    text = " ".join(run([*command.split(), "--help"], env={"COLUMNS": "200"}).output.split())
    assert "Example" in text and f"dmtool {command} " in text


@pytest.mark.parametrize(
    "words",
    [
        "frobnicate",
        "compose",
        "compose --account a.toml --frobnicate",
        "push http",
        "push smoke signals",
        "push sms modem /dev/x m.wbxml -a a.toml",
        "push sms gammu rc m.wbxml -a a.toml --to +1 --hours 0",
        "push sms kannel-pap http://h m.wbxml -a a.toml --to +1 --max-messages 256",
        "provision --account a.toml",
        "account create",
        "account create a.toml --server-id s",
        "device run --image f.img --http 70000",
        "device run --image f.img --http 4035 --cut 0",
        "tree",
    ],
)
def test_usage_errors_are_2(here, words):
    done = run(words)
    assert done.exit_code == 2 and "Usage:" in done.stderr


def test_no_words_show_the_help():
    assert "compose" in run("").output


def test_usage_errors_of_our_own_are_2_in_one_line(account):
    refused("compose -a a.toml -o m frobnicate ./A", "frobnicate", "replace", code=2)
    refused("compose -a a.toml -o m add", "names no node", code=2)
    refused("compose -a a.toml -o m --atomic --sequence delete ./A", "--atomic", code=2)
    refused("compose -a a.toml -o m", "--xml", code=2)
    refused("compose -a a.toml -o m --xml x.xml delete ./A", "--xml", code=2)
    refused("compose -a a.toml -o m --wbxml 1.0 delete ./A", "1.0", code=2)
    refused("provision -a a.toml -i f.img --size many", "--size", code=2)
    refused("device run -i f.img --http 4035 --cut 1 --torn sideways", "--torn", code=2)
    refused("device run -i f.img", "--http", "--sms", code=2)
    refused("device run -i f.img --http 4035 --direct", "--sms", code=2)
    for address in ("nowhere", "host:", ":4100", "host:0", "host:x", "/dev/pts/3"):
        refused(f"device run -i f.img --sms {address}", "HOST:PORT", code=2)
    refused("push http http://h m.wbxml -a a.toml --algorithm MD5", "--algorithm", code=2)
    assert accounts.load(Path("a.toml")).msg_id == 0


def test_missing_files_are_named_with_a_remedy(account, here):
    refused("compose -a nix.toml -o m delete ./A", "nix.toml", "account create")
    refused("provision -a nix.toml -i f.img", "nix.toml", "account create")
    refused("push http http://h m.wbxml -a a.toml", "m.wbxml", "compose")
    refused("tree nix.img", "nix.img", "provision")
    refused("device run -i nix.img --http 4035", "nix.img", "provision")
    refused("inspect nix", "nix", "compose")
    refused("compose -a a.toml -o m --xml nix.xml", "nix.xml")
    refused("compose -a a.toml -o /nowhere/m delete ./A", "/nowhere/m")
    refused("account create /nowhere/a.toml --server-id s --device-id d", "/nowhere/a.toml")
    refused("provision -a a.toml -i /nowhere/f.img", "/nowhere/f.img")
    refused("tree .", "directory")
    refused("inspect .", "directory")


def test_bad_input_is_named(account, here):
    (here / "a.toml").chmod(0o644)
    refused("compose -a a.toml -o m delete ./A", "a.toml", "0644", "chmod 600")
    (here / "a.toml").chmod(0o600)
    text = (here / "a.toml").read_text()
    (here / "a.toml").write_text(text.replace("msg_id = 0", "msg_id = -1"))
    refused("compose -a a.toml -o m delete ./A", "a.toml", "msg_id")
    (here / "a.toml").write_text(text.replace("secret = ", "secret = ["))
    refused("compose -a a.toml -o m delete ./A", "a.toml", "TOML")
    (here / "a.toml").write_text(text)
    refused("compose -a a.toml -o m delete /A", "/A", "./")
    refused("compose -a a.toml -o m get ./A", "no answer")
    refused("compose -a a.toml -o m delete ./DMAcc/x", "dmtool provision")
    refused("account create a.toml --server-id s --device-id d", "a.toml", "exists")
    refused("account create b.toml --server-id a+b --device-id d", "b.toml", "server_id")
    refused("provision -a a.toml -i f.img --rights Copy", "--rights", "Copy")
    refused("provision -a a.toml -i f.img --size 5000", "4096")
    (here / "n").write_bytes(b"\2")
    refused("push http nonsense n -a a.toml", "nonsense")
    assert not (here / "f.img").exists() and not (here / "m").exists() and not (here / "b.toml").exists()


def test_the_account_file_is_no_output(account, here):
    before = (here / "a.toml").read_bytes()
    refused("compose -a a.toml -o a.toml delete ./A", "account file", code=2)
    refused("compose -a a.toml -o ./x/../a.toml delete ./A", "account file", code=2)
    assert (here / "a.toml").read_bytes() == before


def test_octets_that_are_no_text_are_refused(account):
    refused(["compose", "-a", "a.toml", "-o", "m", "replace", "./A=\udcff"], "UTF-8")
    refused(["account", "create", "b.toml", "--server-id", "s", "--device-id", "d\udcff"], "device_id")


def test_a_disk_that_fails_is_named(account, monkeypatch):
    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(images.os, "fsync", fail)
    refused("provision -a a.toml -i f.img", "input/output error")


def test_a_terminal_without_our_signs(image):
    done = command_line(["tree", "f.img"], env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and "urn:dev:mac:07" in done.stdout


def test_markup_in_names_is_text(account, here):
    assert "[bold]" in refused(["tree", "[bold]x"])
    assert "[/]" in refused(["compose", "-a", "[/].toml", "-o", "m", "delete", "./A"])


def test_compose_writes_a_private_file_and_says_its_number(account, here):
    done = run(["compose", "-a", "a.toml", "-o", "m.wbxml", "--atomic", "add ./A:node", "add", "./A/B:int=3"])
    assert done.exit_code == 0 and "session 1, message 1" in done.stderr and done.stdout == ""
    assert (here / "m.wbxml").stat().st_mode & 0o777 == 0o600
    body = wbxml_decode.decode((here / "m.wbxml").read_bytes()).root.find("SyncBody")
    assert [e.name for e in body.elements()] == ["Atomic", "Final"]


def test_compose_to_standard_output(account):
    done = run("compose -a a.toml --sequence --wbxml 1.3 --string-table delete ./A delete ./A")
    octets = done.stdout_bytes
    document = wbxml_decode.decode(octets)
    assert document.error is None and document.rest == 0 and document.version == "1.3"


def test_compose_a_tnds_object_and_more(account, here):
    example = Path(__file__).resolve().parents[2] / "docs" / "examples" / "uplink.xml"
    words = f"compose -a a.toml -o m.wbxml --sequence --tnds {example} --target ./Conn delete ./Old"
    assert run(words).exit_code == 0
    root = wbxml_decode.decode((here / "m.wbxml").read_bytes()).root
    (block,) = [e for e in root.find("SyncBody").elements() if e.name != "Final"]
    assert [e.name for e in block.elements()] == ["CmdID", "Add", "Delete"]
    words = f"compose -a a.toml -o m.wbxml --no-sign --tnds {example}"
    sizes = {}
    for form in ("1", "base64", "XML", "inline"):
        assert run(f"{words} --form {form}").exit_code == 0
        sizes[form] = (here / "m.wbxml").stat().st_size
    assert sizes["1"] < sizes["base64"] and sizes["1"] < sizes["XML"]
    assert run(f"{words} --compact").exit_code == 0
    for more, told in (
        ("--replace", "--target"),
        ("--form 5", "opaque"),
        ("--base ./A --virtual MOID=x", "--virtual"),
    ):
        refused(f"{words} {more}", told, code=2)
    refused("compose -a a.toml -o m --target ./A delete ./A", "--tnds", code=2)
    refused("compose -a a.toml -o m --xml x.xml --base ./A", "--base", code=2)
    refused("compose -a a.toml -o m --virtual urn:x delete .", "MOID")
    refused("compose -a a.toml -o m --tnds nix.xml", "nix.xml")


def test_compose_below_an_object(account, here):
    words = [
        "compose",
        "-a",
        "a.toml",
        "-o",
        "m.wbxml",
        "--virtual",
        "MOID=urn:x&Id=7",
        "acl",
        "A=Get=*",
        "exec",
        ".",
    ]
    assert run(words).exit_code == 0
    done = run("inspect --xml m.wbxml")
    for text in ("<LocURI>A?prop=ACL</LocURI>", "<LocURI>MOID=urn:x&amp;Id=7</LocURI>", "<Data>Get=*</Data>"):
        assert text in done.stdout


def test_compose_from_xml(account, here):
    (here / "b.xml").write_text("<Delete><Item><Target><LocURI>./A</LocURI></Target></Item></Delete><Final/>")
    assert run("compose -a a.toml -o m.wbxml --atomic --xml b.xml").exit_code == 0
    body = wbxml_decode.decode((here / "m.wbxml").read_bytes()).root.find("SyncBody")
    assert [e.name for e in body.elements()] == ["Atomic", "Final"]


def test_inspect(account, here):
    run("compose -a a.toml -o m.wbxml replace ./Led/State=on")
    plain = run("inspect m.wbxml")
    assert plain.exit_code == 0 and "'./Led/State'" in plain.stdout and "to urn:dev:mac:07" in plain.stderr
    xml = run("inspect m.wbxml --xml")
    assert "<LocURI>./Led/State</LocURI>" in xml.stdout and '<SyncML xmlns="SYNCML:SYNCML1.2">' in xml.stdout
    octets = (here / "m.wbxml").read_bytes()
    (here / "cut.wbxml").write_bytes(octets[:-9])
    done = run("inspect cut.wbxml")
    assert done.exit_code == 1 and "'./Led/State'" in done.stdout and "cut.wbxml: offset" in done.stderr
    (here / "empty").write_bytes(b"")
    refused("inspect empty", "empty")


def test_tree(image):
    done = run("tree f.img", env={"COLUMNS": "160"})
    assert done.exit_code == 0 and "urn:dev:mac:07" in done.stdout
    rows = json.loads(run("tree f.img --json").stdout)
    assert {row["uri"] for row in rows} >= {".", "./DevInfo/DevId", "./DMAcc/com.example.dms/ServerID"}


def test_push_to_nobody(account):
    run("compose -a a.toml -o m.wbxml delete ./A")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        refused(f"push http http://127.0.0.1:{probe.getsockname()[1]} m.wbxml -a a.toml", "nobody listens")


def test_only_messages_are_sent(account, here):
    """An account file given by mistake must not go over the air, signed or not."""
    for words in ("push http http://127.0.0.1:1", "push sms modem /dev/nowhere"):
        number = " --to +15550199" if "sms" in words else ""
        refused(f"{words} a.toml -a a.toml{number}", "a.toml: is no WBXML message", "dmtool compose")


def test_a_port_that_is_taken(image, micropython):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(f"device run -i f.img --http {port}", f"port {port} is taken", "--http")


def test_version():
    done = run("--version")
    assert done.exit_code == 0 and re.fullmatch(r"dmtool \d+\.\d+\.\d+\n", done.output)


def test_a_secret_appears_nowhere(account, image, here):
    (here / "bad.toml").write_text((here / "a.toml").read_text().replace('"\n', "\n"))
    (here / "bad.toml").chmod(0o600)
    outputs = []
    for words in (
        "account create a.toml --server-id s --device-id d",
        "provision -a a.toml -i f.img",
        "provision -a bad.toml -i f.img",
        "compose -a a.toml -o m.wbxml replace ./A=1",
        "compose -a bad.toml -o m.wbxml replace ./A=1",
        "compose -a a.toml -o n.wbxml get ./A",
        "inspect m.wbxml",
        "inspect m.wbxml --xml",
        "push http http://127.0.0.1:1 m.wbxml -a a.toml",
        "push http http://127.0.0.1:1 m.wbxml -a bad.toml",
        "tree f.img",
        "tree f.img --json",
    ):
        outputs.append(run(words).output)
    octets = "".join(outputs).encode() + (here / "m.wbxml").read_bytes()
    stored = (here / "f.img").read_bytes()
    assert account.secret.encode() not in octets + stored
    assert account.key not in octets
    assert account.nonce not in octets
    assert account.key in stored


def test_a_failure_inside_shows_no_locals(account, monkeypatch):
    # Whatever goes wrong in our own code: a traceback may come, values of variables may not.
    assert cli.app.pretty_exceptions_show_locals is False


def command_line(words, **more):
    return subprocess.run(
        [sys.executable, "-m", "dmtool", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def test_as_a_process(account, here):
    done = command_line(["compose", "-a", "a.toml", "-o", "m.wbxml", "delete", "./A"])
    assert (done.returncode, done.stdout) == (0, "")
    assert command_line(["compose", "-a", "a.toml", "-o", "m.wbxml", "delete", "/A"]).returncode == 1
    assert command_line(["compose"]).returncode == 2
    done = command_line(["compose", "-a", "nix", "-o", "m", "delete", "./A"])
    assert done.stderr == "dmtool: nix: no such file; make one with: dmtool account create\n"


def test_a_reader_that_goes_away_is_no_crash(image):
    process = subprocess.Popen(
        [sys.executable, "-m", "dmtool", "tree", "f.img", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    error = process.stderr.read()
    process.wait(30)
    assert b"Traceback" not in error


def test_completion_is_offered():
    done = command_line(["--show-completion"], env={**os.environ, "SHELL": "/bin/bash"})
    assert "dmtool" in done.stdout or "--install-completion" in run("--help").output
    done = command_line(
        [],
        env={**os.environ, "_DMTOOL_COMPLETE": "complete_bash", "COMP_WORDS": "dmtool ", "COMP_CWORD": "1"},
    )
    assert {"compose", "provision", "tree"} <= set(re.split(r"\s+", done.stdout))
