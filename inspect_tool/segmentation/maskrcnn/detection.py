"""Objects of an image of any size: looked at in parts, at one scale or several, joined over the seams.

A part is seen with a margin for half the largest object that the network was trained for; an object belongs to the
part that holds the middle of its box, so that none is cut or counted twice. Where the two parts beside a seam disagree
about a middle, both may claim the object: what mostly covers another one is dropped when labels are painted.
Memory: one part, and a mask of 28 x 28 bytes for every object.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.model import Mask, Samples
from inspect_tool.segmentation.maskrcnn.network import MOST, CrowdedError, Detections, detected, joined
from inspect_tool.segmentation.networks.magnification import resized
from inspect_tool.segmentation.networks.runtime import Batch, OutOfMemoryError
from inspect_tool.segmentation.networks.tiling import Area, wider
from inspect_tool.segmentation.networks.weights import normalized

STEP = 4.0  # between scales
LARGER = 1.25  # diameters over the largest of the training that are taken from a scale, and that a margin allows for
CONTEXT_PX = 32  # what a margin shows beside the largest object
SMALLEST_PX = 32  # side of a part that is not taken in quarters any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Scales at which an image is looked at, finest first, and which objects each of them is there for."""

    scales: tuple[float, ...]
    trained_px: tuple[float, float]  # diameters that the network sees whole, at its own scale

    @staticmethod
    def covering(smallest: float, largest: float, trained: tuple[float, float]) -> tuple[float, ...]:
        """Scales that bring diameters from ``smallest`` to ``largest`` into the range of the training.

        >>> Sizes.covering(8, 100, (8, 110)), Sizes.covering(8, 400, (8, 110)), Sizes.covering(4, 100, (8, 110))
        ((1.0,), (1.0, 0.25), (2.0, 0.5))
        """
        low, high = trained
        scale = 2.0 if smallest < low else 1.0
        while smallest * scale / 2 >= 2 * low and largest * scale > high:
            scale /= 2
        scales = [scale]
        while largest * scales[-1] > high:
            scales.append(scales[-1] / STEP)
        return tuple(scales)

    def kept(self, found: Detections, level: int) -> Detections:
        """Those of one scale that it is there for; diameters at the scale of the network. [px]"""
        high = self.trained_px[1]
        boxes = found.boxes
        diameters = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))
        keep = np.ones(len(found), bool)
        if level < len(self.scales) - 1:
            keep &= diameters <= LARGER * high
        if level > 0:
            keep &= diameters >= high / STEP
        return found[keep]


@dataclass(slots=True, kw_only=True, eq=False)
class Seen:
    """One image as the network is to see it; what changes on the way is stated."""

    network: Any
    channels: int
    inclusive: bool  # what its boxes are, see ``detected``
    pixels: Samples  # (rows, columns) or (rows, columns, 3)
    gray: tuple[float, float]  # which become 0 and 1
    path: str
    roi: Mask | None
    tile_px: int
    notes: list[str] = field(default_factory=list)
    cut: int = 0  # objects of which an edge of their part cuts something off
    quarters: int = 0  # parts that were taken in quarters


def detections(image: Seen, sizes: Sizes) -> tuple[Detections, dict[str, object]]:
    """Objects of a whole image, in its pixels, and what the report states of the way."""
    parts = [Detections.none()]
    for level, scale in enumerate(sizes.scales):
        parts += _level(image, sizes, level, scale)
    device = next(image.network.parameters()).device.type
    facts: dict[str, object] = {"device": device, "engine": "torch", "precision": "fp32", "tile_px": image.tile_px}
    facts |= {"parts_in_quarters": image.quarters, "retreats": tuple(image.notes)}
    if image.cut:
        facts["cut_objects"] = image.cut
        facts["size_note"] = f"{image.cut} objects are larger than the network sees whole; set scale or object_px"
    return joined(parts), facts


def _level(image: Seen, sizes: Sizes, level: int, scale: float) -> Iterator[Detections]:
    """Objects of one scale, part by part, in pixels of the image."""
    shape = image.pixels.shape[:2]
    pixels = resized(image.pixels, scale)
    ratio = np.array([shape[1] / pixels.shape[1], shape[0] / pixels.shape[0]] * 2, np.float32)
    margin = ceil(LARGER / 2 * sizes.trained_px[1]) + CONTEXT_PX
    for part in _parts((slice(0, pixels.shape[0]), slice(0, pixels.shape[1])), image.tile_px):
        if image.roi is not None and not _reaches(image.roi, part, ratio):
            continue
        for found in _part(image, pixels, part, margin):
            kept = sizes.kept(found, level)
            yield replace(kept, boxes=(kept.boxes + np.float32(0.5)) * ratio - np.float32(0.5))


def _part(image: Seen, pixels: Samples, part: Area, margin: int) -> Iterator[Detections]:
    """Objects that belong to a part, in pixels of the scaled image; in quarters where it is too much at once."""
    shape = (pixels.shape[0], pixels.shape[1])
    window = wider(part, margin, shape)
    top, left = window[0].start, window[1].start
    side = max(cut.stop - cut.start for cut in part)
    try:
        found = detected(image.network, _given(image, pixels[window]), inclusive=image.inclusive)
    except FloatingPointError:
        msg = (
            f"{image.path}: part at row {part[0].start}, column {part[1].start}: the network gives values that are not "
            "finite numbers; check the weights"
        )
        raise BackendError(msg) from None
    except (CrowdedError, OutOfMemoryError) as error:
        if side > SMALLEST_PX:
            image.quarters += 1
            for quarter in _parts(part, ceil(side / 2)):
                yield from _part(image, pixels, quarter, margin)
        elif isinstance(error, OutOfMemoryError):
            image.network = deepcopy(image.network).cpu()  # other fields may still use the device
            image.notes.append("device out of memory: network on the CPU")
            yield from _part(image, pixels, part, margin)
        else:
            msg = (
                f"{image.path}: more than {MOST} places for objects around row {part[0].start}, column {part[1].start} "
                "at the scale of the network; they are too small for it: set a larger scale, or another backend"
            )
            raise BackendError(msg) from None
        return
    boxes = found.boxes + np.array([left, top, left, top], np.float32)
    own = np.ones(len(found), bool)
    cut = np.zeros(len(found), bool)
    for axis, (low, high) in enumerate(((1, 3), (0, 2))):
        # the middle of a pixel is at a whole number, so that the first part begins at -0.5
        middle = (boxes[:, low] + boxes[:, high]) / 2 + 0.5
        own &= (middle >= part[axis].start) | (part[axis].start == 0)
        own &= (middle < part[axis].stop) | (part[axis].stop == shape[axis])
        cut |= (boxes[:, low] < window[axis].start + 1) & (window[axis].start > 0)
        cut |= (boxes[:, high] > window[axis].stop - 2) & (window[axis].stop < shape[axis])
    image.cut += int((own & cut).sum())
    yield replace(found, boxes=boxes)[own]


def _given(image: Seen, pixels: Samples) -> Batch:
    """Gray values of a window as the network takes them: (1, channels, rows, columns)."""
    low, high = image.gray
    made = normalized(pixels, low, high)  # of a negative span too: light and dark change places
    planes = made[None] if made.ndim == 2 else np.moveaxis(made, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(planes, (image.channels, *made.shape[:2]))[None])


def _parts(area: Area, side: int) -> list[Area]:
    """Parts of about ``side`` pixels that together are the area.

    >>> _parts((slice(0, 100), slice(50, 250)), 100)
    [(slice(0, 100, None), slice(50, 150, None)), (slice(0, 100, None), slice(150, 250, None))]
    """
    cuts = []
    for axis in area:
        count = max(1, ceil((axis.stop - axis.start) / side))
        edges = [axis.start + (axis.stop - axis.start) * n // count for n in range(count + 1)]
        cuts.append([slice(*pair) for pair in pairwise(edges)])
    return list(product(*cuts))  # type: ignore[arg-type]


def _reaches(roi: Mask, part: Area, ratio: NDArray[np.float32]) -> bool:
    """Whether anything of a part of the scaled image lies in the region."""
    rows, columns = (
        slice(int(cut.start * by), ceil(cut.stop * by)) for cut, by in zip(part, (ratio[1], ratio[0]), strict=True)
    )
    return bool(roi[rows, columns].any())
