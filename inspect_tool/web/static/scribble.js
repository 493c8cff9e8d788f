// Strokes on a picture: drawn here, rasterized and learned from at the server; the page keeps them, one list in their order.
const place = document.getElementById("scribble");
const [sheet, canvas, overlay, state, fault] = ["sheet", "strokes", "overlay", "state", "fault"].map((id) => document.getElementById(id));
const colors = place.dataset.colors.split(",");
const rows = Number(place.dataset.rows);
const columns = Number(place.dataset.columns);
const pen = canvas.getContext("2d");
const here = window.location.pathname;
const kept = `strokes of ${here}`;
const latest = "classes of strokes";
let strokes = [];
let taken = new Set(); // pages of other pictures whose strokes teach too
let classes = ["matrix", "phase"];
let chosen = 0;
let drawn = null; // the stroke under the pointer
let cursor = null; // of the keys
let asks = 0; // answers of older ones are not shown
let busy = false;
let again = false;
let idle = 0;

const width = document.getElementById("width");
const overlayShown = document.getElementById("overlay-shown");

restore();
others();
listed();
traced();
if (strokes.length || taken.size) changed();

function restore() {
  try {
    const found = JSON.parse(sessionStorage.getItem(kept) ?? "null");
    if (found) {
      ({ strokes, classes } = found);
      taken = new Set(found.taken ?? []);
    } else {
      classes = JSON.parse(sessionStorage.getItem(latest) ?? "null") ?? classes; // of the picture drawn on before
    }
  } catch {
    sessionStorage.removeItem(kept);
  }
}

function plain(some) {
  return some.map(({ kind, width_px, points }) => ({ kind, width_px, points }));
}

function said() {
  const also = elsewhere().filter(({ page }) => taken.has(page)).map(({ page, strokes: own }) => ({ page, strokes: plain(own) }));
  return { strokes: plain(strokes), classes: classes.map((name) => name.trim()), also };
}

// ---- strokes on other pictures, which this tab keeps: those of the same classes may teach too

function elsewhere() {
  const found = [];
  for (let i = 0; i < sessionStorage.length; i += 1) {
    const key = sessionStorage.key(i);
    const page = key.startsWith("strokes of ") ? key.slice("strokes of ".length) : here;
    if (page === here) continue;
    try {
      const one = JSON.parse(sessionStorage.getItem(key));
      const is = one.strokes.length && one.classes.join("\n") === classes.join("\n");
      if (is) found.push({ page, title: one.title ?? page, strokes: one.strokes });
    } catch {
      // what another version kept
    }
  }
  return found.sort((a, b) => a.page.localeCompare(b.page));
}

function others() {
  const found = elsewhere();
  document.getElementById("others").hidden = found.length === 0;
  document.getElementById("other-pictures").replaceChildren(...found.map(({ page, title, strokes: own }) => {
    const label = Object.assign(document.createElement("label"), { className: "row" });
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: taken.has(page) });
    box.addEventListener("change", () => {
      if (box.checked) taken.add(page);
      else taken.delete(page);
      changed();
    });
    label.append(box, ` ${title}: ${own.length} ${own.length === 1 ? "stroke" : "strokes"}`);
    return label;
  }));
}

// ---- classes

function listed() {
  const body = document.getElementById("classes");
  body.replaceChildren(...classes.map((name, i) => {
    const row = document.createElement("tr");
    const cells = ["pen", "name", "count", "area"].map(() => document.createElement("td"));
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "class", checked: i === chosen });
    radio.setAttribute("aria-label", `draw ${name || `class ${i + 1}`}`);
    radio.addEventListener("change", () => { chosen = i; });
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    swatch.style.background = colors[i];
    const both = Object.assign(document.createElement("label"), { className: "pen" });
    both.append(radio, swatch);
    cells[0].append(both);
    const text = Object.assign(document.createElement("input"), { value: name });
    text.setAttribute("aria-label", `name of class ${i + 1}`);
    text.addEventListener("change", () => { classes[i] = text.value; changed(); });
    cells[1].append(text);
    cells[2].className = cells[3].className = "number";
    cells[2].textContent = strokes.filter((stroke) => stroke.kind === i).length;
    cells[3].id = `area-${i}`;
    row.append(...cells);
    return row;
  }));
  document.getElementById("more").disabled = classes.length >= colors.length;
  document.getElementById("fewer").disabled = classes.length <= 2 || strokes.some((stroke) => stroke.kind === classes.length - 1);
  document.getElementById("undo").disabled = strokes.length === 0;
}

document.getElementById("more").addEventListener("click", () => {
  classes.push(`phase ${classes.length}`);
  changed();
});
document.getElementById("fewer").addEventListener("click", () => {
  classes.pop();
  chosen = Math.min(chosen, classes.length - 1);
  changed();
});
document.getElementById("recipe").addEventListener("change", (event) => {
  const usual = event.target.selectedOptions[0].dataset.classes.split(",").filter(Boolean);
  if (usual.length >= 2 && usual.length > Math.max(-1, ...strokes.map((stroke) => stroke.kind))) {
    classes = usual.slice(0, colors.length);
    chosen = Math.min(chosen, classes.length - 1);
    changed();
  }
});

// ---- drawing

function at(event) {
  const box = canvas.getBoundingClientRect();
  const within = (value, most) => Math.min(Math.max(Math.floor(value), 0), most - 1);
  return [within(((event.clientX - box.left) / box.width) * columns, columns), within(((event.clientY - box.top) / box.height) * rows, rows)];
}

function begun(point) {
  drawn = { kind: chosen, width_px: Number(width.value), points: [point] };
  traced();
}

function moved(point) {
  const last = drawn.points.at(-1);
  if (drawn.points.length < 5000 && (last[0] !== point[0] || last[1] !== point[1])) {
    drawn.points.push(point);
    traced();
  }
}

function ended() {
  strokes.push(drawn);
  drawn = null;
  changed();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  cursor = null;
  begun(at(event));
});
canvas.addEventListener("pointermove", (event) => {
  if (drawn) for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) moved(at(one));
});
canvas.addEventListener("pointerup", () => { if (drawn) ended(); });
canvas.addEventListener("pointercancel", () => { drawn = null; traced(); });
canvas.addEventListener("blur", () => {
  cursor = null;
  if (drawn) ended();
  traced();
});
canvas.addEventListener("keydown", (event) => {
  const step = event.shiftKey ? 10 : 1;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (event.key in moves) {
    cursor ??= [Math.floor(columns / 2), Math.floor(rows / 2)];
    const [x, y] = moves[event.key];
    cursor = [Math.min(Math.max(cursor[0] + x, 0), columns - 1), Math.min(Math.max(cursor[1] + y, 0), rows - 1)];
    if (drawn) moved(cursor);
    traced();
  } else if (event.key === " ") {
    cursor ??= [Math.floor(columns / 2), Math.floor(rows / 2)];
    if (drawn) ended();
    else begun(cursor);
  } else return;
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input:not([type=radio]):not([type=range]), textarea, select")) return;
  if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
  else if (event.key === "o") toggled();
  else if (/^[1-9]$/.test(event.key) && Number(event.key) <= classes.length && !event.ctrlKey) {
    chosen = Number(event.key) - 1;
    listed();
  } else return;
  event.preventDefault();
});
document.getElementById("undo").addEventListener("click", undo);

function undo() {
  if (strokes.length) {
    strokes.pop();
    changed();
  }
}

function traced() {
  pen.clearRect(0, 0, columns, rows);
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of drawn ? [...strokes, drawn] : strokes) {
    pen.beginPath();
    stroke.points.forEach(([x, y], i) => (i ? pen.lineTo(x + 0.5, y + 0.5) : pen.moveTo(x + 0.5, y + 0.5)));
    if (stroke.points.length === 1) pen.lineTo(stroke.points[0][0] + 0.51, stroke.points[0][1] + 0.5);
    for (const [tint, wider] of [["#ffffff", 2], [colors[stroke.kind], 0]]) {
      pen.strokeStyle = tint;
      pen.lineWidth = stroke.width_px + wider;
      pen.stroke();
    }
  }
  if (cursor) {
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 1;
    pen.strokeRect(cursor[0] - 6, cursor[1] - 6, 13, 13);
    pen.strokeStyle = "#000000";
    pen.strokeRect(cursor[0] - 7, cursor[1] - 7, 15, 15);
  }
}

// ---- learning

function changed() {
  sessionStorage.setItem(latest, JSON.stringify(classes));
  sessionStorage.setItem(kept, JSON.stringify({ strokes, classes, taken: [...taken], title: place.dataset.title }));
  listed();
  others();
  traced();
  document.getElementById("kept").hidden = true;
  document.getElementById("agreement").textContent = "";
  learn();
}

async function ask(what, more = {}) {
  const answer = await fetch(`${here}/${what}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...said(), ...more }) });
  const found = (answer.headers.get("content-type") ?? "").startsWith("application/json") ? await answer.json() : { fault: `the server did not answer as it should (${answer.status})` };
  if (found.fault) throw new Error(found.fault);
  return found;
}

function failed(error) {
  fault.textContent = error.message;
  fault.hidden = false;
}

async function learn() {
  clearTimeout(idle);
  asks += 1;
  const every = said();
  const teaching = [every.strokes, ...every.also.map((one) => one.strokes)].flat();
  const missing = classes.filter((_, i) => !teaching.some((stroke) => stroke.kind === i));
  if (missing.length) {
    state.textContent = `Still without a stroke: ${missing.join(", ")}`;
    overlay.hidden = true;
    overlay.removeAttribute("src");
    place.removeAttribute("data-shown");
    return;
  }
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  const mine = asks;
  state.textContent = "Learning";
  try {
    const found = await ask("learn");
    if (mine === asks) shown(found);
  } catch (error) {
    failed(error);
    state.textContent = "";
  }
  busy = false;
  if (again) {
    again = false;
    learn();
  }
}

function shown({ percent, unsure_percent: unsure, overlay: picture }) {
  fault.hidden = true;
  overlay.src = picture;
  overlay.hidden = overlayShown.getAttribute("aria-pressed") !== "true";
  percent.forEach((value, i) => { document.getElementById(`area-${i}`).textContent = `${value.toFixed(2)} %`; });
  document.getElementById("unsure").textContent = `${unsure.toFixed(1)} % of the picture is unsure.`;
  state.textContent = "Learned";
  place.dataset.shown = String(strokes.length);
  const own = said();
  const teaching = [own.strokes, ...own.also.map((one) => one.strokes)].flat();
  const least = Math.min(...classes.map((_, i) => teaching.filter((stroke) => stroke.kind === i).length));
  if (least >= 2) idle = setTimeout(agreed, 1500);
}

async function agreed() {
  const mine = asks;
  try {
    const { scores } = await ask("agree");
    if (mine !== asks) return;
    const [mean] = Object.values(scores);
    document.getElementById("agreement").textContent = `Strokes that were left out are found to ${(100 * mean).toFixed(0)} % (mean of the classes, stroke by stroke).`;
  } catch (error) {
    if (mine === asks) failed(error);
  }
}

// ---- looking, keeping, leaving

function toggled() {
  const is = overlayShown.getAttribute("aria-pressed") !== "true";
  overlayShown.setAttribute("aria-pressed", String(is));
  overlay.hidden = !is || !overlay.src;
}
overlayShown.addEventListener("click", toggled);
width.addEventListener("input", () => { document.getElementById("width-said").textContent = width.value; });
document.getElementById("zoom").addEventListener("change", (event) => {
  const zoom = event.target.value;
  sheet.style.width = zoom === "fit" ? "" : `${columns * Number(zoom)}px`;
  sheet.classList.toggle("large", zoom !== "fit" && Number(zoom) > 1);
});
document.getElementById("keep").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = document.getElementById("keep-button");
  button.disabled = true;
  state.textContent = "Training, judging and keeping";
  try {
    const found = await ask("keep", { name: document.getElementById("name").value.trim(), recipe: document.getElementById("recipe").value });
    fault.hidden = true;
    const done = document.getElementById("kept");
    const [mean] = Object.values(found.scores);
    done.textContent = `Kept as ${found.name} (${found.sha256.slice(0, 12)}). Marked pixels found: ${(100 * mean).toFixed(0)} %, ${found.how}. In an inspection of this lab: backend pixels, model ../../models/${found.name}`;
    done.hidden = false;
  } catch (error) {
    failed(error);
  }
  state.textContent = "";
  button.disabled = false;
});
window.addEventListener("pagehide", () => {
  fetch(`${here}/close`, { method: "POST", keepalive: true, headers: { "Content-Type": "text/plain" }, body: "closed" });
});
