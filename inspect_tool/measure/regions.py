"""One row per object: size, position, calipers, ellipse and shape factors of every label of an image.

DIPlib does the pixel work in one pass of C++ over the label image. Its perimeter is the unbiased
chain-code estimator of Vossepoel and Smeulders (1982); its calipers are taken around the polygon
through the outer pixel edges and not through the pixel centres, so that they are not one pixel short.
"""

import cv2
import diplib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from inspect_tool.formulas import shape
from inspect_tool.model import LabelImage, Mask

# DIPlib feature -> how many numbers it has in two dimensions
_MEASURED = {
    "Size": 1,
    "SolidArea": 1,
    "Perimeter": 1,
    "Feret": 5,
    "Mu": 3,
    "Center": 2,
    "Minimum": 2,
    "Maximum": 2,
    "ConvexArea": 1,
}


def region_table(
    labels: LabelImage,
    pixel_um: float | None = None,
    *,
    roi: Mask | None = None,
    shape_factors: bool = True,
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

    Returns
    -------
    DataFrame, one row per object in the order of the labels. ``U`` is ``um`` or ``px``:

    ========================================  ==========================================================
    feature                                   label number
    row_px, column_px                         centroid; origin at the centre of the top-left pixel
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
    found = _measured(image)
    area = found["Size"][:, 0]
    feret = found["Feret"]
    major, minor, orientation = _ellipse(found["Mu"])
    columns: dict[str, NDArray[np.generic]] = {
        "feature": found["label"][:, 0].astype(np.int64),
        "row_px": found["Center"][:, 1],
        "column_px": found["Center"][:, 0],
        "touches_edge": np.isin(found["label"][:, 0], edge_labels(image, roi)),
        "area_px2": area.astype(np.int64),
    }
    if pixel_um is not None:
        columns["area_um2"] = area * size**2
    columns |= {
        f"ecd_{unit}": shape.equivalent_diameter(area) * size,
        f"perimeter_{unit}": found["Perimeter"][:, 0] * size,
        f"feret_max_{unit}": feret[:, 0] * size,
        f"feret_min_{unit}": feret[:, 1] * size,
        "feret_angle_deg": np.rad2deg(-feret[:, 3]) % 180.0,
        f"ellipse_major_{unit}": major * size,
        f"ellipse_minor_{unit}": minor * size,
        "orientation_deg": orientation,
        "top_px": found["Minimum"][:, 1].astype(np.int64),
        "left_px": found["Minimum"][:, 0].astype(np.int64),
        "bottom_px": found["Maximum"][:, 1].astype(np.int64) + 1,
        "right_px": found["Maximum"][:, 0].astype(np.int64) + 1,
    }
    if shape_factors:
        columns |= {
            "circularity_4pi": shape.circularity_4pi(area, found["Perimeter"][:, 0]),
            "circularity_iso": shape.circularity_iso(area, found["Perimeter"][:, 0]),
            "roundness": shape.roundness(area, feret[:, 0]),
            "compactness": shape.compactness(area, feret[:, 0]),
            "aspect_ratio": shape.aspect_ratio(feret[:, 1], feret[:, 0]),
            "solidity": shape.solidity(area, found["ConvexArea"][:, 0]),
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


def _measured(image: LabelImage) -> dict[str, NDArray[np.float64]]:
    """Run DIPlib; arrays of shape (objects, values), also for an image without objects."""
    # the same bytes read as unsigned: DIPlib has no signed labels, and nothing is copied
    answer = diplib.MeasurementTool.Measure(diplib.Image(image.view(np.uint32)), None, list(_MEASURED))
    numbers = np.asarray(answer.Objects(), dtype=np.float64)[:, None]
    found = {"label": numbers}
    for name, width in _MEASURED.items():
        # a copy, because the answer owns the memory and ends with this function
        found[name] = np.array(answer[name], dtype=np.float64).reshape(len(numbers), width)
    height, width = image.shape
    low, high = found["Minimum"], found["Maximum"]
    framed = (low == 0).any(axis=1) | (high[:, 0] == width - 1) | (high[:, 1] == height - 1)
    torn = found["Size"][:, 0] > found["SolidArea"][:, 0] + 0.5
    # DIPlib follows the outline of the first piece only, and leaves out what lies on the image frame
    for row in np.flatnonzero(framed | torn):
        (left, top), (right, bottom) = low[row].astype(int), high[row].astype(int) + 1
        mask = image[top:bottom, left:right] == int(numbers[row, 0])
        found["Perimeter"][row] = _perimeter(mask)
        if torn[row]:
            found["Feret"][row], found["ConvexArea"][row] = _calipers(mask)
    return found


def _perimeter(mask: Mask) -> float:
    """Length of the outlines of all pieces of one object [px]."""
    pieces = diplib.Image(np.pad(connected(mask), 1).view(np.uint32))
    answer = diplib.MeasurementTool.Measure(pieces, None, ["Perimeter"])
    return float(np.array(answer["Perimeter"]).sum())


def _calipers(mask: Mask) -> tuple[NDArray[np.float64], float]:
    """Calipers, in the order of DIPlib, and hull area of one object in several pieces [px]."""
    row, column = np.nonzero(mask)
    # the same outline that DIPlib uses: through the middle of every pixel edge
    x = np.concatenate([column - 0.5, column + 0.5, column, column])
    y = np.concatenate([row, row, row - 0.5, row + 0.5])
    hull = ConvexHull(np.column_stack([x, y]))
    corners = hull.points[hull.vertices]
    gaps = corners[:, None, :] - corners[None, :, :]
    length = np.hypot(gaps[..., 0], gaps[..., 1])
    first, second = np.unravel_index(length.argmax(), length.shape)
    widths = np.ptp(corners @ hull.equations[:, :2].T, axis=0)  # the smallest caliper stands on a side of the hull
    normal = hull.equations[widths.argmin(), :2]
    across = np.ptp(corners @ np.array([-normal[1], normal[0]]))
    angles = np.arctan2(gaps[first, second, 1], gaps[first, second, 0]), np.arctan2(normal[1], normal[0])
    return np.array([length.max(), widths.min(), across, *angles]), float(hull.volume)


def _ellipse(mu: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Axes [px] and angle [deg] of the ellipse with the second moments of each object.

    ``mu`` is the inertia tensor of the pixel centres: <yy>, <xx>, -<xy>; 1/12 per axis is the spread
    inside a pixel.
    """
    xx, yy, xy = mu[:, 1] + 1 / 12, mu[:, 0] + 1 / 12, -mu[:, 2]
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    # rows run downwards, angles counter-clockwise as seen on the picture; the outer modulo turns -0 and 180 into 0
    angle = np.rad2deg(0.5 * np.arctan2(-2 * xy, xx - yy)) % 180.0 % 180.0
    return 4 * np.sqrt(mean + half), 4 * np.sqrt(np.maximum(mean - half, 0.0)), angle
