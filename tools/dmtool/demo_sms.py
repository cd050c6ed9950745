"""The chapter of the demo in which the push comes by SMS."""

from __future__ import annotations

import time

from . import sms_decode
from .modem import Simulation
from .stage import ACCOUNT, IMAGE, REPLAY, Stage, statuses

_DEVICE, _SENDER = "+15550199", "+15550123"
_SECONDS = 20.0


def over_sms(demo: Stage) -> None:
    """One setting in three SMS, and the same three again."""
    demo.step(
        "The same over SMS",
        "The device has a SIM800, the operator another modem; both are simulated, and the network between",
        "them. What the device runs is what a board runs: AT driver, SMS, WSP.",
    )
    demo.stop()
    with Simulation() as radio:
        there = radio.add("sim800", _DEVICE)
        here = radio.add("generic", _SENDER)
        demo.console.print(
            f"[cyan]$ dmtool modem simulate --modem sim800,{_DEVICE},{there.address.rpartition(':')[2]} "
            f"--modem generic,{_SENDER},{here.address.rpartition(':')[2]} &[/cyan]",
            soft_wrap=True,
        )
        demo.start(sms=there.address)
        while demo.running.wait_for("modem")["state"] != "ready":
            pass
        demo.report(1)  # behind what start() has shown
        push = f"push sms modem socket://{here.address} sms.wbxml --account {ACCOUNT} --to {_DEVICE}"

        demo.same("before: ./Led/State is on", demo.value("./Led/State"), "on")
        demo.command(f"compose --account {ACCOUNT} --output sms.wbxml --compact replace ./Led/State=off")
        mark = len(demo.running.events)
        demo.command(push)
        demo.running.wait_for("push", _SECONDS)
        events = demo.report(mark)
        sizes = [len(sms_decode.read(pdu).payload) for pdu in here.modem.submitted]
        demo.fact(f"it went as {len(sizes)} SMS", len(sizes) == 3 and max(sizes) <= 128, sizes)
        demo.same("the device applied it, status 200", statuses(events), [200])
        heard = [e["uri"] for e in events if e["event"] == "change"]
        demo.same("the application's callback heard of ./Led/State", heard, ["./Led/State"])
        demo.same("the flash says off", demo.value("./Led/State"), "off")

        demo.console.print("\n[bold]Replayed[/bold]: the same message again")
        before = IMAGE.read_bytes()
        mark = len(demo.running.events)
        demo.command(push)
        told = demo.running.wait_for("push", _SECONDS)
        demo.report(mark)
        demo.same(f"refused with reason {REPLAY}", told["code"], REPLAY)
        demo.same("zero flash operations", told["flash"], {"programs": 0, "erases": 0})
        demo.fact("the flash is as it was, octet by octet", IMAGE.read_bytes() == before)
        left = _left(radio)
        demo.fact("the device has deleted all six SMS from its modem", " SM=0/" in left, left)
        demo.stop()


def _left(radio: Simulation) -> str:
    # What modem and network hold, in the end or after a while.
    deadline = time.monotonic() + _SECONDS
    while True:
        told = radio.command(f"{_DEVICE} status")
        if " SM=0/" in told and not radio.waiting or time.monotonic() > deadline:
            return told
        time.sleep(0.02)
