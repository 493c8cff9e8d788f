"""Grains by a network: the boundary probability of a field, at a size of the grains that the network knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text
from inspect_tool.measure.flooding import strips
from inspect_tool.measure.mount import mount_mask
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation, Told, stated
from inspect_tool.pixels.reduced import scaled
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.networks.magnification import resized, training_scale
from inspect_tool.segmentation.unet import grain_labels
from inspect_tool.segmentation.unet.answer import segmentation_of
from inspect_tool.segmentation.unet.prediction import Maps, Model, maps_of
from inspect_tool.segmentation.unet.settings import Settings

_SAMPLE_PX = 1024  # side of the part of an image on which the size of the structure is estimated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parted:
    """Regions of one field before merging, and the shape that their labels are brought to."""

    partition: grain_labels.Partition
    shape: tuple[int, int]

    def at_scale(self, labels: LabelImage) -> LabelImage:
        """Labels of the partition at the scale of the image."""
        if labels.shape == self.shape:
            return labels
        rows, columns = (
            ((np.arange(size) + 0.5) * made / size).astype(np.intp)
            for size, made in zip(self.shape, labels.shape, strict=True)
        )
        found: LabelImage = zeros_like(labels, labels.dtype, self.shape)
        for strip in strips(self.shape):
            near = rows[strip]
            found[strip] = labels[near[0] : near[-1] + 1][near - near[0]][:, columns]
        return found


def grains_of(model: Model, micrograph: Micrograph, settings: Settings, start: float) -> Segmentation:
    """One label per grain; the image is brought to a size of the grains that the network knows."""
    card, shape = model.card, micrograph.pixels.shape
    roi, mount_percent = _without_mount(micrograph, settings)
    scale, how, maps, used = _sized(model, replace(micrograph, roi=roi), settings)
    probability = maps.first(micrograph.pixels)
    del maps
    if scale < 1:  # few and large grains: their outlines are drawn at the scale of the image
        probability = scaled(probability, (shape[1], shape[0]), "bilinear")
    same = probability.shape == shape
    chosen = {key: card.settings[key] for key in ("level", "lower", "higher", "smallest_px") if key in card.settings}
    if settings.threshold is not None:
        chosen["level"] = settings.threshold
    chosen |= {"twins": settings.twins, "scratches": settings.scratches}
    parted = _Parted(
        partition=grain_labels.partition(
            probability,
            roi if same else scaled(roi, (probability.shape[1], probability.shape[0]), "nearest"),
            grain_labels.Settings(**chosen),
            micrograph.path,
            enlarged=max(1.0, 1 / scale),
            gray=micrograph.pixels if same else resized(micrograph.pixels, scale),
        ),
        shape=(shape[0], shape[1]),
    )
    merged = grain_labels.grains_at(parted.partition, where=micrograph.path)
    labels = parted.at_scale(merged.labels)
    found = {
        "scale": round(scale, 4),
        "scale_from": how,
        "mount_percent": mount_percent,
        "threshold": round(parted.partition.levels[1], 4),
        **grain_labels.found(parted.partition, labels),
        **stated(
            Told(
                twin_lamellae_merged=merged.lamellae,
                scratch_lines_merged=merged.lines,
                scratched_percent=round(100 * merged.scratched, 1),
            )
        ),
        **used,
    }
    made = segmentation_of(model, settings, labels, found, start)
    return replace(made, alternatives=partial(_other_grains, model, settings, parted, found, micrograph.path))


def _without_mount(micrograph: Micrograph, settings: Settings) -> tuple[Mask, float]:
    """Give the region that counts, without mounting material, and the share of this. [%]"""
    roi: Mask = zeros_like(micrograph.pixels, np.bool_)
    for rows in strips(roi.shape):
        roi[rows] = True if micrograph.roi is None else micrograph.roi[rows]
    mount = mount_mask(micrograph.pixels, roi) if settings.mount == "auto" else None
    if mount is None:
        return roi, 0.0
    covered = 0
    for rows in strips(roi.shape):
        part = mount[rows]
        covered += int(np.count_nonzero(part))
        roi[rows] &= ~part
    return roi, round(100 * covered / roi.size, 2)


def _other_grains(
    model: Model, settings: Settings, parted: "_Parted", found: Mapping[str, object], where: str
) -> Iterator[tuple[str, Segmentation]]:
    """Grains at a lower and a higher level of the probability, from the same prediction."""
    start = perf_counter()
    for name, labels in grain_labels.alternatives(parted.partition, where):
        yield name, segmentation_of(model, settings, parted.at_scale(labels), found, start)
        del labels
        start = perf_counter()


def _sized(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[float, str, Maps, dict[str, object]]:
    """Scale of the prediction, where it comes from, and the prediction; an image that fits is predicted once."""
    card = model.card
    if settings.scale is not None or card.structure_px is None:
        scale, how = training_scale(card, micrograph, settings.scale)
        return scale, how, *maps_of(model, micrograph, settings, scale)
    height, width = micrograph.pixels.shape
    sample = tuple(
        slice(max(0, (n - _SAMPLE_PX) // 2), max(0, (n - _SAMPLE_PX) // 2) + _SAMPLE_PX) for n in (height, width)
    )
    part = micrograph
    if max(height, width) > _SAMPLE_PX:
        part = replace(
            micrograph,
            pixels=micrograph.pixels[sample],
            color=None if micrograph.color is None else micrograph.color[sample],
            roi=None if micrograph.roi is None or not micrograph.roi[sample].any() else micrograph.roi[sample],
        )
    tried: dict[float, tuple[Maps, dict[str, Any]]] = {}

    def predict(scale: float) -> NDArray[np.uint8]:
        tried[scale] = maps_of(model, part, settings, scale)
        return np.asarray(tried[scale][0].first(part.pixels))

    scale, size = grain_labels.settled_scale(predict, card.structure_px)
    low, high = card.structure_px
    how = Text("segmentation.scale_by_intercept", size=size, low=low, high=high)
    if part is micrograph and scale in tried:
        return scale, how, *tried[scale]
    return scale, how, *maps_of(model, micrograph, settings, scale)
