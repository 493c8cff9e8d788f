"""One field: how often lines across and along the deformation axis meet the bands."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.short_chords import all_crossings, crossings_without
from inspect_tool.model import Editions, FieldMeasurement, Mask, Micrograph, Segmentation
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import numbers_of_classes, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.banding.settings import Settings
from inspect_tool.recipes.banding.values import Measured, Numbers, Values, Whole

FIRST_PX = (3, 5)
"""Chords from so many pixels on are taken as they are found, for the doubt of what is made of the shorter ones. [px]"""

_BLOCKS = 64  # of the field across the axis: how the numbers vary there is kept by their means

Floats = NDArray[np.float64]


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Count the bands of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Classes. Its alternatives are taken one at a time.
    settings : Settings
        See there.
    editions : Editions
        Of the procedure.

    Returns
    -------
    FieldMeasurement
        One row per connected piece of the bands in ``features``.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or an empty region.
    """
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    if roi is not None and not roi.any():
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        banded = _banded(other, settings)
        shifted[name] = _numbers(*_counted(banded, roi, settings), _lengths(banded, roi, settings))
        del other  # before the next one is made
    banded = _banded(segmentation, settings)
    across, along, share = _counted(banded, roi, settings)
    lengths = _lengths(banded, roi, settings)
    table: pd.DataFrame = region_table(connected(banded), pixel_um, roi=roi, shape_factors=False)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(banded.shape[0], banded.shape[1]),
        values=Values(
            numbers=_numbers(across, along, share, lengths),
            whole_from={f"{px}_px": _whole(lengths, px) for px in FIRST_PX},
            across_px=float(len(across)),
        ),
        features=table,
        alternatives=shifted,
        curves={"across_per_px": _blocks(across), "along_per_px": _blocks(along)},
        read_off={
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(banded.any())),
            **facts_of_level(segmentation, micrograph),
        },
    )


def _banded(segmentation: Segmentation, settings: Settings) -> Mask:
    """Pixels of the class that lies in bands."""
    if not settings.banded:
        return np.asarray(segmentation.labels == 1)
    (number,) = numbers_of_classes(segmentation, (settings.banded,), "banding")
    return np.asarray(segmentation.labels == number)


def _counted(banded: Mask, roi: Mask | None, settings: Settings) -> tuple[Floats, Floats, float]:
    """Interceptions per length of line across and along the axis, by place across it [1/px], and the share [1].

    Each change between two neighboring pixels is a crossing, and an interception has two: one that the frame cuts
    counts one half.
    """
    known = np.ones(banded.shape, bool) if roi is None else roi
    if settings.axis == "vertical":
        banded, known = banded.T, known.T
    below = known[1:] & known[:-1]
    beside = known[:, 1:] & known[:, :-1]
    crossed_below = ((banded[1:] != banded[:-1]) & below).sum(axis=1)
    crossed_beside = ((banded[:, 1:] != banded[:, :-1]) & beside).sum(axis=1)[:-1]
    lines_below, lines_beside = below.sum(axis=1), beside.sum(axis=1)[:-1]
    used = (lines_below > 0) & (lines_beside > 0)
    if not used.any():
        msg = "banding: the region is less than two pixels wide; check [region] of the job"
        raise MeasurementError(msg)
    across = 0.5 * crossed_below[used] / lines_below[used]
    along = 0.5 * crossed_beside[used] / lines_beside[used]
    return across, along, float(banded[known].mean())


def _lengths(banded: Mask, roi: Mask | None, settings: Settings) -> tuple[Floats, Floats]:
    """Interceptions across and along the axis without chords of less than 1, 2, ... pixels. [1/px]"""
    known = np.ones(banded.shape, bool) if roi is None else roi
    down, beside = crossings_without(banded, known), crossings_without(banded.T, known.T)
    across, along = (beside, down) if settings.axis == "vertical" else (down, beside)
    return 0.5 * across, 0.5 * along


def _whole(lengths: tuple[Floats, Floats], first_px: int | None = None) -> Whole:
    across, along = (all_crossings(counts, first_px) for counts in lengths)
    return Whole(across_whole_per_px=across, along_whole_per_px=along)


def _numbers(across: Floats, along: Floats, share: float, lengths: tuple[Floats, Floats]) -> Numbers:
    return Numbers(
        across_per_px=float(across.mean()),
        along_per_px=float(along.mean()),
        banded_percent=100 * share,
        whole=_whole(lengths),
    )


def _blocks(values: Floats) -> tuple[float, ...]:
    parts = np.array_split(values, min(_BLOCKS, len(values)))
    return tuple(float(part.mean()) for part in parts)
