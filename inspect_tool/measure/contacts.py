"""Which objects of a label image touch, and along what length."""

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage

_STRIP = 256  # rows that are worked on at a time


def contacts(labels: LabelImage) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Pairs of objects with no more than one pixel of background between them.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Objects; 0 is background, gaps in the numbers are allowed.

    Returns
    -------
    pairs : int32 array of shape (n, 2)
        Labels of the two objects, the smaller number first.
    lengths : int64 array of shape (n,)
        Pixel pairs, along rows and columns, by which they touch. [px]

    Examples
    --------
    >>> image = np.zeros((4, 12), dtype=np.int32)
    >>> image[:, :3], image[:, 3:6], image[:2, 7:9] = 1, 2, 5
    >>> pairs, lengths = contacts(image)
    >>> pairs.tolist(), lengths.tolist()
    ([[1, 2], [2, 5]], [4, 2])
    """
    found = []
    for top in range(0, labels.shape[0], _STRIP):
        strip = labels[top : top + _STRIP + 2]
        own = min(_STRIP, labels.shape[0] - top)  # rows that this strip answers for; those below are looked at alone
        across = strip[:own]
        found.append(_met(across[:, :-1], across[:, 1:]))
        found.append(_met(np.where(across[:, 1:-1] == 0, across[:, :-2], 0), across[:, 2:]))
        found.append(_met(strip[:own][: len(strip) - 1], strip[1 : own + 1]))
        upper = strip[: min(own, len(strip) - 2)] if len(strip) > 2 else strip[:0]
        between = strip[1 : len(upper) + 1]
        found.append(_met(np.where(between == 0, upper, 0), strip[2 : len(upper) + 2]))
    pairs, lengths = np.unique(np.concatenate(found), axis=0, return_counts=True)
    return pairs.astype(np.int32), lengths.astype(np.int64)


def _met(one: LabelImage, other: LabelImage) -> NDArray[np.int32]:
    different = (one != other) & (one > 0) & (other > 0)
    first, second = one[different], other[different]
    return np.column_stack([np.minimum(first, second), np.maximum(first, second)]).astype(np.int32)
