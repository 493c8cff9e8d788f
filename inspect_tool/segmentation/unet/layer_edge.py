"""Whether an interface of a layer lies where the gray of the picture changes along it.

Both sides of a line that is off are of one material, whichever it is. In a column noise hides an interface to a
material of nearly the same gray; in rows that follow the line, along a third of the picture, it is a clear step, at the
line if that is right. Parts that are off along less than half of a third are not seen.
"""

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask, Samples
from inspect_tool.segmentation.unet.continuous_layer import Lines, Rows

_STRIP = 0.1  # of the thickness: height of the strips between which a step is [1]
_REACH = 0.35  # of the thickness: so far from the line it is looked for; strips that tell which line is fainter [1]
_PARTS = 3  # of the line
_CLEAR = 3.5  # spreads: 33 parts of noise alone had 3.2 at most
_THINNEST = 8.0  # of a layer [px]
_SPREAD = 1.4826  # of a normal distribution over the median amount

Steps = NDArray[np.float64]


def edge_off(pixels: Samples, lines: Lines, inside: Mask | None) -> float:
    """Tell how far the step of gray along the fainter interface lies off it, in that part where it is farthest.

    The other one, to a material of quite another gray, is settled by gray values column by column, and often has dark
    places along it, which are steps as well.

    Parameters
    ----------
    pixels : ndarray
        (rows, columns), gray values.
    lines : tuple of Rows
        (columns,) each: first row of the layer, first row below it.
    inside : ndarray of bool, optional
        Where the image counts.

    Returns
    -------
    float
        Over the thickness of the layer; 0 where no part shows a clear step. [1]
    """
    thick = max(float(np.median(lines[1] - lines[0])), _THINNEST)
    gray = np.asarray(pixels, np.float64)
    reach = round(_REACH * thick)
    fainter = min(lines, key=lambda line: abs(float(np.median(_steps(gray, line, inside, reach, 0)))))
    steps = _steps(gray, fainter, inside, max(round(_STRIP * thick), 2), reach)
    parts = np.array_split(steps, _PARTS, axis=1)
    along = np.stack([np.median(part, axis=1) for part in parts])
    along *= 1 if along.max(axis=1).sum() >= -along.min(axis=1).sum() else -1  # all parts are of one interface
    found = 0.0
    for part, step in zip(parts, along, strict=True):
        best = int(step.argmax())
        noise = _spread(part[best]) / np.sqrt(part.shape[1])
        if step[best] - np.median(step) >= _CLEAR * max(_spread(step), noise, 1e-9):
            found = max(found, abs(best - reach) / thick)
    return found


def _steps(gray: Steps, line: Rows, inside: Mask | None, height: int, reach: int) -> Steps:
    """Gray of the strip below less that of the strip above, (2 reach + 1, columns); 0 where either leaves the image.

    The rows are offsets from the line, from ``-reach`` on.
    """
    rows, columns = gray.shape
    across = np.arange(columns)
    sums = np.vstack([np.zeros(columns), np.cumsum(gray, axis=0)])
    at = line + np.arange(-reach, reach + 1)[:, None]
    seen = (at >= height) & (at + height <= rows)
    at = np.clip(at, height, rows - height)
    if inside is not None:
        seen &= inside[at - height, across] & inside[at + height - 1, across]
    made = (sums[at + height, across] + sums[at - height, across] - 2 * sums[at, across]) / height
    return np.where(seen, made, 0.0)


def _spread(values: Steps) -> float:
    """Standard deviation of most of the values."""
    return _SPREAD * float(np.median(np.abs(values - np.median(values))))
