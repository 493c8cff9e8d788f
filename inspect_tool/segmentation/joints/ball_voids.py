"""Find the voids of one solder ball, also those that overlap in projection.

Where two voids overlap, more solder is missing than beside: their lens has the steeper edge, and no single gray level
draws the outline of both. Therefore the ball is divided along the ridges of its gradient (watershed) into plateaus:
solder, voids, lenses. Plateaus that stand out from the solder and touch are one group, and the outermost ridge is
its outline.
"""

from collections.abc import Callable
from math import pi

import cv2
import numpy as np

from inspect_tool.model import LabelImage, Mask
from inspect_tool.segmentation.joints.regions import (
    CROSS,
    MARGIN,
    MAX_SHARE,
    MIN_ROUNDNESS,
    Box,
    Candidate,
    Gray,
    gradient_of,
    outline_of,
    widened,
)

_RIPPLE = 0.15  # of the gray noise: dips of the gradient less deep are no plateau [1/px]
_LENS = 0.4  # of the gradient at the outline: dips less deep do not tell one void from the next
_FAINTEST = 0.12  # of the lightest plateau of a group; what is fainter beside it is solder [1]
_SLOPE = 0.2  # of the step of a group: what is as light and touches it belongs to it [1]
EVEN = 0.9  # share of the outline of a void that is an edge like the rest of it [1]
_MOST_CONTACT = (
    0.2  # share of the outline on the border of the core: a bubble touches the rim, a segment lies along it [1]
)
_LEVELS = 12  # gray values of plateaus from which a group is put together
_QUARTER = 0.25  # quantile for the gray value of a plateau: the blurred edge of a void lies in its solder, too
_RIM = 8.0  # weight of the border of the core in a plateau's circumference: the shoulder of the ball is not known there


def plateaus(value: Gray, core: Mask, least: float) -> LabelImage:
    """Number the parts of the core that ridges of the gradient separate, from 1; 0 outside the core.

    Parameters
    ----------
    value : array (rows, columns)
        Gray values above the solder.
    core : boolean array (rows, columns)
    least : float
        Depth below which a dip of the gradient is no plateau. [gray levels/px]
    """
    from skimage.morphology import h_minima
    from skimage.segmentation import watershed

    gradient = gradient_of(value)
    gradient = np.where(core, gradient, gradient[core].max() + 2 * least).astype(np.float32)
    dips = h_minima(gradient, least).astype(np.uint8)  # type: ignore[no-untyped-call]
    _, marks = cv2.connectedComponents(dips & core.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    found = watershed(gradient, marks, mask=core)  # type: ignore[no-untyped-call]
    return np.asarray(found, dtype=np.int32)


def groups_of_plateaus(
    value: Gray, core: Mask, *, noise: float, weakest: float, min_area: float, settled: Callable[[Candidate], bool]
) -> None:
    """Show every group of plateaus that may be a void, the widest first, and its parts where it is not settled.

    Parameters
    ----------
    value : array (rows, columns)
        Gray values above the solder.
    core : boolean array (rows, columns)
    noise, weakest : float
        Of the gray values, and the least that a void stands out. [gray levels]
    min_area : float
        Of a void. [px^2]
    settled : callable
        Whether the group needs no further look.
    """
    plateau = plateaus(value, core, _RIPPLE * max(noise, 0.5))
    raised = _raised(value, core, plateau)[plateau]
    # the lowest quarter is solder, also where a void takes up half of the ball
    low, quarter = (float(x) for x in np.percentile(value[core], (5, 25)))
    lowest = max(weakest, 3 * (quarter - low))
    highest = float(raised[core].max())
    if highest <= lowest:
        return
    gradient = gradient_of(value)
    inner = cv2.erode(core.astype(np.uint8), CROSS, borderValue=0) > 0
    levels = np.geomspace(lowest, highest, _LEVELS) * (1 - 1e-5)
    largest = MAX_SHARE * np.count_nonzero(core)
    whole: Box = (slice(0, core.shape[0]), slice(0, core.shape[1]))
    todo = [(0, whole, core)]
    while todo:
        k, (rows, columns), within = todo.pop()
        light = (within & (raised[rows, columns] >= levels[k])).astype(np.uint8)
        count, parts, stats, _ = cv2.connectedComponentsWithStats(light, connectivity=4, ltype=cv2.CV_32S)
        for number in range(1, count):
            left, top, width, height, area = stats[number].tolist()
            if area < min_area:
                continue
            own = parts[top : top + height, left : left + width] == number
            top, left = top + rows.start, left + columns.start
            tight = slice(top, top + height), slice(left, left + width)
            box, region = widened(tight, own, MARGIN, core.shape)
            outline = outline_of(region, gradient[box], inner[box])
            fits = outline.contact <= _MOST_CONTACT and outline.roundness >= MIN_ROUNDNESS and area <= largest
            candidate = Candidate(
                box=box,
                region=region,
                score=outline.steep if fits else 0.0,
                contact=outline.contact,
                level=float(levels[k]),
                even=outline.even,
            )
            mixed = levels[k] < _FAINTEST * raised[tight][own].max()
            if (mixed or not settled(candidate)) and k + 1 < _LEVELS:
                todo.append((k + 1, tight, own))


def _raised(value: Gray, core: Mask, plateau: LabelImage) -> Gray:
    """Gray value by which every plateau stands out for certain, by its number."""
    owner = plateau[core]
    order = np.lexsort((value[core], owner))
    size = np.bincount(owner, minlength=int(plateau.max()) + 1)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    quarter = value[core][order][np.minimum(first + (_QUARTER * size).astype(np.intp), len(order) - 1)]
    border = core & (cv2.erode(core.astype(np.uint8), CROSS, borderValue=0) == 0)
    at_border = np.bincount(plateau[border], minlength=len(size)) / np.sqrt(4 * pi * np.maximum(size, 1))
    raised = quarter / (1 + _RIM * at_border)
    raised[0] = -np.inf
    return np.asarray(raised, dtype=np.float32)


def with_slopes(region: Mask, value: Gray, core: Mask, step: float, floor: float) -> Mask:
    """Add to a void what touches it and is light without a plateau of its own: the crescent of a void behind it.

    ``step`` is how far the void stands out, ``floor`` the least that anything must. [gray levels]
    """
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    light = (region | (core & (value >= max(_SLOPE * step, floor)))).astype(np.uint8)
    _, parts = cv2.connectedComponents(light, connectivity=4, ltype=cv2.CV_32S)
    touching = np.zeros(int(parts.max()) + 1, bool)
    touching[parts[region]] = True
    light = (touching[parts] & (light > 0)).astype(np.uint8)
    rest = light & (cv2.dilate(region.astype(np.uint8), reach) == 0)
    grown = np.asarray(region | ((cv2.dilate(rest, reach) & light) > 0), dtype=np.bool_)
    inner = cv2.erode(core.astype(np.uint8), CROSS, borderValue=0) > 0
    outline = outline_of(grown, gradient_of(value), inner)
    to_border = (grown & ~region & ~inner).any()
    return grown if outline.even >= EVEN and not to_border else region


def parts_of_void(void: Mask, value: Gray, core: Mask) -> LabelImage:
    """Number the voids of a ball from 1, those that overlap as far as their edges tell them apart."""
    deep = void & core
    if not deep.any():
        _, parts = cv2.connectedComponents(void.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
        return np.asarray(parts, dtype=np.int32)
    outline = deep & (cv2.erode(deep.astype(np.uint8), CROSS, borderValue=0) == 0)
    found = plateaus(value, deep, _LENS * float(np.median(gradient_of(value)[outline])))
    near = cv2.dilate(found.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    return np.where(void & (found == 0), near, found)
