"""ASTM E1245 formulas: a case from the definitions, relations that must hold, and refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.formulas import astm_e1245


def test_the_basic_case():
    # A_A 0.012, N_A 150 /mm2, N_L 2.5 /mm: from the definitions
    assert astm_e1245.mean_area_um2(0.012, 150.0) == pytest.approx(80.0, abs=1e-6)
    assert astm_e1245.mean_free_path_um(0.012, 2.5) == pytest.approx(395.2, abs=1e-6)


@given(st.floats(0, 1), st.floats(1e-3, 1e4))
def test_path_and_intercept_make_the_spacing(area_fraction, intercepts):
    path = astm_e1245.mean_free_path_um(area_fraction, intercepts)
    inside = astm_e1245.mean_intercept_um(area_fraction, intercepts)
    assert path + inside == pytest.approx(astm_e1245.mean_spacing_um(intercepts))


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: astm_e1245.mean_area_um2(0.1, 0.0), "no feature found"),
        (lambda: astm_e1245.mean_free_path_um(0.1, 0.0), "no feature crossed"),
        (lambda: astm_e1245.mean_spacing_um(-1.0), "no feature crossed"),
        (lambda: astm_e1245.mean_intercept_um(1.2, 3.0), "area fraction must be 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(call, match):
    with pytest.raises(MeasurementError, match=match):
        call()
