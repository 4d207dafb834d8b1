/** Who is in a mask: connected parts of it, so that a click keeps or drops one of them. */

/** @typedef {import("./mask.js").EditMask} EditMask */
/**
 * @typedef {object} Person
 * @property {number} id       1, 2, ... in `nearest` and `solid`
 * @property {number} area     pixels of the small mask
 * @property {{left: number, top: number, right: number, bottom: number}} box   in the small mask
 * @property {boolean} isKept
 * @property {string} where    such as "left" or "middle"
 */
/**
 * @typedef {object} Regions
 * @property {number} width    of the small mask
 * @property {number} height
 * @property {Uint8Array} solid      the person of each pixel, 0 = nobody
 * @property {Uint8Array} nearest    the person who is nearest to each pixel
 * @property {Person[]} people       from left to right
 */

const WORK_SIDE = 1024;
const MOST_PEOPLE = 40;
/** Smaller parts, as a share of the picture, belong to whom they are nearest to. */
const LEAST = 0.0005;

/** @param {EditMask} mask @returns {Regions} */
export function regionsOf(mask) {
  const scale = Math.min(1, WORK_SIDE / Math.max(mask.width, mask.height));
  const width = Math.max(1, Math.round(mask.width * scale));
  const height = Math.max(1, Math.round(mask.height * scale));
  const there = new Uint8Array(width * height);
  const shown = new Uint8Array(width * height);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++, at++) {
      const from = row + Math.floor(((x + 0.5) * mask.width) / width);
      shown[at] = mask.alpha[from];
      there[at] = Number(Math.max(shown[at], mask.dropped?.[from] ?? 0) > 127);
    }
  }
  const { labels, parts } = connected(there, width, height);
  const { people, solid } = chosen(parts, labels, { width, height });
  for (const one of people) one.isKept = share(shown, solid, one.id) > 0.25;
  return { width, height, solid, nearest: nearestOf(solid, width, height), people };
}

/** How much of a person is kept now. @param {Uint8Array} shown @param {Uint8Array} solid @param {number} id */
function share(shown, solid, id) {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < solid.length; at++) {
    if (solid[at] !== id) continue;
    sum += shown[at];
    count++;
  }
  return sum / (255 * count);
}

/**
 * Numbers the connected parts, corners included, in one pass over runs of pixels with a union of their numbers.
 * @param {Uint8Array} there @param {number} width @param {number} height
 */
function connected(there, width, height) {
  const labels = new Uint32Array(there.length);
  const parent = [0];
  const root = (/** @type {number} */ label) => {
    while (parent[label] !== label) label = parent[label] = parent[parent[label]];
    return label;
  };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!there[at]) continue;
      let label = x ? labels[at - 1] : 0;
      for (let step = -1; y && step <= 1; step++) {
        const above = x + step >= 0 && x + step < width ? labels[at - width + step] : 0;
        if (!above) continue;
        if (!label) label = above;
        else parent[Math.max(root(label), root(above))] = Math.min(root(label), root(above));
      }
      if (!label) parent.push((label = parent.length));
      labels[at] = label;
    }
  }
  /** @type {Map<number, {area: number, left: number, top: number, right: number, bottom: number}>} */
  const parts = new Map();
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (!labels[at]) continue;
      const label = (labels[at] = root(labels[at]));
      const part = parts.get(label);
      if (!part) parts.set(label, { area: 1, left: x, top: y, right: x + 1, bottom: y + 1 });
      else {
        part.area++;
        part.left = Math.min(part.left, x);
        part.right = Math.max(part.right, x + 1);
        part.bottom = y + 1;
      }
    }
  }
  return { labels, parts };
}

/**
 * The parts that are large enough to be somebody, from left to right.
 * @param {Map<number, {area: number, left: number, top: number, right: number, bottom: number}>} parts
 * @param {Uint32Array} labels
 * @param {{width: number, height: number}} size
 */
function chosen(parts, labels, { width, height }) {
  const bySize = [...parts].sort(([, a], [, b]) => b.area - a.area).slice(0, MOST_PEOPLE);
  const large = bySize.filter(([, { area }], rank) => rank === 0 || area >= Math.max(4, LEAST * width * height));
  large.sort(([, a], [, b]) => a.left + a.right - b.left - b.right);
  const ids = new Map(large.map(([label], index) => [label, index + 1]));
  const solid = new Uint8Array(labels.length);
  for (let at = 0; at < labels.length; at++) if (labels[at]) solid[at] = ids.get(labels[at]) ?? 0;
  /** @type {Person[]} */
  const people = large.map(([, { area, ...box }], index) => ({
    id: index + 1, area, box, isKept: true, where: place((box.left + box.right) / 2 / width, (box.top + box.bottom) / 2 / height),
  }));
  return { people, solid };
}

/** @param {number} x @param {number} y shares of the picture */
function place(x, y) {
  const side = x < 0.36 ? "left" : x > 0.64 ? "right" : "middle";
  const tall = y < 0.3 ? "top " : y > 0.7 ? "bottom " : "";
  return tall + side;
}

/** Who is nearest to each pixel, by two passes. @param {Uint8Array} solid @param {number} width @param {number} height */
function nearestOf(solid, width, height) {
  const nearest = solid.slice();
  const away = new Uint16Array(solid.length).map((_, at) => (solid[at] ? 0 : 65000));
  /** @param {number} at @param {number} from @param {number} cost */
  const step = (at, from, cost) => {
    if (away[from] + cost >= away[at]) return;
    away[at] = away[from] + cost;
    nearest[at] = nearest[from];
  };
  for (const sign of [1, -1]) {
    for (let row = 0; row < height; row++) {
      const y = sign > 0 ? row : height - 1 - row;
      const hasRow = row > 0;
      for (let column = 0; column < width; column++) {
        const x = sign > 0 ? column : width - 1 - column;
        const at = y * width + x;
        if (column > 0) step(at, at - sign, 3);
        if (!hasRow) continue;
        step(at, at - sign * width, 3);
        if (column > 0) step(at, at - sign * width - sign, 4);
        if (column < width - 1) step(at, at - sign * width + sign, 4);
      }
    }
  }
  return nearest;
}

/**
 * Keeps or drops a person. It is one change, which can be undone.
 * @param {EditMask} mask @param {Regions} regions @param {Person} person
 */
export function toggle(mask, regions, person) {
  mask.dropped ??= new Uint8ClampedArray(mask.alpha.length);
  const { alpha, dropped } = mask;
  const box = influence(mask, regions, person.id);
  mask.begin();
  for (const tile of mask.tilesOf(box)) {
    mask.save("alpha", tile);
    mask.save("dropped", tile);
  }
  for (let y = box.top; y < box.bottom; y++) {
    const row = Math.floor((y * regions.height) / mask.height) * regions.width;
    for (let x = box.left; x < box.right; x++) {
      if (regions.nearest[row + Math.floor((x * regions.width) / mask.width)] !== person.id) continue;
      const at = y * mask.width + x;
      if (person.isKept) {
        if (alpha[at]) dropped[at] = Math.max(dropped[at], alpha[at]);
        alpha[at] = 0;
      } else {
        alpha[at] = Math.max(alpha[at], dropped[at]);
        dropped[at] = 0;
      }
    }
  }
  mask.commit();
}

/** The box of the pixels that belong to a person. @param {EditMask} mask @param {Regions} regions @param {number} id */
function influence(mask, { nearest, width, height }, id) {
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      if (nearest[at] !== id) continue;
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
    }
  }
  return {
    left: Math.floor((box.left * mask.width) / width),
    right: Math.min(mask.width, Math.ceil((box.right * mask.width) / width)),
    top: Math.floor((box.top * mask.height) / height),
    bottom: Math.min(mask.height, Math.ceil((box.bottom * mask.height) / height)),
  };
}

/** The outline of a person, in pixels of the small mask. @param {Regions} regions @param {number} id */
export function outline({ solid, width, height }, id) {
  const path = new Path2D();
  const is = (/** @type {number} */ x, /** @type {number} */ y) =>
    x >= 0 && y >= 0 && x < width && y < height && solid[y * width + x] === id;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      if (is(x, y) !== is(x - 1, y)) {
        path.moveTo(x, y);
        path.lineTo(x, y + 1);
      }
      if (is(x, y) !== is(x, y - 1)) {
        path.moveTo(x, y);
        path.lineTo(x + 1, y);
      }
    }
  }
  return path;
}
