"""A firmware update on a board without network: it can't be fetched, and State and Result say so."""

import dmboard
import pytest
from target import firmware

SCRIPT = """
import asyncio
from device.mo_fumo import Fumo
from device.updater import Updater
steps = []
fumo = Fumo(client, Updater("/app.new", steps.append), report=lambda *step: steps.append(step))
async def update():
    told({push})
    while fumo.task:
        await asyncio.sleep_ms(10)
asyncio.run(update())
print(steps, client.get(b"./FUMO/State"), client.get(b"./FUMO/Ext/Result"))
"""


@pytest.mark.slow
def test_no_network_is_told():
    message = dmboard.Operator().message(
        "replace ./FUMO/DownloadAndUpdate/PkgURL=http://192.0.2.1/app.py",
        f"replace ./FUMO/Ext/SHA256={'00' * 32}",
        "exec ./FUMO/DownloadAndUpdate",
        within="Sequence",
    )
    with dmboard.start(firmware("RP2040_DM")) as chip:
        lines = chip.exec(SCRIPT.format(push=message.call())).stdout.splitlines()
        assert lines[0] == "None 0 [(b'2', 200), (b'3', 200), (b'4', 202), (b'1', 200)]"
        assert lines[1] == "[(30, 0), (20, 503)] b'20' b'503'"
        assert chip.exec("import os; print('app.new' in os.listdir('/'))").stdout == "False\n"
