"""Chords normal to a layer: how thick it is at many places along its middle line.

The middle line is where both sides of the layer are equally far; it has a direction where the interfaces are rough, as
no single interface has, and is the same whichever of the two is called the lower one. Columns of pixels would be too
long by 1/cos of the slope.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from skimage.measure import find_contours

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.lines import evenly, gaps_closed, length_of, smoothed
from inspect_tool.measure.regions import connected
from inspect_tool.model import Mask, Samples
from inspect_tool.pixels.distances import distances

_STEP_PX = 0.5  # along a chord; the crossing between two steps is found by linear interpolation
_FARTHEST = 6.0  # half lengths of the thickest place: beyond, a chord runs along the layer
_LEAST_SIDE = 0.02  # of the field: a smaller piece beside the layer is no side of it
_LEAST_LENGTH = 1.0  # of the middle line over the thickness: a shorter one has no direction
_CORE = np.linspace(0.2, 0.8, 13)  # of a chord: what lies inside, whatever blur does at the interfaces [1]
_BESIDE = np.linspace(0.1, 0.4, 7)  # of a chord beyond an interface: what lies beside [1]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """A layer that parts a field in two, and what lies on either side of it."""

    layer: Mask  # without holes; what is not known of is taken for a part of it
    first: Mask  # the side that is higher up, or left of it where the layer stands upright
    second: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chords:
    """Chords of a layer in their order along it; positions are (row, column). [px]"""

    along: Floats  # place on the middle line, from one end of it, (n,)
    middle: Floats  # (n, 2)
    first: Floats  # end at the first side, (n, 2)
    second: Floats  # (n, 2)
    length: Floats  # (n,)
    step: float  # between two chords along the middle line
    missed: int  # places where a chord met the edge of the field, or no interface

    @property
    def line_px(self) -> float:
        """Length of the middle line that chords were found on."""
        return self.step * len(self.length)


def sides_of(layer: Mask, roi: Mask | None = None, bridge_px: int = 0) -> Sides:
    """Tell the two sides of a layer that runs through a field.

    Parameters
    ----------
    layer : array of bool, (rows, columns)
        True on the layer.
    roi : array of bool, (rows, columns), optional
        True where the image counts; elsewhere nothing is known of either side.
    bridge_px : int
        Gaps of the layer up to so wide are closed, as a crack through it is no interface.

    Raises
    ------
    MeasurementError
        Nothing of the layer, or it does not part the field in two.
    """
    known = np.ones(layer.shape, bool) if roi is None else roi
    found = layer & known
    if not found.any():
        msg = "no pixel of the layer"
        raise MeasurementError(msg)
    if bridge_px > 0:
        found = gaps_closed(found, bridge_px) & known
    pieces = connected(found)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    body = (pieces == int(sizes.argmax())) | ~known
    rest = connected(~body)
    area = np.bincount(rest.ravel())
    area[0] = 0
    largest = [int(k) for k in np.argsort(area, kind="stable")[::-1][:2] if area[k] >= _LEAST_SIDE * layer.size]
    if len(largest) < 2:
        msg = (
            "the layer does not part the field in two: it must run from edge to edge with something to be seen on both "
            "sides of it"
        )
        raise MeasurementError(msg)
    one, other = (rest == k for k in largest)
    centers = [np.argwhere(side).mean(axis=0) for side in (one, other)]
    axis = int(np.abs(centers[1] - centers[0]).argmax())
    if centers[0][axis] > centers[1][axis]:
        one, other = other, one
    return Sides(layer=~(one | other), first=one, second=other)


def normal_chords(sides: Sides, number: int, roi: Mask | None = None) -> Chords:
    """Measure a layer normal to its middle line.

    Parameters
    ----------
    sides : Sides
        Of the layer.
    number : int
        Chords that are wanted, at even distances of at least one pixel.
    roi : array of bool, (rows, columns), optional
        True where the image counts: a chord that leaves it is left out.

    Returns
    -------
    Chords
        The middle line is smoothed over the thickness, so that the roughness of the interfaces does not turn the
        chords. A chord ends where it first leaves the layer to either side.

    Raises
    ------
    MeasurementError
        The middle line is shorter than the layer is thick, or no chord ends at both sides.
    """
    to_first, to_second = (distances(~side) for side in (sides.first, sides.second))
    middle = _middle_line(to_first - to_second)
    half = float(np.median(map_coordinates((to_first + to_second) / 2, middle.T, order=1, mode="nearest")))
    line = evenly(smoothed(evenly(middle, 1.0), half), 1.0)
    length = len(line) - 1.0
    if length < _LEAST_LENGTH * 2 * half:
        msg = (
            f"the layer is seen over {length:.3g} px and is about {2 * half:.3g} px thick; take a field that shows "
            "more of it"
        )
        raise MeasurementError(msg)
    step = max(1.0, length / number)
    along = np.arange(step / 2, length, step)
    places = _at(line, along)
    turned = _at(np.gradient(line, axis=0), along)
    normal = np.column_stack([-turned[:, 1], turned[:, 0]])  # a quarter turn
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    toward = _at_points(to_second, places + normal) < _at_points(to_second, places - normal)
    normal[~toward] *= -1  # to the second side
    reach = _FARTHEST * max(half, 1.0)
    ends = [
        _leaving(sides.layer, roi, places, direction, reach, side)
        for direction, side in ((-normal, sides.first), (normal, sides.second))
    ]
    whole = np.isfinite(ends[0]) & np.isfinite(ends[1])
    if not whole.any():
        msg = "no chord of the layer ends at both of its sides; take a field that shows more of them"
        raise MeasurementError(msg)
    before, behind = (end[whole, None] for end in ends)
    at, direction = places[whole], normal[whole]
    return Chords(
        along=along[whole],
        middle=at,
        first=at - before * direction,
        second=at + behind * direction,
        length=(before + behind)[:, 0],
        step=step,
        missed=int((~whole).sum()),
    )


def gray_inside(pixels: Samples, chords: Chords) -> float | None:
    """How much gray changes across a layer, over its step at the fainter interface, both as medians along the layer.

    A layer of one material has little; two layers that were taken for one have a step of their own inside. [1]

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    chords : Chords
        Of the layer.

    Returns
    -------
    float or None
        None where one side of the layer is not seen over a tenth of the thickness.
    """

    def along(share: float) -> float | None:
        """Gray at a share of every chord from its first end on; None where the field ends before."""
        at = chords.first + share * (chords.second - chords.first)
        gray = map_coordinates(pixels, at.T, order=1, output=np.float32, mode="constant", cval=np.nan)
        seen = gray[np.isfinite(gray)]
        return float(np.median(seen)) if 2 * len(seen) >= len(gray) else None

    def all_along(shares: Floats) -> list[float]:
        return [gray for share in shares.tolist() if (gray := along(share)) is not None]

    core, *sides = (all_along(shares) for shares in (_CORE, -_BESIDE, 1 + _BESIDE))
    if not all(sides):
        return None
    step = min(abs(float(np.median(side)) - float(np.median(core))) for side in sides)
    return (max(core) - min(core)) / max(step, 1.0)


def _middle_line(difference: NDArray[np.float32]) -> Floats:
    """Longest line along which both sides are equally far, (points, 2)."""
    lines = find_contours(difference, 0.0)  # type: ignore[no-untyped-call]
    if not lines:
        msg = "the layer has no middle line"
        raise MeasurementError(msg)
    return np.asarray(max(lines, key=length_of), np.float64)


def _at(line: Floats, along: Floats) -> Floats:
    """Values of a line of points one pixel apart at places along it."""
    index = np.arange(len(line))
    return np.column_stack([np.interp(along, index, line[:, k]) for k in (0, 1)])


def _at_points(values: NDArray[np.float32], points: Floats) -> Floats:
    return np.asarray(map_coordinates(values, points.T, order=1, mode="nearest"))


def _leaving(layer: Mask, roi: Mask | None, start: Floats, direction: Floats, reach: float, side: Mask) -> Floats:
    """How far from the start each ray first leaves the layer into that side; NaN where it does not. [px]"""
    far = np.arange(0.0, reach + _STEP_PX, _STEP_PX)
    rays = start[:, None, :] + far[None, :, None] * direction[:, None, :]
    flat = rays.reshape(-1, 2).T
    inside = map_coordinates(layer.astype(np.float32), flat, order=1, mode="constant", cval=np.nan)
    inside = inside.reshape(rays.shape[:2])
    outside = inside < 0.5  # a ray beyond the field is neither
    k = outside.argmax(axis=1)
    rows = np.arange(len(start))
    left = outside[rows, k] & (k > 0)
    before, behind = inside[rows, np.maximum(k - 1, 0)], inside[rows, k]
    with np.errstate(invalid="ignore", divide="ignore"):
        crossing = far[np.maximum(k - 1, 0)] + _STEP_PX * (before - 0.5) / (before - behind)
    left &= np.isfinite(crossing)
    seen = np.minimum(k + 1, len(far) - 1)
    beyond = np.clip(np.rint(rays[rows, seen]).astype(np.intp), 0, np.asarray(layer.shape) - 1)
    left &= side[beyond[:, 0], beyond[:, 1]] | side[tuple(_nearest(rays[rows, k], layer.shape).T)]
    if roi is not None:
        left &= roi[tuple(_nearest(rays[rows, k], layer.shape).T)]
    return np.where(left, crossing, np.nan)


def _nearest(points: Floats, shape: tuple[int, ...]) -> NDArray[np.intp]:
    return np.clip(np.rint(points).astype(np.intp), 0, np.asarray(shape) - 1)
