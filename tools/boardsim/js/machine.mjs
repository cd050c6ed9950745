// One simulated board: the emulated chip, a substitute boot ROM, NOR flash, and time.
//
// Time is simulated: an instruction takes its cycles, a flash operation its typical time, and waiting for an interrupt
// (WFE, WFI) skips to the next alarm. So a run is the same each time as long as its input is.
// Limits: no model of misses in the XIP cache (code in flash runs as fast as code in RAM), one core, no radio.

import { BootRom, ROM_END } from './bootrom.mjs';
import { Cdc } from './cdc.mjs';
import { makeLoop } from './core.mjs';
import { Flash, SECTOR } from './flash.mjs';
import { RP2040 } from './library.mjs';
import { Uart } from './uart.mjs';

const BOOT_STAGE_2 = 0x10000000;
const STACK = 0x20041f00;
const FLASH_SIZE = 2 * 1024 * 1024;
const SSI = 0x18000;
const WATCHDOG = 0x40058;
const SSI_DATA = 0x60;
const READ_UNIQUE_ID = 0x4b; // command, four dummy octets, then eight of the id
const SIO_FIFO_STATUS = 0x50;
const SIO_FIFO_READ = 0x58;
const SIO_FIFO_VALID_READY = 3;
const ID_AT = 5;
const ID_LENGTH = 8;

// The emulator reports a great deal that is of no use here; what could explain a hang is counted.
class Complaints {
  constructor() {
    this.errors = new Map();
  }
  debug() {}
  info() {}
  warn() {}
  error(component, text) {
    const line = `${component}: ${text}`;
    this.errors.set(line, (this.errors.get(line) || 0) + 1);
  }
}

// Answer the flash chip's "read unique id" command, from which MicroPython makes machine.unique_id().
function identify(ssi, id) {
  let [command, at, answer] = [0, 0, 0];
  const write = ssi.writeUint32.bind(ssi);
  const read = ssi.readUint32.bind(ssi);
  ssi.writeUint32 = (offset, value) => {
    if (offset !== SSI_DATA) {
      write(offset, value);
      return;
    }
    command = at === 0 ? value & 0xff : command;
    answer = command === READ_UNIQUE_ID && at >= ID_AT ? id[at - ID_AT] : 0;
    at = command === READ_UNIQUE_ID && at < ID_AT + ID_LENGTH - 1 ? at + 1 : 0;
  };
  ssi.readUint32 = (offset) => (offset === SSI_DATA ? answer : read(offset));
}

// The mailbox between the cores, which the emulator lacks: the second core's ROM announces itself with a 0 after its reset.
function secondCore(sio) {
  const read = sio.readUint32.bind(sio);
  sio.readUint32 = (offset) => {
    if (offset === SIO_FIFO_STATUS) {
      return SIO_FIFO_VALID_READY;
    }
    return offset === SIO_FIFO_READ ? 0 : read(offset);
  };
}

export class Machine {
  constructor(size = FLASH_SIZE) {
    this.flash = new Flash(
      size,
      (reason, text) => this.halt(reason, text),
      (nanos) => this.chip.clock.tick(nanos),
    );
    this.uniqueId = Uint8Array.of(0xe6, 0x60, 0x58, 0x38, 0x83, 0x00, 0x00, 0x01);
    this.instructions = 0;
    this.nanosBefore = 0; // simulated time of earlier boots
    this.boots = 0;
    this.makeLoop = makeLoop;
    this.onCdc = () => {};
    this.onUart = () => {};
    this.halted = null;
    this.chip = null;
    this.overruns = 0;
  }

  // Put a firmware image (.bin) at the start of the flash, as a programmer would. Returns false if it is there already.
  install(image) {
    const same = image.every((octet, i) => octet === this.flash.octets[i]);
    if (!same) {
      this.flash.octets.fill(0xff, 0, Math.ceil(image.length / SECTOR) * SECTOR);
      this.flash.octets.set(image);
      this.flash.dirty = true;
    }
    return !same;
  }

  // Power on.
  boot() {
    if (this.chip) {
      this.powerOff();
    }
    const chip = new RP2040();
    const { core } = chip;
    chip.logger = new Complaints();
    chip.flash = this.flash.octets;
    chip.flash16 = new Uint16Array(this.flash.octets.buffer);
    chip.flashView = new DataView(this.flash.octets.buffer);
    this.chip = chip;
    this.rom = new BootRom(chip, this.flash, (text) => this.halt('fault', text));
    chip.bootrom.set(this.rom.image);
    core.PC = BOOT_STAGE_2;
    core.LR = 0;
    core.SP = STACK;
    chip.onBreak = (code) => this.halt('fault', `the processor met a breakpoint (${code}): a panic of the firmware`);
    this.loop = this.makeLoop(chip, this.rom, ROM_END);
    this.nanosPerCycle = 1e9 / chip.clkSys;
    chip.addClockListener((hertz) => { this.nanosPerCycle = 1e9 / hertz; });
    secondCore(chip.sio);
    identify(chip.peripherals[SSI], this.uniqueId);
const watchdog = chip.peripherals[WATCHDOG];
    watchdog.onWatchdogTrigger = () => {
      watchdog.alarm.enable = false; // or it would fire again at once, without an end
      this.halt('reset', 'the firmware or its watchdog reset the chip');
    };
    this.cdc = new Cdc(chip);
    this.cdc.onData = (octets) => this.onCdc(octets);
    this.uart = new Uart(chip, 0);
    this.uart.onData = (octets) => this.onUart(octets);
    this.halted = null;
    this.boots++;
  }

  powerOff() {
    this.nanosBefore += this.chip.clock.nanos;
    this.overruns += this.uart.overruns;
    this.chip = null;
  }

  get nanos() {
    return this.nanosBefore + (this.chip ? this.chip.clock.nanos : 0);
  }

  // Stop at the end of the current instruction. Reasons: cut, flash, fault, reset.
  halt(reason, text) {
    this.halted ??= { reason, text };
  }

  // Nanoseconds of simulated time until something happens while the processor waits; 0 when it does not wait,
  // Infinity when only input can wake it.
  get idle() {
    const { core, clock } = this.chip;
    if (!core.waiting) {
      return 0;
    }
    return clock.nextAlarm ? Math.max(clock.nanosToNextAlarm, 1) : Infinity;
  }

  // Execute up to `limit` instructions; return early when halted, or when the processor waits (then `idle` tells how long).
  run(limit) {
    if (!this.chip.core.waiting && this.halted === null) {
      this.instructions += this.loop(this, limit);
    }
  }

  // Let simulated time pass, at most `idle`, while the processor waits.
  skip(nanos) {
    this.chip.clock.tick(nanos);
  }

  report() {
    return {
      simulated_ms: Math.round(this.nanos / 1e3) / 1e3,
      instructions: this.instructions,
      boots: this.boots,
      uart_overruns: this.overruns + (this.chip ? this.uart.overruns : 0),
      complaints: this.chip ? Object.fromEntries(this.chip.logger.errors) : {},
      flash: this.flash.report(),
    };
  }
}
