// The language of the filter: names, comparisons, units, ranges, yes and no, joined by and, or, not.
//
// "area > 500" compares the column that is called so, in the unit that the reader sees: the calibrated one before pixels.
// "area > 500 px2" takes the column in that unit, "length > 0.2 mm" one in another unit of the same kind. What cannot be
// understood finds nothing and says why: never all rows.

const SIGNS = ["<=", ">=", "!=", "==", "≤", "≥", "≠", "<", ">", "="];
const KINDS = { nm: ["length", 1e-3], µm: ["length", 1], mm: ["length", 1e3], cm: ["length", 1e4], "µm²": ["area", 1], "mm²": ["area", 1e6] };

// One spelling of a unit: um2, µm^2 and μm² are µm².
function unitOf(text) {
  return text.trim().toLowerCase().replace(/^u(?=m)/, "µ").replaceAll("μ", "µ").replace(/\^?2$/, "²").replace(/^deg$/, "°");
}

// One spelling of a name: small letters, words apart, no accents.
function plain(text) {
  return text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/[_,.\s-]+/g, " ").trim();
}

// What a column is called, and its unit, from its head "Area [µm²]" and its name "area_um2".
function headOf(column) {
  const found = /^(.*?)\s*\[(.+)\]$/.exec(column.title);
  const unit = found ? unitOf(found[2]) : "";
  const stem = unit ? column.name.replace(/_(?:per_)?[a-z]+2?$/, "") : column.name;
  return { unit, names: [plain(found ? found[1] : column.title), plain(stem), plain(column.name)] };
}

// Columns that a name means, those in pixels last: called so, or else beginning so, or with a word that begins so. A name
// of one or two letters is a symbol: only a column of that name is meant, so that "G" is not taken for "Gap".
function columnsCalled(columns, name) {
  const wanted = plain(name).replace(/\b(border|frame|rim)$/, "edge");
  const ranked = columns.map((column, at) => {
    const { unit, names } = headOf(column);
    const rank = Math.min(...names.map((one) => one === wanted ? 0 : wanted.length < 3 ? 4 : one.startsWith(`${wanted} `) ? 1 : one.startsWith(wanted) ? 2 : ` ${one}`.includes(` ${wanted}`) ? 3 : 4));
    return { at, unit, rank, title: column.title, pixels: unit.startsWith("px") };
  });
  const best = Math.min(...ranked.map((one) => one.rank));
  if (!wanted || best > 3) return [];
  return ranked.filter((one) => one.rank === best).sort((a, b) => a.pixels - b.pixels);
}

// A number with a point or a comma as decimal sign; null: it is none, or it may mean a thousand ("1,000" in English).
function numberOf(text, sign) {
  const found = text.trim().replaceAll("\u2212", "-").replace(/(\d)[\s\u00a0\u202f](?=\d{3}\b)/g, "$1");
  if ((sign === "." ? /^[+-]?[1-9]\d{0,2}(,\d{3})+$/ : /^[+-]?[1-9]\d{0,2}(\.\d{3})+$/).test(found)) return null;
  return /^[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?$/i.test(found) ? Number(found.replace(",", ".")) : null;
}

// The rows that a query finds among columns with their values, and what is to be said about it.
function compiled(query, columns, words, shown) {
  const said = new Set();
  const fault = (text) => { throw { text }; };
  const list = (found) => found.map((one) => one.title).join(", ");
  function column(name, unit) {
    const found = columnsCalled(columns, name);
    if (!found.length) fault(fill(words.unknown, { name: name.trim(), columns: list(columns) }));
    if (!unit) return { ...found[0], factor: 1, others: found.slice(1) };
    const same = found.find((one) => one.unit === unit);
    if (same) return { ...same, factor: 1, others: [] };
    const alike = found.find((one) => KINDS[unit] && KINDS[one.unit]?.[0] === KINDS[unit][0]);
    if (alike) return { ...alike, factor: KINDS[unit][1] / KINDS[alike.unit][1], others: [] };
    return fault(fill(words.unit, { name: name.trim(), unit, columns: list(found) }));
  }
  function note(taken) {
    const also = taken.others.length ? `; ${fill(words.also, { columns: list(taken.others) })}` : "";
    said.add(fill(words.took, { column: taken.title }) + also);
  }
  function compare(name, sign, text) {
    if (!name.trim() || !text.trim()) fault(fill(words.incomplete, { part: `${name.trim()} ${sign} ${text.trim()}`.trim() }));
    const range = /^(.+?)(?:\.\.+|…)(.+)$/.exec(text);
    const end = (range ? range[2] : text).trim();
    const measured = numberOf(end, words.sign) === null && /^(.*?\d[.,]?)\s*([^\d\s.,]\S*)$/.exec(end);
    const hasUnit = measured && numberOf(measured[1], words.sign) !== null;
    const taken = column(name, hasUnit ? unitOf(measured[2]) : "");
    const { get, kind } = columns[taken.at];
    const differs = sign === "!=" || sign === "≠";
    if (kind === "bool") {
      const asked = { [plain(words.yes)]: true, yes: true, true: true, 1: true, [plain(words.no)]: false, no: false, false: false, 0: false }[plain(text)];
      if (asked === undefined || !["=", "==", "!=", "≠"].includes(sign)) fault(fill(words.yes_no, { column: taken.title, yes: words.yes, no: words.no }));
      note(taken);
      return (row) => get(row) !== null && (get(row) === asked) !== differs;
    }
    if (kind === "text") {
      const asked = plain(text);
      note(taken);
      return (row) => get(row) !== null && (plain(String(get(row))) === asked) !== differs;
    }
    const last = hasUnit ? measured[1] : end;
    const ends = (range ? [range[1], last] : [last]).map((one) => {
      const number = numberOf(one, words.sign);
      return number === null ? fault(fill(words.value, { name: taken.title, value: one.trim() })) : number * taken.factor;
    });
    note(taken);
    if (range) return (row) => get(row) !== null && (get(row) >= Math.min(...ends) && get(row) <= Math.max(...ends)) !== differs;
    const [limit] = ends;
    // a number as it is shown equals the number behind it
    const equal = (value) => value === limit || shown(value, taken.at) === shown(limit, taken.at);
    const holds = { "<": (v) => v < limit, ">": (v) => v > limit, "<=": (v) => v <= limit, "≤": (v) => v <= limit, ">=": (v) => v >= limit, "≥": (v) => v >= limit, "=": equal, "==": equal, "!=": (v) => !equal(v), "≠": (v) => !equal(v) }[sign];
    return (row) => get(row) !== null && holds(get(row));
  }
  function claim(part) {
    const text = part.trim();
    if (!text) fault(fill(words.incomplete, { part: query.trim() }));
    const negated = new RegExp(`^(?:not|${words.not})\\s+(.+)$`, "i").exec(text);
    if (negated) {
      const inner = claim(negated[1]);
      return (row) => !inner(row);
    }
    const at = [...text].findIndex((sign) => "<>=≤≥≠!".includes(sign));
    if (at >= 0) {
      const sign = SIGNS.find((one) => text.startsWith(one, at));
      if (!sign) fault(fill(words.incomplete, { part: text }));
      return compare(text.slice(0, at), sign, text.slice(at + sign.length));
    }
    const range = /^(.*[^\d\s.,+-])\s+([+-]?[\d.,]*\d\s*(?:\.\.+|…)\s*[+-]?\d.*)$/.exec(text);
    if (range) return compare(range[1], "=", range[2]);
    const wanted = text.toLowerCase();
    return (row) => columns.some((one, i) => shown(one.get(row), i).toLowerCase().includes(wanted));
  }
  const split = (text, word, sign) => text.split(new RegExp(`\\s+(?:${word})(?:\\s+|$)|\\s*${sign}\\s*`, "i"));
  try {
    const either = split(query, `or|${words.or}`, "\\|\\|").map((some) => split(some, `and|${words.and}`, "&&").map(claim));
    return { holds: (row) => either.some((all) => all.every((one) => one(row))), said: [...said].join(". "), fault: "" };
  } catch (problem) {
    if (!problem.text) throw problem;
    return { holds: () => false, said: "", fault: problem.text };
  }
}
