"""Segmentation by a U-Net: classes, grains from their boundaries, or joints with their voids, as the model card says.

The network gives probabilities of the classes. What becomes of them follows from the classes on the card:

- ``grain``, ``boundary``: one label per grain, by a watershed of the boundary probability;
- ``background``, ``joint``, ``void``: joints as objects, voids inside them;
- anything else: every pixel gets a class.

The image is brought to the scale that the network was trained at: by um/px where the card has an absolute scale,
otherwise by the size of the structure, which is estimated and stated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal
from weakref import ref
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.backends import runtime, tiling
from inspect_tool.backends.runtime import Batch, Device, Engine, OutOfMemoryError, Precision, Predictor
from inspect_tool.backends.weights import (
    fitted,
    gray_range,
    load_weights,
    missing_extra,
    model_folder,
    normalized,
    permitted,
)
from inspect_tool.errors import BackendError
from inspect_tool.files import load_model_card
from inspect_tool.model import LabelImage, Micrograph, ModelCard, Segmentation

if TYPE_CHECKING:
    from torch import Tensor, nn

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic", "instance")
MODELS = ("model",)  # names of settings that name a model: shipped, or a folder beside the job file

GRAINS = ("grain", "boundary")
"""Classes of a model whose labels are grains."""

SHIFT = 0.2
"""A class is plausible where its probability is between 0.5 ± this, if the card says nothing else."""

_SAME_SCALE = 1.05  # a smaller change of scale is not worth the blur it costs
_LARGEST_SCALE = 8.0  # beyond, nothing of the structure is left or nothing is gained
_SMALLEST_TILE = 128  # to which a lack of device memory shrinks a tile [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model card has the rest."""

    model: str = "grain_boundary"  # name of a shipped model, or a folder with weights and model.toml
    threshold: float | None = None  # probability from which a pixel is in the class; None: of the card [1]
    scale: float | None = None  # enlargement before the network; None: to the scale of its training [1]
    commercial: bool = True  # false permits models whose licence forbids commercial use
    device: Device = "auto"  # auto: CUDA if there is a device, else the CPU
    engine: Engine = "auto"  # auto: OpenVINO where it is installed, else torch
    precision: Precision = "auto"  # auto: bfloat16 where the processor has it
    tile_px: int = tiling.TILE_PX  # side of a tile; the result depends on it by less than 0.1 % [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: "nn.Module"
    predictor: Predictor


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra
        is not installed; the device or engine asked for is not there.
    """
    folder = model_folder(settings.model)
    try:
        from inspect_tool.networks.unet import UNet
    except ImportError:
        raise BackendError(missing_extra("backend 'unet'")) from None
    card, weights = load_weights(folder, "unet")
    permitted(card, folder, settings.commercial)
    try:
        network = UNet(**card.network)
    except TypeError as error:
        msg = f"{folder}/model.toml network: {error}"
        raise BackendError(msg) from None
    fitted(network, weights, folder)
    return Model(card=card, network=network, predictor=_predictor(network, card, settings, settings.device))


def outputs(settings: Settings) -> tuple[Literal["classes", "grains"], ...]:
    """Say what the model gives: grains where its classes are grain and boundary, else classes."""
    return ("grains",) if load_model_card(model_folder(settings.model)).classes == GRAINS else ("classes",)


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Predict one field and make labels of it.

    Raises
    ------
    BackendError
        The image is constant, has not the channels the model needs, or the network gives no usable numbers.
    """
    start = perf_counter()
    scale, how = _scale(model.card, micrograph, settings)
    maps, used = _maps(model, micrograph, settings, scale)
    labels = _classes(maps, micrograph, _threshold(model.card, settings), {})
    found = {"scale": round(scale, 4), "scale_from": how, **used}
    _KEPT["last"] = (ref(labels), maps)
    return _segmentation(model, settings, labels, found, start)


def alternatives(
    model: Model, micrograph: Micrograph, settings: Settings, segmentation: Segmentation
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that the probabilities hold nearly as plausible, from the same prediction."""
    kept = _KEPT.pop("last", None)
    if kept is not None and kept[0]() is segmentation.labels:
        maps = kept[1]
    else:
        maps, _ = _maps(model, micrograph, settings, float(segmentation.settings["scale"]))
    shift = float(model.card.settings.get("shift", SHIFT))
    threshold = _threshold(model.card, settings)
    for number, name in list(segmentation.classes.items())[1:]:
        for sign, change in (("-", -shift), ("+", shift)):
            start = perf_counter()
            labels = _classes(maps, micrograph, threshold, {number: change})
            yield (
                f"probability of {name} {sign}",
                _segmentation(model, settings, labels, dict(segmentation.settings), start),
            )
            del labels


def _segmentation(
    model: Model, settings: Settings, labels: LabelImage, found: dict[str, Any], start: float
) -> Segmentation:
    card = model.card
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    named = {"model": card.name, "model_version": card.version, "model_title": card.title, "licence": card.licence}
    return Segmentation(
        labels=labels,
        classes=dict(enumerate(card.classes)),
        kind="semantic",
        backend="unet",
        weights_sha256=card.sha256,
        settings={**used, **named, "threshold": _threshold(card, settings), **found},
        seconds=perf_counter() - start,
    )


# ------------------------------------------------------------------------------------------------ the network


def _activation(card: ModelCard) -> "Callable[[Tensor], Tensor]":
    """Probabilities of every class; of two classes that of the second is enough."""
    if len(card.classes) == 2:
        return lambda scores: (scores[:, 1:] - scores[:, :1]).sigmoid()
    return lambda scores: scores.softmax(1)


def _predictor(network: "nn.Module", card: ModelCard, settings: Settings, device: Device) -> Predictor:
    return runtime.predictor(
        network,
        _activation(card),
        3 if card.channels == "rgb" else 1,
        device=device,
        engine=settings.engine,
        precision=settings.precision,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Maps:
    """Probabilities of one field at its own scale, band by band, packed to a few percent of their size."""

    bands: tuple[tuple[slice, tuple[int, ...], bytes], ...]

    def __iter__(self) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for rows, shape, packed in self.bands:
            yield rows, np.frombuffer(decompress(packed), np.uint8).reshape(shape)


def _scale(card: ModelCard, micrograph: Micrograph, settings: Settings) -> tuple[float, str]:
    """Enlargement that brings an image to the scale of the training, and where it comes from."""
    if settings.scale is not None:
        return settings.scale, "set"
    pixel_um = micrograph.calibration.pixel_um
    if card.pixel_um is None or pixel_um is None:
        return 1.0, "as it is"
    scale = pixel_um / card.pixel_um
    if not 1 / _LARGEST_SCALE <= scale <= _LARGEST_SCALE:
        msg = (
            f"{micrograph.path}: {pixel_um:g} um/px is {scale:.3g} times the {card.pixel_um:g} um/px that model "
            f"'{card.name}' was trained at; take images of a nearer magnification, or another model"
        )
        raise BackendError(msg)
    how = f"{pixel_um:.4g} um/px against {card.pixel_um:.4g} um/px of the training"
    return (1.0, how) if 1 / _SAME_SCALE < scale < _SAME_SCALE else (scale, how)


def _maps(model: Model, micrograph: Micrograph, settings: Settings, scale: float) -> tuple[_Maps, dict[str, Any]]:
    """Predict a field at a scale; its probabilities come back at the scale of the image."""
    card, shape = model.card, micrograph.pixels.shape
    try:
        low, high = gray_range(_channels(card, micrograph), card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    pixels = _resized(_channels(card, micrograph), scale)

    def read(area: tiling.Area) -> NDArray[np.float32]:
        part = normalized(pixels[area], low, high)
        return part[None] if part.ndim == 2 else np.moveaxis(part, 2, 0)

    run, tile_px, made_on = _affordable(model, settings)
    grid = tiling.Grid(tile_px=tile_px, overlap_px=min(tiling.OVERLAP_PX, tile_px // 2), stride=_stride(card))
    made = tiling.predicted(read, (pixels.shape[0], pixels.shape[1]), run, grid, micrograph.path)
    bands = ((rows, tiling.quantized(band)) for rows, band in made)
    if pixels.shape[:2] != shape:
        bands = ((rows, band) for rows, band in [(slice(0, shape[0]), _restored(bands, pixels.shape[:2], shape))])
    packed = tuple((rows, band.shape, compress(band.tobytes(), 1)) for rows, band in bands)
    described = {"gray_range": [round(low, 3), round(high, 3)], "tile_px": tile_px, "overlap_px": grid.overlap_px}
    return _Maps(bands=packed), {**described, **made_on}


def _stride(card: ModelCard) -> int:
    return 1 << int(card.network.get("depth", 4))


def _affordable(model: Model, settings: Settings) -> tuple[Callable[[Batch], Batch], int, dict[str, Any]]:
    """How to predict a tile, its side, and what was done about a lack of device memory: smaller tiles, then the CPU."""
    predictor, tile_px = model.predictor, settings.tile_px
    channels = 3 if model.card.channels == "rgb" else 1
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
            return _predictor(model.network, model.card, settings, "cpu").run(batch)

    return run, tile_px, used


def _channels(card: ModelCard, micrograph: Micrograph) -> NDArray[Any]:
    """What the network sees: gray values, or colors."""
    if card.channels == "gray":
        return micrograph.pixels
    if micrograph.color is None:
        msg = f"{micrograph.path}: model '{card.name}' needs a color image, this one is gray; choose another model"
        raise BackendError(msg)
    return micrograph.color


def _resized(pixels: NDArray[Any], scale: float) -> NDArray[Any]:
    """The image at another scale: means of areas when it becomes smaller, bilinear when it becomes larger."""
    if scale == 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR))


def _restored(
    bands: Iterator[tuple[slice, NDArray[np.uint8]]], scaled: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Maps at the scale of the image: (classes, rows, columns)."""
    whole: NDArray[np.uint8] | None = None
    for rows, band in bands:
        if whole is None:
            whole = np.empty((band.shape[0], *scaled), np.uint8)
        whole[:, rows] = band
    assert whole is not None
    return np.stack([cv2.resize(one, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) for one in whole])


# ------------------------------------------------------------------------------------------------------ labels


def _threshold(card: ModelCard, settings: Settings) -> float:
    return float(settings.threshold if settings.threshold is not None else card.settings.get("threshold", 0.5))


def _classes(maps: _Maps, micrograph: Micrograph, threshold: float, changes: dict[int, float]) -> LabelImage:
    """Class of every pixel; ``changes`` shifts the probability of a class by so much.

    Of two classes the second is taken from the threshold on; of more the most probable one.
    """
    labels = np.empty(micrograph.pixels.shape, np.int32)
    for rows, band in maps:
        if band.shape[0] == 1:
            labels[rows] = band[0] >= 255 * (threshold - changes.get(1, 0.0))
            continue
        shifted = band.astype(np.int16)
        for number, change in changes.items():
            shifted[number] += round(255 * change)
        labels[rows] = shifted.argmax(axis=0)
    if micrograph.roi is not None:
        labels[~micrograph.roi] = 0
    return labels


_KEPT: dict[str, tuple["ref[LabelImage]", _Maps]] = {}
"""Probabilities of the last field, until its alternatives are made of them."""
