"""The commands `dmtool tnds export` and `dmtool tnds check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import tnds, tnds_encode, tnds_export, tnds_rules, tnds_show
from .app import TreeFile, err, tnds_app, write_private
from .errors import ToolError


@tnds_app.command("export")
def tnds_export_command(
    image: TreeFile,
    uri: Annotated[str, typer.Argument(metavar="URI", help="The node to export with all below it.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE.xml", help="Where to write; standard output if left out."
        ),
    ] = None,
) -> None:
    """Write a part of a device's tree as a TNDS object, to keep it or to send it again.

    With ACL, Format, Title, Type and value of every node. What no server may read stays out, the secrets of
    an account above all. The same tree is always the same text. Reads a copy, so a device may be running.

    **Examples:**

    * `dmtool tnds export led7.img ./App -o app.xml`; edit it, and send it to where it was with
    `dmtool compose -a led7.toml -o m.wbxml --tnds app.xml --replace --target ./App`

    * `dmtool tnds export led7.img . | diff - yesterday.xml`
    """
    root, masked = tnds_export.export(image, uri)
    text = tnds_export.text(root)
    if output is None:
        sys.stdout.write(text)
    else:
        write_private(output, text.encode())
    for where in masked:
        err.print(f"{escape(where)}: its value stays out: no server may read it")


@tnds_app.command("check")
def tnds_check_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.xml", help="A TNDS object.")],
    target: Annotated[
        str, typer.Option("--target", metavar="URI", help="Where it is to go: the parent of what it makes.")
    ] = tnds_rules.INBOX,
) -> None:
    """Check a TNDS object as compose would, and show its nodes and its size on the air.

    Tells of accounts in any disguise, doubled nodes, bad values and rights, references that lead nowhere,
    and limits of a device.

    **Example:** `dmtool tnds check hotspot.xml`
    """
    root = tnds.read(file)
    try:
        rows = tnds_rules.check(root, target)
    except ToolError as refusal:
        raise ToolError(f"{file}: {refusal}") from None
    if sys.stdout.isatty():
        Console(highlight=False).print(tnds_show.table(rows))
    else:
        print("\n".join(tnds_show.lines(rows)))
    sizes = (len(tnds_encode.document(root)), len(tnds_encode.document(root, string_table=True)))
    err.print(
        f"{escape(str(file))}: {len(rows)} nodes; {sizes[0]} octets as WBXML, {sizes[1]} with a string table"
    )
