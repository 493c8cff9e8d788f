"""A layer that runs through a picture from left to right, from probabilities of what lies above, in and below it.

Each interface is the one line from the left edge to the right one that the fewest pixels speak against: those above it
that are held to lie below, and those below it that are held to lie above, weighed by how sure that is. It crosses
every column once and does not jump, and the lower one never lies above the upper one. So a place where the
probabilities are wrong is bridged by its neighbors; a picture that is wrong as a whole is not mended by it.

The least costly line is found by dynamic programming (R. Bellman 1957), column by column. Where it lies in detail, the
gray values of the picture say (``layer_gray``).
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask

ABOVE, BELOW = "above", "below"

ZOOMS = (1.0, 0.8, 1.25)
"""Sizes in which the picture is shown to the network; the probabilities are their mean."""

SHIFT = 0.3
"""Another interface is plausible where its probability is between 0.5 ± this."""

_STEPS = (1, -1, 2, -2, 3, -3, 4, -4)  # rows that a line may climb from column to column [px]
_STIFF = 0.5  # what a row of climbing costs, in pixels held to lie on the other side

Rows = NDArray[np.intp]  # (columns,), first row below an interface
Lines: TypeAlias = tuple[Rows, Rows]  # the upper and the lower interface
Probability = NDArray[np.float32]


def described(classes: Sequence[str]) -> bool:
    """Whether these classes of a model are those of a layer that runs through.

    >>> described(("above", "oxide", "below")), described(("background", "joint", "void"))
    (True, False)
    """
    return len(classes) == 3 and (classes[0], classes[2]) == (ABOVE, BELOW)


def interfaces(maps: Probability, inside: Mask | None) -> Lines:
    """Find the upper and the lower interface.

    Parameters
    ----------
    maps : ndarray of float32
        (3, rows, columns), probabilities that a pixel lies above, in and below the layer.
    inside : ndarray of bool, optional
        (rows, columns), where the image counts; elsewhere nothing speaks for or against a line.

    Returns
    -------
    ndarray of int, ndarray of int
        (columns,) each: first row of the layer, first row below it; equal where there is no layer.
    """
    upper = line(maps[1] + maps[2] - np.float32(0.5), inside, None, _STIFF)
    return upper, line(maps[2] - np.float32(0.5), inside, upper, _STIFF)


def between(upper: Rows, lower: Rows, shape: tuple[int, ...], inside: Mask | None) -> Mask:
    """Mask of what lies from the upper interface to the lower one."""
    rows = np.arange(shape[0])[:, None]
    layer = (rows >= upper) & (rows < lower)
    if inside is not None:
        layer &= inside
    return layer


def apart(thick: Sequence[float]) -> float:
    """Range of the thickness by several ways to it, over their mean. [1]

    >>> apart([9.0, 11.0])
    0.2
    """
    return (max(thick) - min(thick)) / max(sum(thick) / len(thick), 1e-9)


def averaged(views: Mapping[float, Probability]) -> Probability:
    """Mean probability of all sizes."""
    return np.asarray(sum(views.values()) / np.float32(len(views)), np.float32)


def line(below: Probability, inside: Mask | None, least: Rows | None, climb: float) -> Rows:
    """Line from the left edge to the right one that the fewest pixels speak against.

    Parameters
    ----------
    below : ndarray of float32
        (rows, columns), how much a pixel is held to lie below it rather than above.
    inside : ndarray of bool, optional
        Where the image counts.
    least : ndarray of int, optional
        (columns,), above which the line lies nowhere.
    climb : float
        What each row of climbing from column to column costs, in the unit of ``below``.

    Returns
    -------
    ndarray of int
        (columns,), first row below the line.
    """
    rows, columns = below.shape
    came = np.empty((columns, rows + 1), np.int8)
    total = np.zeros(rows + 1)  # what speaks against the best line that ends here, by the first row below it
    for column in range(columns):
        best, whence = total.copy(), came[column]
        whence[:] = 0
        for step in _STEPS if column else ():
            here, there = (slice(step, None), slice(-step)) if step > 0 else (slice(step), slice(-step, None))
            other = total[there] + climb * abs(step)
            better = other < best[here]
            np.copyto(best[here], other, where=better)
            whence[here][better] = step
        one = below[:, column] if inside is None else np.where(inside[:, column], below[:, column], 0)
        best[1:] += np.cumsum(one, dtype=np.float64)
        if least is not None:
            best[: least[column]] = np.inf
        total = best
    found = np.empty(columns, np.intp)
    found[-1] = int(total.argmin())
    for column in range(columns - 1, 0, -1):
        found[column - 1] = found[column] - came[column, found[column]]
    return found
