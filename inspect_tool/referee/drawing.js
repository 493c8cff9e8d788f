// The picture and its marks. Lengths are device pixels; places in a crop are [row, column], the middle of the first
// pixel is [0, 0]. Nothing here changes a gray value: pixels are magnified as they are.

const MARGIN = 16; // of the frame that carries the ticks, in CSS pixels
const COLORS = ["#ffe600", "#00e5ff", "#ff4dff", "#7dff5a", "#ffffff"];

/** Decode a crop without any change of its gray values. */
async function decoded(crop) {
  const bytes = Uint8Array.from(atob(crop.png), (letter) => letter.charCodeAt(0));
  return createImageBitmap(new Blob([bytes], { type: "image/png" }), { colorSpaceConversion: "none" });
}

/** Magnification that shows a crop as large as there is room; an integer where pixels shall stay equal squares. */
function fitting([rows, columns], room, smooth) {
  const fit = Math.min(room.width / columns, room.height / rows);
  return smooth || fit < 1 ? fit : Math.floor(fit);
}

const clamped = (value, low, high) => Math.max(low, Math.min(value, high));

/** Which part of a crop is shown: `middle` is kept inside, `closer` (1, 2, ...) times nearer than the whole crop. */
function viewOf(shape, fit, closer, middle, ratio) {
  const scale = fit * closer;
  const axis = (i) => {
    const whole = shape[i] * scale;
    const shown = Math.round(Math.min(whole, shape[i] * fit));
    return { shown, first: Math.round(clamped((middle[i] + 0.5) * scale - shown / 2, 0, whole - shown)) };
  };
  return { scale, rows: axis(0), columns: axis(1), margin: Math.round(MARGIN * ratio), ratio };
}

const toCanvas = (view, [row, column]) => [
  view.margin + (column + 0.5) * view.scale - view.columns.first,
  view.margin + (row + 0.5) * view.scale - view.rows.first,
];

const toCrop = (view, [x, y]) => [
  (y - view.margin + view.rows.first) / view.scale - 0.5,
  (x - view.margin + view.columns.first) / view.scale - 0.5,
];

/** A thin colored stroke between dark edges, so that it is seen on every gray. */
function stroke(context, color, ratio, path, dash = []) {
  for (const [style, width] of [["rgb(0 0 0 / 75%)", 3.6], [color, 1.6]]) {
    context.strokeStyle = style;
    context.lineWidth = width * ratio;
    context.setLineDash(dash);
    context.beginPath();
    path(context);
    context.stroke();
  }
}

function polyline(...points) {
  return (context) => points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
}

/** The crop itself, and on the frame the ticks that point at `places` even while the mark is hidden. */
function drawPicture(context, picture, view, smooth, places) {
  const { canvas } = context;
  canvas.width = view.columns.shown + 2 * view.margin;
  canvas.height = view.rows.shown + 2 * view.margin;
  context.save();
  context.beginPath();
  context.rect(view.margin, view.margin, view.columns.shown, view.rows.shown);
  context.clip();
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  const left = view.margin - view.columns.first;
  const top = view.margin - view.rows.first;
  context.drawImage(picture, left, top, picture.width * view.scale, picture.height * view.scale);
  context.restore();
  const size = 7 * view.ratio;
  const gap = 3 * view.ratio;
  context.fillStyle = "#f4f4f4";
  for (const [x, y] of places.map((place) => toCanvas(view, place))) {
    for (const [edge, sign] of [[view.margin - gap, -1], [view.margin + view.rows.shown + gap, 1]]) {
      context.beginPath();
      polyline([x, edge], [x - size * 0.6, edge + sign * size], [x + size * 0.6, edge + sign * size])(context);
      context.fill();
    }
    for (const [edge, sign] of [[view.margin - gap, -1], [view.margin + view.columns.shown + gap, 1]]) {
      context.beginPath();
      polyline([edge, y], [edge + sign * size, y - size * 0.6], [edge + sign * size, y + size * 0.6])(context);
      context.fill();
    }
  }
}

/** A cross or ring that leaves the pixel it asks about, and what is next to it, free. */
function drawPoint(context, view, at, { shape, color }) {
  const [x, y] = toCanvas(view, at);
  const free = Math.max(9 * view.ratio, 1.6 * view.scale);
  if (shape === "ring") {
    stroke(context, color, view.ratio, (path) => path.arc(x, y, free + 5 * view.ratio, 0, 2 * Math.PI));
    return;
  }
  const arm = free + 20 * view.ratio;
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    stroke(context, color, view.ratio, polyline([x + dx * free, y + dy * free], [x + dx * arm, y + dy * arm]));
  }
}

/** Place on a line at a fraction of its length. */
const along = ([[r0, c0], [r1, c1]], position) => [r0 + (r1 - r0) * position, c0 + (c1 - c0) * position];

/** Length of a line in pixels of the crop. */
const lengthOf = ([[r0, c0], [r1, c1]]) => Math.hypot(r1 - r0, c1 - c0);

/** Fraction of the line's length that is nearest to a place, and the distance from it in pixels of the crop. */
function nearest(line, [row, column]) {
  const [[r0, c0], [r1, c1]] = line;
  const position = clamped(((row - r0) * (r1 - r0) + (column - c0) * (c1 - c0)) / lengthOf(line) ** 2, 0, 1);
  const [r, c] = along(line, position);
  return { position, distance: Math.hypot(row - r, column - c) };
}

/** Thin dots along the line, a bar at each end, marks beside it, and the cursor: an arrow that points at its place. */
function drawLine(context, view, line, marks, cursor, choices, { color }) {
  const { ratio } = view;
  const [a, b] = line.map((end) => toCanvas(view, end));
  const size = Math.hypot(b[0] - a[0], b[1] - a[1]);
  const [ux, uy] = [(b[0] - a[0]) / size, (b[1] - a[1]) / size];
  // u along the line, v across it, from a place on it
  const beside = ([x, y], u, v) => [x + (u * ux - v * uy) * ratio, y + (u * uy + v * ux) * ratio];
  const at = (position) => toCanvas(view, along(line, position));
  stroke(context, color, ratio, polyline(a, b), [2 * ratio, 7 * ratio]);
  for (const [end, sign] of [[a, -1], [b, 1]]) {
    stroke(context, color, ratio, polyline(beside(end, sign * 2, -12), beside(end, sign * 2, 12)));
  }
  context.font = `600 ${15 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const mark of marks) {
    const place = at(mark.position);
    for (const sign of [-1, 1]) {
      stroke(context, color, ratio, polyline(beside(place, 0, sign * 7), beside(place, 0, sign * 18)));
    }
    const [x, y] = beside(place, 0, -29);
    const key = String(1 + choices.findIndex((choice) => choice.value === mark.value));
    context.setLineDash([]);
    context.lineWidth = 4 * ratio;
    context.strokeStyle = "rgb(0 0 0 / 85%)";
    context.strokeText(key, x, y);
    context.fillStyle = color;
    context.fillText(key, x, y);
  }
  const place = at(cursor);
  stroke(context, "#ffffff", ratio, polyline(beside(place, -6, 33), beside(place, 0, 22), beside(place, 6, 33)));
}

/** Length of a scale bar of a round number of micrometers, at most a quarter of the width shown. */
function scaleBar(view, pixelUm) {
  const most = (view.columns.shown / view.scale) * pixelUm * 0.25;
  const decade = 10 ** Math.floor(Math.log10(most));
  const um = decade * [5, 2, 1].find((step) => step * decade <= most);
  const text = um >= 1000 ? `${um / 1000} mm` : um >= 1 ? `${um} µm` : `${Number((um * 1000).toPrecision(2))} nm`;
  return { text, width: (um / pixelUm) * view.scale };
}
