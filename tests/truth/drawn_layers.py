"""Layers that vary along themselves, readings that go wrong as segmentations do, and a person who marks edges."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.referee import design, lines
from inspect_tool.referee.thickness_estimate import Marked, Thickness, mean_thickness

Floats = NDArray[np.float64]
CHORDS = 200  # of a field
CLICK_PX = 0.7  # standard deviation of a mark


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReading:
    """Thickness of every field along the layer, and what a program and another segmentation of it say. [px]"""

    truth: tuple[Floats, ...]
    seen: tuple[Floats, ...]
    other: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What one specimen gave. [px]"""

    truth: float
    machine: float
    said: Thickness


def layer(rng: np.random.Generator) -> tuple[Floats, ...]:
    """Two or three fields of a layer 15 to 80 px thick that varies by 2 to 20 % over 3 to 40 chords."""
    mean, spread, reach = rng.uniform(15, 80), rng.uniform(0.02, 0.2), rng.uniform(3, 40)
    fields = []
    for _ in range(rng.integers(2, 4)):
        noise = rng.normal(size=CHORDS + 400)
        kernel = np.exp(-0.5 * (np.arange(-200, 201) / reach) ** 2)
        wave = np.convolve(noise, kernel / np.sqrt((kernel**2).sum()), "valid")[:CHORDS]
        fields.append(np.maximum(mean * (1 + rng.normal(0, spread / 2) + spread * wave), 3.0))
    return tuple(fields)


def _good(rng: np.random.Generator, truth: Floats) -> Floats:
    """Each interface within half a pixel."""
    return truth + rng.normal(0, 0.5, len(truth))


def _biased(rng: np.random.Generator, truth: Floats) -> Floats:
    """A tenth too thick."""
    return 1.1 * _good(rng, truth)


def _lower_wrong(rng: np.random.Generator, truth: Floats) -> Floats:
    """The lower interface lies by a fifth of the thickness too low, over a part of the layer that begins anywhere."""
    at = (np.arange(len(truth)) - rng.integers(len(truth))) % len(truth)
    return np.where(at < rng.uniform(0.3, 0.9) * len(truth), 1.2, 1.0) * _good(rng, truth)


def _lost(rng: np.random.Generator, truth: Floats) -> Floats:
    """At one of twelve places half of the layer is not seen."""
    return np.where(rng.random(len(truth)) < 1 / 12, 0.5, 1.0) * _good(rng, truth)


def _useless(rng: np.random.Generator, truth: Floats) -> Floats:
    """Another layer in its place."""
    return np.asarray(rng.permutation(truth) * rng.uniform(0.6, 1.4))


FAULTS: Mapping[str, Callable[[np.random.Generator, Floats], Floats]] = {
    "good": _good,
    "a tenth too thick": _biased,
    "lower interface a fifth too low": _lower_wrong,
    "half lost at places": _lost,
    "another layer": _useless,
}


def reading(rng: np.random.Generator, fault: str) -> LayerReading:
    """Draw a layer and read it; the other segmentation lies by up to 2 px off in a wave."""
    truth = layer(rng)
    seen = tuple(FAULTS[fault](rng, one) for one in truth)
    other = tuple(one + 2 * np.sin(np.arange(len(one)) / 15 + rng.uniform(0, 6)) for one in seen)
    return LayerReading(truth=truth, seen=seen, other=other)


def answered(found: LayerReading, count: int, seed: str, coverage: float = 0.95) -> Checked:
    """Let a person answer a whole sample of lines, each edge to a part of a pixel."""
    rng = np.random.default_rng(int(2**32 * design.uniform(seed)))
    codes = [(np.abs(other - seen) > 1.0).astype(np.uint8) for seen, other in zip(found.seen, found.other, strict=True)]
    areas = [
        design.Area(specimen="1", section="1", pixels=tuple(np.bincount(one, minlength=2).tolist())) for one in codes
    ]
    places = design.drawn(areas, count, seed, lines.STAGE)
    shares = design.field_weights(areas)

    def pair(place: design.Place) -> tuple[float, float]:
        at = int(np.flatnonzero(codes[place.field] == place.code)[place.rank])
        marked = found.truth[place.field][at] + rng.normal(0, CLICK_PX) - rng.normal(0, CLICK_PX)
        return float(marked), float(found.seen[place.field][at])

    strata = [
        Marked(
            weight=weight,
            machine=sum(
                share * float(seen[own == code].sum()) / len(seen)
                for share, seen, own in zip(shares, found.seen, codes, strict=True)
            )
            / weight,
            pairs=tuple(pair(place) for place in places if place.code == code),
        )
        for code, weight in design.weights(areas)["1"].items()
    ]
    return Checked(
        truth=float(np.mean([one.mean() for one in found.truth])),
        machine=float(np.mean([one.mean() for one in found.seen])),
        said=mean_thickness(strata, 1.0, coverage),
    )
