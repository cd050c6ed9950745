// The instruction loop: ARMv6-M as the emulator's own core executes it, several times faster.
//
// Upstream tries some seventy patterns in turn for each instruction. Here a table indexed by the ten upper bits of the
// opcode names the handler, memory in flash and RAM is read through typed arrays, and the flags are local
// variables. State stays where the emulator keeps it (registers, interrupts, exceptions), and what is rare (hints,
// SVC, BKPT, most 32-bit instructions but BL) is left to upstream's executeInstruction. Cycles are upstream's, too.
// js/lockstep.mjs runs both side by side and compares. Differences by intent: shifts by a register with a count of 0
// keep the carry, and one with a count above 32 clears it, as ARM's manual says.

const FLASH = 0x10000000;
const RAM = 0x20000000;
const PERIPHERALS = 0x40000000;
const SIO = 0xd0000000;
const SIO_PAGE = SIO >>> 28;
const SIO_PINS_END = 0x50; // behind it: mailbox, divider, spin locks
const REGION = 0x10000000;
const PC = 15;
const SP = 13;
const LR = 14;

export function makeLoop(chip, rom, romEnd) {
  const { core, clock } = chip;
  const r = core.registers;
  const s = new Int32Array(r.buffer);
  const flash8 = chip.flash;
  const flash16 = new Uint16Array(flash8.buffer);
  const flash32 = new Uint32Array(flash8.buffer);
  const ram8 = chip.sram;
  const ram16 = new Uint16Array(ram8.buffer);
  const ram32 = new Uint32Array(ram8.buffer);
  const flashSize = flash8.length;
  const ramSize = ram8.length;

  // Flags. The sign and zero flags are those of `nz`: both at once cannot come from a result.
  let [nz, carry, overflow] = [1, false, false];
  Object.defineProperties(core, {
    N: { get: () => nz < 0, set: (on) => { nz = on ? -1 : 1; } },
    Z: { get: () => nz === 0, set: (on) => { nz = on ? 0 : nz || 1; } },
    C: { get: () => carry, set: (on) => { carry = on; } },
    V: { get: () => overflow, set: (on) => { overflow = on; } },
  });

  // Time is added up in `pending` cycles, and the clock hears of it before anything can look at it: an access beyond
  // RAM and flash, an instruction left to upstream, an alarm that is due. `attention` says that one of these may have
  // changed what the loop need not look at otherwise: interrupts, alarms, waiting, a halt.
  let pending = 0;
  let attention = true;
  let nanosPerCycle = 0;
  let owner = null;
  const settle = () => {
    clock.nanosCounter += pending * nanosPerCycle;
    pending = 0;
    attention = true;
  };
  const beyond = (access) => (at, value) => {
    settle();
    const result = access(at >>> 0, value);
    nanosPerCycle = owner.nanosPerCycle; // it may have been the clock's register
    return result;
  };
  // The SIO block has nothing to do with the clock, and but for its pins nothing with interrupts.
  const farRead32 = beyond((at) => chip.readUint32(at));
  const farWrite32 = beyond((at, value) => chip.writeUint32(at, value));
  const far = {
    read32: (at) => (at >>> 28 === SIO_PAGE ? chip.sio.readUint32((at >>> 0) - SIO) : farRead32(at)),
    read16: beyond((at) => chip.readUint16(at)),
    read8: beyond((at) => chip.readUint8(at)),
    write32: (at, value) => {
      if (at >>> 28 === SIO_PAGE && (at & 0xfff) >= SIO_PINS_END) {
        chip.sio.writeUint32((at >>> 0) - SIO, value);
      } else {
        farWrite32(at, value);
      }
    },
    write16: beyond((at, value) => chip.writeUint16(at, value)),
    write8: beyond((at, value) => chip.writeUint8(at, value)),
  };

  const read32 = (at) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize && (i & 3) === 0) {
      return ram32[i >>> 2];
    }
    const j = (at - FLASH) >>> 0;
    return j < flashSize && (j & 3) === 0 ? flash32[j >>> 2] : far.read32(at);
  };
  const read16 = (at) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize && (i & 1) === 0) {
      return ram16[i >>> 1];
    }
    const j = (at - FLASH) >>> 0;
    return j < flashSize && (j & 1) === 0 ? flash16[j >>> 1] : far.read16(at);
  };
  const read8 = (at) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize) {
      return ram8[i];
    }
    const j = (at - FLASH) >>> 0;
    return j < flashSize ? flash8[j] : far.read8(at);
  };
  const write32 = (at, value) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize && (i & 3) === 0) {
      ram32[i >>> 2] = value;
    } else {
      far.write32(at, value);
    }
  };
  const write16 = (at, value) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize && (i & 1) === 0) {
      ram16[i >>> 1] = value;
    } else {
      far.write16(at, value);
    }
  };
  const write8 = (at, value) => {
    const i = (at - RAM) >>> 0;
    if (i < ramSize) {
      ram8[i] = value;
    } else {
      far.write8(at, value);
    }
  };
  // Cycles of a load or store beyond the first: peripherals take longer, the SIO block none.
  const loadCycles = (at) => (at < PERIPHERALS ? 2 : at - PERIPHERALS < REGION ? 4 : at >= SIO && at - SIO < REGION ? 1 : 2);
  const storeCycles = (at) => (at < PERIPHERALS ? 2 : at - PERIPHERALS < REGION ? 5 : at >= SIO && at - SIO < REGION ? 1 : 2);

  const add = (a, b, c) => { // int32 each, c 0 or 1
    const sum = (a + b + c) | 0;
    carry = (a >>> 0) + (b >>> 0) + c > 0xffffffff;
    overflow = ((a ^ sum) & (b ^ sum)) < 0;
    nz = sum;
    return sum;
  };
  const subtract = (a, b) => {
    const difference = (a - b) | 0;
    carry = a >>> 0 >= b >>> 0;
    overflow = ((a ^ b) & (a ^ difference)) < 0;
    nz = difference;
    return difference;
  };

  const rare = () => {
    settle();
    s[PC] -= 2;
    return core.executeInstruction();
  };
  const table = new Array(1024).fill(rare);
  const define = (prefix, width, handler) => {
    const count = 1 << (10 - width);
    for (let i = 0; i < count; i++) {
      table[prefix * count + i] = handler;
    }
  };
  const logic = (prefix, compute) => define(prefix, 10, (op) => {
    nz = s[op & 7] = compute(s[op & 7], s[(op >> 3) & 7]);
    return 1;
  });

  define(0b00000, 5, (op) => { // LSLS immediate, MOVS
    const [input, n] = [s[(op >> 3) & 7], (op >> 6) & 31];
    if (n) {
      carry = ((input >>> (32 - n)) & 1) === 1;
    }
    nz = s[op & 7] = input << n;
    return 1;
  });
  define(0b00001, 5, (op) => { // LSRS immediate; 0 means 32
    const [input, n] = [s[(op >> 3) & 7], (op >> 6) & 31];
    carry = ((input >>> (n ? n - 1 : 31)) & 1) === 1;
    nz = s[op & 7] = n ? input >>> n : 0;
    return 1;
  });
  define(0b00010, 5, (op) => { // ASRS immediate; 0 means 32
    const [input, n] = [s[(op >> 3) & 7], (op >> 6) & 31];
    carry = ((input >> (n ? n - 1 : 31)) & 1) === 1;
    nz = s[op & 7] = input >> (n || 31);
    return 1;
  });
  define(0b0001100, 7, (op) => { s[op & 7] = add(s[(op >> 3) & 7], s[(op >> 6) & 7], 0); return 1; });
  define(0b0001101, 7, (op) => { s[op & 7] = subtract(s[(op >> 3) & 7], s[(op >> 6) & 7]); return 1; });
  define(0b0001110, 7, (op) => { s[op & 7] = add(s[(op >> 3) & 7], (op >> 6) & 7, 0); return 1; });
  define(0b0001111, 7, (op) => { s[op & 7] = subtract(s[(op >> 3) & 7], (op >> 6) & 7); return 1; });
  define(0b00100, 5, (op) => { nz = s[(op >> 8) & 7] = op & 0xff; return 1; }); // MOVS
  define(0b00101, 5, (op) => { subtract(s[(op >> 8) & 7], op & 0xff); return 1; }); // CMP
  define(0b00110, 5, (op) => { s[(op >> 8) & 7] = add(s[(op >> 8) & 7], op & 0xff, 0); return 1; });
  define(0b00111, 5, (op) => { s[(op >> 8) & 7] = subtract(s[(op >> 8) & 7], op & 0xff); return 1; });

  logic(0b0100000000, (a, b) => a & b);
  logic(0b0100000001, (a, b) => a ^ b);
  define(0b0100000010, 10, (op) => { // LSLS register
    const [input, n] = [s[op & 7], s[(op >> 3) & 7] & 0xff];
    if (n) {
      carry = n <= 32 && ((input >>> (32 - n)) & 1) === 1;
    }
    nz = s[op & 7] = n < 32 ? input << n : 0;
    return 1;
  });
  define(0b0100000011, 10, (op) => { // LSRS register
    const [input, n] = [s[op & 7], s[(op >> 3) & 7] & 0xff];
    if (n) {
      carry = n <= 32 && ((input >>> (n - 1)) & 1) === 1;
    }
    nz = s[op & 7] = n < 32 ? input >>> n : 0;
    return 1;
  });
  define(0b0100000100, 10, (op) => { // ASRS register
    const [input, n] = [s[op & 7], s[(op >> 3) & 7] & 0xff];
    if (n) {
      carry = ((input >> Math.min(n - 1, 31)) & 1) === 1;
    }
    nz = s[op & 7] = input >> Math.min(n, 31);
    return 1;
  });
  define(0b0100000101, 10, (op) => { // ADCS
    s[op & 7] = add(s[op & 7], s[(op >> 3) & 7], carry ? 1 : 0);
    return 1;
  });
  define(0b0100000110, 10, (op) => { // SBCS
    s[op & 7] = add(s[op & 7], ~s[(op >> 3) & 7], carry ? 1 : 0);
    return 1;
  });
  define(0b0100000111, 10, (op) => { // RORS
    const [input, n] = [s[op & 7], s[(op >> 3) & 7] & 0xff];
    nz = s[op & 7] = (input >>> (n & 31)) | (input << (32 - (n & 31)));
    if (n) {
      carry = nz < 0;
    }
    return 1;
  });
  define(0b0100001000, 10, (op) => { nz = s[op & 7] & s[(op >> 3) & 7]; return 1; }); // TST
  define(0b0100001001, 10, (op) => { s[op & 7] = subtract(0, s[(op >> 3) & 7]); return 1; }); // NEGS
  define(0b0100001010, 10, (op) => { subtract(s[op & 7], s[(op >> 3) & 7]); return 1; }); // CMP
  define(0b0100001011, 10, (op) => { add(s[op & 7], s[(op >> 3) & 7], 0); return 1; }); // CMN
  logic(0b0100001100, (a, b) => a | b);
  logic(0b0100001101, (a, b) => Math.imul(a, b));
  logic(0b0100001110, (a, b) => a & ~b);
  logic(0b0100001111, (a, b) => ~b);

  // High registers. The program counter reads as two further on.
  const high = (n) => (n === PC ? s[PC] + 2 : s[n]);
  const setHigh = (n, value) => {
    s[n] = n === PC ? value & ~1 : n === SP ? value & ~3 : value;
    return n === PC ? 2 : 1;
  };
  const first = (op) => ((op >> 4) & 8) | (op & 7);
  define(0b01000100, 8, (op) => setHigh(first(op), (high(first(op)) + high((op >> 3) & 15)) | 0)); // ADD
  define(0b01000101, 8, (op) => { subtract(s[first(op)], s[(op >> 3) & 15]); return 1; }); // CMP
  define(0b01000110, 8, (op) => setHigh(first(op), high((op >> 3) & 15))); // MOV
  const jump = (target) => {
    if (target >>> 28 === 0xf) { // the end of an exception
      settle();
      core.BXWritePC(target);
    } else {
      s[PC] = target & ~1;
    }
  };
  define(0b010001110, 9, (op) => { jump(r[(op >> 3) & 15]); return 2; }); // BX
  define(0b010001111, 9, (op) => { // BLX
    const target = r[(op >> 3) & 15] & ~1;
    s[LR] = s[PC] | 1;
    s[PC] = target;
    return 2;
  });

  define(0b01001, 5, (op) => { // LDR literal
    r[(op >> 8) & 7] = read32((((r[PC] + 2) & ~3) >>> 0) + ((op & 0xff) << 2));
    return 2;
  });
  const pair = (op) => (s[(op >> 3) & 7] + s[(op >> 6) & 7]) >>> 0;
  const store = (prefix, width, address, write) => define(prefix, width, (op) => {
    const at = address(op);
    write(at, r[op & 7]);
    return storeCycles(at);
  });
  const load = (prefix, width, address, read) => define(prefix, width, (op) => {
    const at = address(op);
    r[op & 7] = read(at);
    return loadCycles(at);
  });
  store(0b0101000, 7, pair, write32);
  store(0b0101001, 7, pair, write16);
  store(0b0101010, 7, pair, write8);
  load(0b0101011, 7, pair, (at) => (read8(at) << 24) >> 24);
  load(0b0101100, 7, pair, read32);
  load(0b0101101, 7, pair, read16);
  load(0b0101110, 7, pair, read8);
  load(0b0101111, 7, pair, (at) => (read16(at) << 16) >> 16);
  const near = (scale) => (op) => (s[(op >> 3) & 7] + (((op >> 6) & 31) << scale)) >>> 0;
  store(0b01100, 5, near(2), write32);
  load(0b01101, 5, near(2), read32);
  store(0b01110, 5, near(0), write8);
  load(0b01111, 5, near(0), read8);
  store(0b10000, 5, near(1), write16);
  load(0b10001, 5, near(1), read16);
  define(0b10010, 5, (op) => { // STR, SP relative
    const at = (r[SP] + ((op & 0xff) << 2)) >>> 0;
    write32(at, r[(op >> 8) & 7]);
    return storeCycles(at);
  });
  define(0b10011, 5, (op) => { // LDR, SP relative
    const at = (r[SP] + ((op & 0xff) << 2)) >>> 0;
    r[(op >> 8) & 7] = read32(at);
    return loadCycles(at);
  });
  define(0b10100, 5, (op) => { s[(op >> 8) & 7] = ((s[PC] + 2) & ~3) + ((op & 0xff) << 2); return 1; }); // ADR
  define(0b10101, 5, (op) => { s[(op >> 8) & 7] = s[SP] + ((op & 0xff) << 2); return 1; }); // ADD, SP relative
  define(0b101100000, 9, (op) => { s[SP] = (s[SP] + ((op & 0x7f) << 2)) & ~3; return 1; });
  define(0b101100001, 9, (op) => { s[SP] = (s[SP] - ((op & 0x7f) << 2)) & ~3; return 1; });
  define(0b1011001000, 10, (op) => { s[op & 7] = (s[(op >> 3) & 7] << 16) >> 16; return 1; }); // SXTH
  define(0b1011001001, 10, (op) => { s[op & 7] = (s[(op >> 3) & 7] << 24) >> 24; return 1; }); // SXTB
  define(0b1011001010, 10, (op) => { s[op & 7] = s[(op >> 3) & 7] & 0xffff; return 1; }); // UXTH
  define(0b1011001011, 10, (op) => { s[op & 7] = s[(op >> 3) & 7] & 0xff; return 1; }); // UXTB
  define(0b1011101000, 10, (op) => { // REV
    const input = s[(op >> 3) & 7];
    s[op & 7] = (input << 24) | ((input & 0xff00) << 8) | ((input >>> 8) & 0xff00) | (input >>> 24);
    return 1;
  });
  define(0b1011010, 7, (op) => { // PUSH
    let at = r[SP];
    let count = 0;
    if (op & 0x100) {
      at -= 4;
      write32(at, r[LR]);
    }
    for (let i = 7; i >= 0; i--) {
      if (op & (1 << i)) {
        at -= 4;
        count++;
        write32(at, r[i]);
      }
    }
    s[SP] = at;
    return 1 + count;
  });
  define(0b1011110, 7, (op) => { // POP
    let at = r[SP];
    let count = 0;
    for (let i = 0; i < 8; i++) {
      if (op & (1 << i)) {
        r[i] = read32(at);
        at += 4;
        count++;
      }
    }
    if (op & 0x100) {
      s[SP] = at + 4;
      jump(read32(at));
      return 3 + count;
    }
    s[SP] = at;
    return 1 + count;
  });
  define(0b11000, 5, (op) => { // STMIA
    const base = (op >> 8) & 7;
    let at = r[base];
    let count = 0;
    for (let i = 0; i < 8; i++) {
      if (op & (1 << i)) {
        write32(at, r[i]);
        at += 4;
        count++;
      }
    }
    if (!(op & (1 << base))) {
      s[base] = at;
    }
    return 1 + count;
  });
  define(0b11001, 5, (op) => { // LDMIA
    const base = (op >> 8) & 7;
    let at = r[base];
    let count = 0;
    for (let i = 0; i < 8; i++) {
      if (op & (1 << i)) {
        r[i] = read32(at);
        at += 4;
        count++;
      }
    }
    if (!(op & (1 << base))) {
      s[base] = at;
    }
    return 1 + count;
  });

  const branch = (condition, holds) => define(0b11010000 + condition, 8, (op) => {
    if (!holds()) {
      return 1;
    }
    s[PC] += ((op << 24) >> 23) + 2;
    return 2;
  });
  branch(0, () => nz === 0);
  branch(1, () => nz !== 0);
  branch(2, () => carry);
  branch(3, () => !carry);
  branch(4, () => nz < 0);
  branch(5, () => nz >= 0);
  branch(6, () => overflow);
  branch(7, () => !overflow);
  branch(8, () => carry && nz !== 0);
  branch(9, () => !carry || nz === 0);
  branch(10, () => nz < 0 === overflow);
  branch(11, () => nz < 0 !== overflow);
  branch(12, () => nz !== 0 && nz < 0 === overflow);
  branch(13, () => nz === 0 || nz < 0 !== overflow);
  define(0b11100, 5, (op) => { // B
    s[PC] += ((op << 21) >> 20) + 2;
    return 2;
  });
  // PRIMASK, which guards every atomic section: interrupts are looked at only when one is pending.
  const mask = (on) => {
    core.PM = on;
    core.interruptsUpdated = (core.pendingInterrupts & core.enabledInterrupts) !== 0
      || core.pendingSystick || core.pendingPendSV || core.pendingSVCall || core.pendingNMI;
    attention ||= core.interruptsUpdated;
  };
  define(0b1011011001, 10, (op) => { // CPS
    if (op === 0xb672) {
      core.PM = true;
    } else if (op === 0xb662) {
      mask(false);
    } else {
      return rare();
    }
    return 1;
  });
  const special = (op, next) => { // MRS and MSR of PRIMASK, DSB, DMB, ISB; undefined: something else
    if (op === 0xf3ef && (next & 0xf0ff) === 0x8010) {
      s[(next >> 8) & 15] = core.PM ? 1 : 0;
    } else if ((op & 0xfff0) === 0xf380 && next === 0x8810) {
      mask((s[op & 15] & 1) === 1);
    } else if (op !== 0xf3bf || (next & 0xffc0) !== 0x8f40 || (next & 0x30) === 0x30) {
      return undefined;
    }
    s[PC] += 2;
    return 3;
  };
  define(0b11110, 5, (op) => { // BL
    const next = read16(r[PC]);
    if ((next & 0xd000) !== 0xd000) {
      return special(op, next) ?? rare();
    }
    const sign = (op >> 10) & 1;
    const i1 = 1 - (sign ^ ((next >> 13) & 1));
    const i2 = 1 - (sign ^ ((next >> 11) & 1));
    const offset = (-sign << 24) | (i1 << 23) | (i2 << 22) | ((op & 0x3ff) << 12) | ((next & 0x7ff) << 1);
    s[LR] = (s[PC] + 2) | 1;
    s[PC] += 2 + offset;
    return 3;
  });

  // Execute up to `limit` instructions. Returns how many were executed: fewer when the processor waits or `machine` halts.
  return (machine, limit) => {
    let left = limit;
    let horizon = 0; // cycles until the next alarm
    attention = true;
    owner = machine;
    nanosPerCycle = machine.nanosPerCycle;
    while (left > 0) {
      if (attention) {
        settle();
        if (core.interruptsUpdated && core.checkForInterrupts()) {
          core.waiting = false;
        }
        if (core.waiting || machine.halted !== null) {
          break;
        }
        const alarm = clock.nextAlarm;
        horizon = alarm === null ? Infinity : Math.ceil((alarm.nanos - clock.nanosCounter) / nanosPerCycle);
        attention = false;
      }
      let pc = r[PC];
      if (pc < romEnd) {
        settle();
        pending = rom.service(core);
        if (machine.halted !== null) {
          break;
        }
      }
      pc &= ~1;
      const at = (pc - FLASH) >>> 0;
      const op = at < flashSize ? flash16[at >>> 1] : read16(pc >>> 0);
      s[PC] = pc + 2;
      const cycles = table[op >>> 6](op); // which may settle `pending`
      pending += cycles;
      left--;
      if (pending >= horizon) {
        settle();
        clock.tick(0);
      }
    }
    settle();
    return limit - left;
  };
}
