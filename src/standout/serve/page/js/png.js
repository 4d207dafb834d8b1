/** A gray picture as a PNG file, 8 bits a pixel, without the detour through a canvas of four channels. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The CRC-32 of the bytes. @param {Uint8Array} bytes @param {number} [before] that of the bytes in front of them */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (let at = 0; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * @param {{width: number, height: number, data: Uint8ClampedArray|Uint8Array}} gray
 * @returns {Promise<Blob>}
 */
export async function grayPng({ width, height, data }) {
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) {
    const from = y * width;
    const to = y * (width + 1);
    rows[to] = y ? 2 : 0; // the filter "Up": what is the same as above becomes 0
    if (!y) rows.set(data.subarray(0, width), 1);
    else for (let x = 0; x < width; x++) rows[to + 1 + x] = data[from + x] - data[from - width + x];
  }
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8; // bits; the color type 0 = gray, and no interlacing
  const chunks = [chunk("IHDR", header), chunk("IDAT", body), chunk("IEND", new Uint8Array(0))];
  return new Blob([new Uint8Array(SIGNATURE), ...chunks.flat()], { type: "image/png" });
}

/** @param {string} name @param {Uint8Array} body */
function chunk(name, body) {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, body.length);
  head.set(new TextEncoder().encode(name), 4);
  const end = new Uint8Array(4);
  new DataView(end.buffer).setUint32(0, crc32(body, crc32(head.subarray(4))));
  return [head, body, end];
}
