"""The modem driver with every simulated family: both ways of delivery, faults, full stores."""

import asyncio

import pytest
from device import modem as driver
from modem_bench import DEVICE, PORTS, Bench, Outcome, deliver, numbered, run
from modemsim.families import FAMILIES

ALL = sorted(FAMILIES)
NO_ACK = ("sim800", "sim900")  # no acknowledgement: stored mode whatever was asked for


async def ready(bench):
    bench.start()
    await bench.until(lambda: bench.modem.state == driver.READY)
    await asyncio.sleep(3)


def clean(bench):
    return not bench.network.messages and not any(bench.sim.stores.values())


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("family", ALL)
def test_every_family(family, direct):
    async def main():
        bench = Bench(family, direct=direct)
        await ready(bench)
        for n in range(5):
            bench.send(numbered(n))
        await bench.until(lambda: len(bench.client.applied) == 5)
        await asyncio.sleep(3)
        assert bench.client.applied == [numbered(n) for n in range(5)]
        assert bench.client.replays == 0
        assert bench.modem.faults == bench.modem.losses == bench.modem.restarts == 0
        assert bench.modem.line.talk.garbled == 0
        assert clean(bench)
        assert bench.client.labels[0] == (
            "application/vnd.syncml.dm+wbxml",
            7,
            {"x-syncml-hmac": b"mac=x"},
        )
        status = bench.modem.status()
        assert status["state"] == "ready" and status["registered"] and status["pushes"] == 5
        assert status["direct"] is (direct and family not in NO_ACK)
        acks = [line for who, line in bench.sim.log if who == "host" and line.startswith("AT+CNMA")]
        assert acks == [bench.sim.family.ack] * (30 if status["direct"] else 0)
        # Nothing was sent that this family refuses, but for a mode that it says it has.
        refused = [line for who, line in bench.sim.log if who == "modem" and "ERROR" in line]
        assert len(refused) <= (1 if bench.sim.family.refuses else 0)
        assert bench.sim.cnmi[1] == (2 if status["direct"] else 1)

    run(main())


@pytest.mark.parametrize("direct", [False, True])
def test_shuffled_and_repeated(direct):
    async def main():
        bench = Bench("sim7600", direct=direct)
        await ready(bench)
        parts = bench.parts(numbered(1, 14 * 128 - 90))
        assert len(parts) == 14
        parts *= 2
        bench.rng.shuffle(parts)
        for pdu in parts:
            bench.network.deliver(DEVICE, pdu)
        await bench.until(lambda: clean(bench))
        await asyncio.sleep(5)
        assert bench.client.applied == [numbered(1, 14 * 128 - 90)] and bench.client.replays == 0
        assert bench.receiver.copies > 0 and not any(bench.receiver.parts._owner) and clean(bench)

    run(main())


def test_ten_messages_interleaved():
    async def main():
        bench = Bench("sim7600")
        await ready(bench)
        messages = [bench.parts(numbered(n, 300)) for n in range(10)]
        for i in range(3):
            for parts in messages:
                bench.network.deliver(DEVICE, parts[i])
        await bench.until(lambda: len(bench.client.applied) == 10)
        await asyncio.sleep(5)
        assert sorted(bench.client.applied) == sorted(numbered(n, 300) for n in range(10))
        assert clean(bench) and bench.client.replays == 0

    run(main())


@pytest.mark.parametrize("family", ALL)
def test_lost_indications(family):
    async def main():
        bench = Bench(family)
        await ready(bench)
        bench.sim.lose_indications = 6
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied, 70)
        await asyncio.sleep(2)
        assert clean(bench)

    run(main())


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("family", ALL)
def test_modem_restarts(family, direct):
    async def main():
        bench = Bench(family, direct=direct)
        await ready(bench)
        for n in range(6):
            bench.send(numbered(n))
            await asyncio.sleep(bench.rng.random() * 4)
            bench.sim.restart(bench.rng.random() * 8)
            await bench.until(lambda n=n: len(bench.client.applied) == n + 1)
        await bench.until(lambda: clean(bench))
        assert bench.client.applied == [numbered(n) for n in range(6)]
        assert bench.modem.restarts + bench.modem.losses > 0
        assert bench.modem.faults == 0
        # It ends where it began: set up, and found out without a sign within a minute.
        await asyncio.sleep(130)
        assert bench.sim.cnmi[1] == (2 if direct and family not in NO_ACK else 1)

    run(main())


def test_power_cut_between_parts():
    async def main():
        bench = Bench("sim7600")
        await ready(bench)
        parts = bench.parts(numbered(1, 14 * 128 - 90))
        bench.rng.shuffle(parts)
        for i in range(14):
            bench.network.deliver(DEVICE, parts[i])
            await bench.until(lambda: not bench.network.messages)
            if i % 3 == 0:
                await bench.stop()
                assert not bench.client.applied
                bench.start()
        await bench.until(lambda: clean(bench))
        assert bench.client.applied == [numbered(1, 14 * 128 - 90)] and bench.client.replays == 0

    run(main())


def test_power_cut_at_every_moment():
    # In whatever moment the board loses power: what the store holds is applied, once.
    async def main(cut):
        bench = Bench("sim800")
        await ready(bench)
        bench.send(numbered(1, 300))
        await asyncio.sleep(cut)
        await bench.stop()
        bench.start()
        # A cut between two deletions leaves parts that time out.
        await bench.until(lambda: bench.client.applied and clean(bench), 2500)
        assert bench.client.applied == [numbered(1, 300)]

    for step in range(60):
        run(main(step * 0.02))


class PowerCut(BaseException):
    pass


def test_power_cut_between_commit_and_deletion():
    async def main():
        bench = Bench("sim800")
        await ready(bench)
        accept = bench.client.accept

        def and_off(push):
            accept(push)
            raise PowerCut

        bench.client.accept = and_off
        bench.send(numbered(1, 300))
        await bench.until(lambda: bench.client.applied)
        await bench.stop()
        assert isinstance(bench.task.exception(), PowerCut)
        assert len(bench.sim.stores["SM"]) == 3
        bench.client.accept = accept
        bench.start()
        await bench.until(lambda: clean(bench))
        assert bench.client.applied == [numbered(1, 300)] and bench.client.replays == 1

    run(main())


@pytest.mark.parametrize("family", ["telit", "sara"])
def test_small_store(family):
    async def main():
        bench = Bench(family)
        bench.sim.sizes = {"SM": 10}
        bench.sim.stores = {"SM": {}}
        bench.sim._selected = bench.sim.selected = ["SM"] * 3
        await ready(bench)
        body = numbered(1, 24 * 128 - 90)
        bench.send(body)
        await bench.until(lambda: clean(bench), 3000)
        assert bench.client.applied == [body]

    run(main())


def test_foreign_messages_stay():
    async def main():
        bench = Bench("generic")
        await ready(bench)
        text = deliver(None, b"\xe8\x32\x9b\xfd\x06", dcs=0)
        for _ in range(12):
            bench.network.deliver(DEVICE, text)
        bench.network.deliver(DEVICE, deliver(PORTS, b"x")[:-1])  # shorter than it says
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied)
        await asyncio.sleep(700)
        store = next(iter(bench.sim.stores.values()))
        assert len(store) + len(bench.sim.stores["ME"]) == 13
        assert bench.modem.status()["foreign"] >= 12 and bench.receiver.broken >= 1
        # A store full of them: what comes is taken one by one as far as there is a place.
        for _ in range(9):
            bench.network.deliver(DEVICE, text)
        bench.send(numbered(2))
        await bench.until(lambda: len(bench.client.applied) == 2, 3000)
        assert not [m for m in bench.network.messages if m.pdu != text]

    run(main())


def test_tidy_makes_room():
    async def main():
        bench = Bench("sim800", tidy=True)
        await ready(bench)
        text = deliver(None, b"\xe8\x32\x9b\xfd\x06", dcs=0)
        for _ in range(60):
            bench.network.deliver(DEVICE, text)
        bench.send(numbered(2))
        await bench.until(lambda: len(bench.client.applied) == 1, 3000)
        assert not bench.network.messages
        assert len(bench.sim.stores["SM"]) < 29

    run(main())


def test_full_of_fragments():
    # Messages that never become whole fill the store: the oldest give way to a good one.
    async def main():
        bench = Bench("sim900", room=8192)
        await ready(bench)
        for n in range(20):
            for pdu in bench.parts(numbered(n, 500))[:-1]:
                bench.network.deliver(DEVICE, pdu)
        await asyncio.sleep(120)
        bench.send(numbered(99, 500))
        await bench.until(lambda: bench.client.applied == [numbered(99, 500)], 4000)
        # The rest of the fragments costs nothing until there is no room again.
        await bench.until(lambda: not bench.network.messages)
        assert 3 < len(bench.sim.stores["SM"]) < 39

    run(main())


def test_missed_acknowledgements():
    async def main():
        for family in ("generic", "sara", "ec25", "m95", "cinterion"):
            bench = Bench(family, direct=True)
            await ready(bench)
            bench.sim.ignore_acks = 2
            bench.send(numbered(1))
            await bench.until(lambda b=bench: b.client.applied, 900)
            await bench.until(lambda b=bench: clean(b), 900)
            assert bench.sim.cnmi[1] == 2
            assert bench.client.applied == [numbered(1)]

    run(main())


@pytest.mark.parametrize("direct", [False, True])
def test_octets_lost_on_the_line(direct):
    async def main():
        bench = Bench("generic", direct=direct)
        await ready(bench)
        for n in range(5):
            bench.sim.cut_lines = 3
            bench.send(numbered(n))
            await bench.until(lambda n=n: len(bench.client.applied) == n + 1, 1500)
        await bench.until(lambda: clean(bench), 1500)
        assert bench.modem.line.talk.garbled >= 10
        assert bench.client.applied == [numbered(n) for n in range(5)]

    run(main())


def test_babbling_modem():
    async def main():
        bench = Bench("generic")
        await ready(bench)
        ticks = 0

        async def application():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.05)
                ticks += 1

        task = asyncio.create_task(application())
        bench.sim.babble(30, 11000)
        await asyncio.sleep(5)
        bench.send(numbered(1))
        await asyncio.sleep(25)
        assert ticks >= 590
        await bench.until(lambda: bench.client.applied and clean(bench), 300)
        task.cancel()
        assert bench.modem.faults == 0
        for octets in (b"+CMT: ,5\r\n", b"\xff" * 5000, b"> ", b'+CMTI: "XX",1\r\n', b"RING\r\n" * 50):
            bench.sim.write(octets)
        bench.send(numbered(2))
        await bench.until(lambda: len(bench.client.applied) == 2, 300)

    run(main())


def test_dead_modem():
    async def main():
        resets = []

        async def reset():
            resets.append(asyncio.get_running_loop().time())
            if len(resets) == 2:
                bench.sim.restart(1)

        bench = Bench("sim800", reset=reset)
        await ready(bench)
        bench.sim.dead(100000)
        bench.send(numbered(1))
        await asyncio.sleep(60)
        for _ in range(3):
            await asyncio.sleep(60)
            assert bench.modem.status()["state"] == "down"
        await bench.until(lambda: bench.client.applied, 1200)
        assert len(resets) == 2 and bench.modem.losses >= 6
        assert bench.modem.faults == 0

    run(main())


def test_end_of_line():
    async def main():
        bench = Bench("ec25", direct=True)
        await ready(bench)
        bench.wire.hang_up()
        await asyncio.sleep(10)
        assert bench.opened == 2
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied)
        bench.sim.babble(20)
        bench.wire.hang_up()
        await asyncio.sleep(30)
        bench.send(numbered(2))
        await bench.until(lambda: len(bench.client.applied) == 2)

    run(main())


def test_stream_that_cannot_be_opened():
    async def main():
        bench = Bench("generic")
        plain = bench.open_stream
        tries = 0

        async def refusing():
            nonlocal tries
            tries += 1
            if tries < 8:
                raise OSError(111)
            return await plain()

        bench.open_stream = refusing
        bench.start()
        await asyncio.sleep(64)
        assert tries == 7 and bench.modem.status()["state"] == "down"
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied)

    run(main())


def test_sim_comes_late():
    async def main():
        bench = Bench("telit")
        bench.sim.sim_ready = False
        bench.start()
        await asyncio.sleep(100)
        assert bench.modem.status()["state"] == "no SIM"
        bench.sim.sim_ready = True
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied)

    run(main())


def test_settings_that_vanish():
    # The modem starts anew and says nothing of it (or its sign is lost): found within a minute.
    async def main():
        bench = Bench("telit")
        await ready(bench)
        bench.sim.cnmi[:] = [0, 0, 0, 0, 0]
        bench.sim.text_mode = True
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied, 70)
        assert bench.modem.restarts == 1

    run(main())


def test_class_2_goes_to_the_sim():
    async def main():
        bench = Bench("sim7600")
        await ready(bench)
        pdu = bench.parts(numbered(1, 60))[0]
        at = pdu.index(b"\x00\x04\x62\x10\x20") + 1
        bench.network.deliver(DEVICE, pdu[:at] + b"\xf6" + pdu[at + 1 :])
        await bench.until(lambda: bench.client.applied)
        assert ("modem", '+CMTI: "SM",1') in bench.sim.log
        await bench.until(lambda: clean(bench))

    run(main())


DM = b"\xc2\xaf\x87"


@pytest.mark.parametrize(
    "header, code",
    [
        (b"\x03\xc2\x91\x81\xaf\x87", 150),
        (DM + b"\x8d\x02\x03\xe8", 149),
        (DM + b"\xaf\x87", 147),
        (b"", 142),
        (b"\x1f\x90\x00\xc2", 144),
    ],
)
def test_pushes_that_are_dropped(header, code):
    async def main():
        bench = Bench("generic")
        await ready(bench)
        bench.send(numbered(1), header=header)
        await bench.until(lambda: bench.events)
        assert bench.events == [(None, code)] and bench.receiver.dropped == 1
        bench.send(numbered(2))
        await bench.until(lambda: bench.client.applied == [numbered(2)])
        await bench.until(lambda: clean(bench))

    run(main())


def test_labels_reach_the_client():
    async def main():
        bench = Bench("generic")
        await ready(bench)
        bench.send(numbered(1, 20), header=b"\xc4\xaf\x87")
        bench.send(numbered(2, 20), header=b"\xc2\xaf\x84")
        bench.send(numbered(3, 20), header=b"\xc2")
        long = b"algorithm=HMAC-SHA256, " + b"x" * 480
        bench.send(numbered(4, 20), header=DM + b"x-syncml-hmac\0" + long[:100] + b"\0")
        await bench.until(lambda: len(bench.client.labels) == 4)
        assert bench.client.labels == [
            ("", 7, {}),
            ("application/vnd.syncml.dm+wbxml", 4, {}),
            ("application/vnd.syncml.dm+wbxml", None, {}),
            ("application/vnd.syncml.dm+wbxml", 7, {"x-syncml-hmac": long[:100]}),
        ]

    run(main())


def test_headers_over_several_parts():
    async def main():
        for size in (20, 33, 128):
            bench = Bench("generic")
            await ready(bench)
            mac = b"m" * 90
            pdus = bench.parts(numbered(7, 200), size=size, header=DM + b"x-syncml-hmac\0" + mac + b"\0")
            for pdu in pdus:
                bench.network.deliver(DEVICE, pdu)
            await bench.until(lambda b=bench: b.client.applied == [numbered(7, 200)])
            assert bench.client.labels[0][2] == {"x-syncml-hmac": mac}

    run(main())


def test_broken_flash():
    async def main():
        bench = Bench("generic")
        await ready(bench)
        bench.client.error = "StorageFailed"
        parts = bench.parts(numbered(1))
        for pdu in parts:
            bench.network.deliver(DEVICE, pdu)
        await bench.until(lambda: bench.events)
        bench.client.error = None
        await asyncio.sleep(5)
        for pdu in parts:
            bench.network.deliver(DEVICE, pdu)
        await bench.until(lambda: bench.client.applied == [numbered(1)])

    run(main())


def test_fault_of_ours():
    async def main():
        bench = Bench("generic")
        await ready(bench)
        accept = bench.client.accept

        def failing(push):
            bench.client.accept = accept
            raise KeyError

        bench.client.accept = failing
        bench.send(numbered(1))
        bench.send(numbered(2))
        await bench.until(lambda: bench.client.applied == [numbered(2)])
        assert bench.modem.faults == 1 and isinstance(bench.modem.fault, KeyError)
        await bench.until(lambda: clean(bench))

    run(main())


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("raises", [False, True])
def test_no_heap_for_a_push(direct, raises):
    """The application has taken the heap: the push is kept, and tried again; not for ever."""

    async def main():
        bench = Bench("sim7600", direct=direct)
        await ready(bench)
        accept = bench.client.accept
        tries = []

        def failing(push):
            tries.append(bench.clock())
            if len(tries) > until:
                return accept(push)
            if raises:
                raise MemoryError
            return Outcome("TooLarge", 96)

        bench.client.accept = failing
        until = 2
        bench.send(numbered(1))
        await bench.until(lambda: bench.client.applied == [numbered(1)])
        assert len(tries) == 3 and tries[1] - tries[0] >= 20 <= tries[2] - tries[1]
        until = 6
        bench.send(numbered(2))
        await bench.until(lambda: len(tries) == 6)
        bench.send(numbered(3))
        await bench.until(lambda: bench.client.applied == [numbered(1), numbered(3)])
        await bench.until(lambda: clean(bench))
        assert bench.modem.faults == 0 and bench.receiver.dropped == raises

    run(main())


@pytest.mark.parametrize("direct", [False, True])
def test_a_hundred_parts(direct):
    """More than there is room for: refused with the first part, and nobody is kept waiting."""

    async def main():
        bench = Bench("sim7600", direct=direct, room=16384)
        await ready(bench)
        slots = bench.receiver.parts.slots
        assert slots == 61
        long = bench.parts(numbered(1, 100 * 128 - 90))
        assert len(long) == 100
        for pdu in long[:5]:
            bench.network.deliver(DEVICE, pdu)
        bench.send(numbered(2))
        for pdu in long[5:]:
            bench.network.deliver(DEVICE, pdu)
        await bench.until(lambda: bench.client.applied == [numbered(2)])
        await bench.until(lambda: clean(bench))
        assert bench.receiver.refused == 100 and bench.receiver.parts.dropped == 0
        bench.send(numbered(3, slots * 128 - 90))
        await bench.until(lambda: len(bench.client.applied) == 2, 1200)
        assert bench.client.applied[1] == numbered(3, slots * 128 - 90) and bench.modem.faults == 0

    run(main())


def test_what_never_becomes_whole_keeps_nobody_out():
    """Ten messages lack a part for ever and lie in the store before a good one."""

    async def main():
        bench = Bench("sim7600")
        for n in range(10):
            for pdu in bench.parts(numbered(n, 200))[:-1]:
                bench.network.deliver(DEVICE, pdu)
        bench.send(numbered(99, 14 * 128 - 90))
        await ready(bench)
        await bench.until(lambda: bench.client.applied == [numbered(99, 14 * 128 - 90)], 300)
        await bench.until(lambda: clean(bench), 4000)
        assert bench.client.replays == 0 and bench.modem.faults == 0

    run(main())


def test_too_long_for_this_board():
    async def main():
        bench = Bench("sim7600", room=1024)
        await ready(bench)
        bench.send(numbered(1, 20 * 128))  # with the headers' room it can't be told from its parts
        bench.send(numbered(2, 60 * 128))
        bench.send(numbered(3, 500))
        await bench.until(lambda: bench.client.applied == [numbered(3, 500)])
        await bench.until(lambda: clean(bench), 3000)
        assert bench.receiver.refused >= 60
        assert (None, 90) in bench.events

    run(main())


@pytest.mark.parametrize("seed", range(10))
def test_24_hours(seed):
    """Restarts, lost indications, lost octets, full stores: each push applied, exactly once."""

    async def main():
        family = ALL[seed % len(ALL)]
        direct = seed % 2 == 1
        bench = Bench(family, seed=seed, direct=direct, room=8192)
        rng = bench.rng
        bench.start()
        bodies = []
        text = deliver(None, b"\xe8\x32\x9b\xfd\x06", dcs=0)
        loop = asyncio.get_running_loop()
        foreign = 0
        while loop.time() < 86400:
            await asyncio.sleep(rng.expovariate(1 / 180))
            dice = rng.random()
            if dice < 0.45:
                bodies.append(numbered(len(bodies), rng.randrange(20, 1700)))
                parts = bench.parts(bodies[-1])
                if rng.random() < 0.3:
                    rng.shuffle(parts)
                if rng.random() < 0.2:
                    parts += rng.sample(parts, 1)
                for pdu in parts:
                    bench.network.deliver(DEVICE, pdu)
            elif dice < 0.55:
                bench.sim.restart(rng.random() * 30)
            elif dice < 0.65:
                bench.sim.lose_indications = 0 if direct else rng.randrange(8)
            elif dice < 0.75:
                bench.sim.cut_lines = rng.randrange(4)
            elif dice < 0.8:
                bench.sim.noise(rng.randrange(300))
            elif dice < 0.83:
                bench.sim.dead(rng.random() * 200)
            elif dice < 0.86:
                bench.sim.babble(rng.random() * 20)
            elif dice < 0.9 and foreign < 5:
                foreign += 1
                bench.network.deliver(DEVICE, text)
            elif dice < 0.93:
                for pdu in bench.parts(bytes(rng.randrange(100, 900)), oa=b"\x04\x81\x21\x43")[1:]:
                    bench.network.deliver(DEVICE, pdu)
            elif dice < 0.96 and not direct:
                await bench.stop()
                bench.start()
            elif dice < 0.98:
                bench.sim.ignore_acks = 1
        bench.sim.lose_indications = bench.sim.cut_lines = 0
        await bench.until(lambda: len(bench.client.applied) == len(bodies), 4000)
        assert sorted(bench.client.applied) == sorted(bodies) and len(bodies) > 100
        assert bench.modem.faults == 0
        return len(bodies), bench.client.replays

    run(main())
