"""What strokes teach the pixel classifier on real images: error of area shares beside a threshold on the same images.

    OMP_NUM_THREADS=1 python benchmarks/strokes.py [--images 6] [--strokes 6]
    OMP_NUM_THREADS=1 python benchmarks/strokes.py --middles [--draws 3]

Of every image of a set strokes are drawn inside its mask, without a look at the picture: so many of each class, 3 px
wide, 40 steps of a crooked line long. Columns: the image that was drawn on, the next image of its set, and the next
image by ``threshold`` (Otsu, or as many levels as classes), whose classes are named by gray as the mask has them.

``--middles``: as a person draws on the page of the workbench, along the middles of what is seen: five pieces of the
skeleton of each class, on the first image of each set, several times. What is judged is that image alone: its largest
error of a share, that by levels, and what the strokes that were left out promise.
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from _real_images import DATA
from numpy.typing import NDArray
from PIL import Image
from skimage.filters import threshold_multiotsu
from skimage.morphology import skeletonize

from inspect_tool.images.readers import read
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import pixels
from inspect_tool.training import request

SETS = ("nasa-ni-superalloy", "uhcs-microconstituents", "metaldam")
SIDE = 512  # of the middle of an image that is taken [px]
LEAST = 0.005  # share of an image that a class needs to be drawn on [1]
PATH = 40  # steps of a stroke


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """The middle of a labeled image."""

    name: str
    gray: NDArray[np.uint8]
    truth: NDArray[np.intp]  # classes, numbered over the whole set

    def shares(self, classes: int) -> NDArray[np.float64]:
        """Of the classes. [1]"""
        return np.bincount(self.truth.ravel(), minlength=classes) / self.truth.size


def fields(folder: Path, count: int) -> tuple[list[Field], int]:
    """Fields of a set, evenly picked, and the number of its classes."""
    images = sorted((folder / "images").iterdir())
    found, values = [], set()
    for path in images[:: max(1, len(images) // count)][:count]:
        mask = np.array(Image.open(next((folder / "masks").glob(f"{path.stem}.*"))))
        gray = read(path).pixels
        rows, columns = (slice(max(0, (n - SIDE) // 2), max(0, (n - SIDE) // 2) + SIDE) for n in mask.shape)
        cut = mask[rows, columns]
        values |= set(np.unique(cut).tolist())
        found.append((path.stem, np.ascontiguousarray(gray[rows, columns]), cut))
    order = sorted(values)
    return [Field(name=name, gray=gray, truth=np.searchsorted(order, cut)) for name, gray, cut in found], len(order)


def strokes(truth: NDArray[np.intp], each: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw crooked lines inside of every class that is there; values are class + 1, 0 where there is none."""
    marks = np.zeros(truth.shape, np.uint8)
    for number in np.unique(truth):
        places = np.argwhere(truth == number)
        if len(places) < LEAST * truth.size:
            continue
        for start in places[rng.choice(len(places), each)]:
            at, angle = start.astype(float), rng.uniform(0, 2 * np.pi)
            line = np.zeros(truth.shape, np.uint8)
            for _ in range(PATH):
                angle += rng.normal(0, 0.2)
                step = np.array([np.sin(angle), np.cos(angle)])
                row, column = (int(value) for value in np.round(at + step))
                if not (0 <= row < truth.shape[0] and 0 <= column < truth.shape[1]) or truth[row, column] != number:
                    angle += rng.uniform(-2, 2)
                    continue
                at = at + step
                cv2.circle(line, (column, row), 1, 1, -1)
            marks[(line > 0) & (truth == number)] = number + 1
    return marks


def middles(truth: NDArray[np.intp], each: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw along pieces of the skeleton of every class that is there, as ``strokes``."""
    marks = np.zeros(truth.shape, np.uint8)
    for number in np.unique(truth):
        lines = skeletonize(truth == number)
        places = np.argwhere(lines)
        if (truth == number).sum() < LEAST * truth.size:
            continue
        for row, column in places[rng.choice(len(places), min(each, len(places)), replace=False)]:
            near = np.zeros(truth.shape, np.uint8)
            cv2.circle(near, (int(column), int(row)), PATH // 2, 1, -1)
            _, pieces = cv2.connectedComponents((lines & (near > 0)).astype(np.uint8), connectivity=8)
            piece = cv2.dilate((pieces == pieces[row, column]).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            marks[piece & (truth == number)] = number + 1
    return marks


def errors(found: NDArray[np.uint8], classes: Sequence[int], field: Field, count: int) -> tuple[float, float]:
    """Largest error of a share [points], and mean IoU of the classes that the field has."""
    numbers = np.asarray(classes)[found]
    off = 100 * np.abs(np.bincount(numbers.ravel(), minlength=count) / numbers.size - field.shares(count)).max()
    overlaps = [
        np.sum((numbers == k) & (field.truth == k)) / np.sum((numbers == k) | (field.truth == k))
        for k in np.unique(field.truth)
    ]
    return float(off), float(np.mean(overlaps))


def by_levels(field: Field, like: Field, classes: Sequence[int], count: int) -> tuple[float, float]:
    """Errors of multi-level Otsu; which class is how bright is taken from another field with its mask."""
    by_gray = sorted(classes, key=lambda k: float(like.gray[like.truth == k].mean()))
    levels = threshold_multiotsu(field.gray, len(classes))
    return errors(np.digitize(field.gray, levels).astype(np.uint8), by_gray, field, count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taught:
    """A classifier that strokes taught, and the numbers of its classes."""

    settings: pixels.Settings
    model: pixels.Model
    classes: list[int]
    score: float

    def found(self, field: Field) -> NDArray[np.uint8]:
        """Classes of another field, or of the same."""
        image = Micrograph(pixels=field.gray, calibration=Calibration(), path=field.name)
        return np.asarray(pixels.segment(self.model, image, self.settings).labels)


def taught(field: Field, marks: NDArray[np.uint8], count: int, place: Path) -> Taught | None:
    """Train on the strokes of one field; None: fewer than two classes have some."""
    classes = [int(mark) - 1 for mark in np.unique(marks) if mark]
    if len(classes) < 2:
        return None
    table = np.zeros(count + 1, np.uint8)
    table[np.asarray(classes) + 1] = np.arange(1, len(classes) + 1)
    Image.fromarray(field.gray).save(place / "a.png")
    Image.fromarray(table[marks]).save(place / "a_strokes.png")
    trained = request.run(
        request.Request(
            recipe="phase_fraction",
            images=(str(place / "a.png"),),
            scribbles=(str(place / "a_strokes.png"),),
            classes=tuple(f"class {k}" for k in classes),
            out=place / "model",
        )
    )
    settings = pixels.Settings(model=str(trained.folder))
    return Taught(settings=settings, model=pixels.load(settings), classes=classes, score=trained.score)


def by_middles(draws: int) -> None:
    """Print one row per set: its first image, drawn on several times."""
    print("| image | classes | largest error of a share, median (worst) [points] | by levels | strokes left out |")
    print("|---|---|---|---|---|")
    for name in SETS:
        (field, *_), count = fields(DATA / name, 6)
        off, promised = [], []
        for draw in range(draws):
            marks = middles(field.truth, 5, np.random.default_rng(draw))
            with tempfile.TemporaryDirectory() as folder:
                one = taught(field, marks, count, Path(folder))
            assert one is not None
            off.append(errors(one.found(field), one.classes, field, count)[0])
            promised.append(one.score)
        levels = by_levels(field, field, one.classes, count)[0]
        said = f"{np.median(off):.1f} ({max(off):.1f}) | {levels:.1f} | {100 * np.median(promised):.0f} %"
        print(f"| {name}, {field.name} | {len(one.classes)} | {said} |", flush=True)


def main() -> None:
    """Print one row per set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=6)
    parser.add_argument("--strokes", type=int, default=6)
    parser.add_argument("--middles", action="store_true", help="strokes along the middles, one image per set")
    parser.add_argument("--draws", type=int, default=3)
    asked = parser.parse_args()
    if asked.middles:
        by_middles(asked.draws)
        return
    print("| set | images | drawn on: error, IoU | next image: error, IoU | next image by levels: error, IoU |")
    print("|---|---|---|---|---|")
    for name in SETS:
        chosen, count = fields(DATA / name, asked.images)
        rows = []
        for i, field in enumerate(chosen):
            other = chosen[(i + 1) % len(chosen)]
            marks = strokes(field.truth, asked.strokes, np.random.default_rng(i))
            with tempfile.TemporaryDirectory() as folder:
                one = taught(field, marks, count, Path(folder))
            if one is None:
                continue
            row = [value for each in (field, other) for value in errors(one.found(each), one.classes, each, count)]
            rows.append([*row, *by_levels(other, field, one.classes, count)])
        at = np.median(rows, axis=0)
        cells = " | ".join(f"{at[k]:.1f}, {at[k + 1]:.2f}" for k in (0, 2, 4))
        print(f"| {name} | {len(rows)} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
