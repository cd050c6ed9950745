// The host's ends of the board's serial lines: USB-CDC (where the REPL is) and UART.
// Both: `write(octets)` queues for the board, `backlog` octets wait, `onData(octets)` hears what the board sends.

import { USBCDC } from './library.mjs';

const PACKET = 64; // bulk packet of full-speed USB
const PACKET_NANOS = 50_000; // about 19 packets fit in a frame of 1 ms

export class Cdc {
  constructor(chip) {
    this.chunks = [];
    this.backlog = 0;
    this.wanted = null; // size of the transfer for which the board waits
    this.connected = false;
    this.onData = () => {};
    const { usbCtrl } = chip;
    this.usb = usbCtrl;
    this.host = new USBCDC(usbCtrl); // enumerates the device
    this.host.onDeviceConnected = () => { this.connected = true; };
    this.host.onSerialData = (octets) => this.onData(octets);
    // An idle host answers nothing (NAK). Upstream ends such a transfer with an empty packet at once, which keeps the
    // processor busy with interrupts and makes everything that is measured several times slower than it is.
    usbCtrl.onEndpointRead = (endpoint, size) => {
      if (endpoint === this.host.outEndpoint) {
        this.wanted = size;
        this.deliver();
      }
    };
  }

  write(octets) {
    this.chunks.push(Uint8Array.from(octets));
    this.backlog += octets.length;
    this.deliver();
  }

  deliver() {
    if (this.wanted === null || this.backlog === 0) {
      return;
    }
    const packet = new Uint8Array(Math.min(this.wanted, PACKET, this.backlog));
    for (let at = 0; at < packet.length; ) {
      const chunk = this.chunks[0];
      const part = chunk.subarray(0, packet.length - at);
      packet.set(part, at);
      at += part.length;
      if (part.length === chunk.length) {
        this.chunks.shift();
      } else {
        this.chunks[0] = chunk.subarray(part.length);
      }
    }
    this.backlog -= packet.length;
    this.wanted = null;
    this.usb.endpointReadDone(this.host.outEndpoint, packet, PACKET_NANOS / 1000);
  }
}

export class Uart {
  // Octets arrive at the line's speed; as on the chip, what finds the receiver's FIFO full is lost.
  constructor(chip, number) {
    this.uart = chip.uart[number];
    this.chunks = [];
    this.backlog = 0;
    this.overruns = 0;
    this.onData = () => {};
    this.uart.onByte = (octet) => this.onData(Uint8Array.of(octet));
    this.alarm = chip.clock.createAlarm(() => this.arrive());
  }

  write(octets) {
    const idle = this.backlog === 0;
    this.chunks.push(Uint8Array.from(octets));
    this.backlog += octets.length;
    if (idle) {
      this.next();
    }
  }

  next() {
    const rate = this.uart.baudDivider ? this.uart.baudRate : 115200;
    this.alarm.schedule(Math.round(10e9 / rate)); // start, eight data and stop bits
  }

  arrive() {
    const octet = this.chunks[0][0];
    this.chunks[0] = this.chunks[0].subarray(1);
    if (this.chunks[0].length === 0) {
      this.chunks.shift();
    }
    this.backlog--;
    if (this.uart.enabled && this.uart.rxEnabled) {
      if (this.uart.rxFIFO.full) {
        this.overruns++;
      } else {
        this.uart.feedByte(octet);
      }
    }
    if (this.backlog) {
      this.next();
    }
  }
}
