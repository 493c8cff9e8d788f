"""Grain mosaics of exactly known boundaries, and readings of them that go wrong as segmentations do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi

import numpy as np
from drawn_tessellations import FloatArray, Tessellation, lognormal, poisson
from numpy.typing import NDArray

Labels = NDArray[np.int32]
SHAPE = (240, 240)
FIELDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GrainReading:
    """Fields as they are, the grains that a program saw, and those of another segmentation."""

    truth: tuple[Tessellation, ...]
    seen: tuple[Labels, ...]
    other: tuple[Labels, ...]


def mosaics(rng: np.random.Generator) -> tuple[Tessellation, ...]:
    """Fields of some 60 to 200 grains: Poisson-Voronoi or lognormal, a third of them stretched."""
    pitch, stretch = rng.uniform(17, 30), rng.choice([1.0, 1.0, 1.4])
    if rng.random() < 0.5:
        return tuple(poisson(rng, SHAPE, pitch, stretch) for _ in range(FIELDS))
    return tuple(lognormal(rng, SHAPE, pitch, rng.uniform(0.2, 0.5), stretch) for _ in range(FIELDS))


def _good(rng: np.random.Generator, labels: Labels) -> Labels:
    """One of thirty boundaries is missed, one of sixty grains is parted."""
    return _parted(rng, merged(rng, labels, 1 / 30), 1 / 60)


def _scratched(rng: np.random.Generator, labels: Labels) -> Labels:
    """Parallel scratches that are taken for boundaries, so many that G is about 1.5 too high."""
    grid = np.stack(np.indices(labels.shape), axis=-1).reshape(-1, 2) - np.array(labels.shape) / 2
    angle = rng.uniform(0, pi)
    across = grid @ np.array([np.sin(angle), np.cos(angle)])
    boundaries = (np.mean(labels[:, 1:] != labels[:, :-1]) + np.mean(labels[1:] != labels[:-1])) / 2
    wanted = 1.15 * (2**0.75 - 1) * boundaries * pi / 2  # scratches per length across them
    at = np.cumsum(rng.exponential(1 / wanted, int(4 * wanted * across.max()) + 20)) + across.min()
    return _numbered(_good(rng, labels), np.searchsorted(at, across).reshape(labels.shape))


def _missed(rng: np.random.Generator, labels: Labels) -> Labels:
    """So many boundaries are missed that G is about 1 too low."""
    return merged(rng, labels, 0.22)


def _broken(rng: np.random.Generator, labels: Labels) -> Labels:
    """Another mosaic that has nothing to do with the field, finer or coarser by up to 2 G."""
    pitch = np.sqrt(labels.size / len(np.unique(labels))) * 2 ** rng.uniform(-1, 1)
    return poisson(rng, (labels.shape[0], labels.shape[1]), pitch).labels()


FAULTS: Mapping[str, Callable[[np.random.Generator, Labels], Labels]] = {
    "good": _good,
    "scratches": _scratched,
    "missed": _missed,
    "wholly broken": _broken,
}


def merged(rng: np.random.Generator, labels: Labels, share: float) -> Labels:
    """Join the two grains of a share of all boundaries."""
    number = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
    count = int(number.max()) + 1
    beside = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    keys = [(np.minimum(a, b) * count + np.maximum(a, b))[a != b] for a, b in beside]
    pairs = np.stack(np.divmod(np.unique(np.concatenate(keys)), count), axis=1)
    owner = np.arange(count)
    for first, second in pairs[rng.random(len(pairs)) < share]:
        owner[owner == owner[second]] = owner[first]
    return (owner[number] + 1).astype(np.int32)


def _parted(rng: np.random.Generator, labels: Labels, share: float) -> Labels:
    """Part a share of all grains by a straight line through their middle."""
    row, column = np.indices(labels.shape)
    made = labels.copy()
    for grain in np.unique(labels):
        if rng.random() < share:
            own, angle = labels == grain, rng.uniform(0, pi)
            side = (row - row[own].mean()) * np.sin(angle) + (column - column[own].mean()) * np.cos(angle) > 0
            made[own & side] = made.max() + 1
    return made


def _numbered(first: Labels, second: NDArray[np.integer]) -> Labels:
    """Number the regions in which neither of two numbers changes."""
    both = first.astype(np.int64) * (int(second.max()) + 1) + second
    return (np.unique(both, return_inverse=True)[1].reshape(first.shape) + 1).astype(np.int32)


def reading(rng: np.random.Generator, drawn: tuple[Tessellation, ...], fault: str) -> GrainReading:
    """Read drawn fields with a fault; the other segmentation misses one boundary of ten more."""
    seen = tuple(FAULTS[fault](rng, one.labels()) for one in drawn)
    return GrainReading(truth=drawn, seen=seen, other=tuple(merged(rng, one, 0.1) for one in seen))


def crossed(edges: FloatArray, start: tuple[float, float], end: tuple[float, float]) -> int:
    """How many of the straight boundaries a segment crosses."""
    p, r = np.asarray(start), np.asarray(end) - np.asarray(start)
    q, s = edges[:, 0] - p, edges[:, 1] - edges[:, 0]
    turn = r[0] * s[:, 1] - r[1] * s[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (q[:, 0] * s[:, 1] - q[:, 1] * s[:, 0]) / turn
        u = (q[:, 0] * r[1] - q[:, 1] * r[0]) / turn
    return int(((t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)).sum())
