// A field and the table of what was found on it: an object lights up its row, and a row its object.
import { facts, stage } from "./stage.js";

const ROW = 28, AROUND = 12;
const LEFT_OUT = new Set(["top_px", "left_px", "bottom_px", "right_px"]);
const view = stage(facts.base);
const box = document.getElementById("features");
const said = document.getElementById("lit");
let columns = [], rows = [], order = [], sorted = null, chosen = null;

async function read() {
  if (!facts.has_labels) return;
  const answer = await fetch(`${facts.base}/features`);
  if (!answer.ok) return;
  const table = await answer.json();
  columns = table.columns.map((name, i) => ({ name, i })).filter(({ name }) => !LEFT_OUT.has(name));
  rows = table.rows;
  order = rows.map((_, i) => i);
  document.getElementById("found").textContent = `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  const head = document.createElement("thead"), line = head.insertRow();
  line.setAttribute("role", "row");
  for (const column of columns) {
    const cell = document.createElement("th"), button = document.createElement("button");
    button.textContent = column.name.replaceAll("_", " ");
    button.title = "Sort";
    button.addEventListener("click", () => sort(column));
    cell.setAttribute("role", "columnheader");
    cell.append(button);
    line.append(cell);
  }
  const made = document.createElement("table");
  made.setAttribute("role", "presentation");
  made.append(head, document.createElement("tbody"));
  box.replaceChildren(made);
  box.setAttribute("aria-rowcount", rows.length);
  fill();
}

function sort(column) {
  const down = sorted?.column === column && !sorted.down;
  sorted = { column, down };
  const value = (i) => rows[i][column.i];
  order.sort((a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : a - b) * (down ? -1 : 1));
  fill();
}

// only the rows that are seen are in the page: there may be thousands
function fill() {
  const body = box.querySelector("tbody");
  if (!body) return;
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - AROUND);
  const last = Math.min(order.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + AROUND);
  const gap = (count) => {
    const line = document.createElement("tr"), cell = line.insertCell();
    line.className = "gap";
    line.setAttribute("role", "presentation");
    cell.colSpan = columns.length;
    cell.style.height = `${count * ROW}px`;
    return line;
  };
  const shown = order.slice(first, last).map((i) => {
    const line = document.createElement("tr");
    line.dataset.row = i;
    line.setAttribute("role", "row");
    line.setAttribute("aria-selected", i === chosen);
    for (const column of columns) {
      const cell = line.insertCell(), value = rows[i][column.i];
      cell.setAttribute("role", "gridcell");
      cell.textContent = typeof value === "number" ? String(+value.toPrecision(5)) : value === true ? "yes" : value === false ? "" : value ?? "–";
    }
    return line;
  });
  body.replaceChildren(gap(first), ...shown, gap(order.length - last));
}

async function light(query, center) {
  const answer = await fetch(`${facts.base}/object?${query}`);
  if (!answer.ok) return;
  const found = await answer.json();
  view.light(found.outlines);
  chosen = found.row;
  said.textContent = found.fault || (found.row === null ? "The table has no row of this object." : `Row ${found.row + 1} of the table.`);
  if (center) view.show(found.outlines);
  else if (chosen !== null) box.scrollTop = Math.max(0, order.indexOf(chosen) * ROW - box.clientHeight / 2);
  fill();
}

box.addEventListener("scroll", fill);
box.addEventListener("click", (event) => {
  const line = event.target.closest("tr[data-row]");
  if (line) light(`row=${line.dataset.row}`, true);
});
box.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !order.length) return;
  event.preventDefault();
  const at = Math.max(0, Math.min(order.length - 1, chosen === null ? 0 : order.indexOf(chosen) + step));
  box.scrollTop = Math.max(0, at * ROW - box.clientHeight / 2);
  light(`row=${order[at]}`, true);
});
view.viewer.addHandler("canvas-click", (event) => {
  if (!event.quick || !facts.has_labels) return;
  const at = view.toImage(event.position.x, event.position.y);
  light(`x=${Math.floor(at.x)}&y=${Math.floor(at.y)}`, false);
});
read();
