"""Grains as single pieces: what a label that lies in several pieces means, and what becomes of fragments."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.measure.edges import present_labels
from inspect_tool.measure.flooding import Area, strips
from inspect_tool.measure.recall import Numbers, Parts, window_of
from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.stored import StoredImage, zeros_like

_FRAGMENT = 0.1  # of the largest piece of a grain: smaller ones are no grains
_MANY = 2000  # fragments for which one look at the whole image is quicker than one at the place of each
_NEAR_PX = 3  # how far around a fragment is looked first

Places = NDArray[np.intp]
"""Pixels as places in an image that is read row by row."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Label:
    """How a label lies on the image."""

    grains: int = 1  # pieces that count
    fragments: tuple[Places, ...] = ()


def without_small(labels: LabelImage, smallest_px: int) -> tuple[LabelImage, int]:
    """Give the pixels of grains that are too small to the nearest other one; the answer also counts them."""
    size = np.bincount(labels.ravel())
    small = (size > 0) & (size < smallest_px)
    small[0] = False
    return (_given_back(labels, small[labels]), int(small.sum())) if small.any() else (labels, 0)


def _given_back(labels: LabelImage, gone: Mask) -> LabelImage:
    """Give the pixels that are ``gone`` to the nearest other grain."""
    kept = np.where(gone, 0, labels)
    row, column = ndimage.distance_transform_edt(kept == 0, return_distances=False, return_indices=True)
    return np.where(gone, kept[row, column], kept).astype(np.int32)


def in_pieces(labels: LabelImage, parts: Parts) -> tuple[LabelImage, int]:
    """Give every piece of a label a number of its own; the answer also counts the labels in several pieces.

    Pixels of one number that meet at a corner are one piece: their number says so. Fragments, such as the
    tip of a grain that gets thinner than a pixel, go to the grain round them.
    """
    present = present_labels(labels, parts)
    found = parts.objects("pieces", present, partial(_labels, labels))
    torn = sum(one.grains > 1 for one in found)
    fragments = [places for one in found for places in one.fragments]
    if isinstance(labels, StoredImage):
        several = [int(number) for number, one in zip(present, found, strict=True) if one.grains > 1 or one.fragments]
        whole = _numbered(labels, several) if torn else labels
        return (_fragments_given_back(whole, fragments) if fragments else whole), torn
    if torn:
        pieces = _labeled(labels)
        whole = _given_back(pieces, _mask(labels, fragments)) if fragments else pieces
        return np.ascontiguousarray(whole, dtype=np.int32), torn
    whole = _fragments_given_back(labels, fragments) if fragments else labels
    return np.ascontiguousarray(whole, dtype=np.int32), 0


def _copied(labels: LabelImage) -> LabelImage:
    made: LabelImage = zeros_like(labels, np.int32)
    for rows in strips(labels.shape):
        made[rows] = labels[rows]
    return made


def _numbered(labels: LabelImage, several: list[int]) -> LabelImage:
    """Number all pieces in the order of their first pixels, as ``_labeled`` does; ``several``: labels in pieces."""
    first = np.full(int(labels.max(initial=0)) + 1, labels.size, np.int64)
    for rows in strips(labels.shape):
        strip = labels[rows].ravel()
        at = np.flatnonzero(np.diff(strip, prepend=strip[0] + 1))
        np.minimum.at(first, strip[at], at + rows.start * labels.shape[1])
    first[0] = labels.size
    whole = np.flatnonzero(first < labels.size)
    whole = whole[~np.isin(whole, several)]
    starts, boxes = [first[whole]], _boxes(labels, several)
    for number, where in zip(several, boxes, strict=True):
        pieces = _labeled(labels[where] == number)
        row, column = np.nonzero(pieces)
        _, at = np.unique(pieces[row, column], return_index=True)
        starts.append((row[at] + where[0].start) * labels.shape[1] + column[at] + where[1].start)
    rank = np.empty(sum(map(len, starts)), np.int32)
    rank[np.argsort(np.concatenate(starts))] = np.arange(1, len(rank) + 1)
    number_of = np.zeros(len(first), np.int32)
    number_of[whole] = rank[: len(whole)]
    made: LabelImage = zeros_like(labels, np.int32)
    for rows in strips(labels.shape):
        made[rows] = number_of[labels[rows]]
    done = len(whole)
    for number, where, own in zip(several, boxes, starts[1:], strict=True):
        pieces = _labeled(labels[where] == number)
        part = made[where]
        part[pieces > 0] = rank[done - 1 + pieces[pieces > 0]]
        made[where] = part
        done += len(own)
    return made


def _boxes(labels: LabelImage, numbers: Sequence[int]) -> list[Area]:
    """Box of each of some labels."""
    place = np.full(int(labels.max(initial=0)) + 1, -1)
    place[list(numbers)] = np.arange(len(numbers))
    ends = np.array([[*labels.shape, 0, 0]] * len(numbers)).reshape(-1, 4)
    for rows in strips(labels.shape):
        strip = labels[rows]
        row, column = np.nonzero(place[strip] >= 0)
        of = place[strip[row, column]]
        for k, at in enumerate((row + rows.start, column)):
            np.minimum.at(ends[:, k], of, at)
            np.maximum.at(ends[:, 2 + k], of, at + 1)
    return [(slice(top, bottom), slice(left, right)) for top, left, bottom, right in ends.tolist()]


def _labels(whole: LabelImage, numbers: Numbers) -> list[_Label]:
    """Say of some labels how they lie on the image."""
    if not len(numbers):
        return []
    found = dict.fromkeys(numbers.tolist(), _Label())
    if isinstance(whole, StoredImage):
        apart = numbers[_number_of_pieces(whole, numbers) > 1]
        for number, where in zip(apart, _boxes(whole, apart.tolist()), strict=True):
            found[int(number)] = _apart(whole, where, number[None])[0]
        return list(found.values())
    where = window_of(whole, numbers)
    apart = numbers[_number_of_pieces(whole[where], numbers) > 1]
    return list((found | dict(zip(apart.tolist(), _apart(whole, where, apart), strict=True))).values())


def _apart(whole: LabelImage, where: Area, apart: Numbers) -> list[_Label]:
    """Say how labels in several pieces lie in a part of the image that holds them."""
    if not len(apart):
        return []
    labels = whole[where]
    wanted = np.zeros(int(labels.max()) + 1, np.bool_)
    wanted[apart] = True
    pieces = _labeled(np.where(wanted[np.maximum(labels, 0)], labels, 0))
    size = np.bincount(pieces.ravel())
    owner = np.zeros(len(size), np.int64)
    owner[pieces.ravel()] = labels.ravel()
    owner[0] = 0
    largest = np.zeros(len(wanted), np.int64)
    np.maximum.at(largest, owner[1:], size[1:])
    is_fragment = size < _FRAGMENT * largest[owner]
    is_fragment[0] = False
    grains = np.bincount(owner[1:][~is_fragment[1:]], minlength=len(wanted))
    row, column = np.nonzero(is_fragment[pieces])
    of = pieces[row, column]
    places = (row + where[0].start) * whole.shape[1] + column + where[1].start
    order = np.argsort(of, kind="stable")
    kinds, first = np.unique(of[order], return_index=True)
    held: dict[int, list[Places]] = {}
    each = np.split(places[order], first[1:]) if len(kinds) else []  # of nothing, ``split`` makes one part
    for kind, some in zip(kinds.tolist(), each, strict=True):
        held.setdefault(int(owner[kind]), []).append(some)
    return [_Label(grains=int(grains[number]), fragments=tuple(held.get(number, ()))) for number in apart.tolist()]


def _labeled(labels: LabelImage | Mask) -> LabelImage:
    from skimage.measure import label

    pieces: LabelImage = label(labels, background=0, connectivity=2)  # type: ignore[no-untyped-call]
    return pieces


def _mask(labels: LabelImage, fragments: list[Places]) -> Mask:
    mask: Mask = zeros_like(labels, np.bool_)
    mask[np.divmod(np.concatenate(fragments), labels.shape[1])] = True
    return mask


def _fragments_given_back(labels: LabelImage, fragments: list[Places]) -> LabelImage:
    """Give fragments to the nearest other grain, each at its place."""
    gone = _mask(labels, fragments)
    if len(fragments) > _MANY and not isinstance(labels, StoredImage):
        return _given_back(labels, gone)
    whole = _copied(labels)
    for places in fragments:
        whole[np.divmod(places, labels.shape[1])] = _nearest(labels, gone, places)
    return whole


def _nearest(labels: LabelImage, gone: Mask, places: Places) -> LabelImage:
    """Numbers of the grains that are nearest to the pixels of a fragment."""
    rows, columns = np.divmod(places, labels.shape[1])
    reach = _NEAR_PX
    while True:
        top, left = max(0, int(rows.min()) - reach), max(0, int(columns.min()) - reach)
        part = (slice(top, int(rows.max()) + reach + 1), slice(left, int(columns.max()) + reach + 1))
        kept = np.where(gone[part], 0, labels[part])
        is_all = kept.shape == labels.shape
        if is_all or kept.any():
            away, (row, column) = ndimage.distance_transform_edt(kept == 0, return_indices=True)
            at = rows - top, columns - left
            if is_all or away[at].max() <= reach:  # what lies outside is farther
                nearest: LabelImage = kept[row[at], column[at]]
                return nearest
        reach *= 4


def _number_of_pieces(labels: LabelImage, numbers: Numbers) -> NDArray[np.int64]:
    """8-connected pieces of each of some labels, strip by strip: those in a strip less what joins them above."""
    pieces = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    last_row = np.zeros((1, labels.shape[1]), np.int32)
    last_part, count = np.zeros(labels.shape[1], np.int64), 1  # of its pixels: which of them are known to be one piece
    for rows in strips(labels.shape, 1 << 18):
        strip = np.concatenate([last_row, labels[rows]])
        piece = _labeled(strip)
        label_of = np.zeros(int(piece.max()) + 1, strip.dtype)
        label_of[piece] = strip
        new = len(label_of)
        graph = coo_array((np.ones(strip.shape[1], bool), (piece[0], new + last_part)), shape=(new + count,) * 2)
        _, part = connected_components(graph, directed=False)
        real = np.flatnonzero(label_of > 0)
        _, one_of = np.unique(part[real], return_index=True)
        np.add.at(pieces, label_of[real[one_of]], 1)
        _, at = np.unique(last_part, return_index=True)
        np.add.at(pieces, np.maximum(last_row[0, at], 0), -1)
        last_row = strip[-1:]
        _, last_part = np.unique(part[piece[-1]], return_inverse=True)
        count = int(last_part.max()) + 1
    found: NDArray[np.int64] = pieces[numbers]
    return found
