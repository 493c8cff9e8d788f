"""Gray levels from the histogram of an 8-bit image, and how far they tell its classes apart.

Otsu, Li and triangle are written here on the histogram, which is as small for the largest image: Li and triangle of
scikit-image want all pixels inside the region as a copy in floats, and its multi-Otsu tries every combination of
levels. The tests hold the two together.
"""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.segmentation.threshold.bands import bands

Histogram = NDArray[np.float64]
"""Pixels of each of the 256 gray values."""

_TWO_HUMPS = 0.8  # share of the gray variance between two Otsu classes; one Gaussian hump has 0.64
_FEW_LEVELS = 8.0  # [gray levels] closer humps can be an accident of whole gray values
_REACH_PX = 7  # window in which an edge between two classes has pixels of both
TRANSITION_PX = 4
"""How far ``without_transitions`` looks around a pixel."""


def histogram_of(gray: NDArray[np.uint8], roi: Mask | None) -> Histogram:
    """Count the gray values of an 8-bit image, inside a region if one is given."""
    found = np.zeros(256)
    for rows in bands(gray.shape):  # OpenCV counts in single precision: exact of a band, not of any image
        # and a masked image without a copy of it
        mask = None if roi is None else roi[rows].view(np.uint8)
        found += np.asarray(cv2.calcHist([gray[rows]], [0], mask, [256], [0, 256]), np.float64).ravel()
    return found


def median_of(histogram: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """Median of values that were counted, each in the place of its number."""
    upto = np.cumsum(histogram)
    return float(np.mean(np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")))


def otsu(histogram: Histogram, n: int) -> list[float]:
    """Levels of the largest variance between n classes, exact (dynamic programming over the gray values).

    N. Otsu, IEEE Trans. Syst. Man Cybern. 9 (1979) 62.
    """
    size = len(histogram)
    weight = np.concatenate([[0.0], np.cumsum(histogram)])
    moment = np.concatenate([[0.0], np.cumsum(histogram * np.arange(size))])
    # gain[a, b]: weight times squared mean of gray values a ... b-1; their sum is to be as large as possible
    count = weight[None, :] - weight[:, None]
    total = moment[None, :] - moment[:, None]
    gain = np.where(count > 0, total**2 / np.where(count > 0, count, 1.0), -np.inf)
    best, starts = gain[0], []
    for _ in range(n - 1):
        sums = best[:, None] + gain
        starts.append(sums.argmax(axis=0))
        best = sums.max(axis=0)
    levels, end = [], size
    for start in reversed(starts):
        end = int(start[end])
        levels.append(float(end - 1))
    return levels[::-1]


def li(histogram: Histogram) -> float:
    """Level of minimum cross entropy, iterated. C. H. Li, P. K. S. Tam, Pattern Recogn. Lett. 19 (1998) 771."""
    darkest = int(np.flatnonzero(histogram)[0])
    values = np.arange(len(histogram), dtype=np.float64) - darkest  # counted from the darkest pixel
    level = float((histogram * values).sum() / histogram.sum())
    for _ in range(200):
        low = values <= level
        below, above = histogram[low], histogram[~low]
        if not (below * values[low]).sum() or not above.sum():
            break
        mean_below = float((below * values[low]).sum() / below.sum())
        mean_above = float((above * values[~low]).sum() / above.sum())
        following = (mean_above - mean_below) / float(np.log(mean_above) - np.log(mean_below))
        if abs(following - level) < 1e-3:
            break
        level = following
    return level + darkest


def triangle(histogram: Histogram) -> float:
    """Level farthest from the chord between the peak and the far end of its longer tail.

    G. W. Zack, W. E. Rogers, S. A. Latt, J. Histochem. Cytochem. 25 (1977) 741.
    """
    filled = np.flatnonzero(histogram)
    first, last, peak = int(filled[0]), int(filled[-1]), int(histogram.argmax())
    end = first if peak - first >= last - peak else last
    at = np.arange(min(peak, end), max(peak, end) + 1)
    if len(at) < 2:
        return float(peak)
    chord = np.interp(at, sorted((peak, end)), [histogram[i] for i in sorted((peak, end))])
    return float(at[int((chord - histogram[at]).argmax())])


def class_means(histogram: Histogram, levels: list[float]) -> list[float]:
    """Mean gray value of the classes that levels make; of an empty class the middle of its range."""
    values = np.arange(256)
    bounds = [0, *(int(np.clip(np.floor(level) + 1, 0, 256)) for level in levels), 256]
    means = []
    for low, high in pairwise(bounds):
        part = histogram[low:high]
        means.append(float((part * values[low:high]).sum() / part.sum()) if part.sum() else float(low + high) / 2)
    return means


def separation(histogram: Histogram, n: int) -> float:
    """Share of the variance of the gray values that lies between n classes, at the levels where it is largest. [1]

    It is the figure that Otsu calls the separability of the classes: 1 for n gray values and nothing between them.

    Examples
    --------
    >>> histogram = np.zeros(256)
    >>> histogram[[10, 20, 90]] = 1, 1, 2
    >>> round(separation(histogram, 2), 3), separation(histogram, 3)
    (0.991, 1.0)
    """
    values = np.arange(256)
    total = histogram.sum()
    mean = (histogram * values).sum() / total
    variance = (histogram * (values - mean) ** 2).sum() / total
    if np.count_nonzero(histogram) < n or variance == 0:
        return 0.0
    levels = otsu(histogram, n)
    rank = np.searchsorted(np.asarray(levels), values, side="left")
    weights = np.bincount(rank, histogram, minlength=n) / total
    means = np.asarray(class_means(histogram, levels))
    return float((weights * (means - mean) ** 2).sum() / variance)


def has_two_humps(histogram: Histogram) -> bool:
    """Whether the gray values fall into two groups that one Gaussian hump does not make."""
    if separation(histogram, 2) < _TWO_HUMPS:
        return False
    dark, bright = class_means(histogram, otsu(histogram, 2))
    return bright - dark >= _FEW_LEVELS


def own_gray_between(histogram: Histogram, levels: list[float]) -> float:
    """Density of the gray of every class between two levels over that at the denser of these; the least of them. [1]

    A phase makes a hump in the histogram between its levels; what is cut out of a slope, or out of the edges of others,
    has 1 and less.

    Examples
    --------
    >>> gray = np.arange(256)
    >>> humps = sum(np.exp(-(((gray - at) / 12) ** 2)) for at in (50, 120, 200))
    >>> own_gray_between(1000 * humps, [85, 160]) > 100
    True
    """
    smooth = np.convolve(np.pad(histogram, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    at = [int(np.clip(np.rint(level), 0, len(smooth) - 1)) for level in levels]
    return min(float(smooth[low : high + 1].max() / max(1.0, smooth[low], smooth[high])) for low, high in pairwise(at))


def without_transitions(ranks: NDArray[np.uint8], gray: NDArray[np.uint8], n: int) -> NDArray[np.uint8]:
    """Give the blurred edge between two classes to them, where it passes through the gray of one between.

    Where a dark class borders a bright one, their edge has every gray between and so a seam of the class in the
    middle, one or two pixels wide. Such a seam is thinner than 3 px and has pixels of both neighbors within 3 px;
    its pixels go to the nearer gray of the two extremes there. A film of the middle class that is as thin goes too.

    Parameters
    ----------
    ranks : array, (rows, columns)
        Class of every pixel, 0 (darkest) to n - 1.
    gray : array, (rows, columns)
        Gray values that the classes were made from.
    n : int
        Number of classes, 3 or more.
    """
    window = np.ones((_REACH_PX, _REACH_PX), np.uint8)
    darkest, brightest = (np.asarray(of(gray, window), np.uint8) for of in (cv2.erode, cv2.dilate))
    lowest, highest = (np.asarray(of(ranks, window), np.uint8) for of in (cv2.erode, cv2.dilate))
    made = ranks.copy()
    for rank in range(1, n - 1):
        own = (ranks == rank).view(np.uint8)
        opened = cv2.morphologyEx(own, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
        seam = (own > opened) & (lowest < rank) & (highest > rank)
        brighter = 2 * gray[seam].astype(np.int16) > darkest[seam].astype(np.int16) + brightest[seam]
        made[seam] = np.where(brighter, highest[seam], lowest[seam])
    return made
