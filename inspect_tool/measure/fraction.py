"""Area fractions, boundary density and interceptions of a class image: plain arrays in, pixel counts out.

Nothing here has a scale: lengths are in pixels, so that a ratio is a ratio whatever the pixel size.
Every number is the same for an image and the image turned by 90 degrees, and does not depend on
which number a class has.
"""

from dataclasses import dataclass
from math import pi

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.model import LabelImage, Mask

_BAND = 256  # rows that are worked on at a time, to bound memory


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCounts:
    """Interceptions of one class by all rows and all columns of pixel centers."""

    across_rows: float  # interceptions along rows; a chord cut by the frame or the region counts 1/2
    across_columns: float
    length_rows_px: float  # length of test line along rows [px]
    length_columns_px: float

    @property
    def per_px(self) -> float:
        """Interceptions per length of test line over both directions. [1/px]"""
        length = self.length_rows_px + self.length_columns_px
        return (self.across_rows + self.across_columns) / length if length else 0.0

    @property
    def boundary_density(self) -> float:
        """Boundary length per area, L_A = pi/2 P_L with two boundary crossings per interception. [px/px2]"""
        return pi / 2 * 2 * self.per_px


def class_areas(labels: LabelImage, classes: tuple[int, ...], roi: Mask | None = None) -> dict[int, int]:
    """Pixels of every class inside the region. [px2]

    Parameters
    ----------
    labels : array of int32, (rows, columns)
        Class numbers, 0 or more.
    classes : tuple of int
        The class numbers that have a name.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Raises
    ------
    MeasurementError
        A class number without a name; nothing inside the region.

    Examples
    --------
    >>> class_areas(np.array([[0, 1], [1, 1]], dtype=np.int32), (0, 1))
    {0: 1, 1: 3}
    """
    if labels.size == 0 or int(labels.min()) < 0:
        msg = "class image is empty or holds negative class numbers"
        raise MeasurementError(msg)
    found = np.zeros(0, dtype=np.intp)
    for start in range(0, labels.shape[0], _BAND):  # in bands: bincount makes a copy with 8 bytes per pixel
        band = labels[start : start + _BAND]
        counted = np.bincount(band.ravel() if roi is None else band[roi[start : start + _BAND]])
        if len(counted) > len(found):
            found, counted = counted, found
        found[: len(counted)] += counted
    unknown = [number for number in np.flatnonzero(found).tolist() if number not in classes]
    if unknown:
        msg = f"class image holds class {unknown[0]}, which has no name; named are {', '.join(map(str, classes))}"
        raise MeasurementError(msg)
    if not found.sum():
        msg = "the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    return {number: int(found[number]) if number < len(found) else 0 for number in classes}


def area_percent(labels: LabelImage, classes: tuple[int, ...], roi: Mask | None = None) -> dict[int, float]:
    """Area share of every class inside the region. [%]

    Examples
    --------
    >>> area_percent(np.array([[0, 1], [1, 1]], dtype=np.int32), (0, 1))
    {0: 25.0, 1: 75.0}
    """
    areas = class_areas(labels, classes, roi)
    total = sum(areas.values())
    return {number: 100.0 * area / total for number, area in areas.items()}


def line_counts(phase: Mask, roi: Mask | None = None) -> LineCounts:
    """Count how often all rows and columns of pixel centers cross the phase.

    Each change between two neighbors is one crossing of the boundary, and an interception has two of
    them: a chord that the frame cuts counts 1/2, as the other half belongs to the neighboring field.

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts; only pairs of neighbors inside are looked at.

    Examples
    --------
    >>> phase = np.array([[0, 1, 1, 0, 1]], dtype=bool)
    >>> found = line_counts(phase)
    >>> found.across_rows, found.length_rows_px, found.across_columns
    (1.5, 4.0, 0.0)
    """
    found = np.zeros(4, dtype=np.int64)
    for start in range(0, phase.shape[0], _BAND):  # in bands, so that no second image is made
        rows, below = slice(start, start + _BAND), slice(start + 1, start + _BAND + 1)
        here, under = phase[rows], phase[below]
        inside, inside_under = (None, None) if roi is None else (roi[rows], roi[below])
        along = _crossings(here[:, :-1], here[:, 1:], *_halves(inside))
        n = len(under)
        down = _crossings(here[:n], under, None if inside is None else inside[:n], inside_under)
        found += (*along, *down)
    crossings_rows, pairs_rows, crossings_columns, pairs_columns = found.tolist()
    return LineCounts(
        across_rows=crossings_rows / 2,
        across_columns=crossings_columns / 2,
        length_rows_px=float(pairs_rows),
        length_columns_px=float(pairs_columns),
    )


def contacts(objects: LabelImage, roi: Mask | None = None) -> tuple[int, int]:
    """Count how often all rows and columns cross from object to object, and from object to matrix (0) or back.

    Parameters
    ----------
    objects : array of int, (rows, columns)
        Number of the object of every pixel, 0 is matrix.
    roi : array of bool, (rows, columns), optional
        True where the image counts; only pairs of neighbors inside are looked at.

    Examples
    --------
    >>> contacts(np.array([[0, 1, 1, 2, 0, 3]]))
    (1, 3)
    """
    found = np.zeros(2, dtype=np.int64)
    for start in range(0, objects.shape[0], _BAND):
        rows, below = slice(start, start + _BAND), slice(start + 1, start + _BAND + 1)
        here, under = objects[rows], objects[below]
        n = len(under)
        for one, other, both in (
            (here[:, :-1], here[:, 1:], None if roi is None else roi[rows, :-1] & roi[rows, 1:]),
            (here[:n], under, None if roi is None else roi[rows][:n] & roi[below]),
        ):
            changes = one != other if both is None else (one != other) & both
            alike = int(np.count_nonzero(changes & (one != 0) & (other != 0)))
            found += (alike, int(np.count_nonzero(changes)) - alike)
    return int(found[0]), int(found[1])


def _halves(inside: Mask | None) -> tuple[Mask | None, Mask | None]:
    return (None, None) if inside is None else (inside[:, :-1], inside[:, 1:])


def _crossings(one: Mask, other: Mask, inside_one: Mask | None, inside_other: Mask | None) -> tuple[int, int]:
    """Count changes between neighbors, and the pairs that were looked at."""
    changes = one != other
    if inside_one is None or inside_other is None:
        return int(np.count_nonzero(changes)), changes.size
    both = inside_one & inside_other
    return int(np.count_nonzero(changes & both)), int(np.count_nonzero(both))
