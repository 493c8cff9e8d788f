"""The porosity recipe: exact fields, synthetic truth, class strings, presentations, bad input."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from inspect_tool.acceptance.conformity import decide
from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.model import Calibration, Micrograph, Requirement, Segmentation
from inspect_tool.recipes import porosity
from inspect_tool.recipes.porosity import ReferenceArea, Settings
from inspect_tool.standards.editions import editions_for
from inspect_tool.standards.formulas import astm_e2283
from inspect_tool.statistics.uncertainty import expanded

AREAL = editions_for(porosity, Settings())


def micrograph(shape, pixel_um=1.0, u_rel=0.0, **changes):
    calibration = Calibration(pixel_um=pixel_um, u_rel=u_rel, source="stage micrometer")
    if pixel_um is None:
        calibration = Calibration(source="ratio only")
    return Micrograph(pixels=np.zeros(shape, np.uint8), calibration=calibration, path="field.tif", **changes)


def segmentation(labels, kind="semantic", classes=None):
    classes = classes or ({0: "metal", 1: "pore"} if kind == "semantic" else {1: "pore"})
    return Segmentation(labels=labels.astype(np.int32), classes=classes, kind=kind, backend="labels")


def field(rectangles, shape=(200, 300)):
    labels = np.zeros(shape, np.int32)
    for top, left, height, width in rectangles:
        labels[top : top + height, left : left + width] = 1
    return labels


def measured(fields, settings=None, editions=AREAL, alternatives=((),), **changes):
    settings = settings or Settings()
    made = [
        porosity.measure_field(
            micrograph(labels.shape, field=i + 1, **changes),
            replace(segmentation(labels), alternatives=partial(iter, alternatives[min(i, len(alternatives) - 1)])),
            settings,
            editions,
        )
        for i, labels in enumerate(fields)
    ]
    found = porosity.combine(made, settings, editions)
    return {result.quantity: result for result in found.results}, found, made


FIVE = [(20, 20, 10, 10), (60, 40, 20, 20), (100, 200, 10, 40), (0, 100, 10, 10), (150, 250, 10, 10)]


def test_exact_field():
    results, found, _ = measured([field(FIVE)], pixel_um=0.5)
    assert results["porosity_percent"].value == pytest.approx(100 * (100 + 400 + 400 + 100 + 100) / 60000)
    # the pore at the frame counts one half
    assert results["pore_count_per_mm2"].value == pytest.approx(4.5 / (0.015 * 1.0))
    assert results["largest_pore_feret_um"].value == pytest.approx(0.5 * np.hypot(10, 40), abs=0.5)
    # whole pores weighted by the places they fit in (Miles-Lantuejoul)
    sides = np.array([(10, 10), (20, 20), (10, 40), (10, 10)])
    weight = 1 / ((1 - sides[:, 0] / 201) * (1 - sides[:, 1] / 301))
    ecd = 0.5 * np.sqrt(4 / np.pi * sides.prod(axis=1))
    assert results["mean_pore_ecd_um"].value == pytest.approx(np.average(ecd, weights=weight))
    table = found.measurements.features
    assert sorted(table["area_px2"]) == [100, 100, 100, 400, 400]
    assert table["touches_edge"].sum() == 1
    assert results["largest_pore_feret_um"].n == 5


def test_two_edge_rule_counts_the_other_two_edges():
    cut = [(0, 50, 10, 10), (190, 50, 10, 10), (80, 0, 10, 10), (80, 290, 10, 10), (80, 150, 10, 10)]
    half = measured([field(cut)])[0]["pore_count_per_mm2"].value
    two = measured([field(cut)], Settings(count_rule="two_edges"))[0]["pore_count_per_mm2"].value
    assert half == pytest.approx(3 / 0.06)
    assert two == pytest.approx(3 / 0.06)
    corner = [(0, 50, 10, 10), (80, 150, 10, 10)]
    assert measured([field(corner)], Settings(count_rule="two_edges"))[0]["pore_count_per_mm2"].value == pytest.approx(
        1 / 0.06
    )


def test_both_count_rules_are_unbiased_on_random_pores():
    # pores thrown on a larger plane, field cut out of it: true density 400 per megapixel
    rng = np.random.default_rng(0)
    density, found = 4e-4, {"half": [], "two_edges": []}
    for _ in range(40):
        plane = np.zeros((300, 300), np.int32)
        for row, column in rng.uniform(0, 280, (rng.poisson(density * 280 * 280), 2)).astype(int):
            plane[row : row + 12, column : column + 12] = 1
        for rule, values in found.items():
            values.append(measured([plane[40:260, 40:260]], Settings(count_rule=rule))[0]["pore_count_per_mm2"].value)
    for values in found.values():
        # overlaps join a few per cent of the pores
        assert np.mean(values) == pytest.approx(400 * 0.965, rel=0.06)


def test_largest_pore_is_not_hidden_when_the_edge_cuts_it():
    results, found, made = measured([field([(50, 50, 10, 10), (0, 100, 10, 60)])])
    assert results["largest_pore_feret_um"].value > 55
    assert any("cut by the edge of its field" in warning for warning in found.warnings)
    assert any("larger than the" in note for note in made[0].notes)
    assert "cut by the edge" in made[0].worst[0].caption


def test_small_spots_are_reported_and_not_dropped_in_silence():
    labels = field(FIVE)
    labels[180, 10:14] = 1
    labels[190, 20:22] = 1
    results, found, made = measured([labels])
    plain = measured([field(FIVE)])[0]
    assert results["porosity_percent"].value == plain["porosity_percent"].value
    assert results["pore_count_per_mm2"].value == plain["pore_count_per_mm2"].value
    line = next(line for line in results["porosity_percent"].budget if line.name == "minimum size")
    assert line.u == pytest.approx(100 * 6 / 60000 / np.sqrt(3))
    assert made[0].values["below_minimum"] == 2
    assert any("2 dark spots are below the minimum size" in note for note in made[0].notes)
    check = next(check for check in found.checks if check.name.startswith("Pore area below"))
    assert check.value == pytest.approx(100 * 6 / 1106)
    assert check.passed
    small = measured([labels], Settings(minimum_px2=4))[0]
    assert small["porosity_percent"].value == pytest.approx(100 * 1104 / 60000)
    failed = next(c for c in measured([labels], Settings(minimum_px2=4))[1].checks if c.unit == "px2")
    assert not failed.passed


def test_pores_below_the_declared_length_do_not_count():
    results, _, made = measured([field(FIVE)], Settings(minimum_um=15.0))
    assert made[0].values["left_out"] == 3
    assert results["porosity_percent"].value == pytest.approx(100 * 800 / 60000)


def test_no_pore_is_zero_with_an_uncertainty():
    results, found, _ = measured([field([]), field([])])
    assert results["porosity_percent"].value == 0
    assert results["porosity_percent"].expanded_u > 0
    assert results["porosity_percent"].interval[0] == 0
    assert results["largest_pore_feret_um"].value == 0
    assert "mean_pore_ecd_um" not in results
    assert found.charts == ()


def test_fields_make_a_mean_and_sections_do_too():
    fields = [field(FIVE), field(FIVE[:2]), field(FIVE[:4])]
    results, _, _ = measured(fields, u_rel=0.01)
    shares = np.array([1100, 500, 1000]) / 600
    found = results["porosity_percent"]
    assert found.value == pytest.approx(shares.mean())
    assert found.n == 3
    between = next(line for line in found.budget if line.name == "between fields")
    assert between.u == pytest.approx(shares.std(ddof=1) / np.sqrt(3))
    assert between.dof == 2
    assert "scale" not in {line.name for line in found.budget}
    scale = next(line for line in results["pore_count_per_mm2"].budget if line.name == "scale")
    assert scale.u == pytest.approx(0.02 * results["pore_count_per_mm2"].value)


def test_alternatives_make_the_segmentation_line():
    labels = [field(FIVE), field(FIVE)]
    wider = [segmentation(field([(t - 1, le - 1, h + 2, w + 2) for t, le, h, w in FIVE[:3]])) for _ in labels]
    results, _, _ = measured(labels, alternatives=[[("threshold +", other)] for other in wider])
    share, other = 100 * 1100 / 60000, 100 * (144 + 484 + 12 * 42) / 60000
    line = next(line for line in results["porosity_percent"].budget if line.name == "segmentation")
    assert line.u == pytest.approx(abs(share - other) / 2 / np.sqrt(3))
    assert "threshold +" in line.basis


def test_one_field_has_a_line_for_chance():
    results, _, _ = measured([field(FIVE)])
    names = {line.name for line in results["porosity_percent"].budget}
    assert "between fields" not in names
    line = next(line for line in results["porosity_percent"].budget if line.name == "within-field scatter")
    areas = np.array([100, 400, 400, 100, 100])
    # at least that of five such pores thrown at random (compound Poisson), at most three times as much
    random = results["porosity_percent"].value * np.sqrt((areas**2).sum()) / areas.sum()
    assert random <= line.u <= 3 * random
    assert line.dof <= 6
    assert "one field" in line.basis


def test_where_no_pore_was_found_those_that_may_lie_beside_the_fields_bound_it():
    one, *_ = measured([field([])])
    four, *_ = measured([field([])] * 4)
    # none found: at most 3.69 pores (97.5 %) of a tenth of the side of a field, one per field less with more fields
    bound = 100 * 3.689 * np.pi / 4 * 0.1**2
    assert one["porosity_percent"].expanded_u == pytest.approx(bound, rel=1e-3)
    assert four["porosity_percent"].expanded_u == pytest.approx(bound / 4, rel=1e-3)


def test_one_field_takes_the_scatter_of_sizes_from_its_pores():
    results, _, _ = measured([field([(20, 20, 10, 10), (60, 60, 10, 10), (120, 120, 20, 20)], (2000, 3000))])
    line = next(line for line in results["mean_pore_ecd_um"].budget if line.name == "between pores")
    # in a field so large that the weights are 1 within 1 %
    ecd = np.sqrt(4 / np.pi * np.array([100, 100, 400]))
    assert line.u == pytest.approx(ecd.std(ddof=1) / np.sqrt(3), rel=0.02)
    assert line.dof == 2


def test_gray_features_among_black_pores_are_noticed():
    labels = field(FIVE)
    pixels = np.full(labels.shape, 200, np.uint8)
    pixels[labels == 1] = 20
    image = replace(micrograph(labels.shape), pixels=pixels)

    def dark(pixels):
        made = porosity.measure_field(replace(image, pixels=pixels), segmentation(labels), Settings(), AREAL)
        found = porosity.combine([made], Settings(), AREAL)
        return next(c for c in found.checks if c.scope == "consistency"), found.warnings

    check, warnings = dark(pixels)
    assert (check.value, check.passed) == (100, True)
    assert not any("another phase or etching" in one for one in warnings)
    gray = pixels.copy()
    gray[20:140, 20:250] = np.maximum(gray[20:140, 20:250], 140)  # 900 of the 1100 pore pixels
    check, warnings = dark(gray)
    assert check.value == pytest.approx(100 * 200 / 1100)
    assert not check.passed
    assert "another phase or etching" in warnings[0]


def test_region_counts_and_cuts():
    roi = np.zeros((200, 300), bool)
    roi[:, :150] = True
    labels = field(FIVE)
    labels[~roi] = 0
    results, found, _ = measured([labels], roi=roi)
    assert results["porosity_percent"].value == pytest.approx(100 * 600 / 30000)
    cut = field([(50, 140, 10, 10), (20, 20, 10, 10)])
    _, found, _ = measured([cut], roi=roi)
    assert found.measurements.features["touches_edge"].tolist() == [False, True]
    with pytest.raises(SettingsError, match="needs a rectangular field"):
        measured([labels], Settings(count_rule="two_edges"), roi=roi)


def test_turned_and_renumbered_fields_give_the_same():
    labels = field(FIVE)
    one = measured([labels])[0]
    two = measured([np.ascontiguousarray(np.rot90(labels))])[0]
    assert set(one) == set(two)
    for name, result in one.items():
        assert two[name].value == pytest.approx(result.value, rel=1e-9), name
    numbers = np.zeros_like(labels)
    for number, (top, left, height, width) in zip((9, 4, 77, 1, 30), FIVE, strict=True):
        numbers[top : top + height, left : left + width] = number
    settings = Settings()
    found = porosity.combine(
        [porosity.measure_field(micrograph(labels.shape), segmentation(numbers, "instance"), settings, AREAL)],
        settings,
        AREAL,
    )
    for result in found.results:
        assert result.value == pytest.approx(one[result.quantity].value), result.quantity


def test_half_the_pixel_halves_lengths():
    one, two = measured([field(FIVE)], pixel_um=2.0)[0], measured([field(FIVE)], pixel_um=1.0)[0]
    power = {"um": 1, "%": 0, "1": 0, "counts": 0, "1/mm2": -2}
    for name, result in one.items():
        assert result.value == pytest.approx(two[name].value * 2.0 ** power[result.unit]), name


def test_ratio_only_lets_only_ratios_out():
    results, found, made = measured([field(FIVE), field(FIVE[:3])], pixel_um=None)
    of_field = {"reference_porosity_percent", "reference_pore_count"}  # the whole field is the reference area
    assert set(results) == {"porosity_percent", "pore_nests", "pore_neighbour_ratio_min"} | of_field
    assert not [name for name in found.measurements.features if name.endswith(("_um", "_um2"))]
    assert made[0].worst[0].unit == "px"
    with pytest.raises(SettingsError, match="need a scale"):
        measured([field(FIVE)], Settings(minimum_um=2.0), pixel_um=None)


def test_neighbors_and_clusters():
    labels = field([(50, 50, 20, 20), (50, 75, 10, 10), (120, 200, 30, 30)])
    results, found, made = measured([labels], pixel_um=2.0)
    # gap of 5 px, smaller pore 10 x 10
    assert results["pore_neighbour_ratio_min"].value == pytest.approx(5 / np.hypot(10, 10), rel=0.06)
    assert results["pore_nests"].value == 1
    table = found.measurements.features
    assert table["cluster"].tolist() == [1, 1, 0]
    assert table["neighbour"].tolist()[:2] == [2, 1]
    assert table["neighbour_gap_um"].tolist()[:2] == [10.0, 10.0]
    assert any(mark.layer == "clusters" for mark in made[0].marks)
    assert measured([labels], Settings(cluster_gap=0.1))[0]["pore_nests"].value == 0


def test_reference_area_in_its_worst_place():
    labels = field([(50, 50, 20, 20), (50, 80, 20, 20), (150, 250, 10, 10)])
    settings = Settings(reference_area=ReferenceArea(shape="square", size_mm=0.1))
    editions = editions_for(porosity, Settings(), "vdg_p201_2002")
    results, _, made = measured([labels, field([])], settings, editions, pixel_um=2.0)
    # a square of 50 px holds both pores
    assert results["reference_porosity_percent"].value == pytest.approx(100 * 800 / 2500)
    assert results["reference_pore_count"].value == 2
    assert [mark.layer for mark in made[0].marks if mark.layer == "reference area"]
    with pytest.raises(
        MeasurementError, match=r"reference area \(square, 9 mm\) does not fit into the field of 0.6 x 0.4"
    ):
        measured([labels], Settings(reference_area=ReferenceArea(size_mm=9.0)), editions, pixel_um=2.0)


def test_the_worst_square_lies_anywhere_in_any_field():
    """A square of 50 px holds both pores of 20 x 20; without a side there is no such result."""
    labels = field([(50, 50, 20, 20), (50, 80, 20, 20), (150, 250, 10, 10)])
    results, _, made = measured([labels, field([])], Settings(worst_field_um=100.0), pixel_um=2.0)
    found = results["worst_field_percent"]
    assert found.value == pytest.approx(100 * 800 / 2500)
    assert {line.name.key for line in found.budget} == {"budget.pore_edge", "budget.scale"}
    (square,) = [mark for mark in made[0].marks if mark.layer == "worst square"]
    assert "32 %" in square.label
    assert "worst_field_percent" not in measured([labels], pixel_um=2.0)[0]
    with pytest.raises(MeasurementError, match=r"a square of 900 um is 450 px, the field has 200 x 300"):
        measured([labels], Settings(worst_field_um=900.0), pixel_um=2.0)


def said_of_few(found):
    return [one.values["pores"] for one in found.warnings if one.key == "porosity.warning_few_pores_one_field"]


def test_few_pores_of_a_single_field_are_said():
    squares = [(20 * (k // 12), 20 * (k % 12), 5, 5) for k in range(36)]
    assert said_of_few(measured([field(squares[:29])])[1]) == [29]
    assert said_of_few(measured([field(squares)])[1]) == []
    assert said_of_few(measured([field(squares[:29])] * 2)[1]) == []
    assert said_of_few(measured([field([])])[1]) == []  # has doubts of its own


def test_few_pores_of_a_single_field_are_not_said_in_a_report_from_before():
    labels = field(FIVE)
    image, found = micrograph(labels.shape), segmentation(labels)
    now = porosity.measure_field(image, found, Settings(), AREAL)
    kept = {name: value for name, value in now.read_off.items() if name != "skewed_features_count"}
    before = porosity.measure_field(replace(image, read_off=kept), found, Settings(), AREAL)
    assert [len(said_of_few(porosity.combine([one], Settings(), AREAL))) for one in (now, before)] == [1, 0]


def test_class_string_is_judged_on_the_results():
    asked = Requirement(quantity="porosity_class", class_string="D5/0.1/A1", rule="simple", source="drawing")
    editions = editions_for(porosity, Settings(), "vdg_p201_2002")
    results, _, _ = measured([field(FIVE)] * 3, editions=editions)
    expanded = porosity.expand(asked, Settings(), editions)
    verdicts = {r.quantity: decide(results[r.quantity], r).decision for r in expanded}
    assert verdicts == {
        "reference_porosity_percent": "pass",  # 1.8 %
        "largest_pore_feret_um": "pass",  # 41 um
        "pore_neighbour_ratio_min": "pass",
    }
    strict = replace(asked, class_string="D1/0.04/A4")
    verdicts = [decide(results[r.quantity], r).decision for r in porosity.expand(strict, Settings(), editions)]
    assert verdicts == ["fail", "fail", "fail"]


def test_without_a_reference_area_the_worst_field_decides_and_not_the_mean():
    # fields of 1, 1 and 9 %: the mean of 3.7 % would pass D5
    fields = [field([(50, 50, 20, 30)]), field([(50, 50, 20, 30)]), field([(50, 50, 60, 90)])]
    editions = editions_for(porosity, Settings(), "vdg_p201_2002")
    results, _, _ = measured(fields, editions=editions)
    assert results["porosity_percent"].value == pytest.approx(11 / 3)
    assert results["reference_porosity_percent"].value == pytest.approx(9.0)
    asked = Requirement(quantity="porosity_class", class_string="D5", source="drawing")
    (requirement,) = porosity.expand(asked, Settings(), editions)
    assert "worst field" in requirement.source
    assert decide(results[requirement.quantity], requirement).decision == "fail"


def test_a_clean_casting_passes_its_class():
    editions = editions_for(porosity, Settings(), "vdg_p201_2002")
    results, _, _ = measured([field([])] * 3, editions=editions)
    for text in ("D5", "F3"):
        (requirement,) = porosity.expand(
            Requirement(quantity="porosity_class", class_string=text, source="drawing"), Settings(), editions
        )
        result = results[requirement.quantity]
        assert result.u > 0
        assert decide(result, requirement).decision == "pass"


def test_thermal_spray_keeps_cracks_apart():
    labels = field([*FIVE[:2], (120, 20, 3, 90)])
    editions = editions_for(porosity, Settings(), "astm_e2109_2014")
    results, found, _ = measured([labels, labels], editions=editions)
    assert results["porosity_percent"].value == pytest.approx(100 * 500 / 60000)
    assert results["linear_percent"].value == pytest.approx(100 * 270 / 60000)
    assert results["largest_pore_feret_um"].value < 30
    assert found.measurements.features["linear"].sum() == 2
    areal = measured([labels, labels])[0]
    assert areal["porosity_percent"].value == pytest.approx(100 * 770 / 60000)


def test_hardmetal_types_and_levels():
    # 1 um pixels: pores of Feret 7 (A), 14 (B), 42 (25 to 75 um)
    labels = field([(20, 20, 5, 5), (60, 60, 10, 10), (100, 100, 30, 30)], (1000, 1000))
    results, found, _ = measured([labels, labels], editions=editions_for(porosity, Settings(), "astm_b276_2021"))
    a, b = results["hardmetal_percent.A"], results["hardmetal_percent.B"]
    assert (a.value, a.rounded) == (pytest.approx(0.0025), "A02")
    assert (b.value, b.rounded) == (pytest.approx(0.01), "B02")
    assert results["large_pores_per_cm2.25-75 um"].value == pytest.approx(100)
    assert results["large_pores_per_cm2.over 125 um"].value == 0
    assert any(table.title.startswith("Apparent porosity") for table in found.tables)


def test_size_classes_cover_every_pore():
    for settings in (Settings(), Settings(size_classes_um=(12.0, 25.0)), Settings(size_by="feret_max")):
        _, found, _ = measured([field(FIVE)], settings)
        table = next(table for table in found.tables if table.title == "Size classes")
        assert sum(row[2] for row in table.rows) == 5
        assert sum(row[4] for row in table.rows) == pytest.approx(100 * 1100 / 60000)
        assert sum(row[5] for row in table.rows) == pytest.approx(100)


def test_classes_are_chosen_by_name():
    labels = field(FIVE[:1])
    labels[100:110, 100:110] = 2
    named = segmentation(labels, classes={0: "metal", 1: "oxide", 2: "pore"})
    settings = Settings(classes=("pore",))
    made = porosity.measure_field(micrograph(labels.shape), named, settings, AREAL)
    assert made.features["row_px"].tolist() == [104.5]
    with pytest.raises(MeasurementError, match="no class 'void' in the segmentation; there are: metal, oxide, pore"):
        porosity.measure_field(micrograph(labels.shape), named, Settings(classes=("void",)), AREAL)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(minimum_px2=0), "minimum_px2 must be at least 1, got 0"),
        (Settings(cluster_gap=0.0), "cluster_gap must be > 0"),
        (Settings(size_classes_um=(5.0, 2.0)), "size_classes_um must be > 0 and ascend"),
        (Settings(reference_area=ReferenceArea()), "size_mm must be > 0"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(SettingsError, match=message):
        measured([field(FIVE)], settings)


def test_rules_of_the_standard_become_checks():
    _, found, _ = measured([field(FIVE)] * 2)
    checks = {check.name: check for check in found.checks}
    assert sum(check.scope != "plausibility" for check in checks.values()) == len(AREAL.job.rules)
    assert not checks["Fields of a section"].passed
    assert checks["Fields of a section"].value == 2
    assert not checks["Pores measured"].passed
    assert checks["Smallest pore that is measured"].passed
    _, found, _ = measured([field(FIVE)], editions=editions_for(porosity, Settings(), "astm_e1245_2016"))
    accuracy = next(check for check in found.checks if check.name.startswith("Relative accuracy"))
    assert accuracy.value is None
    assert not accuracy.passed


# --------------------------------------------------------------------------------------- sizes beyond the mean


def rows_of_squares(sides):
    """A field of squares that lie apart and away from its edge, so large that all weigh the same within 2 %."""
    return field(
        [(100 + 60 * (i // 40), 100 + 60 * (i % 40), side, side) for i, side in enumerate(sides)], (3000, 3000)
    )


def test_percentiles_of_the_diameter_are_those_of_numpy():
    sides = np.random.default_rng(2).permutation(np.arange(5, 45))
    results, _, _ = measured([rows_of_squares(sides[:20]), rows_of_squares(sides[20:])], pixel_um=2.0)
    ecd = 2.0 * np.sqrt(4 / np.pi) * sides
    for name, percent in (("d10", 10), ("d50", 50), ("d90", 90)):
        found = results[f"pore_ecd_um.{name}"]
        assert found.value == pytest.approx(np.percentile(ecd, percent, method="hazen"), rel=0.02)
        # order statistics of 40 pores: the number below a percentile scatters by sqrt(n p (1 - p))
        off = 100 * np.sqrt(percent * (100 - percent) / 1e4 / 40)
        low, high = np.percentile(ecd, [percent - off, percent + off], method="hazen")
        assert next(line for line in found.budget if line.name == "between pores").u == pytest.approx(
            (high - low) / 2, rel=0.05
        )


def test_root_of_the_area_of_the_largest_pore():
    results, _, _ = measured([field(FIVE), field(FIVE[:2])], pixel_um=0.5)
    assert results["largest_pore_sqrt_area_um"].value == pytest.approx(0.5 * 20)
    assert "part_pore_sqrt_area_um" not in results


def test_the_largest_pore_of_the_part_is_that_of_the_gumbel_distribution_of_the_fields():
    sides = 8 + np.arange(14) * 2
    fields = [field([(20, 20, side, side), (100, 100, 6, 6)]) for side in sides]
    settings = Settings(part_area_mm2=200 * 300 * 1e-6 * 500)
    results, _, _ = measured(fields, settings=settings, pixel_um=1.0)
    found = results["part_pore_sqrt_area_um"]
    assert found.value == pytest.approx(stats.gumbel_r.ppf(1 - 1 / 500, *stats.gumbel_r.fit(sides)), rel=1e-3)
    assert found.budget[0].dof == 13
    fitted = astm_e2283.fit(sides)
    by_fit = [line for line in found.budget if line.name in ("between fields", "small number of fields")]
    assert expanded(by_fit) == pytest.approx(astm_e2283.half_width(fitted, 500.0), rel=1e-3)


def test_the_largest_pore_of_the_part_is_refused_from_few_fields():
    results, found, _ = measured([field(FIVE)] * 3, settings=Settings(part_area_mm2=10.0), pixel_um=1.0)
    assert "part_pore_sqrt_area_um" not in results
    assert any("requires 12 fields" in warning for warning in found.warnings)


def test_the_mean_size_over_sections_scatters_as_the_sections_do():
    """Two sections of two fields: residuals of the ratio of sums, by hand."""
    fields = [
        field([(20, 20, 30, 30)]),
        field([(20, 20, 20, 20)]),
        field([(20, 20, 10, 10)]),
        field([(20, 20, 12, 12)]),
    ]
    made = [
        porosity.measure_field(
            replace(micrograph(labels.shape, field=i + 1), section="aabb"[i]), segmentation(labels), Settings(), AREAL
        )
        for i, labels in enumerate(fields)
    ]
    found = {one.quantity: one for one in porosity.combine(made, Settings(), AREAL).results}["mean_pore_ecd_um"]
    line = next(line for line in found.budget if line.name == "between sections")
    weight, total = (np.array([one.values[name] for one in made]) for name in ("size_weight", "ecd_weighted_um"))
    rest = (total - found.value * weight).reshape(2, 2).sum(axis=1)
    assert line.u == pytest.approx(np.sqrt(2 * (rest**2).sum()) / weight.sum())
    assert line.dof == 1
