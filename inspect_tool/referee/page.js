// The page: what is on the screen, what a key or click does, and what is kept. The only state is in the `let`s below.

const element = (id) => document.getElementById(id);
const sample = JSON.parse(element("sample").textContent);
const lines = sample.kind === "lines";
const needed = sample.needed ?? null; // marks that a line has when it is done; null: any number
const [one, many] = lines ? ["line", "lines"] : ["point", "points"];
const FILE = `${sample.job.replace(/[^\w.-]+/g, "_")}.referee-answers.json`;
const server = sample.server ?? null; // the workbench that takes the answers and knows who answers; null: a file does
const PLACE = server ? "Workbench" : "File";
const KEPT = `inspect_tool referee ${sample.id}${server ? ` ${server.person}` : ""}`;
const LOOK = "inspect_tool referee look";
const TAB = `${Date.now()} ${Math.random()}`;
const TOO_QUICK = 100; // ms: nobody has seen the picture by then; the key bounced
const MOST = 1000; // answers that anybody gives
const CLOSEST = 4; // times the whole crop
const still = matchMedia("(prefers-reduced-motion: reduce)");

let record = null; // the answers, see record.js
let trouble = null; // why the browser keeps nothing, or null
let inFile = 0; // number of answers when the file was saved
let fileChanged = false; // whether an answer was given or taken back since
let wentOn = 0; // the end of a stage after which the person went on
let shown = null; // the item on the screen, once it is painted
let picture = null;
let view = null;
let look = { smooth: true, closer: 1, shape: "cross", color: 0 };
let held = false; // the mark is hidden by a held key
let off = false; // the mark is hidden by blinking
let blinking = null;
let seen = 0; // ms that the item was on the screen, without the stretch that began at `since`
let since = null;
let marks = []; // of the line on the screen
let before = []; // what `marks` was before each change
let cursor = 0;
let kind = sample.choices[0].value; // of the marks that clicks put
const pictures = new Map();

// ---- what is kept

const storage = (work) => {
  try {
    return work();
  } catch (error) {
    trouble = error.name === "QuotaExceededError" ? "its storage is full" : "its storage is not available";
    return null;
  }
};

const kept = (key) => storage(() => localStorage.getItem(key));

const keepText = (key, text) => storage(() => localStorage.setItem(key, text));

const forget = (key) => storage(() => localStorage.removeItem(key));

const claim = () => keepText(`${KEPT} tab`, TAB);

/** Whether another tab has taken over since; a storage that cannot be read is no sign of one. */
function isReplaced() {
  const owner = kept(`${KEPT} tab`);
  return !trouble && owner !== TAB;
}

function keep() {
  if (!trouble && isReplaced()) return show("replaced");
  trouble = null;
  claim();
  if (!trouble) keepText(KEPT, written(record));
  if (!trouble) keepText(`${KEPT} file`, JSON.stringify({ inFile, fileChanged }));
  return printSaved();
}

function yieldToNewerTab() {
  if (!trouble && record && isReplaced()) show("replaced");
}

function printSaved() {
  const count = record?.answers.length ?? 0;
  const browser = element("browser-saved");
  browser.dataset.state = trouble ? "bad" : count ? "good" : "none";
  browser.textContent = trouble
    ? `Not kept in this browser: ${trouble}. ${server ? "Do not close the page before you hand in." : "Save the file."}`
    : `This browser: ${count ? `${count} kept ✓` : "nothing yet"}`;
  const file = element("file-saved");
  file.dataset.state = inFile && !fileChanged ? "good" : trouble && fileChanged ? "bad" : "none";
  const missing = count - inFile;
  file.textContent = !inFile ? `${PLACE}: nothing yet`
    : !fileChanged ? `${PLACE}: ${inFile} ${server ? "handed in" : "saved"} ✓`
    : missing > 0 ? `${PLACE}: ${missing} not in it yet` : `${PLACE}: older than the answers`;
}

/** Hand the answers in; where they stand is on the page that the workbench shows then. */
async function handIn() {
  element("finish").disabled = element("onward").disabled = true;
  element("between-text").textContent = "Handed in; the workbench measures with your answers …";
  let fault = "the workbench does not answer";
  try {
    // the workbench answers to these in one line
    const headers = { "Content-Type": "application/json", "HX-Request": "true" };
    const answer = await fetch(server.address, { method: "POST", headers, body: written(record) });
    if (answer.ok) {
      [inFile, fileChanged] = [record.answers.length, false];
      keep();
      location.assign(server.back);
      return;
    }
    fault = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
  } catch { /* said below */ }
  element("finish").disabled = element("onward").disabled = false;
  between();
  element("between-text").textContent = `Not handed in: ${fault}. Nothing is lost; try again.`;
}

function save() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([written(record)], { type: "application/json" }));
  link.download = FILE;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  inFile = record.answers.length;
  fileChanged = false;
  keep();
  say(`The file ${FILE} was handed to the browser.`);
}

/** Whether closing the page now would lose something, or leave a finished sample without its file. */
const unsaved = () =>
  marks.length > 0 || (fileChanged && (trouble !== null || isStageEnd(sample, record.answers.length)));

async function load(file) {
  const found = readRecord(sample, await file.text());
  show("welcome");
  if (typeof found === "string") return warn(`${file.name} was not loaded: ${found}.`);
  const [mine, theirs] = [record?.answers ?? [], found.answers];
  const goesOn = mine.every((answer, i) => JSON.stringify(answer) === JSON.stringify(theirs[i]));
  const question =
    `This page holds ${mine.length} answers by ${record?.person}; the file holds ${theirs.length} by ${found.person}. Use those of the file?`;
  if (!goesOn && !(await agreed(question, "Use the file"))) return undefined;
  record = found;
  inFile = theirs.length;
  fileChanged = false;
  wentOn = 0;
  openLine([]);
  warn(null);
  keep();
  return welcome();
}

// ---- words

function say(text) {
  element("spoken").textContent = text;
}

function warn(text) {
  element("trouble").hidden = !text;
  element("trouble").textContent = text ?? "";
}

function agreed(question, yes) {
  const dialog = element("ask");
  element("ask-text").textContent = question;
  element("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  element("ask-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

const labelOf = (value) => sample.choices.find((choice) => choice.value === value)?.label ?? value;

function timeLeft(count) {
  const lately = record.answers.slice(-20).map((answer) => answer.seconds).sort((a, b) => a - b);
  if (lately.length < 5 || !count) return null;
  const minutes = (lately[lately.length >> 1] * count) / 60;
  return minutes < 1 ? "less than 1 min" : `about ${Math.round(minutes)} min`;
}

async function forecast() {
  const plan = await planOf(sample);
  const marksOf = ({ value, marks: put }) => (value === CANNOT_TELL ? null : put.map((mark) => mark.value));
  const more = plan && moreAnswers(plan, record.answers.map((answer) => (lines ? marksOf(answer) : answer.value)));
  if (more === null) return "";
  if (more > MOST) return `More than ${MOST} more ${many} until the verdict is decided.`;
  return more === 0 ? "The verdict is decided by now." : `About ${more} more ${many} until the verdict is decided.`;
}

async function printProgress() {
  const count = record.answers.length;
  const stands = isStageEnd(sample, count) && wentOn !== count;
  const [end, all] = [stands ? count : stageEnd(sample, count), sample.items.length];
  const stages = sample.stages.filter((stage) => stage < all).length + 1;
  const stage = sample.stages.filter((stage) => stage < end).length + 1;
  const bar = element("bar");
  bar.setAttribute("aria-valuenow", count);
  bar.setAttribute("aria-valuetext", `${count} of ${all} ${many}`);
  element("filled").style.width = `${(100 * count) / all}%`;
  const left = timeLeft(end - count);
  const words = [
    `${count} of ${end}`,
    stages > 1 && `stage ${stage} of ${stages}`,
    left && `${left} left${stages > 1 ? " in this stage" : ""}`,
  ];
  const text = words.filter(Boolean).join(" · ");
  element("progress").textContent = text;
  const outlook = await forecast();
  if (record.answers.length !== count) return;
  element("forecast").textContent = outlook;
  if (outlook) element("progress").textContent = `${text} · ${outlook.toLowerCase().replace(/\.$/, "")}`;
}

// ---- what is on the screen

function show(screen) {
  stopClock();
  document.body.dataset.screen = screen;
  for (const section of document.querySelectorAll("main > section")) section.hidden = section.id !== screen;
  if (screen === "paused") document.querySelector("#paused button").focus();
  if (screen === "replaced") document.querySelector("#replaced h1").focus();
}

const screen = () => document.body.dataset.screen;

function welcome() {
  const count = record?.answers.length ?? 0;
  show("welcome");
  element("person").value = server?.person ?? record?.person ?? "";
  element("person").readOnly = count > 0 || server !== null;
  element("restart").hidden = count === 0;
  element("start").textContent = count ? "Go on" : "Start";
  element("found").hidden = count === 0;
  if (count)
    element("found").textContent =
      `${count} of ${sample.items.length} ${many} are answered by ${record.person}, last ${new Date(record.saved).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}.`;
  (count || server ? element("start") : element("person")).focus();
  if (record) printProgress();
  printSaved();
}

function nextItem() {
  const count = record.answers.length;
  printProgress();
  printSaved();
  if (isStageEnd(sample, count) && wentOn !== count) return between();
  show("work");
  return showItem(sample.items[count]);
}

async function showItem(item) {
  shown = null;
  element("stage").setAttribute("aria-busy", "true");
  const last = record.answers.at(-1);
  element("undo").disabled = !last;
  element("undo-what").textContent = last && !lines ? `Undo “${labelOf(last.value)}”` : "Undo";
  const count = record.answers.length;
  const near = sample.items.slice(Math.max(0, count - 1), count + 2).map(({ crop }) => crop);
  for (const crop of pictures.keys()) if (!near.includes(crop)) pictures.delete(crop);
  near.forEach((crop) => pictureOf(crop));
  const found = await pictureOf(item.crop);
  if (sample.items[record.answers.length] !== item || screen() !== "work") return;
  [picture, shown, seen] = [found, item, 0];
  render();
  startClock();
  element("stage").setAttribute("aria-busy", "false");
  if (!element("work").contains(document.activeElement)) element("stage").focus();
  const head = `${one[0].toUpperCase()}${one.slice(1)} ${record.answers.length + 1} of ${sample.items.length}.`;
  say(last ? `${labelOf(last.value)}. ${head}` : head);
  element("picture").setAttribute("aria-label", `${head} Magnified picture with ${lines ? "the test line" : "the mark"}.`);
}

function pictureOf(crop) {
  if (!pictures.has(crop)) pictures.set(crop, decoded(sample.crops[crop]));
  return pictures.get(crop);
}

function between() {
  const count = record.answers.length;
  const all = count === sample.items.length;
  show("between");
  const stage = sample.stages.indexOf(count) + 1;
  element("between-title").textContent = record.finished ? "Finished" : all ? "All done" : `Stage ${stage} done`;
  element("between-text").textContent = record.finished
    ? `${record.person}: ${count} ${many} answered. Thank you.`
    : all
      ? `All ${count} ${many} are answered. ${server ? "Hand them in" : "Save the file"}: it is what the report needs.`
      : `${count} ${many} are answered. Stop here and ${server ? "hand them in" : "save the file"}, or go on to ${stageEnd(sample, count)}: more ${many} make the result narrower.`;
  const fileFirst = record.finished || all;
  element("onward").hidden = all;
  const [finish, again] = server ? ["Finish and hand in", "Hand in again"] : ["Finish and save the file", "Save the file again"];
  element("finish").firstChild.textContent = record.finished ? again : finish;
  element("finish").classList.toggle("primary", fileFirst);
  element("onward").classList.toggle("primary", !fileFirst);
  element("handover").hidden = !record.finished || server !== null;
  element("handover").replaceChildren("Put the file beside the job, record it, and name it in the job:");
  const code = document.createElement("pre");
  code.textContent = `inspect-tool referee JOB --answers ${FILE}\n\n[referee]\nfile = "${FILE}"`;
  element("handover").append(code);
  element("between-title").focus();
}

function render() {
  if (!shown) return;
  const stage = element("stage");
  const canvas = element("picture");
  const ratio = devicePixelRatio;
  const room = {
    width: (stage.clientWidth - 2 * MARGIN) * ratio,
    height: (stage.clientHeight - element("caption").offsetHeight - 2 * MARGIN - 2) * ratio,
  };
  const crop = sample.crops[shown.crop];
  const focus = lines ? along(shown.line, cursor) : shown.at;
  view = viewOf(crop.shape, fitting(crop.shape, room, look.smooth), look.closer, focus, ratio);
  const context = canvas.getContext("2d");
  drawPicture(context, picture, view, look.smooth, lines ? [] : [shown.at]);
  canvas.style.width = `${canvas.width / ratio}px`;
  canvas.style.height = `${canvas.height / ratio}px`;
  const drawn = { shape: look.shape, color: COLORS[look.color] };
  if (!held && !off) {
    if (lines) drawLine(context, view, shown.line, marks, cursor, sample.choices, drawn);
    else drawPoint(context, view, shown.at, drawn);
  }
  printCaption(crop);
}

function printCaption(crop) {
  const times = Number((view.scale / view.ratio).toPrecision(2));
  element("magnified").textContent = `${times}× magnified${look.smooth ? ", smooth" : ", pixels as they are"}`;
  element("scale").hidden = !crop.pixel_um;
  if (crop.pixel_um) {
    const bar = scaleBar(view, crop.pixel_um);
    element("scale").firstChild.style.width = `${bar.width / view.ratio}px`;
    element("scale").lastChild.textContent = bar.text;
  }
  document.querySelector("[data-do=smooth]").setAttribute("aria-pressed", look.smooth);
  document.querySelector("[data-do=closer]").disabled = look.closer === CLOSEST;
  document.querySelector("[data-do=wider]").disabled = look.closer === 1;
  document.querySelector("[data-do=blink]").setAttribute("aria-pressed", blinking !== null || (still.matches && off));
  element("shape").textContent = look.shape === "cross" ? "Cross" : "Ring";
  element("swatch").style.background = COLORS[look.color];
  if (!lines) return;
  for (const button of element("choices").children) button.setAttribute("aria-pressed", button.value === kind);
  const counts = sample.choices.map(({ value, label }) => [marks.filter((mark) => mark.value === value).length, label]);
  const words = counts.filter(([count]) => count).map(([count, label]) => `${count} × ${label}`);
  element("done").disabled = needed !== null && marks.length !== needed;
  element("marked").textContent = words.length ? `On this line: ${words.join(", ")}` : "No mark on this line yet";
  element("undo").disabled = record.answers.length === 0 && before.length === 0;
}

// ---- answers

function startClock() {
  since = performance.now();
}

function stopClock() {
  if (since !== null) seen += performance.now() - since;
  since = null;
}

function give(given) {
  if (!shown || seen + performance.now() - since < TOO_QUICK) return;
  stopClock();
  record = answered(record, shown, { ...given, seconds: Math.round(seen / 100) / 10 });
  fileChanged = true;
  openLine([]);
  keep();
  if (screen() === "work") nextItem();
}

function undo() {
  if (before.length) {
    marks = before.pop();
    render();
    return;
  }
  if (!record.answers.length) return;
  const last = record.answers.at(-1);
  record = takenBack(record);
  fileChanged = true;
  wentOn = 0;
  openLine(last.marks ?? []);
  keep();
  if (screen() !== "replaced") nextItem();
}

function openLine(found) {
  marks = found;
  before = found.map((_, i) => found.slice(0, i));
  cursor = 0;
  kind = sample.choices[0].value;
}

// ---- the marks of a line

const here = () => marks.find((mark) => Math.abs(mark.position - cursor) * lengthOf(shown.line) < 0.75);

function change(next, words) {
  before.push(marks);
  marks = next.sort((a, b) => a.position - b.position);
  render();
  say(words);
}

/** Put a mark at the cursor, in place of the one that is there. */
function put(value) {
  const old = here();
  if (!old && marks.length === needed) return say(`${needed} marks are on the line. Remove one before another.`);
  const mark = { position: old?.position ?? Number(cursor.toFixed(5)), value };
  return change([...marks.filter((other) => other !== old), mark], `${labelOf(value)} at ${Math.round(100 * mark.position)} %`);
}

function remove() {
  const old = shown && here();
  if (old) change(marks.filter((other) => other !== old), `${labelOf(old.value)} removed`);
}

function move(pixels) {
  cursor = clamped(cursor + pixels / lengthOf(shown.line), 0, 1);
  render();
  say(`${Math.round(100 * cursor)} %${here() ? `, ${labelOf(here().value)}` : ""}`);
}

function toMark(direction) {
  const places = marks.map((mark) => mark.position).filter((position) => direction * (position - cursor) > 1e-6);
  if (places.length) cursor = direction > 0 ? Math.min(...places) : Math.max(...places);
  move(0);
}

function clickLine(event) {
  if (!lines || !shown) return;
  const box = element("picture").getBoundingClientRect();
  const place = toCrop(view, [(event.clientX - box.left) * view.ratio, (event.clientY - box.top) * view.ratio]);
  const { position, distance } = nearest(shown.line, place);
  if (distance * view.scale > 28 * view.ratio) return say("Click on the line.");
  const reach = (9 * view.ratio) / view.scale / lengthOf(shown.line);
  const old = marks.find((mark) => Math.abs(mark.position - position) < reach);
  cursor = old?.position ?? position;
  if (old) return move(0);
  return put(kind);
}

/** A choice was clicked: the answer, or on lines the kind of the next clicks and of the mark at the cursor. */
function choose(value) {
  if (!lines) return give({ value });
  kind = value;
  if (shown && here()) return put(value);
  return render();
}

// ---- what keys and buttons do

function restyle(next) {
  look = { ...look, ...next };
  keepText(LOOK, JSON.stringify(look));
  render();
}

function hide(hidden) {
  held = hidden;
  document.querySelector("[data-hold]").toggleAttribute("data-held", hidden);
  render();
}

function blink() {
  if (still.matches) off = !off;
  else if (blinking === null) blinking = setInterval(() => { off = !off; render(); }, 450);
  else {
    clearInterval(blinking);
    [blinking, off] = [null, false];
  }
  render();
}

const actions = {
  unsure: () => give(lines ? { value: CANNOT_TELL, marks: [] } : { value: CANNOT_TELL }),
  done: () => (needed === null || marks.length === needed ? give({ value: "done", marks }) : say(`${needed} marks are needed.`)),
  undo,
  remove,
  smooth: () => restyle({ smooth: !look.smooth }),
  closer: () => restyle({ closer: Math.min(CLOSEST, look.closer + 1) }),
  wider: () => restyle({ closer: Math.max(1, look.closer - 1) }),
  shape: () => restyle({ shape: look.shape === "cross" ? "ring" : "cross" }),
  color: () => restyle({ color: (look.color + 1) % COLORS.length }),
  blink,
  pause: () => show("paused"),
  resume() {
    show("work");
    if (shown) {
      render();
      startClock();
      element("stage").focus();
    } else nextItem();
  },
  save: () => server ?? save(),
  help: () => element("help").showModal(),
  load: () => element("file").click(),
  async restart() {
    const where = fileChanged ? "this browser holds, and no file does" : "this browser holds";
    const question = `Throw away the ${record.answers.length} answers by ${record.person} that ${where}?`;
    if (!(await agreed(question, "Throw them away"))) return;
    record = null;
    wentOn = 0;
    for (const key of [KEPT, `${KEPT} file`]) forget(key);
    recall();
    welcome();
  },
  finish() {
    record = { ...record, finished: true };
    if (server) {
      keep();
      handIn();
      return;
    }
    save();
    between();
  },
  onward() {
    if (element("onward").hidden) return;
    record = { ...record, finished: false };
    wentOn = record.answers.length;
    keep();
    nextItem();
  },
  takeover() {
    claim();
    recall();
    welcome();
  },
};

const common = { s: actions.save, "?": actions.help };
const keys = {
  work: {
    ...common, 0: actions.unsure, " ": actions.unsure, Backspace: undo, u: undo, x: actions.smooth, "+": actions.closer,
    "=": actions.closer, "-": actions.wider, c: actions.color, b: blink, p: actions.pause, h: () => hide(true),
    ...(lines
      ? {
        Enter: actions.done, Delete: remove, ArrowLeft: (event) => move(event.shiftKey ? -10 : -1),
        ArrowUp: (event) => move(event.shiftKey ? -10 : -1), ArrowRight: (event) => move(event.shiftKey ? 10 : 1),
        ArrowDown: (event) => move(event.shiftKey ? 10 : 1), Home: () => move(-Infinity), End: () => move(Infinity),
        PageUp: () => toMark(-1), PageDown: () => toMark(1),
      }
      : { m: actions.shape }),
  },
  between: { ...common, Enter: actions.onward, Backspace: undo, u: undo },
  paused: { ...common, p: actions.resume },
  welcome: { "?": actions.help },
};
sample.choices.forEach(({ value }, i) => {
  keys.work[i + 1] = () => (lines ? put(value) : give({ value }));
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const pressable = event.target.closest("button, input");
  if (pressable?.matches("input") || (pressable && (event.key === " " || event.key === "Enter"))) return;
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = keys[screen()]?.[key] ?? keys[screen()]?.[digit];
  if (!action || (screen() === "work" && !shown)) return;
  event.preventDefault();
  if (!event.repeat || key.startsWith("Arrow")) action(event);
});
document.addEventListener("keyup", (event) => event.key.toLowerCase() === "h" && held && hide(false));
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  actions[button.dataset.do]?.();
  // a button that was clicked must not be pressed again by the space bar that means "cannot tell"
  if (event.detail > 0 && screen() === "work" && !document.querySelector("dialog[open]")) element("stage").focus();
});
const hold = document.querySelector("[data-hold]");
hold.addEventListener("pointerdown", () => hide(true));
hold.addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && hide(true));
for (const name of ["pointerup", "pointerleave", "keyup", "blur"]) hold.addEventListener(name, () => held && hide(false));
element("picture").addEventListener("pointerdown", clickLine);
element("file").addEventListener("change", ({ target }) => {
  if (target.files.length) load(target.files[0]);
  target.value = "";
});
element("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  const person = element("person").value.trim();
  if (!person) return;
  record = record?.answers.length ? record : begun(sample, person);
  warn(null);
  keep();
  if (screen() === "welcome") nextItem();
});
addEventListener("beforeunload", (event) => record && unsaved() && event.preventDefault());
addEventListener("storage", yieldToNewerTab);
addEventListener("blur", () => held && hide(false));
addEventListener("focus", yieldToNewerTab);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) stopClock();
  else if (screen() === "work" && shown) startClock();
});
new ResizeObserver(render).observe(element("stage"));

// ---- begin

function recall() {
  const text = kept(KEPT);
  const found = text ? readRecord(sample, text) : null;
  if (typeof found === "string") warn(`The answers kept in this browser cannot be used: ${found}.`);
  else record = found;
  ({ inFile, fileChanged } = JSON.parse(kept(`${KEPT} file`) ?? '{"inFile": 0, "fileChanged": false}'));
  openLine([]);
}

for (const [i, { value, label }] of sample.choices.entries()) {
  const button = document.createElement("button");
  const key = document.createElement("kbd");
  key.textContent = i + 1;
  button.value = value;
  button.append(key, label);
  button.addEventListener("click", () => choose(value));
  element("choices").append(button);
}
const all = sample.items.length;
element("bar").setAttribute("aria-valuemax", all);
for (const stage of sample.stages.filter((stage) => stage < all)) {
  const tick = document.createElement("i");
  tick.style.left = `${(100 * stage) / all}%`;
  element("bar").append(tick);
}
element("task").textContent = lines
  ? `${all} short ${needed === null ? "test lines, drawn by chance. Mark every boundary that a line meets" : `lines, drawn by chance. Put ${needed} marks on each`}.`
  : `${all} points, drawn by chance. Say for each what you see; the machine is not asked.`;
for (const key of document.querySelectorAll(".last-choice")) key.textContent = sample.choices.length;
const style = kept(LOOK);
if (style) look = { ...look, ...JSON.parse(style) };
if (server) {
  document.body.dataset.server = "";
  element("back").hidden = false;
  element("back").firstChild.href = server.back;
}
claim();
recall();
welcome();
if (trouble) warn(`This browser keeps nothing: ${trouble}. You can answer all the same; ${server ? "hand them in" : "save the answers as a file"} before you close the page.`);
