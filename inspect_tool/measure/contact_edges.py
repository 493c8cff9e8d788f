"""Whether the picture shows an edge where two objects of a label image touch."""

import cv2
import numpy as np

from inspect_tool.model import GrayImage, LabelImage

_FEWEST = 8  # contacts; fewer say nothing of a picture
_SHORTEST = 8  # pixel pairs of a contact
_SMALLEST = 5  # pixels of the core of an object, whose gray is its own
_CORE_PX = 3  # of an object: nearer its outline has gray of what lies beside it
_BLUR_PX = 1.0  # before gray values are compared
_FLAT = 0.1  # of the step from background to objects: a contact that differs by less has the gray of the objects


def flat_contacts_percent(gray: GrayImage, labels: LabelImage) -> float | None:
    """Share of the contacts of objects, by length, at which the picture shows no edge between them. [%]

    Objects that touch have a gap, a bright rim or a shadow between them, or one lies before the other. Where the gray
    at the contact is that of the objects, they are rather pieces of one. The gray of a contact is compared with that
    of the object nearer to the background; both sides of an edge between two grays are edges too.

    Parameters
    ----------
    gray : array of shape (rows, columns)
    labels : int32 array of shape (rows, columns)
        Object numbers; 0 is background.

    Returns
    -------
    float or None
        None: there are too few contacts, or no background to compare with.
    """
    outside = labels == 0
    if not outside.any() or outside.all():
        return None
    smooth = np.asarray(cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _BLUR_PX), np.float64)
    ground = float(np.median(smooth[outside]))
    number = int(labels.max()) + 1
    own = np.ones(labels.shape, np.uint8)
    keys, grays = [], []
    for apart in (1, 2):  # labels may leave a pixel of background between objects
        for one, other in (
            (np.s_[:, apart:], np.s_[:, :-apart]),
            (np.s_[apart:], np.s_[:-apart]),
        ):
            first, second = labels[one], labels[other]
            differ = first != second
            own[one][differ] = own[other][differ] = 0
            met = differ & (first > 0) & (second > 0)
            low, high = np.minimum(first[met], second[met]), np.maximum(first[met], second[met])
            keys.append(low.astype(np.int64) * number + high)
            grays.append((smooth[one][met] + smooth[other][met]) / 2)
    core = (cv2.erode(own, np.ones((_CORE_PX, _CORE_PX), np.uint8)) > 0) & ~outside
    pixels = np.bincount(labels[core], minlength=number)
    means = np.bincount(labels[core], smooth[core], number) / np.maximum(pixels, 1)
    pairs, back, lengths = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    between = np.bincount(back, np.concatenate(grays), len(pairs)) / np.maximum(lengths, 1)
    left, right = pairs // number, pairs % number
    told = (lengths >= _SHORTEST) & (np.minimum(pixels[left], pixels[right]) >= _SMALLEST)
    if np.count_nonzero(told) < _FEWEST:
        return None
    steps = (means[left] + means[right]) / 2 - ground
    nearer = np.where(np.abs(means[left] - ground) < np.abs(means[right] - ground), means[left], means[right])
    flat = np.abs(between - nearer) < _FLAT * np.abs(steps)
    return 100 * float(np.average(flat[told], weights=lengths[told]))
