// The page of a call: transcript and items tied to the player, decisions by keyboard.

import { attempt, byId, element, say, send, toNext } from "./common.js";
import { Player } from "./player.js";
import { ROLES, followTranscript, renderTranscript } from "./transcript.js";

let view = JSON.parse(byId("view").textContent);
const api = `/api/calls/${view.call}`;
const isAgent = view.may_appeal;
const OUTCOMES = { pass: "合格", fail: "扣分", na: "不适用", unsure: "待复核" };
const SPEAKERS = { agent: true, customer: true, system: true };
const KINDS = { found: "原话", searched: "查找范围", record: "话务记录" };
const AGREES = "同意系统判定";
const HOLD_EVERY_MS = 5 * 60 * 1000;

// the most urgent first: a veto, then doubts, then deductions
const urgency = (item) => (item.veto ? 0 : { unsure: 1, fail: 2, pass: 3, na: 4 }[item.outcome]);
const order = view.items.map((_, index) => index).sort((a, b) => urgency(view.items[a]) - urgency(view.items[b]) || a - b);
const rulings = new Map(); // item id -> {outcome, points, reason}
let vetoConfirmed = null;
let showAll = order.every((index) => urgency(view.items[index]) > 2);
let current = 0; // place in `shown()`
let heardEvidence = -1;

let isSending = false;
const queueFilter = sessionStorage.getItem("queue") ?? "";

const shown = () => order.filter((index) => showAll || urgency(view.items[index]) <= 2 || rulings.has(view.items[index].id));
const item = () => view.items[shown()[current]];
const timed = (one) => one.evidence.filter((evidence) => evidence.start_ms !== null);
const player = byId("sound") ? new Player(view.call, view.duration_ms, follow) : null;

function renderItems() {
  byId("items").replaceChildren(
    ...shown().map((index, place) => {
      const one = view.items[index];
      const ruling = rulings.get(one.id);
      const outcome = ruling ? ruling.outcome : one.outcome;
      const points = ruling ? (ruling.outcome === "pass" ? one.points_max : ruling.points) : one.points;
      const row = element("li", { class: `item${place === current ? " current" : ""}${ruling ? " ruled" : ""}`, "data-item": one.id,
        onclick: () => select(place) });
      row.append(
        element("div", { class: "title" },
          element("span", { class: `chip ${outcome}` }, OUTCOMES[outcome]),
          element("strong", {}, one.name), ruling ? element("small", {}, ruling.reason === AGREES ? "已同意,待提交" : "已改判,待提交") : null,
          element("span", { class: "points" }, points === null ? `满分 ${one.points_max}` : `${points} / ${one.points_max}`)),
        element("p", { class: "reason" }, ruling ? ruling.reason : one.reason || "", one.ruled_by ? element("small", {}, ` ${one.ruled_by} 已判`) : null),
      );
      if (place === current) {
        row.append(
          element("ul", { class: "evidence" }, ...one.evidence.map((evidence, number) => evidenceLine(one, evidence, number))),
          one.confidence < 1 ? element("p", { class: "hint" }, `${one.outcome === "unsure" ? "扣分的把握" : "把握"} ${Math.round(one.confidence * 100)}%`) : null,
          element("details", {}, element("summary", {}, "标准怎么说"), element("pre", {}, one.rule.join("\n"))),
          actions(one),
        );
      }
      return row;
    }),
  );
  mark();
}

function evidenceLine(one, evidence, number) {
  const line = element("li", {});
  if (evidence.start_ms !== null && player) {
    line.append(element("button", { type: "button", class: "listen", title: "只听这一段(Enter)",
      onclick: (event) => { event.stopPropagation(); hear(timed(one).indexOf(evidence)); } },
      `▶ ${(evidence.start_ms / 1000).toFixed(1)}–${(evidence.end_ms / 1000).toFixed(1)} 秒`));
  }
  line.append(` ${KINDS[evidence.kind]} ${evidence.role ? ROLES[evidence.role] : ""} `);
  if (evidence.quote) line.append(element("q", {}, evidence.quote));
  line.append(element("small", {}, ` ${evidence.detail}`));
  return line;
}

function actions(one) {
  const button = (label, key, action) =>
    element("button", { type: "button", onclick: (event) => { event.stopPropagation(); action(); } }, label, " ", element("kbd", {}, key));
  if (view.may_decide) {
    return element("p", { class: "row" },
      one.outcome === "unsure" ? null : button("同意", "A", accept),
      button("合格", "P", () => rule("pass")), button("扣分", "F", () => rule("fail")), button("不适用", "X", () => rule("na")),
      rulings.has(one.id) ? button("撤回", "U", undo) : null);
  }
  const appealed = view.appeals.some((appeal) => appeal.item === one.id);
  if (isAgent && one.outcome === "fail" && !appealed) return element("p", { class: "row" }, button("申诉", "Z", appeal));
  return null;
}

function select(place) {
  current = Math.max(0, Math.min(place, shown().length - 1));
  heardEvidence = -1;
  renderItems();
  document.querySelector(".item.current")?.scrollIntoView({ block: "nearest" });
}

function mark() {
  const evidence = item() ? timed(item()) : [];
  const inside = (word, kind) =>
    evidence.some((one) => one.kind === kind && word.dataset.start < one.end_ms && word.dataset.end > one.start_ms);
  for (const word of document.querySelectorAll(".word")) {
    word.classList.toggle("evidence", inside(word, "found"));
    word.classList.toggle("searched", inside(word, "searched"));
  }
  if (player) {
    player.marks = evidence.map((one) => [one.start_ms, one.end_ms]);
    player.draw();
  }
}

function hear(number) {
  const evidence = item() ? timed(item()) : [];
  if (!player || !evidence.length) return;
  heardEvidence = (number ?? heardEvidence + 1) % evidence.length;
  player.playStretch(evidence[heardEvidence].start_ms, evidence[heardEvidence].end_ms);
}

function follow(nowMs) {
  followTranscript(nowMs, player && !player.sound.paused);
}

// Asks for a reason, and for what else is needed; null where the person thinks better of it.
function ask(title, { text = "", points = null, max = null, role = null }) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").value = text;
  byId("ask-points-label").hidden = points === null;
  byId("ask-points").value = points ?? "";
  byId("ask-points").max = max ?? "";
  byId("ask-points").required = points !== null;
  byId("ask-role-label").hidden = role === null;
  byId("ask-role").value = role in SPEAKERS ? role : "agent";
  byId("ask-text-name").textContent = role === null ? "理由" : "文字";
  dialog.returnValue = "no";
  dialog.showModal();
  byId("ask-text").focus();
  byId("ask-text").select();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      const given = { text: byId("ask-text").value.trim(), points: Number(byId("ask-points").value), role: byId("ask-role").value };
      resolve(dialog.returnValue === "yes" && given.text ? given : null);
    }, { once: true }),
  );
}

function accept() {
  const one = item();
  if (one.outcome === "unsure") return say("存疑的项目请判:合格 P、扣分 F 或不适用 X");
  put(one, { outcome: one.outcome, points: one.outcome === "fail" ? one.points : null, reason: AGREES });
}

async function rule(outcome) {
  const one = item();
  const agrees = one.outcome === "unsure" && outcome !== "fail";
  if (agrees) return put(one, { outcome, points: null, reason: outcome === "pass" ? "听录音核对,合格" : "听录音核对,不适用" });
  const given = await ask(`${one.name}:改判${OUTCOMES[outcome]}`, {
    text: one.outcome === "unsure" ? "听录音核对,没有做到" : "",
    points: outcome === "fail" ? 0 : null,
    max: one.points_max,
  });
  if (given) put(one, { outcome, points: outcome === "fail" ? given.points : null, reason: given.text });
}

function put(one, ruling) {
  rulings.set(one.id, ruling);
  select(current + 1 < shown().length ? current + 1 : current);
  renderPending();
}

function undo() {
  rulings.delete(item().id);
  renderItems();
  renderPending();
}

async function appeal() {
  const one = item();
  const given = await ask(`申诉:${one.name}`, {});
  if (given) await attempt(async () => {
    await send("POST", `${api}/appeals`, { item: one.id, reason: given.text });
    location.reload();
  });
}

function decideVeto(confirmed) {
  if (!view.veto || view.veto_confirmed !== null || !view.may_decide) return;
  vetoConfirmed = vetoConfirmed === confirmed ? null : confirmed;
  for (const button of document.querySelectorAll("[data-veto]")) {
    button.setAttribute("aria-pressed", vetoConfirmed !== null && (button.dataset.veto === "confirm") === vetoConfirmed);
  }
  renderPending();
}

function renderPending() {
  if (!byId("pending")) return;
  const changes = [...rulings].map(([id, ruling]) => `${view.items.find((one) => one.id === id).name} ${OUTCOMES[ruling.outcome]}`);
  if (vetoConfirmed !== null) changes.push(vetoConfirmed ? "确认一票否决" : "否定一票否决");
  byId("pending").textContent = changes.length ? changes.join("、") : "没有改动";
}

async function submit() {
  if (isSending) return;
  const left = view.items.filter((one) => one.outcome === "unsure" && !rulings.has(one.id));
  if (left.length) return say(`还有存疑未定:${left.map((one) => one.name).join("、")}。留待以后请按 N`);
  if (view.veto && view.veto_confirmed === null && vetoConfirmed === null) return say("一票否决还没有决定:确认 V,否定 B");
  const given = [...rulings].map(([id, ruling]) => ({ item: id, ...ruling }));
  const reason = given.find((one) => one.reason !== AGREES)?.reason ?? (view.reason ? "已查看,无法评分" : "同意系统评分");
  isSending = true;
  await attempt(async () => {
    await send("POST", `${api}/decisions`, { scorecard: view.scorecard, rulings: given, veto_confirmed: vetoConfirmed, reason });
    rulings.clear();
    await toNext(view.call, queueFilter);
  });
  isSending = false;
}

async function unmask() {
  if (!byId("unmask") || !view.masked) return;
  await attempt(async () => {
    const response = await fetch(`${api}?unmasked=true`);
    const seen = await response.json();
    if (!response.ok) throw new Error(seen.detail);
    if (seen.scorecard !== view.scorecard) throw new Error("通话已有新的评分或决定,请刷新后再定");
    view = seen;
    byId("unmask").textContent = "原文(已记入日志)";
    if (byId("customer")) byId("customer").textContent = view.customer_no;
    renderTranscript(view.utterances, player);
    renderItems();
  });
}

async function correctLine() {
  if (!view.may_decide) return;
  if (rulings.size || vetoConfirmed !== null) return say("更正后会重新评分:请先提交或撤回其他改动");
  await unmask();
  const line = document.querySelector("#transcript li.now") ?? document.querySelector("#transcript .word:is(.evidence, .searched)")?.closest("li");
  if (!line) return say("请先听到要更正的那一句");
  const index = Number(line.dataset.index);
  const given = await ask("更正这句文字", { text: view.utterances[index].text, role: view.utterances[index].role });
  if (given) await attempt(async () => {
    await send("POST", `${api}/corrections`, { scorecard: view.scorecard, utterance: index, text: given.text, role: given.role });
    location.assign(`/calls/${view.call}?before=${view.scorecard}`);
  });
}

function toggleAll() {
  showAll = !showAll;
  byId("all").setAttribute("aria-pressed", showAll);
  select(0);
}

const decides = (action) => () => view.may_decide && item() && action();
const KEYS = {
  " ": () => player?.toggle(), ArrowLeft: () => player?.step(-3), ArrowRight: () => player?.step(3),
  ArrowUp: () => select(current - 1), ArrowDown: () => select(current + 1), Enter: () => hear(),
  l: () => player?.toggleLoop(), "[": () => player?.changeSpeed(-1), "]": () => player?.changeSpeed(1),
  a: decides(accept), p: decides(() => rule("pass")), f: decides(() => rule("fail")), x: decides(() => rule("na")), u: decides(undo),
  v: () => decideVeto(true), b: () => decideVeto(false), s: () => view.may_decide && submit(),
  n: () => view.may_decide && attempt(() => toNext(view.call, queueFilter)), m: unmask, o: toggleAll, e: correctLine,
  z: () => isAgent && item()?.outcome === "fail" && appeal(), "?": () => byId("help").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (byId("ask").open && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    byId("ask").querySelector("button[value=yes]").click();
  }
  const busy = event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]");
  if (busy || event.target.matches("input, textarea, select")) return;
  if (event.target.matches("button, a, summary") && (event.key === "Enter" || event.key === " ")) return;
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action) {
    event.preventDefault();
    say("");
    action();
  }
});

addEventListener("beforeunload", (event) => {
  if (rulings.size) event.preventDefault();
});
byId("all").addEventListener("click", toggleAll);
byId("unmask")?.addEventListener("click", unmask);
byId("submit")?.addEventListener("click", submit);
byId("skip")?.addEventListener("click", KEYS.n);
byId("help-button")?.addEventListener("click", KEYS["?"]);
for (const button of document.querySelectorAll("[data-veto]")) {
  button.addEventListener("click", () => decideVeto(button.dataset.veto === "confirm"));
}
if (view.may_decide) {
  setInterval(() => attempt(() => send("PUT", `${api}/hold`)), HOLD_EVERY_MS);
}
renderTranscript(view.utterances, player);
renderItems();
