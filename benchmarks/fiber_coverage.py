"""How often the limits of fibers hold the truth of the composite that was drawn.

    python benchmarks/fiber_coverage.py labels|backend specimens FILE [FIRST]

Five fields of every specimen are drawn, and what 1, 2 and 5 of them state is compared with the truth of the process.
"labels" takes the exact labels: judged are the limits that chance leaves, as the line of half a pixel of outline, which
exact labels do not need, would widen them, and beside them all that is stated. "backend" takes the default backend on
pictures that a microscope degrades (levels 1 and 2 of ``synthetic.degrade``). FILE keeps one line per specimen, so that
a run goes on where the one before ended. Prints tables for docs/validation_fibres.md.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from inspect_tool import registry, synthetic
from inspect_tool.files import checked
from inspect_tool.model import Calibration, Editions, FieldMeasurement, Micrograph, Result, Segmentation
from inspect_tool.standards.editions import editions_for
from inspect_tool.statistics.uncertainty import expanded

PIXEL_UM, DIAMETER_UM, SHAPE = 0.35, 7.7, (340, 400)  # 22 px across a fiber
KINDS: Mapping[str, Mapping[str, Any]] = {
    "square": {"fiber_percent": 60.0, "tilt_deg": 4.0, "scatter_deg": 2.0, "void_percent": 1.5},
    "tilted": {"fiber_percent": 55.0, "tilt_deg": 35.0, "scatter_deg": 5.0, "void_percent": 2.0, "look": "glass"},
}
FIELDS = (1, 2, 5)
SYSTEMATIC = ("budget.segmentation", "budget.fiber_edge", "budget.scale", "budget.roundness")


def drawn(kind: str, seed: int, shape: tuple[int, int] = SHAPE) -> synthetic.Field:
    """One field; every second pixel size of the truth is that of a fiber of carbon or glass."""
    return synthetic.fibers(seed=seed, diameter_um=DIAMETER_UM, pixel_um=PIXEL_UM, shape_px=shape, **KINDS[kind])


def resin_rich_percent(kind: str) -> float:
    """Share farther than half a diameter from any fiber, in 40 other fields, by the nearest of all pixels of fiber."""
    beyond, found = DIAMETER_UM / PIXEL_UM / 2 + 0.5, []
    edge = int(beyond) + 1
    for seed in range(40):
        labels = drawn(kind, 900_000 + seed).labels
        rng = np.random.default_rng(seed)
        points = np.column_stack([rng.integers(edge, side - edge, 4000) for side in labels.shape])
        away = cKDTree(np.argwhere(labels == 1)).query(points)[0]
        found.append(100 * float(((away > beyond) & (labels[tuple(points.T)] == 0)).mean()))
    return float(np.mean(found))


def measured(kind: str, specimen: int, how: str) -> Iterator[FieldMeasurement]:
    """Fields of one specimen."""
    recipe = registry.load("recipe", "fibres")
    table = dict(recipe.BACKEND)
    backend = registry.load("backend", table.pop("name"))
    settings = checked(backend.Settings, table, "fibres")
    for number in range(max(FIELDS)):
        seed = 1000 * specimen + number
        field = drawn(kind, seed)
        pixels = field.pixels if how == "labels" else synthetic.degrade(field.pixels, 1 + specimen % 2, seed=seed)
        image = Micrograph(
            pixels=pixels, calibration=Calibration(pixel_um=PIXEL_UM, source="drawn"), path="drawn", field=number + 1
        )
        if how == "labels":
            given = Segmentation(
                labels=field.labels, objects=field.objects, classes=field.classes, kind="semantic", backend="labels"
            )
        else:
            given = backend.segment(backend.load(settings), image, settings)
        yield recipe.measure_field(image, given, recipe.Settings(), editions())


def editions() -> Editions:
    recipe = registry.load("recipe", "fibres")
    return editions_for(recipe, recipe.Settings())


def held(result: Result, truth: float) -> tuple[bool, bool]:
    """Whether what chance leaves, and whether what is stated, holds the truth."""
    assert result.interval is not None
    by_chance = expanded([line for line in result.budget if getattr(line.name, "key", "") not in SYSTEMATIC])
    return abs(result.value - truth) <= by_chance, result.interval[0] <= truth <= result.interval[1]


def specimen_of(kind: str, specimen: int, how: str, known: Mapping[str, float]) -> dict[str, Any]:
    """What is held of one specimen, by number of fields and quantity."""
    recipe = registry.load("recipe", "fibres")
    fields = list(measured(kind, specimen, how))
    found: dict[str, dict[str, tuple[bool, bool]]] = {}
    for number in FIELDS:
        results: Sequence[Result] = recipe.combine(fields[:number], recipe.Settings(), editions()).results
        found[str(number)] = {one.quantity: held(one, known[one.quantity]) for one in results}
    return {"kind": kind, "specimen": specimen, "held": found}


def main() -> None:
    how, specimens, file = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {(line["kind"], line["specimen"]) for line in lines if "kind" in line}
    known = {line["truth"]: line["known"] for line in lines if "truth" in line}
    lines = [line for line in lines if "truth" not in line]
    with file.open("a") as out:
        for kind in KINDS.keys() - known.keys():
            of_process = {
                name[8:]: value for name, value in drawn(kind, 0).truth.items() if name.startswith("process.")
            }
            known[kind] = {**of_process, "resin_rich_percent": resin_rich_percent(kind)}
            out.write(json.dumps({"truth": kind, "known": known[kind]}) + "\n")
            out.flush()
        for specimen in range(first, first + specimens):
            for kind in KINDS:
                if (kind, specimen) not in done:
                    lines.append(specimen_of(kind, specimen, how, known[kind]))
                    out.write(json.dumps(lines[-1]) + "\n")
                    out.flush()
    for kind in KINDS:
        mine = [line["held"] for line in lines if line["kind"] == kind]
        names = list(mine[0]["1"])
        print(f"\n{kind}, {len(mine)} specimens, by chance / stated [%]\n")
        print("| fields | " + " | ".join(f"`{name}`" for name in names) + " |")
        print("|" + "---|" * (len(names) + 1))
        for number in FIELDS:
            cells = []
            for name in names:
                both = [np.mean([one[str(number)][name][k] for one in mine]) for k in (0, 1)]
                cells.append(f"{100 * both[0]:.1f} / {100 * both[1]:.1f}")
            print(f"| {number} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
