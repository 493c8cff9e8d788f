"""How sure a class is: probabilities by hand, properties, and what a report says of them."""

from dataclasses import replace
from math import atan, inf, pi

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_example import example

from inspect_tool.acceptance.conformity import probability_of_conformity
from inspect_tool.acceptance.verdict import class_verdicts
from inspect_tool.errors import MeasurementError
from inspect_tool.model import Component, Conformity, Requirement, Result
from inspect_tool.report.build import report_digest
from inspect_tool.report.text import class_text, filters
from inspect_tool.statistics.classes import ClassScale, class_of, limit_of, probabilities, rated, rating_of, steps
from inspect_tool.statistics.uncertainty import evaluated
from inspect_tool.verify.findings import STRICT
from inspect_tool.verify.recompute import compared

HALF_STEPS = steps(0.5, 3.0)
LEVELS = ClassScale(names=("A00", "A02", "A04", "> A04"), limits=(0.0, 0.02, 0.06), limit_in="lower")


def result(value, *lines, interval=None):
    return evaluated(
        Result(
            quantity="severity", specimen="1", value=value, unit="1", n=4, clause="", definition="",
            budget=tuple(lines), interval=interval,
        )
    )  # fmt: skip


def by_name(scale, *args, **more):
    return dict(zip(scale.names, probabilities(scale, *args, **more), strict=True))


def test_a_value_at_a_limit_is_as_likely_below_as_above():
    found = by_name(HALF_STEPS, 2.0, 0.05)
    assert found["1.5"] == pytest.approx(0.5)
    assert found["2"] == pytest.approx(0.5)


def test_normal_probabilities_by_the_table_of_phi():
    # limits 2.0 and 2.5 lie 1 u below and 2 u above 2.1667: Phi(2) - Phi(-1) = 0.97725 - 0.15866
    found = by_name(HALF_STEPS, 2.0 + 1 / 6, 1 / 6)
    assert found["2"] == pytest.approx(0.97725 - 0.15866, abs=1e-5)
    assert found["1.5"] == pytest.approx(0.15866 - 0.00003, abs=1e-5)
    assert found["2.5"] == pytest.approx(1 - 0.97725, abs=1e-5)


def test_one_degree_of_freedom_is_the_distribution_of_cauchy():
    # F(t) = 1/2 + atan(t) / pi
    found = by_name(ClassScale(names=("low", "high"), limits=(1.0,)), 0.0, 0.5, dof=1.0)
    assert found["high"] == pytest.approx(0.5 - atan(2.0) / pi)


def test_a_share_below_zero_is_zero():
    # value 0.01, u 0.01: 15.87 % of the distribution are at 0, which is level 00; 0.02 lies one u above
    found = by_name(LEVELS, 0.01, 0.01, bounds=(0.0, 100.0))
    assert found["A00"] == pytest.approx(0.15866, abs=1e-5)
    assert found["A02"] == pytest.approx(1 - 2 * 0.15866, abs=1e-5)
    # no value below the least: nothing belongs to a class that ends there
    assert by_name(ClassScale(names=("none", "some"), limits=(0.0,)), 0.01, 0.01, bounds=(0.0, inf))["none"] == 0.0


def test_an_end_of_an_interval_at_a_bound_says_nothing_of_the_width():
    cut = by_name(LEVELS, 0.01, 0.01, interval=(0.0, 0.01 + 1.959964 * 0.01), bounds=(0.0, 100.0))
    assert cut == pytest.approx(by_name(LEVELS, 0.01, 0.01, bounds=(0.0, 100.0)), abs=1e-6)


def test_each_side_is_as_wide_as_the_interval():
    # 2.5 % lie beyond each end, whatever u says
    ends = ClassScale(names=("below", "within", "above"), limits=(8.0, 15.0))
    found = by_name(ends, 10.0, 9.9, interval=(8.0, 15.0))
    assert found == pytest.approx({"below": 0.025, "within": 0.95, "above": 0.025})


def test_a_value_outside_of_its_interval_is_corrected_by_it():
    ends = ClassScale(names=("below", "within", "above"), limits=(8.0, 10.0))
    found = by_name(ends, 11.0, 1.0, interval=(8.0, 10.0))
    assert found == pytest.approx({"below": 0.025, "within": 0.95, "above": 0.025})


def test_limits_are_half_open_on_the_side_that_the_standard_says():
    assert [HALF_STEPS.names[class_of(value, HALF_STEPS)] for value in (1.9999, 2.0, 2.4999)] == ["1.5", "2", "2"]
    assert HALF_STEPS.names[class_of(0.1 + 0.2 + 0.2, HALF_STEPS)] == "0.5"  # a sum of floats at the limit
    assert [LEVELS.names[class_of(value, LEVELS)] for value in (0.0, 0.02, 0.0201)] == ["A00", "A02", "A04"]
    nearest = steps(0.5, 12.0, "nearest")
    assert [nearest.names[class_of(value, nearest)] for value in (7.74, 7.75, 8.24)] == ["7.5", "8", "8"]


def test_a_scale_ascends():
    with pytest.raises(MeasurementError, match="3 classes need 2 ascending limits"):
        ClassScale(names=("1", "2", "3"), limits=(2.0, 1.0))


def test_without_an_uncertainty_nothing_is_said_of_how_sure_a_class_is():
    with pytest.raises(MeasurementError, match="neither is stated"):
        probabilities(HALF_STEPS, 2.1)
    for unknown in (result(2.1), result(2.1, Component(name="segmentation", u=0.0, kind="B"))):
        (only,) = rated(unknown, HALF_STEPS, "severity").rating.classes
        assert (only.name, only.probability) == ("2", None)


def test_only_classes_worth_naming_are_named_the_most_probable_first():
    found = rated(result(2.26, Component(name="fields", u=0.3, kind="A")), HALF_STEPS, "severity").rating
    assert [one.name for one in found.classes] == ["2", "2.5", "1.5"]  # 0.60, 0.21, 0.19
    sure = rated(result(2.26, Component(name="fields", u=0.05, kind="A")), HALF_STEPS, "severity").rating
    assert [one.name for one in sure.classes] == ["2"]
    assert [one.name for one in rating_of("abc", [0.04, 0.9, 0.06], 1, "").classes] == ["b", "c"]


def test_the_class_stays_that_of_the_value_where_another_is_more_probable():
    found = rated(result(2.49, interval=(2.5, 2.9)), HALF_STEPS, "severity").rating.classes
    assert [one.name for one in found] == ["2", "2.5"]
    assert found[0].probability == pytest.approx(0.025)


def test_a_requirement_on_a_class_is_a_limit_of_the_quantity():
    assert limit_of(LEVELS, "A02", "at most") == 0.02
    assert limit_of(HALF_STEPS, "3", "at most") == inf
    assert limit_of(HALF_STEPS, "0", "at least") == -inf
    with pytest.raises(MeasurementError, match=r"no class '2\.2'; there are: 0, 0\.5"):
        limit_of(HALF_STEPS, "2.2", "at most")


VALUES = st.floats(0.0, 4.0)
WIDTHS = st.floats(1e-6, 5.0)
DOF = st.one_of(st.none(), st.floats(1.0, 200.0))
SCALES = st.sampled_from([HALF_STEPS, LEVELS, steps(1.0, 3.0, "nearest")])


@given(SCALES, VALUES, WIDTHS, WIDTHS, DOF, st.booleans())
def test_probabilities_are_none_below_zero_and_sum_to_one(scale, value, down, up, dof, bounded):
    bounds = (0.0, inf) if bounded else (-inf, inf)
    interval = (max(value - down, bounds[0]), value + up)
    found = probabilities(scale, value, (down + up) / 4, dof=dof, interval=interval, bounds=bounds)
    assert min(found) >= 0
    assert sum(found) == pytest.approx(1.0)


@given(SCALES, VALUES, st.floats(0.0, 2.0), WIDTHS, DOF)
def test_a_larger_value_is_never_more_probably_in_a_low_class(scale, value, more, u, dof):
    low = probabilities(scale, value, u, dof=dof)
    high = probabilities(scale, value + more, u, dof=dof)
    for place in range(1, len(low)):
        assert sum(high[:place]) <= sum(low[:place]) + 1e-12


@given(st.floats(2.05, 2.45), st.floats(0.001, 1.0), st.floats(1.0, 5.0), DOF)
def test_a_wider_uncertainty_makes_the_class_of_the_value_less_sure(value, u, wider, dof):
    place = class_of(value, HALF_STEPS)
    less = probabilities(HALF_STEPS, value, wider * u, dof=dof)[place]
    assert less <= probabilities(HALF_STEPS, value, u, dof=dof)[place] + 1e-12


def test_the_probability_of_conformity_is_that_of_the_classes_that_meet_it():
    one = replace(result(2.4, Component(name="fields", u=0.2, kind="A", dof=5)), quantity="severity")
    met = probabilities(HALF_STEPS, one.value, one.u, dof=one.dof, interval=one.interval)
    limit = limit_of(HALF_STEPS, "2", "at most")
    assert sum(met[:5]) == pytest.approx(probability_of_conformity(one.value, one.u, upper=limit, dof=one.dof))


def test_a_report_of_before_classes_verifies_and_a_forged_class_does_not(tmp_path):
    report = example(tmp_path, fields=1, features=8, size=160, grains=12).report
    bare, *others = report.results
    rated_again = replace(report, results=(rated(bare, steps(0.5, 14.0, "nearest"), "G in half steps"), *others))
    assert not list(compared(report, rated_again, STRICT))
    assert report_digest(report) == report.digest != report_digest(rated_again)
    forged = replace(bare, rating=rating_of(["8", "9"], [1.0, 0.0], 0, "G in half steps"))
    unlike = list(compared(replace(report, results=(forged, *others)), rated_again, STRICT))
    assert any("rating classes" in text for text in unlike)


def of_class(code, *limits, specimen="1"):
    """Verdicts on the limits of a class: decision and probability of each."""
    asked = Requirement(quantity="porosity_percent", class_string=code, upper=1.0, source="drawing")
    return [
        Conformity(
            requirement=asked, specimen=specimen, quantity=f"q{i}", value=0.5, unit="%", expanded_u=0.1,
            decision=decision, probability=p, reason="",
        )
        for i, (decision, p) in enumerate(limits)
    ]  # fmt: skip


def test_a_class_of_several_limits_is_met_where_all_of_them_are():
    """By hand: misses of 2 and 10 % that exclude each other leave 88 %; all in common, 90 %."""
    made = of_class("D5/0.1", ("pass", 0.98), ("undecided", 0.9))
    (found,) = class_verdicts(made)
    assert (found.class_string, found.decision) == ("D5/0.1", "undecided")
    assert found.probability == pytest.approx((0.88, 0.9))
    (unseen,) = class_verdicts([*made, *of_class("D5/0.1", ("not stated", None))])
    assert (unseen.decision, unseen.probability) == ("not stated", None)
    (bad,) = class_verdicts(of_class("F3/1", ("fail", 0.3), ("fail", 0.4)))
    assert bad.probability == (0.0, 0.3)
    assert class_verdicts(of_class("D5", ("pass", 0.98))) == ()  # the limit says it
    both = [*made, *of_class("D5/0.1", ("pass", 0.99), ("pass", 0.99), specimen="2")]
    assert [one.specimen for one in class_verdicts(both)] == ["1", "2"]


def test_a_class_is_printed_in_the_language_of_the_page():
    found = rating_of(["2", "2.5"], [0.81, 0.19], 0, "severity")
    assert str(class_text(found)) == "severity 2 (P\u00a0=\u00a00.81); 2.5 (0.19)"
    assert filters("de")["class_text"](found) == "severity 2 (P\u00a0=\u00a00,81); 2,5 (0,19)"
    bare = rated(result(2.1), HALF_STEPS, "severity").rating
    assert str(class_text(bare)) == "severity 2 (how sure is not stated)"
