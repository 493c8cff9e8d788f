"""One field: which particles count, how much each stands for, and their sizes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.contacts import contacts
from inspect_tool.measure.edges import whole_weights
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.model import LabelImage, Mark, Mask, Micrograph, Notable, Segmentation
from inspect_tool.recipes._common import numbers_of_classes
from inspect_tool.recipes.particles.settings import POWERS, SHARES, SIZES, Settings
from inspect_tool.recipes.particles.values import Numbers, Unit
from inspect_tool.standards.formulas import iso_9276_2

_TILES = 4  # along rows and columns, over which the number is compared
_PER_TILE = 4.0  # particles on average; with fewer the tiles tell nothing
_OUTLINE_PX2 = 50  # smaller objects have no outline that could be called concave [px2]
_MARKED = 60  # of one kind, as many as a reader can tell apart

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Particles of one segmentation."""

    labels: LabelImage  # particles of the least size and more
    table: pd.DataFrame  # one row each; "count_weight" and "size_weight" say what it stands for
    merged: int  # satellites that were taken together with their hosts
    below: int  # objects below the least size
    area_px2: float  # that counts refer to
    size_px: tuple[int, int]


def objects_of(segmentation: Segmentation, settings: Settings) -> LabelImage | Mask:
    """Particles as they are numbered, or the mask of the classes that are particles."""
    if segmentation.kind == "instance":
        return segmentation.labels
    if not settings.classes:
        return np.asarray(segmentation.labels == 1)
    return np.isin(segmentation.labels, numbers_of_classes(segmentation, settings.classes, "particles"))


def particles_of(micrograph: Micrograph, objects: LabelImage | Mask, settings: Settings) -> Found:
    """Number the particles, measure them, and say what each stands for."""
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    numbered = np.asarray(objects, np.int32) if objects.dtype != np.bool_ else connected(np.asarray(objects, np.bool_))
    labels, below = _large_enough(numbered, settings, pixel_um)
    table = region_table(labels, pixel_um, roi=roi)
    pairs, lengths = contacts(labels)
    host, merged = _hosts(table, pairs, settings.satellite_ratio), 0
    if settings.satellites == "with host" and (host > 0).any():
        taken_by = np.arange(int(labels.max()) + 1, dtype=np.int32)
        numbers = table["feature"].to_numpy()
        for satellite in np.argsort(
            table["area_px2"].to_numpy(), kind="stable"
        ):  # small ones first, so that chains end
            if host[satellite]:
                taken_by[taken_by == numbers[satellite]] = host[satellite]
        merged = int((host > 0).sum())
        labels = taken_by[labels]
        table = region_table(labels, pixel_um, roi=roi)
        pairs, lengths = contacts(labels)
        host = np.zeros(len(table), np.int64)
    unit = "px" if pixel_um is None else "um"
    numbers = table["feature"].to_numpy()
    touching = np.zeros(len(table))
    for side in (0, 1):
        np.add.at(touching, np.searchsorted(numbers, pairs[:, side]), lengths.astype(np.float64))
    outline_px = table[f"perimeter_{unit}"].to_numpy() / (pixel_um or 1.0)
    # an outline has 4/π as many pixel edges along rows and columns as its length in pixels, over all directions
    table["contact_percent"] = np.minimum(100.0, 100 * np.pi / 4 * touching / np.maximum(outline_px, 1.0))
    table["satellite_of"] = host
    solid = table["solidity"].to_numpy()
    table["concave"] = (solid < settings.concave) & (table["area_px2"].to_numpy() >= _OUTLINE_PX2)
    counted, area_px2 = _weights(table, labels, micrograph, settings)
    table["count_weight"] = counted
    left_out = np.zeros(len(table), bool)
    if settings.overlap == "reject":
        left_out |= table["concave"].to_numpy()
    if settings.satellites == "left out":
        left_out |= host > 0
        table["count_weight"] = np.where(host > 0, 0.0, counted)
    table["size_weight"] = np.where(left_out, 0.0, counted)
    shape = (labels.shape[0], labels.shape[1])
    return Found(labels=labels, table=table, merged=merged, below=below, area_px2=area_px2, size_px=shape)


def _large_enough(labels: LabelImage, settings: Settings, pixel_um: float | None) -> tuple[LabelImage, int]:
    """Without the objects below the least size, and how many of these could not be measured."""
    if labels.max(initial=0) > 4 * labels.size:
        known = np.unique(labels)
        labels = np.searchsorted(known, labels).astype(np.int32) + (known[0] > 0)
    area = np.bincount(labels.ravel())
    area[0] = 0
    keep = area >= settings.minimum_px2
    below = int(np.count_nonzero((area > 0) & ~keep))
    if settings.minimum_um and pixel_um is not None:
        keep &= np.sqrt(4 / np.pi * area) * pixel_um >= settings.minimum_um
    if keep[1:].all():
        return labels, below
    return np.where(keep[labels], labels, 0).astype(np.int32), below


def _hosts(table: pd.DataFrame, pairs: NDArray[np.int32], ratio: float) -> NDArray[np.int64]:
    """Number of the largest particle that each one touches, if it is so much larger; 0: it is no satellite."""
    numbers, area = table["feature"].to_numpy(), table["area_px2"].to_numpy(dtype=np.float64)
    host, largest = np.zeros(len(table), np.int64), np.zeros(len(table))
    for mine, other in ((0, 1), (1, 0)):
        at, beside = np.searchsorted(numbers, pairs[:, mine]), np.searchsorted(numbers, pairs[:, other])
        for small, large in zip(at.tolist(), beside.tolist(), strict=True):
            if area[large] >= ratio**2 * area[small] and area[large] > largest[small]:
                host[small], largest[small] = numbers[large], area[large]
    return host


def _weights(
    table: pd.DataFrame, labels: LabelImage, micrograph: Micrograph, settings: Settings
) -> tuple[Floats, float]:
    """How many particles of the reference area each one stands for, and that area. [px2]"""
    roi = micrograph.roi
    if settings.edge == "guard":
        return _guarded(table, labels.shape, micrograph, settings)
    if roi is not None and not roi.any():
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    return whole_weights(labels, table, roi), float(labels.size if roi is None else np.count_nonzero(roi))


def _guarded(
    table: pd.DataFrame, shape: tuple[int, ...], micrograph: Micrograph, settings: Settings
) -> tuple[Floats, float]:
    """Particles centered inside the guard count once; one that is cut by the edge of the image is too large for it."""
    if micrograph.roi is not None:
        msg = f'{micrograph.path}: edge "guard" needs a rectangular field; use "weighted" with a polygon or mask'
        raise MeasurementError(msg)
    assert micrograph.calibration.pixel_um is not None  # check_settings
    margin = settings.guard_um / micrograph.calibration.pixel_um
    row, column = table["row_px"].to_numpy() + 0.5, table["column_px"].to_numpy() + 0.5
    height, width = shape
    if not (height > 2 * margin and width > 2 * margin):
        msg = f"{micrograph.path}: settings.guard_um: {settings.guard_um:g} um leave nothing of the field"
        raise MeasurementError(msg)
    inner = (row > margin) & (row < height - margin) & (column > margin) & (column < width - margin)
    cut = inner & table["touches_edge"].to_numpy()
    if cut.any():
        msg = (
            f"{micrograph.path}: settings.guard_um: {int(cut.sum())} particles centered inside the guard of "
            f"{settings.guard_um:g} um are cut by the edge; give half the diameter of the largest particle"
        )
        raise MeasurementError(msg)
    return inner.astype(np.float64), (height - 2 * margin) * (width - 2 * margin)


def numbers_of(found: Found, micrograph: Micrograph) -> Numbers:
    """Numbers of one segmentation of one field; the same for the main one and for its alternatives."""
    pixel_um = micrograph.calibration.pixel_um
    unit: Unit = "px" if pixel_um is None else "um"
    table = found.table
    counted, weight = table["count_weight"].to_numpy(), table["size_weight"].to_numpy()
    used = weight > 0
    ecd, own = table[f"ecd_{unit}"].to_numpy()[used], weight[used]
    area, field_px2 = table["area_px2"].to_numpy(dtype=np.float64), _seen(micrograph)
    satellites = float((table["satellite_of"] > 0).sum() + found.merged)
    number = float(counted.sum())
    return Numbers(
        particles=float(len(table)),
        particles_cut=float(table["touches_edge"].sum()),
        particles_counted=number,
        particles_measured=float(used.sum()),
        particles_concave=float(table["concave"].sum()),
        satellites=satellites,
        below_minimum=float(found.below),
        area_percent=100 * float(area.sum()) / field_px2,
        concave_area_percent=100 * float(area[table["concave"].to_numpy()].sum()) / float(area.sum())
        if len(table)
        else 0.0,
        touching_percent=100 * float((table["contact_percent"] > 0).mean()) if len(table) else 0.0,
        particle_count_per_mm2=None if pixel_um is None else number / (found.area_px2 * pixel_um**2 * 1e-6),
        size={
            f"{name}_{unit}.{kind}": iso_9276_2.quantile(ecd, own, SHARES[name], POWERS[kind])
            for _, name, kind in SIZES
            if used.any()
        },
        mean_ecd={unit: iso_9276_2.mean_diameter(ecd, own, 1, 0)} if used.any() else {},
        sauter={unit: iso_9276_2.mean_diameter(ecd, own, 3, 2)} if used.any() else {},
        largest_feret={unit: float(table[f"feret_max_{unit}"].max())} if len(table) else {},
        particle_aspect_ratio=_average(table["aspect_ratio"], weight),
        particle_circularity=_average(table["circularity_iso"], weight),
        satellite_percent=100 * satellites / (len(table) + found.merged) if len(table) else None,
    )


def _seen(micrograph: Micrograph) -> float:
    return float(micrograph.pixels.size if micrograph.roi is None else np.count_nonzero(micrograph.roi))


def _average(values: "pd.Series[float]", weight: Floats) -> float | None:
    return float(np.average(values.to_numpy(), weights=weight)) if weight.any() else None


def crowding(found: Found, roi: Mask | None) -> tuple[float, float]:
    """Scatter of the number of particles between parts of the field, over that of chance, and its degrees of freedom.

    Each particle lies where the lower right corner of its box lies; one that this corner is cut from belongs beside the
    field. So every particle of the plane lies in one place, whatever its size.
    """
    height, width = found.size_px
    bottom, right = found.table["bottom_px"].to_numpy(), found.table["right_px"].to_numpy()
    row, column = np.minimum(bottom, height - 1), np.minimum(right, width - 1)
    here = (bottom < height) & (right < width)
    tiles = _TILES
    while tiles > 1 and here.sum() < _PER_TILE * tiles**2:
        tiles -= 1
    if tiles == 1:
        return 1.0, 0.0
    number = np.zeros((tiles, tiles))
    np.add.at(number, (row[here] * tiles // height, column[here] * tiles // width), 1.0)
    share = np.full((tiles, tiles), 1.0 / tiles**2)
    if roi is not None:
        rows, columns = np.arange(height) * tiles // height, np.arange(width) * tiles // width
        by_row = np.add.reduceat(roi.astype(np.int64), np.searchsorted(rows, np.arange(tiles)), axis=0)
        share = np.add.reduceat(by_row, np.searchsorted(columns, np.arange(tiles)), axis=1) / np.count_nonzero(roi)
    wanted = share * number.sum()
    seen = wanted >= 1
    if seen.sum() < 2:
        return 1.0, 0.0
    return float(((number - wanted)[seen] ** 2 / wanted[seen]).sum()) / float(seen.sum() - 1), float(seen.sum() - 1)


def largest_of_frame_percent(found: Found) -> float:
    """Side of the largest upright box of a particle over that side of the field. [%]"""
    height, width = found.size_px
    tall = (found.table["bottom_px"] - found.table["top_px"]).max() if len(found.table) else 0
    wide = (found.table["right_px"] - found.table["left_px"]).max() if len(found.table) else 0
    return 100 * max(float(tall) / height, float(wide) / width)


def curves_of(found: Found, pixel_um: float | None) -> Mapping[str, tuple[float, ...]]:
    """Diameter, weight and shape of the particles that are measured, for all fields together."""
    unit = "px" if pixel_um is None else "um"
    used = found.table[found.table["size_weight"] > 0]
    return {
        f"whole_particle_ecd_{unit}": tuple(used[f"ecd_{unit}"].tolist()),
        "whole_particle_weight": tuple(used["size_weight"].tolist()),
        "whole_particle_aspect_ratio": tuple(used["aspect_ratio"].tolist()),
        "whole_particle_circularity": tuple(used["circularity_iso"].tolist()),
    }


def marks_of(table: pd.DataFrame) -> tuple[Mark, ...]:
    """Satellites and concave outlines, as many as a reader can tell apart."""
    made = []
    for layer, chosen in (
        (Text("particles.layer_satellites"), table["satellite_of"] > 0),
        (Text("particles.layer_concave"), table["concave"]),
    ):
        shown = table[chosen].nlargest(_MARKED, "area_px2")
        if len(shown):
            points = tuple(zip(shown["row_px"].tolist(), shown["column_px"].tolist(), strict=True))
            made.append(Mark(kind="points", points=points, style="object", layer=layer))
    return tuple(made)


def worst_of(table: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    """Name the ten largest particles of a field: they carry the volume."""
    unit = "px" if pixel_um is None else "um"
    largest = table.sort_values(f"ecd_{unit}", ascending=False, kind="stable").head(10)
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[f"ecd_{unit}"]),
            unit=unit,
            caption=Text("particles.caption_cut") if row["touches_edge"] else Text("particles.caption_diameter"),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for _, row in largest.iterrows()
    )


def notes_of(numbers: Numbers, settings: Settings) -> tuple[str, ...]:
    """Say what of a field was left out or cut, in words."""
    notes = []
    if numbers.particles_cut:
        notes.append(Text("particles.note_cut", cut=int(numbers.particles_cut), particles=int(numbers.particles)))
    if numbers.below_minimum:
        notes.append(Text("particles.note_below", below=int(numbers.below_minimum), minimum_px2=settings.minimum_px2))
    if settings.overlap == "reject" and numbers.particles_concave:
        notes.append(Text("particles.note_rejected", concave=int(numbers.particles_concave)))
    return tuple(notes)
