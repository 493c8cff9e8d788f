"""What one window tells of the objects of an image: those that it holds whole, and its pieces of the others."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.outlines import outlines
from inspect_tool.measure.pixel_sums import PixelSums, pixel_sums
from inspect_tool.measure.seamless.cracks import RIM_PX, Fragments, Integers, fragments
from inspect_tool.measure.seamless.windows import Window, padded
from inspect_tool.model import LabelImage, Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Objects and pieces of them in one window, n in all, numbered from 1. Positions are those of the image. [px]"""

    window: Window
    sums: PixelSums
    name: Integers  # (n,) number of the object in the image, where the labels tell it; else 0
    first: Integers  # (n, 2) first pixel of each, row by row
    goes_below: NDArray[np.bool_]  # (n,) the pixel below the first one, or that on the left of it, is of the object
    block: Integers  # (n, 2) first square of 2 x 2 pixels
    touches_edge: NDArray[np.bool_]  # (n,) at the frame of the image or at the border of the region
    is_open: NDArray[np.bool_]  # (n,) reaches a seam, and may go on behind it
    length: NDArray[np.float64]  # (n,) of the outline; NaN where it is open [px]
    hull: NDArray[np.float64]  # (m, 2) x and y of the corners of the hulls of those that are whole, in their order
    corners: Integers  # (n,) how many of them are whose; 0 where it is open
    rim: tuple[
        NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]
    ]  # pieces along the top, bottom, left and right of the core
    fragments: Fragments  # of the outlines of those that are open


def pieces_of_mask(mask: Mask, window: Window, roi: Mask | None = None) -> Pieces:
    """Number the 8-connected pieces of a mask in a window, and measure them.

    Parameters
    ----------
    mask : array of bool
        What ``window.around(RIM_PX)`` shows of the mask.
    window : Window
    roi : array of bool, optional
        The same part of the region that counts; an object beside pixels outside of it touches the edge. The mask must
        hold none of them.
    """
    core = np.ascontiguousarray(mask[window.inner(RIM_PX)])
    labels = np.asarray(cv2.connectedComponents(core.view(np.uint8), connectivity=8)[1], np.int32)
    names = np.zeros(int(labels.max(initial=0)), np.int64)
    # of a mask all that touches is one object, behind a seam too
    return _pieces(labels, padded(mask.astype(np.int32), window, RIM_PX), window, roi, names)


def pieces_of_labels(labels: LabelImage, window: Window, roi: Mask | None = None) -> Pieces:
    """Measure the objects of a label image in a window.

    Parameters
    ----------
    labels : array of int32
        What ``window.around(RIM_PX)`` shows of an image with one number for each object, which is connected.
    window, roi
        As for ``pieces_of_mask``.
    """
    inside = labels[window.inner(RIM_PX)]
    names = np.unique(inside[_begins(inside)])
    own: LabelImage
    if int(names[-1]) <= 4 * inside.size:
        place = np.zeros(int(names[-1]) + 1, np.int32)
        place[names] = np.arange(len(names)) + (names[0] != 0)
        own = place[inside]
    else:
        own = (np.searchsorted(names, inside) + (names[0] != 0)).astype(np.int32)
    names = names[names != 0].astype(np.int64)
    return _pieces(own, padded(labels, window, RIM_PX), window, roi, names)


def _begins(labels: LabelImage) -> Mask:
    """Where a pixel has another number than the one on its left."""
    begins = np.ones(labels.shape, np.bool_)
    np.not_equal(labels[:, 1:], labels[:, :-1], out=begins[:, 1:])
    return begins


def _touching(labels: LabelImage, window: Window, roi: Mask | None) -> NDArray[np.int32]:
    """Numbers of the pieces at the frame of the image or beside pixels outside the region."""
    (top, bottom), (left, right) = ((cut.start, cut.stop) for cut in window.core)
    lines = (
        (labels[0], top == 0),
        (labels[-1], bottom == window.shape[0]),
        (labels[:, 0], left == 0),
        (labels[:, -1], right == window.shape[1]),
    )
    found = [np.zeros(1, np.int32), *(np.unique(line) for line, is_frame in lines if is_frame)]
    if roi is not None:
        outside = np.logical_not(roi).view(np.uint8)
        beside = cv2.dilate(outside, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
        found.append(np.unique(labels[beside[window.inner(RIM_PX)] > 0]))
    together: NDArray[np.int32] = np.unique(np.concatenate(found))
    return together


def _pieces(labels: LabelImage, around: LabelImage, window: Window, roi: Mask | None, names: Integers) -> Pieces:
    """Measure pieces that are numbered from 1 in the core; ``around`` tells in the rim what belongs together."""
    n = len(names)
    top, left = window.core[0].start, window.core[1].start
    own = pixel_sums(labels)
    rim = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    seams = (top > 0, window.core[0].stop < window.shape[0], left > 0, window.core[1].stop < window.shape[1])
    is_open = np.zeros(n + 1, np.bool_)
    for line, is_seam in zip(rim, seams, strict=True):
        is_open[line] |= is_seam
    is_open[0] = False
    whole = np.flatnonzero(~is_open[1:])
    found = outlines(labels, replace(own, label=own.label[whole], sums=own.sums[:, whole], box=own.box[whole]))
    length, corners = np.full(n, np.nan), np.zeros(n, np.int64)
    length[whole] = [one.length for one in found]
    corners[whole] = [len(one.hull) for one in found]
    first, block = _first(labels, n)
    row, column = first.T + RIM_PX
    below, beside = (around[row + 1, column - left] == around[row, column] for left in (0, 1))
    return Pieces(
        window=window,
        sums=own.moved(top, left),
        name=names,
        first=first + np.array([top, left]),
        goes_below=below | beside,
        block=block + np.array([top // 2, left // 2]),
        touches_edge=np.isin(own.label, _touching(labels, window, roi)),
        is_open=is_open[1:],
        length=length,
        hull=np.concatenate([np.zeros((0, 2)), *(one.hull for one in found)]) + np.array([left, top]),
        corners=corners,
        rim=(_line(rim[0]), _line(rim[1]), _line(rim[2]), _line(rim[3])),
        fragments=fragments(around, np.where(is_open[labels], labels, 0), (top, left), window.shape[1]),
    )


def _line(numbers: LabelImage) -> NDArray[np.int32]:
    return np.array(numbers, np.int32)


def _first(labels: LabelImage, n: int) -> tuple[Integers, Integers]:
    """First pixel of every piece, row by row, and its first square of 2 x 2 pixels; each (n, 2)."""
    flat = labels.ravel()
    at = np.flatnonzero(_begins(labels) & (labels != 0))
    place = np.zeros(n + 1, np.int64)
    place[flat[at[::-1]]] = at[::-1]  # the last one written stays
    row, column = np.divmod(at, labels.shape[1])
    first = np.stack(np.divmod(place, labels.shape[1]), axis=1)
    upper = row // 2 == first[flat[at], 0] // 2
    block = np.stack([first[:, 0] // 2, np.full(n + 1, labels.shape[1])], axis=1)
    np.minimum.at(block[:, 1], flat[at[upper]], column[upper] // 2)
    return first[1:], block[1:]
