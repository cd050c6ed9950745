"""Onto a board as a user would: `make deploy` on stock and on our firmware, and package.json for mip.

The board is simulated; everything else is what runs against a real one.
"""

import importlib.util
import json
import signal
import subprocess
import sys

import pytest
from conftest import ROOT
from dmtool import provision_port
from dmtool.account import Account
from target import Live, board, firmware, on_pty, simulator

BUILD = ROOT / "tools" / "build"
DEPLOY = BUILD / "deploy.py"


def load(name):
    """Import a script of tools/build, whose folder is on the path while it runs."""
    sys.path.insert(0, str(BUILD))
    try:
        spec = importlib.util.spec_from_file_location(name, BUILD / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(BUILD))


def deploy(live, *options, status=0):
    """Run deploy to its end; return what it said."""
    command = [sys.executable, str(DEPLOY), live.find("REPL"), *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=170)
    assert run.returncode == status, run.stdout + run.stderr
    return run.stdout + run.stderr


# Deploys, and is killed in the middle of a file: after so many that are whole.
KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import deploy
left = int(sys.argv[2])
write = deploy.Deployer.write
def counted(board, path, octets, told):
    global left
    if not left:
        write(board, path, octets[: len(octets) // 2], told)
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    write(board, path, octets, told)
deploy.Deployer.write = counted
sys.exit(deploy.main(sys.argv[3:]))
"""


def kill_after(live, files):
    """Have deploy killed while it copies the file after so many; return the names of those."""
    command = [sys.executable, "-u", "-c", KILLED, str(BUILD), str(files), live.find("REPL")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert run.returncode == -signal.SIGKILL, run.stdout + run.stderr
    names = copied(run.stdout)
    assert len(names) == files
    return names


def copied(text):
    return [line.split()[0] for line in text.splitlines() if line.startswith("  /")]


@pytest.mark.slow
@pytest.mark.timeout(900)  # two minutes on a machine that has nothing else to do
def test_stock_firmware_interrupted_three_times(tmp_path):
    """Killed after 3 files, the board's power cut later, killed again near the end; then it is whole."""
    image = tmp_path / "flash.img"
    with on_pty("RPI_PICO", "--flash", image, "--cut", 160, "--torn", "half") as live:
        first = kill_after(live, 3)
        assert len(first) == 3
        said = deploy(live, status=1)  # the power goes at flash operation 160
        assert "start again to go on" in said
        second = copied(said)
        assert second and not set(first) & set(second), "what was there was not copied again"
        assert live.process.wait(20) == 17
    with on_pty("RPI_PICO", "--flash", image) as live:
        assert "differs or is missing" in deploy(live, "--verify", status=1)
        third = kill_after(live, 5)
        said = deploy(live)
        fourth = copied(said)
        every = [*first, *second, *third, *fourth]
        assert len(every) >= 40 and len(every) <= len(set(every)) + 1, "no more than the cut one twice"
        verified = int(said.partition(" files verified by SHA-256")[0].split()[-1])
        # The power may go between a file's last octet in flash and the word of it.
        assert 0 <= verified - len(set(every)) <= 1
        # What is there starts with the board, and works.
        status = live.mpremote("exec", "import dm; dm.status()")
        assert "not provisioned" in status and "0 damaged" in status
        assert ".part" not in live.mpremote("exec", "import os; print(os.listdir('/lib/omadm'))")
        # Files that are out of place go, and one that has changed comes again.
        live.mpremote(
            "exec",
            "f = open('/lib/omadm/acl.mpy', 'a'); f.write('x'); f.close()\n"
            "f = open('/lib/omadm/acl.py', 'w'); f.write('x = 1'); f.close()\n"
            "f = open('/board.py', 'a'); f.write('# mine'); f.close()",
        )
        said = deploy(live, "--verify", status=1)
        assert "/lib/omadm/acl.mpy differs" in said and "/board.py is yours" in said
        said = deploy(live)
        assert copied(said) == ["/lib/omadm/acl.mpy"]
        assert "/lib/omadm/acl.py removed" in said
        live.mpremote("resume", "exec", "import omadm.errors")  # what runs there is not frozen for that
        said = deploy(live, "--replace")
        assert copied(said) == ["/board.py"], said
        account = secret_of_stock_firmware(live)
    assert account.key in image.read_bytes() and account.secret.encode() not in image.read_bytes()


# Prints the files that hold a secret.
SEARCH = """
import os
def search(folder):
    for name, kind, *_ in os.ilistdir(folder):
        path = folder + "/" + name
        if kind == 0x4000:
            search(path)
        elif any(secret in open(path, "rb").read() for secret in %r):
            print(path)
search("")
"""


def secret_of_stock_firmware(live):
    """Provision a board whose tree lies in files: they have the secret, and no other file."""
    account = Account("com.example.dms", "urn:dev:test:stock", "operator", "correct horse battery", b"n" * 16)
    assert provision_port.provision(live.find("REPL"), account).created
    found = live.mpremote("exec", SEARCH % ((account.key, account.secret.encode()),)).split()
    assert found and all(path.startswith("/dmtree/") for path in found), found
    assert "com.example.dms" in live.mpremote("exec", "import dm; dm.status()")
    return account


def test_a_wrong_sha256_is_caught(monkeypatch, capsys):
    """An octet that changes on its way is noticed, and the file does not get its name."""
    tool = load("deploy")
    write = tool.Deployer.write

    def garble(remote, path, octets, told):
        if path.startswith("/main.py"):
            octets = octets[:50] + bytes([octets[50] ^ 1]) + octets[51:]
        write(remote, path, octets, told)

    monkeypatch.setattr(tool.Deployer, "write", garble)
    with on_pty("RP2040_DM") as live:
        assert tool.main([live.find("REPL")]) == 1
        assert "/main.py has another SHA-256" in capsys.readouterr().err
        names = live.mpremote("exec", "import os; print(os.listdir('/'))")
        assert "'main.py'" not in names and "'app.py'" in names
        monkeypatch.undo()
        assert tool.main([live.find("REPL"), "--no-reset"]) == 0


def test_our_firmware_gets_configuration_only():
    with on_pty("RP2040_DM") as live:
        said = deploy(live)
        assert "omadm frozen" in said
        assert copied(said) == ["/app.py", "/main.py"]
        # Ctrl-C stops main.py, and the watchdog that it left behind is fed for as long as deploy works.
        assert copied(deploy(live)) == []
        assert "of 178560 octets" in live.mpremote("exec", "import dm; dm.status()")


@pytest.mark.parametrize(
    ("port", "text"), [("/dev/no-such-port", "cannot be opened"), ("/dev/null", "/dev/null")]
)
def test_a_port_without_a_board(port, text):
    run = subprocess.run([sys.executable, str(DEPLOY), port], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1 and text in run.stderr


@pytest.mark.slow
def test_a_board_that_says_nothing():
    process = simulator("run", "--firmware", firmware("RPI_PICO"))
    live = Live(process)
    try:
        port = live.find("REPL")
        process.send_signal(signal.SIGSTOP)
        run = subprocess.run([sys.executable, str(DEPLOY), port], capture_output=True, text=True, timeout=60)
        assert run.returncode == 1 and "no MicroPython answers" in run.stderr
    finally:
        process.send_signal(signal.SIGCONT)
        live.end()
        process.stdout.close()
        process.stderr.close()


def test_package_json_is_up_to_date():
    run = subprocess.run(
        [sys.executable, str(BUILD / "package.py"), "--check"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr


def test_package_json_names_what_deploy_copies():
    package = json.loads((ROOT / "package.json").read_text())
    modules = {f"{name}.py" for _, name in load("parts").modules()}
    assert {target for target, _ in package["urls"]} == modules
    assert all((ROOT / source).is_file() for _, source in package["urls"])
    assert [dep for dep, _ in package["deps"]] == ["github:miguelgrinberg/microdot/src/microdot/microdot.py"]


@pytest.mark.slow
def test_mip_install(tmp_path):
    """`mpremote mip install` of lib/ as it is here; Microdot, the dependency, is on the network."""
    package = json.loads((ROOT / "package.json").read_text())
    package["urls"] = [row for row in package["urls"] if row[0].startswith("omadm/")]
    package["deps"] = []
    (tmp_path / "package.json").write_text(json.dumps(package))
    (tmp_path / "lib").symlink_to(ROOT / "lib")
    with on_pty("RPI_PICO") as live:
        live.mpremote("mip", "install", tmp_path / "package.json", timeout=170)
        said = live.mpremote("exec", "from omadm.client import Client; print(Client)")
        assert said.startswith("<class 'Client'>")


def test_a_full_file_system_is_told_before_anything_is_copied():
    with board("RP2040_DM").boot() as chip:
        free = int(chip.exec("import os; f = os.statvfs('/'); print(f[0] * f[3])").stdout)
    tool = load("deploy")
    assert free > tool.SLACK

    class Full:
        port = "here"

        def facts(self):
            return ("micropython", (1, 25), 0x1306, True, False, tool.SLACK + 100)

        def hashes(self, paths):
            return dict.fromkeys(paths)

    options = tool.argparse.Namespace(replace=False, verify=False)
    with pytest.raises(tool.ToolError, match="are free on the board"):
        tool.deploy(Full(), options, tool.Console(quiet=True))
