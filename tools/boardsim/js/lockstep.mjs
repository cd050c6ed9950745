// Show that core.mjs executes as the emulator's own core does: two boards with the same firmware, one instruction at a
// time, registers, flags and time compared after each.
//
//   BOARDSIM_MODULES=build/boardsim node tools/boardsim/js/lockstep.mjs FIRMWARE.bin SCRIPT.py [INSTRUCTIONS]
//
// Prints how many instructions were equal; ends with status 1 at the first that is not.

import { readFileSync } from 'node:fs';

import { makeLoop } from './core.mjs';
import { Machine } from './machine.mjs';

// The loop as upstream has it: one executeInstruction after the other.
function referenceLoop(chip, rom, romEnd) {
  const { core, clock } = chip;
  return (machine, limit) => {
    let left = limit;
    while (left > 0 && !core.waiting && machine.halted === null) {
      const cycles = core.registers[15] < romEnd ? rom.service(core) : 0;
      clock.tick((cycles + core.executeInstruction()) * machine.nanosPerCycle);
      left--;
    }
    return limit - left;
  };
}

function stateOf(machine) {
  const { core, clock } = machine.chip;
  const flags = (core.N ? 8 : 0) | (core.Z ? 4 : 0) | (core.C ? 2 : 0) | (core.V ? 1 : 0);
  const registers = [...core.registers];
  registers[15] &= ~1; // upstream keeps the Thumb bit of a vector
  return [...registers, flags, core.IPSR, core.waiting ? 1 : 0, Math.round(clock.nanos * 1000)];
}

const [firmware, script, limit = '3000000'] = process.argv.slice(2);
const image = readFileSync(firmware);
const code = `\r\x03\x01${readFileSync(script, 'latin1')}\x04`;
const boards = [referenceLoop, makeLoop].map((make) => {
  const machine = new Machine();
  machine.makeLoop = make;
  machine.install(image);
  machine.boot();
  machine.text = '';
  machine.onCdc = (octets) => { machine.text += Buffer.from(octets).toString('latin1'); };
  return machine;
});

// Whether the instruction is a shift by a register whose carry upstream gets wrong: by none, or by more than 32.
const SHIFTS = [0b0100000010, 0b0100000011, 0b0100000100, 0b0100000111];
function oddShift({ chip }) {
  const opcode = chip.readUint16(chip.core.PC & ~1);
  const count = chip.core.registers[(opcode >> 3) & 7] & 0xff;
  return SHIFTS.includes(opcode >> 6) && (count === 0 || count > 32);
}

let sent = false;
for (let count = 0; count < Number(limit); count++) {
  const before = boards[0].chip.core.PC;
  const odd = oddShift(boards[0]);
  for (const machine of boards) {
    machine.run(1);
    if (machine.idle > 0) {
      machine.skip(machine.idle === Infinity ? 1e6 : machine.idle);
    }
  }
  if (odd) {
    boards[0].chip.core.C = boards[1].chip.core.C;
  }
  const [expected, found] = boards.map(stateOf);
  const different = expected.findIndex((value, i) => value !== found[i]);
  if (different >= 0) {
    console.log(`instruction ${count} at 0x${before.toString(16)}: entry ${different} of the state differs`);
    console.log(expected.join(' '));
    console.log(found.join(' '));
    process.exit(1);
  }
  if (!sent && boards[0].cdc.connected) {
    sent = true;
    boards.forEach((machine) => machine.cdc.write(Buffer.from(code, 'latin1')));
  }
}
console.log(`${limit} instructions equal; the board said ${JSON.stringify(boards[1].text.slice(-60))}`);
