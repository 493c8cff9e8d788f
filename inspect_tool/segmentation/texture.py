"""Rough and smooth areas by local texture, the outline moved to the edge beside it: cells in phase contrast.

In phase contrast cells have the gray of the ground. What tells them from it is their texture, so that a local measure
of it with one level is the usual way (N. Jaccard et al., Automated method for the rapid and precise estimation of
adherent cell culture characteristics from phase contrast microscopy images, Biotechnology and Bioengineering 111,
2014). Here it is the median of the band-passed gray in a window, which changes half-way over a straight border and
which a rim or a halo, being thinner than half of the window, does not decide. The level lies half-way between smooth
and rough pixels, found as two normal distributions of the logarithm of the texture (expectation maximization).

A halo is textured too, so that the outline comes out too far. It is therefore flooded anew from both sides between the
smooth area and ``reach_px`` inside, and ends on the strongest edge in between.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Annotated, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.measure.seeded import up_to_edges
from inspect_tool.model import Mask, Micrograph, Segmentation, Told, stated
from inspect_tool.ranges import Above0, From0

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)

_GRAINS_PX = (0.8, 1.2, 1.8)  # standard deviations of the finer filter; the one that parts best is taken
_COARSER = 2.5  # of the coarser filter over that of the finer one
_SHIFT = 0.15  # of the way from smooth to rough by which the level may as well lie lower or higher
_REACHES = (2 / 3, 3 / 2)  # times the reach within which the edge may as well be looked for
_MARKED = 0.7  # of the depth of a part, beyond which it is surely itself, where it is thinner than the reach
_BINS = 256
_STARTS = (0.1, 0.5, 0.9)  # shares of smooth pixels that the two distributions are looked for from
_ROUNDS = 150
_NARROWEST = 0.03  # standard deviation of a distribution: gray values are whole numbers
_SAMPLE = 200_000  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; everything is found from the image by default."""

    classes: Annotated[tuple[str, str], Doc("names of the smooth and of the rough area")] = ("smooth", "rough")
    window_px: Annotated[Above0[int], Doc("window of the median, odd; narrower gaps are bridged [px]")] = 11
    grain_px: Annotated[
        Above0[float] | None, Doc("standard deviation of the finest granules; None: 0.8, 1.2 or 1.8 [px]")
    ] = None
    level: Annotated[
        Above0[float] | None, Doc("texture from which a pixel is rough; None: found on each image [gray levels]")
    ] = None
    reach_px: Annotated[
        From0[float], Doc("how far inside its texture the outline is looked for: width of a halo; 0: not moved [px]")
    ] = 16.0
    min_object_px: Annotated[From0[int], Doc("smaller rough parts become smooth; 0: the window squared [px2]")] = 0
    fill_holes_px: Annotated[From0[int], Doc("smaller smooth parts become rough; 0: the window squared [px2]")] = 0


def load(settings: Settings) -> None:
    """Check what the settings demand of each other; there are no weights."""
    if settings.window_px % 2 == 0 or not 3 <= settings.window_px <= 99:
        msg = f"backend texture: window_px must be odd from 3 to 99, got {settings.window_px}"
        raise SettingsError(msg)
    if len(set(settings.classes)) != 2 or not all(settings.classes):
        msg = f"backend texture: give two different names of classes, got {list(settings.classes)}"
        raise SettingsError(msg)


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - the contract has a model
    """Tell rough from smooth areas.

    Parameters
    ----------
    model : None
        This backend has none.
    micrograph : Micrograph
        Field to segment, ``pixels`` (rows, columns).
    settings : Settings
        See there.

    Returns
    -------
    Segmentation
        Semantic, 1 on rough areas. ``settings`` has the level and how far both kinds of pixels are apart.

    Raises
    ------
    BackendError
        An image without contrast.
    SettingsError
        Settings that contradict each other.
    """
    load(settings)
    start = perf_counter()
    texture = _chosen(micrograph, settings)
    made = _segmentation(texture, texture.level, settings.reach_px, micrograph, settings, start)
    return replace(made, alternatives=partial(_others, micrograph, settings, texture.level))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Texture:
    """Texture of one field, and where its level lies."""

    values: NDArray[np.float32]  # (rows, columns): logarithm of the texture in gray levels
    grain_px: float
    smooth: float  # mean of the smooth pixels
    rough: float
    separation: float  # difference of these means over the sum of both standard deviations
    level: float


def _others(micrograph: Micrograph, settings: Settings, level: float) -> Iterator[tuple[str, Segmentation]]:
    """The level lower and higher, and the edge looked for in a narrower and a wider band."""
    texture = _chosen(micrograph, settings)
    shift = _SHIFT * (texture.rough - texture.smooth)
    for name, by in (("texture -", -shift), ("texture +", shift)):
        start = perf_counter()
        yield name, _segmentation(texture, level + by, settings.reach_px, micrograph, settings, start)
    if settings.reach_px:
        for name, factor in zip(("reach -", "reach +"), _REACHES, strict=True):
            start = perf_counter()
            yield name, _segmentation(texture, level, factor * settings.reach_px, micrograph, settings, start)


# ------------------------------------------------------------------------------------------------------- texture


def _chosen(micrograph: Micrograph, settings: Settings) -> _Texture:
    """Texture at the size of granules at which smooth and rough are farthest apart."""
    inside = micrograph.pixels if micrograph.roi is None else micrograph.pixels[micrograph.roi]
    if not inside.size or inside.min() == inside.max():
        msg = f"{micrograph.path}: the image is constant where it counts; check the exposure and the region"
        raise BackendError(msg)
    sizes = _GRAINS_PX if settings.grain_px is None else (settings.grain_px,)
    best: _Texture | None = None
    for grain_px in sizes:
        found = _at_size(micrograph, settings, grain_px)
        if best is None or found.separation > best.separation:
            best = found
        del found
    assert best is not None
    return best


def _at_size(micrograph: Micrograph, settings: Settings, grain_px: float) -> _Texture:
    gray = micrograph.pixels.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(gray, (0, 0), sigma) for sigma in (grain_px, _COARSER * grain_px))
    band = np.asarray(cv2.absdiff(fine, coarse), np.float32)
    del fine, coarse, gray
    roi = micrograph.roi
    top = max(float(np.percentile(band if roi is None else band[roi], 99)), 1e-6)
    # the square root spreads small values over the 8 bits that a wide median is fast with
    small = np.clip(255 * np.sqrt(band / top), 0, 255).astype(np.uint8)
    wide = cv2.medianBlur(small, settings.window_px).astype(np.float32)
    wide = cv2.GaussianBlur(wide, (0, 0), settings.window_px / 7)
    values = np.asarray(2 * np.log(np.maximum(wide, 1.0) / 255) + np.log(top), np.float32)
    counted = values.ravel() if roi is None else values[roi]
    smooth, rough = two_normals(counted[:: max(1, counted.size // _SAMPLE)])
    separation = (rough[0] - smooth[0]) / (smooth[1] + rough[1])
    level = (smooth[0] + rough[0]) / 2 if settings.level is None else float(np.log(settings.level))
    return _Texture(
        values=values,
        grain_px=grain_px,
        smooth=smooth[0],
        rough=rough[0],
        separation=separation,
        level=level,
    )


def two_normals(values: NDArray[np.float32]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and standard deviation of the two normal distributions that values are most likely of, the lower one first.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> values = np.concatenate([rng.normal(1, 0.3, 9000), rng.normal(3, 0.2, 1000)]).astype(np.float32)
    >>> [tuple(round(number, 1) for number in one) for one in two_normals(values)]
    [(1.0, 0.3), (3.0, 0.2)]
    """
    low, high = (float(one) for one in np.percentile(values, (0.05, 99.95)))
    counts, edges = np.histogram(values, _BINS, (low, high if high > low else low + 1))
    n, x = counts / counts.sum(), (edges[1:] + edges[:-1]) / 2
    best = (-np.inf, np.zeros(2), np.ones(2))
    for start in _STARTS:
        cut = float(np.interp(start, np.cumsum(n), x))
        halves = [n * (x <= cut) + 1e-12, n * (x > cut) + 1e-12]
        share = np.array([half.sum() for half in halves])
        mean = np.array([np.average(x, weights=half) for half in halves])
        sd = np.full(2, max(float(values.std()) / 2, _NARROWEST))
        for _ in range(_ROUNDS):
            density = share[:, None] * np.exp(-(((x - mean[:, None]) / sd[:, None]) ** 2) / 2) / sd[:, None] + 1e-300
            owned = density / density.sum(axis=0) * n
            share = owned.sum(axis=1) + 1e-9
            mean = (owned * x).sum(axis=1) / share
            sd = np.maximum(np.sqrt((owned * (x - mean[:, None]) ** 2).sum(axis=1) / share), _NARROWEST)
        likely = float((n * np.log(density.sum(axis=0))).sum())
        if likely > best[0]:
            best = (likely, mean, sd)
    order = np.argsort(best[1])
    first, second = ((float(best[1][k]), float(best[2][k])) for k in order)
    return first, second


# ------------------------------------------------------------------------------------------------------- outlines


def _segmentation(
    texture: _Texture, level: float, reach_px: float, micrograph: Micrograph, settings: Settings, start: float
) -> Segmentation:
    rough = _tidied(texture.values > level, settings)
    if micrograph.roi is not None:
        rough &= micrograph.roi
    if reach_px and rough.any():
        rough = _on_edges(rough, micrograph, reach_px)
    labels = rough.astype(np.uint8)
    labels.setflags(write=False)
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    found = {
        "grain_px": texture.grain_px,
        "level": round(float(np.exp(level)), 4),
        "reach_px": reach_px,
        **stated(Told(texture_separation=None if settings.level is not None else round(texture.separation, 3))),
    }
    return Segmentation(
        labels=labels,
        classes=dict(enumerate(settings.classes)),
        kind="semantic",
        backend="texture",
        settings={**used, **found},
        seconds=perf_counter() - start,
    )


def _tidied(rough: Mask, settings: Settings) -> Mask:
    """Without rough parts and smooth holes that are smaller than asked."""
    least = settings.window_px**2
    rough = _of_area(rough, settings.min_object_px or least)
    return ~_of_area(~rough, settings.fill_holes_px or least)


def _of_area(mask: Mask, least_px2: int) -> Mask:
    _, parts, table, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    keep = table[:, cv2.CC_STAT_AREA] >= least_px2
    keep[0] = False
    return np.asarray(keep[parts], np.bool_)


def _on_edges(rough: Mask, micrograph: Micrograph, reach_px: float) -> Mask:
    """Move the outline inward to the strongest edge within reach."""
    inside = rough.view(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    parts = np.asarray(cv2.connectedComponents(inside, connectivity=8)[1], np.int32)
    deepest = np.zeros(int(parts.max()) + 1, np.float32)
    np.maximum.at(deepest, parts.ravel(), depth.ravel())
    sure = rough & (depth > np.minimum(np.float32(reach_px), _MARKED * deepest)[parts])
    # one pixel beside the outline is left to the edge, too
    smooth = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5) > 1
    region = np.ones(rough.shape, np.bool_) if micrograph.roi is None else micrograph.roi
    markers = np.where(region, sure + 2 * smooth, 0)
    return np.asarray(up_to_edges(micrograph.pixels, markers, region) == 1)
