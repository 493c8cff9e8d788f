"""Grains and touching particles by marker-controlled watershed; one label per grain, no boundary pixels.

Grains: a map of line strength (etched boundaries, dark or bright) or of step strength (tinted grains)
is thresholded at several levels; the mean distance to the lines at these levels is the landscape
whose basins are flooded. Faint boundaries count at the low levels, gaps are bridged because a neck
is narrower than the grains on both sides. Boundaries without mean support in the map are then taken
out, weakest first. Particles: a threshold on even ground, then the distance to the background is flooded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, sqrt
from time import perf_counter
from typing import Annotated, Any, Literal
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.measure import boundaries, flooding, particle_mask, scratches, twins
from inspect_tool.measure.boundaries import FloatImage, Floats, Regions
from inspect_tool.measure.flooding import Area, strips
from inspect_tool.measure.mount import mount_mask
from inspect_tool.measure.seeded import grown
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation, Told, stated
from inspect_tool.pixels.kept import made_once
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.ranges import Above0, From0, Share
from inspect_tool.segmentation.even_ground import Flat, flattened, real, surroundings
from inspect_tool.segmentation.line_map import SAMPLE, appearance, middle_of, step_width, strength_of

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
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
FACTORS = (1.0, 1 / ALTERNATIVE, ALTERNATIVE)


MISSED_U_REL = {"dark": 0.035, "bright": 0.05, "gradient": 0.05}
"""Standard uncertainty of the boundary length that no level brings back: hardly etched lines, the smallest grains.

From fresh synthetic fields with narrow and wide size distributions (docs/watershed.md): mean |error| of the intercept
0.10 G on etched and 0.16 G on tinted grains beside what the alternatives show; 0.1 G is 3.5 % of the mean intercept.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; everything is found from the image by default."""

    mode: Annotated[Literal["grains", "particles"], Doc("particles: touching ones are parted")] = "grains"
    boundaries: Annotated[Literal["auto", "dark", "bright", "gradient"], Doc("how grain boundaries look")] = "auto"
    line_sigma_px: Annotated[Above0[float] | None, Doc("standard deviation of the line profile; None: found [px]")] = (
        None
    )
    sensitivity: Annotated[Above0[float], Doc("2 accepts boundaries of half the strength")] = 1.0
    support: Annotated[Share, Doc("share of a boundary that must be seen, the rest is bridged [1]")] = 0.5
    smallest_px: Annotated[
        From0[int] | None, Doc("smaller regions join a neighbor; None: from the line width [px]")
    ] = None
    twins: Annotated[Literal["ignore", "count"], Doc("boundaries of annealing twins")] = "ignore"
    scratches: Annotated[
        Literal["ignore", "count"], Doc("thin lines among boundaries that are etched wide and dark")
    ] = "ignore"
    mount: Annotated[Literal["auto", "keep"], Doc("dark mounting material at the image edge is left out")] = "auto"
    phase: Annotated[Literal["dark", "bright"], Doc("particles only: which phase the particles are")] = "dark"
    depth: Annotated[
        Share, Doc("particles only: neck narrower than (1 - depth) of the smaller particle parts it [1]")
    ] = 0.15


def load(settings: Settings) -> None:
    """Nothing to load."""


def outputs(settings: Settings) -> tuple[Literal["objects", "grains"], ...]:
    """Name what comes out: grains, which fill the field, or particles before a background."""
    return ("grains",) if settings.mode == "grains" else ("objects",)


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
        made = _segmentation(labels, settings, found, "particle", start)
        return replace(made, alternatives=partial(_other_particles, micrograph, settings))
    partition, labels = _partition(micrograph, settings)
    packed = tuple(compress(labels[rows].data, 1) for rows in strips(labels.shape))
    found, etch = _grains(partition, labels, micrograph, settings, 0)
    made = _segmentation(labels, settings, found, "grain", start)
    before = replace(partition, etch=etch)
    return replace(made, alternatives=partial(_other_grains, micrograph, settings, before, packed))


def refined(
    model: None,  # noqa: ARG001 - a contract
    micrograph: Micrograph,
    proposed: LabelImage,
    settings: Settings,
) -> Segmentation:
    """Grow objects that another backend proposed from their cores up to the edges around them."""
    start = perf_counter()
    labels = grown(micrograph.pixels, proposed, micrograph.roi)
    found = {"particles": int(np.count_nonzero(np.bincount(labels.ravel())[1:]))}
    return _segmentation(labels, settings, found, "particle", start)


def _other_particles(micrograph: Micrograph, settings: Settings) -> Iterator[tuple[str, Segmentation]]:
    """Particles at a lower and a higher gray level."""
    for name, shift in (("threshold -", -0.1), ("threshold +", 0.1)):
        start = perf_counter()
        labels, found = _particles(micrograph, settings, shift)
        yield name, _segmentation(labels, settings, found, "particle", start)


def _other_grains(
    micrograph: Micrograph, settings: Settings, partition: "_Partition", packed: Sequence[bytes]
) -> Iterator[tuple[str, Segmentation]]:
    """Grains at a lower and a higher level, from the regions before merging; these are packed to a few percent."""
    for k, name, shift in (
        (1, "boundary level -", -ALTERNATIVE_SUPPORT),
        (2, "boundary level +", ALTERNATIVE_SUPPORT),
    ):
        start = perf_counter()
        labels: LabelImage = zeros_like(micrograph.pixels, np.int32)
        for rows, part in zip(strips(labels.shape), packed, strict=True):
            labels[rows] = np.frombuffer(decompress(part), np.int32).reshape(-1, labels.shape[1])
        changed = replace(settings, support=min(max(settings.support + shift, 0.0), 1.0))
        found, _ = _grains(partition, labels, micrograph, changed, k)
        found_in = _segmentation(labels, settings, found, "grain", start)
        del labels
        yield name, found_in
        del found_in  # or two of them are held at a time


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

    regions: Regions  # weights of the sides: how much they count, and what is seen at each of FACTORS
    levels: tuple[float, ...]
    kind: Literal["dark", "bright", "gradient"]
    usual: float  # strength of the usual boundary
    sigma_px: float
    found: dict[str, Any]
    etch: scratches.Etch | None = None  # what dark boundaries are like, once the main segmentation has shown it


def _region(micrograph: Micrograph) -> Mask:
    roi: Mask = zeros_like(micrograph.pixels, np.bool_)
    for rows in strips(roi.shape):
        roi[rows] = True if micrograph.roi is None else micrograph.roi[rows]
    inside = [micrograph.pixels[rows][roi[rows]] for rows in strips(roi.shape)]
    ends = [(part.min(), part.max()) for part in inside if part.size]
    if not ends or not max(high for _, high in ends) > min(low for low, _ in ends):
        msg = f"{micrograph.path}: the image is constant where it counts; check the exposure and the region"
        raise BackendError(msg)
    return roi


def _partition(micrograph: Micrograph, settings: Settings) -> tuple[_Partition, LabelImage]:
    roi = _region(micrograph)
    found: dict[str, object] = {}
    if settings.mount == "auto":
        mount = mount_mask(micrograph.pixels, roi)
        if mount is not None:
            for rows in strips(roi.shape):
                roi[rows] &= ~mount[rows]
        found["mount_percent"] = 0.0 if mount is None else round(100 * _counted(mount) / roi.size, 2)
    flat = flattened(micrograph, roi)
    middle = middle_of(roi)
    kind, sigma_px, ratio = appearance(flat.gray(middle), roi[middle])
    kind = kind if settings.boundaries == "auto" else settings.boundaries
    if kind == "gradient":
        sigma_px = float(made_once(roi, "step width", lambda: {"px": np.array(step_width(flat, roi))})["px"])
    else:
        sigma_px = settings.line_sigma_px or sigma_px
    strength, crest, noise = strength_of(flat, roi, kind, sigma_px)
    top, distance = _distance(strength, crest, noise, sigma_px, kind, roi, micrograph.path)
    del crest
    labels = _flood(strength, top, distance, roi, micrograph.path)
    del distance
    usual = _usual(labels, strength, noise)
    map_kind = "step" if kind == "gradient" else "line"
    level = max(NOISE_LEVEL[map_kind] * noise, CONTRAST_LEVEL * usual) / settings.sensitivity
    # half the usual boundary is as high as a level can plausibly be
    levels = tuple(level * f if f < 1 else max(level, min(level * f, 0.5 * usual)) for f in FACTORS)
    found |= {
        "boundaries_found": kind,
        "dark_to_bright_ratio": round(ratio, 3),
        "line_sigma_px": round(sigma_px, 2),
        "noise": round(noise, 5),
        "regions_before_merging": int(labels.max()),
    }
    regions = boundaries.known(labels, lambda: _regions(labels, strength, flat, kind, sigma_px, levels))
    partition = _Partition(regions=regions, levels=levels, kind=kind, usual=usual, sigma_px=sigma_px, found=found)
    return partition, labels


def _counted(mask: Mask) -> int:
    return sum(int(np.count_nonzero(mask[rows])) for rows in strips(mask.shape))


def _distance(
    strength: NDArray[np.float16],
    crest: Mask,
    noise: float,
    sigma_px: float,
    kind: Literal["dark", "bright", "gradient"],
    roi: Mask,
    path: str,
) -> tuple[float, FloatImage]:
    """Strength of the strongest lines, and the mean distance to the lines at several levels."""
    map_kind = "step" if kind == "gradient" else "line"
    step = ceil(sqrt(roi.size / SAMPLE))
    inside = strength[::step, ::step][roi[::step, ::step]].astype(np.float32)
    top, strongest = (float(value) for value in np.percentile(inside, [97, 99]))
    if not strongest > STANDS_OUT * noise:
        msg = (
            f"{path}: no grain boundary stands out (the strongest lines reach {strongest / max(noise, 1e-9):.1f} times "
            f"the noise, {STANDS_OUT:g} needed); check focus and etch, or give masks with backend 'labels'"
        )
        raise BackendError(msg)
    low = max(LOWEST_LEVEL[map_kind] * noise, 0.02 * top)
    levels = np.geomspace(low, max(0.7 * top, 1.5 * low), LEVELS)
    return top, boundaries.mean_distance(strength, crest, levels, SHORTEST_LINE * sigma_px + 3)


def _flood(strength: NDArray[np.float16], top: float, distance: FloatImage, roi: Mask, path: str) -> LabelImage:
    step = ceil(sqrt(roi.size / SAMPLE))
    usual = np.percentile(distance[::step, ::step][roi[::step, ::step]], 75)
    height = BASIN_PX + BASIN_SHARE * float(usual)
    at, number = flooding.h_maxima(distance, height, roi)
    if number.max(initial=0) < 2:
        msg = f"{path}: no closed grain found; check focus and etch, or give masks with backend 'labels'"
        raise BackendError(msg)

    def landscape(area: Area) -> FloatImage:
        return 2 * np.minimum(strength[area].astype(np.float32) / np.float32(top), 1) - distance[area]

    return flooding.basins(landscape, roi, at, number)


_HALF = np.arange(1 << 16, dtype=np.uint16).view(np.float16)  # those that are not negative in their order


def _between(labels: LabelImage, strength: NDArray[np.float16], rows: slice) -> Floats:
    """Strength of the boundary at every pixel pair of a strip; it may lie one pixel beside the crest."""
    top = max(0, rows.start - 1)
    near = boundaries.largest_nearby(strength[top : rows.stop + 2].astype(np.float32))[rows.start - top :]
    _, first, second = boundaries.touching(labels[rows.start : rows.stop + 1], rows.stop - rows.start)
    return np.asarray(np.maximum(near[tuple(first)], near[tuple(second)]), np.float64)


def _usual(labels: LabelImage, strength: NDArray[np.float16], noise: float) -> float:
    """Strength of the usual boundary: the median, from how often there is each of the numbers of 16 bits."""
    number = _HALF.view(np.uint16)
    of_sides, of_all = np.zeros((2, len(_HALF)), np.int64)
    for rows in strips(labels.shape):
        for counts, values in (
            (of_sides, _between(labels, strength, rows).astype(np.float16)),
            (of_all, strength[rows].ravel()),
        ):
            counts += np.bincount(values.view(np.uint16), minlength=len(number))
    with np.errstate(invalid="ignore"):
        clear = np.where(_HALF.astype(np.float32) > 4 * noise, of_sides, 0)
        counts = clear if clear.any() else np.where(_HALF > 0, of_all, 0)
    upto = np.cumsum(counts)
    middle = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return float(np.mean(_HALF[middle].astype(np.float32)))


def _regions(
    labels: LabelImage,
    strength: NDArray[np.float16],
    flat: Flat,
    kind: Literal["dark", "bright", "gradient"],
    sigma_px: float,
    levels: tuple[float, ...],
) -> Regions:
    """What is seen of every region and between any two of them."""
    count = int(labels.max())
    height, width = labels.shape
    radius_px = JUNCTION * sigma_px + 1
    halo = ceil(radius_px) + 2
    sign = -1 if kind == "bright" else 1

    def parts() -> Iterator[Regions]:
        for rows in strips(labels.shape, 1 << 19):  # twenty arrays of float64 for each of them
            strip, number = labels[rows.start : rows.stop + 1], rows.stop - rows.start
            top = max(0, rows.start - halo)
            near = labels[top : rows.stop + 1 + halo]
            free = boundaries.away_from_junctions(near, radius_px)[rows.start - top :]
            _, first, second = boundaries.touching(strip, number)
            weight = np.where(free[tuple(first)] + free[tuple(second)] > 0, 1.0, JUNCTION_WEIGHT)
            values = _between(labels, strength, rows)
            above = max(0, rows.start - 1)
            gray = flat.gray((slice(above, min(height, rows.stop + 1)), slice(0, width)))
            inner = slice(rows.start - above, rows.stop - above)
            smooth = sign * np.asarray(cv2.medianBlur(gray, 3), np.float32)[inner]
            seen = [np.clip(values / level - 0.5, 0, 1) * weight for level in levels]
            yield boundaries.region_sums(strip, number, rows.start, count, gray[inner], smooth, [weight, *seen])

    return boundaries.joined(parts())


def _grains(
    partition: _Partition, labels: LabelImage, micrograph: Micrograph, settings: Settings, which: int
) -> tuple[dict[str, object], scratches.Etch]:
    """Merge regions into grains, in place; what dark boundaries are like."""
    regions = partition.regions
    support, length = regions.sides[7 + which], regions.sides[6]
    owner = boundaries.merge_unsupported(len(regions.best) - 1, regions.pairs, support, length, settings.support)
    smallest = settings.smallest_px or round(SMALLEST * partition.sigma_px**2)
    regions = boundaries.joined([regions], owner)
    doubtful = np.zeros(len(regions.best), bool)
    if partition.kind != "gradient":
        sign = 1 if partition.kind == "dark" else -1
        limit = sign - ISLAND_DEPTH * partition.usual
        doubtful = boundaries.line_like_regions(regions.nodes[0], regions.best, limit, ISLAND * partition.sigma_px**2)
    given = boundaries.small_given_away(regions, smallest, doubtful)
    owner = given[owner]
    found = dict(partition.found)
    lamellae = 0
    if settings.twins == "ignore":
        whole, lamellae = twins.without_twins(boundaries.joined([regions], given))
        owner = whole[owner]
    count = int(owner.max())
    if count < 2:
        msg = f"{micrograph.path}: no closed grain found; check focus and etch, or give masks with backend 'labels'"
        raise BackendError(msg)
    for rows in strips(labels.shape):
        labels[rows] = owner[labels[rows]]
    shift = (0, 1, -1)[which]
    pixels = micrograph.pixels
    regions = boundaries.joined([partition.regions], owner)
    etch = partition.etch
    if etch is None:
        ignored = settings.scratches == "ignore"
        etch = scratches.etch_of(labels, pixels, scratches=ignored) if partition.kind == "dark" else scratches.Etch()
    regions, lines, scratched = scratches.without_scratches(labels, pixels, regions, etch, shift)
    if settings.twins == "ignore":
        lamellae += twins.merge_twin_lines(labels, regions, shift * twins.OPENING_SHIFT)
    count = max(int(labels[rows].max()) for rows in strips(labels.shape))
    found |= stated(
        Told(
            twin_lamellae_merged=lamellae if settings.twins == "ignore" else None,
            scratch_lines_merged=lines,
            scratched_percent=round(100 * scratched, 1),
        )
    )
    found |= {"level": round(partition.levels[which], 5), "smallest_px": smallest, "grains": count}
    return found, etch


# -------------------------------------------------------------------------------------------------- particles


def _particles(micrograph: Micrograph, settings: Settings, shift: float) -> tuple[LabelImage, dict[str, object]]:
    roi, dark = _region(micrograph), settings.phase == "dark"
    slow = surroundings(partial(real, micrograph.pixels), roi)
    picture = particle_mask.leveled(micrograph.pixels, slow, roi, dark=dark)
    mask = particle_mask.mask_of(picture, roi, dark=dark, shift=shift)
    distance = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    labels = boundaries.parted_by_distance(distance, mask, settings.depth)
    level = picture.level + shift * picture.apart
    if not labels.any():
        msg = f"{micrograph.path}: no particle found at gray level {level:.4g}; check phase = '{settings.phase}'"
        raise BackendError(msg)
    return labels, {
        "threshold": round(level, 4),
        "ground_taken_out": picture.flattened,
        "blur_px": round(picture.blur_px, 2),
        "particles": int(labels.max()),
        **stated(Told(variance_between=round(picture.separation, 3))),
    }
