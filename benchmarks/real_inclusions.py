"""The recipe `inclusions` on the fields of mlography-inclusions, image by image, against their traced masks.

    python benchmarks/real_inclusions.py FOLDER

Measured only: nothing is trained or tuned on these pictures. They have no scale, so that sizes are in pixels (a scale
of 1 um per pixel is stated); particles of less than 6 px in either are left out, as the traced masks have specks.
"""

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for

LEAST_PX = 6.0


def main() -> None:
    folder = Path(sys.argv[1])
    recipe: Any = load("recipe", "inclusions")
    settings = recipe.Settings(minimum_um=LEAST_PX)
    editions = editions_for(recipe, settings)
    backend: Any = load("backend", recipe.BACKEND["name"])
    asked = {key: value for key, value in recipe.BACKEND.items() if key != "name"}
    scale = Calibration(pixel_um=1.0, u_rel=0.0, source="not known")
    print("| image | area %, traced | found, U | particles, traced | found | doubts |\n|---|---|---|---|---|---|")
    for path in sorted((folder / "images_full").iterdir()):
        color = cv2.imread(str(path), cv2.IMREAD_COLOR)
        gray = cv2.cvtColor(color, cv2.COLOR_BGR2GRAY)
        image = Micrograph(pixels=gray, color=color[..., ::-1].copy(), calibration=scale, path=path.name, field=1)
        mask = cv2.imread(str(folder / "masks_full_traced" / f"{path.stem}.png"), cv2.IMREAD_GRAYSCALE)
        traced = Segmentation(
            labels=(np.asarray(mask) > 127).astype(np.int32),
            classes={0: "matrix", 1: "inclusion"},
            kind="semantic",
            backend="labels",
        )
        truth = recipe.measure_field(image, traced, settings, editions).values.numbers
        found = recipe.combine(
            [recipe.measure_field(image, backend.segment(None, image, backend.Settings(**asked)), settings, editions)],
            settings,
            editions,
        )
        by_name = {result.quantity: result for result in found.results}
        percent = by_name["inclusion_percent"]
        fields = found.measurements.fields.iloc[0]
        doubts = [str(check.name) for check in found.checks if check.scope == "plausibility" and not check.passed]
        print(
            f"| {path.stem} | {truth.inclusion_percent:.2f} | {percent.value:.2f}, {percent.expanded_u:.2f} | "
            f"{truth.particles} | {fields['particles']} | {'; '.join(doubts) or 'none'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
