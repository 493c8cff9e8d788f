"""Coverage and width of a check by hand on drawn specimens whose segmentation is broken on purpose.

``python benchmarks/referee_coverage.py [SPECIMENS] [POINTS]`` prints one row per recipe and fault. The truth is drawn,
the simulated person reads it at the points of the sample, and the point count beside it has as many points.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "truth"))
import drawn_readings
from clicked import answered

RECIPES = {"phase_fraction": drawn_readings.phases, "porosity": drawn_readings.pores}


def main(specimens: int = 300, points: int = 150) -> None:
    """Print the table."""
    print("| recipe | segmentation | machine off by | coverage | half width | points alone | ratio | bias |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe, draw in RECIPES.items():
        broken = []
        for fault in drawn_readings.FAULTS:
            found = []
            for seed in range(specimens):
                rng = np.random.default_rng([seed, points])
                found.append(answered(drawn_readings.reading(rng, draw(rng), fault), points, f"{recipe}{fault}{seed}"))
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


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
