/** The slider between before and after: left of it the photo is shown as it was. */

import { app } from "./app.js";
import { byId, clamp, isStill } from "./dom.js";

const STEP = 0.02;
const REVEAL_MS = 900;

/** @param {import("./stage.js").Stage} stage */
export function addCompare(stage) {
  const slider = byId("compare");
  const knob = byId("compare-knob");
  let animation = 0;

  /** @param {number} split */
  const set = (split) => {
    stage.split = clamp(split, 0, 1);
    const share = Math.round(stage.split * 100);
    knob.setAttribute("aria-valuenow", String(share));
    knob.setAttribute("aria-valuetext", share === 0 ? "Only the result is shown" : share === 100 ? "Only the photo before is shown" : `${share} % before, ${100 - share} % after`);
    stage.redraw();
  };
  const stop = () => {
    cancelAnimationFrame(animation);
    slider.dataset.state = "still";
  };

  stage.onDraw = () => {
    const isShown = app.tool === "look" && Boolean(app.current?.shown) && app.isReady;
    slider.hidden = !isShown;
    if (!isShown) return;
    const { left, top, width, height } = stage.view.box;
    const high = Math.max(0, top);
    const low = Math.min(stage.view.height, top + height);
    slider.style.left = `${left + width * stage.split}px`;
    slider.style.top = `${high}px`;
    slider.style.height = `${low - high}px`;
    slider.dataset.side = stage.split <= 0.02 ? "after" : stage.split >= 0.98 ? "before" : "both";
  };

  slider.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    stop();
    slider.setPointerCapture(event.pointerId);
    event.preventDefault();
    knob.focus({ preventScroll: true });
  });
  slider.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!slider.hasPointerCapture(event.pointerId)) return;
    const { left, width } = stage.view.box;
    set((event.clientX - stage.canvas.getBoundingClientRect().left - left) / width);
  });
  knob.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = event.shiftKey ? 5 * STEP : STEP;
    const to = { ArrowLeft: stage.split - by, ArrowDown: stage.split - by, ArrowRight: stage.split + by, ArrowUp: stage.split + by, PageUp: stage.split + 5 * STEP, PageDown: stage.split - 5 * STEP, Home: 0, End: 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    stop();
    set(to);
  });

  app.on("select", () => {
    stop();
    set(0);
  });
  app.on("reveal", () => {
    if (isStill()) return;
    stop();
    slider.dataset.state = "moving";
    const begun = performance.now();
    const frame = (/** @type {number} */ now) => {
      const share = Math.min(1, (now - begun) / REVEAL_MS);
      set((1 - share) ** 3);
      if (share < 1) animation = requestAnimationFrame(frame);
      else stop();
    };
    set(1);
    animation = requestAnimationFrame(frame);
  });
  set(0);
}
