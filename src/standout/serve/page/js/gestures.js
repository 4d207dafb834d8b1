/**
 * What fingers, mouse and wheel do on the stage. Two fingers, the wheel, the middle button and space with a drag move and
 * zoom whatever the tool is; all else is up to the tool.
 */

/** @typedef {{x: number, y: number}} Point */
/**
 * @typedef {object} Handler
 * @property {(at: Point, event: PointerEvent) => void} down
 * @property {(at: Point, event: PointerEvent) => void} move
 * @property {(at: Point, event: PointerEvent) => void} up
 * @property {() => void} cancel   two fingers came: what one began is taken back
 * @property {(at: Point|null) => void} hover   null = the pointer left
 */

/** @param {import("./stage.js").Stage} stage @param {() => Handler|null} handler of the tool; null = the photo is moved */
export function listen(stage, handler) {
  const { canvas, view } = stage;
  /** @type {Map<number, Point>} */
  const pointers = new Map();
  /** @type {"pan"|"tool"|"pinch"|null} */
  let doing = null;
  let isSpace = false;
  let resting = { x: -1, y: -1 };

  const at = (/** @type {MouseEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const changed = () => {
    stage.moved();
  };

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    if (pointers.size === 2) {
      if (doing === "tool") handler()?.cancel();
      doing = "pinch";
    } else if (pointers.size === 1) {
      const isPan = event.button === 1 || isSpace || !handler();
      doing = isPan ? "pan" : "tool";
      if (event.button === 1) event.preventDefault();
      if (doing === "tool") handler()?.down(at(event), event);
    }
  });

  canvas.addEventListener("pointermove", (event) => {
    const now = at(event);
    const before = pointers.get(event.pointerId);
    const isMoved = now.x !== resting.x || now.y !== resting.y; // browsers tell of a mouse at rest when the page changes
    resting = now;
    if (!before) {
      if (isMoved) handler()?.hover(now);
      return;
    }
    if (doing === "pinch") pinch(event.pointerId, now);
    pointers.set(event.pointerId, now);
    if (doing === "pan") {
      view.pan(now.x - before.x, now.y - before.y);
      changed();
    } else if (doing === "tool") {
      const steps = event.getCoalescedEvents?.() ?? [];
      for (const one of steps.length ? steps : [event]) handler()?.move(at(one), event);
      handler()?.hover(now);
    }
  });

  /** @param {number} id @param {Point} now */
  function pinch(id, now) {
    const other = [...pointers].find(([one]) => one !== id)?.[1];
    const before = pointers.get(id);
    if (!other || !before) return;
    const far = (/** @type {Point} */ point) => Math.max(8, Math.hypot(point.x - other.x, point.y - other.y));
    view.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    view.zoom(far(now) / far(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    changed();
  }

  const ended = (/** @type {PointerEvent} */ event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (doing === "tool") {
      if (event.type === "pointercancel") handler()?.cancel();
      else handler()?.up(at(event), event);
    }
    if (!pointers.size) doing = null;
  };
  canvas.addEventListener("pointerup", ended);
  canvas.addEventListener("pointercancel", ended);
  canvas.addEventListener("pointerleave", () => handler()?.hover(null));
  canvas.addEventListener("contextmenu", (event) => handler() && event.preventDefault());

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    view.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0018)), at(event));
    changed();
  }, { passive: false });

  const space = (/** @type {KeyboardEvent} */ event) => {
    const isTyping = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, button, a, summary, [role=slider]");
    if (event.code !== "Space" || isTyping) return;
    isSpace = event.type === "keydown";
    canvas.dataset.space = String(isSpace);
    if (event.target === document.body) event.preventDefault();
  };
  addEventListener("keydown", space);
  addEventListener("keyup", space);
}
