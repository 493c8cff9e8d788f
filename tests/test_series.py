"""The scatter of the mean of a series of neighbors that are alike."""

import numpy as np
import pytest

from inspect_tool.statistics.series import series_scatter
from inspect_tool.statistics.uncertainty import coverage_factor


def alike(rng: np.random.Generator, length: float, n: int = 200) -> tuple[np.ndarray, float]:
    """A Gaussian series with an exponential correlation, and the exact standard deviation of its mean."""
    apart = np.abs(np.arange(n)[:, None] - np.arange(n))
    covariance = np.exp(-apart / length)
    return np.linalg.cholesky(covariance) @ rng.standard_normal(n), float(np.sqrt(covariance.mean()))


def test_a_constant_series_does_not_scatter():
    found = series_scatter(np.full(50, 12.5))
    assert found is not None
    assert found.u == 0


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 4.0]])
def test_of_three_values_and_fewer_nothing_is_said(values):
    assert series_scatter(np.asarray(values)) is None


@pytest.mark.parametrize("length", [0.3, 4.0, 20.0, 60.0])
def test_intervals_of_the_mean_hold_it_in_about_95_percent(length):
    """Of 200 series; the exact scatter of the mean is known from the covariance that they are drawn with."""
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(200):
        values, _ = alike(rng, length)
        found = series_scatter(values)
        inside += abs(values.mean()) <= coverage_factor(found.dof) * found.u
    assert 184 <= inside <= 200  # 92 %: of 95 % of 200 fewer come in 1 of 30


def test_neighbors_that_are_alike_tell_less_than_as_many_independent_values():
    rng = np.random.default_rng(6)
    found, exact = [], []
    for _ in range(60):
        values, u = alike(rng, 8.0)
        found.append(series_scatter(values).u ** 2)
        exact.append(u**2)
    assert np.mean(exact) > 10 / 200  # sixteen times the 1/200 of independent values, in the limit
    assert (
        0.8 * np.mean(exact) < np.mean(found) < 2.5 * np.mean(exact)
    )  # it errs to the wide side, as ranges are not known


def test_the_unit_of_the_values_is_that_of_the_scatter():
    values = np.random.default_rng(7).normal(size=100).cumsum()
    one, thousand = series_scatter(values), series_scatter(1000 * values + 5)
    assert thousand.u == pytest.approx(1000 * one.u)
    assert thousand.dof == pytest.approx(one.dof)
