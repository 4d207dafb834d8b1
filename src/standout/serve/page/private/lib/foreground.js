// The people's own color, free of the old background's, as in src/standout/effects/foreground.py: decontamination.
//
//   image   plane of bytes RGBA      mask   plane of bytes, 255 = person

import { box } from "./filters.js";
import { halved, halvings, plane, resize, roundEven, sampler } from "./resize.js";

const COLOR_SIDE = 512;

// A function (y, first, last, out) that fills out with the red, green and blue of the pixels first..last of row y.
// colorSide: the longest side at which the two colors are estimated.
export function foreground(image, mask, colorSide = COLOR_SIDE) {
  const { width, height } = image;
  const [front, back] = sureColors(image, mask, colorSide);
  const frontRow = sampler(front, height, width);
  const backRow = sampler(back, height, width);
  const behind = new Float32Array(3 * width);
  return (y, first, last, out) => {
    frontRow(y, first, last, out);
    backRow(y, first, last, behind);
    for (let x = first, i = 0; x < last; x++) {
      const share = mask.data[y * width + x] / 255;
      const itself = Math.min(1, Math.max(0, share * 10 - 9)); // where alpha nears 1 the photo itself is the answer
      const at = 4 * (y * width + x);
      for (let c = 0; c < 3; c++, i++) {
        const pixel = image.data[at + c];
        let fixed = out[i] + share * (pixel - behind[i] - share * (out[i] - behind[i]));
        fixed += itself * (pixel - fixed);
        out[i] = Math.min(255, Math.max(0, fixed));
      }
    }
  };
}

// The foreground's and the background's color about each pixel, on a smaller photo: blurred wide, then near.
function sureColors(image, mask, colorSide) {
  const times = halvings(Math.max(mask.width, mask.height) / colorSide);
  const small = rgb(halved(image, times));
  const share = asShare(halved(mask, times));
  const longest = Math.max(share.width, share.height);
  const [wide, near] = [0.045, 0.006].map((reach) => Math.max(1, roundEven(reach * longest)));
  // What is blurred that wide loses nothing at half the size.
  const half = halved(small, 1);
  const halfShare = halved(share, 1);
  const reach = Math.ceil(wide / 2);
  const front = { ...resize(weightedBlur(half, halfShare, reach), share.height, share.width) };
  const back = { ...resize(weightedBlur(half, inverse(halfShare), reach), share.height, share.width) };
  for (let i = 0; i < share.data.length; i++) {
    const alpha = share.data[i];
    for (let at = 3 * i; at < 3 * i + 3; at++) {
      const error = small.data[at] - back.data[at] - alpha * (front.data[at] - back.data[at]);
      const ahead = front.data[at] + error * alpha;
      const behind = back.data[at] + error - error * alpha;
      front.data[at] = Math.min(255, Math.max(0, ahead));
      back.data[at] = Math.min(255, Math.max(0, behind));
    }
  }
  return [weightedBlur(front, share, near), weightedBlur(back, inverse(share), near)];
}

// The mean color around each pixel, by the cube of its share; where that is 0 all around, by nothing.
function weightedBlur(colors, share, radius) {
  const weighed = plane(colors.width, colors.height, 4);
  for (let i = 0; i < share.data.length; i++) {
    const weight = share.data[i] * share.data[i] * share.data[i] + 1e-5;
    for (let c = 0; c < 3; c++) weighed.data[4 * i + c] = colors.data[3 * i + c] * weight;
    weighed.data[4 * i + 3] = weight;
  }
  const mean = box(weighed, radius);
  const made = plane(colors.width, colors.height, 3);
  for (let i = 0; i < share.data.length; i++) {
    for (let c = 0; c < 3; c++) made.data[3 * i + c] = mean.data[4 * i + c] / mean.data[4 * i + 3];
  }
  return made;
}

// Red, green and blue of an RGBA plane as numbers.
function rgb(image) {
  const made = plane(image.width, image.height, 3);
  for (let i = 0, at = 0; at < made.data.length; i++) if (i % 4 !== 3) made.data[at++] = image.data[i];
  return made;
}

// A mask of bytes as numbers of 0..1.
export function asShare(mask) {
  const made = plane(mask.width, mask.height, 1);
  for (let i = 0; i < made.data.length; i++) made.data[i] = mask.data[i] / 255;
  return made;
}

function inverse(share) {
  return { ...share, data: share.data.map((value) => 1 - value) };
}
