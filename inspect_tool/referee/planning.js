// How many more answers decide the verdict: the formulas of planning.py. What they need is in the page in a code, so that
// nobody who looks at the file is told in passing what the program saw.

const FIRST = { share: 30, worst: 30, lines: 20 }; // answers from which on a forecast says anything
const NORMAL = 1.96;
const DOUBTS = 2; // answers added that are as far off as one can be

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Forecast from weights and differences between person and program. See `planning._outlook`. */
function outlook(used, plan, doubt) {
  const n = used.length;
  if (!n) return { n, value: plan.machine, more: null };
  const meanWeight = sum(used.map(({ weight }) => weight)) / n;
  const d = used.map(({ weight, difference }) => (weight * difference) / meanWeight);
  const mean = sum(d) / n;
  const doubts = plan.doubts ?? DOUBTS;
  const spread = Math.sqrt((sum(d.map((one) => (one - mean) ** 2)) + doubts * doubt ** 2) / (n + doubts));
  const room = (plan.machine + mean - plan.limit) ** 2 - plan.fixed_U ** 2;
  const more = room <= 0 ? null : Math.max(0, Math.ceil(((plan.k ?? NORMAL) * spread) ** 2 / room) - n);
  return { n, value: plan.machine + mean, more };
}

function shareOutlook(plan, said) {
  const percent = (value) => (value === plan.target ? 100 : value === "cannot tell" ? 50 : 0);
  const used = said
    .map((value, i) => ({ value, weight: plan.w[i], difference: percent(value) - plan.m[i] }))
    .filter(({ value, weight }) => weight > 0 && (!plan.beside || value !== plan.beside));
  return outlook(used, plan, 100);
}

function lineOutlook(plan, answers) {
  const count = (marks, i) => plan.scales[i] * sum(marks.map((mark) => plan.worth[mark]));
  const used = answers
    .map((marks, i) => ({ weight: plan.w[i], difference: (marks ? count(marks, i) : plan.machine) - plan.m[i] }))
    .filter(({ weight }) => weight > 0);
  return outlook(used, plan, 1);
}

/** See `planning.more_of_worst`. */
function moreOfWorst(plan, said) {
  const ofAll = ({ n, more }) => (more === null ? null : Math.ceil((more * said.length) / n));
  const joints = plan.joints.map((one) => ({ ...shareOutlook(one, said), limit: one.limit }));
  const above = joints.filter(({ value, limit }) => value > limit).map(ofAll);
  const failing = above.filter((more) => more !== null);
  if (failing.length) return Math.min(...failing);
  const passing = joints.map(ofAll);
  if (plan.others) {
    const rest = shareOutlook(plan.others, said);
    passing.push(rest.value < plan.others.limit ? ofAll(rest) : null);
  }
  return above.length || !passing.length || passing.includes(null) ? null : Math.max(...passing);
}

/**
 * Forecast from the answers so far: values of points, or of lines the kinds of their marks and null for a line that could
 * not be told; null: nothing can be said.
 */
function moreAnswers(plan, answers) {
  const kind = plan.kind ?? "share";
  if (answers.length < FIRST[kind]) return null;
  if (kind === "worst") return moreOfWorst(plan, answers);
  return (kind === "lines" ? lineOutlook(plan, answers) : shareOutlook(plan, answers)).more;
}

/** What the program knows of the sample, or null: there is no limit, or this browser has no SHA-256. */
async function planOf(sample) {
  if (!sample.planning || !globalThis.crypto?.subtle) return null;
  const key = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sample.id)));
  const coded = atob(sample.planning.value);
  const bytes = Uint8Array.from(coded, (letter, i) => letter.charCodeAt(0) ^ key[i % key.length]);
  return JSON.parse(new TextDecoder().decode(bytes));
}
