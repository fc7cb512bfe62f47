/* Tasks by keyboard: approve or done, not for them, next and previous, edit. */
"use strict";
(() => {
  const press = (value) => document.querySelector(`#task-form button[value="${value}"]`)?.click();
  const go = (step) => {
    const links = [...document.querySelectorAll(".tasks nav a.row-title")];
    const at = links.findIndex((link) => link.getAttribute("aria-current"));
    links[at + step]?.click();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) {
      if (event.key === "Enter") { event.preventDefault(); press(document.querySelector('#task-form button[value="done"]') ? "done" : "approve"); }
      if (event.shiftKey && event.key.toLowerCase() === "x") { event.preventDefault(); press("leave-out"); }
      return;
    }
    if (event.altKey || event.target.closest("input, textarea, select")) return;
    if (event.key === "j") go(1);
    if (event.key === "k") go(-1);
    if (event.key === "e") { event.preventDefault(); document.getElementById("text")?.focus(); }
  });
})();
