"""Find Node.js and put the emulator, as the lock file names it, into build/boardsim (once)."""

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAIN = HERE / "js" / "main.mjs"
PLACE = HERE.parents[1] / "build" / "boardsim"
OLDEST = 18
INSTALL = "apt-get install nodejs npm"


class Unusable(Exception):
    """The simulator cannot run here; the text is one line with the remedy."""


def node():
    """Return the path of a Node.js that is new enough, or raise Unusable."""
    found = shutil.which("node") or shutil.which("nodejs")
    if found is None:
        raise Unusable(f"Node.js {OLDEST} or newer is needed and `node` is not on PATH: {INSTALL}")
    version = subprocess.run([found, "--version"], capture_output=True, text=True).stdout.strip()
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < OLDEST:
        raise Unusable(
            f"Node.js {OLDEST} or newer is needed, {found} is {version or 'of unknown version'}: {INSTALL}"
        )
    return found


def modules(place=PLACE):
    """Return the folder with node_modules, after `npm ci` when another lock file is installed there."""
    lock, package = HERE / "package-lock.json", HERE / "package.json"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)  # two tests at a time: the second waits
        stamp = place / "installed.json"
        if stamp.is_file() and stamp.read_bytes() == lock.read_bytes() and (place / "node_modules").is_dir():
            return place
        npm = shutil.which("npm")
        if npm is None:
            raise Unusable(f"npm is needed once, to fetch the emulator, and is not on PATH: {INSTALL}")
        for path in (lock, package):
            shutil.copyfile(path, place / path.name)
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        run = subprocess.run(command, cwd=place, capture_output=True, text=True)
        if run.returncode:
            why = (run.stderr.strip().splitlines() or ["no reason given"])[0]
            raise Unusable(
                f"`npm ci` could not fetch the emulator ({why}): check the network or npm's registry setting"
            )
        shutil.copyfile(lock, stamp)
    return place


def start(**more):
    """Start the simulator's process; stdin and stdout are its requests and answers."""
    command = [node(), str(MAIN)]
    environment = dict(os.environ, BOARDSIM_MODULES=str(modules()))
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, **more)
