"""Particles of one segmentation of a field: their sizes, which of them count, and which are sulfides."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure.gray import read_off
from inspect_tool.measure.regions import connected, frame_contacts, region_table
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.recipes._common import numbers_of_classes
from inspect_tool.recipes.inclusions.darkness import (
    Gray,
    GrayLimit,
    found_limit,
    outline_ratios,
    read_gray,
    stated_limit,
)
from inspect_tool.recipes.inclusions.settings import Settings
from inspect_tool.segmentation.threshold.tints import OVER_MATRIX

_WIDE_PX = 3.5  # width of particles whose gray is told
_ELONGATED = 3.0  # length over width of particles that tell the rolling direction
_LEAST = 4  # of them in a field
_ALIKE = 0.7  # mean resultant length of their directions
_ROUND = 2.0  # length over width below which a particle that the frame cuts was as wide as it is long
_BAR = 0.9  # of the width of the ellipse: with a smaller caliper a shape is nearer to a bar (π/4) than to an ellipse
_EMPTY = 0.2  # area by gray over that of the mask: where there is less, the mask is of a scratch or a shade
_EMPTY_LARGE, _LARGE_PX2 = 0.35, 100.0  # and of a mask from that area on: blur makes only small ones so much too large

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Particles of one segmentation."""

    table: pd.DataFrame  # all of them; "counts" says which are inclusions
    mask: Mask  # pixels of those that count
    gray: Gray | None  # of all particles; None: sulfides are classes of their own
    limit: GrayLimit | None


def mask_of(segmentation: Segmentation, settings: Settings) -> Mask:
    """Pixels of all particles, whether they count or not."""
    if segmentation.kind == "instance":
        return np.asarray(segmentation.labels > 0)
    names = (*settings.classes, *(name for name in settings.sulfides if name not in settings.classes))
    if not settings.classes:
        return np.asarray(segmentation.labels > 0 if settings.sulfides else segmentation.labels == 1)
    return np.isin(segmentation.labels, numbers_of_classes(segmentation, names, "inclusions"))


def found_in(
    segmentation: Segmentation, micrograph: Micrograph, settings: Settings, key: str, otherwise: GrayLimit | None = None
) -> Found:
    """Number and measure the particles; which count, and which are sulfides."""
    mask, pixel_um = mask_of(segmentation, settings), micrograph.calibration.pixel_um
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
    counts = counting(table, table[f"feret_max_{unit}"], least, settings.minimum_px2)
    table["counts"] = counts
    # the smallest caliper on the grid is up to a pixel too large of a thin particle and too small of a round one, the
    # area is without bias
    long = table[f"feret_max_{unit}"].to_numpy(np.float64)
    ecd, caliper = (table[f"{name}_{unit}"].to_numpy(np.float64) for name in ("ecd", "feret_min"))
    width = np.where(caliper < _BAR * ecd**2 / long, caliper, ecd**2 / long)
    table[f"width_{unit}"] = width
    table[f"whole_width_{unit}"] = _whole(width, long, frame_contacts(labels, micrograph.roi) * (pixel_um or 1.0))
    # a frame that tiles the plane counts what is cut once; around a region each half stands for a whole one
    if micrograph.roi is None:
        first = np.unique(np.concatenate([labels[0], labels[:, 0]]))
        table["count_weight"] = np.where(np.isin(table["feature"], first), 0.0, 1.0)
    else:
        table["count_weight"] = np.where(table["touches_edge"], 0.5, 1.0)
    chosen = np.concatenate([[False], counts.to_numpy(bool)])
    kept = chosen[labels]
    return Found(
        table=table,
        mask=np.asarray(kept if micrograph.roi is None else kept & micrograph.roi),
        gray=gray,
        limit=limit,
    )


def counting(
    table: pd.DataFrame, longest: "pd.Series[float] | Floats", least: float, minimum_px2: float
) -> "pd.Series[bool]":
    """Which particles are inclusions, by their largest dimension, area, and what is dark in them.

    Of one that the frame cuts nobody sees how large it is: the next frame leaves it to this one.
    """
    large_enough = ((longest >= least) & (table["area_px2"] >= minimum_px2)) | table["touches_edge"]
    if "outline_ratio" not in table:
        return large_enough
    return large_enough & (table["outline_ratio"] >= np.where(table["area_px2"] < _LARGE_PX2, _EMPTY, _EMPTY_LARGE))


def kept(key: str, found: Found) -> dict[str, tuple[float, ...]]:
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
        table[name] = np.maximum(table[name] + 2 * off, table[name] / 4)


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


def specks(found: Found, least_um: float) -> NDArray[np.bool_]:
    """What may as well be pits: small round particles that blur reaches through and that no gray shows as oxides, and
    of what the frame cuts all that is smaller than the least size that counts."""
    table, gray = found.table, found.gray
    slivers = table["touches_edge"] & (table["feret_max_um"] < least_um)
    if gray is None:
        return np.asarray(slivers)
    is_round = table["feret_max_um"] < _ROUND * table["width_um"]
    may_be = table["sulfide"] | table["unsure"]
    return np.asarray((gray.core < 0) & may_be & is_round & ~table["touches_edge"] | slivers)


def direction_of(table: pd.DataFrame, settings: Settings) -> tuple[float, bool]:
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


def aligned(table: pd.DataFrame, direction: float, tolerance: float) -> float | None:
    """Share of the length of elongated particles within a tolerance of a direction; None: there is none. [%]"""
    long = table[table["counts"] & (table["aspect_ratio"] <= 1 / _ELONGATED)]
    if not len(long):
        return None
    apart = np.abs((long["orientation_deg"].to_numpy() - direction + 90) % 180 - 90)
    length = long["ellipse_major_um" if "ellipse_major_um" in long else "ellipse_major_px"].to_numpy()
    return 100 * float(length[apart <= tolerance].sum() / length.sum())
