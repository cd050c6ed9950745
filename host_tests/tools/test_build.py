"""The build helpers: which mirror is taken from the system's sources, what is compiled, what it weighs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "tools" / "build"))
import debian
import interpreter
import mpy

DEB822 = """\
# the archive, and what is fixed in it
Types: deb deb-src
URIs: http://mirror.example/debian
 http://second.example/debian/
Suites: trixie trixie-updates
Components: main
# a comment inside
Signed-By: /keys/archive.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb
URIs: https://other.example/node
Suites: nodistro
Components: main
"""
ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
deb [arch=amd64 signed-by=/keys/one.gpg] http://one.example/debian bookworm main contrib
deb-src http://one.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb http://bare.example/debian stable main
deb http://other.example/tool any-version main
deb http://half.example/debian bookworm contrib
"""


def system(tmp_path: Path, **files: str) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    for name, text in files.items():
        place = tmp_path if name == "sources_list" else tmp_path / "sources.list.d"
        (place / name.replace("_", ".")).write_text(text)
    return tmp_path


def test_mirrors_in_stanzas(tmp_path: Path) -> None:
    assert debian.mirrors(system(tmp_path, debian_sources=DEB822)) == [
        ("http://mirror.example/debian", "/keys/archive.gpg"),
        ("http://second.example/debian/", "/keys/archive.gpg"),
    ]


def test_mirrors_in_lines(tmp_path: Path) -> None:
    expected = [("http://one.example/debian", "/keys/one.gpg"), ("http://bare.example/debian", None)]
    assert debian.mirrors(system(tmp_path, sources_list=ONE_LINE)) == expected


def test_mirrors_of_both_kinds_and_of_none(tmp_path: Path) -> None:
    etc = system(tmp_path, sources_list=ONE_LINE, debian_sources=DEB822, empty_list="")
    assert [uri for uri, _ in debian.mirrors(etc)][::2] == [
        "http://one.example/debian",
        "http://mirror.example/debian",
    ]
    assert debian.mirrors(tmp_path / "nowhere") == []


def test_interpreter_too_old_or_broken_is_refused(tmp_path: Path) -> None:
    for answer, reason in (
        ("echo micropython 1 22 0 6 2", "1.22.0; 1.24 or newer is needed"),
        ("echo ImportError: no module named asyncio >&2; exit 1", "no module named asyncio"),
        ("echo cpython 3 13 0 6 3", "lacks something"),
        ("exit 127", "no answer"),
    ):
        fake = tmp_path / "micropython"
        fake.write_text(f"#!/bin/sh\n{answer}\n")
        fake.chmod(0o755)
        with pytest.raises(debian.Failed, match=reason):
            interpreter.probe(str(fake))
    with pytest.raises(debian.Failed, match="does not run"):
        interpreter.probe(str(tmp_path / "nothing"))


def test_interpreter_in_use_is_good(micropython: str) -> None:
    assert tuple(map(int, interpreter.probe(micropython).split("."))) >= (1, 24, 0)


def test_device_code_loads_compiled(micropython: str) -> None:
    """The client, Microdot and asyncio load in a board's heap from what `make mpy` lays out."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "build" / "mpy.py")], check=True)
    environment = {**os.environ, "MICROPYPATH": f".frozen:{mpy.OUT}/lib:{mpy.OUT}/firmware"}
    code = "import asyncio, microdot, omadm.client, omadm.pagelog, omadm.store, omadm.spool"
    command = [micropython, "-X", "heapsize=128k", "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


def test_size_only_goes_down(micropython: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / "build" / "size.py")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "goal" in run.stdout
