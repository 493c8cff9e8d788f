"""Segmentation by a U-Net: classes, grains from their boundaries, or joints with their voids, as the model card says.

The network gives probabilities of the classes. What becomes of them follows from the classes on the card:

- ``grain``, ``boundary``: one label per grain, by a watershed of the boundary probability;
- ``background``, ``joint``, ``void``: joints as objects, voids inside them;
- ``above``, a name, ``below``: a layer that runs through the picture, between two interfaces (``continuous_layer``);
- anything else: every pixel gets a class.

The image is brought to the scale that the network was trained at: by um/px where the card has an absolute scale,
otherwise by the size of the structure, which is estimated and stated.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.files import load_model_card
from inspect_tool.model import LabelImage, Micrograph, ModelCard, Segmentation, Told, stated
from inspect_tool.pixels.bits import classes_like
from inspect_tool.pixels.parts import strips
from inspect_tool.segmentation.joints.regions import eight_bit_scale
from inspect_tool.segmentation.networks.magnification import training_scale
from inspect_tool.segmentation.networks.weights import model_folder
from inspect_tool.segmentation.unet import continuous_layer, gray_opinion, layer_edge, layer_gray
from inspect_tool.segmentation.unet.answer import segmentation_of
from inspect_tool.segmentation.unet.grains import grains_of
from inspect_tool.segmentation.unet.joint_labels import FIRST_PX, JOINT, VIA, joint_labels, solder_dark, working_scale
from inspect_tool.segmentation.unet.joint_opinion import unsure_joints
from inspect_tool.segmentation.unet.prediction import Maps, Model, given_joints, load, maps_of
from inspect_tool.segmentation.unet.settings import GRAINS, GRAY, JOINTS, Settings, shift_of, threshold_of

__all__ = ["GRAINS", "JOINTS", "KINDS", "MODELS", "PATHS", "Model", "Settings", "load", "outputs", "segment"]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic", "instance")
MODELS = ("model",)  # settings that name a model: a shipped one, or a folder beside the job file
PATHS = ("joint_mask",)


def outputs(settings: Settings) -> tuple[Literal["classes", "grains"], ...]:
    """Say what the model gives: grains where its classes are grain and boundary, else classes."""
    return ("grains",) if load_model_card(model_folder(settings.model)).classes == GRAINS else ("classes",)


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Predict one field and make labels of it.

    Raises
    ------
    BackendError
        The image is constant, has not the channels the model needs, the network gives no usable numbers, or its
        classes do not differ in gray where its card says that they do.
    """
    start = perf_counter()
    if model.card.classes == GRAINS:
        return grains_of(model, micrograph, settings, start)
    if continuous_layer.described(model.card.classes):
        return _layer(model, micrograph, settings, start)
    if model.card.classes == JOINTS and settings.scale is None:
        scale, how = _joint_scale(model, micrograph, settings)
    else:
        scale, how = training_scale(model.card, micrograph, settings.scale)
    maps, used = maps_of(model, micrograph, settings, scale)
    labels, more = _labels(model, maps, micrograph, settings, {})
    _check_gray(model.card, micrograph, labels)
    found = {"scale": round(scale, 4), "scale_from": how, **used}
    made = segmentation_of(model, settings, labels, found, start, **more)
    return replace(made, alternatives=partial(_other_classes, model, micrograph, settings, made, maps))


def _layer(model: Model, micrograph: Micrograph, settings: Settings, start: float) -> Segmentation:
    """A layer between two interfaces; others are those by another probability, and by one size of the picture alone."""
    scale, how = training_scale(model.card, micrograph, settings.scale)
    views: dict[float, continuous_layer.Probability] = {}
    used: dict[str, Any] = {}
    for zoom in continuous_layer.ZOOMS:
        maps, told = maps_of(model, micrograph, settings, scale * zoom)
        used = used or told
        views[zoom] = _whole(maps, micrograph).astype(np.float32) / np.float32(255)
    found = {"scale": round(scale, 4), "scale_from": how, "zooms": list(continuous_layer.ZOOMS), **used}
    inside = micrograph.roi
    mean = continuous_layer.averaged(views)
    rough = continuous_layer.interfaces(mean, inside)
    own = layer_gray.settled(micrograph.pixels, mean, rough, inside, scale)

    def labels_of(rows: continuous_layer.Lines) -> LabelImage:
        layer = continuous_layer.between(*rows, micrograph.pixels.shape, inside)
        labels = layer_gray.without_open_pores(micrograph.pixels, layer).view(np.uint8)
        labels.setflags(write=False)
        return labels

    def made(labels: LabelImage, start: float) -> Segmentation:
        one = segmentation_of(model, settings, labels, found, start)
        return replace(one, classes={0: "rest", 1: model.card.classes[1]})

    def others() -> Iterator[tuple[str, Segmentation]]:
        for name, rows in layer_gray.opinions(own, views, inside):
            start = perf_counter()
            yield name, made(labels_of(rows), start)

    labels = labels_of(own.lines)
    sizes = [continuous_layer.interfaces(one, inside) for one in views.values()]
    found |= stated(
        Told(
            sizes_apart=round(continuous_layer.apart([float((low - up).mean()) for up, low in sizes]), 3),
            grays_apart=round(
                continuous_layer.apart([float(one.sum()) for one in (labels, labels_of(own.farther))]), 3
            ),
            edge_off=round(layer_edge.edge_off(micrograph.pixels, own.lines, inside), 3),
        )
    )
    return replace(made(labels, start), alternatives=others)


def _other_classes(
    model: Model, micrograph: Micrograph, settings: Settings, segmentation: Segmentation, maps: Maps
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that the probabilities hold nearly as plausible, from the same prediction."""
    found = segmentation.settings
    shift = shift_of(model.card)
    for number, name in enumerate(model.card.classes[1:], 1):
        for sign, change in (("-", -shift), ("+", shift)):
            start = perf_counter()
            labels, more = _labels(model, maps, micrograph, settings, {number: change})
            more.pop("objects", None)  # joints keep the numbers of the reported segmentation
            yield f"probability of {name} {sign}", segmentation_of(model, settings, labels, found, start, **more)
            del labels, more
    if GRAY in model.card.settings:
        start = perf_counter()
        gray = gray_opinion.smoothed(micrograph.pixels)
        if gray_opinion.separation(gray, segmentation.labels, 1, micrograph.roi) is None:
            return
        labels = gray_opinion.by_level(
            gray, segmentation.labels, 1, micrograph.roi, classes=range(1, len(model.card.classes))
        )
        yield f"gray level of {model.card.classes[1]}", segmentation_of(model, settings, labels, found, start)


def _check_gray(card: ModelCard, micrograph: Micrograph, labels: LabelImage) -> None:
    """Refuse classes of a kind of picture that the network never saw: those that gray values do not know of."""
    if GRAY not in card.settings:
        return
    apart = gray_opinion.separation(gray_opinion.smoothed(micrograph.pixels), labels, 1, micrograph.roi)
    least = float(card.settings[GRAY])
    if apart is not None and apart < least:
        msg = (
            f"{micrograph.path}: model '{card.name}' finds a {card.classes[1]} that gray values do not tell from the "
            f"{card.classes[0]} ({apart:.2g} times their spread apart, {least:g} or more asked): the picture is not of "
            "the kind it was trained on; use backend 'threshold' or 'labels', or train it on such pictures"
        )
        raise BackendError(msg)


def _joint_scale(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[float, str]:
    """Reduction that brings large joints to the size of the training: given ones, or those of a reduced image."""
    objects = given_joints(micrograph, settings)
    if objects is not None:
        return working_scale(objects), "size of the given joints"
    first = min(1.0, FIRST_PX / max(micrograph.pixels.shape))
    _, objects = joint_labels(_whole(maps_of(model, micrograph, settings, first)[0], micrograph), micrograph.roi)
    return working_scale(objects), f"size of the joints found at scale {first:.3g}"


def _classes(maps: Maps, micrograph: Micrograph, threshold: float, changes: dict[int, float]) -> LabelImage:
    """Class of every pixel; ``changes`` shifts the probability of a class by so much.

    Of two classes the second is taken from the threshold on; of more the most probable one.
    """

    def bands() -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for rows, band in maps:
            if band.shape[0] == 1:
                labels = (band[0] >= 255 * (threshold - changes.get(1, 0.0))).astype(np.uint8)
            else:
                shifted = band.astype(np.int16)
                for number, change in changes.items():
                    shifted[number] += round(255 * change)
                labels = shifted.argmax(axis=0).astype(np.uint8)
            if micrograph.roi is not None:
                labels[~micrograph.roi[rows]] = 0
            yield rows, labels

    return classes_like(micrograph.pixels, range(1, max(2, maps.count)), bands())


def _labels(
    model: Model, maps: Maps, micrograph: Micrograph, settings: Settings, changes: dict[int, float]
) -> tuple[LabelImage, dict[str, Any]]:
    """Labels of the classes; of joints their numbers as well."""
    if model.card.classes != JOINTS:
        return _classes(maps, micrograph, threshold_of(model.card, settings), changes), {}
    whole = _whole(maps, micrograph)
    _shift_probabilities(whole, changes)
    given = given_joints(micrograph, settings)
    labels, objects = joint_labels(whole, micrograph.roi, given)
    if not objects.any():
        msg = f"{micrograph.path}: model '{model.card.name}' finds no joint; give [backend] joint_mask"
        raise BackendError(msg)
    found: dict[str, Any] = {"objects": objects, "vias": bool((labels == VIA).any())}
    if not changes:
        image = replace(
            eight_bit_scale(micrograph.pixels), inverted=not solder_dark(micrograph.pixels, micrograph.roi, given)
        )
        found["unsure"] = unsure_joints(image, labels, objects, (labels == JOINT) & (whole[0] > 127))
    return labels, found


def _shift_probabilities(whole: NDArray[np.uint8], changes: dict[int, float]) -> None:
    """Shift the probability of a class of joints by so much, and the others by half of it the other way, in place.

    Of what a network takes for board it does not say whether it would be void or solder: these two stay as they are.
    """
    for number, change in changes.items():
        for top, bottom in strips(whole.shape[1:]):
            visible = np.clip(2 - whole[0, top:bottom].astype(np.float32) / 127.5, 0, 1)
            for other, band in enumerate(whole[:, top:bottom]):
                by = np.float32(255 * (change if other == number else -change / 2))
                band[:] = np.clip(band + (by * visible if other else by), 0, 255)


def _whole(maps: Maps, micrograph: Micrograph) -> NDArray[np.uint8]:
    whole = np.empty((len(JOINTS), *micrograph.pixels.shape), np.uint8)
    for rows, band in maps:
        whole[:, rows] = band
    return whole
