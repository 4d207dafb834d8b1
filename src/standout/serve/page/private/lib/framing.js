// A background in a photo's frame, filling it or shown whole with soft bars, as in src/standout/effects/framing.py.

import { gaussian, radiusOf } from "./filters.js";
import { cropped, halvings, resize, roundEven } from "./resize.js";

export const SOFTEST = 5; // standard deviation up to which a blur is done as it is; a wider one on a smaller picture

// The background at height x width. fit: whether all of it is shown.
export function framed(background, height, width, { fit }) {
  if (!fit) return covering(background, height, width);
  const sigma = Math.max(1, 0.03 * Math.min(height, width));
  const times = halvings(sigma / SOFTEST);
  const small = covering(background, Math.ceil(height / 2 ** times), Math.ceil(width / 2 ** times));
  const reach = sigma / 2 ** times;
  const soft = gaussian(small, reach, radiusOf(reach, { bytes: true }), { once: true });
  const filled = resize(soft, height, width);
  const scale = Math.min(height / background.height, width / background.width);
  const sides = [background.height, background.width].map((side) => Math.max(1, roundEven(side * scale)));
  const whole = resize(background, ...sides);
  const [tall, wide] = [Math.min(height, whole.height), Math.min(width, whole.width)];
  paste(cropped(whole, tall, wide), filled, Math.floor((height - tall) / 2), Math.floor((width - wide) / 2));
  return filled;
}

// The middle of the background, scaled so that it just covers height x width; it is cut to what will be seen first.
function covering(background, height, width) {
  const scale = Math.max(height / background.height, width / background.width);
  const down = span(background.height, height, scale);
  const across = span(background.width, width, scale);
  let seen = cropped(background, down.last - down.first, across.last - across.first, down.first, across.first);
  const isWasteful = down.long * across.long > 2 * height * width;
  if (isWasteful && height < width) {
    seen = cropped(resize(seen, down.long, seen.width), height, seen.width, down.start, 0);
    Object.assign(down, { long: height, start: 0 });
  } else if (isWasteful) {
    seen = cropped(resize(seen, seen.height, across.long), seen.height, width, 0, across.start);
    Object.assign(across, { long: width, start: 0 });
  }
  return cropped(resize(seen, down.long, across.long), height, width, down.start, across.start);
}

// What of a side to scale, how long that becomes, and where in it the `wanted` pixels of the middle begin.
function span(side, wanted, scale) {
  const spare = Math.max(0, side * scale - wanted) / 2;
  const first = Math.floor(spare / scale);
  const last = Math.min(side, Math.ceil((spare + wanted) / scale));
  const long = Math.max(wanted, roundEven((last - first) * scale));
  return { first, last, long, start: Math.min(long - wanted, roundEven(spare - first * scale)) };
}

function paste(image, onto, top, left) {
  const long = image.width * image.channels;
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * long, (y + 1) * long);
    onto.data.set(row, ((top + y) * onto.width + left) * onto.channels);
  }
}
