// Lists: the next call, assignments, appeals, accounts.

import { attempt, byId, send, toNext } from "./common.js";

const next = () => attempt(() => toNext(null, location.search));
byId("next")?.addEventListener("click", next);
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (byId("next") && !typing && !event.ctrlKey && !event.metaKey && event.key.toLowerCase() === "n") next();
});

byId("assign")?.addEventListener("click", () =>
  attempt(async () => {
    const calls = [...document.querySelectorAll("input[name=call]:checked")].map((box) => Number(box.value));
    if (!calls.length) throw new Error("请先选中通话");
    await send("POST", "/api/queue/assignments", { calls, monitor: byId("monitor").value });
    location.reload();
  }),
);

for (const article of document.querySelectorAll("[data-appeal]")) {
  article.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = event.submitter.value;
    const reason = event.target.elements.reason.value;
    attempt(async () => {
      const decision = { upheld: chosen !== "no", outcome: chosen === "na" ? "na" : "pass", reason };
      await send("POST", `/api/appeals/${article.dataset.appeal}/decision`, decision);
      location.reload();
    });
  });
}

byId("new-account")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  attempt(async () => {
    await send("POST", "/api/accounts", {
      name: given.name,
      role: given.role,
      agent_no: given.agent_no || null,
      teams: given.teams.split(/[,,、]/).map((team) => team.trim()).filter(Boolean),
      password: given.password || null,
    });
    location.reload();
  });
});

for (const button of document.querySelectorAll("[data-account]")) {
  button.addEventListener("click", () =>
    attempt(async () => {
      await send("PATCH", `/api/accounts/${button.dataset.account}`, { active: button.dataset.active === "yes" });
      location.reload();
    }),
  );
}
