/** Which files are pictures, which are clips, and how a browser shows pictures. */

const PICTURES = ["jpg", "jpeg", "png", "webp", "avif", "heic", "heif", "tif", "tiff", "bmp", "gif"];
const CLIPS = ["mp4", "mov", "m4v", "mkv", "webm", "avi"];

export const READABLE = "Choose a JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP or GIF, or a clip such as an MP4.";

/** @param {string} name */
const suffix = (name) => /\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? "";

/** @param {string} name @returns {string} the name without its suffix */
export const stem = (name) => name.replace(/\.[^.]*$/, "") || "photo";

/** @param {File} file @returns {"photo"|"clip"|"unknown"} */
export function kindOf(file) {
  if (file.type.startsWith("video/") || CLIPS.includes(suffix(file.name))) return "clip";
  if (file.type.startsWith("image/") || PICTURES.includes(suffix(file.name))) return "photo";
  return "unknown";
}

/** @type {Record<string, {title: string, suffix: string}>} */
export const FORMATS = {
  "image/png": { title: "PNG", suffix: "png" },
  "image/jpeg": { title: "JPEG", suffix: "jpg" },
  "image/webp": { title: "WebP", suffix: "webp" },
  "image/avif": { title: "AVIF", suffix: "avif" },
};

/** @param {number} bytes @returns {string} such as "3.4 MB" */
export function sizeOf(bytes) {
  return bytes < 1e5 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
