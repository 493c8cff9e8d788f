// The table of features: sorted, filtered, page by page; a row leads to its object in the picture, an object to its row.

const features = (() => {
  const PAGE = 50;
  const table = document.getElementById("features");
  const getters = {
    same: ({ same }) => () => same,
    bits: ({ bits }) => (row) => bits[row] === "-" ? null : bits[row] === "1",
    at: ({ of, at }) => (row) => of[at[row]],
    values: ({ values }) => (row) => values[row],
  };
  const columns = data.columns.map((column) => {
    const get = getters[Object.keys(getters).find((name) => name in column)](column);
    const some = column.values?.find((value) => value !== null) ?? get(0);
    return { ...column, get, kind: "bits" in column || typeof some === "boolean" ? "bool" : typeof some === "string" ? "text" : "number" };
  });
  const named = Object.fromEntries(columns.map((column) => [column.name, column.get]));
  const all = Array.from({ length: data.count }, (_, row) => row);
  const imageOf = data.runs.flatMap(([image, count]) => Array(count).fill(image));
  const state = { rows: all, column: -1, down: false, page: 0, current: -1 };

  function text(value, i) {
    if (value === null) return "–";
    if (typeof value === "boolean") return value ? words.yes : words.no;
    if (typeof value !== "number") return value;
    const { place } = columns[i];
    const shown = place !== null ? value.toFixed(place) : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
    return shown.replace("-", "\u2212").replace(".", words.sign);
  }
  const placed = "row_px" in named && "column_px" in named;
  const picture = (row) => data.pictures[imageOf[row]];
  const figure = (row) => placed && picture(row)?.id ? document.getElementById(picture(row).id) : null;

  // Where an object lies in the picture of its field: the frame around it, and its center. [px of the picture]
  function box(row) {
    const { scale, pixel_um: um } = picture(row);
    const [centerX, centerY] = [(named.column_px(row) + 0.5) * scale, (named.row_px(row) + 0.5) * scale];
    if ("top_px" in named && "right_px" in named && named.top_px(row) !== null) {
      const [top, left, bottom, right] = ["top_px", "left_px", "bottom_px", "right_px"].map((name) => named[name](row) * scale);
      return { x: (left + right) / 2, y: (top + bottom) / 2, width: right - left, height: bottom - top, centerX, centerY };
    }
    const across = named.ecd_px?.(row) ?? (um && named.ecd_um ? named.ecd_um(row) / um : null) ?? 12;
    return { x: centerX, y: centerY, width: across * scale, height: across * scale, centerX, centerY };
  }
  const number = (row) => (named.joint ?? named.feature)?.(row) ?? row + 1;
  const title = (row) => fill(words.object, { feature: number(row), field: picture(row)?.field ?? "–" });

  const head = document.createElement("tr");
  head.append(Object.assign(document.createElement("td"), { className: "go" }));
  columns.forEach((column, i) => {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.setAttribute("aria-sort", "none");
    if (column.kind === "number") cell.className = "n";
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: column.title });
    button.addEventListener("click", () => {
      state.down = state.column === i ? !state.down : column.kind === "number";
      state.column = i;
      state.page = 0;
      draw();
    });
    cell.append(button);
    head.append(cell);
  });
  table.tHead.append(head);

  const find = document.getElementById("find");
  const told = document.getElementById("told");
  function select() {
    const query = find.value.trim();
    const found = query ? compiled(query, columns, words, text) : { holds: () => true, said: "", fault: "" };
    const rows = all.filter(found.holds);
    told.textContent = found.fault || found.said;
    told.classList.toggle("bad", Boolean(found.fault));
    if (found.fault) find.setAttribute("aria-invalid", "true");
    else find.removeAttribute("aria-invalid");
    const { get } = columns[state.column] ?? {};
    const sign = state.down ? -1 : 1;
    if (get) {
      rows.sort((a, b) => {
        const [left, right] = [get(a), get(b)];
        if (left === null || right === null) return (left === null) - (right === null);
        return sign * (typeof left === "string" ? left.localeCompare(right, words.language, { numeric: true }) : left - right);
      });
    }
    state.rows = rows;
  }
  // What leads from a row to its object: into the picture on this page, or to the file beside it.
  function leading(row, tag = "td") {
    const cell = Object.assign(document.createElement(tag), { className: "go" });
    const label = fill(words.show, { feature: number(row), field: picture(row)?.field ?? "–" });
    let link = null;
    if (figure(row)) {
      link = Object.assign(document.createElement("button"), { type: "button" });
      link.addEventListener("click", () => showObject(row));
    } else if (picture(row)?.file) {
      link = Object.assign(document.createElement("a"), { href: picture(row).file });
    }
    if (link) {
      link.textContent = "◎";
      link.title = label;
      link.setAttribute("aria-label", label);
      cell.append(link);
    }
    return cell;
  }
  function draw() {
    select();
    const pages = Math.max(1, Math.ceil(state.rows.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const body = document.createDocumentFragment();
    for (const row of state.rows.slice(state.page * PAGE, (state.page + 1) * PAGE)) {
      const line = document.createElement("tr");
      line.dataset.row = row;
      if (row === state.current) line.className = "main";
      line.append(leading(row));
      columns.forEach(({ get, kind }, i) => {
        line.append(Object.assign(document.createElement("td"), { textContent: text(get(row), i), className: kind === "number" ? "n" : "" }));
      });
      body.append(line);
    }
    table.tBodies[0].replaceChildren(body);
    [...head.querySelectorAll("th")].forEach((cell, i) => cell.setAttribute("aria-sort", i !== state.column ? "none" : state.down ? "descending" : "ascending"));
    document.getElementById("found").textContent = fill(words.found, { found: state.rows.length, all: data.count });
    document.getElementById("page").textContent = `${state.page + 1} / ${pages}`;
    document.getElementById("previous").disabled = state.page === 0;
    document.getElementById("next").disabled = state.page >= pages - 1;
  }
  // Called by the viewer: the row of an object, on the page of the table that holds it.
  function toRow(row) {
    state.current = row;
    if (!state.rows.includes(row)) {
      find.value = "";
      select();
    }
    state.page = Math.floor(state.rows.indexOf(row) / PAGE);
    draw();
    opened(table);
    const line = table.tBodies[0].querySelector(`[data-row="${row}"]`);
    line.scrollIntoView({ block: "center" });
    (line.querySelector(".go button, .go a") ?? find).focus({ preventScroll: true });
  }
  const turn = (by) => () => { state.page += by; draw(); };
  find.addEventListener("input", () => { state.page = 0; draw(); });
  document.getElementById("previous").addEventListener("click", turn(-1));
  document.getElementById("next").addEventListener("click", turn(1));
  draw();
  for (const thumb of document.querySelectorAll(".thumb[data-row]")) {
    thumb.querySelector("figcaption").append(" ", leading(Number(thumb.dataset.row), "span"));
  }
  return {
    box, figure, title, toRow,
    inFigure: (one) => all.filter((row) => placed && picture(row)?.id === one.id),
    values: (row) => columns.map(({ title: name, get }, i) => [name, text(get(row), i)]),
  };
})();
