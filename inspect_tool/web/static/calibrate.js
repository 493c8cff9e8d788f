// Placing the two ends of a known length, to a fraction of a pixel, several times.
// Ends are columns and rows of the image itself; 0 is the center of its first pixel.
const canvas = document.getElementById("picture");
const lens = document.getElementById("magnifier");
const form = document.getElementById("keep");
const size = { rows: Number(canvas.dataset.rows), columns: Number(canvas.dataset.columns) };
const buttons = { a: document.getElementById("end-a"), b: document.getElementById("end-b") };
const ends = { a: null, b: null };
const kept = [];
const ZOOM = 12; // pixels of the magnifier per pixel of the image
const COLORS = { a: "#ff3b30", b: "#0a84ff" };
let active = "a";
let asked = 0;

const image = new Image();

// ------------------------------------------------------------------------------------------------------------- drawing

function fit() {
  const wide = canvas.clientWidth;
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${(wide * size.rows) / size.columns}px`;
  canvas.width = Math.round(wide * ratio);
  canvas.height = Math.round((wide * size.rows * ratio) / size.columns);
  draw();
}

function draw() {
  const context = canvas.getContext("2d");
  const scale = canvas.width / size.columns;
  context.imageSmoothingEnabled = scale < 2;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const [a, b] = [ends.a, ends.b].map((end) => end && [(end[0] + 0.5) * scale, (end[1] + 0.5) * scale]);
  if (a && b) {
    context.strokeStyle = "#ffd60a";
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(...a);
    context.lineTo(...b);
    context.stroke();
  }
  for (const [name, at] of [["a", a], ["b", b]]) if (at) cross(context, at, COLORS[name], name === active ? 14 : 9);
  magnify();
}

function cross(context, [x, y], color, arm) {
  for (const [style, width] of [["#fff", 3.5], [color, 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 3 * dx, y + 3 * dy);
      context.lineTo(x + arm * dx, y + arm * dy);
    }
    context.stroke();
  }
}

function magnify() {
  const context = lens.getContext("2d");
  context.clearRect(0, 0, lens.width, lens.height);
  const end = ends[active];
  if (!end || !image.naturalWidth) return;
  const shown = image.naturalWidth / size.columns; // 1, or less where the picture was made smaller
  const seen = lens.width / ZOOM;
  context.imageSmoothingEnabled = false;
  context.drawImage(
    image,
    (end[0] + 0.5 - seen / 2) * shown, (end[1] + 0.5 - seen / 2) * shown, seen * shown, seen * shown,
    0, 0, lens.width, lens.height,
  );
  cross(context, [lens.width / 2, lens.height / 2], COLORS[active], 40);
}

// ------------------------------------------------------------------------------------------------------------- placing

function moved(name, column, row) {
  ends[name] = [
    Math.min(Math.max(column, -0.5), size.columns - 0.5),
    Math.min(Math.max(row, -0.5), size.rows - 0.5),
  ];
  const both = ends.a && ends.b;
  document.getElementById("place").disabled = !both;
  const [x, y] = ends[name];
  const length = both ? `, ${Math.hypot(ends.b[0] - ends.a[0], ends.b[1] - ends.a[1]).toFixed(2)} px between the ends` : "";
  document.getElementById("where").textContent = `End ${name.toUpperCase()} at column ${x.toFixed(2)}, row ${y.toFixed(2)}${length}`;
  draw();
}

function choose(name) {
  active = name;
  for (const each of ["a", "b"]) buttons[each].setAttribute("aria-pressed", String(each === name));
  draw();
}

canvas.addEventListener("pointerdown", (event) => {
  const box = canvas.getBoundingClientRect();
  const scale = size.columns / canvas.clientWidth;
  const at = [(event.clientX - box.left - canvas.clientLeft) * scale - 0.5, (event.clientY - box.top - canvas.clientTop) * scale - 0.5];
  // the first two clicks are the two ends; later ones move the nearer end
  let name = ends.a ? (ends.b ? nearer(at) : "b") : "a";
  choose(name);
  moved(name, ...at);
});

function nearer(at) {
  const far = (name) => Math.hypot(ends[name][0] - at[0], ends[name][1] - at[1]);
  return far("a") <= far("b") ? "a" : "b";
}

lens.addEventListener("pointerdown", (event) => {
  const end = ends[active];
  if (!end) return;
  const box = lens.getBoundingClientRect();
  const [dx, dy] = [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
  moved(active, end[0] + dx / ZOOM, end[1] + dy / ZOOM);
});

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function pressed(event) {
  const step = STEPS[event.key];
  if (step) {
    const by = event.shiftKey ? 10 : 0.5;
    const [x, y] = ends[active] ?? [Math.round(size.columns / 2), Math.round(size.rows / 2)];
    moved(active, x + by * step[0], y + by * step[1]);
  } else if (event.key === "a" || event.key === "b") {
    choose(event.key);
  } else if (event.key === "Enter" && event.target === canvas && ends.a && ends.b) {
    place();
  } else {
    return;
  }
  event.preventDefault();
}

canvas.addEventListener("keydown", pressed);
for (const [name, button] of Object.entries(buttons)) {
  button.addEventListener("click", () => choose(name));
  button.addEventListener("keydown", (event) => {
    if (STEPS[event.key]) pressed(event);
  });
}

// ------------------------------------------------------------------------------------------------------- what it gives

function place() {
  kept.push([...ends.a, ...ends.b]);
  ends.a = ends.b = null;
  document.getElementById("place").disabled = true;
  document.getElementById("where").textContent = `Placement ${kept.length} is kept. Click the first end anew.`;
  choose("a");
  listed();
}

function listed() {
  const list = document.getElementById("placements");
  list.replaceChildren(
    ...kept.map(([x1, y1, x2, y2], i) => {
      const line = document.createElement("li");
      line.append(`${Math.hypot(x2 - x1, y2 - y1).toFixed(2)} px `);
      const away = document.createElement("button");
      away.type = "button";
      away.className = "plain";
      away.textContent = "Remove";
      away.setAttribute("aria-label", `Remove placement ${i + 1}`);
      away.addEventListener("click", () => {
        kept.splice(i, 1);
        listed();
      });
      line.append(away);
      return line;
    }),
  );
  document.getElementById("lines").value = kept.map((line) => line.join(",")).join(";");
  reckon();
}

async function reckon() {
  const found = document.getElementById("found");
  const save = document.getElementById("save");
  asked += 1;
  const mine = asked;
  save.disabled = true;
  if (kept.length < 2 || !document.getElementById("length").value.trim()) {
    found.replaceChildren();
    return;
  }
  const sent = await fetch(form.dataset.reckon, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
  const text = await sent.text();
  if (mine !== asked) return; // something was changed meanwhile
  found.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.children);
  save.disabled = !sent.ok;
}

document.getElementById("place").addEventListener("click", place);
for (const id of ["length", "tolerance", "what"]) {
  document.getElementById(id).addEventListener("input", reckon);
}
for (const radio of form.querySelectorAll("input[name=keep]")) {
  radio.addEventListener("change", () => {
    document.getElementById("instrument").hidden = !document.getElementById("for-instrument").checked;
  });
}

image.addEventListener("load", fit);
image.addEventListener("error", () => {
  document.getElementById("where").textContent = "The picture cannot be shown; go back to the inbox.";
});
image.src = canvas.dataset.address;
window.addEventListener("resize", fit);
