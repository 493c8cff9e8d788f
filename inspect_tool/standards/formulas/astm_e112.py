"""Grain size number and counting rules of ASTM E112; numbers in, numbers out.

Every function that turns a measurement into G reads the two definitions from the standards file:
the mean intercept of G = 0 and the density of G = 1 at the reference magnification. The same
functions therefore serve every edition, and every standard that only differs in those numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, prod
from typing import Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant
from inspect_tool.statistics.fields import field_statistics
from inspect_tool.units import convert

CircleRule = Literal["edition", "minus_one"]


def g_from_mean_intercept(mean_intercept_um: float, standard: Standard) -> float:
    """Grain size number from the mean lineal intercept.

    Parameters
    ----------
    mean_intercept_um : float
        Mean length of a test line inside one grain. [um]

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> g_from_mean_intercept(20.0, load_standard("astm_e112_2013"))
    8.0

    References
    ----------
    ASTM E112-13, lineal intercept procedure; exact form G = -2 log2(l / 0.32 mm).
    """
    _positive(mean_intercept_um, "mean intercept", "um")
    g0 = constant(standard, "intercept_g0")
    return -2.0 * log2(mean_intercept_um / convert(g0.value, g0.unit, "um"))


def mean_intercept_um(g: float, standard: Standard) -> float:
    """Mean lineal intercept [um] of a grain size number; the inverse of ``g_from_mean_intercept``."""
    g0 = constant(standard, "intercept_g0")
    return float(convert(g0.value, g0.unit, "um") * 2.0 ** (-g / 2.0))


def g_from_intercepts_per_mm(intercepts_per_mm: float, standard: Standard) -> float:
    """Grain size number from the number of intercepts per length of test line, N_L. [1/mm]

    >>> from inspect_tool.standards.editions import load_standard
    >>> round(g_from_intercepts_per_mm(50.0, load_standard("astm_e112_2013")), 9)
    8.0
    """
    _positive(intercepts_per_mm, "intercepts per length", "1/mm")
    return g_from_mean_intercept(1000.0 / intercepts_per_mm, standard)


def g_from_grains_per_mm2(grains_per_mm2: float, standard: Standard) -> float:
    """Grain size number from the number of grains per area, N_A. [1/mm2]

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> round(g_from_grains_per_mm2(1984.0, load_standard("astm_e112_2013")), 3)
    8.0

    References
    ----------
    ASTM E112-13, planimetric procedure: 2^(G-1) grains per square inch at 100x.
    """
    _positive(grains_per_mm2, "grains per area", "1/mm2")
    return 1.0 + log2(grains_per_mm2 / _grains_per_mm2_at_g1(standard))


def grains_per_mm2(g: float, standard: Standard) -> float:
    """Grains per area [1/mm2] of a grain size number; the inverse of ``g_from_grains_per_mm2``."""
    return float(_grains_per_mm2_at_g1(standard) * 2.0 ** (g - 1.0))


def g_from_mean_area(mean_area_um2: float, standard: Standard) -> float:
    """Grain size number from the mean area of a grain section. [um2]

    >>> from inspect_tool.standards.editions import load_standard
    >>> round(g_from_mean_area(500.0, load_standard("astm_e112_2013")), 6)
    8.011585
    """
    _positive(mean_area_um2, "mean grain area", "um2")
    return g_from_grains_per_mm2(1e6 / mean_area_um2, standard)


def g_from_grains_per_in2(grains: float, magnification: float, standard: Standard) -> float:
    """Grain size number from grains per square inch of a picture at a magnification."""
    return g_from_grains_per_mm2(convert(grains, "1/in2", "1/mm2") * magnification**2, standard)


def jeffries_multiplier(magnification: float, standard: Standard) -> float:
    """Factor f that turns a count inside the 5000 mm2 test figure into grains per mm2.

    A calibrated image does not need it: N_A is the count over the true area.
    """
    area = constant(standard, "jeffries_area")
    return magnification**2 / convert(area.value, area.unit, "mm2")


def grains_in_circle(inside: float, intercepted: float, rule: CircleRule = "edition") -> float:
    """Equivalent number of grains in a circular test figure (Jeffries).

    Parameters
    ----------
    inside, intercepted : float
        Grains completely inside the circle, and grains cut by it.
    rule : "edition" or "minus_one"
        ``edition`` counts cut grains one half; that count is one grain too high on average
        whatever the size of the circle. ``minus_one`` takes that grain off.

    References
    ----------
    ASTM E112-13, planimetric procedure; Li and Zhou, Journal of ASTM International 8(5), 2011, JAI103476.

    Examples
    --------
    >>> grains_in_circle(60, 32), grains_in_circle(60, 32, "minus_one")
    (76.0, 75.0)
    """
    return inside + 0.5 * intercepted - (1.0 if rule == "minus_one" else 0.0)


def grains_in_rectangle(inside: float, on_sides: float, in_corners: float = 4.0) -> float:
    """Equivalent number of grains in a rectangular test figure (Saltykov).

    Parameters
    ----------
    inside : float
        Grains completely inside the rectangle.
    on_sides : float
        Grains cut by a side; the grains in the corners are not among them.
    in_corners : float
        Corners that lie in a grain; each counts one quarter, four of them one grain.

    Examples
    --------
    >>> grains_in_rectangle(60, 32)
    77.0
    """
    return inside + 0.5 * on_sides + 0.25 * in_corners


def geometric_mean(values: Sequence[float]) -> float:
    """Mean of N_A, N_L or of the mean intercept over planes or directions: cube root of the product of three.

    References
    ----------
    ASTM E112-13, specimens with non-equiaxed grain shapes.

    Examples
    --------
    >>> round(geometric_mean([24, 36, 36]), 6)
    31.448897
    """
    return float(prod(values) ** (1.0 / len(values)))


def anisotropy_index(across_per_mm: float, along_per_mm: float) -> float:
    """Intercepts per length across the deformation axis (90 deg) over those along it (0 deg).

    >>> anisotropy_index(36, 24)
    1.5
    """
    return across_per_mm / along_per_mm


def matrix_mean_intercept_um(matrix_fraction: float, length_um: float, matrix_grains: float) -> float:
    """Mean intercept of the matrix grains of a two-phase structure.

    Parameters
    ----------
    matrix_fraction : float
        Volume fraction of the matrix. [1]
    length_um : float
        Total length of the test lines, in both phases. [um]
    matrix_grains : float
        Matrix grains intercepted.
    """
    _positive(matrix_grains, "matrix grains intercepted", "counts")
    return matrix_fraction * length_um / matrix_grains


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPattern:
    """Grain size from counts of one test pattern on several fields."""

    n_l_mean_per_mm: float
    s: float
    ci95: float
    ra_percent: float
    mean_intercept_um: float
    g: float
    g_low: float
    g_high: float


def g_from_counts(
    counts: Sequence[float], length_mm: float, magnification: float, standard: Standard
) -> CountedPattern:
    """Evaluate counts of one test pattern on at least two fields, the way the standard does.

    Parameters
    ----------
    counts : sequence of float
        Intercepts or intersections per placement, one number per field.
    length_mm : float
        Length of the pattern on the picture. [mm]
    magnification : float
        Magnification of the picture. [x]

    Returns
    -------
    CountedPattern
        G of the mean count, and G at both ends of its 95 % confidence interval.
    """
    found = field_statistics([count * magnification / length_mm for count in counts])
    if found.s is None or found.ci95 is None or found.ra_percent is None:
        msg = f"grain size: {len(counts)} field(s) counted; a confidence interval needs at least two"
        raise MeasurementError(msg)
    return CountedPattern(
        n_l_mean_per_mm=found.mean,
        s=found.s,
        ci95=found.ci95,
        ra_percent=found.ra_percent,
        mean_intercept_um=1000.0 / found.mean,
        g=g_from_intercepts_per_mm(found.mean, standard),
        g_low=g_from_intercepts_per_mm(found.mean - found.ci95, standard),
        g_high=g_from_intercepts_per_mm(found.mean + found.ci95, standard),
    )


def g_of_lot(mean_intercepts_um: Sequence[float], standard: Standard) -> float:
    """Grain size number of a lot: from the mean of the measurements, never the mean of the numbers."""
    return g_from_mean_intercept(sum(mean_intercepts_um) / len(mean_intercepts_um), standard)


def g_error_of_scale(relative_scale_error: float) -> float:
    """Shift of G when every length is wrong by a relative amount. [1]

    >>> round(g_error_of_scale(0.05), 4)
    0.1408
    """
    return 2.0 * log2(1.0 + relative_scale_error)


def _grains_per_mm2_at_g1(standard: Standard) -> float:
    density = constant(standard, "density_g1")
    magnification = constant(standard, "reference_magnification").value
    return convert(density.value, density.unit, "1/mm2") * magnification**2


def _positive(value: float, name: str, unit: str) -> None:
    if not value > 0:
        msg = f"grain size: {name} must be > 0 {unit}, got {value:g}: no grain boundary was counted"
        raise MeasurementError(msg)
