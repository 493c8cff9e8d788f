"""Grains and touching particles by marker-controlled watershed; one label per grain, no boundary pixels.

Grains: a map of line strength (etched boundaries, dark or bright) or of step strength (tinted grains)
is thresholded at several levels; the mean distance to the lines at these levels is the landscape
whose basins are flooded. Faint boundaries count at the low levels, gaps are bridged because a neck
is narrower than the grains on both sides. Boundaries without mean support in the map are then taken
out, weakest first. Particles: a threshold on even ground, then the distance to the background is flooded.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, pi, sqrt
from time import perf_counter
from typing import Annotated, Any, Literal
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.images.preprocess import background
from inspect_tool.measure import boundaries, flooding, particle_mask, scratches, twins
from inspect_tool.measure.boundaries import FloatImage, Floats, Regions
from inspect_tool.measure.flooding import Area, strips, tiles
from inspect_tool.measure.mount import mount_mask
from inspect_tool.measure.seeded import grown
from inspect_tool.measure.strength import (
    line_contrast,
    line_noise,
    line_reach,
    line_strength,
    step_noise,
    step_reach,
    step_strength,
)
from inspect_tool.model import GrayImage, LabelImage, Mask, Micrograph, Segmentation, Told, stated
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.reduced import area_mean, bilinear
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.ranges import Above0, From0, Share

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
SIGMAS_PX = (1.0, 1.5, 2.2, 3.2, 4.5)  # candidate line widths; a ratio of 1.5 loses less than 5 % of the response
SAMPLE_PX = 800  # side of the part of the image on which line width and polarity are found [px]
POLARITY_RATIO = 1.2  # dark to bright line response beyond which one of them is taken to be the boundary
BLACK, BLACK_SHARE = 0.4, 0.08  # gray level of etched grooves over the usual one, and their least share of the area [1]
GROOVE = 0.6  # least width of the line filter over the thickness of a groove [1]
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
SAMPLE = 4_000_000  # pixels on which levels are found; of larger images every second, third ... pixel
HALO_PX = 48  # a crest is told from what lies so near


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Flat:
    """Gray level over its surroundings, 1 on average: shading taken out. Made part by part, never held whole."""

    pixels: GrayImage
    slow: FloatImage  # surroundings, on a small picture
    least: float
    color: NDArray[np.uint8] | None
    slow_color: tuple[FloatImage, ...]

    def gray(self, area: Area) -> FloatImage:
        wide = bilinear(self.slow, self.pixels.shape, area)
        return np.asarray(self.pixels[area].astype(np.float32) / np.maximum(wide, self.least), np.float32)

    def channels(self, area: Area) -> FloatImage:
        """CIE L*a*b* coordinates less their surroundings; without color the gray level."""
        if self.color is None:
            return self.gray(area)[..., None]
        wide = [bilinear(slow, self.pixels.shape, area) for slow in self.slow_color]
        return np.asarray(_lab(self.color[area]) - np.dstack(wide), np.float32)


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
    flat = _flattened(micrograph, roi)
    middle = _middle(roi)
    kind, sigma_px, ratio = _appearance(flat.gray(middle), roi[middle])
    kind = kind if settings.boundaries == "auto" else settings.boundaries
    if kind == "gradient":
        sigma_px = float(made_once(roi, "step width", lambda: {"px": np.array(_step_width(flat, roi))})["px"])
    else:
        sigma_px = settings.line_sigma_px or sigma_px
    strength, crest, noise = _strength(flat, roi, kind, sigma_px)
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


def _flattened(micrograph: Micrograph, roi: Mask) -> _Flat:
    color, pixels = micrograph.color, micrograph.pixels
    return _Flat(
        pixels=pixels,
        slow=_surroundings(partial(_real, pixels), roi),
        least=1e-3 * max(float(pixels[rows].max(where=roi[rows], initial=0)) for rows in strips(roi.shape)),
        color=color,
        slow_color=()
        if color is None
        else tuple(_surroundings(partial(_lab_channel, color, n), roi) for n in range(3)),
    )


def _real(pixels: GrayImage, rows: slice) -> FloatImage:
    return np.asarray(pixels[rows].astype(np.float32))


def _lab_channel(color: NDArray[np.uint8], channel: int, rows: slice) -> FloatImage:
    part = color[rows]
    return np.concatenate([_lab(part[some])[..., channel] for some in strips(part.shape[:2])])


def _lab(color: NDArray[np.uint8]) -> FloatImage:
    return np.asarray(cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _surroundings(image: Callable[[slice], FloatImage], roi: Mask) -> FloatImage:
    """Mean over the wide surroundings inside the region, on a picture of 256 px; ``image`` makes rows of it anew."""
    shrink = max(1.0, max(roi.shape) / 256)
    size = (max(1, round(roi.shape[1] / shrink)), max(1, round(roi.shape[0] / shrink)))
    share = np.asarray(area_mean(roi, size, lambda rows: roi[rows].astype(np.uint8) * np.uint8(255)) / 255.0)

    def counted(rows: slice) -> FloatImage:
        made = image(rows)
        np.multiply(made, roi[rows], out=made)
        return made

    inside = np.asarray(area_mean(roi, size, counted), np.float32)
    sigma_px = max(roi.shape) / 8 / shrink
    top, base = (background(part, sigma_px=sigma_px) for part in (inside, share.astype(np.float32)))
    return np.asarray(top / np.maximum(base, 1e-6), np.float32)


def _appearance(flat: FloatImage, roi: Mask) -> tuple[Literal["dark", "bright", "gradient"], float, float]:
    """Find how boundaries look and how wide they are: the width at which lines stand out most from the noise."""
    kind, sigma_px, ratio = _clearest(flat, roi, SIGMAS_PX)
    groove_px = _groove_px(flat, roi) if kind == "gradient" else 0.0
    if groove_px:  # beside a wide groove the filter sees bright ridges, and in it many lines
        wide = [sigma_px for sigma_px in SIGMAS_PX if sigma_px >= GROOVE * groove_px] or SIGMAS_PX[-1:]
        _, sigma_px, ratio = _clearest(flat, roi, wide)
        kind = "dark"
    return kind, sigma_px, ratio


def _clearest(
    flat: FloatImage, roi: Mask, sigmas_px: Sequence[float]
) -> tuple[Literal["dark", "bright", "gradient"], float, float]:
    best = (0.0, sigmas_px[0], 1.0)
    for sigma_px in sigmas_px:
        dark, bright, noise = line_contrast(flat, roi, sigma_px)
        clarity = max(dark, bright) / max(noise, 1e-6)
        if clarity > best[0]:
            best = (clarity, sigma_px, dark / max(bright, 1e-6))
    _, sigma_px, ratio = best
    kind: Literal["dark", "bright", "gradient"] = (
        "dark" if ratio > POLARITY_RATIO else "bright" if ratio < 1 / POLARITY_RATIO else "gradient"
    )
    return kind, sigma_px, ratio


def _groove_px(flat: FloatImage, roi: Mask) -> float:
    """Mean thickness of what is black, twice its area over its perimeter; 0 where hardly anything is. [px]"""
    black = (flat < BLACK * float(np.median(flat[roi]))) & roi
    area = float(np.count_nonzero(black))
    if area < BLACK_SHARE * np.count_nonzero(roi):
        return 0.0
    steps = np.count_nonzero(black[:, 1:] != black[:, :-1]) + np.count_nonzero(black[1:] != black[:-1])
    return 2 * area / max(pi / 4 * steps, 1.0)


def _middle(roi: Mask) -> Area:
    """The middle of the region, at most ``SAMPLE_PX`` square: enough to see what boundaries look like."""
    cut = []
    lines = [(roi[rows].any(axis=1), roi[rows].any(axis=0)) for rows in strips(roi.shape)]
    for span in (
        np.flatnonzero(np.concatenate([down for down, _ in lines])),
        np.flatnonzero(np.any([across for _, across in lines], axis=0)),
    ):
        start = max(int(span[0]), (int(span[0]) + int(span[-1]) + 1 - SAMPLE_PX) // 2)
        cut.append(slice(start, min(int(span[-1]) + 1, start + SAMPLE_PX)))
    return cut[0], cut[1]


def _sampled(roi: Mask, area: Area, tile: Area, least: int) -> Mask:
    """Every ``least``-th pixel of the region in both directions, of large images fewer; of the tile in its area."""
    step = max(least, ceil(least * sqrt(roi.size / SAMPLE)))
    found = np.zeros(roi[area].shape, bool)
    rows, columns = flooding.inside(tile, area)
    down, right = -tile[0].start % step, -tile[1].start % step
    found[rows, columns][down::step, right::step] = roi[tile][down::step, right::step]
    return found


def _step_width(flat: _Flat, roi: Mask) -> float:
    """Width of the step filter at which steps stand out most from the noise. [px]"""
    best = (-1.0, SIGMAS_PX[0])
    for sigma_px in SIGMAS_PX:
        steps, responses = [], []
        for tile, wide, _ in tiles(roi.shape, step_reach(sigma_px)):
            strength, seen = step_strength(flat.channels(wide), _sampled(roi, wide, tile, 3), sigma_px)
            steps.append(strength[_sampled(roi, wide, tile, 2)])
            responses.append(seen)
        noise = step_noise([np.concatenate(part) for part in zip(*responses, strict=True)], sigma_px)
        clarity = float(np.percentile(np.concatenate(steps), 95)) / max(noise, 1e-6)
        if clarity > best[0]:
            best = (clarity, sigma_px)
    return best[1]


def _strength(
    flat: _Flat, roi: Mask, kind: Literal["dark", "bright", "gradient"], sigma_px: float
) -> tuple[NDArray[np.float16], Mask, float]:
    """Strength map, its crests, and the noise in it."""
    strength: NDArray[np.float16] = zeros_like(roi, np.float16)
    crest: Mask = zeros_like(roi, np.bool_)
    responses = []
    reach = step_reach(sigma_px) if kind == "gradient" else line_reach(sigma_px)

    def seen(tile: Area, wide: Area) -> Arrays:
        at = _sampled(roi, wide, tile, 3)
        if kind == "gradient":
            found, answers = step_strength(flat.channels(wide), at, sigma_px)
        else:
            found, answers = line_strength(flat.gray(wide), at, sigma_px, kind)
        near: Area = tuple(  # type: ignore[assignment]
            slice(max(0, cut.start - HALO_PX), min(size, cut.stop + HALO_PX))
            for cut, size in zip(tile, roi.shape, strict=True)
        )
        found = np.ascontiguousarray(found[flooding.inside(near, wide)] * roi[near])
        inner = flooding.inside(tile, near)
        crests = boundaries.crest_lines(found, roi[near])[inner]
        return {"strength": found[inner].astype(np.float16), "crest": crests, "answers": np.stack(answers)}

    for k, (tile, wide, _) in enumerate(tiles(roi.shape, HALO_PX + reach)):
        part = made_once(roi, f"strength {k}", partial(seen, tile, wide))
        strength[tile], crest[tile] = part["strength"], part["crest"]
        responses.append(list(part["answers"]))
    together = [np.concatenate(part) for part in zip(*responses, strict=True)]
    noise = step_noise(together, sigma_px) if kind == "gradient" else line_noise(together)
    return strength, crest, noise


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
    flat: _Flat,
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
    pixels, lines, scratched = micrograph.pixels, 0, 0.0
    regions = boundaries.joined([partition.regions], owner)
    etch = partition.etch
    if etch is None:
        ignored = settings.scratches == "ignore"
        etch = scratches.etch_of(labels, pixels, scratches=ignored) if partition.kind == "dark" else scratches.Etch()
    if etch.strength is not None:
        change = -shift * scratches.LEVEL_SHIFT
        whole, lines, scratched = scratches.merge_thin_lines(labels, pixels, etch.strength, change)
        regions = boundaries.joined([regions], whole)
    if etch.grooved:
        regions = scratches.merge_grooves(labels, pixels)
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
    slow = _surroundings(partial(_real, micrograph.pixels), roi)
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
