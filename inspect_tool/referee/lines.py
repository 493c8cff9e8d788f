"""Short random test lines of a field, and what the program saw on each of them.

Middles are random over the field and half a line beyond it, directions random over 180 degrees, so that every place
inside, at the edge too, is met by as much line as any other (isotropic uniform random lines); what lies outside is cut
off. All of them are the population that a person's lines are drawn from: its total length is known exactly.

References
----------
Baddeley and Jensen, Stereology for Statisticians (2005), 4.2 and 7.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import ceil, pi

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage
from inspect_tool.referee import design

LENGTH = 1.5
"""Length of a line over the mean intercept that the program found [1]: few crossings, which are counted at a glance."""

LINES = 4000
"""Drawn in every field; a person gets a few of them."""

MOST_COUNTED = 3
"""Lines with as many boundaries by the program, or more, are one stratum."""

STAGE = 20
"""Lines of a specimen between two places where one may stop."""

_SHORTEST_PX = 12.0  # of a line: less is no line to a person
_LONGEST = 0.5  # of the smaller side of the field
_LEAST = 0.05  # of a line, that is left of it at the edge

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldLines:
    """Test lines of one field."""

    ends: FloatArray  # (n, 4): row, column of the start, row, column of the end [px]
    codes: NDArray[np.uint8]  # (n,) of the stratum: twice the boundaries by the program, plus 1 where it is unsure
    length_px: float  # of a line that no edge cuts
    mean_length_mm: float
    machine_per_mm: float  # intercepts per length by the program, as the recipe counts the whole field

    def located(self, code: int, rank: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends (row, column) of a line by its rank in a stratum. [px]"""
        r0, c0, r1, c1 = self.ends[np.flatnonzero(self.codes == code)[rank]].tolist()
        return (r0, c0), (r1, c1)

    @property
    def areas(self) -> tuple[int, ...]:
        """Number of lines by the code of their stratum."""
        return tuple(np.bincount(self.codes, minlength=2 * (MOST_COUNTED + 1)).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class TestLines:
    """Test lines of all fields of a job, and what a recipe makes of boundaries per length."""

    fields: tuple[FieldLines, ...]
    question: str
    results: Callable[[float], Mapping[str, tuple[float, str]]]  # 1/mm to every result: value, as it is rounded

    __test__ = False  # not a test, whatever pytest thinks of the name


def drawn(labels: LabelImage, others: Iterable[LabelImage], per_px: float, pixel_um: float, seed: str) -> FieldLines:
    """Draw the test lines of a field.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Grains as they are counted; 0 is no part of the field.
    others : iterable of int32 arrays
        Grains of other segmentations: a line on which one of them has another count is unsure.
    per_px : float
        Intercepts per length by the program. [1/px]
    pixel_um : float
        Size of a pixel. [um]
    seed : str
        Any text.
    """
    rows, columns = labels.shape
    length = min(max(_SHORTEST_PX, LENGTH / per_px), _LONGEST * min(rows, columns))
    steps = ceil(length)
    random = np.array([design.uniforms(f"{seed}/{i}", 3) for i in range(LINES)])
    angle = pi * random[:, 2]
    along = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    middle = random[:, :2] * (np.array([rows, columns]) - 1 + length) - length / 2
    at = middle[:, None, :] + (np.arange(steps + 1) / steps - 0.5)[None, :, None] * length * along[:, None, :]
    inside = ((at >= 0) & (at <= np.array([rows, columns]) - 1)).all(axis=-1)
    row, column = np.where(inside[..., None], np.rint(at), 0).astype(np.intp).transpose(2, 0, 1)
    inside &= labels[row, column] != 0
    edge = np.diff(np.pad(inside, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    line, first = np.nonzero(edge == 1)
    last = np.nonzero(edge == -1)[1] - 1
    kept = last - first >= _LEAST * steps
    line, first, last = line[kept], first[kept], last[kept]
    # from the first place inside to half a step before it, but not out of the field
    with np.errstate(divide="ignore"):
        frame = np.sort((np.array([[[0, 0]], [[rows - 1, columns - 1]]]) - middle) / (length * along), axis=0)
    start = np.maximum.reduce([frame[0].max(axis=1)[line], (first - 0.5) / steps - 0.5, np.full(len(line), -0.5)])
    end = np.minimum.reduce([frame[1].min(axis=1)[line], (last + 0.5) / steps - 0.5, np.full(len(line), 0.5)])

    def counted(seen: LabelImage, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.int64]:
        back = seen[:, 2:] == seen[:, :-2]  # the roughness of a boundary between pixels
        smooth = seen.copy()
        smooth[:, 1:-1][back] = seen[:, :-2][back]
        met = np.zeros(seen.shape, np.int64)
        np.cumsum(smooth[:, 1:] != smooth[:, :-1], axis=1, out=met[:, 1:])
        return np.asarray(met[line, other] - met[line, one])

    seen = labels[row, column]
    counts = counted(seen, first, last)
    unsure = counted(seen, first + 1, last - 1) != counts  # it ends beside a boundary
    for grains in others:
        unsure |= counted(grains[row, column], first, last) != counts
    ends = np.stack([middle[line] + part[:, None] * length * along[line] for part in (start, end)], axis=1)
    return FieldLines(
        ends=np.clip(ends, 0, np.array([rows, columns]) - 1).reshape(-1, 4),
        codes=(2 * np.minimum(counts, MOST_COUNTED) + unsure).astype(np.uint8),
        length_px=length,
        mean_length_mm=float((end - start).mean()) * length * pixel_um / 1e3,
        machine_per_mm=per_px / pixel_um * 1e3,
    )
