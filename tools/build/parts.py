"""What goes onto a board: the one list that `make deploy` and package.json are made from.

    lib/omadm/*.py       /lib/omadm/
    firmware/device/*.py /lib/device/
    firmware/dm.py       /lib/dm
    microdot             /lib/microdot/     where the board has sockets
    main.py, app.py, board.py    on the root: the owner's, put there when missing

Standard library only.
"""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"omadm": "lib/omadm", "device": "firmware/device"}
MODULES = {"dm": "firmware/dm.py"}
MICRODOT = ("__init__", "microdot")
OWN = ("board.py", "app.py", "main.py")


def modules() -> Iterator[tuple[Path, str]]:
    """Yield (source, name below /lib without its ending) of each module of ours, in a fixed order."""
    for package, folder in PACKAGES.items():
        for source in sorted((ROOT / folder).glob("*.py")):
            yield source, f"{package}/{source.stem}"
    for name, place in MODULES.items():
        yield ROOT / place, name


def owners() -> Iterator[tuple[Path, str]]:
    """Yield (source, path on the board) of the files that belong to the owner of the board."""
    for name in OWN:
        yield ROOT / "firmware" / name, f"/{name}"
