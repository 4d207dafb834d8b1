"use strict";
const $ = id => document.getElementById(id);
let now = {}, over = false;

function draw(status) {
  now = status;
  if (!$("effects").children.length) {
    for (const [n, name] of status.effects.entries()) {
      const button = document.createElement("button");
      button.dataset.key = String(n + 1);
      button.dataset.effect = name;
      button.innerHTML = `<span></span> <kbd>${n + 1}</kbd>`;
      button.firstChild.textContent = name === "none" ? "No effect" : name[0].toUpperCase() + name.slice(1);
      button.onclick = () => command({effect: name});
      $("effects").append(button, " ");
    }
  }
  for (const button of $("effects").children) button.setAttribute("aria-pressed", button.dataset.effect === status.effect);
  for (const name of ["mirrored", "paused"]) $(name).setAttribute("aria-pressed", status[name]);
  $("said").textContent = status.paused ? "Paused: nobody sees you." : status.shown ? "" : "Starting …";
  $("pace").textContent = status.shown ? status.text : "";
}

function end() {
  over = true;
  $("said").textContent = "The camera has been stopped. You can close this page.";
  $("picture").hidden = true;
  for (const button of document.querySelectorAll("button")) button.disabled = true;
}

async function ask(path, options) {
  if (over) return;
  try {
    const answer = await fetch(path, options);
    if (answer.ok) draw(await answer.json());
  } catch { end() }
}
const command = what => ask("command", {method: "POST", body: JSON.stringify(what)});

$("mirrored").onclick = () => command({mirrored: !now.mirrored});
$("paused").onclick = () => command({paused: !now.paused});
$("stop").onclick = () => command({stop: true});
document.onkeydown = event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = [...document.querySelectorAll("button")].find(one => one.dataset.key === event.key);
  if (button) { event.preventDefault(); button.click() }
};
$("picture").src = "stream";
ask("status");
setInterval(() => ask("status"), 1000);
