"""How often the stated interval of a layer holds the thickness that it was drawn with.

    python benchmarks/layer_coverage.py KIND [specimens] [look or number of fields ...]

KIND is ``labels`` (exact labels, specimens of one and of five fields) or ``threshold`` (pictures, good, ordinary and
poor, by the default backend, one to five fields each). Layers are drawn 12 to 80 px thick, with a standard deviation of
2 to 20 % that varies over 15 to 120 px of the layer, interfaces rough by up to 5 %, slopes up to 20 degrees. Every line
has the share of specimens whose interval holds the mean of the process, of those that no doubt stands beside, the mean
error and the mean and largest |error| of the mean against what the very fields hold [%], the median of U [%], and the
mean error of the smallest thickness [%].
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from inspect_tool import synthetic
from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Findings, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for
from inspect_tool.synthetic import Field

SHAPE = (240, 480)
PIXEL_UM = 0.4
LOOKS = {1: "good", 2: "ordinary", 3: "poor"}
Kind = Literal["labels", "threshold"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one specimen came out as. [um]"""

    truth: float  # of the process
    held: float  # by the fields
    value: float
    low: float
    high: float
    u: float  # expanded
    doubted: bool
    least: float  # error of the smallest thickness


def drawn(rng: np.random.Generator, fields: int) -> list[Field]:
    """Fields of one specimen."""
    thick = float(np.exp(rng.uniform(np.log(12), np.log(80))))
    looks: dict[str, Any] = {
        "thickness_um": thick * PIXEL_UM,
        "spread": float(rng.uniform(0.02, 0.2)),
        "length_um": float(rng.uniform(15, 120)) * PIXEL_UM,
        "roughness_um": float(rng.uniform(0, 0.05)) * thick * PIXEL_UM,
        "slope_deg": float(rng.uniform(0, 20)) if thick < 40 else float(rng.uniform(0, 8)),
    }
    return [
        synthetic.layer(seed=seed, shape_px=SHAPE, pixel_um=PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def measured(fields: list[Field], kind: Kind, level: int, seed: int) -> Findings:
    """The recipe on labels that are given, or on degraded pictures by the default backend."""
    recipe: Any = load("recipe", "layer_thickness")
    settings = recipe.Settings(tilt_deg=0.0)
    editions = editions_for(recipe, settings)
    made = []
    for number, field in enumerate(fields, 1):
        image = Micrograph(
            pixels=synthetic.degrade(field.pixels, level, seed=seed + number) if level else field.pixels,
            calibration=Calibration(pixel_um=field.pixel_um, u_rel=0.002, source="drawn"),
            path="drawn",
            field=number,
        )
        if kind == "labels":
            found = Segmentation(labels=field.labels, classes=field.classes, kind=field.kind, backend="labels")
        else:
            asked = {name: value for name, value in recipe.BACKEND.items() if name != "name"}
            backend: Any = load("backend", recipe.BACKEND["name"])
            found = backend.segment(None, image, backend.Settings(**asked))
        made.append(recipe.measure_field(image, found, settings, editions))
    findings: Findings = recipe.combine(made, settings, editions)
    return findings


def specimens(kind: Kind, level: int, wanted: int, fields: int) -> Iterator[Told]:
    """Draw and measure specimen after specimen; ``fields`` 0: one to five each."""
    for number in range(wanted):
        rng = np.random.default_rng([number, level, fields, 18])
        made = drawn(rng, fields or int(rng.integers(1, 6)))
        try:
            findings = measured(made, kind, level, 1000 * number)
        except InspectError as error:
            print(f"  refused: {error}")
            continue
        mean, least = findings.results[:2]
        assert mean.interval is not None
        assert mean.expanded_u is not None
        truth = [field.truth for field in made]
        yield Told(
            truth=truth[0]["process.mean_thickness_um.layer"],
            held=float(np.mean([one["field.mean_thickness_um.layer"] for one in truth])),
            value=mean.value,
            low=mean.interval[0],
            high=mean.interval[1],
            u=mean.expanded_u,
            doubted=any(check.scope == "plausibility" and not check.passed for check in findings.checks),
            least=least.value - min(one["field.minimum_thickness_um.layer"] for one in truth),
        )


def line(title: str, told: list[Told]) -> str:
    """One row of the table."""

    def held(some: list[Told]) -> str:
        inside = sum(one.low <= one.truth <= one.high for one in some)
        return f"{100 * inside / len(some):.1f} % of {len(some)}" if some else "-"

    errors = np.asarray([100 * (one.value / one.held - 1) for one in told])
    return (
        f"| {title} | {held(told)} | {held([one for one in told if not one.doubted])} | {errors.mean():+.2f} | "
        f"{np.abs(errors).mean():.2f} | {np.abs(errors).max():.2f} | "
        f"{np.median([100 * one.u / one.truth for one in told]):.2f} | "
        f"{np.mean([100 * one.least / one.truth for one in told]):+.2f} |"
    )


def main() -> None:
    kind: Any = sys.argv[1]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    if kind == "labels":
        for fields in [int(number) for number in sys.argv[3:]] or (1, 5):
            print(line(f"labels, fields {fields}", list(specimens(kind, 0, wanted, fields))), flush=True)
        return
    for level in [int(look) for look in sys.argv[3:]] or LOOKS:
        print(line(f"{kind}, {LOOKS[level]}", list(specimens(kind, level, wanted, 0))), flush=True)


if __name__ == "__main__":
    main()
