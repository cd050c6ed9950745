"""Bootstrap of a board: the account goes into its store, through its own client, over the raw REPL.

    Remote(port) -> import dm; dm.start() -> the same steps as with an image -> reset

The device's key travels inside scripts, which the raw REPL neither echoes nor keeps; it is compared on
the board and never read back. No file is written there but by the store, and no secret is an argument of
a program. At the end the board starts anew, so what was in its RAM is gone as well.
"""

from __future__ import annotations

import ast
from typing import Any

from .account import Account
from .errors import ToolError
from .provision import RIGHTS, Done, Row, steps
from .reasons import REASONS, STATUSES
from .remote import Remote

_START = """
_r = None
def _try(work):
    try:
        print(("", work()))
    except Exception as e:
        at = e.args[0] if e.args else None
        print((type(e).__name__, at if isinstance(at, (int, str)) else None))
def _begin():
    global _dm, _c
    import dm as _dm
    _c = _dm.start()
def _accounts():
    s = _c.store
    top = s.child(0, b"DMAcc")
    rows = []
    nid = -1 if top < 0 else s.next_child(top, -1)
    while nid >= 0:
        name = s.field(nid, 0)
        rows.append((name, _c.get(b"./DMAcc/" + name + b"/ServerID")))
        nid = s.next_child(top, nid)
    return rows
def _forget(uri):
    from struct import pack
    from omadm.uri import split
    nid = _c.tree.find(split(uri)[0])
    for row in _c.store.pairs:
        if row[0] == nid:
            _c.txn.begin()
            _c.txn.add_record(3, pack("<IHII", nid, 0, 0, 0))
            _c.txn.commit()
            _c.reload()
            break
_try(_begin)
"""


class Board:
    """The tree of a board; the rules of bootstrap use it as they use the tree of an image."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.name = remote.port
        self._value(remote.run(_START))

    def _value(self, printed: str) -> Any:
        # The value that a step gave, or a refusal in words.
        try:
            problem, value = ast.literal_eval(printed.strip().splitlines()[-1])
        except (IndexError, SyntaxError, ValueError):
            raise ToolError(f"{self.name}: the board gave no answer that makes sense; try again") from None
        if not problem:
            return value
        if problem == "ImportError":
            raise ToolError(
                f"{self.name}: omadm is not on this board ({value}); "
                f"put it there: make deploy PORT={self.name}"
            )
        if problem == "StorageFailed":
            raise ToolError(f"{self.name}: {REASONS.get(value, f'flash error {value}')}")
        if problem == "CommandFailed" and value == 420:
            raise ToolError(f"{self.name}: the store is full; give it more room with STORE in board.py")
        if problem == "CommandFailed":
            raise ToolError(f"{self.name}: the account does not fit the tree ({value} {STATUSES.get(value)})")
        if problem in ("ValueError", "OSError"):
            raise ToolError(
                f"{self.name}: the store cannot be opened ({problem}: {value}); see STORE in board.py"
            )
        raise ToolError(f"{self.name}: the board refused ({problem}); reset it and try again")

    def _ask(self, expression: str) -> Any:
        return self._value(self.remote.run(f"_try(lambda: {expression})"))

    def get(self, uri: bytes) -> bytes | None:
        """Return the value of a leaf that is no secret."""
        return self._ask(f"_c.get({uri!r})")

    def holds(self, uri: bytes, value: bytes) -> bool:
        """Return whether the leaf has that value; compared there."""
        return bool(self._ask(f"_c.get({uri!r}) == {value!r}"))

    def declare(self, rows: list[Row]) -> None:
        """Make the nodes that miss, in one commit."""
        self._ask(f"_c.declare({tuple(rows)!r})")

    def set(self, uri: bytes, value: bytes) -> None:
        """Give a leaf another value."""
        self._ask(f"_c.set({uri!r}, {value!r})")

    def accounts(self) -> dict[str, bytes]:
        """Return the ServerID of each account, by the name of its node."""
        return {name.decode("utf-8", "replace"): server or b"" for name, server in self._ask("_accounts()")}

    def forget(self, uri: str) -> None:
        """Let message numbers of the account start anew."""
        self._ask(f"_forget({uri.encode()!r})")

    def root_acl(self) -> bytes:
        """Return the ACL of the root."""
        return bytes(self._ask("_c.store.field(0, 3)"))

    def set_root_acl(self, acl: bytes) -> None:
        """Give the root another ACL."""
        self._ask(f"_c.set_acl(b'.', {acl!r})")


def provision(
    port: str,
    account: Account,
    *,
    rights: tuple[str, ...] = RIGHTS,
    man: str | None = None,
    mod: str | None = None,
) -> Done:
    """Set up the account on the board at a serial port, and start the board anew."""
    with Remote(port) as remote:
        try:
            board = Board(remote)
            done = steps(board, account, rights, None)
            for leaf, text in ((b"./DevInfo/Man", man), (b"./DevInfo/Mod", mod)):
                if text is not None and not board.holds(leaf, text.encode()):
                    board.set(leaf, text.encode())
        finally:
            remote.reset()
    return done
