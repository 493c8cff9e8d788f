"""Agreement of two methods: against scipy.stats, published cases and simulation."""

import numpy as np
import pytest
from scipy import stats

from inspect_tool.errors import SettingsError
from inspect_tool.statistics.agreement import agreement, equivalence, limit_factors

# Bland and Altman, Lancet 1986: peak expiratory flow of 17 people [l/min], first reading of each instrument
WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]


def test_the_worked_case_of_bland_and_altman():
    """Printed there, for Wright minus mini: mean -2.1, s 38.8, interval of the mean -22.0 to 17.8 l/min."""
    found = agreement(MINI, WRIGHT)
    assert found.n == 17
    assert found.mean == pytest.approx(-2.1, abs=0.05)
    assert found.s == pytest.approx(38.8, abs=0.05)
    assert found.ci95 == pytest.approx((-22.0, 17.8), abs=0.1)
    # printed with 2 s: -79.7 and 75.5; here the normal 1.96 s
    assert found.limits == pytest.approx((-2.1 - 1.96 * 38.8, -2.1 + 1.96 * 38.8), abs=0.1)
    # printed with s √(3/n): -114.3 to -45.1 and 40.9 to 110.1; the exact ones lie a little further out
    assert found.lower_limit_ci95 == pytest.approx((-114.3, -45.1), abs=12)
    assert found.upper_limit_ci95 == pytest.approx((40.9, 110.1), abs=12)
    assert found.lower_limit_ci95[0] < -114.3
    assert found.upper_limit_ci95[1] > 110.1


def test_mean_and_interval_are_those_of_a_one_sample_t_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(50, 5, 9), rng.normal(51, 5, 9)
    found = agreement(a.tolist(), b.tolist())
    reference = stats.ttest_1samp(b - a, 0).confidence_interval(0.95)
    assert found.ci95 == pytest.approx((reference.low, reference.high), rel=1e-12)
    assert found.s == pytest.approx(np.std(b - a, ddof=1), rel=1e-12)


@pytest.mark.parametrize("n", [3, 6, 12, 40])
def test_factors_of_the_limits_are_noncentral_t(n):
    near, far = limit_factors(n)
    shift = stats.norm.ppf(0.975) * np.sqrt(n)
    assert near == pytest.approx(stats.nct.ppf(0.025, n - 1, shift) / np.sqrt(n), rel=1e-6)
    assert far == pytest.approx(stats.nct.ppf(0.975, n - 1, shift) / np.sqrt(n), rel=1e-6)


def test_the_far_factor_is_the_published_tolerance_factor():
    """One-sided normal tolerance factor for 95 % content and 95 % confidence, n = 10: 2.911 (handbooks)."""
    assert limit_factors(10, z=stats.norm.ppf(0.95), coverage=0.90)[1] == pytest.approx(2.911, abs=5e-4)


def test_the_intervals_of_the_limits_hold_the_true_limit_as_often_as_they_say():
    rng = np.random.default_rng(2)
    n, draws = 6, 20_000
    d = rng.normal(0.0, 1.0, (draws, n))
    near, far = limit_factors(n)
    mean, s = d.mean(axis=1), d.std(axis=1, ddof=1)
    truth = stats.norm.ppf(0.975)
    held = (mean + near * s <= truth) & (truth <= mean + far * s)
    assert held.mean() == pytest.approx(0.95, abs=0.005)


def test_the_trend_is_a_least_squares_line():
    rng = np.random.default_rng(3)
    a = rng.uniform(1, 20, 12)
    b = 1.1 * a + rng.normal(0, 0.2, 12)
    found = agreement(a.tolist(), b.tolist())
    line = stats.linregress((a + b) / 2, b - a)
    half = stats.t.ppf(0.975, 10) * line.stderr
    assert found.trend == pytest.approx(line.slope, rel=1e-9)
    assert found.trend_ci95 == pytest.approx((line.slope - half, line.slope + half), rel=1e-9)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_equivalence_is_two_one_sided_t_tests(seed, alpha):
    rng = np.random.default_rng(seed)
    a = rng.normal(8, 0.3, 7)
    b = a + rng.normal(rng.choice([0.0, 0.1, 0.6]), 0.15, 7)
    margin = 0.25
    found = equivalence(agreement(a.tolist(), b.tolist()), margin, alpha)
    above = stats.ttest_1samp(b - a, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(b - a, margin, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below), rel=1e-9)
    assert (found.decision == "equivalent") == (max(above, below) < alpha)
    interval = stats.ttest_1samp(b - a, 0).confidence_interval(1 - 2 * alpha)
    assert found.interval == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert (found.decision == "different") == (interval.low > margin or interval.high < -margin)


def test_each_decision_is_reached():
    reference = [10.0, 10.0, 10.0, 10.0]
    for shift, spread, decision in (
        (0.0, 0.01, "equivalent"),
        (1.0, 0.01, "different"),
        (-1.0, 0.01, "different"),
        (0.2, 0.2, "not shown equivalent"),
    ):
        other = [10 + shift + spread * sign for sign in (-1, 1, -1, 1)]
        found = equivalence(agreement(reference, other), 0.25)
        assert found.decision == decision
        assert "90 % interval" in found.reason


def test_identical_results_are_equivalent_and_need_no_spread():
    found = agreement([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found.mean, found.s, found.limits) == (0.0, 0.0, (0.0, 0.0))
    assert equivalence(found, 0.1).decision == "equivalent"
    shifted = agreement([1.0, 2.0, 3.0], [3.0, 4.0, 5.0])
    assert equivalence(shifted, 1.0).decision == "different"
    assert equivalence(shifted, 2.0).decision == "not shown equivalent"  # at the margin


def test_a_verdict_is_not_guessed():
    two = agreement([1.0, 2.0], [1.1, 2.0])
    assert two.limits is None
    assert two.ci95 is not None
    assert equivalence(two, 0.5).decision == "not stated"
    assert equivalence(two, 0.5).reason == "2 fields; 3 or more are needed"
    one = agreement([1.0], [1.1])
    assert one.s is None
    assert equivalence(one, 0.5).reason == "1 field; 3 or more are needed"
    three = agreement([1.0, 2.0, 3.0], [1.1, 2.0, 3.2])
    assert equivalence(three, None).decision == "not stated"
    assert equivalence(three, None).reason == "no margin was given"
    assert equivalence(three, None).interval is not None
    assert equivalence(None, 0.5).reason == "no field has a value of both backends"


def test_what_makes_no_sense_is_refused():
    good = agreement([1.0, 2.0, 3.0], [1.1, 2.0, 3.2])
    with pytest.raises(SettingsError, match=r"margin: got -0.5, must be above 0"):
        equivalence(good, -0.5)
    with pytest.raises(SettingsError, match=r"margin: got inf, must be above 0"):
        equivalence(good, float("inf"))
    with pytest.raises(SettingsError, match=r"alpha: got 0.5, must be between 0 and 0.5"):
        equivalence(good, 0.1, alpha=0.5)
    with pytest.raises(SettingsError, match=r"2 values of the reference and 1 of the other"):
        agreement([1.0, 2.0], [1.0])
    with pytest.raises(SettingsError, match="at least one pair, and finite numbers"):
        agreement([], [])
    with pytest.raises(SettingsError, match="at least one pair, and finite numbers"):
        agreement([1.0, float("nan")], [1.0, 2.0])
