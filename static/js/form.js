// Makes the form of a template smoother. Every page works without it.
//
// * A choice that decides what else is asked brings the new questions at once; without the server
//   the "Update" button stays and says that it is needed.
// * Enter in a search box searches.
const changed = new WeakMap();

/** Tells that the questions no longer fit the answers. */
function mark(form) {
  const note = form.querySelector("[data-update-note]");
  if (note) note.textContent = note.dataset.changed;
}

/** Fetches the page for the present answers and puts its questions in the place of ours. */
async function update(form, control) {
  const version = changed.get(form);
  const body = new URLSearchParams(new FormData(form));
  body.set(":do", "update");
  // `form.action` would be the control of a question that is called "action".
  const answer = await fetch(form.getAttribute("action") || location.href, { method: "POST", body, headers: { accept: "text/html" } });
  if (!answer.ok) throw new Error(`update answered ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector("[data-questions]");
  const stale = form.querySelector("[data-questions]");
  if (!fresh || !stale) throw new Error("update without questions");
  // Something was typed meanwhile: better an old question than a lost answer.
  if (changed.get(form) !== version) throw new Error("update is late");
  const id = document.activeElement?.id || control.id;
  stale.replaceWith(document.adoptNode(fresh));
  document.getElementById(id)?.focus({ preventScroll: true });
}

document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (form) changed.set(form, (changed.get(form) ?? 0) + 1);
});

document.addEventListener("change", (event) => {
  const control = event.target;
  if (!control.matches?.("[data-controls]") || !control.form) return;
  update(control.form, control).catch(() => mark(control.form));
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches?.("[data-find]")) return;
  const find = event.target.parentElement?.querySelector("button");
  if (find) {
    event.preventDefault();
    find.click();
  }
});
