"""Inclusions sorted by the sizes of an edition of the laboratory's own: methods K and M.

Limits of areas, lengths and widths and their factors are data of the edition's file. No such table is shipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import StandardError
from inspect_tool.model import Standard
from inspect_tool.recipes.inclusions.limits import TYPES, Joining, Type, joining_of
from inspect_tool.recipes.inclusions.stringers import Inclusion, Particles
from inspect_tool.standards.editions import constant
from inspect_tool.standards.formulas import inclusion_sizes, iso_13322_1

DIMENSIONS = ("area_um2", "length_um", "width_um")
"""What a size may be told by: an inclusion has the largest one of which it reaches every least value."""

GROUPS: Mapping[str, tuple[Type, ...]] = {"sulfides": ("A",), "oxides": ("B", "C", "D"), "total": TYPES}
"""Types whose inclusions one total index is of."""

_FILL_IN = "fill in from your copy of the standard"
_ASPECTS = ("elongated_aspect", "globular_aspect")
_AT = 1e-9  # a size is at a limit to the digits that a float keeps

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes of one type."""

    first: int
    factors: tuple[float, ...]  # by size, from the first on
    least: Mapping[str, tuple[float, ...]]  # by what they are told by (``DIMENSIONS``)

    @property
    def last(self) -> int:
        """Largest size of the table."""
        return self.first + len(self.factors) - 1

    @property
    def per_scale(self) -> float:
        """Sizes that a relative change of the pixel size makes at most. [1]"""
        return max(
            (2 if name == "area_um2" else 1) / min(log(high / low) for low, high in pairwise(least))
            for name, least in self.least.items()
        )

    def of(self, measured: Mapping[str, float]) -> float:
        """Size of an inclusion, between the whole ones."""
        return min(
            inclusion_sizes.size_reached(measured[name], least, self.first) for name, least in self.least.items()
        )

    def size_class(self, size: float) -> int:
        """Whole size that is reached; one below the first where none is."""
        return min(max(floor(size + _AT), self.first - 1), self.last)

    def factor(self, size: float, least_size: int) -> float:
        """Factor of a size in a total index; 0 where it is too small to count."""
        reached = self.size_class(size)
        return self.factors[reached - self.first] if reached >= max(least_size, self.first) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeLimits(Joining):
    """Numbers of an edition that sorts inclusions by sizes."""

    least_size: int  # that counts in a total index
    types: Mapping[Type, Sizes]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sorted:
    """Inclusions of one segmentation that an edition has sizes for, n of them."""

    kind: NDArray[np.int64]  # (n,) place of the type among ``TYPES``
    size: Floats  # (n,) between the whole ones
    share: Floats  # (n,) inclusions that each stands for, 0: it may go on beyond the frame

    def index_sum(self, limits: SizeLimits, group: str) -> float:
        """Sum of number times factor of a group of types."""
        return float((self.share * factors_of(self.kind, self.size, limits, group)).sum())

    def largest(self) -> dict[Type, float]:
        """Largest size of every type that there is, of the cut ones, too."""
        return {TYPES[kind]: float(self.size[self.kind == kind].max()) for kind in np.unique(self.kind).tolist()}


def factors_of(kind: NDArray[np.int64], size: Floats, limits: SizeLimits, group: str) -> Floats:
    """Factor of every inclusion in the total index of a group of types; 0 where it does not count."""
    wanted = GROUPS[group]
    return np.asarray(
        [
            limits.types[TYPES[k]].factor(one, limits.least_size) if TYPES[k] in wanted else 0.0
            for k, one in zip(kind.tolist(), size.tolist(), strict=True)
        ],
        np.float64,
    )


def size_limits_of(edition: Standard) -> SizeLimits:
    """Take the sizes of an edition.

    Raises
    ------
    StandardError
        A value is missing, not filled in, or out of order.
    """
    where = f"{edition.name}.toml"
    rows = edition.tables["sizes"]
    known = {"type", "size", "factor", *DIMENSIONS}
    told_by = tuple(name for name in DIMENSIONS if name in rows[0])
    strange = sorted(set(rows[0]) - known)
    if strange or not {"type", "size", "factor"} <= set(rows[0]) or not told_by:
        msg = (
            f"{where} [[tables.sizes]]: has the keys {', '.join(rows[0])}; needs type, size, factor and one or more of "
            f"{', '.join(DIMENSIONS)}, and no others"
        )
        raise StandardError(msg)
    joining, least_size = joining_of(edition), constant(edition, "least_size").value
    for name in ("join_along_um", "join_across_um", "direction_deg", "stringer_particles", *_ASPECTS):
        _filled_in(constant(edition, name).value, 0.0, f"{where} [{name}]")
    _filled_in(least_size, -1.0, f"{where} [least_size]")
    for i, row in enumerate(rows):
        _check_row(row, told_by, f"{where} [[tables.sizes]] row {i + 1}")
    return SizeLimits(
        **joining,
        least_size=int(least_size),
        types={
            kind: _sizes([row for row in rows if row["type"] == kind], told_by, f"{where} type {kind}")
            for kind in TYPES
            if any(row["type"] == kind for row in rows)
        },
    )


def _filled_in(value: float, placeholder: float, where: str) -> None:
    """A number above the one that the template has in its place."""
    if value <= placeholder:
        msg = f"{where}: {value:g} is none; {_FILL_IN}"
        raise StandardError(msg)


def _check_row(row: Mapping[str, Any], told_by: Sequence[str], where: str) -> None:
    """A row of numbers that are filled in."""
    if row["type"] not in TYPES or not isinstance(row["size"], int):
        msg = f"{where}: type must be one of {', '.join(TYPES)}, and size a whole number"
        raise StandardError(msg)
    for name in ("factor", *told_by):
        value = row[name]
        if not (isinstance(value, int | float) and value > 0):
            msg = f"{where}: {name} of size {row['size']} of type {row['type']} is {value}; {_FILL_IN}"
            raise StandardError(msg)


def _sizes(rows: Sequence[Mapping[str, Any]], told_by: Sequence[str], where: str) -> Sizes:
    numbers = [row["size"] for row in rows]
    if len(rows) < 2 or numbers != list(range(numbers[0], numbers[0] + len(rows))):
        msg = f"{where}: sizes must be two or more whole numbers, one after the other: got {numbers}"
        raise StandardError(msg)
    least = {name: tuple(float(row[name]) for row in rows) for name in told_by}
    for name, values in least.items():
        if any(low >= high for low, high in pairwise(values)):
            msg = f"{where}: {name} must grow with the size: got {', '.join(f'{one:g}' for one in values)}"
            raise StandardError(msg)
    return Sizes(first=numbers[0], factors=tuple(float(row["factor"]) for row in rows), least=least)


def sorted_by(
    inclusions: Sequence[Inclusion],
    particles: Particles,
    limits: SizeLimits,
    *,
    direction_deg: float,
    pixel_um: float,
    shape: tuple[int, int],
    region: bool,
) -> Sorted:
    """Sort inclusions by size, each with the number of inclusions that it stands for.

    An inclusion counts where nothing beyond the frame can belong to it: where the upright box around its particles,
    grown by the gaps that the edition bridges, lies in the frame. It stands for the inverse of the chance of that
    (Miles and Lantuéjoul), so that neither numbers nor sizes are biased by the frame.

    Parameters
    ----------
    inclusions : sequence of Inclusion
        Of this edition.
    particles : Particles
        That they are made of.
    limits : SizeLimits
    direction_deg : float
        Rolling direction. [deg]
    pixel_um : float
        [um/px]
    shape : (rows, columns)
        Of the field. [px]
    region : bool
        The field is no rectangle: each inclusion counts, and half where the edge cuts it.
    """
    known = [one for one in inclusions if one.type in limits.types]
    areas = pi / 4 * particles.ecd_um**2

    def size(one: Inclusion) -> float:
        area = float(areas[list(one.members)].sum())
        return limits.types[one.type].of({"area_um2": area, "length_um": one.length_um, "width_um": one.width_um})

    return Sorted(
        kind=np.asarray([TYPES.index(one.type) for one in known], np.int64),
        size=np.asarray([size(one) for one in known], np.float64),
        share=_shares(known, particles, limits, direction_deg, pixel_um, shape, region=region),
    )


def _shares(
    inclusions: Sequence[Inclusion],
    particles: Particles,
    limits: Joining,
    direction_deg: float,
    pixel_um: float,
    shape: tuple[int, int],
    *,
    region: bool,
) -> Floats:
    n = len(inclusions)
    members = np.asarray([member for one in inclusions for member in one.members], np.int64)
    owner = np.repeat(np.arange(n), [len(one.members) for one in inclusions])
    if region:
        return np.where(np.bincount(owner, particles.cut[members], n) > 0, 0.5, 1.0)
    axis = np.radians(direction_deg)
    off = np.radians(particles.angle_deg[members]) - axis
    length, width = particles.length_um[members], particles.width_um[members]
    along = np.hypot(length * np.cos(off), width * np.sin(off)) / 2 + limits.along_um
    across = np.hypot(length * np.sin(off), width * np.cos(off)) / 2 + limits.across_um
    sin, cos = abs(float(np.sin(axis))), abs(float(np.cos(axis)))
    inside, spans = np.ones(n, bool), []
    for at, half, side in (
        (particles.row_px[members], (along * sin + across * cos) / pixel_um, shape[0]),
        (particles.column_px[members], (along * cos + across * sin) / pixel_um, shape[1]),
    ):
        low, high = np.full(n, np.inf), np.full(n, -np.inf)
        np.minimum.at(low, owner, at - half)
        np.maximum.at(high, owner, at + half)
        inside &= (low >= -0.5) & (high <= side - 0.5)
        spans.append(high - low)
    share = np.zeros(n)
    high, wide = (span[inside] for span in spans)
    share[inside] = 1 / iso_13322_1.chance_to_be_whole(high, wide, shape[0], shape[1])
    return share
