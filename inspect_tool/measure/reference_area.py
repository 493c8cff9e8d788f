"""A reference area of a casting in its worst place: the position with the largest share of pores.

VDG P 201 and BDG P 202 judge porosity in a square, triangle, circle or rectangle of stated size and
not in the whole field. It is slid over the field here; it must lie wholly inside what counts.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask

Shape = Literal["square", "circle", "triangle", "rectangle"]

_FINE_PX = 48  # the search runs on a picture where the area is at least this wide
_SLACK = 1e-3  # share of the area that may miss the region on that picture: rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """The worst place of a reference area."""

    share: float  # of the area that is pore [1]
    top: int  # of the box around the area [px]
    left: int
    turn: int  # quarter turns counter-clockwise


def stencil(shape: Shape, width_px: float, height_px: float = 0.0) -> Mask:
    """Draw a reference area as a mask of its box.

    A square and a circle have ``width_px`` only; a triangle is isosceles, with its base of ``width_px``
    down and its tip up (height as the base when it is 0).

    >>> stencil("triangle", 6.0, 3.0).astype(int).tolist()
    [[0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1]]
    """
    height = width_px if height_px == 0 or shape in ("square", "circle") else height_px
    rows, columns = np.mgrid[: max(1, round(height)), : max(1, round(width_px))] + 0.5
    if shape == "circle":
        inside: Mask = (rows - height / 2) ** 2 + (columns - width_px / 2) ** 2 <= (width_px / 2) ** 2
    elif shape == "triangle":
        inside = np.abs(columns - width_px / 2) <= rows / height * width_px / 2
    else:
        inside = np.ones(rows.shape, dtype=bool)
    return inside


def worst_place(pores: Mask, area: Mask, roi: Mask | None = None, *, turns: int = 1) -> Worst | None:
    """Slide an area over a field and find where the share of pores is largest; None: it fits nowhere.

    The search runs on a reduced picture, the best place is then improved and its share counted pixel
    by pixel. Time grows with the pixels of the reduced picture and not with the number of positions.

    Parameters
    ----------
    pores, roi : bool arrays of shape (rows, columns)
        Pores, and where the field counts (None: everywhere).
    area : bool array
        Mask of the reference area in its box, see ``stencil``.
    turns : int
        Quarter turns that are tried as well: 4 for a triangle, 2 for a rectangle.

    Examples
    --------
    >>> field = np.zeros((60, 100), dtype=bool)
    >>> field[20:30, 70:80] = True
    >>> worst_place(field, stencil("square", 20.0)).share
    0.25
    """
    found = [_worst_of(pores, np.ascontiguousarray(np.rot90(area, turn)), roi, turn) for turn in range(turns)]
    return max((place for place in found if place is not None), key=lambda place: place.share, default=None)


def _worst_of(pores: Mask, area: Mask, roi: Mask | None, turn: int) -> Worst | None:
    from scipy.signal import fftconvolve  # half a second, which most jobs of porosity do not need

    height, width = area.shape
    if height > pores.shape[0] or width > pores.shape[1]:
        return None
    step = max(1, min(area.shape) // _FINE_PX)
    kernel = _reduced(area, step)
    size = float(kernel.sum())
    content = fftconvolve(_reduced(pores, step), kernel[::-1, ::-1], mode="valid")
    if roi is not None:
        inside = fftconvolve(_reduced(roi, step), kernel[::-1, ::-1], mode="valid")
        content = np.where(inside >= size * (1 - _SLACK), content, -1.0)
    row, column = np.unravel_index(content.argmax(), content.shape)
    if content[row, column] < -0.5:
        return None
    return _improved(pores, area, roi, turn, (int(row) * step, int(column) * step), step)


def _improved(pores: Mask, area: Mask, roi: Mask | None, turn: int, start: tuple[int, int], step: int) -> Worst | None:
    """Best place within one reduced pixel of ``start``, counted at full resolution."""
    height, width = area.shape
    total = int(np.count_nonzero(area))
    best = None
    every = max(1, step // 4)
    for top in range(max(0, start[0] - step), min(pores.shape[0] - height, start[0] + step) + 1, every):
        for left in range(max(0, start[1] - step), min(pores.shape[1] - width, start[1] + step) + 1, every):
            box = slice(top, top + height), slice(left, left + width)
            if roi is not None and np.count_nonzero(roi[box] & area) < total * (1 - _SLACK):
                continue
            share = np.count_nonzero(pores[box] & area) / total
            if best is None or share > best.share:
                best = Worst(share=share, top=top, left=left, turn=turn)
    return best


def _reduced(mask: Mask, step: int) -> NDArray[np.float32]:
    """Mean of ``step`` x ``step`` pixels; what does not fill a whole block counts as 0."""
    image = mask.view(np.uint8).astype(np.float32)
    rows, columns = -mask.shape[0] % step, -mask.shape[1] % step
    padded = cv2.copyMakeBorder(image, 0, rows, 0, columns, cv2.BORDER_CONSTANT, value=0)
    small = cv2.resize(padded, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)
