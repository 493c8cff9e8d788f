"""Pictures against masks: whether what is drawn over the pictures of a report is what its masks and marks draw."""

from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspect_tool.evidence import own_limits
from inspect_tool.model import FieldMeasurement, MicrographRecord, Segmentation
from inspect_tool.report import figures

BLOCK_PX = 8
LARGEST = 70.0
"""Largest difference of the mean of a block of so many pixels squared [gray levels of 255], where pictures are not made
again byte for byte. Untouched overlays of noisy fields differ by up to 49 from their picture with its layers, which are
stored with other losses; those of another field, shifted by 3 pixels or without outlines by 94 and more."""
_LARGEST_PX = 20_000_000


def differences(
    record: MicrographRecord,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    read: Callable[[str], bytes | None],
    exact: bool,
) -> tuple[int, list[str]]:
    """Draw the layers of a field again and compare: how many pictures could be, and what differs.

    Parameters
    ----------
    record : MicrographRecord
    segmentation, measurement
        What was measured, from the masks.
    read : callable
        Gives the bytes of a picture that the record names; None: it is not there. On paper it may be smaller.
    exact : bool
        The pictures are not reduced and were made with the same libraries: an overlay is the same to the last byte.
    """
    shape = (record.height_px, record.width_px)
    if not 0 < record.picture_scale * max(shape) <= figures.PICTURE_PX + 1:
        return 0, [f"{record.picture}: its scale {record.picture_scale:g} is that of no picture of a report"]
    size = figures.picture_size(shape, record.picture_scale)
    drawn = {
        "segmentation": figures.segmentation_layer(segmentation, size),
        **figures.mark_layers(measurement.marks, record.picture_scale, size),
    }
    count = 0
    unlike: list[str] = []
    for layer in record.layers:
        data = read(layer.file)
        if data is None:
            continue
        count += 1
        if layer.name not in drawn or not _same_layer(data, drawn[layer.name]):
            unlike.append(f"{layer.file}: is not the layer that masks and marks draw")
    picture, overlay = read(record.picture), read(record.overlay)
    if picture is not None and overlay is not None:
        count += 1
        labels = figures.label_layers(measurement.marks)
        burned = [data for name, data in drawn.items() if name not in labels]
        alike = figures.composite(picture, burned) == overlay if exact else _same_overlay(picture, overlay, burned)
        if not alike:
            unlike.append(f"{record.overlay}: is not the picture with the outlines that the masks draw")
    return count, unlike


def same_picture(data: bytes, wanted: bytes) -> bool:
    """Whether a picture, perhaps reduced for paper, is the one that is drawn of its image."""
    shown = _pixels(data, "RGB")
    if shown is None:
        return False
    drawn = _pixels(figures.reduced(wanted, max(shown.shape[:2])), "RGB")
    return drawn is not None and drawn.shape == shown.shape and difference(shown, drawn) <= LARGEST / 2


def _same_layer(data: bytes, wanted: bytes) -> bool:
    one, other = _pixels(data, "RGBA"), _pixels(wanted, "RGBA")
    return one is not None and other is not None and np.array_equal(one, other)


def _same_overlay(picture: bytes, overlay: bytes, layers: list[bytes]) -> bool:
    """Whether an overlay is a picture with layers on it, both perhaps reduced alike."""
    base, shown = _pixels(picture, "RGB"), _pixels(overlay, "RGB")
    if base is None or shown is None or base.shape != shown.shape:
        return False
    wanted = base.astype(np.float32)
    for data in layers:
        layer = _pixels(data, "RGBA")
        assert layer is not None
        alpha = layer[..., 3:].astype(np.float32) / 255
        color = layer[..., :3] * alpha
        rows, columns = layer.shape[:2]
        if columns != shown.shape[1]:
            columns, rows = shown.shape[1], round(rows * shown.shape[1] / columns)
            color = _reduced(color, columns, rows)
            alpha = _reduced(alpha, columns, rows).reshape(rows, columns, 1)
        rows = min(rows, len(wanted))
        wanted[:rows] += color[:rows] - wanted[:rows] * alpha[:rows]
    return bool(difference(shown, wanted) <= LARGEST)


def _reduced(values: NDArray[np.float32], columns: int, rows: int) -> NDArray[np.float32]:
    return cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)


def difference(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Largest difference of the means of blocks of two pictures of one size (rows, columns, 3) [gray levels]."""
    apart = one.astype(np.float32) - other.astype(np.float32)
    return float(np.abs(cv2.blur(apart, (BLOCK_PX, BLOCK_PX))).max(initial=0.0))


def _pixels(data: bytes, mode: str) -> NDArray[np.uint8] | None:
    """A picture decoded; None: it is none, or too large to be one of a report."""
    try:
        with own_limits(), Image.open(BytesIO(data), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > _LARGEST_PX:
                return None
            return np.asarray(image.convert(mode))
    except (OSError, ValueError, SyntaxError):
        return None
