"""Thickness of oxide layers on real coatings, by networks that never saw the image.

    python benchmarks/coatings.py [part of a name ...]

Environmental barrier coatings of NASA (MIT licence; they lie outside this project): 11 pictures with a layer that a
person drew, cracks in it apart. For each picture ``inspect-tool train --continuous`` learns from the ten others, as a
laboratory would: one of the three pictures of specimen 050317-3 judges, the others train. The picture that was left out
is then segmented by backend ``unet`` and measured by the recipe, and so is what the person drew, the cracks as a part
of the layer. Nothing is chosen by the picture that is left out; pictures of the same specimen are among those taught.
*U* is that of one field for its specimen; *of the field alone* (k = 2) is its part without the scatter along the layer,
and must hold what the person drew in this very field.
"""

import sys
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from _training_data import DATA, one_core, read_gray
from numpy.typing import NDArray

from inspect_tool.errors import InspectError
from inspect_tool.languages import Text
from inspect_tool.model import Calibration, Micrograph, Result, Segmentation
from inspect_tool.registry import load
from inspect_tool.standards.editions import editions_for
from inspect_tool.training import request

FOLDER = DATA / "nasa-ebc-oxide-crack"
JUDGES = (
    "EBC3_test__050317-3_S0440019.png",
    "EBC3_test__050317-3_S0440020.png",
)  # the second where the first is left out
REDUCE, STEPS, BATCH, SIDE = 6.0, 500, 6, 128
LIMIT = 5.0  # of the error of the mean thickness [%]


def taught(others: list[Path], folder: Path, seed: int) -> Path:
    """Folder of a model that learned from these pictures."""
    made = request.run(
        request.Request(
            recipe="layer_thickness",
            images=tuple(map(str, others)),
            masks=tuple(str(FOLDER / "masks" / path.name) for path in others),
            names={"1": "layer", "2": "layer"},
            from_scratch=True,
            continuous=True,
            reduce=REDUCE,
            steps=STEPS,
            batch=BATCH,
            size_px=SIDE,
            validation=(next(name for name in JUDGES if name in {path.name for path in others}),),
            seed=seed,
            out=folder / "oxide",
            licence="MIT",
        )
    )
    return made.folder


def picture(pixels: NDArray[np.uint8]) -> Micrograph:
    return Micrograph(
        pixels=pixels, calibration=Calibration(pixel_um=1.0, u_rel=0.0001, source="pixels"), path="coating"
    )


def drawn(layer: NDArray[np.bool_]) -> Segmentation:
    """What a person drew."""
    return Segmentation(
        labels=layer.astype(np.int32), classes={0: "rest", 1: "layer"}, kind="semantic", backend="labels"
    )


def measured(image: Micrograph, segmentation: Segmentation) -> tuple[Result, list[str]]:
    """Mean thickness [px], and the doubts of the recipe."""
    recipe: Any = load("recipe", "layer_thickness")
    settings = recipe.Settings(tilt_deg=0.0, bridge_px=8)
    editions = editions_for(recipe, settings)
    findings = recipe.combine([recipe.measure_field(image, segmentation, settings, editions)], settings, editions)
    return findings.results[0], [str(check.name) for check in findings.checks if not check.passed]


def main() -> None:
    one_core()
    paths = sorted((FOLDER / "images").glob("*.png"))
    backend: Any = load("backend", "unet")
    errors = []
    print("| picture | person: mean [px] | network | U | of the field alone | that holds | doubts |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for path in paths:
        if sys.argv[1:] and not any(part in path.name for part in sys.argv[1:]):
            continue
        start = perf_counter()
        image = picture(read_gray(path))
        truth = measured(image, drawn(read_gray(FOLDER / "masks" / path.name) > 0))[0].value
        with TemporaryDirectory() as folder:
            model = taught([other for other in paths if other != path], Path(folder), seed=1)
            settings = backend.Settings(model=str(model))
            try:
                mean, doubts = measured(image, backend.segment(backend.load(settings), image, settings))
            except InspectError as error:
                print(f"| {path.stem} | {truth:.1f} | refused: {error} |", flush=True)
                errors.append(np.inf)
                continue
        off = 100 * (mean.value / truth - 1)
        errors.append(off)
        own = 2 * sqrt(sum(one.u**2 for one in mean.budget if one.name != Text("budget.scatter_inside_the_fields")))
        holds = "yes" if abs(mean.value - truth) <= own else "**no**"
        print(
            f"| {path.stem.split('__')[1]} | {truth:.1f} | {off:+.1f} % | {100 * mean.expanded_u / mean.value:.0f} % |"
            f" {100 * own / mean.value:.0f} % | {holds} | {'; '.join(doubts)} |",
            flush=True,
        )
        print(
            f"{perf_counter() - start:.0f} s", {str(one.name): round(one.u, 2) for one in mean.budget}, file=sys.stderr
        )
    known = np.abs(errors)
    print(f"median |error| {np.median(known):.1f} %, largest {known.max():.1f} %, ", end="")
    print(f"within {LIMIT:g} %: {int((known <= LIMIT).sum())} of {len(known)}")


if __name__ == "__main__":
    main()
