// The host's end of USB-CDC, where the REPL is.
// `write(octets)` queues for the board, `backlog` octets wait, `onData(octets)` hears what the board sends.

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
