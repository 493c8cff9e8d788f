"""Scores of a network on whole annotated images, predicted as the backend predicts them."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from math import nan
from operator import add

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from inspect_tool.segmentation.networks import tiling
from inspect_tool.segmentation.networks.runtime import Batch
from inspect_tool.segmentation.unet import GRAINS
from inspect_tool.training import metrics
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.augment import Target
from inspect_tool.training.fit import Validate
from inspect_tool.training.samples import Sample

JUDGED_PX = 6_000_000  # of all images together, while the network learns


def validation(judging: Sequence[Sample], classes: Sequence[str]) -> Validate:
    """Make the function that scores a network on whole images.

    ``score`` is the mean IoU of the classes, for boundaries F1 within ``metrics.TOLERANCE_PX``; besides, the IoU and
    the mean error of the area share (points) of every class. Counts of all images are added before a score is taken.
    """

    def validate(network: nn.Module) -> dict[str, float]:
        overlaps, lines = [], []
        for sample in judging:
            found = predicted_classes(network, sample)
            overlaps.append(metrics.class_overlaps(sample.target, found, len(classes)))
            if tuple(classes) == GRAINS:
                lines.append(line_match(sample.target, found))
        together = [reduce(add, each) for each in zip(*overlaps, strict=True)]
        mean_iou = metrics.mean_of(overlap.iou for overlap in together)
        scores = {"score": (reduce(add, lines).f1 if lines else mean_iou) or 0.0}
        for k, name in enumerate(classes):
            iou = together[k].iou
            scores[f"iou.{name}"] = nan if iou is None else iou
            scores[f"area_error.{name}"] = float(np.mean([_area_error(each, k) for each in overlaps]))
        return scores

    return validate


def in_part(judging: Sequence[Sample], most_px: int = JUDGED_PX) -> tuple[Sample, ...]:
    """Cut a part out of each image, so that judging costs little beside learning; small sets stay whole.

    Of nine parts of an image the one with the most classes, and then the most annotated pixels, is taken.
    """
    total = sum(sample.target.size for sample in judging)
    if total <= most_px:
        return tuple(judging)
    share = (most_px / total) ** 0.5
    return tuple(_richest_part(sample, share) for sample in judging)


def _richest_part(sample: Sample, share: float) -> Sample:
    rows, columns = (max(1, round(share * side)) for side in sample.target.shape)
    areas = [
        (slice(top, top + rows), slice(left, left + columns))
        for top in ((sample.target.shape[0] - rows) * i // 2 for i in range(3))
        for left in ((sample.target.shape[1] - columns) * i // 2 for i in range(3))
    ]

    def worth(area: tuple[slice, slice]) -> tuple[int, int]:
        part = sample.target[area]
        return len(np.unique(part[part != UNKNOWN])), int((part != UNKNOWN).sum())

    area = max(areas, key=worth)
    return replace(sample, image=sample.image[area], target=sample.target[area])


def _area_error(overlaps: Sequence[metrics.Overlap], k: int) -> float:
    """Difference of the area share of a class in one image, as measured and as annotated. [points]"""
    annotated = sum(overlap.truth for overlap in overlaps)
    return 100 * abs(overlaps[k].predicted - overlaps[k].truth) / max(annotated, 1)


def predicted_classes(network: nn.Module, sample: Sample) -> Target:
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


def line_match(target: Target, found: Target) -> metrics.BoundaryMatch:
    """Compare drawn and found lines (class 1), of whatever width, within a tolerance.

    >>> target, found = np.zeros((5, 9), np.int32), np.zeros((5, 9), np.int32)
    >>> target[:, 4], found[:, 5] = 1, 1
    >>> line_match(target, found).f1
    1.0
    """
    drawn, seen = target == 1, (found == 1) & (target != UNKNOWN)
    near_drawn, near_seen = (
        cv2.distanceTransform((~line).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= metrics.TOLERANCE_PX
        for line in (drawn, seen)
    )
    return metrics.BoundaryMatch(
        truth_near=int((drawn & near_seen).sum()),
        truth=int(drawn.sum()),
        predicted_near=int((seen & near_drawn).sum()),
        predicted=int(seen.sum()),
    )
