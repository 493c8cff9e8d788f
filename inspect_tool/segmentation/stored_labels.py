"""A label image of the user that is too large to be held: read window by window into an image on the disk."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.files import sha256_file
from inspect_tool.images import readers
from inspect_tool.images.readers import PixelWindows
from inspect_tool.measure.edges import present_labels
from inspect_tool.measure.flooding import strips
from inspect_tool.model import LabelImage, Micrograph, Segmentation
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.mask_signs import FULL, MOST_LINES, check_no_noise, is_thin

if TYPE_CHECKING:
    from inspect_tool.segmentation.labels import Settings

LARGEST = 100_000_000
"""Largest number of an object: tables have a place for each."""


def segment(path: Path, micrograph: Micrograph, settings: "Settings", start: float) -> Segmentation:
    """Read a label image; ``start`` is when this began, by ``perf_counter``.

    Raises
    ------
    ReadError
        It cannot be read by windows, has another size, or its numbers are no objects.
    """
    shape = micrograph.pixels.shape
    labels: LabelImage = zeros_like(micrograph.pixels, np.int32)
    with readers.windows(path) as opened:
        if opened.shape != shape:
            msg = f"{path}: has {opened.shape[1]} x {opened.shape[0]} pixels, the image {shape[1]} x {shape[0]}"
            raise ReadError(msg)
        if opened.color is not None:
            msg = f"{path}: a label image that is read by windows has one number for each pixel, this one has colors"
            raise ReadError(msg)
        if opened.dtype.kind not in "iu":
            msg = f"{path}: a label image that is read by windows holds integers, this one {opened.dtype}"
            raise ReadError(msg)
        for rows in strips(shape):
            part = opened[rows]
            if int(part.min()) < 0 or int(part.max()) > LARGEST:
                msg = (
                    f"{path}: object numbers are 0 to {LARGEST} by windows, this image has {part.min()} to {part.max()}"
                )
                raise ReadError(msg)
            labels[rows] = part
        present = present_labels(labels)
        _check(path, opened, labels, len(present))
    lines = 0.0 if settings.boundary_pixels == "kept" else _line_share(labels)
    if lines and (
        settings.boundary_pixels == "given back"
        or (lines < MOST_LINES and is_thin(lambda rows: labels[rows] == 0, shape))
    ):
        msg = (
            f"{path}: {100 * lines:.3g} % of the pixels are 0, in thin lines, which are not given back by windows; "
            'save the image without lines, or say boundary_pixels = "kept"'
        )
        raise ReadError(msg)
    if micrograph.roi is not None:
        for rows in strips(shape):
            labels[rows] = np.where(micrograph.roi[rows], labels[rows], 0)
    found: dict[str, Any] = {"objects": len(present), "renumbered": False, "boundary_pixels": "kept"}
    return Segmentation(
        labels=labels,
        classes={1: next((name for key, name in settings.classes.items() if key.strip() != "0"), "object")},
        kind="instance",
        backend="labels",
        settings={"mask": path.name, "mask_sha256": sha256_file(path), "kind": "labels", **found},
        seconds=perf_counter() - start,
    )


def _check(path: Path, opened: PixelWindows, labels: LabelImage, count: int) -> None:
    """Refuse numbers that were cut off, and noise."""
    if not count:
        msg = f"{path}: the label image is empty"
        raise ReadError(msg)
    bits = 8 * opened.dtype.itemsize
    if bits <= 16 and count >= FULL * 2**bits:
        msg = f"{path}: {count} object numbers, all that {bits} bits can hold; save it with {2 * bits} bits per pixel"
        raise ReadError(msg)
    check_no_noise(path, labels)


def _line_share(labels: LabelImage) -> float:
    zeros = sum(int(np.count_nonzero(labels[rows] == 0)) for rows in strips(labels.shape))
    return zeros / (labels.shape[0] * labels.shape[1])
