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
})();
