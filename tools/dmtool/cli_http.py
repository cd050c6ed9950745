"""The command `dmtool push http`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from . import push_http
from .app import AccountFile, err, push_app, read_push
from .errors import ToolError, UsageError
from .proof import ALGORITHMS


@push_app.command("http")
def push_over_http(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://HOST:PORT (the path is /wappush).")],
    message: Annotated[Path, typer.Argument(metavar="MESSAGE.wbxml", help="A finished message.")],
    account: AccountFile,
    nested: Annotated[
        bool, typer.Option("--nested", help="As application/http: the body is a whole HTTP response.")
    ] = False,
    chunked: Annotated[bool, typer.Option("--chunked", help="In chunks, without a Content-Length.")] = False,
    algorithm: Annotated[
        str, typer.Option(metavar="NAME", help=f"How the MAC is made: {', '.join(ALGORITHMS)}.")
    ] = ALGORITHMS[0],
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for an answer.")
    ] = push_http.TIMEOUT,
) -> None:
    """Push a message over HTTP and prove who sends it.

    The message may come from any encoder of application/vnd.syncml.dm+wbxml; the proof (x-syncml-hmac) is
    made over its octets as they are. The device answers that it took the push, never what became of it.

    **Example:** `dmtool push http http://192.0.2.7:4035 m.wbxml --account led7.toml`
    """
    if algorithm not in ALGORITHMS:
        raise UsageError(f"--algorithm {algorithm}: use {', '.join(ALGORITHMS)}")
    octets = read_push(message)
    hmac = accounts.load(account).header(octets, algorithm)
    answer = push_http.push(url, octets, hmac, nested=nested, chunked=chunked, timeout=timeout)
    if not answer.accepted:
        raise ToolError(f"{url}: {answer.reason}")
    err.print(f"{escape(url)}: accepted, {len(octets)} octets")
