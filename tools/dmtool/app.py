"""The frame of the command line: the groups of commands, refusals, options that several share.

Exit codes: 0 done, 1 refused with a reason of one line, 2 usage. Results go to standard output,
all else to standard error. No secret is an argument, and none is printed.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from .errors import ToolError, UsageError, os_error

_MAX_MESSAGE = 1 << 20
_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
NESTED = object()  # context of a command that runs inside another: refusals stay exceptions

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


# The commands in the order of the work.
_ORDER = (
    "account",
    "provision",
    "compose",
    "push",
    "inspect",
    "verify",
    "tree",
    "tnds",
    "device",
    "modem",
    "demo",
)


class _Group(TyperGroup):
    """The one place where a refusal becomes a line and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=lambda name: (*_ORDER, name).index(name))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ToolError as refusal:
            if ctx.obj is NESTED:
                raise
            raise _told(refusal) from None
        except BrokenPipeError:
            # The reader of our output went away: nothing left to do for it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as error:
            raise _told(os_error(error.filename or "input or output", error)) from None


def _told(refusal: ToolError) -> typer.Exit:
    text = " ".join(str(refusal).split())
    err.print(f"[bold red]dmtool:[/bold red] {escape(text)}")
    return typer.Exit(refusal.exit_code)


def _app(**more: Any) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_show_locals=False,  # locals may hold a secret
        context_settings={"help_option_names": ["-h", "--help"]},
        **more,
    )


app = _app(
    cls=_Group,
    name="dmtool",
    help="Manage OMA DM devices by signed one-way messages: accounts, messages, pushes, flash images.",
    epilog="Start with: dmtool account create, dmtool provision, dmtool device run; then dmtool compose "
    "and dmtool push http. `dmtool COMMAND --help` shows examples.",
)
account_app = _app(help="Accounts: who sends to which device, with which secret.")
push_app = _app(help="Send a finished message to a device.")
sms_app = _app(help="By SMS: as a WAP push in one or more SMS, by one of four ways to the network.")
device_app = _app(help="Simulated devices.")
modem_app = _app(help="Simulated modems, for all who have none at hand.")
tnds_app = _app(help="TNDS objects: parts of a tree as XML, out of a device and looked through.")
app.add_typer(account_app, name="account")
app.add_typer(push_app, name="push")
push_app.add_typer(sms_app, name="sms")
app.add_typer(device_app, name="device")
app.add_typer(tnds_app, name="tnds")
app.add_typer(modem_app, name="modem")


def _tell_version(wanted: bool) -> None:
    if wanted:
        with _PROJECT.open("rb") as file:
            print("dmtool", tomllib.load(file)["project"]["version"])
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


AccountFile = Annotated[
    Path, typer.Option("--account", "-a", metavar="FILE", help="Account file, as account create made it.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Passphrase of the private key (mode 0600); else DMTOOL_PASSPHRASE, or asked."
    ),
]
ImageFile = Annotated[
    Path, typer.Option("--image", "-i", metavar="FLASH.img", help="Flash image of the device.")
]

TreeFile = Annotated[
    Path,
    typer.Argument(metavar="FLASH.img", help="Flash image of the device, or the folder of a store in files."),
]


def size_of(text: str) -> int:
    """Read a size such as 262144, 256K or 1M."""
    units = {"K": 1 << 10, "M": 1 << 20}
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in units else (text, "")
    if not number.isascii() or not number.isdigit():
        raise UsageError(f"--size {text}: is no size; write octets, or for example 256K or 1M")
    return int(number) * units.get(unit, 1)


def read_message(path: Path) -> bytes:
    """Return the octets of a message file."""
    try:
        if path.stat().st_size > _MAX_MESSAGE:
            raise ToolError(f"{path}: is larger than 1 MiB; no device takes such a message")
        octets = path.read_bytes()
    except FileNotFoundError:
        raise ToolError(f"{path}: no such file; make a message with: dmtool compose") from None
    except OSError as error:
        raise os_error(path, error) from None
    if not octets:
        raise ToolError(f"{path}: is empty; compose the message again")
    return octets


def read_push(path: Path) -> bytes:
    """Return the octets of a message that is to be sent; a file that is none may hold a secret."""
    octets = read_message(path)
    if octets[0] not in (1, 2, 3):  # WBXML 1.1, 1.2, 1.3
        raise ToolError(f"{path}: is no WBXML message; nothing was sent; make one with: dmtool compose")
    return octets


def write_private(path: Path, octets: bytes) -> None:
    """Write a file that only its owner can read."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
    except OSError as error:
        raise os_error(path, error) from None
