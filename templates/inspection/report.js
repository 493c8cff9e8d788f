"use strict";
// Layers of a field on and off, a picture large, and a feature table that sorts, filters and turns pages.

for (const box of document.querySelectorAll(".field input[data-layer]")) {
  box.addEventListener("change", () => show(box.closest(".field"), box.dataset.layer, box.checked));
}
for (const box of document.querySelectorAll(".all-layers")) {
  box.addEventListener("change", () => {
    for (const field of document.querySelectorAll(".field")) show(field, box.dataset.layer, box.checked);
  });
}
function show(field, layer, on) {
  for (const image of field.querySelectorAll("img.layer")) {
    if (image.dataset.layer === layer) image.hidden = !on;
  }
  for (const box of field.querySelectorAll("input[data-layer]")) {
    if (box.dataset.layer === layer) box.checked = on;
  }
}

const viewer = document.getElementById("viewer");
const stage = viewer.querySelector(".stage");
const view = { x: 0, y: 0, zoom: 1, stack: null };
function place() {
  view.stack.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
}
function zoomAt(factor, x, y) {
  const zoom = Math.min(40, Math.max(0.1, view.zoom * factor));
  view.x = x - ((x - view.x) * zoom) / view.zoom;
  view.y = y - ((y - view.y) * zoom) / view.zoom;
  view.zoom = zoom;
  place();
}
function enlarge(stack) {
  const copy = stack.cloneNode(true);
  copy.removeAttribute("tabindex");
  const image = stack.querySelector("img");
  copy.style.width = `${image.naturalWidth}px`;
  stage.replaceChildren(copy);
  viewer.querySelector(".bar span").textContent = stack.closest("figure").querySelector("b").textContent;
  viewer.showModal();
  view.stack = copy;
  view.zoom = Math.min(stage.clientWidth / image.naturalWidth, stage.clientHeight / image.naturalHeight);
  view.x = (stage.clientWidth - image.naturalWidth * view.zoom) / 2;
  view.y = (stage.clientHeight - image.naturalHeight * view.zoom) / 2;
  place();
}
for (const stack of document.querySelectorAll(".field .stack")) {
  stack.addEventListener("click", () => enlarge(stack));
  stack.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      enlarge(stack);
    }
  });
}
stage.addEventListener("wheel", (event) => {
  event.preventDefault();
  const frame = stage.getBoundingClientRect();
  zoomAt(Math.exp(-event.deltaY / 400), event.clientX - frame.left, event.clientY - frame.top);
}, { passive: false });
stage.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  stage.setPointerCapture(event.pointerId);
  stage.classList.add("moving");
});
stage.addEventListener("pointermove", (event) => {
  if (!stage.classList.contains("moving")) return;
  view.x += event.movementX;
  view.y += event.movementY;
  place();
});
stage.addEventListener("pointerup", () => stage.classList.remove("moving"));
for (const button of viewer.querySelectorAll("button[data-zoom]")) {
  button.addEventListener("click", () => zoomAt(Number(button.dataset.zoom), stage.clientWidth / 2, stage.clientHeight / 2));
}
viewer.querySelector("[data-close]").addEventListener("click", () => viewer.close());

const table = document.getElementById("features");
if (table) {
  const PAGE = 50;
  const data = JSON.parse(document.getElementById("feature-data").textContent);
  const flush = data.columns.map((_, i) => data.rows.every((row) => row[i] === null || typeof row[i] === "number"));
  const state = { rows: data.rows, column: -1, down: false, page: 0 };

  const head = document.createElement("tr");
  data.columns.forEach((name, i) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.tabIndex = 0;
    cell.textContent = name;
    cell.setAttribute("aria-sort", "none");
    if (flush[i]) cell.className = "n";
    const sort = () => {
      state.down = state.column === i ? !state.down : flush[i];
      state.column = i;
      state.page = 0;
      draw();
    };
    cell.addEventListener("click", sort);
    cell.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
    head.append(cell);
  });
  table.tHead.append(head);

  function text(value, i) {
    if (value === null) return "–";
    if (typeof value === "boolean") return value ? data.words.yes : data.words.no;
    if (typeof value !== "number") return value;
    const place = data.places[i];
    const plain = place !== null ? value.toFixed(place) : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
    return plain.replace("-", "\u2212").replace(".", data.words.sign);
  }
  // "area > 20" compares the first column whose name holds "area"; anything else is looked for as text
  function matcher(query) {
    const parts = /^\s*(.+?)\s*(<=|>=|<|>|=)\s*(-?[\d.]+)\s*$/.exec(query);
    if (parts) {
      const wanted = parts[1].toLowerCase().replaceAll(" ", "_");
      const i = data.names.findIndex((name) => name.includes(wanted));
      const limit = Number(parts[3]);
      if (i >= 0) {
        return (row) => row[i] !== null && { "<": row[i] < limit, ">": row[i] > limit, "<=": row[i] <= limit, ">=": row[i] >= limit, "=": row[i] === limit }[parts[2]];
      }
    }
    const wanted = query.trim().toLowerCase();
    return (row) => row.some((value, i) => text(value, i).toLowerCase().includes(wanted));
  }
  function draw() {
    const query = document.getElementById("find").value;
    const rows = query.trim() ? data.rows.filter(matcher(query)) : data.rows.slice();
    if (state.column >= 0) {
      const sign = state.down ? -1 : 1;
      rows.sort((a, b) => {
        const [left, right] = [a[state.column], b[state.column]];
        if (left === null || right === null) return (left === null) - (right === null);
        return sign * (typeof left === "string" ? left.localeCompare(right, data.words.language, { numeric: true }) : left - right);
      });
    }
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const body = document.createDocumentFragment();
    for (const row of rows.slice(state.page * PAGE, (state.page + 1) * PAGE)) {
      const line = document.createElement("tr");
      row.forEach((value, i) => {
        const cell = document.createElement("td");
        cell.textContent = text(value, i);
        if (flush[i]) cell.className = "n";
        line.append(cell);
      });
      body.append(line);
    }
    table.tBodies[0].replaceChildren(body);
    [...head.cells].forEach((cell, i) => cell.setAttribute("aria-sort", i !== state.column ? "none" : state.down ? "descending" : "ascending"));
    document.getElementById("found").textContent = data.words.found.replace("{found}", rows.length).replace("{all}", data.rows.length);
    document.getElementById("page").textContent = `${state.page + 1} / ${pages}`;
    document.getElementById("previous").disabled = state.page === 0;
    document.getElementById("next").disabled = state.page >= pages - 1;
  }
  document.getElementById("find").addEventListener("input", () => { state.page = 0; draw(); });
  document.getElementById("previous").addEventListener("click", () => { state.page -= 1; draw(); });
  document.getElementById("next").addEventListener("click", () => { state.page += 1; draw(); });
  draw();
}
