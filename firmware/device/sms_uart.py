# Receiver "sms" of dm: pushes from a modem on a UART of the board.
#
#     machine.UART -> Modem -> SmsReceiver -> client
#
#     RECEIVERS = (("sms", UART),)                         in board.py; UART = (number, TX, RX, baud)
#     RECEIVERS = (("sms", {"uart": UART, "tidy": True}),)  with arguments of device.modem.Modem
#
# Contract: serve() never returns and never holds the board up: a missing, dead or babbling modem is
# its own trouble. OSError or ValueError: the board has no such UART or pin.
# Bounds: _RXBUF octets of input wait for their turn; what comes on top is lost, seen to be garbled,
# and read again.
import asyncio

from micropython import const

from .clock import Seconds
from .modem import Modem
from .sms_receiver import SmsReceiver

_RXBUF = const(2048)  # 178 ms at 115200 baud


class UartReader:
    """What of a StreamReader a modem's line needs; never waits for more than has come."""

    def __init__(self, uart) -> None:
        self.uart = uart
        self._stream = asyncio.StreamReader(uart)

    async def read(self, n: int):
        """Return 1 to n octets, or None."""
        # The port would go on reading as long as octets come: too long at a low rate.
        octets = await self._stream.read(1)
        more = min(self.uart.any(), n - 1)
        if octets and more:
            octets += self.uart.read(more) or b""
        return octets or None


class UartSms:
    """The receiver."""

    def __init__(self, client, spool, lock) -> None:
        self.clock = Seconds()
        self.receiver = SmsReceiver(client, spool, self.clock, lock)
        self.modem = None

    async def serve(self, option):
        """Serve for ever at the modem that `option` names."""
        from machine import UART, Pin

        more = {}
        if isinstance(option, dict):
            more.update(option)
            option = more.pop("uart")
        number, tx, rx, baud = option
        uart = UART(number, baudrate=baud, tx=Pin(tx), rx=Pin(rx), rxbuf=_RXBUF)
        reader = UartReader(uart)
        writer = asyncio.StreamWriter(uart, {})

        async def open_stream():
            return reader, writer

        self.modem = Modem(open_stream, self.receiver, self.clock, **more)
        try:
            await self.modem.run()
        finally:
            uart.deinit()

    def told(self) -> str:
        """Return how it is, for people."""
        if self.modem is None:
            return "not started"
        status = self.modem.status()
        used, total = status["store"]
        return "%d pushes, %d SMS refused, %d messages dropped; modem %s (%s), %s, store %d of %d" % (
            self.receiver.pushes,
            self.receiver.refused,
            self.receiver.dropped + self.receiver.parts.dropped,
            status["state"],
            status["family"],
            "registered" if status["registered"] else "not registered",
            used,
            total,
        )
