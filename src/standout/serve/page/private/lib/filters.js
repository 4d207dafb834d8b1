// Filters of planes with one number a pixel or several, with the borders that OpenCV's functions have by default.

import { plane } from "./resize.js";

// Folds a coordinate beyond a side back into it: "abc" as "cba|abc|cba", or where `once` as "cb|abc|ba".
function folded(at, length, once) {
  if (length === 1) return 0;
  for (;;) {
    if (at < 0) at = once ? -at : -at - 1;
    else if (at >= length) at = once ? 2 * length - 2 - at : 2 * length - 1 - at;
    else return at;
  }
}

// The plane blurred by a Gaussian whose kernel has 2 * radius + 1 taps. once: whether the outermost pixel is not
// repeated beyond the border (BORDER_REFLECT_101), or is (BORDER_REFLECT).
export function gaussian(image, sigma, radius, { once = false } = {}) {
  const kernel = new Float64Array(radius + 1);
  let total = 0;
  for (let i = 0; i <= radius; i++) {
    kernel[i] = Math.exp((-i * i) / (2 * sigma * sigma));
    total += i ? 2 * kernel[i] : kernel[i];
  }
  for (let i = 0; i <= radius; i++) kernel[i] /= total;
  return separated(image, kernel, once);
}

// The radius that OpenCV gives a Gaussian kernel of which only sigma is known, for numbers that are no bytes.
export function radiusOf(sigma, { bytes = false } = {}) {
  return (Math.round(sigma * (bytes ? 3 : 4) * 2 + 1) | 1) >> 1;
}

// The plane convolved along rows, then columns, with a symmetric kernel of which half is given.
function separated(image, kernel, once) {
  const { width, height, channels, data } = image;
  const radius = kernel.length - 1;
  const long = width * channels;
  const across = new Float32Array(long * height);
  const reach = radius * channels;
  const line = new Float32Array(long + 2 * reach);
  const sums = new Float32Array(long);
  const outside = [];
  for (let x = -radius; x < width + radius; x++) if (x < 0 || x >= width) outside.push([x + radius, folded(x, width, once)]);
  for (let y = 0; y < height; y++) {
    const start = y * long;
    line.set(data.subarray(start, start + long), reach);
    for (const [to, from] of outside) {
      for (let c = 0; c < channels; c++) line[to * channels + c] = data[start + from * channels + c];
    }
    weigh(sums, kernel, line, (k) => [reach - k * channels, reach + k * channels]);
    across.set(sums, start);
  }
  const made = plane(width, height, channels, data);
  for (let y = 0; y < height; y++) {
    weigh(sums, kernel, across, (k) => [folded(y - k, height, once) * long, folded(y + k, height, once) * long]);
    made.data.set(sums, y * long);
  }
  return made;
}

// Fills sums with weighted sums of runs of `from`, of which two begin at each of the places; the kernel has their weights.
function weigh(sums, kernel, from, places) {
  const [middle] = places(0);
  const first = kernel[0];
  for (let i = 0; i < sums.length; i++) sums[i] = first * from[middle + i];
  for (let k = 1; k < kernel.length; k++) {
    const [one, two] = places(k);
    const weight = kernel[k];
    for (let i = 0; i < sums.length; i++) sums[i] += weight * (from[one + i] + from[two + i]);
  }
}

// The mean of the square of 2 * radius + 1 pixels around each pixel; the outermost pixel is not repeated at the border.
export function box(image, radius) {
  const { width, height, channels, data } = image;
  const long = width * channels;
  const across = new Float32Array(long * height);
  const columns = outwards(width, radius, channels);
  const rows = outwards(height, radius, long);
  const share = 1 / (2 * radius + 1);
  for (let y = 0; y < height; y++) {
    for (let c = 0; c < channels; c++) {
      const start = y * long + c;
      let sum = 0;
      for (let k = 0; k <= 2 * radius; k++) sum += data[start + columns[k]];
      for (let x = 0; x < width; x++) {
        across[start + x * channels] = sum * share;
        sum += data[start + columns[x + 2 * radius + 1]] - data[start + columns[x]];
      }
    }
  }
  const made = plane(width, height, channels, data);
  const out = made.data;
  const sums = new Float64Array(long);
  for (let k = 0; k <= 2 * radius; k++) for (let i = 0; i < long; i++) sums[i] += across[rows[k] + i];
  for (let y = 0; y < height; y++) {
    const [to, enters, leaves] = [y * long, rows[y + 2 * radius + 1], rows[y]];
    for (let i = 0; i < long; i++) {
      out[to + i] = sums[i] * share;
      sums[i] += across[enters + i] - across[leaves + i];
    }
  }
  return made;
}

// Where the pixels of a side begin, from `radius` before it to `radius` + 1 behind it, folded back into it.
function outwards(length, radius, step) {
  return Int32Array.from({ length: length + 2 * radius + 1 }, (_, i) => folded(i - radius, length, true) * step);
}

// Half the width of each row of OpenCV's elliptic structuring element with 2 * radius + 1 rows.
export function disc(radius) {
  return Array.from({ length: 2 * radius + 1 }, (_, i) => Math.round(Math.sqrt(radius * radius - (i - radius) ** 2)));
}

// Half the width of each row of a square with 2 * radius + 1 rows.
export function square(radius) {
  return new Array(2 * radius + 1).fill(radius);
}

// The largest value of each pixel's neighborhood (the smallest where `least`), whose rows have the given half widths.
// Beyond the border nothing counts.
export function spread(image, halfWidths, { least = false } = {}) {
  const { width, height, data } = image;
  const radius = (halfWidths.length - 1) / 2;
  const first = least ? opposite(data) : data;
  const out = first.slice();
  let rows = { reach: 0, data: first };
  for (const reach of [...new Set(halfWidths)].sort((one, other) => one - other)) {
    rows = widened(rows, reach, width);
    for (let dy = -radius; dy <= radius; dy++) {
      if (halfWidths[dy + radius] !== reach) continue;
      const by = dy * width;
      const end = Math.min(height, height - dy) * width;
      const from = rows.data;
      for (let i = Math.max(0, -by); i < end; i++) if (from[i + by] > out[i]) out[i] = from[i + by];
    }
  }
  return { width, height, channels: 1, data: least ? opposite(out) : out };
}

// Numbers whose order is the other way round.
function opposite(data) {
  const made = new data.constructor(data.length);
  const most = data instanceof Float32Array ? 0 : 255;
  for (let i = 0; i < data.length; i++) made[i] = most - data[i];
  return made;
}

// The largest values of runs of 2 * reach + 1 pixels in each row, made of those of shorter runs, three at a time.
function widened(rows, reach, width) {
  let { reach: known, data } = rows;
  while (known < reach) {
    const by = Math.min(reach - known, 2 * known + 1);
    const made = new data.constructor(data.length);
    for (let start = 0; start < data.length; start += width) {
      const last = start + width - 1;
      for (let i = start; i <= last; i++) {
        const left = data[i - by < start ? start : i - by];
        const right = data[i + by > last ? last : i + by];
        const side = left > right ? left : right;
        made[i] = data[i] > side ? data[i] : side;
      }
    }
    data = made;
    known += by;
  }
  return { reach: known, data };
}

// The islands of pixels that touch, also at corners: labels from 1 for each pixel (0: none), and how many there are.
export function islands({ width, height }, isIn) {
  const labels = new Int32Array(width * height);
  const stack = [];
  let count = 0;
  for (let seed = 0; seed < labels.length; seed++) {
    if (labels[seed] || !isIn(seed)) continue;
    labels[seed] = ++count;
    stack.push(seed);
    while (stack.length) {
      const at = stack.pop();
      const x = at % width;
      const y = (at - x) / width;
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
          const next = ny * width + nx;
          if (!labels[next] && isIn(next)) {
            labels[next] = count;
            stack.push(next);
          }
        }
      }
    }
  }
  return { labels, count };
}

// About the distance of each pixel to the nearest one that is in the set, as OpenCV's DIST_L2 with a 3x3 mask has it.
export function distances({ width, height }, isIn) {
  const [side, corner] = [0.955, 1.3693];
  const wide = width + 2;
  const far = new Float32Array(wide * (height + 2)).fill(1e9);
  const nearer = (at, other, by) => {
    if (far[other] + by < far[at]) far[at] = far[other] + by;
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y + 1) * wide + x + 1;
      if (isIn(y * width + x)) far[at] = 0;
      nearer(at, at - 1, side);
      nearer(at, at - wide, side);
      nearer(at, at - wide - 1, corner);
      nearer(at, at - wide + 1, corner);
    }
  }
  const made = new Float32Array(width * height);
  for (let y = height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--) {
      const at = (y + 1) * wide + x + 1;
      nearer(at, at + 1, side);
      nearer(at, at + wide, side);
      nearer(at, at + wide + 1, corner);
      nearer(at, at + wide - 1, corner);
      made[y * width + x] = far[at];
    }
  }
  return made;
}
