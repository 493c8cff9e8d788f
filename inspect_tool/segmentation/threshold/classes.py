"""Classes of an image by the ranks of its pixels: numbers, names, and what is too small to be one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.bits import classes_like
from inspect_tool.pixels.parts import connected_parts
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation.threshold.bands import bands, by_bands, count, put
from inspect_tool.segmentation.threshold.settings import Settings


def labels_of(
    ranks: NDArray[np.uint8], n: int, settings: Settings, roi: Mask | None
) -> tuple[LabelImage, dict[int, str], str]:
    """Labels by the rank of every pixel among n classes, 0 for the darkest; names by number; the phase of interest."""
    phase = settings.phase
    if phase == "auto":
        phase = "dark" if 2 * count(ranks, 0, roi) <= (ranks.size if roi is None else roi.sum()) else "bright"
    order, classes = numbered(n, settings, phase)
    table = np.zeros(256, np.int32)
    table[:n] = order
    is_stored = isinstance(ranks, StoredImage)
    labels: LabelImage = by_bands(lambda part: cv2.LUT(part, table), ranks, dtype=np.uint8 if is_stored else np.int32)
    for number in range(1, n):
        _tidy(labels, number, settings)
    if roi is not None:
        for rows in bands(ranks.shape):
            put(labels, rows, ~roi[rows], 0)
    if is_stored:
        told = ((rows, np.asarray(labels[rows], np.uint8)) for rows in bands(ranks.shape))
        labels = classes_like(ranks, range(1, n), told)
    return labels, classes, phase


def numbered(n: int, settings: Settings, phase: str) -> tuple[list[int], dict[int, str]]:
    """Number of the class of each rank, from the darkest on, and the names by number."""
    names = settings.classes or {2: ("dark", "bright"), 3: ("dark", "gray", "bright")}.get(
        n, tuple(f"gray {i + 1}" for i in range(n))
    )
    order = [(rank + 1) % n for rank in range(n)] if phase == "dark" else list(range(n))
    return order, {order[rank]: names[rank] for rank in range(n)}


def _tidy(labels: LabelImage, number: int, settings: Settings) -> None:
    """Drop small objects of a class and fill small holes in it; in place."""
    before = by_bands(np.array, labels, dtype=labels.dtype) if settings.fill_holes_px > 1 else None
    if settings.min_object_px > 1:
        objects = connected_parts(lambda top, bottom: labels[top:bottom] == number, labels.shape)
        for rows, small in objects.places(objects.area < settings.min_object_px):
            put(labels, rows, small, 0)
    if before is not None:  # small objects went
        holes = connected_parts(lambda top, bottom: before[top:bottom] != number, labels.shape, 4)
        for rows, small in holes.places(holes.area < settings.fill_holes_px):
            put(labels, rows, small, number)
