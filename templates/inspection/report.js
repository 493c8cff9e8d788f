// The page itself: what is folded opens by a link and on paper, the menu says where the reader is, layers on and off.

const root = document.documentElement;
const data = JSON.parse(document.getElementById("feature-data").textContent);
const { words } = data;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

// ------------------------------------------------------------------------------------------------ light and dark
const schemeButton = document.getElementById("scheme");
function nameScheme() {
  schemeButton.textContent = root.dataset.scheme === "dark" ? words.light : words.dark;
}
schemeButton.addEventListener("click", () => {
  root.dataset.scheme = root.dataset.scheme === "dark" ? "light" : "dark";
  try { localStorage.setItem("inspect-tool.scheme", root.dataset.scheme); } catch { /* a sealed-off page has no memory */ }
});
new MutationObserver(nameScheme).observe(root, { attributes: true, attributeFilter: ["data-scheme"] });
nameScheme();

// ------------------------------------------------------------------------------------------------ folded parts
function opened(target) {
  for (let part = target; part; part = part.parentElement?.closest("details")) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  const own = target.querySelector(":scope > details");
  if (own) own.open = true;
  return target;
}
function toHash() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) opened(target).scrollIntoView();
}
addEventListener("hashchange", toHash);
toHash();
let foldedBefore = [];
addEventListener("beforeprint", () => {
  foldedBefore = [...document.querySelectorAll("details:not([open])")];
  for (const part of foldedBefore) part.open = true;
});
addEventListener("afterprint", () => { for (const part of foldedBefore) part.open = false; });

// ------------------------------------------------------------------------------------------------ the menu
const menu = document.getElementById("menu");
const contents = document.getElementById("contents");
function openMenu(on) {
  menu.setAttribute("aria-expanded", String(on));
  contents.classList.toggle("open", on);
}
menu.addEventListener("click", () => openMenu(!contents.classList.contains("open")));
contents.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  openMenu(false);
  if (link.hash === location.hash) toHash(); // no change, no event
});
contents.parentElement.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && contents.classList.contains("open")) {
    openMenu(false);
    menu.focus();
  }
});
const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
const blocks = [...document.querySelectorAll("main > .block")];
function markCurrent() {
  const line = parseFloat(getComputedStyle(blocks[0]).scrollMarginTop) + 10; // where a link leads to, or just below
  const atEnd = scrollY > 0 && scrollY + innerHeight >= root.scrollHeight - 2;
  const current = atEnd ? blocks.at(-1) : blocks.findLast((block) => block.getBoundingClientRect().top <= line) ?? blocks[0];
  for (const [id, link] of links) {
    if (id === current?.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("scroll", markCurrent, { passive: true });
addEventListener("resize", markCurrent);
addEventListener("toggle", markCurrent, true); // what opens or folds moves the others
markCurrent();

// ------------------------------------------------------------------------------------------------ wide tables
// A table that is wider than its place scrolls in it, by the keyboard too.
for (const one of document.querySelectorAll("main table")) {
  if (one.closest(".scroll")) continue;
  const frame = document.createElement("div");
  frame.className = "scroll";
  one.replaceWith(frame);
  frame.append(one);
}
const watcher = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    const frame = target.closest(".scroll");
    if (frame.scrollWidth > frame.clientWidth) {
      frame.tabIndex = 0;
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", frame.closest("details, .block")?.querySelector("h2, h1")?.textContent ?? "");
    } else {
      for (const name of ["tabindex", "role", "aria-label"]) frame.removeAttribute(name);
    }
  }
});
for (const frame of document.querySelectorAll(".scroll")) {
  watcher.observe(frame);
  watcher.observe(frame.firstElementChild);
}

// ------------------------------------------------------------------------------------------------ layers
function show(field, layer, on) {
  for (const image of field.querySelectorAll("img.layer")) {
    if (image.dataset.layer === layer) image.hidden = !on;
  }
  for (const box of field.querySelectorAll("input[data-layer]")) {
    if (box.dataset.layer === layer) box.checked = on;
  }
}
for (const box of document.querySelectorAll(".field input[data-layer]")) {
  box.addEventListener("change", () => show(box.closest(".field"), box.dataset.layer, box.checked));
}
for (const box of document.querySelectorAll(".all-layers")) {
  box.addEventListener("change", () => {
    for (const field of document.querySelectorAll(".field")) show(field, box.dataset.layer, box.checked);
  });
}
