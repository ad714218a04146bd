// A call in a calibration: listen, judge each item, submit once.

import { attempt, byId, say, send } from "./common.js";
import { Player } from "./player.js";
import { followTranscript, renderTranscript } from "./transcript.js";

const view = JSON.parse(byId("view").textContent);
const player = byId("sound") ? new Player(view.call, view.duration_ms, (nowMs) => followTranscript(nowMs, !player?.sound.paused)) : null;
renderTranscript(view.utterances, player);

document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, button, summary, a")) return;
  const action = { " ": () => player?.toggle(), ArrowLeft: () => player?.step(-3), ArrowRight: () => player?.step(3) }[event.key];
  if (action) {
    event.preventDefault();
    action();
  }
});

byId("verdicts").addEventListener("submit", (event) => {
  event.preventDefault();
  const verdicts = [...new FormData(event.target)].map(([item, outcome]) => ({ item, outcome }));
  if (!verdicts.length) return say("还没有评任何项目");
  return attempt(async () => {
    await send("POST", `/api/calibrations/${view.session}/calls/${view.scorecard}/verdicts`, { verdicts });
    location.assign("/calibrations");
  });
});
