"""Strokes on images: drawn from points, numbered, and what the pixels under them look like."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.segmentation.pixels import features
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.samples import Sample

MOST_STROKES = 1000
MOST_POINTS = 5000
WIDEST_PX = 64

_LONGEST_PX = 64  # a stroke that is larger both ways is an area: every such cell of it counts as a stroke
_MOST_OF_STROKE = 2000  # pixels of a stroke that teach; its others resemble them
_MOST = 40_000  # pixels that teach, of all strokes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A line of a pen on an image."""

    kind: int  # number of its class
    width_px: int
    points: tuple[tuple[int, int], ...]  # column and row [px]


def target_of(strokes: Sequence[Stroke], shape: tuple[int, int], classes: int) -> Target:
    """Draw strokes; a later one covers those before it.

    Parameters
    ----------
    strokes : sequence of Stroke
    shape : (rows, columns)
        Of the image. [px]
    classes : int
        How many there are.

    Returns
    -------
    ndarray of int32
        Class numbers, -1 where there is no stroke.

    Raises
    ------
    SettingsError
        A stroke of no class, without points, too wide, or wholly outside the image.

    Examples
    --------
    >>> target_of([Stroke(kind=1, width_px=1, points=((0, 0), (2, 0)))], (2, 4), 2)
    array([[ 1,  1,  1, -1],
           [-1, -1, -1, -1]], dtype=int32)
    """
    if len(strokes) > MOST_STROKES:
        msg = f"{len(strokes)} strokes, at most {MOST_STROKES} are drawn"
        raise SettingsError(msg)
    found = np.full(shape, UNKNOWN, np.int32)
    for number, stroke in enumerate(strokes, 1):
        at = np.array(stroke.points, np.int64).reshape(-1, 2)
        inside = (at >= 0).all(axis=1) & (at < shape[::-1]).all(axis=1)
        good = 0 <= stroke.kind < classes and 1 <= stroke.width_px <= WIDEST_PX and 1 <= len(at) <= MOST_POINTS
        if not good or not inside.any():
            msg = f"stroke {number}: its class, width or points are none of this picture"
            raise SettingsError(msg)
        line = np.clip(at, -WIDEST_PX, np.array(shape[::-1]) + WIDEST_PX).astype(np.int32)[:, None]
        if len(line) == 1:  # of one point no line is drawn
            line = np.repeat(line, 2, axis=0)
        cv2.polylines(found, [line], False, stroke.kind, stroke.width_px, cv2.LINE_8)
    return found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """Pixels under strokes."""

    looks: NDArray[np.float32]  # (pixels, features)
    classes: NDArray[np.intp]
    strokes: NDArray[np.intp]  # number of the stroke, from 0 on, through all images
    images: NDArray[np.intp]  # number of the image

    def __getitem__(self, chosen: NDArray[np.bool_]) -> "Marked":
        """Some of the pixels."""
        return Marked(
            looks=self.looks[chosen],
            classes=self.classes[chosen],
            strokes=self.strokes[chosen],
            images=self.images[chosen],
        )


def marked_pixels(read: Sequence[Sample], seed: int, looks: Sequence[features.Looks] = ()) -> Marked:
    """Look at the pixels under the strokes of all images.

    Parameters
    ----------
    read : sequence of Sample
        Images with strokes.
    seed : int
        Of the draw of pixels where a stroke has very many.
    looks : sequence of Looks
        Features of the images where they are at hand; empty: they are made.
    """
    rng = np.random.default_rng((seed, 3))
    found, classes, numbers, images = [], [], [], []
    count = 0
    for i, sample in enumerate(read):
        strokes = numbered_strokes(sample.target)
        kept = _drawn(strokes, rng)
        numbers.append(strokes.ravel()[kept] + count)
        classes.append(sample.target.ravel()[kept])
        images.append(np.full(len(kept), i))
        own = looks[i] if looks else features.Looks(image=sample.image, sigmas=features.SIGMAS_PX)
        found.append(_looks(own, kept))
        count += int(strokes.max()) + 1
    every = Marked(
        looks=np.concatenate(found),
        classes=np.concatenate(classes).astype(np.intp),
        strokes=np.concatenate(numbers).astype(np.intp),
        images=np.concatenate(images).astype(np.intp),
    )
    if len(every.classes) <= _MOST:
        return every
    chosen = np.zeros(len(every.classes), np.bool_)
    chosen[rng.choice(len(every.classes), _MOST, replace=False)] = True
    return every[chosen]


def numbered_strokes(target: Target) -> NDArray[np.intp]:
    """Number the strokes of an image from 0 on; -1 where there is none.

    A stroke is a connected piece of one class; one that is an area, as in a sparse mask, is cut into cells of 64 px.

    >>> numbered_strokes(np.array([[0, 0, -1, 1], [-1, -1, -1, 1]], dtype=np.int32))
    array([[ 0,  0, -1,  1],
           [-1, -1, -1,  1]])
    """
    found = np.full(target.shape, -1, np.intp)
    count = 0
    for number in range(int(target.max()) + 1):
        marked = (target == number).astype(np.uint8)
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8, ltype=cv2.CV_32S)
        large = np.minimum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) > _LONGEST_PX
        large &= stats[:, cv2.CC_STAT_AREA] > _LONGEST_PX**2
        rows, columns = np.nonzero(marked)
        piece = pieces[rows, columns].astype(np.int64)
        cell = np.where(large[piece], 1 + rows // _LONGEST_PX * target.shape[1] + columns // _LONGEST_PX, 0)
        _, own = np.unique(np.stack([piece, cell]), axis=1, return_inverse=True)
        found[rows, columns] = own.ravel() + count
        count += int(own.max(initial=-1)) + 1
    return found


def _drawn(strokes: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Places of pixels under strokes, in order; of a stroke with very many some."""
    places = np.flatnonzero(strokes.ravel() >= 0)
    places = places[rng.permutation(len(places))]
    numbers = strokes.ravel()[places]
    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[order], np.arange(int(strokes.max()) + 1))
    rank = np.empty(len(places), np.intp)
    rank[order] = np.arange(len(places)) - first[numbers[order]]
    return np.sort(places[rank < _MOST_OF_STROKE])


def _looks(looks: features.Looks, places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Features of some pixels of an image: (pixels, features)."""
    width, found = looks.image.shape[1], []
    for number, (rows, _) in enumerate(looks.strips):
        begin, end = np.searchsorted(places, (rows.start * width, rows.stop * width))
        if begin < end:
            whole = looks.of(number)
            found.append(whole.reshape(len(whole), -1)[:, places[begin:end] - rows.start * width].T)
    return np.concatenate(found)
