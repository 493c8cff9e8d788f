"""One field: the profile of ferrite below the surface, and the depths at which the structure is that of the core."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.normal_profile import Profile, Surface, normal_profiles, surface_of
from inspect_tool.model import Editions, FieldMeasurement, Mark, Mask, Micrograph, Notable, Segmentation
from inspect_tool.recipes._common import length_in, numbers_of_classes, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.decarburisation.settings import Settings
from inspect_tool.recipes.decarburisation.values import Doubt, Measured, Numbers, Values
from inspect_tool.standards.formulas import iso_3887
from inspect_tool.statistics.rise import Risen, risen
from inspect_tool.statistics.series import SeriesScatter, series_scatter

_LEAST_PLACE_PX = 20.0  # length of surface of a place
_BEHIND = 0.12  # of the reach of the profile: so much core must be seen behind the total depth
_BEYOND = 0.5  # probability that it is not, from which a field is refused
_RIM = 0.06  # of the total depth: how thick a rim at the surface is looked at, and at least
_RIM_PX = 4.0
_LEAST_CORE = 5  # steps of depth that the share of the core is read from
_OF_NOISE = 6.0  # waves that the noise of a profile counts as, beside those that are read along the surface
_SHOWN = 3  # deepest places that are shown

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """Profile of one segmentation and what it tells."""

    profile: Profile
    told: Risen


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Measure the decarburization of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job, region and mount are used.
    segmentation : Segmentation
        Classes; ferrite, and all else of the specimen is structure with carbon. Its alternatives are taken one at a
        time, below the surface of this one.
    settings : Settings
        See there.
    editions : Editions
        Of the procedure.

    Returns
    -------
    FieldMeasurement
        One row per place along the surface in ``features``.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, no surface in the picture, or a layer that goes through it.
    """
    pixel_um = micrograph.calibration.pixel_um
    beyond = _beyond(micrograph, segmentation, settings)
    (ferrite,) = numbers_of_classes(segmentation, (settings.ferrite,), micrograph.path)
    try:
        surface = surface_of(beyond, settings.crack_px)
    except MeasurementError as error:
        msg = (
            f"{micrograph.path}: {error}; show mount beside the specimen, or give masks or a backend with a class for "
            "what lies beyond the surface (settings.outside)"
        )
        raise MeasurementError(msg) from None
    known = ~beyond if micrograph.roi is None else micrograph.roi & ~beyond
    found = _told(micrograph.path, surface, segmentation.labels != ferrite, known, settings)
    shifted: dict[str, Numbers] = {}
    without = 0
    for name, other in segmentation.alternatives():
        try:
            one = _told(micrograph.path, surface, other.labels != ferrite, known, settings)
            shifted[name] = _numbers(one, pixel_um)
        except MeasurementError:  # the depth hangs on this very choice, which a check says
            without += 1
        del other  # before the next one is made
    table = _table(found, micrograph)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(segmentation.labels.shape[0], segmentation.labels.shape[1]),
        values=_values(found, pixel_um, without),
        features=table,
        alternatives=shifted,
        marks=tuple(_marks(surface, found)),
        worst=tuple(_worst(table, pixel_um)),
        curves=_curves(found, pixel_um),
        read_off=facts_of_level(segmentation, micrograph),
    )


def _beyond(micrograph: Micrograph, segmentation: Segmentation, settings: Settings) -> Mask:
    """What lies beyond the surface: classes of the segmentation, and mount that was found in the picture."""
    named = [name for name in settings.outside if name in segmentation.classes.values() or name != "mount"]
    beyond: Mask = np.isin(segmentation.labels, numbers_of_classes(segmentation, named, micrograph.path))
    return beyond if micrograph.mount is None else beyond | micrograph.mount


def _told(where: str, surface: Surface, other: Mask, known: Mask, settings: Settings) -> _Found:
    """Profile of what is no ferrite, and the depths that it tells."""
    try:
        (profile,) = normal_profiles(surface, [other], known)
    except MeasurementError as error:
        msg = f"{where}: {error}"
        raise MeasurementError(msg) from None
    if not profile.counted.any():
        msg = (
            f"{where}: no structure but ferrite is seen down to {profile.reach_px:.0f} px below the surface, so that "
            "there is no core to compare with; take a field that shows it, or look at the mask"
        )
        raise MeasurementError(msg)
    reached = settings.reached_percent / 100
    places = max(1, min(settings.places, int(profile.line_px / _LEAST_PLACE_PX), len(profile.known)))
    told = risen(profile.depth, profile.known, profile.counted, (1 - reached, reached), places, _BEHIND)
    if told.beyond > _BEYOND:
        msg = (
            f"{where}: the structure still changes at the far end of the picture, {profile.reach_px:.0f} px below the "
            f"surface: the depth of decarburization is at least about {told.reached[1].least:.0f} px; take a field "
            "that shows the core behind it (a lower magnification)"
        )
        raise MeasurementError(msg)
    return _Found(profile=profile, told=told)


def _numbers(found: _Found, pixel_um: float | None) -> Numbers:
    complete, total = (one.depth for one in found.told.reached)
    return Numbers(
        total_depth=length_in(total, pixel_um),
        complete_depth=length_in(complete, pixel_um),
        partial_depth=length_in(iso_3887.partial_depth(total, complete), pixel_um),
        core_ferrite_percent=100 * (1 - float(_core(found)[1])),
    )


def _core(found: _Found) -> tuple[Floats, float]:
    """Share of other structure in the core: of every block of the surface, and of all of them."""
    profile = found.profile
    behind = profile.depth > found.told.reached[1].depth
    if np.count_nonzero(behind) < _LEAST_CORE:
        behind[-_LEAST_CORE:] = True
    known, counted = profile.known[:, behind].sum(axis=1), profile.counted[:, behind].sum(axis=1)
    share = float(counted.sum() / known.sum())
    return np.divide(counted, known, out=np.full(len(known), share), where=known > 0), share


def _values(found: _Found, pixel_um: float | None, without: int) -> Values:
    told, profile = found.told, found.profile
    (complete, total), between, uneven = told.reached, told.between, _uneven(told)
    blocks, share = _core(found)
    core = series_scatter(blocks)
    mean = float(told.factor.mean())
    return Values(
        numbers=_numbers(found, pixel_um),
        surface_recovered_percent=round(
            iso_3887.recovered_percent(100 * (1 - float(told.mean[0])), 100 * (1 - told.core)), 3
        ),
        doubts={
            name: _doubt(series_scatter(one.by_place), hypot(one.u, uneven * one.depth), one.shapes, pixel_um)
            for name, one in (("total", total), ("complete", complete), ("partial", between))
        },
        core_inner_percent=None if core is None else 100 * core.u,
        core_inner_dof=None if core is None else core.dof,
        structure=length_in(told.structure, pixel_um),
        unchanged_percent=round(100 * total.absent, 3),
        bound=length_in(total.bound, pixel_um),
        beyond_percent=round(100 * told.beyond, 3),
        surface=length_in(profile.line_px, pixel_um),
        reach=length_in(profile.reach_px, pixel_um),
        rim_percent=100 * _rim(found) / share if share > 0 else 0.0,
        places_apart_percent=100 * abs(mean - 1),
        others_without_depth=without,
    )


def _doubt(scatter: SeriesScatter | None, u: float, shapes: float, pixel_um: float | None) -> Doubt:
    """What varies along the surface is told by few long waves, the noise of a profile by many depths: both count."""
    waves = 0.0 if scatter is None else scatter.dof
    square = (waves * (0.0 if scatter is None else scatter.u) ** 2 + _OF_NOISE * u**2) / (waves + _OF_NOISE)
    return Doubt(
        inner=length_in(sqrt(square), pixel_um),
        inner_dof=waves + _OF_NOISE,
        shapes=length_in(shapes, pixel_um),
    )


def _uneven(told: Risen) -> float:
    """How far the mean of the places may lie from that of others, by how they differ beyond the noise of each. [1]"""
    places = len(told.factor)
    if places < 2:
        return 0.0
    beyond = float(told.factor.var(ddof=1)) - float((told.factor_u**2).mean())
    return sqrt(max(beyond, 0.0) / places)


def _rim(found: _Found) -> float:
    """How much more of other structure a rim at the surface has than the least of any rim as thick below it."""
    depth, share = found.profile.depth, found.profile.share
    total = found.told.reached[1].depth
    steps = max(1, round(max(_RIM * total, _RIM_PX) / float(depth[1] - depth[0])))
    layers = np.convolve(share, np.full(steps, 1 / steps), "valid")
    inner = layers[(depth[: len(layers)] <= max(total, depth[0])) & (np.arange(len(layers)) >= steps)]
    return max(0.0, float(layers[0] - inner.min())) if len(inner) else 0.0


def _table(found: _Found, micrograph: Micrograph) -> pd.DataFrame:
    """One row per place along the surface."""
    told, profile, pixel_um = found.told, found.profile, micrograph.calibration.pixel_um
    places = len(told.factor)
    edges = np.linspace(0, len(profile.known), places + 1).astype(np.intp)
    complete, total = (one.depth for one in told.reached)
    rows = []
    for k, factor in enumerate(told.factor):
        blocks = slice(edges[k], edges[k + 1])
        top = profile.middle[blocks]
        bottom = top + factor * total * profile.inward[blocks]
        corners = np.concatenate([top, bottom])
        low = np.clip(np.floor(corners.min(axis=0)), 0, None).astype(int)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, micrograph.pixels.shape)
        lengths = {
            "along": float((edges[k] + edges[k + 1]) / 2 * profile.block_px),
            "total_depth": float(factor * total),
            "complete_depth": float(factor * complete),
            "partial_depth": iso_3887.partial_depth(float(factor * total), float(factor * complete)),
            "total_depth_u": float(told.factor_u[k] * total),
        }
        rows.append(
            {
                "feature": k + 1,
                "row_px": float(top[:, 0].mean()),
                "column_px": float(top[:, 1].mean()),
                **{f"{name}_px": value for name, value in lengths.items()},
                **({} if pixel_um is None else _scaled(lengths, pixel_um)),
                "touches_edge": False,
                "top_px": int(low[0]),
                "left_px": int(low[1]),
                "bottom_px": int(high[0]),
                "right_px": int(high[1]),
            }
        )
    return pd.DataFrame(rows)


def _scaled(lengths: dict[str, float], pixel_um: float) -> dict[str, float]:
    return {f"{name}_um": value * pixel_um for name, value in lengths.items()}


def _curves(found: _Found, pixel_um: float | None) -> dict[str, tuple[float, ...]]:
    size = pixel_um or 1.0
    return {
        "depth": tuple((size * found.profile.depth).tolist()),
        "ferrite": tuple((100 * (1 - found.profile.share)).tolist()),
        "fitted": tuple((100 * (1 - found.told.mean)).tolist()),
    }


def _marks(surface: Surface, found: _Found) -> list[Mark]:
    """Draw the surface, and below it the depths of complete and total decarburization, place by place."""
    profile, told = found.profile, found.told
    places = len(told.factor)
    edges = np.linspace(0, len(profile.known), places + 1).astype(np.intp)
    factor = np.repeat(told.factor, np.diff(edges))
    made = [_path(surface.line[:: max(1, len(surface.line) // 200)], Text("decarburisation.layer_surface"), "object")]
    for one, name, style in zip(told.reached, ("complete", "total"), ("hit", "figure"), strict=True):
        if one.depth < profile.depth[0]:
            continue
        line = profile.middle + (factor * one.depth)[:, None] * profile.inward
        layer = Text(f"decarburisation.layer_{name}")
        made += [_path(line[edges[k] : edges[k + 1]], layer, style) for k in range(places)]
    return made


def _path(points: Floats, layer: Text, style: str) -> Mark:
    made = tuple((float(row), float(column)) for row, column in points)
    return Mark(kind="path", points=made, style=style, layer=layer)  # type: ignore[arg-type]


def _worst(table: pd.DataFrame, pixel_um: float | None) -> Sequence[Notable]:
    """Name the deepest places."""
    unit = "px" if pixel_um is None else "um"
    deepest = table.sort_values("total_depth_px", ascending=False, kind="stable").head(_SHOWN)
    return [
        Notable(
            feature=int(row["feature"]),
            value=float(row[f"total_depth_{unit}"]),
            unit=unit,
            caption=Text("decarburisation.caption_deep"),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for row in deepest.to_dict("records")
    ]
