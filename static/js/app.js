/* Everything works without this file; it makes it quicker. */
"use strict";
(() => {
  const root = document.documentElement;
  const typing = (element) => element && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/" && !typing(document.activeElement)) {
      event.preventDefault();
      document.getElementById("search")?.focus();
    } else if (/^Arrow(Up|Down)$/.test(event.key) && event.target.closest(".search")) {
      const stops = [document.getElementById("search"), ...document.querySelectorAll("#search-hits a")];
      const next = stops[stops.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (event.key === "Escape") {
      if (event.target.closest(".search")) document.getElementById("search").focus();
      document.getElementById("search-hits")?.replaceChildren();
      document.querySelectorAll("details.add[open], details.pop-up[open]").forEach((details) => {
        if (details.contains(document.activeElement)) details.querySelector("summary").focus();
        details.open = false;
      });
    }
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    document.querySelectorAll("details.add[open], details.pop-up[open]").forEach((details) => {
      if (!details.contains(target)) details.open = false;
    });
    const toggle = target.closest("[data-toggles]");
    if (toggle) {
      event.preventDefault();
      const open = document.getElementById(toggle.dataset.toggles).classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(open));
    }
    if (target.closest("[data-theme-switch]")) {
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
      document.dispatchEvent(new CustomEvent("themechange"));
    }
    const all = target.closest("[data-checks-all]");
    if (all) {
      document.querySelectorAll(`input[name="${all.dataset.checksAll}"]`).forEach((box) => { box.checked = all.checked; });
      all.dispatchEvent(new Event("change", { bubbles: true }));
    }
    const copy = target.closest("[data-copies]");
    if (copy) {
      const field = document.getElementById(copy.dataset.copies);
      field.select();
      const told = (words) => { document.querySelector(`[data-copied="${field.id}"]`).textContent = words; };
      const byHand = () => told(document.execCommand("copy") ? "Copied." : "Press Ctrl+C to copy it."); /* without https */
      if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(() => told("Copied."), byHand);
      else byHand();
    }
    const insert = target.closest("[data-inserts]");
    if (insert) {
      const field = document.getElementById(insert.dataset.into);
      field.setRangeText(insert.dataset.inserts, field.selectionStart, field.selectionEnd, "end");
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
  });

  /* A select or checkbox marked so sends its form at once; the button beside it is for those without JavaScript. */
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  document.querySelectorAll("[data-copies]").forEach((button) => { button.hidden = false; });
  document.querySelectorAll("[data-browser-zone]").forEach((field) => {
    field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  });

  /* Parts that renew themselves: not in a hidden window, and without flicker when nothing has changed. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.matches("[data-live]")) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { elt, target, xhr } = event.detail;
    if (!elt.matches("[data-live]")) return;
    const held = document.activeElement; /* who types or goes by keyboard must not lose the place */
    const opened = target.querySelector("details[open] form textarea"); /* nor lose what is being filled in */
    const busy = opened || (target.contains(held) && (typing(held) || held.matches(":focus-visible")));
    if (busy || target.dataset.seen === xhr.responseText) event.detail.shouldSwap = false;
    else target.dataset.seen = xhr.responseText;
  });
})();
