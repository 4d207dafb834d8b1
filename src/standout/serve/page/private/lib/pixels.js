// A picture's pixels: bytes RGBA, upright, in sRGB.
//
// The browser decodes pictures: it turns them upright by their EXIF orientation, and brings the colors of other profiles
// into sRGB. It keeps the 8 upper bits of deeper pictures.

const BAND = 1024; // rows that are read at once: some browsers limit a canvas, and not a bitmap, to 16 megapixels

// A function (bitmap, width, height) -> the plane of the bitmap, scaled by the browser; for frames, one after the other.
export function frameReader() {
  let context = null;
  return (bitmap, width, height) => {
    if (context?.canvas.width !== width || context.canvas.height !== height) {
      context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true, alpha: false });
      context.imageSmoothingQuality = "medium";
    }
    context.drawImage(bitmap, 0, 0, width, height);
    return fromImageData(context.getImageData(0, 0, width, height));
  };
}

// The plane of a Blob, an ImageBitmap or ImageData.
export async function pixelsOf(source) {
  if (source instanceof ImageData) return fromImageData(source);
  const bitmap = source instanceof Blob ? await decoded(source) : source;
  try {
    const { width, height } = bitmap;
    if (!width || !height) throw new Error("the picture is empty, or its bitmap was closed; give another");
    const canvas = new OffscreenCanvas(width, Math.min(height, BAND));
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    if (height <= BAND) {
      context.drawImage(bitmap, 0, 0);
      return fromImageData(context.getImageData(0, 0, width, height));
    }
    const data = new Uint8ClampedArray(4 * width * height);
    for (let top = 0; top < height; top += BAND) {
      const rows = Math.min(BAND, height - top);
      context.clearRect(0, 0, width, rows);
      context.drawImage(bitmap, 0, -top);
      data.set(context.getImageData(0, 0, width, rows).data, 4 * width * top);
    }
    return { width, height, channels: 4, data };
  } finally {
    if (source instanceof Blob) bitmap.close();
  }
}

async function decoded(blob) {
  try {
    return await createImageBitmap(blob);
  } catch {
    const kind = blob.type || "an unknown type";
    throw new Error(`this browser cannot read the picture (${kind}); give a JPEG, PNG, WebP or AVIF file`);
  }
}

function fromImageData({ width, height, data }) {
  return { width, height, channels: 4, data };
}
