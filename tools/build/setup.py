"""Make .venv: the packages of requirements.txt, and dmtool as .venv/bin/dmtool.

    python3 tools/build/setup.py

Versions are exact and pip resolves nothing, so that everybody gets the same. Where
packages come from is pip's own setting. Standard library only.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = ROOT / "build" / "setup.log"
OLDEST = (3, 11)


class Failed(Exception):
    """A step cannot be done; the text says why and what helps."""


def run(step, remedy, *command):
    print(f"setup: {step}", flush=True)
    with LOG.open("w") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT).returncode
    if code:
        lines = [line for line in LOG.read_text().splitlines() if not line.startswith("WARNING: Location")]
        shown = "\n".join("    " + line for line in lines[-12:])
        raise Failed(f"this step failed: {step}\n{shown}\n  {remedy}")


def check_python():
    """Refuse an interpreter that cannot make the environment."""
    if sys.version_info < OLDEST:
        raise Failed(f"python3 is {sys.version.split()[0]}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as problem:
        raise Failed(
            "python3 cannot make virtual environments here: apt-get install python3-venv"
        ) from problem


def works():
    """Return whether there is an environment already that packages can be put into."""
    if not PYTHON.exists():
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0


def main():
    LOG.parent.mkdir(exist_ok=True)
    try:
        check_python()
        if not works():
            run(
                "making .venv",
                "remove .venv and try again; on Debian: apt-get install python3-venv",
                sys.executable, "-m", "venv", "--clear", str(VENV),
            )  # fmt: skip
        pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install"]
        count = sum(1 for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line)
        run(
            f"installing {count} packages",
            "pip must reach its package index; `pip config list` shows what it is told",
            *pip, "--no-deps", "--no-input", "-r", "requirements.txt",
        )  # fmt: skip
        run(
            "installing dmtool",
            "pyproject.toml names the folders that are installed",
            *pip, "--no-deps", "--no-build-isolation", "--no-input", "-e", ".",
        )  # fmt: skip
        run(
            "checking that the packages fit each other",
            "a version in requirements.txt does not fit",
            str(PYTHON), "-m", "pip", "check",
        )  # fmt: skip
    except Failed as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    print("setup: done; the operator's command is .venv/bin/dmtool")
    return 0


if __name__ == "__main__":
    sys.exit(main())
