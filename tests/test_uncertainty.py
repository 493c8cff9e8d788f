import numpy as np
import pytest
from GTC import reporting, type_b, ureal
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from inspect_tool.model import Component, Result
from inspect_tool.statistics.uncertainty import (
    combined,
    coverage_factor,
    dominant,
    effective_dof,
    evaluated,
    expanded,
    half_range,
    mid_interval,
    proportion_interval,
)

lines = st.builds(
    lambda name, u, dof: Component(name=name, u=u, kind="A" if dof else "B", dof=dof),
    st.sampled_from(["between fields", "scale", "segmentation"]),
    st.floats(1e-3, 1e3),
    st.one_of(st.none(), st.integers(2, 60).map(float)),
)
budgets = st.lists(lines, min_size=1, max_size=6)


@given(budgets)
def test_a_budget_agrees_with_the_gtc_package(budget):
    # independent reference: GTC propagates the same independent inputs
    total = sum(ureal(0.0, line.u, line.dof if line.dof is not None else float("inf")) for line in budget)
    assert combined(budget) == pytest.approx(total.u, rel=1e-9)
    if all(line.dof is None for line in budget):
        assert effective_dof(budget) is None
        assert total.df > 1e9


@given(lines)
def test_the_factor_of_a_single_line_is_that_of_gtc(line):
    total = ureal(0.0, line.u, line.dof if line.dof is not None else float("inf"))
    assert expanded([line]) / line.u == pytest.approx(reporting.k_factor(total.df), rel=1e-4)
    dof = effective_dof([line])
    assert dof is None if line.dof is None else dof == pytest.approx(line.dof)


@given(budgets)
def test_u_and_the_degrees_of_freedom_alone_give_back_the_expanded_uncertainty(budget):
    assert coverage_factor(effective_dof(budget)) * combined(budget) == pytest.approx(expanded(budget), rel=1e-7)


@pytest.mark.parametrize("dof", [1, 2, 4, 9])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.95])
def test_the_interval_covers_the_truth_whatever_the_weights(dof, share):
    """A line that is estimated from few fields beside one that is known: at least 95 %, and not much more."""
    random, draws = np.random.default_rng(1), 40_000
    error = random.standard_normal(draws)  # of both together; ``share`` of its variance is known
    scatter = np.sqrt((1 - share) * random.chisquare(dof, draws) / dof)
    grid = np.linspace(0.0, scatter.max(), 400)
    half = [
        expanded([Component(name="fields", u=u, kind="A", dof=dof), Component(name="b", u=share**0.5, kind="B")])
        for u in grid
    ]
    found = np.mean(np.abs(error) <= np.interp(scatter, grid, half))
    assert 0.95 - 3 * (0.95 * 0.05 / draws) ** 0.5 <= found <= 0.99


def test_a_rectangular_range_agrees_with_gtc():
    assert half_range([3.0, 5.0, 4.2]) == pytest.approx(type_b.uniform(1.0))


@pytest.mark.parametrize(("n", "t"), [(3, 4.303), (4, 3.182), (5, 2.776), (10, 2.262), (20, 2.093), (30, 2.045)])
def test_student_factors_of_the_standards(n, t):
    # table of t(0.975, n - 1) that ASTM E112 and E562 print
    assert coverage_factor(n - 1) == pytest.approx(t, abs=5e-4)


@given(budgets, lines)
def test_a_wider_budget_never_lowers_u(budget, line):
    assert combined([*budget, line]) >= combined(budget)
    assert expanded([*budget, line]) >= expanded(budget)


def test_the_dominant_line_is_the_largest():
    small, large = Component(name="scale", u=0.1, kind="B"), Component(name="fields", u=0.4, kind="A", dof=4)
    assert dominant([small, large]) is large
    assert dominant([]) is None


def test_a_result_without_a_budget_keeps_no_interval():
    result = Result(quantity="q", specimen="1", value=3.0, unit="%", n=1, clause="", definition="q/1")
    assert evaluated(result) == result
    assert evaluated(result).interval is None


def test_mid_p_limits_of_a_share_hold_as_often_as_they_say_on_average_and_exact_ones_more_often():
    trials, shares = 30, np.linspace(0.3, 0.92, 32)
    chance = binom.pmf(np.arange(trials + 1)[:, None], trials, shares)

    def held(interval):
        low, high = np.array([interval(hits, trials) for hits in range(trials + 1)]).T[:, :, None]
        return float((chance * ((low <= shares) & (shares <= high))).sum(axis=0).mean())

    assert held(mid_interval) == pytest.approx(0.95, abs=0.01)
    assert held(proportion_interval) > 0.965
