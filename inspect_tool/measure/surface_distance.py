"""How far objects lie from the surface of the specimen: the border to mount, surround or gap in the picture."""

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.distances import distances


def surface_distances(labels: LabelImage, mount: Mask) -> NDArray[np.float64]:
    """Shortest distance between each object and what lies beyond the surface; 0 where they touch. [px]

    Parameters
    ----------
    labels : array of int, (rows, columns)
        Object numbers, 0 elsewhere.
    mount : array of bool, (rows, columns)
        True beyond the surface.

    Returns
    -------
    array, (largest number + 1,)
        By object number; infinite where there is no such object, or no mount.

    Examples
    --------
    >>> labels = np.zeros((8, 12), np.int32)
    >>> labels[3:5, 2:4], labels[3:5, 8:10] = 1, 2
    >>> mount = np.zeros((8, 12), bool)
    >>> mount[:, 10:] = True
    >>> surface_distances(labels, mount)
    array([inf,  6.,  0.])
    """
    least = np.full(int(labels.max(initial=0)) + 1, np.inf)
    if mount.any():
        # between the centers of the nearest two pixels; both reach half a pixel further
        distance = distances(~mount)
        inside = labels > 0
        np.minimum.at(least, labels[inside], np.maximum(distance[inside].astype(np.float64) - 1, 0))
    return least
