"use strict";
// Light or dark before anything is drawn: what the reader chose before, or else what the system says.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("inspect-tool.scheme"); } catch { /* a sealed-off page has no memory */ }
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const set = () => { document.documentElement.dataset.scheme = chosen ?? (dark.matches ? "dark" : "light"); };
  dark.addEventListener("change", set);
  set();
})();
