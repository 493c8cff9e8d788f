"""Gauge formulas: against least squares on dummy variables, the definition of the range, and drawn truths."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import dblquad, quad
from scipy.special import ndtr
from scipy.stats import chi2, f

from inspect_tool.errors import MeasurementError, StandardError
from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas import aiag_msa

MSA = load_standard("aiag_msa_2010")
STUDY = np.array(MSA.worked[0].given["values"])


def drawn(seed, parts=8, appraisers=3, trials=3, part_s=2.0, appraiser_s=0.5, both_s=0.0, error_s=0.4):
    random = np.random.default_rng(seed)
    return (
        random.normal(0, part_s, (parts, 1, 1))
        + random.normal(0, appraiser_s, (1, appraisers, 1))
        + random.normal(0, both_s, (parts, appraisers, 1))
        + random.normal(0, error_s, (parts, appraisers, trials))
    )


def left_over(values, *factors):
    """Residual sum of squares of a linear model with a dummy variable per level of each factor."""
    columns = [np.ones(values.size)]
    for factor in factors:
        columns += [(factor == level).astype(float) for level in np.unique(factor)]
    design = np.column_stack(columns)
    fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
    return ((values - fitted) ** 2).sum()


@pytest.mark.parametrize("shape", [(2, 2, 2), (5, 3, 2), (10, 2, 4)])
def test_sums_of_squares_are_those_of_least_squares_on_dummy_variables(shape):
    values = drawn(3, *shape, both_s=0.7)
    part, appraiser, _ = (index.ravel() for index in np.indices(shape))
    y, cell = values.ravel(), (part * 100 + appraiser)
    found = aiag_msa.sums_of_squares(values)
    nothing, parts, both_main, cells = (
        left_over(y),
        left_over(y, part),
        left_over(y, part, appraiser),
        left_over(y, cell),
    )
    assert found.part == pytest.approx(nothing - parts)
    assert found.appraiser == pytest.approx(parts - both_main)
    assert found.interaction == pytest.approx(both_main - cells)
    assert found.error == pytest.approx(cells)
    assert found.total == pytest.approx(nothing)


def test_the_study_of_the_manual_pools_its_interaction():
    found = aiag_msa.crossed(STUDY, MSA)
    # F 0.434, p 0.974 of the manual's table
    assert found.pooled
    assert found.interaction is None
    assert found.interaction_p == pytest.approx(f.sf(0.434, 18, 60), abs=5e-4)
    assert [(row.source, row.dof) for row in found.anova] == [
        ("part", 9),
        ("appraiser", 2),
        ("repeatability", 78),
        ("total", 89),
    ]
    assert 100 * found.grr / found.tv == pytest.approx(27.9, abs=0.05)  # as the manual prints it


def test_an_interaction_that_shows_is_kept_and_its_components_solve_the_expected_mean_squares():
    values = drawn(5, both_s=1.5)
    found = aiag_msa.crossed(values, MSA)
    parts, appraisers, trials = values.shape
    assert not found.pooled
    ms = {row.source: row.ms for row in found.anova}
    error, both = found.ev**2, found.interaction**2
    assert ms["repeatability"] == pytest.approx(error)
    assert ms["appraiser x part"] == pytest.approx(error + trials * both)
    assert ms["appraiser"] == pytest.approx(error + trials * both + parts * trials * found.av**2)
    assert ms["part"] == pytest.approx(error + trials * both + appraisers * trials * found.pv**2)
    assert found.grr**2 == pytest.approx(error + both + found.av**2)


def test_components_are_those_that_were_drawn_in_the_mean_of_many_studies():
    # an interaction that always shows and components far from 0: no pooling, no cut at 0, so no bias
    studies = [aiag_msa.crossed(drawn(seed, 10, 5, 3, 3.0, 3.0, 1.0, 0.5), MSA) for seed in range(300)]
    assert not any(study.pooled or study.set_to_zero for study in studies)
    for name, truth in (("ev", 0.25), ("interaction", 1.0), ("av", 9.0), ("pv", 9.0)):
        squares = np.array([getattr(study, name) ** 2 for study in studies])
        assert abs(squares.mean() - truth) < 3 * squares.std() / sqrt(len(squares)), name


@pytest.mark.parametrize("both_s", [0.0, 0.5])
def test_the_interval_of_grr_holds_the_truth_in_about_95_of_100_studies(both_s):
    truth = sqrt(0.5**2 + both_s**2 + 0.4**2)
    inside = 0
    for seed in range(500):
        found = aiag_msa.crossed(drawn(seed, both_s=both_s), MSA)
        inside += found.grr_low <= truth <= found.grr_high
    assert 0.92 <= inside / 500 <= 0.98  # 0.95 ± 3 sqrt(0.95 x 0.05 / 500)


def test_the_interval_of_one_mean_square_is_exact():
    row = aiag_msa.AnovaRow(source="error", dof=12, ss=24.0, ms=2.0)
    low, high = aiag_msa.large_sample_interval([(1.0, row)])
    assert low == pytest.approx(24 / chi2.ppf(0.975, 12))
    assert high == pytest.approx(24 / chi2.ppf(0.025, 12))


def test_one_appraiser_gives_repeatability_alone():
    values = drawn(1, 6, 1, 3)
    found = aiag_msa.crossed(values, MSA)
    within = values.var(axis=2, ddof=1).mean()
    assert found.ev == pytest.approx(sqrt(within))
    assert found.av is None
    assert found.grr == found.ev
    between = values.mean(axis=2).var(ddof=1)
    assert found.pv == pytest.approx(sqrt(between - within / 3))


def test_a_nested_study_is_that_of_its_dummy_variables():
    shape = (3, 5, 2)  # appraiser, part, trial
    random = np.random.default_rng(8)
    values = random.normal(0, 1, (3, 1, 1)) + random.normal(0, 2, (3, 5, 1)) + random.normal(0, 0.5, shape)
    appraiser, part, _ = (index.ravel() for index in np.indices(shape))
    y = values.ravel()
    nothing, by_appraiser, by_part = left_over(y), left_over(y, appraiser), left_over(y, appraiser * 100 + part)
    ms_a, ms_p, ms_e = (nothing - by_appraiser) / 2, (by_appraiser - by_part) / 12, by_part / 15
    found = aiag_msa.nested(values, MSA)
    assert [row.ms for row in found.anova[:3]] == pytest.approx([ms_a, ms_p, ms_e])
    assert found.anova[0].p == pytest.approx(f.sf(ms_a / ms_p, 2, 12))
    assert found.ev == pytest.approx(sqrt(ms_e))
    assert found.pv == pytest.approx(sqrt((ms_p - ms_e) / 2))
    assert found.av == pytest.approx(sqrt(max(0, (ms_a - ms_p) / 10)))
    assert found.grr_low < found.grr < found.grr_high


@pytest.mark.parametrize(("appraiser_s", "part_s"), [(0.4, 2.0), (0.4, 0.3), (1.0, 1.0)])
def test_the_interval_of_a_nested_grr_holds_the_truth_in_about_95_of_100_studies(appraiser_s, part_s):
    truth, inside, stated = sqrt(appraiser_s**2 + 0.5**2), 0, 0
    for seed in range(500):
        random = np.random.default_rng(seed)
        values = random.normal(0, appraiser_s, (3, 1, 1)) + random.normal(0, part_s, (3, 5, 1))
        found = aiag_msa.nested(values + random.normal(0, 0.5, (3, 5, 2)), MSA)
        if found.grr_low is not None:
            stated += 1
            inside += found.grr_low <= truth <= found.grr_high
    assert stated > 485
    assert 0.92 <= inside / stated <= 0.985  # 0.95 ± 3 sqrt(0.95 x 0.05 / 500)


def test_an_interval_that_leaves_out_the_estimate_is_not_stated():
    # appraisers agree far better than their parts let expect: the estimate of their variance is negative, cut at 0
    values = [[[0.0, 0.1], [10.0, 10.1]], [[10.0, 10.1], [0.0, 0.1]]]
    found = aiag_msa.nested(values, MSA)
    assert found.set_to_zero == ("appraiser",)
    assert (found.grr_low, found.grr_high) == (None, None)


def test_a_negative_variance_is_set_to_zero_and_named():
    # appraisers agree exactly in the mean of all parts, and differ in opposite ways
    values = [[[1.0, 1.2], [1.4, 1.6]], [[3.4, 3.6], [3.0, 3.2]]]
    found = aiag_msa.crossed(values, MSA)
    assert not found.pooled
    assert found.av == 0
    assert found.set_to_zero == ("appraiser",)
    assert "appraiser" in aiag_msa.average_range(values, MSA).set_to_zero


def mean_range(n):
    return quad(lambda x: 1 - (1 - ndtr(x)) ** n - ndtr(x) ** n, -12, 12)[0]


def square_of_range(n):
    def inside(x, y):
        return 1 - ndtr(y) ** n - (1 - ndtr(x)) ** n + (ndtr(y) - ndtr(x)) ** n

    return 2 * dblquad(inside, -8, 8, -8, lambda y: y, epsabs=1e-7)[0]


@pytest.mark.parametrize("n", [2, 3, 6, 10])
def test_the_factors_follow_from_the_range_of_normal_values(n):
    d2, squared = mean_range(n), square_of_range(n)
    row = next(row for row in MSA.tables["ranges"] if row["n"] == n)
    assert row["d2"] == pytest.approx(d2, abs=1e-5)
    assert row["d3"] == pytest.approx(sqrt(squared - d2**2), abs=1e-5)
    # K of many ranges is 1/d2, K of a single range 1/d2* = 1/sqrt(d2^2 + d3^2); the edition prints four decimals
    tables = MSA.tables
    many = {row["trials"]: row["k1"] for row in tables["trials"]}
    one = {row["parts"]: row["k3"] for row in tables["parts"]}
    few = {row["appraisers"]: row["k2"] for row in tables["appraisers"]}
    assert many.get(n, 1 / d2) == pytest.approx(1 / d2, abs=5e-5)
    assert one[n] == pytest.approx(1 / sqrt(squared), abs=5e-5)
    assert few.get(n, 1 / sqrt(squared)) == pytest.approx(1 / sqrt(squared), abs=5e-5)


def test_control_limits_are_those_of_the_usual_factors():
    found = aiag_msa.control_limits(STUDY, MSA)
    # D4 2.575, A2 1.023 for three trials (quality control handbooks); the mean range of the study is 0.341667
    assert found.upper_range == pytest.approx(2.575 * 0.341667, abs=2e-4)
    assert found.lower_range == 0
    assert found.upper_mean - found.center_mean == pytest.approx(1.023 * 0.341667, abs=2e-4)
    assert aiag_msa.control_limits(drawn(1, 2, 2, 11), MSA) is None


def test_the_share_of_the_tolerance_is_six_s():
    assert aiag_msa.percent_of_tolerance(0.05, 1.0, MSA) == pytest.approx(30)
    with pytest.raises(MeasurementError, match="tolerance: got 0, must be above 0"):
        aiag_msa.percent_of_tolerance(0.05, 0.0, MSA)


@pytest.mark.parametrize("trials", [1, 4])
def test_a_missing_factor_is_named_with_those_there_are(trials):
    values = drawn(1, 5, 3, max(trials, 2))
    if trials == 1:
        with pytest.raises(MeasurementError, match="1 trial; at least 2"):
            aiag_msa.average_range(values[:, :, :1], MSA)
    else:
        with pytest.raises(
            StandardError, match="no factor K1 for 4 trials, there are those for 2, 3; use --method anova"
        ):
            aiag_msa.average_range(values, MSA)
    with pytest.raises(StandardError, match="no factor K2 for 1 appraiser"):
        aiag_msa.average_range(values[:, :1].repeat(2, axis=2)[:, :, :1].repeat(3, axis=2) + np.arange(3), MSA)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[[1.0, 2.0], [1.0, 2.0]]], "1 part; at least 2"),
        ([[[1.0], [2.0]], [[1.0], [2.0]]], "1 trial; at least 2"),
        ([[[1.0, 2.0]], [[1.0]]], "needs one finite number"),
        ([[[1.0, float("nan")]], [[1.0, 2.0]]], "needs one finite number"),
        ([[[1.0, 1.0]], [[2.0, 2.0]]], "agree to the last digit"),
        ([[[0.0, 1e-200]], [[2.0, 2.0]]], "agree to the last digit"),
    ],
)
@pytest.mark.parametrize("evaluate", [aiag_msa.crossed, aiag_msa.average_range])
def test_what_is_no_study_is_refused(evaluate, values, message):
    with pytest.raises(MeasurementError, match=message):
        evaluate(values, MSA)


def test_a_nested_study_needs_two_appraisers():
    with pytest.raises(MeasurementError, match="at least 2 appraisers"):
        aiag_msa.nested([[[1.0, 2.0], [3.0, 4.0]]], MSA)


STUDIES = arrays(np.float64, (4, 3, 2), elements=st.integers(-500, 500).map(lambda i: i / 100))
EVALUATE = st.sampled_from([aiag_msa.crossed, aiag_msa.average_range, aiag_msa.nested])
NUMBERS = ("ev", "av", "interaction", "grr", "pv", "tv", "grr_low", "grr_high")


def numbers(found):
    return [0.0 if getattr(found, name) is None else getattr(found, name) for name in NUMBERS]


def varied(values):
    assume(np.ptp(values, axis=2).max() > 0.02)
    return values


@settings(max_examples=60)
@given(STUDIES, EVALUATE, st.integers(-1000, 1000))
def test_a_constant_added_to_every_value_changes_no_variation(values, evaluate, constant):
    first, second = evaluate(varied(values), MSA), evaluate(values + constant, MSA)
    assume(abs((first.interaction_p or 0) - 0.25) > 1e-6)  # rounding may tip what stands on the limit
    assert numbers(second) == pytest.approx(numbers(first), abs=1e-6)


@settings(max_examples=60)
@given(STUDIES, EVALUATE, st.floats(0.01, 100))
def test_a_change_of_unit_scales_every_variation_and_no_share(values, evaluate, factor):
    first, second = evaluate(varied(values), MSA), evaluate(values * factor, MSA)
    assume(abs((first.interaction_p or 0) - 0.25) > 1e-6)
    assert numbers(second) == pytest.approx([factor * value for value in numbers(first)], abs=1e-6 * factor)
    assert second.ndc_exact == pytest.approx(first.ndc_exact, abs=1e-5)


@settings(max_examples=40)
@given(STUDIES, st.sampled_from([aiag_msa.crossed, aiag_msa.average_range]), st.randoms(use_true_random=False))
def test_the_order_of_parts_appraisers_and_trials_does_not_matter(values, evaluate, random):
    varied(values)
    parts, appraisers, trials = (random.sample(range(n), n) for n in values.shape)
    again = values[np.ix_(parts, appraisers, trials)]
    assert numbers(evaluate(again, MSA)) == pytest.approx(numbers(evaluate(values, MSA)), abs=1e-6)
