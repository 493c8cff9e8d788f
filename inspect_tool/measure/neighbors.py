"""Distances between objects: center to center, edge to edge, clusters, and what chance alone would give.

All lengths are in the unit of the positions that come in, pixels for label images. Neighbors of an
edge-to-edge distance are *direct* ones: no third object lies between the two closest points.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inspect_tool.measure.triangulation import neighbors_of_others
from inspect_tool.model import LabelImage

_STRIP = 256  # rows that are worked on at a time


def center_distances(row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from each center to the nearest other center; NaN when there is only one.

    >>> center_distances(np.array([0.0, 0.0, 0.0]), np.array([0.0, 3.0, 10.0])).tolist()
    [3.0, 3.0, 7.0]
    """
    if len(row) < 2:
        return np.full(len(row), np.nan)
    points = np.column_stack([row, column])
    distance: NDArray[np.float64] = cKDTree(points).query(points, k=2)[0][:, 1]
    return distance


def expected_center_distance(count: int, area: float, outline: float = 0.0) -> tuple[float, float]:
    """Mean nearest-neighbor distance of ``count`` centers thrown at random on ``area``, and its standard error.

    Without the outline of the area the expectation is 0.5/√λ, that of an endless plane (Clark and
    Evans); with it, objects near the frame, whose neighbor may be outside, are allowed for (Donnelly).

    Parameters
    ----------
    count : int
        Number of centers, at least 2.
    area, outline : float
        Area and length of the outline of the field.

    References
    ----------
    Clark and Evans, Ecology 35 (1954) 445; Donnelly, in Simulation studies in archaeology (1978).

    Examples
    --------
    100 pores per mm2 on 4 mm2: 0.5/√100 mm and 0.2614/√(400 x 100) mm

    >>> mean, error = expected_center_distance(400, 4.0)
    >>> round(mean, 4), round(error, 6)
    (0.05, 0.001307)
    """
    density = count / area
    mean = 0.5 / sqrt(density) + (0.0514 + 0.041 / sqrt(count)) * outline / count
    return mean, 0.26136 / sqrt(count * density)


def edge_gaps(labels: LabelImage) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Closest edge-to-edge distance of all pairs of direct neighbors.

    The closest points of an object and its nearest neighbor are joined by an edge of the Delaunay
    triangulation of all outline pixels, because no other outline pixel can lie in the circle over
    them. So the distance of every object to its nearest neighbor is exact on the pixel grid, and the
    work grows with the number of outline pixels and not with the number of pairs.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Objects; gaps in the numbers are allowed.

    Returns
    -------
    pairs : int32 array of shape (n, 2)
        Labels of the two objects, the smaller number first.
    gaps : array of shape (n,)
        Distance between the outlines [px]: center distance of the closest pixels less the two half pixels.

    Examples
    --------
    >>> image = np.zeros((5, 30), dtype=np.int32)
    >>> image[:, 2:5], image[:, 10:12] = 1, 2
    >>> pairs, gaps = edge_gaps(image)
    >>> pairs.tolist(), gaps.tolist()
    ([[1, 2]], [5.0])
    """
    none = np.empty((0, 2), dtype=np.int32), np.empty(0)
    points, label = _outline_pixels(labels)
    if len(points) < 2 or (label == label[0]).all():
        return none
    ends = neighbors_of_others(points, label)
    first, second = label[ends[:, 0]], label[ends[:, 1]]
    delta = points[ends[:, 0]] - points[ends[:, 1]]
    distance = np.hypot(delta[:, 0], delta[:, 1])
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((distance, high, low))
    low, high, distance = low[order], high[order], distance[order]
    new = np.ones(len(low), dtype=bool)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    pairs: NDArray[np.int32] = np.column_stack([low[new], high[new]]).astype(np.int32)
    return pairs, np.maximum(distance[new] - 1.0, 0.0)


def nearest_gap(
    numbers: NDArray[np.int64], pairs: NDArray[np.int32], gaps: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Edge-to-edge distance of each object to its nearest neighbor (NaN: none), and which one that is (0: none).

    >>> gap, which = nearest_gap(np.array([1, 2, 3]), np.array([[1, 2], [2, 3]], np.int32), np.array([5.0, 2.0]))
    >>> gap.tolist(), which.tolist()
    ([5.0, 2.0, 2.0], [2, 3, 2])
    """
    gap, which = np.full(len(numbers), np.nan), np.zeros(len(numbers), dtype=np.int64)
    order = np.argsort(-gaps, kind="stable")  # the closest is written last
    for mine, other in ((0, 1), (1, 0)):
        place = np.searchsorted(numbers, pairs[order, mine])
        closer = np.full(len(numbers), np.nan)
        closer[place] = gaps[order]
        named = np.zeros(len(numbers), dtype=np.int64)
        named[place] = pairs[order, other]
        take = np.isnan(gap) | (closer < gap)
        gap, which = np.where(take, closer, gap), np.where(take, named, which)
    return gap, which


def pair_ratios(
    numbers: NDArray[np.int64], diameter: NDArray[np.float64], pairs: NDArray[np.int32], gaps: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Gap of each pair over the diameter of its smaller object [1].

    >>> pair_ratios(np.array([4, 9]), np.array([10.0, 2.0]), np.array([[4, 9]], np.int32), np.array([3.0])).tolist()
    [1.5]
    """
    size = diameter[np.searchsorted(numbers, pairs)]
    ratio: NDArray[np.float64] = gaps / size.min(axis=1) if len(pairs) else np.empty(0)
    return ratio


def cluster_numbers(
    numbers: NDArray[np.int64], pairs: NDArray[np.int32], joined: Sequence[bool] | NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Number the clusters that joined pairs make: 1, 2 ... in the order of their first object; 0 stands alone.

    >>> cluster_numbers(np.array([1, 2, 3, 7]), np.array([[1, 3], [2, 7]], np.int32), [False, True]).tolist()
    [0, 1, 0, 1]
    """
    kept = pairs[np.asarray(joined, dtype=bool)]
    place = np.searchsorted(numbers, kept)
    graph = coo_matrix((np.ones(len(place)), (place[:, 0], place[:, 1])), shape=(len(numbers), len(numbers)))
    part = connected_components(graph, directed=False)[1]
    size = np.bincount(part, minlength=1)[part] if len(part) else part
    answer = np.zeros(len(numbers), dtype=np.int64)
    if len(place):
        answer[size > 1] = np.unique(part[size > 1], return_inverse=True)[1] + 1
    return answer


def _outline_pixels(labels: LabelImage) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Pixels of objects that have a pixel of another label beside them, (row, column), and the label of each."""
    found, label = [], []
    height = labels.shape[0]
    for start in range(0, height, _STRIP):  # in strips, to bound memory
        stop = min(start + _STRIP, height)
        low, high = max(0, start - 1), min(height, stop + 1)
        here = labels[low:high]
        inside = np.zeros(here.shape, dtype=bool)
        inside[1:-1, 1:-1] = (
            (here[1:-1, 1:-1] == here[:-2, 1:-1])
            & (here[1:-1, 1:-1] == here[2:, 1:-1])
            & (here[1:-1, 1:-1] == here[1:-1, :-2])
            & (here[1:-1, 1:-1] == here[1:-1, 2:])
        )
        rows = slice(start - low, stop - low)
        row, column = np.nonzero((here[rows] != 0) & ~inside[rows])
        found.append(np.column_stack([row + start, column]).astype(np.int32))
        label.append(here[rows][row, column].astype(np.int32))
    return np.concatenate(found), np.concatenate(label)
