// The form of a new inspection: what is wrong stands beside its field, and a region is drawn on the first image chosen.
const ask = document.getElementById("ask");

function showFault() {
  for (const old of ask.querySelectorAll(".wrong")) old.remove();
  for (const old of ask.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
  const fault = document.querySelector("#check [data-of]");
  const field = fault?.dataset.of && ask.querySelector(`.field[data-key="${CSS.escape(fault.dataset.of)}"]`);
  if (!field) return;
  const line = document.createElement("small");
  line.className = "wrong";
  line.textContent = fault.textContent.replace(`${fault.dataset.of}: `, "").replace(`${fault.dataset.of} `, "");
  field.append(line);
  field.querySelector("input, select").setAttribute("aria-invalid", "true");
  for (let folded = field.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
}

function showStated() {
  const scale = ask.elements.scale;
  for (const field of ask.querySelectorAll(".stated")) field.hidden = scale?.value !== "stated";
}

// what is said of images that are not chosen is not sent
function showChosen() {
  for (const box of ask.querySelectorAll("[name='image']"))
    for (const field of box.closest("tr").querySelectorAll("input:not([name='image']), select")) field.disabled = !box.checked;
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "check") showFault();
});
for (const show of [showStated, showChosen]) {
  ask.addEventListener("change", show);
  show();
}

// ---------------------------------------------------------------------------------------------------------- a region
const draw = document.getElementById("draw");
if (draw) {
  const image = document.getElementById("draw-image");
  const shape = document.getElementById("draw-shape");
  const says = document.getElementById("draw-says");
  const outline = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
  shape.append(outline);
  shape.setAttribute("preserveAspectRatio", "none");
  let tool = "";
  let corners = []; // row, column in pixels of the image
  let from = null;

  const chosen = () => ask.querySelector("[name='image']:checked");

  function load() {
    const box = chosen();
    image.hidden = !box;
    if (!box) {
      says.textContent = "Choose an image first.";
      return;
    }
    const address = `/inspections/new/picture/${box.value}`;
    if (!image.src.endsWith(address)) image.src = address;
    shape.setAttribute("viewBox", `0 0 ${box.dataset.columns} ${box.dataset.rows}`);
    says.textContent = tool ? "" : "Choose what to draw.";
  }

  image.addEventListener("error", () => {
    image.hidden = true;
    says.textContent = "This image is turned by its file: type the numbers instead.";
  });

  function put(points) {
    outline.setAttribute("points", points.map(([row, column]) => `${column},${row}`).join(" "));
  }

  function write(name, value) {
    const field = ask.elements[`region.${name}`];
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function at(event) {
    const box = shape.getBoundingClientRect();
    const { rows, columns } = chosen().dataset;
    const inside = (part, size) => Math.max(0, Math.min(size, Math.round(part * size)));
    return [
      inside((event.clientY - box.top) / box.height, Number(rows)),
      inside((event.clientX - box.left) / box.width, Number(columns)),
    ];
  }

  const rectangle = ([top, left], [bottom, right]) => [[top, left], [top, right], [bottom, right], [bottom, left]];

  shape.addEventListener("pointerdown", (event) => {
    if (!tool || !chosen()) return;
    event.preventDefault();
    const place = at(event);
    if (tool === "rectangle") {
      from = place;
      shape.setPointerCapture(event.pointerId);
      return;
    }
    corners.push(place);
    put(corners);
    if (corners.length > 2) write("polygon", JSON.stringify(corners));
    says.textContent = corners.length > 2 ? "" : "Click the next corner.";
  });
  shape.addEventListener("pointermove", (event) => {
    if (from) put(rectangle(from, at(event)));
  });
  shape.addEventListener("pointerup", (event) => {
    if (!from) return;
    const to = at(event);
    const [top, left] = [Math.min(from[0], to[0]), Math.min(from[1], to[1])];
    const [height, width] = [Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])];
    from = null;
    if (height && width) write("rectangle", JSON.stringify([top, left, height, width]));
  });
  draw.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-tool]")?.dataset.tool;
    if (!asked) return;
    corners = [];
    put([]);
    for (const name of ["rectangle", "polygon"]) write(name, "");
    tool = asked === "clear" ? "" : asked;
    for (const button of draw.querySelectorAll("[aria-pressed]"))
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    load();
    if (tool) says.textContent = tool === "rectangle" ? "Pull it open on the picture." : "Click its corners.";
  });
  draw.closest("details").addEventListener("toggle", load);
  ask.addEventListener("change", load);
}
