"""Objects of one usual size that lie so close that their outlines run into each other: fibers, packed balls.

Where the gaps are narrower than the blur, a mask of such objects has no necks to be parted at. Their middles still
stand out of the gray values once these are smoothed to the size of the objects.
"""

from math import pi, sqrt

import cv2
import diplib as dip
import numpy as np
from scipy.ndimage import find_objects

from inspect_tool.measure.boundaries import FloatImage, flooded
from inspect_tool.measure.edges import BLURRED_PX, present_labels
from inspect_tool.measure.flooding import numbered
from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.distances import distances

_SIZES_PX = np.geomspace(5.0, 120.0, 40)  # that are tried for the usual diameter
_OF_SIDE = 4.0  # a diameter is at most this part of the shorter side
_CROWDED = 0.3  # share of the area of the mask whose strongest responses are compared between sizes
_FILLED = 1.5  # times the mask: discs of a size that answer do not cover more; those of clusters do
_MIDDLE, _AROUND = 0.22, 0.5  # standard deviations of the two smoothings, in diameters
_SPUR = 0.15  # radius of the disc that fits everywhere into an object, in diameters
_CORE = 0.8  # radius of the disc that opens what the edge cuts, in radii of the largest that fits into it
_STANDS_OUT = 0.02  # a middle rises so much above the saddle to a higher one, in usual heights


def usual_diameter(gray: FloatImage, mask: Mask) -> float:
    """Diameter of most of the bright round objects in a mask, from the smoothing that they answer most to. [px]

    The response of a disc to the scaled Laplacian of a Gaussian is largest where the standard deviation is its radius
    over √2 (Lindeberg, Int. J. Computer Vision 30 (1998) 79).

    Parameters
    ----------
    gray : float32 array of shape (rows, columns)
        Objects bright; negate it for dark ones.
    mask : bool array of shape (rows, columns)
        Where the objects are.
    """
    area = max(float(np.count_nonzero(mask)), 1.0)
    best = (0.0, float(_SIZES_PX[0]))
    for size in _SIZES_PX[min(gray.shape) / _OF_SIDE >= _SIZES_PX]:
        sigma = float(size) / 2 / sqrt(2)
        response = -np.asarray(cv2.Laplacian(_smooth(gray, sigma), cv2.CV_32F)) * np.float32(sigma**2)
        peaks = (response == cv2.dilate(response, np.ones((3, 3), np.uint8))) & mask
        found = np.sort(response[peaks])[::-1]
        number = max(5, round(_CROWDED * area / (pi / 4 * float(size) ** 2)))
        filled = len(found) * pi / 4 * float(size) ** 2 / area
        if len(found) >= number and filled <= _FILLED:
            best = max(best, (float(found[:number].mean()), float(size)))
    return best[1]


def parted(gray: FloatImage, mask: Mask, diameter_px: float, roi: Mask | None = None) -> LabelImage:
    """Part a mask into objects of about one diameter, each about a middle that stands out of the gray values.

    Parameters
    ----------
    gray : float32 array of shape (rows, columns)
        Objects bright; negate it for dark ones.
    mask : bool array of shape (rows, columns)
        Where the objects are.
    diameter_px : float
        Usual diameter, the shorter one of long objects. [px]
    roi : bool array of shape (rows, columns), optional
        True where the image counts.

    Returns
    -------
    int32 array of shape (rows, columns)
        Number of the object at each pixel, 0 outside of the mask. A part of the mask without a middle belongs to none,
        nor do spurs that are narrow for an object: gaps between several objects that the mask does not show. What the
        edge leaves of an object whose middle lies beyond it is one of its own, and no part of its whole neighbor.
    """
    if not mask.any():
        return np.zeros(mask.shape, np.int32)
    rise = np.asarray(_smooth(gray, _MIDDLE * diameter_px) - _smooth(gray, _AROUND * diameter_px), np.float32)
    height = max(float(np.quantile(rise[mask], 0.9)), 1e-6)
    solid = np.asarray(dip.HMaxima(dip.Image(rise), _STANDS_OUT * height))
    middles = numbered(np.asarray(dip.Maxima(dip.Image(solid))) & mask)
    deep = distances(mask)
    found = flooded(np.asarray(-(deep / (diameter_px / 2) + rise / height), np.float32), middles, mask)
    return _parted_at_edge(_without_spurs(found, _SPUR * diameter_px), roi)


def _parted_at_edge(labels: LabelImage, roi: Mask | None) -> LabelImage:
    """Part whole objects from what the edge has left of others beside them.

    Such a rest has no middle of its own in the gray values. A convex object that the edge cuts still reaches the edge
    once it is opened by a disc that fits into it; one that no longer does is whole, and what reached the edge is
    another.
    """
    region = np.ones(labels.shape, np.uint8) if roi is None else roi.astype(np.uint8)
    kernel = np.ones((2 * BLURRED_PX + 1, 2 * BLURRED_PX + 1), np.uint8)
    edge = cv2.erode(region, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0) == 0
    made, last = labels.copy(), int(labels.max(initial=0))
    windows = find_objects(labels)
    for number in present_labels(np.where(edge, labels, 0).astype(np.int32)).tolist():
        window = windows[number - 1]
        mine = np.pad(labels[window] == number, 1)
        opened = _opened(mine)[1:-1, 1:-1]
        if (opened & edge[window]).any():
            continue
        rest = mine[1:-1, 1:-1] & ~opened
        _, pieces = cv2.connectedComponents(rest.view(np.uint8), connectivity=8)
        for piece in np.unique(pieces[rest & edge[window]]):
            last += 1
            made[window][pieces == piece] = last
    return made


def _opened(mask: Mask) -> Mask:
    """Open an object by a disc whose size is a share of the largest one that fits into it."""
    depth = distances(mask)
    radius_px = _CORE * float(depth.max())
    away = distances(depth <= radius_px)
    return np.asarray(mask & (away <= radius_px + 1))


def _without_spurs(labels: LabelImage, radius_px: float) -> LabelImage:
    """Open every object by a disc."""
    inside = labels > 0
    for one, other in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        same = labels[one] == labels[other]
        inside[one] &= same
        inside[other] &= same
    core = distances(inside) > radius_px
    if not core.any():
        return labels
    away, nearest = cv2.distanceTransformWithLabels(
        (~core).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.zeros(int(nearest.max()) + 1, np.int32)
    number[nearest[core]] = labels[core]
    # the outermost pixels of an object lie a pixel farther from its core than from its outline
    return np.where((away <= radius_px + 1) & (number[nearest] == labels), labels, 0).astype(np.int32)


def _smooth(gray: FloatImage, sigma_px: float) -> FloatImage:
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma_px), np.float32)
