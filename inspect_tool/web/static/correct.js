// Corrections drawn on the picture: what the hand draws is seen at once; the server makes labels of it, keeps it, and
// answers with the part that it touched.
import { facts, stage } from "./stage.js";

const REST_MS = 300; // without a stroke for so long, the results are measured
const SAYS = { brush: "stroke", eraser: "stroke", boundary: "boundary", split: "split", merge: "merge", new: "new", click: "click", fill: "fill", delete: "delete", class: "class" };
const COLORS = { eraser: "rgba(255,80,80,0.55)", boundary: "#ff5050", split: "#ff5050", merge: "#50e08c" };

const here = `${facts.base}/correct`;
const view = stage(here);
const at = (id) => document.getElementById(id);
const pen = document.createElement("canvas");
pen.className = "over pen";
pen.hidden = true;
pen.tabIndex = 0;
pen.setAttribute("role", "application");
pen.setAttribute("aria-label", "Drawing. Arrows move the picture, Enter sets a point in its middle, Shift and Enter ends the line.");
view.box.append(pen);
const context = pen.getContext("2d");
let tool = "move", path = [], pending = [], cursor = null, drawing = false, byKeys = false, rest = 0, state = facts, measuring = false, again = false;
let last = Promise.resolve();

const buttons = [...document.querySelectorAll("[data-tool]")];
const radius = () => Number(at("radius").value);
const number = () => Number(at("class")?.value ?? 0);
const how = () => buttons.find((one) => one.dataset.tool === tool).dataset.how;
const isWide = (name) => name === "brush" || name === "eraser";

function choose(name) {
  tool = name;
  for (const one of buttons) one.setAttribute("aria-pressed", one.dataset.tool === name);
  pen.hidden = name === "move";
  if (!pen.hidden) pen.focus({ preventScroll: true });
  path = [];
  byKeys = false;
  at("said").textContent = buttons.find((one) => one.dataset.tool === name).title;
  draw();
}

/** What is sent of a path; null: it is nothing. */
function operation(name, points) {
  const made = { do: SAYS[name] };
  if (["click", "fill", "delete", "class"].includes(name)) made.point = points[0];
  else if (name === "merge") made.points = points.length > 1 ? [points[0], points.at(-1)] : points;
  else made.points = points;
  if (isWide(name)) made.radius = radius();
  if (name === "eraser") made.number = 0;
  else if (facts.kind === "classes" && ["brush", "new", "click", "class"].includes(name)) made.number = number();
  const least = { boundary: 2, split: 2, merge: 2, new: 3 }[name] ?? 1;
  return points.length < least ? null : made;
}

/** One change after the other, in the order in which they were drawn. */
function send(address, body, shown) {
  if (shown) pending.push(shown);
  clearTimeout(rest);
  last = last.then(async () => {
    try {
      const answer = await fetch(`${here}/${address}`, {
        method: "POST", body: body ? JSON.stringify(body) : "", headers: { "Content-Type": "application/json" },
      });
      const told = (answer.headers.get("content-type") ?? "").includes("json") ? await answer.json() : { error: `the server answers ${answer.status}` };
      trouble(told.error);
      if (!told.error) {
        view.touched(told.box);
        state = told;
        tell();
      }
    } catch {
      trouble("the server cannot be reached; what you drew last is not kept");
    }
    if (shown) await settled();
    pending = pending.filter((one) => one !== shown);
    draw();
  });
  rest = setTimeout(measure, REST_MS);
}

/** Wait until the tiles that were touched are on the picture, so that nothing flickers. */
async function settled() {
  for (let i = 0; i < 20; i++) {
    await new Promise((done) => view.box.addEventListener("painted", done, { once: true }));
    if (view.box.dataset.waiting === "0") return;
    await new Promise((done) => setTimeout(done, 20));
    view.draw();
  }
}

function trouble(text) {
  at("trouble").hidden = !text;
  at("trouble").textContent = text ?? "";
}

function tell() {
  at("count").textContent = `${state.position} ${state.position === 1 ? "correction" : "corrections"}`;
  at("undo").disabled = !state.position;
  at("redo").disabled = state.position >= state.operations;
  at("open-commit").disabled = !state.position || Boolean(state.fault);
  at("discard").disabled = !state.operations;
  at("others").replaceChildren(...state.others.map((text) => {
    const line = document.createElement("p");
    line.className = "hint";
    line.textContent = text;
    return line;
  }));
}

/** Measure the field once the hand rests; what is drawn meanwhile is measured after that. */
async function measure() {
  if (drawing || state.fault) return;
  again = measuring;
  if (measuring) return;
  measuring = true;
  at("numbers").setAttribute("aria-busy", "true");
  await last;
  const answer = await fetch(`${here}/numbers`);
  if (answer.ok) at("numbers").innerHTML = await answer.text();
  at("numbers").setAttribute("aria-busy", "false");
  measuring = false;
  if (again) measure();
}

// ------------------------------------------------------------------------------------------------ what the hand draws

function draw() {
  const ratio = devicePixelRatio, scale = view.zoom();
  if (pen.width !== view.box.clientWidth * ratio || pen.height !== view.box.clientHeight * ratio) {
    pen.width = view.box.clientWidth * ratio;
    pen.height = view.box.clientHeight * ratio;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, view.box.clientWidth, view.box.clientHeight);
  for (const one of [...pending, { name: tool, points: path, radius: radius() }]) {
    if (!one.points.length) continue;
    const dots = one.points.map(([x, y]) => view.toScreen(x + 0.5, y + 0.5));
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = isWide(one.name) ? Math.max(1, (2 * one.radius + 1) * scale) : Math.max(2, scale);
    context.strokeStyle = context.fillStyle = COLORS[one.name] ?? "rgba(90,190,255,0.6)";
    context.beginPath();
    dots.forEach((dot, i) => (i ? context.lineTo(dot.x, dot.y) : context.moveTo(dot.x, dot.y)));
    if (dots.length === 1) context.lineTo(dots[0].x + 0.01, dots[0].y);
    if (one.name === "new") context.closePath();
    context.stroke();
  }
  if (tool !== "move") {
    const dot = byKeys || !cursor ? { x: view.box.clientWidth / 2, y: view.box.clientHeight / 2 } : cursor;
    context.lineWidth = 1.5;
    context.strokeStyle = "#ffffff";
    context.beginPath();
    if (isWide(tool)) context.arc(dot.x, dot.y, Math.max(2, (radius() + 0.5) * scale), 0, 7);
    else if (byKeys) { context.moveTo(dot.x - 9, dot.y); context.lineTo(dot.x + 9, dot.y); context.moveTo(dot.x, dot.y - 9); context.lineTo(dot.x, dot.y + 9); }
    context.stroke();
  }
}

function add(x, y) {
  const seen = view.toImage(x, y);
  const point = [
    Math.max(0, Math.min(facts.columns - 1, Math.floor(seen.x))), Math.max(0, Math.min(facts.rows - 1, Math.floor(seen.y))),
  ];
  const before = path.at(-1), near = isWide(tool) ? Math.max(1, radius() / 4) : 1;
  if (!before || Math.hypot(point[0] - before[0], point[1] - before[1]) >= near) path.push(point);
}

function end() {
  const made = operation(tool, path), shown = { name: tool, points: path, radius: radius() };
  path = [];
  drawing = false;
  if (made) send("do", made, shown);
  draw();
}

pen.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  pen.setPointerCapture(event.pointerId);
  pen.focus({ preventScroll: true });
  clearTimeout(rest);
  drawing = true;
  byKeys = false;
  path = [];
  add(event.offsetX, event.offsetY);
  if (how() === "point") end();
  draw();
});
pen.addEventListener("pointermove", (event) => {
  cursor = { x: event.offsetX, y: event.offsetY };
  const box = pen.getBoundingClientRect();
  if (drawing) for (const one of event.getCoalescedEvents?.() ?? [event]) add(one.clientX - box.left, one.clientY - box.top);
  draw();
});
pen.addEventListener("pointerup", () => { if (drawing) end(); });
pen.addEventListener("pointercancel", () => { drawing = false; path = []; draw(); });
pen.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { viewport } = view.viewer, point = viewport.pointFromPixel(new window.OpenSeadragon.Point(event.offsetX, event.offsetY));
  viewport.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2, point);
  viewport.applyConstraints();
}, { passive: false });
view.box.addEventListener("painted", draw);

// --------------------------------------------------------------------------------------------------------- everything else

for (const one of buttons) one.addEventListener("click", () => choose(one.dataset.tool));
at("radius").addEventListener("input", () => { at("radius-said").textContent = `${2 * radius() + 1} px`; draw(); });
at("undo").addEventListener("click", () => send("undo"));
at("redo").addEventListener("click", () => send("redo"));
at("open-commit").addEventListener("click", () => at("commit").showModal());
at("close-commit").addEventListener("click", () => at("commit").close());
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input:not([type=range]), select, textarea, dialog")) return;
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === "z" && !event.shiftKey) send("undo");
    else if (key === "y" || key === "z") send("redo");
    else return;
    event.preventDefault();
    return;
  }
  const wanted = buttons.find((one) => one.dataset.key === event.key);
  if (event.key === "v") choose("move");
  else if (wanted) choose(wanted.dataset.tool);
  else if (event.key === "[" || event.key === "]") {
    at("radius").value = radius() + (event.key === "]" ? 1 : -1);
    at("radius").dispatchEvent(new Event("input"));
  } else if (event.key === "Escape") { path = []; drawing = false; draw(); }
  else if (event.key === " " && !event.target.closest("button, a")) {
    pen.hidden = true; // held: the picture is moved
    event.preventDefault();
  } else if (event.key === "Enter" && event.target === pen) {
    byKeys = true;
    if (!event.shiftKey) add(view.box.clientWidth / 2, view.box.clientHeight / 2);
    if (how() === "point" || event.shiftKey) end();
    draw();
    event.preventDefault();
  }
});
document.addEventListener("keyup", (event) => {
  if (event.key !== " " || tool === "move" || !pen.hidden) return;
  pen.hidden = false;
  pen.focus({ preventScroll: true });
});
tell();
view.viewer.addHandler("open", () => { if (!state.fault) measure(); });
