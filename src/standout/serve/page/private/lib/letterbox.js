// Letterboxing as in src/standout/masks/letterbox.py: a photo fits the network's rectangle, and a mask the photo again.

import { plane, resize, roundEven } from "./resize.js";

const FILL = 128; // the level around a letterboxed photo

// The network's [h, w] for a photo: its long side lies along the photo's longer side.
export function rectangle(height, width, size) {
  const [long, short] = [Math.max(...size), Math.min(...size)];
  return height >= width ? [long, short] : [short, long];
}

// Where a photo of height x width lies in the rectangle [h, w]: as large as fits, centered, at least 1x1 pixel.
export function place(height, width, rect) {
  const scale = Math.min(rect[0] / height, rect[1] / width);
  const innerHeight = Math.min(rect[0], Math.max(1, roundEven(height * scale)));
  const innerWidth = Math.min(rect[1], Math.max(1, roundEven(width * scale)));
  return {
    top: Math.floor((rect[0] - innerHeight) / 2),
    left: Math.floor((rect[1] - innerWidth) / 2),
    innerHeight,
    innerWidth,
  };
}

// The photo (RGBA bytes) as the network takes it, (3, h, w) in 0..1, and where it lies there.
export function fit(image, rect, { mirrored = false } = {}) {
  const [height, width] = rect;
  const where = place(image.height, image.width, rect);
  const scaled = resize(image, where.innerHeight, where.innerWidth);
  const input = new Float32Array(3 * height * width).fill(FILL / 255);
  for (let y = 0; y < where.innerHeight; y++) {
    for (let x = 0; x < where.innerWidth; x++) {
      const from = (y * where.innerWidth + x) * scaled.channels;
      const column = where.left + x;
      const to = (where.top + y) * width + (mirrored ? width - 1 - column : column);
      for (let c = 0; c < 3; c++) input[c * height * width + to] = scaled.data[from + c] / 255;
    }
  }
  return { input, where };
}

// The network's mask (h, w) without the letterbox: the mask of the photo, at the size at which it was seen.
export function inner(mask, rect, where, { mirrored = false } = {}) {
  const made = plane(where.innerWidth, where.innerHeight, 1);
  for (let y = 0; y < where.innerHeight; y++) {
    for (let x = 0; x < where.innerWidth; x++) {
      const column = where.left + x;
      made.data[y * where.innerWidth + x] = mask[(where.top + y) * rect[1] + (mirrored ? rect[1] - 1 - column : column)];
    }
  }
  return made;
}
