"""Mean measurements of one specimen: over its fields, sections and planes, each with its relative budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, joined
from inspect_tool.measure import intercepts
from inspect_tool.model import Component
from inspect_tool.recipes.grain_size.settings import Estimate, Settings, basis, is_size, power, statistics
from inspect_tool.recipes.grain_size.values import Measured
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.formulas import astm_e112
from inspect_tool.statistics.fields import FieldStatistics, scatter_line
from inspect_tool.statistics.uncertainty import half_range

# a count of a Saltykov rectangle is 0.4 of a grain too high on a Poisson-Voronoi mosaic
_RECTANGLE_BIAS_GRAINS = 0.4
# grain areas that scatter by more than this share of their mean make every measurement scatter more
_PLAIN_SPREAD = 0.8
_WHOLE_GRAINS = 1.25  # scatter of their weighted number over that of all grains of a rectangle, by simulation
_TWINS_LEFT = 0.15  # error of the boundary length over the share of lamellae merged, from drawn twinned fields [1]
PLANES = ("longitudinal", "transverse", "planar")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Factor:
    """One factor of a mean over planes: a column of the fields of one plane, and its exponent."""

    name: str
    key: str
    fields: Sequence[Measured]
    found: FieldStatistics
    times: int  # how often it stands in the product


def estimated(fields: Sequence[Measured], settings: Settings, scaled: bool) -> dict[str, Estimate]:
    """Estimate every measurement that all fields have.

    Raises
    ------
    MeasurementError
        No grain lies wholly inside a field, and the method asks for its area.
    """
    keys: tuple[str, ...] = (
        ("n_l_per_mm", "grains_per_mm2", "whole_grains_per_mm2", basis(settings.method)[0], "anisotropy_index")
        if scaled
        else ("anisotropy_index",)
    )
    if settings.second_phase not in ("none", "given"):
        keys += ("matrix_percent",)
    found = {}
    for key in dict.fromkeys(keys):
        own = anisotropy_fields(fields) if key == "anisotropy_index" else fields
        if _measured(key, own):
            found[key] = _estimate(key, own, settings)
    if scaled and basis(settings.method)[0] not in found:
        msg = (
            "grain_size: no grain lies wholly inside a field, so that there is no mean area; "
            "use larger images or another method"
        )
        raise MeasurementError(msg)
    return found


def _measured(key: str, fields: Sequence[Measured]) -> bool:
    """Whether all fields have a measurement, and one on each plane is above 0: the field may hold no whole grain."""
    return all(key in field.values for field in fields) and all(
        any(float(field.values[key]) > 0 for field in fields if field.plane == plane)
        for plane in {field.plane for field in fields}
    )


def anisotropy_fields(fields: Sequence[Measured]) -> Sequence[Measured]:
    """Fields that tell the anisotropy index: the longitudinal plane, else the planar one, which holds the axis too."""
    for plane in ("longitudinal", "planar"):
        own = [field for field in fields if field.plane == plane]
        if own:
            return own
    return fields


def principal_planes(fields: Sequence[Measured]) -> tuple[str, ...]:
    """Principal planes that the fields were cut on, in the order of the standard; none unless all fields say so."""
    cut = {field.plane for field in fields}
    return () if "not stated" in cut else tuple(plane for plane in PLANES if plane in cut)


def _estimate(key: str, fields: Sequence[Measured], settings: Settings) -> Estimate:
    factors, note = _factors(key, fields)
    total = sum(factor.times for factor in factors)
    lines: list[Component] = []
    for factor in factors:
        share = factor.times / total
        between = scatter_line(factor.found) if factor.found.mean else ()
        relative = [replace(line, u=line.u / abs(factor.found.mean)) for line in between]
        if not relative and key != "matrix_percent":
            relative = [_one_field(factor.key, factor.fields)]
        lines += [
            replace(
                line,
                name=Text("budget.of_part", line=line.name, part=factor.name) if factor.name else line.name,
                u=share * line.u,
                basis=line.basis
                + (Text("grain_size.basis_factors_of_mean", times=factor.times, total=total) if total > 1 else ""),
            )
            for line in relative
        ]
    means = [factor.found.mean for factor in factors for _ in range(factor.times)]
    return Estimate(
        key=key,
        mean=astm_e112.geometric_mean(means) if total > 1 else means[0],
        n=len(fields),
        lines=(*lines, *_systematic(key, fields, settings)),
        planes=tuple((factor.name, factor.found) for factor in factors),
        note=note,
    )


def _factors(key: str, fields: Sequence[Measured]) -> tuple[list[_Factor], str]:
    """Factors of the mean over principal planes (ASTM E112, non-equiaxed grains), and what the reader is told."""

    def factor(name: str, plane: str, column: str = key, times: int = 1) -> _Factor:
        own = [field for field in fields if field.plane == plane]
        return _Factor(name=name, key=column, fields=own, found=statistics(column, own), times=times)

    planes = principal_planes(fields)
    if len(planes) < 2 or not is_size(key):
        return [_Factor(name="", key=key, fields=fields, found=statistics(key, fields), times=1)], ""
    if len(planes) == 3:
        return [factor(plane, plane) for plane in planes], Text(
            "grain_size.cube_root_of_three_planes", planes=", ".join(planes)
        )
    if key == "n_l_per_mm" and "longitudinal" in planes:
        other = planes[1]
        along, across = "n_l_0deg_per_mm", "n_l_90deg_per_mm"
        directed = [
            factor(Text("grain_size.longitudinal_0_deg"), "longitudinal", along),
            factor(Text("grain_size.longitudinal_90_deg"), "longitudinal", across),
            factor(Text("grain_size.other_plane_90_deg", other=other), other, across),
        ]
        if all(one.found.mean > 0 for one in directed):
            return directed, Text(
                "grain_size.cube_root_of_directed_lines", directed=", ".join(one.name for one in directed)
            )
    if "transverse" in planes:
        twice = planes[0] if planes[0] != "transverse" else planes[1]
        missing = "planar" if twice == "longitudinal" else "longitudinal"
        note = Text("grain_size.cube_root_of_rod_planes", missing=missing, twice=twice)
        return [factor(twice, twice, times=2), factor("transverse", "transverse")], note
    return (
        [factor(plane, plane) for plane in planes],
        Text("grain_size.square_root_of_two_planes", planes=" and ".join(planes)),
    )


# ------------------------------------------------------------------------------------------- lines of the budget


def _one_field(key: str, fields: Sequence[Measured]) -> Component:
    """Sampling line where there is one field: the scatter of a random mosaic of so many grains.

    Numbers of grains scatter by 1 / sqrt(grains) exactly in a Poisson-Voronoi mosaic; intercepts of lines over
    the whole field by 0.5 / sqrt(grains), their ratio across and along by 0.35 / sqrt(grains), and test figures by
    0.65 / sqrt(counts), by simulation. In lognormal mosaics all of it grows with the spread of the areas.
    """
    spread = max(_spread(field) for field in fields)
    wide = max(1.0, spread / _PLAIN_SPREAD)
    if key == "figure_n_l_per_mm":
        counted = sum(float(field.values["figure_counts"]) for field in fields)
        factor, what = 0.65, Text("terms.counts")
    elif key == "figure_grains_per_mm2":
        counted = sum(float(field.values["figure_grains"]) for field in fields)
        factor, what = 1.0, Text("grain_size.grains")
    elif "grains_counted" in fields[0].values:
        counted = sum(float(field.values["grains_counted"]) for field in fields)
        factor, what = (0.5 if power(key) == 1 else 1.0), Text("grain_size.grains")
    else:
        counted, factor, what = sum(float(len(field.features)) for field in fields), 1.0, Text("grain_size.grains")
    if key == "anisotropy_index":
        factor = 0.35
    elif key == "whole_grains_per_mm2":
        factor *= _WHOLE_GRAINS
    return Component(
        name=Text("budget.sampling_from_a_model"),
        u=factor * wide / sqrt(max(counted, 1.0)),
        kind="B",
        basis=Text(
            "grain_size.basis_one_field",
            spread=100 * spread,
            factor=factor * wide,
            counted=counted,
            what=what,
        ),
    )


def _spread(field: Measured) -> float:
    """Standard deviation of the areas of whole grains over their mean, weighted for the frame. [1]"""
    area = field.features["area_px2"].to_numpy(dtype=np.float64)
    weight = field.features["edge_weight"].to_numpy(dtype=np.float64)
    if np.count_nonzero(weight) < 2:
        return 0.0
    mean = np.average(area, weights=weight)
    return float(sqrt(np.average((area - mean) ** 2, weights=weight)) / mean)


def _systematic(key: str, fields: Sequence[Measured], settings: Settings) -> Iterator[Component]:
    """Relative budget lines that more fields do not shrink."""
    if is_size(key):
        u_rel = max(field.calibration.u_rel for field in fields)
        yield Component(
            name=Text("budget.scale"),
            u=power(key) * u_rel,
            kind="B",
            basis=Text("grain_size.basis_pixel_size", key=power(key), u_rel=u_rel)
            if u_rel
            else Text("grain_size.basis_pixel_size_not_stated"),
        )
    base = float(np.mean([float(field.values[key]) for field in fields]))
    names = [name for name in fields[0].alternatives if all(key in f.alternatives.get(name, {}) for f in fields)]
    if names:
        other = [float(np.mean([float(field.alternatives[name][key]) for field in fields])) for name in names]
        yield Component(
            name=Text("budget.segmentation"),
            u=half_range([base, *other]) / abs(base),
            kind="B",
            basis=Text(
                "grain_size.basis_other_segmentations", n_names=len(names), names=joined(", ", map(title_of, names))
            ),
        )
    elif is_size(key):
        yield _half_pixel(key, fields)
    lamellae = sum(field.values.doubts.twin_lamellae for field in fields)
    if lamellae and is_size(key):
        share = lamellae / sum(len(field.features) for field in fields)
        yield Component(
            name=Text("budget.twins_left"),
            u=power(key) * _TWINS_LEFT * share,
            kind="B",
            basis=Text("grain_size.basis_twins_left", key=power(key), twins_left=_TWINS_LEFT, share=share),
        )
    missed = max(field.missed_u_rel for field in fields)
    if missed and is_size(key):
        yield Component(
            name=Text("budget.boundaries_never_seen"),
            u=power(key) * missed,
            kind="B",
            basis=Text("grain_size.basis_missed_boundary", key=power(key), missed=missed),
        )
    yield from _counting(key, fields, settings)


def _half_pixel(key: str, fields: Sequence[Measured]) -> Component:
    """Half a pixel round the field, where there is no other segmentation to compare with.

    Grains share their boundaries: where one lies changes neither how often lines cross it nor how many grains
    there are, and what a grain loses its neighbor gains. It only changes what the field holds.
    """
    side = min(min(field.shape_px) for field in fields)
    return Component(
        name=Text("budget.segmentation"),
        u=power(key) / side / sqrt(3),
        kind="B",
        basis=Text("grain_size.basis_ends_of_field"),
    )


def _counting(key: str, fields: Sequence[Measured], settings: Settings) -> Iterator[Component]:
    """What is left of known leanings of the counting after their correction, or all where the edition keeps them."""
    if key == "n_l_per_mm":
        lost = float(np.mean([float(field.values["lost_chords_percent"]) for field in fields]))
        yield Component(
            name=Text("budget.chords_between_pixels"),
            u=lost / 100 * intercepts.LOST_SPREAD / intercepts.LOST_PER_JUNCTION / sqrt(3),
            kind="B",
            basis=Text("grain_size.basis_lost_chords", lost=lost),
        )
    if key == "figure_n_l_per_mm" and settings.method in ("abrams", "hilliard") and settings.triple_points == "edition":
        triple = sum(float(field.values["figure_triple_points"]) for field in fields)
        counts = sum(float(field.values["figure_counts"]) for field in fields)
        yield Component(
            name=Text("budget.counting_rule"),
            u=0.25 * triple / counts / sqrt(3) if counts else 0.0,
            kind="B",
            basis=Text("grain_size.basis_triple_points", triple=triple, counts=counts),
        )
    if key == "figure_grains_per_mm2" and settings.circle_rule == "edition":
        mean = float(np.mean([float(f.values["figure_grains"]) / float(f.values["figure_placements"]) for f in fields]))
        yield Component(
            name=Text("budget.counting_rule"),
            u=1.0 / mean / sqrt(3),
            kind="B",
            basis=Text("grain_size.basis_circle_rule", mean=mean),
        )
    if key == "grains_per_mm2":
        mean = float(np.mean([float(field.values["grains_counted"]) for field in fields]))
        yield Component(
            name=Text("budget.counting_rule"),
            u=_RECTANGLE_BIAS_GRAINS / mean / sqrt(3),
            kind="B",
            basis=Text("grain_size.basis_rectangle_rule", rectangle_bias_grains=_RECTANGLE_BIAS_GRAINS, mean=mean),
        )
