"""How many boundaries a line meets, from its longer chords alone: blur loses short ones, and noise makes some.

A chord that is longer than what blur and noise do is found in a picture as it is. Where boundaries are smooth, the
chords of a line that are shorter than L grow in number as L², since a line meets a short one only where it touches a
feature (random plane sections: 1 - N(L) / N ~ L²). So the number of crossings without chords below L, carried back to
L = 0, is that of all of them: of those that the picture lost too, and not of those that noise made.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask

LONGEST_PX = 9
"""Shortest chord, at the most, that is kept. [px]"""

_ENOUGH = 0.7  # of the crossings without the first chords: the law of short chords no longer holds below
_STEEP = 0.85  # crossings left from one pixel to the next: chords are so short that the first pixels are needed

Floats = NDArray[np.float64]


def crossings_without(banded: Mask, known: Mask) -> Floats:
    """Crossings per step of lines down the columns, without the chords of less than 1, 2, ... ``LONGEST_PX`` px.

    A chord of either phase that is too short goes to the other one.

    Parameters
    ----------
    banded, known : array of bool, (rows, columns)
        The phase, and where the field counts.

    Returns
    -------
    array, (LONGEST_PX,)
        Changes between two neighboring pixels, over the number of such pairs. [1/px]

    Examples
    --------
    A line of 20 px with a piece of 3 and one of 1 px:

    >>> line = np.zeros((20, 1), bool)
    >>> line[4:7] = line[12:13] = True
    >>> (crossings_without(line, np.ones((20, 1), bool)) * 19)[:4].round(3).tolist()
    [4.0, 2.0, 2.0, 0.0]
    """
    pairs = known[1:] & known[:-1]
    total = max(int(np.count_nonzero(pairs)), 1)
    pixels = np.ascontiguousarray(banded).view(np.uint8)
    found = []
    for size in range(1, LONGEST_PX + 1):
        cleared = pixels
        for step in (cv2.MORPH_CLOSE, cv2.MORPH_OPEN) if size > 1 else ():
            kernel = np.ones((size, 1), np.uint8)
            cleared = np.asarray(cv2.morphologyEx(cleared, step, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)
        found.append(np.count_nonzero((cleared[1:] != cleared[:-1]) & pairs) / total)
    return np.asarray(found)


def all_crossings(without: Sequence[float] | Floats, first_px: int | None = None) -> float:
    """Crossings of all chords, from those that are left without the short ones.

    ln N(L) is carried back to L = 1 px along L (L - 1) / 2, which grows as the number of shorter chords does. By
    default from 4 px on, or from 3 px where chords of 3 px are many.

    Parameters
    ----------
    without : sequence of float
        As ``crossings_without`` gives them. [any unit]
    first_px : int, optional
        The shortest chord that is taken as it is found.

    Returns
    -------
    float
        In the same unit; what was counted where too few chords are left to say more.

    Examples
    --------
    One crossing more and one less than a law of its own, at 1 and 2 px:

    >>> law = [100 * np.exp(-0.02 * px * (px - 1) / 2) for px in range(1, 10)]
    >>> round(all_crossings([law[0] + 1, law[1] - 1, *law[2:]]), 6)
    100.0
    """
    counts = np.asarray(without, np.float64)
    first = first_px or (4 if counts[3] > _STEEP * counts[2] else 3)
    used = [
        px for px in range(first, len(counts) + 1) if px < first + 2 or counts[px - 1] > _ENOUGH * counts[first - 1]
    ]
    px = np.asarray([px for px in used if counts[px - 1] > 0])
    if len(px) < 2:
        return float(counts[0])
    left = counts[px - 1]
    _, at_once = np.polyfit(px * (px - 1) / 2, np.log(left), 1, w=np.sqrt(left))
    return float(np.exp(at_once))
