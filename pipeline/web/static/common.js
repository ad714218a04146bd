// What every page does: sends changes with the session's token, says what happened, logs out.

export const byId = (id) => document.getElementById(id);

export function say(text) {
  const message = byId("message");
  message.textContent = text;
  message.hidden = !text;
}

export async function send(method, path, body) {
  const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]").content };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (response.status === 401) location.assign("/login");
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

// Runs what a person asked for; what the server refuses is said to him.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    say(error.message);
    return undefined;
  }
}

export async function toNext(after, query = "") {
  const parameters = new URLSearchParams(query);
  if (after) parameters.set("after", after);
  const next = await send("POST", `/api/queue/next?${parameters}`);
  location.assign(next.call ? `/calls/${next.call}` : `/queue${query}`);
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

byId("logout")?.addEventListener("click", () =>
  attempt(async () => {
    await send("POST", "/api/logout");
    location.assign("/login");
  }),
);
