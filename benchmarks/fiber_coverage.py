"""How often the limits of fibers hold the truth of the composite that was drawn.

    python benchmarks/fiber_coverage.py specimens FILE [FIRST [WAYS [KINDS [FIELDS]]]]

What FIELDS (1,2,5) fields of every specimen state is compared with the truth of the process.
WAYS: "labels" takes the exact labels, a number the default backend on the pictures as a microscope degrades them to
that level (``synthetic.degrade``), "turns" one of the three by turns; all of "labels,1,2,3" see the same fields. Beside
all that is stated, the limits that chance leaves are judged: exact labels do not need the line of half a pixel of
outline. FILE keeps one line per specimen and way, so that a run goes on where the one before ended. Prints tables for
docs/validation_fibres.md.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.spatial import cKDTree

from inspect_tool import registry, synthetic
from inspect_tool.files import checked
from inspect_tool.measure import share_scatter
from inspect_tool.model import Calibration, Editions, FieldMeasurement, Micrograph, Result, Segmentation
from inspect_tool.standards.editions import editions_for
from inspect_tool.statistics.uncertainty import expanded

PIXEL_UM, DIAMETER_UM, SHAPE = 0.35, 7.7, (340, 400)  # 22 px across a fiber
KINDS: Mapping[str, Mapping[str, Any]] = {
    "square": {"fiber_percent": 60.0, "tilt_deg": 4.0, "scatter_deg": 2.0, "void_percent": 1.5},
    "tilted": {"fiber_percent": 55.0, "tilt_deg": 35.0, "scatter_deg": 5.0, "void_percent": 2.0, "look": "glass"},
}
FIELDS = (1, 2, 5)
SYSTEMATIC = ("budget.segmentation", "budget.fiber_edge", "budget.scale", "budget.roundness", "budget.far_fibers")


def drawn(kind: str, seed: int, shape: tuple[int, int] = SHAPE) -> synthetic.Field:
    """One field; every second pixel size of the truth is that of a fiber of carbon or glass."""
    return synthetic.fibers(seed=seed, diameter_um=DIAMETER_UM, pixel_um=PIXEL_UM, shape_px=shape, **KINDS[kind])


def resin_rich_percent(kind: str) -> float:
    """Share farther than half a diameter from any fiber, in 200 other fields, by the nearest of all pixels of fiber."""
    beyond, found = DIAMETER_UM / PIXEL_UM / 2 + 0.5, []
    edge = int(beyond) + 1
    for seed in range(200):
        labels = drawn(kind, 900_000 + seed).labels
        rng = np.random.default_rng(seed)
        points = np.column_stack([rng.integers(edge, side - edge, 1000) for side in labels.shape])
        away = cKDTree(np.argwhere(labels == 1)).query(points)[0]
        found.append(100 * float(((away > beyond) & (labels[tuple(points.T)] == 0)).mean()))
    return float(np.mean(found))


def measured(image: Micrograph, field: synthetic.Field, way: str, seed: int) -> FieldMeasurement:
    """One field by exact labels, or by the default backend at a level of degradation."""
    recipe = registry.load("recipe", "fibres")
    if way == "labels":
        given = Segmentation(
            labels=field.labels, objects=field.objects, classes=field.classes, kind="semantic", backend="labels"
        )
    else:
        table = dict(recipe.BACKEND)
        backend = registry.load("backend", table.pop("name"))
        settings = checked(backend.Settings, table, "fibres")
        image = replace(image, pixels=synthetic.degrade(field.pixels, int(way), seed=seed))
        given = backend.segment(backend.load(settings), image, settings)
    return recipe.measure_field(image, given, recipe.Settings(), editions())


@lru_cache(maxsize=1)
def editions() -> Editions:
    recipe = registry.load("recipe", "fibres")
    return editions_for(recipe, recipe.Settings())


def stated(result: Result) -> tuple[float, float, float, float]:
    """Value, half width that chance leaves, and both ends of what is stated."""
    assert result.interval is not None
    by_chance = expanded([line for line in result.budget if getattr(line.name, "key", "") not in SYSTEMATIC])
    return result.value, by_chance, *result.interval


def specimen_of(kind: str, specimen: int, ways: Sequence[str], numbers: Sequence[int] = FIELDS) -> list[dict[str, Any]]:
    """What one specimen gives each way, by number of fields and quantity."""
    recipe = registry.load("recipe", "fibres")
    fields: dict[str, list[FieldMeasurement]] = {way: [] for way in ways}
    for number in range(max(numbers)):
        seed = 1000 * specimen + number
        field = drawn(kind, seed)
        image = Micrograph(
            pixels=field.pixels,
            calibration=Calibration(pixel_um=PIXEL_UM, source="drawn"),
            path="drawn",
            field=number + 1,
        )
        for way in ways:
            level = str(1 + specimen % 3) if way == "turns" else way
            fields[way].append(measured(image, field, level, seed))
    made = []
    for way, mine in fields.items():
        found = {}
        for number in numbers:
            findings = recipe.combine(mine[:number], recipe.Settings(), editions())
            doubts = [str(one.name) for one in findings.checks if one.scope == "plausibility" and not one.passed]
            found[str(number)] = {one.quantity: stated(one) for one in findings.results} | {"doubts": doubts}
        made.append({"kind": kind, "specimen": specimen, "way": way, "found": found})
    return made


def main() -> None:
    specimens, file = int(sys.argv[1]), Path(sys.argv[2])
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    ways = (sys.argv[4] if len(sys.argv) > 4 else "labels,1,2,3").split(",")
    kinds = sys.argv[5].split(",") if len(sys.argv) > 5 else list(KINDS)
    numbers = [int(number) for number in sys.argv[6].split(",")] if len(sys.argv) > 6 else list(FIELDS)
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {(line["kind"], line["specimen"], line["way"]) for line in lines if "kind" in line}
    known = {line["truth"]: line["known"] for line in lines if "truth" in line}
    lines = [line for line in lines if "truth" not in line]
    # no straight lines run through these fields, and to look for them takes longest
    with file.open("a") as out, patch.object(share_scatter, "through_lines", lambda *_: None):
        for kind in [kind for kind in kinds if kind not in known]:
            of_process = {
                name[8:]: value for name, value in drawn(kind, 0).truth.items() if name.startswith("process.")
            }
            known[kind] = {**of_process, "resin_rich_percent": resin_rich_percent(kind)}
            out.write(json.dumps({"truth": kind, "known": known[kind]}) + "\n")
            out.flush()
        for specimen in range(first, first + specimens):
            for kind in kinds:
                left = [way for way in ways if (kind, specimen, way) not in done]
                made = specimen_of(kind, specimen, left, numbers) if left else []
                lines += made
                out.writelines(json.dumps(line) + "\n" for line in made)
                out.flush()
    for kind in kinds:
        for way in ways:
            print_table(
                kind, way, [line["found"] for line in lines if (line["kind"], line["way"]) == (kind, way)], known[kind]
            )


def print_table(kind: str, way: str, found: Sequence[Mapping[str, Any]], known: Mapping[str, float]) -> None:
    """Share held by chance alone and as stated, mean error in the stated unit, and median half width."""
    if not found:
        return
    names = list(known)
    print(f"\n{kind}, {way}, {len(found)} specimens: held by chance / as stated [%]; mean error; median half width\n")
    print("| fields | " + " | ".join(f"`{name}`" for name in names) + " |")
    print("|" + "---|" * (len(names) + 1))
    for number in (number for number in FIELDS if str(number) in found[0]):
        cells = []
        for name in names:
            value, chance, low, high = np.array([one[str(number)][name] for one in found if name in one[str(number)]]).T
            error = value - known[name]
            by_chance, held = (np.abs(error) <= chance).mean(), ((low <= known[name]) & (known[name] <= high)).mean()
            cells.append(
                f"{100 * by_chance:.1f} / {100 * held:.1f}; {error.mean():+.3g}; {np.median(high - low) / 2:.3g}"
            )
        print(f"| {number} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
