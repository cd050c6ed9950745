"""From TNDS files to the commands that carry them: `compose --tnds`.

Sessionless 5.4 (R31), 6.1 (R46, R48, R52). An Add names the parent of what it makes; a Replace names
the node itself, so there the object's first node needs no name, and a name that is that of the Target
is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import commands, tnds, tnds_encode, tnds_rules
from .addresses import RIGHTS, check_acl, is_virtual
from .element import Element
from .errors import ToolError, UsageError


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the objects are to be sent."""

    target: str = tnds_rules.INBOX
    replace: bool = False
    form: str = "opaque"
    acl: str | None = None  # for top nodes without one; None: all but Exec for the sender; "": none
    parent: str | None = None  # TargetParent: an address, or part A of a virtual one
    version: str = "1.2"
    string_table: bool = False


def objects(files: list[Path], server_id: str, wanted: Wanted) -> list[Element]:
    """Return one Add or Replace for each file."""
    if wanted.replace and wanted.target == tnds_rules.INBOX and wanted.parent is None:
        raise UsageError("--replace: nothing lies in ./Inbox; say what to replace with --target URI")
    if wanted.acl:
        check_acl(wanted.acl)
    return [_one(tnds.read(path), path, server_id, wanted) for path in files]


def _one(root: Element, path: Path, server_id: str, wanted: Wanted) -> Element:
    try:
        tnds.rows(root)  # before anything is changed in it
        if wanted.replace:
            _name_of_target(root, wanted)
        for node in root.elements():
            if node.name == "Node" and wanted.acl != "":
                tnds_encode.grant(node, wanted.acl or _acl_of(node, server_id))
        virtual = wanted.parent is not None and is_virtual(wanted.parent)
        tnds_rules.check(root, None if virtual else _whole(wanted))
    except ToolError as refusal:
        raise ToolError(f"{path}: {refusal}") from None
    return tnds_encode.command(
        "Replace" if wanted.replace else "Add",
        commands.address(wanted.target, wanted.parent),
        root,
        wanted.form,
        version=wanted.version,
        string_table=wanted.string_table,
    )


def _whole(wanted: Wanted) -> str:
    if wanted.parent is None:
        return wanted.target
    return wanted.parent if wanted.target == "." else f"{wanted.parent}/{wanted.target}"


def _acl_of(node: Element, server_id: str) -> str:
    # Who sends an object is to be able to keep it; Exec is given by name only.
    leaf = node.find("Node") is None and node.path("RTProperties", "Format", "node") is None
    return "&".join(f"{r}={server_id}" for r in RIGHTS if r != "Exec" and not (leaf and r == "Add"))


def _name_of_target(root: Element, wanted: Wanted) -> None:
    nodes = [part for part in root.elements() if part.name == "Node"]
    name = nodes[0].find("NodeName")
    if name is None:
        raise ToolError("the first Node has no NodeName; an empty one stands for the Target")
    last = wanted.target.rpartition("/")[2]
    if name.text() and last not in (name.text(), "."):
        raise ToolError(
            f"--replace puts it in the place of {wanted.target}, but its first node is {name.text()!r}; "
            "give that node the name of the Target, or an empty one"
        )
    if len(nodes) > 1 and not all(node.path("Path") for node in nodes[1:]):
        raise ToolError("--replace takes an object with one top node; split the file")
    name.content = []
