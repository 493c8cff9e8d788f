// The answers of one person to one sample: values, and functions from values to values. What is kept in the browser and
// what is saved as a file is the same text.

const SCHEMA = "inspect_tool/referee-answers/1";
const CANNOT_TELL = "cannot tell";

const clock = () => new Date().toISOString().replace(/\.\d+Z$/, "Z");

const begun = (sample, person) => ({
  schema: SCHEMA, sample: sample.id, person, started: clock(), saved: clock(), finished: false, answers: [], undone: {},
});

/** The record with one more answer; `given` is what the person said, without its number and count of changes. */
function answered(record, item, given) {
  const { [item.n]: changes = 0, ...undone } = record.undone;
  const answer = { n: item.n, ...given, at: clock(), changes };
  return { ...record, finished: false, answers: [...record.answers, answer], undone };
}

/** The record without its last answer, which is remembered as changed. */
function takenBack(record) {
  const last = record.answers.at(-1);
  const undone = { ...record.undone, [last.n]: (last.changes ?? 0) + 1 };
  return { ...record, finished: false, answers: record.answers.slice(0, -1), undone };
}

const written = ({ undone, ...record }) =>
  JSON.stringify({ ...record, saved: clock(), ...(Object.keys(undone).length && { undone }) }, null, 1) + "\n";

/** Number of answers at which the stage ends in which this many answers stand. */
const stageEnd = (sample, answers) =>
  sample.stages.find((end) => end > answers && end < sample.items.length) ?? sample.items.length;

const isStageEnd = (sample, answers) => answers > 0 && (sample.stages.includes(answers) || answers === sample.items.length);

/** What is wrong with an answer at its place, or null. */
function wrongAnswer(sample, answer, item) {
  const kinds = sample.choices.map((choice) => choice.value);
  if (item === undefined) return `there are only ${sample.items.length} questions`;
  if (answer?.n !== item.n) return `the answer to question ${item.n} was expected, ${JSON.stringify(answer?.n ?? null)} was found`;
  const values = [CANNOT_TELL, ...(sample.kind === "lines" ? ["done"] : kinds)];
  if (!values.includes(answer.value)) return `${JSON.stringify(answer.value ?? null)} is none of its choices`;
  const onLine = (mark) => kinds.includes(mark?.value) && mark.position >= 0 && mark.position <= 1;
  if (sample.kind === "lines" && !(Array.isArray(answer.marks) && answer.marks.every(onLine))) return "a mark on the line is not as this page writes it";
  if (sample.needed && answer.value === "done" && answer.marks.length !== sample.needed) return `${sample.needed} marks on the line are needed`;
  return null;
}

/** Read answers as `written` wrote them. Returns the record, or a sentence that says why it is refused. */
function readRecord(sample, text) {
  let record;
  try {
    record = JSON.parse(text);
  } catch {
    return "it is not an answers file";
  }
  if (record?.schema !== SCHEMA || !Array.isArray(record.answers)) return "it is not an answers file";
  if (record.sample !== sample.id)
    return `it answers another sample (${String(record.sample).slice(0, 8)} …, this page asks ${sample.id.slice(0, 8)} …)`;
  if (typeof record.person !== "string" || !record.person.trim()) return "it does not say who answered";
  for (const [i, answer] of record.answers.entries()) {
    const wrong = wrongAnswer(sample, answer, sample.items[i]);
    if (wrong) return `answer ${i + 1}: ${wrong}`;
  }
  return { undone: {}, ...record };
}
