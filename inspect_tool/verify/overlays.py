"""Pictures against masks: whether what is drawn over the pictures of a report is what its masks and marks draw."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspect_tool.model import FieldMeasurement, MicrographRecord, Segmentation
from inspect_tool.mosaic.classes import step_of
from inspect_tool.pixels.bits import BitClasses, sampled
from inspect_tool.pixels.png import own_limits
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.report import field_pictures

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
    """Draw the outlines of a field again and compare: how many pictures could be, and what differs.

    Marks are taken as their files show them: some are set by the gray values of an image that is not here.

    Parameters
    ----------
    record : MicrographRecord
    segmentation, measurement
        What was measured, from the masks.
    read : callable
        Gives the bytes of a picture that the record names; None: it is not there.
    exact : bool
        The pictures were made with the same libraries: an overlay is the same to the last byte.
    """
    shape, scale = (record.height_px, record.width_px), record.picture_scale
    if isinstance(segmentation.labels, BitClasses | StoredImage):  # drawn from every so many pixels, as it was
        by = step_of(shape)
        segmentation = replace(segmentation, labels=sampled(segmentation.labels, by))
        shape, scale = (-(-shape[0] // by), -(-shape[1] // by)), scale * by
    if not 0 < scale * max(shape) <= field_pictures.PICTURE_PX + 1:
        return 0, [f"{record.picture}: its scale {record.picture_scale:g} is that of no picture of a report"]
    picture, overlay = read(record.picture), read(record.overlay)
    layers = {layer.name: read(layer.file) for layer in record.layers}
    drawn = {name: data for name, data in layers.items() if data is not None}
    if picture is None or overlay is None or len(drawn) < len(layers) or "segmentation" not in drawn:
        return 0, []
    unlike: list[str] = []
    size = field_pictures.picture_size(shape, scale)
    ways = (field_pictures.segmentation_layer(segmentation, size, stroke) for stroke in field_pictures.STROKES)
    outlines = next((way for way in ways if _same_layer(drawn["segmentation"], way)), None)
    if outlines is None:
        outlines = field_pictures.segmentation_layer(segmentation, size)
        unlike += [
            f"{layer.file}: is not what the masks draw" for layer in record.layers if layer.name == "segmentation"
        ]
    drawn["segmentation"] = outlines
    labels = field_pictures.label_layers(measurement.marks)
    burned = [data for name, data in drawn.items() if name not in labels]
    if not (_burned(picture, burned) == overlay if exact else _apart(picture, overlay, burned) <= LARGEST):
        unlike.append(f"{record.overlay}: is not the picture with the outlines that the masks draw")
    return 2, unlike


def same_picture(data: bytes, wanted: bytes) -> bool:
    """Whether a picture, perhaps reduced for paper, is the one that is drawn of its image."""
    shown = _pixels(data, "RGB")
    if shown is None:
        return False
    drawn = _pixels(field_pictures.reduced(wanted, max(shown.shape[:2])), "RGB")
    return drawn is not None and drawn.shape == shown.shape and difference(shown, drawn) <= LARGEST / 2


def _same_layer(data: bytes, wanted: bytes) -> bool:
    one, other = _pixels(data, "RGBA"), _pixels(wanted, "RGBA")
    return one is not None and other is not None and np.array_equal(one, other)


def _burned(picture: bytes, layers: list[bytes]) -> bytes | None:
    """The overlay that a picture and its layers make; None: they are no such pictures."""
    base, *drawn = (_pixels(data, "RGBA") for data in (picture, *layers))
    if base is None or any(layer is None or not _fits(layer, base) for layer in drawn):
        return None
    return field_pictures.composite(picture, layers)


def _fits(layer: NDArray[np.uint8], base: NDArray[np.uint8]) -> bool:
    """Whether a layer is as wide as a picture, and not taller: the strip of the scale bar stays clear."""
    return len(layer) <= len(base) and layer.shape[1] == base.shape[1]


def _apart(picture: bytes, overlay: bytes, layers: list[bytes]) -> float:
    """How far an overlay is from a picture with layers on it [gray levels]; infinite: they are no such pictures."""
    base, shown = _pixels(picture, "RGB"), _pixels(overlay, "RGB")
    if base is None or shown is None:
        return np.inf
    wanted = base.astype(np.float32)
    for data in layers:
        layer = _pixels(data, "RGBA")
        if layer is None or not _fits(layer, base):
            return np.inf
        alpha = layer[..., 3:].astype(np.float32) / 255
        color = layer[..., :3] * alpha
        wanted[: len(layer)] += color - wanted[: len(layer)] * alpha
    drawn = field_pictures.shrunk(np.clip(np.rint(wanted), 0, 255).astype(np.uint8))
    return difference(shown, drawn) if shown.shape == drawn.shape else np.inf


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
