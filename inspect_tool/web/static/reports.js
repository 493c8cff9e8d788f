// Suggests the fields of a search while one writes. Without it the search is the same.
const box = document.getElementById("q");
const list = document.getElementById("terms");
const known = [...document.getElementById("fields").options].map((option) => option.value);
const MOST = 12;
let chosen = -1;

/** What is being written: the letters from the last space to the cursor, a minus before them left out. */
function word() {
  const before = box.value.slice(0, box.selectionStart);
  const begin = before.lastIndexOf(" ") + 1;
  const minus = before[begin] === "-" ? 1 : 0;
  return { begin: begin + minus, text: before.slice(begin + minus) };
}

function close() {
  list.hidden = true;
  chosen = -1;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
}

function offer() {
  const { text } = word();
  const fits = known.filter((name) => name.startsWith(text.toLowerCase()) && name !== text);
  if (!text || !fits.length) return close();
  list.replaceChildren(...fits.slice(0, MOST).map((name, i) => {
    const item = document.createElement("li");
    item.id = `term-${i}`;
    item.role = "option";
    item.textContent = name;
    item.setAttribute("aria-selected", "false");
    return item;
  }));
  chosen = -1;
  list.hidden = false;
  box.setAttribute("aria-expanded", "true");
  return undefined;
}

function mark(next) {
  chosen = (next + list.children.length) % list.children.length;
  [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === chosen)));
  list.children[chosen].scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", list.children[chosen].id);
}

function take(name) {
  const { begin } = word();
  const rest = box.value.slice(box.selectionStart);
  box.value = box.value.slice(0, begin) + name + rest;
  box.selectionStart = box.selectionEnd = begin + name.length;
  box.focus();
  close();
}

box.addEventListener("input", offer);
box.addEventListener("blur", close);
box.addEventListener("keydown", (event) => {
  if (list.hidden) return;
  if (event.key === "ArrowDown") mark(chosen + 1);
  else if (event.key === "ArrowUp") mark(chosen < 0 ? list.children.length - 1 : chosen - 1);
  else if (event.key === "Escape") close();
  else if (event.key === "Enter" && chosen >= 0) take(list.children[chosen].textContent);
  else return;
  event.preventDefault();
});
list.addEventListener("mousedown", (event) => {
  event.preventDefault(); // the box keeps the cursor
  if (event.target.matches("li")) take(event.target.textContent);
});
