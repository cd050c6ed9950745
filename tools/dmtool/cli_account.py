"""The commands `dmtool account ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from . import account as accounts
from . import keys
from .app import AccountFile, PassphraseFile, account_app, err
from .errors import ToolError, UsageError


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
    proof: Annotated[
        str,
        typer.Option(
            metavar="hmac|rsa|ecdsa",
            help="What proves messages: a shared secret, or signatures of a key pair.",
        ),
    ] = "hmac",
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="KEY.pem",
            help="rsa, ecdsa: the private key, in the account's folder; taken if it is there, else made. "
            "The name of FILE with .pem when left out.",
        ),
    ] = None,
    bits: Annotated[
        int, typer.Option(metavar="2048|3072", help="rsa: size of a new key.")
    ] = keys.DEFAULT_BITS,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an account for one server and one device, with a fresh secret and nonce, or with a key pair.

    A secret is in the file alone: it is not shown, and every device gets its own. A private key is a PKCS#8
    file under a passphrase, which is asked for, or comes from --passphrase-file or from DMTOOL_PASSPHRASE.
    Devices get its public half, so one key pair may serve many accounts.

    **Examples:**

    * `dmtool account create led7.toml --server-id com.example.dms --device-id urn:dev:mac:07`

    * `dmtool account create led8.toml --server-id com.example.dms --device-id urn:dev:mac:08 --proof ecdsa`
    """
    if proof not in accounts.PROOFS:
        raise UsageError(f"--proof {proof}: use one of {', '.join(accounts.PROOFS)}")
    if bits not in keys.RSA_BITS:
        raise UsageError(f"--bits {bits}: devices take {' or '.join(map(str, keys.RSA_BITS))}")
    if proof == "hmac":
        if key_file is not None or passphrase_file is not None:
            raise UsageError("--key-file and --passphrase-file: only with --proof rsa or ecdsa")
        account = accounts.create(file, server_id, device_id, auth_name)
    else:
        pair = _pair(file, key_file or file.with_suffix(".pem"), proof, bits, passphrase_file)
        account = accounts.create(file, server_id, device_id, auth_name, **pair)
    err.print(
        f"{escape(str(file))}: account of {escape(account.server_id)} for {escape(account.device_id)}; "
        "next: dmtool provision"
    )


def _pair(
    file: Path, key_file: Path, proof: str, bits: int, passphrase_file: Path | None
) -> dict[str, str | bytes]:
    if key_file.resolve().parent != file.resolve().parent:
        raise UsageError(f"--key-file {key_file}: must lie in the folder of {file}, which names it")
    if file.exists():
        raise ToolError(f"{file}: exists already; choose another name, or remove it")
    if key_file.exists():
        key = keys.load(key_file, keys.passphrase(f"Passphrase of {key_file}", passphrase_file))
    else:
        key = keys.create(
            key_file,
            proof,
            keys.passphrase(f"New passphrase for {key_file}", passphrase_file, new=True),
            bits,
        )
        err.print(f"{escape(str(key_file))}: new private key; keep it and its passphrase apart")
    return {"proof": proof, "private_key": key_file.name, "public_key": keys.public_der(key)}


@account_app.command("add-key")
def account_add_key(
    account: AccountFile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the key: letters, digits, _ and -.")],
    bits: Annotated[int, typer.Option(metavar="128|256", help="Size of the key.")] = 256,
) -> None:
    """Add a key for encrypted values to an account; `dmtool provision` brings it onto the device.

    An account with a shared secret can encrypt without one: it derives a key for every message.

    **Example:** `dmtool account add-key --account led8.toml content`
    """
    if bits not in (128, 256):
        raise UsageError(f"--bits {bits}: use 128 or 256")
    accounts.add_key(account, name, bits // 8)
    err.print(
        f"{escape(str(account))}: new key {escape(name)}; next: dmtool provision, then compose --encrypt"
    )
