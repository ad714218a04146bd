"use strict";
// Without this script the page still tells everything: a clip opens as a file, all calls are listed.

const player = new Audio();
let playing = null;

function show(link, glyph) {
  link.classList.toggle("playing", glyph === "■");
  link.querySelector(".glyph").textContent = glyph;
}

function stop() {
  player.pause();
  if (playing) show(playing, "▶");
  playing = null;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link) return;
  event.preventDefault();
  const again = link === playing;
  stop();
  if (again) return;
  playing = link;
  player.src = link.href;
  show(link, "■");
  player.play().catch(() => {
    if (playing !== link) return;
    stop();
    link.classList.add("missing");
    link.title = "录音片段打不开";
  });
});
player.addEventListener("ended", stop);

const filters = document.querySelector(".filters");
if (filters) {
  const buttons = [...filters.querySelectorAll("button")];
  const agent = filters.querySelector("select");
  let state = "";
  const apply = () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.show === state));
    for (const call of document.querySelectorAll(".call")) {
      const fits = (!state || call.dataset.state === state) && (!agent.value || call.dataset.agent === agent.value);
      call.hidden = !fits;
    }
  };
  for (const button of buttons) button.addEventListener("click", () => { state = button.dataset.show; apply(); });
  agent.addEventListener("change", apply);
  filters.hidden = false;
}

function openLinked() {
  const call = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (call && call.matches(".call")) {
    call.hidden = false;
    call.open = true;
    call.scrollIntoView();
  }
}
addEventListener("hashchange", openLinked);
openLinked();

let openedForPrint = [];
addEventListener("beforeprint", () => {
  openedForPrint = [...document.querySelectorAll("details.call:not([open]), details.more:not([open])")];
  for (const call of openedForPrint) call.open = true;
});
addEventListener("afterprint", () => {
  for (const call of openedForPrint) call.open = false;
});
