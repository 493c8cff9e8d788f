"""Coverage and width of a check by hand on drawn specimens whose segmentation is broken on purpose.

``python benchmarks/referee_coverage.py [SPECIMENS] [POINTS] [LINES]`` prints one row per recipe and fault. The truth is
drawn, the simulated person reads it at the points or lines of the sample, and the count beside it has as many of them
without a segmentation. A number of 0 leaves the points or the lines out.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "truth"))
import clicked
import drawn_mosaics
import drawn_readings
import marked

RECIPES = {"phase_fraction": drawn_readings.phases, "porosity": drawn_readings.pores}


def main(specimens: int = 300, points: int = 150, lines: int = 60) -> None:
    """Print the tables."""
    if points:
        shares(specimens, points)
    if lines:
        grains(specimens, lines)


def shares(specimens: int, points: int) -> None:
    """Print the table of area shares."""
    print("| recipe | segmentation | machine off by | coverage | half width | points alone | ratio | bias |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe, draw in RECIPES.items():
        broken = []
        for fault in drawn_readings.FAULTS:
            found = []
            for seed in range(specimens):
                rng = np.random.default_rng([seed, points])
                found.append(
                    clicked.answered(drawn_readings.reading(rng, draw(rng), fault), points, f"{recipe}{fault}{seed}")
                )
            held = [one.found.low <= one.truth <= one.found.high for one in found]
            broken += held if fault != "good" else []
            machine = 100 * np.mean([abs(one.machine - one.truth) for one in found])
            width = 50 * np.mean([one.found.high - one.found.low for one in found])
            alone = 50 * np.mean([one.alone.high - one.alone.low for one in found])
            bias = 100 * np.mean([one.found.value - one.truth for one in found])
            print(
                f"| {recipe} | {fault} | {machine:.1f} % | {100 * np.mean(held):.1f} % | {width:.2f} % | {alone:.2f} % "
                f"| {width / alone:.2f} | {bias:+.2f} % |",
                flush=True,
            )
        print(f"| {recipe} | all broken | | {100 * np.mean(broken):.1f} % | | | | |", flush=True)


def grains(specimens: int, lines: int) -> None:
    """Print the table of grain size; values in G."""
    print("| recipe | segmentation | machine off by | coverage | half width | lines alone | ratio | bias | marks |")
    print("|---|---|---|---|---|---|---|---|---|")
    broken = []
    for fault in drawn_mosaics.FAULTS:
        readings = []
        for seed in range(specimens):
            rng = np.random.default_rng([seed, lines])
            readings.append(drawn_mosaics.reading(rng, drawn_mosaics.mosaics(rng), fault))
        for missed in (0.0, 0.02):
            found = [marked.answered(one, lines, f"{fault}{seed}", missed) for seed, one in enumerate(readings)]
            held = [one.found.low <= one.truth <= one.found.high for one in found]
            broken += held if fault != "good" and not missed else []
            machine, bias = (
                np.mean([_g(one, of.truth) for one, of in zip(values, found, strict=True)])
                for values in ([one.machine for one in found], [one.found.value for one in found])
            )
            width, alone = (
                np.mean([_g(one.high, one.low) / 2 for one in intervals])
                for intervals in ([one.found for one in found], [one.alone for one in found])
            )
            print(
                f"| grain_size | {fault}{', 2 % not seen by the person' if missed else ''} | {machine:+.2f} "
                f"| {100 * np.mean(held):.1f} % | {width:.2f} | {alone:.2f} | {width / alone:.2f} | {bias:+.3f} "
                f"| {np.mean([one.marks for one in found]):.0f} |",
                flush=True,
            )
    print(f"| grain_size | all broken | | {100 * np.mean(broken):.1f} % | | | | | |", flush=True)


def _g(per_length: float, other: float) -> float:
    """Difference of the grain size numbers of two counts per length."""
    return float(2 * np.log2(per_length / other))


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
