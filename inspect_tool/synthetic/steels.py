"""Unetched longitudinal sections of steel with inclusions of every type, each of known length and width."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin, sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.synthetic._drawing import blurred, scratch_depths, to_8bit
from inspect_tool.synthetic._outlines import Outline, darken, drawn, numbered
from inspect_tool.synthetic._random import cloud, cut_moment, cut_normal
from inspect_tool.synthetic.field import Field, Gray, Shape

InclusionType: TypeAlias = Literal["A", "B", "C", "D", "DS"]

CUT = 2.0  # lengths are log-normal, cut at so many standard deviations
_LENGTHS: Mapping[InclusionType, tuple[float, float]] = {"A": (45.0, 0.5), "C": (90.0, 0.4)}  # median [um] and spread
_WIDTHS: Mapping[InclusionType, tuple[float, float]] = {"A": (2.6, 8.0), "C": (3.0, 7.0)}  # [um]
_FRAGMENTS = (4, 12)  # of a stringer B, both included
_FRAGMENT_UM = (4.0, 10.0)  # their mean size in a stringer, each 0.8 to 1.25 of it
_GAPS_UM = (3.0, 18.0)  # between them, beside a circle around each
_GLOBULES_UM: Mapping[InclusionType, tuple[float, float]] = {"D": (4.0, 11.5), "DS": (15.0, 32.0)}
_BESIDE_UM = (6.0, 5.0)  # free along and across the rolling direction between a sulfide and an oxide, at most
_SHOWN_UM = 3.0  # of a particle that the frame cuts: what is smaller is not measured
_DS_UM = 13.0  # least diameter of type DS
_PIT_UM = (0.6, 1.5)  # diameters of pits of polishing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """One inclusion as it was drawn: one particle, or the row of them that a stringer B is."""

    type: InclusionType
    parts: tuple[Outline, ...]  # with places relative to its center until it is placed

    def moved(self, row: float, column: float) -> "Drawn":
        """Put it at a place."""
        parts = tuple(
            Outline(one.row + row, one.column + column, one.ecd, one.harmonics, one.stretch, one.turn)
            for one in self.parts
        )
        return Drawn(type=self.type, parts=parts)

    def points(self) -> NDArray[np.float64]:
        """Outlines of all parts, (n, 2). [px]"""
        return np.concatenate([one.points + np.array([one.row, one.column]) for one in self.parts])

    def along(self, turn: float, shape: Shape) -> tuple[float, float]:
        """First and last place along a direction, of what a frame shows of the outlines. [px]"""
        points = self.points()
        places = points[_in_frame(points, shape)] @ np.array([sin(turn), cos(turn)])
        return float(places.min()), float(places.max())

    def width_px(self) -> float:
        """Width: of the one particle, or the median one of a stringer, each weighted with its length."""
        calipers = [_calipers(one) for one in self.parts]
        order = np.argsort([wide for _, wide in calipers])
        long, wide = np.asarray([calipers[i] for i in order]).T
        return float(wide[np.searchsorted(np.cumsum(long), long.sum() / 2)])


def inclusions(
    *,
    seed: int,
    per_mm2: Mapping[InclusionType, float] | None = None,
    turn_deg: float = 0.0,
    shape_px: Shape = (880, 880),
    pixel_um: float = 0.8,
    gray: tuple[float, float, float] = (0.82, 0.4, 0.13),
    scratches: int = 4,
    pits: int = 60,
    apart_um: tuple[float, float] = (50.0, 20.0),
    outward_px: float = 0.0,
) -> Field:
    """Draw a field with inclusions, no two of them so near that a standard takes them for one.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    per_mm2 : mapping, optional
        Expected number of inclusions of each type per mm2: A sulfides, gray and long; B stringers, rows of 4 to 12
        angular dark fragments; C silicates, dark and long; D dark globules of 4 to 11.5 um; DS such of 15 to 32 um.
        None: 30, 4, 4, 40 and 1.
    turn_deg : float
        Rolling direction: 0 along the rows, counter-clockwise. Every inclusion lies within some 4 degrees of it. [deg]
    gray : tuple of float
        Gray value of matrix, sulfides and oxides, shares of the full range.
    scratches, pits : int
        Polishing marks per megapixel; pits have 0.6 to 1.5 um.
    apart_um : tuple of float
        Free along and across the rolling direction between any two. The less, the more their places are those of
        chance; below 40 and 15 a standard may join two, and lengths and severities of the field are no longer its.
    outward_px : float
        So far outside of the outlines the labels end, as those of a person may; below 0: inside.

    Returns
    -------
    Field
        Semantic labels: 1 on every inclusion; ``objects`` numbers their particles, by their very outlines. Truth of
        process and field: ``inclusion_percent``, ``inclusion_count_per_mm2`` (particles), and ``length_per_area`` of A
        and C, that of B of the field alone. Of the field alone ``length_um.<type>_<thickness>`` and
        ``number.d_<thickness>``, as the frame shows them (of globules, those centered in it), and ``largest_um.ds``;
        thin ends at 4 (A), 9 (B), 5 (C) and 8 um (D).

    Examples
    --------
    >>> field = inclusions(seed=1, shape_px=(200, 240))
    >>> field.classes, field.truth["process.length_per_area.a"] > 1
    ({0: 'matrix', 1: 'inclusion'}, True)
    """
    rng = np.random.default_rng(seed)
    wanted: Mapping[InclusionType, float] = per_mm2 or {"A": 30.0, "B": 4.0, "C": 4.0, "D": 40.0, "DS": 1.0}
    unknown = [name for name in wanted if name not in _MAKE]
    if unknown or any(number < 0 for number in wanted.values()):
        msg = f"synthetic.inclusions: per_mm2 has numbers from 0 on of {', '.join(_MAKE)}, not {dict(wanted)}"
        raise SettingsError(msg)
    turn = radians(-turn_deg)  # rows run downwards
    placed = _placed(rng, shape_px, wanted, turn, pixel_um, apart_um)
    outlines = [part for one in placed for part in one.parts]
    objects = numbered(shape_px, outlines)
    labeled = numbered(shape_px, outlines, outward_px) if outward_px else objects
    picture = _polished(rng, shape_px, gray[0])
    for level, types in ((gray[1], ("A",)), (gray[2], ("B", "C", "D", "DS"))):
        cover, _ = drawn(shape_px, [part for one in placed if one.type in types for part in one.parts])
        inner = level * (1 + 0.08 * cloud(rng, shape_px, 3.0))
        picture = np.asarray(picture * (1 - cover) + inner * cover, np.float32)
    for _ in range(rng.poisson(pits * shape_px[0] * shape_px[1] / 1e6)):
        spot = Outline.disc(
            rng.uniform(0, shape_px[0]), rng.uniform(0, shape_px[1]), rng.uniform(*_PIT_UM) / pixel_um / 2
        )
        darken(picture, spot, rng.uniform(0.3, 0.8))
    if scratches:
        picture = picture - np.float32(0.07) * scratch_depths(rng, shape_px, scratches, 0.9)
    return Field(
        pixels=to_8bit(blurred(picture, 0.6)),
        labels=(labeled > 0).astype(np.int32),
        classes={0: "matrix", 1: "inclusion"},
        kind="semantic",
        pixel_um=pixel_um,
        truth=_process(wanted) | _of_field(placed, objects, turn, pixel_um),
        objects=objects,
    )


# --------------------------------------------------------------------------------------------------- one inclusion


def _ellipse(rng: np.random.Generator, long: float, wide: float, turn: float, rough: float) -> Outline:
    rippled = Outline.star(rng, 0.0, 0.0, sqrt(long * wide), rough=rough, stretch=1.0).harmonics
    return Outline(0.0, 0.0, sqrt(long * wide), rippled, long / wide, turn)


def _spindle(rng: np.random.Generator, long: float, wide: float, turn: float) -> Outline:
    """Draw an ellipse whose flanks ripple and whose tips stay where they are, so that its length is exact."""
    sizes = rng.uniform(0, 0.05, 3) * rng.choice([-1, 1], 3)
    rippled = [(int(order), float(size), pi / 2) for order, size in zip((2, 3, 5), sizes, strict=True)]
    return Outline(0.0, 0.0, sqrt(long * wide), rippled, long / wide, turn + rng.normal(0, 0.025))


def _drawn_out(kind: InclusionType) -> Callable[[np.random.Generator, float], tuple[Outline, ...]]:
    def make(rng: np.random.Generator, turn: float) -> tuple[Outline, ...]:
        median, spread = _LENGTHS[kind]
        long = median * float(np.exp(spread * cut_normal(rng, -CUT, CUT)))
        return (_spindle(rng, long, rng.uniform(*_WIDTHS[kind]), turn),)

    return make


def _globule(kind: InclusionType) -> Callable[[np.random.Generator, float], tuple[Outline, ...]]:
    def make(rng: np.random.Generator, turn: float) -> tuple[Outline, ...]:  # noqa: ARG001 - a globule has no direction
        size = rng.uniform(*_GLOBULES_UM[kind])
        stretch = rng.uniform(1.0, 1.25)
        return (_ellipse(rng, size * sqrt(stretch), size / sqrt(stretch), rng.uniform(0, pi), 0.03),)

    return make


def _stringer(rng: np.random.Generator, turn: float) -> tuple[Outline, ...]:
    """Fragments in a row that wavers a little."""
    size = rng.uniform(*_FRAGMENT_UM)
    own = turn + rng.normal(0, 0.02)
    made, along = [], 0.0
    for number in range(int(rng.integers(_FRAGMENTS[0], _FRAGMENTS[1] + 1))):
        one = size * rng.uniform(0.8, 1.25)
        stretch = rng.uniform(1.0, 1.35)
        outline = _ellipse(rng, one * sqrt(stretch), one / sqrt(stretch), rng.uniform(0, pi), 0.09)
        along += (outline.reach + rng.uniform(*_GAPS_UM)) if number else 0.0
        beside = float(np.clip(rng.normal(0, 1.3), -3.0, 3.0))
        row, column = along * sin(own) + beside * cos(own), along * cos(own) - beside * sin(own)
        made.append(Outline(row, column, outline.ecd, outline.harmonics, outline.stretch, outline.turn))
        along += outline.reach
    middle = np.mean([(one.row, one.column) for one in made], axis=0)
    return tuple(
        Outline(one.row - middle[0], one.column - middle[1], one.ecd, one.harmonics, one.stretch, one.turn)
        for one in made
    )


_MAKE: Mapping[InclusionType, Callable[[np.random.Generator, float], tuple[Outline, ...]]] = {
    "A": _drawn_out("A"),
    "B": _stringer,
    "C": _drawn_out("C"),
    "D": _globule("D"),
    "DS": _globule("DS"),
}


def _calipers(one: Outline) -> tuple[float, float]:
    """Length of an outline, and width of the ellipse of its area and length. [px]"""
    long = one.feret()
    return long, one.ecd**2 / long


# ------------------------------------------------------------------------------------------------------- the field


def _placed(
    rng: np.random.Generator,
    shape: Shape,
    per_mm2: Mapping[InclusionType, float],
    turn: float,
    pixel_um: float,
    apart_um: tuple[float, float],
) -> list[Drawn]:
    """Place a Poisson number of each type in a larger frame, long ones first, each with free room around it.

    All are drawn before the first is placed, and each is tried until it fits on a torus: the expected numbers are
    exact, whatever was refused.
    """
    largest = max(
        _LENGTHS["C"][0] * float(np.exp(CUT * _LENGTHS["C"][1])), _FRAGMENTS[1] * (_FRAGMENT_UM[1] * 1.5 + _GAPS_UM[1])
    )
    margin = largest / 2 / pixel_um + 10
    size = np.array([shape[0] + 2 * margin, shape[1] + 2 * margin])
    area_mm2 = float(size.prod()) * pixel_um**2 * 1e-6
    made: list[Drawn] = []
    for kind, number in per_mm2.items():
        for _ in range(rng.poisson(number * area_mm2)):
            parts = tuple(_scaled(one, 1 / pixel_um) for one in _MAKE[kind](rng, turn))
            made.append(Drawn(type=kind, parts=parts))
    boxes = [_half_box(one, turn) for one in made]
    order = np.argsort([-float(box.prod()) for box in boxes], kind="stable")
    basis = np.array([[sin(turn), cos(turn)], [cos(turn), -sin(turn)]])  # along, across from (row, column)
    beside_um = np.minimum(_BESIDE_UM, apart_um)
    centers: list[NDArray[np.float64]] = []
    reach: list[NDArray[np.float64]] = []
    result: list[Drawn] = []
    for index in order.tolist():
        for _ in range(400):
            trial = rng.uniform(0, size)
            apart = np.asarray(centers).reshape(-1, 2) - trial
            apart = (apart + size / 2) % size - size / 2
            alike = np.array([(one.type == "A") == (made[index].type == "A") for one in result], bool)
            gap = np.where(alike[:, None], np.asarray(apart_um), beside_um) / pixel_um
            free = np.abs(apart @ basis.T) > np.asarray(reach).reshape(-1, 2) + boxes[index] + gap
            if free.any(axis=1).all():
                break
        else:
            msg = f"synthetic.inclusions: {len(made)} inclusions do not fit apart from each other; ask for fewer"
            raise SettingsError(msg)
        centers.append(trial)
        reach.append(boxes[index])
        result.append(made[index].moved(float(trial[0] - margin), float(trial[1] - margin)))
    return result


def _scaled(one: Outline, factor: float) -> Outline:
    return Outline(one.row * factor, one.column * factor, one.ecd * factor, one.harmonics, one.stretch, one.turn)


def _half_box(one: Drawn, turn: float) -> NDArray[np.float64]:
    """Half of its length along and across the rolling direction, about its center. [px]"""
    points = one.points()
    along, across = points @ np.array([sin(turn), cos(turn)]), points @ np.array([cos(turn), -sin(turn)])
    return np.array([np.abs(along).max(), np.abs(across).max()])


def _polished(rng: np.random.Generator, shape: Shape, level: float) -> Gray:
    """A polished surface: fine grain of the camera's view, and wide soft spots."""
    return np.asarray(level * (1 + 0.006 * cloud(rng, shape, 2.0) + 0.008 * cloud(rng, shape, 60.0)), np.float32)


# ------------------------------------------------------------------------------------------------------- the truth

_HEAVY_UM: Mapping[InclusionType, float] = {"A": 4.0, "B": 9.0, "C": 5.0, "D": 8.0}


def _mean_length(kind: InclusionType) -> float:
    median, spread = _LENGTHS[kind]
    return median * cut_moment(spread, 1, -CUT, CUT)


def _mean_square(low: float, high: float) -> float:
    return (high**3 - low**3) / (3 * (high - low))


def _process(per_mm2: Mapping[InclusionType, float]) -> dict[str, float]:
    """Expected area share, number of particles and length per area."""
    fragments = (_FRAGMENTS[0] + _FRAGMENTS[1]) / 2
    area = {kind: pi / 4 * _mean_length(kind) * sum(_WIDTHS[kind]) / 2 for kind in _LENGTHS}
    area |= {kind: pi / 4 * _mean_square(*_GLOBULES_UM[kind]) for kind in _GLOBULES_UM}
    area["B"] = fragments * pi / 4 * _mean_square(*_FRAGMENT_UM) * _mean_square(0.8, 1.25)
    numbers = {kind: number * (fragments if kind == "B" else 1.0) for kind, number in per_mm2.items()}
    return {
        "process.inclusion_percent": sum(number * area[kind] for kind, number in per_mm2.items()) * 1e-4,
        "process.inclusion_count_per_mm2": sum(numbers.values()),
        **{
            f"process.length_per_area.{kind.lower()}": per_mm2.get(kind, 0.0) * _mean_length(kind) * 1e-3
            for kind in _LENGTHS
        },
    }


def _of_field(placed: Sequence[Drawn], objects: LabelImage, turn: float, pixel_um: float) -> dict[str, float]:
    """What the frame shows: of a stringer of which it shows less than three fragments each is a globule."""
    shape = objects.shape
    area_mm2 = objects.size * pixel_um**2 * 1e-6
    area_px2 = np.bincount(objects.ravel())
    lengths = {f"{kind}_{thick}": 0.0 for kind in "abc" for thick in ("thin", "heavy")}
    numbers, largest, particles, last = {"thin": 0, "heavy": 0}, 0.0, 0, 0
    for one in placed:
        last += len(one.parts)
        centered = [part for part in one.parts if 0 <= part.row < shape[0] and 0 <= part.column < shape[1]]
        particles += len(centered)
        shown = Drawn(type=one.type, parts=tuple(part for part in one.parts if _shows(part, shape, pixel_um)))
        if not shown.parts:
            continue
        low, high = shown.along(turn, shape)
        length, width = (high - low) * pixel_um, shown.width_px() * pixel_um
        diameter = 2 * sqrt((area_px2[last] if last < len(area_px2) else 0) / pi) * pixel_um  # of the last of its parts
        if one.type == "DS" and diameter >= _DS_UM:
            largest = max(largest, diameter)
        elif (
            one.type in ("D", "DS")
            or (one.type == "B" and len(shown.parts) < 3)
            or (one.type == "C" and length < 3 * width)
        ):
            for part in centered:
                numbers["heavy" if _calipers(part)[1] * pixel_um > _HEAVY_UM["D"] else "thin"] += 1
        else:
            lengths[f"{one.type.lower()}_{'heavy' if width > _HEAVY_UM[one.type] else 'thin'}"] += length
    totals = {kind: lengths[f"{kind}_thin"] + lengths[f"{kind}_heavy"] for kind in "abc"}
    return {
        "field.inclusion_percent": 100 * float((objects > 0).mean()),
        "field.inclusion_count_per_mm2": particles / area_mm2,
        "field.largest_um.ds": largest,
        **{f"field.length_um.{name}": length for name, length in lengths.items()},
        **{f"field.number.d_{name}": float(number) for name, number in numbers.items()},
        **{f"field.length_per_area.{kind}": total * 1e-3 / area_mm2 for kind, total in totals.items()},
    }


def _shows(part: Outline, shape: Shape, pixel_um: float) -> bool:
    """Whether a frame shows as much of a particle as is measured at all."""
    points = part.points + np.array([part.row, part.column])
    inside = points[_in_frame(points, shape)]
    return len(inside) > 1 and float(np.hypot(*np.ptp(inside, axis=0))) * pixel_um >= _SHOWN_UM


def _in_frame(points: NDArray[np.float64], shape: Shape) -> NDArray[np.bool_]:
    return np.asarray(((points >= -0.5) & (points < np.asarray(shape) - 0.5)).all(axis=1))
