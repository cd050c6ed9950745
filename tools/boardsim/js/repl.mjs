// Talk to the board's raw REPL without a pty: what the host sends depends on simulated events only, so every run is alike.
// The protocol is the one of mpremote: ^C, ^A, source, ^D; the answer is OK, output, ^D, traceback, ^D, '>'.

const BANNER = 'raw REPL; CTRL-B to exit\r\n>';
const SLICE = 500; // instructions between two looks at what arrived

export class Repl {
  constructor(machine) {
    this.machine = machine;
    this.raw = false;
    this.text = '';
    machine.onCdc = (octets) => { this.text += Buffer.from(octets).toString('latin1'); };
  }

  // Run until `done()`, or for `ms` of simulated time. Returns whether it was done; stops early when the board halts.
  until(done, ms) {
    const { machine } = this;
    const end = machine.nanos + ms * 1e6;
    while (!machine.halted) {
      if (done()) {
        return true;
      }
      if (machine.nanos >= end) {
        return false;
      }
      const { idle } = machine;
      if (idle === 0) {
        machine.run(SLICE);
      } else {
        machine.skip(Math.min(idle, end - machine.nanos));
      }
    }
    return false;
  }

  write(text) {
    this.machine.cdc.write(Buffer.from(text, 'latin1'));
  }

  // Take what the board sent up to and with `mark`, or throw.
  expect(mark, ms, from = 0) {
    if (!this.until(() => this.text.indexOf(mark, from) >= 0, ms)) {
      if (this.machine.halted) {
        throw new Halted(this.machine.halted);
      }
      throw new Error(`no ${JSON.stringify(mark)} within ${ms} ms of simulated time; got ${JSON.stringify(this.text.slice(-300))}`);
    }
    const end = this.text.indexOf(mark, from) + mark.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }

  enter(ms) {
    if (this.raw) {
      return;
    }
    if (!this.until(() => this.machine.cdc.connected, ms)) {
      throw this.machine.halted ? new Halted(this.machine.halted) : new Error(`no USB within ${ms} ms of simulated time`);
    }
    this.write('\r\x03');
    this.until(() => false, 20); // time for a running program to stop
    this.write('\r\x03\x01');
    this.expect(BANNER, ms);
    this.raw = true;
  }

  exec(code, ms) {
    this.enter(ms);
    this.write(`${code}\x04`);
    this.expect('OK', ms);
    const { machine } = this;
    const begin = [machine.nanos, machine.instructions];
    this.until(() => this.text.includes('\x04'), ms);
    const [micros, instructions] = [(machine.nanos - begin[0]) / 1e3, machine.instructions - begin[1]];
    const stdout = this.expect('\x04', 0.001).slice(0, -1);
    const stderr = this.expect('\x04', ms).slice(0, -1);
    this.expect('>', ms);
    return { stdout, stderr, micros: Math.round(micros), instructions };
  }
}

export class Halted extends Error {
  constructor({ reason, text }) {
    super(text);
    this.reason = reason;
  }
}
