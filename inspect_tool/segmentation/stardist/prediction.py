"""A network of StarDist made ready, and the candidates that it gives for a field, tile by tile.

The grid of tiles begins at the corner of the image, held or stored, each tile is predicted with all that has a say in
it, and the gray values that become 0 and 1 are those of all of the image: no window enters into a candidate. Those of
a stored image lie on the disk.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.model import GrayImage, ModelCard, Samples
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.networks import runtime
from inspect_tool.segmentation.networks.arguments import stardist_arguments
from inspect_tool.segmentation.networks.magnification import resized
from inspect_tool.segmentation.networks.runtime import Batch, OutOfMemoryError, Predictor
from inspect_tool.segmentation.networks.stardist_net import StarDistNet
from inspect_tool.segmentation.networks.weights import (
    CLIP,
    check_fit,
    load_weights,
    missing_extra,
    model_folder,
    permitted,
)
from inspect_tool.segmentation.stardist import stardist_folder
from inspect_tool.segmentation.stardist.polygons import Stars, joined
from inspect_tool.segmentation.stardist.settings import Settings
from inspect_tool.segmentation.stardist.suppression import Part, packed, parts_of

SHIFT = 0.1  # of the probability threshold, as plausible as the one used; if the card says nothing else [1]

_SMALLEST_TILE = 128  # to which a lack of device memory shrinks a tile [px]
_FLAT = 0.02  # an image that varies less within a tile may give a constant answer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: StarDistNet
    predictor: Predictor
    on_cpu: Callable[[], Predictor]  # where the device runs out of memory
    prob_threshold: float
    nms_threshold: float
    clipped: bool  # gray values far outside the range are cut off, as in the training of our own models

    @property
    def made_of(self) -> Mapping[str, object]:
        """What decides about its answers."""
        return {"weights": self.card.sha256, **self.predictor.described}

    @property
    def lowest(self) -> float:
        """Probability above which a grid point is a candidate: the lowest threshold of the alternatives."""
        return max(self.prob_threshold - shift_of(self.card), 0.0)


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra
        is not installed; the device or engine asked for is not there.
    """
    try:
        import stardist.nms  # noqa: F401 - told now, not after the first prediction
    except ImportError:
        raise BackendError(missing_extra("backend 'stardist'", "stardist")) from None
    folder = model_folder(settings.model)
    theirs = stardist_folder.is_stardist_folder(folder)
    card, weights = stardist_folder.read_folder(folder) if theirs else load_weights(folder, "stardist")
    if settings.sha256 and settings.sha256.lower() != card.sha256:
        msg = (
            f"{folder / card.weights}: sha256 is {card.sha256[:12]}..., the job says {settings.sha256[:12]}...; "
            "the file was changed, or another one is meant"
        )
        raise BackendError(msg)
    permitted(card, folder, settings.commercial)
    network = StarDistNet(**stardist_arguments(card.network, f"{folder} network"))
    check_fit(network, weights, folder)
    thresholds = {}
    for name in ("prob_threshold", "nms_threshold"):
        given = getattr(settings, name)
        if given is not None and not 0 < given < 1:
            msg = f"{name} = {given:g}: must lie between 0 and 1"
            raise BackendError(msg)
        thresholds[name] = stardist_folder.threshold_of(card, name, folder) if given is None else float(given)
    ready = partial(runtime.predictor, network, weights, folder, engine=settings.engine, precision=settings.precision)
    return Model(
        card=card,
        network=network,
        predictor=ready(device=settings.device),
        on_cpu=partial(ready, device="cpu"),
        clipped=not theirs,
        **thresholds,
    )


def shift_of(card: ModelCard) -> float:
    """Shift of the probability threshold that is as plausible. [1]"""
    return float(card.settings.get("shift", SHIFT))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """One image as the network is to see it."""

    model: Model
    pixels: GrayImage | Samples
    gray: tuple[float, float]  # of the image, which become 0 and 1
    path: str
    settings: Settings
    described: dict[str, Any]  # filled by what is predicted


def everyone(stars: Stars) -> Stars:
    """Keep all candidates."""
    return stars


def candidates_of(seen: Seen, scale: float, *, inverted: bool, keep: Callable[[Stars], Stars] = everyone) -> list[Part]:
    """Candidates of one scale that are kept, tile by tile, in pixels of the image.

    What is done about a lack of device memory: smaller tiles, then the CPU; both are stated in ``described``.
    """
    model, described = seen.model, seen.described
    pixels = resized(seen.pixels, scale)
    shape = (pixels.shape[0], pixels.shape[1])
    ratio = np.array([seen.pixels.shape[0] / shape[0], seen.pixels.shape[1] / shape[1]], np.float32)
    low, high = seen.gray
    zero_one = (high, low) if inverted else (low, high)
    predictor, tile_px = model.predictor, seen.settings.tile_px
    described.update(predictor.described)

    def kept(tile: Stars) -> Stars:
        points = (tile.points + 0.5) * ratio - 0.5
        rays = tile.rays * np.float32(ratio.mean())
        return keep(Stars(points=points, rays=rays, probability=tile.probability, level=tile.level))

    while True:
        described["tile_px"] = tile_px
        tiles = _Tiles(network=model.network, shape=shape, tile_px=tile_px)
        name = f"candidates {scale!r}{' turned' if inverted else ''} {tile_px}"
        try:
            parts: list[Part] = []
            for counts, values in _rows(tiles, pixels, zero_one, predictor.run, seen, name):
                given = [kept(part.stars()) for part in parts_of(values, counts)]
                row = joined(given, model.network.rays)
                if len(row):
                    held = zeros_like(pixels, np.float32, (len(row), values.shape[1]))
                    held[:] = packed(row)
                    parts += parts_of(held, [len(one) for one in given])
        except OutOfMemoryError:
            if tile_px // 2 >= _SMALLEST_TILE:
                tile_px //= 2
                described["fallback"] = f"tiles of {tile_px} px: the device has too little memory for larger ones"
            else:
                predictor = model.on_cpu()
                described.update(predictor.described)
                described["fallback"] = "CPU: the device has too little memory"
        else:
            return parts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tiles:
    """How an image is cut: tiles side by side, each predicted with all that has a say in it."""

    network: StarDistNet
    shape: tuple[int, int]
    tile_px: int

    def spans(self, axis: int) -> Iterator[tuple[int, int, int, int]]:
        """Begin and end of a tile, begin and end with its margin; multiples of the stride. [px]"""
        stride = self.network.stride[axis]
        margin = -(-self.network.reach[axis] // stride) * stride
        step = max(self.tile_px // stride, 1) * stride
        size = -(-self.shape[axis] // stride) * stride
        for begin in range(0, size, step):
            end = min(begin + step, size)
            yield begin, end, max(0, begin - margin), min(size, end + margin)


def _rows(
    tiles: _Tiles,
    pixels: Samples,
    zero_one: tuple[float, float],
    run: Callable[[Batch], Batch],
    seen: Seen,
    name: str,
) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
    """Candidates of the rows of tiles, in pixels of the scaled image: how many each tile has, and ``packed``.

    Every pixel is proved seen. A row that a run before this one has kept under ``name`` is not predicted again.
    """
    stride = tiles.network.stride
    covered = np.zeros([-(-length // by) for length, by in zip(tiles.shape, stride, strict=True)], np.uint8)

    def row(top: int, bottom: int, above: int, below: int) -> Arrays:
        parts = [
            _tile(tiles, pixels, ((top, bottom, above, below), columns), zero_one, run, seen)
            for columns in tiles.spans(1)
        ]
        return {
            "counts": np.array([len(part) for part in parts]),
            "candidates": packed(joined(parts, tiles.network.rays)),
        }

    for k, span in enumerate(tiles.spans(0)):
        found = made_once(pixels, f"{name} {k}", partial(row, *span))
        for left, right, *_ in tiles.spans(1):
            covered[span[0] // stride[0] : span[1] // stride[0], left // stride[1] : right // stride[1]] += 1
        yield found["counts"].tolist(), found["candidates"]
    if (covered != 1).any():
        at = np.argwhere(covered != 1)[0]
        (row_px, column_px), times = at * stride, covered[tuple(at)]
        msg = f"{seen.path}: the pixel at row {row_px}, column {column_px} was predicted {times} times instead of once"
        raise BackendError(msg)


def _tile(
    tiles: _Tiles,
    pixels: Samples,
    spans: tuple[tuple[int, int, int, int], tuple[int, int, int, int]],
    zero_one: tuple[float, float],
    run: Callable[[Batch], Batch],
    seen: Seen,
) -> Stars:
    """Grid points of one tile whose probability is high enough, in pixels of the scaled image."""
    (top, bottom, above, below), (left, right, before, behind) = spans
    grid = tiles.network.grid
    given = _padded(pixels, (above, below), (before, behind), zero_one, seen.model.clipped)
    made = run(given[None])[0]
    _sound(made, given, f"{seen.path}: tile at row {top}, column {left}")
    rows = slice((top - above) // grid[0], (bottom - above) // grid[0])
    columns = slice((left - before) // grid[1], (right - before) // grid[1])
    probability = made[0, rows, columns]
    at = np.nonzero(probability > seen.model.lowest)
    points = np.stack([at[0] * grid[0] + top, at[1] * grid[1] + left], axis=1).astype(np.float32)
    inside = (points < tiles.shape).all(axis=1)
    rays = made[1:, rows, columns][:, at[0], at[1]].T
    return Stars(
        points=points[inside],
        rays=np.ascontiguousarray(rays[inside]),
        probability=probability[at][inside],
        level=np.zeros(int(inside.sum()), np.int8),
    )


def _padded(
    pixels: Samples, rows: tuple[int, int], columns: tuple[int, int], zero_one: tuple[float, float], clipped: bool
) -> NDArray[np.float32]:
    """Normalized pixels of an area, (channels, rows, columns); beyond the image they are mirrored, as StarDist does."""
    part = pixels[rows[0] : rows[1], columns[0] : columns[1]].astype(np.float32)
    part = (part - np.float32(zero_one[0])) * np.float32(1 / (zero_one[1] - zero_one[0]))
    if clipped:
        part = np.clip(part, *CLIP)
    part = part[None] if part.ndim == 2 else np.moveaxis(part, 2, 0)
    below, beside = rows[1] - rows[0] - part.shape[1], columns[1] - columns[0] - part.shape[2]
    if below or beside:
        part = np.pad(part, ((0, 0), (0, below), (0, beside)), mode="reflect")
    return np.ascontiguousarray(part)


def _sound(made: NDArray[np.float32], given: NDArray[np.float32], where: str) -> None:
    if not np.isfinite(made).all():
        msg = f'{where}: the network gives values that are not finite numbers; check the weights, or precision = "fp32"'
        raise BackendError(msg)
    if float(np.ptp(given)) > _FLAT and float(np.ptp(made, axis=(1, 2)).max()) == 0:
        msg = f"{where}: the network gives {made.flat[0]:.3g} for every pixel of a tile that is not uniform"
        raise BackendError(msg)
