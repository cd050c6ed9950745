"""The command `dmtool compose`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from . import (
    addresses,
    encryption,
    keys,
    octets,
    sms_push,
    tnds_compose,
    tnds_encode,
    tnds_rules,
    wbxml_encode,
    xml_text,
)
from . import commands as language
from . import compose as composing
from .app import AccountFile, PassphraseFile, app, err, write_private
from .errors import UsageError
from .signing import Signer

# Panels of --help.
_WHERE, _OBJECT, _WIRE, _SECRET = "Addresses", "TNDS objects", "On the wire", "Proof and secrecy"

SIGN = True  # whether messages are signed when nobody says


@app.command()
def compose(
    account: AccountFile,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND...",
            help="replace URI=VALUE, add URI[:FORMAT]=VALUE, delete URI, exec URI[=ARG], acl URI=ACL, "
            "rename URI=NAME, title URI=TEXT",
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
    virtual: Annotated[
        str | None,
        typer.Option(
            "--virtual",
            metavar="MOID=ID",
            help="Find an object by its identifier, [URI?]MOID=ID[&LEAF=VALUE]; every URI is the path below "
            "it, '.' the object itself.",
            rich_help_panel=_WHERE,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="URI", help="Every URI is the path below this node.", rich_help_panel=_WHERE
        ),
    ] = None,
    tnds: Annotated[
        list[Path] | None,
        typer.Option(
            "--tnds",
            metavar="FILE.xml",
            help="Add a TNDS object; may be given more than once.",
            rich_help_panel=_OBJECT,
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            metavar="URI",
            help="Where --tnds goes: the parent, for --replace the node; ./Inbox "
            "when left out: the device finds the place.",
            rich_help_panel=_OBJECT,
        ),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="--tnds takes the place of all that is at --target.", rich_help_panel=_OBJECT
        ),
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            "--form",
            metavar="FORM",
            help=f"How --tnds travels: {', '.join(tnds_encode.FORMS)}; or 1 to 4.",
            rich_help_panel=_OBJECT,
        ),
    ] = "opaque",
    acl: Annotated[
        str | None,
        typer.Option(
            "--acl",
            metavar="ACL",
            help="For top nodes of --tnds without one; all but Exec for the "
            "account's server when left out, none when empty.",
            rich_help_panel=_OBJECT,
        ),
    ] = None,
    wbxml: Annotated[
        str, typer.Option("--wbxml", metavar="1.1|1.2|1.3", help="Version of WBXML.", rich_help_panel=_WIRE)
    ] = "1.2",
    string_table: Annotated[
        bool,
        typer.Option(
            "--string-table", help="Write texts that repeat once, in a string table.", rich_help_panel=_WIRE
        ),
    ] = False,
    compact: Annotated[
        bool,
        typer.Option(
            "--compact",
            help="As short as the standard allows, and show where the octets went.",
            rich_help_panel=_WIRE,
        ),
    ] = False,
    sign: Annotated[
        bool | None,
        typer.Option(
            "--sign/--no-sign",
            help="Sign the whole message (about 700 octets), or leave that to the MAC.",
            rich_help_panel=_SECRET,
        ),
    ] = None,
    encrypt: Annotated[
        list[str] | None,
        typer.Option(
            "--encrypt",
            metavar="URI",
            help="Encrypt the value for this node; may be given several times.",
            rich_help_panel=_SECRET,
        ),
    ] = None,
    cipher: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"How: {', '.join(encryption.CIPHERS)}; GCM needs a board with it.",
            rich_help_panel=_SECRET,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With a key of the account, instead of one derived for the message.",
            rich_help_panel=_SECRET,
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

    * `dmtool compose -a led7.toml -o m.wbxml delete ./App/Old exec ./Dev/Reboot`

    * `dmtool compose -a led7.toml -o m.wbxml acl './App=Get=*&Replace=com.example.dms' rename ./App/A=B`

    * `dmtool compose -a led7.toml -o m.wbxml --tnds hotspot.xml`: to the Inbox

    * `dmtool compose -a led7.toml -o m.wbxml --tnds logger.xml --replace --target ./App`

    * `dmtool compose -a led7.toml -o m.wbxml --virtual MOID=urn:oma:mo:oma-fumo:1.0 --sequence
    replace Ext/SHA256=HEX replace DownloadAndUpdate/PkgURL=http://192.0.2.1/app.bin exec DownloadAndUpdate`

    * `dmtool compose -a led7.toml -o m.wbxml --encrypt ./Wifi/Key replace ./Wifi/Key=@key.txt`

    * `dmtool compose -a led7.toml -o m.wbxml --compact replace ./Led/State=on`: for SMS
    """
    if atomic and sequence:
        raise UsageError("--atomic and --sequence: take one of them; --xml can nest them")
    if wbxml not in wbxml_encode.VERSIONS:
        raise UsageError(f"--wbxml {wbxml}: use {', '.join(wbxml_encode.VERSIONS)}")
    if bool(command or tnds) == (xml is not None):
        raise UsageError("give commands, --tnds FILE, or --xml FILE and neither of them")
    if tnds is None and (target is not None or replace or acl is not None or form != "opaque"):
        raise UsageError("--target, --replace, --form, --acl: go with --tnds FILE")
    if virtual is not None and base is not None:
        raise UsageError("--virtual, --base: take one of them")
    if virtual is not None:
        addresses.check_part_a(virtual)
    parent = virtual if virtual is not None else base
    if parent is not None and xml is not None:
        raise UsageError("--virtual, --base: not with --xml, which says TargetParent itself")
    if output is not None and output.resolve() == account.resolve():
        raise UsageError(f"-o {output}: is the account file; name another")
    if output is None and sys.stdout.isatty():
        raise UsageError("a message is no text: give -o OUT, or send the output to a file")
    if xml is not None:
        body = xml_text.read_body(xml)
    else:
        body = language.parse(command or [])
        if parent is not None:
            body = language.below(body, parent)
        wanted = tnds_compose.Wanted(
            target=target or (tnds_rules.INBOX if parent is None else "."),
            replace=replace,
            form=tnds_encode.form_of(form),
            acl=acl,
            parent=parent,
            version=wbxml,
            string_table=string_table or compact,
        )
        body = tnds_compose.objects(tnds or [], accounts.load(account).server_id, wanted) + body
    if atomic or sequence:
        if body and body[-1].name == "Final":
            body = body[:-1]
        body = language.block("Atomic" if atomic else "Sequence", body)
    secret = _encryption(account, encrypt, cipher, key)
    signer = _signer(account, sign, compact, passphrase_file)
    message = composing.compose(
        account,
        body,
        version=wbxml,
        string_table=string_table,
        compact=compact,
        signer=signer,
        encrypt=secret,
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


def _encryption(
    account: Path, uris: list[str] | None, cipher: str | None, key: str | None
) -> encryption.Wanted | None:
    if cipher is not None and cipher not in encryption.CIPHERS:
        raise UsageError(f"--cipher {cipher}: use one of {', '.join(encryption.CIPHERS)}")
    if not uris:
        if cipher is not None or key is not None:
            raise UsageError("--cipher and --key: want --encrypt URI with them")
        return None
    return encryption.wanted(accounts.load(account), uris, cipher, key)


def _signer(account: Path, sign: bool | None, compact: bool, passphrase_file: Path | None) -> Signer | None:
    told = accounts.load(account)
    if sign is None:
        sign = told.proof != "hmac" or SIGN and not compact
        if compact and not sign:
            err.print(
                "--compact: not signed, because a signature has some 700 octets; --sign signs all the same"
            )
    return keys.signer(account, told, passphrase_file) if sign else None
