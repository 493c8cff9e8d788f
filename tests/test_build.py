"""Assembly of the report: verdict, method conformity, what is not stated, identification."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
from report_example import HEADER, example

from inspect_tool import files
from inspect_tool.acceptance.verdict import method_conformity, overall_verdict
from inspect_tool.model import Calibration, Conformity, Criteria, Header, Requirement
from inspect_tool.report import build
from inspect_tool.standards.editions import check_rule, load_standard


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=2, features=30, size=160, grains=12).report


def decided(*decisions):
    return [
        Conformity(
            requirement=Requirement(quantity="x", upper=1.0), specimen="1", quantity="x", value=1.0, unit="%",
            expanded_u=0.1, decision=decision, probability=0.5, reason="",
        )
        for decision in decisions
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("decisions", "verdict"),
    [
        ((), "no requirement"),
        (("pass", "pass"), "pass"),
        (("pass", "fail", "undecided"), "fail"),
        (("pass", "undecided"), "undecided"),
        (("conditional pass",), "undecided"),
        (("conditional fail", "pass"), "undecided"),
        (("not stated", "pass"), "undecided"),
    ],
)
def test_one_failure_fails_and_one_doubt_is_doubt(decisions, verdict):
    assert overall_verdict(decided(*decisions)) == verdict


def test_every_item_of_the_17025_list_is_asked_for():
    # items of 7.8.2.1 that a laboratory states; a, d, f, l and m are made by the report itself
    letters = {item.letter for item in build.IDENTIFICATION if len(item.letter) == 1}
    assert letters == set("bceghijknop")
    assert {item.field for item in build.IDENTIFICATION} <= {item.name for item in fields(Header)}


def test_empty_header_fields_are_listed_with_their_clause():
    missing = build.missing_items(replace(HEADER, operator="   "))
    assert "Place of work (7.8.2.1 c)" in missing
    assert not any("Laboratory (" in item for item in missing)
    # customary only: no clause of ISO/IEC 17025 asks for the operator
    assert not any("Operator" in item for item in missing)
    # asked for in every report: 7.8.2.1 b, b, c, e, e, g, g, i, j, o; the other nine with a clause depend on the case
    assert len(build.missing_items(Header())) == 10
    assert "Date of receipt (if critical to the results: 7.8.2.1 h)" in build.missing_in_case(Header())
    assert len(build.missing_in_case(Header())) == 9


def test_only_rules_of_method_and_calibration_decide_conformity(report):
    assert [check.name for check in build.failed_rules(report)] == ["Number of fields"]  # two of five
    assert not report.conforming


def identification(report):
    return build.report_id(report, build.report_digest(report))


def test_identification_is_bound_to_the_content(report):
    day, number = report.id.split("-")[1:]
    assert (day, len(number)) == ("20260309", 8)
    slower = replace(report, provenance=replace(report.provenance, seconds=99.0))
    assert identification(slower) == report.id
    changed = replace(report.results[0], value=report.results[0].value + 1e-6)
    assert identification(replace(report, results=(changed, *report.results[1:]))) != report.id


def test_identification_survives_the_way_through_json(report, tmp_path):
    (tmp_path / "report.json").write_text(files.dump_report(report), encoding="utf-8")
    assert identification(files.load_report(tmp_path / "report.json")) == report.id


def test_identical_runs_have_identical_reports(tmp_path, report):
    again = example(tmp_path, fields=2, features=30, size=160, grains=12).report
    assert files.dump_report(again) == files.dump_report(report)


def test_table_holds_plain_values_of_six_digits():
    frame = pd.DataFrame(
        {"specimen": ["a", None], "area_um2": [1.23456789, np.nan], "count": [1, 2], "touches_edge": [True, False]}
    )
    made = build.table("Features", frame)
    assert made.columns == ("specimen", "area_um2", "count", "touches_edge")
    assert made.rows == (("a", 1.23457, 1, True), (None, None, 2, False))
    assert [type(value) for value in made.rows[0]] == [str, float, int, bool]


def test_statistics_of_a_section_are_those_of_the_fields():
    # E112 vector "E112-ABRAMS-200x": five fields, mean 87.6, s 6.5803, 95 % CI 9.327 % of the mean
    frame = pd.DataFrame({"specimen": "1", "section": "1", "field": range(1, 6), "count": [85, 92, 78, 88, 95]})
    made = build.section_statistics(frame)
    assert made is not None
    row = dict(zip(made.columns, made.rows[0], strict=True))
    assert row["Mean"] == pytest.approx(87.6)
    assert row["s"] == pytest.approx(6.5803, abs=1e-4)
    assert row["± 95 % CI"] == pytest.approx(0.09327 * 87.6, abs=1e-3)
    assert (row["Fields"], row["Smallest"], row["Largest"]) == (5, 78.0, 95.0)


def test_one_field_has_no_statistics_and_equal_fields_no_scatter():
    one = pd.DataFrame({"specimen": "1", "section": "1", "field": [1], "count": [85]})
    same = pd.DataFrame({"specimen": "1", "section": "1", "field": [1, 2, 3], "length_um": [0.1 + 0.2] * 3})
    assert build.section_statistics(one) is None
    assert build.section_statistics(same).rows[0][5:7] == (0.0, 0.0)


def test_tables_without_numbers_give_no_statistics():
    assert build.section_statistics(pd.DataFrame({"specimen": [], "section": []})) is None
    assert build.feature_statistics(pd.DataFrame({"feature": [], "area_um2": []})) is None


def test_one_field_and_missing_scale_are_said_on_page_1(tmp_path):
    single = example(tmp_path, fields=1, features=10, size=160, grains=12).report
    assert any("there is only one field" in warning for warning in single.warnings)
    assert any("Not yet compared with the published text" in warning for warning in single.warnings)
    assert single.standard.unverified


def test_ratio_only_is_said_on_page_1(report):
    ratio = replace(report.micrographs[0], calibration=Calibration(source="ratio only"))
    found = build._warnings(Criteria(), EMPTY, (), (), [ratio])
    assert len(found) == 1
    assert "only ratios are reported" in found[0]


def test_page_1_shows_marked_results_or_the_first_of_every_specimen(report):
    assert [result.quantity for result in build.main_results(report.results)] == [
        "grain_size_number", "mean_intercept_um",
    ]  # fmt: skip
    plain = [replace(result, main=False) for result in report.results]
    other = [replace(result, specimen="2") for result in plain]
    assert [(r.specimen, r.quantity) for r in build.main_results(plain + other)] == [
        ("1", "grain_size_number"), ("2", "grain_size_number"),
    ]  # fmt: skip


def _nothing():
    from inspect_tool.model import Findings, Measurements
    from inspect_tool.standards.editions import load_standard

    empty = Findings(results=(), checks=(), measurements=Measurements(features=pd.DataFrame(), fields=pd.DataFrame()))
    return empty, load_standard("astm_e112_2013")


EMPTY, STANDARD = _nothing()


def test_positions_and_angles_of_features_have_no_statistics():
    features = pd.DataFrame(
        {
            "feature": [1, 2],
            "top_px": [3, 4],
            "orientation_deg": [1.0, 179.0],
            "area_px2": [4, 8],
            "area_um2": [1.0, 2.0],
        }
    )
    assert [row[0] for row in build.feature_statistics(features).rows] == ["Area [µm²]"]


def test_a_rule_of_this_toolkit_says_nothing_about_the_conformity_to_a_standard():
    own = check_rule(load_standard("ipc_a_610_e"), "joint_diameter_px", 80.0)
    assert own.scope == "practice"
    assert "IPC" not in own.clause
    assert method_conformity([own]) is None
    kept = check_rule(load_standard("astm_e112_2013"), "fields_intercept", 5.0, method="abrams")
    assert method_conformity([own, kept]) is True
    assert method_conformity([replace(own, passed=False), kept]) is True
    assert method_conformity([own, replace(kept, passed=False)]) is False
