"""Control charts, alarms, limits, capability and steps against published tables and worked cases."""

import numpy as np
import pytest

from inspect_tool.errors import MeasurementError
from inspect_tool.lab.trend import alarms, capability, charts, limits, steps
from inspect_tool.lab.trend.charts import level
from inspect_tool.lab.trend.constants import constants
from inspect_tool.lab.trend.run_lengths import average_run_length, both_sides_of_ewma, upper_cusum
from inspect_tool.standards.editions import load_standard

# n: A2, c4, d2, d3, D3, D4, the usual table of factors for control charts (e.g. Montgomery, appendix VI)
TABLE = {
    2: (1.880, 0.7979, 1.128, 0.853, 0.0, 3.267),
    3: (1.023, 0.8862, 1.693, 0.888, 0.0, 2.574),
    4: (0.729, 0.9213, 2.059, 0.880, 0.0, 2.282),
    5: (0.577, 0.9400, 2.326, 0.864, 0.0, 2.114),
    6: (0.483, 0.9515, 2.534, 0.848, 0.0, 2.004),
    7: (0.419, 0.9594, 2.704, 0.833, 0.076, 1.924),
    8: (0.373, 0.9650, 2.847, 0.820, 0.136, 1.864),
    9: (0.337, 0.9693, 2.970, 0.808, 0.184, 1.816),
    10: (0.308, 0.9727, 3.078, 0.797, 0.223, 1.777),
    15: (0.223, 0.9823, 3.472, 0.756, 0.347, 1.653),
    20: (0.180, 0.9869, 3.735, 0.729, 0.415, 1.585),
    25: (0.153, 0.9896, 3.931, 0.708, 0.459, 1.541),
}
# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2: flow rates of ten batches
FLOW = (49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1)
# the same, 6.3.2.3: center 325, h = 4.1959 and k = 0.3175 in the unit of the values, and the upper sums as printed
CUSUM = (
    *(324.925, 324.675, 324.725, 324.350, 325.350, 325.225, 324.125, 324.525, 325.225, 324.600),
    *(324.625, 325.150, 328.325, 327.250, 327.825, 328.500, 326.675, 327.775, 326.875, 328.350),
)
UPPER = (*(0.0,) * 4, 0.03, *(0.0,) * 7, 3.01, 4.94)


@pytest.mark.parametrize("n", TABLE)
def test_constants_are_those_of_the_table_to_its_digits(n):
    found = constants(n)
    assert (
        round(found.a2, 3),
        round(found.c4, 4),
        round(found.d2, 3),
        round(found.d3, 3),
        round(found.lower, 3),
    ) == TABLE[n][:5]
    assert found.upper == pytest.approx(TABLE[n][5], abs=6e-4)  # the table takes D4 from rounded d2 and d3


def test_constants_are_those_of_the_edition_for_gauge_studies():
    rows = load_standard("aiag_msa_2010").tables["ranges"]
    for row in rows:
        found = constants(int(row["n"]))
        assert (round(found.d2, 5), round(found.d3, 5)) == (row["d2"], row["d3"])


def test_single_values_have_the_limits_of_the_handbook():
    found = level(FLOW)
    assert found.center == pytest.approx(50.81)
    assert found.mean_range == pytest.approx(1.8778, abs=5e-5)
    assert found.center + 3 * found.sigma == pytest.approx(55.8041, abs=2e-3)  # printed with d2 = 1.128
    assert found.center - 3 * found.sigma == pytest.approx(45.8159, abs=2e-3)
    assert charts.range_limit(found) == pytest.approx(3.267 * 1.8778, abs=1e-3)


def test_values_without_scatter_have_no_limits():
    with pytest.raises(MeasurementError, match="all 4 values are 7; without scatter there are no limits"):
        level([7.0] * 4)
    with pytest.raises(MeasurementError, match="needs 3 finite values at least, got 2"):
        level([7.0, 8.0])


@pytest.mark.parametrize("n", [5, 25, 100])
def test_degrees_of_freedom_of_a_mean_moving_range_are_those_of_drawn_samples(n):
    drawn = np.random.default_rng(n).standard_normal((40_000, n))
    sigma = np.abs(np.diff(drawn, axis=1)).mean(axis=1) / constants(2).d2
    assert sigma.mean() == pytest.approx(1, abs=0.01)
    dof = charts.degrees_of_freedom(n)
    # a standard deviation of that many degrees of freedom has relative variance 1 / c4² - 1
    from inspect_tool.lab.trend.constants import c4

    assert sigma.var() == pytest.approx(1 / c4(dof) ** 2 - 1, rel=0.03)


def test_a_cusum_has_the_sums_of_the_handbook_and_alarms_where_it_does():
    unit = 0.635  # standard deviation: k of 0.3175 is half of it
    z = (np.array(CUSUM) - 325) / unit
    up, down, alarm = alarms.cusum(z, 4.1959 / unit)
    assert np.round(up[:14] * unit + 1e-9, 2).tolist() == pytest.approx(UPPER, abs=0.0101)
    assert np.flatnonzero(alarm)[0] == 13
    assert down[3] * unit == pytest.approx(0.33, abs=0.011)
    assert up[14] * unit == pytest.approx(327.825 - 325.3175)  # begun anew


@pytest.mark.parametrize(
    ("interval", "lengths"),  # Montgomery, table of the ARL of a tabular CUSUM with k = 1/2
    [
        (4.0, {0: 168, 0.25: 74.2, 0.5: 26.6, 0.75: 13.3, 1.0: 8.38, 1.5: 4.75, 2.0: 3.34, 3.0: 2.19, 4.0: 1.71}),
        (5.0, {0: 465, 0.25: 139, 0.5: 38.0, 0.75: 17.0, 1.0: 10.4, 1.5: 5.75, 2.0: 4.01, 3.0: 2.57, 4.0: 2.01}),
        (4.77, {0: 370}),  # Hawkins 1993
    ],
)
def test_run_lengths_of_a_cusum_are_those_of_the_table(interval, lengths):
    for shift, length in lengths.items():
        sides = [average_run_length(upper_cusum(interval, mean)) for mean in (shift, -shift)]
        assert 1 / (1 / sides[0] + 1 / sides[1]) == pytest.approx(length, rel=0.007)


@pytest.mark.parametrize(
    ("share", "factor", "lengths"),  # Lucas and Saccucci 1990
    [
        (0.40, 3.054, {0: 500, 0.5: 71.2, 1.0: 14.3}),
        (0.20, 2.962, {0: 500, 0.5: 41.8, 1.0: 10.5}),
        (0.10, 2.814, {0: 500, 0.5: 31.3, 1.0: 10.3}),
    ],
)
def test_run_lengths_of_an_ewma_are_those_of_the_table(share, factor, lengths):
    for shift, length in lengths.items():
        found = average_run_length(both_sides_of_ewma(factor, shift, share=share))
        assert found == pytest.approx(length, rel=0.016)


def drawn_cusum_alarms(z, interval):
    """Whether a row of drawn values alarms, by the definition and not by a chain."""
    high = low = np.zeros(len(z))
    met = np.zeros(len(z), bool)
    for value in z.T:
        high, low = np.maximum(0, high + value - 0.5), np.maximum(0, low - value - 0.5)
        met |= np.maximum(high, low) > interval
    return met


@pytest.mark.parametrize("n", [10, 25, 50])
def test_widened_limits_give_as_many_false_alarms_as_known_ones(n):
    random, rows = np.random.default_rng(n), 12_000
    old, new = random.standard_normal((rows, n)), random.standard_normal((rows, 100))
    sigma = np.abs(np.diff(old, axis=1)).mean(axis=1) / constants(2).d2
    z = (new - old.mean(axis=1)[:, None]) / sigma[:, None]
    single = limits.widened(limits.quiet_single, limits.SINGLE, n)
    assert (np.abs(z) > single).any(axis=1).mean() == pytest.approx(0.237, abs=0.02)
    interval = limits.widened(limits.quiet_cusum, limits.CUSUM, n)
    assert drawn_cusum_alarms(z, interval).mean() == pytest.approx(0.185, abs=0.02)
    # without it they are half as many again, or more
    assert (np.abs(z) > 3).any(axis=1).mean() > 0.32
    assert drawn_cusum_alarms(z, 5.0).mean() > 0.32


def test_known_limits_give_the_false_alarms_that_are_stated():
    z = np.random.default_rng(3).standard_normal((12_000, 100))
    assert limits.false_alarms(limits.quiet_single, 3.0) == pytest.approx(1 - 0.9973002**100, abs=1e-6)
    assert drawn_cusum_alarms(z, 5.0).mean() == pytest.approx(limits.false_alarms(limits.quiet_cusum, 5.0), abs=0.01)
    averages, met = np.zeros(len(z)), np.zeros(len(z), bool)
    for value in z.T:
        averages += 0.2 * (value - averages)
        met |= np.abs(averages) > 2.962 * np.sqrt(0.2 / 1.8)
    assert met.mean() == pytest.approx(limits.false_alarms(limits.quiet_ewma, 2.962), abs=0.01)


def test_an_ewma_alarms_after_a_step_and_begins_anew():
    z = np.array([0.0, 0.0, 2.0, 2.0, 2.0, 0.0])
    average, alarm = alarms.ewma(z, 2.962)
    assert average[:5].tolist() == pytest.approx([0, 0, 0.4, 0.72, 0.976])
    assert alarm.tolist() == [False] * 6  # limit 0.9873
    assert alarms.ewma(np.array([6.0, 0.0]), 2.962)[1].tolist() == [True, False]
    assert alarms.ewma(np.array([6.0, 0.0]), 2.962)[0].tolist() == pytest.approx([1.2, 0.0])


@pytest.mark.parametrize(
    ("rule", "values", "met"),  # each begins or ends one value before the rule would be met otherwise
    [
        (1, [3.01, -3.01, 2.99], [0, 1]),
        (2, [0.1] * 9 + [-0.1], [8]),
        (2, [0.1] * 8 + [-0.1] * 8, []),
        (3, [0, 1, 2, 3, 4, 5, 5], [5]),
        (3, [5, 4, 3, 2, 1, 1], []),
        (4, [0, 1] * 7, [13]),
        (4, [0, 1] * 6 + [0, 0], []),
        (5, [2.1, 0, 2.1, 0], [2]),
        (5, [2.1, 0, -2.1], []),
        (6, [1.1, 1.1, 0, 1.1, 1.1], [4]),
        (6, [1.1, 1.1, 0, -1.1, 1.1], []),
        (7, [0.9, -0.9] * 7 + [0.5, 0.2], [14, 15]),
        (8, [1.1, -1.1] * 4, [7]),
        (8, [1.1, -1.1] * 3 + [0.9, 1.1], []),
    ],
)
def test_each_rule_of_nelson_is_met_where_it_says(rule, values, met):
    assert np.flatnonzero(alarms.nelson(np.array(values, float), rule)).tolist() == met


# ------------------------------------------------------------------------------------------------------- capability


def test_intervals_of_indices_are_the_printed_ones():
    # Montgomery, examples of Cp (limits 38 and 62, s = 1.75, n = 20) and Cpk (1.33, n = 20)
    assert np.round(capability.potential_interval(2.29, 19), 2).tolist() == [1.57, 3.01]
    assert np.round(capability.actual_interval(1.33, 20, 19), 2).tolist() == [0.88, 1.78]
    # Quality Digest, May 2000: Cpk 1.15 of 45 parts lies between 0.89 and 1.41
    assert np.round(capability.actual_interval(1.15, 45, 44), 2).tolist() == [0.89, 1.41]


def test_intervals_of_indices_hold_the_true_index_as_often_as_they_say():
    random, held = np.random.default_rng(8), {"Cp": 0, "Cpk": 0, "Pp": 0, "Ppk": 0}
    tries, skewed = 500, 0
    for _ in range(tries):
        found = capability.capability(10 + random.standard_normal(40), 5.0, 14.0)
        skewed += found.shape != "normal"
        truth = {"Cp": 9 / 6, "Cpk": 4 / 3, "Pp": 9 / 6, "Ppk": 4 / 3}
        for index in found.indices:
            held[index.name] += found.shape == "normal" and index.low <= truth[index.name] <= index.high
    assert skewed / tries < 0.02
    for name, count in held.items():
        assert count / (tries - skewed) == pytest.approx(0.95, abs=0.03), name


def test_a_skewed_quantity_is_judged_by_its_percentiles():
    drawn = np.random.default_rng(4).lognormal(0.0, 0.5, 400)
    found = capability.capability(drawn, None, 8.0)
    assert found.shape == "lognormal"
    assert [one.name for one in found.indices] == ["Ppk"]
    truth = (8.0 - 1.0) / (np.exp(0.5 * 3) - 1.0)  # (U - X50) / (X99.865 - X50)
    assert found.indices[0].low < truth < found.indices[0].high
    # the normal formula would say twice as much
    assert (8.0 - drawn.mean()) / (3 * drawn.std(ddof=1)) > 1.6 * truth


def test_what_no_distribution_fits_gets_no_index():
    drawn = 5 - np.random.default_rng(4).lognormal(0.0, 0.7, 200)
    found = capability.capability(drawn, None, 8.0)
    assert (found.shape, found.indices) == ("not stated", ())
    assert capability.capability(drawn, None, None) is None
    assert capability.capability(drawn[:19], None, 8.0) is None


def test_skewness_has_the_p_of_an_independent_program():
    from scipy.stats import skewtest

    drawn = np.random.default_rng(6).gamma(4.0, size=50)
    assert capability.skewness_p(drawn) == pytest.approx(float(skewtest(drawn).pvalue))


# ------------------------------------------------------------------------------------------------------------- steps


def test_a_step_is_found_where_it_was_drawn_with_its_size():
    x = np.random.default_rng(1).standard_normal(60)
    x[20:45] += 3
    found = steps.steps(x)
    assert [one.first <= truth <= one.last for one, truth in zip(found, (20, 45), strict=True)] == [True, True]
    assert abs(found[0].size - 3) < found[0].size_u
    assert abs(found[1].size + 3) < found[1].size_u
    assert (found[0].start, found[0].end, found[1].start, found[1].end) == (0, found[1].at, found[0].at, 60)
    assert max(one.p for one in found) <= 0.01


def test_the_places_of_a_step_hold_the_true_one():
    random, held, tries = np.random.default_rng(2), 0, 150
    for _ in range(tries):
        x = random.standard_normal(40)
        x[15:] += 2
        held += any(one.first <= 15 <= one.last for one in steps.steps(x))
    assert held / tries > 0.9


def test_steady_values_have_no_step_and_few_values_none_either():
    random = np.random.default_rng(5)
    assert sum(bool(steps.steps(random.standard_normal(40))) for _ in range(100)) <= 3
    assert steps.steps([1.0, 2.0, 9.0, 9.5, 9.2]) == ()
    assert steps.steps([7.0] * 30) == ()


def step_at(at=10, n=20, slack=1):
    return steps.Step(
        at=at, first=at - slack, last=at + slack, start=0, end=n, before=0, after=1, size=1, size_u=0.2, p=0.001
    )


def prints(**columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_a_change_of_the_fingerprint_within_the_places_of_a_step_is_its_cause():
    own = prints(weights=["a"] * 11 + ["b"] * 9, software=["1"] * 20)
    found = steps.cause(step_at(), own)
    assert found.kind == "method"
    assert [(one.column, one.before, one.after, one.at, one.share) for one in found.changes] == [
        ("weights", "a", "b", 11, 1.0)
    ]
    assert steps.cause(step_at(slack=0), prints(weights=["a"] * 16 + ["b"] * 4)).kind == "process"


def test_operators_who_take_turns_do_not_explain_a_step():
    assert steps.cause(step_at(), prints(operator=["ann", "ben"] * 10)).kind == "process"
    # one who was there once, right after the step
    assert steps.cause(step_at(), prints(operator=["ann"] * 10 + ["ben"] + ["ann"] * 9)).kind == "process"


def test_what_is_not_known_of_the_method_is_not_called_the_process():
    assert steps.cause(step_at(), [None] * 10 + prints(weights=["a"] * 10)).kind == "not stated"
