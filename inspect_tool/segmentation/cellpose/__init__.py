"""Cellpose, as installed, with weights of our own model folders: one label per object, never a download.

Cellpose 3.1 (``CPnet``) and from 4 on (Cellpose-SAM) are used through their own tiling and their own dynamics
(``cellpose.dynamics.compute_masks``).

Any image size: flows and object scores are predicted chunk by chunk, each pixel by one chunk that sees beyond its
own part, so that there is one flow field; objects are then found in windows over that field. An object belongs to
the window whose own part holds its centroid, and a window that cuts one of its objects is taken larger. Chunks and
windows follow from ``chunk_px`` and the size of the image alone, whether it is held or lies on the disk.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from math import ceil, log
from time import perf_counter
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from scipy import ndimage
from typing_extensions import Doc

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import GrayImage, LabelImage, Mask, Micrograph, Samples, Segmentation
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.ranges import Above0, From0
from inspect_tool.segmentation.cellpose.flows import NOTHING, FlowField, Flows
from inspect_tool.segmentation.cellpose.network import Model, convert, ready_model
from inspect_tool.segmentation.networks.runtime import Device, Precision
from inspect_tool.segmentation.networks.tiling import Area, middle, wider
from inspect_tool.segmentation.networks.weights import gray_range, model_folder

__all__ = ["KINDS", "MODELS", "Model", "Settings", "convert", "load", "segment"]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
MODELS = ("model",)  # names of settings that name a model: shipped, or a folder beside the job file

FLOW_THRESHOLD, CELLPROB_THRESHOLD = 0.4, 0.0  # of Cellpose, where neither job nor card says otherwise
ITERATIONS = 200  # of the dynamics, at the scale of the network; Cellpose's own number
WINDOW = 2.0  # what a window sees beyond its own part, in diameters
LARGEST_WINDOW = 3.0  # a window grows up to so many chunks beyond its own part
SAME_PX = 2.0  # a centroid so near to the edge of a part may count to either side
SHIFT = 1.0  # of the object score (a logit) that is as plausible (measured: docs/cellpose.md)
SAMPLE_PX = 512  # side of the part of the image on which the diameter is found, at the scale of the network [px]
LADDER = (0.5, 1.0, 2.0, 4.0, 8.0)  # diameters that are tried, in diameters of the training
SETTLED = 0.1  # the diameter is found when it changes by less [1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; thresholds and diameter come from the model card by default."""

    model: Annotated[str, Doc("shipped model, or a folder with model.toml and weights")] = "particles_cellpose"
    diameter_px: Annotated[
        Above0[float] | None, Doc("of the objects; None: by the scale of the training, else found [px]")
    ] = None
    flow_threshold: Annotated[From0[float] | None, Doc("largest error of the flow of an object, 0: any [1]")] = None
    cellprob_threshold: Annotated[float | None, Doc("object score (a logit) above which a pixel counts [1]")] = None
    min_size_px: Annotated[From0[int], Doc("smaller objects are dropped [px]")] = 15
    invert: Annotated[bool, Doc("light and dark change places before the network sees the image")] = False
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    precision: Annotated[Precision, Doc("auto: bfloat16 where the processor has it")] = "auto"
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    tile_batch: Annotated[Above0[int], Doc("tiles at a time")] = 8
    chunk_px: Annotated[Above0[int], Doc("side of what is predicted at once; bounds the memory [px]")] = 2048


def load(settings: Settings) -> Model:
    """Check licence, version and weights, and make the network ready.

    Raises
    ------
    SettingsError
        A number that cannot be.
    BackendError
        See ``ready_model``.
    """
    least: dict[str, float] = {"diameter_px": 2.0, "flow_threshold": 0.0, "min_size_px": 0, "tile_batch": 1}
    for key, low in least.items():
        value = getattr(settings, key)
        if value is not None and not value >= low:
            msg = f"backend {key}: got {value:g}, must be at least {low:g}"
            raise SettingsError(msg)
    if settings.chunk_px < 256:
        msg = f"backend chunk_px: got {settings.chunk_px}, must be at least 256"
        raise SettingsError(msg)
    return ready_model(
        model_folder(settings.model),
        commercial=settings.commercial,
        device=settings.device,
        precision=settings.precision,
        batch=settings.tile_batch,
    )


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Label every object of one field.

    Returns
    -------
    Segmentation
        Instance labels; 0 outside of the region. Settings hold thresholds, diameter and how it was found, device and
        precision, and every retreat to smaller batches or the CPU.

    Raises
    ------
    BackendError
        The image is constant; the network gives values that are not finite, or constant ones; an object is larger
        than the largest window.
    """
    start = perf_counter()
    prepared = _prepared(model, micrograph, settings)
    labels = _labels(prepared, prepared.cellprob_threshold)
    made = _segmentation(prepared, labels, prepared.cellprob_threshold, start)
    return replace(made, alternatives=partial(_others, prepared))


def _others(prepared: "_Prepared") -> Iterator[tuple[str, Segmentation]]:
    """Segmentations with a lower and a higher object score that are as plausible; the network is not run again."""
    for name, shift in (("object score -", -SHIFT), ("object score +", SHIFT)):
        start = perf_counter()
        threshold = prepared.cellprob_threshold + shift
        found = _segmentation(prepared, _labels(prepared, threshold), threshold, start)
        yield name, found
        del found  # or two of them are held at a time


# -------------------------------------------------------------------------------------------------- the image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Prepared:
    """One image with its diameter and its flows; what the alternatives need."""

    model: Model
    flows: FlowField
    settings: Settings
    diameter_px: float
    diameter_from: str
    flow_threshold: float
    cellprob_threshold: float
    roi: Mask | None
    path: str


def _prepared(model: Model, micrograph: Micrograph, settings: Settings) -> _Prepared:
    pixels, roi = micrograph.pixels, micrograph.roi
    try:
        span = gray_range(pixels, model.card.normalization, roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    card = model.card.settings
    trained_px = float(card.get("diameter_px", 30.0))
    stated = [settings.flow_threshold, card.get("flow_threshold"), FLOW_THRESHOLD]
    flow_threshold = float(next(value for value in stated if value is not None))
    stated = [settings.cellprob_threshold, card.get("cellprob_threshold"), CELLPROB_THRESHOLD]
    threshold = float(next(value for value in stated if value is not None))

    def prepared(diameter: float, origin: str, part: GrayImage, counts: Mask | None, scale: float) -> _Prepared:
        flows = FlowField(
            model,
            part,
            span,
            scale,
            roi=counts,
            path=micrograph.path,
            chunk_px=settings.chunk_px,
            invert=settings.invert,
        )
        return _Prepared(
            model=model,
            flows=flows,
            settings=settings,
            diameter_px=diameter,
            diameter_from=origin,
            flow_threshold=flow_threshold,
            cellprob_threshold=threshold,
            roi=counts,
            path=micrograph.path,
        )

    def whole(diameter: float, origin: str) -> _Prepared:
        return prepared(diameter, origin, pixels, roi, trained_px / diameter)

    here_um, there_um = micrograph.calibration.pixel_um, model.card.pixel_um
    if settings.diameter_px is not None:
        return whole(settings.diameter_px, "stated")
    if here_um is not None and there_um is not None:
        return whole(trained_px * there_um / here_um, "scale of the training")

    def measured(diameter: float) -> tuple[float, float]:
        """Median diameter of the objects that are found with this one, and their share; on a part of the image."""
        scale = trained_px / diameter
        area = middle(roi, pixels.shape, round(SAMPLE_PX / scale))
        part, counts = pixels[area], None if roi is None else roi[area]
        small = min(1.0, scale)
        if small < 1:  # dynamics of large objects take long; their size is found as well on a smaller picture
            size = (max(1, round(part.shape[1] * small)), max(1, round(part.shape[0] * small)))
            part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.float32)
            counts = None if counts is None else cv2.resize(counts.astype(np.uint8), size, interpolation=0).astype(bool)
        trial = prepared(diameter * small, "", part, counts, scale / small)
        median, covered = _sizes(_labels(trial, threshold))
        return median / small, covered

    return whole(*_found_diameter(measured, trained_px, pixels.shape))


def _found_diameter(
    measured: Callable[[float], tuple[float, float]], trained_px: float, shape: Sequence[int]
) -> tuple[float, str]:
    """Diameter of the objects of an image, and how it was found.

    Each diameter of a ladder is tried; where the objects come out as large as was assumed, and cover much, it was
    right. Then the median diameter is taken, until it stays.
    """
    best = (0.0, trained_px)
    for rung in LADDER:
        diameter = rung * trained_px
        if rung > 1 and diameter > min(shape) / 2:
            break
        median, area = measured(diameter)
        if median > 0:
            best = max(best, (area * np.exp(-2 * log(median / diameter) ** 2), median))
    weight, diameter = best
    if weight == 0:
        return trained_px, "training; nothing was found to measure"
    for _ in range(3):
        median, _ = measured(diameter)
        if median == 0 or abs(log(median / diameter)) < SETTLED:
            break
        diameter = median
    return round(diameter, 2), "found: median of the objects in the middle of the image"


def _sizes(labels: LabelImage) -> tuple[float, float]:
    """Median diameter of the objects that the edge does not cut [px], and their share of the area."""
    cut = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    areas = np.bincount(labels.ravel())
    covered = float(areas[1:].sum()) / labels.size
    areas[0] = 0
    areas[cut] = 0
    whole = np.sort(areas[areas > 0])
    if not whole.size:
        return 0.0, 0.0
    middle = float(whole[np.searchsorted(np.cumsum(whole), whole.sum() / 2)])  # by area: specks do not count
    return 2 * float(np.sqrt(middle / np.pi)), covered


# ------------------------------------------------------------------------------------------------- the objects


def _labels(prepared: _Prepared, threshold: float) -> LabelImage:
    """Objects of the whole image, numbered from 1, window by window."""
    flows = prepared.flows
    labels: LabelImage = zeros_like(flows.pixels, np.int32)
    count = 0
    for rows in flows.parts[0]:
        for columns in flows.parts[1]:
            count = _add(prepared, threshold, (slice(*rows), slice(*columns)), labels, count)
    if prepared.roi is not None:
        for top, bottom in strips(labels.shape):
            labels[top:bottom] = np.where(prepared.roi[top:bottom], labels[top:bottom], 0)
        _renumber(labels, count)
    return labels


def _add(prepared: _Prepared, threshold: float, part: Area, labels: LabelImage, count: int) -> int:
    """Put the objects of one part into the labels; returns how many there are now."""
    shape = labels.shape
    margin = ceil(WINDOW * prepared.diameter_px)
    most = round(LARGEST_WINDOW * max(part[0].stop - part[0].start, part[1].stop - part[1].start))
    while True:
        window = wider(part, margin, shape)
        masks = _masks(prepared, threshold, window)
        owned = _owned(masks, window, part, shape)
        cut = _cut(masks, owned, window, shape)
        if cut is None:
            break
        if margin >= most:
            row, column = cut
            msg = (
                f"{prepared.path}: the object at row {row}, column {column} is larger than {margin} px; check "
                f"diameter_px (used: {prepared.diameter_px:g}), raise cellprob_threshold, or raise chunk_px"
            )
            raise BackendError(msg)
        margin = min(2 * margin, most)
    there = labels[window]
    for number, box in owned.items():
        mine = masks[box] == number
        free = mine & (there[box] == 0)
        if 2 * np.count_nonzero(free) <= np.count_nonzero(mine):
            continue  # another window has it
        count += 1
        there[box][free] = count
    labels[window] = there  # of a stored image it is a copy
    return count


def _masks(prepared: _Prepared, threshold: float, window: Area) -> LabelImage:
    """What Cellpose's dynamics finds in a window."""
    import torch

    flows = prepared.flows.at(window)
    if prepared.roi is not None:
        flows[2][~prepared.roi[window]] = NOTHING
    compute = import_module("cellpose.dynamics").compute_masks
    device = torch.device(prepared.model.network.described["device"])
    while True:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sparse invariant checks", UserWarning)  # torch explains its default
                masks = compute(
                    flows[:2],
                    flows[2],
                    niter=int(ITERATIONS / prepared.flows.scale),
                    cellprob_threshold=threshold,
                    flow_threshold=0.0,  # judged below
                    min_size=-1,
                    max_size_fraction=1.0,  # nothing is dropped for being large
                    device=device,
                )
                _drop_contradicted(masks, flows, prepared.flow_threshold, window, prepared.flows.pixels.shape, device)
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            device = torch.device("cpu")
            prepared.model.notes.append("device out of memory: dynamics on the CPU")
        else:
            fill = import_module("cellpose.utils").fill_holes_and_remove_small_masks
            return np.asarray(fill(masks, min_size=max(1, prepared.settings.min_size_px)), np.int32)


def _drop_contradicted(
    masks: Samples, flows: Flows, threshold: float, window: Area, shape: Sequence[int], device: Any
) -> None:
    """Drop, in place, objects whose shape contradicts their flow, as Cellpose does; not those the image edge cuts.

    The flow points to the middle of a whole object; that of a cut one may lie outside of the image.
    """
    if threshold <= 0 or not masks.any():
        return
    dynamics = import_module("cellpose.dynamics")
    judge = dynamics.flow_error if hasattr(dynamics, "flow_error") else dynamics.metrics.flow_error  # until 3.1
    errors = judge(masks, flows[:2], device)[0]
    bad = np.concatenate([[False], errors > threshold])
    for axis in (0, 1):
        if window[axis].start == 0:
            bad[np.take(masks, 0, axis)] = False
        if window[axis].stop == shape[axis]:
            bad[np.take(masks, -1, axis)] = False
    masks[bad[masks]] = 0


def _owned(masks: LabelImage, window: Area, part: Area, shape: Sequence[int]) -> dict[int, Area]:
    """Objects whose centroid lies in the part of a window, and their boxes in the window."""
    boxes = {n: box for n, box in enumerate(ndimage.find_objects(masks), 1) if box is not None}
    if part == (slice(0, shape[0]), slice(0, shape[1])):
        return boxes
    size = int(masks.max()) + 1
    area = np.bincount(masks.ravel(), minlength=size)
    inside = np.ones(size, bool)
    for axis in (0, 1):
        at = np.arange(masks.shape[axis], dtype=np.float64)
        weights = np.broadcast_to(at[:, None] if axis == 0 else at, masks.shape).ravel()
        middle = np.bincount(masks.ravel(), weights, size) / np.maximum(area, 1) + window[axis].start
        inside &= (middle >= part[axis].start - SAME_PX) & (middle <= part[axis].stop - 1 + SAME_PX)
    return {n: box for n, box in boxes.items() if inside[n]}


def _cut(masks: LabelImage, owned: dict[int, Area], window: Area, shape: Sequence[int]) -> tuple[int, int] | None:
    """Where an object touches an edge of its window that is none of the image; None: nowhere."""
    for number, box in owned.items():
        for axis in (0, 1):
            low = box[axis].start == 0 and window[axis].start > 0
            high = box[axis].stop == masks.shape[axis] and window[axis].stop < shape[axis]
            if low or high:
                row, column = np.argwhere(masks[box] == number)[0]
                return window[0].start + box[0].start + int(row), window[1].start + box[1].start + int(column)
    return None


def _renumber(labels: LabelImage, count: int) -> None:
    """Number what is left of so many objects from 1, in place."""
    left = np.zeros(count + 1, np.bool_)
    for top, bottom in strips(labels.shape):
        left[labels[top:bottom]] = True
    left[0] = False
    order = np.cumsum(left, dtype=np.int32)
    order[~left] = 0
    for top, bottom in strips(labels.shape):
        labels[top:bottom] = order[labels[top:bottom]]


def _segmentation(prepared: _Prepared, labels: LabelImage, threshold: float, start: float) -> Segmentation:
    model, settings = prepared.model, prepared.settings
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    found = {
        "model": model.card.name,
        "licence": model.card.licence,
        "cellpose": model.cellpose,
        "architecture": model.card.architecture,
        "diameter_px": prepared.diameter_px,
        "diameter_from": prepared.diameter_from,
        "rescaled_by": round(prepared.flows.scale, 4),
        "flow_threshold": prepared.flow_threshold,
        "cellprob_threshold": threshold,
        **model.network.described,
        "retreats": tuple(model.notes),
    }
    return Segmentation(
        labels=labels,
        classes={1: model.card.classes[-1]},
        kind="instance",
        backend="cellpose",
        weights_sha256=model.card.sha256,
        settings={**used, **found},
        seconds=perf_counter() - start,
        coverage=prepared.flows.coverage,
    )
