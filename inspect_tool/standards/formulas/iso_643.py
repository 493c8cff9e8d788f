"""Grain size index of ISO 643 and of the standards that share its definition (JIS G0551, GOST 5639, DIN 50601).

The index is defined by 16 grains per mm2 at 1x for G = 1; it is 0.0458 below the number of ASTM E112
for the same structure. The definitions are read from the standards file, the formula is that of E112.
"""

from math import log2

from inspect_tool.model import Standard
from inspect_tool.standards.formulas import astm_e112

g_from_mean_intercept = astm_e112.g_from_mean_intercept
g_from_mean_area = astm_e112.g_from_mean_area
g_from_intercepts_per_mm = astm_e112.g_from_intercepts_per_mm


def g_from_grains_per_mm2(grains_per_mm2: float, standard: Standard) -> float:
    """Grain size index from the number of grains per mm2, G = log2(m) - 3.

    >>> from inspect_tool.standards.editions import load_standard
    >>> g_from_grains_per_mm2(16.0, load_standard("iso_643_2019"))
    1.0
    """
    return astm_e112.g_from_grains_per_mm2(grains_per_mm2, standard)


def astm_minus_iso(grains_per_mm2: float, astm: Standard, iso: Standard) -> float:
    """Difference between the number of ASTM E112 and the index of ISO 643 of one structure.

    >>> from inspect_tool.standards.editions import load_standard
    >>> round(astm_minus_iso(1984.0, load_standard("astm_e112_2013"), load_standard("iso_643_2019")), 4)
    0.0458
    """
    return astm_e112.g_from_grains_per_mm2(grains_per_mm2, astm) - g_from_grains_per_mm2(grains_per_mm2, iso)


def jis_ferrite_grains(along_per_mm: float, across_per_mm: float) -> float:
    """Grains per 25 mm x 25 mm at 100x from intercepts in two directions (JIS G0551, ferrite intercept annex).

    n = 500 (I1 I2) / (L1 L2) with lengths on the picture at 100x; 500 holds the shape factor 0.8 of 625.

    Parameters
    ----------
    along_per_mm, across_per_mm : float
        Intercepts per mm of specimen in the two directions. [1/mm]

    Examples
    --------
    >>> jis_ferrite_grains(7.0, 7.0)
    2.45
    """
    return 500.0 * along_per_mm * across_per_mm / 100.0**2


def g_from_jis_ferrite(along_per_mm: float, across_per_mm: float) -> float:
    """Grain size index of JIS G0551 from ferrite intercepts in two directions. [1/mm]"""
    return log2(jis_ferrite_grains(along_per_mm, across_per_mm)) + 1.0
