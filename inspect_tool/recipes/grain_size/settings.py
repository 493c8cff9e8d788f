"""What the methods of grain size are: settings, what each one measures, and how that becomes G."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Literal

from annotated_types import Ge, Le
from typing_extensions import Doc

from inspect_tool.errors import StandardError
from inspect_tool.languages import Text
from inspect_tool.model import Component, Standard
from inspect_tool.ranges import From0, Percent
from inspect_tool.recipes.grain_size.values import Measured
from inspect_tool.standards.formulas import astm_e112, astm_e1382, iso_643
from inspect_tool.statistics.fields import FieldStatistics, field_statistics
from inspect_tool.statistics.uncertainty import combined, coverage_factor, effective_dof

Method = Literal["abrams", "hilliard", "heyn", "jeffries", "saltykov", "mean_area", "intercept"]


METHOD_TITLES: Mapping[str, str] = {
    "abrams": Text("grain_size.abrams_three_circles"),
    "hilliard": Text("grain_size.hilliard_single_circle"),
    "heyn": Text("grain_size.heyn_lines"),
    "jeffries": Text("grain_size.jeffries_circle"),
    "saltykov": Text("grain_size.saltykov_rectangle"),
    "mean_area": Text("grain_size.mean_area_of_whole_grains"),
    "intercept": Text("grain_size.test_lines_over_whole_field"),
}


_FORMULAS: Mapping[str, ModuleType] = {"ASTM E112": astm_e112, "ISO 643": iso_643, "ASTM E1382": astm_e1382}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the grain size is measured."""

    method: Annotated[Method, Doc("of the main result; the other methods are compared with it")] = "abrams"
    circle_rule: Annotated[Literal["edition", "minus_one"], Doc("minus_one takes one grain off a Jeffries count")] = (
        "edition"
    )
    triple_points: Annotated[Literal["edition", "alternate"], Doc("alternate: every second one counts two (E1382)")] = (
        "edition"
    )
    triple_point_px: Annotated[
        Annotated[float, Ge(0), Le(0.5)], Doc("a line this close to a triple point goes through it")
    ] = 0.25
    figure_magnification: Annotated[
        From0[float], Doc("figure as the standard draws it at this magnification; 0: chosen")
    ] = 0.0
    placements: Annotated[
        Annotated[int, Ge(0), Le(1000)], Doc("of the figure per side of the field; 0: as many as fit, at most 4")
    ] = 0
    deformation_axis: Annotated[Literal["horizontal", "vertical"], Doc("in the image; 0 deg of the directions")] = (
        "horizontal"
    )
    twins: Annotated[Literal["not counted", "counted"], Doc("as the segmentation treats twin boundaries")] = (
        "not counted"
    )
    second_phase: Annotated[Literal["none", "dark", "bright", "unlabeled", "given"], Doc("its grains do not count")] = (
        "none"
    )
    second_phase_threshold: Annotated[
        From0[float], Doc("gray level; grains darker (brighter) than it are the second phase")
    ] = 0.0
    second_phase_percent: Annotated[Percent, Doc('for "given"')] = 0.0
    smallest_grain_px: Annotated[From0[int], Doc("smaller ones are given to their neighbors")] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Mean measurement of one specimen with its relative budget."""

    key: str  # column of the fields table
    mean: float
    n: int
    lines: tuple[Component, ...]  # relative to the mean [1]
    planes: tuple[tuple[str, FieldStatistics], ...]
    note: str = ""

    @property
    def ra_percent(self) -> float | None:
        """95 % confidence interval of the mean measurement over the mean, from the scatter of the fields. [%]"""
        between = [line for line in self.lines if line.kind == "A"]
        if not between:
            return None
        return 100 * coverage_factor(effective_dof(between)) * combined(between)


def formulas(standard: Standard) -> ModuleType:
    """Formulas of the standard; its editions, and what follows it, share them."""
    try:
        return _FORMULAS[standard.follows]
    except KeyError:
        known = ", ".join(_FORMULAS)
        msg = f"standards/{standard.name}.toml: '{standard.follows}' is no grain size method; known: {known}"
        raise StandardError(msg) from None


def basis(method: Method) -> tuple[str, str]:
    """Column that holds the measurement of a method, and what is measured."""
    match method:
        case "abrams" | "hilliard" | "heyn":
            return "figure_n_l_per_mm", Text("grain_size.measured_figure_intercepts")
        case "intercept":
            return "n_l_per_mm", Text("grain_size.measured_line_intercepts")
        case "jeffries":
            return "figure_grains_per_mm2", Text("grain_size.measured_grains_in_circle")
        case "saltykov":
            return "grains_per_mm2", Text("grain_size.measured_grains_in_rectangle")
        case "mean_area":
            return "whole_grains_per_mm2", Text("grain_size.measured_whole_grains")


def power(key: str) -> float:
    """How many powers of a length a measurement has; lines 1, areas 2."""
    return 2.0 if key.endswith("per_mm2") else 1.0


def grain_number(key: str, value: float, standard: Standard) -> float:
    """Grain size number of a measurement, by the formulas of the edition."""
    module = formulas(standard)
    if key.endswith("n_l_per_mm"):
        return float(module.g_from_intercepts_per_mm(value, standard))
    if key.endswith("area_um2"):
        return float(module.g_from_mean_area(value, standard))
    return float(module.g_from_grains_per_mm2(value, standard))


def area_line(standard: Standard) -> tuple[float, float]:
    """Slope and offset of G over log2 of an area in um2, so that thousands of grains take one step."""
    one, two = (grain_number("area_um2", value, standard) for value in (1.0, 2.0))
    return two - one, one


def is_size(key: str) -> bool:
    """Tell measurements of size from ratios."""
    return key not in ("anisotropy_index", "matrix_percent")


def statistics(key: str, fields: Sequence[Measured]) -> FieldStatistics:
    """Statistics of one column over fields, sections apart."""
    return field_statistics([float(field.values[key]) for field in fields], [field.section for field in fields])


def rounded(g: float) -> str:
    """Counted methods are rounded to a tenth.

    >>> rounded(7.96), rounded(-0.04)
    ('8.0', '0.0')
    """
    return f"{round(g, 1) + 0.0:.1f}"


NAMES: Mapping[str, str] = {
    "n_l_per_mm": Text("grain_size.whole_field_intercepts_per_length"),
    "grains_per_mm2": Text("grain_size.grains_in_rectangle_per_area"),
    "whole_grains_per_mm2": Text("grain_size.whole_grains_per_area"),
    "figure_n_l_per_mm": Text("grain_size.figure_intercepts_per_length"),
    "figure_grains_per_mm2": Text("grain_size.grains_in_circle_per_area"),
    "anisotropy_index": Text("grain_size.anisotropy_index"),
    "matrix_percent": Text("grain_size.matrix_phase"),
}


UNITS: Mapping[str, str] = {
    "n_l_per_mm": "1/mm",
    "grains_per_mm2": "1/mm2",
    "whole_grains_per_mm2": "1/mm2",
    "figure_n_l_per_mm": "1/mm",
    "figure_grains_per_mm2": "1/mm2",
    "anisotropy_index": "1",
    "matrix_percent": "%",
}
