"""Sizes and number of particles on real pictures with hand-made outlines, by any backend: table of the docs.

    OMP_NUM_THREADS=1 nice python benchmarks/particle_pictures.py BACKEND [key=value ...]

What recipe ``particles`` makes of the labels of a backend, over what it makes of the hand-made ones, with its own
settings on both sides; F1 of objects of the least size and more, at an IoU of 0.5. Sets: emps-particles, ampis-powder
and the one transmission picture of minis-permissive. Rules of ``watershed`` were chosen on the pictures of the one half
of the parents ("chose") alone; the other half judges. Watershed and threshold are told which phase the particles are.
Settings of the backend follow as key=value. One line a picture, then medians, ratios first, in brackets the median of
|ln|.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import cv2
import numpy as np
from _real_images import DATA, looks, values
from instances import objects
from numpy.typing import NDArray
from stardist.matching import matching

from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.recipes.particles import Settings
from inspect_tool.recipes.particles.field import numbers_of, particles_of
from inspect_tool.recipes.particles.values import Numbers
from inspect_tool.registry import load

IOU = 0.5
PHASED = ("threshold", "watershed")
TOLD: dict[str, dict[str, Any]] = {"watershed": {"mode": "particles"}}
LOOKED_AT = ("particle_count_per_mm2", "particle_d10_um.number", "particle_d50_um.number", "mean_particle_ecd_um",
             "particle_d50_um.volume", "sauter_diameter_um", "area_percent")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlined:
    """A picture whose particles were outlined by hand."""

    source: str
    name: str
    parent: str
    chose: bool  # rules were chosen on it, and on the others of its parent
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    phase: str  # of the particles, as anyone sees who looks


def outlined() -> Iterator[Outlined]:
    """All pictures of the three sets; every second parent chose, by the order of their names."""
    for source in ("ampis-powder", "emps-particles", "minis-permissive"):
        folder = DATA / source
        with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("kind", "") != "grains"]
        parents = sorted({row["parent"] for row in rows})
        for row in sorted(rows, key=lambda row: row["image"]):
            image, mask = folder / row["image"], folder / row["mask"]
            particle = np.isin(values(mask), (1, 2))
            if row["instances"]:
                labels = values(folder / row["instances"]).astype(np.int32)
            else:
                labels = cv2.connectedComponents(particle.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)[1]
            yield Outlined(
                source=source,
                name=image.stem,
                parent=row["parent"],
                chose=parents.index(row["parent"]) % 2 == 0,
                pixels=np.ascontiguousarray(values(image).astype(np.uint8)),
                labels=np.asarray(labels, np.int32),
                phase=looks(image, lambda particle=particle: particle.astype(np.uint8)),
            )


def measured(picture: Outlined, labels: NDArray[np.int32]) -> tuple[Numbers, NDArray[np.int32]]:
    """Numbers of the recipe at 1 um per pixel, which cancels out, and the particles that it counts."""
    micrograph = Micrograph(
        pixels=picture.pixels, calibration=Calibration(pixel_um=1.0, source="nominal"), path=picture.name
    )
    counted = particles_of(micrograph, labels, Settings())
    return numbers_of(counted, micrograph), counted.labels


def found(backend: Any, model: Any, picture: Outlined, settings: Any) -> NDArray[np.int32]:
    """Objects of a backend; none where it refuses the picture."""
    micrograph = Micrograph(pixels=picture.pixels, calibration=Calibration(source="ratio only"), path=picture.name)
    try:
        return objects(backend.segment(model, micrograph, settings))
    except InspectError:
        return np.zeros(picture.labels.shape, np.int32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A picture by a backend beside the hand-made outlines."""

    picture: str
    group: str
    f1: float
    ratios: dict[str, float]  # machine over truth, by quantity


def compared(picture: Outlined, labels: NDArray[np.int32]) -> Compared:
    machine, machine_labels = measured(picture, labels)
    truth, true_labels = measured(picture, picture.labels)
    pairs = {name: (machine.get(name), truth.get(name)) for name in LOOKED_AT}
    return Compared(
        picture=picture.name,
        group=f"{picture.source}, {'chose' if picture.chose else 'judges'}",
        f1=float(matching(true_labels, machine_labels, thresh=IOU).f1),
        ratios={name: float(one) / float(other) for name, (one, other) in pairs.items() if one and other},
    )


def summary(group: str, some: Sequence[Compared]) -> str:
    cells = [f"{group} ({len(some)})", f"F1 {np.median([one.f1 for one in some]):.2f}"]
    cells[-1] += f" ({np.mean([one.f1 for one in some]):.2f})"
    for name in LOOKED_AT:
        ratios = [one.ratios[name] for one in some if name in one.ratios]
        if ratios:
            sizes = [abs(log(ratio)) for ratio in ratios]
            cells.append(f"{np.median(ratios):.2f} ({np.median(sizes):.2f})")
        else:
            cells.append("–")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    name, *given = sys.argv[1:]
    backend: Any = load("backend", name)
    chosen = {key: json.loads(value) for key, value in (part.split("=", 1) for part in given)}
    scores: list[Compared] = []
    for picture in outlined():
        phase = {"phase": picture.phase} if name in PHASED else {}
        settings = backend.Settings(**{**TOLD.get(name, {}), **phase, **chosen})
        one = compared(picture, found(backend, backend.load(settings), picture, settings))
        scores.append(one)
        shown = "  ".join(f"{ratio:.2f}" for ratio in one.ratios.values())
        print(f"  {one.f1:.2f}  {shown}  {one.picture}, {one.group}", flush=True)
    print("| pictures | F1, median (mean) | " + " | ".join(LOOKED_AT) + " |")
    groups = dict.fromkeys(one.group for one in scores)
    for group in groups:
        print(summary(group, [one for one in scores if one.group == group]))
    for half in ("chose", "judges"):
        print(summary(f"all, {half}", [one for one in scores if one.group.endswith(half)]))


if __name__ == "__main__":
    main()
