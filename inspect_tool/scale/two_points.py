"""Size of a pixel from the two ends of a known length, placed by a person several times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from statistics import mean, stdev
from typing import TypeAlias

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import CalibrationReading, CalibrationRecord, Component, EvidenceImage
from inspect_tool.scale.bar.reading import by_hand
from inspect_tool.statistics.uncertainty import combined, expanded

Line: TypeAlias = tuple[float, float, float, float]
"""Column and row of both ends [px]."""

LEAST, MOST = 2, 30
"""Placements: one alone says nothing of how well it can be repeated."""

ONE_LENGTH = 0.2
"""Placements that differ by more of their mean are not of one length [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPoints:
    """What placements of two points say of the size of a pixel."""

    pixel_um: float  # [um/px]
    u_rel: float  # relative standard uncertainty [1]
    expanded_rel: float  # for 95 %: every line of the budget with the Student factor of its own degrees of freedom [1]
    lengths_px: tuple[float, ...]  # of every placement
    budget: tuple[Component, ...]  # relative [1]

    @property
    def coverage_factor(self) -> float:
        """Expanded over standard uncertainty."""
        return self.expanded_rel / self.u_rel


def two_points(
    lines: Sequence[Line], length_um: float, *, tolerance_um: float | None = None, step_px: float = 1.0
) -> TwoPoints:
    """Size of a pixel from placements of the two ends of one length.

    Parameters
    ----------
    lines : sequence of Line
        Two or more, each placed anew.
    length_um : float
        Distance of the two ends. [um]
    tolerance_um : float, optional
        The length is within plus or minus so much of what is stated (rectangular). None: not stated, and the budget
        lacks that line. [um]
    step_px : float
        Pixels of the image per pixel of the picture in which the ends were placed, where that is smaller: each end is
        uncertain by half of it, and by half a pixel at least. A bar is drawn on whole pixels, so that placing it
        again does not make this less.

    Raises
    ------
    SettingsError
        Fewer than two placements, ends that cannot be meant, placements of different lengths, or a tolerance that is
        negative or not smaller than the length.

    Examples
    --------
    >>> found = two_points([(10, 5, 110, 5), (10, 5, 111, 5), (10, 5, 109, 5)], 50.0)
    >>> found.pixel_um, [round(100 * line.u, 3) for line in found.budget]
    (0.5, [0.577, 0.408])
    """
    if not LEAST <= len(lines) <= MOST:
        msg = f"{len(lines)} placements of the two ends; place them {LEAST} to {MOST} times, each time anew"
        raise SettingsError(msg)
    readings = [by_hand(line, length_um) for line in lines]
    lengths = tuple(reading.length_px for reading in readings if reading.length_px is not None)
    average = mean(lengths)
    if max(lengths) - min(lengths) > ONE_LENGTH * average:
        listed = ", ".join(f"{length:.1f}" for length in lengths)
        msg = f"the placements are {listed} px long; they are not of one length: place the same two ends each time"
        raise SettingsError(msg)
    budget = [
        Component(
            name=Text("calibration.line_placed_again"),
            u=stdev(lengths) / sqrt(len(lengths)) / average,
            kind="A",
            dof=len(lengths) - 1,
            basis=Text("calibration.basis_placed_again", n=len(lengths)),
        ),
        Component(
            name=Text("calibration.line_ends"),
            u=max(1.0, step_px) * mean(reading.u_rel for reading in readings),
            kind="B",
            basis=Text("calibration.basis_ends", half_px=max(1.0, step_px) / 2),
        ),
    ]
    if tolerance_um is not None:
        if not (isfinite(tolerance_um) and 0 <= tolerance_um < length_um):
            msg = f"the tolerance is {tolerance_um:g} um; it lies between 0 and the length, {length_um:g} um"
            raise SettingsError(msg)
        budget.append(
            Component(
                name=Text("calibration.line_length"),
                u=tolerance_um / sqrt(3) / length_um,
                kind="B",
                basis=Text("calibration.basis_length", tolerance_um=tolerance_um),
            )
        )
    return TwoPoints(
        pixel_um=length_um / average,
        u_rel=combined(budget),
        expanded_rel=expanded(budget),
        lengths_px=lengths,
        budget=tuple(budget),
    )


def record(
    found: TwoPoints, lines: Sequence[Line], length_um: float, image: EvidenceImage, image_px: tuple[int, int]
) -> CalibrationRecord:
    """What a calibration file keeps of placements; who did it, for which instrument and by what is to be added.

    Pixels are taken for square: the two points tell the size along their own line.

    Parameters
    ----------
    found : TwoPoints
        Of ``lines``.
    length_um : float
        Distance of the two ends. [um]
    image : EvidenceImage
    image_px : (int, int)
        Rows and columns of it.
    """
    x1, y1, x2, y2 = lines[0]
    reading = CalibrationReading(
        axis="x" if abs(x2 - x1) >= abs(y2 - y1) else "y",
        length_um=length_um,
        length_px=tuple(float(f"{length:.8g}") for length in found.lengths_px),
        image=image.file,
    )
    return CalibrationRecord(
        pixel_um=float(f"{found.pixel_um:.8g}"),
        u_rel=float(f"{found.u_rel:.4g}"),
        coverage_factor=float(f"{found.coverage_factor:.4g}"),
        image_px=image_px,
        images=(image,),
        readings=(reading,),
        budget=tuple(replace(line, u=float(f"{line.u:.4g}")) for line in found.budget),
        note=Text("calibration.warning_one_axis"),
    )
