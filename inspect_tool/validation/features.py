"""What tells one image from another for the error of its segmentation: statistics of gray values and labels.

All are logarithms or ratios without a unit, so that neither brightness nor size of a picture matters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import log

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.gray import read_off
from inspect_tool.model import FieldMeasurement, Micrograph, Segmentation

NAME = "image_features"
"""Under which they are kept in ``FieldMeasurement.read_off``."""

_ROWS = 256  # worked on at a time
_LEVELS = 256  # of gray
_TILES = 8  # along rows and columns, of which the means tell shading
_SMALL = 1e-3  # what a share or a ratio is at least, before its logarithm is taken

_Counts = NDArray[np.float64]


def with_features(
    measurement: FieldMeasurement, micrograph: Micrograph, segmentation: Segmentation
) -> FieldMeasurement:
    """Add the features of the image to what is kept of a field; a report of before them has none."""
    if micrograph.read_off is not None and NAME not in micrograph.read_off:
        return measurement
    found = read_off(micrograph, NAME, lambda: image_features(micrograph, segmentation, len(measurement.features)))
    return replace(measurement, read_off={**measurement.read_off, NAME: found})


def features_of(measurement: FieldMeasurement) -> Mapping[str, float]:
    """Features that are kept of a field; empty: none were read off."""
    found: Mapping[str, float] = measurement.read_off.get(NAME, {})
    return found


def image_features(micrograph: Micrograph, segmentation: Segmentation, objects: int) -> Mapping[str, float]:
    """Statistics of an image and its segmentation; a band of rows is in memory at a time.

    Parameters
    ----------
    micrograph : Micrograph
        With its gray values; only the region that counts is looked at.
    segmentation : Segmentation
        As the recipe measured it.
    objects : int
        Number of objects that were measured.

    Returns
    -------
    mapping of str to float
        contrast : ln of the difference of the mean gray of marked and unmarked pixels over their scatter; 0 without
            either
        noise : ln of the step of gray between neighbors of one label over the scatter of gray
        sharpness : ln of the step of gray across an outline over the step beside outlines
        outline : ln of the share of neighbors with different labels
        share : logit of the share that is marked
        fineness : ln of the number of objects per million pixels
        separation : share of the variance of gray that two levels explain (Otsu's criterion)
        disagreement : ln of the difference between the share that is marked and that beyond Otsu's level
        valley : how deep the histogram is between the two peaks that Otsu's level parts, over the lower of them
        shading : ln of the scatter of the means of tiles over the scatter of gray
    """
    low, high = _range(micrograph.pixels)
    height, width = micrograph.pixels.shape
    sides, steps = np.zeros((2, _LEVELS)), np.zeros((2, _LEVELS))
    tiles = np.zeros((2, _TILES, _TILES))
    edges = np.arange(_TILES) * width // _TILES
    for top in range(0, height, _ROWS):
        rows = min(_ROWS, height - top)
        band = slice(top, top + rows + 1)  # and the first row of the next band, for the steps down to it
        gray = _levels(micrograph.pixels[band], low, high)
        labels = segmentation.labels[band]
        inside = None if micrograph.roi is None else micrograph.roi[band]
        within = None if inside is None else inside[:rows]
        sides += _split(gray[:rows], labels[:rows] != 0, within)
        for here, there in _neighbors(rows, len(gray)):
            both = None if inside is None else inside[here] & inside[there]
            steps += _split(np.abs(gray[here] - gray[there]), labels[here] != labels[there], both)
        counted = np.ones((rows, width), np.int16) if within is None else within.astype(np.int16)
        places = (np.arange(top, top + rows) * _TILES) // height
        for i, values in enumerate((counted, gray[:rows] * counted)):
            sums = np.add.reduceat(values, edges, axis=1, dtype=np.float64)
            np.add.at(tiles[i], places, sums)
    numbers = _numbers(sides, steps, tiles, objects)
    return {name: float(f"{value:.6g}") for name, value in numbers.items()}


def _neighbors(rows: int, whole: int) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice]]]:
    """Pixels of a band and their neighbors to the right, then below; ``whole`` counts the row after the band."""
    every = slice(None)
    yield (slice(0, rows), slice(None, -1)), (slice(0, rows), slice(1, None))
    yield (slice(0, whole - 1), every), (slice(1, whole), every)


def _range(pixels: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[float, float]:
    if pixels.dtype == np.uint8:
        return 0.0, 255.0
    return float(pixels.min()), float(pixels.max())


def _levels(pixels: NDArray[np.uint8] | NDArray[np.float32], low: float, high: float) -> NDArray[np.int16]:
    if pixels.dtype == np.uint8:
        return pixels.astype(np.int16)
    step = (_LEVELS - 1) / (high - low) if high > low else 0.0
    return np.asarray((pixels - low) * step, dtype=np.int16)


def _split(levels: NDArray[np.int16], marked: NDArray[np.bool_], inside: NDArray[np.bool_] | None) -> _Counts:
    """Histograms of unmarked and of marked pixels."""
    together = levels + marked * np.int16(_LEVELS)
    chosen = together.ravel() if inside is None else together[inside]
    return np.bincount(chosen, minlength=2 * _LEVELS).reshape(2, _LEVELS).astype(np.float64)


def _numbers(sides: _Counts, steps: _Counts, tiles: _Counts, objects: int) -> dict[str, float]:
    level = np.arange(_LEVELS)
    whole = sides.sum(axis=0)
    n = float(whole.sum())
    mean = float(whole @ level) / max(n, 1.0)
    scatter = max(float(np.sqrt(whole @ (level - mean) ** 2 / max(n, 1.0))), _SMALL)
    counts = sides.sum(axis=1)
    share = float(counts[1]) / max(n, 1.0)
    contrast = 0.0
    if counts.all():
        means = sides @ level / counts
        within = sum(float(side @ (level - m) ** 2) for side, m in zip(sides, means, strict=True)) / n
        contrast = log(max(abs(float(means[1] - means[0])), _SMALL) / max(within**0.5, 0.5))
    beside, across = (float(row @ level) / max(float(row.sum()), 1.0) for row in steps)
    at, separation = _two_levels(whole, scatter)
    bright = float(whole[at + 1 :].sum()) / max(n, 1.0)
    of_level = bright if counts.all() and means[1] > means[0] else 1 - bright
    filled = tiles[0] > 0
    shown = tiles[1][filled] / tiles[0][filled]
    bounded = min(max(share, _SMALL), 1 - _SMALL)
    return {
        "contrast": contrast,
        "noise": log(max(beside, _SMALL) / scatter),
        "sharpness": log(max(across, _SMALL) / max(beside, 0.1)),
        "outline": log(max(float(steps[1].sum()) / max(float(steps.sum()), 1.0), _SMALL)),
        "share": log(bounded / (1 - bounded)),
        "fineness": log((objects + 1) / max(n, 1.0) * 1e6),
        "separation": separation,
        "disagreement": log(max(abs(share - of_level), _SMALL)),
        "valley": _valley(whole, at),
        "shading": log(max(float(shown.std()) / scatter, _SMALL)) if len(shown) else log(_SMALL),
    }


def _two_levels(whole: _Counts, scatter: float) -> tuple[int, float]:
    """Otsu's level, the last one below it, and the share of the variance that lies between its two sides. [1]"""
    n = float(whole.sum())
    below = np.cumsum(whole)
    sums = np.cumsum(whole * np.arange(_LEVELS))
    parted = below * (n - below)
    between = (sums[-1] * below / max(n, 1.0) - sums) ** 2 / np.where(parted > 0, parted, np.inf)
    at = int(between.argmax())
    return at, float(between[at]) / scatter**2


def _valley(whole: _Counts, at: int) -> float:
    """How deep a smoothed histogram is between its peaks on either side of a level: 0 no valley, 1 to the bottom."""
    smooth = np.convolve(whole, np.ones(9) / 9, mode="same")
    dark, light = smooth[: at + 1], smooth[at + 1 :]
    if not len(light) or not dark.any() or not light.any():
        return 0.0
    first, second = int(dark.argmax()), at + 1 + int(light.argmax())
    return 1 - float(smooth[first : second + 1].min()) / min(float(dark.max()), float(light.max()))
