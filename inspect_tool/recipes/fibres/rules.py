"""Sampling rules of the edition, doubts of the numbers, and the warnings of one specimen."""

from collections.abc import Sequence

import numpy as np

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import Check, Standard
from inspect_tool.recipes.fibres.results import LEAST, diameter_variance, fibers_of, tilts_without_noise
from inspect_tool.recipes.fibres.settings import COMPONENTS, Settings
from inspect_tool.recipes.fibres.values import Measured
from inspect_tool.standards.editions import check_rule

_DENSEST = 90.7  # of round fibers side by side, π / (2 √3) [%]
_FLATTEST = 65.0  # mean tilt from which on most ellipses are too long to be whole [deg]
_NO_SCATTER = 33.0  # share of the variance of diameters that may be noise of outlines, or a few fibers [%]
_DIRECTIONS = ("mean_fibre_tilt_deg", *(f"orientation_{component}" for component in COMPONENTS))
_SIZES = ("mean_fibre_diameter_um", "fibre_diameter_sd_um", "fibre_count_per_mm2")


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Check]:
    """Rules of the method card that the edition has, and doubts, for one specimen."""
    specimen = fields[0].specimen
    numbers = [field.values.numbers for field in fields]
    fibers = sum(one.fibers for one in numbers)
    sections = [field.section for field in fields]
    found: dict[str, tuple[float, str]] = {
        "fields": (float(min(sections.count(section) for section in dict.fromkeys(sections))), ""),
        "fibers": (sum(one.fibers_measured for one in numbers), ""),
        "diameter_px": (min(field.values.mean_diameter_px for field in fields), Text("fibres.note_worst_field")),
        "cut_by_edge": (100 * sum(one.fibers_cut for one in numbers) / fibers if fibers else 0.0, ""),
    }
    made = []
    for name, (value, note) in found.items():
        if name in standard.rules and (check := check_rule(standard, name, value, specimen=specimen, note=note)):
            made.append(check)
    tilts = [one.mean_fibre_tilt_deg for one in numbers if one.mean_fibre_tilt_deg is not None]
    whole = fibers_of(fields, settings)
    doubtful = 100 * diameter_variance(whole).doubtful if len(whole.diameter) >= LEAST else 0.0
    for title, value, limit, unit, why, quantities in (
        (
            Text("fibres.check_dense"),
            max(one.area["fibre"] for one in numbers),
            _DENSEST,
            "%",
            Text("fibres.why_dense"),
            (),
        ),
        (
            Text("fibres.check_flat"),
            max(tilts, default=0.0),
            _FLATTEST,
            "deg",
            Text("fibres.why_flat"),
            (*_DIRECTIONS, *_SIZES),
        ),
        (
            Text("fibres.check_scatter"),
            doubtful,
            _NO_SCATTER,
            "%",
            Text("fibres.why_scatter"),
            ("fibre_diameter_sd_um",),
        ),
    ):
        made.append(
            plausibility.check(
                title,
                value,
                "<=",
                limit,
                unit,
                clause=Text("fibres.clause_own"),
                specimen=specimen,
                note=Text("fibres.note_worst_field"),
                advice=why,
                quantities=quantities,
            )
        )
    return made


def warnings_of(fields: Sequence[Measured], settings: Settings) -> list[str]:
    """What page 1 must say of one specimen."""
    specimen = fields[0].specimen
    fibers = fibers_of(fields, settings)
    made: list[str] = []
    if len(fibers.diameter) < LEAST:
        made.append(Text("fibres.warning_few", specimen=specimen, n=len(fibers.diameter), least=LEAST))
    else:
        weight = fibers.by_number.weight
        seen = float(np.average(fibers.tilt_deg, weights=weight))
        left = float(np.average(tilts_without_noise(fibers), weights=weight))
        if left < seen / 2:
            made.append(Text("fibres.warning_small_tilt", specimen=specimen, seen=seen))
    if not all("void" in field.values.numbers.area for field in fields):
        made.append(Text("fibres.warning_no_voids", specimen=specimen))
    return made
