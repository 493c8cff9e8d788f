"""Sampling rules of the edition, doubts of the numbers, and the warnings of one specimen."""

from collections.abc import Mapping, Sequence
from math import pi

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import Check, Segmentation, Standard
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.results import sample_of
from inspect_tool.recipes.particles.settings import SIZES, Settings
from inspect_tool.recipes.particles.values import Measured
from inspect_tool.standards.editions import check_rule
from inspect_tool.statistics.weighted import effective_number

_OF_FRAME = 50.0  # side of a particle over that of the field beyond which larger ones may never be whole [%]
_OF_VOLUME = 30.0  # share of the volume that one particle may carry [%]
_COVERED = 95.0  # share of a field under particles: what is left between them is no background [%]
_REJECTED = 50.0  # share of the area in particles that are counted but not measured [%]
_BETWEEN = 75.0  # of the variance of gray; below, real pictures were read three times as badly by number [%]
_VOLUMES = (*(name for name, _, kind in SIZES if kind == "volume"), "sauter_diameter_um")
_LENGTHS = (*(name for name, _, _ in SIZES), "mean_particle_ecd_um", "sauter_diameter_um")


def told_of(segmentation: Segmentation) -> Mapping[str, float]:
    """What the backend says of its level that a check asks for, for ``FieldMeasurement.read_off``."""
    between = segmentation.told.variance_between
    return {} if between is None else {"variance_between": between}


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
    largest = 100 * float(volume.max() / volume.sum()) if len(volume) else 0.0
    for title, value, limit, why, quantities in (
        (
            Text("particles.check_of_frame"),
            max(field.values.largest_of_frame_percent for field in fields),
            _OF_FRAME,
            Text("particles.why_of_frame"),
            (*_LENGTHS, "largest_particle_feret_um"),
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
            Text("particles.check_rejected"),
            max(one.concave_area_percent for one in numbers) if settings.overlap == "reject" else 0.0,
            _REJECTED,
            Text("particles.why_rejected"),
            _LENGTHS,
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
    between = [float(field.read_off["variance_between"]) for field in fields if "variance_between" in field.read_off]
    if between:
        made.append(
            plausibility.check(
                Text("particles.check_between"),
                100 * min(between),
                ">=",
                _BETWEEN,
                "%",
                clause=Text("particles.clause_own"),
                specimen=specimen,
                note=Text("particles.note_worst_field"),
                advice=Text("particles.why_between"),
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
