"""How the boundaries of an image look: dark, bright or steps, how wide, and how strong one is at every pixel."""

from collections.abc import Sequence
from functools import partial
from math import ceil, pi, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure import boundaries, flooding
from inspect_tool.measure.flooding import Area, FloatImage, strips, tiles
from inspect_tool.measure.strength import (
    line_contrast,
    line_noise,
    line_reach,
    line_strength,
    step_noise,
    step_reach,
    step_strength,
)
from inspect_tool.model import Mask
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.even_ground import Flat

SIGMAS_PX = (1.0, 1.5, 2.2, 3.2, 4.5)  # candidate line widths; a ratio of 1.5 loses less than 5 % of the response
SAMPLE_PX = 800  # side of the part of the image on which line width and polarity are found [px]
POLARITY_RATIO = 1.2  # dark to bright line response beyond which one of them is taken to be the boundary
BLACK, BLACK_SHARE = 0.4, 0.08  # gray level of etched grooves over the usual one, and their least share of the area [1]
GROOVE = 0.6  # least width of the line filter over the thickness of a groove [1]
SAMPLE = 4_000_000  # pixels on which levels are found; of larger images every second, third ... pixel
HALO_PX = 48  # a crest is told from what lies so near


def appearance(flat: FloatImage, roi: Mask) -> tuple[Literal["dark", "bright", "gradient"], float, float]:
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


def middle_of(roi: Mask) -> Area:
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


def step_width(flat: Flat, roi: Mask) -> float:
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


def strength_of(
    flat: Flat, roi: Mask, kind: Literal["dark", "bright", "gradient"], sigma_px: float
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
