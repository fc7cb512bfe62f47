/* Light or dark as the rest of Outreach: unfold's styles know the class `dark` only. Runs before the first paint.
   The table one is in is scrolled into sight in the bar. */
"use strict";
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => root.classList.toggle("dark", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  document.addEventListener("themechange", paint);
  system.addEventListener("change", paint);
  paint();
  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".tables [aria-current]")?.scrollIntoView({ block: "nearest" });
  });
  /* select2 replaces a select and forgets its label. */
  const name = (box) => {
    const shown = box.querySelector(".select2-selection__rendered");
    const select = document.getElementById(shown?.id.replace(/^select2-(.*)-container$/, "$1"));
    const words = select?.labels?.[0]?.textContent.trim().replace(/[\s:*]+$/, "");
    if (!words) return;
    box.removeAttribute("aria-labelledby");
    [box, shown].forEach((part) => part.setAttribute("aria-label", words));
  };
  new MutationObserver(() => document.querySelectorAll(".select2-selection[aria-labelledby]").forEach(name))
    .observe(root, { childList: true, subtree: true });
})();
