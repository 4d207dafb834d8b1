// Masks of live pictures that do not flicker: the temporal filter of src/standout/masks/temporal.py, without optical flow.
//
// The last filtered mask is blended into the present one by the weight
//
//     2^(-dt / h),    h = halfLife * (1 - |2p - 1|) * match * (still + (1 - still) * agree)
//
// p: the network's probability. match and still: how alike the two frames are at that place. agree: how alike the masks
// are. Where the picture moves, nothing matches, so the present mask stands alone.

import { box } from "./filters.js";
import { plane } from "./resize.js";

const HALF_LIFE = 0.2; // seconds
const [MATCH, STILL, AGREE] = [14, 10, 0.5];

export class TemporalFilter {
  constructor(halfLife = HALF_LIFE) {
    this.halfLife = halfLife;
    this.last = null;
  }

  // The filtered mask of the next frame. look: the frame, RGBA, at the mask's size. time: in seconds.
  next(mask, look, time) {
    const before = this.last;
    const isFirst = !before || before.mask.width !== mask.width || before.mask.height !== mask.height || time <= before.time;
    const filtered = isFirst || this.halfLife === 0 ? mask : this.blended(before, mask, look, time - before.time);
    this.last = { mask: filtered, look, time };
    return filtered;
  }

  blended(before, mask, look, seconds) {
    const apart = box(difference(before.look, look), 1);
    const made = plane(mask.width, mask.height, 1);
    for (let i = 0; i < made.data.length; i++) {
      const now = mask.data[i];
      const doubt = 1 - Math.abs(2 * now - 1);
      made.data[i] = now;
      if (doubt < 0.01) continue; // the network is sure: the past counts for nothing
      const square = apart.data[i] * apart.data[i];
      const still = Math.exp(-square / (STILL * STILL));
      const change = (before.mask.data[i] - now) / AGREE;
      const trust = Math.exp(-square / (MATCH * MATCH)) * (still + (1 - still) * Math.exp(-change * change));
      const weight = 2 ** (-seconds / Math.max(this.halfLife * doubt * trust, 1e-6));
      made.data[i] = now + weight * (before.mask.data[i] - now);
    }
    return made;
  }
}

// The difference of two frames in the channel where it is greatest.
function difference(one, other) {
  const made = plane(one.width, one.height, 1);
  const [a, b] = [one.data, other.data];
  for (let i = 0, at = 0; i < made.data.length; i++, at += 4) {
    const red = Math.abs(a[at] - b[at]);
    const green = Math.abs(a[at + 1] - b[at + 1]);
    const blue = Math.abs(a[at + 2] - b[at + 2]);
    made.data[i] = Math.max(red, green, blue);
  }
  return made;
}
