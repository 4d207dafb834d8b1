/** Photos on their way: read, sent to the engine, some at a time; failures are told in plain words. */

import { app } from "./app.js";
import { EditMask } from "./mask.js";
import { READABLE, kindOf, sizeOf } from "./kinds.js";
import { Item } from "./photo.js";
import { note, say } from "./say.js";

const AT_ONCE = 2;
/** Megapixels of masks that are kept unpacked. */
const MOST_AWAKE = 120;
let working = 0;

/** Puts files into the film strip. @param {Iterable<File>} files */
export function add(files) {
  const made = [...files].map((file) => new Item(file, kindOf(file), app.newLook()));
  if (!made.length) return;
  app.items.push(...made);
  app.emit("list");
  const first = made.find((one) => one.kind !== "unknown") ?? made[0];
  if (!app.current || app.current.status === "failed") app.select(first);
  for (const item of made) {
    if (item.kind === "clip") settle(item, "done", "Ready");
    if (item.kind === "unknown") settle(item, "failed", `${item.name} is not a picture or clip that can be read. ${READABLE}`);
  }
  say(made.length === 1 ? `${made[0].name} was added.` : `${made.length} files were added.`);
  next();
}

/** Does a photo that failed again. @param {Item} item */
export function retry(item) {
  item.stop = new AbortController();
  settle(item, "waiting", "Waiting");
  next();
}

/** Begins photos that are on their way anew, since another engine does the work. */
export function again() {
  for (const item of app.items.filter((one) => one.status === "working")) {
    item.stop.abort();
    retry(item);
  }
}

/** Stops photos that are on their way; each shows the reason. @param {string} why */
export function giveUp(why) {
  for (const item of app.items.filter((one) => one.status === "waiting" || one.status === "working")) {
    item.stop.abort();
    settle(item, "failed", `${item.name}: ${why}`);
  }
}

/** Takes a photo out of the strip. @param {Item} item */
export function remove(item) {
  item.stop.abort();
  const at = app.items.indexOf(item);
  app.items.splice(at, 1);
  if (app.current === item) app.select(app.items[Math.min(at, app.items.length - 1)] ?? null);
  item.close();
  app.emit("list");
  say(`${item.name} was removed.`);
}

/** How many photos are still on their way. */
export const left = () => app.items.filter((one) => one.status === "waiting" || one.status === "working").length;

/** @param {Item} item @param {import("./photo.js").Status} status @param {string} message */
export function settle(item, status, message) {
  item.status = status;
  item.message = message;
  app.emit("status", item);
  if (status !== "failed") return;
  if (item === app.current) say(message); // the stage shows it
  else note(message, { isError: true });
}

function next() {
  while (working < AT_ONCE) {
    const waiting = app.items.filter((one) => one.status === "waiting");
    const item = waiting.find((one) => one === app.current) ?? waiting[0];
    if (!item) return;
    working++;
    work(item).finally(() => {
      working--;
      next();
    });
  }
}

/** @param {Item} item */
async function work(item) {
  settle(item, "working", "Reading the photo");
  const { signal } = item.stop;
  try {
    checkBytes(item);
    await read(item);
    settle(item, "working", "Finding the people");
    const onWait = (/** @type {number} */ seconds) =>
      settle(item, "working", `The server is busy; trying again in ${seconds} s`);
    item.mask = new EditMask(await app.engine.segment(item.file, { signal, onWait }));
    ({ width: item.width, height: item.height } = item.mask);
    item.mask.on("change", () => app.emit("mask", item));
    item.mask.on("paint", () => app.emit("shown", item));
    item.drawThumb();
    finish(item);
  } catch (error) {
    if (!signal.aborted) settle(item, "failed", `${item.name}: ${error instanceof Error ? error.message : error}`);
  } finally {
    if (item !== app.current) item.close();
    rest();
  }
}

/** @param {Item} item */
function finish(item) {
  const isEmpty = !item.mask?.alpha.some((level) => level > 127);
  settle(item, "done", isEmpty ? "Nobody found" : "Done");
  if (isEmpty) note(`Nobody was found in ${item.name}. Paint over the people with the brush “Keep”.`);
  else say(left() ? `${item.name} is done; ${left()} to go.` : `${item.name} is done.`);
}

/** @param {Item} item */
function checkBytes(item) {
  const most = app.engine.name === "server" ? app.config.most_bytes : Infinity;
  if (item.file.size > most) {
    throw new Error(`The file has ${sizeOf(item.file.size)}; this server takes up to ${sizeOf(most)}. Save it smaller and try again.`);
  }
}

/** Decodes the photo, by the engine where this browser does not know its kind. @param {Item} item */
async function read(item) {
  try {
    await item.open();
  } catch {
    const everything = { width: 1, height: 1, data: new Uint8ClampedArray([255]) };
    const asItIs = { effect: { name: "blur", strength: 0 } };
    item.view = await app.engine.render(item.file, everything, asItIs, { type: "image/jpeg", signal: item.stop.signal });
    await item.open();
  }
  item.drawThumb();
}

/** Packs the masks of photos that nobody looks at, where there are many. */
function rest() {
  let pixels = 0;
  for (const item of [...app.items].reverse()) {
    if (!item.mask || item === app.current) continue;
    pixels += item.mask.alpha.length;
    if (pixels > MOST_AWAKE * 1e6 && !item.mask.isUsed) void item.mask.park();
  }
}
