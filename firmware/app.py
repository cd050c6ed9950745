# Your application. This one manages a lamp: an operator switches it with `replace ./Led/State=on`,
# restarts the board with `exec ./Dev/Reboot`, and replaces this very file over HTTP by ./FUMO: see
# device/mo_fumo.py. Put yours in its place.
import asyncio
import os

from device.mo_fumo import Fumo
from device.updater import Updater

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

    Fumo(client, Updater("/app.new", install, restart_soon))
    client.on_change(b"./Led/State", switch)
    client.on_exec(b"./Dev/Reboot", reboot)
    switch(b"./Led/State", "boot")


def show(state):
    from machine import Pin

    Pin("LED", Pin.OUT).value(state == b"on")


def install(path):
    """The package was proved by its hash and becomes this file; a power cut leaves the old or the new one."""
    os.rename(path, "/app.py")


def reboot(uri, data, correlator):
    """Runs after the commit of the message. The restart comes after the 200 is in the journal."""
    restart_soon()
    return 200


def restart_soon():
    """Restart the board when all that is going on just now is done."""
    global restart
    restart = asyncio.create_task(_reset())


async def _reset():
    from machine import reset

    await asyncio.sleep(1)
    reset()
