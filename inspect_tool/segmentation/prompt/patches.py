"""Masks of single objects, each kept in its own small frame, and how one label image is made of many."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.segmentation.networks.tiling import quantized
from inspect_tool.segmentation.prompt.prompts import Point, Prompt

Area = tuple[slice, slice]

POSSIBLE = 0.02  # a pixel of less probability is of no outline that is asked for [1]
BEYOND = 0.1  # share of a box by which the object may be larger than a hand drew it [1]
STABLE = 0.2  # shift of the threshold under which a mask of an object stays what it is [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """Probability of being in one object, on a grid of its own about the object."""

    probability: NDArray[np.uint8]  # (rows, columns), 255 for 1
    top: float  # edge of the grid in the image [px]
    left: float
    pitch: float  # pixels of the image to one of the grid, rows [px]
    pitch_across: float  # the same, columns [px]
    inside: tuple[Point, ...]  # clicks in the object, in the image; pieces without one are not of it [px]
    quality: float  # what the engine thinks of the mask [1]
    stability: float  # overlap of the masks at a higher and a lower threshold [1]


def patch(
    probability: NDArray[np.float32],
    origin: Point,
    pitch: tuple[float, float],
    prompt: Prompt,
    quality: float,
) -> Patch:
    """Keep what matters of a predicted map: the part where the object may be.

    Parameters
    ----------
    probability : ndarray
        (rows, columns). [1]
    origin : tuple of float
        Edges of its first pixel in the image: top, left. [px]
    pitch : tuple of float
        Pixels of the image to a pixel of the map: rows, columns. [px]
    prompt : Prompt
        What was asked. Beyond its box, and a little more, nothing is of the object.
    quality : float
        Of the mask, as the engine predicts it. [1]
    """
    kept = quantized(probability)
    if prompt.box is not None:
        for axis, (low, high) in enumerate((prompt.box[0::2], prompt.box[1::2])):
            more = BEYOND * (high - low) + 1
            at = origin[axis] + (np.arange(kept.shape[axis]) + 0.5) * pitch[axis] - 0.5
            beyond = (at < low - more) | (at > high + more)
            kept[(beyond, slice(None)) if axis == 0 else (slice(None), beyond)] = 0
    possible = kept > POSSIBLE * 255
    rows, columns = np.flatnonzero(possible.any(axis=1)), np.flatnonzero(possible.any(axis=0))
    if rows.size:
        cut = tuple(slice(max(0, int(at[0]) - 1), int(at[-1]) + 2) for at in (rows, columns))
    else:
        cut = (slice(0, 1), slice(0, 1))
    return Patch(
        probability=np.ascontiguousarray(kept[cut]),
        top=origin[0] + cut[0].start * pitch[0],
        left=origin[1] + cut[1].start * pitch[1],
        pitch=pitch[0],
        pitch_across=pitch[1],
        inside=prompt.inside,
        quality=quality,
        stability=stability(probability),
    )


def stability(probability: NDArray[np.float32]) -> float:
    """Area at a higher threshold over area at a lower one; 0 where nothing is found."""
    low = np.count_nonzero(probability > 0.5 - STABLE)
    return float(np.count_nonzero(probability > 0.5 + STABLE)) / low if low else 0.0


def one_piece(mask: NDArray[np.uint8], places: Sequence[tuple[int, int]]) -> NDArray[np.uint8]:
    """The pieces (4-connected) that hold one of the places; without a place, the largest piece."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return mask
    if places:
        held = {int(pieces[row, column]) for row, column in places} - {0}
    else:
        held = {1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))}
    return np.isin(pieces, list(held)).astype(np.uint8)


def drawn(one: Patch, threshold: float, shape: tuple[int, int]) -> tuple[Area, Mask]:
    """The object in the image: the area that holds it, and which pixels of that are of it.

    Parameters
    ----------
    one : Patch
        The object.
    threshold : float
        Probability from which a pixel belongs to it. [1]
    shape : tuple of int
        Rows and columns of the image.
    """
    bottom = one.top + one.probability.shape[0] * one.pitch
    right = one.left + one.probability.shape[1] * one.pitch_across
    rows = slice(max(0, int(np.floor(one.top))), min(shape[0], int(np.ceil(bottom))))
    columns = slice(max(0, int(np.floor(one.left))), min(shape[1], int(np.ceil(right))))
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if height <= 0 or width <= 0:
        return (slice(0, 0), slice(0, 0)), np.zeros((0, 0), bool)
    # middle of pixel i of the area lies at (i + start + 0.5 - top) / pitch - 0.5 of the grid
    turn = np.array(
        [
            [1 / one.pitch_across, 0, (columns.start + 0.5 - one.left) / one.pitch_across - 0.5],
            [0, 1 / one.pitch, (rows.start + 0.5 - one.top) / one.pitch - 0.5],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    large = cv2.warpAffine(one.probability, turn, (width, height), flags=how, borderMode=cv2.BORDER_CONSTANT)
    mask = (large > 255 * threshold).astype(np.uint8)
    places = [(round(row) - rows.start, round(column) - columns.start) for row, column in one.inside]
    held = [(row, column) for row, column in places if 0 <= row < height and 0 <= column < width]
    return (rows, columns), one_piece(mask, held).astype(bool)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """Labels of a whole image."""

    labels: LabelImage
    kept: int  # objects
    hidden: int  # candidates that lie in better ones


def labels_of(
    patches: Sequence[Patch],
    threshold: float,
    shape: tuple[int, int],
    roi: Mask | None,
    *,
    shared: float,
    least_px2: int,
) -> Drawing:
    """Draw objects into one label image, the best first; pixels belong to the first that has them.

    Parameters
    ----------
    patches : sequence of Patch
        In the order of their claim.
    threshold : float
        Probability from which a pixel belongs to an object. [1]
    shape : tuple of int
        Rows and columns of the image.
    roi : ndarray of bool, optional
        Where the image counts.
    shared : float
        An object that shares more of its area with better ones is none of its own. [1]
    least_px2 : int
        Smaller objects are dropped. [px2]

    Returns
    -------
    Drawing
        int32 labels from 1 on, in the order of ``patches``.
    """
    labels = np.zeros(shape, np.int32)
    count = hidden = 0
    for one in patches:
        area, mask = drawn(one, threshold, shape)
        if roi is not None:
            mask &= roi[area]
        size = np.count_nonzero(mask)
        if size < max(1, least_px2):
            continue
        there = labels[area]
        free = mask & (there == 0)
        left = np.count_nonzero(free)
        if size - left > shared * size or left < max(1, least_px2):
            hidden += 1
            continue
        count += 1
        there[free] = count
    return Drawing(labels=labels, kept=count, hidden=hidden)
