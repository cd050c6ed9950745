"""The chapter of the demo on signatures and encrypted values."""

from __future__ import annotations

import os
from pathlib import Path

from . import keys
from .stage import ACCOUNT, IMAGE, Stage, statuses

_ACCOUNT = "rsa.toml"
_DIGEST = 173  # reason code: the content is not what was signed
_SECRET = "rain-on-the-quay"


def signed_and_encrypted(demo: Stage) -> None:
    """A server whose key is nowhere on the device; a value that nobody on the way can read."""
    demo.step(
        "Signed with a private key, and encrypted",
        "Every message so far was signed with the secret of the device. A second server has an RSA key: the",
        "device gets its public half only, and the push needs no header. Its passphrase would be asked for;",
        f"here it is in the variable {keys.VARIABLE}.",
    )
    demo.stop()
    before = os.environ.get(keys.VARIABLE)
    os.environ[keys.VARIABLE] = os.urandom(12).hex()
    try:
        device_id = demo.value("./DevInfo/DevId")
        demo.command(
            f"account create {_ACCOUNT} --server-id org.example.keys --device-id {device_id} "
            "--proof rsa --bits 2048"
        )
        demo.command(f"provision --account {_ACCOUNT} --image {IMAGE}")
        private = Path(_ACCOUNT).with_suffix(".pem").read_bytes()
        demo.fact("the private key is on disk under its passphrase", b"ENCRYPTED PRIVATE KEY" in private)
        demo.start()
        demo.command(f"compose --account {_ACCOUNT} --output keys.wbxml replace ./App/Site/Name=Depot")
        demo.command(f"verify keys.wbxml --account {_ACCOUNT}")
    finally:
        del os.environ[keys.VARIABLE]
        if before is not None:
            os.environ[keys.VARIABLE] = before
    octets = Path("keys.wbxml").read_bytes()
    _, events = demo.push(octets.replace(b"Depot", b"Depor"), None)
    demo.same("one letter changed on its way: refused", events[-1]["code"], _DIGEST)
    demo.same("zero flash operations", events[-1]["flash"], {"programs": 0, "erases": 0})
    events = demo.push_file("keys.wbxml", _ACCOUNT)
    demo.same("as it was: applied, status 200", statuses(events), [200])
    demo.same("the flash says Depot", demo.value("./App/Site/Name"), "Depot")

    demo.console.print("\n[bold]Encrypted[/bold]: a password that nobody on the way may read")
    node = "./App/Net/Password"
    demo.command(
        f"compose --account {ACCOUNT} --output secret.wbxml --encrypt {node} replace {node}={_SECRET}"
    )
    octets = Path("secret.wbxml").read_bytes()
    demo.fact("it is nowhere in the message", _SECRET.encode() not in octets)
    events = demo.push_file("secret.wbxml")
    demo.same("the device applied it, status 200", statuses(events), [200])
    demo.same("its flash has the password", demo.value(node), _SECRET)
