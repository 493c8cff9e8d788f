"""Particles to inclusions as an edition sees them: joined to stringers, each with its type, length and width."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.recipes.inclusions.limits import Joining, Type

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

Fragments: TypeAlias = Literal["as seen", "as long", "as wide"]
"""What the fragments of a stringer that the frame cuts are taken for: what is seen of them, as long as the others
beyond the frame and as thin as is seen, or as long and as wide as the others."""

_DIRECTED = 2.0  # length over width from which on a particle has a direction


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Particles:
    """Particles of one segmentation that count, n of them."""

    row_px: Floats  # centers
    column_px: Floats
    length_um: Floats  # largest caliper
    width_um: Floats  # of the ellipse of the same area and length
    ecd_um: Floats
    angle_deg: Floats  # of the largest caliper: 0 along the rows, counter-clockwise
    sulfide: Bools
    unsure: Bools  # too small for its gray to tell whether it is a sulfide
    weight: Floats  # what each counts as a number: 0 for those that are counted in the next frame
    cut: Bools  # by the frame
    whole_um: Floats  # width that a cut one may have beyond the frame, at most; that of others is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """One inclusion as an edition sees it."""

    type: Type
    length_um: float
    width_um: float
    largest_um: float  # diameter of the circle of the same area, of the largest of its particles
    weight: float  # what its particles count as a number
    members: tuple[int, ...]  # places among the particles
    start_px: tuple[float, float]  # first and last point along its axis, (row, column)
    end_px: tuple[float, float]


def inclusions_of(
    particles: Particles,
    limits: Joining,
    direction_deg: float,
    pixel_um: float,
    fragments: Fragments = "as seen",
) -> list[Inclusion]:
    """Join particles to inclusions and tell their types.

    Particles of one kind (sulfides, or all others) belong together where the gap between them along the rolling
    direction and their offset across it are no wider than the edition bridges. One that is too small for its gray to
    tell its kind is of the kind of the nearest that it could belong to. Elongated ones that lie off the direction by
    more than its tolerance stay alone, but for those that the frame cuts: a sliver at the frame has the direction of
    the frame. Of the others three particles or more are a stringer: type C where elongated ones have more than half of
    its length, else B. What is no stringer is rated particle by particle.

    Parameters
    ----------
    particles : Particles
    limits : Joining
        Of the edition.
    direction_deg : float
        Rolling direction: 0 along the rows, counter-clockwise. [deg]
    pixel_um : float
        [um/px]
    fragments : str
        What those that the frame cuts count for in the width of a stringer B.

    Returns
    -------
    list of Inclusion
        Sulfides first.
    """
    axis = np.radians(direction_deg)
    off = np.radians(particles.angle_deg) - axis
    apart = np.abs((np.degrees(off) + 90) % 180 - 90) > limits.direction_deg
    aspect = np.where(particles.cut & apart, 1.0, particles.length_um / particles.width_um)
    alone = (aspect >= _DIRECTED) & apart
    place = _Place(
        along=(particles.column_px * np.cos(axis) - particles.row_px * np.sin(axis)) * pixel_um,
        across=(particles.row_px * np.cos(axis) + particles.column_px * np.sin(axis)) * pixel_um,
        half=np.hypot(particles.length_um * np.cos(off), particles.width_um * np.sin(off)) / 2,
    )
    sulfide = _kinds(particles, place, limits)
    seen = _Seen(particles=particles, place=place, aspect=aspect, sulfide=sulfide, axis=axis, pixel_um=pixel_um)
    made: list[Inclusion] = []
    for sulfides in (True, False):
        kind = np.flatnonzero((sulfide == sulfides) & ~alone)
        for members in _groups(kind, place, limits):
            made += _rated(members, seen, limits, fragments)
        for one in np.flatnonzero((sulfide == sulfides) & alone).tolist():
            made.append(_single(one, seen, limits))
    return made


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """Where particles lie along and across the rolling direction, and half of their length along it. [um]"""

    along: Floats
    across: Floats
    half: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """Particles as an edition and a rolling direction see them."""

    particles: Particles
    place: _Place
    aspect: Floats  # length over width; 1 where the frame hides it
    sulfide: Bools
    axis: float  # rolling direction [rad]
    pixel_um: float


def _kinds(particles: Particles, place: _Place, limits: Joining) -> Bools:
    """Which are sulfides: those whose gray does not say it are what the nearest is that they could belong to."""
    sulfide = particles.sulfide.copy()
    sure = np.flatnonzero(~particles.unsure)
    if not len(sure):
        return sulfide
    for one in np.flatnonzero(particles.unsure).tolist():
        gap = np.abs(place.along[sure] - place.along[one]) - place.half[sure] - place.half[one]
        far = np.maximum(gap / limits.along_um, 0.0), np.abs(place.across[sure] - place.across[one]) / limits.across_um
        nearest = int(np.hypot(*far).argmin())
        if max(far[0][nearest], far[1][nearest]) <= 1:
            sulfide[one] = particles.sulfide[sure[nearest]]
    return sulfide


def _groups(kind: Ints, place: _Place, limits: Joining) -> list[Ints]:
    """Particles that belong together, chain by chain."""
    if not len(kind):
        return []
    order = kind[np.argsort(place.across[kind], kind="stable")]
    across = place.across[order]
    last = np.searchsorted(across, across + limits.across_um, side="right")
    counts = last - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), counts)
    second = first + 1 + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    a, b = order[first], order[second]
    gap = np.abs(place.along[a] - place.along[b]) - place.half[a] - place.half[b]
    near = gap <= limits.along_um
    number = _connected(len(order), first[near], second[near])
    chains = np.argsort(number, kind="stable")
    return np.split(order[chains], np.flatnonzero(np.diff(number[chains])) + 1)


def _connected(n: int, first: Ints, second: Ints) -> Ints:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(first), bool), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)


def _rated(members: Ints, seen: _Seen, limits: Joining, fragments: Fragments) -> list[Inclusion]:
    """One inclusion of particles that belong together, or each of them where they are no stringer."""
    particles, place = seen.particles, seen.place
    length = particles.length_um[members]
    elongated = seen.aspect[members] >= limits.elongated
    kind: Type
    if len(members) == 1:
        return [_single(int(members[0]), seen, limits)]
    if seen.sulfide[members[0]]:
        kind = "A"
    elif elongated.all() or (len(members) >= limits.particles and length[elongated].sum() > length.sum() / 2):
        kind = "C"
    elif len(members) >= limits.particles:
        kind = "B"
    else:
        return [_single(one, seen, limits) for one in members.tolist()]
    low, high = (place.along - place.half)[members].min(), (place.along + place.half)[members].max()
    middle = float(np.average(place.across[members], weights=length))
    width = _width(members, particles, fragments if kind == "B" else "as seen")
    start, end = (_back(float(end), middle, seen.axis, seen.pixel_um) for end in (low, high))
    return [
        Inclusion(
            type=kind,
            length_um=float(high - low),
            width_um=width,
            largest_um=float(particles.ecd_um[members].max()),
            weight=float(particles.weight[members].sum()),
            members=tuple(members.tolist()),
            start_px=start,
            end_px=end,
        )
    ]


def _width(members: Ints, particles: Particles, fragments: Fragments) -> float:
    """Width of particles that belong together: half of their length is no wider. [um]"""
    length, width, cut = (one[members] for one in (particles.length_um, particles.width_um, particles.cut))
    if fragments != "as seen" and cut.any():
        others = ~cut if not cut.all() else cut
        if fragments == "as wide":  # a fragment is about as wide as it is long
            width = np.where(cut, np.maximum(width, length), width)
            width = np.where(cut, np.maximum(width, width[others].max()), width)
        length = np.where(cut, np.maximum(length, np.median(length[others])), length)
    order = np.argsort(width, kind="stable")
    return float(width[order][np.searchsorted(np.cumsum(length[order]), length.sum() / 2)])


def _back(along: float, across: float, axis: float, pixel_um: float) -> tuple[float, float]:
    """Row and column of a place along and across the rolling direction."""
    cos, sin = float(np.cos(axis)), float(np.sin(axis))
    return (across * cos - along * sin) / pixel_um, (along * cos + across * sin) / pixel_um


def _single(one: int, seen: _Seen, limits: Joining) -> Inclusion:
    particles = seen.particles
    aspect, length, width = (float(x[one]) for x in (seen.aspect, particles.length_um, particles.width_um))
    kind: Type
    if seen.sulfide[one]:
        kind = "A"
    elif aspect >= limits.elongated:
        kind = "C"
    else:
        kind = "B" if aspect >= limits.globular else "D"
    turn = np.radians(float(particles.angle_deg[one]))
    reach = length / 2 / seen.pixel_um
    row, column = float(particles.row_px[one]), float(particles.column_px[one])
    down, right = -float(np.sin(turn)) * reach, float(np.cos(turn)) * reach
    return Inclusion(
        type=kind,
        length_um=length,
        width_um=width,
        largest_um=float(particles.ecd_um[one]),
        weight=float(particles.weight[one]),
        members=(one,),
        start_px=(row - down, column - right),
        end_px=(row + down, column + right),
    )
