"""The grain size recipe: truth of synthetic mosaics through every method, rules, warnings, budgets."""

from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest
from scipy import ndimage

from inspect_tool.acceptance.conformity import decide
from inspect_tool.errors import MeasurementError, SettingsError, StandardError
from inspect_tool.model import Calibration, Micrograph, Requirement, Segmentation
from inspect_tool.paths import data_folder
from inspect_tool.recipes import grain_size
from inspect_tool.recipes.grain_size import Settings
from inspect_tool.standards.editions import editions_for

E112 = editions_for(grain_size, Settings())
METHODS = ("abrams", "hilliard", "heyn", "jeffries", "saltykov", "mean_area", "intercept")
PITCH = 24.0  # root of the mean area [px]


def mosaic(seed, shape=(360, 420), pitch=PITCH):
    """Voronoi labels of a Poisson process on the pixel grid: N_A = 1 / pitch^2, P_L = 4 / (pi pitch)."""
    rng = np.random.default_rng(seed)
    pad = int(3 * pitch)
    size = (shape[0] + 2 * pad, shape[1] + 2 * pad)
    n = rng.poisson(size[0] * size[1] / pitch**2)
    seeds = np.zeros(size, dtype=np.int32)
    seeds[rng.integers(0, size[0], n), rng.integers(0, size[1], n)] = np.arange(1, n + 1)
    nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    return np.ascontiguousarray(seeds[nearest[0], nearest[1]][pad:-pad, pad:-pad])


def field_of(labels, settings=None, number=1, editions=E112, pixel_um=0.5, alternatives=(), **changes):
    pixels = changes.pop("pixels", np.zeros(labels.shape, dtype=np.uint8))
    image = Micrograph(
        pixels=pixels,
        calibration=Calibration(pixel_um=pixel_um, u_rel=0.004, source="stage micrometer"),
        path=f"field_{number}.tif",
        field=number,
        **changes,
    )
    others = [(name, segmented(other)) for name, other in alternatives]
    found = replace(segmented(labels), alternatives=lambda: iter(others))
    return grain_size.measure_field(image, found, settings or Settings(), editions)


def segmented(labels, kind="instance"):
    return Segmentation(labels=labels, classes={1: "grain"}, kind=kind, backend="labels")


def findings(labels, settings=None, editions=E112, **changes):
    settings = settings or Settings()
    fields = [field_of(one, settings, i + 1, editions, **changes) for i, one in enumerate(labels)]
    return grain_size.combine(fields, settings, editions)


def value(found, quantity):
    return result(found, quantity).value


def result(found, quantity):
    (one,) = (r for r in found.results if r.quantity == quantity)
    return one


@pytest.fixture(scope="module")
def mosaics():
    return [mosaic(seed) for seed in range(5)]


# ------------------------------------------------------------------------------------------------- truths

AREA_UM2 = (0.5 * PITCH) ** 2
G_AREA = -np.log2(AREA_UM2 * 1e-6) - 2.9541991957798
G_LINES = -2 * np.log2(np.pi / 4 * 0.5 * PITCH / 320)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_the_mosaic(mosaics, method):
    found = findings(mosaics, Settings(method=method))
    by_lines = method in ("abrams", "hilliard", "heyn", "intercept")
    truth = G_LINES if by_lines else G_AREA
    main = result(found, "grain_size_number")
    assert main.main
    assert abs(main.value - truth) < 1.5 * main.expanded_u
    assert main.expanded_u < 0.45
    assert value(found, "grain_size_number.intercept") == pytest.approx(G_LINES, abs=0.15)
    assert value(found, "grain_size_number.planimetric") == pytest.approx(G_AREA, abs=0.15)
    assert value(found, "grain_size_number.mean_area") == pytest.approx(G_AREA, abs=0.15)
    assert value(found, "mean_intercept_um") == pytest.approx(np.pi / 4 * 0.5 * PITCH, rel=0.05)
    assert value(found, "grains_per_mm2") == pytest.approx(1e6 / AREA_UM2, rel=0.1)
    assert value(found, "mean_grain_area_um2") == pytest.approx(AREA_UM2, rel=0.1)
    assert value(found, "anisotropy_index") == pytest.approx(1.0, abs=0.1)
    assert set(grain_size.QUANTITIES) >= {r.quantity for r in found.results}
    assert all(check.passed for check in found.checks if check.scope == "consistency")


@pytest.fixture(scope="module")
def coverage():
    """Intervals of 60 jobs of four fields, each field a new mosaic of about 110 grains."""
    collected = {}
    for seed in range(60):
        labels = [mosaic(10_000 + 10 * seed + i, (250, 250)) for i in range(4)]
        for one in findings(labels, Settings(method="abrams")).results:
            collected.setdefault(one.quantity, []).append(one.interval)
    return collected


@pytest.mark.parametrize(
    ("quantity", "truth"),
    [
        ("grain_size_number", G_LINES),
        ("grain_size_number.intercept", G_LINES),
        ("grain_size_number.planimetric", G_AREA),
        ("grain_size_number.mean_area", G_AREA),
    ],
)
def test_stated_interval_covers_the_truth(coverage, quantity, truth):
    # 95 % stated: 90 to 99 % of the seeds
    share = np.mean([low <= truth <= high for low, high in coverage[quantity]])
    assert 0.90 <= share <= 0.99


def test_squares_by_lines_and_by_area():
    # square lattice of 30 px at a random place, 0.5 um/px: N_A = 1 / 225 um2; four directions 0.8284 a
    rng = np.random.default_rng(3)
    labels = []
    for _ in range(4):
        row, column = np.mgrid[0:700, 0:700] + rng.integers(0, 30, (2, 1, 1))
        labels.append((row // 30 * 100 + column // 30 + 1).astype(np.int32))
    found = findings(labels, Settings(method="intercept"))
    assert value(found, "mean_intercept_um") == pytest.approx(15 * 0.8284, rel=0.01)
    # both are counts: a row more or less of a field of 23 squares is whole, depending on its place
    assert value(found, "mean_grain_area_um2") == pytest.approx(225, rel=0.02)
    assert value(found, "grains_per_mm2") == pytest.approx(1e6 / 225, rel=0.02)


def test_half_the_pixel_size_is_two_numbers_more(mosaics):
    # exactly: every length is halved, the counts stay
    coarse, fine = (findings(mosaics[:2], Settings(method="heyn"), pixel_um=pixel_um) for pixel_um in (0.5, 0.25))
    for quantity in ("", ".intercept", ".planimetric", ".mean_area", ".largest"):
        name = f"grain_size_number{quantity}"
        assert value(fine, name) - value(coarse, name) == pytest.approx(2.0, abs=1e-9)


def test_quarter_turn_and_new_numbers_change_nothing(mosaics):
    labels = mosaics[0]
    renumbered = (np.random.default_rng(1).permutation(labels.max() + 1) + 1).astype(np.int32)[labels]
    whole, turned, other = (
        field_of(np.ascontiguousarray(one), Settings(method="saltykov")).values
        for one in (labels, np.rot90(labels), renumbered)
    )
    for name in ("n_l_per_mm", "grains_per_mm2", "whole_grains_per_mm2"):
        assert turned[name] == pytest.approx(whole[name], rel=1e-12)
        assert other[name] == pytest.approx(whole[name], rel=1e-12)
    assert turned["anisotropy_index"] == pytest.approx(1 / whole["anisotropy_index"])


def test_coarser_grain_never_has_a_larger_number():
    found = [findings([mosaic(7, pitch=pitch)], Settings(method="abrams")) for pitch in (14.0, 22.0, 34.0)]
    for quantity in ("", ".intercept", ".planimetric", ".mean_area"):
        numbers = [value(one, f"grain_size_number{quantity}") for one in found]
        assert numbers == sorted(numbers, reverse=True)


# ------------------------------------------------------------------------------------------------- results


def test_g_is_that_of_the_mean_measurement(mosaics):
    coarse = mosaic(3, pitch=2 * PITCH)
    fields = [field_of(one, Settings(method="intercept"), i + 1) for i, one in enumerate([mosaics[0], coarse])]
    found = grain_size.combine(fields, Settings(method="intercept"), E112)
    mean = np.mean([field.values["n_l_per_mm"] for field in fields])
    assert value(found, "grain_size_number") == pytest.approx(2 * np.log2(mean) - 3.287712379549, abs=1e-9)
    mean_of_g = np.mean([field.values["grain_size_number"] for field in fields])
    assert abs(value(found, "grain_size_number") - mean_of_g) > 0.05


def test_budget_in_units_of_g(mosaics):
    fields = [field_of(one, Settings(method="intercept"), i + 1) for i, one in enumerate(mosaics)]
    number = result(grain_size.combine(fields, Settings(method="intercept"), E112), "grain_size_number")
    lines = {line.name: line for line in number.budget}
    n_l = np.array([field.values["n_l_per_mm"] for field in fields])
    # dG = 2 / ln 2 x relative change of N_L
    between = 2 / log(2) * n_l.std(ddof=1) / sqrt(5) / n_l.mean()
    assert lines["between fields"].u == pytest.approx(between)
    assert lines["between fields"].dof == 4
    assert lines["scale"].u == pytest.approx(2 / log(2) * 0.004)
    # half a pixel at both ends of lines of 360 px; a boundary that moves is crossed as often
    assert lines["segmentation"].u == pytest.approx(2 / log(2) * 1 / 360 / sqrt(3))
    assert number.u == pytest.approx(sqrt(sum(line.u**2 for line in number.budget)))
    assert number.rounded == f"{number.value:.1f}"
    assert number.n == 5


def test_area_budget_counts_the_scale_twice(mosaics):
    found = findings(mosaics, Settings(method="saltykov"))
    density = {line.name: line for line in result(found, "grains_per_mm2").budget}
    assert density["scale"].u == pytest.approx(2 * 0.004 * value(found, "grains_per_mm2"))
    number = {line.name: line for line in result(found, "grain_size_number").budget}
    assert number["scale"].u == pytest.approx(2 / log(2) * 0.004)


def test_other_segmentations_become_the_segmentation_line(mosaics):
    labels = mosaics[0]
    merged = labels.copy()
    for low in range(1, labels.max(), 9):  # every ninth grain joins its right neighbor
        rows, columns = np.nonzero(labels == low)
        if len(rows) and columns.max() + 1 < labels.shape[1]:
            at = columns.argmax()
            merged[labels == low] = labels[rows[at], columns[at] + 1]
    field = field_of(labels, Settings(method="abrams"), alternatives=[("fewer boundaries", merged)])
    other = field.alternatives["fewer boundaries"]
    assert other["n_l_per_mm"] < field.values["n_l_per_mm"]
    # the same figure on both
    assert other["figure_length_mm"] == pytest.approx(field.values["figure_length_mm"])
    number = result(grain_size.combine([field], Settings(), E112), "grain_size_number.intercept")
    line = next(line for line in number.budget if line.name == "segmentation")
    half = (field.values["n_l_per_mm"] - other["n_l_per_mm"]) / 2
    assert line.u == pytest.approx(2 / log(2) * half / sqrt(3) / field.values["n_l_per_mm"])
    assert "fewer boundaries" in line.basis


def test_a_segmentation_that_holds_nothing_is_named(mosaics):
    field = field_of(mosaics[0], alternatives=[("one grain", np.ones_like(mosaics[0]))])
    assert not field.alternatives
    assert any("'one grain' could not be measured" in note for note in field.notes)


def test_one_field_has_no_line_between_fields(mosaics):
    found = findings(mosaics[:1], Settings(method="saltykov"))
    names = [line.name for line in result(found, "grain_size_number").budget]
    assert "between fields" not in names
    # a Poisson process scatters by 1 / sqrt(N)
    grains = found.measurements.fields["grains_counted"][0]
    line = next(line for line in result(found, "grains_per_mm2").budget if "model" in line.name)
    assert line.u == pytest.approx(value(found, "grains_per_mm2") / sqrt(grains))
    assert any("one field" in warning for warning in found.warnings)


def test_iso_is_called_iso_and_lies_below(mosaics):
    iso = editions_for(grain_size, Settings(), "iso_643_2019")
    astm, other = (findings(mosaics[:2], Settings(method="saltykov"), editions) for editions in (E112, iso))
    assert value(astm, "grain_size_number") - value(other, "grain_size_number") == pytest.approx(0.0458, abs=1e-4)
    assert "ISO 643" in result(other, "grain_size_number").title
    assert result(other, "grain_size_number").clause.startswith("ISO 643:2019: ")


def test_e1382_has_constants_of_its_own(mosaics):
    found, other = (
        findings(mosaics[:2], Settings(method="intercept"), editions_for(grain_size, Settings(), name))
        for name in ("astm_e112_2013", "astm_e1382_1997")
    )
    difference = value(other, "grain_size_number") - value(found, "grain_size_number")
    assert difference != 0
    assert abs(difference) < 0.011


def test_circle_rule_is_a_choice_and_is_told(mosaics):
    edition = findings(mosaics[:2], Settings(method="jeffries"))
    less = findings(mosaics[:2], Settings(method="jeffries", circle_rule="minus_one"))
    counted = [f.measurements.fields for f in (edition, less)]
    assert (counted[0]["figure_grains"] - counted[1]["figure_grains"] == counted[0]["figure_placements"]).all()
    told = [next(s.text for s in f.statements if s.name == "Circle rule") for f in (edition, less)]
    assert "one grain too high" in told[0]
    assert "subtracted" in told[1]
    assert any(line.name == "counting rule" for line in result(edition, "grain_size_number").budget)
    assert not any(line.name == "counting rule" for line in result(less, "grain_size_number").budget)


def test_alternate_triple_points_lower_the_count_on_circles(mosaics):
    edition, other = (
        findings(mosaics, Settings(method="abrams", triple_points=rule)) for rule in ("edition", "alternate")
    )
    fields = edition.measurements.fields
    triples = fields["figure_triple_points"]
    # of n triple points the edition counts 2 n, the other rule n + n // 2
    expected = fields["figure_counts"] - 2 * triples + triples + triples // 2
    assert other.measurements.fields["figure_counts"].to_numpy() == pytest.approx(expected.to_numpy())


def test_a_requirement_can_be_decided(mosaics):
    found = findings(mosaics, Settings(method="abrams"))
    requirement = Requirement(quantity="grain_size_number", unit="G", lower=7.0, source="drawing")
    assert decide(result(found, "grain_size_number"), requirement).decision == "pass"


# -------------------------------------------------------------------------------------------------- planes


def stretched(seed, factor):
    """Mosaic three times as long along the rows."""
    return np.ascontiguousarray(np.repeat(mosaic(seed, (360, 420 // factor)), factor, axis=1))


def test_elongated_grains_are_not_averaged_in_silence():
    found = findings([stretched(seed, 3) for seed in range(3)], Settings(method="intercept"))
    assert value(found, "anisotropy_index") > 1.5
    assert any("elongated" in warning for warning in found.warnings)
    across = findings(
        [stretched(seed, 3) for seed in range(3)], Settings(method="intercept", deformation_axis="vertical")
    )
    assert value(across, "anisotropy_index") == pytest.approx(1 / value(found, "anisotropy_index"), rel=0.05)


def test_stripes_have_no_anisotropy_index():
    # no boundary across the rows: N_L along the columns is 0, and the index would be infinite
    labels = np.repeat(np.arange(1, 21, dtype=np.int32), 20)[None].repeat(300, axis=0)
    found = findings([np.ascontiguousarray(labels)], Settings(method="intercept", deformation_axis="vertical"))
    assert "anisotropy_index" not in {r.quantity for r in found.results}
    assert any("elongated" in warning for warning in found.warnings)


def with_planes(settings, *planes):
    fields = []
    for plane in planes:
        for seed in range(3):
            labels = stretched(seed, 3) if plane == "longitudinal" else mosaic(seed + 50)
            field = field_of(labels, settings, len(fields) + 1, plane=plane, section=plane)
            fields.append(field)
    return fields, grain_size.combine(fields, settings, E112)


def test_three_planes_join_as_cube_root():
    settings = Settings(method="saltykov")
    fields, found = with_planes(settings, "longitudinal", "transverse", "planar")
    means = [np.mean([f.values["grains_per_mm2"] for f in fields[i : i + 3]]) for i in (0, 3, 6)]
    assert value(found, "grains_per_mm2") == pytest.approx(np.prod(means) ** (1 / 3))
    lines = [line for line in result(found, "grains_per_mm2").budget if line.kind == "A"]
    assert len(lines) == 3
    # relative variance of a cube root: a ninth of the sum
    relative = [np.std([f.values["grains_per_mm2"] for f in fields[i : i + 3]], ddof=1) / sqrt(3) for i in (0, 3, 6)]
    expected = value(found, "grains_per_mm2") * relative[0] / means[0] / 3
    assert lines[0].u == pytest.approx(expected)


def test_two_planes_use_directed_lines():
    fields, found = with_planes(Settings(method="intercept"), "longitudinal", "transverse")
    l0, l90 = (np.mean([f.values[f"n_l_{d}deg_per_mm"] for f in fields[:3]]) for d in (0, 90))
    t90 = np.mean([f.values["n_l_90deg_per_mm"] for f in fields[3:]])
    n_l = (l0 * l90 * t90) ** (1 / 3)
    assert value(found, "grain_size_number.intercept") == pytest.approx(2 * np.log2(n_l) - 3.287712379549, abs=1e-6)
    assert value(found, "mean_intercept_um") == pytest.approx(1e3 / n_l)


# ------------------------------------------------------------------------------------------------ two phases


def two_phase():
    """Squares of 20 px; every fourth column of squares is the second phase: 75 % matrix."""
    row, column = np.mgrid[0:400, 0:400]
    labels = (row // 20 * 100 + column // 20 + 1).astype(np.int32)
    pixels = np.where(column // 20 % 4 == 3, 40, 200).astype(np.uint8)
    return labels, pixels


@pytest.mark.parametrize("how", ["dark", "bright", "unlabeled"])
def test_matrix_grain_size(how):
    labels, pixels = two_phase()
    settings = Settings(method="saltykov", second_phase=how, second_phase_threshold=100.0)
    if how == "bright":
        pixels = 255 - pixels
        settings = replace(settings, second_phase_threshold=155.0)
    if how == "unlabeled":
        labels = np.where(pixels < 100, 0, labels).astype(np.int32)
    field = field_of(labels, settings, pixels=pixels)
    assert field.values["matrix_percent"] == pytest.approx(75.0)
    # 0 deg: per period of 80 px three matrix grains on 60 px of matrix; V_V L / N = 0.75 x 80 / 3 = 20 px = 10 um
    assert 1e3 / field.values["n_l_0deg_per_mm"] == pytest.approx(10.0, rel=0.05)
    assert 1e3 / field.values["n_l_90deg_per_mm"] == pytest.approx(10.0, rel=0.06)
    # the area of the matrix: 100 um2 per grain
    assert 1e6 / field.values["grains_per_mm2"] == pytest.approx(100.0, rel=0.1)
    found = grain_size.combine([field], settings, E112)
    assert value(found, "matrix_percent") == pytest.approx(75.0)


def test_stated_second_phase_shortens_the_lines():
    labels = mosaic(1)
    plain = field_of(labels, Settings(method="heyn"))
    stated = field_of(labels, Settings(method="heyn", second_phase="given", second_phase_percent=20.0))
    # l = V_V L / N
    for name in ("mean_intercept_um", "figure_length_mm"):
        assert stated.values[name] == pytest.approx(0.8 * plain.values[name])


# --------------------------------------------------------------------------------------- checks and warnings


def check(found, name):
    (one,) = (c for c in found.checks if c.name.startswith(name))
    return one


def test_sampling_rules_of_abrams(mosaics):
    found = findings(mosaics, Settings(method="abrams"))
    assert check(found, "Fields per specimen").passed
    assert check(found, "Counts in all fields").passed
    assert check(found, "Relative accuracy").value < 10
    smallest, largest = (
        check(found, "Counts per placement of the three circles, smallest"),
        check(found, "Counts per placement of the three circles, largest"),
    )
    assert smallest.limit, largest.limit == (40, 100)
    few = findings(mosaics[:2], Settings(method="abrams"))
    assert not check(few, "Fields per specimen").passed
    assert few.results  # a failed rule hides no number


def test_grains_of_a_small_field_are_too_few():
    found = findings([mosaic(seed, (120, 120)) for seed in range(3)], Settings(method="jeffries"))
    assert not check(found, "Grains in the test figure").passed
    assert check(found, "Fields per specimen").limit == 3


def test_hilliard_circle_is_larger_than_the_largest_grain(mosaics):
    found = findings(mosaics, Settings(method="hilliard"))
    ratio = check(found, "Diameter of the circle over the largest grain")
    largest = max(found.measurements.features["feret_max_um"])
    assert ratio.value == pytest.approx(min(found.measurements.fields["figure_diameter_mm"]) * 1e3 / largest)
    assert check(found, "Circumference").passed


def test_heyn_rules(mosaics):
    found = findings(mosaics, Settings(method="heyn"))
    assert check(found, "Counts per field").value >= 50
    assert check(found, "Orientations").value == 4


def test_small_grains_in_pixels_are_pointed_out(mosaics):
    assert not check(findings(mosaics[:1]), "Mean intercept in pixels").passed
    assert check(findings([mosaic(2, (600, 600), 60.0)]), "Mean intercept in pixels").passed


def test_outlier_is_reported_after_e930(mosaics):
    labels = mosaics[0].copy()
    row, column = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]]
    # 6.6 % of 5 x 2: one disc of 72 px radius, 28 mean areas = 4.8 numbers, on 11 % of one of five fields
    labels[(row - 180) ** 2 + (column - 200) ** 2 <= 72**2] = labels.max() + 1
    found = findings([labels, *mosaics[1:]])
    (table,) = (t for t in found.tables if "E930" in t.title)
    row_found = dict(zip(table.columns, table.rows[0], strict=True))
    area = np.pi * 72**2 * 0.25
    assert row_found["Area [um2]"] == pytest.approx(area, rel=0.01)
    assert row_found["G of the calipers"] == pytest.approx(-np.log2(area * 1e-6) - 2.9542, abs=0.05)
    assert row_found["Method applies"] == "yes"
    assert row_found["Area of outlier grains [%]"] == pytest.approx(100 * np.pi * 72**2 / (5 * 360 * 420), rel=0.01)
    assert any("outlier" in warning for warning in found.warnings)
    assert value(found, "grain_size_number.largest") == pytest.approx(-np.log2(area * 1e-6) - 2.9542, abs=0.02)


def test_two_regions_of_different_size_are_not_averaged_in_silence():
    # left half three numbers finer than the right: G 9.0 and 6.2 of the published mix is 2.8
    fine, coarse = mosaic(1, (600, 300), 12.0), mosaic(2, (600, 300), 36.0)
    labels = np.hstack([fine, coarse + fine.max()]).astype(np.int32)
    found = findings([labels])
    assert any("local grain size ranges from" in warning for warning in found.warnings)


def test_plain_mosaic_gives_no_duplex_warning(mosaics):
    assert findings(mosaics).warnings == ()


def test_needles_are_warned_of():
    labels = np.repeat(np.repeat(np.arange(1, 1201, dtype=np.int32).reshape(60, 20), 8, axis=0), 40, axis=1)
    found = findings([np.ascontiguousarray(labels)], Settings(method="saltykov"))
    assert any("lamellar" in warning for warning in found.warnings)
    assert any("elongated" in warning for warning in found.warnings)


def test_open_boundaries_are_warned_of(mosaics):
    labels = mosaics[0].copy()
    labels[:, 60:] = np.where(np.isin(labels[:, 60:], labels[:, :60]), labels[:, 60:], labels.max() + 1)
    found = findings([labels])
    assert any("boundaries are not closed" in warning for warning in found.warnings)


# ------------------------------------------------------------------------------------------------ bad input


def test_ratio_only_gives_no_grain_size(mosaics):
    found = findings(mosaics[:2], pixel_um=None)
    assert {r.quantity for r in found.results} == {"anisotropy_index"}
    assert {name for name, q in grain_size.QUANTITIES.items() if not q.needs_scale} >= {"anisotropy_index"}
    assert not [column for column in found.measurements.features if column.endswith(("_um", "_um2"))]


def test_no_grain(mosaics):
    with pytest.raises(MeasurementError, match=r"field_1\.tif: no closed grain found; check focus and etch"):
        field_of(np.ones((100, 100), dtype=np.int32))
    with pytest.raises(MeasurementError, match="no closed grain found"):
        field_of(np.zeros((100, 100), dtype=np.int32))


def test_no_room_to_count():
    labels = np.repeat(np.arange(1, 11, dtype=np.int32), 20)[None].repeat(6, axis=0)
    with pytest.raises(MeasurementError, match="holds no rectangle of 10 px"):
        field_of(np.ascontiguousarray(labels))


def test_figure_without_a_hit():
    # two grains with their boundary in the lowest rows, which no line of the figure reaches
    labels = np.ones((200, 200), dtype=np.int32)
    labels[-1] = 2
    with pytest.raises(MeasurementError, match="the test figure crosses no grain boundary"):
        field_of(labels, Settings(method="heyn", placements=1))


def test_classes_are_no_grains(mosaics):
    image = Micrograph(pixels=np.zeros((9, 9), np.uint8), calibration=Calibration(pixel_um=1.0), path="a.tif")
    with pytest.raises(MeasurementError, match="has classes, not single grains"):
        grain_size.measure_field(image, segmented(np.ones((9, 9), np.int32), "semantic"), Settings(), E112)


def test_image_smaller_than_the_figure(mosaics):
    # 796 um of the three circles at 100x against a field of 180 um
    with pytest.raises(MeasurementError, match="the image is smaller than the test figure"):
        field_of(mosaics[0], Settings(method="abrams", figure_magnification=100.0))


def test_stated_magnification_gives_the_standard_figure(mosaics):
    field = field_of(mosaics[0], Settings(method="abrams", figure_magnification=500.0))
    # 500 mm per placement at 500x
    assert field.values["figure_diameter_mm"] == pytest.approx(79.5775 / 500, rel=1e-5)
    per_placement = field.values["figure_length_mm"] / field.values["figure_placements"]
    assert per_placement == pytest.approx(500 / 500, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"second_phase": "dark"}, "second_phase_threshold: is not set"),
        ({"second_phase": "given"}, "second_phase_percent: got 0"),
        ({"triple_point_px": 0.7}, "triple_point_px: got 0.7"),
        ({"placements": -1}, "placements: got -1"),
    ],
)
def test_contradicting_settings(mosaics, changes, message):
    with pytest.raises(SettingsError, match=message):
        field_of(mosaics[0], Settings(**changes))


def test_a_procedure_of_a_laboratory_that_follows_a_standard_needs_no_code(mosaics, tmp_path):
    text = (data_folder("standards") / "iso_643_2019.toml").read_text(encoding="utf-8")
    own = tmp_path / "lab_7.toml"
    own.write_text(text.replace('id = "ISO 643"', 'id = "LAB 7"\nfollows = "ISO 643"', 1), encoding="utf-8")
    settings = Settings(method="saltykov")
    iso, lab = (
        result(findings(mosaics[:2], settings, editions_for(grain_size, settings, name)), "grain_size_number")
        for name in ("iso_643_2019", str(own))
    )
    assert (lab.value, lab.u) == (iso.value, iso.u)  # the formulas and constants of ISO 643
    assert str(lab.title).startswith("Grain size index G (LAB 7)")
    assert str(lab.clause).startswith("LAB 7:2019") or str(lab.clause).startswith("LAB 7, edition 2019")


def test_a_standard_of_something_else(mosaics):
    with pytest.raises(StandardError, match="no grain size method"):
        field_of(
            mosaics[0], Settings(method="intercept"), editions=editions_for(grain_size, Settings(), "astm_e930_2018")
        )


# ------------------------------------------------------------------------------------- regions, marks, tables


def test_region_of_interest(mosaics):
    roi = np.zeros(mosaics[0].shape, dtype=bool)
    roi[40:300, 60:400] = True
    labels = np.where(roi, mosaics[0], 0).astype(np.int32)
    field = field_of(labels, Settings(method="saltykov"), roi=roi)
    assert field.values["window_mm2"] == pytest.approx(259 * 339 * 0.25e-6)
    cut = field_of(np.ascontiguousarray(mosaics[0][40:300, 60:400]), Settings(method="saltykov"))
    for name in ("n_l_per_mm", "grains_per_mm2", "whole_grains_per_mm2"):
        assert field.values[name] == pytest.approx(cut.values[name])
    assert any("largest rectangle" in note for note in field.notes)


def test_specks_without_a_grain_do_not_shrink_the_window(mosaics):
    labels = mosaics[0].copy()
    labels[200:203, 200:203] = 0
    field = field_of(labels, Settings(method="saltykov"))
    assert field.values["window_mm2"] == pytest.approx(359 * 419 * 0.25e-6 * (1 - 9 / labels.size))


def test_small_regions_go_to_their_neighbors(mosaics):
    labels = mosaics[0].copy()
    specks = np.arange(20) * 15 + 20
    labels[specks, specks] = labels.max() + 1 + np.arange(20)
    settings = Settings(method="intercept", smallest_grain_px=5)
    clean, found = field_of(mosaics[0], settings), field_of(labels, settings)
    assert found.values["grains_per_mm2"] == clean.values["grains_per_mm2"]
    assert len(found.features) == len(clean.features)
    # the mosaic has a few such regions of its own where the frame cuts a grain
    assert sum(np.bincount(mosaics[0].ravel())[1:].clip(0, 5) % 5 > 0) < 5
    (note,) = (note for note in found.notes if "below 5 px" in note)
    assert 20 <= int(note.split()[0]) < 25


def test_torn_labels_count_as_pieces():
    # one number for two squares of a lattice; a single stray pixel of a number is no grain
    row, column = np.mgrid[0:200, 0:200]
    labels = (row // 20 * 10 + column // 20 + 1).astype(np.int32)
    plain = field_of(labels, Settings(method="intercept"))
    twice = np.where(labels == 55, 22, labels).astype(np.int32)
    twice[3, 3] = 99
    field = field_of(twice, Settings(method="intercept"))
    assert len(field.features) == len(plain.features) == 100
    assert field.values["grains_per_mm2"] == plain.values["grains_per_mm2"]
    assert any("1 labels consisted of several regions" in note for note in field.notes)


def test_feature_table(mosaics):
    found = findings(mosaics[:2])
    features = found.measurements.features
    assert list(features.columns[:4]) == ["specimen", "section", "field", "feature"]
    assert {"row_px", "column_px", "touches_edge", "area_um2", "ecd_um", "aspect_ratio"} <= set(features)
    first = features[features["field"] == 1]
    assert len(first) == len(np.unique(mosaics[0]))
    assert first["area_um2"].sum() == pytest.approx(mosaics[0].size * 0.25)
    g = -np.log2(features["area_um2"] * 1e-6) - 2.9541991957798
    assert features["grain_size_number"].to_numpy() == pytest.approx(g.to_numpy(), abs=1e-9)
    assert len(found.measurements.fields) == 2


def test_worst_are_the_largest(mosaics):
    field = field_of(mosaics[0])
    sizes = [notable.value for notable in field.worst]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 10
    assert sizes[0] == field.features["area_um2"].max()


@pytest.mark.parametrize("method", ["abrams", "hilliard", "heyn"])
def test_every_counted_hit_is_on_the_overlay(mosaics, method):
    field = field_of(mosaics[0], Settings(method=method))
    hits = [mark for mark in field.marks if mark.layer == "test figure" and mark.kind == "points"]
    drawn = sum(len(mark.points) * float(mark.label.removeprefix("counts ")) for mark in hits)
    assert drawn == pytest.approx(field.values["figure_counts"])


@pytest.mark.parametrize("method", ["jeffries", "saltykov"])
def test_every_counted_grain_is_on_the_overlay(mosaics, method):
    field = field_of(mosaics[0], Settings(method=method))
    hits = [mark for mark in field.marks if mark.layer == "test figure" and mark.kind == "points"]
    by_style = {style: sum(len(mark.points) for mark in hits if mark.style == style) for style in ("hit", "half hit")}
    corners = len({mosaics[0][r, c] for r in (0, -1) for c in (0, -1)}) if method == "saltykov" else 0
    assert by_style["hit"] == field.values["figure_inside"]
    assert by_style["half hit"] == field.values["figure_cut"] + corners


def test_lot_is_averaged_over_measurements(mosaics):
    fields = [
        replace(field_of(one, Settings(method="intercept"), i + 1), specimen="AB"[i % 2])
        for i, one in enumerate(mosaics[:4])
    ]
    found = grain_size.combine(fields, Settings(method="intercept"), E112)
    assert [r.specimen for r in found.results if r.quantity == "grain_size_number"] == ["A", "B"]
    (table,) = (t for t in found.tables if t.title == "All specimens")
    means = [np.mean([f.values["n_l_per_mm"] for f in fields if f.specimen == name]) for name in "AB"]
    assert table.rows[-1][2] == pytest.approx(2 * np.log2(np.mean(means)) - 3.287712379549, abs=1e-9)


def test_bounds_are_g_at_the_ends_of_the_interval_of_the_mean(mosaics):
    fields = [field_of(one, Settings(method="intercept"), i + 1) for i, one in enumerate(mosaics)]
    found = grain_size.combine(fields, Settings(method="intercept"), E112)
    statistics, bounds = (
        next(row for row in table.rows if row[1].startswith("Intercepts per length, whole field"))
        for table in found.tables[:2]
    )
    n_l = np.array([field.values["n_l_per_mm"] for field in fields])
    ci = 2.7764451051977934 * n_l.std(ddof=1) / sqrt(5)  # Student t of 4 degrees of freedom
    at = [2 * np.log2(n_l.mean() + sign * ci) - 3.287712379549 for sign in (-1, 1)]
    assert bounds[3:5] == pytest.approx(at, abs=1e-6)
    assert bounds[5] == f"{bounds[2]:.1f}"
    assert statistics[7] == pytest.approx(100 * ci / n_l.mean(), rel=1e-6)
