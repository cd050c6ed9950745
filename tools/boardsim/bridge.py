"""Join a serial line of the simulated board, which is a socket to the simulator, to a pty or a TCP port."""

import os
import pty
import selectors
import socket
import tty
from contextlib import suppress

HELD = 64 * 1024  # octets kept for a peer that does not read; a cable would have lost them too
PIECE = 4096
SCHEME = "socket://"


class Line:
    """One serial line: `inner` is the simulator's socket, `outer` what a program on this machine opens."""

    def __init__(self, selector, name):
        self.name = name
        self.selector = selector
        self.inner, self.child = socket.socketpair()
        self.inner.setblocking(False)
        self.outer = None
        self.to_inner = bytearray()
        self.to_outer = bytearray()
        selector.register(self.inner, selectors.EVENT_READ, self.turn)

    def attach(self, fd):
        """Make `fd` the outer end."""
        os.set_blocking(fd, False)
        self.outer = fd
        self.selector.register(fd, selectors.EVENT_READ, self.turn)

    def detach(self):
        """The outer end is gone."""
        self.selector.unregister(self.outer)
        self.outer = None

    def turn(self, _fileobj, _mask):
        """Move what can be moved, both ways."""
        self.move_in()
        self.move_out()
        self.watch()

    def move_in(self):
        """Outer to inner; while the simulator does not take it, the outer end is not read."""
        if self.outer is not None and len(self.to_inner) < PIECE:
            try:
                octets = os.read(self.outer, PIECE)
            except BlockingIOError:
                octets = None
            except OSError:
                octets = b""
            if octets == b"":
                self.lost()
            self.to_inner += octets or b""
        with suppress(BlockingIOError):  # the simulator is busy: later
            del self.to_inner[: self.inner.send(self.to_inner) if self.to_inner else 0]

    def move_out(self):
        """Inner to outer; what nobody reads is dropped, oldest first."""
        with suppress(BlockingIOError):  # nothing new
            self.to_outer += self.inner.recv(PIECE)
        if self.outer is not None and self.to_outer:
            try:
                del self.to_outer[: os.write(self.outer, self.to_outer)]
            except BlockingIOError:
                pass  # the peer is slow: later
            except OSError:
                self.lost()
        del self.to_outer[: max(0, len(self.to_outer) - HELD)]

    def watch(self):
        """Ask to be called again for what is still to be written."""
        write = selectors.EVENT_WRITE
        self.selector.modify(self.inner, selectors.EVENT_READ | (write if self.to_inner else 0), self.turn)
        if self.outer is not None:
            read = selectors.EVENT_READ if len(self.to_inner) < PIECE else 0
            mask = read | (write if self.to_outer else 0)
            self.selector.modify(self.outer, mask or write, self.turn)

    def lost(self):
        """The outer end was closed by its peer."""
        self.detach()


class PtyLine(Line):
    """A line on a pty; it stays while programs open and close it."""

    def __init__(self, selector, name):
        super().__init__(selector, name)
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)  # held open: a pty without any slave would report an error
        self.address = os.ttyname(self.slave)
        self.attach(self.master)


class TcpLine(Line):
    """A line on a TCP port, for one peer at a time."""

    def __init__(self, selector, name, host, port):
        super().__init__(selector, name)
        self.listener = socket.create_server((host, port))
        self.listener.setblocking(False)
        self.address = "{}:{}".format(*self.listener.getsockname()[:2])
        self.peer: socket.socket | None = None
        selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def accept(self, _fileobj, _mask):
        """Take the peer, or turn away a second one."""
        peer, _ = self.listener.accept()
        if self.outer is not None:
            peer.close()
            return
        self.peer = peer
        self.attach(peer.fileno())

    def lost(self):
        super().lost()
        if self.peer:
            self.peer.close()
        self.to_outer.clear()


class CallLine(Line):
    """A line to somebody who listens on a TCP port, such as a simulated modem."""

    def __init__(self, selector, name, host, port):
        super().__init__(selector, name)
        self.address = f"{SCHEME}{host}:{port}"
        try:
            self.peer = socket.create_connection((host, port), timeout=5)
        except OSError as problem:
            raise ValueError(
                f"{name}: nobody listens at {host}:{port} ({problem}): start that first"
            ) from None
        self.attach(self.peer.fileno())


def line(selector, name, address):
    """Return the line for an address: `pty`, `PORT` or `HOST:PORT` (0: any free port) to listen on, or
    `socket://HOST:PORT` to call."""
    if address == "pty":
        return PtyLine(selector, name)
    host, _, port = address.removeprefix(SCHEME).rstrip("/").rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise ValueError(
            f"{name}: `{address}` is no address; `pty`, `PORT`, `HOST:PORT` and `{SCHEME}HOST:PORT` are"
        )
    kind = CallLine if address.startswith(SCHEME) else TcpLine
    return kind(selector, name, host or "127.0.0.1", int(port))
