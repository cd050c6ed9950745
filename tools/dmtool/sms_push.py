"""A push by SMS, ready to go: proof, WSP push, parts, SMS-SUBMITs; and how senders report.

A sender is a function that takes a Plan and calls `sent(n)` when the n-th SMS is on its way. Sending a
push twice does no harm: a device drops parts it has, and refuses a message it has seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import sms_encode, wsp_encode
from .account import Account
from .sms_encode import DAY, MANY_PARTS, PORT, SOURCE_PORT, Part, Submit

Sent = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes to whom."""

    to: str
    message: bytes
    hmac: str | None  # value of x-syncml-hmac; None when the signature is the proof
    push: bytes
    parts: list[Part]
    minutes: int  # how long the network tries

    @property
    def submits(self) -> list[Submit]:
        """The parts as SMS-SUBMIT."""
        return [sms_encode.submit(self.to, part, self.minutes) for part in self.parts]

    @property
    def many(self) -> bool:
        """More parts than gateways take by themselves."""
        return len(self.parts) > MANY_PARTS

    def __str__(self) -> str:
        """Say how much it is."""
        sizes = [part.octets for part in self.parts]
        text = f"message {len(self.message)} octets, push {len(self.push)} octets, "
        if len(sizes) == 1:
            return text + f"1 SMS of {sizes[0]} octets"
        same = f"{len(sizes) - 1} of {sizes[0]} octets" if len(sizes) > 2 else f"{sizes[0]}"
        return text + f"{len(sizes)} SMS: {same} and {sizes[-1]}"


def plan(
    account: Account,
    message: bytes,
    to: str,
    *,
    minutes: int = 4 * DAY,
    wide: bool = False,
    reference: int | None = None,
    port: int = PORT,
    source: int = SOURCE_PORT,
) -> Plan:
    """Prove the message and cut it; ToolError for a number that is none or too many parts."""
    sms_encode.address(to)
    hmac = account.header(message, compact=True)
    push = wsp_encode.push(message, hmac)
    parts = sms_encode.split(push, reference, wide, port, source)
    return Plan(to, message, hmac, push, parts, minutes)
