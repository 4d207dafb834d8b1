/** Backgrounds, drawn by this page, so that they belong to everybody (public domain, CC0). */

/** @typedef {(context: OffscreenCanvasRenderingContext2D, width: number, height: number) => void} Drawer */

/** Numbers 0..1 that are the same every time. @param {number} seed */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {OffscreenCanvasRenderingContext2D} context @param {CanvasGradient} gradient @param {string[]} colors */
function filled(context, gradient, colors, [width, height] = [context.canvas.width, context.canvas.height]) {
  colors.forEach((color, at) => gradient.addColorStop(at / (colors.length - 1), color));
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
}

/** From corner to corner. @param {...string} colors @returns {Drawer} */
const slope = (...colors) => (context, width, height) =>
  filled(context, context.createLinearGradient(0, 0, width, height), colors);

/** From top to bottom. @param {...string} colors @returns {Drawer} */
const fall = (...colors) => (context, width, height) => filled(context, context.createLinearGradient(0, 0, 0, height), colors);

/** A wall, lit in the middle. @param {string} light @param {string} middle @param {string} dark @returns {Drawer} */
const studio = (light, middle, dark) => (context, width, height) => {
  const reach = 0.75 * Math.max(width, height);
  filled(context, context.createRadialGradient(width / 2, 0.42 * height, 0, width / 2, 0.42 * height, reach), [light, middle, dark]);
  const floor = context.createLinearGradient(0, 0.8 * height, 0, height);
  floor.addColorStop(0, "rgba(0,0,0,0)");
  floor.addColorStop(1, "rgba(0,0,0,.22)");
  context.fillStyle = floor;
  context.fillRect(0, 0.8 * height, width, 0.2 * height);
};

/** Lights far away, out of focus. @param {string[]} sky @param {string[]} lights @param {number} seed @returns {Drawer} */
const bokeh = (sky, lights, seed) => (context, width, height) => {
  fall(...sky)(context, width, height);
  const next = random(seed);
  const side = Math.max(width, height);
  context.globalCompositeOperation = "lighter";
  for (let index = 0; index < 70; index++) {
    const [x, y, radius] = [next() * width, height * (0.15 + 0.8 * next()), side * (0.015 + 0.05 * next() ** 2)];
    context.globalAlpha = 0.08 + 0.22 * next();
    const disc = context.createRadialGradient(x, y, 0, x, y, radius);
    const color = lights[Math.floor(next() * lights.length)];
    disc.addColorStop(0, color);
    disc.addColorStop(0.85, color);
    disc.addColorStop(1, "rgba(0,0,0,0)");
    context.fillStyle = disc;
    context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
  }
  context.globalAlpha = 1;
  context.globalCompositeOperation = "source-over";
};

/** Paper with fine fibers. @param {string} color @returns {Drawer} */
const paper = (color) => (context, width, height) => {
  context.fillStyle = color;
  context.fillRect(0, 0, width, height);
  const next = random(7);
  const side = Math.max(width, height);
  context.lineWidth = side / 1400;
  for (let index = 0; index < 4000; index++) {
    context.strokeStyle = next() > 0.5 ? "rgba(255,255,255,.16)" : "rgba(70,50,20,.07)";
    const [x, y, turn, long] = [next() * width, next() * height, next() * 6.3, side * (0.003 + 0.012 * next())];
    context.beginPath();
    context.moveTo(x, y);
    context.quadraticCurveTo(x + long * Math.cos(turn), y + long * Math.sin(turn), x + 1.6 * long * Math.cos(turn + 0.7), y + 1.6 * long * Math.sin(turn + 0.7));
    context.stroke();
  }
};

/** A ridge of hills from the left to the right. @param {OffscreenCanvasRenderingContext2D} context @param {{y: number, high: number, color: string|CanvasGradient, seed: number, rough?: number}} hill */
function ridge(context, { y, high, color, seed, rough = 1 }) {
  const { width, height } = context.canvas;
  const next = random(seed);
  const waves = [1.3, 2.7, 5.1, 11].map((pace, rank) => ({ pace: pace * (0.8 + 0.4 * next()), phase: next() * 6.3, size: (rough / 2) ** rank }));
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(0, height);
  for (let step = 0; step <= 240; step++) {
    const share = step / 240;
    const lift = waves.reduce((sum, { pace, phase, size }) => sum + size * Math.sin(6.3 * pace * share * 0.7 + phase), 0);
    context.lineTo(share * width, height * (y - high * lift));
  }
  context.lineTo(width, height);
  context.fill();
}

/** @param {string[]} sky @param {{x: number, y: number, color: string}} sun @param {string[]} hills @param {number} seed @returns {Drawer} */
const landscape = (sky, sun, hills, seed) => (context, width, height) => {
  fall(...sky)(context, width, height);
  const side = Math.max(width, height);
  const glow = context.createRadialGradient(sun.x * width, sun.y * height, 0, sun.x * width, sun.y * height, 0.4 * side);
  glow.addColorStop(0, sun.color);
  glow.addColorStop(0.09, sun.color);
  glow.addColorStop(0.12, "rgba(255,255,255,.28)");
  glow.addColorStop(1, "rgba(255,255,255,0)");
  context.fillStyle = glow;
  context.fillRect(0, 0, width, height);
  hills.forEach((color, at) => ridge(context, { y: 0.56 + (0.34 * at) / hills.length, high: 0.06 - 0.008 * at, color, seed: seed + at, rough: 1.15 - 0.2 * at }));
};

/** @type {Drawer} */
function sea(context, width, height) {
  fall("#7ec8f2", "#d8f0fb", "#fdf6e4")(context, width, height);
  const water = context.createLinearGradient(0, 0.55 * height, 0, 0.85 * height);
  for (const [at, color] of [[0, "#1f7ea8"], [0.6, "#37a8bd"], [1, "#a8e0da"]]) water.addColorStop(Number(at), String(color));
  context.fillStyle = water;
  context.fillRect(0, 0.55 * height, width, height);
  const next = random(5);
  for (let index = 0; index < 120; index++) {
    const depth = next() ** 1.6;
    context.fillStyle = `rgba(255,255,255,${0.06 + 0.16 * next()})`;
    const long = width * (0.01 + 0.1 * depth);
    context.fillRect(next() * width, height * (0.555 + 0.25 * depth), long, height * (0.0012 + 0.003 * depth));
  }
  ridge(context, { y: 0.86, high: 0.012, color: "#f3e3c0", seed: 3, rough: 0.8 });
}

/** @type {{name: string, title: string, draw: Drawer}[]} */
export const BACKGROUNDS = [
  { name: "studio-light", title: "Light studio", draw: studio("#ffffff", "#eceef2", "#c9ced8") },
  { name: "studio-dark", title: "Dark studio", draw: studio("#6a707d", "#3a3f4a", "#15171c") },
  { name: "studio-warm", title: "Warm studio", draw: studio("#f6dfc8", "#d9a981", "#8a5a3c") },
  { name: "paper", title: "Paper", draw: paper("#efe6d4") },
  { name: "dawn", title: "Dawn", draw: slope("#ffd8b0", "#ff9aa5", "#a98be8") },
  { name: "lagoon", title: "Lagoon", draw: slope("#c6f6e6", "#5fc9d8", "#3b6fd8") },
  { name: "violet", title: "Violet", draw: slope("#ece7ff", "#9c8cff", "#4636c2") },
  { name: "leaf", title: "Leaf", draw: slope("#f2f7cf", "#a9d97c", "#3d9a6a") },
  { name: "city-lights", title: "City lights", draw: bokeh(["#101427", "#2a2140", "#3d2438"], ["#ffb454", "#ff7a59", "#ffe3a6", "#6fa8ff"], 11) },
  { name: "garden-lights", title: "Garden", draw: bokeh(["#3c6b3a", "#5f9150", "#2f5a3a"], ["#dff5a8", "#fff6c9", "#8fd17c"], 23) },
  { name: "mountains", title: "Mountains", draw: landscape(["#8fbfe8", "#dcebf7", "#fbeedd"], { x: 0.74, y: 0.24, color: "#fff7e0" }, ["#9db4cf", "#7393b5", "#4d7193", "#2f5168"], 31) },
  { name: "dunes", title: "Dunes", draw: landscape(["#ffb07c", "#ffd9a8", "#ffeed2"], { x: 0.3, y: 0.36, color: "#fff3d6" }, ["#eab27a", "#d9935c", "#b87043"], 57) },
  { name: "night", title: "Night hills", draw: landscape(["#0d1433", "#2b2f66", "#6b5a8e"], { x: 0.7, y: 0.2, color: "#f4f1ff" }, ["#3b3a6b", "#282a52", "#171936"], 83) },
  { name: "sea", title: "Sea", draw: sea },
];

/**
 * A background at that size.
 * @param {{draw: Drawer}} background @param {number} width @param {number} height
 */
export function drawn({ draw }, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context) draw(context, width, height);
  return canvas;
}
