"""Phase fraction from images to results: exact truth, statistics by hand, honest intervals."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import MeasurementError, ReadError, SettingsError
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes import phase_fraction
from inspect_tool.recipes.phase_fraction import Settings
from inspect_tool.segmentation import choice, threshold
from inspect_tool.standards.editions import editions_for

E562, E1245 = (editions_for(phase_fraction, Settings(), name) for name in ("astm_e562_2019", "astm_e1245_2016"))
SCALE = Calibration(pixel_um=0.5, u_rel=0.01, source="test")


def measured(fields, percent, seed, **kwargs):
    """Measure synthetic fields of one specimen with the default backend."""
    kwargs = {"feature_um": 8.0, "shape_px": (112, 144), "pixel_um": 0.5, "kind": "gaussian", "level": 1} | kwargs
    level = kwargs.pop("level")
    made = []
    for i in range(fields):
        truth = synthetic.two_phase(seed=1000 * seed + i, area_percent=percent, **kwargs)
        micrograph = Micrograph(
            pixels=synthetic.degrade(truth.pixels, level, seed=1000 * seed + i),
            calibration=SCALE,
            path=f"field_{i + 1}.png",
            field=i + 1,
        )
        settings = threshold.Settings()
        found = threshold.segment(None, micrograph, settings)
        made.append(phase_fraction.measure_field(micrograph, found, Settings(), E562))
    return made


def result(findings, quantity, specimen="1"):
    (found,) = [r for r in findings.results if r.quantity == quantity and r.specimen == specimen]
    return found


def check(findings, start, specimen="1"):
    (found,) = [c for c in findings.checks if c.name.startswith(start) and c.specimen == specimen]
    return found


def field(labels, number=1, classes=None, settings=None, editions=E562, others=(), **kwargs):
    """Measure a field from a class image that is given."""
    labels = np.asarray(labels, np.int32)
    micrograph = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8),
        **{"calibration": SCALE, "path": f"{number}.png", "field": number} | kwargs,
    )
    alternatives = [(name, _classes(np.asarray(other, np.int32), classes)) for name, other in others]
    segmentation = replace(_classes(labels, classes), alternatives=lambda: iter(alternatives))
    return phase_fraction.measure_field(micrograph, segmentation, settings or Settings(), editions)


def _classes(labels, classes):
    return Segmentation(
        labels=labels, classes=classes or {0: "matrix", 1: "carbide"}, kind="semantic", backend="labels"
    )


def stripes(columns, width=100, rows=80):
    """A class image with ``columns`` % of class 1, in one stripe."""
    labels = np.zeros((rows, width), np.int32)
    labels[:, 10 : 10 + columns] = 1
    return labels


# ----------------------------------------------------------------------------------------------------- the interval


def test_interval_and_budget_of_five_fields_by_hand():
    shares = [20, 24, 18, 22, 26]
    fields = [field(stripes(share), i + 1) for i, share in enumerate(shares)]
    findings = phase_fraction.combine(fields, Settings(), E562)
    found = result(findings, "area_percent.carbide")
    assert found.value == pytest.approx(22.0)
    between, segmentation = found.budget
    assert between.u == pytest.approx(np.std(shares, ddof=1) / sqrt(5))
    assert between.dof == 4
    # one stripe of 100 columns: two crossings in 99 pairs along rows, none along 79 pairs of each column
    density = np.pi / 2 * 2 * 80 / (80 * 99 + 100 * 79)
    assert segmentation.u == pytest.approx(100 * 0.5 * density / sqrt(3))
    assert found.n == 5
    # t(0.975, 4) = 2.776
    assert check(findings, "Relative accuracy").value == pytest.approx(
        100 * 2.776445 * np.std(shares, ddof=1) / sqrt(5) / 22, rel=1e-5
    )


def test_alternatives_replace_the_half_pixel():
    fields = [
        field(stripes(20 + i), i + 1, others=[("threshold -", stripes(18 + i)), ("threshold +", stripes(23 + i))])
        for i in range(3)
    ]
    segmentation = result(phase_fraction.combine(fields, Settings(), E562), "area_percent.carbide").budget[1]
    assert segmentation.u == pytest.approx((24 - 19) / 2 / sqrt(3))
    assert "threshold -, threshold +" in segmentation.basis


def test_the_scale_has_no_effect_on_a_share():
    one = field(stripes(20))
    two = field(stripes(20), calibration=replace(SCALE, pixel_um=1.0))
    assert one.values["area_percent.carbide"] == two.values["area_percent.carbide"]
    assert one.values["intercepts_per_mm.carbide"] == pytest.approx(2 * two.values["intercepts_per_mm.carbide"])
    budget = result(phase_fraction.combine([one], Settings(), E562), "area_percent.carbide").budget
    assert [line.name for line in budget] == ["within-field scatter", "segmentation"]


# -------------------------------------------------------------------------------------------------- field values


def test_shares_of_all_classes_sum_to_100_and_do_not_turn_with_the_image():
    rng = np.random.default_rng(3)
    labels = np.kron(rng.integers(0, 3, (12, 16)), np.ones((8, 8), int))
    classes = {0: "ferrite", 1: "pearlite", 2: "martensite"}
    values = field(labels, classes=classes).values
    turned = field(np.rot90(labels).copy(), classes=classes).values
    assert sum(values[f"area_percent.{name}"] for name in classes.values()) == pytest.approx(100)
    assert sum(values[f"points.{name}"] for name in classes.values()) == pytest.approx(values["grid_points"])
    swapped = {"intercepts_per_mm_horizontal": "intercepts_per_mm_vertical"}
    swapped |= {new: old for old, new in swapped.items()}
    for key in values:
        if not key.startswith(("points", "grid")):
            name, _, end = key.partition(".")
            assert turned[f"{swapped.get(name, name)}.{end}"] == pytest.approx(values[key]), key


def test_class_numbers_do_not_matter():
    labels = np.kron(np.random.default_rng(4).integers(1, 4, (12, 16)), np.ones((8, 8), int))
    names = {1: "a", 2: "b", 3: "c", 0: "matrix"}
    swapped = np.array([0, 3, 1, 2])[labels]
    values = field(labels, classes=names).values
    other = field(swapped, classes={0: "matrix", 3: "a", 1: "b", 2: "c"}).values
    assert dict(other) == pytest.approx(dict(values))


def test_only_the_region_counts():
    roi = np.zeros((80, 100), bool)
    roi[:, :50] = True
    labels = stripes(20)
    labels[:, 60:] = 1
    assert field(labels, roi=roi).values["area_percent.carbide"] == pytest.approx(40.0)


def test_features_are_counted_by_the_rules():
    labels = np.zeros((80, 100), np.int32)
    labels[10:14, 10:15] = 1  # 20 px2
    labels[30:32, 30:34] = 1  # 8 px2: below the declared size
    labels[0:5, 50:60] = 1  # 50 px2, cut by the frame: 1/2
    found = field(labels)
    area_mm2 = 80 * 100 * 0.25e-6
    assert found.values["count.carbide"] == 2
    assert found.values["count_per_mm2.carbide"] == pytest.approx(1.5 / area_mm2)
    assert found.values["too_small_percent.carbide"] == pytest.approx(100 * 8 / 78)
    assert found.features["area_um2"].tolist() == [12.5, 5.0, 2.0]
    assert found.features["touches_edge"].tolist() == [True, False, False]
    assert found.features["feature"].tolist() == [1, 2, 3]
    assert (found.worst[0].value, found.worst[0].box) == (12.5, (0, 50, 5, 60))


def test_features_of_several_classes_have_different_numbers():
    labels = np.zeros((40, 40), np.int32)
    labels[5:10, 5:10], labels[20:25, 20:25], labels[30:34, 30:34] = 1, 2, 2
    found = field(labels, classes={0: "matrix", 1: "a", 2: "b"})
    assert found.features["feature"].tolist() == [1, 2, 3]
    assert found.features["class"].tolist() == ["a", "b", "b"]


def test_the_grid_lies_on_the_overlay():
    found = field(stripes(30))
    assert {mark.layer for mark in found.marks} == {"point grid"}
    assert sum(len(mark.points) for mark in found.marks) == found.values["grid_points"] == 16
    hits = {mark.style: len(mark.points) for mark in found.marks}
    assert found.values["points.carbide"] == hits.get("hit", 0) + 0.5 * hits.get("half hit", 0)


def test_without_a_scale_only_ratios_come_out():
    ratio = Calibration(pixel_um=None, source="ratio only")
    found = field(stripes(20), calibration=ratio)
    assert not [key for key in found.values if "um" in key.split(".")[0] or "mm" in key]
    findings = phase_fraction.combine([found], Settings(), E562)
    assert {r.quantity.split(".")[0] for r in findings.results} == {
        "area_percent",
        "point_percent",
        "worst_field_percent",
    }
    assert found.worst[0].unit == "px2"


def test_a_field_without_the_phase_is_measured_too():
    fields = [field(np.zeros((80, 100)), 1), field(stripes(4), 2)]
    findings = phase_fraction.combine(fields, Settings(), E562)
    assert result(findings, "area_percent.carbide").value == 2.0
    assert len(findings.measurements.features) == 1


def test_a_job_without_the_phase_has_a_share_of_zero():
    findings = phase_fraction.combine([field(np.zeros((80, 100)), i) for i in (1, 2, 3)], Settings(), E562)
    assert result(findings, "area_percent.carbide").value == 0.0
    assert not check(findings, "Relative accuracy").passed
    assert len(findings.measurements.features) == 0


# ------------------------------------------------------------------------------------------- stereology and referee


def test_mean_free_path_agrees_with_the_process():
    fields = measured(6, 20.0, 7, shape_px=(300, 400))
    findings = phase_fraction.combine(fields, Settings(), E562)
    # closed formula of the Gaussian field: 8 um x 80 / 20; crossings of the sharp labels hold within 5 %
    path = result(findings, "mean_free_path_um.dark")
    assert path.value == pytest.approx(32.0, rel=0.05)
    assert path.interval[0] <= 32.0 <= path.interval[1]
    assert result(findings, "mean_intercept_um.dark").value == pytest.approx(8.0, rel=0.05)
    assert [line.name for line in path.budget] == ["between fields", "segmentation", "scale"]


def test_a_ratio_of_means_has_the_scatter_of_both():
    shares = [20, 24, 18, 22]
    fields = [field(stripes(share), i + 1) for i, share in enumerate(shares)]
    path = result(phase_fraction.combine(fields, Settings(), E562), "mean_free_path_um.carbide")
    # every field has the same number of interceptions: the scatter is that of 1 - A_A alone
    assert path.budget[0].u == pytest.approx(path.value * np.std(shares, ddof=1) / sqrt(4) / 79.0)


def test_grid_and_area_agree_on_the_same_fields():
    findings = phase_fraction.combine(measured(5, 30.0, 3), Settings(), E562)
    assert check(findings, "Point count by grid against area, dark").passed
    points = result(findings, "point_percent.dark")
    assert points.value == pytest.approx(30.0, abs=15)
    assert points.clause.startswith("rule of this software")  # nobody looked at the points


def test_a_manual_count_is_the_referee(tmp_path):
    table = tmp_path / "counts.csv"
    table.write_text("specimen;field;grid_points;carbide\n1;1;100;21,5\n1;2;100;23\n", encoding="utf-8")
    settings = Settings(counts=str(table))
    fields = [field(stripes(share), i + 1) for i, share in enumerate((20, 24, 60))]
    findings = phase_fraction.combine(fields, settings, E562)
    points = result(findings, "point_percent.carbide")
    assert points.value == pytest.approx(22.25)
    assert "counted by hand" in points.definition
    # compared with the area of the two fields that were counted, not of all three
    referee = check(findings, "Point count by hand against area, carbide")
    assert referee.value == pytest.approx(0.25)
    assert referee.passed


def test_a_manual_count_that_contradicts_fails(tmp_path):
    table = tmp_path / "counts.csv"
    table.write_text("field,grid_points,carbide\n1,100,45\n2,100,50\n", encoding="utf-8")
    fields = [field(stripes(20), i) for i in (1, 2)]
    findings = phase_fraction.combine(fields, Settings(counts=str(table)), E562)
    assert not check(findings, "Point count by hand").passed


def test_a_manual_count_of_a_field_that_is_not_there_is_an_error(tmp_path):
    table = tmp_path / "counts.csv"
    table.write_text("field,grid_points,carbide\n7,100,45\n", encoding="utf-8")
    with pytest.raises(ReadError, match=r"specimen '1' field 7 is not a field of this job"):
        phase_fraction.check_tables(Settings(counts=str(table)), {("1", 1)})


def test_counts_of_fields_that_are_not_looked_at_are_no_mistake_of_the_table(tmp_path):
    # a lost field, or one field looked at alone; the counts say 30 of 100 in the field that is left
    table = tmp_path / "counts.csv"
    table.write_text("field,grid_points,carbide\n1,100,45\n2,100,30\n", encoding="utf-8")
    findings = phase_fraction.combine([field(stripes(20), 2)], Settings(counts=str(table)), E562)
    assert result(findings, "point_percent.carbide").value == pytest.approx(30)


def test_a_count_by_a_program_does_not_conform_to_a_manual_point_count(tmp_path):
    fields = [field(stripes(20 + i), i) for i in (1, 2)]
    by_program = phase_fraction.combine(fields, Settings(), E562)
    assert not check(by_program, "Fields whose points a person counted").passed
    assert "image analysis" in by_program.deviations[0]
    assert result(by_program, "area_percent.carbide").clause.startswith("ASTM E1245")
    table = tmp_path / "counts.csv"
    table.write_text("field,grid_points,carbide\n1,100,21\n2,100,22\n", encoding="utf-8")
    by_hand = phase_fraction.combine(fields, Settings(counts=str(table)), E562)
    assert check(by_hand, "Fields whose points a person counted").value == 100
    assert by_hand.deviations == ()
    assert result(by_hand, "point_percent.carbide").main
    assert result(by_hand, "point_percent.carbide").clause.startswith("ASTM E562-19")
    # image analysis is what E1245 is about
    assert phase_fraction.combine(fields, Settings(), E1245).deviations == ()


# --------------------------------------------------------------------------------------------- stereology of E1245


def stringers(count, length, width, shape, pitch):
    """Horizontal stringers on a grid of rows, none of them cut: (count per row, ...) known by counting."""
    labels = np.zeros(shape, np.int32)
    for top in range(pitch // 2, shape[0] - width, pitch):
        for i in range(count):
            left = (2 * i + 1) * shape[1] // (2 * count) - length // 2
            labels[top : top + width, left : left + length] = 1
    return labels


@pytest.mark.parametrize("turned", [False, True])
def test_stringers_are_crossed_by_lines_perpendicular_to_their_axis(turned):
    labels = stringers(3, 120, 4, (300, 480), 30)
    rows, columns = 10, 3
    share = rows * columns * 120 * 4 / labels.size
    per_px = rows * columns * 120 / (480 * 299)  # every stringer is crossed by 120 of 480 vertical lines of 299 steps
    labels = labels.T.copy() if turned else labels
    found = phase_fraction.combine([field(labels, i) for i in (1, 2)], Settings(), E1245)
    path = result(found, "mean_free_path_um.carbide")
    assert path.value == pytest.approx((1 - share) / per_px * 0.5, rel=1e-9)
    assert ("all rows" if turned else "all columns") in path.definition
    (said,) = [one.text for one in found.statements if one.name == "Lines and counts"]
    assert ("vertical, found" if turned else "horizontal, found") in said
    mixed = phase_fraction.combine([field(labels, i) for i in (1, 2)], Settings(axis="none"), E1245)
    assert result(mixed, "mean_free_path_um.carbide").value > 1.5 * path.value


def test_a_structure_without_an_axis_is_crossed_by_lines_of_both_directions():
    found = phase_fraction.combine(measured(4, 30.0, 5), Settings(), E1245)
    assert "no preferred axis" in next(one.text for one in found.statements if one.name == "Lines and counts")
    both = result(found, "intercepts_per_mm.dark").value
    directed = [result(found, f"intercepts_per_mm_{way}.dark").value for way in ("horizontal", "vertical")]
    assert min(directed) < both < max(directed)


def test_mean_area_has_the_same_features_above_and_below_the_line():
    labels = np.zeros((100, 100), np.int32)
    labels[10:14, 10:15] = 1  # 20 px2
    labels[40:44, 40:50] = 1  # 40 px2
    labels[80:82, 80:82] = 1  # 4 px2: below the declared size, in the area share only
    found = phase_fraction.combine([field(labels, i) for i in (1, 2)], Settings(), E1245)
    assert result(found, "mean_area_um2.carbide").value == pytest.approx(30 * 0.25)
    assert result(found, "area_percent.carbide").value == pytest.approx(0.64)


def test_the_worst_field_is_a_result():
    fields = [field(stripes(share), i + 1) for i, share in enumerate((20, 24, 60))]
    worst = result(phase_fraction.combine(fields, Settings(), E1245), "worst_field_percent.carbide")
    assert (worst.value, worst.n) == (60.0, 3)
    assert "field 3" in worst.title
    assert worst.u == pytest.approx(fields[2].values["half_pixel_percent.carbide"] / sqrt(3))


def test_contiguity_is_the_share_of_the_surface_that_objects_share():
    # blocks of 2 x 2 squares of side a: 4 a of contact, 8 a of border with the matrix; 2 x 4 a / (2 x 4 a + 8 a) = 1/2
    objects = np.zeros((120, 120), np.int32)
    places = [(r + i, c + j) for r in (20, 70) for c in (20, 70) for i in (0, 10) for j in (0, 10)]
    for number, (top, left) in enumerate(places):
        objects[top : top + 10, left : left + 10] = number + 1
    found = Segmentation(labels=objects, classes={1: "carbide"}, kind="instance", backend="labels")
    micrograph = Micrograph(pixels=np.zeros(objects.shape, np.uint8), calibration=SCALE, path="x.png")
    made = phase_fraction.measure_field(micrograph, choice.union(found), Settings(), E1245)
    one = result(phase_fraction.combine([made, replace(made, field=2)], Settings(), E1245), "contiguity.carbide")
    assert one.value == pytest.approx(0.5)
    # classes do not show where one object ends and the next begins
    classes = phase_fraction.combine([field(objects > 0, i) for i in (1, 2)], Settings(), E1245)
    assert not [r for r in classes.results if r.quantity.startswith("contiguity")]


# ---------------------------------------------------------------------------------------------- checks and warnings


def test_sampling_rules_become_checks_with_their_clause():
    findings = phase_fraction.combine([field(stripes(20 + i), i + 1) for i in range(5)], Settings(), E562)
    fields = check(findings, "Fields of a section")
    assert (fields.value, fields.limit, fields.passed) == (5, 30, False)
    assert fields.clause == "ASTM E562-19: number of fields, customary start"
    assert check(findings, "Points of the grid").passed
    assert check(findings, "Smallest counted feature").clause.startswith("ASTM E1245")


def test_the_other_edition_has_its_own_number_of_fields():
    findings = phase_fraction.combine([field(stripes(20), editions=E1245)], Settings(), E1245)
    assert check(findings, "Fields of a section").limit == 100
    assert result(findings, "area_percent.carbide").clause.startswith("ASTM E1245-03(2016): ")
    assert result(findings, "point_percent.carbide").clause.startswith(
        "rule of this software"
    )  # nobody looked at the points


def test_an_interval_below_zero_is_said_and_not_clipped():
    fields = [field(stripes(share), i + 1) for i, share in enumerate((0, 0, 9))]
    findings = phase_fraction.combine(fields, Settings(), E562)
    assert result(findings, "area_percent.carbide").interval[0] < 0
    assert not check(findings, "Lower 95 % confidence limit").passed
    assert any("extends below zero" in warning for warning in findings.warnings)


def test_one_field_is_said():
    findings = phase_fraction.combine([field(stripes(20))], Settings(), E562)
    assert any("one field only" in warning for warning in findings.warnings)
    assert not check(findings, "Relative accuracy").passed


def test_sections_are_combined_as_the_mean_of_their_means():
    near = [
        field(stripes(share), i + 1, section=s)
        for i, (s, share) in enumerate(zip("AAABBB", (20, 22, 24, 21, 23, 26), strict=True))
    ]
    findings = phase_fraction.combine(near, Settings(), E562)
    assert result(findings, "area_percent.carbide").value == pytest.approx((22 + 70 / 3) / 2)
    assert check(findings, "Largest gap").passed
    far = [
        field(stripes(share), i + 1, section=s)
        for i, (s, share) in enumerate(zip("AAABBB", (20, 21, 22, 60, 61, 62), strict=True))
    ]
    apart = phase_fraction.combine(far, Settings(), E562)
    assert not check(apart, "Largest gap").passed
    assert any(table.title == "Area fraction by section" for table in apart.tables)


def test_specimens_stay_apart():
    fields = [field(stripes(20), 1, specimen="A"), field(stripes(40), 1, specimen="B")]
    findings = phase_fraction.combine(fields, Settings(), E562)
    assert [result(findings, "area_percent.carbide", s).value for s in "AB"] == [20, 40]


def test_the_number_of_further_fields_reaches_the_wanted_accuracy():
    shares = (20, 24, 18, 22, 26)
    fields = [field(stripes(share), i + 1) for i, share in enumerate(shares)]
    (table,) = [
        t
        for t in phase_fraction.combine(fields, Settings(wanted_ra_percent=5.0), E562).tables
        if "field stat" in t.title
    ]
    more = dict(zip(table.columns, table.rows[0], strict=True))["Further fields for 5 %RA"]
    # t(0.975, 33) s / sqrt(34) is 1.103, 5 % of 22 is 1.1: 35 fields; s = sqrt(10), t from tables
    assert more == 35 - 5


def test_page_one_shows_the_phases_and_not_the_matrix():
    findings = phase_fraction.combine([field(stripes(20))], Settings(), E562)
    assert [r.quantity for r in findings.results if r.main] == ["area_percent.carbide"]


def test_every_result_is_announced():
    findings = phase_fraction.combine([field(stripes(20), i) for i in (1, 2)], Settings(), E562)
    for found in findings.results:
        announced = phase_fraction.QUANTITIES[found.quantity.split(".")[0] + ".*"]
        assert (found.unit, bool(found.clause), bool(found.definition)) == (announced.unit, True, True)


# -------------------------------------------------------------------------------------------------------- refusals


def test_single_objects_are_refused():
    instance = Segmentation(
        labels=np.ones((8, 8), np.int32), classes={1: "grain"}, kind="instance", backend="watershed"
    )
    micrograph = Micrograph(pixels=np.zeros((8, 8), np.uint8), calibration=SCALE, path="a.png")
    with pytest.raises(MeasurementError, match=r"a\.png: phase fraction needs classes, the backend 'watershed'"):
        phase_fraction.measure_field(micrograph, instance, Settings(), E562)


@pytest.mark.parametrize(
    ("classes", "match"),
    [({0: "a"}, "two classes or more"), ({0: "a", 1: "a"}, "two classes have the same name")],
)
def test_classes_must_be_told_apart(classes, match):
    with pytest.raises(MeasurementError, match=match):
        field(np.zeros((8, 8)), classes=classes)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"wanted_ra_percent": 0.0}, "wanted_ra_percent: got 0, must be > 0"),
        ({"smallest_feature_px2": 0}, "must be 1 or more"),
        ({"grid_points": 24}, "must be a square number"),
    ],
)
def test_settings_out_of_range_are_refused(settings, match):
    with pytest.raises(SettingsError, match=match):
        field(stripes(20), settings=Settings(**settings))


def test_fields_must_have_the_same_classes():
    fields = [field(stripes(20), 1), field(stripes(20), 2, classes={0: "matrix", 1: "oxide"})]
    with pytest.raises(MeasurementError, match=r"2\.png has classes oxide, matrix, 1\.png has carbide, matrix"):
        phase_fraction.combine(fields, Settings(), E562)


def test_no_field_is_an_error():
    with pytest.raises(MeasurementError, match="no field was measured"):
        phase_fraction.combine([], Settings(), E562)


def test_a_grid_outside_the_region_is_an_error():
    roi = np.zeros((80, 100), bool)
    roi[0, 0] = True
    found = field(stripes(20), roi=roi)
    if found.values["grid_points"]:
        pytest.skip("the random start hit the only pixel")
    with pytest.raises(MeasurementError, match="no point of the grid inside the region"):
        phase_fraction.combine([found], Settings(), E562)


def test_a_phase_that_goes_through_the_field_has_no_worst_features():
    labels = np.zeros((80, 100), np.int32)
    labels[:, 10:14] = 1  # from edge to edge
    labels[20:30, 40:50] = 1  # an island of the same phase
    labels[60:66, 60:66], labels[60:63, 80:83] = 2, 2
    found = field(labels, classes={0: "matrix", 1: "ferrite", 2: "carbide"})
    classes = dict(zip(found.features["feature"], found.features["class"], strict=True))
    assert [(classes[one.feature], one.apart) for one in found.worst] == [
        ("ferrite", False), ("ferrite", False), ("carbide", True), ("carbide", True),
    ]  # fmt: skip
    short = labels.copy()
    short[39:, 10:14] = 0  # not half as high as the field
    assert all(one.apart for one in field(short, classes={0: "matrix", 1: "ferrite", 2: "carbide"}).worst)


def test_ten_things_of_their_own_are_kept_below_those_that_go_through_the_field():
    labels = np.zeros((160, 200), np.int32)
    for row in range(0, 156, 13):  # twelve bands from edge to edge
        labels[row : row + 3] = 1
        labels[row + 5 : row + 9, 10:14] = labels[row + 5 : row + 9, 30 : 30 + 4 + row // 13] = 2
    worst = field(labels, classes={0: "matrix", 1: "pearlite", 2: "carbide"}).worst
    assert sum(not one.apart for one in worst) == 10  # as many as earlier versions showed
    apart = [one.value for one in worst if one.apart]
    assert apart == [0.25 * 4 * (15 - i) for i in range(10)]  # the ten largest of 24: 4 times 15 to 6 pixels
