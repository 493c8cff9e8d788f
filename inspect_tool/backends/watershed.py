"""Grains and touching particles by marker-controlled watershed; one label per grain, no boundary pixels.

Grains: a map of line strength (etched boundaries, dark or bright) or of step strength (tinted grains)
is thresholded at several levels; the mean distance to the lines at these levels is the landscape
whose basins are flooded. Faint boundaries count at the low levels, gaps are bridged because a neck
is narrower than the grains on both sides. Boundaries without mean support in the map are then taken
out, weakest first. Particles: threshold, then the distance to the background is flooded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Literal

import cv2
import diplib as dip
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.measure import boundaries, twins
from inspect_tool.measure.boundaries import FloatImage
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.preprocess import background

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
SIGMAS_PX = (1.0, 1.5, 2.2, 3.2, 4.5)  # candidate line widths; a ratio of 1.5 loses less than 5 % of the response
SAMPLE_PX = 800  # side of the part of the image on which line width and polarity are found [px]
POLARITY_RATIO = 1.2  # dark to bright line response beyond which one of them is taken to be the boundary
STANDS_OUT = 3.7  # the strongest percent of the map in standard deviations of the noise; noise alone gives 3.1
LEVELS = 6  # line maps the landscape is averaged over
SHORTEST_LINE = 3.0  # shorter pieces of the line maps are specks, in line widths (standard deviations)
LOWEST_LEVEL = {"line": 1.5, "step": 1.0}  # of the line maps, in standard deviations of the filtered noise
NOISE_LEVEL = {"line": 2.5, "step": 1.5}  # a boundary must be this many of them above 0 ...
CONTRAST_LEVEL = 0.15  # ... and have this share of the strength of the usual boundary
BASIN_PX = 0.5  # depth below which two basins are one, and a share of the usual basin on top [px]
BASIN_SHARE = 0.05
JUNCTION = 2.0  # radius about triple points where the support of a boundary is not judged, in line widths ...
JUNCTION_WEIGHT = 0.1  # ... but for this weight, so that short boundaries have a support at all
ISLAND = 150.0  # islands without interior are looked for up to this area, in squared line widths
ISLAND_DEPTH = 0.5  # an interior is nearer to the matrix than this share of the usual line
SMALLEST = 20.0  # smallest region, in squared line widths
ALTERNATIVE = 2.0  # factor on the level that is as plausible (measured: docs/watershed.md)
ALTERNATIVE_SUPPORT = 0.1  # shift of the support that goes with it


MISSED_U_REL = {"dark": 0.035, "bright": 0.05, "gradient": 0.05}
"""Standard uncertainty of the boundary length that no level brings back: hardly etched lines, the smallest grains.

From fresh synthetic fields with narrow and wide size distributions (docs/watershed.md): mean |error| of the intercept
0.10 G on etched and 0.16 G on tinted grains beside what the alternatives show; 0.1 G is 3.5 % of the mean intercept.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; everything is found from the image by default."""

    mode: Literal["grains", "particles"] = "grains"  # particles: touching ones are parted
    boundaries: Literal["auto", "dark", "bright", "gradient"] = "auto"  # how grain boundaries look
    line_sigma_px: float | None = None  # standard deviation of the line profile; None: found [px]
    sensitivity: float = 1.0  # 2 accepts boundaries of half the strength
    support: float = 0.5  # share of a boundary that must be seen, the rest is bridged [1]
    smallest_px: int | None = None  # smaller regions join a neighbor; None: from the line width [px]
    twins: Literal["ignore", "count"] = "ignore"  # boundaries of annealing twins
    mount: Literal["auto", "keep"] = "auto"  # dark mounting material at the image edge is left out
    phase: Literal["dark", "bright"] = "dark"  # particles only: which phase the particles are
    depth: float = 0.15  # particles only: neck narrower than (1 - depth) of the smaller particle parts it [1]


def load(settings: Settings) -> None:
    """Nothing to load."""


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001
    """Label every grain or particle of one field.

    Raises
    ------
    BackendError
        The image is constant, or no grain boundary (or particle) is found.
    """
    start = perf_counter()
    if settings.mode == "particles":
        labels, found = _particles(micrograph, settings, 0.0)
        return _segmentation(labels, settings, found, "particle", start)
    partition = _partition(micrograph, settings)
    labels, found = _grains(partition, micrograph, settings, 1.0)
    return _segmentation(labels, settings, found, "grain", start)


def alternatives(
    model: None,  # noqa: ARG001
    micrograph: Micrograph,
    settings: Settings,
    segmentation: Segmentation,  # noqa: ARG001
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations with a lower and a higher level that are as plausible as the one reported."""
    if settings.mode == "particles":
        for name, shift in (("threshold -", -0.1), ("threshold +", 0.1)):
            start = perf_counter()
            labels, found = _particles(micrograph, settings, shift)
            yield name, _segmentation(labels, settings, found, "particle", start)
        return
    partition = _partition(micrograph, settings)
    for name, factor, shift in (
        ("boundary level -", 1 / ALTERNATIVE, -ALTERNATIVE_SUPPORT),
        ("boundary level +", ALTERNATIVE, ALTERNATIVE_SUPPORT),
    ):
        start = perf_counter()
        changed = replace(settings, support=min(max(settings.support + shift, 0.0), 1.0))
        labels, found = _grains(partition, micrograph, changed, factor)
        yield name, _segmentation(labels, settings, found, "grain", start)


def _segmentation(
    labels: LabelImage, settings: Settings, found: dict[str, Any], name: str, start: float
) -> Segmentation:
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    return Segmentation(
        labels=labels,
        classes={1: name},
        kind="instance",
        backend="watershed",
        settings={**used, **found},
        seconds=perf_counter() - start,
        missed_u_rel=MISSED_U_REL.get(str(found.get("boundaries_found")), 0.0),
    )


# ----------------------------------------------------------------------------------------------------- grains


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Partition:
    """Regions before merging, and what was found on the way."""

    labels: LabelImage
    flat: FloatImage  # gray level over its surroundings
    strength: FloatImage
    kind: Literal["dark", "bright", "gradient"]
    usual: float  # strength of the usual boundary
    level: float
    sigma_px: float
    found: dict[str, Any]


def _region(micrograph: Micrograph) -> Mask:
    roi = np.ones(micrograph.pixels.shape, bool) if micrograph.roi is None else micrograph.roi.copy()
    inside = micrograph.pixels[roi]
    if not inside.size or not float(inside.max()) > float(inside.min()):
        msg = f"{micrograph.path}: the image is constant where it counts; check the exposure and the region"
        raise BackendError(msg)
    return roi


def _partition(micrograph: Micrograph, settings: Settings) -> _Partition:
    gray = micrograph.pixels.astype(np.float32)
    roi = _region(micrograph)
    found: dict[str, Any] = {}
    if settings.mount == "auto":
        mount = boundaries.mount_mask(gray, roi)
        roi &= ~mount
        found["mount_percent"] = round(100 * float(mount.mean()), 2)
    flat = _flattened(gray, roi)
    kind, sigma_px, ratio = _appearance(flat, roi)
    kind = kind if settings.boundaries == "auto" else settings.boundaries
    strength, noise, sigma_px = _strength(flat, micrograph, roi, kind, settings.line_sigma_px or sigma_px)
    strength[~roi] = 0
    labels, level, usual = _flood(strength, noise, sigma_px, kind, roi, micrograph.path)
    found |= {
        "boundaries_found": kind,
        "dark_to_bright_ratio": round(ratio, 3),
        "line_sigma_px": round(sigma_px, 2),
        "noise": round(noise, 5),
        "regions_before_merging": int(labels.max()),
    }
    return _Partition(
        labels=labels, flat=flat, strength=strength, kind=kind, usual=usual, level=level, sigma_px=sigma_px, found=found
    )


def _flattened(gray: FloatImage, roi: Mask) -> FloatImage:
    """Gray levels over their wide surroundings inside the region: 1 on average, shading taken out."""
    wide = background(gray, sigma_px=max(gray.shape) / 8, roi=roi)
    return np.asarray(gray / np.maximum(wide, 1e-3 * float(gray[roi].max())), np.float32)


def _flattened_color(color: NDArray[np.uint8], roi: Mask) -> FloatImage:
    """CIE L*a*b* coordinates less their wide surroundings inside the region."""
    lab = np.asarray(cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    wide = [background(np.ascontiguousarray(lab[..., n]), sigma_px=max(roi.shape) / 8, roi=roi) for n in range(3)]
    return np.asarray(lab - np.dstack(wide), np.float32)


def _appearance(flat: FloatImage, roi: Mask) -> tuple[Literal["dark", "bright", "gradient"], float, float]:
    """Find how boundaries look and how wide they are: the width at which lines stand out most from the noise."""
    flat, roi = _middle(flat, roi)
    best = (0.0, 1.0, 1.0)
    for sigma_px in SIGMAS_PX:
        dark, bright, noise = boundaries.line_contrast(flat, roi, sigma_px)
        clarity = max(dark, bright) / max(noise, 1e-6)
        if clarity > best[0]:
            best = (clarity, sigma_px, dark / max(bright, 1e-6))
    _, sigma_px, ratio = best
    kind: Literal["dark", "bright", "gradient"] = (
        "dark" if ratio > POLARITY_RATIO else "bright" if ratio < 1 / POLARITY_RATIO else "gradient"
    )
    return kind, sigma_px, ratio


def _middle(flat: FloatImage, roi: Mask) -> tuple[FloatImage, Mask]:
    """The middle of the region, at most ``SAMPLE_PX`` square: enough to see what boundaries look like."""
    rows, columns = np.flatnonzero(roi.any(axis=1)), np.flatnonzero(roi.any(axis=0))
    cut = []
    for span in (rows, columns):
        start = max(int(span[0]), (int(span[0]) + int(span[-1]) + 1 - SAMPLE_PX) // 2)
        cut.append(slice(start, min(int(span[-1]) + 1, start + SAMPLE_PX)))
    return flat[cut[0], cut[1]], roi[cut[0], cut[1]]


def _strength(
    flat: FloatImage,
    micrograph: Micrograph,
    roi: Mask,
    kind: Literal["dark", "bright", "gradient"],
    sigma_px: float,
) -> tuple[FloatImage, float, float]:
    if kind != "gradient":
        strength, noise = boundaries.line_strength(flat, roi, sigma_px, kind)
        return strength, noise, sigma_px
    channels = flat[..., None] if micrograph.color is None else _flattened_color(micrograph.color, roi)
    best: tuple[float, FloatImage, float, float] | None = None
    for sigma in SIGMAS_PX:
        strength, noise = boundaries.step_strength(channels, roi, sigma)
        clarity = float(np.percentile(strength[::2, ::2][roi[::2, ::2]], 95)) / max(noise, 1e-6)
        if best is None or clarity > best[0]:
            best = (clarity, strength, noise, sigma)
    assert best is not None
    return best[1:]


def _flood(
    strength: FloatImage,
    noise: float,
    sigma_px: float,
    kind: Literal["dark", "bright", "gradient"],
    roi: Mask,
    path: str,
) -> tuple[LabelImage, float, float]:
    map_kind = "step" if kind == "gradient" else "line"
    inside = strength[roi]
    top, strongest = (float(value) for value in np.percentile(inside, [97, 99]))
    if not strongest > STANDS_OUT * noise:
        msg = (
            f"{path}: no grain boundary stands out (the strongest lines reach {strongest / max(noise, 1e-9):.1f} times "
            f"the noise, {STANDS_OUT:g} needed); check focus and etch, or give masks with backend 'labels'"
        )
        raise BackendError(msg)
    low = max(LOWEST_LEVEL[map_kind] * noise, 0.02 * top)
    distance = np.zeros(strength.shape, np.float32)
    crest = boundaries.crest_lines(strength, roi)
    for level in np.geomspace(low, max(0.7 * top, 1.5 * low), LEVELS):
        lines = boundaries.without_small_parts(crest & (strength > level), SHORTEST_LINE * sigma_px + 3)
        distance += cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, 5)
    distance /= LEVELS
    height = BASIN_PX + BASIN_SHARE * float(np.percentile(distance[roi], 75))
    peaks = np.asarray(dip.Maxima(dip.Image(np.asarray(dip.HMaxima(dip.Image(distance), height)))))
    markers = boundaries.numbered(peaks & roi)
    if markers.max() < 2:
        msg = f"{path}: no closed grain found; check focus and etch, or give masks with backend 'labels'"
        raise BackendError(msg)
    labels = boundaries.flooded(2 * np.minimum(strength / top, 1) - distance, markers, roi)
    _, values = boundaries.neighbor_pairs(labels, boundaries.largest_nearby(strength))
    clear = values[values > 4 * noise]
    usual = float(np.median(clear)) if len(clear) else top
    return labels, max(NOISE_LEVEL[map_kind] * noise, CONTRAST_LEVEL * usual), usual


def _grains(
    partition: _Partition, micrograph: Micrograph, settings: Settings, factor: float
) -> tuple[LabelImage, dict[str, Any]]:
    level = partition.level / settings.sensitivity
    # half the usual boundary is as high as a level can plausibly be
    level = level * factor if factor < 1 else max(level, min(level * factor, 0.5 * partition.usual))
    pairs, values = boundaries.neighbor_pairs(partition.labels, boundaries.largest_nearby(partition.strength))
    free = boundaries.neighbor_pairs(
        partition.labels, boundaries.away_from_junctions(partition.labels, JUNCTION * partition.sigma_px + 1)
    )[1]
    weight = np.where(free > 0, 1.0, JUNCTION_WEIGHT)
    seen = np.clip(values / level - 0.5, 0, 1) * weight
    pairs, (support, length) = boundaries.sum_by_pair(pairs, [seen, weight])
    owner = boundaries.merge_unsupported(int(partition.labels.max()), pairs, support, length, settings.support)
    smallest = settings.smallest_px or round(SMALLEST * partition.sigma_px**2)
    labels = owner[partition.labels]
    doubtful = None
    if partition.kind != "gradient":
        sign = 1 if partition.kind == "dark" else -1
        doubtful = boundaries.line_like_regions(
            partition.flat,
            labels,
            1 - sign * ISLAND_DEPTH * partition.usual,
            ISLAND * partition.sigma_px**2,
            partition.kind == "dark",
        )
    labels = boundaries.without_small_regions(labels, smallest, doubtful)
    found = dict(partition.found)
    if settings.twins == "ignore":
        labels, lamellae = twins.without_twins(labels, partition.flat)
        found["twin_lamellae_merged"] = lamellae
    count = int(labels.max())
    if count < 2:
        msg = f"{micrograph.path}: no closed grain found; check focus and etch, or give masks with backend 'labels'"
        raise BackendError(msg)
    found |= {"level": round(level, 5), "smallest_px": smallest, "grains": count}
    return labels, found


# -------------------------------------------------------------------------------------------------- particles


def _particles(micrograph: Micrograph, settings: Settings, shift: float) -> tuple[LabelImage, dict[str, Any]]:
    roi = _region(micrograph)
    gray = np.asarray(cv2.GaussianBlur(micrograph.pixels.astype(np.float32), (0, 0), 1.0), np.float32)
    inside = gray[roi]
    level = boundaries.otsu(inside)
    below, above = float(inside[inside <= level].mean()), float(inside[inside > level].mean())
    level += shift * (above - below)
    mask = (gray <= level if settings.phase == "dark" else gray > level) & roi
    distance = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    labels = boundaries.parted_by_distance(distance, mask, settings.depth)
    if not labels.any():
        msg = f"{micrograph.path}: no particle found at gray level {level:.4g}; check phase = '{settings.phase}'"
        raise BackendError(msg)
    return labels, {"threshold": round(level, 4), "particles": int(labels.max())}
