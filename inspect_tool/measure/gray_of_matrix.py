"""Whether a part of the matrix has a gray level of its own, on the way to that of the phase."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from inspect_tool.measure.gray import Grays, grays_of
from inspect_tool.model import GrayImage, Mask

CORE_PX = 3  # pixels so near to the outline have grays of the edge [px]
APART = 3.5  # distance of two levels over the scatter within both, more of which are two: evenly spread grays have 3.46
_LEAST_PX = 400  # away from the outline; a handful falls in two by chance
TOWARD = 1 / 3  # least distance of the two, over that of the farther one from the phase: less is a tint of the matrix


def paler_percent(pixels: GrayImage, phase: Mask, matrix: Mask) -> float:
    """Share of the matrix that lies at a gray level of its own, at least a third of the way to the phase. [%]

    Such are features that show less contrast than the others and fell on the side of the matrix. The gray values of
    the matrix are parted into two classes of least scatter (Otsu 1979). Where they are no two levels, or lie too near
    to each other, there are none; the smaller of both classes counts. Nor are there any in fewer than 400 pixels.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    phase, matrix : arrays of bool, (rows, columns)
        True on them; what is neither does not count.

    Examples
    --------
    >>> gray = np.full((60, 60), 200)
    >>> gray[:20] = 40
    >>> phase = gray < 100
    >>> paler_percent(gray, phase, ~phase)
    0.0
    >>> gray[40:] = 100
    >>> round(paler_percent(gray, phase, ~phase))
    46
    """
    of_phase, of_matrix = (grays_of(pixels, _core(mask)) for mask in (phase, matrix))
    if not of_phase.pixels or of_matrix.pixels < _LEAST_PX or len(of_matrix.values) < 2:
        return 0.0
    values, counts = of_matrix.values.astype(np.float64), of_matrix.counts
    below = np.cumsum(counts)[:-1]
    above = of_matrix.pixels - below
    sums = np.cumsum(counts * values)
    low, high = sums[:-1] / below, (sums[-1] - sums[:-1]) / above
    between = below * above * (high - low) ** 2
    cut = int(np.argmax(between))
    within = np.average((values - _mean(of_matrix)) ** 2, weights=counts) - between[cut] / of_matrix.pixels**2
    apart = float(high[cut] - low[cut])
    level = _mean(of_phase)
    whole = max(abs(level - low[cut]), abs(level - high[cut]))
    if apart <= APART * np.sqrt(max(within, 0.0)) or apart < TOWARD * whole:
        return 0.0
    return 100.0 * float(min(below[cut], above[cut])) / of_matrix.pixels


@dataclass(frozen=True, slots=True, eq=False)
class _Core:
    """A mask without what lies near its outline, made as its rows are asked for: it may have a bit for each pixel."""

    of: Mask

    @property
    def shape(self) -> tuple[int, ...]:
        return self.of.shape

    def __getitem__(self, rows: slice) -> Mask:
        side = 2 * CORE_PX + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        top = max(0, rows.start - CORE_PX)
        near = self.of[top : rows.stop + CORE_PX].view(np.uint8)
        return np.asarray(cv2.erode(near, kernel)[rows.start - top :][: rows.stop - rows.start], np.uint8).view(
            np.bool_
        )


def _core(mask: Mask) -> Mask:
    return cast("Mask", _Core(mask))


def _mean(grays: Grays) -> float:
    return float(np.average(grays.values, weights=grays.counts))
