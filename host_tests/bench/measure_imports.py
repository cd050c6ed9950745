"""What importing the client costs: frozen, as .mpy and as .py on the file system.

Heap is what stays in use after a collection: for .py it does not tell what the compiler needed meanwhile.
"""

from bench.lab import OURS, STOCK, Lab, compiled
from conftest import ROOT

LIBRARY = ROOT / "lib" / "omadm"
MODULES = (
    "from omadm.client import Client; from omadm.pagelog import PageLog; from omadm.push import Push; "
    "from omadm.spool import Spool; from omadm.store import Store"
)
SCRIPT = f"""
import gc, time

gc.collect()
_before = gc.mem_free()
_began = time.ticks_us()
{MODULES}
_took = time.ticks_diff(time.ticks_us(), _began)
gc.collect()
print((_took, _before - gc.mem_free()))
"""
NAMES = "import sys; print(sorted(name for name in sys.modules if name.startswith('omadm.')))"


def measure():
    """Return the figures."""
    figures = {}
    with Lab(OURS) as lab:
        _note(figures, "frozen", lab)
        names = ["__init__", *(name.partition(".")[2] for name in lab.ask(NAMES))]
    sources = [LIBRARY / f"{name}.py" for name in names]
    ways = {
        "mpy": {f"omadm/{path.stem}.mpy": compiled(path, f"omadm/{path.name}") for path in sources},
        "py": {f"omadm/{path.name}": path.read_bytes() for path in sources},
    }
    for way, files in ways.items():
        with Lab(STOCK, files=files) as lab:
            _note(figures, way, lab)
        figures[f"import.{way}.octets"] = sum(map(len, files.values()))
    return figures


def _note(figures, way, lab):
    lab.fresh()
    took, heap = lab.ask(SCRIPT)
    figures[f"import.{way}.us"] = took
    figures[f"import.{way}.heap"] = heap
