// The network's mask -> a mask with edges at the photo's own size, by the guided filter of src/standout/masks/refine.py,
// which explains each step and its numbers.
//
//   coarse   plane (h, w)               person probability of the whole photo, at the size at which it was seen
//   image    plane (H, W, 4) of bytes   RGBA
//   alpha    Uint8ClampedArray          H * W, 255 = person

import { box, disc, gaussian, islands, spread, square } from "./filters.js";
import { plane, resize, sampler } from "./resize.js";
import { EDGE, PERSON, kindsOf, runs } from "./tiles.js";

const SURE = 0.81;
const FADE = 0.04;
const GAIN = 1.25;
const [FIT, MIX] = [3.0, 1.4];
const [FULL, NARROWEST] = [320, 1.1];
const [NEAR, FAR] = [6, 14];
const TAKEN = [0.42, 0.5];
const EPSILON = 2e-4;

// The alpha of the photo, whose edge follows the edges of the photo. reach: pixels of the mask around its outline where
// alpha is free. smaller: the photo at twice the mask's size, where it is at hand.
export function refine(coarse, image, { reach = 4, smaller = null } = {}) {
  const { width, height, data } = image;
  const probability = resize(nearPeople(coarse), Math.min(coarse.height, height), Math.min(coarse.width, width));
  const limits = limitsOf(probability, reach);
  const lines = held(colorLines(smaller ?? image, probability), limits);
  const around = square(2); // enlarging a tile reads up to two small pixels outside it
  const least = spread(limits, around, { least: true });
  const kinds = kindsOf(least, spread(limits, around), height, width, { nobody: 0, person: 2 });
  const alpha = new Uint8ClampedArray(width * height);
  const row = sampler(lines, height, width);
  const found = new Float32Array(4 * width);
  for (const { top, bottom, left, right, kind } of runs(kinds, height, width)) {
    for (let y = top; y < bottom; y++) {
      if (kind === PERSON) {
        alpha.fill(255, y * width + left, y * width + right);
      } else if (kind === EDGE) {
        row(y, left, right, found);
        for (let x = left, i = 0, at = 4 * (y * width + left); x < right; x++, i += 4, at += 4) {
          const value = found[i] * data[at] + found[i + 1] * data[at + 1] + found[i + 2] * data[at + 2] + found[i + 3];
          alpha[y * width + x] = 255 * value;
        }
      }
    }
  }
  return alpha;
}

// The mask merely enlarged to the photo's size.
export function enlarged(coarse, { width, height }) {
  return inBytes(resize(coarse, height, width)).data;
}

// A mask of 0..1 in bytes.
export function inBytes(mask) {
  const data = new Uint8ClampedArray(mask.data.length);
  for (let i = 0; i < data.length; i++) data[i] = 255 * mask.data[i];
  return { ...mask, data };
}

// The mask without islands in which no pixel is surely a person, such as a haze over the background.
function withoutIslands(coarse) {
  const { data } = coarse;
  const { labels, count } = islands(coarse, (i) => data[i] > 0.08);
  const surest = new Float32Array(count + 1);
  for (let i = 0; i < data.length; i++) if (data[i] > surest[labels[i]]) surest[labels[i]] = data[i];
  const share = surest.map((value, label) => (label ? Math.min(1, Math.max(0, (value - SURE) / FADE + 1)) : 1));
  if (share.every((value) => value === 1)) return coarse;
  return { ...coarse, data: data.map((value, i) => value * share[labels[i]]) };
}

// The mask without islands, and without what is half taken for a person far from one.
function nearPeople(coarse) {
  const { width, height } = coarse;
  const kept = withoutIslands(coarse).data;
  const taken = plane(width, height, 1);
  for (let i = 0; i < taken.data.length; i++) {
    taken.data[i] = Math.min(1, Math.max(0, (coarse.data[i] - TAKEN[0]) / (TAKEN[1] - TAKEN[0])));
  }
  const scale = Math.max(width, height) / FULL;
  const grown = spread(taken, square(Math.round((scale * (NEAR + FAR)) / 2)));
  const near = box(grown, Math.round((scale * (FAR - NEAR)) / 2));
  return { ...coarse, data: kept.map((value, i) => value * near.data[i]) };
}

// The limits of alpha: 0 well outside, where it is 0; 1 around the outline, where it is free; 2 well inside.
function limitsOf(probability, radius) {
  const steep = (middle) => {
    const made = plane(probability.width, probability.height, 1);
    for (let i = 0; i < made.data.length; i++) {
      made.data[i] = Math.min(1, Math.max(0, (probability.data[i] - middle) * 10 + 0.5));
    }
    return made;
  };
  const core = spread(steep(0.75), disc(radius), { least: true });
  const reach = spread(steep(0.25), disc(radius));
  for (let i = 0; i < core.data.length; i++) core.data[i] += reach.data[i];
  return mean3(core);
}

// The mean of 3x3 pixels; the outermost pixel is not repeated at the border. Where all nine are 0 or 2, it is exactly so.
function mean3(image) {
  const { width, height, data } = image;
  const made = plane(width, height, 1);
  for (let y = 0; y < height; y++) {
    const up = (height === 1 ? 0 : Math.abs(y - 1)) * width;
    const down = (height === 1 ? 0 : y + 1 < height ? y + 1 : height - 2) * width;
    for (let x = 0; x < width; x++) {
      const left = width === 1 ? 0 : Math.abs(x - 1);
      const right = width === 1 ? 0 : x + 1 < width ? x + 1 : width - 2;
      let sum = 0;
      for (const start of [up, y * width, down]) sum += data[start + left] + data[start + x] + data[start + right];
      made.data[y * width + x] = sum / 9;
    }
  }
  return made;
}

// The lines with GAIN and held to the limits, to be multiplied with red, green, blue and 1.
function held(lines, limits) {
  for (let i = 0; i < limits.data.length; i++) {
    const limit = limits.data[i];
    const free = GAIN * (1 - Math.abs(limit - 1));
    const at = 4 * i;
    for (let c = 0; c < 3; c++) lines.data[at + c] *= free;
    lines.data[at + 3] = (lines.data[at + 3] + (0.5 / GAIN - 0.5)) * free + Math.max(limit - 1, 0);
  }
  return lines;
}

// The slopes of red, green and blue, and the offset, of the best linear alpha around each pixel of alpha: (h, w, 4).
function colorLines(image, alpha) {
  const { width, height } = alpha;
  const photo = resize(image, 2 * height, 2 * width);
  const decided = resize(alpha, 2 * height, 2 * width);
  const moments = average(momentsOf(photo, decided, height, width), FIT);
  const lines = plane(width, height, 4);
  for (let i = 0; i < width * height; i++) solve(moments.data, 13 * i, lines.data, 4 * i);
  return average(lines, MIX);
}

// Means over 2x2 pixels of red, green, blue, alpha, and of their products: (h, w, 13).
function momentsOf(photo, decided, height, width) {
  const made = plane(width, height, 13);
  const out = made.data;
  const colors = photo.data;
  const levels = decided.data;
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 13) {
      const corner = 4 * y * width + 2 * x;
      for (let k = 0; k < 4; k++) {
        const from = corner + (k & 1) + (k >> 1) * 2 * width;
        const r = colors[4 * from];
        const g = colors[4 * from + 1];
        const b = colors[4 * from + 2];
        const a = 0.25 * Math.min(1, Math.max(0, (levels[from] - 0.5) * 2.5 + 0.5));
        out[to] += 0.25 * r;
        out[to + 1] += 0.25 * g;
        out[to + 2] += 0.25 * b;
        out[to + 3] += a;
        out[to + 4] += 0.25 * r * r;
        out[to + 5] += 0.25 * g * g;
        out[to + 6] += 0.25 * b * b;
        out[to + 7] += 0.25 * r * g;
        out[to + 8] += 0.25 * r * b;
        out[to + 9] += 0.25 * g * b;
        out[to + 10] += r * a;
        out[to + 11] += g * a;
        out[to + 12] += b * a;
      }
    }
  }
  return made;
}

// Averages over the window, FIT or MIX.
function average(values, window) {
  const sigma = Math.max(NARROWEST, window * Math.min(1, Math.max(values.width, values.height) / FULL));
  return gaussian(values, sigma, Math.ceil(2 * sigma));
}

// Writes the slopes and the offset of the best linear alpha of color, from the means over a window.
function solve(m, i, out, o) {
  const flat = EPSILON * 255 * 255;
  const r = m[i];
  const g = m[i + 1];
  const b = m[i + 2];
  const a = m[i + 3];
  const rr = m[i + 4] - r * r + flat;
  const gg = m[i + 5] - g * g + flat;
  const bb = m[i + 6] - b * b + flat;
  const rg = m[i + 7] - r * g;
  const rb = m[i + 8] - r * b;
  const gb = m[i + 9] - g * b;
  const ra = m[i + 10] - r * a;
  const ga = m[i + 11] - g * a;
  const ba = m[i + 12] - b * a;
  // the inverse of the symmetric 3x3 covariance, by cofactors
  const cRr = gg * bb - gb * gb;
  const cRg = rb * gb - rg * bb;
  const cRb = rg * gb - rb * gg;
  const cGg = rr * bb - rb * rb;
  const cGb = rb * rg - rr * gb;
  const cBb = rr * gg - rg * rg;
  const scale = 1 / (rr * cRr + rg * cRg + rb * cRb);
  out[o] = (cRr * ra + cRg * ga + cRb * ba) * scale;
  out[o + 1] = (cRg * ra + cGg * ga + cGb * ba) * scale;
  out[o + 2] = (cRb * ra + cGb * ga + cBb * ba) * scale;
  out[o + 3] = a - out[o] * r - out[o + 1] * g - out[o + 2] * b;
}
