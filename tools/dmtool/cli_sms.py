"""The commands `dmtool push sms ...`: one for each way to the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import account as accounts
from . import sms_gammu, sms_kannel, sms_modem, sms_push
from .app import AccountFile, err, out, read_push, sms_app
from .errors import ToolError, UsageError, os_error
from .sms_encode import DEVICE_PARTS, MANY_PARTS
from .sms_push import Plan, Sent

MessageFile = Annotated[Path, typer.Argument(metavar="MESSAGE.wbxml", help="A finished message.")]
Number = Annotated[str, typer.Option("--to", metavar="NUMBER", help="The device's number, +15550199.")]
Hours = Annotated[int, typer.Option(min=1, max=24 * 63 * 7, help="How long the network tries to deliver.")]
Wide = Annotated[bool, typer.Option("--wide", help="A reference of 16 bits: 127 octets of push an SMS.")]
Reference = Annotated[
    int | None, typer.Option(min=0, max=65535, help="The reference of the parts; random when left out.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Send nothing, print the SMS as PDUs.")]
User = Annotated[str, typer.Option("--user", metavar="NAME", help="User name at the gateway.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Holds the password; for its owner alone (0600)."),
]
HOURS = 96


def _plan(
    account: Path, message: Path, to: str, hours: int, wide: bool = False, reference: int | None = None
) -> Plan:
    octets = read_push(message)
    if reference is not None and not wide and reference > 255:
        raise UsageError(f"--reference {reference}: has more than 8 bits; use --wide with it")
    plan = sms_push.plan(
        accounts.load(account), octets, to, minutes=60 * hours, wide=wide, reference=reference
    )
    err.print(f"{escape(str(message))} to {to}: {plan}")
    return plan


def _warn(parts: int) -> None:
    if parts > DEVICE_PARTS:
        err.print(
            f"[yellow]warning:[/yellow] {parts} SMS: a device takes {DEVICE_PARTS} for a message, unless "
            "its firmware was built with more room (SMS_OCTETS), and refuses this one; split it, or use HTTP"
        )
    elif parts > MANY_PARTS:
        err.print(
            f"[yellow]warning:[/yellow] {parts} SMS: gateways often cut at {MANY_PARTS}, and the device "
            "waits half an hour at most for a missing one; split the message, or try compose --compact"
        )


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        mode = file.stat().st_mode & 0o777
        if mode & 0o077:
            raise ToolError(f"{file}: mode {mode:04o} lets others at the password; run: chmod 600 {file}")
        text = file.read_text(encoding="utf-8").strip("\r\n")
    except OSError as error:
        raise os_error(file, error) from None
    except UnicodeDecodeError:
        raise ToolError(f"{file}: is no text in UTF-8") from None
    if not text or not text.isprintable() or not text.isascii():
        raise ToolError(f"{file}: must hold the password alone, in one line of plain ASCII")
    return text


def _print_pdus(plan: Plan) -> None:
    for submit in plan.submits:
        print(submit.digits)


def _send(where: str, parts: int, work: Callable[[Sent], object]) -> None:
    # The bar is on standard error and only on a terminal; what counts is the line at the end.
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("sending", total=parts)
        work(lambda done: progress.update(task, completed=done))
    err.print(f"{escape(where)}: {parts} SMS sent")


@sms_app.command("modem")
def by_modem(
    port: Annotated[
        str, typer.Argument(metavar="PORT", help="Serial port, pty, socket://HOST:PORT, rfc2217://HOST:PORT.")
    ],
    message: MessageFile,
    account: AccountFile,
    to: Number,
    hours: Hours = HOURS,
    wide: Wide = False,
    reference: Reference = None,
    baud: Annotated[int, typer.Option(min=300, help="Speed of a serial port.")] = sms_modem.BAUD,
    dry_run: DryRun = False,
) -> None:
    """Push by an AT modem at this machine: SMS-SUBMIT in PDU mode.

    The SIM must be ready (no PIN) and know its service centre. An SMS that the network refuses for the
    moment is tried again.

    **Examples:**

    * `dmtool push sms modem /dev/ttyUSB0 m.wbxml --account led7.toml --to +15550199`

    * `dmtool push sms modem - m.wbxml -a led7.toml --to +15550199 --dry-run`: the PDUs only
    """
    plan = _plan(account, message, to, hours, wide, reference)
    _warn(len(plan.parts))
    if dry_run:
        _print_pdus(plan)
        return
    _send(port, len(plan.parts), lambda sent: sms_modem.send(plan, port, sent, baud))


@sms_app.command("kannel-sendsms")
def by_sendsms(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://HOST:13013 of smsbox.")],
    message: MessageFile,
    account: AccountFile,
    to: Number,
    user: User,
    password_file: PasswordFile,
    hours: Hours = HOURS,
    wide: Wide = False,
    reference: Reference = None,
    dry_run: DryRun = False,
) -> None:
    """Push through Kannel's smsbox; the choice for Kannel.

    Every SMS is a request of its own, so the gateway neither cuts nor truncates: its settings
    `concatenation` and `max-messages` do not matter.

    **Example:** `dmtool push sms kannel-sendsms http://127.0.0.1:13013 m.wbxml -a led7.toml --to +15550199
    --user dm --password-file dm.pw`
    """
    plan = _plan(account, message, to, hours, wide, reference)
    _warn(len(plan.parts))
    target = sms_kannel.url_of(url, "sendsms")
    if dry_run:
        _print_pdus(plan)
        return
    password = _password(password_file)
    _warn_clear(sms_kannel.in_clear(target))
    _send(str(target), len(plan.parts), lambda sent: sms_kannel.sendsms(plan, url, sent, user, password))


@sms_app.command("kannel-pap")
def by_pap(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://HOST:PORT of the push proxy gateway.")],
    message: MessageFile,
    account: AccountFile,
    to: Number,
    user: User = "",
    password_file: PasswordFile = None,
    max_messages: Annotated[
        int, typer.Option(min=1, max=255, help="`max-messages` of the gateway's group wapbox.")
    ] = sms_kannel.MAX_MESSAGES,
    dry_run: DryRun = False,
) -> None:
    """Push through Kannel's push proxy gateway, by the standard's Push Access Protocol.

    The gateway makes WSP and SMS itself, with some octets more than ours. It truncates what is longer than
    its `max-messages` and says "accepted": the tool counts and refuses before. Its SMS are given up when
    the device is off for 25 minutes: kannel-sendsms tries longer.

    **Example:** `dmtool push sms kannel-pap http://127.0.0.1:8080 m.wbxml -a led7.toml --to +15550199`
    """
    plan = _plan(account, message, to, HOURS)
    target = sms_kannel.url_of(url, "pap")
    parts = sms_kannel.check_parts(plan, max_messages)
    size = len(sms_kannel.pap_push(plan))
    err.print(f"{escape(str(target))}: makes a push of {size} octets of it, {parts} SMS", soft_wrap=True)
    _warn(parts)
    if dry_run:
        headers, body = sms_kannel.pap_request(plan, target, "dry-run@dmtool")
        for name, value in headers.items():
            out.print(f"{name}: {escape(value)}", soft_wrap=True)
        out.print("\n" + escape(body.decode("ascii", "backslashreplace").replace("\r\n", "\n")))
        return
    if password_file is not None and not user:
        raise UsageError("--password-file: wants --user with it")
    password = _password(password_file)
    _warn_clear(bool(user) and sms_kannel.in_clear(target))
    _send(str(target), parts, lambda sent: sms_kannel.pap(plan, url, sent, user, password, max_messages))
    err.print(
        f"[dim]taken by the gateway; it tells nothing of delivery, and gives up after "
        f"{sms_kannel.PAP_MINUTES} minutes[/dim]"
    )


def _warn_clear(clear: bool) -> None:
    if clear:
        err.print(
            "[yellow]warning:[/yellow] the password crosses the network readable; use https, or a tunnel"
        )


@sms_app.command("gammu")
def by_gammu(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A gammurc: device and connection.")],
    message: MessageFile,
    account: AccountFile,
    to: Number,
    hours: Hours = HOURS,
    wide: Wide = False,
    reference: Reference = None,
    dry_run: DryRun = False,
) -> None:
    """Push by Gammu, which knows many phones and modems; wants python3-gammu on this machine.

    **Example:** `dmtool push sms gammu ~/.gammurc m.wbxml --account led7.toml --to +15550199`
    """
    plan = _plan(account, message, to, hours, wide, reference)
    _warn(len(plan.parts))
    if dry_run:
        _print_pdus(plan)
        return
    _send(f"gammu {config}", len(plan.parts), lambda sent: sms_gammu.send(plan, config, sent))
