"""Write package.json, by which `mip` and `mpremote mip install` put omadm onto a board.

    python3 tools/build/package.py [--check]

The list of files is that of `make deploy`. mip copies sources, not .mpy, and checks no hashes: a board that
has little heap, or a copy that must be proven, is better served by `make deploy`. Microdot comes as a
dependency, at the version that requirements.txt names. --check: exit 1 when the file in the project is
not what would be written.

Standard library only.
"""

import json
import re
import sys

from parts import ROOT, modules

TARGET = ROOT / "package.json"
MICRODOT = "github:miguelgrinberg/microdot/src/microdot/microdot.py"


def version_of(name: str, path: str, pattern: str) -> str:
    """Return a version as a file of the project gives it."""
    found = re.search(pattern, (ROOT / path).read_text(), re.M)
    if found is None:
        raise SystemExit(f"package: {path} does not name a version of {name}")
    return found[1]


def text() -> str:
    """Return what package.json should be."""
    microdot = version_of("microdot", "requirements.txt", r"^microdot==(\S+)")
    package = {
        "name": "omadm",
        "version": version_of("omadm", "pyproject.toml", r'^version = "(.+)"'),
        "urls": [[f"{name}.py", str(source.relative_to(ROOT))] for source, name in modules()],
        "deps": [[MICRODOT, f"v{microdot}"]],
    }
    return json.dumps(package, indent=1) + "\n"


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if not arguments:
        TARGET.write_text(text())
    elif not TARGET.is_file() or TARGET.read_text() != text():
        print(
            "package: package.json is not up to date: run `python3 tools/build/package.py`", file=sys.stderr
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
