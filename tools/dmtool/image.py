"""The flash of a simulated device: an image file, its rules as NOR flash, and the tree in it.

The file is the raw octets of the region, sector after sector; blank is 0xFF. Reading works on a
copy, so that a running device is never in the way; writing needs the image alone (a lock) and
goes through lib/omadm, the very code of the device. Layout of a record: docs/store-format.md.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import stat
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ToolError, os_error

SECTOR = 4096
PAGE = 256
MIN_SECTORS = 8
MAX_SIZE = 16 << 20
DEFAULT_SIZE = 256 << 10
_ROOT = Path(__file__).resolve().parents[2]
_ACCESS = ((1, "Add"), (2, "Delete"), (4, "Exec"), (8, "Get"), (16, "Replace"))
_DMACC = 8  # flag of a row: the root of an account


def library(name: str) -> Any:
    """Import a module of the device code under CPython."""
    if not (_ROOT / "lib" / "omadm").is_dir():
        raise ToolError(f"{_ROOT / 'lib'}: the device code is missing; run dmtool from its checkout")
    for folder in (_ROOT / "host_tests" / "fakes", _ROOT / "lib"):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    return importlib.import_module(f"omadm.{name}")


class Flash:
    """Octets that behave as NOR flash: programs clear bits, erasure sets a whole sector."""

    def __init__(self, data: bytearray, handle: int = -1) -> None:
        self.data = data
        self.handle = handle  # of the file behind it; -1: a copy, which takes no writes

    def readblocks(self, n: int, buf: Any, off: int = 0) -> None:
        """Read from offset off of sector n."""
        at = n * SECTOR + off
        view = memoryview(buf)
        view[:] = memoryview(self.data)[at : at + len(view)]

    def writeblocks(self, n: int, buf: Any, off: int | None = None) -> None:
        """Program from offset off of sector n."""
        if off is None:
            raise ValueError("a program needs its offset")
        at = n * SECTOR + off
        new = int.from_bytes(buf, "big") & int.from_bytes(self.data[at : at + len(buf)], "big")
        self._put(at, new.to_bytes(len(buf), "big"))

    def ioctl(self, op: int, arg: int) -> int:
        """4: sectors, 5: octets of a sector, 6: erase sector arg."""
        if op == 4:
            return len(self.data) // SECTOR
        if op == 5:
            return SECTOR
        if op == 6:
            self._put(arg * SECTOR, b"\xff" * SECTOR)
        return 0

    def _put(self, at: int, octets: bytes) -> None:
        if self.handle < 0:
            raise OSError("the image is open for reading")
        self.data[at : at + len(octets)] = octets
        os.pwrite(self.handle, octets, at)


@dataclass(frozen=True, slots=True)
class Node:
    """A node with its properties, as it lies in flash."""

    uri: str
    format: str
    type: str
    access: tuple[str, ...]
    permanent: bool
    acl: str
    title: str
    verno: int
    tstamp: str
    size: int
    value: bytes | None  # None: interior, or masked
    masked: bool
    interior: bool


class Image:
    """The tree in an image. Open it with `open_image`."""

    def __init__(self, path: Path, flash: Flash, writing: bool) -> None:
        self.path = path
        self.flash = flash
        store = library("store").Store(library("pagelog").PageLog(flash))
        self.client: Any = None
        try:
            if writing:
                self.client = library("client").Client(store, lambda: int(time.time()))
                self.client.mount()
                self.tree = self.client.tree
            else:
                store.mount()
                self.tree = library("tree").Tree(store)
        except library("errors").StorageFailed as error:
            raise ToolError(f"{path}: {storage_reason(error)}") from None
        self.store = store

    @property
    def is_new(self) -> bool:
        """True when no device was ever set up here."""
        return self.store.is_free(0)

    def path_of(self, nid: int) -> str:
        """Return the address of a node."""
        names: list[str] = []
        while nid:
            names.append(self.store.field(nid, 0).decode("utf-8", "replace"))
            nid = self.store.parent(nid)
        return "/".join([".", *reversed(names)])

    def children(self, nid: int) -> list[int]:
        """Return the children of a node by name."""
        found = []
        below = self.store.next_child(nid, -1)
        while below >= 0:
            found.append(below)
            below = self.store.next_child(nid, below)
        return sorted(found, key=lambda n: bytes(self.store.field(n, 0)))

    def find(self, uri: str) -> int:
        """Return the number of a node, or -1."""
        segments = [name.encode() for name in uri.removeprefix("./").split("/") if name != "."]
        return int(self.tree.find(segments)) if not self.is_new else -1

    def nodes(self) -> Iterator[Node]:
        """Yield every node, parents first, siblings by name; secrets masked."""
        stack = [] if self.is_new else [(0, False)]
        while stack:
            nid, secret = stack.pop()
            secret = secret or bool(self.store.flags[nid] & _DMACC)
            yield self.node(nid, secret)
            stack += [(below, secret) for below in reversed(self.children(nid))]

    def node(self, nid: int, in_account: bool = False) -> Node:
        """Read one node."""
        store = self.store
        kind, access, verno, tstamp = struct.unpack_from("<BBHI", store.octets(nid, 4, 8))
        interior = kind & 15 == 0
        mime = store.field(nid, 1).decode("utf-8", "replace")
        name = store.field(nid, 0)
        # What no server may read is shown to nobody, least of all the secrets of an account.
        masked = not interior and (not access & 8 or (in_account and name in (b"AAuthSecret", b"AAuthData")))
        value = None
        size = 0
        if not interior:
            size = store.value_len(nid)
            value = None if masked else bytes(self.tree.value(nid, size))
        return Node(
            uri=self.path_of(nid),
            format=library("tree").FORMATS[kind & 15].decode(),
            type=mime or ("" if interior else "text/plain"),
            access=tuple(word for bit, word in _ACCESS if access & bit),
            permanent=bool(kind & 0x10),
            acl=store.field(nid, 3).decode("utf-8", "replace"),
            title=store.field(nid, 2).decode("utf-8", "replace"),
            verno=verno,
            tstamp=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(tstamp)) if tstamp else "",
            size=size,
            value=value,
            masked=masked,
            interior=interior,
        )


def storage_reason(error: Exception) -> str:
    """Return what a StorageFailed of lib says, for people."""
    from .reasons import REASONS

    code = error.args[0] if error.args else 0
    return REASONS.get(code, f"flash error {code}")


def check_size(size: int) -> int:
    """Return the size when a store can have it."""
    if size % SECTOR or not MIN_SECTORS * SECTOR <= size <= MAX_SIZE:
        raise ToolError(
            f"size {size}: must be a multiple of {SECTOR} octets, from {MIN_SECTORS * SECTOR} "
            f"to {MAX_SIZE}; for example 256K"
        )
    return size


def create(path: Path, size: int = DEFAULT_SIZE) -> None:
    """Write a blank image; ToolError when the file exists."""
    check_size(size)
    try:
        with path.open("xb") as file:
            file.write(b"\xff" * size)
    except FileExistsError:
        raise ToolError(f"{path}: exists already; remove it for a blank device") from None
    except OSError as error:
        raise os_error(path, error) from None
    path.chmod(0o600)  # the keys of the accounts will be in it


def _of_folder(path: Path) -> bytearray:
    # A store in files, one a sector, as on a board's littlefs (STORE = "file" in board.py).
    found = {int(file.name): file for file in path.iterdir() if file.name.isascii() and file.name.isdigit()}
    if not found or max(found) * SECTOR >= MAX_SIZE:
        raise ToolError(
            f"{path}: is a directory, but no store: it holds no files 0, 1, 2 ..., one a sector of flash"
        )
    data = bytearray(b"\xff" * SECTOR * max(MIN_SECTORS, max(found) + 1))
    for number, file in found.items():
        try:
            octets = file.read_bytes()
        except OSError as error:
            raise os_error(file, error) from None
        if len(octets) > SECTOR:
            raise ToolError(f"{file}: is longer than a sector of {SECTOR} octets; is {path} a store?")
        data[number * SECTOR : number * SECTOR + len(octets)] = octets
    return data


@contextlib.contextmanager
def open_image(path: Path, writing: bool = False) -> Iterator[Image]:
    """Open the tree of an image, for reading on a copy or for writing alone.

    For reading it may also be the folder of a store in files, copied from a board or mounted.
    """
    if path.is_dir() and not writing:
        yield Image(path, Flash(_of_folder(path)), False)
        return
    with lock(path, writing) as handle:
        size = os.fstat(handle).st_size
        if size % SECTOR or not MIN_SECTORS * SECTOR <= size <= MAX_SIZE:
            raise ToolError(
                f"{path}: is no flash image: {size} octets are no whole sectors of {SECTOR}, "
                f"{MIN_SECTORS} or more; make one with: dmtool provision"
            )
        try:
            data = bytearray(os.pread(handle, size, 0))
        except OSError as error:
            raise os_error(path, error) from None
        yield Image(path, Flash(data, handle if writing else -1), writing)
        if writing:
            os.fsync(handle)


@contextlib.contextmanager
def lock(path: Path, alone: bool = True) -> Iterator[int]:
    """Hold an image open, and keep every other writer away from it when alone."""
    try:
        handle = os.open(path, os.O_RDWR if alone else os.O_RDONLY)
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file; make one with: dmtool provision") from None
    except OSError as error:
        raise os_error(path, error) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ToolError(f"{path}: is no file but a directory or device; name a flash image")
        if alone:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ToolError(f"{path}: a device runs on it; stop that first") from None
        yield handle
    finally:
        os.close(handle)
