// How many more answers decide the verdict: the formula of planning.py. What it needs is in the page in a code, so that
// nobody who looks at the file is told in passing what the program saw.

const FIRST = 30; // answers from which on a forecast says anything
const NORMAL = 1.96;
const DOUBTS = 2; // answers added that are 100 % off

/** Forecast from the values said so far; null: nothing can be said. See `planning.more_answers`. */
function moreAnswers(plan, said) {
  if (said.length < FIRST) return null;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const percent = (value) => (value === plan.target ? 100 : value === "cannot tell" ? 50 : 0);
  const used = said
    .map((value, i) => ({ weight: plan.w[i], difference: percent(value) - plan.m[i] }))
    .filter(({ weight }) => weight > 0);
  const n = used.length;
  if (!n) return null;
  const meanWeight = sum(used.map(({ weight }) => weight)) / n;
  const d = used.map(({ weight, difference }) => (weight * difference) / meanWeight);
  const mean = sum(d) / n;
  const spread = Math.sqrt((sum(d.map((one) => (one - mean) ** 2)) + DOUBTS * 100 ** 2) / (n + DOUBTS));
  const room = (plan.machine + mean - plan.limit) ** 2 - plan.fixed_U ** 2;
  return room <= 0 ? null : Math.max(0, Math.ceil((NORMAL * spread) ** 2 / room) - n);
}

/** What the program knows of the sample, or null: there is no limit, or this browser has no SHA-256. */
async function planOf(sample) {
  if (!sample.planning || !globalThis.crypto?.subtle) return null;
  const key = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sample.id)));
  const coded = atob(sample.planning.value);
  const bytes = Uint8Array.from(coded, (letter, i) => letter.charCodeAt(0) ^ key[i % key.length]);
  return JSON.parse(new TextDecoder().decode(bytes));
}
