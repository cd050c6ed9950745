"""docs/security.md, from the threats and the defences."""

from defences import DEFENCES, THREATS

HEAD = """\
# Security: what may be tried, what meets it, and what would notice if it were gone

Every threat below was seen somewhere, or follows from the standard, which has no protection against replay and an acknowledgement
for nobody. Each is met by defences; each defence is a few lines in one file, and has a test that fails when those lines are taken out.
`make mutants` takes out one after the other, in a copy of the sources, and shows the test failing. This page is made from the same list
(`host_tests/mutants/defences.py`), by `python host_tests/mutants/run.py --page`.

## What is trusted, and what is not

* **Nobody on the way.** Networks, gateways, service centres and whoever can reach the device's port or number can send anything, read
  everything that is not encrypted, hold messages back and repeat them. They cannot make the device do anything, learn what became of a push
  from its answer or the time of it, wear out its flash, or take more of its heap than is set aside.
* **A server** with an account is trusted with what its ACLs grant, and with no more: not with other servers' nodes, not with accounts, not with
  the heap or the flash of the device.
* **The application** on the device, and who holds the device in his hands, are trusted. Who reads the flash of a device can pose as its server
  to that one device where the account has a shared secret; with RSA or ECDSA he finds public keys only. Secure boot and flash encryption are the
  board's.
* **The operator's machine** holds secrets and keys, in files of mode 0600.

What is not promised: that a message arrives (a carrier may drop it, and nothing is sent back), that it is confidential unless it is encrypted,
and protection against somebody who can glitch or open the chip.

"""


def page() -> str:
    """The page."""
    lines = [HEAD + "## Threats and defences"]
    for threat in THREATS:
        lines += [
            "",
            f"### {threat.name}",
            "",
            threat.text + (f" *Seen: {threat.known}.*" if threat.known else ""),
        ]
        lines += ["", "| defence | what it does | where | the test that notices |", "|--|--|--|--|"]
        for one in DEFENCES:
            if one.threat == threat.name:
                lines.append(f"| {one.name} | {one.text} | `{one.file}` | {test_of(one.test)} |")
    return "\n".join(lines) + "\n"


def test_of(test: str) -> str:
    """A test as people read it."""
    file, _, name = test.partition("::")
    return f"`{file}` {name.removeprefix('test_').replace('_', ' ')}"
