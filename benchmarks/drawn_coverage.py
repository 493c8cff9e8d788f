"""How often the stated interval of a recipe holds the number that a specimen was drawn with.

    python benchmarks/drawn_coverage.py DRAWING labels [specimens] [number of fields ...]
    python benchmarks/drawn_coverage.py inclusions outlines:PX [specimens] [number of fields ...]
    python benchmarks/drawn_coverage.py DRAWING default [specimens] [look ...]

``labels``: exact labels, by default specimens of one and of five fields. ``outlines:PX``: labels as of a person, whose
outlines all lie off by one length for each specimen, normal with a standard deviation of PX / √3: what a line of the
budget for outlines that lie off by PX takes them for (0.25 for sizes, 0.5 for the area). ``default``: pictures, good
(1), ordinary (2) and poor (3), by the default backend, one to five fields each. ``specimens`` is how many, or a range
of their numbers: ``1000-1200`` are 200 others than ``200``. DRAWING is one of

- ``layer_thickness``: layers 12 to 80 px thick, with a standard deviation of 2 to 20 % that varies over 15 to 120 px of
  the layer, interfaces rough by up to 5 %, slopes up to 20 degrees; the mean thickness;
- ``graphite``: 10 % graphite, particles of 24 to 48 px, nodularity 30 to 92 %, 5 to 16 % of the area near the limit of
  the shape factor; the nodularity;
- ``decarburisation``: 60 to 180 px decarburized, half of the specimens with 10 to 50 % of that in ferrite alone, 0 to
  60 % ferrite in the core, grains of 10 to 22 px, local depths that vary by up to 12 % along the surface, three shapes
  of the profile, slopes up to 8 degrees, a quarter of them round; the mean depths;
- ``banding``: 20 to 60 % of bands 14 to 40 px apart, anisotropy 1 to 5; the anisotropy index;
- ``inclusions``: 20 to 120 sulfides per mm2, 3 to 15 stringers, as many silicates, 30 to 150 globules, directions 10
  degrees off the rows; area, number and length per area, and the severities of ISO 4967 in the worst field, whose truth
  is that of the very fields;
- ``sparse_inclusions``: a quarter as many, at places that chance alone has chosen up to 2 um of free room, where those
  above keep 50 um along and 20 um across for each other; area and number.

Every line has the share of specimens whose interval holds the number of the process, of those that no doubt stands
beside, the mean error and the mean and largest |error| against what the very fields hold, and the median of U; all of
them in the unit of the result (thickness and index: % of it).
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from math import sqrt
from typing import Any, Literal

import numpy as np

from inspect_tool import synthetic
from inspect_tool.errors import InspectError
from inspect_tool.images.specimen_area import areas, without
from inspect_tool.model import Calibration, Findings, Micrograph, Segmentation
from inspect_tool.plugins import is_mounted, shows_surface
from inspect_tool.recipes.inclusions.limits import limits_of
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for, load_standard
from inspect_tool.synthetic import Field

LOOKS = {1: "good", 2: "ordinary", 3: "poor"}
PIXEL_UM = 0.4
Kind = Literal["labels", "outlines", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Specimens of one recipe."""

    recipe: str
    draw: Callable[..., list[Field]]  # (generator, number of fields); of inclusions outward_px, too
    quantities: tuple[str, ...]
    settings: Mapping[str, Any]
    relative: bool  # errors are given over the truth, in %
    truth: Callable[[list[Field], str], tuple[float, float]] | None = None  # of the material, of the fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one specimen came out as."""

    quantity: str
    truth: float  # of the process
    held: float  # by the fields
    value: float
    low: float
    high: float
    u: float  # expanded
    doubted: bool


def layers(rng: np.random.Generator, fields: int) -> list[Field]:
    """Fields of one layer."""
    thick = float(np.exp(rng.uniform(np.log(12), np.log(80))))
    looks: dict[str, Any] = {
        "thickness_um": thick * PIXEL_UM,
        "spread": float(rng.uniform(0.02, 0.2)),
        "length_um": float(rng.uniform(15, 120)) * PIXEL_UM,
        "roughness_um": float(rng.uniform(0, 0.05)) * thick * PIXEL_UM,
        "slope_deg": float(rng.uniform(0, 20)) if thick < 40 else float(rng.uniform(0, 8)),
    }
    return [
        synthetic.layer(seed=seed, shape_px=(240, 480), pixel_um=PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def irons(rng: np.random.Generator, fields: int) -> list[Field]:
    """Fields of one iron."""
    looks: dict[str, Any] = {
        "nodularity_percent": float(rng.uniform(30, 92)),
        "median_um": float(rng.uniform(24, 48)) * PIXEL_UM * 2,
        "between_percent": float(rng.uniform(5, 16)),
        "spread": float(rng.uniform(0.15, 0.35)),
    }
    return [
        synthetic.graphite(seed=seed, shape_px=(480, 640), pixel_um=2 * PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def rolled(rng: np.random.Generator, fields: int) -> list[Field]:
    """Fields of one banded steel."""
    looks: dict[str, Any] = {
        "area_percent": float(rng.uniform(20, 60)),
        "spacing_um": float(rng.uniform(14, 40)) * PIXEL_UM,
        "anisotropy": float(np.exp(rng.uniform(0, np.log(5)))),
    }
    return [
        synthetic.bands(seed=seed, shape_px=(400, 480), pixel_um=PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def skins(rng: np.random.Generator, fields: int) -> list[Field]:
    """Fields along the surface of one decarburized steel."""
    total = float(np.exp(rng.uniform(np.log(60), np.log(180)))) * 2 * PIXEL_UM
    is_complete = bool(rng.uniform() < 0.5)
    looks: dict[str, Any] = {
        "total_um": total,
        "complete_um": float(rng.uniform(0.1, 0.5)) * total if is_complete else 0.0,
        "surface_percent": 0.0 if is_complete else float(rng.uniform(0, 40)),
        "core_ferrite_percent": float(rng.uniform(0, 60)),
        "profile": str(rng.choice(["diffusion", "linear", "front"])),
        "grain_um": float(rng.uniform(10, 22)) * 2 * PIXEL_UM,
        "spread": float(rng.uniform(0, 0.12)),
        "slope_deg": float(rng.uniform(0, 8)),
        "radius_um": float(rng.uniform(500, 2000)) * 2 * PIXEL_UM if rng.uniform() < 0.25 else None,
    }
    return [
        synthetic.decarburised(seed=seed, shape_px=(400, 560), pixel_um=2 * PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def steels(rng: np.random.Generator, fields: int, *, thinner: float = 1.0, **more: Any) -> list[Field]:
    """Fields of one steel."""
    per_mm2 = {
        "A": float(rng.uniform(20, 120)) / thinner,
        "B": float(rng.uniform(3, 15)) / thinner,
        "C": float(rng.uniform(3, 15)) / thinner,
        "D": float(rng.uniform(30, 150)) / thinner,
        "DS": float(rng.uniform(0, 4)) / thinner,
    }
    looks: dict[str, Any] = {"turn_deg": float(rng.uniform(-10, 10)), **more}
    return [
        synthetic.inclusions(seed=seed, per_mm2=per_mm2, shape_px=(480, 640), pixel_um=2 * PIXEL_UM, **looks)
        for seed in rng.integers(2**31, size=fields).tolist()
    ]


def of_process(fields: list[Field], quantity: str) -> tuple[float, float]:
    """The number of the process, and the mean of what the fields hold."""
    return (
        fields[0].truth[f"process.{quantity}"],
        float(np.mean([field.truth[f"field.{quantity}"] for field in fields])),
    )


def of_steels(fields: list[Field], quantity: str) -> tuple[float, float]:
    """The same, and of severities that of the worst field: they lie within one square of 0.71 mm."""
    if not quantity.startswith("severity."):
        return of_process(fields, quantity)
    series = quantity.removeprefix("severity.")
    key = "largest_um.ds" if series == "ds" else f"{'number' if series[0] == 'd' else 'length_um'}.{series}"
    total = max(field.truth[f"field.{key}"] for field in fields)
    index = limits_of(load_standard("iso_4967_2013")).index(series, total)
    return index, index


DRAWINGS: Mapping[str, Drawing] = {
    "decarburisation": Drawing(
        recipe="decarburisation",
        draw=skins,
        quantities=("mean_total_depth_um", "mean_partial_depth_um", "mean_complete_depth_um"),
        settings={"tilt_deg": 0.0},
        relative=False,
    ),
    "layer_thickness": Drawing(
        recipe="layer_thickness",
        draw=layers,
        quantities=("mean_thickness_um.layer",),
        settings={"tilt_deg": 0.0},
        relative=True,
    ),
    "banding": Drawing(recipe="banding", draw=rolled, quantities=("anisotropy_index",), settings={}, relative=True),
    "graphite": Drawing(recipe="graphite", draw=irons, quantities=("nodularity_percent",), settings={}, relative=False),
    "inclusions": Drawing(
        recipe="inclusions",
        draw=steels,
        quantities=(
            *("inclusion_percent", "inclusion_count_per_mm2", "length_per_area.a", "length_per_area.c"),
            *(f"severity.{kind}_{thick}" for kind in "abcd" for thick in ("thin", "heavy")),
            "severity.ds",
        ),
        settings={},
        relative=False,
        truth=of_steels,
    ),
    "sparse_inclusions": Drawing(
        recipe="inclusions",
        draw=partial(steels, thinner=4.0, apart_um=(2.0, 2.0)),
        quantities=("inclusion_percent", "inclusion_count_per_mm2"),
        settings={},
        relative=False,
    ),
}


def measured(name: str, fields: list[Field], kind: Kind, level: int, seed: int) -> Findings:
    """The recipe on labels that are given, or on degraded pictures by the default backend."""
    drawing = DRAWINGS[name]
    recipe: Any = load("recipe", drawing.recipe)
    settings = recipe.Settings(**drawing.settings)
    editions = editions_for(recipe, settings)
    made = []
    for number, field in enumerate(fields, 1):
        image = Micrograph(
            pixels=synthetic.degrade(field.pixels, level, seed=seed + number) if level else field.pixels,
            calibration=Calibration(pixel_um=field.pixel_um, u_rel=0.002, source="drawn"),
            path="drawn",
            field=number,
        )
        if kind != "default":
            found = Segmentation(labels=field.labels, classes=field.classes, kind=field.kind, backend="labels")
        else:
            if is_mounted(recipe):
                found_areas = areas(image.pixels, surface=shows_surface(recipe))
                image = without(image, found_areas)
            asked = {key: value for key, value in recipe.BACKEND.items() if key != "name"}
            backend: Any = load("backend", recipe.BACKEND["name"])
            found = backend.segment(None, image, backend.Settings(**asked))
        made.append(recipe.measure_field(image, found, settings, editions))
    findings: Findings = recipe.combine(made, settings, editions)
    return findings


def specimens(
    name: str, kind: Kind, level: int, wanted: range, fields: int, outlines_px: float = 0.0
) -> Iterator[Told]:
    """Draw and measure specimen after specimen; ``fields`` 0: one to five each."""
    drawing = DRAWINGS[name]
    truth = drawing.truth or of_process
    for number in wanted:
        rng = np.random.default_rng([number, level, fields, 18])
        many = fields or int(rng.integers(1, 6))
        off_px = np.random.default_rng([number, level, fields, 19]).normal(0.0, outlines_px / sqrt(3))
        made = drawing.draw(rng, many, **{"outward_px": off_px} if kind == "outlines" else {})
        try:
            findings = measured(name, made, kind, level, 1000 * number)
        except InspectError as error:
            print(f"  refused: {error}")
            continue
        doubted = any(check.scope == "plausibility" and not check.passed for check in findings.checks)
        for quantity in drawing.quantities:
            result = next((one for one in findings.results if one.quantity == quantity), None)
            if result is None or result.interval is None or result.expanded_u is None:
                print(f"# no result of {quantity}")
                continue
            of_material, of_fields = truth(made, quantity)
            yield Told(
                quantity=quantity,
                truth=of_material,
                held=of_fields,
                value=result.value,
                low=result.interval[0],
                high=result.interval[1],
                u=result.expanded_u,
                doubted=doubted,
            )


def line(title: str, told: list[Told], *, relative: bool) -> str:
    """One row of the table."""

    def held(some: list[Told]) -> str:
        inside = sum(one.low <= one.truth <= one.high for one in some)
        return f"{100 * inside / len(some):.1f} % of {len(some)}" if some else "-"

    scale = np.asarray([100 / one.truth if relative else 1.0 for one in told])
    errors = scale * np.asarray([one.value - one.held for one in told])
    return (
        f"| {title} | {held(told)} | {held([one for one in told if not one.doubted])} | {errors.mean():+.2f} | "
        f"{np.abs(errors).mean():.2f} | {np.abs(errors).max():.2f} | "
        f"{np.median(scale * np.asarray([one.u for one in told])):.2f} |"
    )


def show(title: str, told: list[Told], *, relative: bool) -> None:
    """Print the rows of all quantities."""
    quantities = dict.fromkeys(one.quantity for one in told)
    for quantity in quantities:
        name = f"{title}, {quantity}" if len(quantities) > 1 else title
        print(line(name, [one for one in told if one.quantity == quantity], relative=relative), flush=True)


def main() -> None:
    name, kind = sys.argv[1], sys.argv[2]
    first, _, last = (sys.argv[3] if len(sys.argv) > 3 else "200").rpartition("-")
    wanted = range(int(first or 0), int(last))
    asked = [int(number) for number in sys.argv[4:]]
    relative = DRAWINGS[name].relative
    if kind != "default":
        outlined, _, off_px = kind.partition(":")
        labels: Kind = "outlines" if outlined == "outlines" else "labels"
        for fields in asked or (1, 5):
            told = list(specimens(name, labels, 0, wanted, fields, float(off_px or 0)))
            show(f"{kind}, fields {fields}", told, relative=relative)
        return
    for level in asked or LOOKS:
        show(f"default, {LOOKS[level]}", list(specimens(name, "default", level, wanted, 0)), relative=relative)


if __name__ == "__main__":
    main()
