"""Thickness of layers in fracture pictures of solar cells, against boxes drawn by eye.

    python benchmarks/layer_boxes.py

19 scanning electron pictures of perovskite cells (measure only; they lie outside this project): boxes around near-flat
layers, good to some 5 to 15 %. Two things are measured on the thickest box of each picture: the recipe on the box
itself, which shows its geometry alone (layers lie level in some pictures and stand upright in others), and the recipe
on three gray values (``threshold``, ``multi_otsu``), told which of the three the layer is. Nothing is trained on them.
"""

import csv
import sys
from typing import Any

import numpy as np
from _training_data import DATA, one_core, read_gray

from inspect_tool.acceptance.plausibility import gated
from inspect_tool.errors import InspectError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for

FOLDER = DATA / "perovskite-layers-sem"
NAMES = ("dark", "gray", "bright")
EDGE = 10  # boxes end up to 9 px before the edge of a picture [px]
ROUGH = 15.0  # what a box is good to [%]


def main() -> None:
    one_core()
    recipe: Any = load("recipe", "layer_thickness")
    backend: Any = load("backend", "threshold")
    levels = backend.Settings(method="multi_otsu", classes=NAMES)
    editions = editions_for(recipe, recipe.Settings())

    def measured(image: Micrograph, found: Segmentation, layer: str) -> tuple[float, float, list[str]]:
        """Mean thickness, its U, and what page 1 doubts it for."""
        settings = recipe.Settings(layers=(layer,), bridge_px=8, tilt_deg=0.0)
        findings = recipe.combine([recipe.measure_field(image, found, settings, editions)], settings, editions)
        checks = gated(findings).checks
        doubts = [str(check.name) for check in checks if check.scope == "plausibility" and not check.passed]
        return findings.results[0].value, findings.results[0].expanded_u, doubts

    print("| picture | box [px] | recipe on the box | three gray values | U | doubts |")
    print("| --- | --- | --- | --- | --- | --- |")
    offs = []
    with (FOLDER / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        pixels, boxes = (read_gray(FOLDER / row[what])[EDGE:-EDGE, EDGE:-EDGE] for what in ("image", "mask"))
        sizes = [float(size) for size in row["thickness_px"].split()]
        number = 1 + int(np.argmax(sizes))
        box = boxes == number
        image = Micrograph(
            pixels=pixels, calibration=Calibration(pixel_um=1.0, u_rel=0.0001, source="pixels"), path=row["image"]
        )
        names = {0: "rest", 1: "layer"}
        drawn = Segmentation(labels=box.astype(np.int32), classes=names, kind="semantic", backend="labels")
        on_box = measured(image, drawn, "layer")[0]
        found = backend.segment(backend.load(levels), image, levels)
        which = found.classes[int(np.bincount(found.labels[box].ravel(), minlength=3).argmax())]
        try:
            value, u, doubts = measured(image, found, which)
            offs.append(100 * (value / sizes[number - 1] - 1))
            told = f"{offs[-1]:+.0f} % ({which}) | {100 * u / value:.0f} % | {'; '.join(doubts) or '-'}"
        except InspectError as error:
            told = "refused | | "
            print(error, file=sys.stderr)
        print(f"| {row['image'][7:-4]} | {sizes[number - 1]:.0f} | {on_box:.1f} | {told} |", flush=True)
    known = np.abs(offs)
    print(f"{len(known)} of {len(rows)} measured, within {ROUGH:g} %: {int((known <= ROUGH).sum())}", end="")
    print(f", median |error| {np.median(known):.0f} %" if len(known) else "")


if __name__ == "__main__":
    main()
