// A field large: zoomed, moved, its layers switched; an object marked in it, and the values of one that is clicked.

const viewer = document.getElementById("viewer");
const stage = viewer.querySelector(".stage");
const picked = viewer.querySelector(".picked");
const figures = [...document.querySelectorAll(".field")];
const view = { x: 0, y: 0, zoom: 1, figure: null, stack: null, width: 1, height: 1, row: -1 };
const SVG = "http://www.w3.org/2000/svg";

function place() {
  view.stack.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
  view.stack.style.setProperty("--pixel", `${1 / view.zoom}px`); // of the screen, for lines that stay as thin
}
function zoomAt(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const zoom = Math.min(40, Math.max(0.1, view.zoom * factor));
  view.x = x - ((x - view.x) * zoom) / view.zoom;
  view.y = y - ((y - view.y) * zoom) / view.zoom;
  view.zoom = zoom;
  place();
}
function whole() {
  view.zoom = Math.min(stage.clientWidth / view.width, stage.clientHeight / view.height);
  view.x = (stage.clientWidth - view.width * view.zoom) / 2;
  view.y = (stage.clientHeight - view.height * view.zoom) / 2;
  place();
}
function move(right, down) {
  view.x += right;
  view.y += down;
  place();
}
function enlarge(figure) {
  const stack = figure.querySelector(".stack");
  const copy = stack.cloneNode(true);
  for (const name of ["tabindex", "role", "aria-label"]) copy.removeAttribute(name);
  const image = stack.querySelector("img");
  Object.assign(view, { figure, stack: copy, width: image.naturalWidth, height: image.naturalHeight, row: -1 });
  copy.style.width = `${view.width}px`;
  stage.replaceChildren(copy);
  viewer.querySelector("#viewer-title").textContent = figure.querySelector("figcaption b").textContent;
  const layers = [...figure.querySelectorAll(".switches label")].map((label) => {
    const other = label.cloneNode(true);
    const box = other.querySelector("input");
    box.checked = label.querySelector("input").checked;
    box.addEventListener("change", () => {
      show(figure, box.dataset.layer, box.checked); // the same field on the page
      for (const one of copy.querySelectorAll("img.layer")) if (one.dataset.layer === box.dataset.layer) one.hidden = !box.checked;
    });
    return other;
  });
  viewer.querySelector(".layers").replaceChildren(...layers);
  picked.hidden = true;
  if (!viewer.open) {
    viewer.showModal();
    stage.focus(); // here, as a page in a frame of another origin may not focus anything when it opens
  }
  const at = figures.indexOf(figure);
  for (const button of viewer.querySelectorAll("[data-step]")) button.disabled = !figures[at + Number(button.dataset.step)];
  if (document.activeElement.disabled) stage.focus(); // a button that went off would keep the keys to itself
  whole();
}
function step(by) {
  const next = figures[figures.indexOf(view.figure) + by];
  if (next) enlarge(next);
}

// A frame around an object, as wide on the screen at any zoom.
function mark({ x, y, width, height }) {
  stage.querySelector(".mark")?.remove();
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("class", "mark");
  drawing.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`);
  drawing.setAttribute("aria-hidden", "true");
  for (const kind of ["casing", "core"]) {
    const frame = document.createElementNS(SVG, "rect");
    const room = 3;
    const box = { x: x - width / 2 - room, y: y - height / 2 - room, width: width + 2 * room, height: height + 2 * room, class: kind };
    for (const [name, value] of Object.entries(box)) frame.setAttribute(name, value);
    drawing.append(frame);
  }
  view.stack.append(drawing);
}
function closeUp({ x, y, width, height }) {
  view.zoom = Math.min(12, Math.max(0.3, Math.min(stage.clientWidth / width, stage.clientHeight / height) / 4));
  view.x = stage.clientWidth / 2 - x * view.zoom;
  view.y = stage.clientHeight / 2 - y * view.zoom;
  place();
}
// The object at a point of the picture: of those whose frame holds it the one whose center is nearest, by its size.
function objectAt(figure, x, y) {
  let [best, least] = [-1, Infinity];
  for (const row of features.inFigure(figure)) {
    const box = features.box(row);
    const [across, down] = [Math.abs(x - box.x) / (box.width / 2 + 2), Math.abs(y - box.y) / (box.height / 2 + 2)];
    const away = Math.hypot(x - box.centerX, y - box.centerY) / Math.sqrt(box.width * box.height + 16);
    if (across <= 1 && down <= 1 && away < least) [best, least] = [row, away];
  }
  return best;
}
function pick(row) {
  view.row = row;
  picked.hidden = false;
  const list = picked.querySelector("dl");
  picked.querySelector("[data-row]").hidden = row < 0;
  list.replaceChildren();
  if (row < 0) {
    stage.querySelector(".mark")?.remove();
    picked.querySelector("p").textContent = words.nothing_here;
    return;
  }
  mark(features.box(row));
  picked.querySelector("p").textContent = features.title(row);
  for (const [title, value] of features.values(row)) {
    const pair = document.createElement("div");
    for (const [tag, text] of [["dt", title], ["dd", value]]) pair.append(Object.assign(document.createElement(tag), { textContent: text }));
    list.append(pair);
  }
}
// Called by the table: the object of a row, in its picture.
function showObject(row) {
  const figure = features.figure(row);
  opened(figure);
  enlarge(figure);
  pick(row); // its values take room from the picture
  closeUp(features.box(row));
}

for (const figure of figures) {
  const stack = figure.querySelector(".stack");
  stack.addEventListener("click", () => enlarge(figure));
  stack.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const next = by && figures[figures.indexOf(figure) + by];
    if (event.key === "Enter" || event.key === " ") enlarge(figure);
    else if (next) next.querySelector(".stack").focus();
    else return;
    event.preventDefault();
  });
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const frame = stage.getBoundingClientRect();
  zoomAt(Math.exp(-event.deltaY / 400), event.clientX - frame.left, event.clientY - frame.top);
}, { passive: false });

// One pointer moves, two zoom; one that hardly moved was a click on an object.
const pointers = new Map();
let traveled = 0;
stage.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);
  if (!pointers.size) traveled = 0;
  pointers.set(event.pointerId, event);
  stage.classList.add("moving");
});
stage.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, event);
  traveled += Math.hypot(right, down);
  if (!other) return move(right, down);
  const frame = stage.getBoundingClientRect();
  const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  zoomAt(apart(event) / Math.max(1, apart(before)), (event.clientX + other.clientX) / 2 - frame.left, (event.clientY + other.clientY) / 2 - frame.top);
});
function released(event) {
  if (!pointers.delete(event.pointerId) || pointers.size) return;
  stage.classList.remove("moving");
  if (event.type !== "pointerup" || traveled > 4) return;
  const frame = stage.getBoundingClientRect();
  pick(objectAt(view.figure, (event.clientX - frame.left - view.x) / view.zoom, (event.clientY - frame.top - view.y) / view.zoom));
}
for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, released);

for (const button of viewer.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoomAt(Number(button.dataset.zoom)));
for (const button of viewer.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
viewer.querySelector("[data-whole]").addEventListener("click", whole);
viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());
picked.querySelector("[data-row]").addEventListener("click", () => {
  viewer.close();
  features.toRow(view.row);
});
viewer.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const far = 60;
  const [right, down] = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key] ?? [0, 0];
  if (event.shiftKey && (right || down)) move(right, down);
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else if (event.key === "+") zoomAt(1.4);
  else if (event.key === "-") zoomAt(1 / 1.4);
  else if (event.key === "0") whole();
  else return;
  event.preventDefault();
});
