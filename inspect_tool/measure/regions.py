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

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure.outlines import Outline, calipers, outlines
from inspect_tool.measure.pixel_sums import PixelSums, pixel_sums
from inspect_tool.measure.recall import ANEW, Parts
from inspect_tool.model import LabelImage, Mask
from inspect_tool.standards.formulas import shape


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
    sums = pixel_sums(image, parts)
    return table_of(
        sums,
        outlines(image, sums, parts),
        np.isin(sums.label, edge_labels(image, roi)),
        pixel_um,
        shape_factors=shape_factors,
    )


def table_of(
    sums: PixelSums,
    found: Sequence[Outline],
    touches_edge: NDArray[np.bool_],
    pixel_um: float | None,
    *,
    shape_factors: bool = True,
) -> pd.DataFrame:
    """Tabulate objects by the sums over their pixels and their outlines; the columns are those of ``region_table``."""
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    area, (row, column) = sums.area, sums.centroid
    perimeter = np.array([one.length for one in found], dtype=np.float64)
    longest, feret_min, feret_angle, hull_area = calipers([one.hull for one in found]).T
    feret_max = longest + _beyond_the_pixels(longest, feret_min, feret_angle)
    major, minor, orientation = _ellipse(sums.moments)
    columns: dict[str, NDArray[np.generic]] = {
        "feature": sums.label,
        "row_px": row,
        "column_px": column,
        "touches_edge": touches_edge,
        "area_px2": sums.sums[0],
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


def frame_contacts(labels: LabelImage, roi: Mask | None = None) -> NDArray[np.intp]:
    """Pixels of each object, 1 to n, along the image frame or the border of ``roi``: 0 of those that it does not cut.

    >>> frame_contacts(np.array([[1, 1, 0], [0, 0, 0], [0, 2, 0], [3, 0, 0]], dtype=np.int32)).tolist()
    [2, 0, 1]
    """
    if roi is None:
        along = [labels[0], labels[-1], labels[1:-1, 0], labels[1:-1, -1]]
    else:
        outside = cv2.copyMakeBorder(np.logical_not(roi).view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
        rim = cv2.dilate(outside, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
        along = [labels[(rim > 0) & roi]]
    return np.bincount(np.concatenate(along), minlength=int(labels.max(initial=0)) + 1)[1:]


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


def _ellipse(
    moments: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes [px] and angle [deg] of the ellipse with the second moments of each object."""
    xx, yy, xy = moments.T
    # the moments are those of the pixel centers; 1/12 per axis is the spread inside a pixel
    mean, half = (xx + yy) / 2 + 1 / 12, np.hypot((xx - yy) / 2, xy)
    # rows run downwards, angles counter-clockwise as seen on the picture; the second modulo turns 180 into 0
    angle = np.rad2deg(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180.0 % 180.0
    return 4 * np.sqrt(mean + half), 4 * np.sqrt(np.maximum(mean - half, 1 / 12)), angle
