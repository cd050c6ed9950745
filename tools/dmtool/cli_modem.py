"""The commands `dmtool modem ...`: modems for people who have none."""

from __future__ import annotations

import functools
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from modemsim.control import HELP
from modemsim.families import FAMILIES
from rich.markup import escape
from rich.table import Table

from . import modem as modems
from .app import modem_app, out


def _command_list() -> str:
    rows = (line.partition("  ") for line in HELP.splitlines())
    return "\n\n".join(f"* `{command}` {text.strip()}".rstrip() for command, _, text in rows)


_HELP = f"""Simulate AT modems and the network between them, until Ctrl-C.

A modem takes and gives SMS in PDU mode as its family does: indications, stores and their size,
acknowledgements, restarts. What one submits to the number of another is delivered there; what nobody takes
is tried again.
`dmtool push sms modem` sends through one, `dmtool device run --sms` and drivers of yours receive with one.

**Families:** {", ".join(FAMILIES)} (`dmtool modem families` tells how they differ)

**Commands**, one a line on standard input, in a script, or on the control channel; with several modems the
number of one comes first (`+15550199 restart 5`):

{_command_list()}

A script has also `sleep SECONDS`, `quit`, and comments behind `#`.

**Examples:**

* `dmtool modem simulate`: one modem on a pty

* `dmtool modem simulate --modem sim800,+15550199,4100 --modem generic,+15550123,pty=./sender`: the device's
modem on TCP port 4100, and one to send with

* `dmtool modem simulate --modem ec25,+15550199,4100 --script faults.txt --talk`: faults as a script says, and
every line between host and modem
"""


@modem_app.command("simulate", help=_HELP)
def simulate(
    modem: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FAMILY,NUMBER,WHERE",
            help="A modem; WHERE is pty, pty=LINK, or a TCP port of 127.0.0.1 (0: any free one). "
            "generic,+15550199,pty when left out. May be given several times.",
        ),
    ] = None,
    control: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=0, max=65535, help="Take commands on this port of 127.0.0.1 too."),
    ] = None,
    script: Annotated[Path | None, typer.Option(metavar="FILE", help="Commands to run at the start.")] = None,
    talk: Annotated[bool, typer.Option("--talk", help="Show what host and modem say.")] = False,
) -> None:
    """Simulate AT modems; the help is above."""
    rows = [modems.parse(text) for text in modem or ["generic,+15550199,pty"]]
    if script is not None:
        modems.script_of(script)  # before anything is started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with modems.Simulation() as simulation:
        for family, number, where in rows:
            station = simulation.add(family, number, where)
            port = station.address if where.startswith("pty") else f"socket://{station.address}"
            out.print(f"[bold]modem[/bold] {number} {family} {escape(port)}")
            if talk:
                station.modem.log = modems.Talk(functools.partial(_overheard, number))
        if control is not None:
            out.print(f"[bold]control[/bold] {simulation.listen(control)}")
        sys.stdout.flush()
        try:
            if script is not None and modems.play(simulation, script, _tell):
                return
            for line in sys.stdin:
                if line.strip():
                    _tell(simulation.command(line))
            while True:
                signal.pause()
        except KeyboardInterrupt:
            return


def _overheard(number: str, who: str, line: str) -> None:
    out.print(f"[dim]{number}[/dim] {'>' if who == 'host' else '<'} {escape(line)}")
    sys.stdout.flush()


def _tell(text: str) -> None:
    out.print(escape(text))
    sys.stdout.flush()


@modem_app.command("families")
def families() -> None:
    """List the families of simulated modems and what is peculiar to each.

    **Example:** `dmtool modem families`
    """
    table = Table(header_style="bold")
    for name in ("Family", "Says it is", "Stores", "From", "CNMI after start", "+CMT:", "Peculiar"):
        table.add_column(name, overflow="fold")
    for row in FAMILIES.values():
        peculiar = [f"refuses CNMI field {at} = {value}" for at, value in row.refuses]
        peculiar += [row.ack] if row.ack != "AT+CNMA" else []
        peculiar += ["text mode after start"] if row.text_mode else []
        peculiar += [f"full: {row.full}"] if row.full else []
        peculiar += ["service 128"] if 128 in row.services else []
        table.add_row(
            row.name,
            f"{row.maker} {row.model}",
            ", ".join(f"{name} {size}" for name, size in row.stores.items() if size),
            str(row.first_index),
            ",".join(map(str, row.default_cnmi)),
            escape(row.cmt.format(length="n")),
            escape("; ".join(peculiar)),
        )
    out.print(table)
