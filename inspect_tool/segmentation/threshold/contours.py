"""How much of the contour of a gray level lies on edges, for every level of an image at once."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask

_OFF_EDGES = 3.0  # pixels on edges that one beside them outweighs: three quarters of a contour are to lie on them
_BETTER = 1.2  # times as far as the contour of the carried level, which another level must follow the edges
_SAME_EDGES = 0.4  # of the edges that the carried level follows, where it leaves them often
_AS_GOOD = 0.9  # of the farthest that any level follows the edges
_SIDE = 0.25  # of the side of a square of the area of the image: a shorter contour is that of a speck
_VALLEY = 0.5  # of the farthest that darker contours follow the edges: here one runs through something else
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)


def contours(
    gray: NDArray[np.uint8], edges: NDArray[np.uint8], roi: Mask | None, bands: Iterable[slice]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the pixels of the contour of every gray level: all of them, and those on edges.

    A pixel brighter than a level, with one of its four neighbors that is not, is on the contour of that level. It is
    so for every level from the darkest of these neighbors to just below its own gray value, and one histogram of
    each counts all levels.

    Parameters
    ----------
    gray : array, (rows, columns)
        Gray values; of a mask of 0 and 1 level 0 is its outline.
    edges : array of bits, (rows, columns / 8)
        1 on edges.
    roi : Mask or None
        Only pixels in it count.
    bands : iterable of slice
        Rows that are worked on at a time.

    Returns
    -------
    everywhere, on_edges : arrays, (256,)
        Pixels on the contour of every level. [px]

    Examples
    --------
    >>> square = np.zeros((5, 8), np.uint8)
    >>> square[1:4, 1:4] = 9
    >>> left = np.packbits(np.arange(8) < 2) * np.ones((5, 1), np.uint8)
    >>> everywhere, on_edges = contours(square, left, None, [slice(0, 5)])
    >>> everywhere[[0, 8, 9]].tolist(), on_edges[[0, 8, 9]].tolist()
    ([8.0, 8.0, 0.0], [3.0, 3.0, 0.0])
    """
    found = np.zeros((2, 256))
    for rows in bands:
        low = max(0, rows.start - 1)
        around = gray[low : rows.stop + 1]
        darkest = cv2.erode(around, _CROSS, borderType=cv2.BORDER_REPLICATE)[rows.start - low : rows.stop - low]
        counts = None if roi is None else roi[rows].view(np.uint8)
        on = np.unpackbits(edges[rows], axis=1, count=gray.shape[1])
        masks = (counts, on if counts is None else on & counts)
        for total, mask in zip(found, masks, strict=True):
            total += _histogram(np.asarray(darkest, np.uint8), mask) - _histogram(gray[rows], mask)
    everywhere, on_edges = np.cumsum(found, axis=1)
    return everywhere, on_edges


def better_level(
    carried: tuple[NDArray[np.float64], NDArray[np.float64]], levels: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> int | None:
    """Choose one level for the whole image where its contour follows the edges clearly farther than a carried one.

    How far a contour follows the edges is its length on them less three times its length beside them.

    Parameters
    ----------
    carried, levels : pairs of arrays, (256,)
        From :func:`contours`: of the mask by the carried level, and of the image.

    Returns
    -------
    int or None
        The gray level that follows the edges farthest, or the middle of those around it that are nearly as good; None:
        the carried level is as good.
    """
    now, then = _followed(*carried), _followed(*levels)
    best = int(then.argmax())
    if then[best] < _BETTER * now[0] or levels[1][best] < _SAME_EDGES * carried[1][0]:
        return None
    return _middle_of_best(then)


def darkest_level(levels: tuple[NDArray[np.float64], NDArray[np.float64]], pixels: int) -> int | None:
    """Choose the darkest level whose contour lies on edges; None: that of none does.

    From dark to bright, contours follow the edges of what is darkest farther and farther, until they run through
    something else. The level before that is chosen, in the middle of those that are nearly as good.

    Parameters
    ----------
    levels : pair of arrays, (256,)
        From :func:`contours`.
    pixels : int
        Of the image, as far as it counts. A contour shorter than a quarter of the side of a square of them is that of
        a speck.
    """
    along = _followed(*levels)
    farthest = np.maximum.accumulate(along)
    ends = np.flatnonzero((farthest >= _SIDE * np.sqrt(pixels)) & (along < _VALLEY * farthest))
    if not len(ends):
        return None
    return _middle_of_best(along[: ends[0]])


def _followed(everywhere: NDArray[np.float64], on_edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far contours follow the edges: their length on them less three times that beside them. [px]"""
    return on_edges - _OFF_EDGES * (everywhere - on_edges)


def _middle_of_best(along: NDArray[np.float64]) -> int:
    """Middle of the levels around the best one that are nearly as good."""
    best = int(along.argmax())
    worse = np.flatnonzero(along < _AS_GOOD * along[best])
    first, last = worse[worse < best].max(initial=-1) + 1, worse[worse > best].min(initial=len(along)) - 1
    return int(first + last) // 2


def _histogram(image: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> NDArray[np.float64]:
    return np.asarray(cv2.calcHist([image], [0], mask, [256], [0, 256]), dtype=np.float64).ravel()
