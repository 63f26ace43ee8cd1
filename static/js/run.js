// Follows a run: new lines of the log as they are written, and the parts of the page that change.
// Without script the page shows how far it was, and a link to look again.
const lines = document.querySelector("[data-log]");
const badge = document.querySelector("[data-follow]");
let source;
let refreshing = false;
let again = false;

// The server renders; this only puts the fresh parts in the place of the old.
async function refresh() {
  if (refreshing) {
    again = true;
    return;
  }
  refreshing = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
      if (next && next.innerHTML !== part.innerHTML) part.replaceWith(document.importNode(next, true));
    }
    document.title = fresh.title;
  } finally {
    refreshing = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function add(event) {
  const { at, step, err, line } = JSON.parse(event.data);
  const row = document.createElement("div");
  row.className = err ? "log__line log__line--err" : "log__line";
  const parts = [["time", "log__at", at], ["span", "log__step", step], ["span", "", line]];
  for (const [tag, name, text] of parts) {
    const part = document.createElement(tag);
    if (name) part.className = name;
    part.textContent = text;
    row.append(part);
  }
  lines.append(row);
  lines.dataset.events = lines.dataset.events.replace(/after=\d+/, `after=${event.lastEventId}`);
}

function follow() {
  if (source || !lines) return;
  source = new EventSource(lines.dataset.events);
  source.addEventListener("log", add);
  source.addEventListener("changed", refresh);
  source.addEventListener("end", () => {
    stop();
    refresh();
  });
  source.addEventListener("open", () => badge?.removeAttribute("hidden"));
  source.addEventListener("error", () => badge?.setAttribute("hidden", ""));
}

function stop() {
  source?.close();
  source = undefined;
  badge?.setAttribute("hidden", "");
}

// A hidden tab holds no connection: browsers allow six to a host.
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : follow()));
if (!document.hidden) follow();
