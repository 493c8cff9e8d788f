"""Scores of a network on whole annotated images, predicted as the backend predicts them."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspect_tool.backends import tiling
from inspect_tool.backends.runtime import Batch
from inspect_tool.model import LabelImage
from inspect_tool.training.fit import Validate
from inspect_tool.training.losses import UNKNOWN
from inspect_tool.training.samples import GRAIN_CLASSES, Sample

LINE_TOLERANCE_PX = 2.0  # a boundary found this far from the drawn one is found


def validation(judging: Sequence[Sample], classes: Sequence[str]) -> Validate:
    """Make the function that scores a network on whole images.

    ``score`` is the mean IoU of the classes, for boundaries F1 within ``LINE_TOLERANCE_PX``; besides, the IoU and the
    error of the area share (points) of every class.
    """

    def validate(network: nn.Module) -> dict[str, float]:
        table = np.zeros((len(classes), len(classes)), dtype=np.int64)
        errors, lines = [], np.zeros(4)
        for sample in judging:
            found = predicted_classes(network, sample)
            counts = confusion(sample.target, found, len(classes))
            table += counts
            errors.append(100 * (counts.sum(axis=0) - counts.sum(axis=1)) / max(int(counts.sum()), 1))
            if tuple(classes) == GRAIN_CLASSES:
                lines += _line_counts(sample.target, found)
        iou = overlap(table)
        scores = {"score": float(np.nanmean(iou))}
        if tuple(classes) == GRAIN_CLASSES:
            scores["score"] = float(2 * lines[0] * lines[2] / max(lines[0] * lines[3] + lines[2] * lines[1], 1.0))
        for k, name in enumerate(classes):
            scores[f"iou.{name}"] = float(iou[k])
            scores[f"area_error.{name}"] = float(np.mean([abs(error[k]) for error in errors]))
        return scores

    return validate


def predicted_classes(network: nn.Module, sample: Sample) -> LabelImage:
    """Most probable class of every pixel of an image of any size, tile by tile as in the backend."""
    place = next(network.parameters()).device

    def read(area: tiling.Area) -> NDArray[np.float32]:
        return np.ascontiguousarray(sample.image[area].transpose(2, 0, 1))

    def run(batch: Batch) -> Batch:
        made: Batch = network(torch.from_numpy(batch).to(place)).float().cpu().numpy()
        return made

    stride = int(network.stride)  # type: ignore[arg-type]  # modules type every attribute as a tensor
    tile = max(tiling.TILE_PX // stride, 2) * stride
    overlap_px = tiling.OVERLAP_PX // stride * stride
    grid = tiling.Grid(tile_px=tile, overlap_px=overlap_px, stride=stride)
    found = np.empty(sample.target.shape, dtype=np.int32)
    for rows, scores in tiling.predicted(read, (found.shape[0], found.shape[1]), run, grid, sample.name):
        found[rows] = scores.argmax(axis=0)
    return found


def confusion(target: LabelImage, found: LabelImage, classes: int) -> NDArray[np.int64]:
    """Count annotated pixels by true class (rows) and found class (columns).

    >>> confusion(np.array([[0, 1, -1]], dtype=np.int32), np.array([[1, 1, 1]], dtype=np.int32), 2).tolist()
    [[0, 1], [0, 1]]
    """
    known = target != UNKNOWN
    pairs = target[known].astype(np.int64) * classes + found[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def overlap(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for one that is neither there nor found."""
    both = np.diag(table).astype(np.float64)
    either = table.sum(axis=0) + table.sum(axis=1) - both
    return np.divide(both, either, out=np.full(len(both), np.nan), where=either > 0)


def _line_counts(target: LabelImage, found: LabelImage) -> NDArray[np.float64]:
    """Boundary pixels found that are near a drawn one, found; drawn that are near a found one, drawn."""
    known = target != UNKNOWN
    drawn_, found_ = target == 1, (found == 1) & known
    near_drawn = cv2.distanceTransform((~drawn_).astype(np.uint8), cv2.DIST_L2, 5) <= LINE_TOLERANCE_PX
    near_found = cv2.distanceTransform((~found_).astype(np.uint8), cv2.DIST_L2, 5) <= LINE_TOLERANCE_PX
    return np.array(
        [(found_ & near_drawn).sum(), found_.sum(), (drawn_ & near_found).sum(), drawn_.sum()], dtype=np.float64
    )
