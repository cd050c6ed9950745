// Run the board at about the pace of the wall clock, with its serial lines on inherited sockets: 3 is USB-CDC, 4 is UART0.
// Simulated time may fall behind while the board computes; it waits for the wall clock when the board is idle and ahead.
// Nobody has to wait for the time that flash operations take: it passes on the board only.

import { Socket } from 'node:net';

const SLICE = 20_000; // instructions between two looks at the wall clock
const TURN_MS = 8; // of wall time between two looks at the sockets
const LONGEST_WAIT_MS = 50;
const HIGH = 4096; // octets waiting for the board before the peer has to wait
const LOW = 512;

function join(fd, write, backlog, wake) {
  const socket = new Socket({ fd, readable: true, writable: true });
  socket.on('data', (octets) => {
    write(octets);
    if (backlog() > HIGH) {
      socket.pause();
    }
    wake();
  });
  socket.on('error', () => socket.destroy());
  return {
    send: (octets) => { if (!socket.destroyed) { socket.write(octets); } },
    resume: () => { if (socket.isPaused() && backlog() < LOW) { socket.resume(); } },
    close: () => socket.destroy(),
  };
}

// Returns { stop }; calls `onHalt({reason, text})` when the board has stopped by itself, for good, and `onBoot()` when it has
// reset itself and starts anew.
export function live(machine, withUart, onHalt, onBoot) {
  let timer = null;
  let running = true;
  const paced = () => machine.nanos - machine.flash.nanos;
  const begin = performance.now() - paced() / 1e6;
  const lines = [];
  const wake = () => {
    if (timer !== null && running) {
      clearTimeout(timer);
      timer = null;
      setImmediate(turn);
    }
  };
  const cdc = join(3, (octets) => machine.cdc.write(octets), () => machine.cdc.backlog, wake);
  machine.onCdc = cdc.send;
  lines.push(cdc);
  if (withUart) {
    const uart = join(4, (octets) => machine.uart.write(octets), () => machine.uart.backlog, wake);
    machine.onUart = uart.send;
    lines.push(uart);
  }

  function stop() {
    running = false;
    clearTimeout(timer);
    lines.forEach((line) => line.close());
  }

  function turn() {
    timer = null;
    if (!running) {
      return;
    }
    lines.forEach((line) => line.resume());
    const end = performance.now() + TURN_MS;
    while (performance.now() < end) {
      machine.run(SLICE);
      if (machine.halted && machine.halted.reason === 'reset') {
        machine.boot();
        onBoot();
        continue;
      }
      if (machine.halted) {
        stop();
        onHalt(machine.halted);
        return;
      }
      const { idle } = machine;
      if (idle > 0) {
        const late = (performance.now() - begin) * 1e6 - paced();
        if (late < idle) {
          machine.skip(Math.max(0, late));
          timer = setTimeout(turn, Math.min((idle - Math.max(0, late)) / 1e6, LONGEST_WAIT_MS));
          return;
        }
        machine.skip(idle);
      }
    }
    setImmediate(turn);
  }
  timer = setTimeout(turn, 0);
  return { stop };
}
