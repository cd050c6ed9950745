// A substitute for the RP2040's mask ROM, which no package carries (datasheet 2.8.3; names as in pico-sdk bootrom_constants.h).
//
//   0x0010  'M' 'u' 1 version       0x0014  u16 function table, u16 data table, u16 table look-up routine
//   0x0200  stub 0: bx lr           the program counter on a stub makes the machine call `service`,
//   0x0204  stub 1: bx lr           which does the stub's work; the bx lr then returns to the caller
//   ...
//
// It says that it is version 3 (B2 silicon). Each function charges about the cycles it takes on the chip.
// The reset path of the real ROM is not here: the machine starts at the second-stage boot code in flash.

import { FLOAT_TABLE } from './floats.mjs';

const SIZE = 0x4000;
const VERSION = 3;
const FUNCTIONS = 0x0040;
const DATA = 0x0100;
const STUBS = 0x0200;
const FLOATS = 0x1000;
const DOUBLES = 0x1100;
const BX_LR = 0x4770;
const TABLE_ENTRIES = 32;

const code = (name) => name.charCodeAt(0) | (name.charCodeAt(1) << 8);

export const ROM_END = SIZE;

export class BootRom {
  // `memory`: readUint8, writeUint8, readUint16; `flash`: erase, program; `halt(text)` stops the machine.
  constructor(memory, flash, halt) {
    const image = new DataView(new ArrayBuffer(SIZE));
    const work = []; // one [cycles, (registers, core) => more cycles or undefined] for each stub
    const stub = (cycles, run) => {
      const address = STUBS + 4 * work.length;
      image.setUint16(address, BX_LR, true);
      work.push([cycles, run]);
      return address | 1;
    };
    const table = (at, rows) => {
      for (const [name, address] of rows) {
        image.setUint16(at, code(name), true);
        image.setUint16(at + 2, address, true);
        at += 4;
      }
      image.setUint16(at, 0, true);
    };

    const copy = (r) => {
      const [to, from, count] = [r[0], r[1], r[2]];
      for (let i = 0; i < count; i++) {
        memory.writeUint8(to + i, memory.readUint8(from + i));
      }
      return ((to ^ from) & 3) === 0 ? 0.75 * count : 7 * count; // whole words, or octet by octet
    };
    const fill = (r) => {
      for (let i = 0; i < r[2]; i++) {
        memory.writeUint8(r[0] + i, r[1] & 0xff);
      }
      return 0.5 * r[2];
    };
    const count = (value) => {
      let ones = 0;
      for (; value; value &= value - 1) {
        ones++;
      }
      return ones;
    };
    const reverse = (value) => {
      let result = 0;
      for (let i = 0; i < 32; i++) {
        result = (result << 1) | ((value >>> i) & 1);
      }
      return result >>> 0;
    };
    const nothing = stub(20, () => {});
    table(FUNCTIONS, [
      ['P3', stub(18, (r) => { r[0] = count(r[0]); })],
      ['R3', stub(21, (r) => { r[0] = reverse(r[0]); })],
      ['L3', stub(38, (r) => { r[0] = Math.clz32(r[0]); })],
      ['T3', stub(38, (r) => { r[0] = r[0] ? 31 - Math.clz32(r[0] & -r[0]) : 32; })],
      ['MC', stub(20, copy)],
      ['C4', stub(16, copy)],
      ['MS', stub(20, fill)],
      ['S4', stub(16, fill)],
      ['UB', stub(0, () => halt('the firmware asked for the USB boot loader, which is not simulated'))],
      ['IF', nothing],
      ['EX', nothing],
      ['FC', nothing],
      ['CX', nothing],
      ['RE', stub(0, (r) => flash.erase(r[0], r[1]))],
      ['RP', stub(0, (r) => {
        const data = new Uint8Array(Math.ceil(r[2] / 256) * 256); // as in the ROM: always whole pages
        for (let i = 0; i < data.length; i++) {
          data[i] = memory.readUint8(r[1] + i);
        }
        flash.program(r[0], data);
      })],
    ]);
    table(DATA, [['SF', FLOATS], ['SD', DOUBLES]]);
    const lookup = stub(30, (r) => {
      let [at, found] = [r[0], 0];
      for (let name = memory.readUint16(at); name !== 0; name = memory.readUint16(at)) {
        if (name === (r[1] & 0xffff)) {
          found = memory.readUint16(at + 2);
          break;
        }
        at += 4;
      }
      r[0] = found;
    });
    const missing = stub(0, () => halt('the firmware called a routine of the boot ROM that is not simulated'));
    for (const at of [FLOATS, DOUBLES]) {
      image.setUint8(at - 1, TABLE_ENTRIES);
      image.setUint8(at - 2, TABLE_ENTRIES);
      for (let i = 0; i < TABLE_ENTRIES; i++) {
        image.setUint32(at + 4 * i, at === FLOATS ? stub(...FLOAT_TABLE[i]) : missing, true);
      }
    }
    image.setUint32(0x10, 0x0175_4d | (VERSION << 24), true);
    image.setUint16(0x14, FUNCTIONS, true);
    image.setUint16(0x16, DATA, true);
    image.setUint16(0x18, lookup, true);
    this.image = new Uint32Array(image.buffer);
    this.work = work;
    this.halt = halt;
  }

  // Do the work of the stub that the program counter is on; return the cycles it takes.
  service(core) {
    const at = core.registers[15] - STUBS;
    const entry = this.work[at >> 2];
    if (at < 0 || at & 3 || entry === undefined) {
      this.halt(`the program counter is at 0x${core.registers[15].toString(16)} in the boot ROM, where nothing is`);
      return 0;
    }
    return Math.round(entry[0] + (entry[1](core.registers, core) || 0));
  }
}
