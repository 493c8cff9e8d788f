"""Sampling rules, consistency between methods, and warnings where one number does not describe the structure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
import pandas as pd

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.measure import duplex
from inspect_tool.model import Cell, Check, Editions, Result, Standard
from inspect_tool.recipes.grain_size.estimates import principal_planes
from inspect_tool.recipes.grain_size.settings import Estimate, Settings, basis, grain_number
from inspect_tool.recipes.grain_size.values import Measured
from inspect_tool.standards.editions import check_rule, designation, edition_of
from inspect_tool.standards.formulas import astm_e930, astm_e1181

# 1 pixel of lost boundary costs 0.1 G at a mean intercept of 30 px
_ADVISED_INTERCEPT_PX = 30.0
_SMALLEST_INTERCEPT_PX = 5.0
# G (intercept) - G (planimetric) is 0.16 for hexagons, 0.36 for a Poisson-Voronoi mosaic; a wide range of
# grain sizes lowers it, curved and ragged boundaries raise it
_KNOWN_DIFFERENCE_G = 0.20
_PLAUSIBLE_DIFFERENCE_G = 0.40

_EQUIAXED_INDEX = 1.3
_EQUIAXED_ASPECT = 2.5
_LOCAL_RANGE_G = 2.0
_FEWEST_TILES = 8
_NEIGHBORS_ALIKE = 2.5  # standard errors of a correlation that chance gives
_FEWEST_FOR_SHAPE = 20  # whole grains
# that there are two populations is tested; how far apart the standard wants them is not verified, and a structure
# that is averaged in silence costs more than a warning
_GATE_DOUBT_G = 1.5
_LARGEST_SHARE = 0.25  # of a field in one grain: too few grains, or boundaries that are not closed


def checks(
    estimates: Mapping[str, Estimate],
    results: Sequence[Result],
    fields: Sequence[Measured],
    settings: Settings,
    standard: Standard,
    specimen: str,
    scaled: bool,
) -> Iterator[Check]:
    """Judge the sampling rules of the edition on one specimen."""
    found: dict[str, tuple[float | None, str]] = {}
    method = settings.method

    def values(key: str) -> list[float]:
        return [float(field.values[key]) for field in fields]

    planes = len({(field.section, field.plane) for field in fields})
    per = min(sum((f.section, f.plane) == place for f in fields) for place in {(f.section, f.plane) for f in fields})
    sections = Text("grain_size.fewest_fields_of_section") if planes > 1 else ""
    found["fields_intercept"] = found["fields_planimetric"] = (float(per), sections)
    if scaled:
        estimate = estimates[basis(method)[0]]
        found["relative_accuracy"] = (
            estimate.ra_percent,
            Text("grain_size.accuracy_of_measurement", method=basis(method)[1])
            if estimate.ra_percent is not None
            else Text("grain_size.accuracy_unknown_one_field"),
        )
        match method:
            case "jeffries":
                found["grains_per_field"] = (min(values("figure_grains_smallest")), "")
            case "saltykov" | "mean_area":
                found["grains_per_field"] = (min(values("grains_counted")), "")
            case "intercept":
                found["total_counts"] = (sum(values("intercepts")), "")
                found["heyn_orientations"] = (4.0, "0, 45, 90, 135 deg")
            case _:
                found["total_counts"] = (sum(values("figure_counts")), "")
        if method == "abrams":
            found["abrams_counts_low"] = (min(values("figure_counts_smallest")), "")
            found["abrams_counts_high"] = (max(values("figure_counts_largest")), "")
        if method == "heyn":
            found["heyn_counts"] = (min(values("figure_counts")), "")
            found["heyn_orientations"] = (float(min(values("figure_orientations"))), "")
        if method == "hilliard":
            placed = sum(values("figure_placements"))
            diameter_um = min(values("figure_diameter_mm")) * 1e3
            largest_um = max(float(field.features["feret_max_um"].max()) for field in fields)
            found["hilliard_counts"] = (sum(values("figure_counts")) / placed, "")
            found["hilliard_diameter"] = (diameter_um / largest_um, "")
            found["hilliard_circumference"] = (pi * diameter_um / max(values("mean_intercept_um")), "")
    for name, (value, note) in found.items():
        check = check_rule(standard, name, value, method=method, specimen=specimen, note=note)
        if check is not None:
            yield check
    yield from _resolution(fields, specimen)
    if _elongation(fields) > _EQUIAXED_INDEX:
        yield _planes(estimates[basis(method)[0]] if scaled else None, fields, standard, specimen)
    if scaled:
        yield from _consistency({result.quantity: result for result in results}, settings, specimen)


def _elongation(fields: Sequence[Measured]) -> float:
    """Anisotropy index of the plane that shows most of it, never below 1; infinite where boundaries run one way."""
    found: dict[str, list[float]] = {}
    for field in fields:
        found.setdefault(field.plane, []).append(_index_of(field))
    indices = [float(np.mean(of_plane)) for of_plane in found.values()]
    return max(max(index, 1 / index) for index in indices)


def _index_of(field: Measured) -> float:
    index = field.values.counted.anisotropy_index
    return float(np.inf) if index is None else index


def _planes(estimate: Estimate | None, fields: Sequence[Measured], standard: Standard, specimen: str) -> Check:
    """Elongated grains ask for three principal planes, or for directed lines in the three principal directions."""
    planes = principal_planes(fields)
    directed = estimate is not None and len(estimate.planes) == 3
    found = 3 if directed else len(planes)
    return Check(
        name=Text("grain_size.check_principal_planes"),
        value=float(found),
        relation=">=",
        limit=3.0,
        unit="1",
        passed=found >= 3,
        clause=Text("grain_size.clause_principal_planes", standard=designation(standard)),
        specimen=specimen,
        note=(estimate.note if estimate is not None else "")
        or (
            Text("grain_size.note_plane_not_stated")
            if not planes
            else Text("grain_size.note_only_these_planes", planes=", ".join(planes))
        ),
    )


def _resolution(fields: Sequence[Measured], specimen: str) -> Iterator[Check]:
    smallest = min(field.values.counted.mean_intercept_px for field in fields)
    yield Check(
        name=Text("grain_size.check_mean_intercept_pixels"),
        value=smallest,
        relation=">=",
        limit=_ADVISED_INTERCEPT_PX,
        unit="px",
        passed=smallest >= _ADVISED_INTERCEPT_PX,
        clause=Text("grain_size.clause_mean_intercept_pixels"),
        scope="image",
        specimen=specimen,
    )
    if smallest < _SMALLEST_INTERCEPT_PX:
        yield plausibility.check(
            Text("grain_size.check_grains_resolved"),
            smallest,
            ">=",
            _SMALLEST_INTERCEPT_PX,
            "px",
            clause=Text("grain_size.clause_grains_resolved"),
            specimen=specimen,
        )


def _consistency(results: Mapping[str, Result], settings: Settings, specimen: str) -> Iterator[Check]:
    """Compare methods on the same grains, allowing for their known difference and their uncertainty."""
    lines, areas = results["grain_size_number.intercept"], results["grain_size_number.planimetric"]
    expanded = sqrt((lines.expanded_u or 0.0) ** 2 + (areas.expanded_u or 0.0) ** 2)
    difference = lines.value - areas.value
    limit = _PLAUSIBLE_DIFFERENCE_G + expanded
    value = abs(difference - _KNOWN_DIFFERENCE_G)
    yield Check(
        name=Text("grain_size.check_intercept_against_planimetric"),
        value=value,
        relation="<=",
        limit=limit,
        unit="G",
        passed=value <= limit,
        clause=Text(
            "grain_size.clause_intercept_against_planimetric",
            difference=difference,
            known_difference_g=_KNOWN_DIFFERENCE_G,
            plausible_difference_g=_PLAUSIBLE_DIFFERENCE_G,
            expanded=expanded,
        ),
        scope="consistency",
        specimen=specimen,
    )
    if settings.method in ("abrams", "hilliard", "heyn", "jeffries"):
        figure = results["grain_size_number"]
        other = areas if settings.method == "jeffries" else lines
        # both saw the same fields: only the part of the figure that the whole field does not share scatters
        limit = max(0.1, sqrt((figure.expanded_u or 0.0) ** 2 + (other.expanded_u or 0.0) ** 2))
        value = abs(figure.value - other.value)
        yield Check(
            name=Text("grain_size.check_figure_against_whole_field"),
            value=value,
            relation="<=",
            limit=limit,
            unit="G",
            passed=value <= limit,
            clause=Text("grain_size.clause_figure_against_whole_field"),
            scope="consistency",
            specimen=specimen,
        )


def shape_warnings(fields: Sequence[Measured], grains: pd.DataFrame, specimen: str) -> Iterator[str]:
    """Say so where the grains are not equiaxed: one G does not describe them."""
    planes = {field.plane for field in fields}
    index = _elongation(fields)
    area = grains["area_px2"].to_numpy(dtype=np.float64)
    order = np.argsort(grains["aspect_ratio"].to_numpy())
    share = np.cumsum(area[order]) / area.sum()
    aspect = float(grains["aspect_ratio"].to_numpy()[order][np.searchsorted(share, 0.5)])
    missing = {"longitudinal", "transverse", "planar"} - planes
    if index > _EQUIAXED_INDEX and len(planes) < 2:
        yield (Text("grain_size.warning_elongated_one_section", specimen=specimen, index=index))
    elif index > _EQUIAXED_INDEX and missing:
        yield (
            Text(
                "grain_size.warning_elongated_section_missing",
                specimen=specimen,
                index=index,
                missing=" and no ".join(sorted(missing)),
            )
        )
    if aspect > _EQUIAXED_ASPECT:
        yield (Text("grain_size.warning_lamellar_structure", specimen=specimen, aspect=aspect))


def consistency_warnings(
    found: Sequence[Check], fields: Sequence[Measured], grains: pd.DataFrame, specimen: str
) -> Iterator[str]:
    """Say on page 1 what makes the number doubtful: methods that disagree, open boundaries, a single field."""
    for check in found:
        if check.specimen == specimen and check.scope == "consistency" and not check.passed:
            yield (
                Text(
                    "grain_size.warning_methods_disagree",
                    specimen=specimen,
                    name=check.name[0].lower(),
                    name_2=check.name[1:],
                    value=check.value,
                    limit=check.limit,
                )
            )
    for field in fields:
        own = grains[(grains["section"] == field.section) & (grains["field"] == field.field)]["area_px2"]
        share = float(own.max() / own.sum())
        if share > _LARGEST_SHARE:
            yield (
                Text(
                    "grain_size.warning_one_region_covers_field",
                    specimen=specimen,
                    field=field.field,
                    share=100 * share,
                )
            )
    if len(fields) == 1:
        yield (Text("grain_size.warning_one_field", specimen=specimen))


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What the distribution of the grain sizes shows, and the words for it."""

    row: tuple[Cell, ...]  # of the table of the structure
    warnings: tuple[str, ...]


def structure(fields: Sequence[Measured], grains: pd.DataFrame, editions: Editions, specimen: str) -> Structure:
    """Judge the distribution of grain sizes and the map of the local size (ASTM E1181)."""
    standard = editions.job
    warnings: list[str] = []
    found, result = Text("grain_size.too_few_whole_grains"), ""
    whole = grains[grains["edge_weight"] > 0]
    low = high = distance = share = None
    if len(whole) >= _FEWEST_FOR_SHAPE:
        weighted = (whole["area_um2"] * whole["edge_weight"]).to_numpy()
        spread = duplex.area_distribution(whole["grain_size_number"].to_numpy(), weighted)
        low, high = spread.low_g, spread.high_g
        number = grains["grain_size_number"].to_numpy()
        apart = duplex.coarse_group(number)
        split = spread.split_g
        if split is None and apart:
            split = float(np.sort(number)[apart - 1 : apart + 1].mean())
        sizes = [0.0, 0.0]
        if split is not None:
            parts = grains[number >= split], grains[number < split]
            share = float(100 * parts[1]["area_um2"].sum() / grains["area_um2"].sum())
            sizes = [_of_mean_area(part, standard) for part in parts]
            distance = sizes[0] - sizes[1]
            if spread.modes_g:
                distance = min(distance, spread.mode_distance_g)
        met = astm_e1181.duplex_conditions(
            coarsest_difference_g=distance or 0.0,
            coarse_area_percent=share or 0.0,
            range_g=high - low,
            mode_distance_g=0.0 if distance is None else distance + _GATE_DOUBT_G,
            mode_area_percent=0.0 if distance is None else 100.0,
            standard=edition_of(editions, "ASTM E1181"),
        )
        found = Text("grain_size.one_population")
        if share is not None and (met.isolated_coarse or met.bimodal):
            found = (
                Text("grain_size.isolated_coarse_grains") if met.isolated_coarse else Text("grain_size.two_populations")
            )
            kind = "ALA" if met.isolated_coarse else "Bimodal"
            result = astm_e1181.result_text(kind, [100 - share, share], sizes)
            warnings.append(
                Text(
                    "grain_size.warning_duplex_structure",
                    specimen=specimen,
                    result=result,
                    distance=distance,
                )
            )
        elif met.wide_range:
            warnings.append(Text("grain_size.warning_wide_size_range", specimen=specimen, low=low, high=high))
    regions = _regions(fields, standard)
    if regions is not None:
        warnings.append(
            Text("grain_size.warning_grain_size_by_place", specimen=specimen, regions=regions[0], regions_2=regions[1])
        )
    row = (specimen, found, result or Text("grain_size.not_duplex"), low, high, distance, share)
    return Structure(row=row, warnings=tuple(warnings))


def _of_mean_area(grains: pd.DataFrame, standard: Standard) -> float:
    """G of the mean area of grains: of the whole ones, weighted for the frame, where there are any."""
    area, weight = grains["area_um2"].to_numpy(), grains["edge_weight"].to_numpy()
    mean = np.average(area, weights=weight) if weight.any() else area.mean()
    return grain_number("area_um2", float(mean), standard)


def _regions(fields: Sequence[Measured], standard: Standard) -> tuple[float, float] | None:
    """Coarse and fine end of the local G where the structure changes from place to place."""
    local = np.asarray([value for field in fields for value in field.values.samples.local_intercept_um])
    pairs = np.asarray([pair for field in fields for pair in field.values.samples.local_pairs_um])
    if len(local) < _FEWEST_TILES or not len(pairs):
        return None
    fine, coarse = np.quantile(local, [0.1, 0.9])
    low, high = (grain_number("n_l_per_mm", 1e3 / float(value), standard) for value in (coarse, fine))
    if high - low < _LOCAL_RANGE_G or duplex.neighbor_correlation(np.log(pairs)) < _NEIGHBORS_ALIKE:
        return None
    return low, high


def _coarse(grains: pd.DataFrame, editions: Editions) -> tuple[float, float, float]:
    """Area of the grains at least 3 G coarser than the rest [%], G of the rest, and G of the largest grain."""
    gate = edition_of(editions, "ASTM E930").values["outlier_difference"].value
    area, number = grains["area_um2"].to_numpy(), grains["grain_size_number"].to_numpy()
    weight = grains["edge_weight"].to_numpy()
    is_coarse = np.zeros(len(area), dtype=np.bool_)
    average = 0.0
    for _ in range(3):  # leaving the coarse grains out of the average may bring one more of them in
        rest = ~is_coarse & (weight > 0)
        if not rest.any():
            rest = ~is_coarse
            mean = float(area[rest].mean())
        else:
            mean = float((area * weight)[rest].sum() / weight[rest].sum())
        average = grain_number("area_um2", mean, editions.job)
        is_coarse = average - number >= gate
        if is_coarse.all():
            break
    return float(100 * area[is_coarse].sum() / area.sum()), average, float(number.min())


def largest_grain(grains: pd.DataFrame, editions: Editions, specimen: str) -> tuple[tuple[Cell, ...], list[str]]:
    """Row of the outlier table (ASTM E930) and the warning that goes with an eligible outlier."""
    e930 = edition_of(editions, "ASTM E930")
    largest = grains.nlargest(1, "area_um2").to_dict("records")[0]
    coarse, average, number = _coarse(grains, editions)
    longest, across = float(largest["feret_max_um"]), float(largest["feret_across_um"])
    by_caliper = astm_e930.caliper_area_um2(longest, across, e930)
    difference = average - number
    eligible = astm_e930.method_applies(difference, coarse, e930)
    cut = bool(largest["touches_edge"])
    row: tuple[Cell, ...] = (
        specimen,
        int(largest["field"]),
        int(largest["feature"]),
        float(largest["area_um2"]),
        number,
        longest,
        across,
        grain_number("area_um2", by_caliper, editions.job),
        average,
        coarse,
        Text("terms.yes" if eligible else "terms.no") + (Text("grain_size.outlier_cut_by_edge") if cut else ""),
    )
    if not eligible:
        return row, []
    warning = Text(
        "grain_size.warning_largest_grain_outlier",
        specimen=specimen,
        number=number,
        difference=difference,
        coarse=coarse,
    )
    return row, [warning]
