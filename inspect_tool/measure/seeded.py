"""Objects grown anew from their middles, up to the strongest edge between them and what lies around."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure import flooding
from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.pixels.gradients import magnitude

_CORE = 0.6  # of the depth of an object, beyond which it is surely itself
_AROUND = 0.5  # of the depth of the nearest object; farther out is surely ground
_BLUR_PX = 1.0  # standard deviation, before the slope of the gray values is taken
_NEAR_PX = 2.0  # but not nearer than this: an outline is no more certain


def grown(pixels: GrayImage, proposed: LabelImage, roi: Mask | None = None) -> NDArray[np.int32]:
    """Grow objects from the cores of what was proposed, and the ground from what lies around it (watershed of edges).

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        Gray values.
    proposed : array of int32, shape (rows, columns)
        Number of each object, 0: ground. Objects may touch; of one in several pieces each grows.
    roi : array of bool, optional
        Where the image counts; all else is 0.

    Returns
    -------
    array of int32
        The same numbers.
    """
    region = np.ones(proposed.shape, np.bool_) if roi is None else roi
    depth = _depth(proposed)
    deepest = np.zeros(int(proposed.max(initial=0)) + 1, np.float32)
    np.maximum.at(deepest, proposed.ravel(), depth.ravel())
    core = (proposed > 0) & (depth >= _CORE * deepest[proposed])
    outside = proposed == 0
    away, nearest = cv2.distanceTransformWithLabels(
        outside.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(nearest.max()) + 1, np.int64)
    owner[nearest[~outside]] = proposed[~outside]
    ground = outside & (away > np.maximum(_NEAR_PX, _AROUND * deepest[owner[nearest]]))
    ground_number = len(deepest)
    markers = np.where(region, np.where(core, proposed, 0) + np.where(ground, ground_number, 0), 0)
    found = up_to_edges(pixels, markers, region)
    return np.where(found == ground_number, 0, found).astype(np.int32)


def up_to_edges(pixels: GrayImage, markers: NDArray[np.integer[Any]], region: Mask) -> LabelImage:
    """Flood the edges of an image from markers (numbers > 0); two floods meet on the strongest edge between them."""
    gray = cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), _BLUR_PX)
    slope = magnitude(*(np.asarray(cv2.Sobel(gray, cv2.CV_32F, *axis), np.float32) for axis in ((1, 0), (0, 1))))
    at = np.flatnonzero(markers)
    return flooding.basins(lambda area: np.asarray(slope[area]), region, at, markers.ravel()[at].astype(np.int32))


def _depth(labels: LabelImage) -> NDArray[np.float32]:
    """Distance of each pixel of an object to whatever is not this object. [px]"""
    inner = labels > 0
    every, first, last = slice(None), slice(None, -1), slice(1, None)
    for one, other in (((first, every), (last, every)), ((every, first), (every, last))):
        same = labels[one] == labels[other]  # a pixel beside another object is a rim
        inner[one] &= same
        inner[other] &= same
    away = cv2.distanceTransform(inner.view(np.uint8), cv2.DIST_L2, 5)
    return np.where(labels > 0, away + np.float32(0.5), np.float32(0)).astype(np.float32)
