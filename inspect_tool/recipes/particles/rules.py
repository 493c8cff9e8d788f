"""Sampling rules of the edition, doubts of the numbers, and the warnings of one specimen."""

from collections.abc import Mapping, Sequence
from math import pi
from typing import Literal

import numpy as np

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.measure.contact_edges import flat_contacts_percent
from inspect_tool.measure.gray import asked
from inspect_tool.model import Check, LabelImage, Micrograph, Segmentation, Standard
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.results import sample_of
from inspect_tool.recipes.particles.settings import SIZES, Settings
from inspect_tool.recipes.particles.values import Measured
from inspect_tool.standards.editions import check_rule
from inspect_tool.statistics.weighted import effective_number

_OF_FRAME = 50.0  # side of a particle over that of the field beyond which larger ones may never be whole [%]
_OF_VOLUME = 30.0  # share of the volume that one particle may carry [%]
_COVERED = 95.0  # share of a field under particles: what is left between them is no background [%]
_CONCAVE = 50.0  # share of the area in particles with a concave outline: clusters, or not measured [%]
_FLAT = 60.0  # share of contacts without an edge; above, rods of real pictures had come out in pieces [%]
_BETWEEN = 75.0  # of the variance of gray; below, real pictures were read three times as badly by number [%]
_VOLUMES = (*(name for name, _, kind in SIZES if kind == "volume"), "sauter_diameter_um")
_LENGTHS = (*(name for name, _, _ in SIZES), "mean_particle_ecd_um", "sauter_diameter_um")
_OF_CLUSTERS = (  # wrong besides where clusters count as one
    "largest_particle_feret_um",
    "particle_count_per_mm2",
    "satellite_percent",
)


def told_of(segmentation: Segmentation, micrograph: Micrograph, particles: LabelImage) -> Mapping[str, float]:
    """What the backend says of its level, and the picture of contacts, for ``FieldMeasurement.read_off``.

    Of contacts nothing is kept where there are few, where a person drew the particles, or where the image is gone and
    had been measured before they were asked for.
    """
    between = segmentation.told.variance_between
    told = {} if between is None else {"variance_between": between}

    def read() -> float | None:
        if segmentation.backend == "labels" or not isinstance(micrograph.pixels, np.ndarray):
            return None
        return flat_contacts_percent(micrograph.pixels, particles)

    return {**told, **asked(micrograph, "flat_contacts_percent", read)}


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Check]:
    """Rules of the method card that the edition has, and doubts, for one specimen."""
    specimen = fields[0].specimen
    numbers = [field.values.numbers for field in fields]
    particles = sum(one.particles for one in numbers)
    below = sum(one.below_minimum for one in numbers)
    unit = "um" if all(field.calibration.pixel_um is not None for field in fields) else "px"
    sample = sample_of(fields, unit)
    volume = sample.weight * sample.size**3
    found: dict[str, tuple[float, str]] = {
        "fields": (float(min(_per_section(fields))), ""),
        "particles": (float(len(sample.size)), Text("particles.note_measured")),
        "smallest_particle": (float(_smallest_px2(fields, settings)), Text("particles.note_declared")),
        "below_minimum": (100 * below / (particles + below) if particles + below else 0.0, ""),
        "cut_by_edge": (100 * sum(one.particles_cut for one in numbers) / particles if particles else 0.0, ""),
        "touching": (
            sum(one.touching_percent * one.particles for one in numbers) / particles if particles else 0.0,
            "",
        ),
        "covered": (max(one.area_percent for one in numbers), Text("particles.note_worst_field")),
        "effective_particles": (
            float(effective_number(volume)),
            Text("particles.note_effective"),
        ),
    }
    made = []
    for name, (value, note) in found.items():
        if name in standard.rules and (check := check_rule(standard, name, value, specimen=specimen, note=note)):
            made.append(check)
    rejected = settings.overlap == "reject"
    largest = 100 * float(volume.max() / volume.sum()) if len(volume) else 0.0
    for title, value, limit, why, quantities in (
        (
            Text("particles.check_of_frame"),
            max(field.values.largest_of_frame_percent for field in fields),
            _OF_FRAME,
            Text("particles.why_of_frame"),
            (*_LENGTHS, *_OF_CLUSTERS),
        ),
        (Text("particles.check_of_volume"), largest, _OF_VOLUME, Text("particles.why_of_volume"), _VOLUMES),
        (
            Text("particles.check_covered"),
            max(one.area_percent for one in numbers),
            _COVERED,
            Text("particles.why_covered"),
            (),
        ),
        (
            Text("particles.check_rejected") if rejected else Text("particles.check_concave"),
            max(one.concave_area_percent for one in numbers),
            _CONCAVE,
            Text("particles.why_rejected") if rejected else Text("particles.why_concave"),
            _LENGTHS if rejected else (*_LENGTHS, *_OF_CLUSTERS),
        ),
    ):
        made.append(
            plausibility.check(
                title,
                value,
                "<=",
                limit,
                "%",
                clause=Text("particles.clause_own"),
                specimen=specimen,
                advice=why,
                quantities=quantities,
            )
        )
    read: tuple[tuple[str, float, Text, Literal[">=", "<="], float, Text], ...] = (
        ("variance_between", 100.0, Text("particles.check_between"), ">=", _BETWEEN, Text("particles.why_between")),
        ("flat_contacts_percent", 1.0, Text("particles.check_flat"), "<=", _FLAT, Text("particles.why_flat")),
    )
    for name, percent, title, relation, limit, why in read:
        told = [percent * float(field.read_off[name]) for field in fields if name in field.read_off]
        if told:
            made.append(
                plausibility.check(
                    title,
                    min(told) if relation == ">=" else max(told),
                    relation,
                    limit,
                    "%",
                    clause=Text("particles.clause_own"),
                    specimen=specimen,
                    note=Text("particles.note_worst_field"),
                    advice=why,
                )
            )
    return made


def _per_section(fields: Sequence[Measured]) -> list[int]:
    sections = [field.section for field in fields]
    return [sections.count(section) for section in dict.fromkeys(sections)]


def _smallest_px2(fields: Sequence[Measured], settings: Settings) -> float:
    """Area of the smallest particle that counts, by the settings. [px2]"""
    sizes = [field.calibration.pixel_um for field in fields if field.calibration.pixel_um is not None]
    declared = pi / 4 * (settings.minimum_um / max(sizes)) ** 2 if sizes else 0.0
    return max(float(settings.minimum_px2), declared)


def warnings_of(fields: Sequence[Measured], settings: Settings) -> list[str]:
    """What page 1 must say of one specimen."""
    specimen = fields[0].specimen
    unit = "um" if all(field.calibration.pixel_um is not None for field in fields) else "px"
    sample = sample_of(fields, unit)
    made: list[str] = []
    if len(sample.size) < sampling.LEAST:
        made.append(Text("particles.warning_few", specimen=specimen, n=len(sample.size), least=sampling.LEAST))
        return made
    if sampling.few_by_volume(sample):
        distance = sampling.distance_from_lognormal(sample)
        effective = float(effective_number(sample.weight * sample.size**3))
        made.append(Text("particles.warning_few_by_volume", specimen=specimen, effective=effective))
        if distance > 1:
            made.append(Text("particles.warning_not_lognormal", specimen=specimen))
    concave = sum(field.values.numbers.particles_concave for field in fields)
    if concave and settings.overlap == "separate":
        made.append(
            Text(
                "particles.warning_concave",
                specimen=specimen,
                concave=int(concave),
                particles=int(sum(field.values.numbers.particles for field in fields)),
            )
        )
    return made
