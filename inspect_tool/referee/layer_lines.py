"""Lines across a layer at random places along it, and what the program measured there.

The places are those where the program has a chord: evenly along the middle line of the layer, normal to it. A line is
longer than the chord and not centered on it, so that it does not tell where the program saw the layer end.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.referee import design

EDGES = 2
"""Marks that a person puts on a line: where the layer begins and where it ends."""

_LONG, _MORE_PX = 2.2, 24.0  # of a line: over the thick chords of the field, and more [1, px]
_OFF = 0.2  # that its middle may lie off that of the chord, of its length
_THICK = 0.95  # quantile of the chords
_UNSURE_PX = 1.0  # difference of the thickness by another segmentation

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldChords:
    """Lines across the layer of one field."""

    ends: FloatArray  # (n, 4): row, column of the start, row, column of the end [px]
    machine_um: FloatArray  # (n,) thickness by the program
    codes: NDArray[np.uint8]  # (n,) of the stratum: 1 where another segmentation sees another thickness, else 0
    length_px: float  # of a line that no edge cuts
    pixel_um: float

    def located(self, code: int, rank: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends (row, column) of a line by its rank in a stratum. [px]"""
        r0, c0, r1, c1 = self.ends[self.number(code, rank)].tolist()
        return (r0, c0), (r1, c1)

    def number(self, code: int, rank: int) -> int:
        """Place among the lines of one with this rank in a stratum."""
        return int(np.flatnonzero(self.codes == code)[rank])

    def marked_um(self, number: int, positions: tuple[float, float]) -> float:
        """Thickness between two marks on a line, from 0 to 1 along it. [um]"""
        r0, c0, r1, c1 = self.ends[number].tolist()
        return abs(positions[1] - positions[0]) * float(np.hypot(r1 - r0, c1 - c0)) * self.pixel_um

    @property
    def areas(self) -> tuple[int, ...]:
        """Number of lines by the code of their stratum."""
        return tuple(np.bincount(self.codes, minlength=2).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLines:
    """Lines of all fields of a job, and the result that a person's marks on them correct."""

    fields: tuple[FieldChords, ...]
    question: str
    rule: str
    quantity: str


def drawn(
    first: FloatArray,
    second: FloatArray,
    others: Iterable[tuple[FloatArray, FloatArray] | None],
    shape: tuple[int, ...],
    pixel_um: float,
    seed: str,
) -> FieldChords:
    """Draw the lines of a field: one at every chord of the program.

    Parameters
    ----------
    first, second : float arrays of shape (n, 2)
        Ends (row, column) of the chords of the program. [px]
    others : iterable of (first, second), or None
        Chords of other segmentations; None: the layer is not seen in one of them, and every line is unsure.
    shape : (rows, columns)
        Of the field; lines are cut at its edge.
    pixel_um : float
        [um/px]
    seed : str
        Any text.
    """
    chord = second - first
    thickness = np.hypot(chord[:, 0], chord[:, 1])
    middle = (first + second) / 2
    unsure = np.zeros(len(thickness), bool)
    for other in others:
        if other is None:
            unsure[:] = True
            continue
        places = (other[0] + other[1]) / 2
        there = np.hypot(*(other[1] - other[0]).T)
        nearest = ((middle[:, None, :] - places[None, :, :]) ** 2).sum(axis=-1).argmin(axis=1)
        unsure |= np.abs(there[nearest] - thickness) > _UNSURE_PX
    length = _LONG * float(np.quantile(thickness, _THICK)) + _MORE_PX
    along = chord / thickness[:, None]
    off = np.array([design.uniform(f"{seed}/{i}") for i in range(len(thickness))])
    start = middle + (_OFF * (2 * off - 1) - 0.5)[:, None] * length * along
    # what lies out of the field is cut off
    frame = np.array(shape[:2]) - 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = np.sort(np.stack([-start, frame - start]) / (length * along), axis=0)
    low = np.maximum(np.nanmax(meets[0], axis=1), 0.0)
    high = np.minimum(np.nanmin(meets[1], axis=1), 1.0)
    ends = np.stack([start + part[:, None] * length * along for part in (low, high)], axis=1)
    return FieldChords(
        ends=np.clip(ends, 0, frame).reshape(-1, 4),
        machine_um=thickness * pixel_um,
        codes=unsure.astype(np.uint8),
        length_px=length,
        pixel_um=pixel_um,
    )
