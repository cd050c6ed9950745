# Your application. This one manages a lamp: an operator switches it with
# `replace ./Led/State=on` and restarts the board with `exec ./Dev/Reboot`. Replace it by yours.
import asyncio

GET, REPLACE, EXEC = 8, 16, 4  # AccessType of a node: what servers may do with it at all
restart = None


def setup(client):
    """Called once after boot, before the first push: declare nodes, listen for changes."""
    client.declare(
        (
            (b"./Led/State", b"chr", GET | REPLACE, b"off"),
            (b"./Dev/Reboot", b"null", GET | EXEC, b""),
        )
    )

    def switch(uri, kind):
        show(client.get(b"./Led/State"))

    client.on_change(b"./Led/State", switch)
    client.on_exec(b"./Dev/Reboot", reboot)
    switch(b"./Led/State", "boot")


def show(state):
    from machine import Pin

    Pin("LED", Pin.OUT).value(state == b"on")


def reboot(uri, data, correlator):
    """Runs after the commit of the message. The restart comes after the 200 is in the journal."""
    global restart
    restart = asyncio.create_task(_reset())
    return 200


async def _reset():
    from machine import reset

    await asyncio.sleep(1)
    reset()
