"""Grain boundaries in an image: how strong a line or step is, and which regions it really parts.

Pure functions on arrays. Two kinds of map are made: line strength (oriented second derivative, for
boundaries that are etched dark or stand out bright) and step strength (gradient over all channels,
for grains that differ in gray level or tint). Regions are merged where the boundary between them
has no support in such a map.
"""

from math import ceil, sqrt
from typing import Literal

import cv2
import diplib as dip
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from inspect_tool.model import LabelImage, Mask

FloatImage = NDArray[np.float32]
ELONGATION = 2.5  # length of the line filter over its width; longer bridges noise, shorter follows curves


def line_strength(
    image: FloatImage, roi: Mask, sigma_px: float, polarity: Literal["dark", "bright"], orientations: int = 12
) -> tuple[FloatImage, float]:
    """Strength of thin lines: largest response of an oriented, elongated second-derivative filter.

    The response to a long line of Gaussian profile with standard deviation ``sigma_px`` is its depth in
    the unit of ``image``; lines of the other polarity and flat regions give 0.

    Parameters
    ----------
    image : array, shape (rows, columns), float32
    roi : array of bool, shape (rows, columns)
        Where the noise is looked at.
    sigma_px : float
        Standard deviation of the line profile. [px]
    polarity : "dark" or "bright"
        Lines darker or brighter than their surroundings.

    Returns
    -------
    strength : array, shape (rows, columns), float32
        [unit of image]
    noise : float
        Robust standard deviation of one oriented response, from its median absolute deviation. [unit of image]
    """
    sign = 1.0 if polarity == "dark" else -1.0
    best = np.zeros(image.shape, np.float32)
    sample = roi[::3, ::3] if roi[::3, ::3].any() else np.ones_like(roi[::3, ::3])
    spread = []
    for angle in np.arange(orientations) * np.pi / orientations:
        response = cv2.filter2D(
            image, cv2.CV_32F, sign * _line_kernel(sigma_px, float(angle)), borderType=cv2.BORDER_REFLECT_101
        )
        spread.append(float(np.median(np.abs(response[::3, ::3][sample]))))
        np.maximum(best, response, out=best)
    return best, 1.4826 * float(np.median(spread))


def line_contrast(image: FloatImage, roi: Mask, sigma_px: float, orientations: int = 8) -> tuple[float, float, float]:
    """How strongly dark and bright lines of one width stand out: 97th percentiles of both strengths, and the noise.

    Parameters
    ----------
    roi : array of bool, shape (rows, columns)
        Where the image counts.

    Returns
    -------
    dark, bright, noise : float
        [unit of image]
    """
    dark = np.zeros(image.shape, np.float32)
    bright = dark.copy()
    spread = []
    for angle in np.arange(orientations) * np.pi / orientations:
        response = np.asarray(
            cv2.filter2D(image, cv2.CV_32F, _line_kernel(sigma_px, float(angle)), borderType=cv2.BORDER_REFLECT_101),
            np.float32,
        )
        spread.append(float(np.median(np.abs(response[roi][::7]))))
        np.maximum(dark, response, out=dark)
        np.minimum(bright, response, out=bright)
    strong_dark, strong_bright = (float(np.percentile(part[roi][::3], 97)) for part in (dark, -bright))
    return strong_dark, strong_bright, 1.4826 * float(np.median(spread))


def _line_kernel(sigma_px: float, angle: float) -> FloatImage:
    along = ELONGATION * sigma_px
    half = ceil(2.5 * along)
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    s = columns * np.sin(angle) - rows * np.cos(angle)  # across the line
    t = columns * np.cos(angle) + rows * np.sin(angle)
    window = np.exp(-(t**2) / (2 * along**2) - s**2 / (2 * sigma_px**2))
    kernel = (s**2 / sigma_px**2 - 1) * window
    kernel -= window * kernel.sum() / window.sum()  # flat regions must give 0
    line = np.exp(-(s**2) / (2 * sigma_px**2))
    return np.asarray(kernel / -(kernel * line).sum(), np.float32)


def step_strength(channels: FloatImage, roi: Mask, sigma_px: float) -> tuple[FloatImage, float]:
    """Strength of steps between regions: height of the step, over all channels.

    Parameters
    ----------
    channels : array, shape (rows, columns, n), float32
        Gray level or color coordinates of one unit.
    roi : array of bool, shape (rows, columns)
        Where the noise is looked at.
    sigma_px : float
        Standard deviation of the Gaussian derivative. [px]

    Returns
    -------
    strength : array, shape (rows, columns), float32
        Largest eigenvalue of the multi-channel gradient (Di Zenzo), scaled so that an ideal step gives its height.
    noise : float
        Robust standard deviation of the response to noise. [unit of channels]
    """
    xx = np.zeros(channels.shape[:2], np.float32)
    yy, xy = xx.copy(), xx.copy()
    sample = roi[::3, ::3] if roi[::3, ::3].any() else np.ones_like(roi[::3, ::3])
    spread = 0.0
    for channel in cv2.split(channels):
        smooth = cv2.GaussianBlur(channel, (0, 0), sigma_px)
        dx = cv2.Scharr(smooth, cv2.CV_32F, 1, 0) / 32
        dy = cv2.Scharr(smooth, cv2.CV_32F, 0, 1) / 32
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
        spread += float(np.median(np.abs(dx[::3, ::3][sample]))) ** 2
    largest = (xx + yy + np.sqrt((xx - yy) ** 2 + 4 * xy**2)) / 2
    scale = sqrt(2 * np.pi * (sigma_px**2 + 1 / 3))  # 1/3: the central difference averages over two pixels
    return (np.sqrt(largest) * scale).astype(np.float32), 1.4826 * sqrt(spread) * scale


def neighbor_pairs(labels: LabelImage, strength: FloatImage) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Pixel pairs on both sides of a boundary: the two labels (smaller first) and the strength between them.

    Returns
    -------
    pairs : array, shape (n, 2)
    values : array, shape (n,)
        Larger strength of the two pixels.
    """
    pairs, values = [], []
    for first, second in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        a, b = labels[first], labels[second]
        edge = (a != b) & (a > 0) & (b > 0)
        left, right = a[edge], b[edge]
        pairs.append(np.stack([np.minimum(left, right), np.maximum(left, right)], axis=1))
        values.append(np.maximum(strength[first][edge], strength[second][edge]))
    return np.concatenate(pairs).astype(np.int64), np.concatenate(values)


def sum_by_pair(
    pairs: NDArray[np.int64], weights: list[NDArray[np.float64]]
) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Add up weights over equal pairs."""
    if not len(pairs):
        return pairs, [np.zeros(0) for _ in weights]
    size = int(pairs.max()) + 1
    keys, inverse = np.unique(pairs[:, 0] * size + pairs[:, 1], return_inverse=True)
    sums = [np.bincount(inverse, weight, len(keys)).astype(np.float64) for weight in weights]
    return np.stack([keys // size, keys % size], axis=1), sums


def merge_unsupported(
    count: int, pairs: NDArray[np.int64], support: NDArray[np.float64], length: NDArray[np.float64], level: float
) -> NDArray[np.int32]:
    """Merge neighboring regions, weakest boundary first, until every boundary has the wanted mean support.

    The support of a merged boundary is the length-weighted mean of its parts, so that joining
    mutually weakest neighbors in rounds gives the same result as joining one pair at a time.

    Parameters
    ----------
    count : int
        Largest label.
    pairs : array, shape (n, 2)
        Labels of neighbors.
    support, length : arrays, shape (n,)
        Sum of the support along the boundary of the pair, and its length.
    level : float
        Boundaries with a mean support below it vanish.

    Returns
    -------
    array, shape (count + 1,)
        New label of every old one, 0 stays 0.
    """
    owner = np.arange(count + 1)
    while len(pairs):
        mean = support / length
        order = np.argsort(mean, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        weakest = np.full(count + 1, len(order), np.int64)
        np.minimum.at(weakest, pairs[:, 0], rank)
        np.minimum.at(weakest, pairs[:, 1], rank)
        chosen = (mean < level) & (weakest[pairs[:, 0]] == rank) & (weakest[pairs[:, 1]] == rank)
        if not chosen.any():
            break
        new = np.arange(count + 1)
        new[pairs[chosen, 1]] = pairs[chosen, 0]  # mutual choice: every region is in one pair at most
        owner = new[owner]
        moved = new[pairs]
        moved = np.sort(moved[moved[:, 0] != moved[:, 1]], axis=1)
        kept = new[pairs[:, 0]] != new[pairs[:, 1]]
        pairs, (support, length) = sum_by_pair(moved, [support[kept], length[kept]])
    return owner.astype(np.int32)


def otsu(values: NDArray[np.float32], bins: int = 256) -> float:
    """Level that parts values into two classes of least spread (Otsu 1979)."""
    histogram, edges = np.histogram(values, bins)
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(histogram)
    above = below[-1] - below
    sums = np.cumsum(histogram * centers)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[int(best.mean()) + 1])


def without_small_parts(mask: Mask, extent_px: float) -> Mask:
    """Remove 8-connected parts whose bounding box is shorter than ``extent_px`` in both directions."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= extent_px
    keep[0] = False
    return np.asarray(keep[labels], bool)


def without_small_regions(labels: LabelImage, smallest_px: int, doubtful: Mask | None = None) -> LabelImage:
    """Give regions smaller than ``smallest_px`` to the neighbor with the longest common boundary; renumber 1..n.

    A small region without neighbor stays.

    Parameters
    ----------
    doubtful : array of bool, shape (largest label + 1,), optional
        Regions that are given away whatever their size.
    """
    given = np.zeros(int(labels.max()) + 1, bool) if doubtful is None else doubtful
    while True:
        area = np.bincount(labels.ravel(), minlength=len(given))
        pairs, values = neighbor_pairs(labels, np.ones(labels.shape, np.float32))
        pairs, (length,) = sum_by_pair(pairs, [values.astype(float)])
        both = np.concatenate([pairs, pairs[:, ::-1]])
        length = np.concatenate([length, length])
        # what is small or doubtful goes into what is neither, or into something larger (ties by number): no circles
        giver, taker = both[:, 0], both[:, 1]
        leaving = (area < smallest_px) | given
        larger = (area[taker] > area[giver]) | ((area[taker] == area[giver]) & (taker < giver))
        chosen = leaving[giver] & (larger | ~leaving[taker])
        if not chosen.any():
            break
        giver, taker, length = giver[chosen], taker[chosen], length[chosen]
        order = np.lexsort((length, giver))
        last = np.append(giver[order][1:] != giver[order][:-1], True)
        target = np.arange(len(area))
        target[giver[order][last]] = taker[order][last]
        while not np.array_equal(target, target[target]):
            target = target[target]
        labels = target.astype(np.int32)[labels]
    numbers = np.zeros(len(area), np.int32)
    present = np.flatnonzero(area)
    present = present[present > 0]
    numbers[present] = np.arange(1, len(present) + 1)
    return numbers[labels]


def mount_mask(gray: FloatImage, roi: Mask) -> Mask:
    """Dark mounting material at the image edge, with what lies enclosed in it (scale bar, text).

    Taken only where it is beyond doubt: the image falls into two gray levels that differ by more than four
    times the spread inside the dark one, and the dark part touches the edge of the image along at least a tenth
    of its circumference and holds at least 3 % of it.
    """
    nothing = np.zeros(gray.shape, bool)
    sigma = max(2.0, max(gray.shape) / 200)
    smooth = np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma), np.float32)
    level = otsu(smooth[roi])
    dark = (smooth <= level) & roi
    if not dark.any() or dark.all():
        return nothing
    _, parts, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=4)
    edge = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    touching = np.bincount(edge, minlength=len(stats))
    keep = (touching >= 0.1 * len(edge)) & (stats[:, cv2.CC_STAT_AREA] >= 0.03 * gray.size)
    keep[0] = False
    mount = keep[parts]
    if not mount.any():
        return nothing
    values = gray[mount]
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values))))
    if not float(np.median(gray[roi & ~mount])) - float(np.median(values)) > 4 * max(spread, 1e-6):
        return nothing
    # small bright islands in the mount (bar, text, scratches) are no specimen
    _, islands, stats, _ = cv2.connectedComponentsWithStats((roi & ~mount).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < 0.1 * stats[1:, cv2.CC_STAT_AREA].max()
    small[0] = False
    mount |= small[islands]
    radius = round(sigma)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mount.astype(np.uint8), kernel) > 0, bool) & roi


def parted_by_distance(distance: FloatImage, mask: Mask, depth: float) -> LabelImage:
    """Part touching round objects where the neck is narrower than (1 - depth) times the smaller object.

    Parameters
    ----------
    distance : array, shape (rows, columns), float32
        Distance of every object pixel to the background. [px]
    """
    # a dynamic relative to the size of the object: on the logarithm it is one number
    solid = np.asarray(dip.HMaxima(dip.Image(distance), 0.75))  # steps of the pixel grid are no objects
    height = np.log(np.maximum(solid, 0.5)).astype(np.float32)
    peaks = np.asarray(dip.Maxima(dip.Image(np.asarray(dip.HMaxima(dip.Image(height), -float(np.log(1 - depth)))))))
    return flooded(-distance, numbered(peaks & mask), mask)


def flooded(landscape: FloatImage, markers: NDArray[np.int32], roi: Mask) -> LabelImage:
    """Flood a landscape from markers; every pixel of the region gets the label of a basin (4-connected)."""
    return np.asarray(watershed(landscape, markers, mask=roi), np.int32)  # type: ignore[no-untyped-call]


def largest_nearby(strength: FloatImage) -> FloatImage:
    """Largest value in 3 x 3 pixels: a boundary between pixels may lie one pixel beside the crest."""
    return np.asarray(cv2.dilate(strength, np.ones((3, 3), np.uint8)), np.float32)


def crest_lines(strength: FloatImage, roi: Mask) -> Mask:
    """Crests of a strength map, one or two pixels wide: where the basins of all its minima meet."""
    basins = flooded(strength, numbered(np.asarray(dip.Minima(dip.Image(strength))) & roi), roi)
    crest = np.zeros(strength.shape, bool)
    crest[:, 1:] |= basins[:, 1:] != basins[:, :-1]
    crest[1:] |= basins[1:] != basins[:-1]
    return crest


def numbered(mask: Mask) -> LabelImage:
    """Numbers 1..n for the 4-connected parts of a mask."""
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1], np.int32)


def away_from_junctions(labels: LabelImage, radius_px: float) -> FloatImage:
    """1 where no point at which three regions meet lies within a radius, else 0.

    A boundary ends on other boundaries; what is seen there speaks for them, not for it.
    """
    a, b, c, d = labels[:-1, :-1], labels[:-1, 1:], labels[1:, :-1], labels[1:, 1:]
    distinct = 1 + (b != a) + ((c != a) & (c != b)) + ((d != a) & (d != b) & (d != c))
    junction = np.ones(labels.shape, np.uint8)
    junction[:-1, :-1] = distinct < 3
    distance = cv2.distanceTransform(junction, cv2.DIST_L2, 5)
    return (distance > radius_px).astype(np.float32)


def line_like_regions(image: FloatImage, labels: LabelImage, limit: float, largest_px: float, dark: bool) -> Mask:
    """Regions without an interior: nowhere brighter (``dark``) or darker than ``limit``, and not large.

    Clusters of carbides, pits and double lines enclose such islands; they are boundary, not grain.

    Returns
    -------
    array of bool, shape (largest label + 1,)
    """
    area = np.bincount(labels.ravel())
    small = area < largest_px
    small[0] = False
    at = small[labels]
    values = np.asarray(cv2.medianBlur(image, 3), np.float32)[at]
    best = np.full(len(area), -np.inf)
    np.maximum.at(best, labels[at], values if dark else -values)
    return np.asarray(small & (best < (limit if dark else -limit)), bool)
