/**
 * What is done with a photo, as its controls say: a look.
 *
 * effect     name of an effect
 * settings   effect -> its settings, so that each keeps its own when another is tried
 * edge       grow and feather, in pixels
 * frame      see frame.js
 * behind     the picture behind the people: a Blob, and the name of where it came from; null = none chosen yet
 */

/** @typedef {{name: string, help: string, kind: string, default: any, required: boolean, optional: boolean, least: number|null, most: number|null, choices: any[]}} Setting */
/** @typedef {{name: string, summary: string, settings: Setting[], transparent: boolean, is_mask: boolean}} Effect */
/** @typedef {{effect: string, settings: Record<string, Record<string, any>>, edge: {grow: number, feather: number}, frame: string, behind: {name: string, picture: Blob}|null}} Look */

/** @type {Record<string, string>} */
const TITLES = { cut: "Transparent", color: "One color", replace: "Picture", lens: "Lens blur", checker: "Checkerboard", mask: "Mask only" };

/** @type {Record<string, string>} */
const LABELS = {
  decontaminate: "Clean edges",
  fit: "Show the whole picture",
  "cut background": "Put a color behind",
  "replace background": "Picture behind",
  block: "Size of the blocks",
  falloff: "Sharp at the feet",
  square: "Size of the squares",
  light: "Lighter squares",
  dark: "Darker squares",
};

/** @param {string} text */
const spoken = (text) => text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");

/** @param {string} effect @returns {string} what users read */
export const titleOf = (effect) => TITLES[effect] ?? spoken(effect);

/** @param {string} effect @param {string} setting @returns {string} what users read */
export const labelOf = (effect, setting) => LABELS[`${effect} ${setting}`] ?? LABELS[setting] ?? spoken(setting);

/** @param {Effect[]} effects @returns {Look} where everything is at its default */
export function freshLook(effects) {
  return {
    effect: effects[0].name,
    settings: Object.fromEntries(
      effects.map((one) => [one.name, Object.fromEntries(one.settings.map((each) => [each.name, startOf(each)]))]),
    ),
    edge: { grow: 0, feather: 0 },
    frame: "original",
    behind: null,
  };
}

/** What a setting begins with. @param {Setting} setting */
function startOf(setting) {
  if (setting.default !== null || !setting.required) return setting.default;
  if (setting.kind === "number" || setting.kind === "integer") return setting.least ?? 0;
  if (setting.kind === "switch") return false;
  return setting.kind === "choice" ? setting.choices[0] : "";
}

/** A look of its own with the same values. @param {Look} look @returns {Look} */
export const copied = (look) => ({ ...structuredClone({ ...look, behind: null }), behind: look.behind });

/** @param {Look} look @param {Effect[]} effects @returns {Effect} */
export const effectOf = (look, effects) => effects.find((one) => one.name === look.effect) ?? effects[0];

/** The setting that takes a file, if the effect has one. @param {Effect} effect */
export const fileSetting = (effect) => effect.settings.find((one) => one.kind === "file");

/** Whether the look lacks something before it can be shown. @param {Look} look @param {Effect[]} effects */
export const lacksPicture = (look, effects) => Boolean(fileSetting(effectOf(look, effects))?.required && !look.behind);

/**
 * The look as POST /v1/edit takes it.
 * @param {Look} look @param {Effect[]} effects @param {{crop?: boolean}} [options] crop: whether "people" is cropped to
 */
export function editOf(look, effects, { crop = false } = {}) {
  const effect = effectOf(look, effects);
  const given = Object.entries(look.settings[effect.name] ?? {}).filter(([, value]) => value !== null);
  const settings = Object.fromEntries(given);
  const file = fileSetting(effect);
  if (file) settings[file.name] = look.behind?.name ?? "picture";
  return {
    effect: { name: effect.name, ...settings },
    edge: { ...look.edge },
    placement: { crop: crop && look.frame === "people" },
  };
}

/** Whether its results are transparent somewhere. @param {Look} look @param {Effect[]} effects */
export function isTransparent(look, effects) {
  const effect = effectOf(look, effects);
  const color = effect.settings.find((one) => one.kind === "color" && one.optional);
  return effect.transparent && !(color && look.settings[effect.name]?.[color.name]);
}

/** The color behind the people, where that is one color; null = it is something else. @param {Look} look @param {Effect[]} effects */
export function plainColor(look, effects) {
  const effect = effectOf(look, effects);
  if (effect.is_mask) return "#000000";
  const setting = effect.settings.find((one) => one.kind === "color");
  return (setting && look.settings[effect.name]?.[setting.name]) || null;
}
