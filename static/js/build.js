/* The campaign builder: nothing that was typed is lost when another button, link or window is quicker than the saving. */
"use strict";
(() => {
  const unsaved = new Map(); /* form → how often it was typed into */
  const sent = new WeakMap(); /* form → how often when it was last sent */
  const WAIT = 4000;

  const typed = (event) => {
    const form = event.target.closest("form[data-saves]");
    if (form) unsaved.set(form, (unsaved.get(form) || 0) + 1);
  };
  document.addEventListener("input", typed);
  document.addEventListener("change", typed);

  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.detail.elt;
    if (form.matches("form[data-saves]")) sent.set(form, unsaved.get(form));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt;
    if (!form.matches("form[data-saves]")) return;
    if (event.detail.successful && sent.get(form) === unsaved.get(form)) unsaved.delete(form);
    if (!event.detail.successful) says(event.detail.target, "Not saved: is the connection there? It is tried again as you type.");
  });
  const says = (target, sentence) => {
    const state = target.matches(".state") ? target : target.querySelector(".state");
    const words = document.createElement("span");
    words.className = "problem";
    words.setAttribute("role", "alert");
    words.textContent = sentence;
    state?.replaceChildren(words);
  };

  /* A form that leads away waits until what was typed is kept. */
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-after-saving]") || unsaved.size === 0) return;
    event.preventDefault();
    unsaved.forEach((_, typedInto) => htmx.trigger(typedInto, "save-now"));
    const until = Date.now() + WAIT;
    while (unsaved.size > 0 && Date.now() < until) await new Promise((done) => { setTimeout(done, 50); });
    unsaved.clear();
    form.requestSubmit(event.submitter);
  });

  /* Whatever else leads away: the browser sends it along. */
  window.addEventListener("pagehide", () => {
    unsaved.forEach((_, form) => navigator.sendBeacon(form.action, new FormData(form)));
  });

  /* A variable goes into the field that was written in last. */
  document.addEventListener("focusin", (event) => {
    const field = event.target;
    const step = field.closest(".step");
    if (!step || !/^(subject|text|html)$/.test(field.name || "")) return;
    step.querySelectorAll("[data-into]").forEach((button) => { button.dataset.into = field.id; });
  });
})();
