"""The account file: who may read it, what it refuses, and that no number is used twice."""

import os
import stat
import subprocess
import sys
from base64 import b64decode

import pytest
from dmtool import account as accounts
from dmtool import files
from dmtool.errors import ToolError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.toml"
    accounts.create(path, "com.example.dms", "urn:dev:mac:07")
    return path


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))
    return path


def test_a_new_account_is_private_and_random(file, tmp_path):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    one = accounts.load(file)
    assert (one.server_id, one.device_id, one.auth_name) == (
        "com.example.dms",
        "urn:dev:mac:07",
        "com.example.dms",
    )
    assert (one.session_id, one.msg_id) == (1, 0)
    assert len(one.nonce) >= 16
    assert len(b64decode(one.secret + "=" * (-len(one.secret) % 4), altchars=b"-_")) >= 16
    other = accounts.create(tmp_path / "b.toml", "com.example.dms", "urn:dev:mac:08", "operator")
    assert other.secret != one.secret and other.nonce != one.nonce
    assert other.auth_name == "operator"


def test_a_new_account_is_private_under_any_umask(tmp_path):
    old = os.umask(0)
    try:
        accounts.create(tmp_path / "a.toml", "s", "d")
        accounts.next_number(tmp_path / "a.toml")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.toml").stat().st_mode) == 0o600


def test_an_account_is_never_overwritten(file):
    before = file.read_bytes()
    with pytest.raises(ToolError, match="exists already"):
        accounts.create(file, "s", "d")
    assert file.read_bytes() == before


def test_the_representation_shows_no_secret(file):
    account = accounts.load(file)
    assert account.secret not in repr(account) and account.secret not in str(account)


def test_numbers_rise_and_stay_in_the_file(file):
    for number in (1, 2, 3):
        account = accounts.next_number(file)
        assert (account.session_id, account.msg_id) == (1, number)
        assert accounts.load(file).msg_id == number
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_after_the_last_message_comes_the_next_session(file):
    edit(file, "msg_id = 0", f"msg_id = {accounts.MSG_MAX}")
    account = accounts.next_number(file)
    assert (account.session_id, account.msg_id) == (2, 1)


def test_used_up_numbers_are_refused(file):
    edit(file, "msg_id = 0", f"msg_id = {accounts.MSG_MAX}")
    edit(file, "session_id = 1", f"session_id = {accounts.SESSION_MAX}")
    with pytest.raises(ToolError, match="used up"):
        accounts.next_number(file)


def test_comments_survive_an_update(file):
    edit(file, "nonce =", "# bench 4\nnonce =")
    edit(file, "msg_id = 0", "msg_id =    7   # do not touch")
    assert accounts.next_number(file).msg_id == 8
    text = file.read_text()
    assert "# bench 4\n" in text and "msg_id =    8   # do not touch" in text


def test_an_unusual_spelling_is_rewritten_not_misread(file):
    edit(file, "msg_id = 0", "msg_id = 0x1F")
    assert accounts.next_number(file).msg_id == 32
    assert accounts.load(file).msg_id == 32


def test_a_file_others_can_read_is_refused(file):
    for mode in (0o644, 0o640, 0o660, 0o604, 0o610):
        file.chmod(mode)
        with pytest.raises(ToolError, match="chmod 600"):
            accounts.load(file)
        with pytest.raises(ToolError, match="chmod 600"):
            accounts.next_number(file)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('server_id = "com.example.dms"', "", "server_id"),
        ('server_id = "com.example.dms"', "server_id = 7", "server_id"),
        ('server_id = "com.example.dms"', 'server_id = "a+b"', "server_id"),
        ('server_id = "com.example.dms"', 'server_id = "a b"', "server_id"),
        ('device_id = "urn:dev:mac:07"', 'device_id = ""', "device_id"),
        ('device_id = "urn:dev:mac:07"', 'device_id = "a\\u0007"', "device_id"),
        ('device_id = "urn:dev:mac:07"', f'device_id = "{"x" * 128}"', "device_id"),
        ('auth_name = "com.example.dms"', 'auth_name = "a\\"b"', "auth_name"),
        ('auth_name = "com.example.dms"', 'auth_name = "é"', "auth_name"),
        ("msg_id = 0", "msg_id = -1", "msg_id"),
        ("msg_id = 0", "msg_id = true", "msg_id"),
        ("msg_id = 0", 'msg_id = "0"', "msg_id"),
        ("session_id = 1", "session_id = 65536", "session_id"),
        ("session_id = 1", "session_id = 0", "session_id"),
        ("session_id = 1", "session_id = 1\ncolour = 3", "colour"),
        ('nonce = "', 'nonce = "!', "nonce"),
        ("nonce = ", 'nonce = "AAAA"\n# ', "nonce"),
        ("secret = ", 'secret = "short"\n# ', "secret"),
        ("secret = ", "secret = 'a", "TOML"),
        ("msg_id = 0", "msg_id = 0\nmsg_id = 0", "TOML"),
    ],
)
def test_a_bad_field_is_named_with_the_file_and_no_secret(file, old, new, named):
    secret = accounts.load(file).secret
    assert old in file.read_text()
    edit(file, old, new)
    with pytest.raises(ToolError) as caught:
        accounts.load(file)
    text = str(caught.value)
    assert str(file) in text and named in text and "\n" not in text
    assert secret not in text


def test_binary_rubbish_is_refused(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe\0")
    path.chmod(0o600)
    with pytest.raises(ToolError, match="UTF-8"):
        accounts.load(path)


def test_a_missing_file_leaves_no_lock_behind(tmp_path):
    with pytest.raises(ToolError, match="no such file"):
        accounts.next_number(tmp_path / "a.toml")
    assert list(tmp_path.iterdir()) == []


def test_runs_at_the_same_time_never_share_a_number(file):
    program = (
        "import sys; from pathlib import Path; from dmtool import account\n"
        "for _ in range(12): print(account.next_number(Path(sys.argv[1])).msg_id)"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    numbers = [int(line) for run in runs for line in run.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 49))


def test_a_held_lock_is_waited_for_and_then_named(file, monkeypatch):
    monkeypatch.setattr(files, "LOCK_SECONDS", 0.05)
    with files.locked(file), pytest.raises(ToolError, match="another dmtool"):
        accounts.next_number(file)
    assert accounts.next_number(file).msg_id == 1


def test_a_failing_disk_leaves_the_old_file(file, monkeypatch):
    before = file.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(ToolError, match="no space left"):
        accounts.next_number(file)
    assert file.read_bytes() == before
    assert {p.name for p in file.parent.iterdir()} == {"a.toml", "a.toml.lock"}
