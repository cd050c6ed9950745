"""The command `dmtool compose`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from . import commands as language
from . import compose as composing
from . import keys, octets, sms_push, wbxml_encode, xml_text
from .app import AccountFile, PassphraseFile, app, err, write_private
from .errors import UsageError
from .signing import Signer

SIGN = False  # whether messages are signed when nobody says


@app.command()
def compose(
    account: AccountFile,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND...", help="replace URI=VALUE, add URI[:FORMAT]=VALUE, delete URI, exec URI[=ARG]"
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="Where to write; standard output when left out."),
    ] = None,
    atomic: Annotated[bool, typer.Option("--atomic", help="All or nothing.")] = False,
    sequence: Annotated[bool, typer.Option("--sequence", help="In a Sequence: in this order.")] = False,
    xml: Annotated[
        Path | None,
        typer.Option("--xml", metavar="FILE", help="Take the children of SyncBody from a file."),
    ] = None,
    wbxml: Annotated[str, typer.Option("--wbxml", metavar="1.1|1.2|1.3", help="Version of WBXML.")] = "1.2",
    string_table: Annotated[
        bool, typer.Option("--string-table", help="Write texts that repeat once, in a string table.")
    ] = False,
    compact: Annotated[
        bool,
        typer.Option("--compact", help="As short as the standard allows, and show where the octets went."),
    ] = False,
    sign: Annotated[
        bool | None,
        typer.Option(
            "--sign/--no-sign", help="Sign the whole message (about 700 octets), or leave that to the MAC."
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Compose one message; it takes the next number of the account.

    A command is two words. URI may end in `:FORMAT` or `:FORMAT,TYPE` (chr, int, bool, float, bin, b64, xml,
    date, time, null, node); VALUE is text, or @FILE for the content of a file.

    **Examples:**

    * `dmtool compose -a led7.toml -o m.wbxml replace ./Led/State=on`

    * `dmtool compose -a led7.toml -o m.wbxml --atomic add ./App/Log:node add ./App/Log/Level:int=3`

    * `dmtool compose -a led7.toml -o m.wbxml replace './App?prop=ACL=Get=*&Replace=com.example.dms'`

    * `dmtool compose -a led7.toml -o m.wbxml delete ./App/Old exec ./Dev/Reboot`

    * `dmtool compose -a led7.toml -o m.wbxml --compact replace ./Led/State=on`: for SMS
    """
    if atomic and sequence:
        raise UsageError("--atomic and --sequence: take one of them; --xml can nest them")
    if wbxml not in wbxml_encode.VERSIONS:
        raise UsageError(f"--wbxml {wbxml}: use {', '.join(wbxml_encode.VERSIONS)}")
    if bool(command) == (xml is not None):
        raise UsageError("give commands, or --xml FILE, one of them")
    if output is not None and output.resolve() == account.resolve():
        raise UsageError(f"-o {output}: is the account file; name another")
    if output is None and sys.stdout.isatty():
        raise UsageError("a message is no text: give -o OUT, or send the output to a file")
    body = xml_text.read_body(xml) if xml is not None else language.parse(command or [])
    if atomic or sequence:
        if body and body[-1].name == "Final":
            body = body[:-1]
        body = language.block("Atomic" if atomic else "Sequence", body)
    signer = _signer(account, sign, compact, passphrase_file)
    message = composing.compose(
        account, body, version=wbxml, string_table=string_table, compact=compact, signer=signer
    )
    if output is None:
        sys.stdout.buffer.write(message.octets)
        sys.stdout.buffer.flush()
    else:
        write_private(output, message.octets)
    name = "message" if output is None else str(output)
    err.print(
        f"{escape(name)}: {len(message.octets)} octets, session {message.session_id:X}, "
        f"message {message.msg_id}"
    )
    if compact:
        plan = sms_push.plan(accounts.load(account), message.octets, "+0")
        err.print(octets.table(octets.of_push(plan.message, plan.hmac, plan.push, plan.parts), plan.parts))


def _signer(account: Path, sign: bool | None, compact: bool, passphrase_file: Path | None) -> Signer | None:
    told = accounts.load(account)
    if sign is None:
        sign = told.proof != "hmac" or SIGN and not compact
        if compact and not sign:
            err.print(
                "--compact: not signed, because a signature has some 700 octets; --sign signs all the same"
            )
    return keys.signer(account, told, passphrase_file) if sign else None
