"""The commands `dmtool account ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from .app import account_app, err


@account_app.command("create")
def account_create(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The account file to write (mode 0600).")],
    server_id: Annotated[
        str, typer.Option("--server-id", metavar="S", help="Who sends: the name in ACLs, com.example.dms.")
    ],
    device_id: Annotated[
        str,
        typer.Option(
            "--device-id", metavar="D", help="To which device: its DevId, urn:dev:mac:0123456789ab."
        ),
    ],
    auth_name: Annotated[
        str | None,
        typer.Option("--auth-name", metavar="NAME", help="User name; the server id when left out."),
    ] = None,
) -> None:
    """Make an account for one server and one device, with a fresh secret and nonce.

    The secret is in the file alone: it is not shown, and every device gets its own.

    **Example:** `dmtool account create led7.toml --server-id com.example.dms --device-id urn:dev:mac:07`
    """
    account = accounts.create(file, server_id, device_id, auth_name)
    err.print(
        f"{escape(str(file))}: account of {escape(account.server_id)} for {escape(account.device_id)}; "
        "next: dmtool provision"
    )
