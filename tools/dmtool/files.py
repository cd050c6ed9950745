"""Files that must never be half written, and a lock for those that two runs may want at once."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import ToolError, os_error

LOCK_SECONDS = 10.0


def create(path: Path, octets: bytes, told: str) -> None:
    """Write a new file that only its owner can read; ToolError with `told` when it exists."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ToolError(f"{path}: exists already; {told}") from None
    except OSError as error:
        raise os_error(path, error) from None
    with os.fdopen(handle, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def read_private(path: Path, what: str) -> bytes:
    """Read a file that nobody else may read."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        if mode & 0o077:
            raise ToolError(f"{path}: mode {mode:04o} lets others at the {what}; run: chmod 600 {path}")
        return file.read()


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    if not path.exists():
        raise ToolError(f"{path}: no such file; make one with: dmtool account create")
    lock = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise os_error(lock, error) from None
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ToolError(
                        f"{lock}: another dmtool holds it; wait for it to end, then try again"
                    ) from None
                time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def replace(path: Path, text: str) -> None:
    # Write beside it, bring it to the disk, then put it in place: old or new, never half.
    target = path.resolve()
    try:
        handle, name = tempfile.mkstemp(prefix=target.name + ".", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise os_error(path, error) from None
