"""One field: particles, the inclusions that they make by every edition, and the worst fields of every series."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, Words
from inspect_tool.measure.fraction import line_counts
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.measure.worst_field import WorstField
from inspect_tool.model import (
    Editions,
    FieldMeasurement,
    Mark,
    Micrograph,
    PointClass,
    Segmentation,
)
from inspect_tool.recipes import _colors, _empty_fields
from inspect_tool.recipes._common import largest_features, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.inclusions.limits import TYPES, Joining, Limits, limits_of, of_severities, of_sizes
from inspect_tool.recipes.inclusions.particles import (
    Found,
    aligned,
    counting,
    direction_of,
    found_in,
    kept,
    mask_of,
    specks,
)
from inspect_tool.recipes.inclusions.rating import grid_severities, is_ds, series_of, worst_fields
from inspect_tool.recipes.inclusions.settings import PERCENT, Settings
from inspect_tool.recipes.inclusions.sizes import GROUPS, SizeLimits, Sorted, size_limits_of, sorted_by
from inspect_tool.recipes.inclusions.stringers import Fragments, Inclusion, Particles, inclusions_of
from inspect_tool.recipes.inclusions.values import Measured, Numbers, Values, Variant

ASPECT_STEP = 0.1  # of a limit of length over width, relative
JOIN_STEP = 0.1  # of the gaps that are bridged, relative
_OUTLINE_PX = 0.25  # that an outline may lie off: widths of drawn particles scatter by 0.15 px
_BY_GRAY_PX = 0.33  # and of those whose size is by gray by 0.35 px
_MARKED = 60  # inclusions of one type, as many as a reader can tell apart

Floats = NDArray[np.float64]
_L = TypeVar("_L", bound=Joining)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """What all segmentations of a field have in common."""

    shape: tuple[int, int]
    area_px2: float
    pixel_um: float | None
    direction_deg: float
    editions: tuple[Limits, ...]  # that of the job first
    sizes: tuple[SizeLimits, ...]  # of editions that sort by sizes
    region: bool  # the field is no rectangle
    minimum_um: float  # least size that counts
    minimum_px2: float
    fragments: Fragments = "as seen"


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
    found = found_in(segmentation, micrograph, settings, "gray")
    direction, is_found = direction_of(found.table, settings)
    scene = _Scene(
        shape=shape,
        area_px2=float(found.mask.size if roi is None else np.count_nonzero(roi)),
        pixel_um=pixel_um,
        direction_deg=direction,
        editions=(limits_of(editions.job), *map(limits_of, of_severities(editions)[1:])),
        sizes=tuple(map(size_limits_of, of_sizes(editions))),
        region=roi is not None,
        minimum_um=settings.minimum_um,
        minimum_px2=settings.minimum_px2,
    )
    read = kept("gray", found)
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        this = found_in(other, micrograph, settings, f"gray, {name}", found.limit)
        shifted[name] = _numbers(this, scene, _particles(this, scene))
        read |= kept(f"gray, {name}", this)
    inside = share_scatter(found.mask, roi)
    particles = _particles(found, scene)
    rated, by_size = _rated(particles, scene), _sorted(particles, scene)
    job = scene.editions[0]
    mine = rated[job.name]
    spread = _colors.spread_of(micrograph, segmentation.backend, segmentation.labels)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=shape,
        values=Values(
            numbers=_summed(found, scene, particles, rated, by_size),
            variants=_variants(found, scene),
            below_minimum=int((~found.table["counts"]).sum()),
            too_thin=sum(not series_of(one, job) for one in mine),
            oversize=sum(is_oversize(one, job) for one in mine),
            joined=sum(len(one.members) > 1 for one in mine),
            sulfide_darkness=None if found.limit is None else found.limit.darkness,
            sulfides_told=int(found.limit is None or found.limit.found),
            direction_deg=direction,
            direction_found=int(is_found),
            aligned_percent=aligned(found.table, direction, job.direction_deg),
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
        curves=_curves(found, mine, rated, by_size, scene),
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
    return mask_of(segmentation, settings).astype(np.uint8), named


def is_oversize(one: Inclusion, limits: Limits) -> bool:
    """Whether it is wider than the widest series, or longer than a field, so that it is stated apart."""
    wide = limits.lines[one.type].thickness(one.width_um) == "oversize"
    return wide or (one.type != "D" and one.length_um > limits.side_um)


# ------------------------------------------------------------------------------------------------------- particles


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


# --------------------------------------------------------------------------------------------------------- numbers


def _rated(particles: Particles, scene: _Scene) -> dict[str, list[Inclusion]]:
    """Inclusions by edition; none without a scale."""
    if scene.pixel_um is None:
        return {limits.name: [] for limits in scene.editions}
    return {
        limits.name: inclusions_of(particles, limits, scene.direction_deg, scene.pixel_um, scene.fragments)
        for limits in scene.editions
    }


def _sorted(particles: Particles, scene: _Scene) -> dict[str, Sorted]:
    """Inclusions by editions that sort them by sizes; none without a scale."""
    pixel_um = scene.pixel_um
    if pixel_um is None:
        return {}
    return {
        limits.name: sorted_by(
            inclusions_of(particles, limits, scene.direction_deg, pixel_um, scene.fragments),
            particles,
            limits,
            direction_deg=scene.direction_deg,
            pixel_um=pixel_um,
            shape=scene.shape,
            region=scene.region,
        )
        for limits in scene.sizes
    }


def _numbers(found: Found, scene: _Scene, particles: Particles) -> Numbers:
    return _summed(found, scene, particles, _rated(particles, scene), _sorted(particles, scene))


def _summed(
    found: Found,
    scene: _Scene,
    particles: Particles,
    rated: Mapping[str, Sequence[Inclusion]],
    by_size: Mapping[str, Sorted],
) -> Numbers:
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
        index_sums={
            f"{limits.name}.{group}": by_size[limits.name].index_sum(limits, group)
            for limits in scene.sizes
            if by_size
            for group in GROUPS
        },
        largest_sizes={
            f"{name}.{kind.lower()}": size for name, one in by_size.items() for kind, size in one.largest().items()
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
    off_um = (_BY_GRAY_PX if "outline_ratio" in found.table else _OUTLINE_PX) * scene.pixel_um
    for name, outline_um in (("wider", off_um), ("narrower", -off_um)):
        moved_table = _moved(found.table, outline_um, scene)
        other_outlines = replace(found, table=moved_table)
        made[_variant(name)] = _numbers(other_outlines, scene, _particles(other_outlines, scene))
    without = replace(found, table=found.table.assign(counts=found.table["counts"] & ~specks(found, scene.minimum_um)))
    made["without specks"] = _numbers(without, scene, _particles(without, scene))
    dark = None if found.gray is None else found.gray.darkness[found.table["counts"].to_numpy(bool)]
    for way, sign in (("lower", -1), ("higher", 1)):
        if dark is not None and found.limit is not None:
            other = replace(particles, sulfide=dark < found.limit.darkness + sign * found.limit.step)
            made[_variant(f"gray {way}")] = _numbers(found, scene, other)
        factor = 1 + sign * ASPECT_STEP
        made[_variant(f"aspect {way}")] = _numbers(found, _changed(scene, elongated=factor, globular=factor), particles)
    for way, factor in (("less", 1 - JOIN_STEP), ("more", 1 + JOIN_STEP)):
        made[_variant(f"joined {way}")] = _numbers(found, _changed(scene, along_um=factor, across_um=factor), particles)
    made["cut less"] = _numbers(found, scene, replace(particles, weight=np.where(particles.cut, 0.0, 1.0)))
    made["cut more"] = _numbers(found, scene, replace(particles, weight=np.ones(len(particles.weight))))
    whole = replace(particles, width_um=particles.whole_um)
    made["cut wider"] = _numbers(found, replace(scene, fragments="as wide"), whole)
    made["cut longer"] = _numbers(found, replace(scene, fragments="as long"), particles)
    return made


def _changed(scene: _Scene, **factors: float) -> _Scene:
    """Let every edition join and tell types by other numbers: the named ones times a factor."""

    def changed(limits: _L) -> _L:
        return replace(limits, **{name: getattr(limits, name) * factor for name, factor in factors.items()})

    return replace(scene, editions=tuple(map(changed, scene.editions)), sizes=tuple(map(changed, scene.sizes)))


def _moved(table: pd.DataFrame, outline_um: float, scene: _Scene) -> pd.DataFrame:
    """Move every outline outward by a length; which particles count then.

    On the grid a spindle loses of both tips what is thinner than some pixel, L / 4W² of them by its length and width:
    where outlines lie farther out it is so much longer, too.
    """
    sizes = {name: np.maximum(table[name] + 2 * outline_um, 1e-3) for name in ("feret_max_um", "width_um", "ecd_um")}
    if outline_um > 0 and scene.pixel_um is not None:
        width_px = np.maximum(table["width_um"] / scene.pixel_um, 1.0)
        sizes["feret_max_um"] += table["feret_max_um"] / (2 * width_px) ** 2
    sizes["whole_width_um"] = table["whole_width_um"] + sizes["width_um"] - table["width_um"]
    return table.assign(**sizes, counts=counting(table, sizes["feret_max_um"], scene.minimum_um, scene.minimum_px2))


def _variant(name: str) -> Variant:
    return next(one for one in _VARIANTS if one == name)


_VARIANTS: tuple[Variant, ...] = (
    *("wider", "narrower", "without specks", "gray lower", "gray higher"),
    *("aspect lower", "aspect higher", "joined less", "joined more"),
    *("cut less", "cut more", "cut wider", "cut longer"),
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
        inclusion[at], kind[at] = number, "DS" if is_ds(one, job) else one.type
        series[at] = job.lines[one.type].thickness(one.width_um)
    table["inclusion"], table["type"], table["thickness"] = inclusion, kind, series
    return table


def _curves(
    found: Found,
    mine: Sequence[Inclusion],
    rated: Mapping[str, Sequence[Inclusion]],
    by_size: Mapping[str, Sorted],
    scene: _Scene,
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
    for name, one in by_size.items():
        made[f"sizes.{name}.type"] = tuple(map(float, one.kind.tolist()))
        made[f"sizes.{name}.size"] = tuple(one.size.tolist())
        made[f"sizes.{name}.share"] = tuple(one.share.tolist())
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
