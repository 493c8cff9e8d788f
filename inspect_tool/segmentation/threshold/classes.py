"""Classes of an image by the ranks of its pixels: numbers, names, and what is too small to be one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import connected_parts
from inspect_tool.segmentation.threshold.settings import Settings


def labels_of(
    ranks: NDArray[np.uint8], n: int, settings: Settings, roi: Mask | None
) -> tuple[LabelImage, dict[int, str], str]:
    """Labels by the rank of every pixel among n classes, 0 for the darkest; names by number; the phase of interest."""
    phase = settings.phase
    if phase == "auto":
        dark = np.count_nonzero((ranks == 0) if roi is None else (ranks == 0) & roi)
        phase = "dark" if 2 * dark <= (ranks.size if roi is None else np.count_nonzero(roi)) else "bright"
    order, classes = numbered(n, settings, phase)
    table = np.zeros(256, np.int32)
    table[:n] = order
    labels: LabelImage = np.asarray(cv2.LUT(ranks, table), dtype=np.int32)
    for number in range(1, n):
        _tidy(labels, number, settings)
    if roi is not None:
        labels[~roi] = 0
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
    around = labels != number if settings.fill_holes_px > 1 else None  # before small objects go
    if settings.min_object_px > 1:
        objects = connected_parts(lambda top, bottom: labels[top:bottom] == number, labels.shape)
        for rows, small in objects.places(objects.area < settings.min_object_px):
            labels[rows][small] = 0
    if around is not None:
        holes = connected_parts(lambda top, bottom: around[top:bottom], labels.shape, 4)
        for rows, small in holes.places(holes.area < settings.fill_holes_px):
            labels[rows][small] = number
