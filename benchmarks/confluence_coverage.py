"""How often the stated interval of a culture holds the truth that it was drawn with.

    python benchmarks/confluence_coverage.py KIND [specimens] [look ...] [FILE.jsonl]

KIND is one of

- ``labels``: exact labels of what is covered, specimens of one and of three fields;
- ``nuclei``: exact labels of single nuclei, the same;
- ``texture``: pictures in phase contrast, good, ordinary and poor, by the default backend, one to five fields each;
- ``watershed``: pictures of a nuclear stain, the same, by ``watershed`` with mode particles and phase bright.

Shares are drawn between 5 and 95 %, numbers between 150 and 900 per mm2, cells between 25 and 55 um. Every line has the
share of specimens whose interval holds the truth of the process, of those that no doubt stands beside, the mean error
and the mean of |error| against what the very fields hold, and the mean of U. FILE keeps one line per specimen, so that
a run goes on where the one before ended.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from inspect_tool import synthetic
from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Findings, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for
from inspect_tool.synthetic import Field
from inspect_tool.synthetic.cultures import patches

SHAPE = (300, 360)
FIELDS = (1, 3)
PIXEL_UM = 0.65
LOOKS = {1: "good", 2: "ordinary", 3: "poor"}
Kind = Literal["labels", "nuclei", "texture", "watershed"]
BACKENDS: dict[str, dict[str, Any]] = {
    "texture": {"classes": ("ground", "cells")},
    "watershed": {"mode": "particles", "phase": "bright"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one specimen came out as."""

    truth: float  # of the process
    held: float  # by the fields
    value: float
    low: float
    high: float
    u: float  # expanded
    doubted: bool


def drawn(rng: np.random.Generator, kind: Kind, fields: int) -> tuple[str, list[Field]]:
    """Fields of one specimen, and the quantity that they are of."""
    seeds = rng.integers(2**31, size=fields).tolist()
    if kind in ("labels", "texture"):
        share, cell_um = float(rng.uniform(5, 95)), float(rng.uniform(25, 55))
        one = unpainted if kind == "labels" else synthetic.culture
        return "area_percent.covered", [
            one(seed=seed, area_percent=share, cell_um=cell_um, shape_px=SHAPE) for seed in seeds
        ]
    number = float(rng.uniform(150, 900))
    return "nuclei_per_mm2", [synthetic.nuclei(seed=seed, per_mm2=number, shape_px=SHAPE) for seed in seeds]


def unpainted(*, seed: int, area_percent: float, cell_um: float, shape_px: tuple[int, int]) -> Field:
    """A culture without its picture, for which painting would be most of the work."""
    _, labels = patches(np.random.default_rng(seed), shape_px, area_percent / 100, cell_um / PIXEL_UM)
    truth = {"process.area_percent.covered": area_percent, "field.area_percent.covered": 100 * float(labels.mean())}
    return Field(
        pixels=labels,
        labels=labels.astype(np.int32),
        classes={0: "ground", 1: "cells"},
        kind="semantic",
        pixel_um=PIXEL_UM,
        truth=truth,
    )


def measured(fields: list[Field], kind: Kind, level: int, seed: int) -> Findings:
    """The recipe on labels that are given, or on degraded pictures by the backend."""
    recipe: Any = load("recipe", "confluence")
    settings = recipe.Settings(count="nuclei" if kind in ("nuclei", "watershed") else "nothing")
    editions = editions_for(recipe, settings)
    made = []
    for number, field in enumerate(fields, 1):
        pixels = synthetic.degrade(field.pixels, level, seed=seed + number, modality="xray") if level else field.pixels
        image = Micrograph(
            pixels=pixels,
            calibration=Calibration(pixel_um=field.pixel_um, u_rel=0.002, source="drawn"),
            path="drawn",
            field=number,
        )
        if kind in BACKENDS:
            backend: Any = load("backend", kind)
            found = backend.segment(None, image, backend.Settings(**BACKENDS[kind]))
        else:
            found = Segmentation(labels=field.labels, classes=field.classes, kind=field.kind, backend="labels")
        made.append(recipe.measure_field(image, found, settings, editions))
    findings: Findings = recipe.combine(made, settings, editions)
    return findings


def specimens(kind: Kind, level: int, wanted: int, fields: int, file: Path | None = None) -> Iterator[Told]:
    """Draw and measure specimen after specimen; ``fields`` 0: one to five each."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file is not None and file.exists() else []
    known = {tuple(line["of"]): line["told"] for line in lines}
    for number in range(wanted):
        of = (kind, level, fields, number)
        if of not in known:
            one = specimen(kind, level, number, fields)
            known[of] = None if one is None else asdict(one)
            if file is not None:
                with file.open("a") as out:
                    out.write(json.dumps({"of": of, "told": known[of]}) + "\n")
        if known[of] is not None:
            yield Told(**known[of])


def specimen(kind: Kind, level: int, number: int, fields: int) -> Told | None:
    """Draw and measure one specimen; None: refused."""
    rng = np.random.default_rng([number, level, fields, 7])
    count = fields or int(rng.integers(1, 6))
    name, made = drawn(rng, kind, count)
    try:
        findings = measured(made, kind, level, 1000 * number)
    except InspectError as error:
        print(f"  refused: {error}")
        return None
    result = findings.results[0]
    assert result.interval is not None
    assert result.expanded_u is not None
    return Told(
        truth=made[0].truth[f"process.{name}"],
        held=float(np.mean([field.truth[f"field.{name}"] for field in made])),
        value=result.value,
        low=result.interval[0],
        high=result.interval[1],
        u=result.expanded_u,
        doubted=any(check.scope == "plausibility" and not check.passed for check in findings.checks),
    )


def line(title: str, told: list[Told]) -> str:
    """One row of the table."""

    def held(some: list[Told]) -> str:
        inside = sum(one.low <= one.truth <= one.high for one in some)
        return f"{100 * inside / len(some):.1f} % of {len(some)}" if some else "-"

    errors = np.asarray([one.value - one.held for one in told])
    return (
        f"| {title} | {held(told)} | {held([one for one in told if not one.doubted])} | {errors.mean():+.2f} | "
        f"{np.abs(errors).mean():.2f} | {np.abs(errors).max():.2f} | {np.median([one.u for one in told]):.2f} |"
    )


def main() -> None:
    kind: Kind = sys.argv[1]  # type: ignore[assignment]
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    file = next((Path(name) for name in sys.argv[3:] if name.endswith(".jsonl")), None)
    looks = [look for look in LOOKS.values() if look in sys.argv[3:]] or list(LOOKS.values())
    print("| specimens | holds | without a doubt | mean error | mean of its amount | largest | U, median |")
    print("|" + "---|" * 7)
    if kind in BACKENDS:
        for level, look in LOOKS.items():
            if look not in looks:
                continue
            print(
                line(f"{kind}, {look}, one to five fields", list(specimens(kind, level, wanted, 0, file))), flush=True
            )
    else:
        for fields in FIELDS:
            print(line(f"{kind}, {fields} fields", list(specimens(kind, 0, wanted, fields, file))), flush=True)


if __name__ == "__main__":
    main()
