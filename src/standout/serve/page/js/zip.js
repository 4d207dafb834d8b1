/** A ZIP file whose entries are stored as they are: pictures are compressed already. */

import { crc32 } from "./png.js";

const MOST = 2 ** 32 - 1;

/**
 * @param {{name: string, data: Blob}[]} entries
 * @returns {Promise<Blob>}
 */
export async function zipped(entries) {
  const total = entries.reduce((sum, { data }) => sum + data.size, 0);
  if (total > MOST || entries.length > 65535) throw new Error("This is too much for one ZIP file. Download the photos one by one.");
  const { date, time } = now();
  const parts = [];
  const directory = [];
  let at = 0;
  for (const { name, data } of entries) {
    const bytes = new Uint8Array(await data.arrayBuffer());
    const path = new TextEncoder().encode(name);
    const common = [20, 0x0800, 0, time, date]; // version 2.0, UTF-8 names, stored
    const sums = [crc32(bytes), bytes.length, bytes.length];
    const local = packed([[0x04034b50, 4], ...common.map(two), ...sums.map(four), [path.length, 2], [0, 2]]);
    directory.push(packed([[0x02014b50, 4], [20, 2], ...common.map(two), ...sums.map(four), [path.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [at, 4]]), path);
    parts.push(local, path, data);
    at += local.length + path.length + bytes.length;
  }
  const size = directory.reduce((sum, one) => sum + one.length, 0);
  const end = packed([[0x06054b50, 4], [0, 2], [0, 2], [entries.length, 2], [entries.length, 2], [size, 4], [at, 4], [0, 2]]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

const two = (/** @type {number} */ value) => [value, 2];
const four = (/** @type {number} */ value) => [value, 4];

/** @param {number[][]} fields each a value and its number of bytes */
function packed(fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [, size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, size] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

/** The time in the form of MS-DOS, as ZIP files have it. */
function now() {
  const at = new Date();
  return {
    date: ((at.getFullYear() - 1980) << 9) | ((at.getMonth() + 1) << 5) | at.getDate(),
    time: (at.getHours() << 11) | (at.getMinutes() << 5) | (at.getSeconds() >> 1),
  };
}

/** Names that are all different, whatever the case of letters. */
export class Names {
  #taken = new Set();

  /** The name, or one with a number where it is taken. @param {string} stem @param {string} suffix with its dot */
  next(stem, suffix) {
    for (let number = 1; ; number++) {
      const name = number === 1 ? stem : `${stem}-${number}`;
      if (this.#taken.has(name.toLowerCase())) continue;
      this.#taken.add(name.toLowerCase());
      return name + suffix;
    }
  }
}
