// A picture's pixels -> a file: PNG exactly, with straight alpha; JPEG and WebP as the browser's canvas writes them.

import { beforeWhite, isOpaque } from "./compose.js";

const QUALITY = 0.92;
const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

// The media types that this browser can write.
export async function formats() {
  const canvas = new OffscreenCanvas(1, 1);
  canvas.getContext("2d");
  const wanted = ["image/jpeg", "image/webp"];
  const made = await Promise.all(wanted.map((type) => canvas.convertToBlob({ type })));
  return ["image/png", ...wanted.filter((type, i) => made[i].type === type)];
}

// The file. isGray: whether red stands for all three colors, and nothing is transparent. JPEG gets white behind.
export async function encode(picture, type, { isGray = false } = {}) {
  if (type === "image/png") return png(picture, isGray ? 1 : isOpaque(picture) ? 3 : 4);
  if (type === "image/jpeg") beforeWhite(picture);
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
  const made = await canvas.convertToBlob({ type, quality: QUALITY });
  if (made.type !== type) throw new Error(`this browser cannot write ${type}; choose PNG or JPEG`);
  return made;
}

// A canvas multiplies colors by alpha and back, which costs soft edges their color; so PNG files are written here.
async function png({ width, height, data }, channels) {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8); // bits
  header.setUint8(9, { 1: 0, 3: 2, 4: 6 }[channels]); // gray, RGB, RGBA
  const packed = new Blob(filtered(data, width, height, channels)).stream().pipeThrough(new CompressionStream("deflate"));
  const body = new Uint8Array(await new Response(packed).arrayBuffer());
  const head = new Uint8Array(header.buffer);
  const parts = [["IHDR", head], ["sRGB", Uint8Array.of(0)], ["IDAT", body], ["IEND", new Uint8Array()]];
  return new Blob([SIGNATURE, ...parts.flatMap(([name, bytes]) => chunk(name, bytes))], { type: "image/png" });
}

// The rows, each with PNG's filter "Paeth", in blocks: pixels become their difference from what their neighbors foretell.
function filtered(data, width, height, channels) {
  const long = width * channels;
  const step = Math.max(1, Math.floor(2 ** 22 / long));
  const blocks = [];
  let [above, row] = [new Uint8Array(long + channels), new Uint8Array(long + channels)];
  for (let top = 0; top < height; top += step) {
    const bottom = Math.min(height, top + step);
    const block = new Uint8Array((bottom - top) * (long + 1));
    for (let y = top, at = 0; y < bottom; y++) {
      for (let x = 0, to = channels; x < width; x++) {
        for (let c = 0; c < channels; c++) row[to++] = data[4 * (y * width + x) + c];
      }
      block[at++] = 4;
      for (let i = channels; i < long + channels; i++) {
        const left = row[i - channels];
        const up = above[i];
        const corner = above[i - channels];
        const byLeft = Math.abs(up - corner);
        const byUp = Math.abs(left - corner);
        const byCorner = Math.abs(left + up - 2 * corner);
        block[at++] = row[i] - (byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner);
      }
      [above, row] = [row, above];
    }
    blocks.push(block);
  }
  return blocks;
}

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes, before) {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function chunk(name, body) {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, body.length);
  head.set(new TextEncoder().encode(name), 4);
  const end = new DataView(new ArrayBuffer(4));
  end.setUint32(0, crc32(body, crc32(head.subarray(4), 0)));
  return [head, body, new Uint8Array(end.buffer)];
}
