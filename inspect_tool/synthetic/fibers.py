"""Polished sections of fiber-reinforced composites: packed fibers, square or tilted, resin-rich places and voids."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, exp, hypot, pi, radians, sin, sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit, window_about
from inspect_tool.synthetic._outlines import Outline, drawn
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape, checked_share

FiberLook: TypeAlias = Literal["carbon", "glass"]
Floats: TypeAlias = NDArray[np.float64]

CUT = 2.5  # diameters and directions are normal, sizes of voids log-normal, cut at so many standard deviations
_VOID_SPREAD = 0.45  # standard deviation of the logarithm of the sizes of voids
_VOID_STRETCH = (1.0, 1.7)
_ROUNDS = 300  # of pushing overlapping fibers apart
_PAIRED = 8  # rounds after which neighbors are looked up again
_APART = 0.03  # of a radius: an overlap that may remain
_WIDER = 1.05  # times the circle of the same area: the circle around an ellipse that is not taken whole
_STIRRED = 0.35  # of a diameter: how far fibers are moved before they close in on pockets again
_NODES = 24  # per direction, of the sums over all directions
_GRAY: Mapping[FiberLook, tuple[float, float, float]] = {"carbon": (0.07, 0.36, 0.74), "glass": (0.05, 0.27, 0.66)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Packed:
    """Fibers and what keeps them apart, about the middle of the field [px, rad]."""

    row: Floats
    column: Floats
    diameter: Floats
    tilt: Floats  # of the fiber from the normal of the section
    azimuth: Floats  # of its trace in the section, from along rows, counter-clockwise
    voids: list[Outline]


def fibers(
    *,
    seed: int,
    fiber_percent: float,
    diameter_um: float,
    spread: float = 0.05,
    tilt_deg: float = 0.0,
    azimuth_deg: float = 30.0,
    scatter_deg: float = 2.0,
    void_percent: float = 1.0,
    void_ecd_um: float | None = None,
    pockets: float = 0.02,
    shape_px: Shape = (700, 900),
    pixel_um: float = 0.5,
    look: FiberLook = "carbon",
    roughness: float = 0.0,
    scratches: int = 12,
) -> Field:
    """Draw the section of a composite whose fibers lie about one direction.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    fiber_percent : float
        Expected area fraction of the fibers, up to 70 %; voids take their area from the matrix. [%]
    diameter_um : float
        Mean diameter of the fibers. [um]
    spread : float
        Standard deviation of the diameters over their mean; normal, cut at 2.5 of it. [1]
    tilt_deg, azimuth_deg : float
        Mean direction: angle from the normal of the section, and of its trace, 0 along rows, counter-clockwise. [deg]
    scatter_deg : float
        Standard deviation of the directions in either of two planes through the mean one, normal, cut likewise. [deg]
    void_percent : float
        Expected area fraction of the voids. [%]
    void_ecd_um : float, optional
        Median equivalent diameter of the voids; 1.2 diameters of a fiber if None. [um]
    pockets : float
        Places without fibers per fiber; each is 1.5 to 3.5 diameters wide.
    look : str
        "carbon": bright in reflected light, mottled; "glass": bright in backscattered electrons, even, with lit edges.
    roughness : float
        Rms of the harmonics of the outlines; 0 draws ellipses. [1]
    scratches : int
        Polishing marks per megapixel.

    Returns
    -------
    Field
        Class labels 0 matrix, 1 fiber, 2 void; ``objects`` numbers the fibers. Truth of the process, for ellipses:
        ``fibre_percent``, ``void_percent``, ``mean_fibre_diameter_um``, ``fibre_diameter_sd_um``,
        ``fibre_count_per_mm2``, ``mean_fibre_tilt_deg``, and by area ``orientation_a11`` (along rows), ``_a22``,
        ``_a33`` (normal of the section) and ``_a12``. Truth of the field: ``fibre_percent``, ``void_percent``,
        ``fibre_count`` (any part of it is seen), and ``mean_fibre_diameter_um`` of those centered in the field.

    Examples
    --------
    >>> field = fibers(seed=1, fiber_percent=55.0, diameter_um=7.0, shape_px=(160, 200))
    >>> field.kind, field.classes
    ('semantic', {0: 'matrix', 1: 'fiber', 2: 'void'})
    """
    rng = np.random.default_rng(seed)
    share = checked_share(fiber_percent, "fibers")
    if share + void_percent / 100 > 0.72:
        msg = f"synthetic.fibers: round fibers fill at most 72 % with voids, not {fiber_percent + void_percent:g} %"
        raise SettingsError(msg)
    if not 0 <= tilt_deg <= 70:
        msg = f"synthetic.fibers: tilt_deg is {tilt_deg:g}, must lie between 0 and 70"
        raise SettingsError(msg)
    process = _truth(
        share, diameter_um, spread, radians(tilt_deg), radians(azimuth_deg), radians(scatter_deg), void_percent
    )
    packed = _packed(
        rng,
        shape_px,
        per_px2=process["process.fibre_count_per_mm2"] * pixel_um**2 * 1e-6,
        diameter_px=diameter_um / pixel_um,
        spread=spread,
        direction=(radians(tilt_deg), radians(azimuth_deg), radians(scatter_deg)),
        void_share=void_percent / 100,
        void_px=(void_ecd_um or 1.2 * diameter_um) / pixel_um,
        pockets=pockets,
    )
    objects, cover, inner = _ellipses(rng, shape_px, packed, roughness)
    hollow, inside = drawn(shape_px, packed.voids)
    hollow = np.asarray(np.minimum(hollow, 1 - cover), np.float32)
    labels = np.where(objects > 0, 1, np.where(inside > 0, 2, 0)).astype(np.int32)
    picture = _picture(rng, shape_px, objects, cover, inner, hollow, look, scratches)
    seen = np.unique(objects[objects > 0])
    order = np.zeros(int(objects.max(initial=0)) + 1, np.int32)
    order[seen] = np.arange(1, len(seen) + 1)
    rows, columns = shape_px
    here = (packed.row > -0.5) & (packed.row < rows - 0.5) & (packed.column > -0.5) & (packed.column < columns - 0.5)
    truth = {
        "field.fibre_count": float(len(seen)),
        "field.fibre_percent": 100 * float((labels == 1).mean()),
        "field.void_percent": 100 * float((labels == 2).mean()),
        **({"field.mean_fibre_diameter_um": float(packed.diameter[here].mean()) * pixel_um} if here.any() else {}),
        **({} if roughness else process),
    }
    return Field(
        pixels=to_8bit(blurred(picture, 0.7)),
        labels=labels,
        classes={0: "matrix", 1: "fiber", 2: "void"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=truth,
        objects=order[objects],
    )


# ------------------------------------------------------------------------------------------------------ the process


def _truth(
    share: float, diameter_um: float, spread: float, tilt: float, azimuth: float, scatter: float, void_percent: float
) -> dict[str, float]:
    """Truth of the process: sums over the grid of all directions, which are normal in two planes."""
    z = CUT * (2 * (np.arange(4 * _NODES) + 0.5) / (4 * _NODES) - 1)
    weight = np.exp(-(z**2) / 2)
    one, two = np.meshgrid(scatter * z, scatter * z)
    number = np.outer(weight, weight)
    number /= number.sum()
    p = _directions(tilt, azimuth, one, two)
    secant = 1 / p[2]
    area = number * secant  # of a section of a fiber: π/4 d² / cos θ
    squares = float((weight * z**2).sum() / weight.sum())  # of a normal number that is cut
    mean_area_um2 = pi / 4 * diameter_um**2 * (1 + spread**2 * squares) * float(area.sum())
    volume = area / area.sum()
    return {
        "process.fibre_percent": 100 * share,
        "process.void_percent": void_percent,
        "process.mean_fibre_diameter_um": diameter_um,
        "process.fibre_diameter_sd_um": diameter_um * spread * sqrt(squares),
        "process.fibre_count_per_mm2": share / mean_area_um2 * 1e6,
        "process.mean_fibre_tilt_deg": float(np.degrees((number * np.arccos(p[2])).sum())),
        "process.orientation_a11": float((volume * p[0] ** 2).sum()),
        "process.orientation_a22": float((volume * p[1] ** 2).sum()),
        "process.orientation_a33": float((volume * p[2] ** 2).sum()),
        "process.orientation_a12": float((volume * p[0] * p[1]).sum()),
    }


def _directions(tilt: float, azimuth: float, one: Floats, two: Floats) -> tuple[Floats, Floats, Floats]:
    """Unit vectors that lie off the mean direction by two angles: along rows, up columns, out of the section."""
    mean = np.array([sin(tilt) * cos(azimuth), sin(tilt) * sin(azimuth), cos(tilt)])
    up = np.array([cos(tilt) * cos(azimuth), cos(tilt) * sin(azimuth), -sin(tilt)])
    aside = np.array([-sin(azimuth), cos(azimuth), 0.0])
    away = np.hypot(one, two)
    step = np.sinc(away / pi)
    p = [mean[k] * np.cos(away) + (up[k] * one + aside[k] * two) * step for k in range(3)]
    flip = np.where(p[2] < 0, -1.0, 1.0)
    # a fiber in the plane of the section has no section: cut where it would be 6 times as long as wide
    return np.asarray(flip * p[0]), np.asarray(flip * p[1]), np.asarray(np.maximum(flip * p[2], 1 / 6))


def _packed(
    rng: np.random.Generator,
    shape: Shape,
    *,
    per_px2: float,
    diameter_px: float,
    spread: float,
    direction: tuple[float, float, float],
    void_share: float,
    void_px: float,
    pockets: float,
) -> _Packed:
    """Discs packed square to the mean direction on a torus; the section stretches that plane.

    The number of fibers on the torus is its expectation, rounded at random, so that a field of it holds the wanted
    share on average whatever voids and pockets take; those are Poisson in number.
    """
    tilt, azimuth, scatter = direction
    side = hypot(*shape) + 8 * diameter_px
    area = side**2 / cos(tilt)  # of the torus in the section
    n = int(per_px2 * area + rng.uniform())
    diameter = diameter_px * (1 + spread * np.array([cut_normal(rng, -CUT, CUT) for _ in range(n)]))
    off = scatter * np.array([[cut_normal(rng, -CUT, CUT) for _ in range(n)] for _ in range(2)])
    p = _directions(tilt, azimuth, off[0], off[1])
    mean_void = pi / 4 * void_px**2 * cut_moment(_VOID_SPREAD, 2, -CUT, CUT)
    voids = [
        Outline.star(
            rng,
            0,
            0,
            void_px * exp(_VOID_SPREAD * cut_normal(rng, -CUT, CUT)),
            rough=0.16,
            stretch=rng.uniform(*_VOID_STRETCH),
        )
        for _ in range(rng.poisson(void_share * area / mean_void))
    ]
    empty = diameter_px * rng.uniform(0.75, 1.75, rng.poisson(pockets * n))
    radius = np.concatenate([diameter / 2 * _around(p, tilt, azimuth), [one.reach + 0.5 for one in voids], empty])
    place = _pushed_apart(rng.uniform(0, side, (len(radius), 2)), radius, side)
    kept = n + len(voids)
    stirred = place[:kept] + _STIRRED * diameter_px * rng.standard_normal((kept, 2))
    place = _pushed_apart(stirred, radius[:kept], side)
    along, across = (place - side / 2).T
    along = along / cos(tilt)
    column = along * cos(azimuth) - across * sin(azimuth)
    row = -(along * sin(azimuth) + across * cos(azimuth))
    row, column = row + (shape[0] - 1) / 2, column + (shape[1] - 1) / 2
    for number, one in enumerate(voids, n):
        one.row, one.column = float(row[number]), float(column[number])
    return _Packed(
        row=row[:n],
        column=column[:n],
        diameter=diameter,
        tilt=np.arccos(p[2]),
        azimuth=np.arctan2(p[1], p[0]),
        voids=voids,
    )


def _around(p: tuple[Floats, Floats, Floats], tilt: float, azimuth: float) -> Floats:
    """Radius of the circle around each section in the plane square to the mean direction, over that of the fiber.

    Fibers that lie off the mean direction are ellipses there. Little beyond the circle of the same area, or they would
    no longer fit.
    """
    turn = np.arctan2(p[1], p[0]) - azimuth
    c, s, long = np.cos(turn), np.sin(turn), 1 / p[2]
    one = np.array(
        [
            [cos(tilt) * (c * c * long + s * s), cos(tilt) * c * s * (long - 1)],
            [c * s * (long - 1), s * s * long + c * c],
        ]
    )
    widest = np.linalg.norm(np.moveaxis(one, -1, 0), ord=2, axis=(1, 2))
    return np.asarray(np.minimum(widest, _WIDER * np.sqrt(cos(tilt) * long)), dtype=np.float64)


def _pushed_apart(place: Floats, radius: Floats, side: float) -> Floats:
    """Push centers on a torus apart until discs about them overlap no more than a little."""
    usual = float(np.quantile(radius, 0.5)) if len(radius) else 0.0
    for rounds in range(_ROUNDS):
        if rounds % _PAIRED == 0:
            place = np.mod(place, side)
            pairs = _near(place, radius, side, usual)
        apart = place[pairs[:, 0]] - place[pairs[:, 1]]
        apart -= side * np.round(apart / side)
        distance = np.maximum(np.hypot(*apart.T), 1e-6)
        overlap = radius[pairs].sum(axis=1) - distance
        if not (overlap > _APART * usual).any():
            break
        push = 0.6 * np.maximum(overlap, 0)[:, None] * apart / distance[:, None]
        moved = np.empty_like(place)
        for axis in (0, 1):
            moved[:, axis] = np.bincount(pairs[:, 0], push[:, axis], len(place))
            moved[:, axis] -= np.bincount(pairs[:, 1], push[:, axis], len(place))
        shared = np.bincount(pairs[overlap > 0].ravel(), minlength=len(place))
        place = place + moved / np.sqrt(np.maximum(shared, 1))[:, None]
    return np.asarray(np.mod(place, side), dtype=np.float64)


def _near(place: Floats, radius: Floats, side: float, usual: float) -> NDArray[np.intp]:
    """Pairs of discs that touch, or may soon."""
    tree = cKDTree(place, boxsize=side)
    large = np.flatnonzero(radius > 1.5 * usual)
    pairs = tree.query_pairs(3.5 * usual, output_type="ndarray")
    beside = tree.query_ball_point(place[large], radius[large] + float(radius.max(initial=0.0)) + usual)
    more = [np.column_stack([np.full(len(found), one), found]) for one, found in zip(large, beside, strict=True)]
    every = np.sort(np.concatenate([pairs, *more]).astype(np.intp), axis=1)
    return np.asarray(np.unique(every[every[:, 0] != every[:, 1]], axis=0), np.intp)


# ---------------------------------------------------------------------------------------------------------- the look


def _ellipses(
    rng: np.random.Generator, shape: Shape, packed: _Packed, roughness: float
) -> tuple[NDArray[np.int32], Gray, Gray]:
    """Number of the fiber at each pixel, the share of it that fibers cover, and depth below the outline. [radii]"""
    objects = np.zeros(shape, np.int32)
    cover, inner = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    nearest = np.full(shape, -np.inf, np.float32)
    for number in range(len(packed.row)):
        minor = float(packed.diameter[number]) / 2
        major = minor / cos(float(packed.tilt[number]))
        row, column, turn = (float(one[number]) for one in (packed.row, packed.column, packed.azimuth))
        window, there = window_about(shape, row, column, major * (1 + 3 * roughness) + 2)
        if not there:
            continue
        y = row - np.arange(window[0].start, window[0].stop)[:, None]  # up
        x = np.arange(window[1].start, window[1].stop)[None, :] - column
        u, v = x * cos(turn) + y * sin(turn), y * cos(turn) - x * sin(turn)
        rho = np.hypot(u / major, v / minor)
        if roughness:
            angle = np.arctan2(v / minor, u / major)
            for order in (2, 3, 4):
                rho *= 1 + roughness * 0.8 * rng.standard_normal() * np.cos(order * angle + rng.uniform(0, 2 * pi))
        slope = np.hypot(u / major**2, v / minor**2) / np.maximum(rho, 1e-6)
        distance = ((1 - rho) / np.maximum(slope, 1e-6)).astype(np.float32)  # to the outline, inside above 0
        first = (distance > nearest[window]) & (distance > 0)
        objects[window][first] = number + 1
        nearest[window] = np.maximum(nearest[window], distance)
        cover[window] = np.minimum(1, cover[window] + np.clip(distance + 0.5, 0, 1))
        inner[window] = np.where(first, distance / minor, inner[window])
    return objects, cover, inner


def _picture(
    rng: np.random.Generator,
    shape: Shape,
    objects: NDArray[np.int32],
    cover: Gray,
    inner: Gray,
    hollow: Gray,
    look: FiberLook,
    scratches: int,
) -> Gray:
    """Gray of resin, fibers and voids, with the relief and the marks that polishing leaves."""
    black, resin, bright = _GRAY[look]
    step = bright - resin
    own = np.concatenate([[0.0], rng.normal(0, 0.06 if look == "carbon" else 0.025, int(objects.max(initial=0)))])
    body = bright + step * own.astype(np.float32)[objects]
    if look == "carbon":
        body += step * (0.05 * cloud(rng, shape, 2.0) - 0.07 * np.clip(inner - 0.5, 0, 1))
    else:
        body += step * (0.02 * cloud(rng, shape, 1.2) + 0.16 * np.exp(-(np.clip(inner, 0, 1) / 0.12)))
    matrix = resin + step * (
        0.05 * cloud(rng, shape, 0.2 * min(shape)) + 0.05 * cloud(rng, shape, 9.0) + 0.04 * cloud(rng, shape, 1.6)
    )
    # fibers stand up from the softer resin: a shadow on one side, a lit edge on the other
    height = blurred(cover, 1.6)
    relief = 0.10 * (np.roll(height, (1, 1), (0, 1)) - np.roll(height, (-1, -1), (0, 1)))
    matrix -= step * 0.10 * height
    depth = blurred(hollow, 1.2)
    floor = black * (1 + 0.5 * cloud(rng, shape, 3.0)) + 0.10 * (1 - depth)
    picture = cover * body + (1 - cover) * matrix + relief
    picture = (1 - hollow) * picture + hollow * np.clip(floor, 0.01, None)
    if look == "glass":
        picture += 0.10 * np.clip(blurred(hollow, 2.0) - hollow, 0, 1)
    if scratches:
        marks = scratch_depths(rng, shape, scratches, 1.0)
        picture *= 1 - 0.22 * marks
        picture += 0.05 * np.roll(marks, 1, 0) * step
    return np.asarray(picture, np.float32)
