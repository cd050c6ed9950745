// A serial NOR flash (W25Q16 class) as the boot ROM drives it: erase sets sectors to 1, program can only clear bits.
//
//   operation   unit                     time charged (typical)    cut in the middle (torn)
//   erase       4 KiB sector             45 ms                     half: first half erased; bits: random bits erased
//               64 KiB block, if whole   150 ms                    (the same, over the block)
//   program     256-octet page           0.4 ms                    half: first half programmed; bits: random bits cleared
//
// The power can be cut at operation N (counted from 1 at power-on of the simulator, over all reboots): `before` nothing
// of it has happened, `half` and `bits` some of it has, `after` all of it has. An operation that breaks a rule of
// the chip (an offset that is not on a unit's boundary, the end of the chip) stops the machine: it is a bug in the firmware.

export const SECTOR = 4096;
export const PAGE = 256;
export const BLOCK = 65536;
const ERASE_NANOS = 45e6;
const BLOCK_NANOS = 150e6;
const PAGE_NANOS = 0.4e6;

export const TORN = ['before', 'half', 'bits', 'after'];

// A small generator (xorshift32), so that a torn operation is the same in each run.
function random(seed) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

// Apply to `octets` the part of an operation that a cut at `number` leaves. `data` is null for an erase.
function tear(octets, offset, length, data, mode, number) {
  if (mode === 'before') {
    return;
  }
  const next = random(number);
  const whole = mode === 'half' ? length >> 1 : length;
  for (let i = 0; i < whole; i++) {
    const spared = mode === 'bits' ? next() & 0xff : 0; // bits that the operation did not reach
    const old = octets[offset + i];
    octets[offset + i] = data === null ? old | (0xff & ~spared) : old & (data[i] | spared);
  }
}

export class Flash {
  // `halt(reason, text)` stops the machine; `charge(nanos)` lets simulated time pass.
  constructor(size, halt, charge) {
    this.octets = new Uint8Array(size).fill(0xff);
    this.halt = halt;
    this.nanos = 0; // time that operations took
    this.charge = (nanos) => {
      this.nanos += nanos;
      charge(nanos);
    };
    this.wear = new Uint32Array(size / SECTOR);
    this.operations = 0;
    this.erases = 0;
    this.pages = 0;
    this.reprogrammed = 0; // pages that were programmed when they were not blank
    this.cut = 0; // 0: never
    this.torn = 'before';
    this.dirty = false;
    this.journal = null; // with `record`: one {number, offset, length, data} for each operation, with the image it began on
  }

  get size() {
    return this.octets.length;
  }

  erase(offset, count) {
    if (!this.legal('erase', offset, count, SECTOR)) {
      return;
    }
    for (const end = offset + count; offset < end; ) {
      const length = offset % BLOCK === 0 && end - offset >= BLOCK ? BLOCK : SECTOR;
      if (this.operate(offset, length, null)) {
        return;
      }
      this.erases++;
      for (let sector = offset / SECTOR; sector < (offset + length) / SECTOR; sector++) {
        this.wear[sector]++;
      }
      this.octets.fill(0xff, offset, offset + length);
      this.charge(length === BLOCK ? BLOCK_NANOS : ERASE_NANOS);
      offset += length;
    }
  }

  program(offset, data) {
    if (!this.legal('program', offset, data.length, PAGE)) {
      return;
    }
    for (let at = 0; at < data.length; at += PAGE) {
      const page = data.subarray(at, at + PAGE);
      const begin = offset + at;
      if (this.operate(begin, PAGE, page)) {
        return;
      }
      this.pages++;
      let blank = true;
      for (let i = 0; i < PAGE; i++) {
        blank = blank && this.octets[begin + i] === 0xff;
        this.octets[begin + i] &= page[i];
      }
      if (!blank) {
        this.reprogrammed++;
      }
      this.charge(PAGE_NANOS);
    }
  }

  legal(what, offset, count, unit) {
    if (offset % unit === 0 && count % unit === 0 && offset + count <= this.size) {
      return true;
    }
    this.halt('flash', `flash ${what} of ${count} octets at 0x${offset.toString(16)} breaks a rule of the chip`);
    return false;
  }

  // Count one operation; return whether the power is cut at it.
  operate(offset, length, data) {
    this.operations++;
    this.dirty = true;
    if (this.journal) {
      this.journal.operations.push({ number: this.operations, offset, length, data: data && data.slice() });
    }
    if (this.operations !== this.cut) {
      return false;
    }
    const full = this.torn === 'after' ? 'whole' : this.torn;
    tear(this.octets, offset, length, data, full, this.operations);
    this.halt('cut', `the power was cut at flash operation ${this.operations} (${this.torn})`);
    return true;
  }

  // From now on keep what every operation does, so that `imageAt` can tell what a cut would have left.
  record() {
    this.journal = { image: this.octets.slice(), first: this.operations, operations: [] };
  }

  // The octets that a cut at recorded operation `index` (from 0) would have left.
  imageAt(index, mode) {
    const image = this.journal.image.slice();
    const { operations } = this.journal;
    for (let i = 0; i <= index; i++) {
      const { number, offset, length, data } = operations[i];
      tear(image, offset, length, data, i === index && mode !== 'after' ? mode : 'whole', number);
    }
    return image;
  }

  report() {
    const wear = {};
    this.wear.forEach((count, sector) => {
      if (count) {
        wear[sector] = count;
      }
    });
    return {
      operations: this.operations,
      erases: this.erases,
      pages: this.pages,
      reprogrammed: this.reprogrammed,
      wear,
    };
  }
}
