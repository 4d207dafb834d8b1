/** How photos come in: dropped, pasted, picked as files or folders, taken by the camera, or the sample. */

import { app } from "./app.js";
import { takePhoto } from "./camera.js";
import { byId } from "./dom.js";
import { kindOf } from "./kinds.js";
import { add } from "./queue.js";
import { note, say } from "./say.js";

const MOST_IN_FOLDERS = 500;

export function addIntake() {
  const files = byId("file");
  const folder = byId("folder");
  const take = (/** @type {HTMLInputElement} */ input) => {
    add(input === folder ? readable([...(input.files ?? [])]) : input.files ?? []);
    input.value = "";
  };
  files.addEventListener("change", () => take(files));
  folder.addEventListener("change", () => take(folder));
  for (const one of document.querySelectorAll("[data-does]")) {
    one.addEventListener("click", () => DOES[/** @type {HTMLElement} */ (one).dataset.does ?? ""]?.());
  }
  addDrop();
  document.addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])];
    if (!pasted.length) return;
    event.preventDefault();
    add(pasted.map((file) => (file.name === "image.png" ? renamed(file, `pasted-${app.items.length + 1}.png`) : file)));
  });
}

/** @type {Record<string, () => void>} */
const DOES = {
  pick: () => byId("file").click(),
  folder: () => byId("folder").click(),
  camera: async () => {
    const photo = await takePhoto();
    if (photo) add([photo]);
  },
  sample: async () => {
    try {
      const answer = await fetch("img/sample.jpg");
      add([new File([await answer.blob()], "astronaut.jpg", { type: "image/jpeg" })]);
    } catch {
      note("The sample photo cannot be loaded. Is the server still running?", { isError: true });
    }
  },
};

/** @param {File} file @param {string} name */
const renamed = (file, name) => new File([file], name, { type: file.type });

/** What of a folder's files can be used; the others are told of in one note. @param {File[]} files */
function readable(files) {
  const visible = files.filter((one) => !one.name.startsWith("."));
  const used = visible.filter((one) => kindOf(one) !== "unknown").slice(0, MOST_IN_FOLDERS);
  const out = visible.length - used.length;
  if (out) note(`${out === 1 ? "One file of the folder was" : `${out} files of the folder were`} left out: no pictures or clips, or more than ${MOST_IN_FOLDERS}.`);
  return used;
}

function addDrop() {
  let depth = 0;
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const show = (/** @type {number} */ to) => {
    depth = Math.max(0, to);
    document.body.dataset.drag = String(depth > 0);
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(depth + 1);
    if (depth === 1) say("Drop the files to add them.");
  });
  addEventListener("dragleave", (event) => hasFiles(event) && show(depth - 1));
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(0);
    add(await dropped(/** @type {DataTransfer} */ (event.dataTransfer)));
  });
}

/** The files that were dropped, and those of dropped folders. @param {DataTransfer} transfer */
async function dropped(transfer) {
  const entries = [...transfer.items].map((one) => one.webkitGetAsEntry?.());
  const files = [...transfer.files];
  if (!entries.some((one) => one?.isDirectory)) return files;
  /** @type {File[]} */
  const found = [];
  for (const entry of entries) if (entry) await walk(entry, found);
  return readable(found);
}

/** @param {any} entry @param {File[]} found */
async function walk(entry, found) {
  if (found.length > 4 * MOST_IN_FOLDERS) return;
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    /** @type {any[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}
