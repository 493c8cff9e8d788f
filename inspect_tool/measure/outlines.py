"""Outlines of objects: their length, and the hull around the middle of the outer pixel edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import diplib
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.pixel_sums import PixelSums
from inspect_tool.measure.recall import ANEW, Numbers, Parts
from inspect_tool.model import LabelImage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outline:
    """The outer outline of one object. [px]"""

    length: float  # by the chain code, holes not included
    hull: NDArray[np.float64]  # (corners, 2): x and y


def outlines(image: LabelImage, sums: PixelSums, parts: Parts = ANEW) -> Sequence[Outline]:
    """Follow the outlines of all objects of a label image whose pixels are added up in ``sums``."""
    return parts.objects("outlines", sums.label, partial(_followed, image, sums))


def _followed(image: LabelImage, sums: PixelSums, numbers: Numbers) -> list[Outline]:
    # the same bytes read as unsigned: DIPlib has no signed labels, and nothing is copied
    codes = diplib.GetImageChainCodes(diplib.Image(image.view(np.uint32)), numbers.tolist()) if len(numbers) else []
    found: list[Outline] = []
    for k, code in zip(np.searchsorted(sums.label, numbers).tolist(), codes, strict=True):
        length, area, hull = _outline(code)
        if sums.sums[0, k] > area:
            # an outline belongs to one piece, the pixel count to all of them
            top, left, bottom, right = sums.box[k]
            inside = np.ascontiguousarray(image[top:bottom, left:right] == sums.label[k]).view(np.uint8)
            pieces = np.asarray(cv2.connectedComponents(inside, connectivity=8)[1], np.int32).view(np.uint32)
            each = [_outline(piece) for piece in diplib.GetImageChainCodes(diplib.Image(pieces))]
            length = sum(piece[0] for piece in each)
            corners = np.concatenate([piece[2] for piece in each]).astype(np.float32)
            hull = cv2.convexHull(corners)[:, 0].astype(np.float64)
        found.append(Outline(length=length, hull=hull))
    return found


def _outline(code: Any) -> tuple[float, float, NDArray[np.float64]]:
    """Perimeter, area without holes and hull corners (x, y) of one chain code [px]."""
    polygon = code.Polygon()
    hull = polygon.ConvexHull()
    # the code joins pixel centers: half a pixel further out is π longer; the polygon cuts every
    # convex corner of the pixels by 1/8 and fills every concave one, of which there are four fewer
    return code.Length("include") + np.pi, polygon.Area() + 0.5, np.array(hull)


def calipers(hulls: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
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
    """Answer as ``calipers`` for polygons of shape (n, corners, 2); a corner may be repeated."""
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
