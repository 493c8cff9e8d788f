"""Objects of another backend, and voids among what it leaves: three phases of a composite, fibers told apart.

Any backend may find the objects. Of one that gives objects they are taken as they are; of one that gives classes those
of class 1, parted about the middles that stand out of the gray values (``measure.packed``); those that have the gray of
the matrix are none: beside a void a level that follows the gray takes the matrix for the brighter phase. Voids are what
is darker than the matrix between the objects by a share of the step from matrix to objects; the outline of each lies
half-way down to its own floor.
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

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.images.filters import background
from inspect_tool.measure import packed
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation import inner
from inspect_tool.segmentation.inner import Inner

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)
BACKENDS = ("objects",)  # settings that are themselves a [backend] table

_NAME = "with_voids"

_BLUR_PX = 1.0  # before gray values are compared
_CLEAR_PX = 2  # of an object: nearer matrix has gray of the object in it
_WIDE = 8.0  # the gray of the matrix is followed over this part of the shorter side
_DARKEST = 0.1  # of the usual light: a place is never taken for darker
_NOISE = 5.0  # a void is darker than the matrix by this many standard deviations of its gray
_FLOOR = 0.1  # quantile of the gray within a void that is called its floor
_HALF, _SHIFT = 0.5, 0.1  # height of the outline between floor and matrix, and how far another plausible one lies
_PALE = 0.5  # of the step from the matrix to the usual object: what stands out less has the gray of the matrix
_HOLE = 0.2  # area of a hole in an object over that of the usual one: below it is a pit, and filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set."""

    objects: Annotated[
        Mapping[str, Any], Doc("backend that finds the objects, with its settings: threshold, watershed, stardist, ...")
    ] = default(default_factory=lambda: {"name": "threshold"})
    diameter_px: Annotated[
        Above0[float] | None, Doc("classes only: usual diameter of the objects that are parted; None: found [px]")
    ] = None
    names: Annotated[tuple[str, str, str], Doc("of matrix, objects and voids")] = ("matrix", "object", "void")
    void_contrast: Annotated[
        Share, Doc("darker than the matrix by this share of the step from matrix to objects is a void [1]")
    ] = 0.3
    min_void_px2: Annotated[Above0[int], Doc("smaller dark spots are no voids [px2]")] = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Objects:
    """Objects of one segmentation."""

    numbers: LabelImage  # 0 also in parts of the mask that are of no object
    mask: Mask
    diameter_px: float | None = None  # by which classes were parted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gray:
    """Gray values of what the objects leave."""

    pixels: NDArray[np.float32]
    matrix: NDArray[np.float32]  # gray of the matrix at each pixel
    least: float  # darker than the matrix by so much is a void [gray levels]


def load(settings: Settings) -> Inner:
    """Load the backend that finds the objects.

    Raises
    ------
    SettingsError
        It is this one, it reads masks of the user, or its settings are wrong; or names are missing.
    """
    if len({name.strip() for name in settings.names} - {""}) < 3:
        msg = f"backend.names: must be three different names, got {', '.join(settings.names)}"
        raise SettingsError(msg)
    return inner.load(_NAME, BACKENDS[0], settings.objects)


def segment(model: Inner, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Label objects 1 and voids 2; ``objects`` numbers the objects.

    Raises
    ------
    BackendError
        There is no object, or nothing but objects.
    """
    start = perf_counter()
    proposed = model.backend.segment(model.model, micrograph, model.settings)
    found = _found(proposed, micrograph, settings)
    made = _segmentation(model, proposed, found, micrograph, settings, _HALF)
    made = replace(made, seconds=perf_counter() - start)
    return replace(made, alternatives=partial(_others, model, proposed, found, micrograph, settings))


def _others(
    model: Inner, proposed: Segmentation, found: _Objects, micrograph: Micrograph, settings: Settings
) -> Iterator[tuple[str, Segmentation]]:
    """Give the alternatives of the objects, then voids with an outline higher and lower between floor and matrix."""
    known = replace(settings, diameter_px=found.diameter_px)  # another level does not make other objects
    for name, other in proposed.alternatives():
        yield name, _segmentation(model, other, _found(other, micrograph, known), micrograph, settings, _HALF)
    for name, height in (("voids -", _HALF - _SHIFT), ("voids +", _HALF + _SHIFT)):
        yield name, _segmentation(model, proposed, found, micrograph, settings, height)


def _found(proposed: Segmentation, micrograph: Micrograph, settings: Settings) -> _Objects:
    size_px = settings.diameter_px
    if proposed.kind == "instance":
        numbers = np.asarray(proposed.labels, np.int32)
        mask = np.asarray(numbers > 0)
    else:
        mask = np.asarray(proposed.labels == 1)
        numbers = np.zeros(mask.shape, np.int32)
        if proposed.objects is not None:
            numbers = np.where(mask, proposed.objects, 0).astype(np.int32)
        elif mask.any() and not mask.all():
            gray = micrograph.pixels.astype(np.float32)
            gray = gray if gray[mask].mean() > gray[~mask].mean() else -gray
            size_px = size_px or packed.usual_diameter(gray, mask)
            numbers = np.asarray(_filled(packed.parted(gray, mask, size_px, micrograph.roi)), np.int32)
            mask |= numbers > 0
            pale = _pale(numbers, mask, micrograph, settings)
            numbers = np.where(pale, 0, numbers)
            mask &= ~pale
    if not mask.any() or mask.all():
        what = "no object" if not mask.any() else "nothing but objects"
        by = settings.objects["name"]
        msg = f"{micrograph.path}: {what} found by '{by}'; check its settings in [backend] objects, e.g. the phase"
        raise BackendError(msg)
    return _Objects(numbers=numbers, mask=mask, diameter_px=size_px)


def _pale(labels: LabelImage, mask: Mask, micrograph: Micrograph, settings: Settings) -> Mask:
    """Objects whose gray is nearer to that of the matrix around them than to that of the usual object."""
    gray = _gray(micrograph, mask, _rest(mask, micrograph), settings)
    above = gray.pixels - gray.matrix
    area = np.bincount(labels.ravel())
    mean = np.bincount(labels.ravel(), above.ravel()) / np.maximum(area, 1)
    step = float(np.median(above[mask]))
    pale = mean * np.sign(step) < _PALE * abs(step)
    pale[0] = False
    return np.asarray(pale[labels], np.bool_)


def _rest(objects: Mask, micrograph: Micrograph) -> Mask:
    return ~objects if micrograph.roi is None else ~objects & micrograph.roi


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
    model: Inner,
    proposed: Segmentation,
    found: _Objects,
    micrograph: Micrograph,
    settings: Settings,
    height: float,
) -> Segmentation:
    rest = _rest(found.mask, micrograph)
    voids = _voids(_gray(micrograph, found.mask, rest, settings), rest, settings, height)
    labels = np.where(found.mask, 1, np.where(voids, 2, 0)).astype(np.int32)
    return Segmentation(
        labels=labels,
        classes=dict(enumerate(settings.names)),
        kind="semantic",
        backend=_NAME,
        weights_sha256=proposed.weights_sha256,
        settings={
            **{key: getattr(settings, key) for key in settings.__dataclass_fields__},
            "objects": model.told(proposed),
            "void_outline": height,
        },
        coverage=proposed.coverage,
        missed_u_rel=proposed.missed_u_rel,
        objects=found.numbers,
    )


def _gray(micrograph: Micrograph, objects: Mask, rest: Mask, settings: Settings) -> _Gray:
    """Gray of the matrix over the image, followed slowly, and the darkness of a void."""
    pixels = np.asarray(cv2.GaussianBlur(micrograph.pixels.astype(np.float32), (0, 0), _BLUR_PX), np.float32)
    pixels = _evenly_lit(pixels, objects, rest)
    kernel = np.ones((2 * _CLEAR_PX + 1, 2 * _CLEAR_PX + 1), np.uint8)
    clear = cv2.erode(rest.view(np.uint8), kernel) > 0
    if np.count_nonzero(clear) < 100:
        clear = rest
    middle = float(np.median(pixels[clear]))
    step = abs(float(np.median(pixels[objects])) - middle)
    usual = clear & (pixels > middle - 0.5 * settings.void_contrast * step)
    matrix = _followed(pixels, usual, middle)
    apart = np.abs(pixels[usual] - matrix[usual])
    noise = 1.4826 * float(np.median(apart)) if apart.size else 0.0
    return _Gray(pixels=pixels, matrix=matrix, least=max(settings.void_contrast * step, _NOISE * noise))


def _evenly_lit(pixels: NDArray[np.float32], objects: Mask, rest: Mask) -> NDArray[np.float32]:
    """Gray values over the light that bright objects show: matrix in a dark corner may be as dark as a void."""
    usual = float(np.median(pixels[objects]))
    if not rest.any() or usual <= float(np.median(pixels[rest])):  # dark objects tell of no light
        return pixels
    light = _followed(pixels, objects, usual) / usual
    return np.asarray(pixels / np.maximum(light, _DARKEST), np.float32)


def _followed(pixels: NDArray[np.float32], where: Mask, elsewhere: float) -> NDArray[np.float32]:
    """Mean gray of some pixels, slowly changing over the image."""
    sigma_px = min(pixels.shape) / _WIDE
    top = background(np.where(where, pixels, 0).astype(np.float32), sigma_px=sigma_px)
    base = background(where.astype(np.float32), sigma_px=sigma_px)
    return np.where(base > 1e-3, top / np.maximum(base, 1e-3), elsewhere).astype(np.float32)


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
