"""Balls of an array that something else lies over: found by their circular edges, of the size of the free ones.

A component on the other side of the board joins balls to one dark region, whose outline is that of none of them. The
edge of a ball under it still is a circle of the radius that the free balls have: every edge pixel votes for the center
that lies this radius along its gradient.
"""

from collections.abc import Sequence
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.segmentation.joints.regions import Box, Gray

_VOTES = 0.45  # of those that the free balls get
_FAINT = 0.2  # of the gradient at the edge of the free balls: less is no edge


def covered_balls(
    bright: Gray, gradient: Gray, inside: Mask, free: Sequence[tuple[Box, Mask]]
) -> list[tuple[Box, Mask]]:
    """Discs of the size of the free balls where more of them are.

    Parameters
    ----------
    bright, gradient : array (rows, columns)
        Solder is bright. [gray levels], [gray levels/px]
    inside : boolean array (rows, columns)
        Where balls may lie.
    free : sequence of (box, mask)
        Balls that were found by their outlines.
    """
    radius = float(np.median([np.sqrt(np.count_nonzero(region) / pi) for _, region in free]))
    taken = np.zeros(bright.shape, np.uint8)
    edges: list[NDArray[np.float32]] = []
    for box, region in free:
        taken[box] |= region.astype(np.uint8)
        drawn = region.astype(np.uint8)
        edges.append(gradient[box][(drawn > 0) & (cv2.erode(drawn, np.ones((3, 3), np.uint8), borderValue=0) == 0)])
    usual = float(np.median(np.concatenate(edges)))
    votes = _votes(bright, gradient, radius, usual)
    own = [float(votes[box][region].max()) for box, region in free]
    votes[cv2.dilate(taken, _disc(0.9 * radius)) > 0] = 0
    least = _VOTES * float(np.median(own))
    found: list[tuple[Box, Mask]] = []
    while True:
        _, top, _, (column, row) = cv2.minMaxLoc(votes)
        if top < least:
            return found
        cv2.circle(votes, (column, row), round(1.8 * radius), 0.0, -1)
        reach = round(radius) + 1
        box = (
            slice(max(row - reach, 0), min(row + reach + 1, bright.shape[0])),
            slice(max(column - reach, 0), min(column + reach + 1, bright.shape[1])),
        )
        r, c = np.ogrid[box]
        disc = ((r - row) ** 2 + (c - column) ** 2 <= radius**2) & inside[box]
        if disc.sum() > 0.9 * pi * radius**2:
            found.append((box, disc))


def _votes(bright: Gray, gradient: Gray, radius: float, usual: float) -> NDArray[np.float32]:
    """Edge pixels whose gradient points to a center one radius away, smoothed over a tenth of it."""
    dy = np.asarray(cv2.Sobel(bright, cv2.CV_32F, 0, 1, ksize=3), np.float32)
    dx = np.asarray(cv2.Sobel(bright, cv2.CV_32F, 1, 0, ksize=3), np.float32)
    rows, columns = np.nonzero(gradient >= _FAINT * usual)
    length = np.hypot(dy, dx)[rows, columns]
    row = np.rint(rows + radius * dy[rows, columns] / length).astype(np.intp)
    column = np.rint(columns + radius * dx[rows, columns] / length).astype(np.intp)
    within = (row >= 0) & (row < bright.shape[0]) & (column >= 0) & (column < bright.shape[1])
    # an edge that is steeper than those of balls counts no more than one of them
    weight = np.minimum(gradient[rows, columns] / usual, 1.0)
    votes = np.zeros(bright.shape, np.float32)
    np.add.at(votes, (row[within], column[within]), weight[within])
    return np.asarray(cv2.GaussianBlur(votes, (0, 0), max(0.08 * radius, 1.0)), np.float32)


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * round(radius) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
