"""One row per object: size, position, calipers, ellipse and shape factors of every label of an image.

Areas, centroids and ellipses are sums over the pixel runs of each object, exact. DIPlib follows the
outlines in C++; its perimeter is the chain-code estimator of Vossepoel and Smeulders (1982), without
bias over all directions (a square along the pixels comes out 2 % short, a disc right). Calipers are
taken around the polygon through the middle of the outer pixel edges and not through the pixel centers,
so that they are not one pixel short; the longest one, which picks what stands out most, is corrected.
They are searched here over every side of the hull: the minimum that DIPlib 3.6 itself gives is too large
for one object in twenty, by up to 15 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import cv2
import diplib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure.recall import ANEW, Numbers, Parts, rows_of
from inspect_tool.model import LabelImage, Mask
from inspect_tool.standards.formulas import shape

_STRIP_PX = 1 << 20  # pixels that are looked at in one go: bounds the memory of the sums


def region_table(
    labels: LabelImage,
    pixel_um: float | None = None,
    *,
    roi: Mask | None = None,
    shape_factors: bool = True,
    parts: Parts = ANEW,
) -> pd.DataFrame:
    """Measure every object of a label image.

    Labels may have gaps; 0 is background. A label should be one connected object (``connected`` makes
    it so); of one in several pieces the calipers span all pieces and the perimeter is their sum.
    Along the frame the perimeter follows the frame.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Object numbers.
    pixel_um : float, optional
        Pixel size. [um/px] None: lengths come out in pixels and the column names end in ``_px``.
    roi : bool array of shape (rows, columns), optional
        True where the image counts; an object that touches pixels outside it touches the edge.
    shape_factors : bool
        Also give the columns of ``formulas.shape.FORMULAS``.
    parts : Parts
        What is known of this image.

    Returns
    -------
    DataFrame, one row per object in the order of the labels. ``U`` is ``um`` or ``px``:

    ========================================  ==========================================================
    feature                                   label number
    row_px, column_px                         centroid; origin at the center of the top-left pixel
    touches_edge                              at the image frame or at the border of ``roi``
    area_px2                                  number of pixels, exact
    area_um2                                  the same times the pixel area (calibrated images only)
    ecd_U                                     diameter of the circle of the same area
    perimeter_U                               length of the outer outline (holes not included)
    feret_max_U, feret_min_U                  largest and smallest caliper
    feret_angle_deg                           of the largest caliper: 0 along rows, counter-clockwise
    ellipse_major_U, ellipse_minor_U          axes (full length) of the ellipse with the same second moments
    orientation_deg                           of its major axis, 0 <= angle < 180, as above
    top_px, left_px, bottom_px, right_px      bounding box, half-open
    circularity_4pi ... solidity              shape factors, see ``formulas.shape``
    ========================================  ==========================================================

    References
    ----------
    Vossepoel and Smeulders, Vector code probability and metrication error in the representation of
    straight lines of finite length, Computer Graphics and Image Processing 20 (1982).

    Examples
    --------
    >>> image = np.zeros((30, 50), dtype=np.int32)
    >>> image[10:20, 5:45] = 7
    >>> table = region_table(image, 0.5)
    >>> table[["feature", "area_um2", "feret_min_um", "touches_edge"]].values.tolist()
    [[7, 100.0, 5.0, False]]
    """
    image = np.ascontiguousarray(labels, dtype=np.int32)
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    sums = _pixel_sums(image, parts)
    area = sums.area
    perimeter, longest, feret_min, feret_angle, hull_area = _outline_table(image, sums, parts).T
    feret_max = longest + _beyond_the_pixels(longest, feret_min, feret_angle)
    major, minor, orientation = _ellipse(sums)
    columns: dict[str, NDArray[np.generic]] = {
        "feature": sums.label,
        "row_px": sums.row,
        "column_px": sums.column,
        "touches_edge": np.isin(sums.label, edge_labels(image, roi)),
        "area_px2": area.astype(np.int64),
    }
    if pixel_um is not None:
        columns["area_um2"] = area * size**2
    columns |= {
        f"ecd_{unit}": shape.equivalent_diameter(area) * size,
        f"perimeter_{unit}": perimeter * size,
        f"feret_max_{unit}": feret_max * size,
        f"feret_min_{unit}": feret_min * size,
        "feret_angle_deg": feret_angle,
        f"ellipse_major_{unit}": major * size,
        f"ellipse_minor_{unit}": minor * size,
        "orientation_deg": orientation,
        "top_px": sums.box[:, 0],
        "left_px": sums.box[:, 1],
        "bottom_px": sums.box[:, 2],
        "right_px": sums.box[:, 3],
    }
    if shape_factors:
        columns |= {
            "circularity_4pi": shape.circularity_4pi(area, perimeter),
            "circularity_iso": shape.circularity_iso(area, perimeter),
            "roundness": shape.roundness(area, feret_max),
            "compactness": shape.compactness(area, feret_max),
            "aspect_ratio": shape.aspect_ratio(feret_min, feret_max),
            "solidity": shape.solidity(area, hull_area),
        }
    return pd.DataFrame(columns)


def edge_labels(labels: LabelImage, roi: Mask | None = None) -> NDArray[np.int32]:
    """Numbers of the objects that touch the image frame or, where there is a ``roi``, pixels outside it.

    >>> edge_labels(np.array([[0, 0, 0], [0, 2, 0], [0, 0, 5]], dtype=np.int32)).tolist()
    [5]
    """
    found = [np.unique(line) for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    if roi is not None:
        outside = np.logical_not(roi).view(np.uint8)
        rim = cv2.dilate(outside, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
        found.append(np.unique(labels[rim > 0]))
    together: NDArray[np.int32] = np.unique(np.concatenate(found))
    inner: NDArray[np.int32] = together[together != 0]
    return inner


def connected(mask: Mask, connectivity: int = 8) -> LabelImage:
    """Number the connected pieces of a mask; pores are 8-connected, grains are 4-connected.

    >>> connected(np.array([[1, 0], [0, 1]], dtype=bool)).tolist()
    [[1, 0], [0, 1]]
    >>> connected(np.array([[1, 0], [0, 1]], dtype=bool), 4).tolist()
    [[1, 0], [0, 2]]
    """
    _, labels = cv2.connectedComponents(np.ascontiguousarray(mask).view(np.uint8), connectivity=connectivity)
    numbered: LabelImage = labels.astype(np.int32, copy=False)
    return numbered


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _PixelSums:
    """Sums over the pixels of n objects [px]."""

    label: NDArray[np.int64]  # increasing
    area: NDArray[np.float64]
    row: NDArray[np.float64]  # centroid
    column: NDArray[np.float64]
    moments: NDArray[np.float64]  # (n, 3): variance of the columns, of the rows, covariance
    box: NDArray[np.int64]  # (n, 4): top, left, bottom, right, half-open


_RunSums: TypeAlias = tuple[Numbers, NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]


def _pixel_sums(image: LabelImage, parts: Parts) -> _PixelSums:
    top_label = int(image.max(initial=0))
    if top_label <= 4 * image.size:  # number -> place, directly
        return _sums_of_image(image, np.arange(top_label + 1), parts)
    return _sums_of_image(image, np.unique(image), parts)


def _sums_of_image(image: LabelImage, known: Numbers, parts: Parts) -> _PixelSums:
    """Add up the sums of strips; ``known`` holds all labels, increasing."""
    height, width = image.shape
    direct = len(known) == 0 or known[-1] == len(known) - 1
    total = np.zeros((6, len(known)))  # pixels, row, column, row², column², row x column
    low = np.full((2, len(known)), np.iinfo(np.int64).max)
    high = np.full((2, len(known)), -1)
    step = max(1, _STRIP_PX // max(width, 1))
    for first in range(0, height, step):
        rows = slice(first, first + step)
        numbers, sums, least, most = parts.part(
            "pixel sums", rows_of(image, rows), partial(_sums_of_runs, image[rows], first, direct)
        )
        place = numbers if direct else np.searchsorted(known, numbers)
        total[:, place] += sums
        low[:, place] = np.minimum(low[:, place], least)
        high[:, place] = np.maximum(high[:, place], most)
    seen = np.flatnonzero(total[0])
    n, y, x, yy, xx, xy = total[:, seen]
    y, x = y / n, x / n
    return _PixelSums(
        label=np.asarray(known[seen], dtype=np.int64),
        area=n,
        row=y,
        column=x,
        moments=np.column_stack([xx / n - x**2, yy / n - y**2, xy / n - x * y]),
        box=np.column_stack([low[0, seen], low[1, seen], high[0, seen], high[1, seen]]),
    )


def _sums_of_runs(strip: LabelImage, first: int, direct: bool) -> _RunSums:
    """Add up the runs of equal labels along the rows of a strip, whose first row is ``first``.

    Returns
    -------
    numbers : int array of shape (n,)
        Of the objects in the strip, increasing.
    sums : float array of shape (6, n)
        Pixels, row, column, row², column², row x column.
    least, most : int arrays of shape (2, n)
        First row and column of each, and those after the last ones.
    """
    change = np.ones(strip.shape, dtype=bool)
    np.not_equal(strip[:, 1:], strip[:, :-1], out=change[:, 1:])
    begin = np.flatnonzero(change)
    label = strip.ravel()[begin]
    length = np.diff(begin, append=strip.size)
    row, left = np.divmod(begin, strip.shape[1])
    keep = label != 0
    label, length, row, left = label[keep], length[keep], row[keep] + first, left[keep]
    numbers: Numbers
    if direct:
        numbers = np.flatnonzero(np.bincount(label))
        places = np.zeros(int(numbers[-1]) + 1 if len(numbers) else 0, np.intp)
        places[numbers] = np.arange(len(numbers))
        place = places[label]
    else:
        numbers, place = np.unique(label, return_inverse=True)
    middle = left + (length - 1) / 2
    weights = (
        length,
        length * row,
        length * middle,
        length * row**2,
        length * (middle**2 + (length**2 - 1) / 12),
        length * row * middle,
    )
    sums = np.array([np.bincount(place, weights=one, minlength=len(numbers)) for one in weights])
    least, most = np.full((2, len(numbers)), np.iinfo(np.int64).max), np.full((2, len(numbers)), -1)
    np.minimum.at(least[0], place, row)
    np.minimum.at(least[1], place, left)
    np.maximum.at(most[0], place, row + 1)
    np.maximum.at(most[1], place, left + length)
    return numbers, sums, least, most


def _outline_table(image: LabelImage, sums: _PixelSums, parts: Parts) -> NDArray[np.float64]:
    """Perimeter, calipers (as ``_calipers``) of all objects, shape (n, 5) [px]."""
    found = parts.objects("outlines", sums.label, partial(_outlines, image, sums))
    perimeter = np.array([one[0] for one in found], dtype=np.float64)
    return np.column_stack([perimeter, _calipers([one[1] for one in found])])


def _outlines(image: LabelImage, sums: _PixelSums, numbers: Numbers) -> list[tuple[float, NDArray[np.float64]]]:
    """Perimeter and hull corners (x, y) of some of the objects. [px]"""
    # the same bytes read as unsigned: DIPlib has no signed labels, and nothing is copied
    codes = diplib.GetImageChainCodes(diplib.Image(image.view(np.uint32)), numbers.tolist()) if len(numbers) else []
    found: list[tuple[float, NDArray[np.float64]]] = []
    for k, code in zip(np.searchsorted(sums.label, numbers).tolist(), codes, strict=True):
        length, area, hull = _outline(code)
        if sums.area[k] > area:
            # an outline belongs to one piece, the pixel count to all of them
            top, left, bottom, right = sums.box[k]
            pieces = connected(image[top:bottom, left:right] == sums.label[k]).view(np.uint32)
            each = [_outline(piece) for piece in diplib.GetImageChainCodes(diplib.Image(pieces))]
            length = sum(piece[0] for piece in each)
            corners = np.concatenate([piece[2] for piece in each]).astype(np.float32)
            hull = cv2.convexHull(corners)[:, 0].astype(np.float64)
        found.append((length, hull))
    return found


def _outline(code: Any) -> tuple[float, float, NDArray[np.float64]]:
    """Perimeter, area without holes and hull corners (x, y) of one chain code [px]."""
    polygon = code.Polygon()
    hull = polygon.ConvexHull()
    # the code joins pixel centers: half a pixel further out is π longer; the polygon cuts every
    # convex corner of the pixels by 1/8 and fills every concave one, of which there are four fewer
    return code.Length("include") + np.pi, polygon.Area() + 0.5, np.array(hull)


def _beyond_the_pixels(
    longest: NDArray[np.float64], shortest: NDArray[np.float64], angle_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What to add to the longest caliper around the middle of the pixel edges for that of the object drawn. [px]

    The polygon stands 0.5 max(|cos|, |sin|) out from the pixel centers at either end. The object itself ends where
    the area between its tip and the last center is about that of one pixel: the cap of a parabola with radius of
    curvature R is h deep where 4 sqrt(2 R) h^1.5 / 3 = 1, that is in R^-1/3. The factor 1.1 for both ends together and
    the two numbers below are from drawn discs, ellipses of axes 1 to 4 and squares of 9 to 160 px: within 0.1 px. The
    rounder the object, the more corners of the hull compete to be the farthest, and the less is missing.
    """
    turned = np.deg2rad(angle_deg)
    out = np.maximum(np.abs(np.cos(turned)), np.abs(np.sin(turned)))
    half = np.maximum(longest - out, 1.0) / 2
    radius = np.clip(shortest / 2, 0.5, half) ** 2 / half  # of the tips of an ellipse with these axes
    missing = np.minimum(1.1 * np.cbrt(1 / radius), 1.0)
    # directions in which an ellipse is as long but for what is missing, in corners of the hull (R^1/3 px apart)
    turn = np.minimum(0.5, 0.1 * np.sqrt(missing / np.maximum(half - radius, 1e-6)))
    added: NDArray[np.float64] = missing / (1 + turn * np.maximum(np.cbrt(radius) ** 2 - 1, 0.0)) - out
    return added


def _calipers(hulls: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Largest caliper, smallest caliper, angle of the largest [deg] and area of convex polygons, shape (n, 4)."""
    found = np.empty((len(hulls), 4))
    count = np.array([len(hull) for hull in hulls], dtype=int)
    order = np.argsort(count)
    start = 0
    while start < len(order):
        # polygons of like size together, shorter ones filled up with their first corner; memory bounded
        end = min(len(order), start + 256)
        while end > start + 1 and (end - start) * count[order[end - 1]] ** 2 > 2_000_000:
            end = start + (end - start) // 2
        part = order[start:end]
        corners = np.empty((len(part), count[part[-1]], 2))
        for k, row in enumerate(part):
            corners[k, : count[row]] = hulls[row]
            corners[k, count[row] :] = hulls[row][0]
        found[part] = _calipers_of_equal(corners)
        start = end
    return found


def _calipers_of_equal(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Answer as ``_calipers`` for polygons of shape (n, corners, 2); a corner may be repeated."""
    x, y = corners[..., 0], corners[..., 1]
    dx, dy = x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :]
    square = (dx**2 + dy**2).reshape(len(x), -1)
    longest = square.argmax(axis=1)
    rows = np.arange(len(x))
    angle = np.rad2deg(np.arctan2(-dy.reshape(len(x), -1)[rows, longest], dx.reshape(len(x), -1)[rows, longest]))
    side_x, side_y = np.roll(x, -1, axis=1) - x, np.roll(y, -1, axis=1) - y
    length = np.hypot(side_x, side_y)
    # the smallest caliper of a convex polygon lies on one of its sides: the farthest corner from each side
    reach = np.abs(side_x[:, :, None] * dy - side_y[:, :, None] * dx).max(axis=2)
    width = np.divide(reach, length, out=np.full_like(reach, np.inf), where=length > 0)
    area = np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2 + 0.5
    return np.column_stack([np.sqrt(square[rows, longest]), width.min(axis=1), angle % 180.0 % 180.0, area])


def _ellipse(sums: _PixelSums) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes [px] and angle [deg] of the ellipse with the second moments of each object."""
    xx, yy, xy = sums.moments.T
    # the moments are those of the pixel centers; 1/12 per axis is the spread inside a pixel
    mean, half = (xx + yy) / 2 + 1 / 12, np.hypot((xx - yy) / 2, xy)
    # rows run downwards, angles counter-clockwise as seen on the picture; the second modulo turns 180 into 0
    angle = np.rad2deg(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180.0 % 180.0
    return 4 * np.sqrt(mean + half), 4 * np.sqrt(np.maximum(mean - half, 1 / 12)), angle
