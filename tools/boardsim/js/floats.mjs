// The boot ROM's single-precision routines (data table "SF"), on 32-bit words as the registers hold them.
// Order and arguments: RP2040 datasheet 2.8.3.2, pico-sdk sf_table.h. As in the ROM, denormals count as zero.
// `cycles` are the datasheet's rough figures; results may differ from the ROM in the last bit of sin, cos, tan, exp, ln and atan2.
// Non-goals: the double table ("SD"): MicroPython on the RP2040 computes in single precision; a call to it stops the machine.

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);
const double = new DataView(new ArrayBuffer(8));

function f(bits) {
  word[0] = bits;
  return (bits & 0x7f800000) === 0 ? (bits & 0x80000000 ? -0 : 0) : single[0];
}

function bits(value) {
  single[0] = value;
  return (word[0] & 0x7f800000) === 0 ? word[0] & 0x80000000 : word[0];
}

function clamp(value, low, high) {
  return Number.isNaN(value) ? 0 : value < low ? low : value > high ? high : value;
}

const int32 = (value) => clamp(Math.floor(value), -0x80000000, 0x7fffffff) | 0;
const uint32 = (value) => clamp(Math.floor(value), 0, 0xffffffff) >>> 0;

function wide(r, value, low, high) {
  const limited = value <= Number(low) ? low : value >= Number(high) ? high : BigInt(Math.floor(value));
  const raw = BigInt.asUintN(64, limited);
  r[0] = Number(raw & 0xffffffffn);
  r[1] = Number(raw >> 32n);
}
const int64 = (r, value) => wide(r, value, -(2n ** 63n), 2n ** 63n - 1n);
const uint64 = (r, value) => wide(r, value, 0n, 2n ** 64n - 1n);
const long = (r) => Number(BigInt.asIntN(64, (BigInt(r[1]) << 32n) | BigInt(r[0])));
const ulong = (r) => Number((BigInt(r[1]) << 32n) | BigInt(r[0]));
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// [cycles, (registers, core) => void] in the order of the table.
export const FLOAT_TABLE = [
  [71, (r) => { r[0] = bits(f(r[0]) + f(r[1])); }], // fadd
  [74, (r) => { r[0] = bits(f(r[0]) - f(r[1])); }], // fsub
  [69, (r) => { r[0] = bits(f(r[0]) * f(r[1])); }], // fmul
  [71, (r) => { r[0] = bits(f(r[0]) / f(r[1])); }], // fdiv
  [39, (r) => { r[0] = order(f(r[0]), f(r[1])); }], // fcmp_fast
  [36, (r, core) => { // fcmp_fast_flags: as `cmp` would set them
    const sign = order(f(r[0]), f(r[1]));
    core.N = sign < 0;
    core.Z = sign === 0;
    core.C = sign >= 0;
    core.V = false;
  }],
  [71, (r) => { r[0] = bits(Math.sqrt(f(r[0]))); }], // fsqrt
  [37, (r) => { r[0] = int32(f(r[0])); }], // float2int
  [40, (r) => { r[0] = int32(f(r[0]) * 2 ** r[1]); }], // float2fix
  [38, (r) => { r[0] = uint32(f(r[0])); }], // float2uint
  [41, (r) => { r[0] = uint32(f(r[0]) * 2 ** r[1]); }], // float2ufix
  [55, (r) => { r[0] = bits(r[0] | 0); }], // int2float
  [53, (r) => { r[0] = bits((r[0] | 0) / 2 ** r[1]); }], // fix2float
  [54, (r) => { r[0] = bits(r[0]); }], // uint2float
  [52, (r) => { r[0] = bits(r[0] / 2 ** r[1]); }], // ufix2float
  [603, (r) => { r[0] = bits(Math.cos(f(r[0]))); }], // fcos
  [593, (r) => { r[0] = bits(Math.sin(f(r[0]))); }], // fsin
  [669, (r) => { r[0] = bits(Math.tan(f(r[0]))); }], // ftan
  [606, (r) => { const x = f(r[0]); r[0] = bits(Math.sin(x)); r[1] = bits(Math.cos(x)); }], // fsincos
  [542, (r) => { r[0] = bits(Math.exp(f(r[0]))); }], // fexp
  [524, (r) => { r[0] = bits(Math.log(f(r[0]))); }], // fln
  [39, (r) => { r[0] = order(f(r[0]), f(r[1])); }], // fcmp_basic
  [599, (r) => { r[0] = bits(Math.atan2(f(r[0]), f(r[1]))); }], // fatan2
  [60, (r) => { r[0] = bits(long(r)); }], // int642float
  [60, (r) => { r[0] = bits(long(r) / 2 ** r[2]); }], // fix642float
  [60, (r) => { r[0] = bits(ulong(r)); }], // uint642float
  [60, (r) => { r[0] = bits(ulong(r) / 2 ** r[2]); }], // ufix642float
  [53, (r) => int64(r, f(r[0]))], // float2int64
  [57, (r) => int64(r, f(r[0]) * 2 ** r[1])], // float2fix64
  [42, (r) => uint64(r, f(r[0]))], // float2uint64
  [46, (r) => uint64(r, f(r[0]) * 2 ** r[1])], // float2ufix64
  [15, (r) => { // float2double
    double.setFloat64(0, f(r[0]));
    r[1] = double.getUint32(0);
    r[0] = double.getUint32(4);
  }],
];
