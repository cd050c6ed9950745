// The emulator, from where `npm ci` put it: BOARDSIM_MODULES names the folder that holds node_modules.

import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const place = process.env.BOARDSIM_MODULES;
if (!place) {
  console.error('boardsim: BOARDSIM_MODULES is not set; start it with `python3 -m boardsim`');
  process.exit(2);
}
export const { RP2040, USBCDC } = createRequire(resolve(place, 'package.json'))('rp2040js');
