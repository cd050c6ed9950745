// The simulator as a process: one JSON request a line on stdin, one JSON answer a line on stdout.
//
//   {"id": 7, "op": "exec", "code": "print(1)", "ms": 1000}
//   {"id": 7, "ok": {"stdout": "1\r\n", ...}}          or  {"id": 7, "error": "...", "reason": "cut"}
//
// `boardsim run` uses load, boot, live and stop; tests and benchmarks use the rest through tools/boardsim/board.py.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { TORN } from './flash.mjs';
import { live } from './live.mjs';
import { Machine } from './machine.mjs';
import { Halted, Repl } from './repl.mjs';

const BOOT_MS = 5_000;

let machine = null;
let repl = null;
let running = null;
const images = new Map();
let uartOut = '';

const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);

function firmwareOf(path) {
  const image = readFileSync(path);
  if (image.length < 512 || image.readUInt32LE(0) === 0x0a324655) {
    throw new Error(`${path}: a .bin image is needed here (a .uf2 is not one)`);
  }
  return image;
}

const operations = {
  // A board with this firmware; `flash` is the file its flash comes from, if it is there.
  load({ firmware, flash, size, uniqueId }) {
    machine = new Machine(size);
    if (uniqueId) {
      machine.uniqueId = Buffer.from(uniqueId, 'hex');
    }
    if (flash && existsSync(flash)) {
      const octets = readFileSync(flash);
      if (octets.length !== machine.flash.size) {
        throw new Error(`${flash}: a flash image of this board has ${machine.flash.size} octets, this file has ${octets.length}`);
      }
      machine.flash.octets.set(octets);
    }
    return { installed: machine.install(firmwareOf(firmware)) };
  },

  // Power on (or off and on). With `connect`, wait until the host has configured the USB device.
  boot({ connect = true, ms = BOOT_MS }) {
    machine.boot();
    repl = new Repl(machine);
    uartOut = '';
    machine.onUart = (octets) => { uartOut += Buffer.from(octets).toString('latin1'); };
    const begin = machine.nanos;
    if (connect && !repl.until(() => machine.cdc.connected, ms)) {
      throw machine.halted ? new Halted(machine.halted) : new Error(`no USB within ${ms} ms of simulated time`);
    }
    return { micros: Math.round((machine.nanos - begin) / 1e3) };
  },

  exec({ code, ms }) {
    const before = machine.flash.report();
    const result = repl.exec(code, ms);
    const after = machine.flash.report();
    for (const name of ['operations', 'erases', 'pages']) {
      result[name] = after[name] - before[name];
    }
    return result;
  },

  // Send to the REPL and to UART0 as they are, let `ms` pass (or until `mark` arrives), and return what both sent.
  pass({ cdc = '', uart = '', ms, mark = null }) {
    repl.raw = false;
    if (cdc) {
      repl.write(cdc);
    }
    if (uart) {
      machine.uart.write(Buffer.from(uart, 'latin1'));
    }
    const found = repl.until(() => mark !== null && (repl.text.includes(mark) || uartOut.includes(mark)), ms);
    if (machine.halted) {
      throw new Halted(machine.halted);
    }
    const result = { cdc: repl.text, uart: uartOut, found };
    repl.text = '';
    uartOut = '';
    return result;
  },

  // Cut the power at the given flash operation, counted from now (0: never).
  cut({ at, torn = 'before' }) {
    if (!TORN.includes(torn)) {
      throw new Error(`torn is one of ${TORN.join(', ')}`);
    }
    machine.flash.cut = at ? machine.flash.operations + at : 0;
    machine.flash.torn = torn;
    return {};
  },

  record() {
    machine.flash.record();
    return {};
  },

  recorded() {
    return machine.flash.journal.operations.map(({ offset, length, data }) => ({
      kind: data ? 'program' : 'erase', offset, length,
    }));
  },

  // The flash as a cut at recorded operation `index` would have left it; boot afterwards.
  rewind({ index, torn }) {
    machine.flash.octets.set(machine.flash.imageAt(index, torn));
    return {};
  },

  keep({ name }) {
    images.set(name, machine.flash.octets.slice());
    return {};
  },

  restore({ name }) {
    machine.flash.octets.set(images.get(name));
    return {};
  },

  peek({ offset, length }) {
    return Buffer.from(machine.flash.octets.subarray(offset, offset + length)).toString('latin1');
  },

  poke({ offset, data }) {
    machine.flash.octets.set(Buffer.from(data, 'latin1'), offset);
    return {};
  },

  save({ path }) {
    writeFileSync(`${path}.new`, machine.flash.octets);
    renameSync(`${path}.new`, path);
    machine.flash.dirty = false;
    return {};
  },

  report() {
    return machine.report();
  },

  // Run by the wall clock until `stop`; the event {"halted": ...} tells of an end by itself, {"boots": N} of
  // a reset.
  live({ uart = false }) {
    running = live(machine, uart, ({ reason, text }) => {
      running = null;
      say({ halted: reason, text });
    }, () => say({ boots: machine.report().boots }));
    return {};
  },

  stop() {
    running?.stop();
    running = null;
    return machine.report();
  },

  quit() {
    setImmediate(() => process.exit(0));
    return {};
  },
};

const requests = createInterface({ input: process.stdin });
requests.on('line', (line) => {
  const { id, op, ...parameters } = JSON.parse(line);
  try {
    say({ id, ok: operations[op](parameters) });
  } catch (problem) {
    say({ id, error: problem.message, reason: problem.reason ?? 'error' });
  }
});
requests.on('close', () => process.exit(0)); // whoever started this is gone
