// A field at any size: the picture by OpenSeadragon, what was found on it by a canvas of our own, whose tiles are asked
// for again where a correction touched them and nowhere else.

export const facts = JSON.parse(document.getElementById("facts").textContent);
const MOST_TILES = 400;

/** Show the field of this page. `tiles`: address below which the tiles of labels are. */
export function stage(tiles) {
  const box = document.getElementById("stage");
  const last = facts.levels - 1;
  // OpenSeadragon adds a style sheet of its own where it finds none of that name; the policy of the page would refuse it
  const mark = document.createElementNS("urn:none", "style");
  mark.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(mark);
  const viewer = window.OpenSeadragon({
    element: document.getElementById("deep"),
    showNavigationControl: false,
    drawer: "canvas",
    imageSmoothingEnabled: false,
    animationTime: 0.25,
    maxZoomPixelRatio: 40,
    minZoomImageRatio: 0.7,
    visibilityRatio: 0.4,
    gestureSettingsMouse: { clickToZoom: false },
    tileSources: {
      width: facts.columns, height: facts.rows, tileSize: facts.side, tileOverlap: 0, minLevel: 0, maxLevel: last,
      getTileUrl: (level, x, y) => `${facts.base}/tiles/picture/${level}/${x}_${y}.png`,
    },
  });
  const canvas = document.createElement("canvas");
  canvas.className = "over";
  canvas.setAttribute("aria-hidden", "true");
  box.append(canvas);
  const context = canvas.getContext("2d");
  const kept = new Map();
  const shown = { outlines: facts.has_labels, labels: false };
  let version = 0, opacity = 1, outlines = [], due = false;

  /** Screen pixels per pixel of the image. */
  const zoom = () => viewer.viewport.viewportToImageZoom(viewer.viewport.getZoom(true));
  const toScreen = (x, y) =>
    viewer.viewport.imageToViewerElementCoordinates(new window.OpenSeadragon.Point(x, y));
  const toImage = (x, y) =>
    viewer.viewport.viewerElementToImageCoordinates(new window.OpenSeadragon.Point(x, y));

  async function load(key, tile) {
    const asked = version;
    tile.asked = asked;
    try {
      const answer = await fetch(`${tiles}/tiles/${key}.png?v=${asked}`);
      if (!answer.ok) return;
      const image = await createImageBitmap(await answer.blob());
      if (asked >= tile.version) Object.assign(tile, { image, version: asked });
    } catch { /* the next drawing asks again */ } finally {
      if (tile.asked === asked) tile.asked = -1;
      draw();
    }
  }

  function visible() {
    const scale = zoom(), level = Math.max(0, Math.min(last, last + Math.ceil(Math.log2(scale * devicePixelRatio) - 0.01)));
    const span = facts.side * 2 ** (last - level);
    const from = toImage(0, 0), to = toImage(box.clientWidth, box.clientHeight);
    const found = [];
    for (let y = Math.max(0, Math.floor(from.y / span)); y * span < Math.min(facts.rows, to.y); y++)
      for (let x = Math.max(0, Math.floor(from.x / span)); x * span < Math.min(facts.columns, to.x); x++)
        found.push({ level, x, y, span });
    return found;
  }

  function paint() {
    due = false;
    if (!viewer.world.getItemCount()) return;
    const ratio = devicePixelRatio, scale = zoom();
    if (canvas.width !== box.clientWidth * ratio || canvas.height !== box.clientHeight * ratio) {
      canvas.width = box.clientWidth * ratio;
      canvas.height = box.clientHeight * ratio;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, box.clientWidth, box.clientHeight);
    context.imageSmoothingEnabled = scale * ratio < 1;
    context.globalAlpha = opacity;
    for (const layer of ["labels", "outlines"].filter((one) => shown[one]))
      for (const { level, x, y, span } of visible()) {
        const key = `${layer}/${level}/${x}_${y}`;
        const tile = kept.get(key) ?? { version: -1, needed: version, asked: -1, image: null, span, x, y };
        kept.delete(key);
        kept.set(key, tile);
        if (tile.version < tile.needed && tile.asked < tile.needed) load(key, tile);
        if (!tile.image) continue;
        const at = toScreen(x * span, y * span), step = span / facts.side;
        context.drawImage(tile.image, at.x, at.y, tile.image.width * step * scale, tile.image.height * step * scale);
      }
    while (kept.size > MOST_TILES) kept.delete(kept.keys().next().value);
    context.globalAlpha = 1;
    for (const [width, color] of [[5, "rgba(0,0,0,0.75)"], [2.5, "#ffffff"]]) {
      context.beginPath();
      for (const line of outlines) {
        line.forEach(([x, y], i) => {
          const at = toScreen(x + 0.5, y + 0.5);
          if (i) context.lineTo(at.x, at.y); else context.moveTo(at.x, at.y);
        });
        context.closePath();
      }
      context.lineWidth = width;
      context.strokeStyle = color;
      context.stroke();
    }
    drawScale(scale);
    box.dataset.waiting = [...kept.values()].filter((tile) => tile.asked >= 0).length;
    box.dispatchEvent(new Event("painted"));
  }
  function draw() {
    if (!due) requestAnimationFrame(paint);
    due = true;
  }

  function drawScale(scale) {
    const bar = document.getElementById("scale");
    bar.hidden = !facts.pixel_um;
    if (bar.hidden) return;
    const most = 160 / scale * facts.pixel_um, power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].find((one) => one * power <= most) * power;
    bar.firstElementChild.style.width = `${length / facts.pixel_um * scale}px`;
    bar.firstElementChild.textContent =
      length >= 1000 ? `${length / 1000} mm` : length >= 1 ? `${+length.toPrecision(3)} µm` : `${Math.round(length * 1000)} nm`;
  }

  /** Ask again for the tiles that lie on a part of the image: rows and columns, half-open. */
  function touched([top, left, bottom, right]) {
    const now = ++version;
    for (const tile of kept.values()) {
      const y = tile.y * tile.span, x = tile.x * tile.span;
      if (y < bottom + tile.span / facts.side && top - 1 < y + tile.span && x < right + tile.span / facts.side && left - 1 < x + tile.span)
        tile.needed = now;
    }
    for (const [key, tile] of kept) if (tile.needed === now && !tile.image) kept.delete(key);
    draw();
  }

  for (const event of ["open", "update-viewport", "animation", "animation-finish", "resize"]) viewer.addHandler(event, draw);
  viewer.addHandler("animation", () => viewer.drawer.setImageSmoothingEnabled?.(zoom() * devicePixelRatio < 1));
  new ResizeObserver(draw).observe(box);

  const on = (id, event, action) => document.getElementById(id)?.addEventListener(event, action);
  on("layer-picture", "change", (event) => viewer.world.getItemAt(0).setOpacity(event.target.checked ? 1 : 0));
  for (const layer of ["outlines", "labels"])
    on(`layer-${layer}`, "change", (event) => { shown[layer] = event.target.checked; draw(); });
  on("opacity", "input", (event) => { opacity = event.target.value / 100; draw(); });
  const by = (factor) => { viewer.viewport.zoomBy(factor); viewer.viewport.applyConstraints(); };
  const oneToOne = () => viewer.viewport.zoomTo(viewer.viewport.imageToViewportZoom(1 / devicePixelRatio));
  on("larger", "click", () => by(1.5));
  on("smaller", "click", () => by(1 / 1.5));
  on("whole", "click", () => viewer.viewport.goHome());
  on("one", "click", oneToOne);

  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog, .features")) return;
    if (event.key === "+" || event.key === "=") by(1.5);
    else if (event.key === "-") by(1 / 1.5);
    else if (event.key === "0") viewer.viewport.goHome();
    else if (event.key === "1") oneToOne();
    else if (event.key === "n") document.getElementById("next")?.click();
    else if (event.key === "p") document.getElementById("previous")?.click();
    else if (moves[event.key]) {
      const bounds = viewer.viewport.getBounds(), [x, y] = moves[event.key];
      viewer.viewport.panBy(new window.OpenSeadragon.Point(x * bounds.width / 8, y * bounds.height / 8));
      viewer.viewport.applyConstraints();
    } else return;
    event.preventDefault();
  });
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-label", "Picture. Plus and minus make it larger and smaller, arrows move it.");
  viewer.innerTracker.keyHandler = null;
  viewer.innerTracker.keyDownHandler = null;

  return {
    viewer, box, zoom, toScreen, toImage, draw, touched,
    light(lines) { outlines = lines; draw(); },
    show(lines) {
      const xs = lines.flat().map((one) => one[0]), ys = lines.flat().map((one) => one[1]);
      if (!xs.length) return;
      const left = Math.min(...xs), top = Math.min(...ys), width = Math.max(...xs) - left + 1, height = Math.max(...ys) - top + 1;
      const from = toImage(0, 0), to = toImage(box.clientWidth, box.clientHeight);
      if (left >= from.x && top >= from.y && left + width <= to.x && top + height <= to.y) return;
      viewer.viewport.fitBounds(viewer.viewport.imageToViewportRectangle(left - 2 * width, top - 2 * height, 5 * width, 5 * height));
    },
  };
}
