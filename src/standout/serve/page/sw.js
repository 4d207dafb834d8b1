/**
 * Keeps the page's files, so that it opens without the server, too.
 *
 * A file is asked of the server first, so that an update is seen at once; what was kept answers only where the server
 * does not. The address of this script carries the version, and each version keeps its own files. The files of private
 * mode are kept once it was used.
 */

"use strict";

const VERSION = new URL(location.href).searchParams.get("version") ?? "0";
const CACHE = `standout-${VERSION}`;
const BASE = new URL("./", location.href).pathname;
const FILES = [
  "", "app.css", "icon.svg", "manifest.webmanifest", "config.json", "img/sample.jpg",
  "js/app.js", "js/backgrounds.js", "js/camera.js", "js/clips.js", "js/compare.js", "js/controls.js", "js/dom.js",
  "js/downloads.js", "js/events.js", "js/frame.js", "js/gallery.js", "js/gestures.js", "js/http.js", "js/icons.js",
  "js/intake.js", "js/kinds.js", "js/look.js", "js/main.js", "js/mask.js", "js/pairs.js", "js/panel.js",
  "js/pending-engine.js", "js/photo.js", "js/pixels-worker.js", "js/pixels.js", "js/png.js", "js/preview.js", "js/queue.js",
  "js/regions.js", "js/results.js", "js/say.js", "js/server-engine.js", "js/stage.js", "js/strip.js",
  "js/theme.js", "js/toolbar.js", "js/tools.js", "js/view.js", "js/zip.js",
].map((name) => BASE + name);
const PRIVATE = `${BASE}private/`;

addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

addEventListener("activate", (event) => {
  const forget = async () => {
    for (const name of await caches.keys()) if (name.startsWith("standout-") && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(forget());
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const isOurs = origin === location.origin && request.method === "GET" && !request.headers.has("range");
  if (isOurs && (FILES.includes(pathname) || pathname.startsWith(PRIVATE))) event.respondWith(answer(request, pathname));
});

/** The server's answer, which is kept; without one, what was kept. @param {Request} request @param {string} pathname */
async function answer(request, pathname) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request);
    if (fresh.ok && fresh.status === 200) await cache.put(pathname, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
    throw error;
  }
}

/** The page tells which files private mode has loaded. */
addEventListener("message", (event) => {
  const wanted = (event.data?.keep ?? []).filter((/** @type {string} */ path) => path.startsWith(PRIVATE));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(wanted)));
});
