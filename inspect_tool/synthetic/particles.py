"""Particles that touch each other: powders, spheroids, packed grains of a filler."""

from math import exp, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, to_8bit, window_about
from inspect_tool.synthetic._outlines import Outline
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

CUT = 2.5  # the diameters are log-normal, cut at so many standard deviations
CLOSEST = 0.86  # centers of two particles are no nearer than this share of the sum of their radii
TOUCH = (0.88, 0.99)  # distance of a particle from the one it sits against, share of the sum of their radii
TRIES = 200


def particles(
    *,
    seed: int,
    area_percent: float,
    mean_ecd_um: float,
    spread: float = 0.25,
    contact: float = 0.6,
    roughness: float = 0.03,
    shape_px: Shape = (400, 500),
    pixel_um: float = 1.0,
    gray: tuple[float, float] = (0.25, 0.7),
    seam: float = 0.4,
    dome: float = 0.2,
    variation: float = 0.08,
) -> Field:
    """Draw particles, some of which sit against others; where two meet the contact is straight.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    area_percent : float
        Area that the particles would cover if none were flattened, up to 70 %. [%]
    mean_ecd_um : float
        Mean equivalent circle diameter by number, before contacts flatten them. [um]
    spread : float
        Standard deviation of the logarithm of the diameters. [1]
    contact : float
        Share of the particles that are put against another one. [1]
    roughness : float
        Rms of the harmonics of the outlines; 0 draws discs. [1]
    gray : tuple of float
        Gray value of matrix and particles, shares of the full range.
    seam : float
        Depth of the line along a contact, share of the difference in gray; 0: nothing but the outline shows it.
    dome : float
        How much lighter the middle of a particle is than its rim, share of the difference in gray.
    variation : float
        Standard deviation of the gray value from particle to particle, share of the difference in gray.

    Returns
    -------
    Field
        Instance labels, one per particle, 0 = matrix. Truth of the field: ``particle_count``,
        ``area_percent.particle``, and ``mean_particle_ecd_um`` of the particles whose center lies in the field,
        cut ones included.

    Examples
    --------
    >>> field = particles(seed=1, area_percent=30.0, mean_ecd_um=20.0, shape_px=(120, 160))
    >>> field.kind, field.classes
    ('instance', {1: 'particle'})
    """
    rng = np.random.default_rng(seed)
    share = checked_share(area_percent, "particles")
    if share > 0.7:
        msg = f"synthetic.particles: randomly placed particles fill at most 70 %, not {area_percent:g} %"
        raise SettingsError(msg)
    outlines = _placed(rng, shape_px, share, mean_ecd_um / pixel_um, spread, contact, roughness)
    labels, cover, contacts, inner = _drawn(shape_px, outlines)
    step = gray[1] - gray[0]
    own = np.concatenate([[0.0], rng.normal(0, variation, len(outlines))]).astype(np.float32)
    body = gray[1] + step * (own[labels] + dome * (inner - 0.6) - seam * contacts)
    matrix = gray[0] + abs(step) * (0.03 * cloud(rng, shape_px, 20.0) + 0.02 * cloud(rng, shape_px, 2.0))
    picture = cover * body + (1 - cover) * matrix
    numbers, areas = np.unique(labels[labels > 0], return_counts=True)
    there = {n: int(area) for n, area in zip(numbers.tolist(), areas, strict=True)}
    inside = [
        n for n, o in enumerate(outlines, 1) if n in there and 0 <= o.row < shape_px[0] and 0 <= o.column < shape_px[1]
    ]
    truth = {
        "field.particle_count": float(len(numbers)),
        "field.area_percent.particle": 100 * float((labels > 0).mean()),
        "field.mean_particle_ecd_um": float(np.mean([sqrt(4 / pi * there[n]) for n in inside])) * pixel_um
        if inside
        else 0.0,
    }
    order = np.zeros(len(outlines) + 1, np.int32)
    order[numbers] = np.arange(1, len(numbers) + 1)
    return Field(
        pixels=to_8bit(blurred(np.asarray(picture, np.float32), 0.6)),
        labels=order[labels],
        classes={1: "particle"},
        kind="instance",
        pixel_um=pixel_um,
        truth=truth,
    )


def _placed(
    rng: np.random.Generator,
    shape: Shape,
    share: float,
    ecd_px: float,
    spread: float,
    contact: float,
    roughness: float,
) -> list[Outline]:
    """Place particles one by one in a frame larger than the field, largest first; one that fits nowhere is left out."""
    median = ecd_px / cut_moment(spread, 1, -CUT, CUT)
    mean_area = pi / 4 * median**2 * cut_moment(spread, 2, -CUT, CUT)
    margin = median * exp(CUT * spread)
    size = np.array([shape[0] + 2 * margin, shape[1] + 2 * margin])
    wanted = share * size[0] * size[1]
    count = max(1, round(wanted / mean_area))
    radii = np.array(
        sorted((median / 2 * exp(spread * cut_normal(rng, -CUT, CUT)) for _ in range(count)), reverse=True)
    )
    centers, kept = np.empty((count, 2)), np.empty(count)
    n = 0
    for radius in radii:
        for _ in range(TRIES):
            place = rng.uniform(0, size)
            if n and rng.uniform() < contact:
                mother = rng.integers(n)
                away, angle = (kept[mother] + radius) * rng.uniform(*TOUCH), rng.uniform(0, 2 * pi)
                place = centers[mother] + away * np.array([np.sin(angle), np.cos(angle)])
            far = np.hypot(*(centers[:n] - place).T) >= CLOSEST * (kept[:n] + radius)
            if far.all() and (place > 0).all() and (place < size).all():
                centers[n], kept[n] = place, radius
                n += 1
                break
    return [
        Outline.star(
            rng,
            float(centers[k, 0] - margin),
            float(centers[k, 1] - margin),
            2 * float(kept[k]),
            rough=roughness,
            stretch=1 + rng.uniform(0, 2 * roughness),
        )
        for k in range(n)
    ]


def _drawn(shape: Shape, outlines: list[Outline]) -> tuple[NDArray[np.int32], Gray, Gray, Gray]:
    """Labels, share of each pixel covered, nearness to a contact, and height above the rim, 0 to 1.

    Where two particles overlap, the pixel belongs to the one of the smaller power distance d^2 - r^2: the line
    between them is straight, as between two soap bubbles of the same pressure.
    """
    labels = np.zeros(shape, np.int32)
    cover, contacts, inner = (np.zeros(shape, np.float32) for _ in range(3))
    power = np.full(shape, np.inf, np.float32)
    for number, outline in enumerate(outlines, 1):
        window, _ = window_about(shape, outline.row, outline.column, outline.reach + 2)
        _, part, inside = outline.patch(shape)
        if not part.size:
            continue
        y = np.arange(window[0].start, window[0].stop)[:, None] - outline.row
        x = np.arange(window[1].start, window[1].stop)[None, :] - outline.column
        radius = outline.ecd / 2
        mine = ((y**2 + x**2 - radius**2) / (2 * radius)).astype(np.float32)
        theirs = power[window]
        shared = (part > 0) & np.isfinite(theirs)
        # difference of the power distances over the distance of the centers is about the distance to the contact line
        near = np.where(shared, np.exp(-((mine - theirs) ** 2) / 2), 0)
        contacts[window] = np.maximum(contacts[window], near)
        first = (mine < theirs) & (part > 0)
        belongs = first & (inside > 0)
        labels[window][belongs] = number
        cover[window] = np.maximum(cover[window], part)
        height = np.clip(1 - (y**2 + x**2) / radius**2, 0, 1).astype(np.float32)
        inner[window] = np.where(first, height, inner[window])
        power[window] = np.where(first, mine, theirs)
    return labels, cover, np.asarray(contacts, np.float32), inner
