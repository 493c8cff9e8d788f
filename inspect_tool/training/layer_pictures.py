"""Pictures of a layer that runs through from left to right: what is learned from them, and how they are changed.

A mask says where the layer is; learned is what lies above it, the layer, and what lies below it, as order tells apart
what gray values do not. What may differ in a picture of another specimen is drawn: thickness, slope and waviness of the
layer, gray of either side, a gap where it came off what lies below, pores in it and at its upper interface.
"""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.segmentation.networks.weights import equalized
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Image, Target
from inspect_tool.training.samples import Sample

ABOVE, LAYER, BELOW = range(3)

_SEEN = 0.8  # of the columns that show the layer
_ZOOM = (0.55, 1.7)
_THICKER = 0.45  # the thickness is up to exp of this times larger or smaller
_WIDER = 0.3  # and so are lengths along the layer
_SLOPE = 0.12  # standard deviation of the slope [1]
_MIDDLE = (0.2, 0.8)  # of the height of a picture: where the layer lies
_DARKEST = 2.0  # percentile: the gray of gaps and pores
_GRAY = 0.05  # standard deviation of what is added to the gray of the layer, and to that below

Line = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Edges:
    """First row of the layer and first row below it, in each column. [px]"""

    top: Line
    bottom: Line


def prepared(sample: Sample) -> Sample:
    """Learn sides: gray values become shares of darker pixels, classes rest and layer become above, layer and below.

    Raises
    ------
    SettingsError
        The layer does not run through the image from left to right.
    """
    layer = sample.target == 1
    seen = float(layer.any(axis=0).mean())
    if seen < _SEEN:
        msg = (
            f"{sample.name}: the mask shows the layer in {100 * seen:.0f} % of the columns; with --continuous it runs "
            "from the left edge to the right one: turn image and mask, or leave the image out"
        )
        raise SettingsError(msg)
    edges = _edges(layer)
    rows = np.arange(len(layer))[:, None]
    target = np.where(layer, LAYER, np.where(2 * rows > edges.top + edges.bottom, BELOW, ABOVE)).astype(np.int32)
    target[sample.target == UNKNOWN] = UNKNOWN
    return replace(sample, image=equalized(sample.image[..., 0])[..., None], target=target)


def changed(image: Image, target: Target, rng: np.random.Generator, size: int) -> tuple[Image, Target]:
    """Draw a picture of the layer as another specimen might show it.

    Parameters
    ----------
    image : ndarray of float32
        (rows, columns, 1), shares of darker pixels.
    target : ndarray of int32
        (rows, columns): above, layer, below; -1 where nobody knows.
    rng : Generator
        Gives all that changes.
    size : int
        Side of the picture. [px]

    Returns
    -------
    ndarray of float32, ndarray of int32
        (size, size, 1) and (size, size).
    """
    gray = image[..., 0]
    edges = _edges(target == LAYER)
    zoom = float(np.exp(rng.uniform(*np.log(_ZOOM))))
    across = np.arange(size, dtype=np.float32)
    wider = zoom * float(np.exp(rng.uniform(-_WIDER, _WIDER)))
    columns = _folded(across / wider + rng.uniform(0, gray.shape[1]), 0, gray.shape[1] - 1)
    top, bottom = (_at(_smooth(line, 3.0), columns) for line in (edges.top, edges.bottom))
    thick = zoom * np.exp(rng.uniform(-_THICKER, _THICKER)) * np.maximum(bottom - top, 1)
    upper = rng.uniform(*_MIDDLE) * size - thick.mean() / 2 + zoom * (top - top.mean())
    upper = upper + rng.normal(0, _SLOPE) * (across - size / 2)
    if rng.random() < 0.5:
        upper = upper + rng.uniform(0, 4) * _wave(rng, size, rng.uniform(6, 25))
    if rng.random() < 0.5:
        thick = thick * np.clip(1 + 0.12 * _wave(rng, size, 20.0), 0.5, 1.5)
    lower = upper + thick
    gap = _gap(rng, size)
    down = np.arange(size, dtype=np.float32)[:, None]
    ends = len(gray) - 1
    above = _folded(top - (upper - down) / zoom, 0, np.minimum(top - 1, ends))
    inside = top + (down - upper) * (bottom - top) / thick
    below = _folded(bottom + (down - lower - gap) / zoom, np.minimum(bottom, ends - 3), ends)
    rows = np.where(down < upper, above, np.where(down < lower, inside, below)).astype(np.float32)
    places = np.broadcast_to(columns, rows.shape).astype(np.float32)
    made: NDArray[Any] = np.asarray(cv2.remap(gray, places, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    moved = cv2.remap(target.astype(np.float32), places, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    sides = np.asarray(moved).astype(np.int32)
    open_gap = (down >= lower) & (down < lower + gap)
    sides[open_gap] = BELOW
    for side in (LAYER, BELOW):
        if rng.random() < 0.5:
            made = made + (sides == side) * rng.normal(0, _GRAY)
    dark = float(np.percentile(gray, _DARKEST)) + rng.uniform(-0.02, 0.06)
    made = np.where(open_gap, dark + rng.normal(0, 0.01, made.shape), made)
    made = _with_pores(made, sides, dark, (upper, lower), rng)
    return made.astype(np.float32)[..., None], sides


def _edges(layer: NDArray[np.bool_]) -> _Edges:
    """Edges of the layer; columns without it have what lies between their neighbors."""
    columns = np.flatnonzero(layer.any(axis=0))
    every = np.arange(layer.shape[1])
    first = layer[:, columns].argmax(axis=0)
    last = len(layer) - layer[::-1, columns].argmax(axis=0)
    top, bottom = (np.interp(every, columns, line).astype(np.float32) for line in (first, last))
    return _Edges(top=top, bottom=bottom)


def _gap(rng: np.random.Generator, size: int) -> Line:
    """Width of a gap below the layer in each column, mostly none. [px]"""
    if rng.random() > 0.25:
        return np.zeros(size, np.float32)
    if rng.random() < 0.4:  # all along
        return np.asarray(rng.uniform(2, 8) * np.maximum(1 + 0.3 * _wave(rng, size, 15.0), 0.3), np.float32)
    wide = 0.6 * _wave(rng, size, rng.uniform(3, 20)) + rng.uniform(-0.5, 2)
    return np.asarray(rng.uniform(1.5, 7) * np.maximum(wide, 0), np.float32)


def _with_pores(
    made: NDArray[Any], sides: Target, dark: float, edges: tuple[Line, Line], rng: np.random.Generator
) -> NDArray[Any]:
    """Paint pores: those at the upper interface are no layer, closed ones are; ``sides`` is changed in place."""
    size = len(made)
    down, across = np.mgrid[:size, :size]
    upper, lower = edges
    for at_interface in (True, False):
        for _ in range(rng.integers(1, 8) if rng.random() < 0.35 else 0):
            column, radius = int(rng.integers(size)), rng.uniform(1.5, 8 if at_interface else 6)
            if at_interface:
                row, wide = upper[column] + rng.uniform(-0.5, 0.5) * radius, rng.uniform(0.5, 1.2)
            else:
                row = upper[column] + rng.uniform(0.3, 0.95) * (lower[column] - upper[column])
                wide = rng.uniform(0.5, 4)
            pore = ((across - column) / (radius * wide)) ** 2 + ((down - row) / radius) ** 2 < 1
            pore &= (down < lower) if at_interface else (sides == LAYER)
            made = np.where(pore, dark + rng.normal(0, 0.02), made)
            if at_interface:
                sides[pore] = ABOVE
    return made


def _folded(values: Line, low: "Line | float", high: "Line | float") -> NDArray[np.float32]:
    """Values beyond an end are mirrored there, as often as it takes."""
    length = np.maximum(np.asarray(high) - low, 1)
    apart = np.mod(values - low, 2 * length)
    return np.asarray(low + np.where(apart > length, 2 * length - apart, apart), np.float32)


def _smooth(line: Line, width: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(line.astype(np.float32)[None], (0, 0), width)[0], np.float32)


def _at(line: Line, columns: Line) -> Line:
    return np.interp(columns, np.arange(len(line)), line).astype(np.float32)


def _wave(rng: np.random.Generator, size: int, length: float) -> Line:
    """Smooth noise of unit spread along a line; ``length`` is the width of the bell. [px]"""
    more = round(4 * length)
    smooth = _smooth(rng.normal(size=size + 2 * more), length)[more : more + size]
    return smooth / max(float(smooth.std()), 1e-6)
