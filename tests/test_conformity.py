from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.acceptance.conformity import decide, doubted, probability_of_conformity
from inspect_tool.errors import SettingsError
from inspect_tool.model import Check, Component, Requirement, Result
from inspect_tool.statistics.uncertainty import evaluated


def result(value, u=None, expanded_u=None, unit="%"):
    return Result(
        quantity="q", specimen="1", value=value, unit=unit, n=5, clause="", definition="q/1", u=u, expanded_u=expanded_u
    )


def limit(rule, lower=None, upper=None, unit="%"):
    return Requirement(quantity="q", unit=unit, lower=lower, upper=upper, rule=rule, source="drawing")


# JCGM 106 and ILAC-G8 worked case: upper limit 30, u 0.8, w = 1.6 (STANDARDS-FACTS 8.2)
VALUES = [27.9, 28.4, 29.2, 30.5, 31.7]


@pytest.mark.parametrize(("value", "p_nc"), list(zip(VALUES, [0.0043, 0.0228, 0.1587, 0.7340, 0.9832], strict=True)))
def test_probability_of_nonconformity(value, p_nc):
    assert 1 - probability_of_conformity(value, 0.8, upper=30.0) == pytest.approx(p_nc, abs=5e-5)


@pytest.mark.parametrize(
    ("rule", "decisions"),
    [
        ("simple", ["pass", "pass", "pass", "fail", "fail"]),
        ("non_binary", ["pass", "pass", "conditional pass", "conditional fail", "fail"]),
        ("guarded", ["pass", "pass", "undecided", "undecided", "fail"]),
    ],
)
def test_decision_rules(rule, decisions):
    found = [decide(result(value, 0.8, 1.6), limit(rule, upper=30.0)).decision for value in VALUES]
    assert found == decisions


@given(st.floats(-100, 100), st.floats(0.01, 10), st.sampled_from(["simple", "guarded", "non_binary"]))
def test_a_lower_limit_is_the_mirror_of_an_upper_one(value, u, rule):
    upper = decide(result(value, u, 2 * u), limit(rule, upper=5.0))
    lower = decide(result(-value, u, 2 * u), limit(rule, lower=-5.0))
    assert upper.decision == lower.decision
    assert upper.probability == pytest.approx(lower.probability, abs=1e-12)


def test_two_sided_limits_guard_both_sides():
    rule = limit("guarded", lower=5.0, upper=8.0)
    decisions = [decide(result(value, 0.25, 0.5), rule).decision for value in (4.4, 5.2, 6.5, 7.6, 8.6)]
    assert decisions == ["fail", "undecided", "pass", "undecided", "fail"]


def test_a_limit_in_another_unit_is_converted():
    assert decide(result(480.0, 5.0, 10.0, unit="um"), limit("guarded", upper=0.5, unit="mm")).decision == "pass"
    with pytest.raises(SettingsError, match="cannot convert 'mm'"):
        decide(result(480.0, 5.0, 10.0), limit("guarded", upper=0.5, unit="mm"))


def test_a_guarded_rule_cannot_decide_without_an_uncertainty():
    assert decide(result(3.0), limit("guarded", upper=30.0)).decision == "undecided"
    assert decide(result(3.0), limit("simple", upper=30.0)).decision == "pass"


def test_few_degrees_of_freedom_widen_the_risk():
    budget = (Component(name="fields", u=0.8, kind="A", dof=3),)
    few = evaluated(
        Result(quantity="q", specimen="1", value=28.4, unit="%", n=4, clause="", definition="", budget=budget)
    )
    risk = 1 - decide(few, limit("guarded", upper=30.0)).probability
    assert risk == pytest.approx(0.0697, abs=5e-4)  # Student t, 3 dof, t = 2: table value


def test_simple_acceptance_tells_when_u_is_large_against_the_tolerance():
    wide = decide(result(6.0, 0.5, 1.0), limit("simple", lower=5.0, upper=7.0))
    assert "more than a third" in wide.reason
    assert "more than a third" not in decide(result(6.0, 0.1, 0.2), limit("simple", lower=5.0, upper=7.0)).reason


@pytest.mark.parametrize(
    ("requirement", "text"),
    [(limit("simple"), "give 'lower', 'upper' or both"), (limit("simple", lower=3.0, upper=2.0), "is above upper")],
)
def test_a_requirement_without_sensible_limits_is_refused(requirement, text):
    with pytest.raises(SettingsError, match=text):
        decide(result(1.0, 0.1, 0.2), requirement)


def test_a_number_in_doubt_does_not_pass_and_a_failure_stays_one():
    rule = Requirement(quantity="porosity_percent", unit="%", upper=5.0, rule="simple", source="drawing")
    doubt = Check(
        name="Pores found",
        value=0.0,
        relation=">=",
        limit=1.0,
        unit="",
        passed=False,
        clause="own rule",
        scope="plausibility",
        specimen="A",
        quantities=("porosity_percent",),
    )

    def judged(value, specimen="A", check=doubt):
        result = Result(
            quantity="porosity_percent",
            specimen=specimen,
            value=value,
            unit="%",
            n=1,
            clause="",
            definition="x/1",
            u=0.1,
            expanded_u=0.2,
        )
        return doubted(decide(result, rule), [check])

    assert judged(0.0).decision == "undecided"
    assert "Pores found" in judged(0.0).reason
    assert judged(9.0).decision == "fail"
    assert judged(0.0, specimen="B").decision == "pass"
    assert judged(0.0, check=replace(doubt, quantities=("pore_count_per_mm2",))).decision == "pass"
    assert judged(0.0, check=replace(doubt, passed=True)).decision == "pass"
    assert judged(0.0, check=replace(doubt, rules=(rule.rule,))).decision == "undecided"
    other = "simple" if rule.rule != "simple" else "guarded"
    assert judged(0.0, check=replace(doubt, rules=(other,))).decision == "pass"


# upper limit 30, u 0.8, U 1.6: the last accepted result is 30 - w
@pytest.mark.parametrize(("band", "passes_to"), [("U", 28.4), ("1.645 u", 28.684), ("0.83U", 28.672), ("u", 29.2)])
def test_a_binary_guard_band_passes_or_fails_and_never_doubts(band, passes_to):
    asked = replace(limit("guarded_binary", upper=30.0), guard_band=band)
    assert decide(result(passes_to - 1e-6, 0.8, 1.6), asked).decision == "pass"
    assert decide(result(passes_to + 1e-6, 0.8, 1.6), asked).decision == "fail"
    assert decide(result(passes_to + 1e-6, 0.8, 1.6), replace(asked, rule="guarded")).decision == "undecided"


@pytest.mark.parametrize("band", ["w", "2", "-1 U", "0 u", "U u", "k u"])
def test_a_guard_band_that_is_none_is_refused(band):
    with pytest.raises(SettingsError, match="guard_band: got"):
        decide(result(1.0, 0.1, 0.2), replace(limit("guarded", upper=3.0), guard_band=band))


def test_rounding_after_e29_goes_to_the_even_digit_and_the_absolute_method_does_not_round():
    asked = limit("simple", upper=26.0)
    rounded = replace(asked, round_to=0.1)
    # 26.04 and 26.05 round to 26.0 (even), 26.06 to 26.1
    assert [decide(result(value), rounded).decision for value in (26.04, 26.05, 26.06)] == ["pass", "pass", "fail"]
    assert decide(result(26.04), asked).decision == "fail"
    assert "absolute method" in decide(result(26.04), asked).reason
    with pytest.raises(SettingsError, match="knows no guard band"):
        decide(result(26.0, 0.1, 0.2), replace(rounded, rule="guarded"))


def test_a_sum_of_floats_does_not_fail_at_the_limit():
    assert 26.000000000000004 > 26.0
    assert decide(result(26.000000000000004), limit("simple", upper=26.0)).decision == "pass"
    assert decide(result(25.999999999999996), limit("simple", lower=26.0)).decision == "pass"
    # 0.1 + 0.2 is not 0.3 either, and U takes part in the sum
    assert decide(result(0.1, 0.1, 0.2), limit("guarded", upper=0.3)).decision == "pass"
    assert decide(result(26.0001), limit("simple", upper=26.0)).decision == "fail"


def test_a_requirement_on_another_quantity_is_refused():
    with pytest.raises(SettingsError, match="requirement on nonsense: does not judge a result of q"):
        decide(result(1.0, 0.1, 0.2), replace(limit("simple", upper=3.0), quantity="nonsense"))
