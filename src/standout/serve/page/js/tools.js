/** The tools of the stage: brushes that keep and erase, and clicks that keep or drop a person. */

import { app } from "./app.js";
import { byId, clamp } from "./dom.js";
import { listen } from "./gestures.js";
import { outline, regionsOf, toggle } from "./regions.js";
import { say } from "./say.js";

const STEP_KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export const brush = {
  /** Diameter in screen pixels, so that zooming in makes it finer. */
  size: 40,
  /** 0 = hard, 1 = soft. */
  softness: 0.5,
};

/** @param {import("./stage.js").Stage} stage */
export function addTools(stage) {
  const { view, canvas } = stage;
  /** @type {{x: number, y: number}|null} */
  let pointer = null;
  /** Where the keyboard has moved the brush, in pixels of the photo. @type {{x: number, y: number}|null} */
  let spot = null;
  let isErasing = false;
  /** @type {{x: number, y: number}|null} */
  let from = null;
  let hovered = 0;
  /** @type {{version: number, mask: any, regions: import("./regions.js").Regions}|null} */
  let known = null;

  const mask = () => app.current?.mask ?? null;
  const regions = () => {
    const now = mask();
    if (!now?.alpha.length) return null;
    if (known?.mask !== now || known.version !== now.version) known = { mask: now, version: now.version, regions: regionsOf(now) };
    return known.regions;
  };
  const options = () => ({
    radius: Math.max(0.5, brush.size / 2 / view.scale),
    softness: brush.softness,
    isErasing,
  });

  const painting = {
    down(/** @type {any} */ at, /** @type {PointerEvent} */ event) {
      isErasing = app.tool === "erase" || event.altKey || event.button === 2;
      from = view.toPhoto(at);
      mask()?.begin();
      mask()?.stroke(from, from, options());
    },
    move(/** @type {any} */ at) {
      if (!from) return;
      const to = view.toPhoto(at);
      mask()?.stroke(from, to, options());
      from = to;
    },
    up() {
      if (from) mask()?.commit();
      from = null;
      app.current?.drawThumb();
    },
    cancel() {
      if (from) mask()?.cancel();
      from = null;
    },
    hover(/** @type {any} */ at) {
      pointer = at;
      if (at) spot = null;
      stage.redraw();
    },
  };

  /** @param {{x: number, y: number}} at */
  const personAt = (at) => {
    const found = regions();
    const now = mask();
    if (!found || !now) return null;
    const { x, y } = view.toPhoto(at);
    if (x < 0 || y < 0 || x >= now.width || y >= now.height) return null;
    const index = Math.floor((y * found.height) / now.height) * found.width + Math.floor((x * found.width) / now.width);
    return found.people.find((one) => one.id === found.solid[index]) ?? null;
  };
  const picking = {
    down() {},
    move() {},
    cancel() {},
    up(/** @type {any} */ at) {
      const person = personAt(at);
      if (person) flip(person);
    },
    hover(/** @type {any} */ at) {
      const id = (at && personAt(at)?.id) || 0;
      canvas.dataset.over = String(id > 0);
      highlight(id);
    },
  };

  /** @param {import("./regions.js").Person} person */
  function flip(person) {
    const found = regions();
    const now = mask();
    if (!found || !now) return;
    toggle(now, found, person);
    app.current?.drawThumb();
    say(`Person ${person.id}, ${person.where}: ${person.isKept ? "left out" : "kept"}.`);
  }

  /** @param {number} id */
  function highlight(id) {
    if (id === hovered) return;
    hovered = id;
    stage.redraw();
  }

  stage.overlay = (context) => {
    if (!app.isReady) return;
    if (app.tool === "people" || hovered) drawPeople(context);
    if (app.tool === "keep" || app.tool === "erase") drawBrush(context);
  };

  /** @param {CanvasRenderingContext2D} context */
  function drawPeople(context) {
    const found = regions();
    const now = mask();
    if (!found || !now) return;
    const scale = (view.scale * now.width) / found.width;
    for (const one of found.people) {
      if (app.tool !== "people" && one.id !== hovered) continue;
      const path = new Path2D();
      path.addPath(outline(found, one.id), new DOMMatrix([scale, 0, 0, scale, view.x, view.y]));
      context.lineWidth = one.id === hovered ? 5 : 3;
      context.strokeStyle = "#fff";
      context.setLineDash([]);
      context.stroke(path);
      context.lineWidth = one.id === hovered ? 3 : 1.5;
      context.strokeStyle = one.isKept ? "#5b4be8" : "#16161d";
      context.setLineDash(one.isKept ? [] : [6, 5]);
      context.stroke(path);
      if (app.tool === "people") badge(context, view.x + ((one.box.left + one.box.right) / 2) * scale, view.y + one.box.top * scale, one);
    }
    context.setLineDash([]);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {import("./regions.js").Person} person */
  function badge(context, x, y, person) {
    const text = `${person.id} ${person.isKept ? "kept" : "left out"}`;
    context.font = "600 13px system-ui, sans-serif";
    const width = context.measureText(text).width + 20;
    const [left, top] = [x - width / 2, clamp(y - 14, 8, view.height - 34)];
    context.fillStyle = person.isKept ? "#4a3bd6" : "#16161d";
    context.beginPath();
    context.roundRect(left, top, width, 26, 13);
    context.fill();
    context.fillStyle = "#fff";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, top + 13.5);
  }

  /** @param {CanvasRenderingContext2D} context */
  function drawBrush(context) {
    const isFocused = document.activeElement === canvas;
    const at = pointer ?? (spot && isFocused ? view.toStage(spot) : null);
    if (!at) return;
    for (const [width, color] of [[3, "rgba(0,0,0,.55)"], [1.5, "#fff"]]) {
      context.lineWidth = Number(width);
      context.strokeStyle = String(color);
      context.beginPath();
      context.arc(at.x, at.y, brush.size / 2, 0, 2 * Math.PI);
      context.moveTo(at.x - 4, at.y);
      context.lineTo(at.x + 4, at.y);
      if (app.tool === "keep" && !isErasingNow()) {
        context.moveTo(at.x, at.y - 4);
        context.lineTo(at.x, at.y + 4);
      }
      context.stroke();
    }
  }
  const isErasingNow = () => Boolean(from) && isErasing;

  listen(stage, () => {
    if (!app.isReady || app.tool === "look") return null;
    return app.tool === "people" ? picking : painting;
  });

  // With the keyboard: arrow keys move the brush, space or Enter paints where it is.
  canvas.addEventListener("keydown", (event) => {
    const isBrush = app.isReady && (app.tool === "keep" || app.tool === "erase");
    const step = STEP_KEYS[/** @type {"ArrowLeft"} */ (event.key)];
    if (!step && event.key !== " " && event.key !== "Enter") return;
    if (!isBrush) {
      if (step) view.pan(-40 * step[0], -40 * step[1]);
      stage.moved();
      return;
    }
    event.preventDefault();
    const middle = { x: view.width / 2, y: (view.height - view.below) / 2 };
    spot ??= view.toPhoto(pointer ?? middle);
    pointer = null;
    const { width, height } = /** @type {any} */ (mask());
    if (step) {
      const by = (event.shiftKey ? brush.size : Math.max(1, brush.size / 8)) / view.scale;
      spot = { x: clamp(spot.x + step[0] * by, 0, width), y: clamp(spot.y + step[1] * by, 0, height) };
    } else {
      painting.down(view.toStage(spot), new PointerEvent("pointerdown", { altKey: event.altKey }));
      painting.up();
      say(app.tool === "erase" || event.altKey ? "Erased." : "Kept.");
    }
    stage.redraw();
  });
  for (const name of ["focus", "blur"]) canvas.addEventListener(name, () => stage.redraw());

  app.on("tool", () => {
    hovered = 0;
    stage.reframe();
    byId("stage").dataset.tool = app.tool;
  });
  app.on("select", () => {
    hovered = 0;
    spot = null;
    known = null;
  });
  return { regions, flip, highlight };
}
