"""Segmentation by a pixel classifier that learned from strokes a person drew on a few images.

Every pixel is judged by what its neighborhood looks like at several scales (``features``), by a few small perceptrons
(``perceptrons``). Strokes say what the classes look like, not how much there is of each; so the shares that the
classifier starts from are settled on each image by expectation maximization (M. Saerens, P. Latinne, C. Decaestecker:
Adjusting the outputs of a classifier to new a priori probabilities, Neural Computation 14, 2002).

A model is made by ``inspect-tool train --scribbles``; it needs neither torch nor a GPU.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from time import perf_counter
from typing import Annotated, Literal
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD
from inspect_tool.model import LabelImage, Mask, Micrograph, ModelCard, Samples, Segmentation
from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation.networks.arguments import PixelArguments, pixel_arguments
from inspect_tool.segmentation.networks.magnification import resized, seen, training_scale
from inspect_tool.segmentation.networks.tiling import quantized
from inspect_tool.segmentation.networks.weights import (
    check_shapes,
    described,
    gray_range,
    load_weights,
    model_folder,
    normalized,
    permitted,
)
from inspect_tool.segmentation.pixels import features
from inspect_tool.segmentation.pixels.perceptrons import Perceptrons, perceptrons, probabilities, shapes

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)
MODELS = ("model",)  # settings that name a model: a folder beside the job file

SHIFT = 0.2
"""A class is plausible where its probability is within this of that of the likeliest."""

_ROUNDS = 200  # of settling the shares at most
_SETTLED = 1e-4  # shares that change by less are settled [1]
_SAMPLE = 100_000  # pixels on which they are
_LEAST_SHARE = 1e-4  # a class that an image does not have keeps this much, so that it can be found at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model card has the rest."""

    model: Annotated[str, Doc("model folder that 'train --scribbles' wrote")] = ""
    shares: Annotated[
        Literal["settled", "equal"], Doc("before a pixel is looked at: settled on each image, or equal for all classes")
    ] = "settled"
    threshold: Annotated[Share, Doc("of two classes: probability from which a pixel is of the second [1]")] = 0.5
    scale: Annotated[Above0[float] | None, Doc("enlargement; None: to the scale of the training [1]")] = None
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A classifier made ready, with its card."""

    card: ModelCard
    arguments: PixelArguments
    members: Perceptrons


def load(settings: Settings) -> Model:
    """Read the model folder.

    Raises
    ------
    BackendError
        No model is named (none comes with the package: strokes are of one material), there is none of that name, its
        files are missing, damaged or changed, or its licence forbids the use.
    """
    folder = model_folder(settings.model)
    card, weights = load_weights(folder, "pixels")
    permitted(card, folder, settings.commercial)
    asked = pixel_arguments(card.network, f"{folder / CARD} network")
    given = features.count(asked.sigmas, asked.in_channels)
    check_shapes(shapes(asked.members, given, asked.hidden, asked.classes), weights, folder)
    return Model(card=card, arguments=asked, members=perceptrons(weights))


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Judge every pixel of one field.

    Raises
    ------
    BackendError
        The image is constant, or of a magnification too far from that of the training.
    """
    start = perf_counter()
    scale, how = training_scale(model.card, micrograph, settings.scale)
    views = _views(model, micrograph, scale)
    weights = _weights(views, settings)
    found = {
        "scale": round(scale, 4),
        "scale_from": how,
        "settled_percent": {
            name: round(100 * float(share), 2)
            for name, share in zip(model.card.classes, weights / weights.sum(), strict=True)
        },
    }
    labels = _labels(views, weights, micrograph, settings, {}, of_strokes=False)
    made = _segmentation(model, settings, labels, found, start)
    return replace(made, alternatives=partial(_others, model, micrograph, settings, views, weights, found))


def _others(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    views: "_Views",
    weights: NDArray[np.float32],
    found: Mapping[str, object],
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations nearly as plausible: by the probability, by other strokes, and by equal shares before looking."""
    for number, name in enumerate(model.card.classes[1:], 1):
        for what, change, of_strokes in (("probability", SHIFT, False), ("strokes", sqrt(3), True)):
            for sign, by in (("-", -change), ("+", change)):
                start = perf_counter()
                labels = _labels(views, weights, micrograph, settings, {number: by}, of_strokes=of_strokes)
                yield f"{what} of {name} {sign}", _segmentation(model, settings, labels, found, start)
                del labels
    if settings.shares == "settled":
        start = perf_counter()
        labels = _labels(views, np.ones_like(weights), micrograph, settings, {}, of_strokes=False)
        yield "equal shares", _segmentation(model, settings, labels, found, start)


def _segmentation(
    model: Model, settings: Settings, labels: LabelImage, found: Mapping[str, object], start: float
) -> Segmentation:
    card = model.card
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    return Segmentation(
        labels=labels,
        classes=dict(enumerate(card.classes)),
        kind="semantic",
        backend="pixels",
        weights_sha256=card.sha256,
        settings={**used, **described(card), **found},
        seconds=perf_counter() - start,
    )


# -------------------------------------------------------------------------------------------------- probabilities


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Views:
    """Probabilities of one field by every member, at the scale of the training, strip by strip and packed."""

    strips: tuple[tuple[slice, tuple[int, ...], bytes], ...]
    shape: tuple[int, int]
    inside: Mask | None  # where the image counts, at this scale

    def __iter__(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows, and (members, classes, rows, columns)."""
        for rows, shape, packed in self.strips:
            yield rows, np.frombuffer(decompress(packed), np.uint8).reshape(shape).astype(np.float32) / 255


def _views(model: Model, micrograph: Micrograph, scale: float) -> _Views:
    card, asked = model.card, model.arguments
    try:
        low, high = gray_range(seen(card, micrograph), card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    image = channels_of(normalized(resized(seen(card, micrograph), scale), low, high), asked.in_channels)
    inside = micrograph.roi
    if inside is not None and inside.shape != image.shape[:2]:
        small = cv2.resize(inside.view(np.uint8), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        inside = np.asarray(small, np.uint8).view(np.bool_)
    return _judged(model.members, features.Looks(image=image, sigmas=tuple(asked.sigmas)), inside)


def _judged(members: Perceptrons, looks: features.Looks, inside: Mask | None) -> _Views:
    made = []
    for rows, own in looks:
        judged = probabilities(members, own.reshape(len(own), -1))
        shape = (*judged.shape[:2], *own.shape[1:])
        made.append((rows, shape, compress(quantized(judged).tobytes(), 1)))
    return _Views(strips=tuple(made), shape=(looks.image.shape[0], looks.image.shape[1]), inside=inside)


def shown(
    members: Perceptrons, looks: features.Looks, settings: Settings
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Class of every pixel and its probability, of an image whose features are at hand; the classes as ``segment``'s.

    Parameters
    ----------
    members : Perceptrons
        As they were taught.
    looks : Looks
        Of the image at the scale of the training, normalized as in the training.
    settings : Settings
        ``shares`` and ``threshold`` count.

    Returns
    -------
    ndarray of uint8, ndarray of float32
        (rows, columns) each.
    """
    views = _judged(members, looks, None)
    weights = _weights(views, settings)
    labels, sure = np.empty(views.shape, np.uint8), np.empty(views.shape, np.float32)
    for rows, judged in views:
        mean = _weighed(judged, weights).mean(axis=0)
        labels[rows] = _classes(mean, settings)
        sure[rows] = mean.max(axis=0)
    return labels, sure


def channels_of(pixels: Samples, channels: int) -> NDArray[np.float32]:
    """Pixels with an axis of channels; a gray image is red, green and blue alike."""
    whole = pixels[..., None] if pixels.ndim == 2 else pixels
    return np.asarray(np.repeat(whole, channels, axis=2) if whole.shape[2] < channels else whole, np.float32)


def _weights(views: _Views, settings: Settings) -> NDArray[np.float32]:
    """Share of each class in the image over the one that it was taught with, which is the same for all classes."""
    classes = views.strips[0][1][1]
    if settings.shares == "equal":
        return np.ones(classes, np.float32)
    every = max(1, views.shape[0] * views.shape[1] // _SAMPLE)
    sample = []
    for rows, judged in views:
        mean = judged.mean(axis=0)
        inside = slice(None) if views.inside is None else views.inside[rows].ravel()
        sample.append(mean.reshape(len(mean), -1)[:, inside][:, ::every])
    likely = np.concatenate(sample, axis=1)
    if not likely.size:
        return np.ones(classes, np.float32)
    shares = np.full(classes, 1 / classes, np.float32)
    for _ in range(_ROUNDS):
        told = likely * shares[:, None]
        told /= np.maximum(told.sum(axis=0), np.float32(1e-9))
        before, shares = shares, np.maximum(told.mean(axis=1), np.float32(_LEAST_SHARE))
        if np.abs(shares - before).max() < _SETTLED:
            break
    return np.asarray(shares * classes, np.float32)


def _labels(
    views: _Views,
    weights: NDArray[np.float32],
    micrograph: Micrograph,
    settings: Settings,
    changes: Mapping[int, float],
    *,
    of_strokes: bool,
) -> LabelImage:
    """Class of every pixel.

    Parameters
    ----------
    views, weights
        Probabilities, and the weights of the classes in this image.
    micrograph : Micrograph
        For its size and region.
    settings : Settings
        For the threshold of two classes.
    changes : mapping of int to float
        Added to the probability of a class; ``of_strokes``: times the standard deviation of the members there.
    """
    shape = micrograph.pixels.shape
    same = views.shape == shape
    labels = np.empty(shape, np.uint8)
    maps = None if same else np.empty((len(weights), *views.shape), np.float32)
    for rows, judged in views:
        judged = _weighed(judged, weights)
        mean = judged.mean(axis=0)
        for number, change in changes.items():
            mean[number] += np.float32(change) * (judged[:, number].std(axis=0) if of_strokes else np.float32(1))
        if maps is None:
            labels[rows] = _classes(mean, settings)
        else:
            maps[:, rows] = mean
    if maps is not None:
        back = np.stack([cv2.resize(one, shape[::-1], interpolation=cv2.INTER_LINEAR) for one in maps])
        labels[:] = _classes(back, settings)
    if micrograph.roi is not None:
        labels[~micrograph.roi] = 0
    labels.setflags(write=False)
    return labels


def _weighed(judged: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities by the shares of an image, in their place."""
    judged *= weights[:, None, None]
    judged /= np.maximum(judged.sum(axis=1, keepdims=True), np.float32(1e-9))
    return judged


def _classes(mean: NDArray[np.float32], settings: Settings) -> NDArray[np.uint8]:
    if len(mean) == 2:
        return np.asarray(mean[1] >= settings.threshold, np.uint8)
    return np.asarray(mean.argmax(axis=0), np.uint8)
