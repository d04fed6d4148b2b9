"use strict";
// Uploads the chosen videos side by side, asks the server about each until it is judged, and announces the outcome
// to screen readers.
const form = document.getElementById("form");
const file = document.getElementById("file");
const drop = document.getElementById("drop");
const scans = document.getElementById("scans");
const announced = document.getElementById("status");

function say(text) { announced.textContent = text; }

function item(name) {
  const entry = document.createElement("li");
  const box = document.createElement("div");
  box.className = "card";
  const title = document.createElement("p");
  title.className = "name";
  title.textContent = name;
  const state = document.createElement("p");
  state.className = "state";
  state.textContent = "Sending";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.setAttribute("aria-label", `Sending ${name}`);
  box.append(title, state, bar);
  entry.append(box);
  scans.prepend(entry);
  document.getElementById("none").hidden = true;
  return { entry, box, state, bar };
}

function refuse(shown, name, text) {
  shown.bar.remove();
  shown.box.classList.add("refused");
  shown.state.textContent = `Not judged: ${text}`;
  say(`${name}: not judged, ${text}`);
}

function send(video) {
  const shown = item(video.name);
  const request = new XMLHttpRequest();
  request.open("POST", "/scans");
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("X-File-Name", encodeURIComponent(video.name));
  request.upload.onprogress = (event) => { shown.bar.value = event.loaded / (event.total || 1); };
  request.onerror = () => refuse(shown, video.name, "the connection broke");
  request.onload = () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* the status tells */ }
    if (request.status !== 202) {
      refuse(shown, video.name, answer.detail || `the server answered ${request.status}`);
      return;
    }
    shown.entry.dataset.id = answer.id;
    shown.bar.removeAttribute("value");
    follow(shown.entry);
  };
  request.send(video);
  say(`${video.name}: sending`);
}

async function follow(entry) {
  for (;;) {
    let about;
    try {
      const answer = await fetch(`/scans/${entry.dataset.id}`, { headers: { Accept: "application/json" } });
      about = await answer.json();
      if (!answer.ok) { entry.textContent = about.detail; return; }
    } catch { await pause(3000); continue; }
    if (about.state === "done" || about.state === "refused") {
      entry.innerHTML = about.html; // made and escaped by the server
      say(`${entry.querySelector(".name").textContent}: ${about.headline} ${about.explanation}`);
      return;
    }
    const state = entry.querySelector(".state");
    const text = about.state === "working" ? "Looking at the faces"
      : about.ahead ? `Waiting, ${about.ahead} before it` : "Waiting";
    if (state.textContent !== text) { state.textContent = text; say(text); }
    await pause(700);
  }
}

function pause(milliseconds) { return new Promise((done) => setTimeout(done, milliseconds)); }

file.addEventListener("change", () => { [...file.files].forEach(send); form.reset(); });
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  [...event.dataTransfer.files].forEach(send);
});
for (const entry of scans.querySelectorAll('[data-state="waiting"], [data-state="working"]')) follow(entry);
