"""Joints and voids from the class probabilities of a network: background, joint, void."""

from dataclasses import dataclass
from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.model import LabelImage, Mask, Samples

JOINT, VOID, VIA = 1, 2, 3
LARGEST_PX = 260.0
"""Equivalent diameter to which larger joints are brought; chosen on drawn pictures. [px]"""

FIRST_PX = 420
"""Longer side of the reduced image in which joints are looked for first, to know their size. [px]"""

_BESIDE = 6  # px around given joints that tell whether solder is dark
_SHOWN = 0.25  # share of these that the image must show
_DARK_RIM = 0.75  # share of the border that is dark in an inverted picture


@dataclass(frozen=True, slots=True, kw_only=True)
class JointSettings:
    """How probabilities become joints."""

    threshold: Annotated[
        float, Doc("a pixel lies in a joint when background is no more probable than this leaves [1]")
    ] = 0.5
    min_joint_px: Annotated[float, Doc("equivalent diameter of the smallest joint [px]")] = 12.0
    min_joint_share: Annotated[
        float, Doc("of that of the joint at the middle of the joint area; less is a lead, or a speck [1]")
    ] = 0.3
    ring_share: Annotated[
        float, Doc("smaller than this share of the usual joint and hollow: the ring of a plated hole [1]")
    ] = 0.7
    sure: Annotated[float, Doc("mean probability of a joint over its pixels, voids included [1]")] = 0.6
    round_via: Annotated[
        float, Doc("4 pi area / perimeter^2 of a hole that is taken for a via, not for a void [1]")
    ] = 0.75
    largest_via: Annotated[float, Doc("share of its joint that a via takes at most [1]")] = 0.05


def joint_labels(
    probabilities: NDArray[np.uint8],
    roi: Mask | None = None,
    given: LabelImage | None = None,
    settings: JointSettings | None = None,
) -> tuple[LabelImage, LabelImage]:
    """Number the joints and mark their voids.

    Parameters
    ----------
    probabilities : ndarray of uint8
        (3, rows, columns): background, joint, void, 255 for certainty.
    roi : ndarray of bool, optional
        (rows, columns); nothing is found outside.
    given : ndarray of int32, optional
        (rows, columns); numbers of the joints where their outlines are known. Then only voids are looked for.
    settings : JointSettings, optional
        The defaults, if None.

    Returns
    -------
    labels, objects : ndarray of int32
        (rows, columns): 0 background, 1 joint, 2 void, 3 via; number of the joint, 0 where there is none.

    Examples
    --------
    >>> share = np.zeros((3, 20, 20), np.uint8)
    >>> share[0] = 255
    >>> share[:, 3:17, 3:17] = np.array([0, 255, 0])[:, None, None]
    >>> share[:, 8:10, 8:10] = np.array([0, 0, 255])[:, None, None]
    >>> labels, objects = joint_labels(share)
    >>> int((labels == 2).sum()), int((objects == 1).sum())
    (4, 196)
    """
    settings = settings or JointSettings()
    inside = probabilities[0] <= 255 * (1 - settings.threshold)
    if roi is not None:
        inside &= roi
    # given joints without what looks like background: it is void where solder encloses it
    objects = _found(inside, probabilities, settings) if given is None else (inside * given).astype(np.int32)
    labels = (objects > 0).astype(np.int32)
    labels[(probabilities[2] > probabilities[1]) & (objects > 0)] = VOID
    _fill(labels, objects, settings)
    if given is not None:
        # what looks like background but is not enclosed by solder is the network's doubt about the outline
        outside = (labels == 0) & (given > 0)
        labels[outside] = np.where(probabilities[2] > probabilities[1], VOID, JOINT)[outside]
        objects = given.astype(np.int32)
        if roi is not None:
            objects[~roi] = 0
        labels[objects == 0] = 0
    return labels, objects


def working_scale(objects: LabelImage) -> float:
    """Reduction of the image at which its joints are no larger than the network knows them. [1]

    Half of all joint area lies in joints of at least the diameter that is brought to ``LARGEST_PX``; small joints
    stay as they are.

    >>> working_scale(np.ones((460, 461), np.int32))  # diameter 520 px
    0.5
    """
    areas = np.sort(np.bincount(objects.ravel())[1:])
    if not areas.any():
        return 1.0
    usual = areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)]
    return min(1.0, round(LARGEST_PX / float(np.sqrt(4 / np.pi * usual)), 3))


def solder_dark(pixels: Samples, roi: Mask | None = None, given: LabelImage | None = None) -> bool:
    """Whether solder is the darker side, as more metal absorbs more, or the picture is inverted.

    Parameters
    ----------
    pixels : ndarray
        (rows, columns).
    roi : ndarray of bool, optional
        (rows, columns); only what it marks counts.
    given : ndarray of int32, optional
        (rows, columns); numbers of the joints. They are compared with what lies around them, where the image shows at
        least a quarter of that, and count as dark where it does not; without, a border of the image that is dark
        nearly everywhere speaks for an inverted picture.

    Examples
    --------
    >>> picture = np.full((60, 60), 200, np.uint8)
    >>> picture[20:40, 20:40] = 50
    >>> solder_dark(picture), solder_dark(255 - picture)
    (True, False)
    """
    step = max(1, int((pixels.size / 1e6) ** 0.5))  # medians of 1 Mpx are exact enough
    few = pixels[::step, ::step]
    counts = np.ones(few.shape, bool) if roi is None else roi[::step, ::step]
    joint = None if given is None else (given[::step, ::step] > 0) & counts
    if joint is not None and joint.any():
        whole = np.pad(joint.astype(np.uint8), _BESIDE)
        around = cv2.dilate(whole, np.ones((2 * _BESIDE + 1, 2 * _BESIDE + 1), np.uint8)) > whole
        beside = around[_BESIDE:-_BESIDE, _BESIDE:-_BESIDE] & counts
        shown = np.count_nonzero(beside) >= _SHOWN * np.count_nonzero(around)
        return not shown or bool(np.median(few[joint]) <= np.median(few[beside]))
    low, high = np.percentile(few[counts], (1, 99)) if counts.any() else (0.0, 0.0)
    if not high > low:
        return True
    smooth = cv2.GaussianBlur(np.clip((few - low) * (255 / (high - low)), 0, 255).astype(np.uint8), (0, 0), 1.5)
    level, _ = cv2.threshold(smooth[counts].reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    rim = counts & ~cv2.erode(counts.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(bool)
    return bool((smooth[rim] <= level).mean() <= _DARK_RIM)


def _found(inside: Mask, probabilities: NDArray[np.uint8], settings: JointSettings) -> LabelImage:
    """Connected parts that are large and sure enough, numbered row by row of their tops."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    area = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    area[0] = 0
    if count == 1:
        return np.zeros(inside.shape, np.int32)
    flat = parts.ravel()
    sure = 1 - np.bincount(flat, weights=probabilities[0].ravel(), minlength=count) / (255 * np.maximum(area, 1))
    solder = np.bincount(flat, weights=(probabilities[1] >= probabilities[2]).ravel(), minlength=count)
    order = np.argsort(area)
    # half of all joint area lies in joints of at least this size: specks do not move it
    usual = area[order][np.searchsorted(np.cumsum(area[order]), area.sum() / 2)]
    diameter = np.sqrt(4 / np.pi * area)
    least = max(settings.min_joint_px, settings.min_joint_share * float(np.sqrt(4 / np.pi * usual)))
    kept = (diameter >= least) & (sure >= settings.sure) & (solder > 0.1 * area)
    kept[0] = False
    for part in np.flatnonzero(kept & (diameter < settings.ring_share * np.sqrt(4 / np.pi * usual))):
        left, top, wide, high = (int(value) for value in stats[part, :4])
        window = (slice(top, top + high), slice(left, left + wide))
        outline, _ = cv2.findContours(
            (parts[window] == part).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        whole = cv2.drawContours(np.zeros((high, wide), np.uint8), outline, -1, 1, cv2.FILLED)
        kept[part] = 2 * solder[part] > np.count_nonzero(whole)  # else the ring of a plated hole
    number = np.zeros(count, np.int32)
    number[kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return np.asarray(number[parts], dtype=np.int32)


def _fill(labels: LabelImage, objects: LabelImage, settings: JointSettings) -> None:
    """Holes of a joint are vias where they are small and round, voids otherwise, in place."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((objects == 0).astype(np.uint8), connectivity=8)
    rows, columns = objects.shape
    for number in range(1, count):
        left, top, wide, high, area = (int(value) for value in stats[number])
        if left == 0 or top == 0 or left + wide == columns or top + high == rows:
            continue
        window = (slice(top - 1, top + high + 1), slice(left - 1, left + wide + 1))
        hole = parts[window] == number
        ring = cv2.dilate(hole.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~hole
        around = np.bincount(objects[window][ring])
        owner = int(around.argmax())
        outline, _ = cv2.findContours(hole.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        perimeter = cv2.arcLength(outline[0], closed=True)
        is_round = 4 * np.pi * area >= settings.round_via * perimeter**2
        size = np.count_nonzero(objects == owner)
        if area > size:  # a frame around something else
            continue
        objects[window][hole] = owner
        labels[window][hole] = VIA if is_round and area <= settings.largest_via * size else VOID
