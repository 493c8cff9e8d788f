import numpy as np
import pytest
from scipy import stats

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.formulas.astm_e2283 import Gumbel, fit, half_width, largest_in


def test_the_fit_is_that_of_scipy():
    # independent implementation of the same maximum likelihood
    for seed in range(5):
        values = np.random.default_rng(seed).gumbel(20.0, 4.0, 24)
        location, scale = stats.gumbel_r.fit(values)
        found = fit(values)
        assert found.location == pytest.approx(location, rel=1e-4)
        assert found.scale == pytest.approx(scale, rel=1e-4)


def test_the_expected_largest_is_the_quantile_of_the_return_period():
    value, _ = largest_in(Gumbel(location=20.0, scale=4.0, n=24), 1000.0)
    assert value == pytest.approx(stats.gumbel_r.ppf(1 - 1 / 1000, 20.0, 4.0))


def test_the_standard_error_is_the_scatter_of_fits():
    random = np.random.default_rng(1)
    true = largest_in(Gumbel(location=20.0, scale=4.0, n=40), 200.0)
    found = [largest_in(fit(random.gumbel(20.0, 4.0, 40)), 200.0)[0] for _ in range(400)]
    assert np.std(found) == pytest.approx(true[1], rel=0.12)


@pytest.mark.parametrize("areas", [20.0, 1e5])
@pytest.mark.parametrize("n", [12, 24, 60])
def test_the_half_width_holds_the_true_value_in_95_percent_of_the_samples(n, areas):
    random = np.random.default_rng(7)
    true = stats.gumbel_r.ppf(1 - 1 / areas, 20.0, 4.0)
    unit = half_width(Gumbel(location=0.0, scale=1.0, n=n), areas)
    held = []
    for _ in range(1200):
        found = fit(random.gumbel(20.0, 4.0, n))
        held.append(abs(largest_in(found, areas)[0] - true) <= found.scale * unit)
    assert np.mean(held) == pytest.approx(0.95, abs=0.018)  # 2.9 standard errors


def test_the_half_width_is_in_the_unit_of_the_pores_and_that_of_the_standard_error_for_many_fields():
    found = Gumbel(location=5.0, scale=1.0, n=30)
    assert half_width(Gumbel(location=50.0, scale=10.0, n=30), 100.0) == pytest.approx(10 * half_width(found, 100.0))
    for n in (200, 201):
        many = Gumbel(location=5.0, scale=1.0, n=n)
        assert half_width(many, 100.0) == pytest.approx(1.96 * largest_in(many, 100.0)[1], rel=0.06)


@pytest.mark.parametrize("values", [[3.0, 4.0], [5.0, 5.0, 5.0, 5.0]])
def test_too_few_or_equal_maxima_have_no_distribution(values):
    with pytest.raises(MeasurementError, match="3 or more that differ"):
        fit(values)


def test_an_area_smaller_than_a_field_is_refused():
    with pytest.raises(MeasurementError, match="must be larger than a field"):
        largest_in(Gumbel(location=20.0, scale=4.0, n=24), 0.5)
