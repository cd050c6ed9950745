"""A push beside other tasks (device/turns.py): turns for all; one that came whole is brought to its end."""

import asyncio

import pytest
from device import turns
from test_steps import Device, long_push, pieces


@pytest.fixture(autouse=True)
def sleep_ms(monkeypatch):
    async def sleep_ms(ms):
        await asyncio.sleep(ms / 1000)

    monkeypatch.setattr(asyncio, "sleep_ms", sleep_ms, raising=False)


def test_others_have_a_turn_at_every_piece():
    device, turns_had = Device(), []

    async def other():
        while True:
            turns_had.append(device.get(b"./Led/State"))
            await asyncio.sleep(0)

    async def main():
        task = asyncio.create_task(other())
        outcome = await turns.accept(device.client, long_push(device))
        task.cancel()
        return outcome

    assert asyncio.run(main()).error is None
    assert turns_had.count(b"off") >= pieces(Device())
    assert device.get(b"./Led/State") == b"on"


def test_a_task_that_is_cancelled_brings_its_push_to_the_end():
    for piece in range(1, pieces(Device())):
        device = Device()

        async def main(device=device, piece=piece):
            task = asyncio.create_task(turns.accept(device.client, long_push(device)))
            for _ in range(piece):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert device.client.work is None and device.client.accepted == 1
        assert device.get(b"./Led/State") == b"on"
        # So the spool may be used again at once.
        device.spool.reset()
