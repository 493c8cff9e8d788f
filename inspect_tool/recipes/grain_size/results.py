"""Results of one specimen: numbers of grain size with their budgets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import log, log2, sqrt

import pandas as pd

from inspect_tool.languages import Text, joined
from inspect_tool.model import Carried, Component, Quantity, Result, Standard
from inspect_tool.recipes.grain_size.estimates import anisotropy_fields
from inspect_tool.recipes.grain_size.settings import (
    METHOD_TITLES,
    Estimate,
    Settings,
    basis,
    grain_number,
    power,
    rounded,
)
from inspect_tool.recipes.grain_size.values import Measured
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.uncertainty import evaluated, half_range

QUANTITIES: Mapping[str, Quantity] = {
    "grain_size_number": Quantity(title=Text("grain_size.title_g_of_job_method"), unit="G", needs_scale=True),
    "grain_size_number.intercept": Quantity(
        title=Text("grain_size.title_g_whole_field_lines"), unit="G", needs_scale=True
    ),
    "grain_size_number.planimetric": Quantity(title=Text("grain_size.title_g_saltykov"), unit="G", needs_scale=True),
    "grain_size_number.mean_area": Quantity(title=Text("grain_size.title_g_mean_area"), unit="G", needs_scale=True),
    "grain_size_number.largest": Quantity(title=Text("grain_size.title_g_largest_section"), unit="G", needs_scale=True),
    "mean_intercept_um": Quantity(
        title=Text("grain_size.title_mean_intercept_whole_field"), unit="um", needs_scale=True
    ),
    "mean_intercept_um.figure": Quantity(
        title=Text("grain_size.title_mean_intercept_of_figure"), unit="um", needs_scale=True
    ),
    "grains_per_mm2": Quantity(title=Text("grain_size.title_grains_per_area_saltykov"), unit="1/mm2", needs_scale=True),
    "grains_per_mm2.figure": Quantity(
        title=Text("grain_size.title_grains_per_area_jeffries"), unit="1/mm2", needs_scale=True
    ),
    "mean_grain_area_um2": Quantity(title=Text("grain_size.title_mean_grain_area"), unit="um2", needs_scale=True),
    "boundary_area_per_volume_per_mm": Quantity(
        title=Text("grain_size.title_boundary_area_per_volume"), unit="1/mm", needs_scale=True
    ),
    "anisotropy_index": Quantity(title=Text("grain_size.anisotropy_index"), unit="1", needs_scale=False),
    "matrix_percent": Quantity(title=Text("grain_size.matrix_phase"), unit="%", needs_scale=False),
}

_OF_G = "grain_size_number"
CARRIED: Mapping[str, Carried] = {  # see validation.line; a length goes with 2^(-G/2), a number per area with 2^G
    **dict.fromkeys((_OF_G, f"{_OF_G}.intercept", f"{_OF_G}.planimetric", f"{_OF_G}.mean_area"), Carried(of=_OF_G)),
    **dict.fromkeys(
        ("mean_intercept_um", "mean_intercept_um.figure", "boundary_area_per_volume_per_mm"),
        Carried(of=_OF_G, factor=log(2) / 2),
    ),
    **dict.fromkeys(
        ("grains_per_mm2", "grains_per_mm2.figure", "mean_grain_area_um2"), Carried(of=_OF_G, factor=log(2))
    ),
}

_VERSIONS: Mapping[str, int] = {"mean_area": 2, "mean_grain_area_um2": 2}  # of what is measured; all others 1


def results_of(
    estimates: Mapping[str, Estimate],
    fields: Sequence[Measured],
    grains: pd.DataFrame,
    settings: Settings,
    standard: Standard,
    specimen: str,
    scaled: bool,
) -> Iterator[Result]:
    """Give every result of one specimen, with its budget."""
    edition = designation(standard)
    if scaled:
        key, what = basis(settings.method)
        name = (
            Text("grain_size.grain_size_index")
            if standard.follows == "ISO 643"
            else Text("grain_size.grain_size_number")
        )
        numbers = (
            ("grain_size_number", key, METHOD_TITLES[settings.method], settings.method, what),
            (
                "grain_size_number.intercept",
                "n_l_per_mm",
                METHOD_TITLES["intercept"],
                "intercept",
                Text("grain_size.test_lines"),
            ),
            (
                "grain_size_number.planimetric",
                "grains_per_mm2",
                METHOD_TITLES["saltykov"],
                "saltykov",
                Text("grain_size.grains"),
            ),
            (
                "grain_size_number.mean_area",
                "whole_grains_per_mm2",
                METHOD_TITLES["mean_area"],
                "mean_area",
                Text("grain_size.grains"),
            ),
        )
        for quantity, column, method, short, of in numbers:
            if column in estimates:
                yield _number(
                    estimates[column],
                    quantity=quantity,
                    title=Text("grain_size.title_g_by_method", name=name, standard=standard.id, method=method),
                    definition=Text(
                        "grain_size.definition_g_by_method",
                        quantity=quantity,
                        short=short,
                        short_2=_VERSIONS.get(short, 1),
                        of=of,
                    ),
                    clause=joined(": ", (edition, method)),
                    standard=standard,
                    specimen=specimen,
                    main=quantity == "grain_size_number",
                )
        lines = estimates["n_l_per_mm"]
        of_figure = joined(": ", (edition, METHOD_TITLES[settings.method]))
        # what stands beside G on page 1 is of the same method
        if key == "figure_n_l_per_mm":
            yield _size(
                _inverse(estimates[key], 1e3),
                quantity="mean_intercept_um.figure",
                unit="um",
                clause=Text("grain_size.clause_mean_intercept_of_figure", of_figure=of_figure),
                specimen=specimen,
                main=True,
            )
        if key == "figure_grains_per_mm2":
            yield _size(
                estimates[key],
                quantity="grains_per_mm2.figure",
                unit="1/mm2",
                clause=of_figure,
                specimen=specimen,
                main=True,
            )
        yield _size(
            _inverse(lines, 1e3),
            quantity="mean_intercept_um",
            unit="um",
            clause=Text("grain_size.clause_mean_intercept_whole_field", edition=edition),
            specimen=specimen,
            main=key == "n_l_per_mm",
        )
        yield _size(
            estimates["grains_per_mm2"],
            quantity="grains_per_mm2",
            unit="1/mm2",
            clause=Text("grain_size.clause_grains_in_rectangle", edition=edition),
            specimen=specimen,
            main=key == "grains_per_mm2",
        )
        if "whole_grains_per_mm2" in estimates:
            yield _size(
                _inverse(estimates["whole_grains_per_mm2"], 1e6),
                quantity="mean_grain_area_um2",
                unit="um2",
                clause=Text("grain_size.clause_mean_grain_area"),
                specimen=specimen,
                main=key == "whole_grains_per_mm2",
            )
        yield _size(
            replace(lines, mean=2 * lines.mean),
            quantity="boundary_area_per_volume_per_mm",
            unit="1/mm",
            clause=Text("grain_size.clause_boundary_area_per_volume"),
            specimen=specimen,
            main=False,
        )
        yield _largest_result(grains, fields, standard, specimen)
    if "anisotropy_index" in estimates:
        yield _size(
            estimates["anisotropy_index"],
            quantity="anisotropy_index",
            unit="1",
            clause=Text("grain_size.clause_anisotropy_index", edition=edition) + _index_plane(fields),
            specimen=specimen,
            main=not scaled,
        )
    if "matrix_percent" in estimates:
        yield _size(
            estimates["matrix_percent"],
            quantity="matrix_percent",
            unit="%",
            clause=Text("grain_size.clause_matrix_phase", edition=edition),
            specimen=specimen,
            main=False,
        )


def _number(
    estimate: Estimate,
    *,
    quantity: str,
    title: str,
    definition: str,
    clause: str,
    standard: Standard,
    specimen: str,
    main: bool,
) -> Result:
    """Turn a mean measurement into G; the relative budget becomes one in units of G."""
    g = grain_number(estimate.key, estimate.mean, standard)
    # G = 2 log2(N_L) + c, or log2(N_A) + c: dG = (2 or 1) / ln 2 x relative change
    sensitivity = (2.0 / power(estimate.key)) / log(2)
    return evaluated(
        Result(
            quantity=quantity,
            specimen=specimen,
            value=g,
            unit="G",
            n=estimate.n,
            clause=clause + (f"; {estimate.note}" if estimate.note else ""),
            definition=definition,
            budget=tuple(
                replace(
                    line,
                    u=sensitivity * line.u,
                    basis=Text("grain_size.basis_relative_change_in_g", basis=line.basis, sensitivity=sensitivity),
                )
                for line in estimate.lines
            ),
            rounded=rounded(g),
            title=title,
            main=main,
        )
    )


def _size(estimate: Estimate, *, quantity: str, unit: str, clause: str, specimen: str, main: bool) -> Result:
    return evaluated(
        Result(
            quantity=quantity,
            specimen=specimen,
            value=estimate.mean,
            unit=unit,
            n=estimate.n,
            clause=clause + (f"; {estimate.note}" if estimate.note else ""),
            definition=Text(
                "grain_size.definition_mean_over_fields", quantity=quantity, quantity_2=_VERSIONS.get(quantity, 1)
            ),
            budget=tuple(replace(line, u=line.u * abs(estimate.mean)) for line in estimate.lines),
            title=QUANTITIES[quantity].title,
            main=main,
        )
    )


def _inverse(estimate: Estimate, unit: float) -> Estimate:
    """Mean intercept [um] or area [um2] from a number per length [1/mm] or area [1/mm2]; the same relative budget.

    ``unit`` is 1 mm in um, or 1 mm2 in um2.
    """
    return replace(estimate, mean=unit / estimate.mean)


def _index_plane(fields: Sequence[Measured]) -> str:
    planes = {field.plane for field in anisotropy_fields(fields)}
    if planes == {"longitudinal"}:
        return Text("grain_size.index_on_longitudinal_plane")
    if planes == {"planar"}:
        return Text("grain_size.index_on_planar_section")
    if planes == {"transverse"}:
        return Text("grain_size.index_on_transverse_section")
    return Text("grain_size.index_plane_not_stated")


def _largest_result(grains: pd.DataFrame, fields: Sequence[Measured], standard: Standard, specimen: str) -> Result:
    largest = grains.nlargest(1, "area_um2").to_dict("records")[0]
    u_rel = max(field.calibration.u_rel for field in fields)
    number = float(largest["grain_size_number"])
    cut = Text("grain_size.clause_largest_section_cut") if largest["touches_edge"] else ""
    return evaluated(
        Result(
            quantity="grain_size_number.largest",
            specimen=specimen,
            value=number,
            unit="G",
            n=len(grains),
            n_of=Text("grain_size.grains"),
            clause=Text("grain_size.clause_largest_section", cut=cut),
            definition=Text("grain_size.definition_g_largest_section"),
            budget=(
                Component(
                    name=Text("budget.scale"),
                    u=2 / log(2) * u_rel,
                    kind="B",
                    basis=Text("grain_size.basis_pixel_size_largest_grain"),
                ),
                *_largest_segmented(grains, fields),
            ),
            rounded=rounded(number),
            title=Text("grain_size.title_g_largest_by_edition", id=standard.id),
        )
    )


def _largest_segmented(grains: pd.DataFrame, fields: Sequence[Measured]) -> Iterator[Component]:
    """Lines of the segmentation [G]: one boundary that is missed or made up halves or doubles the largest grain."""
    area = grains["area_um2"].nlargest(2).to_numpy()
    names = [name for name in fields[0].alternatives if all(name in field.alternatives for field in fields)]
    yield Component(
        name=Text("budget.outline"),
        u=2 * 0.5 / sqrt(float(grains["area_px2"].max())) / sqrt(3) / log(2),
        kind="B",
        basis=Text("grain_size.basis_half_pixel_of_boundary"),
    )
    if not names:
        return
    other = [max(float(field.alternatives[name]["largest_grain_um2"]) for field in fields) for name in names]
    yield Component(
        name=Text("budget.segmentation"),
        u=half_range([0.0, *(log2(one / float(area[0])) for one in other)]),
        kind="B",
        basis=Text(
            "grain_size.basis_segmentation_largest_grain", n_names=len(names), names=joined(", ", map(title_of, names))
        ),
    )
    ends = (float(area.min()), float(area[0]) + float(grains["area_um2"].mean()))
    yield Component(
        name=Text("budget.one_boundary"),
        u=half_range(log2(end) for end in ends),
        kind="B",
        basis=Text("grain_size.basis_one_boundary"),
    )
