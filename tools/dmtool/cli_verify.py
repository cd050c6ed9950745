"""The command `dmtool verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from . import inspect as inspecting
from . import verify as verifying
from .app import AccountFile, app, err, out, read_message
from .errors import ToolError


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A WBXML message, a WSP push, or SMS PDUs.")],
    account: AccountFile,
) -> None:
    """Say what proves a message, and whether a device with this account would believe it.

    A device also wants a number it has not seen (SessionID, MsgID), which nobody knows here. It goes through
    lxml and signxml, not through the device's own code. Exit code 1 when a proof is wrong or missing.

    **Example:** `dmtool verify m.wbxml --account led7.toml`
    """
    found = inspecting.examine(read_message(file))
    if not found.documents:
        raise ToolError(
            f"{file}: holds no message; {'; '.join(found.problems) or 'is it one of dmtool compose?'}"
        )
    told = accounts.load(account)
    macs = [text for section in found.sections for name, text in section.rows if name == "x-syncml-hmac"]
    for octets, document in found.documents:
        if document.error is not None or document.root is None:
            raise ToolError(f"{file}: {document.error or 'is no message'}")
        push = (octets, macs[0]) if len(macs) == 1 and len(found.documents) == 1 else None
        try:
            proofs = verifying.check(document.root, told, push)
        except ToolError as problem:
            raise ToolError(f"{file}: {problem}") from None
        for proof in proofs:
            out.print(f"OK  {proof.what}: {escape(proof.how)}")
        err.print(f"{escape(str(file))}: {escape(inspecting.summary(document, len(octets)))}")
