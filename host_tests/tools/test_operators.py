"""docs/operators.md: its commands run as they stand, its tables are complete; completion works."""

import os
import re
import shlex
import shutil
import subprocess
import sys

from conftest import ROOT
from dmtool import cli
from dmtool.errors import ToolError, UsageError
from typer.main import get_command
from typer.testing import CliRunner

PAGE = (ROOT / "docs" / "operators.md").read_text()


def test_the_commands_run_as_they_stand(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for example in (ROOT / "docs" / "examples").glob("*.xml"):
        shutil.copy(example, tmp_path)
    lines = [
        line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()
    ]
    assert len(lines) > 20 and all(line.startswith("dmtool ") for line in lines)
    for line in lines:
        done = CliRunner().invoke(cli.app, shlex.split(line)[1:])
        assert done.exit_code == 0, (line, done.output, done.stderr)


def leaves(command, name=""):
    for word, below in getattr(command, "commands", {}).items():
        yield from leaves(below, f"{name} {word}".strip())
    if not hasattr(command, "commands"):
        yield name


def test_every_command_has_its_line():
    table = PAGE[PAGE.index("| command |") : PAGE.index("Exit code 0")]
    told = set(re.findall(r"`([a-z -]+)`", table))
    for name in leaves(get_command(cli.app)):
        if name not in ("demo", "modem families"):
            assert name in told or " ".join(name.split()[:2]) in told, name


def test_exit_codes():
    assert (ToolError.exit_code, UsageError.exit_code) == (1, 2)
    assert "Exit code 0: done. 1: refused" in PAGE and "2: the command line makes no sense" in PAGE


def test_the_shell_completes_commands_and_options():
    for words, wanted in (
        ("dmtool com", "compose"),
        ("dmtool tnds ex", "export"),
        ("dmtool compose --vir", "--virtual"),
    ):
        environment = {
            **os.environ,
            "_DMTOOL_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", "from dmtool.__main__ import main; main()"],
            capture_output=True, text=True, env=environment, timeout=60,
        )  # fmt: skip
        assert wanted in done.stdout.split(), done
