"""Flows and object scores of an image of any size, by Cellpose's own tiling (``cellpose.core.run_net``)."""

from importlib import import_module
from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.kept import made_once
from inspect_tool.segmentation.cellpose.network import Model
from inspect_tool.segmentation.networks.runtime import OutOfMemoryError
from inspect_tool.segmentation.networks.tiling import Area, wider
from inspect_tool.segmentation.networks.weights import normalized

CONTEXT_PX = 64  # what a chunk sees beyond its own part, at the scale of the network [px]
KEPT_BYTES = 256_000_000  # flows that are kept for the alternatives; more are predicted again
NOTHING = -100.0  # object score where the network was not asked: outside of what counts
SAME = 1e-5  # share by which one and the same value varies, because tiles are averaged
FLAT = 0.02  # an image that varies less may give a constant answer

Flows = NDArray[np.float32]  # (3, rows, columns): flow along the rows, along the columns, object score


class FlowField:
    """Flows and object scores of a whole image: predicted where they are asked for, kept as far as there is room.

    Those of an image on the disk are kept there as well (``made_once``).
    """

    def __init__(
        self,
        model: Model,
        pixels: GrayImage,
        span: tuple[float, float],
        scale: float,
        *,
        roi: Mask | None,
        path: str,
        chunk_px: int,
        invert: bool,
    ) -> None:
        self.model, self.pixels, self.span, self.invert = model, pixels, span, invert
        self.scale = scale if abs(scale - 1) > 0.01 else 1.0
        self.roi, self.path = roi, path
        part = max(256, round(chunk_px / max(1.0, scale)))
        self.parts = tuple(_parts(size, part) for size in pixels.shape)  # rows and columns of the chunks
        self.kept: dict[tuple[int, int], NDArray[np.float16]] = {}
        self.seen = np.zeros((len(self.parts[0]), len(self.parts[1])), bool)

    @property
    def coverage(self) -> float:
        """Share of the pixels that the network looked at."""
        rows, columns = (np.array([high - low for low, high in parts]) for parts in self.parts)
        return float((rows[:, None] * columns * self.seen).sum()) / self.pixels.size

    def at(self, area: Area) -> Flows:
        """Flows and scores of an area, joined from its chunks."""
        made = np.empty((3, area[0].stop - area[0].start, area[1].stop - area[1].start), np.float32)
        for i, rows in enumerate(self.parts[0]):
            for k, columns in enumerate(self.parts[1]):
                top, bottom = max(rows[0], area[0].start), min(rows[1], area[0].stop)
                left, right = max(columns[0], area[1].start), min(columns[1], area[1].stop)
                if top < bottom and left < right:
                    chunk = self._chunk(i, k)
                    made[
                        :, top - area[0].start : bottom - area[0].start, left - area[1].start : right - area[1].start
                    ] = chunk[:, top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]]
        return made

    def _chunk(self, i: int, k: int) -> NDArray[np.float16]:
        if (i, k) not in self.kept:
            made = made_once(
                self.pixels,
                f"flows {self.scale!r} {i} {k}",
                lambda: {"flows": self._predicted(self.parts[0][i], self.parts[1][k])},
            )["flows"]
            self.seen[i, k] |= bool(made[2].max() > NOTHING)
            while self.kept and sum(item.nbytes for item in self.kept.values()) + made.nbytes > KEPT_BYTES:
                del self.kept[next(iter(self.kept))]  # the oldest
            self.kept[i, k] = made
        return self.kept[i, k]

    def _predicted(self, rows: tuple[int, int], columns: tuple[int, int]) -> NDArray[np.float16]:
        context = ceil(CONTEXT_PX / min(self.scale, 1.0))
        wide = wider((slice(*rows), slice(*columns)), context, self.pixels.shape)
        top, left = wide[0].start, wide[1].start
        inner = (slice(rows[0] - top, rows[1] - top), slice(columns[0] - left, columns[1] - left))
        if self.roi is not None and not self.roi[slice(*rows), slice(*columns)].any():
            nothing = np.zeros((3, rows[1] - rows[0], columns[1] - columns[0]), np.float16)
            nothing[2] = NOTHING
            return nothing
        image = normalized(self.pixels[wide], *self.span)
        if self.invert:
            image = 1 - image
        given = np.zeros((*image.shape, self.model.network.channels), np.float32)
        given[..., 0] = image
        made = _run(self.model, given, self.scale)
        if made.shape[:2] != image.shape:
            made = import_module("cellpose.transforms").resize_image(made, *image.shape)
        self._sound(made, image, (top, left))
        return np.clip(made[inner], -6e4, 6e4).transpose(2, 0, 1).astype(np.float16)

    def _sound(self, made: NDArray[np.float32], image: NDArray[np.float32], origin: tuple[int, int]) -> None:
        """Refuse flows that are no numbers, and a tile of one and the same value where the image is not uniform."""
        bad = ~np.isfinite(made).all(axis=2)
        if bad.any():
            row, column = np.argwhere(bad)[0] + origin
            msg = (
                f"{self.path}: row {row}, column {column}: the network gives values that are not finite numbers; "
                'check the weights, or set precision = "fp32"'
            )
            raise BackendError(msg)
        side = max(16, round(self.model.network.tile_px / self.scale))
        for top in range(0, image.shape[0], side):
            for left in range(0, image.shape[1], side):
                tile = (slice(top, top + side), slice(left, left + side))
                spread = float(np.ptp(made[tile], axis=(0, 1)).max())
                if np.ptp(image[tile]) > FLAT and spread <= SAME * float(np.abs(made[tile]).max()):
                    msg = (
                        f"{self.path}: tile at row {top + origin[0]}, column {left + origin[1]}: the network gives one "
                        "and the same value all over, though the image is not uniform there; check the weights"
                    )
                    raise BackendError(msg)


def _run(model: Model, image: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Run Cellpose's tiling; smaller batches and then the CPU where a device runs out of memory."""
    run_net = import_module("cellpose.core").run_net
    while True:
        network = model.network
        try:
            made: NDArray[np.float32] = run_net(
                network,
                image[None],
                batch_size=model.batch,
                bsize=network.tile_px,
                rsz=None if scale == 1 else scale,
            )[0][0]
        except OutOfMemoryError:
            if model.batch > 1:
                model.batch = max(1, model.batch // 4)
                model.notes.append(f"device out of memory: {model.batch} tiles at a time")
            else:
                model.network = model.on_cpu()
                model.notes.append("device out of memory: network on the CPU")
        else:
            return made


def _parts(size: int, part: int) -> list[tuple[int, int]]:
    """Cut an axis into nearly equal parts of about ``part`` pixels.

    >>> _parts(1000, 300)
    [(0, 333), (333, 666), (666, 1000)]
    """
    count = max(1, round(size / part))
    edges = [size * n // count for n in range(count + 1)]
    return list(pairwise(edges))
