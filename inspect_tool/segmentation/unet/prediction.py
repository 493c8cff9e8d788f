"""A network made ready, and the probabilities that it gives for a field, tile by tile.

The grid of tiles begins at the corner of the image, held or stored, and the gray values that become 0 and 1 are those
of all of it: no window enters into a probability.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any
from zlib import compress, decompress

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD
from inspect_tool.model import LabelImage, Micrograph, ModelCard, Samples
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.reduced import bilinear, scaled
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.joints.shapes import joints_of_mask
from inspect_tool.segmentation.networks import runtime, tiling
from inspect_tool.segmentation.networks.arguments import unet_arguments
from inspect_tool.segmentation.networks.magnification import EQUALIZED, resized, seen
from inspect_tool.segmentation.networks.runtime import Batch, OutOfMemoryError, Predictor
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import (
    check_fit,
    equalized,
    gray_range,
    load_weights,
    model_folder,
    normalized,
    permitted,
)
from inspect_tool.segmentation.unet.joint_labels import solder_dark
from inspect_tool.segmentation.unet.settings import GRAINS, JOINTS, Settings, shift_of, threshold_of

_LARGE_PX = 4_000_000  # from here on memory counts for more than the time of taking it again
_BATCH = 8  # tiles at a time on a GPU; a CPU is fastest with one, which stays in its cache
_SMALLEST_TILE = 128  # to which a lack of device memory shrinks a tile [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: UNet
    predictor: Predictor
    on_cpu: Callable[[], Predictor]  # where the device runs out of memory

    @property
    def made_of(self) -> Mapping[str, object]:
        """What decides about its answers."""
        return {"weights": self.card.sha256, **self.predictor.described}


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra
        is not installed; the device or engine asked for is not there.
    """
    folder = model_folder(settings.model)
    card, weights = load_weights(folder, "unet")
    permitted(card, folder, settings.commercial)
    network = UNet(**unet_arguments(card.network, f"{folder / CARD} network"))
    check_fit(network, weights, folder)
    precision = settings.precision if settings.precision != "auto" else card.settings.get("precision", "auto")
    ready = partial(runtime.predictor, network, weights, folder, engine=settings.engine, precision=precision)
    return Model(
        card=card, network=network, predictor=ready(device=settings.device), on_cpu=cache(partial(ready, device="cpu"))
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maps:
    """Probabilities of one field at its own scale, band by band, packed to a few percent of their size."""

    bands: tuple[tuple[slice, tuple[int, ...], bytes], ...]
    shape: tuple[int, int]  # of the field at this scale

    def __iter__(self) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for rows, shape, packed in self.bands:
            yield rows, np.frombuffer(decompress(packed), np.uint8).reshape(shape)

    @property
    def count(self) -> int:
        """Maps; one for two classes."""
        return self.bands[0][1][0]

    def first(self, image: Samples) -> NDArray[np.uint8]:
        """Give the first of the maps, held or stored as an image is."""
        made: NDArray[np.uint8] = zeros_like(image, np.uint8, self.shape)
        for rows, band in self:
            made[rows] = band[0]
        return made


def maps_of(model: Model, micrograph: Micrograph, settings: Settings, scale: float) -> tuple[Maps, dict[str, Any]]:
    """Predict a field at a scale; its probabilities come back at the scale of the image."""
    card, shape = model.card, micrograph.pixels.shape
    try:
        low, high = gray_range(seen(card, micrograph), card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    equal = bool(card.settings.get(EQUALIZED, False))
    shown = seen(card, micrograph)
    pixels = resized(shown.astype(np.float32) if equal else shown, scale)
    if equal:
        size = (pixels.shape[1], pixels.shape[0])
        region = None if micrograph.roi is None else scaled(micrograph.roi, size, "nearest")
        pixels, low, high = equalized(pixels, region), 0.0, 1.0
    if card.classes == JOINTS and not solder_dark(
        micrograph.pixels, micrograph.roi, given_joints(micrograph, settings)
    ):
        low, high = high, low  # an inverted picture: the network knows solder darker than the board

    def read(area: tiling.Area) -> NDArray[np.float32]:
        part = normalized(pixels[area], low, high)
        if part.ndim == 3:
            return np.moveaxis(part, 2, 0)
        return np.broadcast_to(part, (_channels(card), *part.shape))  # a gray image is red, green and blue alike

    run, tile_px, made_on = _affordable(model, settings)
    if card.settings.get("eight_views", False):
        run = partial(averaged, run)
        made_on["eight_views"] = True
    grid = tiling.Grid(
        tile_px=tile_px,
        overlap_px=min(tiling.OVERLAP_PX, tile_px // 2),
        stride=model.network.stride,
        batch=1 if model.predictor.device == "cpu" else _BATCH,
    )
    bands = _bands(read, pixels, run, grid, micrograph.path, f"probability {scale!r}")
    if pixels.shape[:2] != shape and card.classes != GRAINS:
        bands = _restored(bands, pixels, shape)
    kept = _kept_levels(card, settings)
    packed = tuple((rows, band.shape, compress(kept(band).tobytes(), 1)) for rows, band in bands)
    if pixels.shape[0] * pixels.shape[1] > _LARGE_PX:
        model.predictor.release()
    values = {EQUALIZED: True} if equal else {"gray_range": [round(low, 3), round(high, 3)]}
    described = {**values, "tile_px": tile_px, "overlap_px": grid.overlap_px}
    return Maps(bands=packed, shape=(pixels.shape[0], pixels.shape[1])), {**described, **made_on}


def _bands(
    read: tiling.Read, pixels: Samples, run: Callable[[Batch], Batch], grid: tiling.Grid, where: str, name: str
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Predict an image, band by band; those that a run before it has kept under ``name`` are not predicted again."""
    shape = (pixels.shape[0], pixels.shape[1])
    made = tiling.predicted(read, shape, run, grid, where)
    following = 0

    def predicted(k: int) -> Arrays:
        nonlocal made, following
        if k != following:
            made = tiling.predicted(read, shape, run, grid, where, first=k)
        following = k + 1
        return {"band": tiling.quantized(next(made)[1])}

    for k, rows in enumerate(tiling.band_rows(shape, grid)):
        yield rows, made_once(pixels, f"{name} {k}", partial(predicted, k))["band"]


def averaged(run: Callable[[Batch], Batch], batch: Batch) -> Batch:
    """Mean prediction of the eight turned and mirrored views of a batch; a texture has no up and no left."""
    total: Batch | None = None
    for swap, up, left in product((False, True), repeat=3):
        turn = (slice(None), slice(None), slice(None, None, -1 if up else 1), slice(None, None, -1 if left else 1))
        view = (batch.swapaxes(2, 3) if swap else batch)[turn]
        made = run(np.ascontiguousarray(view))[turn]
        made = made.swapaxes(2, 3) if swap else made
        total = made.copy() if total is None else total + made
    assert total is not None
    return total / 8


def _kept_levels(card: ModelCard, settings: Settings) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """What of the probabilities is kept: of two classes which of the levels are reached, which packs to almost nothing.

    Grains and more than two classes need them as they are.
    """
    if card.classes == GRAINS or len(card.classes) > 2:
        return lambda band: band
    threshold, shift = threshold_of(card, settings), shift_of(card)
    levels = sorted(255 * (threshold + change) for change in (-shift, 0.0, shift))
    reached = np.array(
        [max((ceil(level) for level in levels if 0 <= level <= value), default=0) for value in range(256)]
    )
    table = reached.astype(np.uint8)
    return lambda band: table[band]


def _channels(card: ModelCard) -> int:
    return 3 if card.channels == "rgb" else 1


def _affordable(model: Model, settings: Settings) -> tuple[Callable[[Batch], Batch], int, dict[str, object]]:
    """How to predict a tile, its side, and what was done about a lack of device memory: smaller tiles, then the CPU."""
    predictor, tile_px = model.predictor, settings.tile_px
    channels = _channels(model.card)
    if predictor.device == "cpu":
        return predictor.run, tile_px, predictor.described
    while True:
        try:
            predictor.run(np.zeros((1, channels, tile_px, tile_px), np.float32))
            break
        except OutOfMemoryError:
            if tile_px // 2 < _SMALLEST_TILE:
                break
            tile_px //= 2
    used = dict(predictor.described)
    if tile_px < settings.tile_px:
        used["fallback"] = f"tiles of {tile_px} px: the device has too little memory for {settings.tile_px} px"

    def run(batch: Batch) -> Batch:
        try:
            return predictor.run(batch)
        except OutOfMemoryError:
            used["fallback"] = "CPU for some tiles: the device ran out of memory"
            return model.on_cpu().run(batch)

    return run, tile_px, used


def _restored(
    bands: Iterator[tuple[slice, NDArray[np.uint8]]], pixels: Samples, shape: tuple[int, ...]
) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
    """Maps of the image ``pixels`` at the scale of another shape, band by band: (classes, rows, columns)."""
    whole: list[NDArray[np.uint8]] = []
    for rows, band in bands:
        whole = whole or [zeros_like(pixels, np.uint8, pixels.shape[:2]) for _ in band]
        for one, part in zip(whole, band, strict=True):
            one[rows] = part
    for top, bottom in strips(shape):
        area = (slice(top, bottom), slice(0, shape[1]))
        yield area[0], np.stack([np.rint(bilinear(one, shape, area)).astype(np.uint8) for one in whole])


def given_joints(micrograph: Micrograph, settings: Settings) -> LabelImage | None:
    """Joints of the mask that the settings name."""
    if not settings.joint_mask:
        return None
    return joints_of_mask(Path(settings.joint_mask), micrograph.pixels.shape)[0]
