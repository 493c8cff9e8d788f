"""Coverage and width of a check by hand on drawn specimens whose segmentation is broken on purpose.

``python benchmarks/referee_coverage.py [SPECIMENS] [POINTS] [RECIPE]`` prints one row per recipe and fault. The truth
is drawn, the simulated person reads it at the points of the sample, and the point count beside it has as many points.
For solder joints a second table has the worst joint: how often either limit holds, and where they lie. Grain size has a
table of its own, in G, by test lines; the thickness of layers one in percent of the thickness.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inspect_tool.inspection.hand_check import LINES

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "truth"))
import drawn_joints
import drawn_layers
import drawn_mosaics
import drawn_readings
import marked
from clicked import JointOutcome, Outcome, answered, answered_joints

AREAS = {"phase_fraction": drawn_readings.phases, "porosity": drawn_readings.pores}
JOINTS, GRAINS, LAYERS = "solder_voids", "grain_size", "layer_thickness"


def main(specimens: int = 300, points: int = 150, only: str = "") -> None:
    """Print the tables."""
    print("| recipe | segmentation | machine off by | coverage | half width | points alone | ratio | bias |")
    print("|---|---|---|---|---|---|---|---|")
    for recipe, draw in AREAS.items():
        broken = []
        for fault in drawn_readings.FAULTS if only in ("", recipe) else ():
            found = []
            for seed in range(specimens):
                rng = np.random.default_rng([seed, points])
                found.append(answered(drawn_readings.reading(rng, draw(rng), fault), points, f"{recipe}{fault}{seed}"))
            held = _row(recipe, fault, found)
            broken += held if fault != "good" else []
        _all_broken(recipe, broken)
    if only in ("", JOINTS):
        _joints(specimens, points)
    if only in ("", GRAINS):
        _grains(specimens, LINES)
    if only in ("", LAYERS):
        _layers(specimens, LINES)


def _joints(specimens: int, points: int) -> None:
    broken, worst = [], {}
    for fault in drawn_joints.FAULTS:
        worst[fault] = [
            answered_joints(
                drawn_joints.board(np.random.default_rng([seed, points]), fault), points, f"{JOINTS}{fault}{seed}"
            )
            for seed in range(specimens)
        ]
        held = _row(JOINTS, fault, [one.mean for one in worst[fault]])
        broken += held if fault != "good" else []
    _all_broken(JOINTS, broken)
    print("\n| segmentation | worst joint | by machine | by hand | lower limit | upper limit | holds below | above |")
    print("|---|---|---|---|---|---|---|---|")
    for fault, found in worst.items():
        _worst_row(fault, found)


def _row(recipe: str, fault: str, found: Sequence[Outcome]) -> list[bool]:
    held = [one.found.low <= one.truth <= one.found.high for one in found]
    machine = 100 * np.mean([abs(one.machine - one.truth) for one in found])
    width = 50 * np.mean([one.found.high - one.found.low for one in found])
    alone = 50 * np.mean([one.alone.high - one.alone.low for one in found])
    bias = 100 * np.mean([one.found.value - one.truth for one in found])
    print(
        f"| {recipe} | {fault} | {machine:.1f} % | {100 * np.mean(held):.1f} % | {width:.2f} % | {alone:.2f} % "
        f"| {width / alone:.2f} | {bias:+.2f} % |",
        flush=True,
    )
    return held


def _all_broken(recipe: str, held: Sequence[bool]) -> None:
    if held:
        print(f"| {recipe} | all broken | | {100 * np.mean(held):.1f} % | | | | |", flush=True)


def _worst_row(fault: str, found: Sequence[JointOutcome]) -> None:
    middle = [
        np.mean([100 * value for value in values])
        for values in (
            [one.worst for one in found],
            [one.machine_worst for one in found],
            [one.bound.value for one in found],
            [one.bound.low for one in found],
            [one.bound.high for one in found],
            [one.bound.low <= one.worst for one in found],
            [one.worst <= one.bound.high for one in found],
        )
    ]
    print(f"| {fault} | {' | '.join(f'{value:.1f} %' for value in middle)} |", flush=True)


def _grains(specimens: int, lines: int) -> None:
    print("| recipe | segmentation | machine off by | coverage | half width | lines alone | ratio | bias | marks |")
    print("|---|---|---|---|---|---|---|---|---|")
    broken = []
    for fault in drawn_mosaics.FAULTS:
        readings = []
        for seed in range(specimens):
            rng = np.random.default_rng([seed, lines])
            readings.append(drawn_mosaics.reading(rng, drawn_mosaics.mosaics(rng), fault))
        for missed in (0.0, 0.02) if fault == "good" else (0.0,):
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
                f"| {GRAINS} | {fault}{', 2 % not seen by the person' if missed else ''} | {machine:+.2f} "
                f"| {100 * np.mean(held):.1f} % | {width:.2f} | {alone:.2f} | {width / alone:.2f} | {bias:+.3f} "
                f"| {np.mean([one.marks for one in found]):.0f} |",
                flush=True,
            )
    print(f"| {GRAINS} | all broken | | {100 * np.mean(broken):.1f} % | | | | | |", flush=True)


def _layers(specimens: int, lines: int) -> None:
    print("| recipe | segmentation | machine off by | coverage | half width | lines alone | ratio | bias |")
    print("|---|---|---|---|---|---|---|---|")
    broken = []
    for fault in drawn_layers.FAULTS:
        found = [
            drawn_layers.answered(
                drawn_layers.reading(np.random.default_rng([seed, lines]), fault), lines, f"{fault}{seed}"
            )
            for seed in range(specimens)
        ]
        held = [one.said.found.low <= one.truth <= one.said.found.high for one in found]
        broken += held if fault != "good" else []
        machine, width, alone, bias = (
            100 * np.mean([value / one.truth for value, one in zip(values, found, strict=True)])
            for values in (
                [abs(one.machine - one.truth) for one in found],
                [(one.said.found.high - one.said.found.low) / 2 for one in found],
                [(one.said.alone.high - one.said.alone.low) / 2 for one in found],
                [one.said.found.value - one.truth for one in found],
            )
        )
        print(
            f"| {LAYERS} | {fault} | {machine:.1f} % | {100 * np.mean(held):.1f} % | {width:.2f} % | {alone:.2f} % "
            f"| {width / alone:.2f} | {bias:+.2f} % |",
            flush=True,
        )
    print(f"| {LAYERS} | all broken | | {100 * np.mean(broken):.1f} % | | | | |", flush=True)


def _g(per_length: float, other: float) -> float:
    """Difference of the grain size numbers of two counts per length."""
    return float(2 * np.log2(per_length / other))


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:3]), *sys.argv[3:4])
