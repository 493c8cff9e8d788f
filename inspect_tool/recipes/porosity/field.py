"""One field of the porosity recipe: which pores are measured, their numbers, neighbors and marks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from types import MappingProxyType
from typing import Any, TypeAlias, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text
from inspect_tool.measure import neighbors, reference_area
from inspect_tool.measure.gray import Grays, grays_of
from inspect_tool.measure.regions import region_table
from inspect_tool.measure.seamless.tables import numbered_features
from inspect_tool.measure.surface_distance import surface_distances
from inspect_tool.measure.worst_field import WorstField, worst_square_of_mask
from inspect_tool.model import Editions, LabelImage, Mark, Mask, Micrograph, Notable, Segmentation, Standard
from inspect_tool.pixels.bits import BitObjects, as_labels
from inspect_tool.recipes.porosity.settings import ReferenceArea, Settings, presentation
from inspect_tool.recipes.porosity.values import Neighbors, Numbers, Unit, Whole
from inspect_tool.standards.editions import constant, edition_of
from inspect_tool.standards.formulas import areal_porosity, astm_b276, astm_e2109
from inspect_tool.statistics.weighted import weighted_quantile

_MARKED_CLUSTERS = 15
_STRIP = 256  # rows that are worked on at a time, to bound memory

Place: TypeAlias = tuple[reference_area.Worst, Mask]
"""Worst place of the reference area in a field, and its mask as it lies there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pores:
    """The objects of one segmentation: those that are measured, and the share of those that are too small."""

    labels: LabelImage  # measured pores only, without linear detachments
    table: pd.DataFrame  # one row per measured object, in pixels and um
    field_px2: int
    small_px2: int  # area of objects below the smallest measurable size
    small: int
    left_out_px2: int  # area of objects that do not count because of minimum_um
    surface_px: NDArray[np.float64] | None  # distance of each row from the surface, linear ones NaN; None: not seen
    left_out: int


def check(settings: Settings, micrograph: Micrograph) -> None:
    """Refuse settings out of range, and settings that this field cannot meet."""
    where = micrograph.path
    if settings.minimum_px2 < 1:
        msg = f"porosity: minimum_px2 must be at least 1, got {settings.minimum_px2}"
        raise SettingsError(msg)
    if settings.minimum_um < 0 or settings.cluster_gap <= 0:
        msg = "porosity: minimum_um must not be negative and cluster_gap must be > 0"
        raise SettingsError(msg)
    if list(settings.size_classes_um) != sorted(set(settings.size_classes_um)) or any(
        bound <= 0 for bound in settings.size_classes_um
    ):
        msg = f"porosity: size_classes_um must be > 0 and ascend, got {list(settings.size_classes_um)}"
        raise SettingsError(msg)
    if settings.count_rule == "two_edges" and micrograph.roi is not None:
        msg = f'{where}: count_rule "two_edges" needs a rectangular field; use "half" with a polygon or mask'
        raise SettingsError(msg)
    if settings.part_area_mm2 < 0:
        msg = f"porosity: part_area_mm2 must not be negative, got {settings.part_area_mm2:g}"
        raise SettingsError(msg)
    if micrograph.calibration.pixel_um is None and (
        settings.minimum_um or settings.reference_area or settings.part_area_mm2
    ):
        msg = f"{where}: minimum_um, part_area_mm2 and reference_area need a scale; the calibration is 'ratio only'"
        raise SettingsError(msg)
    if settings.reference_area is not None and not settings.reference_area.size_mm > 0:
        msg = f"porosity: reference_area.size_mm must be > 0, got {settings.reference_area.size_mm:g}"
        raise SettingsError(msg)


def objects_of(segmentation: Segmentation, settings: Settings) -> LabelImage | Mask:
    """Pores as the user has numbered them, or a mask of what is pore; all that is needed of a segmentation."""
    if segmentation.kind == "instance":
        return segmentation.labels
    first, *others = _classes(segmentation, settings)
    mask: Mask = segmentation.labels == first
    for number in others:
        mask |= segmentation.labels == number
    return mask


def pores_of(micrograph: Micrograph, objects: LabelImage | Mask, settings: Settings, editions: Editions) -> Pores:
    """Number the pores, measure them and put those aside that are too small or linear."""
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    whole = objects.dtype != np.bool_
    if whole:
        labels: LabelImage = np.asarray(objects, dtype=np.int32)
        table = region_table(labels, pixel_um, roi=roi)
    else:
        labels, table = numbered_features(cast("Mask", objects), pixel_um, roi=roi, where=micrograph.path)
    feret = table["feret_max_px" if pixel_um is None else "feret_max_um"].to_numpy()
    area = table["area_px2"].to_numpy()
    left_out = feret < settings.minimum_um
    small = (area < settings.minimum_px2) & ~left_out
    measured = ~(small | left_out)
    limit = _linear_limit(settings, editions)
    size = 1.0 if pixel_um is None else pixel_um
    linear = np.array([astm_e2109.is_linear(f / size, float(a), limit) for f, a in zip(feret, area, strict=True)], bool)
    given = editions.job.values
    half = given["frame_weight"].value if "frame_weight" in given else 0.5
    weight = np.where(table["touches_edge"], half, 1.0)
    if settings.count_rule == "two_edges":
        weight = np.where((table["top_px"] == 0) | (table["left_px"] == 0), 0.0, 1.0)
    height, width = labels.shape
    share = np.ones(len(table))
    if roi is None:
        # a whole pore of box h x w can lie in (H - h)(W - w) places; large ones are cut more often
        h, w = table["bottom_px"] - table["top_px"], table["right_px"] - table["left_px"]
        share = np.asarray(np.maximum((1 - h / (height + 1)) * (1 - w / (width + 1)), 1e-6))
    table["linear"] = linear
    table["count_weight"] = np.where(linear, 0.0, weight)
    table["size_weight"] = np.where(linear | table["touches_edge"], 0.0, 1.0 / share)
    keep = np.zeros(int(table["feature"].max()) + 1 if len(table) else 1, dtype=np.int32)
    inside = table["feature"].to_numpy()[measured & ~linear]
    kept = table[measured].reset_index(drop=True)
    if not whole:  # numbers without gaps for the reader; instance labels are the user's own
        renumbered = np.arange(1, len(kept) + 1)
        keep[kept["feature"].to_numpy()] = np.where(kept["linear"], 0, renumbered)
        kept["feature"] = renumbered
    else:
        keep[inside] = inside
    pores = _renumbered(labels, keep, in_place=not whole)  # the user's own labels stay as they are
    field_px2 = int(labels.size if roi is None else roi.sum())
    if field_px2 == 0:
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    return Pores(
        labels=pores,
        table=kept,
        field_px2=field_px2,
        small_px2=int(area[small].sum()),
        small=int(small.sum()),
        left_out_px2=int(area[left_out].sum()),
        surface_px=None if micrograph.mount is None else _from_surface(pores, kept, micrograph.mount),
        left_out=int(left_out.sum()),
    )


def _renumbered(labels: LabelImage, numbers: NDArray[np.int32], *, in_place: bool) -> LabelImage:
    """Give each object another number, 0: none. In strips: an index of numpy's own has 8 bytes per pixel."""
    if isinstance(labels, BitObjects):
        return as_labels(labels.renumbered(numbers))
    made = labels if in_place else np.empty_like(labels)
    for start in range(0, len(labels), _STRIP):
        made[start : start + _STRIP] = numbers[labels[start : start + _STRIP]]
    return made


def _from_surface(pores: LabelImage, kept: pd.DataFrame, mount: Mask) -> NDArray[np.float64]:
    found, free = np.full(len(kept), np.nan), ~kept["linear"].to_numpy()
    found[free] = surface_distances(pores, mount)[kept["feature"].to_numpy()[free]]
    return found


def _classes(segmentation: Segmentation, settings: Settings) -> list[int]:
    if not settings.classes:
        return [1]
    by_name = {name: number for number, name in segmentation.classes.items()}
    for name in settings.classes:
        if name not in by_name:
            msg = f"porosity: no class '{name}' in the segmentation; there are: {', '.join(by_name)}"
            raise MeasurementError(msg)
    return [by_name[name] for name in settings.classes]


def _linear_limit(settings: Settings, editions: Editions) -> float:
    """Elongation from which a feature is linear: the setting, else the standard's, else none."""
    if settings.linear_elongation:
        return settings.linear_elongation
    if presentation(settings, editions.job) == "thermal_spray":
        return constant(edition_of(editions, "ASTM E2109"), "linear_elongation").value
    return float("inf")


def numbers_of(
    found: Pores,
    place: Place | None,
    micrograph: Micrograph,
    settings: Settings,
    editions: Editions,
) -> Numbers:
    """Numbers of one segmentation of one field; the same for the main one and for its alternatives."""
    pixel_um = micrograph.calibration.pixel_um
    unit: Unit = "px" if pixel_um is None else "um"
    size = 1.0 if pixel_um is None else pixel_um
    pores = found.table[~found.table["linear"]]
    field_px2 = float(found.field_px2)
    area = pores["area_px2"].to_numpy(dtype=float)
    weight, size_weight = pores["count_weight"].to_numpy(), pores["size_weight"].to_numpy()
    ecd, feret = pores[f"ecd_{unit}"].to_numpy(), pores[f"feret_max_{unit}"].to_numpy()
    whole = size_weight > 0
    distances = surface_px(found)
    counted = float(weight.sum())
    field_mm2 = None if pixel_um is None else field_px2 * size**2 * 1e-6
    kinds: Mapping[str, float] = {}
    large: Mapping[str, float] = {}
    if field_mm2 is not None and presentation(settings, editions.job) == "hardmetal":
        b276 = edition_of(editions, "ASTM B276")
        kinds = _hardmetal_percent(feret, area / field_px2, b276)
        large = _large_per_cm2(feret, weight, field_mm2, b276)
    return Numbers(
        porosity_percent=areal_porosity.porosity_percent(float(area.sum()), field_px2),
        pores=float(len(pores)),
        pores_cut=float(pores["touches_edge"].sum()),
        pores_counted=counted,
        mean_pore_ecd={unit: float(np.average(ecd[whole], weights=size_weight[whole])) if whole.any() else 0.0},
        largest_pore_feret={unit: float(feret.max(initial=0.0))},
        below_minimum_percent=areal_porosity.porosity_percent(float(found.small_px2), field_px2),
        below_minimum=float(found.small),
        left_out_percent=areal_porosity.porosity_percent(float(found.left_out_px2), field_px2),
        left_out=float(found.left_out),
        edge_shift_percent=areal_porosity.edge_shift_percent(
            0.5, float(pores[f"perimeter_{unit}"].sum()) / size, field_px2
        ),
        linear_percent=areal_porosity.porosity_percent(
            float(found.table.loc[found.table["linear"], "area_px2"].sum()), field_px2
        ),
        linear=float(found.table["linear"].sum()),
        size_weight=float(size_weight.sum()),
        ecd_weighted={unit: float((size_weight * ecd).sum())},
        ecd_squared={unit: float((size_weight**2 * ecd**2).sum())},
        ecd_linear={unit: float((size_weight**2 * ecd).sum())},
        size_weight_squared=float((size_weight**2).sum()),
        largest_pore_sqrt_area={unit: size * float(area.max(initial=0.0)) ** 0.5},
        pore_ecd={
            f"{name}_{unit}": weighted_quantile(ecd[whole], size_weight[whole], share)
            for name, share in SIZE_SHARES.items()
            if whole.any()
        },
        area_squared=float((area**2).sum()) / field_px2**2,
        area_squared_most=float((area**2).max(initial=0.0)) / field_px2**2,
        field_area={"px2": field_px2} if field_mm2 is None else {"mm2": field_mm2},
        surface_distance={
            f"{name}_{unit}": size * float(np.quantile(distances, share))
            for name, share in SURFACE_SHARES.items()
            if len(distances)
        },
        pore_count_per_mm2=None if field_mm2 is None else counted / field_mm2,
        hardmetal_percent=kinds,
        large_pores_per_cm2=large,
        reference_porosity_percent=None if place is None else 100 * place[0].share,
        worst_field_percent=_worst_field_percent(found, micrograph, settings),
        reference_pore_count=None
        if place is None
        else _reference_count(place[1], pores, found.labels.shape, micrograph.roi),
    )


def worst_field(found: Pores, micrograph: Micrograph, settings: Settings) -> WorstField | None:
    """Square of the stated side with the largest area of pores; None where none is asked for.

    Raises
    ------
    MeasurementError
        The field is smaller than the square.
    """
    pixel_um = micrograph.calibration.pixel_um
    if not settings.worst_field_um or pixel_um is None:
        return None
    shape = (found.labels.shape[0], found.labels.shape[1])
    side = round(settings.worst_field_um / pixel_um)
    if not 1 <= side <= min(shape):
        msg = (
            f"{micrograph.path}: settings.worst_field_um: a square of {settings.worst_field_um:g} um is {side} px, the "
            f"field has {shape[0]} x {shape[1]}; take larger fields or a smaller square"
        )
        raise MeasurementError(msg)
    return worst_square_of_mask(found.labels != 0, side)


def _worst_field_percent(found: Pores, micrograph: Micrograph, settings: Settings) -> float | None:
    worst = worst_field(found, micrograph, settings)
    return None if worst is None else 100 * worst.total / (worst.height_px * worst.width_px)


def worst_field_mark(worst: WorstField) -> Mark:
    """Outline of the worst square."""
    top, left = worst.top_px - 0.5, worst.left_px - 0.5
    bottom, right = top + worst.height_px, left + worst.width_px
    corners = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
    label = f"{100 * worst.total / (worst.height_px * worst.width_px):.3g} %"
    return Mark(kind="path", points=corners, style="figure", layer=Text("porosity.layer_worst_field"), label=label)


def whole_sizes(found: Pores, pixel_um: float | None) -> Whole:
    """Diameter and weight of the whole pores of a field, for percentiles over fields."""
    whole = found.table[found.table["size_weight"] > 0]
    return Whole(
        ecd=tuple(whole["ecd_px" if pixel_um is None else "ecd_um"].tolist()),
        weight=tuple(whole["size_weight"].tolist()),
        surface_distance=tuple(((pixel_um or 1.0) * surface_px(found)).tolist()),
    )


def surface_px(found: Pores) -> NDArray[np.float64]:
    """Distances of the measured pores from the surface of the specimen; none where the field shows no surface. [px]"""
    return np.zeros(0) if found.surface_px is None else found.surface_px[~found.table["linear"].to_numpy()]


SURFACE_SHARES: Mapping[str, float] = MappingProxyType({"min": 0.0, "d10": 0.1})
"""Distances from the surface that so large a share of the pores does not reach, by number."""

SIZE_SHARES: Mapping[str, float] = MappingProxyType({"d10": 0.1, "d50": 0.5, "d90": 0.9})
"""Diameters that so large a share of the pores does not reach, by number."""


def shallow_percent(micrograph: Micrograph, pores: Mask) -> float | None:
    """Share of the pore pixels that are less than half as far from the matrix as the darkest of them. [%]

    Pores are the darkest thing in a polished section; a level half-way up their edges leaves nothing
    shallower than half. A large share means that another phase or etching was taken for pores. None:
    there is no pore, or no gray difference to tell.
    """
    outside = ~pores if micrograph.roi is None else ~pores & micrograph.roi
    inside, around = grays_of(micrograph.pixels, pores), grays_of(micrograph.pixels, outside)
    if not inside.pixels or not around.pixels:
        return None
    depth = inside.values.astype(np.float64) - around.quantile(0.5)
    if Grays(values=depth, counts=inside.counts).quantile(0.5) < 0:
        depth, inside = -depth[::-1], replace(inside, counts=inside.counts[::-1])
    deepest = Grays(values=depth, counts=inside.counts).quantile(0.99)
    if deepest <= 0:
        return None
    return 100 * (int(inside.counts[depth < deepest / 2].sum()) / inside.pixels)


def _hardmetal_percent(feret_um: NDArray[np.float64], share: NDArray[np.float64], b276: Standard) -> dict[str, float]:
    kinds = np.array([astm_b276.pore_type(diameter, b276) for diameter in feret_um], dtype=object)
    return {kind: 100 * float(share[kinds == kind].sum()) for kind in ("A", "B")}


def _large_per_cm2(
    feret_um: NDArray[np.float64], weight: NDArray[np.float64], field_mm2: float, b276: Standard
) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in b276.tables["large_classes"]:
        inside = (feret_um > row["from_um"]) & (feret_um <= row["to_um"])
        found[large_class(row)] = 100 * float(weight[inside].sum()) / field_mm2
    return found


def large_class(row: Mapping[str, Any]) -> str:
    """Name of a class of large pores, e.g. "25-75 um"."""
    return f"{row['from_um']:g}-{row['to_um']:g} um" if isfinite(row["to_um"]) else f"over {row['from_um']:g} um"


def _stencil(settings: ReferenceArea, pixel_um: float) -> Mask:
    return reference_area.stencil(
        settings.shape, settings.size_mm * 1e3 / pixel_um, settings.height_mm * 1e3 / pixel_um
    )


def _turns(settings: ReferenceArea) -> int:
    if settings.shape == "triangle":
        return 4
    return 2 if settings.shape == "rectangle" else 1


def worst_reference(found: Pores, micrograph: Micrograph, settings: Settings) -> Place | None:
    """Find the place of the reference area that holds most pore area; None where none is asked."""
    asked, pixel_um = settings.reference_area, micrograph.calibration.pixel_um
    if asked is None or pixel_um is None:
        return None
    area = _stencil(asked, pixel_um)
    place = reference_area.worst_place(found.labels != 0, area, micrograph.roi, turns=_turns(asked))
    if place is None:
        height, width = (side * pixel_um / 1e3 for side in found.labels.shape)
        msg = (
            f"{micrograph.path}: the reference area ({asked.shape}, {asked.size_mm:g} mm) does not fit into the "
            f"field of {width:.3g} x {height:.3g} mm; take larger fields or a smaller reference area"
        )
        raise MeasurementError(msg)
    return place, np.rot90(area, place.turn)


def _reference_count(area: Mask, pores: pd.DataFrame, shape: tuple[int, ...], roi: Mask | None) -> float:
    """Largest number of pore centers in the reference area, wherever it lies."""
    centers = np.zeros(shape, dtype=bool)
    centers[pores["row_px"].round().astype(int), pores["column_px"].round().astype(int)] = True
    place = reference_area.worst_place(centers, np.ascontiguousarray(area), roi)
    return 0.0 if place is None else round(place.share * int(area.sum()))


def with_neighbors(
    found: Pores, settings: Settings, pixel_um: float | None
) -> tuple[pd.DataFrame, Neighbors, tuple[Mark, ...]]:
    """Add neighbor and cluster columns to the pores; with their numbers, and clusters as marks."""
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    table = found.table.copy()
    if found.surface_px is not None:
        table[f"surface_distance_{unit}"] = size * found.surface_px
    pores = ~table["linear"].to_numpy()
    numbers = table["feature"].to_numpy()[pores]
    diameter = table[f"feret_max_{unit}"].to_numpy()[pores] / size
    pairs, gaps = neighbors.edge_gaps(found.labels)
    gap, which = neighbors.nearest_gap(numbers, pairs, gaps)
    ratios = neighbors.pair_ratios(numbers, diameter, pairs, gaps)
    clusters = neighbors.cluster_numbers(numbers, pairs, ratios < settings.cluster_gap)
    centers = neighbors.center_distances(table["row_px"].to_numpy()[pores], table["column_px"].to_numpy()[pores])
    for name, column, empty in (
        (f"center_distance_{unit}", centers * size, np.nan),
        (f"neighbour_gap_{unit}", gap * size, np.nan),
        ("neighbour", which, 0),
        ("cluster", clusters, 0),
    ):
        filled = np.full(len(table), empty, dtype=column.dtype)
        filled[pores] = column
        table[name] = filled

    def clusters_at(shift: float) -> int:
        moved = neighbors.pair_ratios(numbers, diameter - shift, pairs, np.maximum(gaps + shift, 0))
        return int(neighbors.cluster_numbers(numbers, pairs, moved < settings.cluster_gap).max(initial=0))

    least = int(ratios.argmin()) if len(pairs) else None
    told = Neighbors(
        clusters=int(clusters.max(initial=0)),
        clusters_pores=int((clusters > 0).sum()),
        clusters_least=clusters_at(1.0),  # edges known to half a pixel each: the gap may be a pixel longer or shorter
        clusters_most=clusters_at(-1.0),
        pore_neighbour_ratio_min=None if least is None else float(ratios[least]),
        pore_neighbour_diameter_px=None
        if least is None
        else float(diameter[np.searchsorted(numbers, pairs[least])].min()),
    )
    return table, told, _cluster_marks(table)


def _cluster_marks(table: pd.DataFrame) -> tuple[Mark, ...]:
    """Boxes around the largest clusters, as many as a reader can tell apart."""
    marks = []
    members_of = table[table["cluster"] > 0].groupby("cluster")
    largest = members_of["area_px2"].sum().sort_values(ascending=False, kind="stable").index[:_MARKED_CLUSTERS]
    for number in sorted(largest):
        members = members_of.get_group(number)
        top, left = members["top_px"].min() - 3.5, members["left_px"].min() - 3.5
        bottom, right = members["bottom_px"].max() + 2.5, members["right_px"].max() + 2.5
        box = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
        marks.append(Mark(kind="path", points=box, style="object", layer="clusters", label=f"{number}"))
    return tuple(marks)


def reference_marks(found: Place) -> tuple[Mark, ...]:
    """Outline of the reference area in its worst place."""
    place, area = found
    rows = np.flatnonzero(area.any(axis=1))
    left = area[rows].argmax(axis=1)
    right = area.shape[1] - 1 - area[rows, ::-1].argmax(axis=1)
    every = slice(None, None, max(1, len(rows) // 60))
    down = [(float(r), float(c)) for r, c in zip(rows[every], left[every], strict=True)]
    down += [(float(rows[-1]), float(left[-1])), (float(rows[-1]), float(right[-1]))]
    up = [(float(r), float(c)) for r, c in zip(rows[every], right[every], strict=True)][::-1]
    points = tuple((r + place.top, c + place.left) for r, c in [*down, *up, down[0]])
    label = f"{100 * place.share:.3g} %"
    return (Mark(kind="path", points=points, style="figure", layer=Text("porosity.layer_reference_area"), label=label),)


def worst_of(features: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    """Name the ten largest pores of a field."""
    unit = "px" if pixel_um is None else "um"
    pores = features[~features["linear"]].sort_values(f"feret_max_{unit}", ascending=False, kind="stable").head(10)
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[f"feret_max_{unit}"]),
            unit=unit,
            caption=Text("porosity.caption_feret_cut_by_edge")
            if row["touches_edge"]
            else Text("porosity.caption_feret_diameter"),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for _, row in pores.iterrows()
    )


def notes_of(numbers: Numbers, features: pd.DataFrame, pixel_um: float | None) -> tuple[str, ...]:
    """Say what of a field was left out or cut, in words."""
    unit, mark = ("px", "px") if pixel_um is None else ("um", "µm")
    notes = []
    pores = features[~features["linear"]]
    if numbers.pores_cut:
        notes.append(Text("porosity.note_pores_cut_by_edge", pores_cut=int(numbers.pores_cut), n_pores=len(pores)))
    if numbers.below_minimum:
        notes.append(
            Text(
                "porosity.note_spots_too_small",
                below_minimum=int(numbers.below_minimum),
                below_minimum_percent=numbers.below_minimum_percent,
            )
        )
    cut = pores.loc[pores["touches_edge"], f"feret_max_{unit}"].max()
    whole = pores.loc[~pores["touches_edge"], f"feret_max_{unit}"].max()
    if cut > whole or (pd.isna(whole) and not pd.isna(cut)):
        notes.append(Text("porosity.note_largest_pore_cut", cut=cut, mark=mark))
    return tuple(notes)
