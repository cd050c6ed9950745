// A UART of the board and what is at the other end of its line.
//
// Upstream sends without taking time and keeps the interrupt "ready to send" asserted, in which MicroPython's handler
// would never end. Here the parts of the PL011 that matter are done again (RP2040 datasheet 4.2): both FIFOs, the line's
// speed, interrupts when a FIFO passes its level, and the one when received octets have waited for 32 bits.
// Non-goals: parity, break, flow control, DMA.

const DATA = 0x00;
const LEVELS = 0x34;
const BUSY = 1 << 3;
const RX_EMPTY = 1 << 4;
const TX_FULL = 1 << 5;
const RX_FULL = 1 << 6;
const TX_EMPTY = 1 << 7;
const RX_INTERRUPT = 1 << 4;
const TX_INTERRUPT = 1 << 5;
const TIMEOUT_INTERRUPT = 1 << 6;
const DEPTH = 32;
const LEVEL = [4, 8, 16, 24, 28]; // octets, by the number in the register
const BITS = 10; // of an octet on the line: start, eight, stop
const TIMEOUT_BITS = 32;
const USUAL_BAUD = 115200;

export class Uart {
  // `write(octets)` sends to the board; what finds its FIFO full is lost, as on the chip. `onData(octets)` hears from it.
  constructor(chip, number) {
    const uart = chip.uart[number];
    this.uart = uart;
    this.chunks = [];
    this.backlog = 0;
    this.overruns = 0;
    this.onData = () => {};
    this.sending = [];
    this.levels = 0x12;
    this.arrival = chip.clock.createAlarm(() => this.arrive());
    this.departure = chip.clock.createAlarm(() => this.depart());
    this.silence = chip.clock.createAlarm(() => this.interrupt(TIMEOUT_INTERRUPT));

    uart.checkInterrupts = () => chip.setInterrupt(uart.irq, (uart.interruptStatus & uart.interruptMask) !== 0);
    Object.defineProperty(uart, 'flags', { get: () => this.flags });
    const [read, write] = [uart.readUint32.bind(uart), uart.writeUint32.bind(uart)];
    uart.readUint32 = (offset) => {
      if (offset === DATA) {
        return this.take();
      }
      return offset === LEVELS ? this.levels : read(offset);
    };
    uart.writeUint32 = (offset, value) => {
      if (offset === DATA) {
        this.send(value & 0xff);
      } else if (offset === LEVELS) {
        this.levels = value;
      } else {
        write(offset, value);
      }
    };
  }

  nanosOf(bits) {
    const { uart } = this;
    return Math.round((bits * 1e9) / (uart.baudDivider ? uart.baudRate : USUAL_BAUD));
  }

  get depth() {
    return this.uart.fifosEnabled ? DEPTH : 1;
  }

  get flags() {
    const { sending, uart } = this;
    return (
      (sending.length ? BUSY : TX_EMPTY) |
      (sending.length >= this.depth ? TX_FULL : 0) |
      (uart.rxFIFO.empty ? RX_EMPTY : 0) |
      (uart.rxFIFO.itemCount >= this.depth ? RX_FULL : 0)
    );
  }

  interrupt(which) {
    this.uart.interruptStatus |= which;
    this.uart.checkInterrupts();
  }

  // Board to line.
  send(octet) {
    if (this.sending.length >= this.depth) {
      return;
    }
    this.sending.push(octet);
    if (this.sending.length === 1) {
      this.departure.schedule(this.nanosOf(BITS));
    }
  }

  depart() {
    const octet = this.sending.shift();
    if (this.sending.length) {
      this.departure.schedule(this.nanosOf(BITS));
    }
    const level = this.uart.fifosEnabled ? LEVEL[this.levels & 7] : 0;
    if (this.sending.length === level || this.sending.length === 0) {
      this.interrupt(TX_INTERRUPT);
    }
    this.onData(Uint8Array.of(octet));
  }

  // Line to board.
  write(octets) {
    const idle = this.backlog === 0;
    this.chunks.push(Uint8Array.from(octets));
    this.backlog += octets.length;
    if (idle && this.backlog) {
      this.arrival.schedule(this.nanosOf(BITS));
    }
  }

  arrive() {
    const octet = this.chunks[0][0];
    this.chunks[0] = this.chunks[0].subarray(1);
    if (this.chunks[0].length === 0) {
      this.chunks.shift();
    }
    this.backlog--;
    if (this.backlog) {
      this.arrival.schedule(this.nanosOf(BITS));
    }
    const { uart } = this;
    if (!uart.enabled || !uart.rxEnabled) {
      return;
    }
    if (uart.rxFIFO.itemCount >= this.depth) {
      this.overruns++;
      return;
    }
    uart.rxFIFO.push(octet);
    this.silence.schedule(this.nanosOf(TIMEOUT_BITS));
    const level = uart.fifosEnabled ? LEVEL[(this.levels >> 3) & 7] : 1;
    if (uart.rxFIFO.itemCount >= level) {
      this.interrupt(RX_INTERRUPT);
    }
  }

  take() {
    const { uart } = this;
    const octet = uart.rxFIFO.pull();
    if (uart.rxFIFO.empty) {
      uart.interruptStatus &= ~(RX_INTERRUPT | TIMEOUT_INTERRUPT);
      this.silence.cancel();
      uart.checkInterrupts();
    }
    return octet;
  }
}
