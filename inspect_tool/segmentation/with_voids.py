"""Objects of another backend, and voids among what it leaves: three phases of a composite, fibers told apart.

Any backend may find the objects. Of one that gives objects they are taken as they are; of one that gives classes those
of class 1, parted about the middles that stand out of the gray values (``measure.packed``). Voids are what is darker
than the matrix between the objects by a share of the step from matrix to objects; the outline of each lies half-way
down to its own floor.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import partial
from time import perf_counter
from typing import Annotated, Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool import registry
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.files import checked
from inspect_tool.images.preprocess import background
from inspect_tool.measure import packed
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.plugins import Backend
from inspect_tool.ranges import Above0, Share

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)

_BLUR_PX = 1.0  # before gray values are compared
_CLEAR_PX = 2  # of an object: nearer matrix has gray of the object in it
_WIDE = 8.0  # the gray of the matrix is followed over this part of the shorter side
_NOISE = 5.0  # a void is darker than the matrix by this many standard deviations of its gray
_FLOOR = 0.1  # quantile of the gray within a void that is called its floor
_HALF, _SHIFT = 0.5, 0.1  # height of the outline between floor and matrix, and how far another plausible one lies
_HOLE = 0.2  # area of a hole in an object over that of the usual one: below it is a pit, and filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set."""

    objects: Annotated[str, Doc("backend that finds the objects: threshold, watershed, stardist, cellpose, ...")] = (
        "threshold"
    )
    options: Annotated[Mapping[str, Any], Doc('settings of that backend, e.g. { phase = "bright" }')] = default(
        default_factory=dict
    )
    diameter_px: Annotated[
        Above0[float] | None, Doc("classes only: usual diameter of the objects that are parted; None: found [px]")
    ] = None
    names: Annotated[tuple[str, str, str], Doc("of matrix, objects and voids")] = ("matrix", "object", "void")
    void_contrast: Annotated[
        Share, Doc("darker than the matrix by this share of the step from matrix to objects is a void [1]")
    ] = 0.3
    min_void_px2: Annotated[Above0[int], Doc("smaller dark spots are no voids [px2]")] = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Inner:
    """The backend that finds the objects, ready."""

    backend: Backend
    settings: Any
    model: Any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Objects:
    """Objects of one segmentation."""

    numbers: LabelImage  # 0 also in parts of the mask that are of no object
    mask: Mask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gray:
    """Gray values of what the objects leave."""

    pixels: NDArray[np.float32]
    matrix: NDArray[np.float32]  # gray of the matrix at each pixel
    least: float  # darker than the matrix by so much is a void [gray levels]


def load(settings: Settings) -> _Inner:
    """Load the backend that finds the objects.

    Raises
    ------
    SettingsError
        It is this one, it reads masks of the user, or its settings are wrong.
    """
    if settings.objects in ("with_voids", "labels"):
        msg = f"backend.objects: is '{settings.objects}'; name a backend that finds objects or a phase in the image"
        raise SettingsError(msg)
    if len({name.strip() for name in settings.names} - {""}) < 3:
        msg = f"backend.names: must be three different names, got {', '.join(settings.names)}"
        raise SettingsError(msg)
    backend = registry.load("backend", settings.objects)
    own = checked(backend.Settings, dict(settings.options), "backend.options")
    return _Inner(backend=backend, settings=own, model=backend.load(own))


def segment(model: _Inner, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Label objects 1 and voids 2; ``objects`` numbers the objects.

    Raises
    ------
    BackendError
        There is no object, or nothing but objects.
    """
    start = perf_counter()
    inner = model.backend.segment(model.model, micrograph, model.settings)
    found = _found(inner, micrograph, settings)
    made = _segmentation(inner, found, micrograph, settings, _HALF)
    made = replace(made, seconds=perf_counter() - start)
    return replace(made, alternatives=partial(_others, inner, found, micrograph, settings))


def _others(
    inner: Segmentation, found: _Objects, micrograph: Micrograph, settings: Settings
) -> Iterator[tuple[str, Segmentation]]:
    """Give the alternatives of the objects, then voids with an outline higher and lower between floor and matrix."""
    for name, other in inner.alternatives():
        yield name, _segmentation(other, _found(other, micrograph, settings), micrograph, settings, _HALF)
    for name, height in (("voids -", _HALF - _SHIFT), ("voids +", _HALF + _SHIFT)):
        yield name, _segmentation(inner, found, micrograph, settings, height)


def _found(inner: Segmentation, micrograph: Micrograph, settings: Settings) -> _Objects:
    if inner.kind == "instance":
        numbers = np.asarray(inner.labels, np.int32)
        mask = np.asarray(numbers > 0)
    else:
        mask = np.asarray(inner.labels == 1)
        numbers = np.zeros(mask.shape, np.int32)
        if inner.objects is not None:
            numbers = np.where(mask, inner.objects, 0).astype(np.int32)
        elif mask.any() and not mask.all():
            gray = micrograph.pixels.astype(np.float32)
            gray = gray if gray[mask].mean() > gray[~mask].mean() else -gray
            size_px = settings.diameter_px or packed.usual_diameter(gray, mask)
            numbers = np.asarray(_filled(packed.parted(gray, mask, size_px)), np.int32)
            mask |= numbers > 0
    if not mask.any() or mask.all():
        what = "no object" if not mask.any() else "nothing but objects"
        msg = f"{micrograph.path}: {what} found by '{settings.objects}'; check [backend] options, e.g. the phase"
        raise BackendError(msg)
    return _Objects(numbers=numbers, mask=mask)


def _filled(labels: LabelImage) -> LabelImage:
    """Close pits in objects: small holes that lie in one object alone, and not between several."""
    count, holes, stats, _ = cv2.connectedComponentsWithStats((labels == 0).view(np.uint8), connectivity=4)
    areas = np.bincount(labels.ravel())[1:]
    small = stats[:, cv2.CC_STAT_AREA] <= _HOLE * float(np.median(areas[areas > 0])) if areas.any() else np.zeros(count)
    small[0] = False  # the objects themselves
    beside = []
    for one, other in (
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[1:], np.s_[:-1]),
    ):
        hole, label = holes[one], labels[other]
        met = small[hole] & (label > 0)
        beside.append(np.column_stack([hole[met], label[met]]))
    pairs = np.unique(np.concatenate(beside), axis=0)
    alone = np.bincount(pairs[:, 0], minlength=count) == 1
    owner = np.zeros(count, np.int32)
    own = pairs[alone[pairs[:, 0]]]
    owner[own[:, 0]] = own[:, 1]
    return np.where(labels > 0, labels, owner[holes]).astype(np.int32)


def _segmentation(
    inner: Segmentation, found: _Objects, micrograph: Micrograph, settings: Settings, height: float
) -> Segmentation:
    rest = np.asarray(~found.mask)
    if micrograph.roi is not None:
        rest &= micrograph.roi
    voids = _voids(_gray(micrograph, found.mask, rest, settings), rest, settings, height)
    labels = np.where(found.mask, 1, np.where(voids, 2, 0)).astype(np.int32)
    return Segmentation(
        labels=labels,
        classes=dict(enumerate(settings.names)),
        kind="semantic",
        backend="with_voids",
        weights_sha256=inner.weights_sha256,
        settings={
            **{key: getattr(settings, key) for key in settings.__dataclass_fields__},
            **{f"{settings.objects}.{key}": value for key, value in inner.settings.items()},
            "void_outline": height,
        },
        coverage=inner.coverage,
        missed_u_rel=inner.missed_u_rel,
        objects=found.numbers,
    )


def _gray(micrograph: Micrograph, objects: Mask, rest: Mask, settings: Settings) -> _Gray:
    """Gray of the matrix over the image, followed slowly, and the darkness of a void."""
    pixels = np.asarray(cv2.GaussianBlur(micrograph.pixels.astype(np.float32), (0, 0), _BLUR_PX), np.float32)
    kernel = np.ones((2 * _CLEAR_PX + 1, 2 * _CLEAR_PX + 1), np.uint8)
    clear = cv2.erode(rest.view(np.uint8), kernel) > 0
    if np.count_nonzero(clear) < 100:
        clear = rest
    middle = float(np.median(pixels[clear]))
    step = abs(float(np.median(pixels[objects])) - middle)
    usual = clear & (pixels > middle - 0.5 * settings.void_contrast * step)
    sigma_px = min(pixels.shape) / _WIDE
    top = background(np.where(usual, pixels, 0).astype(np.float32), sigma_px=sigma_px)
    base = background(usual.astype(np.float32), sigma_px=sigma_px)
    matrix = np.where(base > 1e-3, top / np.maximum(base, 1e-3), middle).astype(np.float32)
    apart = np.abs(pixels[usual] - matrix[usual])
    noise = 1.4826 * float(np.median(apart)) if apart.size else 0.0
    return _Gray(pixels=pixels, matrix=matrix, least=max(settings.void_contrast * step, _NOISE * noise))


def _voids(gray: _Gray, rest: Mask, settings: Settings, height: float) -> Mask:
    """Grow each dark spot to its own level between its floor and the matrix."""
    dark = rest & (gray.pixels < gray.matrix - gray.least)
    count, spots, stats, _ = cv2.connectedComponentsWithStats(dark.view(np.uint8), connectivity=8)
    found = np.zeros(rest.shape, bool)
    for number in range(1, count):
        left, top, width, tall, area = stats[number].tolist()
        if area < settings.min_void_px2 // 2:
            continue
        reach = 4 + max(width, tall) // 4
        window = np.s_[max(top - reach, 0) : top + tall + reach, max(left - reach, 0) : left + width + reach]
        here = spots[window] == number
        floor = float(np.quantile(gray.pixels[window][here], _FLOOR))
        around = float(gray.matrix[window][here].mean())
        inside = rest[window] & (gray.pixels[window] < floor + height * (around - floor))
        _, grown = cv2.connectedComponents(inside.view(np.uint8), connectivity=8)
        mine = np.isin(grown, np.unique(grown[here & inside])) & inside
        if np.count_nonzero(mine) >= settings.min_void_px2:
            found[window] |= mine
    return found
