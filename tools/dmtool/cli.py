"""The commands: what each takes, and where its work is done. The frame around them is app.py."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from . import account as accounts
from . import (
    cli_account,  # noqa: F401 - these have commands of their own
    cli_compose,  # noqa: F401
    cli_http,  # noqa: F401
    cli_modem,  # noqa: F401
    cli_sms,  # noqa: F401
    cli_tnds,  # noqa: F401
    cli_verify,  # noqa: F401
    tnds_show,
    xml_text,
)
from . import demo as demonstration
from . import device as devices
from . import inspect as inspecting
from . import provision as provisioning
from . import tree as trees
from .app import (
    NESTED,
    AccountFile,
    ImageFile,
    TreeFile,
    app,
    device_app,
    err,
    out,
    read_message,
    size_of,
)
from .errors import ToolError, UsageError


@app.command()
def provision(
    account: AccountFile,
    image: Annotated[
        Path | None, typer.Option("--image", "-i", metavar="FLASH.img", help="Flash image of the device.")
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(
            "--port", "-p", metavar="PORT", help="A board: /dev/ttyACM0, or another name that mpremote takes."
        ),
    ] = None,
    rights: Annotated[
        str,
        typer.Option(help="Rights of the server on the root; Add and Get belong to everybody there."),
    ] = ",".join(provisioning.RIGHTS),
    size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Size of a new image, for example 256K (the default).")
    ] = None,
    man: Annotated[str | None, typer.Option(help="DevInfo/Man; a board knows its own.")] = None,
    mod: Annotated[str | None, typer.Option(help="DevInfo/Mod; a board knows its own.")] = None,
) -> None:
    """Set up a device: its standard objects and the account, in its flash image or on a board.

    Makes the image when there is none. A board needs omadm on it (`make deploy`); what runs there is
    interrupted, and the board starts anew at the end. An account that is provisioned again with another
    secret or nonce is re-keyed, and its message numbers start anew.

    **Examples:** `dmtool provision --account led7.toml --image led7.img --size 256K`,
    `dmtool provision --account led7.toml --port /dev/ttyACM0`
    """
    if (image is None) == (port is None):
        raise typer.BadParameter("say what to set up: --image FLASH.img or --port /dev/ttyACM0")
    loaded, allowed = accounts.load(account), provisioning.rights_of(rights)
    if image is not None:
        plain = provisioning.Device()
        done = provisioning.provision(
            image,
            loaded,
            rights=allowed,
            size=None if size is None else size_of(size),
            device=provisioning.Device(man=man or plain.man, mod=mod or plain.mod),
        )
    elif size is not None:
        raise UsageError("--size: is for images; the size of a board's store stands in its board.py")
    else:
        assert port is not None
        from . import provision_port  # mpremote takes its time

        done = provision_port.provision(port, loaded, rights=allowed, man=man, mod=mod)
    what = "new account" if done.created else "re-keyed" if done.rekeyed else "unchanged"
    err.print(
        f"{escape(str(image or port))}: {escape(done.account_uri)}: {what}; rights on the root: "
        f"{escape(done.root_acl)}"
    )
    if port is not None:
        err.print("the board starts anew")


@device_app.command("run")
def device_run(
    image: ImageFile,
    http: Annotated[
        int | None, typer.Option(metavar="PORT", min=1, max=65535, help="Port for pushes, on loopback.")
    ] = None,
    sms: Annotated[
        str | None,
        typer.Option(metavar="ADDR", help="HOST:PORT of a simulated modem that brings pushes by SMS."),
    ] = None,
    direct: Annotated[
        bool, typer.Option("--direct", help="SMS come at once and are acknowledged, without a store.")
    ] = False,
    cut: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Cut the power at the N-th flash operation.")
    ] = None,
    torn: Annotated[
        str, typer.Option(metavar="MODE", help=f"How far that operation gets: {', '.join(devices.TORN)}.")
    ] = "half",
    as_json: Annotated[bool, typer.Option("--json", help="Events as JSON, one object a line.")] = False,
) -> None:
    """Run a simulated device on its flash image until Ctrl-C, under MicroPython with the firmware's own code.

    One line per push: what became of it, the status of every command, and the flash operations it cost.

    **Examples:**

    * `dmtool device run -i led7.img --http 4035`, and with `--cut 3` behind it

    * `dmtool device run -i led7.img --sms 127.0.0.1:4100`, with a modem from
    `dmtool modem simulate --modem sim800,+15550199,4100`
    """
    if http is None and sms is None:
        raise UsageError("give --http PORT, or --sms ADDR, or both: how pushes come")
    if direct and sms is None:
        raise UsageError("--direct: wants --sms with it")
    if torn not in devices.TORN:
        raise UsageError(f"--torn {torn}: use {', '.join(devices.TORN)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with devices.Device(image, http, cut or 0, torn, sms, direct) as device:
        try:
            for line, event in device.follow():
                if as_json:
                    print(line, flush=True)
                elif event is not None:
                    out.print(devices.describe(event))
        except KeyboardInterrupt:
            return
        code = device.stop()
    if code not in (0, devices.POWER_CUT):
        told = device.remarks[-1] if device.remarks else f"exit status {code}"
        if "EADDRINUSE" in told:
            told = f"port {http} is taken by another program; give another --http PORT"
        raise ToolError(f"{image}: the device ended: {told}")


@app.command()
def tree(
    image: TreeFile,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, one object per node.")] = False,
) -> None:
    """Show the whole tree of a device with its properties; secrets are masked.

    Reads a copy, so a device may be running on the image. A terminal of 120 columns or more gets all
    properties; --json has them always.

    **Examples:** `dmtool tree led7.img`, `dmtool tree led7.img --json | jq '.[].uri'`
    """
    nodes = trees.read(image)
    if as_json:
        print(json.dumps(trees.as_json(nodes), indent=1, ensure_ascii=False))
    else:
        console = Console(highlight=False)
        console.print(trees.table(nodes, wide=console.width >= 120))


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A WBXML message, a WSP push, or SMS PDUs.")],
    xml: Annotated[bool, typer.Option("--xml", help="The messages in it as XML, nothing else.")] = False,
) -> None:
    """Show a message token by token, or as XML; and the push or the SMS around it.

    SMS are lines of hexadecimal digits, SMS-DELIVER or SMS-SUBMIT; the parts of a push are put together, in
    whatever order they are. Other lines, as in a transcript of a modem, are passed over.

    Reads what can be read at all; where that ends, the reason is the last line and the exit code 1.

    **Examples:** `dmtool inspect m.wbxml --xml`, `dmtool inspect pdus.txt`
    """
    found = inspecting.examine(read_message(file))
    console = Console(highlight=False) if sys.stdout.isatty() else None
    for section in () if xml else found.sections:
        if console:
            console.print(inspecting.section_table(section))
        else:
            print("\n".join(inspecting.section_lines(section)))
    for message, document in found.documents:
        if xml:
            if document.root is not None:
                sys.stdout.write(xml_text.write(document.root))
        elif console:
            console.print(inspecting.table(document))
        else:
            print("\n".join(inspecting.lines(document)))
        for title, rows in () if xml else inspecting.objects(document):
            if console:
                console.print(tnds_show.table(rows, title) if rows else title, markup=False)
            else:
                print("\n".join([title, *tnds_show.lines(rows)]))
        if document.error is None:
            err.print(f"{escape(str(file))}: {escape(inspecting.summary(document, len(message)))}")
    if found.problems:
        raise ToolError(f"{file}: {'; '.join(found.problems)}")


@app.command()
def demo() -> None:
    """Show the main job step by step on a simulated device, and check every fact.

    Provisions a device, changes it by pushes over HTTP and SMS, tries what must not pass, cuts the power in
    the middle of a commit. The first fact that does not hold ends it with exit code 1.
    """
    demonstration.run(_in_this_process)


def _in_this_process(words: list[str]) -> None:
    # A command of the demo: parsed and carried out as if it were typed; its ToolError comes through.
    with contextlib.ExitStack() as stack:
        stack.callback(setattr, err, "file", None)  # None: standard error, whatever it is then
        err.file = sys.stdout  # in the order of the story
        app(words, prog_name="dmtool", standalone_mode=False, obj=NESTED)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our signs is no reason to fail
    app(prog_name="dmtool")
