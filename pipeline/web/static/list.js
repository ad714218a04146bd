// Lists: the next call, assignments, appeals, accounts.

import { attempt, byId, say, send, toNext } from "./common.js";

const next = () => {
  sessionStorage.setItem("queue", location.search);
  return attempt(() => toNext(null, location.search));
};
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

byId("open-calibration")?.addEventListener("click", () =>
  attempt(async () => {
    const calls = [...document.querySelectorAll("input[name=call]:checked")].map((box) => Number(box.value));
    if (!calls.length) throw new Error("请先选中通话");
    await send("POST", "/api/calibrations", { name: byId("calibration-name").value, calls });
    location.assign("/calibrations");
  }),
);

for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () =>
    attempt(async () => {
      await send("POST", `/api/calibrations/${button.dataset.close}/close`);
      location.reload();
    }),
  );
}

byId("draw")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  attempt(async () => {
    const wanted = { from_day: given.from_day, to_day: given.to_day, per_agent: Number(given.per_agent), seed: Number(given.seed) };
    const drawn = await send("POST", "/api/samples", wanted);
    say(`抽样 ${drawn.sample}:${drawn.calls} 通`);
    setTimeout(() => location.assign("/queue?kind=sampled"), 1000);
  });
});

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
