// Which people of a mask are kept, how soft their edge is, and where they are, as in src/standout/masks/people/.
//
//   mask   plane of bytes, 255 = person; none of these functions changes the one that it is given

import { disc, distances, gaussian, islands, radiusOf, spread } from "./filters.js";
import { plane, resize, roundEven, shrunk } from "./resize.js";

const WORK_SIDE = 1024; // the longest side of the mask in which people are told apart
const MARGIN = 0.02; // room around the people, as a share of the longer side of their box
const LEAST = 26; // the level from which a pixel counts as theirs: a tenth

// The mask with only its largest connected person, whose soft edge stays.
export function keepLargest(mask) {
  const small = shrunk(mask, WORK_SIDE);
  const { labels, count } = islands(small, (i) => small.data[i] > 127);
  if (count <= 1) return mask;
  const sizes = new Int32Array(count + 1);
  for (const label of labels) sizes[label]++;
  sizes[0] = 0;
  const largest = sizes.indexOf(Math.max(...sizes));
  const toLargest = distances(small, (i) => labels[i] === largest);
  const toOthers = distances(small, (i) => labels[i] !== 0 && labels[i] !== largest);
  const mine = plane(small.width, small.height, 1);
  for (let i = 0; i < mine.data.length; i++) mine.data[i] = toLargest[i] < toOthers[i] ? 1 : 0;
  const share = resize(mine, mask.height, mask.width);
  const made = plane(mask.width, mask.height, 1, mask.data);
  for (let i = 0; i < made.data.length; i++) made.data[i] = mask.data[i] * share.data[i];
  return made;
}

// The mask with its outline moved outward by so many pixels, or inward where the number is negative.
export function grow(mask, radius) {
  if (radius === 0) return mask;
  const whole = Math.floor(Math.abs(radius));
  const part = Math.abs(radius) - whole;
  const changed = (by) => (by === 0 ? mask : spread(mask, disc(by), { least: radius < 0 }));
  const near = changed(whole);
  if (part === 0) return near;
  const far = changed(whole + 1);
  const made = plane(mask.width, mask.height, 1, mask.data);
  for (let i = 0; i < made.data.length; i++) made.data[i] = (1 - part) * near.data[i] + part * far.data[i];
  return made;
}

// The mask with its edge softened over about so many pixels on either side.
export function feather(mask, radius) {
  return radius > 0 ? gaussian(mask, radius / 2, radiusOf(radius / 2), { once: true }) : mask;
}

// Where the people are, with a small margin: {top, left, height, width}; null where nobody is.
export function frameOf({ width, height, data }) {
  let [top, left, bottom, right] = [height, width, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] < LEAST) continue;
      top = Math.min(top, y);
      bottom = y + 1;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
    }
  }
  if (top === height) return null;
  const margin = Math.max(1, roundEven(MARGIN * Math.max(bottom - top, right - left)));
  top = Math.max(0, top - margin);
  left = Math.max(0, left - margin);
  return { top, left, height: Math.min(height, bottom + margin) - top, width: Math.min(width, right + margin) - left };
}
