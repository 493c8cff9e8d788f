"""Thickness of oxide layers on real coatings, by networks that never saw the image.

    python benchmarks/coatings.py [part of a name ...]

Environmental barrier coatings of NASA (MIT licence; they lie outside this project): 11 pictures with a layer that a
person drew, cracks in it apart. For each picture ``inspect-tool train --continuous`` learns from the ten others, as a
laboratory would: one of them judges, the others train; and again without any picture of the same specimen. The picture
that was left out is then segmented by backend ``unet`` and measured by the recipe, and so is what the person drew, the
cracks as a part of the layer. How gray values settle the lines (``layer_gray``) was worked out on five of the pictures,
032919-6, 010417-4_S2480009, 070516-3, 021519-3 and 050317-3_S0440019; the other six were measured with it once.

*U* is that of one field for its specimen; *of the field alone* (k = 2) is its part without the scatter along the layer,
and must hold what the person drew in this very field.
"""

import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
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
JUDGES = (  # the first that is not left out
    "EBC3_test__050317-3_S0440019.png",
    "EBC3_test__050317-3_S0440020.png",
    "EBC1_val__040617-3_S0410019.png",
)
REDUCE, STEPS, BATCH, SIDE = 6.0, 500, 6, 128
LIMIT = 5.0  # of the error of the mean thickness [%]


def taught(others: Sequence[Path], out: Path) -> Path:
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
            seed=1,
            out=out,
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


def row_of(path: Path, model: Path, truth: float) -> tuple[float, list[str]]:
    """Error of the mean thickness [%], infinite where the recipe refuses, and what stands in the table."""
    backend: Any = load("backend", "unet")
    settings = backend.Settings(model=str(model))
    image = picture(read_gray(path))
    try:
        mean, doubts = measured(image, backend.segment(backend.load(settings), image, settings))
    except InspectError as error:
        return float("inf"), [f"refused: {error}", "", "", "", ""]
    own = 2 * sqrt(sum(one.u**2 for one in mean.budget if one.name != Text("budget.scatter_inside_the_fields")))
    off = 100 * (mean.value / truth - 1)
    holds = "yes" if abs(mean.value - truth) <= own else "**no**"
    u = f"{100 * mean.expanded_u / mean.value:.0f} %"
    return off, [f"{off:+.1f} %", u, f"{100 * own / mean.value:.1f} %", holds, "; ".join(doubts)]


def specimen_of(path: Path) -> str:
    """Specimen in the name of a file: EBC1_val__050317-3_S0440026 is of 050317-3."""
    return path.name.split("__")[1].split("_")[0]


def main() -> None:
    one_core()
    paths = sorted((FOLDER / "images").glob("*.png"))
    chosen = [path for path in paths if not sys.argv[1:] or any(part in path.name for part in sys.argv[1:])]
    errors: dict[str, list[float]] = {"ten others": [], "other specimens": []}
    print("| picture | person: mean [px] | taught by | error | U | of the field alone | that holds | doubts |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with TemporaryDirectory() as folder:
        known: dict[tuple[Path, ...], Path] = {}
        for path in chosen:
            truth = measured(picture(read_gray(path)), drawn(read_gray(FOLDER / "masks" / path.name) > 0))[0].value
            for way, apart in (("ten others", str), ("other specimens", specimen_of)):
                others = tuple(other for other in paths if apart(other) != apart(path))
                if others not in known:
                    known[others] = taught(others, Path(folder) / str(len(known)))
                off, row = row_of(path, known[others], truth)
                errors[way].append(off)
                print(f"| {path.stem.split('__')[1]} | {truth:.1f} | {way} | {' | '.join(row)} |", flush=True)
    for way, found in errors.items():
        size = np.abs(found)
        inside = f"within {LIMIT:g} %: {int((size <= LIMIT).sum())} of {len(size)}"
        print(f"{way}: median |error| {np.median(size):.1f} %, largest {size.max():.1f} %, {inside}")


if __name__ == "__main__":
    main()
