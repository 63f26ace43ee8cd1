// What every page gets: the key that jumps to the search box. Everything works without it.
const box = document.querySelector("[data-search]");
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  const slash = event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey;
  const chord = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
  if (box && (slash || chord)) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});
