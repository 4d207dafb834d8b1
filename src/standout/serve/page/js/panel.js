/** The panel beside the stage: what is put behind the people, who they are, their edge, and the frame. */

import { app } from "./app.js";
import { controlOf, slider, toggle } from "./controls.js";
import { byId, el, icon } from "./dom.js";
import { FRAMES } from "./frame.js";
import { gallery, useFirst } from "./gallery.js";
import { PATHS } from "./icons.js";
import { effectOf, labelOf, lacksPicture, titleOf } from "./look.js";

/** @param {{regions: () => any, flip: (person: any) => void, highlight: (id: number) => void}} tools */
export function addPanel(tools) {
  const effects = byId("effects");
  const settings = byId("settings");
  const frames = byId("frames");
  let shownKey = "";

  function showEffects() {
    effects.replaceChildren(...app.effects.map((one) => card({
      group: "effect", value: one.name, title: titleOf(one.name), about: one.summary, picture: PATHS[one.name] ? one.name : "spark",
      isChosen: one.name === app.shownLook.effect,
      onChoose: () => {
        app.changeLook((look) => (look.effect = one.name));
        if (lacksPicture(app.shownLook, app.effects)) void useFirst();
      },
    })));
  }

  /** The controls are made anew only where other ones are needed, so that none is lost while it is used. */
  function showSettings() {
    const look = app.shownLook;
    const effect = effectOf(look, app.effects);
    const key = JSON.stringify([app.current?.id, app.engine?.name, effect.name, look.behind?.name]);
    if (key === shownKey) return;
    shownKey = key;
    const focused = settings.contains(document.activeElement) ? document.activeElement?.getAttribute("data-name") : null;
    const made = effect.settings.map((one) => {
      const label = labelOf(effect.name, one.name);
      if (one.kind === "file") return gallery(label);
      const value = look.settings[effect.name][one.name];
      const onChange = (/** @type {any} */ to) => app.changeLook((each) => (each.settings[effect.name][one.name] = to));
      return controlOf(one, { label, value, onChange });
    });
    settings.replaceChildren(el("p", { class: "hint" }, effect.summary), ...made.filter(Boolean));
    if (focused) settings.querySelector(`[data-name="${focused}"]`)?.focus();
    for (const one of effects.querySelectorAll("input")) one.checked = one.value === effect.name;
  }

  function showEdge() {
    const { edge } = app.shownLook;
    const change = (/** @type {"grow"|"feather"} */ name) => (/** @type {number} */ to) => app.changeLook((look) => (look.edge[name] = to));
    byId("edge").replaceChildren(
      slider({ least: -20, most: 20, step: 0.5, unit: " px", help: "Below 0 the outline moves inward." }, { label: "Smaller or larger", value: edge.grow, onChange: change("grow") }),
      slider({ least: 0, most: 40, step: 0.5, unit: " px", help: "" }, { label: "Softness", value: edge.feather, onChange: change("feather") }),
    );
  }

  function showFrames() {
    frames.replaceChildren(...FRAMES.map(({ name, title, about }) => card({
      group: "frame", value: name, title, about, isChosen: name === app.shownLook.frame, shape: name,
      onChoose: () => app.changeLook((look) => (look.frame = name)),
    })));
  }

  function showPeople() {
    const place = byId("people");
    const found = app.isReady ? tools.regions() : null;
    const people = found?.people ?? [];
    byId("people-none").hidden = people.length > 0;
    byId("people-none").textContent = !app.isReady ? "The people are listed here once they are found." : "Nobody was found. Paint over the people with the brush “Keep”.";
    const focused = place.contains(document.activeElement) ? document.activeElement?.getAttribute("data-id") : null;
    place.replaceChildren(...people.map((/** @type {any} */ one) => {
      const highlight = () => tools.highlight(one.id);
      const leave = () => tools.highlight(0);
      const button = el("button", {
        type: "button", class: "person", "data-id": one.id, "aria-pressed": String(one.isKept),
        onclick: () => tools.flip(one), onpointerenter: highlight, onpointerleave: leave, onfocus: highlight, onblur: leave,
      }, icon(one.isKept ? "check" : "close"), el("span", {}, `Person ${one.id}`), el("small", {}, one.where), el("strong", {}, one.isKept ? "Kept" : "Left out"));
      return el("li", {}, button);
    }));
    if (focused) place.querySelector(`[data-id="${focused}"]`)?.focus();
  }

  function showShared() {
    const several = app.items.filter((one) => one.status !== "failed").length > 1;
    byId("shared").hidden = !several;
  }
  byId("shared").append(toggle("", {
    label: "Same look for all photos", value: true,
    onChange: (to) => {
      app.isShared = to;
      if (to && app.current) {
        const { look } = app.current;
        app.changeLook((each) => Object.assign(each, { ...structuredClone({ ...look, behind: null }), behind: look.behind }));
      }
    },
  }));

  app.on("engine", () => {
    shownKey = "";
    showEffects();
    showFrames();
    showEdge();
  });
  app.on("select", () => {
    showEffects();
    showFrames();
    showEdge();
    showPeople();
    for (const one of document.querySelectorAll("[data-photos-only]")) /** @type {HTMLElement} */ (one).hidden = app.current?.kind === "clip";
  });
  app.on("look select", showSettings);
  app.on("mask status", (item) => item === app.current && showPeople());
  app.on("list status", showShared);
}

/** A choice of several, as a radio button with a picture. @param {{group: string, value: string, title: string, about: string, isChosen: boolean, onChoose: () => void, picture?: string, shape?: string}} choice */
function card({ group, value, title, about, isChosen, onChoose, picture, shape }) {
  const input = el("input", { type: "radio", name: group, value, checked: isChosen, onchange: onChoose });
  const seen = picture ? icon(picture) : el("span", { class: "shape", "data-shape": shape, "aria-hidden": "true" });
  return el("label", { class: "card", title: about }, input, seen, el("span", {}, title));
}
