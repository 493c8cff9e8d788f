"""How well labels agree with the truth: pixels, boundaries, objects. Arrays in, numbers out; cost linear in pixels.

The truth may hold -1, not annotated: such pixels count nowhere, and a predicted object that lies mostly on them is
neither right nor wrong. Counts of several images are added before a score is taken from them (``+``), so that a
small image does not weigh as much as a large one.

References
----------
Everingham et al., The Pascal visual object classes challenge, IJCV 2010 (IoU). Csurka et al., What is a good
evaluation measure for semantic segmentation?, BMVC 2013 (boundary F1). Kirillov et al., Panoptic segmentation, CVPR
2019 (PQ = SQ x RQ, unannotated pixels). Caicedo et al., Nucleus segmentation across imaging experiments, Nature
Methods 2019 (TP/(TP+FP+FN) over IoU thresholds, there and by others called average precision).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Mask

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""Overlaps (IoU) from which a pair counts as a match: 0.50, 0.55, ... 0.95."""

TOLERANCE_PX = 2.0
"""Boundaries no farther apart than this are the same. [px]"""

Indices = NDArray[np.intp]
Counts = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Pixels of one class: in both images, in the truth, in the prediction. [px]"""

    both: int
    truth: int
    predicted: int

    def __add__(self, other: "Overlap") -> "Overlap":
        return Overlap(
            both=self.both + other.both, truth=self.truth + other.truth, predicted=self.predicted + other.predicted
        )

    @property
    def iou(self) -> float | None:
        """Intersection over union; None where the class is in neither image."""
        return _ratio(self.both, self.truth + self.predicted - self.both)

    @property
    def dice(self) -> float | None:
        """Twice the intersection over the sum of both areas; None where the class is in neither image."""
        return _ratio(2 * self.both, self.truth + self.predicted)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryMatch:
    """Boundary pixels within the tolerance of a boundary of the other image, and all of them. [px]"""

    truth_near: int
    truth: int
    predicted_near: int
    predicted: int

    def __add__(self, other: "BoundaryMatch") -> "BoundaryMatch":
        return BoundaryMatch(
            truth_near=self.truth_near + other.truth_near,
            truth=self.truth + other.truth,
            predicted_near=self.predicted_near + other.predicted_near,
            predicted=self.predicted + other.predicted,
        )

    @property
    def recall(self) -> float | None:
        """Share of the true boundary that was found; None where there is none."""
        return _ratio(self.truth_near, self.truth)

    @property
    def precision(self) -> float | None:
        """Share of the predicted boundary that is true; None where there is none."""
        return _ratio(self.predicted_near, self.predicted)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of both; 0 where only one image has boundaries, None where neither has."""
        if not self.truth and not self.predicted:
            return None
        precision, recall = self.precision or 0.0, self.recall or 0.0
        return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Objects at one threshold: matched, predicted but not true, true but not found; and the IoU of the matched."""

    tp: int
    fp: int
    fn: int
    iou_sum: float

    def __add__(self, other: "Match") -> "Match":
        return Match(
            tp=self.tp + other.tp,
            fp=self.fp + other.fp,
            fn=self.fn + other.fn,
            iou_sum=self.iou_sum + other.iou_sum,
        )

    @property
    def ap(self) -> float | None:
        """TP / (TP + FP + FN); None where there are no objects at all."""
        return _ratio(self.tp, self.tp + self.fp + self.fn)

    @property
    def precision(self) -> float | None:
        """TP / (TP + FP)."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """TP / (TP + FN)."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """TP / (TP + FP/2 + FN/2), the recognition quality RQ."""
        return _ratio(self.tp, self.tp + self.fp / 2 + self.fn / 2)

    @property
    def mean_iou(self) -> float | None:
        """Mean IoU of the matched objects, the segmentation quality SQ; None where nothing matched."""
        return _ratio(self.iou_sum, self.tp)

    @property
    def pq(self) -> float | None:
        """Panoptic quality, SQ times RQ."""
        return _ratio(self.iou_sum, self.tp + self.fp / 2 + self.fn / 2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ObjectPairs:
    """Objects of two label images and the pairs that overlap; an object is a place in ``truth`` or ``predicted``."""

    truth: Counts  # label of each true object
    predicted: Counts  # label of each predicted object
    at_truth: Indices  # of each pair: place of its true object
    at_predicted: Indices
    iou: NDArray[np.float64]  # of each pair [1]


# --------------------------------------------------------------------------------------------------------- pixels


def class_overlaps(truth: Labels, predicted: Labels, classes: int) -> tuple[Overlap, ...]:
    """Count the pixels of each class number.

    Parameters
    ----------
    truth, predicted : array of int, (rows, columns)
        Class numbers; pixels that are negative in the truth are not counted.
    classes : int
        Number of classes, 0 to ``classes - 1``.

    Examples
    --------
    >>> found = class_overlaps(np.array([[0, 0, 1, 1, -1]]), np.array([[0, 1, 1, 1, 0]]), 2)
    >>> [round(overlap.iou, 3) for overlap in found]
    [0.5, 0.667]
    """
    _same_shape(truth, predicted)
    table = np.zeros((classes, classes), dtype=np.int64)
    # row by row: the sum of both numbers must not be held for a whole large image
    for one, other in zip(_strips(truth), _strips(predicted), strict=True):
        known = one >= 0
        pairs = one[known].astype(np.int64) * classes + other[known]
        table += np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    return tuple(
        Overlap(both=int(table[i, i]), truth=int(table[i].sum()), predicted=int(table[:, i].sum()))
        for i in range(classes)
    )


def mean_of(values: Iterable[float | None]) -> float | None:
    """Mean of the scores that exist: a class in neither image has none."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


# ----------------------------------------------------------------------------------------------------- boundaries


def boundary_match(
    truth: Labels, predicted: Labels, tolerance_px: float = TOLERANCE_PX, known: Mask | None = None
) -> BoundaryMatch:
    """Compare the boundaries between labels: how much of each lies within a tolerance of the other.

    A boundary runs between two pixels of different labels and is kept at the upper or left one of them, alike in
    both images, so that a shift by n pixels is a distance of n. Distances are exact (Euclidean).

    Parameters
    ----------
    truth, predicted : array of int, (rows, columns)
        Class or object numbers.
    tolerance_px : float
        Largest distance that is no error. [px]
    known : mask, optional
        Where the truth was annotated; default: where it is not negative. Boundaries elsewhere do not count.
    """
    return boundary_errors(truth, predicted, tolerance_px, known)[0]


def boundary_errors(
    truth: Labels, predicted: Labels, tolerance_px: float = TOLERANCE_PX, known: Mask | None = None
) -> tuple[BoundaryMatch, Mask, Mask]:
    """Compare boundaries as ``boundary_match`` does, and give the missed and the invented ones as masks."""
    _same_shape(truth, predicted)
    annotated = truth >= 0 if known is None else known
    one, other = (boundaries(labels, annotated) for labels in (truth, predicted))
    missed, invented = _far(one, other, tolerance_px), _far(other, one, tolerance_px)
    found = BoundaryMatch(
        truth_near=int(np.count_nonzero(one) - np.count_nonzero(missed)),
        truth=int(np.count_nonzero(one)),
        predicted_near=int(np.count_nonzero(other) - np.count_nonzero(invented)),
        predicted=int(np.count_nonzero(other)),
    )
    return found, missed, invented


def boundaries(labels: Labels, known: Mask | None = None) -> Mask:
    """Pixels whose right or lower neighbor has another label, where both are known."""
    lines = np.zeros(labels.shape, dtype=np.bool_)
    lines[:-1] = labels[:-1] != labels[1:]
    lines[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    if known is not None and not known.all():
        whole = known.copy()
        whole[:-1] &= known[1:]
        whole[:, :-1] &= known[:, 1:]
        lines &= whole
    return lines


def _far(lines: Mask, others: Mask, tolerance_px: float) -> Mask:
    """Boundary pixels that are farther than the tolerance from every one of the others."""
    if not others.any() or not lines.any():
        return lines
    distance = cv2.distanceTransform((~others).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    far: Mask = lines & (np.asarray(distance) > tolerance_px + 1e-4)
    return far


# -------------------------------------------------------------------------------------------------------- objects


def object_pairs(truth: Labels, predicted: Labels) -> ObjectPairs:
    """Overlaps of the objects of two label images.

    Parameters
    ----------
    truth, predicted : array of int, (rows, columns)
        Object numbers, 0 = none. Pixels that are negative in the truth are not counted, and predicted objects with
        more than half of their pixels on them are left out.
    """
    _same_shape(truth, predicted)
    t, p, px = _runs(truth, predicted)
    known = t >= 0
    p_all, p_at = np.unique(p, return_inverse=True)
    whole, inside = (
        np.bincount(p_at, weights=weight, minlength=len(p_all)).astype(np.int64) for weight in (px, px * known)
    )
    kept = (p_all > 0) & (2 * inside >= whole)
    t_all, t_at = np.unique(t, return_inverse=True)
    t_px = np.bincount(t_at, weights=px, minlength=len(t_all)).astype(np.int64)
    objects = t_all > 0
    t_place, p_place = np.cumsum(objects) - 1, np.cumsum(kept) - 1
    both = objects[t_at] & kept[p_at]
    table = coo_array(
        (px[both], (t_place[t_at[both]], p_place[p_at[both]])), shape=(int(objects.sum()), int(kept.sum()))
    )
    table.sum_duplicates()
    rows, columns = table.coords
    common = table.data.astype(np.int64)
    return ObjectPairs(
        truth=t_all[objects],
        predicted=p_all[kept],
        at_truth=rows.astype(np.intp),
        at_predicted=columns.astype(np.intp),
        iou=common / (t_px[objects][rows] + inside[kept][columns] - common),
    )


def _runs(truth: Labels, predicted: Labels) -> tuple[Counts, Counts, Counts]:
    """Runs of equal pairs of labels along the rows, with their lengths: far fewer than pixels."""
    parts = []
    for one, other in zip(_strips(truth), _strips(predicted), strict=True):
        t, p = one.ravel(), other.ravel()
        start = np.flatnonzero(np.concatenate([[True], (t[1:] != t[:-1]) | (p[1:] != p[:-1])]))
        parts.append((t[start], p[start], np.diff(start, append=len(t))))
    found_t, found_p, found_px = (np.concatenate(part).astype(np.int64) for part in zip(*parts, strict=True))
    return found_t, found_p, found_px


def match(pairs: ObjectPairs, threshold: float = 0.5) -> Match:
    """Match objects one to one at one threshold: as many pairs as possible, then the largest sum of IoU.

    Above an IoU of 0.5 an object has at most one partner; at 0.5 and below the best assignment is found exactly.
    A pair whose IoU equals the threshold is a match.
    """
    chosen = matched(pairs, threshold)
    tp = len(chosen)
    return Match(
        tp=tp,
        fp=len(pairs.predicted) - tp,
        fn=len(pairs.truth) - tp,
        iou_sum=fsum(pairs.iou[chosen]),
    )


def matches(pairs: ObjectPairs, thresholds: Sequence[float] = THRESHOLDS) -> dict[float, Match]:
    """Match objects at several thresholds."""
    return {threshold: match(pairs, threshold) for threshold in thresholds}


def matched(pairs: ObjectPairs, threshold: float) -> Indices:
    """Places of the chosen pairs at one threshold."""
    if not threshold > 0:
        msg = f"threshold of the overlap is {threshold:g}; it must be above 0"
        raise MeasurementError(msg)
    good = np.flatnonzero(pairs.iou >= threshold)
    rows, columns = pairs.at_truth[good], pairs.at_predicted[good]
    if _single(rows) and _single(columns):
        return good
    return good[_assigned(rows, columns, pairs.iou[good])]


def _single(places: Indices) -> bool:
    return len(places) == 0 or int(np.bincount(places).max()) <= 1


def _assigned(rows: Indices, columns: Indices, iou: NDArray[np.float64]) -> Indices:
    """Best assignment of pairs of which some share an object; sparse, so that thousands of objects are no matter.

    Every true object may also stay alone, at a cost above that of any pair: a complete matching always exists, and
    the cheapest has the most pairs, of those the largest sum of IoU.
    """
    row_names, row = np.unique(rows, return_inverse=True)
    column_names, column = np.unique(columns, return_inverse=True)
    n = len(row_names)
    alone = np.arange(n)
    cost = np.concatenate([2 - iou / (2 * n), np.full(n, 3.0)])
    table = coo_array(
        (cost, (np.concatenate([row, alone]), np.concatenate([column, len(column_names) + alone]))),
        shape=(n, len(column_names) + n),
    ).tocsr()
    at_row, at_column = min_weight_full_bipartite_matching(table)
    taken = np.full(n, -1)
    taken[at_row] = at_column
    return np.flatnonzero(taken[row] == column)


# ---------------------------------------------------------------------------------------------------------- parts


def _strips(labels: Labels, pixels: int = 1 << 20) -> list[Labels]:
    """Whole rows of an image, about a million pixels at a time."""
    step = max(pixels // max(labels.shape[1], 1), 1)
    return [labels[top : top + step] for top in range(0, labels.shape[0], step)]


def _same_shape(truth: Labels, predicted: Labels) -> None:
    if truth.shape != predicted.shape:
        msg = f"truth has {truth.shape} px and prediction {predicted.shape}; only images of one size can be compared"
        raise MeasurementError(msg)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None
