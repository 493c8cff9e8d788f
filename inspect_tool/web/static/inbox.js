// Giving images, several at a time with a bar each, and choosing among them.
const AT_ONCE = 3;
const waiting = [];
let running = 0;

const grid = document.getElementById("images");
const drop = document.getElementById("give");
const told = document.getElementById("told");

// -------------------------------------------------------------------------------------------------------------- giving

function queued(file, name, text) {
  const line = document.createElement("li");
  const label = document.createElement("bdi");
  label.className = "name";
  label.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  const state = document.createElement("span");
  state.textContent = "waits";
  line.append(label, bar, state);
  document.getElementById("sending").append(line);
  waiting.push({ file, name, text, line, bar, state });
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    send(waiting.shift());
  }
}

function send({ file, name, text, line, bar, state }) {
  const form = new FormData();
  form.append("name", name);
  form.append("calibration", document.getElementById("instrument")?.value ?? "");
  form.append("file", file, "one.image");
  if (text) form.append("file", text, "one.txt"); // what the microscope wrote beside it
  const request = new XMLHttpRequest();
  request.open("POST", "/inbox/give");
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
    state.textContent = bar.value < 1 ? `${Math.round(100 * bar.value)} %` : "is read";
  });
  request.upload.addEventListener("load", () => {
    bar.removeAttribute("value");
    state.textContent = "is read";
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    finished(request, name, line);
    next();
  });
  request.send(form);
}

function finished(request, name, line) {
  const answer = new DOMParser().parseFromString(request.responseText, "text/html").body.firstElementChild;
  if (request.status === 200 && answer?.matches("li.tile")) {
    line.remove();
    document.getElementById(answer.id)?.remove();
    grid.prepend(answer);
    document.getElementById("nothing").hidden = true;
    if (!answer.querySelector(".hint")) oneMore(answer.dataset.state);
    told.textContent = answer.dataset.state === "refused" ? `${name}: refused` : `${name}: is in the inbox`;
    return;
  }
  const reason = document.createElement("p");
  reason.className = "fault";
  reason.setAttribute("role", "alert");
  const left = request.getResponseHeader("HX-Redirect") ? "you are not in any more; enter again" : "";
  reason.textContent = left || answer?.textContent.trim() || `${name}: the workbench did not answer; give it again`;
  line.replaceChildren(reason);
}

function oneMore(state) {
  for (const name of [state, "all"]) {
    const count = document.querySelector(`small[data-of="${name}"]`);
    if (count) count.textContent = Number(count.textContent) + 1;
  }
}

const CRC = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

/** Files as a ZIP without compression: an image that is a folder is sent as one. */
async function packed(files) {
  const parts = [], ends = [];
  let offset = 0, size = 0;
  for (const [file, name] of files) {
    const text = new TextEncoder().encode(name), sum = crc32(new Uint8Array(await file.arrayBuffer()));
    const head = new DataView(new ArrayBuffer(46)); // of the list at the end; what stands before a file is a part of it
    head.setUint32(0, 0x02014b50, true);
    for (const [at, value] of [[4, 20], [6, 20], [8, 0x0800], [14, 33], [28, text.length]]) head.setUint16(at, value, true);
    for (const [at, value] of [[16, sum], [20, file.size], [24, file.size], [42, offset]]) head.setUint32(at, value, true);
    const before = new Uint8Array(30);
    new DataView(before.buffer).setUint32(0, 0x04034b50, true);
    before.set(new Uint8Array(head.buffer, 6, 26), 4);
    parts.push(before, text, file);
    ends.push(new Uint8Array(head.buffer), text);
    offset += 30 + text.length + file.size;
    size += 46 + text.length;
  }
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  for (const at of [8, 10]) end.setUint16(at, files.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return new Blob([...parts, ...ends, end.buffer]);
}

const MOST_FILES = 65535, MOST_BYTES = 2 ** 32 - 1; // of a ZIP of the plain kind

/** Take the files of images that are folders out of others, and send each as one. */
async function withoutFolders(files) {
  const folders = new Map(), rest = [];
  for (const [file, name] of files) {
    const inner = /^(.*?\.zarr)\/(.+)$/i.exec(name);
    if (!inner) rest.push([file, name]);
    else folders.set(inner[1], [...(folders.get(inner[1]) ?? []), [file, inner[2]]]);
  }
  for (const [name, held] of folders) {
    const bytes = held.reduce((sum, [file]) => sum + file.size + 200, 0);
    if (held.length > MOST_FILES || bytes > MOST_BYTES) told.textContent = `${name}: is too large to be packed here; pack it as ${name}.zip and give that`;
    else rest.push([await packed(held), `${name}.zip`]);
  }
  return rest;
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push([file, path + entry.name]);
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at most
    if (!entries.length) return;
    for (const each of entries) await walk(each, `${path}${entry.name}/`, found);
  }
}

const stem = (name) => name.slice(0, Math.max(0, name.lastIndexOf("."))).toLowerCase();
const isText = (name) => name.toLowerCase().endsWith(".txt");

/** Send images; a text of the same name goes with its image, and an image that is a folder goes whole. */
async function queue(given) {
  const files = await withoutFolders(given);
  const texts = new Map(files.filter(([, name]) => isText(name)).map(([file, name]) => [stem(name), file]));
  const stems = new Set(files.filter(([, name]) => !isText(name)).map(([, name]) => stem(name)));
  for (const [file, name] of files) {
    const last = name.split("/").pop();
    if (last.startsWith(".") || ["thumbs.db", "desktop.ini"].includes(last.toLowerCase())) continue;
    if (!isText(name)) queued(file, name, texts.get(stem(name)));
    else if (!stems.has(stem(name))) queued(file, name);
  }
}

function pick(input) {
  queue([...input.files].map((file) => [file, file.webkitRelativePath || file.name]));
  input.value = "";
}

if (drop) {
  document.getElementById("send").hidden = true;
  for (const id of ["files", "folder"]) {
    document.getElementById(id).addEventListener("change", (event) => pick(event.target));
  }
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    // both are gone after the first wait
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    if (entries.length) {
      const found = [];
      for (const entry of entries) await walk(entry, "", found);
      queue(found);
    } else {
      queue(files.map((file) => [file, file.name]));
    }
  });
}

// ------------------------------------------------------------------------------------------------------------ choosing

const all = document.getElementById("all");
const inspect = document.getElementById("inspect");
let last = null;

function boxes() {
  return [...grid.querySelectorAll("input[name=images]")];
}

function counted() {
  const chosen = boxes().filter((box) => box.checked);
  const states = chosen.map((box) => box.closest(".tile").dataset.state);
  document.getElementById("count").textContent = `${chosen.length} chosen`;
  document.getElementById("remove").disabled = !chosen.length || states.includes("used");
  if (inspect) inspect.disabled = !chosen.length || states.includes("refused");
  all.checked = chosen.length > 0 && chosen.length === boxes().length;
  all.indeterminate = chosen.length > 0 && !all.checked;
}

if (all) {
  grid.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=images]");
    if (!box) return;
    const every = boxes();
    if (event.shiftKey && last && every.includes(last)) {
      const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
      for (const each of every.slice(from, to + 1)) each.checked = box.checked;
    }
    last = box;
    counted();
  });
  grid.addEventListener("change", counted);
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    counted();
  });
  inspect?.addEventListener("click", () => {
    const chosen = boxes().filter((box) => box.checked).map((box) => box.value);
    window.location.assign(`/inspections/new?images=${chosen.join(",")}`);
  });
  new MutationObserver(counted).observe(grid, { childList: true });
  counted();
}
