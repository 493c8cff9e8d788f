// A quantity over time: its values with U, limits and steps; what the points say, and the way to their reports.
const drawn = document.getElementById("drawn");
if (drawn) draw(JSON.parse(drawn.textContent), document.getElementById("tip"));

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function draw({ trend, causes, alarm_limit: alarmLimit }, tip) {
  const { points, limits, steps } = trend;
  const numbers = points.map((_, i) => i + 1);
  const values = points.map((point) => point.value);
  const tints = { ink: color("ink"), muted: color("muted"), rule: color("rule"), accent: color("accent"), bad: color("bad"), warn: color("warn") };
  const tell = told(points, trend.unit, tip);
  const usual = (height) => ({
    width: 600,
    height,
    legend: { show: false },
    scales: { x: { time: false, range: [0.3, points.length + 0.7] } },
    cursor: { drag: { x: false, y: false }, points: { show: false }, y: false },
    axes: [
      { stroke: tints.muted, grid: { show: false }, ticks: { stroke: tints.rule }, space: 90, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000], values: (_, at) => at.map((n) => points[n - 1]?.day ?? "") },
      { stroke: tints.muted, grid: { stroke: tints.rule, width: 1 }, ticks: { stroke: tints.rule }, size: 64 },
    ],
  });
  const dots = (stroke, size = 6) => ({ stroke, width: 1, points: { show: true, size, fill: stroke, stroke } });

  const reach = points.map((point) => point.expanded_u ?? 0);
  const least = Math.min(...values, limits.lower);
  const most = Math.max(...values, limits.upper);
  const room = Math.min(Math.max(...reach), 0.3 * (most - least)) + 0.06 * (most - least);
  chart("values", {
    ...usual(320),
    scales: { ...usual(320).scales, y: { range: [least - room, most + room] } },
    series: [{}, { ...dots(tints.accent, 7), width: 0.6 }],
    hooks: {
      draw: [(plot) => {
        bars(plot, numbers, values, reach, tints.accent);
        level(plot, limits.center, tints.muted, []);
        level(plot, limits.lower, tints.muted, [6, 4]);
        level(plot, limits.upper, tints.muted, [6, 4]);
        for (const { step } of steps) {
          level(plot, step.before, tints.bad, [], step.start + 0.6, step.at + 0.4);
          level(plot, step.after, tints.bad, [], step.at + 0.6, step.end + 0.4);
        }
        steps.forEach(({ step }, i) => upright(plot, step.at + 0.5, tints.bad, causes[i]));
        points.forEach((point, i) => {
          if (point.outlier || point.alarm || point.rules.length) ring(plot, i + 1, point.value, point.outlier ? tints.bad : tints.warn);
        });
      }],
      ...tell,
    },
  }, [numbers, values], points);

  const isCusum = trend.alarm === "cusum";
  const down = points.map((point) => -point.down);
  chart("sums", {
    ...usual(190),
    series: [{}, dots(tints.accent, 4), ...(isCusum ? [dots(tints.warn, 4)] : [])],
    scales: { ...usual(190).scales, y: { range: (_, low, high) => [Math.min(low, -alarmLimit) * 1.25, Math.max(high, alarmLimit) * 1.25] } },
    hooks: {
      draw: [(plot) => {
        level(plot, 0, tints.muted, []);
        level(plot, alarmLimit, tints.bad, [6, 4]);
        level(plot, -alarmLimit, tints.bad, [6, 4]);
        points.forEach((point, i) => {
          if (point.alarm) ring(plot, i + 1, isCusum && point.up <= alarmLimit ? -point.down : point.up, tints.bad);
        });
      }],
      ...tell,
    },
  }, [numbers, points.map((point) => point.up), ...(isCusum ? [down] : [])], points);

  chart("ranges", {
    ...usual(190),
    series: [{}, dots(tints.accent, 4)],
    scales: { ...usual(190).scales, y: { range: (_, low, high) => [0, Math.max(high, limits.range_upper) * 1.1] } },
    hooks: { draw: [(plot) => level(plot, limits.range_upper, tints.muted, [6, 4])], ...tell },
  }, [numbers, points.map((point) => point.moving_range)], points);
  document.getElementById("trend").dataset.drawn = "yes";
}

function chart(id, options, data, points) {
  const home = document.getElementById(id);
  const plot = new window.uPlot({ ...options, width: home.clientWidth || 600 }, data, home);
  plot.over.addEventListener("click", () => {
    const at = plot.cursor.idx;
    if (at !== null && at !== undefined) window.location.assign(`/reports/${points[at].uid}`);
  });
  new ResizeObserver(() => plot.setSize({ width: home.clientWidth, height: options.height })).observe(home);
}

function told(points, unit, tip) {
  return {
    setCursor: [(plot) => {
      const at = plot.cursor.idx;
      if (at === null || at === undefined || plot.cursor.left < 0) {
        tip.hidden = true;
        return;
      }
      const point = points[at];
      const digits = (value) => Number(value.toPrecision(5)).toString();
      const u = point.expanded_u === null ? "" : ` ± ${Number(point.expanded_u.toPrecision(2))}`;
      const named = unit === "" || unit === "1" ? "" : ` ${unit}`;
      const signs = [point.alarm ? "alarm" : "", point.outlier ? "beyond the limits" : "", ...point.rules.map((rule) => `rule ${rule}`)].filter(Boolean);
      tip.textContent = [`${digits(point.value)}${u}${named}`, `${point.report}, ${point.day}`, point.specimen ? `specimen ${point.specimen}` : "", signs.join(", ")].filter(Boolean).join("\n");
      tip.hidden = false;
      const outer = tip.parentElement.getBoundingClientRect();
      const inner = plot.over.getBoundingClientRect();
      const x = inner.left - outer.left + plot.valToPos(at + 1, "x");
      tip.style.top = `${inner.top - outer.top + 8}px`;
      tip.style.left = `${x + tip.offsetWidth + 20 > outer.width ? x - tip.offsetWidth - 12 : x + 12}px`;
    }],
  };
}

function path(plot, stroke, dash, width, trace) {
  const pen = plot.ctx;
  pen.save();
  pen.beginPath();
  pen.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
  pen.clip();
  pen.strokeStyle = stroke;
  pen.fillStyle = stroke;
  pen.lineWidth = width * window.devicePixelRatio;
  pen.setLineDash(dash);
  pen.beginPath();
  trace(pen, (x) => plot.valToPos(x, "x", true), (y) => plot.valToPos(y, "y", true));
  pen.stroke();
  pen.restore();
}

function level(plot, y, stroke, dash, from = null, to = null) {
  path(plot, stroke, dash, from === null ? 1 : 2, (pen, across, up) => {
    pen.moveTo(from === null ? plot.bbox.left : across(from), up(y));
    pen.lineTo(to === null ? plot.bbox.left + plot.bbox.width : across(to), up(y));
  });
}

function upright(plot, x, stroke, words) {
  path(plot, stroke, [5, 3], 1, (pen, across) => {
    pen.moveTo(across(x), plot.bbox.top);
    pen.lineTo(across(x), plot.bbox.top + plot.bbox.height);
    pen.font = `${12 * window.devicePixelRatio}px "Liberation Sans", Arial, sans-serif`;
    const left = across(x) + pen.measureText(words).width + 8 > plot.bbox.left + plot.bbox.width;
    pen.textAlign = left ? "right" : "left";
    pen.fillText(words, across(x) + (left ? -5 : 5), plot.bbox.top + 14 * window.devicePixelRatio);
  });
}

function bars(plot, numbers, values, reach, stroke) {
  path(plot, stroke, [], 1, (pen, across, up) => {
    numbers.forEach((number, i) => {
      if (!reach[i]) return;
      pen.moveTo(across(number), up(values[i] - reach[i]));
      pen.lineTo(across(number), up(values[i] + reach[i]));
    });
  });
}

function ring(plot, x, y, stroke) {
  path(plot, stroke, [], 2, (pen, across, up) => {
    pen.arc(across(x), up(y), 7 * window.devicePixelRatio, 0, 2 * Math.PI);
  });
}
