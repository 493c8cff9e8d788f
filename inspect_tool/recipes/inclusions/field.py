"""One field: particles, the inclusions that they make by every edition, and the worst fields of every series."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, Words
from inspect_tool.measure.fraction import line_counts
from inspect_tool.measure.gray import read_off
from inspect_tool.measure.regions import connected, frame_contacts, region_table
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.measure.worst_field import WorstField
from inspect_tool.model import (
    Editions,
    FieldMeasurement,
    LabelImage,
    Mark,
    Mask,
    Micrograph,
    PointClass,
    Segmentation,
)
from inspect_tool.recipes import _colors, _empty_fields
from inspect_tool.recipes._common import largest_features, numbers_of_classes, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.inclusions.darkness import (
    Gray,
    GrayLimit,
    found_limit,
    outline_ratios,
    read_gray,
    stated_limit,
)
from inspect_tool.recipes.inclusions.limits import TYPES, Limits, limits_of
from inspect_tool.recipes.inclusions.rating import grid_severities, is_ds, series_of, worst_fields
from inspect_tool.recipes.inclusions.settings import PERCENT, Settings
from inspect_tool.recipes.inclusions.stringers import Inclusion, Particles, inclusions_of
from inspect_tool.recipes.inclusions.values import Measured, Numbers, Values, Variant
from inspect_tool.segmentation.threshold.tints import OVER_MATRIX

ASPECT_STEP = 0.1  # of a limit of length over width, relative
JOIN_STEP = 0.1  # of the gaps that are bridged, relative
_WIDE_PX = 3.5  # width of particles whose gray is told
_ELONGATED = 3.0  # length over width of particles that tell the rolling direction
_LEAST = 4  # of them in a field
_ROUND = 2.0  # length over width below which a particle that the frame cuts was as wide as it is long
_ALIKE = 0.7  # mean resultant length of their directions
_MARKED = 60  # inclusions of one type, as many as a reader can tell apart

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Particles of one segmentation."""

    table: pd.DataFrame  # all of them; "counts" says which are inclusions
    mask: Mask  # pixels of those that count
    gray: Gray | None  # of all particles; None: sulfides are classes of their own
    limit: GrayLimit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What all segmentations of a field have in common."""

    shape: tuple[int, int]
    area_px2: float
    pixel_um: float | None
    direction_deg: float
    editions: tuple[Limits, ...]  # that of the job first
    minimum_um: float  # least size that counts
    minimum_px2: float


def measure_field(
    micrograph: Micrograph, segmentation: Segmentation, settings: Settings, editions: Editions
) -> Measured:
    """Measure the inclusions of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its gray values tell sulfides from oxides.
    segmentation : Segmentation
        Classes, whose connected pieces are taken for particles, or one label per particle. Its alternatives are taken
        one at a time.
    settings : Settings
        See there.
    editions : Editions
        All of them rate the same particles.

    Returns
    -------
    FieldMeasurement
        One row per particle in ``features``.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or an empty region.
    """
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    if roi is not None and not roi.any():
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
    found = _found(segmentation, micrograph, settings, "gray")
    direction, is_found = _direction(found.table, settings)
    scene = _Scene(
        shape=shape,
        area_px2=float(found.mask.size if roi is None else np.count_nonzero(roi)),
        pixel_um=pixel_um,
        direction_deg=direction,
        editions=tuple(map(limits_of, (editions.job, *editions.others))),
        minimum_um=settings.minimum_um,
        minimum_px2=settings.minimum_px2,
    )
    read = _kept("gray", found)
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        this = _found(other, micrograph, settings, f"gray, {name}", found.limit)
        shifted[name] = _numbers(this, scene, _particles(this, scene))
        read |= _kept(f"gray, {name}", this)
    inside = share_scatter(found.mask, roi)
    rated = _rated(_particles(found, scene), scene)
    job = scene.editions[0]
    mine = rated[job.name]
    spread = _colors.spread_of(micrograph, segmentation.backend, segmentation.labels)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=shape,
        values=Values(
            numbers=_numbers(found, scene, _particles(found, scene)),
            variants=_variants(found, scene),
            below_minimum=int((~found.table["counts"]).sum()),
            too_thin=sum(not series_of(one, job) for one in mine),
            oversize=sum(is_oversize(one, job) for one in mine),
            joined=sum(len(one.members) > 1 for one in mine),
            sulfide_darkness=None if found.limit is None else found.limit.darkness,
            sulfides_told=int(found.limit is None or found.limit.found),
            direction_deg=direction,
            direction_found=int(is_found),
            aligned_percent=_aligned(found.table, direction, job.direction_deg),
            area_px2=scene.area_px2,
            area_mm2=None if pixel_um is None else scene.area_px2 * pixel_um**2 * 1e-6,
            color=_colors.color_of(spread, segmentation),
            half_pixel_percent=100 * 0.5 * line_counts(found.mask, roi).boundary_density,
            inner_scatter_percent=100 * inside.u,
            inner_scatter_dof=inside.dof,
        ),
        features=_features(found, mine, job),
        alternatives=shifted,
        marks=_marks(mine, rated, scene),
        worst=largest_features(found.table[found.table["counts"]], pixel_um, _caption, shape),
        curves=_curves(found, mine, rated, scene),
        read_off={
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(found.mask.any())),
            **facts_of_level(segmentation, micrograph),
            **read,
            _colors.SPREAD: spread,
        },
    )


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
    """Give every pixel the class that a person would name there; the classes, each with the result that it is."""
    named = (PointClass(name="matrix"), PointClass(name="inclusion", quantity=PERCENT))
    return _mask(segmentation, settings).astype(np.uint8), named


def is_oversize(one: Inclusion, limits: Limits) -> bool:
    """Whether it is wider than the widest series, or longer than a field, so that it is stated apart."""
    return one.thickness == "oversize" or (one.type != "D" and one.length_um > limits.side_um)


# ------------------------------------------------------------------------------------------------------- particles


def _mask(segmentation: Segmentation, settings: Settings) -> Mask:
    if segmentation.kind == "instance":
        return np.asarray(segmentation.labels > 0)
    names = (*settings.classes, *(name for name in settings.sulfides if name not in settings.classes))
    if not settings.classes:
        return np.asarray(segmentation.labels > 0 if settings.sulfides else segmentation.labels == 1)
    return np.isin(segmentation.labels, numbers_of_classes(segmentation, names, "inclusions"))


def _found(
    segmentation: Segmentation, micrograph: Micrograph, settings: Settings, key: str, otherwise: GrayLimit | None = None
) -> Found:
    """Number and measure the particles; which count, and which are sulfides."""
    mask, pixel_um = _mask(segmentation, settings), micrograph.calibration.pixel_um
    labels: LabelImage = _numbered(segmentation.labels) if segmentation.kind == "instance" else connected(mask)
    table = region_table(labels, pixel_um, roi=micrograph.roi)
    unit, least = ("px", 0.0) if pixel_um is None else ("um", settings.minimum_um)
    gray = limit = None
    if settings.sulfides and segmentation.kind == "semantic":
        wanted = np.isin(segmentation.labels, numbers_of_classes(segmentation, settings.sulfides, "inclusions"))
        inside = np.bincount(labels[wanted], minlength=len(table) + 1)[1:]
        table["sulfide"] = inside > table["area_px2"] / 2
        table["unsure"] = False
    else:
        drawn = segmentation.backend == "labels"
        gray = _gray(micrograph, labels, key, table, drawn=drawn)
        table["darkness"] = gray.darkness
        limit = _gray_limit(gray, table, settings, pixel_um)
        if not limit.found and otherwise is not None:
            limit = otherwise
        table["sulfide"] = gray.darkness < limit.darkness
        near = np.abs(gray.darkness - limit.darkness) < np.maximum(limit.step, gray.own_u)
        table["unsure"] = (gray.core < 0) & (near | table["touches_edge"])
        # grains of many tints are no even gray that anything is missing from
        if not drawn and segmentation.told.method_taken != OVER_MATRIX:
            _by_gray(table, gray, unit)
    # of a particle that the frame cuts nobody sees how large it is: the next frame leaves it to this one
    large = (table[f"feret_max_{unit}"] >= least) | table["touches_edge"]
    counts = large & (table["area_px2"] >= settings.minimum_px2)
    table["counts"] = counts
    # the smallest caliper of a thin particle on the grid is up to a pixel too large, the area is without bias
    long = table[f"feret_max_{unit}"].to_numpy(np.float64)
    width = np.minimum(table[f"ecd_{unit}"] ** 2 / long, table[f"feret_min_{unit}"]).to_numpy(np.float64)
    table[f"width_{unit}"] = width
    table[f"whole_width_{unit}"] = _whole(width, long, frame_contacts(labels, micrograph.roi) * (pixel_um or 1.0))
    # a frame that tiles the plane counts what is cut once; around a region each half stands for a whole one
    if micrograph.roi is None:
        first = np.unique(np.concatenate([labels[0], labels[:, 0]]))
        table["count_weight"] = np.where(np.isin(table["feature"], first), 0.0, 1.0)
    else:
        table["count_weight"] = np.where(table["touches_edge"], 0.5, 1.0)
    counting = np.concatenate([[False], counts.to_numpy(bool)])
    kept = counting[labels]
    return Found(
        table=table,
        mask=np.asarray(kept if micrograph.roi is None else kept & micrograph.roi),
        gray=gray,
        limit=limit,
    )


def _kept(key: str, found: Found) -> dict[str, tuple[float, ...]]:
    """What was read off the gray values, for ``FieldMeasurement.read_off``."""
    if found.gray is None:
        return {}
    return {key: _listed(found.gray)}


def _listed(gray: Gray) -> tuple[float, ...]:
    return (*gray.missing.tolist(), *gray.core.tolist(), *gray.own.tolist(), *gray.own_u.tolist())


def _gray(micrograph: Micrograph, labels: LabelImage, key: str, table: pd.DataFrame, *, drawn: bool) -> Gray:
    """Gray of the particles, or what was kept of it where the image is gone."""
    pixel_um = micrograph.calibration.pixel_um
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)

    def read() -> tuple[float, ...]:
        names = ("feret_max", "feret_min", "perimeter")
        long, wide, outline = (table[f"{name}_{unit}"].to_numpy(np.float64) / size for name in names)
        wide = np.minimum(4 / np.pi * table["area_px2"].to_numpy(np.float64) / long, wide)
        return _listed(read_gray(micrograph.pixels, labels, long, wide, outline, micrograph.roi, drawn=drawn))

    missing, core, own, own_u = np.asarray(read_off(micrograph, key, read), np.float64).reshape(4, -1)
    return Gray(missing=missing, core=core, own=own, own_u=own_u)


def _by_gray(table: pd.DataFrame, gray: Gray, unit: str) -> None:
    """Take the area of each particle from its gray, and its calipers with the outline that this area asks for."""
    area = table["area_px2"].to_numpy(np.float64)
    ratio = outline_ratios(gray, table["sulfide"].to_numpy(bool), area)
    square = area * (table[f"ecd_{unit}"].to_numpy() / np.sqrt(4 * area / np.pi)) ** 2  # in the unit of the lengths
    off = (ratio - 1) * square / table[f"perimeter_{unit}"].to_numpy()  # by so much the outline lies farther out
    table["outline_ratio"] = ratio
    table[f"ecd_{unit}"] *= np.sqrt(ratio)
    for name in (f"feret_max_{unit}", f"feret_min_{unit}"):
        table[name] = np.maximum(table[name] + 2 * off, table[name] / 2)


def _gray_limit(gray: Gray, table: pd.DataFrame, settings: Settings, pixel_um: float | None) -> GrayLimit:
    if settings.sulfide_darkness != "auto":
        return stated_limit(float(settings.sulfide_darkness))
    area = table["area_px2"].to_numpy(np.float64)
    middle = gray.core > 0
    found = found_limit(gray.darkness[middle], area[middle])
    if found.found:
        return found
    wide = table["feret_min_um" if pixel_um is not None else "feret_min_px"].to_numpy() / (pixel_um or 1.0)
    telling = wide >= _WIDE_PX
    return found_limit(gray.darkness[telling], area[telling])


def _whole(width: Floats, length: Floats, contact: Floats) -> Floats:
    """Width that a particle may have beyond the frame: twice what is seen at most, and of a round one its length.

    A long one that the frame cuts across behind its widest place shows its width. ``contact`` is the length along the
    frame, 0 of those that it does not cut; all in one unit.
    """
    most = np.where(length >= _ROUND * width, 2 * width, np.clip(length, width, 2 * width))
    hidden = (contact > 0) & ((length < _ROUND * width) | (contact >= width))
    return np.where(hidden, most, width)


def _numbered(labels: LabelImage) -> LabelImage:
    """Give the objects the numbers 1 to n."""
    _, places = np.unique(labels, return_inverse=True)
    numbers = places.reshape(labels.shape).astype(np.int32)
    return numbers if (labels == 0).any() else numbers + 1


def _particles(found: Found, scene: _Scene) -> Particles:
    unit = "px" if scene.pixel_um is None else "um"
    counted = found.table[found.table["counts"]]
    column = {name: counted[name].to_numpy(np.float64) for name in ("row_px", "column_px", "feret_angle_deg")}
    return Particles(
        row_px=column["row_px"],
        column_px=column["column_px"],
        length_um=counted[f"feret_max_{unit}"].to_numpy(np.float64),
        width_um=counted[f"width_{unit}"].to_numpy(np.float64),
        ecd_um=counted[f"ecd_{unit}"].to_numpy(np.float64),
        angle_deg=column["feret_angle_deg"],
        sulfide=counted["sulfide"].to_numpy(bool),
        unsure=counted["unsure"].to_numpy(bool),
        weight=counted["count_weight"].to_numpy(np.float64),
        cut=counted["touches_edge"].to_numpy(bool),
        whole_um=counted[f"whole_width_{unit}"].to_numpy(np.float64),
    )


def _direction(table: pd.DataFrame, settings: Settings) -> tuple[float, bool]:
    """Rolling direction, and whether the field tells it. [deg]"""
    if settings.rolling_direction_deg != "auto":
        return float(settings.rolling_direction_deg), False
    long = table[table["counts"] & (table["aspect_ratio"] <= 1 / _ELONGATED)]
    if len(long) < _LEAST:
        return 0.0, False
    turns = np.radians(2 * long["orientation_deg"].to_numpy())
    weight = long["area_px2"].to_numpy() ** 0.5
    mean = np.average(np.exp(1j * turns), weights=weight)
    if abs(mean) < _ALIKE:
        return 0.0, False
    return float((np.degrees(np.angle(mean)) / 2 + 90) % 180 - 90), True


def _aligned(table: pd.DataFrame, direction: float, tolerance: float) -> float | None:
    long = table[table["counts"] & (table["aspect_ratio"] <= 1 / _ELONGATED)]
    if not len(long):
        return None
    apart = np.abs((long["orientation_deg"].to_numpy() - direction + 90) % 180 - 90)
    length = long["ellipse_major_um" if "ellipse_major_um" in long else "ellipse_major_px"].to_numpy()
    return 100 * float(length[apart <= tolerance].sum() / length.sum())


# --------------------------------------------------------------------------------------------------------- numbers


def _rated(particles: Particles, scene: _Scene) -> dict[str, list[Inclusion]]:
    """Inclusions by edition; none without a scale."""
    if scene.pixel_um is None:
        return {limits.name: [] for limits in scene.editions}
    return {
        limits.name: inclusions_of(particles, limits, scene.direction_deg, scene.pixel_um) for limits in scene.editions
    }


def _numbers(found: Found, scene: _Scene, particles: Particles) -> Numbers:
    rated = _rated(particles, scene)
    mine = rated[scene.editions[0].name]
    return Numbers(
        inclusion_percent=100 * _area_px2(found.table) / scene.area_px2,
        particles=len(particles.row_px),
        count=float(found.table["count_weight"].to_numpy()[found.table["counts"].to_numpy(bool)].sum()),
        length_um={
            kind.lower(): sum(one.length_um for one in mine if one.type == kind) for kind in TYPES if kind != "D"
        },
        longest_um=max((one.length_um for one in mine), default=0.0),
        worst={
            f"{limits.name}.{series}": where.total
            for limits in scene.editions
            if scene.pixel_um is not None
            for series, where in worst_fields(rated[limits.name], limits, scene.shape, scene.pixel_um).items()
        },
    )


def _area_px2(table: pd.DataFrame) -> float:
    """Area of all particles that count, by their gray where it was taken from it."""
    ratio = table.get("outline_ratio", 1.0)
    return float((table["area_px2"] * ratio)[table["counts"]].sum())


def _variants(found: Found, scene: _Scene) -> dict[Variant, Numbers]:
    """Measure the same particles in other ways that are as plausible."""
    if scene.pixel_um is None:
        return {}
    particles = _particles(found, scene)
    made: dict[Variant, Numbers] = {}
    for name, outline_um in (("wider", scene.pixel_um / 2), ("narrower", -scene.pixel_um / 2)):
        moved_table = _moved(found.table, outline_um, scene)
        other_outlines = replace(found, table=moved_table)
        made[_variant(name)] = _numbers(other_outlines, scene, _particles(other_outlines, scene))
    without = replace(found, table=found.table.assign(counts=found.table["counts"] & ~_specks(found)))
    made["without specks"] = _numbers(without, scene, _particles(without, scene))
    dark = None if found.gray is None else found.gray.darkness[found.table["counts"].to_numpy(bool)]
    for way, sign in (("lower", -1), ("higher", 1)):
        if dark is not None and found.limit is not None:
            other = replace(particles, sulfide=dark < found.limit.darkness + sign * found.limit.step)
            made[_variant(f"gray {way}")] = _numbers(found, scene, other)
        moved = [
            replace(
                limits,
                elongated=limits.elongated * (1 + sign * ASPECT_STEP),
                globular=limits.globular * (1 + sign * ASPECT_STEP),
            )
            for limits in scene.editions
        ]
        made[_variant(f"aspect {way}")] = _numbers(found, replace(scene, editions=tuple(moved)), particles)
    for way, factor in (("less", 1 - JOIN_STEP), ("more", 1 + JOIN_STEP)):
        bridged = [
            replace(limits, along_um=limits.along_um * factor, across_um=limits.across_um * factor)
            for limits in scene.editions
        ]
        made[_variant(f"joined {way}")] = _numbers(found, replace(scene, editions=tuple(bridged)), particles)
    made["cut less"] = _numbers(found, scene, replace(particles, weight=np.where(particles.cut, 0.0, 1.0)))
    made["cut more"] = _numbers(found, scene, replace(particles, weight=np.ones(len(particles.weight))))
    made["cut wider"] = _numbers(found, scene, replace(particles, width_um=particles.whole_um))
    return made


def _moved(table: pd.DataFrame, outline_um: float, scene: _Scene) -> pd.DataFrame:
    """Move every outline outward by a length; which particles count then."""
    sizes = {name: np.maximum(table[name] + 2 * outline_um, 1e-3) for name in ("feret_max_um", "width_um", "ecd_um")}
    sizes["whole_width_um"] = table["whole_width_um"] + sizes["width_um"] - table["width_um"]
    large = (sizes["feret_max_um"] >= scene.minimum_um) | table["touches_edge"]
    return table.assign(**sizes, counts=large & (table["area_px2"] >= scene.minimum_px2))


def _specks(found: Found) -> NDArray[np.bool_]:
    """Small round particles that blur reaches through and that no gray shows as oxides: they may as well be pits."""
    table, gray = found.table, found.gray
    if gray is None:
        return np.zeros(len(table), bool)
    is_round = table["feret_max_um"] < _ROUND * table["width_um"]
    may_be = table["sulfide"] | table["unsure"]
    return np.asarray((gray.core < 0) & may_be & is_round & ~table["touches_edge"])


def _variant(name: str) -> Variant:
    return next(one for one in _VARIANTS if one == name)


_VARIANTS: tuple[Variant, ...] = (
    *("wider", "narrower", "without specks", "gray lower", "gray higher"),
    *("aspect lower", "aspect higher", "joined less", "joined more"),
    *("cut less", "cut more", "cut wider"),
)


# ------------------------------------------------------------------------------------------------- tables, pictures


def _features(found: Found, mine: Sequence[Inclusion], job: Limits) -> pd.DataFrame:
    """Particles, each with the inclusion of the job's edition that it belongs to."""
    table = found.table.copy()
    places = np.flatnonzero(table["counts"].to_numpy(bool))
    inclusion, kind, series = np.zeros(len(table), np.int64), np.full(len(table), ""), np.full(len(table), "")
    kind, series = kind.astype(object), series.astype(object)
    for number, one in enumerate(mine, 1):
        at = places[list(one.members)]
        inclusion[at], kind[at], series[at] = number, "DS" if is_ds(one, job) else one.type, one.thickness
    table["inclusion"], table["type"], table["thickness"] = inclusion, kind, series
    return table


def _curves(
    found: Found, mine: Sequence[Inclusion], rated: Mapping[str, Sequence[Inclusion]], scene: _Scene
) -> dict[str, tuple[float, ...]]:
    counted = found.table["counts"].to_numpy(bool)
    made = {
        "inclusion_type": tuple(float(TYPES.index(one.type)) for one in mine),
        "inclusion_length_um": tuple(one.length_um for one in mine),
        "inclusion_width_um": tuple(one.width_um for one in mine),
        "inclusion_particles": tuple(one.weight for one in mine),
        "inclusion_members": tuple(float(len(one.members)) for one in mine),
    }
    if found.gray is not None:
        made["particle_darkness"] = tuple(found.gray.darkness[counted].tolist())
        made["particle_area_px2"] = tuple(found.table["area_px2"].to_numpy(float)[counted].tolist())
    if scene.pixel_um is not None:
        for limits in scene.editions:
            grid = grid_severities(rated[limits.name], limits, scene.shape, scene.pixel_um)
            made |= {f"grid.{limits.name}.{series}": values for series, values in grid.items()}
    return made


def _marks(mine: Sequence[Inclusion], rated: Mapping[str, Sequence[Inclusion]], scene: _Scene) -> tuple[Mark, ...]:
    """The axes of the longest inclusions of each type, and the worst field of each series of the job's edition."""
    made = []
    for kind in TYPES:
        longest = sorted((one for one in mine if one.type == kind), key=lambda one: -one.length_um)[:_MARKED]
        layer = Text(f"inclusions.layer_{kind.lower()}")
        if kind == "D" and longest:
            points = tuple(((a + c) / 2, (b + d) / 2) for (a, b), (c, d) in ((o.start_px, o.end_px) for o in longest))
            made.append(Mark(kind="points", points=points, style="half hit", layer=layer))
        made += [
            Mark(kind="path", points=(one.start_px, one.end_px), style="hit", layer=layer)
            for one in longest
            if kind != "D"
        ]
    if scene.pixel_um is not None:
        job = scene.editions[0]
        for series, where in worst_fields(rated[job.name], job, scene.shape, scene.pixel_um).items():
            if where.total > 0:
                made.append(_square(where, series))
    return tuple(made)


def _square(where: WorstField, series: str) -> Mark:
    top, left = where.top_px - 0.5, where.left_px - 0.5
    bottom, right = top + where.height_px, left + where.width_px
    corners = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
    layer = Text("inclusions.layer_worst", series=Text(f"inclusions.series_{series}"))
    return Mark(kind="path", points=corners, style="figure", layer=layer)


def _caption(row: Mapping[Hashable, Any]) -> Words:
    aspect = float(row["aspect_ratio"])
    kind = Text("inclusions.sulfide" if row["sulfide"] else "inclusions.oxide")
    return Text("inclusions.caption", kind=kind, aspect=1 / aspect if aspect > 0 else inf)
