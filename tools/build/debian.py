"""Source packages of Debian, fetched by an apt with directories of its own.

The lists, the cache and all that is unpacked lie below build/micropython; the system's
own lists stay as they are, and no root is needed. Which mirror: the one that the system's
own sources name. Which release: SUITE, also on an older Debian. apt checks the signature
of the release with the keys of the system, and by it every checksum.

Standard library only: this runs before .venv exists.
"""

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "micropython"
SRC = HOME / "src"
LOG = HOME / "build.log"

SUITE = "trixie"  # the first Debian release with MicroPython >= 1.24
DEBIAN_SUITES = ("bookworm", "trixie", "forky", "stable", "testing", "unstable", "sid")
KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")


class Failed(Exception):
    """A step cannot be done; the text says why and what helps."""


def say(text):
    print(f"micropython: {text}", flush=True)


def run(step, command, **more):
    """Run one command with its output in the log; show the log's end when it fails."""
    say(step)
    with LOG.open("ab") as log:
        log.write(f"\n== {step}\n$ {' '.join(map(str, command))}\n".encode())
        log.flush()
        start = log.tell()
        try:
            code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, **more).returncode
        except OSError as problem:
            raise Failed(f"{command[0]} does not run: {problem}") from problem
    if code:
        tail = LOG.read_bytes()[start:].decode(errors="replace").splitlines()[-12:]
        shown = "\n".join("    " + line for line in tail)
        raise Failed(f"`{command[0]}` failed (all of it is in {LOG.relative_to(ROOT)}):\n{shown}")


def stanzas(text):
    """Return the entries of a deb822 file as dicts of lower-case field names."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        fields, name = {}, None
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                if name:
                    fields[name] += " " + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.lower()
                fields[name] = value.strip()
        if fields:
            found.append(fields)
    return found


def mirrors(etc=Path("/etc/apt")):
    """Return (uri, keyring or None) of each Debian archive in the system's own sources."""
    found: list[tuple[str, list[str], list[str], str | None]] = []
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        for line in path.read_text().splitlines() if path.is_file() else ():
            match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if match:
                key = re.search(r"signed-by=(\S+)", match[1] or "", re.I)
                found.append((match[2], match[3].split(), match[4].split(), key[1] if key else None))
    for path in sorted(parts.glob("*.sources")):
        for entry in stanzas(path.read_text()):
            if entry.get("enabled", "yes").lower() in ("no", "false", "0"):
                continue
            for uri in entry.get("uris", "").split():
                suites, main = entry.get("suites", "").split(), entry.get("components", "").split()
                found.append((uri, suites, main, entry.get("signed-by")))
    chosen: list[tuple[str, str | None]] = []
    for uri, suites, components, named in found:
        if uri.startswith("cdrom:") or "main" not in components:
            continue
        if any(suite.rstrip("/") in DEBIAN_SUITES for suite in suites) and all(
            uri != one[0] for one in chosen
        ):
            chosen.append((uri, named))
    return chosen


def keyring(named):
    """Return the keyring to check the release with: the system's own for that mirror."""
    if named and named.startswith("/") and Path(named).is_file():
        return named
    for name in KEYRINGS:
        path = Path("/usr/share/keyrings") / name
        if path.is_file():
            return str(path)
    raise Failed("the keys of Debian's archive are missing: apt-get install debian-archive-keyring")


class Apt:
    """apt with directories of its own, so that the system's lists stay as they are."""

    def __init__(self, kinds):
        if shutil.which("apt-get") is None:
            raise Failed(
                "no `micropython` 1.24 or newer on PATH, and this system has no apt to fetch sources with:\n"
                "    install MicroPython 1.24 or newer (brew, pacman, or its own Makefile) and try again"
            )
        found = mirrors()
        if not found:
            raise Failed(
                "no Debian mirror in /etc/apt/sources.list or sources.list.d, so no sources of MicroPython:\n"
                "    install MicroPython 1.24 or newer on PATH and try again"
            )
        uri, key = found[0]
        self.place = HOME / "apt"
        for part in ("lists/partial", "cache/archives/partial"):
            (self.place / part).mkdir(parents=True, exist_ok=True)
        sources = self.place / "sources.list"
        sources.write_text(
            "".join(f"{kind} [signed-by={keyring(key)}] {uri} {SUITE} main\n" for kind in kinds)
        )
        config = self.place / "apt.conf"
        config.write_text(
            "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
            f'Dir::State::Lists "{self.place}/lists";\nDir::Cache "{self.place}/cache";\n'
            f'Dir::Etc::sourcelist "{sources}";\nDir::Etc::sourceparts "/dev/null";\n'
            f'Dir::Etc::preferences "/dev/null";\nDir::Etc::preferencesparts "/dev/null";\n'
            'Acquire::Languages "none";\nAcquire::Retries "3";\n'
            'APT::Get::List-Cleanup "false";\nAPT::Sandbox::User "root";\n'
        )
        self.command = ["apt-get", "-q", "-y", "-c", str(config)]
        try:
            run(
                f"reading the package lists of Debian {SUITE}",
                [*self.command, "update", "-oAPT::Update::Error-Mode=any"],
            )
        except Failed as problem:
            raise Failed(
                f"{problem}\n    no network, a mirror without {SUITE}, or keys older than it "
                "(apt-get install debian-archive-keyring);\n    MicroPython 1.24 or newer on PATH does too"
            ) from problem

    def source(self, name):
        """Fetch and unpack one source package to src/NAME, without Debian's patches."""
        place = SRC / name
        if place.is_dir():
            return
        down = fresh(HOME / "download" / name)
        run(f"fetching the source of {name}", [*self.command, "source", "--download-only", name], cwd=down)
        archives = sorted(down.glob("*.orig.tar.*"))
        archives = [path for path in archives if not path.name.endswith(".asc")]
        if len(archives) != 1:
            raise Failed(f"the source package of {name} has {len(archives)} archives, one was expected")
        inside = fresh(HOME / "unpacked")
        with tarfile.open(archives[0]) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extraction_filter = tarfile.tar_filter
            archive.extractall(inside)
        settle(one_of(inside), place)

    def package(self, name, part, place):
        """Fetch one binary package and keep the folder `part` of it as `place`."""
        if place.is_dir():
            return
        down = fresh(HOME / "download" / name)
        run(f"fetching {name}", [*self.command, "download", name], cwd=down)
        inside = fresh(HOME / "unpacked")
        run(f"unpacking {name}", ["dpkg", "-x", str(one_of(down)), str(inside)])
        settle(inside / part, place)


def fresh(place):
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def one_of(place):
    found = list(place.iterdir())
    if len(found) != 1:
        raise Failed(f"{place} holds {len(found)} entries, one was expected")
    return found[0]


def settle(found, place):
    """Move what was unpacked to its final name, as the last step of its making."""
    if not found.is_dir():
        raise Failed(f"{found} is missing in the package")
    place.parent.mkdir(parents=True, exist_ok=True)
    found.rename(place)
    shutil.rmtree(HOME / "unpacked", ignore_errors=True)
