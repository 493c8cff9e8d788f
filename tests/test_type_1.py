"""Type-1 study: against scipy's t test and the definitions of Cg and Cgk."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas.type_1 import capability

STANDARD = load_standard("type_1_study_2026")
VALUES = [10.02, 10.0, 10.03, 9.99, 10.05, 10.01, 10.02, 9.98, 10.04, 10.0]


def test_the_bias_is_tested_as_a_t_test_does():
    found = capability(VALUES, 10.0, 0.5, STANDARD)
    other = ttest_1samp(VALUES, 10.0)
    interval = other.confidence_interval(0.95)
    assert (found.t, found.p) == pytest.approx((other.statistic, other.pvalue))
    assert (found.bias_low, found.bias_high) == pytest.approx((interval.low - 10, interval.high - 10))


def test_indices_follow_their_definitions():
    found = capability(VALUES, 10.0, 0.5, STANDARD)
    s = np.std(VALUES, ddof=1)
    assert found.cg == pytest.approx(0.2 * 0.5 / (6 * s))
    assert found.cgk == pytest.approx((0.1 * 0.5 - abs(np.mean(VALUES) - 10)) / (3 * s))


@given(st.floats(-3, 3))
def test_a_bias_never_raises_the_index_and_none_leaves_both_equal(reference):
    found = capability(VALUES, reference, 0.5, STANDARD)
    assert found.cgk <= found.cg
    centered = capability(VALUES, float(np.mean(VALUES)), 0.5, STANDARD)
    assert centered.cgk == pytest.approx(centered.cg)


@pytest.mark.parametrize(
    ("values", "tolerance", "message"),
    [
        ([1.0], 1.0, "1 value; at least 2"),
        ([1.0, float("nan")], 1.0, "finite numbers"),
        ([1.0, 1.0, 1.0], 1.0, "agree to the last digit"),
        ([0.0, 1e-200], 1.0, "agree to the last digit"),
        ([1.0, 1.1], 0.0, "tolerance: got 0"),
    ],
)
def test_what_cannot_be_judged_is_refused(values, tolerance, message):
    with pytest.raises(MeasurementError, match=message):
        capability(values, 1.0, tolerance, STANDARD)
