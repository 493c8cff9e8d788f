// How many answers are still needed.

/** About how many more answers decide the verdict, or null where that is not said. */
async function clicksNeeded(sample, answers) {
  return null;
}
