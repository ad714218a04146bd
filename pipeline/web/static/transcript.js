// The transcript: every word leads to its second, and the word that is heard is marked.

import { byId, element } from "./common.js";

export const ROLES = { agent: "坐席", customer: "客户", system: "系统", unknown: "未辨明" };

export function renderTranscript(utterances, player) {
  byId("transcript").replaceChildren(
    ...utterances.map((utterance, index) => {
      const words = utterance.words.length ? utterance.words : [utterance];
      const spans = words.map((word) =>
        element("span", { class: "word", "data-start": word.start_ms, "data-end": word.end_ms, onclick: () => player?.playFrom(word.start_ms) }, word.text),
      );
      const line = element("li", { class: `${utterance.role}${utterance.suspect ? " suspect" : ""}`, "data-index": index });
      line.append(element("span", { class: "speaker" }, ROLES[utterance.role]), element("p", { title: utterance.suspect }, ...spans));
      return line;
    }),
  );
}

export function followTranscript(nowMs, isPlaying) {
  let line = null;
  for (const word of document.querySelectorAll(".word")) {
    const isNow = Number(word.dataset.start) <= nowMs && nowMs < Number(word.dataset.end);
    word.classList.toggle("now", isNow);
    if (isNow) line = word.closest("li");
  }
  if (line && !line.classList.contains("now")) {
    document.querySelector("#transcript li.now")?.classList.remove("now");
    line.classList.add("now");
    if (isPlaying) line.scrollIntoView({ block: "nearest" });
  }
}
