"""Grain size number after ASTM E1382, for image analysis machines; constants from the standards file.

The logarithmic forms carry rounded constants of their own, within 0.01 of the exact forms of
E112. A report never mixes the two.
"""

from math import log10

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant


def g_from_mean_intercept(mean_intercept_um: float, standard: Standard) -> float:
    """Grain size number from the mean intercept. [um]

    >>> from inspect_tool.standards.editions import load_standard
    >>> round(g_from_mean_intercept(20.0, load_standard("astm_e1382_1997")), 3)
    7.993
    """
    return _g(mean_intercept_um / 1e3, "intercept", standard)


def g_from_mean_area(mean_area_um2: float, standard: Standard) -> float:
    """Grain size number from the mean grain area. [um2]"""
    return _g(mean_area_um2 / 1e6, "area", standard)


def g_from_grains_per_mm2(grains_per_mm2: float, standard: Standard) -> float:
    """Grain size number from the number of grains per area. [1/mm2]"""
    return g_from_mean_area(1e6 / grains_per_mm2, standard)


def g_from_intercepts_per_mm(intercepts_per_mm: float, standard: Standard) -> float:
    """Grain size number from intercepts per length of test line. [1/mm]"""
    return g_from_mean_intercept(1e3 / intercepts_per_mm, standard)


def intercept_from_boundary_length_um(boundary_mm_per_mm2: float) -> float:
    """Mean intercept [um] from the length of boundary per area, P_L = (2/pi) L_A.

    >>> round(intercept_from_boundary_length_um(50.0), 3)
    31.416
    """
    return 1e3 * 3.141592653589793 / (2.0 * boundary_mm_per_mm2)


def _g(value_mm: float, form: str, standard: Standard) -> float:
    if not value_mm > 0:
        msg = f"grain size: mean {form} must be > 0, got {value_mm:g} mm"
        raise MeasurementError(msg)
    slope = constant(standard, f"{form}_slope").value
    return slope * log10(value_mm) + constant(standard, f"{form}_constant").value
