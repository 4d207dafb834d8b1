/**
 * Which part of the result is shown and saved.
 *
 * original, people (cropped to them, with a small margin), or a shape in which the people stand in the middle. Where the
 * shape reaches beyond the photo, transparent and plain backgrounds go on; else the shape stays inside of the photo.
 */

/** @typedef {{left: number, top: number, width: number, height: number}} Box in pixels of the photo */

export const FRAMES = [
  { name: "original", title: "Original", about: "The whole photo" },
  { name: "people", title: "People", about: "Cropped to the people" },
  { name: "1:1", title: "Square", about: "1 : 1" },
  { name: "4:5", title: "Portrait", about: "4 : 5" },
  { name: "16:9", title: "Wide", about: "16 : 9" },
  { name: "35:45", title: "Passport", about: "35 × 45 mm" },
];

/** Like the margin of a crop on the server. */
const MARGIN = 0.02;
const ROOM = 0.12;
const LEAST = 26;
/** On a photo for a passport, the head and shoulders fill the frame, with this room above. */
const ABOVE_HEAD = 0.1;

/**
 * The box of the people; null where nobody is.
 * @param {import("./pixels.js").Levels} levels @param {number} [by] pixels by which their outline is grown
 * @returns {Box|null}
 */
export function bounds({ width, height, data }, by = 0) {
  let top = -1;
  let bottom = 0;
  let left = width;
  let right = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let first = 0;
    while (first < width && data[row + first] < LEAST) first++;
    if (first === width) continue;
    let last = width - 1;
    while (data[row + last] < LEAST) last--;
    if (top < 0) top = y;
    bottom = y + 1;
    left = Math.min(left, first);
    right = Math.max(right, last + 1);
  }
  if (top < 0) return null;
  left = Math.max(0, left - by);
  top = Math.max(0, top - by);
  return { left, top, width: Math.min(width, right + by) - left, height: Math.min(height, bottom + by) - top };
}

/**
 * The frame in pixels of the photo.
 * @param {string} frame
 * @param {{width: number, height: number}} photo
 * @param {Box|null} people
 * @param {boolean} isOpen whether it may reach beyond the photo
 * @returns {Box}
 */
export function frameBox(frame, photo, people, isOpen) {
  const whole = { left: 0, top: 0, width: photo.width, height: photo.height };
  if (frame === "original" || !people) return whole;
  if (frame === "people") return grown(people, photo);
  const [wide, tall] = frame.split(":").map(Number);
  const box = frame === "35:45" ? portrait(people, wide / tall) : standing(around(people, wide / tall), people, photo);
  return isOpen ? rounded(box) : rounded(inside(box, photo));
}

/** @param {Box} people @param {{width: number, height: number}} photo */
function grown(people, photo) {
  const margin = Math.max(1, Math.round(MARGIN * Math.max(people.width, people.height)));
  const left = Math.max(0, people.left - margin);
  const top = Math.max(0, people.top - margin);
  return {
    left,
    top,
    width: Math.min(photo.width, people.left + people.width + margin) - left,
    height: Math.min(photo.height, people.top + people.height + margin) - top,
  };
}

/** The box of that shape about the people, with some room. @param {Box} people @param {number} shape */
function around(people, shape) {
  const room = 1 + 2 * ROOM;
  const height = Math.max(people.height * room, (people.width * room) / shape);
  const width = height * shape;
  return { left: people.left + people.width / 2 - width / 2, top: people.top + people.height / 2 - height / 2, width, height };
}

/** People whom the photo cuts off below stand on the lower edge of the frame, too. @param {Box} box @param {Box} people @param {{height: number}} photo */
function standing(box, people, photo) {
  const isCut = people.top + people.height >= photo.height - Math.max(2, 0.01 * photo.height);
  const top = photo.height - box.height;
  return isCut && top < people.top ? { ...box, top } : box;
}

/** Head and shoulders: the upper part of the people, as wide as they are. @param {Box} people @param {number} shape */
function portrait(people, shape) {
  const width = Math.max(people.width, Math.min(people.height * shape, people.width * 1.3));
  const height = width / shape;
  return { left: people.left + people.width / 2 - width / 2, top: people.top - ABOVE_HEAD * height, width, height };
}

/** The box, made smaller and moved until the photo holds it. @param {Box} box @param {{width: number, height: number}} photo */
function inside(box, photo) {
  const factor = Math.min(1, photo.width / box.width, photo.height / box.height);
  const width = box.width * factor;
  const height = box.height * factor;
  const left = box.left + (box.width - width) / 2;
  const top = box.top + (box.height - height) / 2;
  return {
    left: Math.min(Math.max(0, left), photo.width - width),
    top: Math.min(Math.max(0, top), photo.height - height),
    width,
    height,
  };
}

/** @param {Box} box */
function rounded(box) {
  const [left, top] = [Math.round(box.left), Math.round(box.top)];
  return { left, top, width: Math.max(1, Math.round(box.width)), height: Math.max(1, Math.round(box.height)) };
}

/**
 * The part of a result in the frame.
 * @param {Blob} result of the whole photo
 * @param {Box} box
 * @param {{type: string, color: string|null}} options color: of what lies beyond the photo; null = transparent
 * @returns {Promise<Blob>}
 */
export async function framed(result, box, { type, color }) {
  const bitmap = await createImageBitmap(result);
  const canvas = new OffscreenCanvas(box.width, box.height);
  const behind = color ?? (type === "image/jpeg" ? "white" : null);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The picture is too large for this browser. Choose the frame “Original”.");
  if (behind) {
    context.fillStyle = behind;
    context.fillRect(0, 0, box.width, box.height);
  }
  context.drawImage(bitmap, -box.left, -box.top);
  bitmap.close();
  return canvas.convertToBlob({ type, quality: 0.95 });
}
